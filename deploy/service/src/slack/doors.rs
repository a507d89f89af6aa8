/*!
Slack over HTTP: three routes, all signed the same way. Each answers once what it took is on the disk, which is
long before the three seconds that Slack waits.
*/

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::{NAME, take, wire};
use crate::api::incidents::json_of;
use crate::app::App;
use crate::hooks::signature::{self, Signed};
use crate::http::{Problem, Raw, parse};
use crate::settings::Slack;

/// Whether Slack sent this.
fn proven<'a>(app: &'a App, headers: &HeaderMap, body: &[u8]) -> Result<&'a Slack, Problem> {
    let slack = app.settings.slack.as_ref().filter(|slack| !slack.signing_secrets.is_empty());
    let slack = slack.ok_or_else(|| {
        Problem::not_found("Slack is not set up here; see [channels.slack] signing_secret_env")
    })?;
    let signed = Signed { headers, body, secrets: &slack.signing_secrets, now: jiff::Timestamp::now() };
    signature::slack(&signed).map_err(|refused| {
        app.metrics.refused("signature");
        Problem::unauthorized(refused.to_string())
    })?;
    Ok(slack)
}

pub(crate) async fn events(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Raw(body): Raw,
) -> Result<Response, Problem> {
    proven(&app, &headers, &body)?;
    let envelope: Value = parse(&body)?;
    match wire::told(&envelope).map_err(Problem::unprocessable)? {
        wire::Told::Challenge(challenge) => Ok(json_of(&json!({ "challenge": challenge })).into_response()),
        told => {
            let effect = take::told(&app, told).await?;
            app.metrics.arrival(NAME, effect);
            Ok(json_of(&json!({ "effect": effect })).into_response())
        }
    }
}

pub(crate) async fn commands(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Raw(body): Raw,
) -> Result<Response, Problem> {
    proven(&app, &headers, &body)?;
    let fields = form(&body)?;
    let field = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    let command = wire::command(field).map_err(Problem::unprocessable)?;
    let (effect, answer) = take::command(&app, command).await?;
    app.metrics.arrival(NAME, effect);
    Ok(json_of(&json!({ "response_type": "ephemeral", "text": answer })).into_response())
}

pub(crate) async fn interactions(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Raw(body): Raw,
) -> Result<Response, Problem> {
    proven(&app, &headers, &body)?;
    let fields = form(&body)?;
    let payload = fields.iter().find(|(key, _)| key == "payload").map(|(_, value)| value.as_str());
    let payload = payload.ok_or_else(|| Problem::unprocessable("the form needs the field payload"))?;
    let payload: Value = parse(payload.as_bytes())?;
    if let Some(pressed) = wire::pressed(&payload).map_err(Problem::unprocessable)? {
        take::pressed(&app, pressed).await?;
    }
    Ok(json_of(&json!({})).into_response())
}

fn form(body: &[u8]) -> Result<Vec<(String, String)>, Problem> {
    std::str::from_utf8(body)
        .map_err(|error| Problem::bad_request(format!("the body is no UTF-8: {error}")))?;
    Ok(form_urlencoded::parse(body)
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .take(100)
        .collect())
}
