//! GitLab, from the bytes of a delivery to those of a note, including hostile ones.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use millwright_model::{Audience, Deployment};
use millwright_testkit::http_server::ScriptedHttpServer;

use crate::ticket_client::TicketConnection;
use serde_json::{Value, json};

use super::*;
use crate::attachments::{FileLocation, files_in};
use crate::configuration::ConnectorConfig;
use crate::inbound::{InboundEvent, InboundReport};
use crate::note_text::NoteText;
use crate::outbound_http::{SendError, client};
use crate::signature::testing::{AT, check, check_at, headers_of, mac};
use crate::signature::{MaxAge, PendingSignature, SignatureCheck, SignatureError};
use crate::ticket_client::{NoteTarget, TicketClient};

fn verify(delivery: &PendingSignature<'_>) -> Result<SignatureCheck, SignatureError> {
    GitLabIntegration.hook().unwrap().verify(delivery)
}

#[test]
fn the_secret_token_is_compared_as_a_whole() {
    let ask = |token: &str| check(verify, &[("x-gitlab-token", token)], b"{}", &["secret", "old"]);
    assert_eq!((ask("secret"), ask("old")), (Ok(()), Ok(())));
    for wrong in ["", "secre", "secrets", "Secret", "secret old"] {
        assert_eq!(ask(wrong), Err(SignatureError::Wrong), "{wrong:?}");
    }
    assert_eq!(check(verify, &[], b"{}", &["secret"]), Err(SignatureError::Missing("x-gitlab-token")));
}

#[test]
fn the_signing_token_covers_id_time_and_body() {
    let key = [7; 32];
    let secret = format!("whsec_{}", STANDARD.encode(key));
    let at = AT.to_string();
    let signature = format!("v1,{}", STANDARD.encode(mac(&key, format!("d1.{at}.{{}}").as_bytes())));
    let ask_at = |now: i64, id: &str, body: &[u8], signature: &str| {
        let headers = [("webhook-id", id), ("webhook-timestamp", &*at), ("webhook-signature", signature)];
        check_at(now, verify, &headers, body, &[&secret])
    };
    assert_eq!(ask_at(AT, "d1", b"{}", &signature), Ok(()));
    assert_eq!(ask_at(AT, "d2", b"{}", &signature), Err(SignatureError::Wrong), "the id is signed");
    assert_eq!(ask_at(AT, "d1", b"[]", &signature), Err(SignatureError::Wrong));
    assert_eq!(ask_at(AT + 301, "d1", b"{}", &signature), Err(SignatureError::Stale(MaxAge::FiveMinutes)));
    assert_eq!(ask_at(AT, "d1", b"{}", "v1,AAAA"), Err(SignatureError::Malformed("webhook-signature")));
    // If a delivery has a signature, the token beside it proves nothing.
    let both = [
        ("webhook-id", "d1"),
        ("webhook-timestamp", &*at),
        ("webhook-signature", &*signature),
        ("x-gitlab-token", &*secret),
    ];
    assert_eq!(check(verify, &both, b"[]", &[&secret]), Err(SignatureError::Wrong));
}

fn delivery(action: &str, more: Value) -> Value {
    let mut body = json!({
        "object_kind": "issue", "event_type": "issue",
        "project": { "id": 24, "name": "Calculator", "path_with_namespace": "acme/tools/calc", "visibility_level": 20 },
        "object_attributes": { "iid": 7, "title": "Totals are wrong", "description": "since noon", "action": action,
            "confidential": false },
    });
    merge(&mut body, more);
    body
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            from.into_iter().for_each(|(key, value)| merge(into.entry(key).or_insert(Value::Null), value));
        }
        (into, from) => *into = from,
    }
}

fn receive(headers: &HeaderMap, body: &Value) -> Result<InboundEvent, String> {
    GitLabIntegration.hook().unwrap().receive(headers, body)
}

fn report(action: &str, more: Value) -> InboundReport {
    match receive(&HeaderMap::new(), &delivery(action, more)) {
        Ok(InboundEvent::Report(report)) => *report,
        other => panic!("{other:?}"),
    }
}

#[test]
fn issues_are_reports_until_they_are_closed() {
    let opened = report("open", json!({}));
    assert_eq!(
        (opened.external_id.as_deref(), opened.ticket.as_deref(), opened.service.as_deref()),
        (Some("acme/tools/calc#7"), Some("24#7"), Some("calc"))
    );
    assert_eq!((opened.resolved, opened.keys, opened.delivery), (false, vec!["issue:24#7".to_owned()], None));
    assert!(!report("reopen", json!({})).resolved && report("close", json!({})).resolved);
    let nothing =
        |body: Value| assert_eq!(receive(&HeaderMap::new(), &body), Ok(InboundEvent::Nothing), "{body}");
    nothing(delivery("update", json!({})));
    // A test of the connection looks like this.
    nothing(delivery("open", json!({ "object_attributes": { "action": null } })));
    nothing(json!({ "object_kind": "note" }));
    nothing(delivery("open", json!({ "object_kind": "work_item", "object_attributes": { "type": "Task" } })));
    let incident = json!({ "object_kind": "work_item", "object_attributes": { "type": "Incident" } });
    assert_eq!(report("open", incident).ticket.as_deref(), Some("24#7"));
}

#[test]
fn an_id_counts_only_where_a_signature_covers_it() {
    let body = delivery("open", json!({}));
    let id = |headers: &[(&'static str, &str)]| match receive(&headers_of(headers), &body) {
        Ok(InboundEvent::Report(report)) => report.delivery,
        other => panic!("{other:?}"),
    };
    let unsigned = [("idempotency-key", "k1"), ("x-gitlab-event-uuid", "u1"), ("webhook-id", "k1")];
    assert_eq!(id(&unsigned), None);
    assert_eq!(id(&[("webhook-id", "k1"), ("webhook-signature", "v1,x")]).as_deref(), Some("k1"));
}

#[test]
fn the_readers_of_an_issue_are_those_of_its_project_unless_it_is_confidential() {
    let readers = |project: Value, issue: Value| {
        report("open", json!({ "project": project, "object_attributes": issue })).audience
    };
    let level = |level: u64| json!({ "visibility_level": level });
    assert_eq!(readers(level(20), json!({ "confidential": false })), Some(Audience::Public));
    assert_eq!(readers(level(20), json!({ "confidential": true })), Some(Audience::Internal));
    // Everyone with an account on that server can read it; on gitlab.com anyone can have one.
    assert_eq!(readers(level(10), json!({ "confidential": false })), Some(Audience::Unknown));
    assert_eq!(readers(level(10), json!({ "confidential": true })), Some(Audience::Internal));
    assert_eq!(readers(level(0), json!({ "confidential": false })), Some(Audience::Internal));
    assert_eq!(readers(level(0), json!({ "confidential": null })), Some(Audience::Internal));
    assert_eq!(readers(level(20), json!({ "confidential": null })), Some(Audience::Unknown));
    assert_eq!(readers(level(30), json!({})), Some(Audience::Unknown));
    assert_eq!(readers(json!({ "visibility_level": null }), json!({})), None);
    assert_eq!(readers(json!({ "visibility_level": "20" }), json!({})), None);
    let marked = report("open", json!({ "event_type": "confidential_issue" }));
    assert_eq!(marked.audience, Some(Audience::Internal));
    assert_eq!(GitLabIntegration.usual_audience(), Audience::Unknown);
}

#[test]
fn what_cannot_be_a_name_reaches_no_path() {
    for (wrong, words) in [
        (json!({ "project": { "id": "24/../25" } }), "project.id"),
        (json!({ "project": { "id": -1 } }), "project.id"),
        (json!({ "project": null }), "project.id"),
        (json!({ "object_attributes": { "iid": "7" } }), "iid"),
        (json!({ "object_attributes": { "iid": 7.5 } }), "iid"),
    ] {
        let refused = receive(&HeaderMap::new(), &delivery("open", wrong.clone())).unwrap_err();
        assert!(refused.contains(words), "{wrong}: {refused}");
    }
    for path in ["../../etc", "a", "a//b", "a/b c", "a/b#9", &format!("a/{}", "b".repeat(600))] {
        let opened = report("open", json!({ "project": { "path_with_namespace": path } }));
        assert_eq!(opened.external_id.as_deref(), Some("24#7"), "{path}");
        assert_eq!(opened.service.as_deref(), Some("Calculator"), "{path}");
    }
    for odd in [json!(null), json!([]), json!(7), json!({ "object_kind": 7 })] {
        assert!(receive(&HeaderMap::new(), &odd).is_err(), "{odd}");
    }
}

#[test]
fn only_a_deployment_that_succeeded_is_one() {
    let sha = "279484c09fbe69ededfced8c1bb6e6d24616b468";
    let body = |more: Value| {
        let mut body = json!({
            "object_kind": "deployment", "status": "success", "status_changed_at": "2021-04-28 21:50:00 +0200",
            "environment": "staging", "short_sha": "279484c0",
            "commit_url": format!("https://gitlab.example/acme/calc/-/commit/{sha}"),
            "project": { "name": "Calculator", "path_with_namespace": "acme/calc" },
        });
        merge(&mut body, more);
        receive(&HeaderMap::new(), &body)
    };
    let deployed = |revision: &str, at: &str| Deployment {
        service: "calc".into(),
        environment: "staging".into(),
        revision: revision.into(),
        at: at.parse().unwrap(),
    };
    assert_eq!(body(json!({})), Ok(InboundEvent::Deployed(deployed(sha, "2021-04-28T19:50:00Z"))));
    let short = body(json!({ "commit_url": null, "status_changed_at": "2021-04-28 19:50:00 UTC" }));
    assert_eq!(short, Ok(InboundEvent::Deployed(deployed("279484c0", "2021-04-28T19:50:00Z"))));
    for other in [
        json!({ "status": "running" }),
        json!({ "status": "failed" }),
        json!({ "commit_url": "https://x/--upload-pack=x", "short_sha": "--upload-pack=x" }),
        json!({ "project": null }),
    ] {
        assert_eq!(body(other.clone()), Ok(InboundEvent::Nothing), "{other}");
    }
}

const SECRET: &str = "66dbcd21ec5d24ed6ea225176098d52b";

#[test]
fn files_are_uploads_of_the_issue_s_own_project_by_the_api_s_path_alone() {
    let source = GitLabIntegration.attachments().unwrap();
    let named = |description: &str| {
        let body = delivery("open", json!({ "object_attributes": { "description": description } }));
        files_in(source, &body)
            .into_iter()
            .map(|file| format!("{} {}", file.url, file.name))
            .collect::<Vec<_>>()
    };
    let path = format!("/api/v4/projects/24/uploads/{SECRET}");
    assert_eq!(
        named(&format!(
            "see [app.log](/uploads/{SECRET}/app.log), ![x](/uploads/{SECRET}/x.png) /uploads/{SECRET}/app.log"
        )),
        [format!("{path}/app.log app.log"), format!("{path}/x.png x.png")]
    );
    for other in [
        format!("/uploads/{}/a.log", &SECRET[1..]),
        format!("/uploads/{SECRET}/../../../user"),
        format!("/uploads/{SECRET}/.."),
        format!("/uploads/{SECRET}/a%2fb"),
        format!("/uploads/{SECRET}/a?private_token=x"),
        format!("/uploads/{SECRET}/"),
        format!("/acme/secret/uploads/{SECRET}/a.log"),
        format!("https://gitlab.com/acme/secret/uploads/{SECRET}/a.log"),
        format!("/-/project/25/uploads/{SECRET}/a.log"),
    ] {
        assert!(named(&other).is_empty(), "{other}");
    }
    let place = |base: &str, address: &str| {
        FileLocation::of(source, base, address).map(|place| place.url.to_string())
    };
    let address = format!("{path}/app.log");
    assert_eq!(place("https://gitlab.com", &address), Ok(format!("https://gitlab.com{path}/app.log")));
    let below = "https://host.example/gitlab";
    assert_eq!(place(below, &address), Ok(format!("{below}{path}/app.log")));
    for address in [
        "/api/v4/projects/24/repository/files/x/raw".to_owned(),
        format!("/api/v4/projects/24/uploads/{SECRET}/a.log/../../../variables"),
        format!("/api/v4/projects/24/uploads/{SECRET}/a.log?x=1"),
        format!("/api/v4/projects/acme%2fsecret/uploads/{SECRET}/a.log"),
        format!("https://evil.example/api/v4/projects/24/uploads/{SECRET}/a.log"),
        format!("https://gitlab.com.evil.example/api/v4/projects/24/uploads/{SECRET}/a.log"),
        format!("https://gitlab.com/acme/calc/uploads/{SECRET}/a.log"),
        "/etc/passwd".to_owned(),
    ] {
        assert!(place("https://gitlab.com", &address).is_err(), "{address}");
    }
    assert!(FileLocation::of(source, "https://gitlab.com", &address).unwrap().is_told_the_token());
}

const NOTE: NoteTarget<'static> = NoteTarget { ticket: "24#7", marker: "note_01" };

fn text() -> NoteText {
    let mut text = NoteText::default();
    text.say("The cause is proven.");
    text
}

#[tokio::test]
async fn a_note_is_internal_changed_in_place_and_found_on_a_later_page() {
    let server = ScriptedHttpServer::start(|request| {
        let list = |first: u64, count: u64| {
            (first..first + count).map(|id| json!({ "id": id, "body": "said" })).collect::<Vec<_>>()
        };
        Some(match request.line().as_str() {
            "POST /api/v4/projects/24/issues/7/notes" => (201, json!({ "id": 302, "internal": true })),
            "PUT /api/v4/projects/24/issues/7/notes/302" => (200, json!({ "id": 302 })),
            "GET /api/v4/projects/24/issues/7/notes?per_page=100&page=1&sort=asc&order_by=created_at" => {
                (200, list(1, 100).into())
            }
            "GET /api/v4/projects/24/issues/7/notes?per_page=100&page=2&sort=asc&order_by=created_at" => {
                let mut page = list(101, 4);
                page.push(json!({ "id": 302, "body": "Looked into.\n\n[note_01]" }));
                (200, page.into())
            }
            "GET /api/v4/personal_access_tokens/self" => (200, json!({ "id": 1, "active": true })),
            _ => (404, json!({})),
        })
    })
    .await;
    let connection = TicketConnection::for_test(&server.base_url, "glpat-1");
    let client = TicketClient::new(GitLabIntegration.tickets().unwrap(), &connection, client().unwrap());
    assert_eq!(client.create(NOTE, &text()).await.unwrap(), "302");
    client.update(NOTE, "302", &text()).await.unwrap();
    assert_eq!(client.find(NOTE).await.unwrap().as_deref(), Some("302"));
    let other = NoteTarget { marker: "note_02", ..NOTE };
    assert_eq!(client.find(other).await.unwrap(), None);
    client.try_token().await.unwrap();
    let heard = server.heard();
    assert!(heard.iter().all(|request| request.header("private-token") == Some("glpat-1")), "{heard:?}");
    assert!(heard.iter().all(|request| request.header("authorization").is_none()), "{heard:?}");
    assert_eq!(heard[0].body, json!({ "body": "The cause is proven.\n\n[note_01]", "internal": true }));
    assert_eq!(heard[1].body, json!({ "body": "The cause is proven.\n\n[note_01]" }), "who reads it stays");
}

#[tokio::test]
async fn what_went_wrong_tells_whether_a_note_may_be_there() {
    let server = ScriptedHttpServer::start(|request| match request.path.as_str() {
        "/api/v4/projects/1/issues/7/notes" => Some((403, json!({ "message": "403 Forbidden" }))),
        "/api/v4/projects/2/issues/7/notes" => Some((429, json!({}))),
        "/api/v4/projects/3/issues/7/notes" => Some((502, json!({}))),
        "/api/v4/projects/4/issues/7/notes" => Some((201, json!({ "id": "../../x" }))),
        "/api/v4/personal_access_tokens/self" => Some((401, json!({}))),
        _ => None,
    })
    .await;
    let connection = TicketConnection::for_test(&server.base_url, "glpat-1");
    let client = TicketClient::new(GitLabIntegration.tickets().unwrap(), &connection, client().unwrap());
    let create =
        async |ticket: &'static str| client.create(NoteTarget { ticket, ..NOTE }, &text()).await.unwrap_err();
    assert!(matches!(create("1#7").await, SendError::Refused(why) if why.contains("403")));
    assert!(matches!(create("2#7").await, SendError::Later(_)));
    for unknown in ["3#7", "4#7", "5#7"] {
        let error = create(unknown).await;
        assert!(!error.certainly_not_done(), "{unknown}: {error}");
    }
    assert!(matches!(client.try_token().await, Err(SendError::Refused(_))));
}

#[test]
fn a_token_alone_is_enough_to_write() {
    let keys = GitLabIntegration.connector().unwrap();
    let config = |text: Value| serde_json::from_value::<ConnectorConfig>(text).unwrap();
    let token = config(json!({ "token_env": "T" }));
    assert_eq!((keys.check("gitlab", &token), keys.base_url(&token)), (Ok(()), Some("https://gitlab.com")));
    let own = config(json!({ "token_env": "T", "base_url": "https://git.example" }));
    assert_eq!((keys.check("gitlab", &own), keys.base_url(&own)), (Ok(()), Some("https://git.example")));
    for wrong in
        [json!({}), json!({ "token_env": "T", "email": "a@b.c" }), json!({ "base_url": "https://x" })]
    {
        assert!(keys.check("gitlab", &config(wrong.clone())).is_err(), "{wrong}");
    }
}
