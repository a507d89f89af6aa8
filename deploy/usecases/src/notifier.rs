/*!
Notifies readers that something was stored. Nothing depends on it: a reader that gets no notification finds the change in
the store a little later.
*/

use millwright_model::IncidentId;

/// Receives a notification for everything that a use case stores.
pub trait IncidentNotifier: Send + Sync {
    /// Something was stored about an incident that its readers may want to see.
    fn incident_changed(&self, incident: &IncidentId);

    /// A worker may have something to do.
    fn work_added(&self);
}

/// Notifies nobody: for a process without other readers.
#[derive(Debug, Clone, Copy, Default)]
pub struct SilentNotifier;

impl IncidentNotifier for SilentNotifier {
    fn incident_changed(&self, _incident: &IncidentId) {}

    fn work_added(&self) {}
}
