/*!
Task `investigate`: the whole run with the case's replay. Graders that do not trust the report judge it, and its cost is
measured. The task calls `agent::investigation` like every other channel, and never passes it the truth.
*/

mod ask;
mod figures;
mod judged;
mod progress;
mod remembered;

use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::time::Instant;

use millwright_model::Report;
use serde_json::{Map, Value, json};

#[cfg(test)]
pub(crate) use ask::prove_into;
pub(crate) use ask::{CaseInput, report_on};
use judged::JudgedCase;
use progress::SuiteProgress;

use crate::EvalError;
use crate::baselines::baselines;
use crate::cases::{self, EvalCase};
use crate::curve::{self, MemoryPair};
use crate::graders::GradedAnswer;
use crate::memory_condition::{MemoryCondition, PlantedFalsehood};
use crate::options::{EvalOptions, MemoryMode, PlannerFactory};
use crate::parallel::in_parallel;
use crate::repositories::Repositories;
use crate::results::CaseResult;
use crate::stats;
use crate::summary::{CaseSample, EvalSummary, grouped};

/// The agent under test: answers a case with a report, or says why it cannot.
pub(crate) type Agent<'a> =
    dyn Fn(&EvalCase, &EvalOptions, Option<&MemoryCondition>) -> Result<Report, String> + Sync + 'a;

/// Runs the task.
///
/// # Errors
/// As [`crate::run`].
pub fn run(options: &EvalOptions) -> Result<(EvalSummary, Vec<CaseResult>), EvalError> {
    run_with(options, &|case, options, shared| report_on(case, CaseInput::Everything, options, shared))
}

/// Runs the task with a given agent instead of Millwright's.
pub(crate) fn run_with(
    options: &EvalOptions,
    agent: &Agent<'_>,
) -> Result<(EvalSummary, Vec<CaseResult>), EvalError> {
    let cases = repeated(cases::read(&options.cases, options.limit)?, options.repeat);
    crate::create(&options.out.join("reports"))?;
    let until = options.deadline.map(|left| Instant::now() + left);
    let (judged, pairs) = if options.memory.is_sequence() {
        let sequence = in_sequence(&cases, options, agent).map_err(EvalError::Options)?;
        let (judged, pairs): (Vec<JudgedCase>, Vec<RunPair>) = sequence.into_iter().unzip();
        (judged, Some(pairs))
    } else {
        (side_by_side(&cases, options, until, agent), None)
    };
    let results: Vec<CaseResult> = judged.iter().map(|judged| judged.result.clone()).collect();
    let samples: Vec<CaseSample<'_>> = cases
        .iter()
        .enumerate()
        .map(|(at, case)| CaseSample { repo: &case.repo, tags: &case.tags, at })
        .collect();
    let pick = |of: &[usize]| of.iter().filter_map(|at| judged.get(*at)).collect::<Vec<_>>();
    let mut figures = grouped(&samples, |of| figures::of(&pick(of)));
    if let Some(pairs) = pairs {
        figures.insert("memory".into(), Value::Object(memory_figures(options, &cases, &pairs)));
    }
    if let Some(planner) = &options.bare {
        let alone = bare(&cases, options, planner, until, agent)?;
        let baselines = figures.entry("baselines").or_insert_with(|| json!({}));
        if let Some(baselines) = baselines.as_object_mut() {
            baselines.insert("bare".into(), Value::Object(alone));
        }
    }
    let summary = EvalSummary(Map::from_iter([("investigate".to_owned(), Value::Object(figures))]));
    Ok((summary, results))
}

/// Judges independent cases in parallel. Skips cases that an earlier start judged.
fn side_by_side(
    cases: &[EvalCase],
    options: &EvalOptions,
    until: Option<Instant>,
    agent: &Agent<'_>,
) -> Vec<JudgedCase> {
    let progress = SuiteProgress::open(options);
    let judged = in_parallel(cases, options.jobs, |case| {
        if let Some(before) = progress.done(case) {
            return before;
        }
        if until.is_some_and(|until| Instant::now() >= until) {
            return JudgedCase::not(case, "the time of the whole eval was used up (--deadline)".into());
        }
        let judged = judge(case, options, None, agent);
        progress.keep(case, &judged);
        judged
    });
    if judged.iter().all(|judged| !judged.is_put_off()) {
        progress.forget();
    }
    judged
}

/// Judges the same cases with the model alone: without memory, and an answer that the playbook finished does not count for
/// the model. The results are in a separate folder, which `eval compare` accepts.
fn bare(
    cases: &[EvalCase],
    options: &EvalOptions,
    planner: &PlannerFactory,
    until: Option<Instant>,
    agent: &Agent<'_>,
) -> Result<Map<String, Value>, EvalError> {
    let alone = EvalOptions {
        out: options.out.join("bare"),
        planner: planner.clone(),
        bare: None,
        memory: MemoryMode::Off,
        ..options.clone()
    };
    crate::create(&alone.out.join("reports"))?;
    let forgetful: Vec<EvalCase> =
        cases.iter().map(|case| EvalCase { remembered: Vec::new(), ..case.clone() }).collect();
    let model_only = |case: &EvalCase, options: &EvalOptions, shared: Option<&MemoryCondition>| {
        let report = agent(case, options, shared)?;
        match &report.usage.fell_back {
            Some(because) => Err(format!("the model alone reached no answer: {because}")),
            None => Ok(report),
        }
    };
    let judged = side_by_side(&forgetful, &alone, until, &model_only);
    let results: Vec<CaseResult> = judged.iter().map(|judged| judged.result.clone()).collect();
    crate::results::write(&alone.out.join("results.jsonl"), &results)?;
    let mut figures = figures::of(&judged.iter().collect::<Vec<_>>());
    figures.remove("baselines");
    Ok(figures)
}

/// Repeats every case `times` times. The number after `#` in an id is the repeat.
fn repeated(cases: Vec<EvalCase>, times: usize) -> Vec<EvalCase> {
    if times < 2 {
        return cases;
    }
    let repeat = |case: EvalCase| {
        (1..=times).map(move |n| EvalCase { id: format!("{}#{n}", case.id), ..case.clone() })
    };
    cases.into_iter().flat_map(repeat).collect()
}

/// The results of a case without and with memory: whether the named commit was right, and the cost.
#[derive(Debug, Clone, Copy)]
struct RunPair {
    hits: MemoryPair,
    runs: [Option<u32>; 2],
    wall_ms: [u64; 2],
}

/// Judges the cases in order, each without memory and with the memory that earlier runs filled.
fn in_sequence(
    cases: &[EvalCase],
    options: &EvalOptions,
    agent: &Agent<'_>,
) -> Result<Vec<(JudgedCase, RunPair)>, String> {
    let mut arm = MemoryCondition::new(options.memory)?;
    let repositories = Repositories::default();
    let alone = EvalOptions { memory: MemoryMode::Off, ..options.clone() };
    let mut out = Vec::with_capacity(cases.len());
    for case in cases {
        let off = judge(case, &alone, None, agent);
        let mut planted = false;
        if arm.plants()
            && let Ok(resolved) = repositories.resolve(case, options)
            && !case.truth.commit.as_deref().is_some_and(|truth| truth.eq_ignore_ascii_case(&resolved.bad))
        {
            let recipe =
                case.replay.as_ref().map(|replay| crate::grader_sandbox::recipe(replay, options.execution()));
            let falsehood = PlantedFalsehood {
                commit: resolved.bad.to_string(),
                units: case.truth.files.clone(),
                before: resolved.good.clone().unwrap_or_else(|| resolved.bad.clone()).to_string(),
                replay: recipe.and_then(|recipe| serde_json::to_value(recipe).ok()),
            };
            arm.plant(&resolved, &millwright_ingest::parse(case.ticket.as_bytes()), &falsehood)?;
            planted = true;
        }
        let on = judge(case, options, Some(&arm), agent);
        let rank = |judged: &JudgedCase| judged.result.hit.then_some(1);
        let hits = MemoryPair { off: rank(&off), on: rank(&on), planted };
        // Counts all executions, so that a re-check counts too.
        let runs = [&off, &on].map(|judged| judged.result.grades.as_ref().map(|grades| grades.cost.replays));
        let wall_ms = [off.result.wall_ms, on.result.wall_ms];
        out.push((on.clone(), RunPair { hits, runs, wall_ms }));
        arm.next();
        arm.relearn()?;
    }
    Ok(out)
}

fn memory_figures(options: &EvalOptions, cases: &[EvalCase], pairs: &[RunPair]) -> Map<String, Value> {
    let hits: Vec<MemoryPair> = pairs.iter().map(|pair| pair.hits).collect();
    let mut figures = curve::figures(options.memory.as_str(), cases, &hits);
    // Only cases with replays in both runs can be compared.
    let both = pairs.iter().filter_map(|pair| Some((pair.runs[0]?, pair.runs[1]?)));
    let (off, on): (Vec<f64>, Vec<f64>) = both.map(|(off, on)| (f64::from(off), f64::from(on))).unzip();
    figures.insert("replay_runs".into(), json!({"off": stats::mean(&off), "on": stats::mean(&on)}));
    let each = |side: usize| pairs.iter().map(|pair| pair.runs[side]).collect::<Vec<_>>();
    figures.insert("replay_runs_each".into(), json!({"off": each(0), "on": each(1)}));
    let walls = |side: usize| pairs.iter().map(|pair| pair.wall_ms[side] as f64).collect::<Vec<_>>();
    let p50 = |side: usize| stats::percentile(&walls(side), 0.5);
    figures.insert("wall_ms_p50".into(), json!({"off": p50(0), "on": p50(1)}));
    figures
}

fn judge(
    case: &EvalCase,
    options: &EvalOptions,
    shared: Option<&MemoryCondition>,
    agent: &Agent<'_>,
) -> JudgedCase {
    let started = Instant::now();
    // A panic in one case must not stop the others.
    let answered = std::panic::catch_unwind(AssertUnwindSafe(|| agent(case, options, shared)));
    let answered =
        answered.unwrap_or_else(|_| Err("the investigation panicked; see the messages above".into()));
    let spent = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let mut judged = match answered {
        Ok(report) => {
            let graded = std::panic::catch_unwind(AssertUnwindSafe(|| grade(case, &report, options)));
            graded
                .unwrap_or_else(|_| JudgedCase::not(case, "a grader panicked; see the messages above".into()))
        }
        Err(why) => JudgedCase::not(case, why),
    };
    judged.result.wall_ms = spent;
    judged
}

fn grade(case: &EvalCase, report: &Report, options: &EvalOptions) -> JudgedCase {
    let mut judged = JudgedCase::of(case);
    let resolved = Repositories::default().resolve(case, options).ok();
    let repo = resolved.as_ref().map(|resolved| &resolved.repo);
    let answer = GradedAnswer { case, report, with: options.grading(), repo };
    let grades = options.graders.grade(&answer);
    let result = &mut judged.result;
    result.verdict = Some(report.verdict.as_str().to_owned());
    result.hit = if case.truth.wants_abstention() {
        grades.abstention == Some(true)
    } else {
        grades.commit == Some(true)
    };
    result.rank = case.truth.commit.as_ref().and_then(|truth| {
        let found = report.suspects.iter().find(|suspect| suspect.commit.eq_ignore_ascii_case(truth));
        found.map(|suspect| suspect.rank)
    });
    result.commit = answer.named().map(str::to_owned);
    if let Some(replay) = &report.replay {
        result.replay_runs = replay.bisect.as_ref().map(|bisect| bisect.runs);
        judged.range = replay.bisect.as_ref().map(|bisect| bisect.range);
        let patched = replay.runs.iter().filter(|run| run.patched).count();
        judged.patched_runs = Some(u32::try_from(patched).unwrap_or(u32::MAX));
    }
    result.grades = Some(grades);
    result.report = write_report(case, report, options);
    if let (Some(truth), Some(resolved)) = (&case.truth.commit, &resolved) {
        let ticket = millwright_ingest::parse(case.ticket.as_bytes());
        if let Ok(simple) =
            baselines(&resolved.repo, &resolved.rules, &resolved.bad, resolved.good.as_ref(), &ticket)
        {
            let place = |ids: &[String]| {
                (1..).zip(ids).find(|(_, id)| id.eq_ignore_ascii_case(truth)).map(|(rank, _)| rank)
            };
            judged.newest_in_trace = place(&simple.newest_in_trace);
            judged.text = place(&simple.text);
        }
    }
    judged
}

fn write_report(case: &EvalCase, report: &Report, options: &EvalOptions) -> Option<String> {
    let kept = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' };
    let path =
        PathBuf::from("reports").join(format!("{}.json", case.id.chars().map(kept).collect::<String>()));
    match serde_json::to_vec_pretty(report) {
        Ok(text) if std::fs::write(options.out.join(&path), &text).is_ok() => {
            Some(path.to_string_lossy().into_owned())
        }
        _ => {
            tracing::warn!(case.id = %case.id, "the report could not be written");
            None
        }
    }
}

#[cfg(test)]
#[path = "investigate_tests.rs"]
mod tests;
