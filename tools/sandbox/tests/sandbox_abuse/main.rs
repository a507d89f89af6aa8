/*!
Runs what hostile code would try in the real sandbox: as the current user and, if that is root, also as an ordinary
user; in the full sandbox, in the reduced one, and in the reduced one as an old kernel supports it. Everything is
bounded in count and time, and stays on this machine.

`cargo test --release -p millwright-tools --test sandbox_abuse` lists every check with what it tried, at which
level and as which user, and how many escaped. To select checks, pass a name or a part of it as an argument.
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
