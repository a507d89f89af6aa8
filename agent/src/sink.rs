/*!
Who watches a run: the terminal, an event stream, an eval log. Sinks only look; a slow or broken one never
holds a run, so sending is synchronous and must not block.
*/

use millwright_tools::ProgressEvent;

use crate::run::{Run, RunEvent};

/// Sees every event after it was stored, and the progress of tools between events.
pub trait EventSink: Send + Sync {
    fn event(&self, event: &RunEvent);

    /// An earlier start began this run; it goes on from these events.
    fn resumed(&self, _run: &Run) {}

    /// Words of a model as they arrive; the whole answer comes as an event.
    fn words(&self, _words: &str) {}

    fn progress(&self, _progress: &ProgressEvent) {}
}

/// Watches nothing.
#[derive(Debug, Default, Clone, Copy)]
pub struct SilentSink;

impl EventSink for SilentSink {
    fn event(&self, _: &RunEvent) {}
}
