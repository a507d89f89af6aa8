//! Sessions, keys, views of reports and channel health: what the page reads from the store.

use millwright_model::{NewIncident, REPORT_SCHEMA, Report, Usage};

use super::super::testing::{ANNA, incident, prose, temporary};
use super::super::{Actor, Store};
use super::*;
use crate::queue::JobKind;

async fn token(store: &Store, id: &str) {
    let token = AccessToken {
        repositories: millwright_model::VisibleSet::All,
        id: id.into(),
        name: "desk".into(),
        role: "support".into(),
        created_at: "2026-01-01T00:00:00.000000Z".parse().unwrap(),
        created_by: "anna".into(),
        expires_at: None,
        revoked_at: None,
        last_used_at: None,
    };
    store.add_token(&token, "hash", ANNA).await.unwrap();
}

fn session(name: &str, token: &str, ends: &str) -> StoredSession {
    StoredSession {
        id_sha256: name.into(),
        token_id: token.into(),
        created_at: "2026-01-01T00:00:00.000000Z".parse().unwrap(),
        expires_at: ends.parse().unwrap(),
    }
}

#[tokio::test]
async fn sessions_are_found_until_they_end() {
    let (store, _dir) = temporary().await;
    token(&store, "t1").await;
    let (far, past) = ("2999-01-01T00:00:00.000000Z", "2026-01-02T00:00:00.000000Z");
    store.begin_session(&session("one", "t1", far), ANNA).await.unwrap();
    store.begin_session(&session("old", "t1", past), ANNA).await.unwrap();
    let (found, of) = store.find_session("one").await.unwrap().unwrap();
    assert_eq!((found.token_id.as_str(), of.name.as_str()), ("t1", "desk"));
    assert_eq!(store.find_session("old").await.unwrap(), None);
    assert_eq!(store.find_session("none").await.unwrap(), None);
    assert_eq!(store.list_sessions().await.unwrap().len(), 1);
    store.end_session("one", ANNA).await.unwrap();
    store.end_session("one", ANNA).await.unwrap();
    assert_eq!(store.find_session("one").await.unwrap(), None);
    let log = store.audit_page(None, None, 10).await.unwrap();
    let actions: Vec<&str> = log.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(actions, ["sign out", "sign in", "sign in", "token"], "newest first, nothing twice");
    let older = store.audit_page(None, Some(&log[1].id), 1).await.unwrap();
    assert_eq!((older.len(), &older[0].id), (1, &log[2].id));
}

#[tokio::test]
async fn the_first_key_of_a_name_stays() {
    let (store, _dir) = temporary().await;
    assert_eq!(store.server_secret("seal", "one").await.unwrap(), "one");
    assert_eq!(store.server_secret("seal", "two").await.unwrap(), "one");
    assert_eq!(store.server_secret("other", "two").await.unwrap(), "two");
}

fn report(incident: &str, id: &str, wall_ms: u64, verdict: Verdict) -> Report {
    Report {
        schema: REPORT_SCHEMA.into(),
        id: id.parse().unwrap(),
        incident_id: incident.parse().unwrap(),
        verdict,
        summary: "s".into(),
        root_cause: None,
        hypotheses: vec![],
        suspects: vec![],
        fix: None,
        tried: Vec::new(),
        replay: None,
        similar: vec![],
        struck: vec![],
        impact: None,
        evidence: vec![],
        usage: Usage { wall_ms, cost_usd: 0.25, ..Usage::default() },
        escalate: None,
    }
}

#[tokio::test]
async fn answers_are_counted_by_how_often_their_problem_was_seen() {
    let (store, _dir) = temporary().await;
    let mut ids = Vec::new();
    for n in 0..3_u64 {
        let id = store.create_incident(&incident(prose(&format!("n{n}"), "x"))).await.unwrap().id;
        let report = report(id.as_str(), &format!("rep_{n}"), 1_000 * (n + 1), Verdict::Verified);
        store.save_report(&report).await.unwrap();
        store.save_view(&report, &serde_json::json!({ "n": n })).await.unwrap();
        ids.push(id);
    }
    store.link_recurrence(&ids[2], &ids[0], Actor { who: "millwright", why: "" }).await.unwrap();
    store.put_message(&ids[1], "anna", MessageKind::Remark, "look there").await.unwrap();
    store.put_message(&ids[2], "anna", MessageKind::Question, "why?").await.unwrap();
    let answered = store.answered(10).await.unwrap();
    let told: Vec<(&str, i64, i64, i64)> = answered
        .iter()
        .map(|one| (one.incident_id.as_str(), one.occurrence, one.wall_ms, one.steered))
        .collect();
    assert_eq!(
        told,
        [(ids[2].as_str(), 2, 3_000, 0), (ids[1].as_str(), 1, 2_000, 1), (ids[0].as_str(), 1, 1_000, 0)]
    );
    assert_eq!((answered[0].cost_usd, store.answered(1).await.unwrap().len()), (0.25, 1));
    assert_eq!(store.view(&"rep_1".parse().unwrap()).await.unwrap(), Some(serde_json::json!({ "n": 1 })));
    assert_eq!(store.view(&"rep_9".parse().unwrap()).await.unwrap(), None);
    store.forget(&ids[1], ANNA).await.unwrap();
    assert_eq!(
        store.view(&"rep_1".parse().unwrap()).await.unwrap(),
        None,
        "what is beside a report goes with it"
    );
}

#[tokio::test]
async fn doors_tell_what_came_in_and_which_notes_are_in_trouble() {
    let (store, _dir) = temporary().await;
    let arrival = |delivery: &str| IncomingReport {
        conversation: None,
        incident: NewIncident { source: Some("zendesk".into()), ..incident(prose("a", "x")) },
        delivery: Some(delivery.into()),
        content: None,
        correlation: vec!["k".into()],
        resolved: false,
        audience: Default::default(),
        note: Some(("zendesk".into(), "7".into())),
        files: Vec::new(),
        by: "hook".into(),
    };
    let hour = std::time::Duration::from_secs(3_600);
    store.ingest(&[arrival("z:1"), arrival("z:2")], hour).await.unwrap();
    let doors = store.channel_health().await.unwrap();
    assert_eq!((doors.len(), doors[0].source.as_str(), doors[0].deliveries), (1, "zendesk", 2));
    assert!(store.troubled_notes(10).await.unwrap().is_empty());
    let job = store.claim_jobs(JobKind::Note, "me", hour, 1, &[]).await.unwrap().remove(0);
    store.return_job(&job.id, "me", hour, Some("the system refused")).await.unwrap();
    let notes = store.troubled_notes(10).await.unwrap();
    assert_eq!((notes.len(), notes[0].target.as_str(), notes[0].failures), (1, "7", 1));
    assert_eq!(notes[0].error.as_deref(), Some("the system refused"));
}
