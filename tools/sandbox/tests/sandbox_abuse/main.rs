/*!
What hostile code would try, run in the real sandbox: as the current user and, when that is root, as an ordinary
user too; in the full sandbox, in the reduced one, and in the reduced one as an old kernel would offer it.
Everything is bounded in count and time, and stays on this machine.

`cargo test --release -p millwright-tools --test sandbox_abuse` lists every check with what it tried, at which level and
as whom, and how many escaped. A name or a part of it as an argument selects.
*/
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "the suite starts itself again as another user, and victims")]

mod checks;
mod commands;
mod files;
mod ground;
mod guard;
mod limits;
mod network;
mod processes;

fn main() -> std::process::ExitCode {
    millwright_sandbox::intercept();
    if processes::run_until_killed() {
        return std::process::ExitCode::SUCCESS;
    }
    checks::main()
}
