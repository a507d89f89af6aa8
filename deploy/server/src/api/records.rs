/*!
Records deployments, searches memory and reads the audit log.
*/

use millwright_model::{IncidentId, RepositoryId, ResolutionId, Timestamp};
use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use millwright_model::Deployment;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::incidents::id_or_blank_schema;
use crate::app::ServiceState;
use crate::auth::Principal;
use crate::http::{CallerStore, JsonBody, Problem, UrlQuery, json_of};

/// Without control characters.
const NO_CONTROL: &str = r"^[^\x00-\x1f\x7f-\x9f]*$";

/// A revision of a service that was deployed to an environment at a time.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Deployment")]
pub(crate) struct DeploymentRequest {
    #[schemars(length(min = 1, max = 200), regex(pattern = NO_CONTROL))]
    service: String,
    /// A tag or a commit of its repository.
    #[schemars(length(min = 1, max = 200), regex(pattern = NO_CONTROL))]
    revision: String,
    #[schemars(length(min = 1, max = 200), regex(pattern = NO_CONTROL))]
    environment: String,
    /// RFC 3339, at most a day in the future; the default is the current time.
    #[schemars(extend("format" = "date-time"))]
    at: Option<String>,
}

pub(crate) async fn deploy(
    State(app): State<Arc<ServiceState>>,
    Extension(principal): Extension<Principal>,
    JsonBody(deployed): JsonBody<DeploymentRequest>,
) -> Result<impl IntoResponse, Problem> {
    let DeploymentRequest { service, revision, environment, at } = deployed;
    let at = match at {
        None => millwright_store::now(),
        Some(at) => Timestamp::parse(&at).map_err(|_| {
            Problem::unprocessable(
                "at must be a time as in 2026-11-24T10:00:00Z; leave it out for the current time",
            )
        })?,
    };
    let deployment = Deployment { service, environment, revision, at };
    app.settings.locations().require_service(&principal.repositories, &deployment.service)?;
    app.use_cases_on(app.own_store.clone()).record_deployment(&principal.name, &deployment).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SearchQuery")]
pub(crate) struct MemorySearchQuery {
    /// Words.
    #[schemars(length(min = 1, max = 2000), regex(pattern = r"[^\s\x85]"))]
    q: String,
    /// 20 by default.
    #[schemars(range(min = 1, max = 100))]
    limit: Option<u32>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "MemoryPage")]
pub(crate) struct MemorySearchPage {
    items: Vec<MemorySearchHit>,
}

/// A remembered incident.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "MemoryItem")]
struct MemorySearchHit {
    incident_id: IncidentId,
    title: String,
    created_at: Timestamp,
    service: Option<String>,
    repository: Option<RepositoryId>,
    /// 0 to 1, relative to the best match.
    score: Option<f64>,
    /// Most trusted first.
    resolutions: Vec<ResolutionView>,
    /// Hypotheses that were refuted.
    refuted: u32,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Resolution")]
struct ResolutionView {
    id: ResolutionId,
    statement: String,
    culprit: Option<String>,
    proof: serde_json::Value,
    approval: serde_json::Value,
    outcome: serde_json::Value,
}

pub(crate) async fn search(
    CallerStore(store): CallerStore,
    UrlQuery(asked): UrlQuery<MemorySearchQuery>,
) -> Result<impl IntoResponse, Problem> {
    let limit = asked.limit.unwrap_or(20);
    if asked.q.trim().is_empty() || asked.q.chars().count() > 2_000 || !(1..=100).contains(&limit) {
        return Err(Problem::bad_request("q must be 1 to 2000 characters, and limit 1 to 100"));
    }
    let word = |value: Result<serde_json::Value, _>| value.unwrap_or(serde_json::Value::Null);
    let items = store.search_memory(&asked.q, limit).await?.into_iter();
    let items = items.map(|item| MemorySearchHit {
        resolutions: item
            .resolutions
            .iter()
            .take(10)
            .map(|known| ResolutionView {
                id: known.id.clone(),
                statement: known.statement.clone(),
                culprit: known.culprit.clone(),
                proof: word(serde_json::to_value(known.proof)),
                approval: word(serde_json::to_value(known.approval)),
                outcome: word(serde_json::to_value(known.outcome)),
            })
            .collect(),
        incident_id: item.incident_id,
        title: item.title,
        created_at: item.created_at,
        service: item.service,
        repository: item.repository,
        score: item.score,
        refuted: item.refuted,
    });
    Ok(json_of(&MemorySearchPage { items: items.collect() }))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "AuditQuery")]
pub(crate) struct AuditQuery {
    #[serde(default, deserialize_with = "millwright_model::id_or_blank")]
    #[schemars(schema_with = "id_or_blank_schema")]
    incident: Option<IncidentId>,
    /// 200 by default.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<usize>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AuditLog")]
pub(crate) struct AuditLog {
    entries: Vec<AuditEntryView>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AuditEntry")]
struct AuditEntryView {
    at: Timestamp,
    actor: String,
    action: String,
    subject: String,
    incident_id: Option<IncidentId>,
    before: Option<String>,
    after: Option<String>,
    note: Option<String>,
}

pub(crate) async fn audit(
    CallerStore(store): CallerStore,
    UrlQuery(asked): UrlQuery<AuditQuery>,
) -> Result<impl IntoResponse, Problem> {
    let limit = asked.limit.unwrap_or(200);
    if !(1..=1_000).contains(&limit) {
        return Err(Problem::bad_request("limit must be 1 to 1000"));
    }
    let entries = store.audit_page(asked.incident.as_ref(), None, limit).await?.into_iter();
    let entries = entries.map(|entry| AuditEntryView {
        at: entry.at,
        actor: entry.actor,
        action: entry.action,
        subject: entry.subject,
        incident_id: entry.incident_id,
        before: entry.before,
        after: entry.after,
        note: entry.note,
    });
    Ok(json_of(&AuditLog { entries: entries.collect() }))
}
