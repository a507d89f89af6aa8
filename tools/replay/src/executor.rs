/*!
Runs a command in the sandbox. This is the only step of a replay outside of this crate, so it is a trait: tests of the
surrounding logic need no sandbox.
*/

use millwright_sandbox::{CancelFlag, Execution, SandboxError, SandboxedCommand};

pub trait Executor: Send + Sync {
    /// Runs a command to its end. Blocks.
    fn execute(&self, command: &SandboxedCommand, cancel: &CancelFlag) -> Result<Execution, SandboxError>;

    /// Like [`Executor::execute`]; `observer` receives the whole output as it arrives, including the part that is not
    /// kept.
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

/// Runs commands in the real sandbox.
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
