/*!
The messages in a thread before the mention: they are part of the report, and are fetched when the investigation begins,
because an acknowledgement cannot wait for them.
*/

use millwright_integrations::outbound_http::SendError;
use millwright_integrations::slack::api::{SlackApi, SlackTarget};
use millwright_integrations::slack::wire;
use millwright_store::{Incident, StoreError};

use super::{NAME, handlers};
use crate::app::ServiceState;

/// Most messages taken (the latest ones), and most characters of all of them.
const MOST_MESSAGES: usize = 50;
const MOST_CHARS: usize = 12_000;

#[derive(Debug, thiserror::Error)]
pub(crate) enum ThreadError {
    #[error("{0}")]
    Store(#[from] StoreError),
    #[error("the earlier messages of the thread cannot be read: {0}")]
    Slack(#[from] SendError),
}

/// Adds the earlier messages of its thread to an incident; does nothing if it has them already or has no thread.
pub(crate) async fn complete(app: &ServiceState, incident: &Incident) -> Result<(), ThreadError> {
    let (Some(slack), Some(NAME)) = (&app.settings.chat, incident.source.as_deref()) else { return Ok(()) };
    let notes = app.own_store.notes(&incident.id).await?;
    let Some(note) = notes.iter().find(|note| note.system == NAME) else { return Ok(()) };
    let target = SlackTarget::of(&note.target);
    let own = incident.external_id.as_deref().and_then(|id| id.split_once('/')).map(|(_, ts)| ts);
    let (Some(thread), Some(own)) = (target.thread, own) else { return Ok(()) };
    if own == thread || incident.ticket.text.contains(EARLIER) {
        return Ok(());
    }
    let earlier = SlackApi::new(slack, app.http()?).earlier(target, own).await?;
    let mut kept: Vec<String> = Vec::new();
    let mut room = MOST_CHARS;
    for (author, bot, text) in earlier.iter().rev().take(MOST_MESSAGES) {
        let text = wire::plain(text);
        // The text begins on a line of its own, so that the first line of pasted text also begins a line.
        let line = format!("{}{author}:\n{text}\n", if *bot { "bot " } else { "" });
        match room.checked_sub(line.chars().count()) {
            Some(left) if !text.is_empty() => {
                room = left;
                kept.push(line);
            }
            Some(_) => {}
            None => break,
        }
    }
    if kept.is_empty() {
        return Ok(());
    }
    kept.reverse();
    let whole = format!("{}\n\n{EARLIER}\n{}", incident.ticket.text, kept.join("\n"));
    let mut payload = handlers::payload(&whole);
    payload["title"] = incident.ticket.title.clone().into();
    let mut ticket = app.intake.read_accepted(payload).await;
    let (old, new) = (&incident.ticket.context, &mut ticket.context);
    new.external_id.clone_from(&old.external_id);
    new.service = old.service.clone().or(new.service.take());
    Ok(app.own_store.update_ticket(&incident.id, None, &ticket, &[]).await?)
}

const EARLIER: &str = "Said in the thread before:";
