/*!
The forms of an incident: confirm or reject its answer, stop it, decide what waits for consent. Each does what the API
does, and leads back to the incident.
*/

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Redirect;
use serde::Deserialize;

use crate::api::approvals::decide_by;
use crate::api::messages::{judge_by, stop_by};
use crate::app::App;
use crate::http::{Id, Problem, is_id};
use crate::page::door::Visit;
use crate::page::forms::{Form, filled};
use crate::page::trouble::Trouble;

#[derive(Debug, Deserialize)]
pub(crate) struct Judging {
    pub(crate) verdict: String,
    #[serde(default)]
    pub(crate) note: String,
    pub(crate) resolution: Option<String>,
}

impl Judging {
    /// Whether it is confirmed.
    pub(crate) fn confirms(&self) -> Result<bool, Problem> {
        match self.verdict.as_str() {
            "confirm" => Ok(true),
            "reject" => Ok(false),
            _ => Err(Problem::unprocessable("say confirm or reject")),
        }
    }

    /// Judges an answer of this incident, from whichever page; answers what was said.
    pub(crate) async fn carry_out(self, app: &App, visit: &Visit, id: &str) -> Result<&'static str, Problem> {
        let confirm = self.confirms()?;
        let resolution = filled(self.resolution).filter(|id| is_id(id));
        let note: String = self.note.chars().take(4_000).collect();
        judge_by(app, &visit.principal.name, id.to_owned(), resolution.as_deref(), confirm, &note).await?;
        Ok(if confirm { "confirmed" } else { "rejected" })
    }
}

pub(crate) async fn judge(
    State(app): State<Arc<App>>,
    Extension(visit): Extension<Visit>,
    Id(id): Id,
    Form(judging): Form<Judging>,
) -> Result<Redirect, Trouble> {
    let said = judging.carry_out(&app, &visit, &id).await?;
    Ok(Redirect::to(&format!("/incidents/{id}?said={said}")))
}

pub(crate) async fn cancel(
    State(app): State<Arc<App>>,
    Extension(visit): Extension<Visit>,
    Id(id): Id,
) -> Result<Redirect, Trouble> {
    stop_by(&app, &visit.principal, id.clone()).await?;
    Ok(Redirect::to(&format!("/incidents/{id}?said=stopping")))
}

#[derive(Debug, Deserialize)]
pub(crate) struct Deciding {
    decision: String,
}

pub(crate) async fn decide(
    State(app): State<Arc<App>>,
    Extension(visit): Extension<Visit>,
    Id(id): Id,
    Form(deciding): Form<Deciding>,
) -> Result<Redirect, Trouble> {
    let (approve, said) = match deciding.decision.as_str() {
        "approve" => (true, "approved"),
        "deny" => (false, "denied"),
        _ => return Err(Problem::unprocessable("say approve or deny").into()),
    };
    let incident = decide_by(&app, &visit.principal, &id, approve, "").await?;
    Ok(Redirect::to(&format!("/incidents/{incident}?said={said}")))
}
