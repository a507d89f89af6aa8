/*!
The history of a code unit, of lines or of a file.
*/

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::IntoResponse;
use millwright_model::RepositoryName;
use millwright_usecases::CodeHistory;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::app::ServiceState;
use crate::auth::Principal;
use crate::code_questions;
use crate::http::{Problem, UrlQuery, json_of};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "HistoryQuery")]
pub(crate) struct HistoryQuery {
    /// `PATH::NAME` (a function, method or type), `PATH:10-20` (lines) or `PATH`.
    #[schemars(length(min = 1, max = 1000))]
    of: String,
    /// A configured repository; may be left out when there is one.
    repository: Option<String>,
    /// The revision that the history leads to; the deployed branch by default.
    #[schemars(length(min = 1, max = 1000))]
    at: Option<String>,
    /// Commits to leave out at the newest end.
    #[schemars(range(min = 0, max = 1_000_000))]
    offset: Option<u32>,
    /// 20 by default.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u32>,
}

/// The history in one repository.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RepositoryHistory {
    repository: RepositoryName,
    #[serde(flatten)]
    history: CodeHistory,
}

pub(crate) async fn show(
    State(app): State<Arc<ServiceState>>,
    Extension(principal): Extension<Principal>,
    UrlQuery(asked): UrlQuery<HistoryQuery>,
) -> Result<impl IntoResponse, Problem> {
    let HistoryQuery { of, repository, at, offset, limit } = asked;
    let repository = code_questions::repository_of(&app, &principal, repository.as_deref())?;
    let (offset, limit) = (offset.unwrap_or(0), limit.unwrap_or(20));
    let history = code_questions::history(&app, repository, of, at, offset, limit).await?;
    Ok(json_of(&RepositoryHistory { repository: repository.name.clone(), history }))
}
