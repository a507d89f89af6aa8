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
use super::replayed::{ReplayResult, Reproduction, end_of, tail};
use super::setup::SetupCache;
use super::signature::{FailureSignature, signature};
use crate::exec_trace::{ExecutionTrace, TraceInstrument};
use crate::flakiness::Flakiness;

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

/// Number of failures in a row after which a failure counts as steady although a traced execution did not show it.
const STEADY: u32 = 3;

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
    /// The revision at which the failure was seen, as long as only a traced execution has shown it.
    seen_traced: Mutex<Option<CommitId>>,
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
            seen_traced: Mutex::default(),
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

    /// Executes at `bad` until the failure shows, and records its signature. If the first run does not show the
    /// failure, repeats up to the recipe's `attempts` to learn how often it shows. With `traced`, the first execution
    /// also records the code that it executes.
    pub fn reproduce(&self, bad: &CommitId, traced: bool) -> Result<Reproduction, ReplayError> {
        self.reproduce_within(bad, traced, 0)
    }

    /// Like [`Replayer::reproduce`], for a failure that is reported as flaky: makes up to `patience` attempts until
    /// it has shown.
    pub fn reproduce_within(
        &self,
        bad: &CommitId,
        traced: bool,
        patience: u32,
    ) -> Result<Reproduction, ReplayError> {
        let attempts = self.recipe.attempts.clamp(1, 100);
        let most = attempts.max(patience.min(100));
        let mut shown: Option<(ReplayResult, FailureSignature)> = None;
        let mut last = String::new();
        let (mut passes, mut failures) = (0, 0);
        let mut tracing = traced;
        let mut doubted = false;
        let mut done = 0;
        while done < attempts || (shown.is_none() && done < most) {
            let replayed = self.run_once(bad, None, tracing)?;
            // A tracer can disturb the run and must not decide anything: a pass under the tracer is run again without
            // it, and what a failure looks like is settled by the first execution without it, see `Replayer::run`.
            let was_traced = std::mem::take(&mut tracing);
            if was_traced && replayed.outcome() != ReplayOutcome::Reproduces {
                // Either the tracer hid the failure or the failure is flaky; a few repetitions decide which.
                doubted = replayed.outcome() == ReplayOutcome::Passes;
                continue;
            }
            done += 1;
            last = end_of(&replayed.tail);
            match replayed.outcome() {
                ReplayOutcome::Reproduces => {
                    failures += 1;
                    if shown.is_none()
                        && let Some(failure) = replayed.failure.clone()
                    {
                        self.expect_failure(failure.clone());
                        *hold(&self.seen_traced) = was_traced.then(|| bad.clone());
                        shown = Some((replayed, failure));
                    }
                    if passes == 0 && (!doubted || failures >= STEADY) {
                        break;
                    }
                }
                ReplayOutcome::Passes => passes += 1,
                ReplayOutcome::OtherFailure | ReplayOutcome::CannotTest if shown.is_some() => {}
                ReplayOutcome::OtherFailure | ReplayOutcome::CannotTest => {
                    let why = replayed.why.unwrap_or_default();
                    return Err(ReplayError::BadCannotTest { revision: bad.clone(), why, tail: last });
                }
            }
        }
        let Some((shown, failure)) = shown else {
            return Err(ReplayError::BadPasses { revision: bad.clone(), attempts: done, tail: last });
        };
        Ok(Reproduction { trace: shown.trace.clone(), shown, failure, passes, failures })
    }

    /// One execution at `commit`, with `change` applied. Judged against the failure seen by
    /// [`Replayer::reproduce`].
    ///
    /// If only a traced execution has shown that failure so far, and this one fails in another way, the tracer may have
    /// changed how the failure looks. Then the failing revision is executed once without it, and this revision once more.
    pub fn run(
        &self,
        commit: &CommitId,
        change: Option<&CheckoutChange>,
    ) -> Result<ReplayResult, ReplayError> {
        let replayed = self.run_once(commit, change, false)?;
        if !matches!(replayed.outcome(), ReplayOutcome::Reproduces | ReplayOutcome::OtherFailure) {
            return Ok(replayed);
        }
        let Some(bad) = hold(&self.seen_traced).take() else { return Ok(replayed) };
        if replayed.outcome() == ReplayOutcome::Reproduces {
            return Ok(replayed);
        }
        let plain = self.run_once(&bad, None, false)?;
        match (plain.outcome(), plain.failure) {
            (ReplayOutcome::OtherFailure, Some(failure)) => {
                self.expect_failure(failure);
                self.run_once(commit, change, false)
            }
            _ => Ok(replayed),
        }
    }

    /// One execution at `commit` that records the code that it executes.
    pub fn run_traced(&self, commit: &CommitId) -> Result<ReplayResult, ReplayError> {
        self.run_once(commit, None, true)
    }

    /// Whether the failure stays away from `commit` with `change`. Repeats as often as the observed flakiness
    /// requires for this `doubt` ([`Flakiness::passes_needed`]). Calls `each` for every execution and returns the one
    /// that decided.
    pub fn stays_away(
        &self,
        commit: &CommitId,
        change: Option<&CheckoutChange>,
        (seen, doubt): (Flakiness, f64),
        mut each: impl FnMut(&ReplayResult),
    ) -> Result<(bool, ReplayResult), ReplayError> {
        let mut left = seen.passes_needed(doubt);
        loop {
            let replayed = self.run(commit, change)?;
            each(&replayed);
            left -= 1;
            let passes = replayed.outcome() == ReplayOutcome::Passes;
            if !passes || left == 0 {
                return Ok((passes, replayed));
            }
        }
    }

    fn run_once(
        &self,
        commit: &CommitId,
        change: Option<&CheckoutChange>,
        traced: bool,
    ) -> Result<ReplayResult, ReplayError> {
        let composed = self.compose(commit, change)?;
        let how = if traced { format!("traced {}", self.recipe.coverage.join(" ")) } else { "plain".into() };
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
        let instrument = match traced {
            true => TraceInstrument::prepare(self.pool.repo(), &slot.path(), &self.recipe).ok(),
            false => None,
        };
        let (execution, failed_step) = match set_up {
            Ok(()) => (self.execute(&self.recipe.command, &mut slot, instrument.as_ref())?, None),
            Err((step, execution)) => (Ok(execution), Some(step)),
        };
        let mut entry = self.entry(key, commit, change.is_some(), execution, failed_step, &slot.path());
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
            match self.execute(step, slot, None)? {
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
        instrument: Option<&TraceInstrument>,
    ) -> Result<Result<Execution, SandboxError>, ReplayError> {
        let checkout = slot.hand_out();
        let mut command = self.command(script, &checkout);
        if let Some(instrument) = instrument {
            instrument.arm(&mut command);
            command.record_opened_under = Some(checkout);
        }
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
        let run = |outcome, duration_ms| ReplayRun { commit: commit.clone(), patched, outcome, duration_ms };
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
