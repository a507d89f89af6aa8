/*!
Lists the tool calls that wait for consent, and takes the decision about one.
*/

use millwright_model::{IncidentId, Timestamp};

use axum::Extension;
use axum::response::IntoResponse;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::auth::Principal;
use crate::http::{CallerStore, CallerUseCases, JsonBody, PathId, Problem, json_of};

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Approvals")]
pub(crate) struct OpenApprovals {
    approvals: Vec<OpenApproval>,
}

/// A call that an investigation wants to make.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Approval")]
struct OpenApproval {
    id: String,
    incident_id: IncidentId,
    tool: String,
    arguments: serde_json::Value,
    asked_at: Timestamp,
}

pub(crate) async fn list(CallerStore(store): CallerStore) -> Result<impl IntoResponse, Problem> {
    let open = store.open_approvals(None).await?;
    let approvals = open
        .into_iter()
        .map(|open| OpenApproval {
            id: open.id,
            incident_id: open.incident_id,
            tool: open.tool,
            arguments: open.arguments,
            asked_at: open.asked_at,
        })
        .collect();
    Ok(json_of(&OpenApprovals { approvals }))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Decision")]
pub(crate) struct ApprovalDecision {
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
pub(crate) struct ApprovalResult {
    id: String,
    incident_id: IncidentId,
    decision: Word,
}

pub(crate) async fn decide(
    CallerStore(store): CallerStore,
    CallerUseCases(use_cases): CallerUseCases,
    Extension(principal): Extension<Principal>,
    PathId(id): PathId,
    JsonBody(deciding): JsonBody<ApprovalDecision>,
) -> Result<impl IntoResponse, Problem> {
    let approve = deciding.decision == Word::Approve;
    let id = store.resolve_approval_id(&id).await?;
    let incident_id = use_cases.decide(&principal, &id, approve, &deciding.note).await?;
    Ok(json_of(&ApprovalResult { id, incident_id, decision: deciding.decision }))
}
