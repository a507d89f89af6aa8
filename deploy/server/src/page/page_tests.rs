//! Pages as a browser gets them, tested without a browser: who is let in, what a form needs, what is shown and how. The
//! tests of the binary use a real browser.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use millwright_model::{Approval, IncidentId, JudgingAuthority, NewResolution, Proof, Resolution};
use millwright_store::{IncidentState, JobKind, MessageKind, StoredSession};

use crate::auth::{TokenRole, sha256};
use crate::code_questions_tests::{of_shop, service, shop};
use crate::http::RouteAccess;
use crate::judge_links::JudgeLinks;
use crate::router::routes::table;
use crate::scope_tests::{incident_of, only, tells_nothing, two_teams};
use crate::tests::{Answered, BY, Scene, scene, scene_with};

/// A person's browser: a cookie, and the CSRF token of the forms it was shown.
struct Browser<'a> {
    scene: &'a Scene,
    cookie: String,
    word: String,
}

impl<'a> Browser<'a> {
    async fn signed_in(scene: &'a Scene, role: TokenRole) -> Browser<'a> {
        let token = scene.token(role).await;
        Self::with(scene, &token).await
    }

    async fn with(scene: &'a Scene, token: &str) -> Browser<'a> {
        let answer = post(scene, "/sign-in", "", &[("token", token)]).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        let cookie = answer.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        let mut browser = Self { scene, cookie, word: String::new() };
        browser.word = word_of(&browser.get("/learning").await.text);
        browser
    }

    async fn get(&self, path: &str) -> Answered {
        get(self.scene, path, &self.cookie).await
    }

    /// Sends a form as its page would.
    async fn fill(&self, path: &str, fields: &[(&str, &str)]) -> Answered {
        let all: Vec<(&str, &str)> =
            [("csrf", self.word.as_str())].into_iter().chain(fields.iter().copied()).collect();
        post(self.scene, path, &self.cookie, &all).await
    }
}

fn word_of(page: &str) -> String {
    let (_, after) = page.split_once("name=\"csrf\" value=\"").unwrap_or_else(|| panic!("no form: {page}"));
    after.split('"').next().unwrap().to_owned()
}

async fn get(scene: &Scene, path: &str, cookie: &str) -> Answered {
    let request = Request::builder().uri(path).header("cookie", cookie).header("accept", "text/html");
    scene.send(request.body(Body::empty()).unwrap()).await
}

async fn post(scene: &Scene, path: &str, cookie: &str, fields: &[(&str, &str)]) -> Answered {
    let request = Request::builder().method("POST").uri(path).header("cookie", cookie);
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let body = serde_urlencoded::to_string(fields).unwrap();
    scene.send(request.body(Body::from(body)).unwrap()).await
}

fn leads(answer: &Answered, to: &str) {
    assert_eq!(answer.status, 303, "{}", answer.text);
    assert_eq!(answer.headers["location"].to_str().unwrap(), to);
}

async fn answered(scene: &Scene, id: &IncidentId, statement: &str) -> Resolution {
    let new = NewResolution {
        repository: Some("root:1".parse().unwrap()),
        culprit: Some("c".repeat(40)),
        units: vec!["lib/calc.sh::total".into()],
        failing_revision: "f".repeat(40),
        ..millwright_testkit::tickets::stated(statement, Proof::CauseConfirmed)
    };
    scene.app.own_store.set_incident_state(id, IncidentState::Done).await.unwrap();
    scene.app.own_store.remember(id, &"run_1".parse().unwrap(), Some(&new), &[], BY).await.unwrap();
    scene.app.own_store.resolutions(id).await.unwrap().remove(0)
}

#[tokio::test]
async fn every_page_lets_in_whom_its_rule_names_and_every_form_wants_its_word() {
    let scene = scene_with(|settings| settings.limits.requests_per_minute = 100_000).await;
    let id = scene.report(&scene.token(TokenRole::Admin).await, "one").await;
    let mut tokens = Vec::new();
    for role in TokenRole::ALL {
        tokens.push((role, scene.token(role).await));
    }
    let (mut pages, mut forms) = (0, 0);
    for route in table() {
        let path =
            route.path.replace("{id}", id.as_str()).replace("{evidence}", "E1").replace("{name}", "none.js");
        let path = path.replace("{page}", "slack");
        let writes = route.method == "post";
        let strange = match writes {
            true => post(&scene, &path, "", &[]).await,
            false => get(&scene, &path, "").await,
        };
        match route.access {
            RouteAccess::Visitor => {
                assert_ne!(strange.status, 303, "{path}");
                assert!(strange.status < 500, "{path}: {}", strange.status);
            }
            RouteAccess::Page(least) => {
                assert_eq!(strange.status, 303, "{path}");
                assert!(strange.headers["location"].to_str().unwrap().starts_with("/sign-in"), "{path}");
                for (role, token) in &tokens {
                    // Each route gets its own session: signing out is one of the forms.
                    let browser = Browser::with(&scene, token).await;
                    let allowed = *role >= least;
                    if writes {
                        let bare = post(&scene, &path, &browser.cookie, &[("x", "y")]).await;
                        assert_eq!(bare.status, 403, "{path} without the word by {role}");
                        assert!(!allowed || bare.text.contains("not from a page of this session"), "{path}");
                        forms += 1;
                    }
                    let request = Request::builder().uri(&path).header("cookie", &browser.cookie);
                    let answer = match writes {
                        true => browser.fill(&path, &[]).await.status,
                        // A stream stays open; this test only checks that it is let in.
                        false => tower::ServiceExt::oneshot(
                            scene.router.clone(),
                            request.body(Body::empty()).unwrap(),
                        )
                        .await
                        .unwrap()
                        .status()
                        .as_u16(),
                    };
                    assert_eq!(answer != 403, allowed, "{} {path} by {role}: {answer}", route.method);
                    assert!(answer < 500, "{path}: {answer}");
                    pages += 1;
                }
            }
            _ => {}
        }
    }
    assert!(pages >= 4 * 20 && forms >= 4 * 9, "{pages} {forms}");
}

#[tokio::test]
async fn a_session_is_held_by_a_cookie_that_no_script_reads_and_ends() {
    let scene = scene().await;
    let token = scene.token(TokenRole::Support).await;
    let wrong = post(&scene, "/sign-in", "", &[("token", "mw_000000000000_00")]).await;
    assert_eq!(wrong.status, 401);
    assert!(wrong.text.contains("not valid") && !wrong.headers.contains_key("set-cookie"));

    let right =
        post(&scene, "/sign-in", "", &[("token", &format!(" {token} ")), ("next", "/memory?q=x")]).await;
    leads(&right, "/memory?q=x");
    let cookie = right.headers["set-cookie"].to_str().unwrap();
    for flag in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"] {
        assert!(cookie.contains(flag), "{cookie}");
    }
    assert!(!cookie.contains("Secure"), "this server is reached by plain HTTP");
    let away = post(&scene, "/sign-in", "", &[("token", &token), ("next", "//evil.example")]).await;
    leads(&away, "/");

    let browser = Browser::with(&scene, &token).await;
    assert_eq!(browser.get("/").await.status, 200);
    // The cookie of a page does not authenticate to the API, and a token does not authenticate to the page.
    assert_eq!(browser.get("/v1/incidents").await.status, 401);
    let bearer = Request::builder().uri("/").header("authorization", format!("Bearer {token}"));
    assert_eq!(scene.send(bearer.body(Body::empty()).unwrap()).await.status, 303);
    leads(&browser.fill("/sign-out", &[]).await, "/sign-in");
    leads(&browser.get("/memory").await, "/sign-in?next=%2Fmemory");

    // A session ends with its token, and expires by itself.
    let browser = Browser::with(&scene, &token).await;
    let id = token.split('_').nth(1).unwrap();
    let name = browser.cookie.split_once('=').unwrap().1;
    assert!(scene.app.own_store.find_session(&sha256(name)).await.unwrap().is_some());
    let past = StoredSession {
        id_sha256: sha256(&"ab".repeat(32)),
        token_id: id.to_owned(),
        created_at: "2026-01-01T00:00:00.000000Z".parse().unwrap(),
        expires_at: "2026-01-02T00:00:00.000000Z".parse().unwrap(),
    };
    scene.app.own_store.begin_session(&past, BY).await.unwrap();
    let old = format!("millwright_session={}", "ab".repeat(32));
    assert_eq!(get(&scene, "/", &old).await.status, 303);
    scene.app.own_store.end_token(id, None, BY).await.unwrap();
    assert_eq!(browser.get("/").await.status, 303);

    let stored = std::fs::read(scene.app.settings.data_dir.join("millwright.db")).unwrap();
    assert!(!stored.windows(64).any(|bytes| bytes == name.as_bytes()), "the cookie itself is never kept");
}

#[tokio::test]
async fn behind_https_the_cookie_goes_over_nothing_else() {
    let scene = scene_with(|settings| settings.public_url = Some("https://mill.example".into())).await;
    let answer = post(&scene, "/sign-in", "", &[("token", &scene.token(TokenRole::Viewer).await)]).await;
    assert!(answer.headers["set-cookie"].to_str().unwrap().contains("; Secure;"));
}

#[tokio::test]
async fn forms_of_other_sites_and_other_sessions_do_nothing() {
    let scene = scene().await;
    let browser = Browser::signed_in(&scene, TokenRole::Admin).await;
    let other = Browser::signed_in(&scene, TokenRole::Admin).await;
    let fields = [("csrf", other.word.as_str()), ("title", "x")];
    assert_eq!(post(&scene, "/incidents", &browser.cookie, &fields).await.status, 403);
    for (name, value) in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")] {
        for (path, word) in [("/incidents", browser.word.as_str()), ("/sign-in", "")] {
            let request = Request::builder().method("POST").uri(path).header("cookie", &browser.cookie);
            let request = request.header("host", "mill.example").header(name, value);
            let body = serde_urlencoded::to_string([("csrf", word), ("title", "x"), ("token", "x")]).unwrap();
            assert_eq!(
                scene.send(request.body(Body::from(body)).unwrap()).await.status,
                403,
                "{path} {name}"
            );
        }
    }
    assert_eq!(scene.app.own_store.count_incidents().await.unwrap(), 0);
    leads(&browser.fill("/sign-out", &[]).await, "/sign-in");
}

#[tokio::test]
async fn a_link_from_another_site_does_not_end_at_the_door() {
    let scene = scene().await;
    let browser = Browser::signed_in(&scene, TokenRole::Viewer).await;
    // After a click in a chat or a mail the browser leaves the cookie out; it sends the cookie along from our own page.
    let request = Request::builder().uri("/memory").header("sec-fetch-site", "cross-site");
    let answer = scene.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, 200);
    assert!(answer.text.contains("0;url=/sign-in?next=%2Fmemory"), "{}", answer.text);
    leads(&browser.get("/sign-in?next=%2Fmemory").await, "/memory");
}

#[tokio::test]
async fn without_tokens_the_page_is_open_to_this_machine_only() {
    let scene = scene_with(|settings| settings.anonymous = true).await;
    let ask = async |host: &str, method: &str, body: String| {
        let request = Request::builder().method(method).uri(if method == "GET" { "/" } else { "/incidents" });
        scene.send(request.header("host", host).body(Body::from(body)).unwrap()).await
    };
    let page = ask("localhost:7070", "GET", String::new()).await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("anonymous@localhost") && !page.text.contains("/sign-out"));
    assert_eq!(ask("evil.example", "GET", String::new()).await.status, 303);
    let form = ask("localhost:7070", "POST", "title=x".into()).await;
    assert_eq!(form.status, 403, "a form needs its word all the same");
    let shown = Request::builder().uri("/incidents/new").header("host", "localhost:7070");
    let word = word_of(&scene.send(shown.body(Body::empty()).unwrap()).await.text);
    assert_eq!(ask("localhost:7070", "POST", format!("title=x&csrf={word}")).await.status, 303);
}

/// A double click or a reload does not report twice; a form that was changed, or opened again, does.
#[tokio::test]
async fn a_form_that_is_sent_twice_is_one_report() {
    let scene = scene().await;
    let browser = Browser::signed_in(&scene, TokenRole::Support).await;
    let once = async || {
        let page = browser.get("/incidents/new").await;
        assert_eq!(page.status, 200, "{}", page.text);
        let (_, after) = page.text.split_once("name=\"once\" value=\"").unwrap();
        after.split('"').next().unwrap().to_owned()
    };
    let send = async |once: &str, body: &str| {
        let sent = browser.fill("/incidents", &[("title", "Totals"), ("body", body), ("once", once)]).await;
        assert_eq!(sent.status, 303, "{}", sent.text);
        sent.headers["location"].to_str().unwrap().to_owned()
    };
    let (word, other) = (once().await, once().await);
    let first = send(&word, "x").await;
    assert_eq!(send(&word, "x").await, first);
    assert_ne!(send(&word, "y").await, first);
    assert_ne!(send(&other, "x").await, first);
    assert_eq!(scene.app.own_store.count_incidents().await.unwrap(), 3);
}

#[tokio::test]
async fn what_comes_from_outside_is_text_on_every_page() {
    let scene = scene().await;
    let browser = Browser::signed_in(&scene, TokenRole::Admin).await;
    let evil = "<script>alert(1)</script>\"><img src=x onerror=alert(1)>";
    let sent = browser
        .fill(
            "/incidents",
            &[("title", evil), ("body", evil), ("service", evil), ("environment", evil), ("release", evil)],
        )
        .await;
    assert_eq!(sent.status, 303, "{}", sent.text);
    let path = sent.headers["location"].to_str().unwrap().to_owned();
    let id = &IncidentId::parse(path.rsplit('/').next().unwrap()).unwrap();
    browser.fill(&format!("{path}/messages"), &[("text", evil)]).await;
    scene.app.own_store.put_message(id, evil, MessageKind::Answer, evil).await.unwrap();
    let known = answered(&scene, id, evil).await;
    browser
        .fill(
            &format!("{path}/feedback"),
            &[("verdict", "confirm"), ("note", evil), ("resolution", known.id.as_str())],
        )
        .await;
    browser.fill("/settings/tokens", &[("name", evil), ("role", "viewer"), ("life", "7")]).await;
    let link = JudgeLinks::of(&scene.app, id, "").await.unwrap().unwrap().reject;
    for page in [
        "/",
        &format!("/?q={}", "%3Cscript%3Ealert(1)"),
        &format!("/?service={}", "%22%3E%3Cscript%3E"),
        "/incidents/new",
        &path,
        &format!("{path}/now"),
        &format!("{path}/talk"),
        &format!("{path}/timeline?after="),
        "/memory",
        "/memory?q=%3Cscript%3Ealert",
        &format!("/memory/{id}"),
        "/learning",
        "/settings",
        "/settings/tokens",
        "/settings/audit",
        &link,
        "/nowhere/%3Cscript%3E",
        "/sign-in?next=%22%3E%3Cscript%3E",
    ] {
        let answer = browser.get(page).await;
        assert!(answer.status < 500, "{page}");
        for raw in ["<script>", "<img", "onerror=alert(1)>\"", " style=", "javascript:"] {
            assert!(!answer.text.contains(raw), "{raw} on {page}: {}", answer.text);
        }
        if answer.status == 200 {
            let policy = answer.headers["content-security-policy"].to_str().unwrap();
            assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"), "{page}: {policy}");
            assert_eq!(answer.headers["cache-control"], "no-store", "{page}");
        }
    }
    let shown = browser.get(&path).await.text;
    assert!(shown.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{shown}");
    assert!(shown.contains("confirmed by"), "{shown}");
}

#[tokio::test]
async fn lists_are_shown_by_pages_and_narrowed() {
    let scene = scene().await;
    let token = scene.token(TokenRole::Support).await;
    for n in 0..35 {
        scene.report(&token, &format!("incident number {n}")).await;
    }
    let browser = Browser::with(&scene, &token).await;
    let rows = |page: &str| page.matches("<a class=\"name\"").count();
    let first = browser.get("/").await.text;
    assert_eq!(rows(&first), 30);
    let next =
        first.split("rel=\"next\" href=\"").nth(1).unwrap().split('"').next().unwrap().replace("&amp;", "&");
    let second = browser.get(&next).await.text;
    assert_eq!(rows(&second), 5);
    assert!(second.contains("Newest") && !second.contains("rel=\"next\""));
    let part = browser.get("/?part=list").await.text;
    assert!(part.starts_with("<div id=\"list\"") && rows(&part) == 30, "{part}");
    assert_eq!(rows(&browser.get("/?q=number+3").await.text), 6);
    assert_eq!(rows(&browser.get("/?state=done").await.text), 0);
    assert_eq!(rows(&browser.get("/?age=day&state=queued").await.text), 30);
    assert!(browser.get("/?q=nothing+like+it").await.text.contains("No incident matches"));
    assert_eq!(rows(&browser.get("/memory").await.text), 25);
    let admin = Browser::signed_in(&scene, TokenRole::Admin).await;
    for _ in 0..60 {
        scene.app.own_store.append_audit(BY, "test", "x", None, None).await.unwrap();
    }
    let log = admin.get("/settings/audit").await.text;
    assert_eq!(log.matches("<li><p><b>").count(), 50);
    assert!(log.contains("/settings/audit?before=aud_"));
}

#[tokio::test]
async fn what_a_role_may_not_do_is_not_shown() {
    let scene = scene().await;
    let id = scene.report(&scene.token(TokenRole::Support).await, "one").await;
    let path = format!("/incidents/{id}");
    let shows = async |role: TokenRole, page: &str, what: &str| {
        Browser::signed_in(&scene, role).await.get(page).await.text.contains(what)
    };
    for (page, what, least) in [
        ("/", "href=\"/incidents/new\">Report", TokenRole::Support),
        (path.as_str(), "/messages\"", TokenRole::Support),
        (path.as_str(), "/cancel\"", TokenRole::Responder),
        ("/settings", "/settings/tokens", TokenRole::Admin),
    ] {
        for role in TokenRole::ALL {
            assert_eq!(shows(role, page, what).await, role >= least, "{what} on {page} for {role}");
        }
    }
    answered(&scene, &id, "it was that").await;
    let memory = format!("/memory/{id}");
    for (page, what, least) in [
        (path.as_str(), "/feedback\"", TokenRole::Support),
        (memory.as_str(), "/judge\"", TokenRole::Support),
        (memory.as_str(), "/text\"", TokenRole::Responder),
        (memory.as_str(), "/forget\"", TokenRole::Admin),
    ] {
        for role in TokenRole::ALL {
            assert_eq!(shows(role, page, what).await, role >= least, "{what} on {page} for {role}");
        }
    }
}

#[tokio::test]
async fn memory_is_judged_and_forgotten_and_tokens_are_shown_once() {
    let scene = scene().await;
    let browser = Browser::signed_in(&scene, TokenRole::Admin).await;
    let id = scene.report(&scene.token(TokenRole::Support).await, "Totals are wrong").await;
    let known = answered(&scene, &id, "a commit did it").await;
    let fields = [("verdict", "reject"), ("note", "not that one"), ("resolution", known.id.as_str())];
    for judge in [format!("/memory/{id}/judge"), format!("/incidents/{id}/feedback")] {
        let answer = browser.fill(&judge, &[("verdict", "confirm"), ("resolution", "first")]).await;
        assert_eq!(answer.status, 422, "{judge}: {}", answer.text);
        assert!(answer.text.contains("resolution does not name an answer"), "{}", answer.text);
    }
    let standing = scene.app.own_store.get_resolution(&known.id).await.unwrap().approval;
    assert_eq!(standing, Approval::None, "no other answer is judged instead");
    leads(
        &browser.fill(&format!("/memory/{id}/judge"), &fields).await,
        &format!("/memory/{id}?said=rejected"),
    );
    let page = browser.get(&format!("/memory/{id}?said=rejected")).await.text;
    assert!(
        page.contains("rejected by") && page.contains("not that one") && page.contains("It is not offered"),
        "{page}"
    );
    let forget = format!("/memory/{id}/forget");
    assert_eq!(browser.fill(&forget, &[]).await.status, 422, "only when sure");
    leads(&browser.fill(&forget, &[("sure", "yes")]).await, "/memory?said=forgotten");
    assert_eq!(browser.get(&format!("/memory/{id}")).await.status, 404);

    let made =
        browser.fill("/settings/tokens", &[("name", "desk"), ("role", "support"), ("life", "90")]).await;
    assert_eq!(made.status, 200);
    let text = made.text.split("mw_").nth(1).unwrap().split('<').next().unwrap();
    let token = format!("mw_{text}");
    assert!(!browser.get("/settings/tokens").await.text.contains(text), "shown once");
    let desk = Browser::with(&scene, &token).await;
    let token_id = text.split('_').next().unwrap();
    leads(
        &browser.fill(&format!("/settings/tokens/{token_id}/revoke"), &[]).await,
        "/settings/tokens?said=revoked",
    );
    assert_eq!(desk.get("/").await.status, 303);
}

#[tokio::test]
async fn what_is_remembered_gets_better_words_and_nothing_else_changes() {
    let scene = scene().await;
    let browser = Browser::signed_in(&scene, TokenRole::Responder).await;
    let id = scene.report(&scene.token(TokenRole::Support).await, "Totals are wrong").await;
    let known = answered(&scene, &id, "a commit <b>did</b> it").await;
    scene.app.own_store.set_approval(&known.id, Approval::Confirmed, BY).await.unwrap();
    let (path, was) =
        (format!("/memory/{id}/text"), millwright_usecases::statement_version(&known.statement));
    let send = async |was: &str, text: &str| {
        let fields = [("resolution", known.id.as_str()), ("was", was), ("text", text), ("note", "clearer")];
        browser.fill(&path, &fields).await
    };
    for (text, status) in [(" ", 422), (&*"x".repeat(2_001), 422)] {
        assert_eq!(send(&was, text).await.status, status);
    }
    let text = "The discount is taken twice.\r\npassword=hunter2hunter2 was in the log";
    leads(&send(&was, text).await, &format!("/memory/{id}?said=reworded"));
    assert_eq!(send(&was, "what somebody else saw").await.status, 409, "it says something else by now");

    let now = scene.app.own_store.resolutions(&id).await.unwrap().remove(0);
    assert!(now.statement.starts_with("The discount is taken twice.\npassword="), "{}", now.statement);
    assert!(!now.statement.contains("hunter2"), "{}", now.statement);
    assert_eq!(
        Resolution { statement: known.statement.clone(), ..now },
        Resolution {
            approval: Approval::Confirmed,
            approved_by: Some(BY.who.to_owned()),
            approval_authority: Some(JudgingAuthority::Admin),
            approval_suffices: true,
            ..known.clone()
        }
    );
    let page = browser.get(&format!("/memory/{id}")).await.text;
    assert!(page.contains("clearer; previous text: a commit &lt;b&gt;did&lt;/b&gt; it"), "{page}");
    let other = scene.report(&scene.token(TokenRole::Support).await, "another").await;
    let fields = [("resolution", known.id.as_str()), ("was", was.as_str()), ("text", "x")];
    assert_eq!(browser.fill(&format!("/memory/{other}/text"), &fields).await.status, 404);
}

#[tokio::test]
async fn a_page_hears_what_is_new_and_assets_are_kept_by_their_hash() {
    let scene = scene().await;
    let browser = Browser::signed_in(&scene, TokenRole::Viewer).await;
    let id = scene.report(&scene.token(TokenRole::Support).await, "one").await;
    let page = browser.get(&format!("/incidents/{id}")).await.text;
    assert!(page.contains(&format!("sse-connect=\"/incidents/{id}/live\"")), "{page}");
    scene.app.own_store.put_message(&id, "anna", MessageKind::Remark, "look at the cart").await.unwrap();
    scene.app.own_store.set_incident_state(&id, IncidentState::Done).await.unwrap();
    let heard =
        tokio::time::timeout(Duration::from_secs(20), browser.get(&format!("/incidents/{id}/live"))).await;
    let heard = heard.unwrap().text;
    for event in ["event: talk", "event: state", "event: over"] {
        assert!(heard.contains(event), "{event}: {heard}");
    }
    let page = browser.get(&format!("/incidents/{id}")).await.text;
    assert!(!page.contains("sse-connect"), "what is over is not followed");
    for path in page.split(['"']).filter(|part| part.starts_with("/assets/")) {
        let asset = get(&scene, path, "").await;
        assert_eq!(asset.status, 200, "{path}");
        assert!(asset.headers["cache-control"].to_str().unwrap().contains("immutable"), "{path}");
        assert_eq!(asset.headers["x-content-type-options"], "nosniff");
    }
    assert_eq!(get(&scene, "/assets/page-0.css", "").await.status, 404);
    let lost = get(&scene, "/nowhere", "").await;
    assert!(lost.status == 404 && lost.text.contains("<h1>Not found</h1>"), "{}", lost.text);
}

#[tokio::test]
async fn consent_is_asked_for_on_the_page_and_given_by_a_responder() {
    let scene = scene().await;
    let id = scene.report(&scene.token(TokenRole::Support).await, "two").await;
    let store = &scene.app.own_store;
    let job =
        store.claim_jobs(JobKind::Investigate, "w", Duration::from_secs(60), 1, &[]).await.unwrap().remove(0);
    let run = store.create_run(&id).await.unwrap();
    let call = ("c3".to_owned(), "write_fix".to_owned(), serde_json::json!({ "branch": "mend" }));
    store.ask_consent(&job, "w", &run.id, &[call]).await.unwrap();
    let approval = store.open_approvals(Some(&id)).await.unwrap().remove(0);
    let (support, responder) = (
        Browser::signed_in(&scene, TokenRole::Support).await,
        Browser::signed_in(&scene, TokenRole::Responder).await,
    );
    let path = format!("/incidents/{id}");
    let form = format!("/approvals/{}", approval.id);
    assert!(responder.get("/").await.text.contains("Waits for your consent"));
    let page = support.get(&path).await.text;
    assert!(
        page.contains("Consent: write fix") && page.contains("&quot;mend&quot;") && !page.contains(&form),
        "{page}"
    );
    assert!(responder.get(&path).await.text.contains(&form));
    assert_eq!(responder.fill(&form, &[("decision", "maybe")]).await.status, 422);
    leads(&responder.fill(&form, &[("decision", "approve")]).await, &format!("{path}?said=approved"));
    assert_eq!(responder.fill(&form, &[("decision", "deny")]).await.status, 409, "it is decided once");
    assert!(support.get(&path).await.text.contains("Approved the request."));
    assert!(store.open_approvals(None).await.unwrap().is_empty());
}

#[path = "links_tests.rs"]
mod links_tests;

#[tokio::test]
async fn a_bound_token_finds_only_its_own_on_every_page() {
    let scene = two_teams().await;
    let admin = scene.token(TokenRole::Admin).await;
    let theirs = incident_of(&scene, &admin, "invoices", "Zebrafish walrus").await;
    let ours = incident_of(&scene, &admin, "checkout", "Coupon").await;
    let known = answered(&scene, &theirs, "Zebrafish ate the walrus").await;
    let token = scene.token_of(TokenRole::Responder, only("shop")).await;
    let browser = Browser::with(&scene, &token).await;
    let mut asked = 0;
    for route in table() {
        let RouteAccess::Page(least) = route.access else { continue };
        // The other roles are not let in at all.
        if least > TokenRole::Responder || route.path == "/sign-out" {
            continue;
        }
        asked += 1;
        for id in [theirs.as_str(), known.id.as_str()] {
            let path = route.path.replace("{id}", id).replace("{evidence}", "E1");
            let path = if path == "/memory" { "/memory?q=zebrafish".to_owned() } else { path };
            let answer = match route.method {
                "get" => browser.get(&path).await,
                _ => {
                    let fields = [
                        ("verdict", "confirm"),
                        ("text", "hello"),
                        ("note", ""),
                        ("resolution", known.id.as_str()),
                        ("decision", "approve"),
                        ("version", "x"),
                        ("title", "Another"),
                        ("body", "x"),
                        ("key", "k"),
                        ("service", "invoices"),
                    ];
                    browser.fill(&path, &fields).await
                }
            };
            // The response may repeat what was asked for.
            let told = answer.text.replace(id, "").replace("invoices", "").replace("zebrafish", "");
            tells_nothing(&told, &theirs, &path);
            if route.path.contains("{id}") {
                assert!(
                    matches!(answer.status, 404 | 422 | 400),
                    "{path}: {} {}",
                    answer.status,
                    answer.text
                );
            }
        }
    }
    assert!(asked >= 15, "{asked}");
    let untouched = scene.app.own_store.get_resolution(&known.id).await.unwrap();
    assert_eq!((untouched.approval, untouched.statement), (known.approval, known.statement));
    assert_eq!(scene.app.own_store.messages(&theirs, None).await.unwrap().len(), 1);
    let page = browser.get("/").await.text;
    assert!(page.contains(ours.as_str()) && page.contains("checkout"), "{page}");
    assert!(!page.contains("invoices"), "services of others are not offered");
    let settings = browser.get("/settings").await.text;
    assert!(settings.contains("shop") && !settings.contains("billing"), "{settings}");
    assert_eq!(browser.get(&format!("/incidents/{ours}")).await.status, 200);
}

#[tokio::test]
async fn a_token_is_bound_on_the_page_and_an_administrator_is_not() {
    let scene = two_teams().await;
    let browser = Browser::signed_in(&scene, TokenRole::Admin).await;
    let shown = browser.get("/settings/tokens").await.text;
    assert!(shown.contains("Bound to repositories") && shown.contains("value=\"billing\""), "{shown}");
    let make = async |role: &str, repositories: &[&str]| {
        let mut fields = vec![("name", "team"), ("role", role), ("life", "90")];
        fields.extend(repositories.iter().map(|name| ("repositories", *name)));
        browser.fill("/settings/tokens", &fields).await
    };
    let made = make("support", &["shop", "billing"]).await;
    assert_eq!(made.status, 200, "{}", made.text);
    assert!(made.text.contains("bound to billing, shop"), "{}", made.text);
    for (role, name, words) in
        [("admin", "shop", "cannot be bound to repositories"), ("support", " ", "not a name of a repository")]
    {
        let refused = make(role, &[name]).await;
        assert_eq!(refused.status, 422, "{}", refused.text);
        assert!(refused.text.contains(words), "{}", refused.text);
    }
    let tokens = scene.app.own_store.list_tokens().await.unwrap();
    let bound = tokens.iter().filter(|token| !token.repositories.is_all()).count();
    assert_eq!((bound, tokens.len()), (1, 2));
}

#[tokio::test]
async fn a_history_is_shown_with_its_hunks() {
    let repo = shop();
    let scene = service(vec![of_shop(&repo)], &repo.data()).await;
    let browser = Browser::signed_in(&scene, TokenRole::Viewer).await;
    let page = async |query: &str| browser.get(&format!("/history{query}")).await;
    let empty = page("").await;
    assert!(empty.text.contains("lib/money.py:10-20") && !empty.text.contains("<select"), "{}", empty.text);
    let answer = page("?of=shop/cart.py::total").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(answer.text.contains("2 commits changed it"), "{}", answer.text);
    assert!(answer.text.contains("Double &lt;b&gt;everything&lt;/b&gt;"), "{}", answer.text);
    assert!(answer.text.contains("class=\"add\"") && !answer.text.contains("ann@example.org"));
    let wrong = page("?of=shop/cart.py::%3Cscript%3E").await;
    assert!(wrong.text.contains("role=\"alert\"") && !wrong.text.contains("<script>"), "{}", wrong.text);
    assert_eq!(wrong.status, 404);
    // What is no number in the address begins with the newest.
    assert!(page("?of=shop/cart.py::total&offset=x").await.text.contains("2 commits changed it"));
    let none = service(Vec::new(), &repo.data()).await;
    let browser = Browser::signed_in(&none, TokenRole::Viewer).await;
    assert!(browser.get("/history").await.text.contains("No repository is configured"));
}
