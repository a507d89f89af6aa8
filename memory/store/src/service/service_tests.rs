use std::time::Duration;

use millwright_model::Deployment;

use super::super::testing::{self, ANNA, incident, prose, temporary, traced};
use super::super::{Actor, EventPhase, NewEvent, Store, StoreError};
use super::*;
use crate::queue::{JobKind, JobState, NoteState};

const HOUR: Duration = Duration::from_secs(3_600);

fn arrival(title: &str, delivery: Option<&str>, correlation: Option<&str>) -> IncomingReport {
    IncomingReport {
        conversation: None,
        incident: incident(prose(title, "it fails")),
        delivery: delivery.map(Into::into),
        content: None,
        correlation: correlation.into_iter().map(Into::into).collect(),
        resolved: false,
        audience: Default::default(),
        note: None,
        files: Vec::new(),
        by: "hook".into(),
    }
}

async fn one(store: &Store, arrival: IncomingReport) -> IngestResult {
    store.ingest(&[arrival], HOUR).await.unwrap().remove(0)
}

#[tokio::test]
async fn arrivals_open_join_repeat_and_resolve() {
    let (store, _dir) = temporary().await;
    let IngestResult::Opened(id) = one(&store, arrival("a", Some("z:1"), Some("k"))).await else { panic!() };
    assert_eq!(
        one(&store, arrival("a", Some("z:1"), Some("k"))).await,
        IngestResult::Again(Some(id.clone()))
    );
    assert_eq!(
        one(&store, arrival("a again", Some("z:2"), Some("k"))).await,
        IngestResult::Joined(id.clone())
    );
    assert!(matches!(one(&store, arrival("b", None, Some("other"))).await, IngestResult::Opened(_)));
    let over = |delivery: &str, key: &str| IncomingReport {
        resolved: true,
        ..arrival("a", Some(delivery), Some(key))
    };
    assert_eq!(one(&store, over("z:3", "k")).await, IngestResult::Resolved(id.clone()));
    assert_eq!(one(&store, over("z:4", "never seen")).await, IngestResult::Ignored);
    let effects: Vec<String> = store.deliveries(&id).await.unwrap().into_iter().map(|d| d.effect).collect();
    assert_eq!(effects, ["opened", "joined", "resolved"]);
    assert_eq!(store.count_jobs().await.unwrap(), [(JobKind::Investigate, JobState::Queued, 2)]);

    // A failure that was over for longer than the window is a new incident.
    store.set_incident_state(&id, IncidentState::Done).await.unwrap();
    assert_eq!(one(&store, arrival("a", Some("z:5"), Some("k"))).await, IngestResult::Joined(id.clone()));
    let late = store.ingest(&[arrival("a", Some("z:6"), Some("k"))], Duration::ZERO).await.unwrap();
    assert!(matches!(&late[0], IngestResult::Opened(new) if *new != id));
}

/// An id that its sender chose belongs to the first content delivered under it; other arrivals in the same
/// transaction are not affected.
#[tokio::test]
async fn the_same_id_with_other_content_is_refused() {
    let (store, _dir) = temporary().await;
    let keyed =
        |content: &str| IncomingReport { content: Some(content.into()), ..arrival("a", Some("key:1"), None) };
    let IngestResult::Opened(id) = one(&store, keyed("x")).await else { panic!() };
    assert_eq!(one(&store, keyed("x")).await, IngestResult::Again(Some(id.clone())));
    let refused = store.ingest(&[keyed("y")], HOUR).await.unwrap_err();
    assert!(matches!(refused, StoreError::OtherContent { incident: Some(known) } if known == id));
    // Deliveries from before hashes were stored.
    assert_eq!(one(&store, arrival("a", Some("key:1"), None)).await, IngestResult::Again(Some(id)));
    assert_eq!(store.count_incidents().await.unwrap(), 1);
}

#[tokio::test]
async fn an_arrival_is_taken_in_whole_or_not_at_all() {
    let (store, _dir) = temporary().await;
    let huge =
        IncomingReport { incident: incident(prose("b", &"x".repeat(17 << 20))), ..arrival("b", None, None) };
    store.ingest(&[arrival("a", Some("z:1"), None), huge], HOUR).await.unwrap_err();
    assert_eq!(store.count_incidents().await.unwrap(), 0);
    assert!(matches!(one(&store, arrival("a", Some("z:1"), None)).await, IngestResult::Opened(_)));
}

#[tokio::test]
async fn messages_are_read_on_from_any_of_them_and_an_open_question_is_known() {
    let (store, _dir) = temporary().await;
    let IngestResult::Opened(id) = one(&store, arrival("a", None, None)).await else { panic!() };
    assert!(!store.awaits_answer(&id).await.unwrap());
    let question = store.put_message(&id, "anna", MessageKind::Question, "why?").await.unwrap();
    for _ in 0..MESSAGES_AT_ONCE {
        store.put_message(&id, "anna", MessageKind::Remark, "x").await.unwrap();
    }
    let first = store.messages(&id, None).await.unwrap();
    assert_eq!((first.len(), &first[0].id), (MESSAGES_AT_ONCE, &question.id));
    let rest = store.messages(&id, first.last().map(|last| &last.id)).await.unwrap();
    assert_eq!(rest.len(), 1);
    assert!(store.awaits_answer(&id).await.unwrap(), "though others spoke since");
    let job = store.claim_jobs(JobKind::Answer, "w", HOUR, 1, &[]).await.unwrap().remove(0);
    assert!(store.awaits_answer(&id).await.unwrap(), "somebody works on it");
    assert!(store.answer_question(&job.id, "w", &question, "so").await.unwrap());
    assert!(!store.awaits_answer(&id).await.unwrap());
}

#[tokio::test]
async fn a_job_has_one_holder_and_a_dead_one_loses_it() {
    let (store, _dir) = temporary().await;
    let IngestResult::Opened(id) = one(&store, arrival("a", None, None)).await else { panic!() };
    let claim = |who: &'static str, lease| store.claim_jobs(JobKind::Investigate, who, lease, 5, &[]);
    tokio::time::sleep(Duration::from_millis(5)).await;
    let [(JobKind::Investigate, waited)] = store.queue_ages().await.unwrap()[..] else { panic!() };
    assert!((Duration::from_millis(5)..HOUR).contains(&waited), "{waited:?}");
    let job = claim("one", HOUR).await.unwrap().remove(0);
    assert_eq!((job.subject.as_str(), job.attempts), (id.as_str(), 1));
    assert!(store.queue_ages().await.unwrap().is_empty(), "what is worked on does not wait");
    assert!(claim("two", HOUR).await.unwrap().is_empty());
    assert!(store.keep_job(&job.id, "one", Duration::ZERO).await.unwrap());
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert_eq!(claim("two", HOUR).await.unwrap().len(), 1, "the lease ran out");
    assert!(!store.keep_job(&job.id, "one", HOUR).await.unwrap());
    assert!(!store.settle_job(&job.id, "one", JobState::Done, None, None).await.unwrap());
    assert!(!store.return_job(&job.id, "one", Duration::ZERO, None).await.unwrap());

    assert_eq!(store.job_holders().await.unwrap(), ["two"]);
    assert_eq!(store.free_jobs_of("two").await.unwrap(), 1);
    let job = claim("three", HOUR).await.unwrap().remove(0);
    assert!(store.return_job(&job.id, "three", HOUR, Some("no disk")).await.unwrap());
    assert!(claim("three", HOUR).await.unwrap().is_empty(), "not due yet");
    assert!(store.queue_ages().await.unwrap().is_empty());
    assert!(store.wake_job(JobKind::Investigate, id.as_str()).await.unwrap());
    let job = claim("three", HOUR).await.unwrap().remove(0);
    assert_eq!((job.failures, job.error.as_deref()), (0, Some("no disk")));
    assert!(
        store.settle_job(&job.id, "three", JobState::Done, None, Some(IncidentState::Failed)).await.unwrap()
    );
    assert_eq!(store.get_incident(&id).await.unwrap().state, IncidentState::Failed);
}

#[tokio::test]
async fn whoever_lives_does_not_take_its_own_job_again_and_what_it_puts_back_keeps_its_place() {
    let (store, _dir) = temporary().await;
    let opened = |arrived| match arrived {
        IngestResult::Opened(id) => id,
        other => panic!("{other:?}"),
    };
    let first = opened(one(&store, arrival("a", None, None)).await);
    opened(one(&store, arrival("b", None, None)).await);
    let job = store.claim_jobs(JobKind::Investigate, "me", Duration::ZERO, 1, &[]).await.unwrap().remove(0);
    assert_eq!(job.incident_id, first);
    tokio::time::sleep(Duration::from_millis(5)).await;
    let at_work = [job.id.clone()];
    let next = store.claim_jobs(JobKind::Investigate, "me", HOUR, 9, &at_work).await.unwrap();
    assert_eq!(next.iter().map(|job| (job.incident_id == first, job.lost)).collect::<Vec<_>>(), [(false, 0)]);

    store.set_incident_state(&first, IncidentState::Running).await.unwrap();
    assert!(!store.park_job(&job.id, "another", true).await.unwrap());
    assert!(
        store.park_job(&job.id, "me", true).await.unwrap()
            && store.park_job(&next[0].id, "me", true).await.unwrap()
    );
    assert_eq!(store.get_incident(&first).await.unwrap().state, IncidentState::Queued);
    let again = store.claim_jobs(JobKind::Investigate, "me", HOUR, 1, &[]).await.unwrap().remove(0);
    assert_eq!((again.incident_id, again.failures, again.lost), (first, 0, 0));
}

#[tokio::test]
async fn consent_is_given_once_and_wakes_the_run() {
    let (store, _dir) = temporary().await;
    let IngestResult::Opened(id) = one(&store, arrival("a", None, None)).await else { panic!() };
    let job = store.claim_jobs(JobKind::Investigate, "w", HOUR, 1, &[]).await.unwrap().remove(0);
    let run = store.create_run(&id).await.unwrap();
    let call = ("c7".to_owned(), "write_fix".to_owned(), serde_json::json!({ "branch": "mend" }));
    assert!(!store.ask_consent(&job, "another", &run.id, std::slice::from_ref(&call)).await.unwrap());
    assert!(store.ask_consent(&job, "w", &run.id, &[call]).await.unwrap());
    assert_eq!(store.get_incident(&id).await.unwrap().state, IncidentState::AwaitingApproval);
    let open = store.open_approvals(None).await.unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!(
        store.resolve_approval_id(run.id.as_str()).await.unwrap(),
        open[0].id,
        "an id may be shortened"
    );
    assert_eq!(store.resolve_approval_id("run_x").await.unwrap(), "run_x");
    let decided = store.decide(&open[0].id, true, ANNA).await.unwrap().unwrap();
    assert_eq!(decided.decided_by.as_deref(), Some(ANNA.who));
    assert_eq!(store.decide(&open[0].id, false, ANNA).await.unwrap(), None);
    assert!(store.decide("run_x.c1", false, ANNA).await.is_err());
    let said = store.waiting_messages(&id).await.unwrap();
    assert_eq!((said.len(), said[0].kind), (1, MessageKind::Decision));
    store.take_message(&said[0].id).await.unwrap();
    assert!(store.waiting_messages(&id).await.unwrap().is_empty());
    assert_eq!(store.claim_jobs(JobKind::Investigate, "w", HOUR, 1, &[]).await.unwrap().len(), 1);
    assert!(store.audit(Some(&id)).await.unwrap().iter().any(|entry| entry.action == "consent"));
}

#[tokio::test]
async fn the_stream_is_read_on_from_any_place() {
    let (store, _dir) = temporary().await;
    let made = store.create_incident(&incident(traced("t", "E", "m", &["a.py::f"]))).await.unwrap();
    for n in 0..2 {
        let run = store.create_run(&made.id).await.unwrap();
        let events: Vec<NewEvent> =
            (0..3).map(|at| NewEvent::fact("note", serde_json::json!({ "n": n * 3 + at }))).collect();
        store.append_events(&run.id, &events).await.unwrap();
    }
    let all = store.stream(&made.id, &StreamPosition::default(), 100).await.unwrap();
    assert_eq!(all.len(), 6);
    for at in 0..all.len() {
        let place: StreamPosition = all[at].position.to_string().parse().unwrap();
        let rest = store.stream(&made.id, &place, 100).await.unwrap();
        assert_eq!(rest, all[at + 1..]);
    }
    for wrong in ["", "7", "run_a", "run_a.x", "inc_1.2", "run_'; --.1"] {
        assert!(wrong.parse::<StreamPosition>().is_err(), "{wrong}");
    }
}

#[tokio::test]
async fn tokens_deployments_and_notes() {
    let (store, _dir) = temporary().await;
    let token = AccessToken {
        repositories: millwright_model::VisibleSet::All,
        id: "t1".into(),
        name: "ci".into(),
        role: "viewer".into(),
        created_at: "2026-01-01T00:00:00Z".parse().unwrap(),
        created_by: "anna".into(),
        expires_at: None,
        revoked_at: None,
        last_used_at: None,
    };
    store.add_token(&token, "abc", ANNA).await.unwrap();
    assert_eq!(store.find_token("t1").await.unwrap().unwrap(), (token.clone(), "abc".into()));
    for (id, secret) in [("4b61aa", "d"), ("4b61bb", "e")] {
        store.add_token(&AccessToken { id: id.into(), ..token.clone() }, secret, ANNA).await.unwrap();
    }
    assert_eq!(store.resolve_token_id("4b61a").await.unwrap(), "4b61aa");
    assert_eq!(store.resolve_token_id("t1").await.unwrap(), "t1");
    let ambiguous = store.resolve_token_id("4b").await.unwrap_err().to_string();
    assert!(ambiguous.contains("4b61aa, 4b61bb"), "{ambiguous}");
    for nobody in ["", "5", "%", "4b61aa "] {
        let error = store.resolve_token_id(nobody).await.unwrap_err().to_string();
        assert!(error.contains("millwright token list"), "{nobody:?}: {error}");
    }
    store.end_token("t1", None, ANNA).await.unwrap();
    assert!(store.find_token("t1").await.unwrap().unwrap().0.revoked_at.is_some());
    assert!(store.end_token("t1", None, ANNA).await.is_err());
    assert_eq!(store.audit(None).await.unwrap().len(), 4);

    for (revision, at) in [("v1", "2026-01-01T00:00:00Z"), ("v2", "2026-01-02T12:00:00+02:00")] {
        let deployment = Deployment {
            service: "Shop".into(),
            environment: "production".into(),
            revision: revision.into(),
            at: at.parse().unwrap(),
        };
        store.deployed(&deployment, "ci").await.unwrap();
        store.deployed(&deployment, "ci").await.unwrap();
    }
    let ran = async |at: &str| store.deployments_at("shop", None, at.parse().unwrap(), 5).await.unwrap();
    assert_eq!(
        ran("2026-01-02T10:30:00Z").await.iter().map(|d| &d.revision).collect::<Vec<_>>(),
        ["v2", "v1"]
    );
    assert_eq!(ran("2026-01-02T09:30:00Z").await.len(), 1);
    assert!(ran("2025-01-01T00:00:00Z").await.is_empty());

    let noted = IncomingReport {
        note: Some(("zendesk".into(), "41".into())),
        ..arrival("a", Some("z:1"), Some("k"))
    };
    let IngestResult::Opened(id) = one(&store, noted.clone()).await else { panic!() };
    one(&store, IncomingReport { delivery: Some("z:2".into()), ..noted }).await;
    let notes = store.notes(&id).await.unwrap();
    assert_eq!(notes.len(), 1, "one note however often it was delivered");
    store.set_note(&notes[0].id, NoteState::Sent, Some("9"), Some("hash")).await.unwrap();
    store.set_note(&notes[0].id, NoteState::Sending, None, None).await.unwrap();
    let note = store.get_note(&notes[0].id).await.unwrap();
    assert_eq!((note.state, note.remote_id.as_deref()), (NoteState::Sending, Some("9")));
    store.forget(&id, Actor { who: "anna", why: "asked" }).await.unwrap();
    assert!(store.get_note(&note.id).await.is_err());
}

#[tokio::test]
async fn what_its_workers_do_not_survive_is_counted() {
    let (store, _dir) = temporary().await;
    let IngestResult::Opened(id) = one(&store, arrival("slow", None, None)).await else { panic!() };
    let claim = async |holder: &str, lease| {
        store
            .claim_jobs(JobKind::Investigate, holder, lease, 9, &[])
            .await
            .unwrap()
            .into_iter()
            .next()
            .unwrap()
            .lost
    };
    assert_eq!(claim("a/1/x", Duration::ZERO).await, 0);
    assert_eq!(claim("b/1/x", HOUR).await, 1, "its lease ran out");
    assert_eq!(store.free_jobs_of("b/1/x").await.unwrap(), 1);
    assert_eq!(claim("c/1/x", HOUR).await, 2, "its holder was found dead");
    // A run that made progress is not the cause of its worker's death.
    let run = store.create_run(&id).await.unwrap();
    let step = NewEvent {
        kind: "planned".into(),
        phase: EventPhase::Fact,
        effect: None,
        payload: serde_json::json!({}),
    };
    store.append_events_at(&run.id, run.next_seq, &[step]).await.unwrap();
    assert_eq!(store.free_jobs_of("c/1/x").await.unwrap(), 1);
    assert_eq!(claim("d/1/x", Duration::ZERO).await, 1, "it got further");
    assert_eq!(claim("e/1/x", HOUR).await, 2, "and no further since");
    let job = store.get_job(JobKind::Investigate, id.as_str()).await.unwrap().unwrap();
    assert!(store.return_job(&job.id, "e/1/x", Duration::ZERO, None).await.unwrap());
    assert_eq!(claim("d/1/x", HOUR).await, 2, "who gives it back has not died");
    assert!(store.park_job(&job.id, "d/1/x", false).await.unwrap());
    assert_eq!(claim("d/1/x", HOUR).await, 2, "who has not begun tells nothing");
    assert!(store.park_job(&job.id, "d/1/x", true).await.unwrap());
    assert_eq!(claim("d/1/x", HOUR).await, 0, "who parks it has lived through it");
    assert!(store.settle_job(&job.id, "d/1/x", JobState::Failed, Some("died"), None).await.unwrap());
    assert!(store.wake_job(JobKind::Investigate, id.as_str()).await.unwrap());
    assert_eq!(claim("e/1/x", HOUR).await, 0, "asked for once more, it starts afresh");
}

#[tokio::test]
async fn files_of_a_run_are_kept_until_it_ends() {
    let (store, home) = temporary().await;
    let incident = store.create_incident(&incident(prose("slow", ""))).await.unwrap();
    let run = store.create_run(&incident.id).await.unwrap().id;
    let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    store.keep_run_files(&run, &[file("b.json", "{}"), file("a.json", "1")]).await.unwrap();
    store.keep_run_files(&run, &[file("b.json", "[]")]).await.unwrap();
    let again = testing::open(&home.location()).await.unwrap();
    assert_eq!(again.run_files(&run).await.unwrap(), [file("a.json", "1"), file("b.json", "[]")]);
    store.set_run_state(&run, crate::RunState::Done).await.unwrap();
    assert!(store.run_files(&run).await.unwrap().is_empty());
}
