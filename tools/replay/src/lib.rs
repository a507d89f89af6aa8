/*!
Runs the failure at a revision in a sandbox and says what it saw.

A [`ReplayRecipe`] is plain data and comes from the command line, the configuration or memory, never from a ticket.
A [`Replayer`] composes what is to be tested, checks it out, runs it, and judges the outcome against the failure
seen at the failing revision: the same failure reproduces, another one says nothing about this incident. Every
execution is appended to a ledger before it is used, so that an interrupted investigation repeats none.
*/

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
pub use replayed::{ReplayResult, Reproduction};
pub use replayer::{ReplayError, ReplayOptions, Replayer};
pub use signature::{FailureSignature, signature};

#[cfg(test)]
#[expect(unreachable_pub, reason = "shared with the testkit")]
pub(crate) mod testing;
