/*!
Socket Mode, for installations without a public address: the service connects to Slack, and handles what comes over the
connection like what comes over HTTP. It acknowledges an envelope when the envelope is stored on disk. It does not
acknowledge one that could not be stored, and Slack sends that one again.
*/

use std::sync::Arc;
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use millwright_integrations::slack::api::SlackApi;
use millwright_integrations::slack::{SlackSettings, wire};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use super::{NAME, handlers};
use crate::app::ServiceState;
use crate::http::Problem;

/// Slack pings every few seconds; a connection that is silent for so long is dead.
const SILENCE: Duration = Duration::from_secs(60);
const LONGEST_REST: Duration = Duration::from_secs(60);
const MAX_FRAME_BYTES: usize = 4 << 20;

/// Listens until the process has to end, if an app token is set.
pub(crate) async fn listen(app: Arc<ServiceState>) {
    let Some(slack) = app.settings.chat.clone().filter(|slack| slack.app_token.is_some()) else { return };
    let mut rest = Duration::from_secs(1);
    while !app.is_ending() {
        let heard = tokio::select! {
            heard = once(&app, &slack) => heard,
            () = app.ended() => return,
        };
        match heard {
            // Slack asks for a new connection every few hours.
            Ok(()) => rest = Duration::from_secs(1),
            Err(error) => {
                app.degraded.set(NAME, Err("the connection is lost; the log says why"));
                tracing::warn!(%error, "the connection to Slack is lost; it is opened again");
                tokio::select! {
                    () = tokio::time::sleep(rest) => {}
                    () = app.ended() => return,
                }
                rest = (rest * 2).min(LONGEST_REST);
            }
        }
    }
}

/// Handles one connection until it ends.
async fn once(app: &Arc<ServiceState>, slack: &SlackSettings) -> Result<(), String> {
    let Some(token) = &slack.app_token else { return Ok(()) };
    let api = SlackApi::new(slack, app.http().map_err(|error| error.to_string())?);
    let url = api.open_socket(token).await.map_err(|error| error.to_string())?;
    let limits = WebSocketConfig::default()
        .max_message_size(Some(MAX_FRAME_BYTES))
        .max_frame_size(Some(MAX_FRAME_BYTES));
    let connected = tokio_tungstenite::connect_async_with_config(&url, Some(limits), true).await;
    // The address contains a secret ticket, so no error shows it.
    let (mut socket, _) = connected.map_err(|error| error.to_string().replace(&url, "the address given"))?;
    app.degraded.set(NAME, Ok(()));
    loop {
        let frame = tokio::time::timeout(SILENCE, socket.next()).await;
        let frame = match frame.map_err(|_| "nothing came for a minute")? {
            None | Some(Ok(Message::Close(_))) => return Ok(()),
            Some(frame) => frame.map_err(|error| error.to_string())?,
        };
        let Message::Text(text) = frame else { continue };
        let Ok(envelope) = serde_json::from_str::<Value>(&text) else { continue };
        match envelope.get("type").and_then(Value::as_str) {
            Some("disconnect") => return Ok(()),
            Some("hello") | None => continue,
            Some(_) => {}
        }
        let Some(id) = envelope.get("envelope_id").and_then(Value::as_str) else { continue };
        match taken(app, &envelope).await {
            Ok(answer) => {
                let mut ack = json!({ "envelope_id": id });
                if let Some(answer) = answer {
                    ack["payload"] = answer;
                }
                socket.send(Message::text(ack.to_string())).await.map_err(|error| error.to_string())?;
            }
            Err(problem) => tracing::warn!(why = %problem.detail, "an envelope of Slack could not be stored"),
        }
    }
}

/// Handles an envelope. One that cannot be understood is acknowledged and ignored, because Slack would only send it again.
async fn taken(app: &Arc<ServiceState>, envelope: &Value) -> Result<Option<Value>, Problem> {
    let payload = envelope.get("payload").unwrap_or(&Value::Null);
    let not_read = |why: String| {
        tracing::warn!(why, "an envelope of Slack cannot be read");
    };
    match envelope.get("type").and_then(Value::as_str) {
        Some("events_api") => match wire::told(payload) {
            Ok(told) => app.metrics.arrival(NAME, handlers::told(app, told).await?),
            Err(why) => not_read(why),
        },
        Some("slash_commands") => {
            let field = |name: &str| payload.get(name).and_then(Value::as_str).map(str::to_owned);
            match wire::command(field) {
                Ok(command) => {
                    let (effect, answer) = handlers::command(app, command).await?;
                    app.metrics.arrival(NAME, effect);
                    return Ok(Some(json!({ "text": answer })));
                }
                Err(why) => not_read(why),
            }
        }
        Some("interactive") => match wire::pressed(payload) {
            Ok(Some(pressed)) => handlers::pressed(app, pressed).await?,
            Ok(None) => {}
            Err(why) => not_read(why),
        },
        _ => {}
    }
    Ok(None)
}
