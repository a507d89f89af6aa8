//! Outcomes of a fix, on a real repository.
use std::time::SystemTime;

use millwright_model::{IncidentId, IncomingReport, NewIncident, NewResolution, Proof};
use millwright_store::{IncidentState, IngestResult, JobKind, JobState};
use millwright_testkit::repository::TestRepo;

use super::*;
use crate::tests::{Scene, scene_with};

fn commit(repo: &TestRepo, total: &str) -> String {
    repo.commit(total, &[("calc.sh", &format!("total() {{\n  {total}\n}}\n"))]).into()
}

async fn report(scene: &Scene, title: &str) -> IncidentId {
    let ticket = millwright_ingest::parse(title.as_bytes());
    let arrival = IncomingReport {
        conversation: None,
        incident: NewIncident {
            repository_name: None,
            repository: None,
            source: None,
            ticket,
            mapped: vec![],
        },
        delivery: None,
        content: None,
        correlation: (title == "Totals are wrong").then(|| KEY.to_owned()).into_iter().collect(),
        resolved: false,
        audience: Default::default(),
        note: None,
        files: Vec::new(),
        by: "test".into(),
    };
    scene.app.intake.ingest(arrival).await.unwrap().incident().unwrap().clone()
}

/// The key of the first incident in its system.
const KEY: &str = "alert:totals";

struct Watched {
    repo: TestRepo,
    scene: Scene,
    repository: RepositorySettings,
    bad: String,
    first: IncidentId,
}

/// A repository with a fault, and an incident with its verified fix.
async fn watched(stay_away: Duration) -> Watched {
    // Whether a failure stays away is counted from the time of the fix.
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let repo = TestRepo::starting_at(since_1970.as_secs() - 1_800);
    commit(&repo, "echo $(( $1 * 2 ))");
    let bad = commit(&repo, "echo $(( $1 * 3 ))");
    let repository = RepositorySettings {
        name: "calc".parse().unwrap(),
        path: repo.work(),
        remote: None,
        branch: Some("main".into()),
        services: vec![],
        path_prefixes: vec![],
        recipes: Default::default(),
        tests: None,
        remotes: Default::default(),
    };
    let kept = repository.clone();
    let scene = scene_with(move |settings| {
        settings.repositories = vec![kept];
        settings.limits.stay_away = stay_away;
    })
    .await;
    let store = &scene.app.own_store;
    let first = report(&scene, "Totals are wrong").await;
    let identity =
        Repo::open(&repo.work(), scene.app.settings.data_dir.as_path()).unwrap().identity().unwrap();
    // Includes the ids of its blobs, so that git can merge it.
    let diff = repo.git(&["diff", &bad, "HEAD~1"]) + "\n";
    let new = NewResolution {
        repository: Some(identity.clone()),
        culprit: Some(bad.clone()),
        failing_revision: bad.clone(),
        fix_diff: diff,
        ..millwright_testkit::tickets::stated("it takes three times", Proof::FixVerified)
    };
    store
        .remember(&first, &"run_1".parse().unwrap(), Some(&new), &[], Actor { who: "run", why: "" })
        .await
        .unwrap();
    Watched { repo, scene, repository, bad, first }
}

/// The same problem, reported again at a revision.
async fn again(watched: &Watched, revision: &str) {
    let store = &watched.scene.app.own_store;
    let again = report(&watched.scene, "Totals are wrong again").await;
    store.link_recurrence(&again, &watched.first, Actor { who: "run", why: "" }).await.unwrap();
    let job = store.get_job(JobKind::Investigate, again.as_str()).await.unwrap().unwrap();
    let place = InvestigationTarget {
        repository: "calc".parse().unwrap(),
        revision: revision.parse().unwrap(),
        because: String::new(),
        good: None,
    };
    store.plan_job(&job.id, &serde_json::to_value(&place).unwrap()).await.unwrap();
}

impl Watched {
    async fn look(&self) -> usize {
        watch(&self.scene.app, &self.repository).await.unwrap()
    }

    async fn outcome(&self) -> Outcome {
        self.scene.app.own_store.resolutions(&self.first).await.unwrap().remove(0).outcome
    }
}

#[tokio::test]
async fn a_fix_ships_when_the_branch_has_it_and_was_not_it_when_the_failure_is_back() {
    let watched = watched(Duration::ZERO).await;
    assert_eq!(watched.look().await, 0, "the branch has it not");
    let fixed = commit(&watched.repo, "echo $(( $1 * 2 ))");
    assert_eq!(watched.look().await, 1);
    assert_eq!(watched.outcome().await, Outcome::Shipped);
    assert_eq!(watched.look().await, 0, "once");

    // The same problem again: in an old release it proves nothing, in a release with the fix it refutes the fix.
    for (revision, changes) in [(&watched.bad, 0), (&fixed, 1)] {
        again(&watched, revision).await;
        assert_eq!(watched.look().await, changes, "{revision}");
    }
    assert_eq!(watched.outcome().await, Outcome::Recurred);
    let store = &watched.scene.app.own_store;
    assert!(!store.resolutions(&watched.first).await.unwrap()[0].is_trusted());
    let audit = store.show_memory(watched.first.as_str()).await.unwrap();
    assert!(serde_json::to_string(&audit).unwrap().contains("the answer was wrong"), "why is on record");
}

#[tokio::test]
async fn an_incident_whose_answer_was_not_it_is_opened_again_and_investigated_where_it_came_back() {
    let watched = watched(Duration::ZERO).await;
    let (app, first) = (&watched.scene.app, &watched.first);
    let store = &app.own_store;
    // The incident was answered, and its job is done.
    let job =
        store.claim_jobs(JobKind::Investigate, "w", Duration::from_secs(60), 1, &[]).await.unwrap().remove(0);
    let earlier = super::super::unplaced::report(
        &store.get_incident(first).await.unwrap(),
        &millwright_usecases::UnplacedReason { because: "x".into(), missing: "y".into() },
    );
    store.save_report(&earlier).await.unwrap();
    store.settle_job(&job.id, "w", JobState::Done, None, Some(IncidentState::Done)).await.unwrap();
    commit(&watched.repo, "echo $(( $1 * 2 ))");
    assert_eq!((watched.look().await, watched.outcome().await), (1, Outcome::Shipped));

    // The same alert fires again and joins its incident: no new incident is opened, but the answer was wrong.
    let state = async || store.get_incident(first).await.unwrap().state;
    deliver_again(&watched).await;
    assert_eq!((watched.look().await, watched.outcome().await), (1, Outcome::Recurred));
    assert_eq!(state().await, IncidentState::Queued);
    let said = store.messages(first, None).await.unwrap();
    assert_eq!(said.len(), 1);
    assert!(said[0].body.contains("the answer was wrong: the failure was reported again"), "{said:?}");
    let text = crate::incident_note::fix_refuted(&store.resolutions(first).await.unwrap());
    assert!(text, "notes say so");
    assert_eq!(watched.look().await, 0, "once");

    // A worker takes the job although there is a report; the target is the revision with the fix.
    let worker = tokio::spawn(crate::worker::run(app.clone()));
    let answered = async {
        while state().await != IncidentState::Done {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), answered).await.unwrap();
    worker.abort();
    let reports = store.list_reports(first).await.unwrap();
    assert_eq!(reports.len(), 2, "{reports:?}");
    let job = store.get_job(JobKind::Investigate, first.as_str()).await.unwrap().unwrap();
    let fixed = String::from(watched.repo.id("main"));
    assert_eq!(job.plan.unwrap()["revision"], fixed);
    assert!(
        !store.messages(first, None).await.unwrap().iter().any(|said| said.taken_at.is_none()),
        "the run knows why"
    );
}

/// Another delivery that belongs to the first incident.
async fn deliver_again(watched: &Watched) {
    let arrival = IncomingReport {
        conversation: None,
        incident: NewIncident {
            repository_name: None,
            repository: None,
            source: None,
            ticket: millwright_ingest::parse(b"Totals are wrong"),
            mapped: vec![],
        },
        delivery: None,
        content: None,
        correlation: vec![KEY.into()],
        resolved: false,
        audience: Default::default(),
        note: None,
        files: Vec::new(),
        by: "test".into(),
    };
    let arrived = watched.scene.app.intake.ingest(arrival).await.unwrap();
    assert_eq!(arrived, IngestResult::Joined(watched.first.clone()));
}

#[tokio::test]
async fn a_failure_that_is_back_at_once_never_ships() {
    let watched = watched(Duration::from_secs(3_600)).await;
    let fixed = commit(&watched.repo, "echo $(( $1 * 2 ))");
    assert_eq!(watched.look().await, 0, "it has not been there for long enough");
    again(&watched, &fixed).await;
    assert_eq!(watched.look().await, 1);
    assert_eq!(watched.outcome().await, Outcome::Recurred);
}
