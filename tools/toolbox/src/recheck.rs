/*! Tool: is a remembered resolution still valid at this revision? */

use std::time::Duration;

use millwright_culprit::fixes;
use millwright_culprit::minimise::hunks_of;
use millwright_git as git;
use millwright_git::checkout::CheckoutChange;
use millwright_model::{
    Approval, CheckResult, CommitId, EvidenceDraft, EvidenceSource, Fix, FixChecks, FixKind, IncidentId,
    LineSpan, Location, Locator, Proof, ProvenThen, ReplayOutcome, ReplayRun, Resolution, ResolutionId,
    TestsDetail,
};
use millwright_replay::{Flakiness, ReplayResult, Replayer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::commit_evidence::commit_evidence;
use super::guilty_code::{removed_lines, split_unit, unit_text};
use super::standing::{LineStanding, blamed, standing};
use super::verify_fix::Thoroughness;
use super::{Effect, Tool, ToolContext, ToolError, ToolOutput};

#[derive(Debug, Clone, Copy)]
pub struct RecheckTool;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecheckArgs {
    /// The id of a resolution from `recall`.
    pub resolution: ResolutionId,
    /// The replay must also fail at its culprit: for an incident whose text and structure differ from this
    /// one's.
    #[serde(default)]
    pub at_culprit: bool,
}

/// What re-checking a remembered resolution showed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecheckResult {
    pub resolution: ResolutionId,
    pub incident: IncidentId,
    pub result: CheckResult,
    /// What was checked and seen, in words.
    pub how: String,
    pub statement: String,
    /// The day that memory has it from, as `2026-11-29`.
    #[serde(default)]
    pub since: String,
    /// As memory has it.
    #[serde(default)]
    pub proof: Proof,
    #[serde(default)]
    pub approval: Approval,
    pub culprit: Option<CommitId>,
    /// The guilty code at this revision.
    pub locations: Vec<Location>,
    pub fix: Option<Fix>,
    pub runs: Vec<(usize, ReplayRun)>,
    /// Where it does not hold: the commit that the code points at instead, to be tried first.
    #[serde(default)]
    pub instead: Option<CommitId>,
}

impl Tool for RecheckTool {
    type Args = RecheckArgs;
    const NAME: &'static str = "recheck";
    const EFFECT: Effect = Effect::Execute;
    const TIMEOUT: Duration = Duration::from_secs(8 * 3600);

    fn description(&self) -> String {
        "Checks a remembered resolution against this revision: its culprit must be in this history, and its \
         fix must make the replay pass now; without a fix, the replay must fail at the culprit and pass \
         before it, and what it wrote must still be there. Without a replay, its guilty code must be \
         unchanged."
            .into()
    }

    async fn run(&self, ctx: &ToolContext, args: RecheckArgs) -> Result<ToolOutput, ToolError> {
        let memory = ctx.workbench.memory.as_ref();
        let memory = memory.ok_or_else(|| ToolError::unavailable("this run has no memory"))?;
        let known = memory.store.get_resolution(&args.resolution).await.map_err(|error| {
            ToolError::not_found(format!("no resolution {:?}", args.resolution)).with_detail(error)
        })?;
        ctx.blocking(move |ctx| {
            let (mut rechecked, mut evidence) = check(ctx, &known, args.at_culprit)?;
            if args.at_culprit && rechecked.result == CheckResult::Pass {
                evidence.extend(must_fail_at_culprit(ctx, &mut rechecked)?);
            }
            evidence.push(EvidenceDraft {
                source: EvidenceSource::Memory,
                locator: Locator::memory(&known.incident_id),
                text: format!("{}\n{}\n{}", known.id, known.statement, known.fix_diff),
            });
            let text = format!("{:?}: {}", rechecked.result, rechecked.how);
            Ok(ToolOutput::new(text, rechecked).with_evidence(evidence))
        })
        .await
    }
}

fn check(
    ctx: &ToolContext,
    known: &Resolution,
    at_culprit: bool,
) -> Result<(RecheckResult, Vec<EvidenceDraft>), ToolError> {
    let mut out = RecheckResult {
        resolution: known.id.clone(),
        incident: known.incident_id.clone(),
        result: CheckResult::Fail,
        how: String::new(),
        statement: known.statement.clone(),
        since: proven_on(known),
        proof: known.proof,
        approval: known.approval,
        // A person may have given only a prefix of the commit id.
        culprit: known.culprit.as_deref().and_then(|culprit| ctx.visible(Some(culprit)).ok()),
        locations: Vec::new(),
        fix: None,
        runs: Vec::new(),
        instead: None,
    };
    if known.culprit.is_some() && out.culprit.is_none() {
        out.how = "its culprit is not in the history of this revision".into();
        return Ok((out, Vec::new()));
    }
    if ctx.workbench.runs_nothing && known.replay.is_some() && known.proof > Proof::None {
        out.result = CheckResult::NotRun;
        out.how =
            "replays were switched off for this run, so what was proven then was not checked again".into();
        return Ok((out, Vec::new()));
    }
    let replayable = ctx.workbench.shown().is_some();
    if replayable && !known.fix_diff.is_empty() {
        return by_replay(ctx, known, at_culprit, out);
    }
    if ctx.workbench.recipe().is_some() && !replayable {
        out.how = "the failure does not show at this revision".into();
        return Ok((out, Vec::new()));
    }
    if replayable && at_culprit {
        return by_guilty_code(ctx, known, out);
    }
    // The person who confirmed the resolution may have been wrong; if the failure can be replayed, the replay
    // decides.
    if replayable && let Some(culprit) = out.culprit.clone() {
        return by_flip(ctx, known, &culprit, out);
    }
    by_code(ctx, known, out)
}

/// Without a fix to try, the culprit itself: the replay must fail there and pass at its parents, here and now.
fn by_flip(
    ctx: &ToolContext,
    known: &Resolution,
    culprit: &CommitId,
    mut out: RecheckResult,
) -> Result<(RecheckResult, Vec<EvidenceDraft>), ToolError> {
    let (replayer, shown) = ctx.reproduced()?;
    let at = replay_at(&replayer, culprit, shown.flakiness)?;
    let mut evidence = vec![at.evidence()];
    let mut holds = at.outcome() == ReplayOutcome::Reproduces;
    if !holds {
        out.how = "the failure does not show at its culprit".into();
    }
    for parent in &git::show(&ctx.repo, culprit, &[], 0, &ctx.cancel)?.summary.parents {
        if !holds {
            break;
        }
        let (passes, last) = replayer.stays_away(parent, None, (shown.flakiness, LUCKY), |_| {})?;
        evidence.push(last.evidence());
        holds = passes;
        if !passes {
            out.how = "the failure shows before its culprit as well".into();
        }
    }
    out.runs = replayer.runs();
    let standing = if holds { standing(ctx, culprit) } else { LineStanding::default() };
    if holds && !standing.is_its_own() {
        // The culprit was guilty then. Since then, somebody may have fixed the fault and somebody else may have made
        // it again.
        out.how =
            "the replay fails at its culprit and passes before it, but the lines it wrote have changed since"
                .into();
        out.instead = standing.rewritten_by.into_iter().next();
    } else if holds {
        let (code, more) = by_code(ctx, known, out.clone())?;
        out.locations = code.locations;
        evidence.extend(more);
        out.result = CheckResult::Pass;
        out.how = "the replay fails at its culprit and passes before it".into();
    }
    Ok((out, evidence))
}

/// The replay at a commit, asked as often as a failure that comes and goes demands.
fn replay_at(replayer: &Replayer, commit: &CommitId, seen: Flakiness) -> Result<ReplayResult, ToolError> {
    let mut at = replayer.run(commit, None)?;
    for _ in 1..seen.passes_needed(LUCKY) {
        if at.outcome() != ReplayOutcome::Passes {
            break;
        }
        at = replayer.run(commit, None)?;
    }
    Ok(at)
}

/// What helps mends a failure that a later commit may have made; so the failure has to be there at the culprit.
fn must_fail_at_culprit(
    ctx: &ToolContext,
    rechecked: &mut RecheckResult,
) -> Result<Option<EvidenceDraft>, ToolError> {
    let Some(culprit) = rechecked.culprit.clone() else { return Ok(None) };
    let (replayer, shown) = ctx.reproduced()?;
    let at = replay_at(&replayer, &culprit, shown.flakiness)?;
    rechecked.runs = replayer.runs();
    if at.outcome() == ReplayOutcome::Reproduces {
        rechecked.how = format!("{}, and the replay fails at its culprit", rechecked.how);
    } else {
        rechecked.result = CheckResult::Fail;
        rechecked.how = format!("{}, but the failure does not show at its culprit", rechecked.how);
        rechecked.fix = None;
        rechecked.locations.clear();
    }
    Ok(Some(at.evidence()))
}

/// It is the same problem when the code that was guilty then is guilty now: without what the culprit did there, the replay
/// must pass.
fn by_guilty_code(
    ctx: &ToolContext,
    known: &Resolution,
    mut out: RecheckResult,
) -> Result<(RecheckResult, Vec<EvidenceDraft>), ToolError> {
    let culprit = ctx.visible(known.culprit.as_deref())?;
    let mut guilty = Vec::new();
    for hunk in hunks_of(&ctx.repo, &culprit)? {
        let at = super::minimise::location_at_bad(ctx, &culprit, &hunk.path, hunk.new_span())?;
        let Some(at) = at.filter(|_| hunk.is_text()) else { continue };
        if known.units.iter().any(|unit| *unit == at.path || at.symbol.as_ref() == Some(unit)) {
            out.locations.push(at);
            guilty.push(hunk);
        }
    }
    if guilty.is_empty() {
        out.how = "which code of its culprit was guilty then is not known".into();
        return Ok((out, Vec::new()));
    }
    let edits = match fixes::take_back(&ctx.repo, &culprit, &guilty, &ctx.bad)? {
        Ok(edits) => edits,
        Err(because) => {
            out.how = format!("the culprit's changes to the guilty code cannot be reverted alone: {because}");
            return Ok((out, Vec::new()));
        }
    };
    let (replayer, shown) = ctx.reproduced()?;
    let change = CheckoutChange::Files(edits);
    let (passes, last) = replayer.stays_away(&ctx.bad, Some(&change), (shown.flakiness, LUCKY), |_| {})?;
    out.runs = replayer.runs();
    if passes {
        out.result = CheckResult::Pass;
        out.how = "the replay passes without the culprit's changes to the code that was guilty then".into();
    } else {
        out.locations.clear();
        out.how = "the failure remains without the culprit's changes to the code that was guilty then".into();
    }
    Ok((out, vec![last.evidence()]))
}

/// What was proven before needs less proof now: its culprit and its fix were found by many runs.
const LUCKY: f64 = 0.02;

/// The known fix must make the replay pass, here and now.
fn by_replay(
    ctx: &ToolContext,
    known: &Resolution,
    at_culprit: bool,
    mut out: RecheckResult,
) -> Result<(RecheckResult, Vec<EvidenceDraft>), ToolError> {
    let candidate = match fixes::known(&ctx.repo, &known.fix_diff, &ctx.bad)? {
        Ok(candidate) => candidate,
        Err(_) if at_culprit => return by_guilty_code(ctx, known, out),
        Err(because) => {
            out.how = because;
            return Ok((out, Vec::new()));
        }
    };
    let (replayer, _) = ctx.reproduced()?;
    // Run the replay only: the project's tests were compared when the fix was found, and the report says that they
    // were not run now. An answer from memory must be fast.
    let (check, evidence) =
        super::verify_fix::check(ctx, &replayer, &candidate, Thoroughness::ReplayOnly, LUCKY)?;
    out.runs = replayer.runs();
    if check.fix.replay == CheckResult::Pass
        && let Some(since) = brought_in_anew(ctx, known)
    {
        out.how = format!("its fix works, but the guilty lines were added again by {since}");
        out.instead = Some(since);
    } else if check.fix.replay == CheckResult::Pass {
        out.result = CheckResult::Pass;
        out.how = "its fix makes the replay pass".into();
        out.locations = removed_lines(&known.fix_diff);
        for location in &mut out.locations {
            location.symbol = super::minimise::symbol_at(ctx, &location.path, location.start_line);
        }
        out.fix = Some(as_proven_then(known, Fix { kind: FixKind::Known, ..check.fix }));
    } else {
        out.how = check.detail;
    }
    Ok((out, evidence))
}

/// The fix as it is re-checked now, with what was run beyond the replay when it was proven. A resolution that does not
/// say what that was makes no verified fix.
fn as_proven_then(known: &Resolution, now: Fix) -> Fix {
    let Some(checks) = &known.fix_checks else { return Fix { proof: Proof::CauseConfirmed, ..now } };
    let then = ProvenThen { on: proven_on(known), checks: FixChecks { run_on: None, ..checks.clone() } };
    let because = "an answer from memory runs only the replay".to_owned();
    Fix {
        proof: known.proof,
        tests_detail: Some(TestsDetail { because, ..TestsDetail::default() }),
        takes_away: checks.takes_away.clone(),
        proven_then: Some(then),
        ..now
    }
}

/// The day of the proof, also where this incident itself was answered from memory.
fn proven_on(known: &Resolution) -> String {
    let run_on = known.fix_checks.as_ref().and_then(|checks| checks.run_on.clone());
    run_on.unwrap_or_else(|| known.created_at.day())
}

/// Places of a fix that are looked up; more would not change the answer.
const PLACES: usize = 5;

/// The commit that wrote all lines the fix takes away, where it is younger than what is known: somebody brought the fault
/// in again, and the culprit of then is innocent of it. What cannot be looked up says nothing.
fn brought_in_anew(ctx: &ToolContext, known: &Resolution) -> Option<CommitId> {
    let culprit = known.culprit.as_deref()?;
    let then = ctx.visible(Some(&known.failing_revision)).ok()?;
    let mut since = None;
    for at in removed_lines(&known.fix_diff).into_iter().take(PLACES) {
        // The fix was made at that revision; its lines may have moved since.
        let span = LineSpan { start: at.start_line, end: at.end_line };
        for span in blamed(ctx, &at.path, span, &then)? {
            if span.commit == culprit || ctx.repo.is_ancestor(&span.commit, &then).ok()? {
                return None;
            }
            since = Some(span.commit);
        }
    }
    since
}

/// Without a replay: the guilty code must still be there as it was when the resolution was found.
fn by_code(
    ctx: &ToolContext,
    known: &Resolution,
    mut out: RecheckResult,
) -> Result<(RecheckResult, Vec<EvidenceDraft>), ToolError> {
    // A cause that a person named has no units; then every line that the commit wrote counts.
    if let (true, Some(culprit)) = (known.units.is_empty(), out.culprit.clone())
        && known.approval == Approval::Confirmed
    {
        if standing(ctx, &culprit).is_its_own() {
            out.result = CheckResult::Pass;
            out.how = "the lines its culprit wrote are unchanged; there is no replay to run".into();
        } else {
            out.how = "the lines its culprit wrote have changed since, so it may no longer apply".into();
        }
        return Ok((out, vec![commit_evidence(ctx, &culprit)?]));
    }
    if known.units.is_empty() {
        out.result = CheckResult::NotRun;
        out.how =
            "there is no replay, and the guilty code is not known, so nothing could be re-checked".into();
        return Ok((out, Vec::new()));
    }
    let mut evidence = Vec::new();
    for unit in known.units.iter().take(10) {
        let (path, symbol) = split_unit(unit);
        let before = unit_text(ctx, &known.failing_revision, path, symbol);
        let now = unit_text(ctx, &ctx.bad, path, symbol);
        match (before, now) {
            (Some((_, before)), Some((span, now))) if before == now => {
                out.locations.push(Location {
                    path: path.to_owned(),
                    start_line: span.start,
                    end_line: span.end,
                    symbol: symbol.map(|_| unit.clone()),
                });
                evidence.push(EvidenceDraft {
                    source: EvidenceSource::Code,
                    locator: Locator::commit_lines(&ctx.bad, path, span.start, span.end),
                    text: now,
                });
            }
            _ => {
                out.how = format!("{unit} has changed since, so what is known about it may no longer apply");
                return Ok((out, Vec::new()));
            }
        }
    }
    if !known.fix_diff.is_empty() {
        match fixes::known(&ctx.repo, &known.fix_diff, &ctx.bad)? {
            Ok(candidate) => {
                let fix = Fix::untested(FixKind::Known, candidate.diff);
                out.fix = Some(Fix { proof: known.proof.min(Proof::CauseConfirmed), ..fix });
            }
            Err(because) => {
                out.how = because;
                return Ok((out, Vec::new()));
            }
        }
    }
    out.result = CheckResult::Pass;
    out.how = "the guilty code is unchanged; there is no replay to run".into();
    Ok((out, evidence))
}
