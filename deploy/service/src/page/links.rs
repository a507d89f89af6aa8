/*!
Links in notes, by which support says whether an answer was right without an account. A link is for one incident, one
answer and one word, ends by itself, and is signed, so that nobody makes one up. Opening it changes nothing: programs
that scan links open them, too; only the button on its page does.
*/

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};
use millwright_memory::store::StoreError;
use millwright_memory::types::{Approval, Resolution};
use serde::Deserialize;

use super::forms::{Form, filled};
use super::trouble::Trouble;
use super::{shell, words};
use crate::api::messages::judge_by;
use crate::app::App;
use crate::http::{Id, Problem};

const PURPOSE: &str = "link";
/// Long enough for a ticket to come back to somebody's mind.
const LASTS: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The two links of an answer.
pub(crate) struct Links {
    pub(crate) confirm: String,
    pub(crate) reject: String,
    /// What somebody said already.
    pub(crate) judged: Option<String>,
}

impl Links {
    /// Links about an incident's most trusted answer, if it has one. The same note gets the same links, so that writing
    /// it again changes nothing.
    pub(crate) async fn of(app: &App, incident: &str, public_url: &str) -> Result<Option<Self>, StoreError> {
        let Some(known) = app.store.resolutions(incident).await?.into_iter().next() else { return Ok(None) };
        let ends = known.created_at.parse::<Timestamp>().ok().and_then(|at| at.checked_add(LASTS).ok());
        let Some(ends) = ends else { return Ok(None) };
        let seal = app.seal().await?;
        let url = |word: Word| {
            let said = format!("{}.{incident}.{}.{:x}", word.letter(), known.id, ends.as_second());
            format!("{}/links/{said}.{}", public_url.trim_end_matches('/'), seal.sign(PURPOSE, &said))
        };
        let by = || words::short(known.approved_by.as_deref().unwrap_or("somebody"), 120);
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
    incident: String,
    known: Resolution,
    title: String,
}

async fn open(app: &App, link: &str) -> Result<Opened, Trouble> {
    let wrong = || {
        let why =
            "this link does not hold (any more): it is incomplete, too old, or its incident was forgotten";
        Trouble(Problem::new(StatusCode::NOT_FOUND, why))
    };
    let (said, signature) = link.rsplit_once('.').ok_or_else(wrong)?;
    if !app.seal().await?.holds(PURPOSE, said, signature) {
        app.metrics.refused("link");
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
    let known = app.store.get_resolution(resolution).await.map_err(|_| wrong())?;
    let title = app.store.get_incident(incident).await.map_err(|_| wrong())?.ticket.title;
    Ok(Opened { word, incident: (*incident).to_owned(), known, title })
}

pub(super) async fn show(State(app): State<Arc<App>>, Id(link): Id) -> Result<Response, Trouble> {
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
                _ => { p { "It was judged before; you may still say otherwise." } (words::standing(&opened.known)) }
            }
            form.stack method="post" action=(format!("/links/{link}")) {
                label for="who" { "Your name" }
                input #who name="who" required maxlength="80" autocomplete="name";
                label for="note" { "What makes you sure " span.dim { "(not needed; “it was 1c1ed3b” names another commit)" } }
                input #note name="note" maxlength="1000" autocomplete="off";
                button.danger[opened.word == Word::Reject] type="submit" { (button) }
            }
            p.dim { "Nothing happens before you press the button. Your name and what you say are kept in the audit log." }
        }
    };
    Ok(shell::bare(heading, &body))
}

fn answer(opened: &Opened) -> Markup {
    html! {
        section {
            h2 { (words::short(&opened.title, 200)) }
            p.lead { (words::short(&opened.known.statement, 600)) }
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Said {
    who: Option<String>,
    #[serde(default)]
    note: String,
}

pub(super) async fn judge(
    State(app): State<Arc<App>>,
    Id(link): Id,
    Form(said): Form<Said>,
) -> Result<Response, Trouble> {
    let opened = open(&app, &link).await?;
    let who =
        filled(said.who).ok_or_else(|| Problem::unprocessable("say your name: it is kept with your word"))?;
    // Whoever holds the link may say any name; the audit log must not take it for somebody signed in.
    let who = format!("{} (by a link in the ticket)", words::short(&who, 80));
    let note: String = said.note.chars().take(1_000).collect();
    let confirm = opened.word == Word::Confirm;
    judge_by(&app, &who, opened.incident.clone(), Some(&opened.known.id), confirm, &note).await?;
    let body = html! {
        div.narrow {
            h1 { "Thank you" }
            p.told role="status" {
                @if confirm { "It is confirmed: the next incident of this kind is answered from it." }
                @else { "It is marked as not it: this answer is not offered again." }
            }
            (answer(&opened))
        }
    };
    Ok(shell::bare("Thank you", &body))
}
