/*!
Shared by the tests of several crates: small real repositories, and replays without a sandbox. The sources live in the
crates whose own tests use them as well, because a crate cannot use a test kit that depends on the crate itself.
*/
#![expect(clippy::unwrap_used, reason = "what cannot be set up fails its test")]
#![expect(clippy::new_without_default, reason = "made where it is used, never by default")]

use millwright_git::Repo;

#[path = "../../git/src/history/testing.rs"]
pub mod imported;
pub mod replays;
#[path = "../../git/src/testing.rs"]
pub mod repository;
