/*!
Drives a [`BisectState`] with real replays, in parallel when asked. The only part of the bisect that blocks.
*/

use std::sync::mpsc;

use millwright_model::{BisectSummary, CommitId};
use millwright_replay::{ReplayError, ReplayResult, Replayer};

use super::state::BisectState;
use super::verdict::{BisectOutcome, BisectVerdict};

/// A finished bisect.
#[derive(Debug, Clone)]
pub struct FinishedBisect {
    pub verdict: BisectVerdict,
    /// The executions of the bisect, in the order in which they ended.
    pub replays: Vec<ReplayResult>,
    pub summary: BisectSummary,
}

impl FinishedBisect {
    /// The last execution at `commit`, to cite and to quote.
    pub fn replay_at(&self, commit: &CommitId) -> Option<&ReplayResult> {
        self.replays.iter().rev().find(|replayed| replayed.run.commit == *commit)
    }
}

/// Progress of a running bisect.
#[derive(Debug)]
pub enum BisectProgress<'a> {
    Testing { commit: &'a CommitId, left: usize },
    Tested { replayed: &'a ReplayResult, bisect: &'a BisectState },
}

/// Replays until `bisect` is done, with at most `jobs` replays at the same time. After an error, the executions so
/// far are in the replayer's ledger, and the same call continues from them.
pub fn search(
    replayer: &Replayer,
    bisect: &mut BisectState,
    jobs: usize,
    mut progress: impl FnMut(BisectProgress<'_>),
) -> Result<FinishedBisect, ReplayError> {
    let mut replays = Vec::new();
    let mut pending: Vec<CommitId> = Vec::new();
    let verdict = std::thread::scope(|scope| {
        let (sender, receiver) = mpsc::channel();
        loop {
            let free = jobs.max(1).saturating_sub(pending.len());
            let batch = match bisect.next_batch(free, &pending) {
                // Wait for the runs that are still going on: they cost nothing more, and may change the verdict.
                Err(verdict) if pending.is_empty() => return Ok(verdict),
                Err(_) => Vec::new(),
                Ok(_) if free == 0 => Vec::new(),
                Ok(batch) => batch,
            };
            for commit in batch {
                progress(BisectProgress::Testing { commit: &commit, left: bisect.posterior().len() });
                pending.push(commit.clone());
                let sender = sender.clone();
                scope.spawn(move || {
                    let replayed = replayer.run(&commit, None);
                    let _ = sender.send((commit, replayed));
                });
            }
            let Ok((commit, replayed)) = receiver.recv() else { return Err(ReplayError::Cancelled) };
            pending.retain(|other| *other != commit);
            let replayed = replayed?;
            if bisect.report(&commit, BisectOutcome::from(replayed.outcome())).is_err() {
                tracing::warn!(%commit, "an outcome was reported for a commit outside of the graph");
            }
            progress(BisectProgress::Tested { replayed: &replayed, bisect });
            replays.push(replayed);
        }
    })?;
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let summary =
        BisectSummary { range: count(bisect.graph().len()), runs: bisect.runs(), skipped: bisect.skipped() };
    Ok(FinishedBisect { verdict, replays, summary })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bisect::{BisectPolicy, CommitGraph};
    use millwright_git::Repo;
    use millwright_git::checkout::{CheckoutPool, PoolLimits};
    use millwright_model::SandboxLevel;
    use millwright_replay::{Executor, ReplayLedger, ReplayOptions, ReplayRecipe};
    use millwright_sandbox::{CancelFlag, Execution, ExitStatus, SandboxError, SandboxedCommand};
    use millwright_testkit::repository::TestRepo;
    use std::sync::Arc;
    use std::time::Duration;

    /// In place of a command: fails where the checkout's `app` is broken.
    struct AppCheck;

    impl Executor for AppCheck {
        fn execute(&self, command: &SandboxedCommand, _: &CancelFlag) -> Result<Execution, SandboxError> {
            let broken = std::fs::read_to_string(command.cwd.join("app")).is_ok_and(|app| app == "broken");
            Ok(Execution {
                exit: ExitStatus::Code(broken.into()),
                output: if broken { "ValueError: broken\n".into() } else { String::new() },
                truncated: false,
                duration: Duration::from_millis(1),
                limit: None,
                level: SandboxLevel::None,
                denied: Vec::new(),
                opened: Vec::new(),
            })
        }
    }

    #[test]
    fn finds_a_real_culprit_with_any_number_of_jobs() {
        let project = TestRepo::new();
        let good = project.commit("change", &[("app", "fine")]);
        let mut commits: Vec<CommitId> =
            (0..12).map(|at| project.commit("change", &[("notes", &format!("{at}"))])).collect();
        let culprit = project.commit("change", &[("app", "broken")]);
        commits.extend((0..9).map(|at| project.commit("change", &[("more", &format!("{at}"))])));
        let bad = commits.last().unwrap();
        for jobs in [1, 3] {
            let recipe = ReplayRecipe::new("check app");
            let clone = Repo::open(&project.work(), &project.data()).unwrap();
            let pool = CheckoutPool::new(clone, PoolLimits { slots: 4, wait: Duration::from_secs(60) });
            let (ledger, never) = (ReplayLedger::in_memory(), CancelFlag::default());
            let check = Arc::new(AppCheck);
            let replayer = Replayer::new(pool, recipe, check, ledger, ReplayOptions::default(), never);
            replayer.reproduce(bad, false).unwrap();
            let graph =
                CommitGraph::load(&Repo::open(&project.work(), &project.data()).unwrap(), Some(&good), bad)
                    .unwrap();
            assert_eq!(graph.len(), 22);
            let mut bisect = BisectState::new(graph, &[], BisectPolicy::default()).unwrap();
            let mut told = 0;
            let search = search(&replayer, &mut bisect, jobs, |_| told += 1).unwrap();
            let BisectVerdict::Proven { culprit: found, parents } = &search.verdict else {
                panic!("{:?}", search.verdict)
            };
            assert_eq!((found, parents), (&culprit, &vec![commits[11].clone()]));
            assert_eq!(told, 2 * search.replays.len());
            assert_eq!(search.summary.runs as usize, search.replays.len());
            assert!(jobs > 1 || search.summary.runs <= 8, "{}", search.summary.runs);
            assert!(search.replay_at(&culprit).is_some() || culprit == *bad);
        }
    }
}
