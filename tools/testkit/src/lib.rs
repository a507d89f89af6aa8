/*!
What the tests of several crates share: small real repositories, and replays without a sandbox. The sources lie in the
crates whose own tests use them, too; a crate cannot use a kit that depends on itself.
*/
#![expect(clippy::unwrap_used, reason = "what cannot be set up fails its test")]
#![expect(clippy::new_without_default, reason = "made where it is used, never by default")]

use millwright_git::Repo;

#[path = "../../git/src/history/testing.rs"]
pub mod imported;
pub mod replays;
#[path = "../../git/src/testing.rs"]
pub mod repository;
