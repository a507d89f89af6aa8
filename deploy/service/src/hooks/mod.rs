/*!
Systems that call in. Every hook works the same way: the signature is checked over the raw bytes before anything is
read, the arrival is on the disk before it is acknowledged, and the work is a job. One file per system knows its
payload; `signature` knows how each signs.

Ids in headers that no signature covers prove nothing, so where a system signs only the body, the body itself is what
a repeated delivery is known by.
*/

mod alerts;
mod generic;
mod sentry;
pub(crate) mod shapes;
pub(crate) mod signature;
mod tickets;

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use bytes::Bytes;
use millwright_memory::store::{Arrival, Arrived, Deployment, NewIncident};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::api::incidents::{digest, json_of};
use crate::app::App;
use crate::files;
use crate::http::routes::MakeSchema;
use crate::http::{Problem, Raw, parse};
use crate::intake;

use signature::{Refused, Signed};

/// What a delivery means.
enum Event {
    Report(Box<Report>),
    Deployed(Deployment),
    /// Nothing for us: other kinds of events, pings.
    Nothing,
}

/// A failure that is reported, or said to be over.
#[derive(Default)]
struct Report {
    /// The delivery's own id, where the signature covers one.
    delivery: Option<String>,
    /// What it is known by in its system.
    keys: Vec<String>,
    resolved: bool,
    /// As intake reads it.
    payload: Value,
    service: Option<String>,
    external_id: Option<String>,
    /// The ticket's name, as its system's API takes it.
    ticket: Option<String>,
    /// Stack traces tell failures apart better than alerts' rules do; alerts are known by their keys only.
    by_trace: bool,
}

struct Source {
    name: &'static str,
    verify: fn(&Signed<'_>) -> Result<(), Refused>,
    read: fn(&HeaderMap, &Value) -> Result<Event, String>,
}

/// Path, what comes in, what it must have, and the handler.
type Row = (&'static str, &'static str, MakeSchema, fn() -> MethodRouter<Arc<App>>);

macro_rules! hook {
    ($path:literal, $summary:literal, $shape:path, $source:path) => {
        ($path, $summary, $shape, || {
            post(|State(app): State<Arc<App>>, headers: HeaderMap, Raw(body): Raw| {
                take(&$source, app, headers, body)
            })
        })
    };
}

/// The hooks, for the table of routes.
pub(crate) const ROUTES: &[Row] = &[
    hook!(
        "/hooks/generic",
        "Reports by the Standard Webhooks specification",
        shapes::generic,
        generic::SOURCE
    ),
    hook!("/hooks/alertmanager", "Alerts of a Prometheus Alertmanager", shapes::alerts, alerts::ALERTMANAGER),
    hook!("/hooks/grafana", "Alerts of Grafana", shapes::alerts, alerts::GRAFANA),
    hook!("/hooks/pagerduty", "Incidents of PagerDuty (v3 webhooks)", shapes::pagerduty, alerts::PAGERDUTY),
    hook!("/hooks/sentry", "Alerts and issues of Sentry", shapes::sentry, sentry::SOURCE),
    hook!("/hooks/github", "Issues and deployments of GitHub", shapes::github, tickets::GITHUB),
    hook!("/hooks/jira", "Issues of Jira and Jira Service Management", shapes::jira, tickets::JIRA),
    hook!("/hooks/zendesk", "Tickets of Zendesk", shapes::typed, tickets::ZENDESK),
];

/// What became of a delivery.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DeliveryTaken")]
pub(crate) struct Taken {
    /// `opened`, `joined`, `again`, `resolved`, `deployed` or `ignored`.
    effect: &'static str,
    /// The incident it belongs to.
    incident_id: Option<String>,
}

async fn take(
    source: &'static Source,
    app: Arc<App>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let name = source.name;
    let hook = app.settings.hooks.get(name).ok_or_else(|| {
        Problem::not_found(format!("this hook is not set up; name its secret in [connectors.{name}]"))
    })?;
    let signed =
        Signed { headers: &headers, body: &body, secrets: &hook.secrets, now: jiff::Timestamp::now() };
    if let Err(refused) = (source.verify)(&signed) {
        app.metrics.refused("signature");
        return Err(Problem::unauthorized(refused.to_string()));
    }
    // How some systems try whether somebody is there.
    if body.is_empty() {
        return Ok(taken(&app, name, "ignored", None));
    }
    let value: Value = parse(&body)?;
    let event = (source.read)(&headers, &value).map_err(Problem::unprocessable)?;
    match event {
        Event::Nothing => Ok(taken(&app, name, "ignored", None)),
        Event::Deployed(deployment) => {
            app.store.deployed(&deployment, name).await?;
            Ok(taken(&app, name, "deployed", None))
        }
        Event::Report(report) => report_in(source, &app, *report, &body).await,
    }
}

async fn report_in(
    source: &Source,
    app: &Arc<App>,
    report: Report,
    body: &[u8],
) -> Result<Response, Problem> {
    let name = source.name;
    let files = files::in_payload(name, &report.payload);
    let mut ticket = intake::read(&app.settings.redactor, report.payload).await;
    if ticket.title.trim().is_empty() {
        ticket.title = format!("Report from {name}");
    }
    let context = &mut ticket.context;
    context.service = report.service.filter(|service| !service.is_empty()).or(context.service.take());
    context.external_id = report.external_id.or(context.external_id.take());
    let mut keys: Vec<String> = report.keys.iter().map(|key| format!("{name}:{}", digest(&[key]))).collect();
    if report.by_trace && !ticket.fingerprint.symbols.is_empty() {
        keys.push(format!("trace:{}", ticket.fingerprint.value));
    }
    let delivery = match &report.delivery {
        Some(id) => format!("{name}:{}", digest(&[id])),
        None => format!("{name}:body:{}", digest(&[&String::from_utf8_lossy(body)])),
    };
    let has_client = app.settings.tickets.contains_key(name);
    let files = if has_client { files } else { Vec::new() };
    let arrival = Arrival {
        incident: NewIncident { repository: None, source: Some(name.to_owned()), ticket, mapped: Vec::new() },
        delivery: Some(delivery),
        correlation: keys,
        resolved: report.resolved,
        note: report.ticket.filter(|_| has_client).map(|ticket| (name.to_owned(), ticket)),
        files,
        by: name.to_owned(),
    };
    let arrived = app.intake.arrive(arrival).await?;
    let effect = match &arrived {
        Arrived::Opened(_) => "opened",
        Arrived::Joined(_) => "joined",
        Arrived::Again(_) => "again",
        Arrived::Resolved(_) => "resolved",
        Arrived::Ignored => "ignored",
    };
    if let Some(incident) = arrived.incident() {
        app.stored(incident);
        app.work.notify_one();
    }
    Ok(taken(app, name, effect, arrived.incident().map(str::to_owned)))
}

fn taken(app: &App, door: &'static str, effect: &'static str, incident_id: Option<String>) -> Response {
    app.metrics.arrival(door, effect);
    let status = if matches!(effect, "opened" | "joined") { StatusCode::ACCEPTED } else { StatusCode::OK };
    (status, json_of(&Taken { effect, incident_id })).into_response()
}

/// The text at a path of keys.
fn text<'v>(value: &'v Value, path: &[&str]) -> Option<&'v str> {
    path.iter().try_fold(value, |value, key| value.get(key))?.as_str().filter(|text| !text.is_empty())
}

/// A text or number at a path of keys, as text.
fn scalar(value: &Value, path: &[&str]) -> Option<String> {
    match path.iter().try_fold(value, |value, key| value.get(key))? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
