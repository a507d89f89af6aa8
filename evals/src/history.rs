/*!
The stored history of suite runs: the figures that people follow over months, what was measured (program, planner, weights),
and whether a figure fell since the run before.
*/

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::time::Duration;

use millwright_culprit::suspects::SignalWeights;
use millwright_model::{Evaluation, Evidence, KeptEvaluation, KeyFigure};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::summary::EvalSummary;

/// Figures in the history. `summary.json` holds all of them.
const KEPT: [&str; 27] = [
    "cases",
    "not_judged",
    "hit",
    "exact_commit",
    "verified_fix",
    "fix_precision",
    "honest",
    "false_verified",
    "false_confirmed",
    "false_known",
    "false_tests",
    "abstention",
    "grounding",
    "safe",
    "calibration_error",
    "brier",
    "symbol_hit",
    "lines_hit",
    "lines_f1",
    "ac@1",
    "ac@5",
    "mrr",
    "replay_runs_mean",
    "git_bisect_runs_mean",
    "input_tokens",
    "output_tokens",
    "cost_usd",
];

/// Shares that are reported when they fall, with their names in `eval history` and in chat messages.
pub const FOLLOWED: [(&str, &str); 9] = [
    ("exact_commit", "exact commit"),
    ("verified_fix", "verified fix"),
    ("fix_precision", "fix precision"),
    ("honest", "honest"),
    ("abstention", "abstention"),
    ("grounding", "grounding"),
    ("safe", "safe"),
    ("ac@1", "first in the ranking"),
    ("mrr", "MRR"),
];

/// The history entry of a suite run. `failures` lists the figures that missed their gate.
pub fn evaluation(
    suite: &str,
    summary: &EvalSummary,
    failures: &[String],
    (program, planner): (&str, &str),
    took: Duration,
) -> Evaluation {
    let mut figures: BTreeMap<String, BTreeMap<String, KeyFigure>> = BTreeMap::new();
    for (task, of) in &summary.0 {
        figures.insert(task.clone(), kept(of));
        for (name, baseline) in of.get("baselines").and_then(Value::as_object).into_iter().flatten() {
            figures.insert(format!("{task}/{name}"), kept(baseline));
        }
    }
    figures.retain(|_, of| !of.is_empty());
    Evaluation {
        suite: suite.to_owned(),
        program: program.to_owned(),
        planner: planner.to_owned(),
        weights: weights(),
        failures: failures.to_vec(),
        wall_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        figures,
    }
}

fn kept(of: &Value) -> BTreeMap<String, KeyFigure> {
    let figure = |name: &&str| {
        let figure = of.get(*name)?;
        let end = |name: &str| figure.get(name).and_then(Value::as_f64);
        let value = figure.as_f64().or_else(|| end("value"))?;
        Some(((*name).to_owned(), KeyFigure { value, low: end("low"), high: end("high") }))
    };
    KEPT.iter().filter_map(figure).collect()
}

/// A hash of the shipped weights, which suites use for ranking: 12 hex digits.
fn weights() -> String {
    let table: Vec<String> =
        SignalWeights::default().iter().map(|(name, weight)| format!("{name} {weight}")).collect();
    Evidence::hash(&table.join("\n")).chars().take(12).collect()
}

/// Identifies this build of the program: its version, and the commit it was built from, or a hash of the executable when the
/// build did not know the commit.
pub fn program(version: &str, commit: Option<&str>) -> String {
    let known = commit.map(str::trim).filter(|commit| !commit.is_empty());
    let build = match known {
        Some(commit) => commit.chars().take(12).collect(),
        None => match hash_of_program() {
            Ok(hash) => format!("sha256:{}", hash.get(..12).unwrap_or(&hash)),
            Err(error) => format!("unknown build: {error}"),
        },
    };
    format!("{version} ({build})")
}

fn hash_of_program() -> io::Result<String> {
    let mut hash = Sha256::new();
    let (mut file, mut part) = (File::open(std::env::current_exe()?)?, vec![0; 1 << 20]);
    loop {
        match file.read(&mut part)? {
            0 => break,
            count => hash.update(&part[..count]),
        }
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The figures that fell since `before` by more than chance explains: below their interval in that run. One line each, such
/// as `investigate safe 1.00 → 0.90 (was 0.95 to 1.00)`. Ignores baselines, and tasks whose number of cases changed.
pub fn fell(before: &KeptEvaluation, now: &Evaluation) -> Vec<String> {
    let mut out = Vec::new();
    for (task, figures) in now.figures.iter().filter(|(task, _)| !task.contains('/')) {
        let cases = |of: Option<KeyFigure>| of.map(|figure| figure.value);
        if cases(now.figure(task, "cases")) != cases(before.evaluation.figure(task, "cases")) {
            continue;
        }
        for (name, words) in FOLLOWED {
            let (Some(now), Some(then)) = (figures.get(name), before.evaluation.figure(task, name)) else {
                continue;
            };
            let low = then.low.unwrap_or(then.value);
            if now.value < low {
                let high = then.high.unwrap_or(then.value);
                out.push(format!(
                    "{task} {words} {:.2} → {:.2} (was {low:.2} to {high:.2})",
                    then.value, now.value
                ));
            }
        }
    }
    out
}

/// The run to compare with: the newest of the same suite and planner in `kept`, which is sorted newest first.
pub fn before<'k>(kept: &'k [KeptEvaluation], now: &Evaluation) -> Option<&'k KeptEvaluation> {
    kept.iter().find(|one| one.evaluation.suite == now.suite && one.evaluation.planner == now.planner)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn evaluated(safe: Value) -> Evaluation {
        let figures = json!({"cases": 4, "safe": safe, "by_tag": {"x": {"safe": 0.0}}, "wall_ms_p50": 3.0,
            "baselines": {"bare": {"exact_commit": {"value": 0.5, "low": 0.1, "high": 0.9}}, "text": {"odd": 1}}});
        let summary = EvalSummary(serde_json::Map::from_iter([("investigate".to_owned(), figures)]));
        evaluation("smoke", &summary, &[], ("1 (abc)", "playbook"), Duration::from_secs(2))
    }

    #[test]
    fn keeps_what_is_followed_with_its_interval_and_the_baselines_beside_it() {
        let kept = evaluated(json!({"value": 1.0, "low": 0.51, "high": 1.0}));
        let names: Vec<&String> = kept.figures.keys().collect();
        assert_eq!(names, ["investigate", "investigate/bare"]);
        let safe = kept.figure("investigate", "safe").unwrap();
        assert_eq!((safe.value, safe.low, safe.high), (1.0, Some(0.51), Some(1.0)));
        assert_eq!(kept.figures["investigate"].len(), 2);
        assert_eq!(kept.figure("investigate/bare", "exact_commit").unwrap().value, 0.5);
        assert_eq!((kept.weights.len(), kept.wall_ms), (12, 2000));
    }

    #[test]
    fn a_figure_fell_when_it_left_the_interval_it_had() {
        let then = KeptEvaluation {
            id: "evl_1".parse().unwrap(),
            at: millwright_model::Timestamp::UNIX_EPOCH,
            evaluation: evaluated(json!({"value": 1.0, "low": 0.95, "high": 1.0})),
        };
        let check = |safe: f64, expected: &[&str]| {
            assert_eq!(fell(&then, &evaluated(json!({"value": safe}))), expected, "{safe}");
        };
        check(1.0, &[]);
        check(0.96, &[]);
        check(0.9, &["investigate safe 1.00 → 0.90 (was 0.95 to 1.00)"]);
        let mut fewer = evaluated(json!({"value": 0.5}));
        for figures in fewer.figures.values_mut() {
            figures.insert("cases".into(), KeyFigure { value: 3.0, ..KeyFigure::default() });
            figures.insert("exact_commit".into(), KeyFigure::default());
        }
        assert_eq!(fell(&then, &fewer), Vec::<String>::new(), "other cases are no measure");
        let other = Evaluation { planner: "a model".into(), ..evaluated(json!(1.0)) };
        assert!(before(std::slice::from_ref(&then), &other).is_none());
        assert_eq!(before(std::slice::from_ref(&then), &evaluated(json!(1.0))), Some(&then));
    }

    #[test]
    fn a_build_is_told_from_others_with_and_without_its_commit() {
        assert_eq!(program("1.2.0", Some("0123456789abcdef")), "1.2.0 (0123456789ab)");
        let hashed = program("1.2.0", Some(" "));
        assert!(
            hashed.starts_with("1.2.0 (sha256:") && hashed.len() == "1.2.0 (sha256:)".len() + 12,
            "{hashed}"
        );
    }
}
