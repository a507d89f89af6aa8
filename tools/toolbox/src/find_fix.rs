/*!
Tool: was the failure fixed already, and by which commit? The replay passes at the given revision, so this tool looks
for an older revision that still fails, and bisects from there with inverted outcomes.
*/

use std::time::Duration;

use millwright_culprit::bisect::{
    BisectOutcome, BisectPolicy, BisectState, BisectStep, BisectVerdict, CommitGraph,
};
use millwright_model::{CommitId, EvidenceDraft, ReplayOutcome, ReplayRun};
use millwright_replay::{ReplayResult, Replayer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::commit_evidence::commit_evidence;
use super::{Effect, ProgressEvent, Tool, ToolContext, ToolError, ToolOutput};

#[derive(Debug, Clone, Copy)]
pub struct FindFix;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FindFixArgs {}

/// The commit since which the replay passes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FixingCommit {
    pub commit: Option<CommitId>,
    pub subject: String,
    /// The parent at which the replay still fails.
    pub failing: Option<CommitId>,
    /// Why no commit is named, in words.
    pub problem: Option<String>,
    /// Every replay of the run so far, by its number.
    pub runs: Vec<(usize, ReplayRun)>,
}

/// Older revisions that are tried until one fails, each twice as far back as the one before.
const MAX_PROBES: usize = 10;

impl Tool for FindFix {
    type Args = FindFixArgs;
    const NAME: &'static str = "find_fix";
    const EFFECT: Effect = Effect::Execute;
    const TIMEOUT: Duration = Duration::from_secs(8 * 3600);

    fn description(&self) -> String {
        "For a replay that passes at the failing revision: looks for an older revision at which it fails, \
         and finds the commit that made it pass."
            .into()
    }

    async fn run(&self, ctx: &ToolContext, _args: FindFixArgs) -> Result<ToolOutput, ToolError> {
        ctx.blocking(work).await
    }
}

fn work(ctx: &ToolContext) -> Result<ToolOutput, ToolError> {
    let recipe =
        ctx.workbench.recipe().ok_or_else(|| ToolError::unavailable("there is no replay in this run"))?;
    let replayer = ctx.replayer(recipe)?;
    let mut evidence: Vec<EvidenceDraft> = Vec::new();
    let mut found = FixingCommit::default();
    match last_failing(ctx, &replayer)? {
        None => {
            found.problem = Some("no older revision that was tried fails either".to_owned());
        }
        Some((failing, seen)) => {
            evidence.push(seen.evidence());
            // The failure at the older revision is the one that must not occur since the fix.
            if let Some(failure) = seen.failure {
                replayer.expect_failure(failure);
            }
            match turned_round(ctx, &replayer, &failing, &mut evidence)? {
                BisectVerdict::Proven { culprit, parents } => {
                    evidence.insert(0, commit_evidence(ctx, &culprit)?);
                    found.subject =
                        millwright_git::show(&ctx.repo, &culprit, &[], 0, &ctx.cancel)?.summary.subject;
                    found.failing = parents.into_iter().next();
                    found.commit = Some(culprit);
                }
                BisectVerdict::Narrowed { candidates, .. } => {
                    found.failing = Some(failing);
                    found.problem =
                        Some(format!("{} commits may be the one that fixed it", candidates.len()));
                }
                BisectVerdict::OlderThanRange { .. } => {
                    found.problem = Some("the replay alternates between passing and failing".to_owned());
                }
            }
        }
    }
    found.runs = replayer.runs();
    let text = match (&found.commit, &found.problem) {
        (Some(commit), _) => format!(
            "Already fixed: since {commit} ({}) the replay passes; at its parent it fails.",
            found.subject
        ),
        (None, problem) => format!("No fixing commit: {}.", problem.as_deref().unwrap_or("unknown")),
    };
    Ok(ToolOutput::new(text, found).with_evidence(evidence))
}

/// The nearest probed ancestor at which the replay fails as a failure of the program, not of its set-up.
fn last_failing(
    ctx: &ToolContext,
    replayer: &Replayer,
) -> Result<Option<(CommitId, ReplayResult)>, ToolError> {
    let range = match &ctx.good {
        Some(good) => format!("{good}..{}", ctx.bad),
        None => ctx.bad.to_string(),
    };
    let listing =
        ctx.repo.git().args(["rev-list", "--first-parent", "--end-of-options", range.as_str()]).output()?;
    let listing = String::from_utf8_lossy(&listing);
    let chain: Vec<CommitId> = listing.lines().filter_map(|id| CommitId::parse(id).ok()).collect();
    let mut probes: Vec<usize> = (0..MAX_PROBES).map(|power| 1_usize << power).collect();
    probes.retain(|at| *at < chain.len());
    for at in probes {
        let Some(commit) = chain.get(at) else { break };
        let seen = replayer.run(commit, None)?;
        note(ctx, &seen);
        let blocked = seen.failure.as_ref().is_some_and(|failure| failure.output.obstacle.is_some());
        if seen.outcome() == ReplayOutcome::Reproduces && !blocked {
            return Ok(Some((commit.clone(), seen)));
        }
    }
    Ok(None)
}

/// A bisect between `failing` and the failing revision that was named, in which passing is what is looked for.
fn turned_round(
    ctx: &ToolContext,
    replayer: &Replayer,
    failing: &CommitId,
    evidence: &mut Vec<EvidenceDraft>,
) -> Result<BisectVerdict, ToolError> {
    let wrong = |error: &dyn std::fmt::Display| ToolError::failed(error.to_string());
    let graph = CommitGraph::load(&ctx.repo, Some(failing), &ctx.bad).map_err(|error| wrong(&error))?;
    let mut state = BisectState::new(graph, &[], BisectPolicy::default()).map_err(|error| wrong(&error))?;
    loop {
        match state.next_step() {
            BisectStep::Done(verdict) => {
                if let BisectVerdict::Proven { culprit, parents } = &verdict {
                    let proof = |replayed: &ReplayResult| {
                        replayed.run.commit == *culprit || parents.contains(&replayed.run.commit)
                    };
                    evidence.extend(
                        replayer.recorded().iter().filter(|one| proof(one)).map(ReplayResult::evidence),
                    );
                }
                return Ok(verdict);
            }
            BisectStep::Test(commit) => {
                let seen = replayer.run(&commit, None)?;
                note(ctx, &seen);
                let outcome = match seen.outcome() {
                    ReplayOutcome::Passes => BisectOutcome::Reproduces,
                    ReplayOutcome::Reproduces => BisectOutcome::Passes,
                    ReplayOutcome::OtherFailure | ReplayOutcome::CannotTest => BisectOutcome::Untestable,
                };
                state.report(&commit, outcome).map_err(|error| wrong(&error))?;
            }
        }
    }
}

fn note(ctx: &ToolContext, seen: &ReplayResult) {
    ctx.progress.note(ProgressEvent::Replay {
        commit: seen.run.commit.clone(),
        outcome: seen.outcome(),
        number: seen.number as u64,
        left: None,
        duration_ms: seen.run.duration_ms,
    });
}
