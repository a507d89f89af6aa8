/*!
What people say about an incident: remarks, questions, the request to stop, and whether the answer was right.
*/

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use millwright_model::{Approval, IncidentId, MessageId, ResolutionId};
use millwright_store::{FeedbackAuthor, MessageKind};
use millwright_usecases::{AnswerJudgement, JudgementEffect};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::app::ServiceState;
use crate::auth::Principal;
use crate::http::{CallerUseCases, IncidentPath, JsonBody, Problem, json_of};

/// A remark while the investigation runs, a question once it has ended.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewMessage")]
pub(crate) struct MessageRequest {
    #[schemars(length(min = 1, max = 8000), regex(pattern = r"[^\s\x85]"))]
    text: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "MessageKept")]
pub(crate) struct MessageResult {
    id: MessageId,
    /// `remark`: the run reads it after its current step. `question`: the answer comes as a message.
    kind: &'static str,
}

pub(crate) async fn say(
    CallerUseCases(use_cases): CallerUseCases,
    Extension(principal): Extension<Principal>,
    IncidentPath(id): IncidentPath,
    JsonBody(said): JsonBody<MessageRequest>,
) -> Result<impl IntoResponse, Problem> {
    let kept = use_cases.say(&principal, &id, &said.text).await?;
    let kind = if kept.kind == MessageKind::Remark { "remark" } else { "question" };
    Ok((StatusCode::ACCEPTED, json_of(&MessageResult { id: kept.id, kind })))
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Cancelled")]
pub(crate) struct StopResult {
    id: IncidentId,
    /// `cancelled`: it had not begun. `stopping`: it reports what is known, then it is cancelled.
    state: &'static str,
}

pub(crate) async fn cancel(
    CallerUseCases(use_cases): CallerUseCases,
    Extension(principal): Extension<Principal>,
    IncidentPath(id): IncidentPath,
) -> Result<impl IntoResponse, Problem> {
    let state = use_cases.stop(&principal, &id).await?.as_str();
    Ok((StatusCode::ACCEPTED, json_of(&StopResult { id, state })))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FeedbackRequest {
    verdict: Word,
    /// Why; kept in the audit log. `it was 1c1ed3b` names the commit that it was instead.
    #[serde(default)]
    #[schemars(length(max = 4000))]
    note: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "FeedbackVerdict")]
enum Word {
    Confirm,
    Reject,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "FeedbackTaken")]
pub(crate) struct FeedbackOutcome {
    incident_id: IncidentId,
    /// `null` if a person named a commit and somebody with a higher role has judged differently.
    resolution_id: Option<ResolutionId>,
    /// `taken`, or `remark`: somebody with a higher role has judged differently, so it is stored and changes nothing.
    effect: &'static str,
    /// The judgement in force now: `confirmed` or `rejected`.
    approval: &'static str,
    /// Whether the answer may be presented as known.
    trusted: bool,
    /// The same as text.
    detail: String,
    /// The commit that the note named as the cause instead (`it was 1c1ed3b`).
    #[serde(skip_serializing_if = "Option::is_none")]
    correction: Option<String>,
}

pub(crate) async fn judge(
    State(app): State<Arc<ServiceState>>,
    CallerUseCases(use_cases): CallerUseCases,
    Extension(principal): Extension<Principal>,
    IncidentPath(id): IncidentPath,
    JsonBody(feedback): JsonBody<FeedbackRequest>,
) -> Result<impl IntoResponse, Problem> {
    let confirm = feedback.verdict == Word::Confirm;
    let standing = principal.standing(app.settings.confirming_role);
    let judge = FeedbackAuthor::new(principal.because(&feedback.note), standing);
    let judged = use_cases.judge(judge, AnswerJudgement::of_best(&id, confirm)).await?;
    Ok(json_of(&FeedbackOutcome {
        incident_id: id,
        effect: match judged.effect {
            JudgementEffect::Taken => "taken",
            JudgementEffect::Remark => "remark",
        },
        approval: if judged.approval == Approval::Confirmed { "confirmed" } else { "rejected" },
        trusted: judged.is_trusted(),
        resolution_id: judged.resolution().map(|known| known.id.clone()),
        correction: judged.corrected_to().map(str::to_owned),
        detail: judged.detail,
    }))
}
