/*!
The forms of an incident: confirm or reject its answer, stop it, decide about a call that waits for consent. Each does the
same as the API, and leads back to the incident.
*/

use millwright_model::{IncidentId, ResolutionId};
use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Redirect;
use millwright_store::FeedbackAuthor;
use millwright_usecases::{AnswerJudgement, JudgementEffect, UseCaseError};
use serde::Deserialize;

use crate::app::ServiceState;
use crate::http::{CallerUseCases, IncidentPath, PathId, Problem};
use crate::page::forms::{FormFields, filled};
use crate::page::page_error::PageError;
use crate::page::session::PageSession;

#[derive(Debug, Deserialize)]
pub(crate) struct FeedbackForm {
    pub(crate) verdict: String,
    #[serde(default)]
    pub(crate) note: String,
    pub(crate) resolution: Option<String>,
}

impl FeedbackForm {
    /// Whether the person confirms the answer.
    pub(crate) fn confirms(&self) -> Result<bool, UseCaseError> {
        match self.verdict.as_str() {
            "confirm" => Ok(true),
            "reject" => Ok(false),
            _ => Err(UseCaseError::invalid("say confirm or reject")),
        }
    }

    /// Judges an answer of this incident, for any page; returns the message for the person.
    pub(crate) async fn carry_out(
        self,
        app: &ServiceState,
        visit: &PageSession,
        id: &IncidentId,
    ) -> Result<&'static str, UseCaseError> {
        let is_confirmed = self.confirms()?;
        let resolution = filled(self.resolution).map(|id| ResolutionId::parse(&id)).transpose();
        // Does not fall back to the most trusted answer: the person may have seen another one.
        let resolution = resolution.map_err(|wrong| {
            UseCaseError::invalid(format!("resolution does not name an answer ({wrong}); reload the page"))
        })?;
        let note: String = self.note.chars().take(4_000).collect();
        let standing = visit.principal.standing(app.settings.confirming_role);
        let judge = FeedbackAuthor::new(visit.principal.because(&note), standing);
        let judgement = AnswerJudgement { incident: id, resolution: resolution.as_ref(), is_confirmed };
        let judged = app.use_cases_of(&visit.principal).judge(judge, judgement).await?;
        Ok(match (judged.effect, is_confirmed) {
            (JudgementEffect::Remark, _) => "remark",
            (JudgementEffect::Taken, true) if !judged.is_trusted() => "noted",
            (JudgementEffect::Taken, true) => "confirmed",
            (JudgementEffect::Taken, false) => "rejected",
        })
    }
}

pub(crate) async fn judge(
    State(app): State<Arc<ServiceState>>,
    Extension(visit): Extension<PageSession>,
    IncidentPath(id): IncidentPath,
    FormFields(judging): FormFields<FeedbackForm>,
) -> Result<Redirect, PageError> {
    let said = judging.carry_out(&app, &visit, &id).await?;
    Ok(Redirect::to(&format!("/incidents/{id}?said={said}")))
}

pub(crate) async fn cancel(
    CallerUseCases(use_cases): CallerUseCases,
    Extension(visit): Extension<PageSession>,
    IncidentPath(id): IncidentPath,
) -> Result<Redirect, PageError> {
    use_cases.stop(&visit.principal, &id).await?;
    Ok(Redirect::to(&format!("/incidents/{id}?said=stopping")))
}

#[derive(Debug, Deserialize)]
pub(crate) struct DecisionForm {
    decision: String,
}

pub(crate) async fn decide(
    CallerUseCases(use_cases): CallerUseCases,
    Extension(visit): Extension<PageSession>,
    PathId(id): PathId,
    FormFields(deciding): FormFields<DecisionForm>,
) -> Result<Redirect, PageError> {
    let (approve, said) = match deciding.decision.as_str() {
        "approve" => (true, "approved"),
        "deny" => (false, "denied"),
        _ => return Err(Problem::unprocessable("say approve or deny").into()),
    };
    let incident = use_cases.decide(&visit.principal, &id, approve, "").await?;
    Ok(Redirect::to(&format!("/incidents/{incident}?said={said}")))
}
