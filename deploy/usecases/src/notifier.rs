/*!
Who is told that something was stored. Nothing of value depends on it: whoever is not told looks into the store a little
later.
*/

use millwright_model::IncidentId;

/// Told what a use case has stored.
pub trait IncidentNotifier: Send + Sync {
    /// Something was stored about an incident, which its readers may want to see.
    fn incident_changed(&self, incident: &IncidentId);

    /// There may be something for a worker to do.
    fn work_added(&self);
}

/// Tells nobody: for a process that nobody reads along with.
#[derive(Debug, Clone, Copy, Default)]
pub struct SilentNotifier;

impl IncidentNotifier for SilentNotifier {
    fn incident_changed(&self, _incident: &IncidentId) {}

    fn work_added(&self) {}
}
