/*!
Links in notes, by which support says whether an answer was right without an account. A link is for one incident, one
answer and one word, is good for once, ends by itself, and is signed, so that nobody makes one up. Opening it changes nothing:
programs that scan links open them, too; only the button on its page does.

Whoever reads the note has the link and may be anybody of its readers, so it stands only in notes that are read inside,
overrules nobody who is known, and makes nothing known by itself.
*/

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use maud::{Markup, html};
use millwright_model::{Approval, Audience, IncidentId, Resolution, ResolutionId};
use millwright_store::{Actor, BY_LINK, FeedbackAuthor, FeedbackRights, StoreError};
use millwright_usecases::{AnswerJudgement, UseCaseError};
use serde::Deserialize;

use super::forms::{FormFields, filled};
use super::page_error::PageError;
use super::{format, shell};
use crate::app::ServiceState;
use crate::http::{PathId, Problem};
use crate::metrics::RefusalReason;

const PURPOSE: &str = "link";

/// The two links of an answer.
pub(crate) struct JudgeLinks {
    pub(crate) confirm: String,
    pub(crate) reject: String,
    /// What somebody said already.
    pub(crate) judged: Option<String>,
}

impl JudgeLinks {
    /// Links about an incident's most trusted answer, if it has one. The same note gets the same links, so that writing
    /// it again changes nothing.
    pub(crate) async fn of(
        app: &ServiceState,
        incident: &IncidentId,
        public_url: &str,
    ) -> Result<Option<Self>, StoreError> {
        let Some(known) = app.own_store.resolutions(incident).await?.into_iter().next() else {
            return Ok(None);
        };
        let ends = known.created_at.later_by(app.settings.limits.judge_links);
        let seal = app.seal().await?;
        let url = |word: Word| {
            let said = format!("{}.{incident}.{}.{:x}", word.letter(), known.id, ends.as_second());
            format!("{}/links/{said}.{}", public_url.trim_end_matches('/'), seal.sign(PURPOSE, &said))
        };
        let by = || format::short(known.approved_by.as_deref().unwrap_or("somebody"), 120);
        let judged = match known.approval {
            Approval::None => None,
            Approval::Confirmed => Some(format!("Confirmed by {}.", by())),
            Approval::Rejected => Some(format!("Said not to be it by {}.", by())),
        };
        Ok(Some(Self { confirm: url(Word::Confirm), reject: url(Word::Reject), judged }))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Confirm,
    Reject,
}

impl Word {
    fn letter(self) -> char {
        match self {
            Self::Confirm => 'c',
            Self::Reject => 'r',
        }
    }
}

/// What a link that holds says.
struct Opened {
    word: Word,
    /// What it is known by once it is spent.
    said: String,
    incident: IncidentId,
    known: Resolution,
    title: String,
}

async fn open(app: &ServiceState, link: &str) -> Result<Opened, PageError> {
    let wrong = || {
        let why = "this link does not hold (any more): it is incomplete or too old, its incident was forgotten, or others read its \
             ticket than your own people";
        PageError(Problem::new(StatusCode::NOT_FOUND, why))
    };
    let (said, signature) = link.rsplit_once('.').ok_or_else(wrong)?;
    if !app.seal().await?.holds(PURPOSE, said, signature) {
        app.metrics.refused(RefusalReason::Link);
        return Err(wrong());
    }
    let parts: Vec<&str> = said.split('.').collect();
    let [letter, incident, resolution, ends] = parts.as_slice() else { return Err(wrong()) };
    let word = match *letter {
        "c" => Word::Confirm,
        "r" => Word::Reject,
        _ => return Err(wrong()),
    };
    let ends = i64::from_str_radix(ends, 16).map_err(|_| wrong())?;
    if Timestamp::now().as_second() >= ends {
        return Err(wrong());
    }
    let (resolution, incident) = (ResolutionId::parse(resolution), IncidentId::parse(incident));
    let (resolution, incident) = (resolution.map_err(|_| wrong())?, incident.map_err(|_| wrong())?);
    let known = app.own_store.get_resolution(&resolution).await.map_err(|_| wrong())?;
    let about = app.own_store.get_incident(&incident).await.map_err(|_| wrong())?;
    // Links of before stand in tickets that anybody reads.
    if about.audience != Audience::Internal || known.incident_id != about.id {
        return Err(wrong());
    }
    if app.own_store.is_link_spent(said).await? {
        return Err(UseCaseError::LinkSpent.into());
    }
    Ok(Opened { word, said: said.to_owned(), incident: about.id, known, title: about.ticket.title })
}

pub(super) async fn show(
    State(app): State<Arc<ServiceState>>,
    PathId(link): PathId,
) -> Result<Response, PageError> {
    let opened = open(&app, &link).await?;
    let (heading, button) = match opened.word {
        Word::Confirm => ("Was this the cause?", "Yes, confirm it"),
        Word::Reject => ("Was this not the cause?", "No, that was not it"),
    };
    let body = html! {
        div.narrow {
            h1 { (heading) }
            (answer(&opened))
            @match opened.known.approval {
                Approval::None => {}
                _ => {
                    p { "It was judged before. What somebody with an account said stands; yours is then kept as a remark." }
                    (format::standing(&opened.known))
                }
            }
            form.stack method="post" action=(format!("/links/{link}")) {
                label for="who" { "Your name" }
                input #who name="who" required maxlength="80" autocomplete="name";
                label for="note" { "What makes you sure " span.dim { "(not needed; “it was 1c1ed3b” names another commit)" } }
                input #note name="note" maxlength="1000" autocomplete="off";
                button.danger[opened.word == Word::Reject] type="submit" { (button) }
            }
            p.dim { "Nothing happens before you press the button, which works once. Your name and what you say are kept in the audit log." }
        }
    };
    Ok(shell::bare(heading, &body))
}

fn answer(opened: &Opened) -> Markup {
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
    let who =
        filled(said.who).ok_or_else(|| Problem::unprocessable("say your name: it is kept with your word"))?;
    // Whoever holds the link may say any name; the audit log must not take it for somebody signed in.
    let who = format!("{}{BY_LINK}", format::short(&who, 80));
    let note: String = said.note.chars().take(1_000).collect();
    let is_confirmed = opened.word == Word::Confirm;
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
