/*!
Makes the report of a run from the results of the tools and the finding of the planner. Pure: the same events give the
same report. The citation check follows, on the report and its quotes.
*/

use std::collections::BTreeMap;

use millwright_model::{
    Approval, BisectSummary, CheckResult, Hypothesis, Impact, Proof, REPORT_SCHEMA, ReplayRun, ReplaySummary,
    Report, ReportId, ResolutionId, RootCause, SimilarIncident, Usage,
};

use serde::Deserialize as _;

use crate::citations::{ClaimRef, Quote};
use crate::facts::RunFacts;
use crate::findings::{Citation, PlannerFinding};
use crate::run::{DialogueEntry, ReplayPlan, Run, RunRequest};
use crate::verification::{best_fix, judge, tried_fixes};

pub(crate) fn assemble(
    run: &Run,
    request: &RunRequest,
    finding: &PlannerFinding,
    planner: &str,
    wall_ms: u64,
) -> Report {
    let facts = RunFacts::of(run);
    let finding = finding.clone();
    let judgement = judge(&facts, &finding);
    let spent = run.spent();
    let mut usage = Usage {
        planner: planner.to_owned(),
        fell_back: run.fell_back().map(str::to_owned),
        prompts: prompts(run),
        input_tokens: spent.tokens.input,
        cached_tokens: spent.tokens.cached,
        output_tokens: spent.tokens.output,
        cost_usd: spent.cost_usd,
        tool_calls: run.tool_calls(),
        steps: run.plans(),
        wall_ms,
    };
    if run.fell_back().is_some() {
        usage.planner.clone_from(&request.planner);
    }
    let fix = best_fix(&facts);
    Report {
        schema: REPORT_SCHEMA.to_owned(),
        id: ReportId::from(&request.run_id),
        incident_id: request.incident_id.clone(),
        verdict: judgement.verdict,
        summary: with_origin_of_replay(finding.summary, &facts),
        root_cause: finding.root_cause.map(|cause| RootCause {
            statement: cause.claim.statement,
            kind: cause.kind,
            commit: cause.commit,
            locations: cause.locations,
            confidence: cause.confidence.clamp(0.0, 1.0),
            evidence: cause.claim.cites.into_iter().map(|cite| cite.evidence).collect(),
        }),
        hypotheses: finding
            .hypotheses
            .into_iter()
            .map(|hypothesis| Hypothesis {
                id: hypothesis.id,
                statement: hypothesis.claim.statement,
                status: hypothesis.status,
                evidence: hypothesis.claim.cites.into_iter().map(|cite| cite.evidence).collect(),
            })
            .collect(),
        suspects: facts.suspects.as_ref().map(|list| list.suspects.clone()).unwrap_or_default(),
        fix,
        tried: tried_fixes(&facts),
        replay: replay(run, &facts),
        similar: similar(&facts),
        struck: finding.struck,
        impact: impact(run, &facts),
        evidence: run.evidence().cloned().collect(),
        usage,
        escalate: finding.escalate,
    }
}

/// Adds to the summary that the planner wrote the replay, even if the planner does not say so.
fn with_origin_of_replay(summary: String, facts: &RunFacts) -> String {
    match &facts.written {
        Some(written) => format!(
            "{summary} The replay is a reproduction test that the planner wrote ({}); it fails at the failing revision: \
             {}.",
            written.path, written.matched
        ),
        None => summary,
    }
}

/// The quotes of every claim in the finding.
pub(crate) fn quotes(finding: &PlannerFinding) -> Vec<Quote> {
    let of = |claim: ClaimRef, cites: &[Citation]| -> Vec<Quote> {
        let each = cites
            .iter()
            .flat_map(|cite| cite.quotes.iter().map(|text| (cite.evidence.clone(), text.clone())));
        each.map(|(evidence, text)| Quote { claim: claim.clone(), evidence, text }).collect()
    };
    let mut out = Vec::new();
    if let Some(cause) = &finding.root_cause {
        out.extend(of(ClaimRef::RootCause, &cause.claim.cites));
    }
    for hypothesis in &finding.hypotheses {
        out.extend(of(ClaimRef::Hypothesis(hypothesis.id.clone()), &hypothesis.claim.cites));
    }
    if let Some(claim) = &finding.not_an_incident {
        out.extend(of(ClaimRef::NotAnIncident, &claim.cites));
    }
    out
}

/// The prompts that the model received.
fn prompts(run: &Run) -> BTreeMap<String, String> {
    let turns = run.log().iter().filter_map(|entry| match entry {
        DialogueEntry::Answered(turn) => Some(turn.prompts.clone()),
        _ => None,
    });
    turns.flatten().collect()
}

fn replay(run: &Run, facts: &RunFacts) -> Option<ReplaySummary> {
    let reproduction = facts.reproduction.as_ref()?;
    // Keyed by number, which `replay:<n>` cites. A reopened bisect lists its earlier runs again.
    let runs: BTreeMap<usize, ReplayRun> = run
        .finished()
        .filter_map(|(_, outcome)| outcome.data.get("runs"))
        .filter_map(|runs| Vec::<(usize, ReplayRun)>::deserialize(runs).ok())
        .flatten()
        .collect();
    let runs: Vec<(usize, ReplayRun)> = runs.into_iter().collect();
    let bisect = facts.bisection.as_ref().map(|bisection| BisectSummary {
        range: bisection.range,
        runs: spent(&runs, reproduction.runs.first().map(|(_, run)| run.commit.as_str())),
        skipped: bisection.skipped,
    });
    Some(ReplaySummary {
        reproduced: facts.reproduced(),
        sandbox: reproduction.sandbox,
        flaky_rate: match facts.bisection.as_ref().filter(|bisection| bisection.proven) {
            Some(bisection) => bisection.flakiness.rate(),
            None => reproduction.flaky_rate,
        },
        runs: runs.into_iter().map(|(_, run)| run).collect(),
        bisect,
        output_end: Some(reproduction.output_end.clone()).filter(|output| !output.is_empty()),
        agreement: reproduction.agreement.clone(),
        laid_in: laid_in(run, facts),
        executed: facts.bisection.as_ref().and_then(|bisection| bisection.executed.clone()),
    })
}

/// Files that were laid over every checkout: the requested ones, and those found to be newer than the fault.
fn laid_in(run: &Run, facts: &RunFacts) -> Vec<String> {
    /// Files listed.
    const MOST: usize = 50;
    let recipe = run.request().and_then(|request| match &request.replay {
        ReplayPlan::Recipe(recipe) => Some(recipe),
        ReplayPlan::None(_) => None,
    });
    let asked = recipe.iter().flat_map(|recipe| &recipe.files).map(|file| file.path.clone());
    let younger = facts.reproduction.iter().flat_map(|seen| seen.laid_in.clone());
    let later = facts.bisection.iter().flat_map(|bisection| bisection.laid_in.clone());
    let all: std::collections::BTreeSet<String> = asked.chain(younger).chain(later).collect();
    all.into_iter().take(MOST).collect()
}

/// Number of executions of the unchanged code after the first reproduction at the failing revision: the cost of
/// finding the culprit, to compare with plain bisect. Runs of candidate fixes and hunks do not count, because their
/// code is patched, and a traced one neither.
fn spent(runs: &[(usize, ReplayRun)], bad: Option<&str>) -> u32 {
    use millwright_model::ReplayOutcome::Reproduces;
    let first = runs
        .iter()
        .position(|(_, run)| run.outcome == Reproduces && run.is_plain() && Some(run.commit.as_str()) == bad);
    let after =
        first.map_or(0, |first| runs.iter().skip(first + 1).filter(|(_, run)| run.is_plain()).count());
    u32::try_from(after).unwrap_or(u32::MAX)
}

fn similar(facts: &RunFacts) -> Vec<SimilarIncident> {
    let matches = facts.recollection.iter().flat_map(|recollection| &recollection.matches);
    let recheck = |resolution: Option<&ResolutionId>| {
        let of = facts
            .rechecks
            .iter()
            .find(|recheck| Some(recheck.resolution.as_str()) == resolution.map(ResolutionId::as_str));
        of.map_or(CheckResult::NotRun, |recheck| recheck.result)
    };
    let mut out: Vec<SimilarIncident> = matches
        .map(|found| SimilarIncident {
            incident_id: found.incident_id.clone(),
            score: found.score,
            why: found.why.clone(),
            proof: found.proof,
            approval: found.approval,
            recheck: recheck(found.resolution_id.as_ref()),
        })
        .collect();
    // Incidents that are similar by their culprit, not by words and structure.
    let by_culprit = facts.rechecks.iter().map(|recheck| {
        let is_same = recheck.result == CheckResult::Pass;
        SimilarIncident {
            incident_id: recheck.incident.clone(),
            score: if is_same { SAME_CODE } else { 0.0 },
            why: vec![recheck.how.clone()],
            proof: recheck.proof,
            approval: recheck.approval,
            recheck: recheck.result,
        }
    });
    let rejected = facts.rejections().into_iter().map(|rejection| SimilarIncident {
        incident_id: rejection.incident_id.clone(),
        score: 0.0,
        why: vec![rejection.in_words()],
        proof: Proof::None,
        approval: Approval::Rejected,
        recheck: CheckResult::NotRun,
    });
    for one in by_culprit.chain(rejected) {
        if !out.iter().any(|known| known.incident_id == one.incident_id) {
            out.push(one);
        }
    }
    out
}

/// Similarity of two incidents that the same code caused but whose texts have nothing in common.
const SAME_CODE: f64 = 0.7;

fn impact(run: &Run, facts: &RunFacts) -> Option<Impact> {
    let context = &run.request()?.ticket.context;
    let logs = facts.log_changes.as_ref();
    let impact = Impact {
        sessions: context.sessions.unwrap_or(0),
        users: context.users.unwrap_or(0),
        routes: context.routes.clone(),
        first_seen: context.first_seen.or_else(|| logs.and_then(|logs| logs.first_seen)),
        last_seen: context.last_seen.or_else(|| logs.and_then(|logs| logs.last_seen)),
    };
    (impact != Impact::default()).then_some(impact)
}
