/*!
From a revision to a judged outcome: compose the tree, check it out, set it up, execute, judge, record.
*/

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use millwright_git::checkout::{
    CheckoutChange, CheckoutError, CheckoutPool, CheckoutSlot, ComposedTree, FileEdit, compose, edit_tree,
};
use millwright_model::{CommitId, Evidence, ReplayOutcome, ReplayRun, SandboxLevel};
use millwright_sandbox::{
    CancelFlag, Execution, NetworkAccess, NoSandboxPolicy, SandboxError, SandboxLimits, SandboxedCommand,
};

use super::executor::Executor;
use super::judge::{JudgedOutcome, judge};
use super::ledger::{LedgerEntry, ReplayLedger};
use super::recipe::{LaidFile, ReplayRecipe};
use super::replayed::{ReplayResult, tail};
use super::setup::SetupCache;
use super::signature::{FailureSignature, signature};
use crate::exec_trace::{ExecutionTrace, TraceInstrument};

/// Number of bytes kept as evidence from the end of an output.
const TAIL: usize = 16 * 1024;
/// The same for the project's tests, which list their failures at the end of the output.
const TAIL_OF_TESTS: usize = 1 << 20;

#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    #[error(
        "the replay passes at the failing revision {revision} ({attempts} of {attempts} times), so there is nothing \
         to look for; check --bad and the replay command. Its output ends:\n{tail}"
    )]
    BadPasses { revision: CommitId, attempts: u32, tail: String },
    #[error("the replay cannot be run at the failing revision {revision}: {why}. Its output ends:\n{tail}")]
    BadCannotTest { revision: CommitId, why: String, tail: String },
    #[error(transparent)]
    Checkout(#[from] CheckoutError),
    #[error(transparent)]
    Sandbox(SandboxError),
    #[error("the investigation was interrupted; start it again to go on from its last replay")]
    Cancelled,
    #[error("the replay could not be recorded in {path}: {source}")]
    Ledger { path: PathBuf, source: std::io::Error },
}

#[derive(Debug, Clone, Default)]
pub struct ReplayOptions {
    /// Limits of one execution; a recipe cannot exceed them.
    pub limits: SandboxLimits,
    pub weaker: NoSandboxPolicy,
}

impl ReplayOptions {
    /// The default limits, with at least the time that `recipe` asks for. Use it only for the operator's own recipes.
    pub fn with_time_for(recipe: &ReplayRecipe) -> Self {
        let usual = SandboxLimits::default();
        Self {
            limits: SandboxLimits { wall: usual.wall.max(recipe.timeout()), ..usual },
            weaker: NoSandboxPolicy::default(),
        }
    }
}

/// What one execution records beside its outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RunRecording {
    None,
    /// The files that the process tree opens, which the kernel tells without touching it.
    OpenedFiles,
    /// The code that it executes, by tracers inside of it.
    Execution,
}

/// Replays one recipe at any revision. Methods block; share the replayer between threads for parallel runs.
pub struct Replayer {
    pub(super) pool: CheckoutPool,
    pub(super) recipe: ReplayRecipe,
    pub(super) executor: Arc<dyn Executor>,
    pub(super) options: ReplayOptions,
    pub(super) cancel: CancelFlag,
    setups: SetupCache,
    ledger: Mutex<ReplayLedger>,
    composed: Mutex<HashMap<CommitId, ComposedTree>>,
    failure: Mutex<Option<FailureSignature>>,
    kept_output: usize,
}

impl Replayer {
    pub fn new(
        pool: CheckoutPool,
        recipe: ReplayRecipe,
        executor: Arc<dyn Executor>,
        ledger: ReplayLedger,
        options: ReplayOptions,
        cancel: CancelFlag,
    ) -> Self {
        let setups = SetupCache::new(pool.repo());
        if let Err(error) = pool.prune() {
            tracing::debug!(%error, "unused checkouts stay for now");
        }
        Self {
            pool,
            recipe,
            executor,
            options,
            cancel,
            setups,
            ledger: Mutex::new(ledger),
            composed: Mutex::default(),
            failure: Mutex::default(),
            kept_output: TAIL,
        }
    }

    pub fn recipe(&self) -> &ReplayRecipe {
        &self.recipe
    }

    pub fn pool(&self) -> &CheckoutPool {
        &self.pool
    }

    /// A replayer for another recipe (such as the project's tests) on the same checkouts. It records nothing.
    pub fn with_recipe(&self, recipe: ReplayRecipe) -> Self {
        let (executor, options) = (Arc::clone(&self.executor), self.options.clone());
        let other = Self::new(
            self.pool.clone(),
            recipe,
            executor,
            ReplayLedger::in_memory(),
            options,
            self.cancel.clone(),
        );
        Self { kept_output: TAIL_OF_TESTS, ..other }
    }

    /// Every execution so far, in order, with its result.
    pub fn recorded(&self) -> Vec<ReplayResult> {
        let recorded = |(at, entry): (usize, &LedgerEntry)| ReplayResult::new(at + 1, entry.clone(), false);
        hold(&self.ledger).entries().iter().enumerate().map(recorded).collect()
    }

    /// Returns every execution so far and stops answering from the ledger: later requests really run.
    pub fn take_recorded(&self) -> Vec<ReplayResult> {
        hold(&self.ledger).ask_no_more();
        self.recorded()
    }

    /// Every execution so far with its number, as a report lists them. A tool call that requests replays returns all
    /// executions, not only those it added: when an interrupted call is made again, its executions are recorded
    /// already, and the report must still list what the call cites.
    pub fn runs(&self) -> Vec<(usize, ReplayRun)> {
        (1..).zip(hold(&self.ledger).runs()).collect()
    }

    /// The numbers of the executions that answered this replayer's requests.
    pub fn asked(&self) -> Vec<usize> {
        hold(&self.ledger).asked()
    }

    /// The incident's failure, once it was reproduced or is known from memory.
    pub fn failure(&self) -> Option<FailureSignature> {
        hold(&self.failure).clone()
    }

    /// Sets the incident's failure, to re-check a known one.
    pub fn expect_failure(&self, failure: FailureSignature) {
        *hold(&self.failure) = Some(failure);
    }

    /// One execution at `commit`, with `change` applied. Judged against the failure seen by
    /// [`Replayer::reproduce`].
    pub fn run(
        &self,
        commit: &CommitId,
        change: Option<&CheckoutChange>,
    ) -> Result<ReplayResult, ReplayError> {
        self.run_once(commit, change, RunRecording::None)
    }

    /// One execution at `commit` that records the code that it executes.
    pub fn run_traced(&self, commit: &CommitId) -> Result<ReplayResult, ReplayError> {
        self.run_once(commit, None, RunRecording::Execution)
    }

    pub(super) fn run_once(
        &self,
        commit: &CommitId,
        change: Option<&CheckoutChange>,
        recording: RunRecording,
    ) -> Result<ReplayResult, ReplayError> {
        let composed = self.compose(commit, change)?;
        let how = match recording {
            RunRecording::None => "plain".to_owned(),
            RunRecording::OpenedFiles => "opened files".to_owned(),
            RunRecording::Execution => format!("traced {}", self.recipe.coverage.join(" ")),
        };
        let key = Evidence::hash(&format!("{} {} {how}", composed.tree, self.recipe.hash()));
        if let Some((number, entry)) = hold(&self.ledger).recall(&key) {
            return Ok(ReplayResult::new(number, entry, true));
        }
        if self.cancel.is_cancelled() {
            return Err(ReplayError::Cancelled);
        }
        let mut slot = self.pool.acquire()?;
        slot.switch(&composed.tree)?;
        let set_up = self.set_up(&mut slot, &composed.tree)?;
        // Prepared after the set-up, so that what the set-up wrote is not taken for the run's.
        let instrument = match recording == RunRecording::Execution {
            true => TraceInstrument::prepare(self.pool.repo(), &slot.path(), &self.recipe).ok(),
            false => None,
        };
        let (execution, failed_step) = match set_up {
            Ok(()) => (self.execute(&self.recipe.command, &mut slot, recording, instrument.as_ref())?, None),
            Err((step, execution)) => (Ok(execution), Some(step)),
        };
        let mut entry = self.entry(key, commit, change.is_some(), execution, failed_step, &slot.path());
        entry.run.traced = instrument.is_some();
        entry.notes.extend(composed.notes.iter().chain(slot.notes()).cloned());
        if let Some(instrument) = instrument {
            // A trace is only a hint, so it may lack files that cannot be listed.
            let files = millwright_git::files_at(self.pool.repo(), &composed.tree).unwrap_or_default();
            entry.add_trace(instrument, files.into_iter());
        }
        drop(slot);
        let mut ledger = hold(&self.ledger);
        let path = ledger.path().map(PathBuf::from).unwrap_or_default();
        let number = ledger.append(entry.clone()).map_err(|source| ReplayError::Ledger { path, source })?;
        tracing::debug!(
            replay.number = number,
            replay.commit = %commit,
            replay.outcome = ?entry.run.outcome,
            duration_ms = entry.run.duration_ms,
            "replayed"
        );
        Ok(ReplayResult::new(number, entry, false))
    }

    pub(super) fn compose(
        &self,
        commit: &CommitId,
        change: Option<&CheckoutChange>,
    ) -> Result<ComposedTree, ReplayError> {
        if change.is_none()
            && let Some(known) = hold(&self.composed).get(commit)
        {
            return Ok(known.clone());
        }
        let mut composed = compose(self.pool.repo(), commit, change, self.recipe.overlay.as_ref())?;
        if !self.recipe.files.is_empty() {
            let laid = |file: &LaidFile| FileEdit {
                path: file.path.clone(),
                content: file.bytes().map(|bytes| {
                    let mode = if file.executable { "100755" } else { "100644" };
                    (mode.to_owned(), bytes)
                }),
            };
            let files: Vec<FileEdit> = self.recipe.files.iter().map(laid).collect();
            composed.tree = edit_tree(self.pool.repo(), &composed.tree, &files)?;
        }
        if change.is_none() {
            hold(&self.composed).insert(commit.clone(), composed.clone());
        }
        Ok(composed)
    }

    /// Runs the set-up steps, or restores their cached result into the checkout. The inner error is a step that
    /// failed.
    pub(super) fn set_up(
        &self,
        slot: &mut CheckoutSlot,
        tree: &str,
    ) -> Result<Result<(), (String, Execution)>, ReplayError> {
        if self.recipe.setup.is_empty() {
            return Ok(Ok(()));
        }
        let key = self.recipe.setup_key(tree);
        let checkout = slot.hand_out();
        match self.setups.restore(&key, &checkout) {
            Ok(true) => return Ok(Ok(())),
            Ok(false) => {}
            Err(error) => {
                tracing::debug!(%error, "a kept setup cannot be used; it is run again");
                slot.switch(tree)?;
            }
        }
        for step in &self.recipe.setup {
            match self.execute(step, slot, RunRecording::None, None)? {
                Ok(execution) if execution.succeeded() => {}
                Ok(execution) => return Ok(Err((step.clone(), execution))),
                Err(error) => return Err(ReplayError::Sandbox(error)),
            }
        }
        self.setups.keep(&key, slot)?;
        Ok(Ok(()))
    }

    /// The inner error says that this one execution could not be had; the outer one that none can.
    fn execute(
        &self,
        script: &str,
        slot: &mut CheckoutSlot,
        recording: RunRecording,
        instrument: Option<&TraceInstrument>,
    ) -> Result<Result<Execution, SandboxError>, ReplayError> {
        let checkout = slot.hand_out();
        let mut command = self.command(script, &checkout);
        if let Some(instrument) = instrument {
            instrument.arm(&mut command);
        }
        command.record_opened_under = (recording != RunRecording::None).then_some(checkout);
        self.execute_command(&command, &mut |_| {})
    }

    /// The command to run in a checkout, with everything that the recipe declares around it.
    pub(super) fn command(&self, script: &str, checkout: &Path) -> SandboxedCommand {
        SandboxedCommand {
            script: script.to_owned(),
            cwd: checkout.to_owned(),
            env: self.recipe.env.clone(),
            read: self.recipe.allow_read.clone(),
            write: vec![checkout.to_owned()],
            network: if self.recipe.loopback { NetworkAccess::Loopback } else { NetworkAccess::None },
            limits: SandboxLimits {
                wall: self.recipe.timeout_within(&self.options.limits),
                ..self.options.limits.clone()
            },
            weaker: self.options.weaker,
            record_opened_under: None,
        }
    }

    /// The inner error says that this one execution could not be had; the outer one that none can.
    pub(super) fn execute_command(
        &self,
        command: &SandboxedCommand,
        observer: &mut dyn FnMut(&[u8]),
    ) -> Result<Result<Execution, SandboxError>, ReplayError> {
        match self.executor.execute_observed(command, &self.cancel, observer) {
            Err(SandboxError::Cancelled) => Err(ReplayError::Cancelled),
            Err(
                error @ (SandboxError::Unavailable { .. }
                | SandboxError::LoopbackNeedsNamespaces { .. }
                | SandboxError::Path { .. }
                | SandboxError::Command { .. }),
            ) => Err(ReplayError::Sandbox(error)),
            other => Ok(other.map(|mut execution| {
                // The path of the checkout carries no information and differs between runs.
                execution.output = execution.output.replace(&format!("{}/", command.cwd.display()), "");
                execution
            })),
        }
    }

    fn entry(
        &self,
        key: String,
        commit: &CommitId,
        patched: bool,
        execution: Result<Execution, SandboxError>,
        failed_step: Option<String>,
        checkout: &Path,
    ) -> LedgerEntry {
        let run = |outcome, duration_ms| ReplayRun {
            commit: commit.clone(),
            patched,
            traced: false,
            outcome,
            duration_ms,
        };
        let execution = match execution {
            Ok(execution) => execution,
            Err(error) => {
                return LedgerEntry {
                    key,
                    run: run(ReplayOutcome::CannotTest, 0),
                    why: Some(format!("the sandbox failed: {error}")),
                    tail: String::new(),
                    sandbox: SandboxLevel::None,
                    notes: Vec::new(),
                    failure: None,
                    trace: None,
                };
            }
        };
        let failure = self.failure();
        let judged = match failed_step {
            Some(step) => JudgedOutcome {
                outcome: ReplayOutcome::CannotTest,
                why: Some(format!("the setup step `{}` failed", step.chars().take(200).collect::<String>())),
            },
            None => judge(&execution, &self.recipe, &self.options.limits, failure.as_ref()),
        };
        let failed = matches!(judged.outcome, ReplayOutcome::Reproduces | ReplayOutcome::OtherFailure);
        LedgerEntry {
            key,
            run: run(judged.outcome, u64::try_from(execution.duration.as_millis()).unwrap_or(u64::MAX)),
            why: judged.why,
            failure: failed.then(|| signature(&execution.output, execution.exit)),
            sandbox: execution.level,
            trace: ExecutionTrace::of_opened(&execution.opened, checkout),
            notes: execution.denied,
            tail: tail(&execution.output, execution.exit, self.kept_output),
        }
    }
}

fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Data behind the lock is always complete, even if a thread panicked while holding it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[path = "replayer_tests.rs"]
mod tests;
