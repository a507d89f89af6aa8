/*!
Runs the failure at a revision in a sandbox and reports what was observed.

A [`ReplayRecipe`] is plain data. It comes from the command line, the configuration or memory, never from a ticket. A
[`Replayer`] composes the tree to test, checks it out, runs the recipe, and judges the outcome against the failure
seen at the failing revision: the same failure reproduces the incident, another failure says nothing about it. Every
execution is appended to a ledger before it is used, so an interrupted investigation repeats none.
*/

mod checkout_files;
mod derive;
pub mod exec_trace;
mod executor;
mod flakiness;
mod judge;
mod ledger;
mod named_files;
mod observe;
mod overlay_files;
mod recipe;
mod replayed;
mod replayer;
mod reproduction;
mod setup;
mod signature;

pub use derive::{DeriveError, TestRecipes, derive_command, derive_recipe};
pub use executor::{Executor, SandboxExecutor};
pub use flakiness::Flakiness;
pub use judge::{JudgedOutcome, judge};
pub use ledger::{LedgerEntry, ReplayLedger};
pub use named_files::named_files;
pub use observe::{ObservationRequest, ReplayObservation};
pub use overlay_files::{OverlayError, laid, load_overlay};
pub use recipe::{LaidFile, ReplayRecipe};
pub use replayed::ReplayResult;
pub use replayer::{ReplayError, ReplayOptions, Replayer};
pub use reproduction::ReproducedFailure;
pub use signature::{FailureSignature, signature};

#[cfg(test)]
pub(crate) mod testing;
