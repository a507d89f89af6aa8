/*!
Shared by the tests: use cases on a store of their own, without a server, and the notifications they sent.
*/

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use millwright_model::{IncidentId, NewResolution, Proof, Resolution, Scope, VisibleSet};
use millwright_redaction::{RedactionConfig, Redactor};
use millwright_store::{Actor, Database, IncidentState, JobKind, Store};

use crate::{
    CodeLocation, CodeLocations, IncidentNotifier, IncidentReport, Principal, ReportIntake, TokenRole,
    UseCases,
};

/// A secret as people paste it into messages.
pub(crate) const SECRET: &str = "password=hunter2hunter2";

/// Counts notifications.
#[derive(Default)]
pub(crate) struct CountingNotifier {
    changed: Mutex<Vec<IncidentId>>,
    work: AtomicUsize,
}

impl IncidentNotifier for CountingNotifier {
    fn incident_changed(&self, incident: &IncidentId) {
        self.changed.lock().unwrap().push(incident.clone());
    }

    fn work_added(&self) {
        self.work.fetch_add(1, Ordering::SeqCst);
    }
}

pub(crate) struct UseCaseFixture {
    database: Database,
    pub(crate) store: Store,
    pub(crate) use_cases: UseCases,
    pub(crate) intake: ReportIntake,
    notifier: Arc<CountingNotifier>,
    _dir: tempfile::TempDir,
}

/// Two repositories, each with a service.
fn locations() -> CodeLocations {
    let location = |name: &str, service: &str| CodeLocation {
        repository: name.parse().unwrap(),
        services: vec![service.to_owned()],
        path_prefixes: Vec::new(),
    };
    CodeLocations(vec![location("shop", "checkout"), location("billing", "invoices")])
}

impl UseCaseFixture {
    /// The use cases for a caller with this scope.
    pub(crate) fn use_cases_of(&self, caller: &Principal) -> UseCases {
        let store = self.database.seen_by(caller.scope());
        UseCases::new(store, Arc::new(Redactor::default()), self.notifier.clone())
    }

    pub(crate) async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let database = Database::open(dir.path().to_str().unwrap()).await.unwrap();
        let store = database.seen_by(Scope::installation("test"));
        let redactor = Arc::new(Redactor::new(RedactionConfig::default()).unwrap());
        let notifier = Arc::new(CountingNotifier::default());
        let use_cases = UseCases::new(store.clone(), redactor.clone(), notifier.clone());
        let intake = ReportIntake::start(
            store.clone(),
            Duration::from_secs(60),
            redactor,
            notifier.clone(),
            Arc::new(locations()),
        );
        Self { database, store, use_cases, intake, notifier, _dir: dir }
    }

    /// An incident that waits for a worker.
    pub(crate) async fn reported(&self, title: &str) -> IncidentId {
        self.intake.report(&support(), report(title), None).await.unwrap().id
    }

    /// An incident whose investigation was stopped before it began, so that it has ended.
    pub(crate) async fn ended(&self, title: &str) -> IncidentId {
        let incident = self.reported(title).await;
        assert!(self.store.cancel_idle_job(&incident).await.unwrap());
        assert_eq!(self.store.get_incident(&incident).await.unwrap().state, IncidentState::Cancelled);
        incident
    }

    /// Claims the job of an incident, as a worker does.
    pub(crate) async fn begin(&self, incident: &IncidentId) {
        let job = self.store.get_job(JobKind::Investigate, incident.as_str()).await.unwrap();
        assert!(job.is_some());
        let lease = Duration::from_secs(60);
        self.store.claim_jobs(JobKind::Investigate, "worker", lease, 1, &[]).await.unwrap();
    }

    /// Makes a call of its run wait for consent.
    pub(crate) async fn ask_consent(&self, incident: &IncidentId) -> String {
        let lease = Duration::from_secs(60);
        let job =
            self.store.claim_jobs(JobKind::Investigate, "worker", lease, 1, &[]).await.unwrap().remove(0);
        let run = self.store.create_run(incident).await.unwrap();
        let calls = [("c1".to_owned(), "write_fix".to_owned(), serde_json::json!({}))];
        assert!(self.store.ask_consent(&job, "worker", &run.id, &calls).await.unwrap());
        self.store.open_approvals(Some(incident)).await.unwrap().remove(0).id
    }

    /// The reasons in the audit log of an incident.
    pub(crate) async fn audit_notes(&self, incident: &IncidentId) -> Vec<String> {
        let audit = self.store.audit(Some(incident)).await.unwrap();
        audit.into_iter().filter_map(|entry| entry.note).collect()
    }

    /// An answer of an incident.
    pub(crate) async fn resolution(&self, incident: &IncidentId) -> Resolution {
        let found = NewResolution {
            repository: Some("root:1".parse().unwrap()),
            culprit: Some("1c1ed3b".repeat(6).chars().take(40).collect()),
            failing_revision: "0".repeat(40),
            ..millwright_testkit::tickets::stated("the discount is taken twice", Proof::Reproduced)
        };
        let run = Actor { who: "run", why: "" };
        self.store.remember(incident, &"run_1".parse().unwrap(), Some(&found), &[], run).await.unwrap();
        self.store.resolutions(incident).await.unwrap().remove(0)
    }

    /// How often readers of an incident, and workers, were notified since the last call.
    pub(crate) fn told(&self, incident: &IncidentId) -> (usize, usize) {
        let mut changed = self.notifier.changed.lock().unwrap();
        let count = changed.iter().filter(|told| *told == incident).count();
        changed.clear();
        (count, self.notifier.work.swap(0, Ordering::SeqCst))
    }
}

pub(crate) fn support() -> Principal {
    principal("support", TokenRole::Support)
}

pub(crate) fn principal(name: &str, role: TokenRole) -> Principal {
    Principal {
        name: format!("{name} (t1)"),
        role,
        key: name.to_owned(),
        repositories: VisibleSet::All,
        conversations: role.conversations(),
    }
}

pub(crate) fn report(title: &str) -> IncidentReport {
    IncidentReport {
        title: title.to_owned(),
        body: String::new(),
        service: None,
        environment: None,
        release: None,
        source: None,
        external_id: None,
        attachments: Vec::new(),
        overlay: Vec::new(),
    }
}
