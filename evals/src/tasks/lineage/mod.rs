/*!
The task `lineage`: whether the history of a code unit, or of a range of lines, names the commits that changed it.

Measured at commit level, over the commits of all histories together: precision, recall and F1, beside those of `git log -L` and
of tracking by exact name and path. `without_documentation` leaves out, on both sides, commits that changed only documentation.
*/

mod baselines;
mod cases;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use millwright_code::SourceLanguage;
use millwright_code::units::{
    AnsweredStep, ChangedParts, FollowedUnit, HistoryAnswer, HistoryTarget, UnitStep, ask_history, outline,
};
use millwright_git::{Repo, blob_at};
use millwright_model::{CommitId, LineSpan};
use millwright_redaction::RedactionConfig;
use serde_json::{Map, Value, json};

use crate::EvalError;
use crate::options::EvalOptions;
use crate::parallel::in_parallel;
use crate::results::CaseResult;
use crate::stats::{self, SetCounts};
use crate::summary::{CaseSample, EvalSummary, grouped};
use cases::{CasePlace, LineageCase};

/// One case, with the counts by who named the commits; without counts when it could not be judged.
#[derive(Debug, Clone)]
struct JudgedCase {
    result: CaseResult,
    counts: BTreeMap<&'static str, SetCounts>,
}

const LINEAGE: &str = "lineage";
const WITHOUT_DOCUMENTATION: &str = "without_documentation";
const EXACT_NAME: &str = "exact_name_and_path";
const GIT_LOG_L: &str = "git_log_l";

/// Runs the task on `options.cases`: a folder of CodeTracker's oracle, or a file of one case per line.
///
/// # Errors
/// When the cases cannot be read.
pub fn run(options: &EvalOptions) -> Result<(EvalSummary, Vec<CaseResult>), EvalError> {
    let mut cases = cases::read(&options.cases)?;
    cases.truncate(options.limit.unwrap_or(usize::MAX));
    let judged = in_parallel(&cases, options.jobs, |case| judge(case, options));
    let samples: Vec<CaseSample<'_>> = cases
        .iter()
        .enumerate()
        .map(|(at, case)| CaseSample { repo: &case.repository, tags: &[], at })
        .filter(|sample| !judged[sample.at].counts.is_empty())
        .collect();
    let figures = grouped(&samples, |of| {
        let of: Vec<&JudgedCase> = of.iter().map(|at| &judged[*at]).collect();
        figures(&of)
    });
    let mut summary = Map::from_iter([("not_judged".to_owned(), json!(cases.len() - samples.len()))]);
    summary.extend(figures);
    let results = judged.into_iter().map(|case| case.result).collect();
    Ok((EvalSummary::of("lineage", &summary)?, results))
}

fn figures(judged: &[&JudgedCase]) -> Map<String, Value> {
    let mut out = Map::from_iter([("cases".to_owned(), json!(judged.len()))]);
    let named_by = |name: &str| {
        let counts: Vec<SetCounts> =
            judged.iter().filter_map(|case| case.counts.get(name)).copied().collect();
        (!counts.is_empty()).then(|| counts.into_iter().sum::<SetCounts>().figures())
    };
    let all = |names: &[&str]| {
        names.iter().filter_map(|name| Some(((*name).to_owned(), named_by(name)?))).collect::<Map<_, _>>()
    };
    out.extend(all(&[LINEAGE, WITHOUT_DOCUMENTATION]));
    out.insert("baselines".into(), Value::Object(all(&[EXACT_NAME, GIT_LOG_L])));
    let exact = judged.iter().filter_map(|case| case.counts.get(LINEAGE)).filter(|counts| counts.is_exact());
    out.insert("exact_histories".into(), json!(stats::wilson(exact.count(), judged.len())));
    let times: Vec<f64> = judged.iter().map(|case| case.result.wall_ms as f64).collect();
    out.insert("wall_ms_p50".into(), json!(stats::percentile(&times, 0.5)));
    out
}

fn judge(case: &LineageCase, options: &EvalOptions) -> JudgedCase {
    let (repo, as_of, target) = match asked(case, options) {
        Ok(asked) => asked,
        Err(why) => {
            let result = CaseResult::not(&case.id, "lineage", why);
            return JudgedCase { result, counts: BTreeMap::new() };
        }
    };
    let begun = Instant::now();
    let answer = ask_history(&repo, &RedactionConfig::default(), &as_of, &target, 0..usize::MAX);
    let wall_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let counts = match answer {
        Ok(answer) => counts(case, &repo, &as_of, &answer),
        // A question that fails has named nothing; without its answer the baselines cannot be asked.
        Err(error) => {
            tracing::warn!(event = "eval.case", case = case.id, %error, "no history");
            let missed = |with_documentation: bool| {
                let counted =
                    case.expected.iter().filter(|change| with_documentation || !change.is_documentation);
                SetCounts::of(&BTreeSet::new(), &counted.map(|change| change.commit.clone()).collect())
            };
            BTreeMap::from([(LINEAGE, missed(true)), (WITHOUT_DOCUMENTATION, missed(false))])
        }
    };
    let hit = counts.get(LINEAGE).is_some_and(|counts| counts.is_exact());
    let result = CaseResult::not(&case.id, "lineage", String::new());
    JudgedCase { result: CaseResult { hit, wall_ms, not_judged: None, ..result }, counts }
}

/// The counts of an answer, and of the baselines.
fn counts(
    case: &LineageCase,
    repo: &Repo,
    as_of: &CommitId,
    answer: &HistoryAnswer,
) -> BTreeMap<&'static str, SetCounts> {
    let is_of_lines = matches!(case.place, CasePlace::Lines { .. });
    let counts_step = |step: &&AnsweredStep| match () {
        () if case.declaration_only => declares(step),
        // A block is no other one when what is around it moves.
        () if is_of_lines => step.step.before.is_none() || !step.patch.is_empty(),
        () => true,
    };
    let counted: Vec<&AnsweredStep> = answer.steps.iter().filter(counts_step).collect();
    let commits = |steps: &[&AnsweredStep]| -> BTreeSet<String> {
        let commits = steps.iter().map(|step| step.step.commit.to_string());
        commits.filter(|commit| !case.optional.contains(commit)).collect()
    };
    let named = commits(&counted);
    let expected: BTreeSet<String> = case.expected.iter().map(|change| change.commit.clone()).collect();
    let mut counts = BTreeMap::from([(LINEAGE, SetCounts::of(&named, &expected))]);

    // What only documentation tells apart is left out of both: of what is named, and of what is expected.
    let documented: BTreeSet<&String> =
        case.expected.iter().filter(|change| change.is_documentation).map(|change| &change.commit).collect();
    let only_documentation = |step: &AnsweredStep| {
        let parts = step.step.parts;
        !step.step.is_move()
            && step.step.before.is_some()
            && parts.has(ChangedParts::DOCUMENTATION)
            && !parts.is_code()
            && !parts.has(ChangedParts::COMMENTS)
    };
    let left_out: BTreeSet<String> = counted
        .iter()
        .filter(|step| only_documentation(step))
        .map(|step| step.step.commit.to_string())
        .chain(documented.into_iter().cloned())
        .collect();
    let without = |commits: &BTreeSet<String>| commits.difference(&left_out).cloned().collect();
    let without_documentation = SetCounts::of(&without(&named), &without(&expected));
    counts.insert(WITHOUT_DOCUMENTATION, without_documentation);

    // The types of parameters are no part of the name.
    let is_elsewhere = |step: &&AnsweredStep| {
        let UnitStep { before, unit, namespace_changed, .. } = &step.step;
        let is_other = |before: &FollowedUnit| before.path != unit.path || before.name() != unit.name();
        *namespace_changed || before.as_ref().is_some_and(is_other)
    };
    let same_name = counted.iter().position(is_elsewhere).map_or(counted.len(), |at| at + 1);
    counts.insert(EXACT_NAME, SetCounts::of(&commits(&counted[..same_name]), &expected));
    // The lines of a type hold those of its methods, so that the history of lines is none of its declaration.
    if !case.declaration_only {
        let span = (answer.start_line, answer.end_line);
        match baselines::log_of_lines(repo, as_of, &answer.path, span) {
            Ok(mut lines) => {
                lines.retain(|commit| !case.optional.contains(commit));
                counts.insert(GIT_LOG_L, SetCounts::of(&lines, &expected));
            }
            Err(error) => tracing::warn!(event = "eval.baseline", case = case.id, error, "not compared"),
        }
    }
    counts
}

/// Whether a commit changed how a type is declared, as the oracle counts: its head, its name or its place, but not what it
/// extends.
fn declares(step: &AnsweredStep) -> bool {
    let step = &step.step;
    step.before.is_none() || step.is_move() || step.parts.has(ChangedParts::HEAD)
}

/// What a case asks of which repository.
fn asked(case: &LineageCase, options: &EvalOptions) -> Result<(Repo, CommitId, HistoryTarget), String> {
    let path = options.repository(&case.repository);
    let repo = Repo::open(&path, &options.data_dir).map_err(|error| error.to_string())?;
    let as_of = repo.resolve(&case.at).map_err(|error| error.to_string())?;
    let target = match &case.place {
        CasePlace::Question(question) => HistoryTarget::parse(question).map_err(|error| error.to_string())?,
        CasePlace::Lines { path, start, end } => {
            HistoryTarget::Lines { path: path.clone(), start: *start, end: *end }
        }
        CasePlace::UnitAt { path, line } => {
            let blob = blob_at(&repo, &as_of, path).map_err(|error| error.to_string())?;
            let text = blob.text().map_err(|error| error.to_string())?;
            let units = SourceLanguage::from_path(path).map(|lang| outline(&text, lang)).unwrap_or_default();
            // A declaration begins with its comments there.
            let unit = units.around(LineSpan { start: *line, end: *line }, case.declaration_only);
            let unit = unit.ok_or(format!("{path}:{line} is in no unit"))?;
            HistoryTarget::Unit { path: path.clone(), name: unit.key.clone() }
        }
    };
    Ok((repo, as_of, target))
}

#[cfg(test)]
#[path = "lineage_tests.rs"]
mod tests;
