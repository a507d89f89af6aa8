/*!
The only crate that starts processes. It has exactly two entry points:

- [`trusted`]: git itself, on a git directory that we created, so that no configuration, hook, filter, textconv,
  external diff or fsmonitor of the investigated repository is ever read, and nothing is fetched lazily;
- [`run`]: everything that comes from the repository or its recipes, in a sandbox. Our own binary is executed again
  as a *stage* that builds the sandbox, confines itself, and supervises what it started.

Every binary that calls [`run`] calls [`intercept`] first in `main`; test binaries invoke
[`sandbox_stage_before_main!`](crate::sandbox_stage_before_main) once instead.
*/

mod cancel;
mod groups;
mod hints;
mod launch;
mod output;
mod paths;
mod probe;
mod sandboxed;
mod stage;
mod sys;
pub mod trusted;
mod wire;

pub use cancel::CancelFlag;
pub use launch::{run, run_at, run_observed};
pub use probe::{Mechanism, SandboxProbe, probe};
pub use sandboxed::{
    Execution, ExitStatus, LimitHit, NetworkAccess, NoSandboxPolicy, SandboxCeiling, SandboxError,
    SandboxLimits, SandboxedCommand,
};
pub use stage::intercept;

/// Lets a test binary act as the sandbox stage. The test harness owns `main`, so this macro places the check where
/// the loader runs it before `main`. Put one line at the top of the test file.
#[macro_export]
macro_rules! sandbox_stage_before_main {
    () => {
        #[used]
        #[expect(unsafe_code, reason = "a start-up function can only be named by its link section")]
        #[unsafe(link_section = ".init_array")]
        static SANDBOX_STAGE: extern "C" fn() = {
            extern "C" fn stage() {
                $crate::intercept();
            }
            stage
        };
    };
}

// This crate's unit tests also run sandboxed commands.
#[cfg(test)]
sandbox_stage_before_main!();
