//! Linear, from the bytes of a delivery to those of a comment, including hostile ones.

use http::HeaderMap;
use millwright_testkit::http_server::ScriptedHttpServer;

use crate::ticket_client::TicketConnection;
use serde_json::{Value, json};

use super::*;
use crate::attachments::{FileLocation, files_in};
use crate::configuration::ConnectorConfig;
use crate::inbound::{InboundEvent, InboundReport};
use crate::note_text::NoteText;
use crate::outbound_http::{SendError, client};
use crate::signature::testing::{AT, check, check_at, mac};
use crate::signature::{MaxAge, PendingSignature, SignatureCheck, SignatureError};
use crate::ticket_client::{NoteTarget, TicketClient};

const ID: &str = "2174add1-f7c8-44e3-bbf3-2d60b5ea8bc9";

fn verify(delivery: &PendingSignature<'_>) -> Result<SignatureCheck, SignatureError> {
    LinearIntegration.hook().unwrap().verify(delivery)
}

/// Checks a body signed with the secret `s` that arrives `later_seconds` after [`AT`].
fn signed(body: &str, later_seconds: i64) -> Result<(), SignatureError> {
    let signature = hex::encode(mac(b"s", body.as_bytes()));
    check_at(AT + later_seconds, verify, &[("linear-signature", &signature)], body.as_bytes(), &["new", "s"])
}

#[test]
fn a_delivery_is_proven_only_with_the_time_in_its_body() {
    let sent = |at: i64| format!("{{\"type\":\"Issue\",\"webhookTimestamp\":{at}}}");
    let body = sent(AT * 1_000);
    assert_eq!((signed(&body, 0), signed(&body, 60), signed(&body, -60)), (Ok(()), Ok(()), Ok(())));
    for later in [61, -61, 86_400] {
        assert_eq!(signed(&body, later), Err(SignatureError::Stale(MaxAge::OneMinute)), "{later}");
    }
    for timeless in
        ["{}", "[]", "{\"webhookTimestamp\":\"1700000000000\"}", "{\"webhookTimestamp\":1.5}", "x", ""]
    {
        assert_eq!(signed(timeless, 0), Err(SignatureError::Timeless("webhookTimestamp")), "{timeless}");
    }
    // Times far out of range, and a current time in seconds.
    for odd in [i64::MAX, i64::MIN, AT] {
        assert!(signed(&sent(odd), 0).is_err(), "{odd}");
    }
}

#[test]
fn a_wrong_or_missing_signature_is_refused_whatever_the_body_says() {
    let body = format!("{{\"webhookTimestamp\":{}}}", AT * 1_000);
    let ask = |signature: &str| check(verify, &[("linear-signature", signature)], body.as_bytes(), &["s"]);
    let right = hex::encode(mac(b"s", body.as_bytes()));
    assert_eq!(ask(&right), Ok(()));
    assert_eq!(ask(&hex::encode(mac(b"t", body.as_bytes()))), Err(SignatureError::Wrong));
    assert_eq!(ask(&right[..40]), Err(SignatureError::Malformed("linear-signature")));
    assert_eq!(ask(&format!("sha256={right}")), Err(SignatureError::Malformed("linear-signature")));
    assert_eq!(check(verify, &[], b"{}", &["s"]), Err(SignatureError::Missing("linear-signature")));
    // The time is not even read from a body with a wrong signature.
    assert_eq!(
        check(verify, &[("linear-signature", &right)], b"{\"webhookTimestamp\":0}", &["s"]),
        Err(SignatureError::Wrong)
    );
}

fn delivery(action: &str, state: &str, updated_from: Value) -> Value {
    json!({
        "action": action, "type": "Issue", "webhookTimestamp": AT * 1_000, "updatedFrom": updated_from,
        "data": { "id": ID, "identifier": "ENG-7", "title": "Totals are wrong", "description": "since noon",
            "state": { "id": "s1", "name": "X", "type": state }, "project": { "name": "calc" } },
    })
}

fn receive(body: &Value) -> Result<InboundEvent, String> {
    LinearIntegration.hook().unwrap().receive(&HeaderMap::new(), body)
}

fn report(body: &Value) -> InboundReport {
    match receive(body) {
        Ok(InboundEvent::Report(report)) => *report,
        other => panic!("{body}: {other:?}"),
    }
}

#[test]
fn only_a_real_change_of_the_state_counts() {
    let opened = report(&delivery("create", "triage", Value::Null));
    assert_eq!(
        (opened.external_id.as_deref(), opened.ticket.as_deref(), opened.service.as_deref()),
        (Some("ENG-7"), Some(ID), Some("calc"))
    );
    assert_eq!((opened.resolved, opened.keys, opened.delivery), (false, vec![format!("issue:{ID}")], None));
    let moved = json!({ "stateId": "s0" });
    for over in ["completed", "canceled"] {
        assert!(report(&delivery("update", over, moved.clone())).resolved, "{over}");
        assert!(
            report(&delivery("create", over, Value::Null)).resolved,
            "{over}: over before it was known here"
        );
    }
    for key in ["completedAt", "canceledAt"] {
        let reopened = json!({ "stateId": "s0", key: "2026-11-24T10:00:00.000Z" });
        assert!(!report(&delivery("update", "started", reopened)).resolved, "{key}");
    }
    for other in [
        delivery("update", "completed", json!({ "title": "Totals" })),
        delivery("update", "completed", Value::Null),
        delivery("update", "completed", json!({ "stateId": null })),
        delivery("update", "started", moved),
        delivery("update", "started", json!({ "stateId": "s0", "completedAt": null })),
        delivery("remove", "completed", Value::Null),
        json!({ "action": "create", "type": "Comment", "data": { "id": ID } }),
    ] {
        assert_eq!(receive(&other), Ok(InboundEvent::Nothing), "{other}");
    }
}

#[test]
fn what_cannot_be_a_name_reaches_no_request() {
    for id in
        ["", "7", "../../x", "2174add1-f7c8-44e3-bbf3-2d60b5ea8bc9\\n", "2174add1f7c844e3bbf32d60b5ea8bc9"]
    {
        let mut body = delivery("create", "triage", Value::Null);
        body["data"]["id"] = id.into();
        assert!(receive(&body).unwrap_err().contains("data.id"), "{id}");
    }
    for name in ["ENG", "ENG-7/..", "<b>-1", &"E-".repeat(40)] {
        let mut body = delivery("create", "triage", Value::Null);
        body["data"]["identifier"] = name.into();
        assert_eq!(report(&body).external_id.as_deref(), Some(ID), "{name}");
    }
    for odd in [json!(null), json!([]), json!({ "type": "Issue" }), json!({ "action": "create" })] {
        assert!(receive(&odd).is_err(), "{odd}");
    }
    assert!(receive(&json!({ "type": "Issue", "action": "create", "data": [] })).is_err());
}

#[test]
fn files_are_in_the_storage_which_alone_is_told_the_token() {
    let source = LinearIntegration.attachments().unwrap();
    let storage = format!("https://uploads.linear.app/{ID}/{ID}");
    let named = |description: &str| {
        let body = json!({ "data": { "description": description } });
        files_in(source, &body)
            .into_iter()
            .map(|file| format!("{} {}", file.url, file.name))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        named(&format!("see [app.log]({storage}) and ![x.png]({storage}/{ID})\n[again]({storage})")),
        [format!("{storage} app.log"), format!("{storage}/{ID} x.png")]
    );
    for other in [
        format!("[x]({storage}/../../x)"),
        format!("[x]({storage}?signature=1)"),
        "[x](https://uploads.linear.app/)".to_owned(),
        "[x](https://linear.app/acme/issue/ENG-8)".to_owned(),
        "](https://".to_owned(),
        "[x](https://)".to_owned(),
    ] {
        assert!(named(&other).is_empty(), "{other}");
    }
    let place = |base: &str, url: &str| FileLocation::of(source, base, url);
    let api = "https://api.linear.app";
    assert!(place(api, &storage).unwrap().is_told_the_token());
    for url in [
        format!("https://uploads.linear.app.evil.example/{ID}/{ID}"),
        format!("http://uploads.linear.app/{ID}/{ID}"),
        format!("https://uploads.linear.app:8443/{ID}/{ID}"),
        format!("https://u:p@uploads.linear.app/{ID}/{ID}"),
        format!("{storage}?x=1"),
        format!("{storage}/%2e%2e/x"),
        "https://api.linear.app/graphql".to_owned(),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
    ] {
        assert!(place(api, &url).is_err(), "{url}");
    }
    assert!(place("https://relay.example", &storage).is_err(), "the storage is of their own cloud");
    assert!(place(api, &storage).unwrap().store("https://storage.googleapis.com/x").is_err());
}

const NOTE: NoteTarget<'static> = NoteTarget { ticket: ID, marker: "note_01" };

fn text() -> NoteText {
    let mut text = NoteText::default();
    text.say("The cause is proven.");
    text
}

#[tokio::test]
async fn a_comment_is_changed_in_place_and_found_behind_a_cursor() {
    const COMMENT: &str = "b7f3e1a0-0000-4000-8000-000000000001";
    let server = ScriptedHttpServer::start(|request| {
        let query = request.body["query"].as_str().unwrap_or_default();
        let comments = |nodes: Value, more: bool| {
            let info = json!({ "hasNextPage": more, "endCursor": more.then_some("c\"1") });
            json!({ "data": { "issue": { "comments": { "nodes": nodes, "pageInfo": info } } } })
        };
        let done = json!({ "success": true, "comment": { "id": COMMENT } });
        let answer = match request.body["variables"]["after"].as_str() {
            _ if query.contains("viewer") => json!({ "data": { "viewer": { "id": ID } } }),
            _ if query.contains("commentCreate") => json!({ "data": { "commentCreate": done } }),
            _ if query.contains("commentUpdate") => json!({ "data": { "commentUpdate": done } }),
            None => comments(json!([{ "id": ID, "body": "said" }]), true),
            Some("c\"1") => comments(json!([{ "id": COMMENT, "body": "x [note_01]" }]), false),
            Some(_) => return Some((400, json!({}))),
        };
        Some((200, answer))
    })
    .await;
    let connection = TicketConnection::for_test(&server.base_url, "lin_api_1");
    let client = TicketClient::new(LinearIntegration.tickets().unwrap(), &connection, client().unwrap());
    assert_eq!(client.create(NOTE, &text()).await.unwrap(), COMMENT);
    client.update(NOTE, COMMENT, &text()).await.unwrap();
    assert_eq!(client.find(NOTE).await.unwrap().as_deref(), Some(COMMENT));
    assert_eq!(client.find(NoteTarget { marker: "note_02", ..NOTE }).await.unwrap(), None);
    client.try_token().await.unwrap();
    let heard = server.heard();
    assert!(heard.iter().all(|request| request.line() == "POST /graphql"), "{heard:?}");
    assert!(heard.iter().all(|request| request.header("authorization") == Some("lin_api_1")), "{heard:?}");
    let body = "The cause is proven.\n\n[note_01]";
    assert_eq!(heard[0].body["variables"], json!({ "issue": ID, "body": body }));
    assert_eq!(heard[1].body["variables"], json!({ "id": COMMENT, "body": body }));
    let oauth = TicketConnection::for_test(&server.base_url, "lin_oauth_1");
    assert_eq!(LinearIntegration.tickets().unwrap().credentials(&oauth).1, "Bearer lin_oauth_1");
}

#[tokio::test]
async fn an_error_says_what_it_means_whatever_its_status() {
    let server = ScriptedHttpServer::start(|request| {
        let error = |code: &str| json!({ "errors": [{ "message": "m", "extensions": { "code": code } }], "data": null });
        match request.body["variables"]["issue"].as_str()? {
            "limited" => Some((400, error("RATELIMITED"))),
            "limited-well" => Some((200, error("RATELIMITED"))),
            "forbidden" => Some((200, error("FORBIDDEN"))),
            "unauthorized" => Some((401, error("AUTHENTICATION_ERROR"))),
            "undone" => Some((200, json!({ "data": { "commentCreate": { "success": false, "comment": null } } }))),
            "broken" => Some((200, error("INTERNAL_SERVER_ERROR"))),
            "nameless" => Some((200, json!({ "errors": [{ "message": "m" }] }))),
            "empty" => Some((200, json!({ "data": { "commentCreate": { "success": true } } }))),
            _ => None,
        }
    })
    .await;
    let connection = TicketConnection::for_test(&server.base_url, "lin_api_1");
    let client = TicketClient::new(LinearIntegration.tickets().unwrap(), &connection, client().unwrap());
    let create =
        async |ticket: &'static str| client.create(NoteTarget { ticket, ..NOTE }, &text()).await.unwrap_err();
    for ticket in ["limited", "limited-well"] {
        assert!(matches!(create(ticket).await, SendError::Later(_)), "{ticket}");
    }
    for ticket in ["forbidden", "unauthorized", "undone"] {
        assert!(matches!(create(ticket).await, SendError::Refused(_)), "{ticket}");
    }
    for ticket in ["broken", "nameless", "empty", "cut"] {
        let error = create(ticket).await;
        assert!(!error.certainly_not_done(), "{ticket}: {error}");
    }
}

#[test]
fn a_token_alone_is_enough_to_write() {
    let keys = LinearIntegration.connector().unwrap();
    let config = |text: Value| serde_json::from_value::<ConnectorConfig>(text).unwrap();
    let token = config(json!({ "token_env": "T" }));
    assert_eq!(
        (keys.check("linear", &token), keys.base_url(&token)),
        (Ok(()), Some("https://api.linear.app"))
    );
    for wrong in
        [json!({}), json!({ "token_env": "T", "email": "a@b.c" }), json!({ "base_url": "https://x" })]
    {
        assert!(keys.check("linear", &config(wrong.clone())).is_err(), "{wrong}");
    }
}
