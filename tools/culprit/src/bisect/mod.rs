/*!
Finds the culprit with as few executions of the replay as possible.

[`BisectState`] is a pure, serialisable state machine: it takes the graph of candidates and the probability of each,
returns the revision to test next, and takes the outcome. It does no IO, so an interrupted investigation continues
from its JSON, and its properties are tested on random graphs; [`search()`] drives it with real replays. The semantics
of the graph are git's: a failure at a commit means that the culprit is this commit or one of its ancestors; a pass
means that it is none of them. A flaky failure is the exception: the bisect learns how often it shows
([`millwright_replay::Flakiness`]).
*/

mod graph;
mod posterior;
mod search;
mod state;
mod verdict;

pub use graph::{CommitGraph, GraphError, Parent};
pub use search::{BisectProgress, FinishedBisect, search};
pub use state::BisectState;
pub use verdict::{BisectError, BisectOutcome, BisectPolicy, BisectStep, BisectVerdict, UnprovenReason};
