/*!
Slack over HTTP: three routes, all signed the same way. Each responds as soon as the delivery is stored on disk, well
within the three seconds that Slack waits.
*/

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use bytes::Bytes;
use millwright_integrations::slack::{self, wire};
use schemars::Schema;
use serde_json::{Value, json};

use super::{NAME, handlers};
use crate::app::ServiceState;
use crate::hooks::proven;
use crate::http::{Problem, json_of, parse, refuse_unread};

/// A route that Slack calls.
pub(crate) struct ChatRoute {
    pub(crate) path: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) schema: fn() -> Schema,
    /// Whether the body is a form.
    pub(crate) is_form: bool,
    pub(crate) handler: fn() -> MethodRouter<Arc<ServiceState>>,
}

/// The routes, for the table of routes.
pub(crate) const ROUTES: [ChatRoute; 3] = [
    ChatRoute {
        path: "/hooks/slack/events",
        summary: "Mentions and direct messages of Slack",
        schema: slack::event_schema,
        is_form: false,
        handler: || post(events),
    },
    ChatRoute {
        path: "/hooks/slack/commands",
        summary: "The slash command of Slack",
        schema: slack::command_schema,
        is_form: true,
        handler: || post(commands),
    },
    ChatRoute {
        path: "/hooks/slack/interactions",
        summary: "Buttons pressed in Slack",
        schema: slack::interaction_schema,
        is_form: true,
        handler: || post(interactions),
    },
];

/// The verified body of a request from Slack.
async fn sent(app: &ServiceState, request: Request) -> Result<Bytes, Problem> {
    let slack = app.settings.chat.as_ref().filter(|slack| !slack.signing_secrets.is_empty());
    let Some(slack) = slack else {
        refuse_unread(request);
        return Err(Problem::not_found("Slack is not set up here; see [channels.slack] signing_secret_env"));
    };
    proven(app, request, NAME, &slack.signing_secrets, slack::verify).await.map(|(_, body)| body)
}

async fn events(State(app): State<Arc<ServiceState>>, request: Request) -> Result<Response, Problem> {
    let body = sent(&app, request).await?;
    let envelope: Value = parse(&body)?;
    match wire::told(&envelope).map_err(Problem::unprocessable)? {
        wire::SlackEvent::Challenge(challenge) => {
            Ok(json_of(&json!({ "challenge": challenge })).into_response())
        }
        told => {
            let effect = handlers::told(&app, told).await?;
            app.metrics.arrival(NAME, effect);
            Ok(json_of(&json!({ "effect": effect })).into_response())
        }
    }
}

async fn commands(State(app): State<Arc<ServiceState>>, request: Request) -> Result<Response, Problem> {
    let body = sent(&app, request).await?;
    let fields = form(&body)?;
    let field = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    let command = wire::command(field).map_err(Problem::unprocessable)?;
    let (effect, answer) = handlers::command(&app, command).await?;
    app.metrics.arrival(NAME, effect);
    Ok(json_of(&json!({ "response_type": "ephemeral", "text": answer })).into_response())
}

async fn interactions(State(app): State<Arc<ServiceState>>, request: Request) -> Result<Response, Problem> {
    let body = sent(&app, request).await?;
    let fields = form(&body)?;
    let payload = fields.iter().find(|(key, _)| key == "payload").map(|(_, value)| value.as_str());
    let payload = payload.ok_or_else(|| Problem::unprocessable("the form needs the field payload"))?;
    let payload: Value = parse(payload.as_bytes())?;
    if let Some(pressed) = wire::pressed(&payload).map_err(Problem::unprocessable)? {
        handlers::pressed(&app, pressed).await?;
    }
    Ok(json_of(&json!({})).into_response())
}

fn form(body: &[u8]) -> Result<Vec<(String, String)>, Problem> {
    std::str::from_utf8(body)
        .map_err(|error| Problem::bad_request(format!("the body is not UTF-8: {error}")))?;
    Ok(form_urlencoded::parse(body)
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .take(100)
        .collect())
}
