//! The router as clients see it, on a store in a temporary folder. The tests of the binary cover whole processes.

use millwright_model::{IncidentId, RepositoryName, VisibleSet};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use millwright_agent::planner::playbook::Playbook;
use millwright_redaction::{RedactionConfig, Redactor};
use millwright_store::{Actor, Database};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::app::ServiceState;
use crate::auth::{TokenRequest, TokenRole, create_token};
use crate::http::RouteAccess;
use crate::router::routes::table;
use crate::settings::{HookSettings, ProcessRole, ServiceLimits, ServiceSettings};

pub(crate) const BY: Actor<'static> = Actor { who: "test", why: "" };

pub(crate) struct Scene {
    pub(crate) app: Arc<ServiceState>,
    pub(crate) router: Router,
    _end: watch::Sender<bool>,
    _dir: tempfile::TempDir,
}

pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) headers: axum::http::HeaderMap,
    pub(crate) text: String,
}

impl Answered {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// Asserts that the response is a problem with these words.
    pub(crate) fn refuses(&self, status: u16, words: &str) {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["status"], status);
        assert!(problem["detail"].as_str().unwrap().contains(words), "{words:?} is not said: {problem}");
        assert_eq!(problem["request_id"], self.headers["x-request-id"].to_str().unwrap());
    }
}

fn settings(dir: &std::path::Path) -> ServiceSettings {
    ServiceSettings {
        listen: "127.0.0.1:0".parse().unwrap(),
        metrics_listen: None,
        duty: ProcessRole::All,
        anonymous: false,
        data_dir: dir.to_owned(),
        repositories: Vec::new(),
        redactor: Arc::new(Redactor::new(RedactionConfig::default()).unwrap()),
        planner: Arc::new(|| Ok(Box::new(Playbook))),
        speaker: Arc::new(|| Ok(None)),
        budget: Default::default(),
        sandbox: Default::default(),
        limits: ServiceLimits { body_bytes: 64 << 10, ..ServiceLimits::default() },
        public_url: None,
        hooks: Default::default(),
        tickets: Default::default(),
        chat: None,
        confirming_role: TokenRole::Responder,
    }
}

pub(crate) async fn scene_with(change: impl FnOnce(&mut ServiceSettings)) -> Scene {
    let dir = tempfile::tempdir().unwrap();
    let database = Database::open(dir.path().to_str().unwrap()).await.unwrap();
    let mut settings = settings(dir.path());
    change(&mut settings);
    let (end, ending) = watch::channel(false);
    let app = ServiceState::new(database, settings, ending);
    Scene { router: crate::router::service(&app), app, _end: end, _dir: dir }
}

pub(crate) async fn scene() -> Scene {
    scene_with(|_| {}).await
}

impl Scene {
    pub(crate) async fn token(&self, role: TokenRole) -> String {
        self.token_of(role, VisibleSet::All).await
    }

    /// A token bound to these repositories.
    pub(crate) async fn token_of(&self, role: TokenRole, repositories: VisibleSet<RepositoryName>) -> String {
        let request = TokenRequest { repositories, ..TokenRequest::new(role.as_str(), role) };
        create_token(&self.app.own_store, request, BY).await.unwrap().text
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answered {
        let response = tower::ServiceExt::oneshot(self.router.clone(), request).await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        Answered { status, headers, text: String::from_utf8_lossy(&bytes).into_owned() }
    }

    pub(crate) async fn ask(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: Option<Value>,
    ) -> Answered {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = match body {
            Some(body) => {
                request = request.header("content-type", "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        self.send(request.body(body).unwrap()).await
    }

    pub(crate) async fn report(&self, token: &str, title: &str) -> IncidentId {
        let answer = self.ask("POST", "/v1/incidents", Some(token), Some(json!({ "title": title }))).await;
        assert_eq!(answer.status, 202, "{}", answer.text);
        answer.json()["id"].as_str().unwrap().parse().unwrap()
    }
}

#[tokio::test]
async fn every_route_lets_in_whom_its_rule_names_and_nobody_else() {
    let scene = scene().await;
    let mut tokens = Vec::new();
    for role in TokenRole::ALL {
        tokens.push((role, scene.token(role).await));
    }
    let id = scene.report(&tokens[3].1, "one").await;
    let mut judged = 0;
    for route in table() {
        let path = route.path.replace("{id}", id.as_str());
        let method = route.method.to_uppercase();
        let body = || route.body.map(|_| json!({ "nonsense": true }));
        let strange = scene.ask(&method, &path, None, body()).await;
        let forged = scene.ask(&method, &path, Some("mw_000000000000_00"), body()).await;
        match route.access {
            RouteAccess::Open => assert_eq!(strange.status, 200, "{path}"),
            // Hooks are not set up here; another test shows that signatures are required.
            RouteAccess::Signed => assert_eq!(strange.status, 404, "{path}"),
            // Checked below, by people who are signed in.
            RouteAccess::Page(_) | RouteAccess::Visitor => {}
            RouteAccess::Role(least) => {
                strange.refuses(401, "token");
                assert!(strange.headers.contains_key("www-authenticate"));
                forged.refuses(401, "not valid");
                for (role, token) in &tokens {
                    // The stream stays open; this test only checks that it is let in.
                    let request = Request::builder().method(&*method).uri(&path);
                    let request = request.header("authorization", format!("Bearer {token}"));
                    let request = request.header("content-type", "application/json");
                    let body = body().map_or_else(Body::empty, |body| Body::from(body.to_string()));
                    let answer =
                        tower::ServiceExt::oneshot(scene.router.clone(), request.body(body).unwrap());
                    let status = answer.await.unwrap().status();
                    let allowed = *role >= least;
                    let refused = matches!(status, StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED);
                    assert_eq!(!refused, allowed, "{method} {path} by {role}: {status}");
                    assert!(!status.is_server_error(), "{method} {path}: {status}");
                    judged += 1;
                }
            }
        }
    }
    assert!(judged >= 4 * 13, "{judged}");
}

#[tokio::test]
async fn hooks_want_a_signature_from_everybody() {
    let scene = scene_with(|settings| {
        for route in crate::hooks::ROUTES.iter() {
            let name = route.name().to_owned();
            settings
                .hooks
                .insert(name, HookSettings { secrets: vec![SecretString::from("s3cret")], audience: None });
        }
    })
    .await;
    let admin = scene.token(TokenRole::Admin).await;
    for path in crate::hooks::ROUTES.iter().map(|route| &route.path) {
        for token in [None, Some(admin.as_str())] {
            let answer = scene.ask("POST", path, token, Some(json!({}))).await;
            assert_eq!(answer.status, 401, "{path}: {}", answer.text);
        }
    }
    assert_eq!(scene.app.own_store.count_incidents().await.unwrap(), 0);
}

#[tokio::test]
async fn without_tokens_only_this_machine_is_let_in_and_only_when_told() {
    let closed = scene().await;
    closed.ask("GET", "/v1/incidents", None, None).await.refuses(401, "token");
    let open = scene_with(|settings| settings.anonymous = true).await;
    let ask = async |host: &str, origin: Option<&str>| {
        let mut request = Request::builder().uri("/v1/incidents").header("host", host);
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        open.send(request.body(Body::empty()).unwrap()).await
    };
    assert_eq!(ask("localhost:7070", None).await.status, 200);
    ask("evil.example", None).await.refuses(401, "this machine");
    ask("localhost", Some("http://evil.example")).await.refuses(401, "this machine");
    // A wrong token is not treated as a missing one.
    open.ask("GET", "/v1/incidents", Some("mw_a_b"), None).await.refuses(401, "not valid");

    let dir = tempfile::tempdir().unwrap();
    let database = Database::open(dir.path().to_str().unwrap()).await.unwrap();
    for (anonymous, listen, words) in [
        (false, "127.0.0.1:0", "token create"),
        (true, "0.0.0.0:0", "loopback"),
        (true, "[::]:0", "loopback"),
    ] {
        let settings = ServiceSettings { anonymous, listen: listen.parse().unwrap(), ..settings(dir.path()) };
        let refused = crate::Service::start(database.clone(), settings).await.err().unwrap();
        assert!(refused.to_string().contains(words), "{refused}");
    }
}

#[tokio::test]
async fn bad_input_is_told_apart() {
    let scene = scene().await;
    let token = scene.token(TokenRole::Support).await;
    let post = async |media: &str, body: Vec<u8>| {
        let request = Request::builder().method("POST").uri("/v1/incidents");
        let request =
            request.header("authorization", format!("Bearer {token}")).header("content-type", media);
        scene.send(request.body(Body::from(body)).unwrap()).await
    };
    let json = "application/json";
    post("text/plain", b"{}".to_vec()).await.refuses(415, "application/json");
    post(json, b"{".to_vec()).await.refuses(400, "not valid JSON");
    post(json, b"\xff\xfe".to_vec()).await.refuses(400, "UTF-8");
    post(json, "[".repeat(50_000).into_bytes()).await.refuses(422, "must be a JSON object");
    post(json, b"{}".to_vec()).await.refuses(422, "title");
    post(json, br#"["a title"]"#.to_vec()).await.refuses(422, "must be a JSON object");
    post(json, format!("{{\"title\":{}", "[".repeat(50_000)).into_bytes()).await.refuses(422, "is invalid");
    post(json, br#"{"title":"x","replay":"rm -rf /"}"#.to_vec()).await.refuses(422, "replay");
    post(json, br#"{"title":" "}"#.to_vec()).await.refuses(422, "1 to 500");
    post(json, vec![b' '; 65 << 10]).await.refuses(413, "body_mb");
    let attach = |attachment: Value| {
        serde_json::to_vec(&json!({ "title": "x", "attachments": [attachment] })).unwrap()
    };
    post(json, attach(json!({ "name": "a" }))).await.refuses(422, "either text or base64");
    post(json, attach(json!({ "name": "a", "base64": "%%" }))).await.refuses(422, "base64");
    assert_eq!(scene.app.own_store.count_incidents().await.unwrap(), 0);

    let get = async |path: &str| scene.ask("GET", path, Some(&token), None).await;
    get("/v1/incidents?limit=0").await.refuses(400, "limit");
    assert_eq!(get("/v1/incidents?after=").await.status, 200, "left blank");
    get("/v1/incidents?after=x").await.refuses(400, "id of an incident");
    get("/v1/incidents?state=odd").await.refuses(400, "query");
    get("/v1/incidents?colour=red").await.refuses(400, "query");
    get("/v1/incidents/inc_nothing").await.refuses(404, "no incident");
    get("/v1/incidents/%ff%00").await.refuses(400, "id");
    get("/v1/memory/search").await.refuses(400, "query");
    get("/nowhere").await.refuses(404, "openapi");
    scene.ask("PUT", "/v1/incidents", Some(&token), None).await.refuses(405, "method");
    let id = scene.report(&token, "x").await;
    let request = Request::builder().uri(format!("/v1/incidents/{id}/events"));
    let request = request.header("authorization", format!("Bearer {token}")).header("last-event-id", "7");
    scene.send(request.body(Body::empty()).unwrap()).await.refuses(400, "last-event-id");
    let said = scene
        .ask(
            "POST",
            &format!("/v1/incidents/{id}/feedback"),
            Some(&token),
            Some(json!({ "verdict": "confirm" })),
        )
        .await;
    said.refuses(409, "no resolution");
}

#[tokio::test]
async fn what_is_reported_is_kept_masked_and_once() {
    let scene = scene().await;
    let token = scene.token(TokenRole::Support).await;
    let secret = "AKIAIOSFODNN7EXAMPLE";
    let log = format!("INFO start\nERROR password=hunter2hunter2 key {secret}\n");
    let encoded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &log);
    let body = json!({
        "title": "Checkout fails", "body": "TypeError: x is undefined\n    at total (src/cart.js:3:1)\n",
        "service": "shop", "environment": "production", "release": "1.2.3", "source": "desk", "external_id": "41",
        "attachments": [
            { "name": "app.log", "media_type": "text/plain", "base64": encoded },
            { "name": "screen.png", "media_type": "image/png", "base64": "iVBORw0KGgo=" },
        ],
    });
    let first = scene.ask("POST", "/v1/incidents", Some(&token), Some(body.clone())).await;
    assert_eq!(first.status, 202, "{}", first.text);
    let id: IncidentId = first.json()["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(first.headers["location"], format!("/v1/incidents/{id}"));
    let again = scene.ask("POST", "/v1/incidents", Some(&token), Some(body)).await.json();
    assert_eq!((&again["id"], &again["known"]), (&json!(id), &json!(true)));
    assert_ne!(scene.report(&token, "another").await, id);

    let shown = scene.ask("GET", &format!("/v1/incidents/{id}"), Some(&token), None).await.json();
    assert_eq!(
        (&shown["state"], &shown["service"], &shown["source"]),
        (&json!("queued"), &json!("shop"), &json!("desk"))
    );
    let text = shown["text"].as_str().unwrap();
    assert!(text.contains("INFO start") && text.contains("Attachment app.log"), "{text}");
    assert!(!text.contains(secret) && !text.contains("hunter2"), "{text}");
    let list = async |query: &str| {
        let answer = scene.ask("GET", &format!("/v1/incidents?{query}"), Some(&token), None).await.json();
        answer["incidents"].as_array().unwrap().len()
    };
    assert_eq!((list("").await, list("service=shop").await, list("service=x").await), (2, 1, 0));
    assert_eq!((list("q=checkout").await, list("q=%25").await, list("state=done").await), (1, 0, 0));
    assert_eq!((list("external_id=41&source=desk").await, list("limit=1").await), (1, 1));

    let keyed = async |body: &'static str| {
        let request = Request::builder().method("POST").uri("/v1/incidents");
        let request = request.header("authorization", format!("Bearer {token}"));
        let request = request.header("content-type", "application/json").header("idempotency-key", "k1");
        scene.send(request.body(Body::from(body)).unwrap()).await
    };
    let first = keyed(r#"{"title":"t","body":"x"}"#).await.json()["id"].clone();
    assert_eq!(keyed(r#"{ "body": "x", "title": "t" }"#).await.json()["id"], first, "the same report");
    let other = keyed(r#"{"title":"t","body":"y"}"#).await;
    other.refuses(409, "idempotency-key");
    other.refuses(409, first.as_str().unwrap());
}

/// Every acknowledged report can be read, and keeps what its fields say.
#[tokio::test]
async fn a_large_report_keeps_its_fields_its_beginning_and_its_end() {
    let scene = scene_with(|settings| settings.limits.body_bytes = 10 << 20).await;
    let token = scene.token(TokenRole::Support).await;
    // Escapes double the size in JSON, and again when that is stored in JSON.
    let filling = "\"quoted\" \\ and\u{1} more\n".repeat(9_000_000 / 26);
    let body = format!("It began with AlphaError\n{filling}It ended with OmegaError");
    let report = json!({ "title": "Totals are wrong", "body": body, "service": "shop", "external_id": "9" });
    let answer = scene.ask("POST", "/v1/incidents", Some(&token), Some(report)).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    let id: IncidentId = answer.json()["id"].as_str().unwrap().parse().unwrap();
    let incident = scene.app.own_store.get_incident(&id).await.unwrap();
    assert_eq!(
        (incident.ticket.title.as_str(), incident.service.as_deref()),
        ("Totals are wrong", Some("shop"))
    );
    assert!(incident.ticket.text.contains("AlphaError") && incident.ticket.text.contains("OmegaError"));
    assert!(incident.ticket.notes.iter().any(|note| note.contains("the middle was left out")));
}

#[tokio::test]
async fn too_many_requests_are_told_when_to_come_back() {
    let scene = scene_with(|settings| settings.limits.requests_per_minute = 3).await;
    let token = scene.token(TokenRole::Viewer).await;
    for _ in 0..3 {
        assert_eq!(scene.ask("GET", "/v1/incidents", Some(&token), None).await.status, 200);
    }
    let refused = scene.ask("GET", "/v1/incidents", Some(&token), None).await;
    refused.refuses(429, "requests_per_minute");
    assert!(refused.headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap() >= 1);
    let other = scene.token(TokenRole::Viewer).await;
    assert_eq!(scene.ask("GET", "/v1/incidents", Some(&other), None).await.status, 200);
}

#[tokio::test]
async fn the_document_describes_every_route_and_headers_protect() {
    let document = crate::openapi();
    assert_eq!(document["openapi"], "3.1.0");
    for route in table() {
        if route.access.is_page() {
            assert!(document["paths"][route.path].is_null(), "{} is for people", route.path);
            continue;
        }
        let operation = &document["paths"][route.path][route.method];
        assert!(
            operation["responses"].as_object().is_some_and(|answers| !answers.is_empty()),
            "{}",
            route.path
        );
    }
    let text = document.to_string();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let mut rest = text.as_str();
    let mut count = 0;
    while let Some(at) = rest.find("#/components/schemas/") {
        rest = &rest[at + "#/components/schemas/".len()..];
        let name = rest.split('"').next().unwrap();
        assert!(schemas.contains_key(name), "{name} is not described");
        count += 1;
    }
    assert!(count > 20);

    let scene = scene().await;
    let served = scene.ask("GET", "/openapi.json", None, None).await;
    assert_eq!(served.json(), document);
    for (name, value) in
        [("x-content-type-options", "nosniff"), ("x-frame-options", "DENY"), ("cache-control", "no-store")]
    {
        assert_eq!(served.headers[name], value);
    }
    let request =
        Request::builder().uri("/healthz").header("x-request-id", "abc-1").body(Body::empty()).unwrap();
    assert_eq!(scene.send(request).await.headers["x-request-id"], "abc-1");
    let request =
        Request::builder().uri("/healthz").header("x-request-id", "a b<").body(Body::empty()).unwrap();
    assert_ne!(scene.send(request).await.headers["x-request-id"], "a b<");
    let figures = scene.ask("GET", "/metrics", Some(&scene.token(TokenRole::Viewer).await), None).await;
    assert!(figures.text.contains("# TYPE millwright_incidents gauge"), "{}", figures.text);
}

/// Browsers and most libraries accept compressed responses; an uncompressed response must not claim to be compressed.
#[tokio::test]
async fn what_says_that_it_is_packed_is_packed() {
    let scene = scene().await;
    let token = scene.token(TokenRole::Viewer).await;
    for (path, status) in
        [("/openapi.json", 200), ("/nowhere", 404), ("/v1/incidents", 401), ("/v1/incidents/inc_1", 404)]
    {
        let mut request = Request::builder().uri(path).header("accept-encoding", "gzip");
        if status == 404 {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let answer = tower::ServiceExt::oneshot(scene.router.clone(), request.body(Body::empty()).unwrap());
        let answer = answer.await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
        let said = answer.headers().get("content-encoding").is_some_and(|coding| coding == "gzip");
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        assert!(said && bytes.starts_with(b"\x1f\x8b"), "{path}: {said} {bytes:?}");
    }
}

#[tokio::test]
async fn stopping_what_has_not_begun_and_approving_once() {
    let scene = scene().await;
    let (support, responder) =
        (scene.token(TokenRole::Support).await, scene.token(TokenRole::Responder).await);
    let id = scene.report(&support, "one").await;
    let path = format!("/v1/incidents/{id}/cancel");
    let stopped = scene.ask("POST", &path, Some(&responder), None).await;
    assert_eq!((stopped.status, &stopped.json()["state"]), (202, &json!("cancelled")));
    scene.ask("POST", &path, Some(&responder), None).await.refuses(409, "ended already");

    let id = scene.report(&support, "two").await;
    let store = &scene.app.own_store;
    let kind = millwright_store::JobKind::Investigate;
    let job = store.claim_jobs(kind, "w", Duration::from_secs(60), 1, &[]).await.unwrap().remove(0);
    let run = store.create_run(&id).await.unwrap();
    let call = ("c3".to_owned(), "write_fix".to_owned(), json!({ "branch": "mend" }));
    store.ask_consent(&job, "w", &run.id, &[call]).await.unwrap();
    let open = scene.ask("GET", "/v1/approvals", Some(&responder), None).await.json();
    assert_eq!(open["approvals"][0]["tool"], "write_fix");
    let path = format!("/v1/approvals/{}", open["approvals"][0]["id"].as_str().unwrap());
    let yes = json!({ "decision": "approve", "note": "looked at it" });
    assert_eq!(scene.ask("POST", &path, Some(&responder), Some(yes.clone())).await.status, 200);
    scene.ask("POST", &path, Some(&responder), Some(yes)).await.refuses(409, "decided already");
    let admin = scene.token(TokenRole::Admin).await;
    let log = scene.ask("GET", "/v1/audit", Some(&admin), None).await.json();
    let actions: Vec<&str> =
        log["entries"].as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    for action in ["consent", "cancel", "report", "token"] {
        assert!(actions.contains(&action), "{action} is not on record: {actions:?}");
    }
    let path = format!("/v1/incidents/{id}/messages");
    let said = scene.ask("POST", &path, Some(&support), Some(json!({ "text": "see the cart" }))).await;
    assert_eq!((said.status, &said.json()["kind"]), (202, &json!("remark")));
    let told = json!({ "service": "shop", "revision": "v1", "environment": "production", "at": "2026-01-01T00:00:00Z" });
    assert_eq!(scene.ask("POST", "/v1/deployments", Some(&responder), Some(told.clone())).await.status, 204);
    for (field, wrong) in [("service", ""), ("revision", "a\nb"), ("at", "9999-01-01T00:00:00Z")] {
        let mut told = told.clone();
        told[field] = wrong.into();
        let answer = scene.ask("POST", "/v1/deployments", Some(&responder), Some(told)).await;
        assert_eq!(answer.status, 422, "{field}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_job_that_its_workers_do_not_survive_is_given_up() {
    let scene = scene().await;
    let support = scene.token(TokenRole::Support).await;
    let id = scene.report(&support, "one").await;
    let store = &scene.app.own_store;
    let kind = millwright_store::JobKind::Investigate;
    let run = store.create_run(&id).await.unwrap();
    for life in 0..5 {
        let claimed =
            store.claim_jobs(kind, &format!("elsewhere/1/{life}"), Duration::ZERO, 1, &[]).await.unwrap();
        assert_eq!(claimed[0].lost, life);
    }
    let worker = tokio::spawn(crate::worker::run(scene.app.clone()));
    let known = async || scene.ask("GET", &format!("/v1/incidents/{id}"), Some(&support), None).await.json();
    let given_up = async {
        // The run is marked after its incident.
        while known().await["state"] != "failed"
            || store.get_run(&run.id).await.unwrap().state != millwright_store::RunState::Failed
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), given_up).await.unwrap();
    worker.abort();
    let known = known().await;
    assert!(known["error"].as_str().unwrap().contains("ended 5 times"), "{known:#}");
}

#[path = "audience_tests.rs"]
mod audience_tests;
#[path = "stream_tests.rs"]
mod stream_tests;
