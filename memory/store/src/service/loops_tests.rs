//! What reaches an incident after it was ingested: its attachments, and a recurrence of the failure.

use std::time::Duration;

use millwright_model::{Approval, IncidentId, Outcome, Proof, RemoteFile};
use serde_json::json;

use super::super::testing::{incident, prose, resolution, temporary};
use super::super::{Actor, Store};
use super::*;
use crate::queue::{JobKind, JobState};

const HOUR: Duration = Duration::from_secs(3_600);
const BY: Actor<'static> = Actor { who: "millwright", why: "it was not it: it failed again" };

fn arrival(delivery: &str, files: &[&str]) -> IncomingReport {
    let file = |url: &&str| RemoteFile {
        url: (*url).to_owned(),
        name: "a.log".into(),
        media_type: "text/plain".into(),
    };
    let mut new = incident(prose("Totals are wrong", "they are"));
    new.source = Some("jira".into());
    IncomingReport {
        conversation: None,
        incident: new,
        delivery: Some(delivery.into()),
        content: None,
        correlation: vec!["k".into()],
        resolved: false,
        audience: Default::default(),
        note: Some(("jira".into(), "SHOP-7".into())),
        files: files.iter().map(file).collect(),
        by: "hook".into(),
    }
}

async fn arrive(store: &Store, arrival: IncomingReport) -> IncidentId {
    store.ingest(&[arrival], HOUR).await.unwrap().remove(0).incident().unwrap().clone()
}

#[tokio::test]
async fn only_what_is_done_is_opened_again_with_its_reason_its_job_and_its_note() {
    let (store, _dir) = temporary().await;
    let id = arrive(&store, arrival("1", &[])).await;
    let plan = json!({ "revision": "abc" });
    assert!(!store.reopen(&id, None, &plan, BY).await.unwrap(), "it is open");
    let job = store.claim_jobs(JobKind::Investigate, "w", HOUR, 1, &[]).await.unwrap().remove(0);
    assert_eq!(job.reopened_at, None);
    let done = Some(IncidentState::Done);
    assert!(store.settle_job(&job.id, "w", JobState::Done, Some("an old error"), done).await.unwrap());
    let note = store.claim_jobs(JobKind::Note, "w", HOUR, 1, &[]).await.unwrap().remove(0);
    store.settle_job(&note.id, "w", JobState::Done, None, None).await.unwrap();

    let since = store.get_incident(&id).await.unwrap().created_at;
    assert!(store.joined_after(&id, since).await.unwrap().is_empty());
    arrive(&store, arrival("2", &[])).await;
    assert_eq!(store.joined_after(&id, since).await.unwrap().len(), 1);

    assert!(store.reopen(&id, None, &plan, BY).await.unwrap());
    assert!(!store.reopen(&id, None, &plan, BY).await.unwrap(), "once");
    assert_eq!(store.get_incident(&id).await.unwrap().state, IncidentState::Queued);
    let job = store.claim_jobs(JobKind::Investigate, "w", HOUR, 1, &[]).await.unwrap().remove(0);
    assert_eq!((job.plan, job.error), (Some(plan.clone()), None));
    assert!(job.reopened_at.is_some());
    assert_eq!(store.claim_jobs(JobKind::Note, "w", HOUR, 9, &[]).await.unwrap().len(), 1, "the note is due");
    let said = store.waiting_messages(&id).await.unwrap();
    assert_eq!(
        said.iter().map(|m| (m.kind, m.body.as_str())).collect::<Vec<_>>(),
        [(MessageKind::Remark, BY.why)]
    );
    assert!(store.audit(Some(&id)).await.unwrap().iter().any(|entry| entry.action == "reopen"));

    // An incident that a command investigated has no job until now.
    let other = store.create_incident(&incident(prose("another", ""))).await.unwrap().id;
    store.set_incident_state(&other, IncidentState::Done).await.unwrap();
    assert!(store.reopen(&other, None, &plan, BY).await.unwrap());
    assert!(store.get_job(JobKind::Investigate, other.as_str()).await.unwrap().is_some());
    assert!(!store.reopen(&"inc_nothing".parse().unwrap(), None, &plan, BY).await.unwrap());
}

#[tokio::test]
async fn files_of_a_ticket_are_wanted_once_and_go_with_it() {
    let (store, _dir) = temporary().await;
    let id = arrive(&store, arrival("1", &["https://a/1", "https://a/2", "https://a/1"])).await;
    arrive(&store, arrival("2", &["https://a/2", "https://a/3"])).await;
    let urls = async || {
        let wanted = store.wanted_files(&id).await.unwrap().into_iter();
        wanted.map(|wanted| (wanted.system, wanted.file.url)).collect::<Vec<_>>()
    };
    let all = ["https://a/1", "https://a/2", "https://a/3"].map(|url| ("jira".to_owned(), url.to_owned()));
    assert_eq!(urls().await, all);
    let wanted = store.wanted_files(&id).await.unwrap();
    store.settle_file(&wanted[0].id, None).await.unwrap();
    store.settle_file(&wanted[1].id, Some("it is not text")).await.unwrap();
    assert_eq!(urls().await, all[2..]);
    arrive(&store, arrival("3", &["https://a/1"])).await;
    assert_eq!(urls().await, all[2..], "what is settled is not wanted again");
    store.forget(&id, Actor { who: "anna", why: "asked" }).await.unwrap();
    assert!(urls().await.is_empty());
}

#[tokio::test]
async fn a_note_that_has_news_while_it_is_written_is_written_again_whoever_dies() {
    let (store, _dir) = temporary().await;
    let id = arrive(&store, arrival("1", &[])).await;
    let claim = |kind| store.claim_jobs(kind, "w", HOUR, 1, &[]);
    let job = claim(JobKind::Investigate).await.unwrap().remove(0);
    let note = claim(JobKind::Note).await.unwrap().remove(0);
    // The end of the investigation makes the note due in the same transaction, so no process has to survive to do it.
    let done = Some(IncidentState::Done);
    assert!(store.settle_job(&job.id, "w", JobState::Done, None, done).await.unwrap());
    assert!(claim(JobKind::Note).await.unwrap().is_empty(), "it is being written");
    assert!(store.settle_job(&note.id, "w", JobState::Done, None, None).await.unwrap());
    let again = claim(JobKind::Note).await.unwrap().remove(0);
    assert_eq!(again.id, note.id);
    assert!(store.settle_job(&note.id, "w", JobState::Done, None, None).await.unwrap());
    assert!(claim(JobKind::Note).await.unwrap().is_empty(), "once");
    let job = store.get_job(JobKind::Investigate, id.as_str()).await.unwrap().unwrap();
    assert_eq!(job.state, JobState::Done);
}

#[tokio::test]
async fn an_answer_that_was_not_it_is_marked_and_its_incident_opened_in_one_go() {
    let (store, _dir) = temporary().await;
    let id = arrive(&store, arrival("1", &[])).await;
    let fix = resolution("c0ffee", Proof::FixVerified);
    let fix = store
        .remember(&id, &"run_1".parse().unwrap(), Some(&fix), &[], BY)
        .await
        .unwrap()
        .resolution
        .unwrap();
    let outcome = async || store.resolutions(&id).await.unwrap()[0].outcome;
    // If the incident is already open, only the answer is marked.
    assert!(!store.reopen(&id, Some(&fix.id), &json!({}), BY).await.unwrap());
    assert_eq!(outcome().await, Outcome::Recurred);
    store.set_outcome(&fix.id, Outcome::Shipped, BY).await.unwrap();
    store.set_incident_state(&id, IncidentState::Done).await.unwrap();
    let job = store.claim_jobs(JobKind::Investigate, "w", HOUR, 1, &[]).await.unwrap().remove(0);
    store.settle_job(&job.id, "w", JobState::Done, None, None).await.unwrap();
    assert!(store.reopen(&id, Some(&fix.id), &json!({}), BY).await.unwrap());
    assert_eq!(outcome().await, Outcome::Recurred);
    store.reopen(&id, Some(&"res_nothing".parse().unwrap()), &json!({}), BY).await.unwrap_err();
}

#[tokio::test]
async fn a_note_is_due_with_whatever_it_tells() {
    let (store, _dir) = temporary().await;
    let id = arrive(&store, arrival("1", &[])).await;
    let fix = resolution("c0ffee", Proof::FixVerified);
    let fix = store
        .remember(&id, &"run_1".parse().unwrap(), Some(&fix), &[], BY)
        .await
        .unwrap()
        .resolution
        .unwrap();
    let written = async || match store.claim_jobs(JobKind::Note, "w", HOUR, 1, &[]).await.unwrap().pop() {
        Some(note) => store.settle_job(&note.id, "w", JobState::Done, None, None).await.unwrap(),
        None => false,
    };
    assert!(written().await && !written().await, "the first one");
    store.set_incident_state(&id, IncidentState::Running).await.unwrap();
    assert!(written().await && !written().await, "a state");
    store.set_approval(&fix.id, Approval::Confirmed, BY).await.unwrap();
    assert!(written().await && !written().await, "what was said of the answer");
    store.set_outcome(&fix.id, Outcome::Shipped, BY).await.unwrap();
    assert!(written().await && !written().await, "what became of it");
    let job = store.claim_jobs(JobKind::Investigate, "w", HOUR, 1, &[]).await.unwrap().remove(0);
    let run = store.create_run(&id).await.unwrap();
    let calls = [("c1".to_owned(), "push_fix".to_owned(), json!({}))];
    assert!(store.ask_consent(&job, "w", &run.id, &calls).await.unwrap());
    assert!(written().await && !written().await, "that consent is asked for");
    let asked = store.open_approvals(Some(&id)).await.unwrap().remove(0);
    store.decide(&asked.id, true, BY).await.unwrap();
    assert!(written().await && !written().await, "that it was given");
}
