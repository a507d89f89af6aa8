/*! Tool: at which commit does the replay start to fail? */

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use millwright_culprit::bisect::{
    BisectError, BisectPolicy, BisectProgress, BisectState as Machine, BisectVerdict, CommitGraph,
    UnprovenReason, search,
};
use millwright_culprit::minimise::CulpritHunk;
use millwright_git::checkout::FileOverlay;
use millwright_model::{CommitId, EvidenceDraft, ExecutedCode, ReplayOutcome, ReplayRun};
use millwright_replay::{Flakiness, ReplayResult, Replayer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::commit_evidence::commit_evidence;
use super::earlier_culprits::{EarlierIncident, KnownCauses};
use super::executed_code::executed_code;
use super::format::end_of;
use super::lay_in::lay_in_tests_of;
use super::minimise::GUILTY;
use super::rejected_causes::RejectedCause;
use super::run_resources::ShownFailure;
use super::standing::standing;
use super::suspects::RANKING;
use super::{Effect, ProgressEvent, Tool, ToolContext, ToolError, ToolOutput};

#[derive(Debug, Clone, Copy)]
pub struct BisectTool;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BisectArgs {
    /// Commits to test early because something other than the ranking points at them; the outcome does not
    /// depend on it.
    #[serde(default)]
    pub favour: Vec<String>,
}

/// Share of the probability that favoured commits get together.
const FAVOURED: f64 = 0.5;
/// Most of them.
const MOST_FAVOURED: usize = 8;
/// Earlier incidents of the same culprit that are named.
const MOST_EARLIER: usize = 20;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BisectResult {
    pub culprit: Option<CommitId>,
    pub subject: String,
    /// Red at the culprit and green at each parent, all really run.
    pub proven: bool,
    /// Who may be the culprit when it is not proven, most probable first (bounded).
    pub candidates: Vec<CommitId>,
    /// Probability of the first candidate.
    pub confidence: f64,
    /// Candidates the runs ruled out, of those that were most suspected (bounded).
    pub innocent: Vec<CommitId>,
    /// Commits in the range.
    pub range: u32,
    pub skipped: u32,
    /// Why no single commit is proven, in words.
    pub problem: Option<String>,
    /// Run number, and candidates that were left after it.
    pub steps: Vec<(usize, u32)>,
    /// What the runs of revisions that hold the proven culprit showed.
    #[serde(default)]
    pub flakiness: Flakiness,
    /// Files younger than the fault that were laid over every checkout.
    #[serde(default)]
    pub laid_in: Vec<String>,
    /// The same as a recipe has it.
    #[serde(default)]
    pub overlay: Option<FileOverlay>,
    /// What the failing run executed, beside what the proven culprit changed.
    #[serde(default)]
    pub executed: Option<ExecutedCode>,
    /// Earlier incidents that were traced to the proven culprit, the newest first (bounded).
    #[serde(default)]
    pub earlier: Vec<EarlierIncident>,
    /// The rejection of the proven culprit as the cause of an earlier incident.
    #[serde(default)]
    pub rejected_cause: Option<RejectedCause>,
    /// All runs of the investigation since the failure was reproduced; numbered as `replay:<n>` cites them.
    pub runs: Vec<(usize, ReplayRun)>,
}

impl BisectResult {
    /// How often it failed, in a sentence, when not always.
    pub fn flaky_in_words(&self) -> Option<String> {
        let Flakiness { passes, failures } = self.flakiness;
        (passes > 0).then(|| {
            format!(
                "It is flaky: the failure showed in {failures} of {} runs of revisions with that commit.",
                passes + failures
            )
        })
    }
}

/// The artifact with the culprit proven last.
pub(super) const CULPRIT: &str = "culprit.json";
/// The artifact with what the failing revision showed when a culprit was taken back.
const TAKEN_BACK: &str = "taken_back.json";

fn taken_back(ctx: &ToolContext) -> BTreeMap<CommitId, Flakiness> {
    ctx.workbench.artifact(TAKEN_BACK).unwrap_or_default()
}

/// Keeps what the failing revision showed with the proven culprit taken back, for a bisect that has to go on.
pub(super) fn keep_taken_back(ctx: &ToolContext, outcomes: Flakiness) -> Result<(), ToolError> {
    let Some(culprit) = ctx.workbench.artifact::<CommitId>(CULPRIT) else { return Ok(()) };
    let mut all = taken_back(ctx);
    all.insert(culprit, outcomes);
    ctx.workbench.keep(TAKEN_BACK, &all)
}

impl Tool for BisectTool {
    type Args = BisectArgs;
    const NAME: &'static str = "bisect";
    const EFFECT: Effect = Effect::Execute;
    const TIMEOUT: Duration = Duration::from_secs(24 * 3600);

    fn description(&self) -> String {
        "Finds the commit at which the replay flips from passing to failing, testing the most suspected commits \
         first. Needs `reproduce` and is quicker after `suspects`."
            .into()
    }

    async fn run(&self, ctx: &ToolContext, args: BisectArgs) -> Result<ToolOutput, ToolError> {
        let (mut found, mut text, mut evidence) = ctx.blocking(move |ctx| work(ctx, &args)).await?;
        if let Some(culprit) = found.culprit.clone() {
            let known = KnownCauses::load(ctx).await?;
            found.earlier = known.incidents_of(&culprit);
            found.earlier.truncate(MOST_EARLIER);
            found.rejected_cause = known.rejection_of(&culprit).cloned();
        }
        for earlier in &found.earlier {
            text.push_str(&format!(
                "\nIncident {} was traced to it, too; `recheck` of resolution {} tells whether it is the same problem.",
                earlier.incident_id, earlier.resolution_id
            ));
        }
        if let Some(rejected) = &found.rejected_cause {
            evidence.push(rejected.evidence());
            text.push_str(&format!("\n{}", rejected.in_words()));
        }
        Ok(ToolOutput::new(text, found).with_evidence(evidence))
    }
}

/// Moves half of the probability to the favoured commits of the range.
fn favour(prior: &mut Vec<f64>, commits: &[&CommitId], favoured: &[CommitId]) {
    let named: Vec<usize> = commits
        .iter()
        .enumerate()
        .filter(|(_, commit)| favoured.iter().any(|favoured| favoured == **commit))
        .map(|(at, _)| at)
        .collect();
    if named.is_empty() {
        return;
    }
    if prior.is_empty() {
        *prior = vec![1.0; commits.len()];
    }
    let total: f64 = prior.iter().sum();
    let scale = if total > 0.0 { (1.0 - FAVOURED) / total } else { 0.0 };
    prior.iter_mut().for_each(|probability| *probability *= scale);
    let share = FAVOURED / named.len() as f64;
    for at in named {
        prior[at] += share;
    }
}

/// What was found, the same in words, and its evidence.
fn work(
    ctx: &ToolContext,
    args: &BisectArgs,
) -> Result<(BisectResult, String, Vec<EvidenceDraft>), ToolError> {
    let (replayer, shown) = ctx.reproduced()?;
    let graph = CommitGraph::load(&ctx.repo, ctx.good.as_ref(), &ctx.bad)
        .map_err(|error| ToolError::failed(error.to_string()))?;
    let ranking: Vec<(CommitId, f64)> = ctx.workbench.artifact(RANKING).unwrap_or_default();
    let by_commit: HashMap<&CommitId, f64> = ranking.iter().map(|(id, prior)| (id, *prior)).collect();
    let mut prior: Vec<f64> = match by_commit.is_empty() {
        true => Vec::new(),
        false => graph.commits().map(|id| by_commit.get(id).copied().unwrap_or(0.0)).collect(),
    };
    // Names that match no commit are not an error: they are only a hint.
    let favoured: Vec<CommitId> =
        args.favour.iter().take(MOST_FAVOURED).filter_map(|commit| ctx.visible(Some(commit)).ok()).collect();
    favour(&mut prior, &graph.commits().collect::<Vec<_>>(), &favoured);
    let range = u32::try_from(graph.len()).unwrap_or(u32::MAX);
    let mut past = replayer.take_recorded();
    past.retain(|replayed| {
        let at = graph.number(&replayed.run.commit);
        replayed.number > shown.runs
            && replayed.run.is_plain()
            && (at.is_some() || graph.is_outside_parent(&replayed.run.commit))
    });
    let mut machine = machine(ctx, graph, &prior, &shown, &past)?;
    let mut steps = Vec::new();
    let done = search(&replayer, &mut machine, ctx.workbench.jobs, |progress| {
        if let BisectProgress::Tested { replayed, bisect } = progress {
            ctx.progress.note(ProgressEvent::Replay {
                commit: replayed.run.commit.clone(),
                outcome: replayed.outcome(),
                number: replayed.number as u64,
                left: Some(runs_left(bisect)),
                duration_ms: replayed.run.duration_ms,
            });
            steps.push((replayed.number, u32::try_from(bisect.posterior().len()).unwrap_or(u32::MAX)));
        }
    })?;
    let (mut verdict, mut replays) = (done.verdict, done.replays);
    if let BisectVerdict::Proven { culprit, .. } = &verdict
        && let Some((flip, seen)) = flipped_again(ctx, &replayer, &machine, culprit)?
    {
        (verdict, replays) = (flip, replays.into_iter().chain(seen).collect());
    }
    let last: HashMap<CommitId, ReplayResult> =
        past.into_iter().chain(replays).map(|replayed| (replayed.run.commit.clone(), replayed)).collect();
    /// Candidates that are looked at where no single one is proven.
    const LOOKED_AT: usize = 20;
    let blamed: Vec<&CommitId> = match &verdict {
        BisectVerdict::Proven { culprit, .. } => vec![culprit],
        BisectVerdict::Narrowed { candidates, .. } => {
            candidates.iter().take(LOOKED_AT).map(|(commit, _)| commit).collect()
        }
        BisectVerdict::OlderThanRange { .. } => Vec::new(),
    };
    // A commit that adds only a test shows a fault but does not cause it.
    for commit in blamed {
        if !lay_in_tests_of(ctx, replayer.recipe(), commit)?.is_empty() {
            return work(ctx, args);
        }
    }
    let mut found = BisectResult { range, skipped: machine.skipped(), steps, ..BisectResult::default() };
    let mut evidence: Vec<EvidenceDraft> = Vec::new();
    match &verdict {
        BisectVerdict::Proven { culprit, parents } => {
            found.culprit = Some(culprit.clone());
            found.proven = true;
            found.confidence = 1.0;
            found.flakiness = machine.flakiness(culprit);
            if ctx.workbench.artifact::<CommitId>(CULPRIT).as_ref() != Some(culprit) {
                ctx.workbench.keep::<Vec<CulpritHunk>>(GUILTY, &Vec::new())?;
                ctx.workbench.keep(CULPRIT, culprit)?;
            }
            ctx.workbench.keep_shown(&ShownFailure { flakiness: found.flakiness, ..shown.clone() })?;
            evidence.push(commit_evidence(ctx, culprit)?);
            let proof = std::iter::once(culprit).chain(parents);
            evidence.extend(proof.filter_map(|commit| last.get(commit)).map(ReplayResult::evidence));
            if *culprit == ctx.bad
                && let Some(shown) =
                    replayer.recorded().iter().find(|replayed| replayed.run.commit == ctx.bad)
            {
                evidence.push(shown.evidence());
            }
        }
        BisectVerdict::Narrowed { candidates, because } => {
            found.candidates = candidates.iter().take(50).map(|(id, _)| id.clone()).collect();
            found.confidence = candidates.first().map_or(0.0, |(_, probability)| *probability);
            found.problem = Some(in_words(because, candidates.len()));
            evidence.extend(last.values().take(4).map(ReplayResult::evidence));
        }
        BisectVerdict::OlderThanRange { commit } => {
            let which = if Some(commit) == ctx.good.as_ref() { "the good revision " } else { "" };
            let output = last.get(commit).map(|replayed| end_of(&replayed.tail));
            // No commit of the range was tested by this run, so it rules none out.
            found.problem = Some(format!(
                "the replay fails at {which}{} in the same way, so it cannot tell the commits of the range apart: \
                 either it cannot be run here (see its output), or the fault is older and needs an older --good. \
                 Its output ends: {}",
                commit.short(),
                output.unwrap_or_default()
            ));
            evidence.extend(last.get(commit).map(ReplayResult::evidence));
        }
    }
    let alive: std::collections::HashSet<CommitId> =
        machine.posterior().into_iter().map(|(id, _)| id).collect();
    if !matches!(verdict, BisectVerdict::OlderThanRange { .. }) {
        let cleared = ranking
            .iter()
            .take(50)
            .filter(|(id, _)| !alive.contains(id) || (found.proven && found.culprit.as_ref() != Some(id)));
        found.innocent = cleared.map(|(id, _)| id.clone()).collect();
    }
    if let Some(culprit) = &found.culprit {
        // The report lists what ran. It is not proof, so an error is only logged.
        found.executed = shown.trace.as_ref().and_then(|trace| match executed_code(ctx, trace, culprit) {
            Ok(code) => Some(code),
            Err(error) => {
                tracing::warn!(event = "trace.unread", %error, "the executed functions cannot be listed; the report leaves them out");
                None
            }
        });
        found.subject = millwright_git::show(&ctx.repo, culprit, &[], 0, &ctx.cancel)?.summary.subject;
    }
    found.overlay = ctx.workbench.overlay();
    found.laid_in = found.overlay.iter().flat_map(|overlay| overlay.paths.clone()).collect();
    let all = replayer.runs();
    found.runs = all.into_iter().filter(|(number, _)| *number > shown.runs).collect();
    let text = match (&found.culprit, &found.problem) {
        (Some(culprit), _) => format!(
            "The replay flips at {culprit} ({}): fails there, passes at its parent. {} runs over {range} commits.{}",
            found.subject,
            machine.runs(),
            found.flaky_in_words().map(|flaky| format!(" {flaky}")).unwrap_or_default()
        ),
        (None, problem) => format!(
            "No single culprit: {}. {} candidates are left.",
            problem.as_deref().unwrap_or("unknown"),
            found.candidates.len()
        ),
    };
    Ok((found, text, evidence))
}

/// A bisect takes the failure to have begun once. Where somebody wrote the proven culprit's lines again, it may have been
/// mended in between, and then whoever wrote them last is to blame for the failure of today: run red, and green before.
fn flipped_again(
    ctx: &ToolContext,
    replayer: &Replayer,
    machine: &Machine,
    culprit: &CommitId,
) -> Result<Option<(BisectVerdict, Vec<ReplayResult>)>, ToolError> {
    /// Commits asked about; each costs a run, and the newest ones are the likeliest.
    const MOST: usize = 2;
    /// As for a fix: the failure would have stayed away by luck with at most this probability.
    const LUCKY: f64 = 0.0003;
    let mut later = standing(ctx, culprit).rewritten_by;
    later.sort_by_key(|commit| std::cmp::Reverse(machine.graph().number(commit)));
    for commit in later.into_iter().take(MOST) {
        let parents = millwright_git::show(&ctx.repo, &commit, &[], 0, &ctx.cancel)?.summary.parents;
        let mut seen = Vec::new();
        for parent in &parents {
            let known = (machine.flakiness(culprit), LUCKY);
            let (stays_away, last) = replayer.stays_away(parent, None, known, |_| {})?;
            seen.push((stays_away, last));
            if !stays_away {
                break;
            }
        }
        if parents.is_empty() || !seen.iter().all(|(stays_away, _)| *stays_away) {
            continue;
        }
        let at = replayer.run(&commit, None)?;
        if at.outcome() == ReplayOutcome::Reproduces {
            let seen = seen.into_iter().map(|(_, last)| last).chain([at]).collect();
            return Ok(Some((BisectVerdict::Proven { culprit: commit, parents }, seen)));
        }
    }
    Ok(None)
}

/// A machine that knows what the runs of this investigation have shown so far: those of an interrupted bisect, and of
/// a fix that took its culprit back in vain.
fn machine(
    ctx: &ToolContext,
    graph: CommitGraph,
    prior: &[f64],
    shown: &ShownFailure,
    past: &[ReplayResult],
) -> Result<Machine, ToolError> {
    let failed = |error: BisectError| ToolError::failed(error.to_string());
    let mut machine = Machine::new(graph, prior, BisectPolicy::default()).map_err(failed)?;
    machine = machine.with_reproduction(shown.at_bad);
    for (commit, outcomes) in taken_back(ctx) {
        machine = machine.with_taken_back(&commit, outcomes);
    }
    for replayed in past {
        machine.report(&replayed.run.commit, replayed.outcome().into()).map_err(failed)?;
    }
    Ok(machine)
}

/// Bits of uncertainty left, and the proof: an estimate of the runs still to come.
fn runs_left(machine: &Machine) -> u64 {
    let entropy: f64 =
        machine.posterior().iter().map(|(_, p)| if *p > 0.0 { -p * p.log2() } else { 0.0 }).sum();
    entropy.ceil() as u64 + 1
}

fn in_words(because: &UnprovenReason, left: usize) -> String {
    match because {
        UnprovenReason::Untestable { revisions } => format!(
            "{left} commits are left, and the {} revisions that would decide cannot be tested",
            revisions.len()
        ),
        UnprovenReason::NoParent => "the failure exists since the first commit".to_owned(),
        UnprovenReason::OutOfRuns => {
            format!("{left} commits are left, and the allowed number of replays is used up")
        }
    }
}
