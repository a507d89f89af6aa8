/*!
The one table of routes. The router, who may call what, the OpenAPI document and the matrix of the tests all come
from it, so a route cannot exist without a rule and a description.
*/

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get, post};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::guard::{Rule, guard};
use super::{Problem, openapi};
use crate::api::{approvals, events, incidents, machine, messages, records};
use crate::app::App;
use crate::auth::Role;
use crate::hooks;
use crate::page;
use crate::slack::doors as slack;

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Everybody; it tells nothing of what is known.
    Open,
    /// Whoever signs the body with a secret of the hook.
    Signed,
    /// Tokens of this role and those above.
    Role(Role),
    /// A page for whoever is signed in with this role or one above; others are led to the door.
    Page(Role),
    /// A page for everybody: the door itself, how pages look, and what a signed link opens.
    Visitor,
}

impl Access {
    /// Whether it is for people in browsers; the others are described to programs.
    pub(crate) fn is_page(self) -> bool {
        matches!(self, Self::Page(_) | Self::Visitor)
    }
}

pub(crate) type MakeSchema = fn(&mut SchemaGenerator) -> Schema;

/// What a route answers when all is well.
pub(crate) enum Answer {
    Json(u16, MakeSchema),
    Text(u16, &'static str),
    Nothing(u16),
}

pub(crate) struct Route {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) access: Access,
    pub(crate) summary: &'static str,
    /// Headers that mean something here: name, pattern, and what for.
    pub(crate) headers: &'static [(&'static str, &'static str, &'static str)],
    /// Parameters after `?`, as the properties of an object.
    pub(crate) query: Option<MakeSchema>,
    pub(crate) body: Option<MakeSchema>,
    /// Of the body.
    pub(crate) media: &'static str,
    /// Whether a request without a body is answered as well.
    pub(crate) body_may_be_missing: bool,
    pub(crate) answers: Vec<Answer>,
    /// Errors beyond those that any route of its kind can give.
    pub(crate) errors: &'static [u16],
    handler: fn() -> MethodRouter<Arc<App>>,
}

fn schema<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

fn read(
    path: &'static str,
    access: Access,
    summary: &'static str,
    answer: Answer,
    handler: fn() -> MethodRouter<Arc<App>>,
) -> Route {
    let answers = vec![answer];
    Route {
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
        handler,
    }
}

fn write(
    path: &'static str,
    access: Access,
    summary: &'static str,
    body: Option<MakeSchema>,
    answer: Answer,
    handler: fn() -> MethodRouter<Arc<App>>,
) -> Route {
    Route { method: "post", body, ..read(path, access, summary, answer, handler) }
}

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

impl Route {
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

    fn or(mut self, answer: Answer) -> Self {
        self.answers.push(answer);
        self
    }

    fn errors(self, errors: &'static [u16]) -> Self {
        Self { errors, ..self }
    }
}

/// Every route there is.
pub(crate) fn table() -> Vec<Route> {
    use Access::{Open, Role as For, Signed};
    use Role::{Admin, Responder, Support, Viewer};
    let mut table = vec![
        write(
            "/v1/incidents",
            For(Support),
            "Reports an incident; it is investigated in the background",
            Some(schema::<incidents::Report>),
            Answer::Json(202, schema::<incidents::Accepted>),
            || post(incidents::create),
        )
        .headers(&[("Idempotency-Key", "^[!-~]{1,200}$", "The same one again is the same report")])
        .errors(&[409]),
        read(
            "/v1/incidents",
            For(Viewer),
            "Incidents, newest first",
            Answer::Json(200, schema::<incidents::Page>),
            || get(incidents::list),
        )
        .query(schema::<incidents::Filter>),
        read(
            "/v1/incidents/{id}",
            For(Viewer),
            "One incident, with its report once there is one",
            Answer::Json(200, schema::<incidents::Whole>),
            || get(incidents::show),
        )
        .errors(&[404]),
        read(
            "/v1/incidents/{id}/events",
            For(Viewer),
            "What happens, as server-sent events; Last-Event-ID goes on where a reader stopped",
            Answer::Text(200, "text/event-stream"),
            || get(events::stream),
        )
        .headers(&[(
            "Last-Event-ID",
            "^(run_[0-9a-z]{1,40}[.][0-9]{1,18}(~msg_[0-9a-z]{1,40})?)?$",
            "The id of the event that was seen last",
        )])
        .or(Answer::Nothing(204))
        .errors(&[400, 404]),
        write(
            "/v1/incidents/{id}/messages",
            For(Support),
            "Tells a running investigation where to look, or asks about one that has ended",
            Some(schema::<messages::Said>),
            Answer::Json(202, schema::<messages::Kept>),
            || post(messages::say),
        )
        .errors(&[404]),
        write(
            "/v1/incidents/{id}/cancel",
            For(Responder),
            "Stops an investigation; what is known by then is reported",
            None,
            Answer::Json(202, schema::<messages::Stopped>),
            || post(messages::cancel),
        )
        .errors(&[404, 409]),
        write(
            "/v1/incidents/{id}/feedback",
            For(Support),
            "Says whether the answer was right",
            Some(schema::<messages::Feedback>),
            Answer::Json(200, schema::<messages::Judged>),
            || post(messages::judge),
        )
        .errors(&[404, 409]),
        read(
            "/v1/approvals",
            For(Responder),
            "What waits for consent, oldest first",
            Answer::Json(200, schema::<approvals::Open>),
            || get(approvals::list),
        ),
        write(
            "/v1/approvals/{id}",
            For(Responder),
            "Consents to what an investigation wants to do, or denies it",
            Some(schema::<approvals::Deciding>),
            Answer::Json(200, schema::<approvals::Decided>),
            || post(approvals::decide),
        )
        .errors(&[404, 409]),
        write(
            "/v1/deployments",
            For(Responder),
            "Tells which revision of a service runs where since when",
            Some(schema::<records::Deployed>),
            Answer::Nothing(204),
            || post(records::deploy),
        ),
        read(
            "/v1/memory/search",
            For(Viewer),
            "Incidents like these words, and what is known of them",
            Answer::Json(200, schema::<records::Found>),
            || get(records::search),
        )
        .query(schema::<records::Search>),
        read(
            "/v1/audit",
            For(Admin),
            "Who did what, newest first",
            Answer::Json(200, schema::<records::Audit>),
            || get(records::audit),
        )
        .query(schema::<records::AuditPage>),
        read("/metrics", For(Viewer), "Figures for Prometheus", Answer::Text(200, "text/plain"), || {
            get(machine::metrics)
        }),
        read("/healthz", Open, "Whether the process lives", Answer::Text(200, "text/plain"), || {
            get(machine::healthz)
        }),
        read("/readyz", Open, "Whether it can take requests", Answer::Text(200, "text/plain"), || {
            get(machine::readyz)
        })
        .errors(&[503]),
        read("/openapi.json", Open, "This document", Answer::Json(200, schema::<serde_json::Value>), || {
            get(openapi::serve)
        }),
    ];
    table.extend(hooks::ROUTES.iter().map(|(path, summary, shape, handler)| {
        let answer = Answer::Json(200, schema::<hooks::Taken>);
        write(path, Signed, summary, Some(*shape), answer, *handler)
            .or(Answer::Json(202, schema::<hooks::Taken>))
            .or_no_body()
            .errors(&[404])
    }));
    table.extend(page::ROUTES.iter().map(|(method, path, access, handler)| {
        let answer = Answer::Text(200, "text/html");
        Route { method, ..read(path, *access, "A page", answer, *handler) }
    }));
    let of_slack = |path, summary, shape: MakeSchema, answer, handler| {
        write(path, Signed, summary, Some(shape), answer, handler).errors(&[404])
    };
    table.extend([
        of_slack(
            "/hooks/slack/events",
            "Mentions and direct messages of Slack",
            hooks::shapes::typed,
            Answer::Json(200, schema::<serde_json::Value>),
            || post(slack::events),
        ),
        of_slack(
            "/hooks/slack/commands",
            "The slash command of Slack",
            hooks::shapes::slack_command,
            Answer::Json(200, schema::<serde_json::Value>),
            || post(slack::commands),
        )
        .form(),
        of_slack(
            "/hooks/slack/interactions",
            "Buttons pressed in Slack",
            hooks::shapes::slack_interaction,
            Answer::Json(200, schema::<serde_json::Value>),
            || post(slack::interactions),
        )
        .form(),
    ]);
    table
}

pub(crate) fn router(app: &Arc<App>) -> Router {
    let answers = app.settings.duty.answers();
    let mut router = Router::new();
    for route in table() {
        // A worker shows how it is, and nothing else.
        if !answers && !matches!(route.path, "/healthz" | "/readyz" | "/metrics") {
            continue;
        }
        let rule = Rule { app: app.clone(), access: route.access, path: route.path, method: route.method };
        let handler = (route.handler)().route_layer(from_fn_with_state(rule, guard));
        router = router.route(route.path, handler);
    }
    router
        .fallback(page::lost)
        .method_not_allowed_fallback(|| async {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "the route exists, but not for this method")
        })
        .with_state(app.clone())
}
