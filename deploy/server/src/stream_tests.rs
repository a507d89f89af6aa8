//! Streams of events: every event is sent once, a returning reader continues, and each stream ends with the incident or with
//! the right to read it.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use millwright_store::{IncidentState, JobKind, MessageKind, NewEvent};
use serde_json::json;

use super::{BY, scene};
use crate::auth::{TokenRequest, TokenRole, create_token};

#[tokio::test]
async fn a_reader_sees_everything_and_goes_on_where_it_stopped() {
    let scene = scene().await;
    let token = scene.token(TokenRole::Support).await;
    let id = scene.report(&token, "one").await;
    let store = &scene.app.own_store;
    let run = store.create_run(&id).await.unwrap();
    let events: Vec<NewEvent> = (0..150)
        .map(|n| {
            NewEvent::fact("steered", json!({ "event": "steered", "text": format!("n{n}"), "by": "anna" }))
        })
        .collect();
    store.append_events_at(&run.id, run.next_seq, &events).await.unwrap();
    store.put_message(&id, "anna", MessageKind::Remark, "look at the cart").await.unwrap();
    store.set_incident_state(&id, IncidentState::Done).await.unwrap();
    let read = async |from: Option<&str>| {
        let mut request = Request::builder().uri(format!("/v1/incidents/{id}/events"));
        request = request.header("authorization", format!("Bearer {token}"));
        if let Some(from) = from {
            request = request.header("last-event-id", from);
        }
        scene.send(request.body(Body::empty()).unwrap()).await
    };
    let all = read(None).await;
    assert_eq!((all.status, &all.headers["content-type"]), (200, &"text/event-stream".parse().unwrap()));
    let ids: Vec<&str> = all.text.lines().filter_map(|line| line.strip_prefix("id: ")).collect();
    assert_eq!(ids.len(), 151, "150 events and a message");
    assert!(all.text.contains("look at the cart") && all.text.contains(r#"{"state":"done"}"#));
    for at in [0, 75, 149] {
        let rest = read(Some(ids[at])).await;
        let after: Vec<&str> = rest.text.lines().filter_map(|line| line.strip_prefix("id: ")).collect();
        assert!(after.len() >= 150 - at - 1 && after.last() == ids.last(), "from {at}: {}", after.len());
    }
    assert_eq!(read(ids.last().copied()).await.status, 204, "nothing is left");
}

/// There are more messages than are read at once, and an open question after them.
#[tokio::test]
async fn a_reader_sees_every_message_and_stays_until_the_question_is_answered() {
    let scene = scene().await;
    let token = scene.token(TokenRole::Support).await;
    let id = scene.report(&token, "one").await;
    let store = &scene.app.own_store;
    let question = store.put_message(&id, "anna", MessageKind::Question, "why?").await.unwrap();
    for n in 0..250 {
        store.put_message(&id, "anna", MessageKind::Remark, &format!("remark {n}")).await.unwrap();
    }
    store.set_incident_state(&id, IncidentState::Done).await.unwrap();
    let request = Request::builder().uri(format!("/v1/incidents/{id}/events"));
    let request = request.header("authorization", format!("Bearer {token}")).body(Body::empty()).unwrap();
    let response = tower::ServiceExt::oneshot(scene.router.clone(), request).await.unwrap();
    let reading = tokio::spawn(response.into_body().collect());
    let job =
        store.claim_jobs(JobKind::Answer, "w", Duration::from_secs(60), 1, &[]).await.unwrap().remove(0);
    assert!(store.answer_question(&job.id, "w", &question, "because of that").await.unwrap());
    let text = reading.await.unwrap().unwrap().to_bytes();
    let text = String::from_utf8_lossy(&text);
    assert_eq!(text.lines().filter(|line| line.starts_with("id: ")).count(), 252);
    assert!(text.contains("remark 249") && text.contains("because of that"));
}

#[tokio::test]
async fn an_open_stream_shows_what_comes_and_ends_with_the_incident() {
    let scene = scene().await;
    let token = scene.token(TokenRole::Support).await;
    let id = scene.report(&token, "one").await;
    let request = Request::builder().uri(format!("/v1/incidents/{id}/events"));
    let request = request.header("authorization", format!("Bearer {token}")).body(Body::empty()).unwrap();
    let response = tower::ServiceExt::oneshot(scene.router.clone(), request).await.unwrap();
    // Readers that never read block nobody.
    let mut idle = Vec::new();
    for _ in 0..50 {
        let request = Request::builder().uri(format!("/v1/incidents/{id}/events"));
        let request = request.header("authorization", format!("Bearer {token}")).body(Body::empty()).unwrap();
        idle.push(tower::ServiceExt::oneshot(scene.router.clone(), request).await.unwrap());
    }
    let reading = tokio::spawn(response.into_body().collect());
    let run = scene.app.own_store.create_run(&id).await.unwrap();
    for n in 0..1_200 {
        let event =
            NewEvent::fact("steered", json!({ "event": "steered", "text": format!("n{n}"), "by": "a" }));
        if n % 100 == 0 {
            let next_seq = run.next_seq + n / 100;
            scene.app.own_store.append_events_at(&run.id, next_seq, &[event]).await.unwrap();
        }
        scene.app.stored(&id);
    }
    scene.app.own_store.set_incident_state(&id, IncidentState::Done).await.unwrap();
    scene.app.stored(&id);
    let read = tokio::time::timeout(Duration::from_secs(20), reading).await.unwrap().unwrap().unwrap();
    let text = String::from_utf8_lossy(&read.to_bytes()).into_owned();
    assert_eq!(text.matches("event: steered").count(), 12, "{text}");
    assert!(text.contains(r#"{"state":"queued"}"#) && text.contains(r#"{"state":"done"}"#));
}

/// A stream outlives the request that asked for it, and must not outlive the right to it.
#[tokio::test]
async fn a_revoked_token_reads_no_further() {
    let scene = scene().await;
    let id = scene.report(&scene.token(TokenRole::Support).await, "Totals are wrong").await;
    let reader =
        create_token(&scene.app.own_store, TokenRequest::new("reader", TokenRole::Viewer), BY).await.unwrap();
    let request = Request::builder()
        .uri(format!("/v1/incidents/{id}/events"))
        .header("authorization", format!("Bearer {}", reader.text));
    let request = request.body(Body::empty()).unwrap();
    let response = tower::ServiceExt::oneshot(scene.router.clone(), request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let stream = tokio::spawn(response.into_body().collect());
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!stream.is_finished(), "the incident is still open");
    scene.app.own_store.end_token(&reader.token.id, None, BY).await.unwrap();
    // It takes about three seconds; the rest is for slow machines.
    tokio::time::timeout(Duration::from_secs(20), stream)
        .await
        .expect("the stream has ended")
        .unwrap()
        .unwrap();
}
