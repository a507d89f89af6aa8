/*!
The one step of a replay that leaves this crate's hands: running a command in the sandbox. A trait, so that the
logic around it is tested without one.
*/

use crate::process::{self, CancelFlag, Execution, SandboxError, SandboxedCommand};

pub trait Executor: Send + Sync {
    /// Runs a command to its end. Blocks.
    fn execute(&self, command: &SandboxedCommand, cancel: &CancelFlag) -> Result<Execution, SandboxError>;
}

/// The real one.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sandbox;

impl Executor for Sandbox {
    fn execute(&self, command: &SandboxedCommand, cancel: &CancelFlag) -> Result<Execution, SandboxError> {
        process::run(command, cancel)
    }
}
