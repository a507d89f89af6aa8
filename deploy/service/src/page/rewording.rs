/*!
What is remembered, put into better words by a person. Only the text changes: how well it is proven, what somebody said of
it and what became of it are fields of their own, and stay. Two people who write at once do not undo each other unseen.
*/

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Redirect;
use maud::{Markup, html};
use millwright_memory::types::Resolution;
use serde::Deserialize;

use super::door::Visit;
use super::forms::Form;
use super::trouble::Trouble;
use crate::app::App;
use crate::auth::sha256;
use crate::http::{Id, Problem};

/// Longest text, in characters.
const MOST: usize = 2_000;

pub(super) fn form(visit: &Visit, incident: &str, known: &Resolution) -> Markup {
    let (text, why) = (format!("text-{}", known.id), format!("text-why-{}", known.id));
    html! {
        details {
            summary { "Change the text" }
            form.acts method="post" action=(format!("/memory/{incident}/text")) {
                (visit.csrf_field())
                input type="hidden" name="resolution" value=(known.id);
                input type="hidden" name="was" value=(sha256(&known.statement));
                label for=(text) { "What was the cause " span.dim { "(proof and approval stay as they are)" } }
                textarea id=(text) name="text" rows="4" maxlength=(MOST) required { (known.statement) }
                label for=(why) { "Why you change it " span.dim { "(kept in the audit log, with the old text)" } }
                input id=(why) name="note" maxlength="500" autocomplete="off";
                button.quiet type="submit" { "Save the text" }
            }
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Reworded {
    resolution: String,
    /// What it said when the form was shown, hashed.
    was: String,
    text: String,
    #[serde(default)]
    note: String,
}

pub(super) async fn send(
    State(app): State<Arc<App>>,
    Extension(visit): Extension<Visit>,
    Id(id): Id,
    Form(reworded): Form<Reworded>,
) -> Result<Redirect, Trouble> {
    let resolutions = app.store.resolutions(&id).await?;
    let known = resolutions.iter().find(|known| known.id == reworded.resolution);
    let known = known.ok_or_else(|| Problem::not_found("this incident has no such answer"))?;
    if sha256(&known.statement) != reworded.was {
        return Err(Problem::conflict(
            "somebody changed the text meanwhile; look at it, then change it again",
        )
        .into());
    }
    // Browsers send line ends of their own kind.
    let text = reworded.text.replace("\r\n", "\n");
    let text = text.trim();
    if text.is_empty() || text.chars().count() > MOST {
        return Err(Problem::unprocessable("the text must be 1 to 2000 characters").into());
    }
    let masks = app.settings.redactor.for_run();
    let (text, note) = (masks.redact(text).text, masks.redact(reworded.note.trim()).text);
    let note: String = note.chars().take(500).collect();
    app.store.set_statement(&known.id, &text, visit.principal.because(&note)).await?;
    app.stored(&id);
    Ok(Redirect::to(&format!("/memory/{id}?said=reworded")))
}
