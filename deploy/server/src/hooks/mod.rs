/*!
Hooks by which other systems call in. Every hook works the same way: the service checks the signature over the raw bytes
before it reads anything, stores the delivery before it acknowledges it, and does the work in a job. The integration of a
system knows how that system signs and what it sends.

Ids in headers that no signature covers prove nothing. So where a system signs only the body, the service recognises a
repeated delivery by the body itself.
*/

use std::sync::{Arc, LazyLock};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use bytes::Bytes;
use millwright_integrations::attachments::files_in;
use millwright_integrations::signature::{PendingSignature, SignatureCheck, SignatureError};
use millwright_integrations::{INTEGRATIONS, InboundEvent, InboundHook, InboundReport, Integration};
use millwright_model::{IncidentId, digest};
use millwright_usecases::{ChannelReport, DeliveryKey, ingest_effect};
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::Serialize;
use serde_json::Value;

use crate::app::ServiceState;
use crate::http::{Problem, address, json_of, parse, read, refuse_unread, route};
use crate::limits::BodySender;
use crate::metrics::RefusalReason;

/// A system that calls in, and where.
pub(crate) struct HookRoute {
    pub(crate) path: String,
    pub(crate) integration: &'static dyn Integration,
    pub(crate) hook: &'static dyn InboundHook,
}

impl HookRoute {
    pub(crate) fn name(&self) -> &'static str {
        self.integration.name()
    }

    pub(crate) fn handler(&'static self) -> MethodRouter<Arc<ServiceState>> {
        post(move |State(app): State<Arc<ServiceState>>, request: Request| take(self, app, request))
    }
}

/// The hooks of all systems, for the table of routes.
pub(crate) static ROUTES: LazyLock<Vec<HookRoute>> = LazyLock::new(|| {
    let route = |integration: &'static dyn Integration| {
        let hook = integration.hook()?;
        Some(HookRoute { path: format!("/hooks/{}", integration.name()), integration, hook })
    };
    INTEGRATIONS.iter().copied().filter_map(route).collect()
});

/// The result of a delivery.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DeliveryTaken")]
pub(crate) struct DeliveryResult {
    /// `opened`, `joined`, `again`, `resolved`, `deployed` or `ignored`.
    effect: &'static str,
    /// The incident it belongs to.
    incident_id: Option<IncidentId>,
}

async fn take(
    route: &'static HookRoute,
    app: Arc<ServiceState>,
    request: Request,
) -> Result<Response, Problem> {
    let name = route.name();
    let Some(hook) = app.settings.hooks.get(name) else {
        refuse_unread(request);
        return Err(Problem::not_found(format!(
            "this hook is not set up; name its secret in [connectors.{name}]"
        )));
    };
    let verify = |delivery: &PendingSignature<'_>| route.hook.verify(delivery);
    let (headers, body) = proven(&app, request, name, &hook.secrets, verify).await?;
    // Some systems send an empty body to try the connection.
    if body.is_empty() {
        return Ok(taken(&app, name, "ignored", None));
    }
    let value: Value = parse(&body)?;
    match route.hook.receive(&headers, &value).map_err(Problem::unprocessable)? {
        InboundEvent::Nothing => Ok(taken(&app, name, "ignored", None)),
        InboundEvent::Deployed(deployment) => {
            app.use_cases_on(app.own_store.clone()).record_deployment(name, &deployment).await?;
            Ok(taken(&app, name, "deployed", None))
        }
        InboundEvent::Report(report) => report_in(route.integration, &app, *report, body).await,
    }
}

/// Headers and body of a request that one of these secrets signed. What the headers get wrong is refused before the body
/// is read, and the body is hashed while it arrives.
pub(crate) async fn proven(
    app: &ServiceState,
    mut request: Request,
    name: &str,
    secrets: &[SecretString],
    verify: impl Fn(&PendingSignature<'_>) -> Result<SignatureCheck, SignatureError>,
) -> Result<(HeaderMap, Bytes), Problem> {
    let refuse = |refused: SignatureError| {
        app.metrics.refused(RefusalReason::Signature);
        Problem::unauthorized(refused.to_string())
    };
    let signed = PendingSignature { headers: request.headers(), secrets, now: jiff::Timestamp::now() };
    let mut proof = match verify(&signed) {
        Ok(proof) => proof,
        Err(refused) => {
            refuse_unread(request);
            return Err(refuse(refused));
        }
    };
    if proof.is_given() {
        request.extensions_mut().insert(BodySender::Known(name.into()));
    }
    let (address, route) = (address(request.extensions()), route(request.extensions()));
    let headers = request.headers().clone();
    let body = read(request, app, |piece| proof.update(piece)).await?;
    proof.finish(&body).map_err(refuse)?;
    app.bodies.proves(address, route);
    Ok((headers, body))
}

async fn report_in(
    integration: &'static dyn Integration,
    app: &Arc<ServiceState>,
    report: InboundReport,
    body: Bytes,
) -> Result<Response, Problem> {
    let name = integration.name();
    let has_client = app.settings.tickets.contains_key(name);
    let source = integration.attachments().filter(|_| has_client);
    let files = source.map(|source| files_in(source, &report.payload)).unwrap_or_default();
    let delivery = match report.delivery {
        Some(id) => DeliveryKey::Delivered { system: name, id },
        None => DeliveryKey::Body { system: name, body },
    };
    let configured = app.settings.hooks.get(name).and_then(|hook| hook.audience);
    let audience = configured.or(report.audience).unwrap_or_else(|| integration.usual_audience());
    let ingested = app
        .intake
        .report_from_channel(ChannelReport {
            conversation: None,
            system: name,
            payload: report.payload,
            default_title: format!("Report from {name}"),
            service: report.service,
            external_id: report.external_id,
            delivery,
            correlation: report.keys.iter().map(|key| format!("{name}:{}", digest(&[key]))).collect(),
            is_joined_by_trace: report.by_trace,
            audience,
            is_resolved: report.resolved,
            note: report.ticket.filter(|_| has_client),
            files,
            by: name.to_owned(),
        })
        .await?;
    Ok(taken(app, name, ingest_effect(&ingested), ingested.incident().cloned()))
}

fn taken(
    app: &ServiceState,
    channel: &'static str,
    effect: &'static str,
    incident_id: Option<IncidentId>,
) -> Response {
    app.metrics.arrival(channel, effect);
    let status = if matches!(effect, "opened" | "joined") { StatusCode::ACCEPTED } else { StatusCode::OK };
    (status, json_of(&DeliveryResult { effect, incident_id })).into_response()
}
