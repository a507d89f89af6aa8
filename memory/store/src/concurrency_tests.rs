//! Many concurrent writers, on every engine.

use std::time::Duration;

use millwright_model::{Approval, IncomingReport, Proof};

use super::testing::{ANNA, incident, prose, resolution, temporary};
use super::*;

/// Reports that join, messages, jobs, answers, judgements and forgetting at the same time: nothing is lost, nothing
/// fails half-way, and counters increase once per event.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_at_once_lose_nothing() {
    const WRITERS: usize = 6;
    const ROUNDS: usize = 8;
    let (store, _home) = temporary().await;
    let arrival = |delivery: String, correlation: &str| IncomingReport {
        incident: incident(prose("Totals are wrong", "since noon")),
        delivery: Some(delivery),
        content: None,
        correlation: vec![correlation.to_owned()],
        audience: Default::default(),
        conversation: None,
        resolved: false,
        note: Some(("tracker".into(), correlation.to_owned())),
        files: Vec::new(),
        by: "hook".into(),
    };
    let hour = Duration::from_secs(3_600);
    let tasks: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let store = store.clone();
            tokio::spawn(async move {
                for round in 0..ROUNDS {
                    // A failure that all writers report, and one for each writer.
                    let both = [
                        arrival(format!("{writer}.{round}.a"), &format!("shared {round}")),
                        arrival(format!("{writer}.{round}.b"), &format!("own {writer} {round}")),
                    ];
                    let arrived = store.ingest(&both, hour).await.unwrap();
                    let (shared, own) = (arrived[0].incident().unwrap(), arrived[1].incident().unwrap());
                    for incident in [shared, own] {
                        store.put_message(incident, "anna", MessageKind::Remark, "look there").await.unwrap();
                        let run = store.create_run(incident).await.unwrap();
                        let found = resolution(&format!("{writer}{round}aa"), Proof::CauseConfirmed);
                        store.remember(incident, &run.id, Some(&found), &[], ANNA).await.unwrap();
                        store.set_run_state(&run.id, RunState::Done).await.unwrap();
                    }
                    store.update_ticket(own, None, &prose("Totals again", "since one"), &[]).await.unwrap();
                    let judge = FeedbackAuthor::new(ANNA, FeedbackRights::OWNER);
                    store.record_feedback(shared, None, Approval::Confirmed, judge).await.unwrap();
                    store.set_incident_state(shared, IncidentState::Running).await.unwrap();
                    if round % 2 == 0 {
                        store.forget(own, ANNA).await.unwrap();
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let all = store.list_incidents(&IncidentFilter { limit: 500, ..Default::default() }).await.unwrap();
    assert_eq!(all.len(), ROUNDS + WRITERS * ROUNDS / 2, "one of all, one of each that was not forgotten");
    for line in &all {
        let writers = if line.state == IncidentState::Running { WRITERS } else { 1 };
        assert_eq!(store.messages(&line.id, None).await.unwrap().len(), writers);
        assert_eq!(store.deliveries(&line.id).await.unwrap().len(), writers);
        assert_eq!(store.list_runs(&line.id).await.unwrap().len(), writers);
        assert_eq!(store.notes(&line.id).await.unwrap().len(), 1);
        assert!(!store.resolutions(&line.id).await.unwrap().is_empty());
    }
    let docs: i64 = crate::db::query_scalar("SELECT count(DISTINCT doc) FROM incidents")
        .fetch_one(&store.read)
        .await
        .unwrap();
    assert_eq!(docs, all.len() as i64);
    // Everything in the index belongs to an incident that exists.
    let found = store.search_memory("totals", 500).await.unwrap();
    assert_eq!(found.len(), all.len());
}
