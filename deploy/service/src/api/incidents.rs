/*!
Incidents: reported, listed, shown.
*/

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use millwright_memory::store::{
    Arrival, Arrived, Delivery, IncidentFilter, IncidentLine, IncidentState, JobKind, Message, MessageKind,
    NewIncident, Note,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::auth::Principal;
use crate::http::{Asked, Id, Json, Problem};
use crate::intake;

const MAX_TITLE_CHARS: usize = 500;
const MAX_NAME_CHARS: usize = 200;
const MAX_ATTACHMENTS: usize = 20;

/// An incident to investigate.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Report {
    /// What goes wrong, in a line.
    #[schemars(length(min = 1, max = 500), regex(pattern = r"[^\s\x85]"))]
    pub(crate) title: String,
    /// Everything known: what was seen, stack traces, log lines, failing tests.
    #[serde(default)]
    pub(crate) body: String,
    /// As `[repositories.NAME] services` names it.
    #[schemars(length(min = 1, max = 200))]
    pub(crate) service: Option<String>,
    #[schemars(length(min = 1, max = 200))]
    pub(crate) environment: Option<String>,
    /// The release that failed: a tag, a commit, or a name that ends in one.
    #[schemars(length(min = 1, max = 200))]
    pub(crate) release: Option<String>,
    /// The system it comes from.
    #[schemars(length(min = 1, max = 200))]
    pub(crate) source: Option<String>,
    /// Its id there: the same one again is the same incident.
    #[schemars(length(min = 1, max = 200))]
    pub(crate) external_id: Option<String>,
    #[serde(default)]
    #[schemars(length(max = 20))]
    pub(crate) attachments: Vec<Attachment>,
    /// Files of the repository to lay over every checkout before a replay, as `REV:PATH` or `REV:PATH=TARGET`: a test
    /// that the failing revision does not have.
    #[serde(default)]
    #[schemars(length(max = 20), inner(length(max = 500), regex(pattern = OVERLAY)))]
    pub(crate) overlay: Vec<String>,
}

/// A revision, a path inside the repository, and perhaps another path.
const OVERLAY: &str = "^[^:=-][^:=]*:[^:=]+(=[^:=]+)?$";

/// A file; either as text or in base64.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = either("text", "base64")))]
pub(crate) struct Attachment {
    name: String,
    media_type: Option<String>,
    #[schemars(regex(pattern = BASE64))]
    base64: Option<String>,
    text: Option<String>,
}

/// Padded, and without bits that say nothing.
const BASE64: &str = "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$";

/// One of two fields is given, the other is left out or null.
fn either(one: &str, other: &str) -> Value {
    let only = |given: &str, missing: &str| json!({ "required": [given], "properties": { given: { "type": "string" }, missing: { "type": "null" } } });
    json!([only(one, other), only(other, one)])
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Accepted {
    pub(crate) id: String,
    /// The same was reported before; this is its incident.
    known: bool,
    /// Where to look.
    url: String,
}

pub(crate) async fn create(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    headers: HeaderMap,
    Json(report): Json<Report>,
) -> Result<Response, Problem> {
    let delivery = match (headers.get("idempotency-key"), &report.external_id) {
        (Some(key), _) => {
            let plain =
                |key: &&str| (1..=200).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic());
            let key = key.to_str().ok().filter(plain).ok_or_else(|| {
                Problem::bad_request("idempotency-key must be 1 to 200 plain characters, without spaces")
            })?;
            Some(format!("key:{}", digest(&[&principal.key, key])))
        }
        (None, Some(id)) => Some(format!("api:{}", digest(&[report.source.as_deref().unwrap_or("api"), id]))),
        (None, None) => None,
    };
    let accepted = report_by(&app, &principal, report, delivery).await?;
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, accepted.url.clone())], json_of(&accepted)).into_response())
}

/// Takes a report in, whichever door it came by.
pub(crate) async fn report_by(
    app: &App,
    principal: &Principal,
    report: Report,
    delivery: Option<String>,
) -> Result<Accepted, Problem> {
    check(&report)?;
    let attachments = report.attachments.iter().map(readable).collect::<Result<Vec<Value>, Problem>>()?;
    let payload = json!({
        "title": report.title,
        "body": report.body,
        "service": report.service,
        "environment": report.environment,
        "release": report.release,
        "external_id": report.external_id,
        "attachments": attachments,
    });
    let mut ticket = intake::read(&app.settings.redactor, payload).await;
    ticket.context.overlay.clone_from(&report.overlay);
    if ticket.title.trim().is_empty() {
        ticket.title = "Untitled incident".to_owned();
    }
    let arrival = Arrival {
        incident: NewIncident {
            repository: None,
            source: Some(report.source.unwrap_or_else(|| "api".to_owned())),
            ticket,
            mapped: Vec::new(),
        },
        delivery,
        correlation: Vec::new(),
        resolved: false,
        note: None,
        files: Vec::new(),
        by: principal.name.clone(),
    };
    let arrived = app.intake.arrive(arrival).await?;
    let Some(id) = arrived.incident().map(str::to_owned) else {
        return Err(Problem::conflict("this was delivered before and its incident was forgotten since"));
    };
    let known = matches!(arrived, Arrived::Again(_));
    app.metrics.arrival("api", if known { "again" } else { "opened" });
    app.work.notify_one();
    Ok(Accepted { known, url: format!("/v1/incidents/{id}"), id })
}

fn check(report: &Report) -> Result<(), Problem> {
    let wrong = |what: &str| Err(Problem::unprocessable(what));
    if report.title.trim().is_empty() || report.title.chars().count() > MAX_TITLE_CHARS {
        return wrong("title must be 1 to 500 characters; what does not fit goes into body");
    }
    let names = [&report.service, &report.environment, &report.release, &report.source, &report.external_id];
    if names.into_iter().flatten().any(|name| name.is_empty() || name.chars().count() > MAX_NAME_CHARS) {
        return wrong("service, environment, release, source and external_id must be 1 to 200 characters");
    }
    let is_overlay = |given: &String| {
        let (source, target) = given.split_once('=').map_or((given.as_str(), None), |(a, b)| (a, Some(b)));
        let parts = source.split_once(':').filter(|(revision, path)| {
            !revision.is_empty() && !revision.starts_with('-') && !path.is_empty() && !path.contains(':')
        });
        given.chars().count() <= 500
            && parts.is_some()
            && target.is_none_or(|target| !target.is_empty() && !target.contains([':', '=']))
    };
    if report.overlay.len() > MAX_ATTACHMENTS || !report.overlay.iter().all(is_overlay) {
        return wrong("overlay holds at most 20 entries of the form REV:PATH or REV:PATH=TARGET");
    }
    if report.attachments.len() > MAX_ATTACHMENTS {
        return wrong("at most 20 attachments; put related ones into one file");
    }
    Ok(())
}

/// As intake reads it: text, so that secrets inside of encodings are masked, too.
fn readable(attachment: &Attachment) -> Result<Value, Problem> {
    let name: String = attachment.name.chars().filter(|c| !c.is_control()).take(200).collect();
    let wrong = |what: &str| Problem::unprocessable(format!("attachment {name:?}: {what}"));
    let text = match (&attachment.text, &attachment.base64) {
        (Some(text), None) => text.clone(),
        (None, Some(encoded)) => {
            let bytes = base64::engine::general_purpose::STANDARD
                .decode(encoded.trim())
                .map_err(|error| wrong(&format!("its base64 cannot be read: {error}")))?;
            String::from_utf8_lossy(&bytes).into_owned()
        }
        _ => return Err(wrong("give either text or base64")),
    };
    Ok(json!({ "name": name, "media_type": attachment.media_type, "text": text }))
}

pub(crate) fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    hex::encode(hash.finalize())
}

/// What incidents are narrowed to.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "IncidentQuery")]
pub(crate) struct Filter {
    state: Option<Phase>,
    service: Option<String>,
    environment: Option<String>,
    source: Option<String>,
    external_id: Option<String>,
    /// Words in the title.
    q: Option<String>,
    /// The `next` of the page before.
    after: Option<String>,
    /// 50 by default.
    #[schemars(range(min = 1, max = 500))]
    limit: Option<u32>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "IncidentState")]
pub(crate) enum Phase {
    Queued,
    Running,
    AwaitingApproval,
    Done,
    Failed,
    Cancelled,
}

impl From<IncidentState> for Phase {
    fn from(state: IncidentState) -> Self {
        match state {
            IncidentState::Queued => Self::Queued,
            IncidentState::Running => Self::Running,
            IncidentState::AwaitingApproval => Self::AwaitingApproval,
            IncidentState::Done => Self::Done,
            IncidentState::Failed => Self::Failed,
            IncidentState::Cancelled => Self::Cancelled,
        }
    }
}

impl From<Phase> for IncidentState {
    fn from(state: Phase) -> Self {
        match state {
            Phase::Queued => Self::Queued,
            Phase::Running => Self::Running,
            Phase::AwaitingApproval => Self::AwaitingApproval,
            Phase::Done => Self::Done,
            Phase::Failed => Self::Failed,
            Phase::Cancelled => Self::Cancelled,
        }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "IncidentPage")]
pub(crate) struct Page {
    incidents: Vec<Line>,
    /// Give it as `after` for the next page; null on the last one.
    next: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "IncidentLine")]
pub(crate) struct Line {
    id: String,
    title: String,
    state: Phase,
    /// Of the newest report.
    verdict: Option<String>,
    source: Option<String>,
    external_id: Option<String>,
    service: Option<String>,
    environment: Option<String>,
    release: Option<String>,
    created_at: String,
    updated_at: String,
}

impl From<IncidentLine> for Line {
    fn from(line: IncidentLine) -> Self {
        Self {
            id: line.id,
            title: line.title,
            state: line.state.into(),
            verdict: line.verdict.map(|verdict| verdict.as_str().to_owned()),
            source: line.source,
            external_id: line.external_id,
            service: line.service,
            environment: line.environment,
            release: line.release,
            created_at: line.created_at,
            updated_at: line.updated_at,
        }
    }
}

pub(crate) async fn list(
    State(app): State<Arc<App>>,
    Asked(asked): Asked<Filter>,
) -> Result<impl IntoResponse, Problem> {
    let limit = asked.limit.unwrap_or(50);
    if !(1..=500).contains(&limit) {
        return Err(Problem::bad_request("limit must be 1 to 500"));
    }
    let filter = IncidentFilter {
        state: asked.state.map(Into::into),
        service: asked.service,
        environment: asked.environment,
        source: asked.source,
        external_id: asked.external_id,
        title: asked.q,
        after: asked.after,
        limit,
    };
    let incidents: Vec<Line> = app.store.list_incidents(&filter).await?.into_iter().map(Line::from).collect();
    let full = incidents.len() >= limit as usize;
    let next = incidents.last().filter(|_| full).map(|line| line.id.clone());
    Ok(json_of(&Page { incidents, next }))
}

/// An incident and everything that is known of it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Incident")]
pub(crate) struct Whole {
    id: String,
    title: String,
    /// As it was taken in, secrets masked.
    text: String,
    state: Phase,
    verdict: Option<String>,
    /// Why it could not be investigated, or why the last attempt has to be repeated.
    error: Option<String>,
    repository: Option<String>,
    source: Option<String>,
    external_id: Option<String>,
    service: Option<String>,
    environment: Option<String>,
    release: Option<String>,
    created_at: String,
    updated_at: String,
    report: Option<millwright_memory::types::Report>,
    /// Every time it was reported, joined or said to be over.
    deliveries: Vec<DeliveryView>,
    messages: Vec<MessageView>,
    notes: Vec<NoteView>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Delivery")]
pub(crate) struct DeliveryView {
    source: String,
    at: String,
    /// `opened`, `joined` or `resolved`.
    effect: String,
    title: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Message")]
pub(crate) struct MessageView {
    id: String,
    at: String,
    author: String,
    /// `remark`, `decision`, `stop`, `question` or `answer`.
    kind: String,
    text: String,
    /// Whether it has reached the run.
    taken: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Note")]
pub(crate) struct NoteView {
    system: String,
    target: String,
    /// `wanted`, `sending` or `sent`.
    state: String,
}

pub(crate) async fn show(State(app): State<Arc<App>>, Id(id): Id) -> Result<impl IntoResponse, Problem> {
    let incident = app.store.get_incident(&id).await?;
    let report = match app.store.list_reports(&id).await?.into_iter().next() {
        Some(newest) => Some(app.store.get_report(&newest.id).await?),
        None => None,
    };
    let job = app.store.get_job(JobKind::Investigate, &id).await?;
    let whole = Whole {
        title: incident.ticket.title,
        text: incident.ticket.text.chars().take(100_000).collect(),
        state: incident.state.into(),
        verdict: report.as_ref().map(|report| report.verdict.as_str().to_owned()),
        error: job.and_then(|job| job.error).filter(|_| incident.state != IncidentState::Done),
        repository: incident.repository,
        source: incident.source,
        external_id: incident.external_id,
        service: incident.service,
        environment: incident.environment,
        release: incident.release,
        created_at: incident.created_at,
        updated_at: incident.updated_at,
        report,
        deliveries: app.store.deliveries(&id).await?.into_iter().map(delivery).collect(),
        messages: app.store.messages(&id, None).await?.iter().map(message).collect(),
        notes: app.store.notes(&id).await?.into_iter().map(note).collect(),
        id,
    };
    Ok(json_of(&whole))
}

fn delivery(delivery: Delivery) -> DeliveryView {
    let Delivery { source, received_at, effect, title, .. } = delivery;
    DeliveryView { source, at: received_at, effect, title }
}

pub(crate) fn message(message: &Message) -> MessageView {
    let kind = match message.kind {
        MessageKind::Remark => "remark",
        MessageKind::Decision => "decision",
        MessageKind::Stop => "stop",
        MessageKind::Question => "question",
        MessageKind::Answer => "answer",
    };
    MessageView {
        id: message.id.clone(),
        at: message.at.clone(),
        author: message.author.clone(),
        kind: kind.to_owned(),
        text: message.body.clone(),
        taken: message.taken_at.is_some() || message.kind == MessageKind::Answer,
    }
}

fn note(note: Note) -> NoteView {
    let state = serde_json::to_value(note.state).ok().and_then(|state| state.as_str().map(str::to_owned));
    NoteView { system: note.system, target: note.target, state: state.unwrap_or_default() }
}

/// An answer in JSON.
pub(crate) fn json_of<T: Serialize>(value: &T) -> Response {
    match serde_json::to_vec(value) {
        Ok(bytes) => ([(header::CONTENT_TYPE, "application/json")], bytes).into_response(),
        Err(error) => {
            tracing::error!(%error, "an answer could not be written");
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the answer could not be written").into_response()
        }
    }
}
