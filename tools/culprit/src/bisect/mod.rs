/*!
Finds the culprit by asking as few questions as possible, each question being one execution of the replay.

[`BisectState`] is a pure, serialisable state machine: it is told the graph of candidates and how probable each is,
answers which revision to test next, and is told the outcome. It does no IO, so an interrupted investigation
goes on from its JSON, and properties are proven on random graphs; [`search()`] drives it with real replays. The
semantics of the graph are git's: a failure at a commit means that the culprit is this commit or one of its ancestors,
a pass that it is none of them, unless the failure is flaky: how often it shows is learned on the way
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
