/*!
Observers of a run: the terminal, an event stream, an eval log. A sink only observes. A slow or broken sink never
blocks a run, so sending is synchronous and must not block.
*/

use millwright_tools::ProgressEvent;

use crate::run::{Run, RunEvent};

/// Sees every event after it was stored, and the progress of tools between events.
pub trait EventSink: Send + Sync {
    fn event(&self, event: &RunEvent);

    /// A run that an earlier start began continues from these events.
    fn resumed(&self, _run: &Run) {}

    /// Streamed words of a model; the whole answer follows as an event.
    fn words(&self, _words: &str) {}

    fn progress(&self, _progress: &ProgressEvent) {}
}

/// A sink that ignores everything.
#[derive(Debug, Default, Clone, Copy)]
pub struct SilentSink;

impl EventSink for SilentSink {
    fn event(&self, _: &RunEvent) {}
}
