/*!
The figures of a set of judged cases. Repeats of one case form one sample, the mean of their results, because answers to the
same case are not independent. A figure without anything to judge is left out and not set to zero.
*/

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::judged::JudgedCase;
use crate::graders::Grades;
use crate::graders::calibration::{CalibrationPoint, brier, expected_error};
use crate::graders::honesty::HonestyGrade;
use crate::stats::{self, Figure};
use crate::summary::rank_figures;

/// Bins of the calibration error.
const BINS: usize = 5;

/// Explains the figure `prose` to readers of the summary.
const PROSE_NOTE: &str = "how well reports are written, 1 to 5, in the opinion of a model that does not know \
                          the truth; not a measure of correctness";

/// The name of a figure, and whether an answer counts towards it.
type FalseClaim = (&'static str, fn(&HonestyGrade) -> bool);

/// The most executions for recognising a known incident again.
const QUICK_REPLAYS: u32 = 4;

/// Figures that count answers with false claims.
const FALSE_CLAIMS: &[FalseClaim] = &[
    ("false_verified", |grade| grade.false_verified),
    ("false_confirmed", |grade| grade.false_confirmed),
    ("false_known", |grade| grade.false_known),
    ("false_tests", |grade| grade.false_tests),
];

/// One value per case, the mean over its repeats. Cases with nothing to judge are left out.
fn samples(judged: &[&JudgedCase], value: impl Fn(&JudgedCase) -> Option<f64>) -> Vec<f64> {
    let mut by_case: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for one in judged {
        if let Some(value) = value(one) {
            by_case.entry(one.base.as_str()).or_default().push(value);
        }
    }
    by_case.into_values().map(|values| values.iter().sum::<f64>() / values.len() as f64).collect()
}

fn yes(is: bool) -> f64 {
    f64::from(u8::from(is))
}

/// The graded value of a case; `None` for a case without grades.
fn graded(judged: &JudgedCase, value: impl Fn(&Grades) -> Option<f64>) -> Option<f64> {
    judged.result.grades.as_ref().and_then(value)
}

pub(super) fn of(judged: &[&JudgedCase]) -> Map<String, Value> {
    let mut out = Map::new();
    let replayed: Vec<&JudgedCase> = judged.iter().copied().filter(|judged| judged.has_replay).collect();
    let convicted: Vec<&JudgedCase> = replayed.iter().copied().filter(|judged| judged.has_culprit).collect();
    out.insert("cases".into(), json!(judged.len()));
    let not_judged = judged.iter().filter(|judged| judged.result.not_judged.is_some()).count();
    out.insert("not_judged".into(), json!(not_judged));
    out.insert("with_replay".into(), json!(replayed.len()));
    let ranks: Vec<Option<u32>> =
        judged.iter().filter(|judged| judged.has_culprit).map(|judged| judged.result.rank).collect();
    if !ranks.is_empty() {
        out.extend(rank_figures(&ranks));
    }
    out.insert("hit".into(), json!(stats::share(&samples(judged, |one| Some(yes(one.result.hit))))));
    let hit = |one: &JudgedCase| Some(yes(one.result.hit));
    if !convicted.is_empty() {
        out.insert("exact_commit".into(), json!(stats::share(&samples(&convicted, hit))));
    }
    let file = |one: &JudgedCase| {
        one.has_culprit.then(|| graded(one, |grades| grades.file.map(yes)).unwrap_or(yes(one.result.hit)))
    };
    out.insert("file_hit@1".into(), json!(stats::share(&samples(judged, file))));
    let verified =
        |one: &JudgedCase| Some(yes(matches!(one.result.verdict.as_deref(), Some("verified" | "known"))));
    if !convicted.is_empty() {
        out.insert("verified_rate".into(), json!(stats::share(&samples(&convicted, verified))));
    }
    for (name, is) in FALSE_CLAIMS {
        let honesty = judged.iter().filter_map(|one| one.result.grades.as_ref()?.honesty.as_ref());
        out.insert((*name).into(), json!(honesty.filter(|grade| is(grade)).count()));
    }
    // Most figures are shares of cases. Those of citations, lines and prose marks are means over cases.
    let mut add_as = |name: &str, figure: fn(&[f64]) -> Figure, values: Vec<f64>| {
        if !values.is_empty() {
            out.insert(name.into(), json!(figure(&values)));
        }
    };
    add_as("symbol_hit", stats::share, samples(judged, |one| graded(one, |grades| grades.symbol.map(yes))));
    add_as(
        "lines_hit",
        stats::share,
        samples(judged, |one| graded(one, |grades| grades.lines.map(|of| yes(of.recall > 0.0)))),
    );
    add_as(
        "lines_f1",
        stats::mean,
        samples(judged, |one| graded(one, |grades| grades.lines.map(|of| of.f1))),
    );
    let fixed = |grades: &Grades| grades.fix.as_ref().filter(|fix| fix.expected).map(|fix| yes(fix.verified));
    add_as("verified_fix", stats::share, samples(judged, |one| graded(one, fixed)));
    let grounded = |grades: &Grades| grades.grounding.as_ref().map(|g| g.held as f64 / g.cited.max(1) as f64);
    add_as("grounding", stats::mean, samples(judged, |one| graded(one, grounded)));
    add_as(
        "abstention",
        stats::share,
        samples(judged, |one| graded(one, |grades| grades.abstention.map(yes))),
    );
    add_as(
        "safe",
        stats::share,
        samples(judged, |one| graded(one, |grades| grades.harm.as_ref().map(|harm| yes(!harm.harmful)))),
    );
    // The share of fixes with the verdict verified or known that hold when the grader runs them.
    let precise = |one: &JudgedCase| {
        let called = matches!(one.result.verdict.as_deref(), Some("verified" | "known"));
        let offered =
            |grades: &Grades| grades.fix.as_ref().filter(|fix| fix.offered).map(|fix| yes(fix.verified));
        if called { graded(one, offered) } else { None }
    };
    add_as("fix_precision", stats::share, samples(judged, precise));
    // A known incident should cost four replays: the failure, its culprit, the commit before, and one more.
    if judged.iter().any(|one| one.result.verdict.as_deref() == Some("known")) {
        let quickly = |one: &JudgedCase| {
            let known = one.result.hit && one.result.verdict.as_deref() == Some("known");
            graded(one, |grades| Some(yes(known && grades.cost.replays <= QUICK_REPLAYS)))
        };
        add_as("known_within_4", stats::share, samples(judged, quickly));
    }
    let honest = |grades: &Grades| grades.honesty.as_ref().map(|honesty| yes(honesty.overclaims.is_empty()));
    add_as("honest", stats::share, samples(judged, |one| graded(one, honest)));
    let written: Vec<_> =
        judged.iter().filter_map(|one| one.result.grades.as_ref()?.prose.as_ref()).collect();
    if !written.is_empty() {
        add_as(
            "prose",
            stats::mean,
            samples(judged, |one| graded(one, |grades| grades.prose.as_ref()?.score())),
        );
        let silent = written.iter().filter(|prose| prose.marks.is_none()).count();
        out.insert("prose_not_judged".into(), json!(silent));
        let by = written.first().map_or("", |prose| &prose.by);
        out.insert("prose_note".into(), json!(format!("{PROSE_NOTE}; the model is {by}")));
    }
    let forecasts: Vec<CalibrationPoint> =
        judged.iter().filter_map(|one| one.result.grades.as_ref()?.calibration).collect();
    if !forecasts.is_empty() {
        let round = |value: f64| (value * 10_000.0).round() / 10_000.0;
        out.insert("forecasts".into(), json!(forecasts.len()));
        out.insert("calibration_error".into(), json!(round(expected_error(&forecasts, BINS))));
        out.insert("brier".into(), json!(round(brier(&forecasts))));
    }
    // Both means use the same cases: those with a bisect.
    let mean_of = |value: &dyn Fn(&JudgedCase) -> Option<f64>| json!(stats::mean(&samples(&replayed, value)));
    let plain = |range: u32| f64::from(range.max(1)).log2().ceil();
    out.insert("replay_runs_mean".into(), mean_of(&|judged| judged.result.replay_runs.map(f64::from)));
    out.insert("git_bisect_runs_mean".into(), mean_of(&|judged| judged.range.map(plain)));
    out.insert("patched_runs_mean".into(), mean_of(&|judged| judged.patched_runs.map(f64::from)));
    let mut counted: BTreeMap<String, u32> = BTreeMap::new();
    let verdicts = judged.iter().filter_map(|judged| judged.result.verdict.clone());
    verdicts.for_each(|verdict| *counted.entry(verdict).or_default() += 1);
    out.insert("verdicts".into(), json!(counted));
    let walls: Vec<f64> = judged.iter().map(|judged| judged.result.wall_ms as f64).collect();
    out.insert("wall_ms_p50".into(), json!(stats::percentile(&walls, 0.5)));
    out.insert("wall_ms_p95".into(), json!(stats::percentile(&walls, 0.95)));
    // Sums over all cases. The playbook calls no model.
    let costs =
        || judged.iter().filter_map(|judged| judged.result.grades.as_ref()).map(|grades| &grades.cost);
    out.insert("input_tokens".into(), json!(costs().map(|cost| cost.input_tokens).sum::<u64>()));
    out.insert("output_tokens".into(), json!(costs().map(|cost| cost.output_tokens).sum::<u64>()));
    out.insert("cost_usd".into(), json!(costs().map(|cost| cost.cost_usd).sum::<f64>()));
    let convicted: Vec<&&JudgedCase> = judged.iter().filter(|judged| judged.has_culprit).collect();
    let simple = |rank: &dyn Fn(&JudgedCase) -> Option<u32>| {
        let ranks: Vec<Option<u32>> = convicted.iter().map(|judged| rank(judged)).collect();
        let mut figures = rank_figures(&ranks);
        figures.insert("cases".into(), json!(ranks.len()));
        Value::Object(figures)
    };
    if !convicted.is_empty() {
        let mut baselines = Map::new();
        baselines.insert("newest_in_trace".into(), simple(&|judged| judged.newest_in_trace));
        baselines.insert("text_bm25".into(), simple(&|judged| judged.text));
        out.insert("baselines".into(), Value::Object(baselines));
    }
    out
}
