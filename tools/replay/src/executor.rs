/*!
The one step of a replay that leaves this crate's hands: running a command in the sandbox. A trait, so that the
logic around it is tested without one.
*/

use millwright_sandbox::{CancelFlag, Execution, SandboxError, SandboxedCommand};

pub trait Executor: Send + Sync {
    /// Runs a command to its end. Blocks.
    fn execute(&self, command: &SandboxedCommand, cancel: &CancelFlag) -> Result<Execution, SandboxError>;

    /// As [`Executor::execute`]; `observer` sees the whole output as it comes, also what is not kept.
    fn execute_observed(
        &self,
        command: &SandboxedCommand,
        cancel: &CancelFlag,
        observer: &mut dyn FnMut(&[u8]),
    ) -> Result<Execution, SandboxError> {
        let execution = self.execute(command, cancel)?;
        observer(execution.output.as_bytes());
        Ok(execution)
    }
}

/// The real one.
#[derive(Debug, Clone, Copy, Default)]
pub struct SandboxExecutor;

impl Executor for SandboxExecutor {
    fn execute(&self, command: &SandboxedCommand, cancel: &CancelFlag) -> Result<Execution, SandboxError> {
        millwright_sandbox::run(command, cancel)
    }

    fn execute_observed(
        &self,
        command: &SandboxedCommand,
        cancel: &CancelFlag,
        observer: &mut dyn FnMut(&[u8]),
    ) -> Result<Execution, SandboxError> {
        millwright_sandbox::run_observed(command, cancel, observer)
    }
}
