/*!
What the use cases need beside what they are asked: the store, what masks, and who is told. Each use case is a method of
[`UseCases`], in a file of its own; reports come in through [`crate::ReportIntake`].
*/

use std::sync::Arc;

use millwright_model::IncidentId;
use millwright_redaction::Redactor;
use millwright_store::Store;

use crate::notifier::IncidentNotifier;

/// What people ask of incidents that are known. Built once by each process.
#[derive(Clone)]
pub struct UseCases {
    pub(crate) store: Store,
    redactor: Arc<Redactor>,
    notifier: Arc<dyn IncidentNotifier>,
}

impl UseCases {
    pub fn new(store: Store, redactor: Arc<Redactor>, notifier: Arc<dyn IncidentNotifier>) -> Self {
        Self { store, redactor, notifier }
    }

    /// A text without its secrets, as it may be stored.
    pub(crate) fn redact(&self, text: &str) -> String {
        self.redactor.for_run().redact(text).text
    }

    /// Tells that something was stored about an incident which its readers want to see.
    pub(crate) fn notify_changed(&self, incident: &IncidentId) {
        self.notifier.incident_changed(incident);
    }

    /// The same where a worker has something to do with it.
    pub(crate) fn notify_work(&self, incident: &IncidentId) {
        self.notifier.incident_changed(incident);
        self.notifier.work_added();
    }
}
