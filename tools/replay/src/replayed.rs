/*!
The results of replays: one execution with its outcome and the end of its output.
*/

use millwright_model::{EvidenceDraft, EvidenceSource, Locator, ReplayOutcome, ReplayRun, SandboxLevel};
use millwright_sandbox::ExitStatus;

use super::ledger::LedgerEntry;
use super::signature::FailureSignature;
use crate::exec_trace::ExecutionTrace;

/// One execution with its outcome.
#[derive(Debug, Clone, PartialEq)]
pub struct ReplayResult {
    /// 1-based position among all executions; `replay:<n>` cites it.
    pub number: usize,
    pub run: ReplayRun,
    pub why: Option<String>,
    pub tail: String,
    pub sandbox: SandboxLevel,
    pub notes: Vec<String>,
    pub failure: Option<FailureSignature>,
    pub trace: Option<ExecutionTrace>,
    /// Whether the ledger of an interrupted investigation answered this request.
    pub recalled: bool,
}

impl ReplayResult {
    pub(super) fn new(number: usize, entry: LedgerEntry, recalled: bool) -> Self {
        let LedgerEntry { run, why, tail, sandbox, notes, failure, trace, .. } = entry;
        Self { number, run, why, tail, sandbox, notes, failure, trace, recalled }
    }

    pub fn outcome(&self) -> ReplayOutcome {
        self.run.outcome
    }

    pub fn evidence(&self) -> EvidenceDraft {
        let said = match self.run.outcome {
            ReplayOutcome::Passes => "passes",
            ReplayOutcome::Reproduces => "reproduces the failure",
            ReplayOutcome::OtherFailure => "fails otherwise",
            ReplayOutcome::CannotTest => "cannot be tested",
        };
        let changed = if self.run.patched { " with the change" } else { "" };
        let why = self.why.as_deref().map(|why| format!(" ({why})")).unwrap_or_default();
        EvidenceDraft {
            source: EvidenceSource::Replay,
            locator: Locator::replay(self.number),
            text: format!("{}{changed}: {said}{why}\n{}", self.run.commit, self.tail),
        }
    }
}

/// The last bytes of the output and how the command ended, for a person to read.
pub(super) fn tail(output: &str, exit: ExitStatus, bytes: usize) -> String {
    let ended = match exit {
        ExitStatus::Code(code) => format!("[exit status {code}]"),
        ExitStatus::Signal(signal) => format!("[ended by signal {signal}]"),
    };
    let output = output.trim_end();
    let mut from = output.len().saturating_sub(bytes);
    while !output.is_char_boundary(from) {
        from += 1;
    }
    let cut = if from > 0 { "…" } else { "" };
    format!("{cut}{}\n{ended}", &output[from..])
}

/// A few lines for an error message.
pub(super) fn end_of(tail: &str) -> String {
    let lines: Vec<&str> = tail.lines().collect();
    let kept = &lines[lines.len().saturating_sub(12)..];
    kept.iter()
        .map(|line| format!("  {}", line.chars().take(300).collect::<String>()))
        .collect::<Vec<_>>()
        .join("\n")
}
