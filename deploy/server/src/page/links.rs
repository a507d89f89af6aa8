/*!
The page that a link in a note leads to. Opening it changes nothing, because programs that scan links open it, too; only
the button on the page changes something.
*/

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use millwright_model::Approval;
use millwright_store::{Actor, BY_LINK, FeedbackAuthor, FeedbackRights};
use millwright_usecases::AnswerJudgement;
use serde::Deserialize;

use super::forms::{FormFields, filled};
use super::page_error::PageError;
use super::{format, shell};
use crate::app::ServiceState;
use crate::http::{PathId, Problem};
use crate::judge_links::{LinkJudgement, OpenedLink, open};

pub(super) async fn show(
    State(app): State<Arc<ServiceState>>,
    PathId(link): PathId,
) -> Result<Response, PageError> {
    let opened = open(&app, &link).await?;
    let (heading, button) = match opened.word {
        LinkJudgement::Confirm => ("Was this the cause?", "Yes, confirm it"),
        LinkJudgement::Reject => ("Was this not the cause?", "No, it was not"),
    };
    let body = html! {
        div.narrow {
            h1 { (heading) }
            (answer(&opened))
            @match opened.known.approval {
                Approval::None => {}
                _ => {
                    p { "This answer was judged before. If the person has an account, their judgement stays \
                         in force, and yours is kept as a remark." }
                    (format::standing(&opened.known))
                }
            }
            form.stack method="post" action=(format!("/links/{link}")) {
                label for="who" { "Your name" }
                input #who name="who" required maxlength="80" autocomplete="name";
                label for="note" { "What makes you sure " span.dim { "(optional; “it was 1c1ed3b” names another commit)" } }
                input #note name="note" maxlength="1000" autocomplete="off";
                button.danger[opened.word == LinkJudgement::Reject] type="submit" { (button) }
            }
            p.dim { "Nothing happens before you press the button, which works once. Your name and what you say are kept in the audit log." }
        }
    };
    Ok(shell::bare(heading, &body))
}

fn answer(opened: &OpenedLink) -> Markup {
    html! {
        section {
            h2 { (format::short(&opened.title, 200)) }
            p.lead { (format::short(&opened.known.statement, 600)) }
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct JudgeLinkForm {
    who: Option<String>,
    #[serde(default)]
    note: String,
}

pub(super) async fn judge(
    State(app): State<Arc<ServiceState>>,
    PathId(link): PathId,
    FormFields(said): FormFields<JudgeLinkForm>,
) -> Result<Response, PageError> {
    let opened = open(&app, &link).await?;
    let who = filled(said.who)
        .ok_or_else(|| Problem::unprocessable("enter your name: it is kept with your judgement"))?;
    // Anyone with the link may enter any name; the audit log must not show that as a signed-in person.
    let who = format!("{}{BY_LINK}", format::short(&who, 80));
    let note: String = said.note.chars().take(1_000).collect();
    let is_confirmed = opened.word == LinkJudgement::Confirm;
    let by = Actor { who: &who, why: &note };
    let judge = FeedbackAuthor { by, standing: FeedbackRights::LINK, link: Some(&opened.said) };
    let judgement =
        AnswerJudgement { incident: &opened.incident, resolution: Some(&opened.known.id), is_confirmed };
    let judged = app.use_cases_on(app.own_store.clone()).judge(judge, judgement).await?;
    let body = html! {
        div.narrow {
            h1 { "Thank you" }
            p.told role="status" { (judged.detail) }
            (answer(&opened))
        }
    };
    Ok(shell::bare("Thank you", &body))
}
