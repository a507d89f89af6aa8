/*!
What waits for consent, and the decision.
*/

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::IntoResponse;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::incidents::json_of;
use crate::app::App;
use crate::auth::Principal;
use crate::http::{Id, Json, Problem};

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Approvals")]
pub(crate) struct Open {
    approvals: Vec<Waiting>,
}

/// A call that an investigation wants to make.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Approval")]
struct Waiting {
    id: String,
    incident_id: String,
    tool: String,
    arguments: serde_json::Value,
    asked_at: String,
}

pub(crate) async fn list(State(app): State<Arc<App>>) -> Result<impl IntoResponse, Problem> {
    let open = app.store.open_approvals(None).await?;
    let approvals = open
        .into_iter()
        .map(|open| Waiting {
            id: open.id,
            incident_id: open.incident_id,
            tool: open.tool,
            arguments: open.arguments,
            asked_at: open.asked_at,
        })
        .collect();
    Ok(json_of(&Open { approvals }))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Decision")]
pub(crate) struct Deciding {
    decision: Word,
    /// Why; kept in the audit log.
    #[serde(default)]
    #[schemars(length(max = 4000))]
    note: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ApproveOrDeny")]
enum Word {
    Approve,
    Deny,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Decided {
    id: String,
    incident_id: String,
    decision: Word,
}

pub(crate) async fn decide(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    Id(id): Id,
    Json(deciding): Json<Deciding>,
) -> Result<impl IntoResponse, Problem> {
    super::messages::fits(&deciding.note)?;
    let approve = deciding.decision == Word::Approve;
    let incident_id = decide_by(&app, &principal, &id, approve, &deciding.note).await?;
    Ok(json_of(&Decided { id, incident_id, decision: deciding.decision }))
}

/// Decides, whichever door that came by; answers the incident.
pub(crate) async fn decide_by(
    app: &App,
    principal: &Principal,
    id: &str,
    approve: bool,
    note: &str,
) -> Result<String, Problem> {
    let note = app.settings.redactor.for_run().redact(note).text;
    let decided = app.store.decide(id, approve, principal.because(&note)).await?;
    let decided = decided.ok_or_else(|| Problem::conflict("this was decided already"))?;
    app.stored(&decided.incident_id);
    app.work.notify_one();
    Ok(decided.incident_id)
}
