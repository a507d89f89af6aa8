/*!
Finds the culprit by asking as few questions as possible, each question being one execution of the replay.

[`Bisect`] is a pure, serialisable state machine: it is told the graph of candidates and how probable each is,
answers which revision to test next, and is told the outcome. It does no IO, so an interrupted investigation
goes on from its JSON, and properties are proven on random graphs; [`search`] drives it with real replays. The
semantics of the graph are git's: a failure at a commit means that the culprit is this commit or one of its ancestors,
a pass that it is none of them, unless the failure is flaky: how often it shows is learned on the way
([`Flakiness`]).
*/

mod flake;
mod graph;
mod machine;
mod posterior;
mod search;
mod verdict;

pub use flake::Flakiness;
pub use graph::{CommitGraph, GraphError, Parent};
pub use machine::Bisect;
pub use search::{Progress, Search, search};
pub use verdict::{BisectError, BisectPolicy, Narrowed, Outcome, Step, Verdict};
