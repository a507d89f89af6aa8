/*!
What hostile code would try, run in the real sandbox: as the current user and, when that is root, as an ordinary
user too; in the full sandbox, in the reduced one, and in the reduced one as an old kernel would offer it.
Everything is bounded in count and time, and stays on this machine.
*/
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "the suite starts itself again as another user, and victims")]

mod commands;
mod files;
mod ground;
mod guard;
mod limits;
mod network;
mod processes;

millwright_tools::sandbox_stage_before_main!();
