/*!
The one table of routes. The router, the access rules, the OpenAPI document and the test matrix are all derived from it,
so a route cannot exist without a rule and a description.
*/

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get, post};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::guard::{RouteRule, guard};
use super::openapi;
use crate::api::{approvals, events, health, history, incidents, messages, records};
use crate::app::ServiceState;
use crate::auth::TokenRole;
use crate::chat;
use crate::events::stream;
use crate::hooks::{self, HookRoute};
use crate::http::{Problem, RouteAccess};
use crate::page;

pub(crate) type MakeSchema = fn(&mut SchemaGenerator) -> Schema;

/// What a route answers when all is well.
pub(crate) enum RouteAnswer {
    Json(u16, MakeSchema),
    Text(u16, &'static str),
    Nothing(u16),
}

pub(crate) struct RouteEntry {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) access: RouteAccess,
    pub(crate) summary: &'static str,
    /// Headers that mean something here: name, pattern, and what for.
    pub(crate) headers: &'static [(&'static str, &'static str, &'static str)],
    /// Parameters after `?`, as the properties of an object.
    pub(crate) query: Option<MakeSchema>,
    pub(crate) body: Option<BodySchema>,
    /// Of the body.
    pub(crate) media: &'static str,
    /// Whether a request without a body is answered as well.
    pub(crate) body_may_be_missing: bool,
    pub(crate) answers: Vec<RouteAnswer>,
    /// Errors beyond those that any route of its kind can give.
    pub(crate) errors: &'static [u16],
    handler: RouteHandler,
}

/// What a body must have.
#[derive(Clone, Copy)]
pub(crate) enum BodySchema {
    Made(MakeSchema),
    Own(fn() -> Schema),
    Hook(&'static HookRoute),
}

impl BodySchema {
    pub(crate) fn make(&self, generator: &mut SchemaGenerator) -> Schema {
        match self {
            Self::Made(make) => make(generator),
            Self::Own(make) => make(),
            Self::Hook(route) => route.hook.payload_schema(),
        }
    }
}

/// What answers.
enum RouteHandler {
    Made(fn() -> MethodRouter<Arc<ServiceState>>),
    Hook(&'static HookRoute),
}

impl RouteHandler {
    fn make(&self) -> MethodRouter<Arc<ServiceState>> {
        match self {
            Self::Made(make) => make(),
            Self::Hook(route) => route.handler(),
        }
    }
}

fn schema<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

fn read(
    path: &'static str,
    access: RouteAccess,
    summary: &'static str,
    answer: RouteAnswer,
    handler: fn() -> MethodRouter<Arc<ServiceState>>,
) -> RouteEntry {
    let answers = vec![answer];
    RouteEntry {
        method: "get",
        path,
        access,
        summary,
        headers: &[],
        query: None,
        body: None,
        media: JSON,
        body_may_be_missing: false,
        answers,
        errors: &[],
        handler: RouteHandler::Made(handler),
    }
}

fn write(
    path: &'static str,
    access: RouteAccess,
    summary: &'static str,
    body: Option<MakeSchema>,
    answer: RouteAnswer,
    handler: fn() -> MethodRouter<Arc<ServiceState>>,
) -> RouteEntry {
    let body = body.map(BodySchema::Made);
    RouteEntry { method: "post", body, ..read(path, access, summary, answer, handler) }
}

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

impl RouteEntry {
    fn form(self) -> Self {
        Self { media: FORM, ..self }
    }

    fn or_no_body(self) -> Self {
        Self { body_may_be_missing: true, ..self }
    }

    fn headers(self, headers: &'static [(&'static str, &'static str, &'static str)]) -> Self {
        Self { headers, ..self }
    }

    fn query(self, query: MakeSchema) -> Self {
        Self { query: Some(query), ..self }
    }

    fn or(mut self, answer: RouteAnswer) -> Self {
        self.answers.push(answer);
        self
    }

    fn errors(self, errors: &'static [u16]) -> Self {
        Self { errors, ..self }
    }
}

const HEALTH: &str = "/healthz";
const READINESS: &str = "/readyz";
const METRICS: &str = "/metrics";

/// What other machines ask every few seconds: answered by every process, also on connections of the reserve.
const OF_MACHINES: [&str; 3] = [HEALTH, READINESS, METRICS];

/// Whether a path is one of those that other machines ask.
pub(crate) fn is_of_machines(path: &str) -> bool {
    OF_MACHINES.contains(&path)
}

/// Every route there is.
pub(crate) fn table() -> Vec<RouteEntry> {
    use RouteAccess::{Open, Role as For, Signed};
    use TokenRole::{Admin, Responder, Support, Viewer};
    let mut table = vec![
        write(
            "/v1/incidents",
            For(Support),
            "Reports an incident; it is investigated in the background",
            Some(schema::<millwright_usecases::IncidentReport>),
            RouteAnswer::Json(202, schema::<incidents::AcceptedReport>),
            || post(incidents::create),
        )
        .headers(&[(
            "Idempotency-Key",
            "^[!-~]{1,200}$",
            "The same key with the same report is accepted once; with another report it is refused",
        )])
        .errors(&[409]),
        read(
            "/v1/incidents",
            For(Viewer),
            "Incidents, newest first",
            RouteAnswer::Json(200, schema::<incidents::IncidentList>),
            || get(incidents::list),
        )
        .query(schema::<incidents::IncidentListQuery>),
        read(
            "/v1/incidents/{id}",
            For(Viewer),
            "One incident, with its report once there is one",
            RouteAnswer::Json(200, schema::<incidents::IncidentDetail>),
            || get(incidents::show),
        )
        .errors(&[404]),
        read(
            "/v1/incidents/{id}/events",
            For(Viewer),
            "Progress as server-sent events; Last-Event-ID continues where a reader stopped",
            RouteAnswer::Text(200, "text/event-stream"),
            || get(events::stream),
        )
        .headers(&[("Last-Event-ID", stream::POSITION, "The id of the last event that was received")])
        .or(RouteAnswer::Nothing(204))
        .errors(&[400, 404]),
        write(
            "/v1/incidents/{id}/messages",
            For(Support),
            "Tells a running investigation where to look, or asks about one that has ended",
            Some(schema::<messages::MessageRequest>),
            RouteAnswer::Json(202, schema::<messages::MessageResult>),
            || post(messages::say),
        )
        .errors(&[404]),
        write(
            "/v1/incidents/{id}/cancel",
            For(Responder),
            "Stops an investigation; what is known by then is reported",
            None,
            RouteAnswer::Json(202, schema::<messages::StopResult>),
            || post(messages::cancel),
        )
        .errors(&[404, 409]),
        write(
            "/v1/incidents/{id}/feedback",
            For(Support),
            "Confirms or rejects the answer",
            Some(schema::<messages::FeedbackRequest>),
            RouteAnswer::Json(200, schema::<messages::FeedbackOutcome>),
            || post(messages::judge),
        )
        .errors(&[404, 409]),
        read(
            "/v1/approvals",
            For(Responder),
            "Calls that wait for consent, oldest first",
            RouteAnswer::Json(200, schema::<approvals::OpenApprovals>),
            || get(approvals::list),
        ),
        write(
            "/v1/approvals/{id}",
            For(Responder),
            "Approves or denies a call that an investigation wants to make",
            Some(schema::<approvals::ApprovalDecision>),
            RouteAnswer::Json(200, schema::<approvals::ApprovalResult>),
            || post(approvals::decide),
        )
        .errors(&[404, 409]),
        write(
            "/v1/deployments",
            For(Responder),
            "Records which revision of a service was deployed where and when",
            Some(schema::<records::DeploymentRequest>),
            RouteAnswer::Nothing(204),
            || post(records::deploy),
        ),
        read(
            "/v1/history",
            For(Viewer),
            "The commits that changed a code unit, lines or a file, each with only its hunks there",
            RouteAnswer::Json(200, schema::<history::RepositoryHistory>),
            || get(history::show),
        )
        .query(schema::<history::HistoryQuery>)
        .errors(&[404, 422]),
        read(
            "/v1/memory/search",
            For(Viewer),
            "Finds remembered incidents by words, with their resolutions",
            RouteAnswer::Json(200, schema::<records::MemorySearchPage>),
            || get(records::search),
        )
        .query(schema::<records::MemorySearchQuery>),
        read(
            "/v1/audit",
            For(Admin),
            "Who did what, newest first",
            RouteAnswer::Json(200, schema::<records::AuditLog>),
            || get(records::audit),
        )
        .query(schema::<records::AuditQuery>),
        read(METRICS, For(Viewer), "Metrics for Prometheus", RouteAnswer::Text(200, "text/plain"), || {
            get(health::metrics)
        }),
        read(HEALTH, Open, "Whether the process is alive", RouteAnswer::Text(200, "text/plain"), || {
            get(health::healthz)
        }),
        read(
            READINESS,
            Open,
            "Whether it can take requests, and what does not work",
            RouteAnswer::Json(200, schema::<health::ReadinessReport>),
            || get(health::readyz),
        )
        .or(RouteAnswer::Json(503, schema::<health::ReadinessReport>)),
        read(
            "/openapi.json",
            Open,
            "This document",
            RouteAnswer::Json(200, schema::<serde_json::Value>),
            || get(openapi::serve),
        ),
    ];
    table.extend(hooks::ROUTES.iter().map(|route| {
        let answer = RouteAnswer::Json(200, schema::<hooks::DeliveryResult>);
        // The handler is the hook's own.
        let written = write(&route.path, Signed, route.hook.summary(), None, answer, MethodRouter::new);
        let written =
            RouteEntry { body: Some(BodySchema::Hook(route)), handler: RouteHandler::Hook(route), ..written };
        written.or(RouteAnswer::Json(202, schema::<hooks::DeliveryResult>)).or_no_body().errors(&[404])
    }));
    table.extend(page::ROUTES.iter().map(|(method, path, access, handler)| {
        let answer = RouteAnswer::Text(200, "text/html");
        RouteEntry { method, ..read(path, *access, "A page", answer, *handler) }
    }));
    table.extend(chat::routes::ROUTES.into_iter().map(|route| {
        let answer = RouteAnswer::Json(200, schema::<serde_json::Value>);
        let written = write(route.path, Signed, route.summary, None, answer, route.handler).errors(&[404]);
        let written = RouteEntry { body: Some(BodySchema::Own(route.schema)), ..written };
        if route.is_form { written.form() } else { written }
    }));
    table
}

/// The figures alone, for the listener that asks nobody for a token.
pub(super) fn metrics_only(app: &Arc<ServiceState>) -> Router {
    Router::new().route(METRICS, get(health::metrics)).with_state(app.clone())
}

pub(crate) fn router(app: &Arc<ServiceState>) -> Router {
    let answers = app.settings.duty.answers();
    let mut router = Router::new();
    for route in table() {
        // A worker only serves its health and metrics.
        if !answers && !is_of_machines(route.path) {
            continue;
        }
        let rule =
            RouteRule { app: app.clone(), access: route.access, path: route.path, method: route.method };
        let handler = route.handler.make().route_layer(from_fn_with_state(rule, guard));
        router = router.route(route.path, handler);
    }
    router
        .fallback(page::lost)
        .method_not_allowed_fallback(|| async {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "the route exists, but not for this method")
        })
        .with_state(app.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is not of a person, a hook or the document of the routes is asked by machines.
    #[test]
    fn each_path_of_machines_is_in_the_table() {
        let of_others = ["/v1/", "/hooks/", "/openapi.json"];
        let table = table();
        let of_machines: Vec<&str> = table
            .iter()
            .filter(|route| {
                !route.access.is_page() && !of_others.iter().any(|one| route.path.starts_with(one))
            })
            .map(|route| route.path)
            .collect();
        assert_eq!(of_machines.len(), OF_MACHINES.len(), "{of_machines:?}");
        assert!(of_machines.into_iter().all(is_of_machines));
    }
}
