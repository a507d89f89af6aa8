/*!
What monitoring systems ask: whether the process is alive, whether it can take requests, and its metrics.
*/

use crate::auth::Principal;
use crate::http::{Problem, json_of};
use millwright_store::StoreError;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

use crate::app::ServiceState;
use crate::degraded::DegradedPart;

/// A store that takes longer to answer is away.
const STORE_PATIENCE: Duration = Duration::from_secs(3);

/// Whether requests can be taken, and what does not work.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ReadinessReport {
    ready: bool,
    degraded: Vec<DegradedPart>,
}

pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

pub(crate) async fn readyz(State(app): State<Arc<ServiceState>>) -> Response {
    let mut degraded = app.degraded.list();
    let asked = tokio::time::timeout(STORE_PATIENCE, app.own_store.count_incidents()).await;
    let missing = match asked {
        _ if app.is_ending() => Some(("process", "it is shutting down")),
        Ok(Ok(_)) => None,
        Ok(Err(error)) => {
            tracing::error!(event = "store.failed", %error, "the store does not answer");
            Some(("store", "it does not answer; the log says why"))
        }
        Err(_) => {
            tracing::error!(seconds = STORE_PATIENCE.as_secs(), "the store does not answer in time");
            Some(("store", "it does not answer in time"))
        }
    };
    if let Some((part, why)) = missing {
        degraded.insert(0, DegradedPart { part: part.to_owned(), why: why.to_owned() });
    }
    let status = if missing.is_none() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, json_of(&ReadinessReport { ready: missing.is_none(), degraded })).into_response()
}

/// Figures of the whole installation; on the listener of its own nobody is asked who they are.
pub(crate) async fn metrics(
    State(app): State<Arc<ServiceState>>,
    principal: Option<Extension<Principal>>,
) -> Result<impl IntoResponse, Problem> {
    if principal.is_some_and(|principal| !principal.scope().sees_installation()) {
        return Err(StoreError::OutsideScope.into());
    }
    let text = app.metrics.render(&app.own_store, app.degraded.list().len()).await;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text))
}
