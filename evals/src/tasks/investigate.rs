/*!
Task `investigate`: the whole run, with the case's replay, judged by the commit it names and what that cost. It goes
through `agent::investigation` like every other door; the truth stays here.
*/

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use millwright_agent::investigation::{Means, Options as InvestigateOptions, ReplayChoice, investigate};
use millwright_memory::redaction::Redactor;
use millwright_memory::store::Store;
use millwright_memory::types::{Report, Verdict};
use millwright_tools::checkout::{Overlay, OverlayMode};
use millwright_tools::intake;
use millwright_tools::replay::{ReplayOptions, ReplayRecipe};
use millwright_tools::tool::{CancelFlag, NoProgress};
use serde_json::{Map, Value, json};

use crate::EvalError;
use crate::arm::{Arm, Falsehood};
use crate::cases::{self, Case};
use crate::curve::{self, Pair};
use crate::options::{MemoryMode, Options};
use crate::parallel::in_parallel;
use crate::repositories::Repositories;
use crate::results::{self, CaseResult};
use crate::stats;
use crate::summary::{Sample, Summary, grouped, rank_figures};

#[derive(Debug, Clone)]
struct Judged {
    result: CaseResult,
    has_replay: bool,
    /// Candidates in the range, for what plain bisect would have spent.
    range: Option<u32>,
    /// Executions of candidate fixes and hunk sets, which plain bisect does not make.
    patched_runs: Option<u32>,
    file_hit: bool,
    confidence: f64,
    /// Input and output.
    tokens: [u64; 2],
    cost_usd: f64,
}

/// Runs the task.
///
/// # Errors
/// As [`crate::run`].
pub fn run(options: &Options) -> Result<Summary, EvalError> {
    let cases = cases::read(&options.cases, options.limit)?;
    let reports = options.out.join("reports");
    std::fs::create_dir_all(&reports).map_err(|source| EvalError::Io {
        action: "creating",
        path: reports.clone(),
        source,
    })?;
    let (judged, pairs) = if options.memory.is_sequence() {
        let sequence = in_sequence(&cases, options).map_err(EvalError::Options)?;
        let (judged, pairs): (Vec<Judged>, Vec<RunPair>) = sequence.into_iter().unzip();
        (judged, Some(pairs))
    } else {
        (in_parallel(&cases, options.jobs, |case| judge(case, options, None)), None)
    };
    let results: Vec<CaseResult> = judged.iter().map(|judged| judged.result.clone()).collect();
    results::write(&options.out.join("results.jsonl"), &results)?;
    if let Some(why) = results.iter().map(|result| result.not_judged.clone()).collect::<Option<Vec<_>>>() {
        return Err(EvalError::NothingJudged(why.into_iter().next().unwrap_or_default()));
    }
    let samples: Vec<Sample<'_>> = cases
        .iter()
        .enumerate()
        .map(|(at, case)| Sample { repo: &case.repo, tags: &case.tags, at })
        .collect();
    let pick = |of: &[usize]| of.iter().filter_map(|at| judged.get(*at)).collect::<Vec<_>>();
    let mut figures = grouped(&samples, |of| figures(&pick(of)));
    if let Some(pairs) = pairs {
        figures.insert("memory".into(), Value::Object(memory_figures(options, &cases, &pairs)));
    }
    let summary = Summary(Map::from_iter([("investigate".to_owned(), Value::Object(figures))]));
    summary.write(&options.out.join("summary.json"))?;
    crate::page::write(&options.out.join("report.html"), &summary, &results)?;
    Ok(summary)
}

/// A case without memory and with it: whether the named commit was right, and what it cost.
#[derive(Debug, Clone, Copy)]
struct RunPair {
    hits: Pair,
    runs: [Option<u32>; 2],
}

/// Takes the cases in their order, each without memory and with what the runs before it proved.
fn in_sequence(cases: &[Case], options: &Options) -> Result<Vec<(Judged, RunPair)>, String> {
    let mut arm = Arm::new(options.memory)?;
    let repositories = Repositories::default();
    let alone = Options { memory: MemoryMode::Off, ..options.clone() };
    let mut out = Vec::with_capacity(cases.len());
    for case in cases {
        let off = judge(case, &alone, None);
        let mut planted = false;
        if arm.plants()
            && let Ok(resolved) = repositories.resolve(case, options)
            && !case.truth.commit.as_deref().is_some_and(|truth| truth.eq_ignore_ascii_case(&resolved.bad))
        {
            let falsehood = Falsehood {
                commit: resolved.bad.clone(),
                units: case.truth.files.clone(),
                before: resolved.good.clone().unwrap_or_else(|| resolved.bad.clone()),
                replay: recipe(case, options).and_then(|recipe| serde_json::to_value(recipe).ok()),
            };
            arm.plant(&resolved, &intake::parse(case.ticket.as_bytes()), &falsehood)?;
            planted = true;
        }
        let on = judge(case, options, Some(&arm));
        let rank = |judged: &Judged| judged.result.hit.then_some(1);
        let hits = Pair { off: rank(&off), on: rank(&on), planted };
        out.push((on.clone(), RunPair { hits, runs: [off.result.replay_runs, on.result.replay_runs] }));
        arm.next();
        arm.relearn()?;
    }
    Ok(out)
}

fn memory_figures(options: &Options, cases: &[Case], pairs: &[RunPair]) -> Map<String, Value> {
    let hits: Vec<Pair> = pairs.iter().map(|pair| pair.hits).collect();
    let mut figures = curve::figures(options.memory.as_str(), cases, &hits);
    // Only cases that spent replays both ways can be compared.
    let both = pairs.iter().filter_map(|pair| Some((pair.runs[0]?, pair.runs[1]?)));
    let (off, on): (Vec<f64>, Vec<f64>) = both.map(|(off, on)| (f64::from(off), f64::from(on))).unzip();
    figures.insert("replay_runs".into(), json!({"off": stats::mean(&off), "on": stats::mean(&on)}));
    figures
}

fn judge(case: &Case, options: &Options, shared: Option<&Arm>) -> Judged {
    let started = Instant::now();
    let mut judged = Judged {
        result: CaseResult {
            id: case.id.clone(),
            task: "investigate".into(),
            hit: false,
            rank: None,
            verdict: None,
            commit: None,
            replay_runs: None,
            wall_ms: 0,
            not_judged: None,
            report: None,
        },
        has_replay: case.replay.is_some(),
        range: None,
        patched_runs: None,
        file_hit: false,
        confidence: 0.0,
        tokens: [0, 0],
        cost_usd: 0.0,
    };
    match report_on(case, Given::Everything, options, shared) {
        Ok(report) => grade(case, &report, options, &mut judged),
        Err(why) => judged.result.not_judged = Some(why),
    }
    judged.result.wall_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    judged
}

/// What of a case the agent gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Given {
    Everything,
    /// Ticket, repository, `bad` and `good`.
    TicketOnly,
}

pub(super) fn report_on(
    case: &Case,
    given: Given,
    options: &Options,
    shared: Option<&Arm>,
) -> Result<Report, String> {
    // Connections of a shared memory go back to their pool on the runtime that opened them.
    let own;
    let runtime = match shared {
        Some(arm) => arm.runtime(),
        None => {
            own = crate::arm::runtime()?;
            &own
        }
    };
    runtime.block_on(async {
        let memory = match options.memory {
            MemoryMode::Fresh => Some(tempfile::tempdir().map_err(|error| error.to_string())?),
            _ => None,
        };
        let store = match &memory {
            None if shared.is_some() => shared.map(|arm| arm.store().clone()),
            Some(folder) => {
                let opened = Store::open(&folder.path().to_string_lossy()).await;
                Some(opened.map_err(|error| error.to_string())?)
            }
            None => None,
        };
        let folder = options.cases.parent().map(PathBuf::from).unwrap_or_default();
        let asked = InvestigateOptions {
            incident: None,
            ticket: case.ticket.clone().into_bytes(),
            ticket_name: None,
            repo: options.repository(&case.repo),
            at: case.bad.clone(),
            good: case.good.clone(),
            logs: match given {
                Given::Everything => case.attachments.logs.iter().map(|log| folder.join(log)).collect(),
                Given::TicketOnly => Vec::new(),
            },
            replay: match recipe(case, options).filter(|_| given == Given::Everything) {
                Some(recipe) => ReplayChoice::Given(Box::new(recipe)),
                None => ReplayChoice::Off,
            },
            recipes: Default::default(),
            remotes: Default::default(),
            tests: case.tests.clone().filter(|_| given == Given::Everything),
            use_memory: store.is_some(),
            jobs: 1,
            budget: options.budget,
            data_dir: options.data_dir.clone(),
            sandbox: ReplayOptions::default(),
            source: "eval".into(),
        };
        let mut planner = options.planner.make()?;
        let means = Means {
            store: store.as_ref(),
            planner: planner.as_mut(),
            sinks: &[],
            progress: Arc::new(NoProgress),
            cancel: CancelFlag::default(),
            redactor: Arc::new(Redactor::default()),
            inbox: None,
        };
        let done = investigate(&asked, means).await.map_err(|error| error.to_string())?;
        Ok(done.report)
    })
}

fn recipe(case: &Case, options: &Options) -> Option<ReplayRecipe> {
    let replay = case.replay.as_ref()?;
    let mut env = replay.env.clone();
    env.extend(options.env.clone());
    let overlay = replay.overlay.as_ref().map(|overlay| Overlay {
        from: overlay.from.clone(),
        base: overlay.base.clone(),
        paths: overlay.paths.clone(),
        mode: match overlay.mode {
            cases::OverlayMode::Replace => OverlayMode::Replace,
            cases::OverlayMode::Merge => OverlayMode::Merge,
        },
    });
    Some(ReplayRecipe {
        setup: replay.setup.clone(),
        env,
        overlay,
        timeout_s: replay.timeout_s,
        allow_read: options.allow_read.clone(),
        ..ReplayRecipe::new(replay.command.clone())
    })
}

fn grade(case: &Case, report: &Report, options: &Options, judged: &mut Judged) {
    let result = &mut judged.result;
    let named = report.root_cause.as_ref().and_then(|cause| cause.commit.clone());
    result.verdict = Some(report.verdict.as_str().to_owned());
    result.hit = match &case.truth.commit {
        Some(truth) => named.as_deref().is_some_and(|named| named.eq_ignore_ascii_case(truth)),
        None => named.is_none() || report.verdict == Verdict::NotAnIncident,
    };
    result.rank = case.truth.commit.as_ref().and_then(|truth| {
        let found = report.suspects.iter().find(|suspect| suspect.commit.eq_ignore_ascii_case(truth));
        found.map(|suspect| suspect.rank)
    });
    result.commit = named;
    if let Some(replay) = &report.replay {
        result.replay_runs = replay.bisect.as_ref().map(|bisect| bisect.runs);
        judged.range = replay.bisect.as_ref().map(|bisect| bisect.range);
        let patched = replay.runs.iter().filter(|run| run.patched).count();
        judged.patched_runs = Some(u32::try_from(patched).unwrap_or(u32::MAX));
    }
    let cause = report.root_cause.as_ref();
    judged.tokens = [report.usage.input_tokens, report.usage.output_tokens];
    judged.cost_usd = report.usage.cost_usd;
    judged.confidence = cause.map_or(0.0, |cause| cause.confidence);
    judged.file_hit = result.hit
        || cause.is_some_and(|cause| cause.locations.iter().any(|at| case.truth.files.contains(&at.path)));
    let name: String = case
        .id
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' })
        .collect();
    let path = PathBuf::from("reports").join(format!("{name}.json"));
    match serde_json::to_vec_pretty(report) {
        Ok(text) if std::fs::write(options.out.join(&path), &text).is_ok() => {
            result.report = Some(path.to_string_lossy().into_owned());
        }
        _ => tracing::warn!(case.id = %case.id, "the report could not be written"),
    }
}

fn figures(judged: &[&Judged]) -> Map<String, Value> {
    let share = |of: &[&&Judged], is: &dyn Fn(&Judged) -> bool| {
        let hits: Vec<f64> = of.iter().map(|judged| f64::from(u8::from(is(judged)))).collect();
        json!(stats::mean(&hits))
    };
    let all: Vec<&&Judged> = judged.iter().collect();
    let replayed: Vec<&&Judged> = judged.iter().filter(|judged| judged.has_replay).collect();
    let ranks: Vec<Option<u32>> = judged.iter().map(|judged| judged.result.rank).collect();
    let mean_of = |pick: &dyn Fn(&Judged) -> Option<f64>| {
        let values: Vec<f64> = replayed.iter().filter_map(|judged| pick(judged)).collect();
        json!(stats::mean(&values))
    };
    let plain = |range: u32| f64::from(range.max(1)).log2().ceil();
    let mut out = Map::new();
    out.insert("cases".into(), json!(judged.len()));
    let not_judged = judged.iter().filter(|judged| judged.result.not_judged.is_some()).count();
    out.insert("not_judged".into(), json!(not_judged));
    out.insert("with_replay".into(), json!(replayed.len()));
    out.extend(rank_figures(&ranks));
    out.insert("hit".into(), share(&all, &|judged| judged.result.hit));
    out.insert("exact_commit".into(), share(&replayed, &|judged| judged.result.hit));
    out.insert("file_hit@1".into(), share(&all, &|judged| judged.file_hit));
    let verified = |judged: &Judged| matches!(judged.result.verdict.as_deref(), Some("verified" | "known"));
    out.insert("verified_rate".into(), share(&replayed, &verified));
    // The same cases stand in both means: those in which a bisect was made.
    out.insert("replay_runs_mean".into(), mean_of(&|judged| judged.result.replay_runs.map(f64::from)));
    out.insert("git_bisect_runs_mean".into(), mean_of(&|judged| judged.range.map(plain)));
    out.insert("patched_runs_mean".into(), mean_of(&|judged| judged.patched_runs.map(f64::from)));
    let verdicts = judged.iter().filter_map(|judged| judged.result.verdict.clone());
    let mut counted: BTreeMap<String, u32> = BTreeMap::new();
    verdicts.for_each(|verdict| *counted.entry(verdict).or_default() += 1);
    out.insert("verdicts".into(), json!(counted));
    let walls: Vec<f64> = judged.iter().map(|judged| judged.result.wall_ms as f64).collect();
    out.insert("wall_ms_p50".into(), json!(stats::percentile(&walls, 0.5)));
    out.insert("wall_ms_p95".into(), json!(stats::percentile(&walls, 0.95)));
    // Of all cases together; the playbook calls no model.
    let tokens = |which: usize| judged.iter().map(|judged| judged.tokens[which]).sum::<u64>();
    out.insert("input_tokens".into(), json!(tokens(0)));
    out.insert("output_tokens".into(), json!(tokens(1)));
    out.insert("cost_usd".into(), json!(judged.iter().map(|judged| judged.cost_usd).sum::<f64>()));
    out
}
