/*!
Task `rank`: the rank of the true culprit when nothing is run. The ranker, or the model that plans, gets ticket, repository,
`bad` and `good`. The replay, its overlay and the truth stay with the grader. In a sequence, every case is ranked twice,
without memory and with the memory of the cases before it. Afterwards its true culprit is added to memory.
*/

use std::time::Instant;

use millwright_culprit::suspects::{RankRequest, SignalWeights, SuspectRanking, rank};
use millwright_git as git;
use millwright_model::{Precedent, Report};
use millwright_tools::CancelFlag;
use serde_json::{Map, Value, json};

use crate::EvalError;
use crate::baselines::{BaselineRankings, baselines};
use crate::cases::{self, EvalCase};
use crate::curve::{self, MemoryPair};
use crate::graders::calibration::{CalibrationPoint, expected_error};
use crate::memory_condition::{MemoryCondition, PlantedFalsehood};
use crate::options::EvalOptions;
use crate::parallel::in_parallel;
use crate::repositories::{Repositories, ResolvedRepository};
use crate::results::CaseResult;
use crate::stats;
use crate::summary::{CaseSample, EvalSummary, grouped, rank_figures};
use crate::tasks::investigate::{CaseInput, report_on};

/// The minimum probability for naming a commit as the probable cause.
const PROBABLE: f64 = 0.5;

/// The outcome of one case.
#[derive(Debug, Clone)]
struct Judged {
    result: CaseResult,
    /// The probability of the first commit.
    confidence: f64,
    newest_in_trace: Option<u32>,
    text: Option<u32>,
}

/// Runs the task with the shipped weights.
///
/// # Errors
/// As [`crate::run`].
pub fn run(options: &EvalOptions) -> Result<(EvalSummary, Vec<CaseResult>), EvalError> {
    run_with(options, &SignalWeights::default())
}

/// Runs the task with other weights.
///
/// # Errors
/// As [`crate::run`].
pub fn run_with(
    options: &EvalOptions,
    weights: &SignalWeights,
) -> Result<(EvalSummary, Vec<CaseResult>), EvalError> {
    let cases = cases::read(&options.cases, options.limit)?;
    let repositories = Repositories::default();
    let (judged, pairs) = if options.memory.is_sequence() {
        let sequence = in_sequence(&cases, options, &repositories, weights);
        let (sequence, learned) = sequence.map_err(EvalError::Options)?;
        let (judged, pairs): (Vec<Judged>, Vec<MemoryPair>) = sequence.into_iter().unzip();
        (judged, Some((pairs, learned)))
    } else {
        let judge = |case: &EvalCase| judge(case, options, &repositories, weights, &[]).0;
        (in_parallel(&cases, options.jobs, judge), None)
    };
    let results: Vec<CaseResult> = judged.iter().map(|judged| judged.result.clone()).collect();
    let mut summary = summarise(&cases, &judged);
    let task = summary.0.get_mut("rank").and_then(Value::as_object_mut);
    if let (Some((pairs, (versions, adopted))), Some(task)) = (pairs, task) {
        let mut memory = curve::figures(options.memory.as_str(), &cases, &pairs);
        memory.insert("weights_learned".into(), json!(versions));
        memory.insert("weights_adopted".into(), json!(adopted));
        task.insert("memory".into(), Value::Object(memory));
    }
    Ok((summary, results))
}

/// The cases, judged with and without memory, and how many versions of the weights were learned and adopted.
type Sequence = (Vec<(Judged, MemoryPair)>, (usize, usize));

/// Judges the cases in order, each without and with memory. Also returns how many versions of the weights were learned
/// meanwhile and how many of them were adopted.
fn in_sequence(
    cases: &[EvalCase],
    options: &EvalOptions,
    repositories: &Repositories,
    weights: &SignalWeights,
) -> Result<Sequence, String> {
    let mut arm = MemoryCondition::new(options.memory)?;
    let mut out = Vec::with_capacity(cases.len());
    for case in cases {
        let (off, plain) = judge(case, options, repositories, weights, &[]);
        let resolved = repositories.resolve(case, options);
        let ticket = millwright_ingest::parse(case.ticket.as_bytes());
        let mut pair = MemoryPair { off: off.result.rank, on: off.result.rank, planted: false };
        let mut judged = off;
        if let (Ok(resolved), Some(plain)) = (&resolved, plain) {
            if arm.plants()
                && let Some(falsehood) = falsehood(case, resolved, &plain)
            {
                arm.plant(resolved, &ticket, &falsehood)?;
                pair.planted = true;
            }
            let precedents = arm.precedents(&resolved.repo.identity().map_err(|error| error.to_string())?)?;
            let learned = arm.weights()?.unwrap_or_else(|| weights.clone());
            let (on, ranking) = judge(case, options, repositories, &learned, &precedents);
            pair.on = on.result.rank;
            judged = on;
            arm.confirm(case, resolved, &ticket, ranking.as_ref().map(|ranking| &ranking.sample))?;
        }
        out.push((judged, pair));
        arm.next();
        arm.relearn()?;
    }
    Ok((out, arm.learned()?))
}

/// The most plausible wrong answer to a case, and a revision from before its range.
fn falsehood(
    case: &EvalCase,
    resolved: &ResolvedRepository,
    ranking: &SuspectRanking,
) -> Option<PlantedFalsehood> {
    let truth = case.truth.commit.as_deref()?;
    let wrong = ranking.commits.iter().find(|commit| !commit.commit.eq_ignore_ascii_case(truth))?;
    let shown = git::show(&resolved.repo, &wrong.commit, &[], 1, &CancelFlag::default()).ok()?;
    let sources = shown
        .diff
        .files
        .into_iter()
        .map(|file| file.path)
        .filter(|path| !millwright_ingest::is_test_path(path));
    Some(PlantedFalsehood {
        commit: wrong.commit.to_string(),
        units: sources.take(5).collect(),
        before: resolved.good.clone().unwrap_or_else(|| resolved.bad.clone()).to_string(),
        replay: None,
    })
}

fn judge(
    case: &EvalCase,
    options: &EvalOptions,
    repositories: &Repositories,
    weights: &SignalWeights,
    precedents: &[Precedent],
) -> (Judged, Option<SuspectRanking>) {
    let started = Instant::now();
    let answer = (|| -> Result<_, String> {
        let resolved = repositories.resolve(case, options)?;
        let ticket = millwright_ingest::parse(case.ticket.as_bytes());
        let good = resolved.good.as_ref();
        let request = RankRequest {
            repo: &resolved.repo,
            rules: &resolved.rules,
            bad: &resolved.bad,
            good,
            ticket: &ticket,
            executed: None,
            extra_text: "",
            precedents,
            weights,
        };
        let mut ranking = rank(&request).map_err(|error| error.to_string())?;
        if !options.planner.is_playbook() {
            prefer_named(&mut ranking, &report_on(case, CaseInput::TicketOnly, options, None)?);
        }
        let wall_ms = started.elapsed().as_millis() as u64;
        let simple = baselines(&resolved.repo, &resolved.rules, &resolved.bad, good, &ticket)
            .map_err(|e| e.to_string())?;
        Ok((ranking, simple, wall_ms))
    })();
    let kept = answer.as_ref().ok().map(|(ranking, _, _)| ranking.clone());
    (grade(case, answer, started.elapsed().as_millis() as u64), kept)
}

/// Moves the commit that the model named to the top, with the model's confidence. The order of the others stays.
fn prefer_named(ranking: &mut SuspectRanking, report: &Report) {
    let Some(cause) = &report.root_cause else { return };
    let named = cause.commit.as_deref();
    if let Some(at) = ranking.commits.iter().position(|commit| Some(commit.commit.as_str()) == named) {
        let mut first = ranking.commits.remove(at);
        first.probability = cause.confidence;
        ranking.commits.insert(0, first);
    }
}

fn grade(
    case: &EvalCase,
    answer: Result<(SuspectRanking, BaselineRankings, u64), String>,
    spent_ms: u64,
) -> Judged {
    let mut result = CaseResult {
        id: case.id.clone(),
        task: "rank".into(),
        hit: false,
        rank: None,
        verdict: None,
        commit: None,
        replay_runs: None,
        wall_ms: spent_ms,
        not_judged: None,
        report: None,
        tags: Vec::new(),
        grades: None,
    };
    let (ranking, simple, wall_ms) = match answer {
        Ok(answer) => answer,
        Err(why) => {
            result.not_judged = Some(why);
            return Judged { result, confidence: 0.0, newest_in_trace: None, text: None };
        }
    };
    result.wall_ms = wall_ms;
    let top = ranking.commits.first();
    let confidence = top.map_or(0.0, |top| top.probability);
    result.verdict = Some(if confidence >= PROBABLE { "probable" } else { "inconclusive" }.into());
    result.commit = top.map(|top| top.commit.to_string());
    let place = |ids: &mut dyn Iterator<Item = &str>| -> Option<u32> {
        let truth = case.truth.commit.as_deref()?;
        (1..).zip(ids).find(|(_, id)| id.eq_ignore_ascii_case(truth)).map(|(rank, _)| rank)
    };
    if case.truth.commit.is_none() {
        result.not_judged = Some("the truth names no commit, so there is nothing to rank".into());
    }
    result.rank = place(&mut ranking.commits.iter().map(|commit| commit.commit.as_str()));
    result.hit = result.rank == Some(1);
    Judged {
        confidence,
        newest_in_trace: place(&mut simple.newest_in_trace.iter().map(String::as_str)),
        text: place(&mut simple.text.iter().map(String::as_str)),
        result,
    }
}

fn summarise(cases: &[EvalCase], judged: &[Judged]) -> EvalSummary {
    let samples: Vec<CaseSample<'_>> = cases
        .iter()
        .enumerate()
        .map(|(at, case)| CaseSample { repo: &case.repo, tags: &case.tags, at })
        .collect();
    let task = grouped(&samples, |of| figures(&of.iter().map(|at| &judged[*at]).collect::<Vec<_>>()));
    EvalSummary(Map::from_iter([("rank".to_owned(), Value::Object(task))]))
}

fn figures(judged: &[&Judged]) -> Map<String, Value> {
    let ranks = |rank: &dyn Fn(&Judged) -> Option<u32>| -> Vec<Option<u32>> {
        judged.iter().map(|judged| rank(judged)).collect()
    };
    let mut out = Map::new();
    out.insert("cases".into(), json!(judged.len()));
    let not_judged = judged.iter().filter(|judged| judged.result.not_judged.is_some()).count();
    out.insert("not_judged".into(), json!(not_judged));
    out.extend(rank_figures(&ranks(&|judged| judged.result.rank)));
    let walls: Vec<f64> = judged.iter().map(|judged| judged.result.wall_ms as f64).collect();
    out.insert("wall_ms_p50".into(), json!(stats::percentile(&walls, 0.5)));
    out.insert("wall_ms_p95".into(), json!(stats::percentile(&walls, 0.95)));
    out.insert("calibration_error".into(), json!(calibration_error(judged)));
    let probable: Vec<&&Judged> = judged.iter().filter(|judged| judged.confidence >= PROBABLE).collect();
    let share: Vec<f64> =
        judged.iter().map(|judged| f64::from(u8::from(judged.confidence >= PROBABLE))).collect();
    let right: Vec<f64> = probable.iter().map(|judged| f64::from(u8::from(judged.result.hit))).collect();
    out.insert("probable_share".into(), json!(stats::share(&share)));
    out.insert("probable_precision".into(), json!(stats::share(&right)));
    let baselines = [
        ("newest_in_trace", ranks(&|judged| judged.newest_in_trace)),
        ("text_bm25", ranks(&|judged| judged.text)),
    ];
    let baselines = baselines.map(|(name, ranks)| (name.to_owned(), Value::Object(rank_figures(&ranks))));
    out.insert("baselines".into(), Value::Object(Map::from_iter(baselines)));
    out
}

/// The expected calibration error of the first commit's probability, in five bins of equal size.
fn calibration_error(judged: &[&Judged]) -> f64 {
    let forecast =
        |judged: &&Judged| CalibrationPoint { confidence: judged.confidence, right: judged.result.hit };
    let forecasts: Vec<CalibrationPoint> = judged.iter().map(forecast).collect();
    (expected_error(&forecasts, 5) * 10_000.0).round() / 10_000.0
}
