/*!
The form by which a person rewords a remembered statement.
*/

use axum::Extension;
use axum::response::Redirect;
use maud::{Markup, html};
use millwright_model::{IncidentId, Resolution};
use millwright_usecases::{MAX_STATEMENT_CHARS, StatementChange, statement_version};
use serde::Deserialize;

use super::forms::FormFields;
use super::page_error::PageError;
use super::session::PageSession;
use crate::http::{CallerUseCases, IncidentPath};

pub(super) fn form(visit: &PageSession, incident: &IncidentId, known: &Resolution) -> Markup {
    let (text, why) = (format!("text-{}", known.id), format!("text-why-{}", known.id));
    html! {
        details {
            summary { "Change the text" }
            form.acts method="post" action=(format!("/memory/{incident}/text")) {
                (visit.csrf_field())
                input type="hidden" name="resolution" value=(known.id);
                input type="hidden" name="was" value=(statement_version(&known.statement));
                label for=(text) { "What was the cause " span.dim { "(proof and approval do not change)" } }
                textarea id=(text) name="text" rows="4" maxlength=(MAX_STATEMENT_CHARS) required { (known.statement) }
                label for=(why) { "Why you change it " span.dim { "(kept in the audit log, with the old text)" } }
                input id=(why) name="note" maxlength="500" autocomplete="off";
                button.quiet type="submit" { "Save the text" }
            }
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct RewordedTicket {
    resolution: String,
    /// The version of the text that the form showed.
    was: String,
    text: String,
    #[serde(default)]
    note: String,
}

pub(super) async fn send(
    CallerUseCases(use_cases): CallerUseCases,
    Extension(visit): Extension<PageSession>,
    IncidentPath(id): IncidentPath,
    FormFields(reworded): FormFields<RewordedTicket>,
) -> Result<Redirect, PageError> {
    let change = StatementChange {
        resolution: &reworded.resolution,
        seen_version: &reworded.was,
        text: &reworded.text,
        note: &reworded.note,
    };
    use_cases.reword(&visit.principal, &id, change).await?;
    Ok(Redirect::to(&format!("/memory/{id}?said=reworded")))
}
