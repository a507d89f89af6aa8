/*!
Task `rank`: how high the true culprit stands when nothing is run. The ranker, or the model that plans, is given
ticket, repository, `bad` and `good`; the replay, its overlay and the truth stay with the grader.
*/

use std::collections::BTreeMap;
use std::time::Instant;

use millwright_memory::types::Report;
use millwright_tools::intake;
use millwright_tools::suspects::{RankRequest, Ranking, Weights, rank};
use serde_json::{Map, Value, json};

use crate::EvalError;
use crate::baselines::{Baselines, baselines};
use crate::cases::{self, Case};
use crate::options::{MemoryMode, Options};
use crate::parallel::in_parallel;
use crate::repositories::Repositories;
use crate::results::{self, CaseResult};
use crate::stats;
use crate::summary::{Sample, Summary, grouped, rank_figures};
use crate::tasks::investigate::{Given, report_on};

/// From which probability a commit is named as the probable cause.
const PROBABLE: f64 = 0.5;

/// What one case came to.
#[derive(Debug, Clone)]
struct Judged {
    result: CaseResult,
    /// Probability given to the commit on top.
    confidence: f64,
    newest_in_trace: Option<u32>,
    text: Option<u32>,
}

/// Runs the task with the weights that ship.
///
/// # Errors
/// As [`crate::run`].
pub fn run(options: &Options) -> Result<Summary, EvalError> {
    run_with(options, &Weights::default())
}

/// Runs the task with other weights.
///
/// # Errors
/// As [`crate::run`].
pub fn run_with(options: &Options, weights: &Weights) -> Result<Summary, EvalError> {
    let cases = cases::read(&options.cases, options.limit)?;
    std::fs::create_dir_all(&options.out).map_err(|source| EvalError::Io {
        action: "creating",
        path: options.out.clone(),
        source,
    })?;
    let repositories = Repositories::default();
    let judge = |case: &Case, memory: &Memory| judge(case, options, &repositories, weights, memory);
    let judged = if options.memory == MemoryMode::Sequential {
        let mut memory = Memory::default();
        let mut judged = Vec::new();
        for case in &cases {
            judged.push(judge(case, &memory));
            memory.learn(case);
        }
        judged
    } else {
        in_parallel(&cases, options.jobs, |case| judge(case, &Memory::default()))
    };
    let results: Vec<CaseResult> = judged.iter().map(|judged| judged.result.clone()).collect();
    results::write(&options.out.join("results.jsonl"), &results)?;
    if let Some(why) = results.iter().map(|result| result.not_judged.clone()).collect::<Option<Vec<_>>>() {
        return Err(EvalError::NothingJudged(why.into_iter().next().unwrap_or_default()));
    }
    let summary = summarise(&cases, &judged);
    summary.write(&options.out.join("summary.json"))?;
    crate::page::write(&options.out.join("report.html"), &summary, &results)?;
    Ok(summary)
}

fn judge(
    case: &Case,
    options: &Options,
    repositories: &Repositories,
    weights: &Weights,
    memory: &Memory,
) -> Judged {
    let started = Instant::now();
    let answer = (|| -> Result<_, String> {
        let resolved = repositories.resolve(case, options)?;
        let ticket = intake::parse(case.ticket.as_bytes());
        let good = resolved.good.as_deref();
        let request = RankRequest {
            repo: &resolved.repo,
            bad: &resolved.bad,
            good,
            ticket: &ticket,
            executed: None,
            extra_text: "",
            commit_priors: &BTreeMap::new(),
            unit_priors: memory.units(&case.repo),
            weights,
        };
        let mut ranking = rank(&request).map_err(|error| error.to_string())?;
        if !options.planner.is_playbook() {
            prefer_named(&mut ranking, &report_on(case, Given::TicketOnly, options)?);
        }
        let wall_ms = started.elapsed().as_millis() as u64;
        let simple = baselines(&resolved.repo, &resolved.bad, good, &ticket).map_err(|e| e.to_string())?;
        Ok((ranking, simple, wall_ms))
    })();
    grade(case, answer, started.elapsed().as_millis() as u64)
}

/// A model's ranking: the commit it named first, with its confidence, and the others as they were.
fn prefer_named(ranking: &mut Ranking, report: &Report) {
    let Some(cause) = &report.root_cause else { return };
    let named = cause.commit.as_deref();
    if let Some(at) = ranking.commits.iter().position(|commit| Some(commit.commit.as_str()) == named) {
        let mut first = ranking.commits.remove(at);
        first.probability = cause.confidence;
        ranking.commits.insert(0, first);
    }
}

fn grade(case: &Case, answer: Result<(Ranking, Baselines, u64), String>, spent_ms: u64) -> Judged {
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
    result.commit = top.map(|top| top.commit.clone());
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

fn summarise(cases: &[Case], judged: &[Judged]) -> Summary {
    let samples: Vec<Sample<'_>> = cases
        .iter()
        .enumerate()
        .map(|(at, case)| Sample { repo: &case.repo, tags: &case.tags, at })
        .collect();
    let task = grouped(&samples, |of| figures(&of.iter().map(|at| &judged[*at]).collect::<Vec<_>>()));
    Summary(Map::from_iter([("rank".to_owned(), Value::Object(task))]))
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
    out.insert("probable_share".into(), json!(stats::mean(&share)));
    out.insert("probable_precision".into(), json!(stats::mean(&right)));
    let baselines = [
        ("newest_in_trace", ranks(&|judged| judged.newest_in_trace)),
        ("text_bm25", ranks(&|judged| judged.text)),
    ];
    let baselines = baselines.map(|(name, ranks)| (name.to_owned(), Value::Object(rank_figures(&ranks))));
    out.insert("baselines".into(), Value::Object(Map::from_iter(baselines)));
    out
}

/// Expected calibration error of the top commit's probability, in five bins of equal size.
fn calibration_error(judged: &[&Judged]) -> f64 {
    let mut pairs: Vec<(f64, f64)> =
        judged.iter().map(|judged| (judged.confidence, f64::from(u8::from(judged.result.hit)))).collect();
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let size = pairs.len().div_ceil(5).max(1);
    let gap = |bin: &[(f64, f64)]| (bin.iter().map(|pair| pair.0 - pair.1).sum::<f64>()).abs();
    let total: f64 = pairs.chunks(size).map(gap).sum();
    (total / pairs.len().max(1) as f64 * 10_000.0).round() / 10_000.0
}

/// What a person would have confirmed after each case: the guilty units, by repository.
#[derive(Debug, Default)]
struct Memory {
    units: BTreeMap<String, BTreeMap<String, f64>>,
}

impl Memory {
    fn units(&self, repo: &str) -> &BTreeMap<String, f64> {
        static NONE: BTreeMap<String, f64> = BTreeMap::new();
        self.units.get(repo).unwrap_or(&NONE)
    }

    fn learn(&mut self, case: &Case) {
        let units = self.units.entry(case.repo.clone()).or_default();
        // Each further incident on a unit brings its prior half the way nearer to certainty.
        for unit in &case.truth.symbols {
            let prior = units.entry(unit.clone()).or_insert(0.0);
            *prior += (1.0 - *prior) / 2.0;
        }
    }
}
