/*!
Who watches a run: the terminal, an event stream, an eval log. Sinks only look; a slow or broken one never
holds a run, so sending is synchronous and must not block.
*/

use millwright_tools::tool::ProgressEvent;

use crate::run::Event;

/// Sees every event after it was stored, and the progress of tools between events.
pub trait Sink: Send + Sync {
    fn event(&self, event: &Event);

    /// Words of a model as they arrive; the whole answer comes as an event.
    fn words(&self, _words: &str) {}

    fn progress(&self, _progress: &ProgressEvent) {}
}

/// Watches nothing.
#[derive(Debug, Default, Clone, Copy)]
pub struct Silent;

impl Sink for Silent {
    fn event(&self, _: &Event) {}
}
