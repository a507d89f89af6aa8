/*!
The dependencies of the use cases: the store, the redactor, and the notifier. Each use case is a method of [`UseCases`],
in a file of its own; reports come in through [`crate::ReportIntake`].
*/

use std::sync::Arc;

use millwright_model::IncidentId;
use millwright_redaction::Redactor;
use millwright_store::Store;

use crate::notifier::IncidentNotifier;

/// The use cases on known incidents. Built once per process.
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

    /// Notifies readers that something was stored about an incident that they may want to see.
    pub(crate) fn notify_changed(&self, incident: &IncidentId) {
        self.notifier.incident_changed(incident);
    }

    /// Notifies readers and workers, when a worker has something to do.
    pub(crate) fn notify_work(&self, incident: &IncidentId) {
        self.notifier.incident_changed(incident);
        self.notifier.work_added();
    }
}
