/*!
Reports, lists and shows incidents.
*/

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use millwright_model::{Audience, IncidentId, MessageId, RepositoryId, Timestamp};
use millwright_store::{
    Delivery, IncidentFilter, IncidentLine, IncidentMessage, IncidentState, JobKind, MessageKind, Note,
};
use millwright_usecases::{DeliveryKey, IncidentReport};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::app::ServiceState;
use crate::auth::Principal;
use crate::http::{CallerStore, IncidentPath, JsonBody, Problem, UrlQuery, json_of};

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AcceptedReport {
    id: IncidentId,
    /// The same was reported before; this is its incident.
    known: bool,
    /// Where to look.
    url: String,
}

pub(crate) async fn create(
    State(app): State<Arc<ServiceState>>,
    Extension(principal): Extension<Principal>,
    headers: HeaderMap,
    JsonBody(report): JsonBody<IncidentReport>,
) -> Result<Response, Problem> {
    let delivery = match headers.get("idempotency-key") {
        Some(key) => {
            let plain =
                |key: &&str| (1..=200).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic());
            let key = key.to_str().ok().filter(plain).ok_or_else(|| {
                Problem::bad_request("idempotency-key must be 1 to 200 plain characters, without spaces")
            })?;
            Some(DeliveryKey::Idempotency { principal: principal.key.clone(), key: key.to_owned() })
        }
        None => None,
    };
    let taken = app.intake.report(&principal, report, delivery).await?;
    app.metrics.reported(&taken);
    let accepted =
        AcceptedReport { known: taken.is_known, url: format!("/v1/incidents/{}", taken.id), id: taken.id };
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, accepted.url.clone())], json_of(&accepted)).into_response())
}

/// An id of a query, or a blank text for none: see [`millwright_model::id_or_blank`].
pub(super) fn id_or_blank_schema(generator: &mut SchemaGenerator) -> Schema {
    let id = generator.subschema_for::<IncidentId>();
    let whole = id.get("pattern").and_then(|pattern| pattern.as_str()).unwrap_or_default();
    let pattern = format!("^({})?$", whole.trim_start_matches('^').trim_end_matches('$'));
    json_schema!({ "type": "string", "pattern": pattern })
}

/// Filters for the list of incidents.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "IncidentQuery")]
pub(crate) struct IncidentListQuery {
    state: Option<IncidentState>,
    service: Option<String>,
    environment: Option<String>,
    source: Option<String>,
    external_id: Option<String>,
    /// Words in the title.
    q: Option<String>,
    /// The `next` of the page before.
    #[serde(default, deserialize_with = "millwright_model::id_or_blank")]
    #[schemars(schema_with = "id_or_blank_schema")]
    after: Option<IncidentId>,
    /// 50 by default.
    #[schemars(range(min = 1, max = 500))]
    limit: Option<u32>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "IncidentPage")]
pub(crate) struct IncidentList {
    incidents: Vec<IncidentSummary>,
    /// Give it as `after` for the next page; null on the last one.
    next: Option<IncidentId>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "IncidentLine")]
pub(crate) struct IncidentSummary {
    id: IncidentId,
    title: String,
    state: IncidentState,
    /// Of the newest report.
    verdict: Option<String>,
    source: Option<String>,
    external_id: Option<String>,
    service: Option<String>,
    environment: Option<String>,
    release: Option<String>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl From<IncidentLine> for IncidentSummary {
    fn from(line: IncidentLine) -> Self {
        Self {
            id: line.id,
            title: line.title,
            state: line.state,
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
    CallerStore(store): CallerStore,
    UrlQuery(asked): UrlQuery<IncidentListQuery>,
) -> Result<impl IntoResponse, Problem> {
    let limit = asked.limit.unwrap_or(50);
    if !(1..=500).contains(&limit) {
        return Err(Problem::bad_request("limit must be 1 to 500"));
    }
    let filter = IncidentFilter {
        state: asked.state,
        service: asked.service,
        environment: asked.environment,
        source: asked.source,
        external_id: asked.external_id,
        title: asked.q,
        after: asked.after,
        limit,
    };
    let incidents: Vec<IncidentSummary> =
        store.list_incidents(&filter).await?.into_iter().map(IncidentSummary::from).collect();
    let full = incidents.len() >= limit as usize;
    let next = incidents.last().filter(|_| full).map(|line| line.id.clone());
    Ok(json_of(&IncidentList { incidents, next }))
}

/// An incident and everything that is known of it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Incident")]
pub(crate) struct IncidentDetail {
    id: IncidentId,
    title: String,
    /// As it was received, with secrets masked.
    text: String,
    state: IncidentState,
    verdict: Option<String>,
    /// Why it could not be investigated, or why the last attempt has to be repeated.
    error: Option<String>,
    repository: Option<RepositoryId>,
    source: Option<String>,
    external_id: Option<String>,
    service: Option<String>,
    environment: Option<String>,
    release: Option<String>,
    created_at: Timestamp,
    updated_at: Timestamp,
    /// Who reads what is written about it: `internal`, `public`, or `unknown`, which is shown no more than `public`.
    audience: Audience,
    /// Incidents of the same failure that are kept separate because other people read them.
    related: Vec<IncidentId>,
    report: Option<millwright_model::Report>,
    /// Every delivery that opened, joined or resolved it.
    deliveries: Vec<DeliveryView>,
    messages: Vec<MessageView>,
    notes: Vec<NoteView>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Delivery")]
pub(crate) struct DeliveryView {
    source: String,
    at: Timestamp,
    /// `opened`, `joined` or `resolved`.
    effect: String,
    title: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Message")]
pub(crate) struct MessageView {
    id: MessageId,
    at: Timestamp,
    author: String,
    /// `remark`, `decision`, `stop`, `question` or `answer`.
    kind: String,
    text: String,
    /// Whether the run has read it.
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

pub(crate) async fn show(
    CallerStore(store): CallerStore,
    IncidentPath(id): IncidentPath,
) -> Result<impl IntoResponse, Problem> {
    let incident = store.get_incident(&id).await?;
    let report = match store.list_reports(&id).await?.into_iter().next() {
        Some(newest) => Some(store.get_report(&newest.id).await?),
        None => None,
    };
    let job = store.get_job(JobKind::Investigate, id.as_str()).await?;
    let whole = IncidentDetail {
        title: incident.ticket.title,
        text: incident.ticket.text.chars().take(100_000).collect(),
        state: incident.state,
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
        audience: incident.audience,
        related: store.related_incidents(&id).await?,
        report,
        deliveries: store.deliveries(&id).await?.into_iter().map(delivery).collect(),
        messages: store.messages(&id, None).await?.iter().map(message).collect(),
        notes: store.notes(&id).await?.into_iter().map(note).collect(),
        id,
    };
    Ok(json_of(&whole))
}

fn delivery(delivery: Delivery) -> DeliveryView {
    let Delivery { source, received_at, effect, title, .. } = delivery;
    DeliveryView { source, at: received_at, effect, title }
}

pub(crate) fn message(message: &IncidentMessage) -> MessageView {
    let kind = match message.kind {
        MessageKind::Remark => "remark",
        MessageKind::Decision => "decision",
        MessageKind::Stop => "stop",
        MessageKind::Question => "question",
        MessageKind::Answer => "answer",
    };
    MessageView {
        id: message.id.clone(),
        at: message.at,
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
