/*!
The task `trace`: whether the trace of a failing run names the functions that really ran, and what tracing costs.

Input: a file with one case per line, each with the functions that an independent tool saw. Judged are the functions of the
program's own files (`files`): precision and recall of those that our trace names, and how many times as long the traced
run takes.
*/

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

use millwright_code::SourceLanguage;
use millwright_code::units::{FileOutline, outline};
use millwright_git::{Repo, RevisionReader};
use millwright_model::{CommitId, ReplayOutcome, TracePrecision};
use millwright_replay::ReplayRecipe;
use millwright_replay::exec_trace::ExecutionTrace;
use millwright_tools::executed_units;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::EvalError;
use crate::cases::{CasesError, read_json_lines};
use crate::grader_sandbox::replayer;
use crate::options::EvalOptions;
use crate::results::CaseResult;
use crate::stats::{self, SetCounts};
use crate::summary::EvalSummary;

/// Runs of each kind; the median counts.
const RUNS: usize = 5;

/// One program.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TraceCase {
    id: String,
    /// What the table calls it.
    program: String,
    repository: String,
    /// The revision at which the command fails.
    at: String,
    #[serde(default)]
    setup: Vec<String>,
    command: String,
    #[serde(default)]
    env: BTreeMap<String, String>,
    #[serde(default)]
    allow_read: Vec<PathBuf>,
    /// What the traced run has instead, in languages that are compiled with their coverage.
    #[serde(default)]
    traced: TracedRecipe,
    /// The program's own files.
    files: BTreeSet<String>,
    /// The functions that ran.
    ran: Vec<ExecutedFunction>,
    /// Functions without a name of their own that ran: they count neither for a trace nor against it.
    #[serde(default)]
    unnamed: Vec<ExecutedFunction>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct TracedRecipe {
    setup: Option<Vec<String>>,
    command: Option<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    #[serde(default)]
    coverage: Vec<String>,
}

/// A function, by a line of its definition (1-based).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExecutedFunction {
    path: String,
    line: u32,
}

/// What was found of one program.
#[derive(Debug, Clone, PartialEq)]
struct TracedCase {
    precision: TracePrecision,
    /// Functions that the trace names against those that the independent tool names.
    counts: SetCounts,
    ran: usize,
    plain_ms: f64,
    traced_ms: f64,
    /// Functions that only one of the two names (bounded).
    only_trace: Vec<String>,
    only_truth: Vec<String>,
}

/// A function: its file, and its key in it.
type FunctionKey = (String, String);

/// Runs the task on the file `options.cases`.
///
/// # Errors
/// When the cases cannot be read.
pub fn run(options: &EvalOptions) -> Result<(EvalSummary, Vec<CaseResult>), EvalError> {
    let mut cases: Vec<TraceCase> = read_json_lines(&options.cases, |case: &TraceCase| &case.id)?;
    if cases.is_empty() {
        return Err(CasesError::Empty { path: options.cases.clone() }.into());
    }
    cases.truncate(options.limit.unwrap_or(usize::MAX));
    let (mut programs, mut results) = (Map::new(), Vec::new());
    // One after the other: beside each other the times would say nothing.
    for case in &cases {
        let mut result = CaseResult::not(&case.id, "trace", String::new());
        match judge(case, options) {
            Ok(traced) => {
                result.not_judged = None;
                result.hit = traced.counts.is_exact();
                result.wall_ms = traced.traced_ms as u64;
                programs.insert(case.id.clone(), figures(case, &traced));
            }
            Err(why) => result.not_judged = Some(why),
        }
        results.push(result);
    }
    let judged = Map::from_iter([
        ("cases".to_owned(), json!(programs.len())),
        ("not_judged".to_owned(), json!(cases.len() - programs.len())),
        ("programs".to_owned(), Value::Object(programs)),
    ]);
    Ok((EvalSummary::of("trace", &judged)?, results))
}

fn figures(case: &TraceCase, traced: &TracedCase) -> Value {
    json!({
        "program": case.program,
        "trace": traced.precision,
        "functions": traced.ran,
        "precision": traced.counts.precision(),
        "recall": traced.counts.recall(),
        "plain_ms": traced.plain_ms,
        "traced_ms": traced.traced_ms,
        "overhead": traced.traced_ms / traced.plain_ms.max(1.0),
        "only_trace": traced.only_trace,
        "only_truth": traced.only_truth,
    })
}

fn judge(case: &TraceCase, options: &EvalOptions) -> Result<TracedCase, String> {
    let said = |error: &dyn std::fmt::Display| error.to_string();
    let repo = Repo::open(&options.repository(&case.repository), &options.data_dir).map_err(|e| said(&e))?;
    let at = repo.resolve(&case.at).map_err(|e| said(&e))?;
    if let Some(elsewhere) = case.ran.iter().find(|function| !case.files.contains(&function.path)) {
        return Err(format!("{} ran and is not among the files of the case", elsewhere.path));
    }
    let (ran, unnamed) = (functions(&repo, &at, &case.ran)?, functions(&repo, &at, &case.unnamed)?);
    let mut env = case.env.clone();
    env.extend(options.env.clone());
    let allow_read = case.allow_read.iter().chain(&options.allow_read).cloned().collect();
    let plain = ReplayRecipe {
        setup: case.setup.clone(),
        env,
        allow_read,
        timeout_s: 300,
        ..ReplayRecipe::new(&case.command)
    };
    let own = &case.traced;
    let traced = ReplayRecipe {
        setup: own.setup.clone().unwrap_or_else(|| plain.setup.clone()),
        command: own.command.clone().unwrap_or_else(|| plain.command.clone()),
        env: plain.env.iter().chain(&own.env).map(|(name, value)| (name.clone(), value.clone())).collect(),
        coverage: own.coverage.clone(),
        ..plain.clone()
    };
    let (plain_ms, _) = median_run(&repo, plain, &at, false)?;
    let (traced_ms, trace) = median_run(&repo, traced, &at, true)?;
    let trace = trace.ok_or("nothing was traced")?;
    let named = executed_units(&repo, &at, &trace).map_err(|e| said(&e))?;
    let counts = |function: &FunctionKey| {
        case.files.contains(&function.0) && (ran.contains(function) || !unnamed.contains(function))
    };
    let named: BTreeSet<FunctionKey> = named.into_iter().filter(counts).collect();
    let only = |a: &BTreeSet<FunctionKey>, b: &BTreeSet<FunctionKey>| {
        a.difference(b).take(20).map(|(path, key)| format!("{path}::{key}")).collect::<Vec<_>>()
    };
    Ok(TracedCase {
        precision: trace.precision,
        counts: SetCounts::of(&named, &ran),
        ran: ran.len(),
        plain_ms,
        traced_ms,
        only_trace: only(&named, &ran),
        only_truth: only(&ran, &named),
    })
}

/// The median time of the runs, after a first one that fills caches, and the last trace.
fn median_run(
    repo: &Repo,
    recipe: ReplayRecipe,
    at: &CommitId,
    is_traced: bool,
) -> Result<(f64, Option<ExecutionTrace>), String> {
    let replayer = replayer(repo, recipe);
    let (mut times, mut trace) = (Vec::new(), None);
    for round in 0..=RUNS {
        let run = if is_traced { replayer.run_traced(at) } else { replayer.run(at, None) };
        let run = run.map_err(|error| error.to_string())?;
        if run.outcome() != ReplayOutcome::Reproduces {
            return Err(format!("the command does not fail as it should: {:?}\n{}", run.outcome(), run.tail));
        }
        if round > 0 {
            times.push(run.run.duration_ms as f64);
        }
        trace = run.trace;
    }
    Ok((stats::percentile(&times, 0.5), trace))
}

/// The functions around the lines, as Millwright names them.
fn functions(repo: &Repo, at: &CommitId, ran: &[ExecutedFunction]) -> Result<BTreeSet<FunctionKey>, String> {
    let reader = RevisionReader::open(repo, at).map_err(|error| error.to_string())?;
    let mut outlines: HashMap<&str, FileOutline> = HashMap::new();
    let mut keys = BTreeSet::new();
    for function in ran {
        let path = function.path.as_str();
        if !outlines.contains_key(path) {
            let blob = reader.blob(path).map_err(|error| error.to_string())?;
            let text = blob.text().map_err(|error| error.to_string())?;
            let made = SourceLanguage::from_path(path).map(|lang| outline(&text, lang));
            outlines.insert(path, made.unwrap_or_default());
        }
        let around = outlines.get(path).and_then(|outline| outline.innermost(function.line));
        // A definition that the outline does not have is one that the trace cannot name.
        let key = match around.filter(|unit| !unit.is_type()) {
            Some(unit) => unit.key.clone(),
            None => format!("line {}", function.line),
        };
        keys.insert((path.to_owned(), key));
    }
    Ok(keys)
}

#[cfg(test)]
#[path = "trace_tests.rs"]
mod tests;
