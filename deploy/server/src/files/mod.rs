/*!
Attachments of tickets and messages: logs, traces, configuration. A delivery only names them, and anyone who writes a
ticket can name anything. So attachments are fetched only from the system's own host, with its credentials, as text, and
up to a size limit. An attachment that is taken becomes part of the ticket and is masked like the rest of it; for one that
is left out the ticket says why.

An acknowledgement does not wait for this; the files are fetched when the investigation begins.
*/

use axum::http::HeaderName;
use millwright_integrations::attachments::FileLocation;
use millwright_integrations::chat::NAME as CHAT;
use millwright_integrations::integration;
use millwright_integrations::outbound_http::{self, SendError};
use millwright_model::TicketContext;
use millwright_store::{Incident, StoreError, WantedFile};
use serde_json::{Value, json};

use crate::app::ServiceState;
use crate::chat;

/// Longest part of a file that is taken, in bytes; intake reads no more of an attachment.
const MOST_BYTES: usize = 512 * 1024;

#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    #[error("{0}")]
    Store(#[from] StoreError),
    #[error("an attachment of the ticket cannot be fetched: {0}")]
    Send(#[from] SendError),
}

/// Adds the attachments of its ticket to an incident. It is an error when the system cannot be reached: then the job tries
/// again.
pub(crate) async fn complete(app: &ServiceState, incident: &Incident) -> Result<(), FileError> {
    let wanted = app.own_store.wanted_files(&incident.id).await?;
    let mut taken: Vec<(WantedFile, Value)> = Vec::new();
    for wanted in wanted {
        match fetch(app, &wanted).await {
            Ok(text) => {
                let name = &wanted.file.name;
                let attachment = json!({ "name": name, "media_type": "text/plain", "text": text });
                taken.push((wanted, attachment));
            }
            Err(FileLeftOut::For(why)) => {
                tracing::info!(event = "file.left_out", incident = %incident.id, file = %wanted.id, "an attachment is left out");
                app.own_store.settle_file(&wanted.id, Some(&why)).await?;
            }
            Err(FileLeftOut::Now(error)) => return Err(error.into()),
        }
    }
    if taken.is_empty() {
        return Ok(());
    }
    let attachments: Vec<&Value> = taken.iter().map(|(_, attachment)| attachment).collect();
    let payload =
        json!({ "title": incident.ticket.title, "body": incident.ticket.text, "attachments": attachments });
    let mut ticket = app.intake.read_accepted(payload).await;
    ticket.context = completed(incident.ticket.context.clone(), ticket.context);
    app.own_store.update_ticket(&incident.id, None, &ticket, &[]).await?;
    for (wanted, _) in taken {
        app.own_store.settle_file(&wanted.id, None).await?;
    }
    Ok(())
}

/// Keeps what the ticket said; its files only fill in what the ticket did not say.
fn completed(told: TicketContext, read: TicketContext) -> TicketContext {
    TicketContext {
        service: told.service.or(read.service),
        environment: told.environment.or(read.environment),
        release: told.release.or(read.release),
        routes: if told.routes.is_empty() { read.routes } else { told.routes },
        first_seen: told.first_seen.or(read.first_seen),
        last_seen: told.last_seen.or(read.last_seen),
        users: told.users.or(read.users),
        sessions: told.sessions.or(read.sessions),
        external_id: told.external_id,
        labels: told.labels,
        overlay: told.overlay,
    }
}

/// Why a file is left out.
enum FileLeftOut {
    /// For good, with the reason.
    For(String),
    /// For now: its system cannot be reached.
    Now(SendError),
}

impl From<SendError> for FileLeftOut {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Refused(_) | SendError::NotSetUp(_) => Self::For(error.to_string()),
            other => Self::Now(other),
        }
    }
}

async fn fetch(app: &ServiceState, wanted: &WantedFile) -> Result<String, FileLeftOut> {
    let left = |why: &str| FileLeftOut::For(why.to_owned());
    if !is_text(&wanted.file.media_type, &wanted.file.name) {
        return Err(left("it is not text"));
    }
    let source = integration(&wanted.system).and_then(|integration| integration.attachments());
    let source = source.ok_or_else(|| left("its system has no attachments"))?;
    let (base, (header, credentials)) = access(app, &wanted.system)?;
    let place = FileLocation::of(source, base, &wanted.file.url).map_err(left)?;
    let http = app.http()?;
    let mut request = http.get(place.url.clone());
    if place.is_told_the_token() {
        request = request.header(header, credentials);
    }
    let mut got = outbound_http::fetch(request, MOST_BYTES).await?;
    if let Some(to) = got.leads_to.take() {
        // The storage of the system; it gets no secret.
        let to = place.store(&to).map_err(left)?;
        got = outbound_http::fetch(http.get(to), MOST_BYTES).await?;
    }
    if got.leads_to.is_some() {
        return Err(left("it redirects more than once"));
    }
    if got.bytes.iter().take(8_192).any(|byte| *byte == 0) {
        return Err(left("it is not text"));
    }
    let text = String::from_utf8_lossy(&got.bytes).into_owned();
    Ok(if got.whole { text } else { format!("{text}\n[cut after {MOST_BYTES} bytes]") })
}

/// The address of a system, and the header that authenticates us.
fn access<'a>(app: &'a ServiceState, system: &str) -> Result<(&'a str, (HeaderName, String)), SendError> {
    if system == CHAT {
        return chat::access(app);
    }
    let api = integration(system).and_then(|integration| integration.tickets());
    let (api, connection) = api
        .zip(app.settings.tickets.get(system))
        .ok_or_else(|| SendError::NotSetUp(format!("connectors.{system} base_url")))?;
    Ok((&connection.base_url, api.credentials(connection)))
}

/// Whether a file's type and name suggest text; its bytes are checked as well.
fn is_text(media: &str, name: &str) -> bool {
    const NAMES: &[&str] = &[
        "log",
        "txt",
        "json",
        "xml",
        "csv",
        "yaml",
        "yml",
        "md",
        "out",
        "trace",
        "stacktrace",
        "patch",
        "diff",
        "toml",
        "ini",
        "conf",
    ];
    let media = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let by_name = || {
        let end = name.rsplit_once('.').map(|(_, end)| end.to_ascii_lowercase());
        end.is_none_or(|end| NAMES.contains(&end.as_str()))
    };
    match media.as_str() {
        "" | "application/octet-stream" | "binary/octet-stream" => by_name(),
        media => {
            media.starts_with("text/")
                || ["json", "xml", "yaml", "x-log"].iter().any(|kind| media.contains(kind))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_text_is_worth_fetching() {
        for (media, name) in [
            ("text/plain", "x.png"),
            ("application/json", "x"),
            ("", "app.LOG"),
            ("", "Makefile"),
            ("application/octet-stream", "a.txt"),
        ] {
            assert!(is_text(media, name), "{media} {name}");
        }
        for (media, name) in [
            ("image/png", "x.txt"),
            ("", "x.png"),
            ("application/octet-stream", "core.bin"),
            ("application/zip", "logs.zip"),
        ] {
            assert!(!is_text(media, name), "{media} {name}");
        }
    }
}
