/*! The figures as a note for a pull request, and as one line for a chat. */

use serde_json::Value;

use crate::results::CaseResult;
use crate::summary::EvalSummary;

/// Figures of a note, with their names there.
const TOLD: [(&str, &str); 16] = [
    ("exact_commit", "exact commit"),
    ("verified_fix", "verified fix"),
    ("fix_precision", "fix precision"),
    ("honest", "honest"),
    ("abstention", "abstention"),
    ("grounding", "grounding"),
    ("safe", "safe"),
    ("calibration_error", "calibration error"),
    ("lines_hit", "guilty lines named"),
    ("ac@1", "first in the ranking"),
    ("mrr", "MRR"),
    ("replay_runs_mean", "replays to the culprit"),
    ("git_bisect_runs_mean", "plain bisect"),
    ("hit@1", "hit@1"),
    ("ga", "grouping accuracy"),
    ("prose", "prose, 1 to 5, in a model's opinion"),
];

fn value(figure: &Value) -> Option<f64> {
    figure.as_f64().or_else(|| figure.get("value")?.as_f64())
}

/// `investigate: 58 cases, exact commit 0.95, …`
pub fn line(summary: &EvalSummary) -> String {
    let mut parts = Vec::new();
    for (task, figures) in &summary.0 {
        let mut told: Vec<String> = Vec::new();
        for (name, words) in TOLD.iter().take(11) {
            if let Some(value) = figures.get(*name).and_then(value) {
                told.push(format!("{words} {value:.2}"));
            }
        }
        let count = |name: &str| figures.get(name).and_then(Value::as_u64).unwrap_or(0);
        let left = match count("not_judged") {
            0 => String::new(),
            left => format!(" ({left} not judged)"),
        };
        parts.push(format!("{task}: {} cases{left}, {}", count("cases"), told.join(", ")));
    }
    parts.join("; ")
}

/// A note with all figures, the figures of each class, and the cases that went wrong.
pub fn markdown(summary: &EvalSummary, results: &[CaseResult]) -> String {
    let mut out = String::from("## Millwright eval\n");
    for (task, figures) in &summary.0 {
        out.push_str(&format!("\n### {task}\n\n| figure | value | 95 % interval |\n|---|---|---|\n"));
        for (name, words) in TOLD {
            let Some(figure) = figures.get(name) else { continue };
            let Some(of) = value(figure) else { continue };
            let end = |name: &str| figure.get(name).and_then(Value::as_f64);
            let interval = match (end("low"), end("high")) {
                (Some(low), Some(high)) => format!("{low:.3} to {high:.3}"),
                _ => String::new(),
            };
            out.push_str(&format!("| {words} | {of:.3} | {interval} |\n"));
        }
        let baselines = figures.get("baselines").and_then(Value::as_object);
        for (name, part) in baselines.into_iter().flatten() {
            let told = TOLD.iter().filter_map(|(name, words)| {
                let of = part.get(*name).and_then(value)?;
                Some(format!("{words} {of:.3}"))
            });
            let told: Vec<String> = told.collect();
            if !told.is_empty() {
                out.push_str(&format!("\nBaseline `{name}`: {}\n", told.join(", ")));
            }
        }
        let classes = figures.get("by_tag").and_then(Value::as_object);
        let classes: Vec<_> =
            classes.into_iter().flatten().filter(|(tag, _)| !tag.starts_with('!')).collect();
        if !classes.is_empty() {
            out.push_str("\n| class | cases | right | not judged |\n|---|---|---|---|\n");
            for (tag, part) in classes {
                let of = |name: &str| part.get(name).and_then(value).unwrap_or(0.0);
                // In the ranking task, an answer is right when the culprit is first.
                let right = if part.get("hit").is_some() { of("hit") } else { of("ac@1") };
                out.push_str(&format!("| {tag} | {} | {right:.2} | {} |\n", of("cases"), of("not_judged")));
            }
        }
    }
    let wrong: Vec<&CaseResult> =
        results.iter().filter(|one| !one.hit && one.task == "investigate").collect();
    if !wrong.is_empty() {
        out.push_str("\n### Not right\n\n");
        for one in wrong.iter().take(100) {
            let why = match (&one.not_judged, &one.verdict) {
                (Some(why), _) => format!("not judged: {}", why.lines().next().unwrap_or_default()),
                (None, Some(verdict)) => {
                    format!(
                        "{verdict}, named {}",
                        one.commit.as_deref().map_or("nothing", |c| c.get(..10).unwrap_or(c))
                    )
                }
                (None, None) => "no answer".into(),
            };
            out.push_str(&format!("- `{}`: {why}\n", one.id));
        }
    }
    let harmful = results.iter().filter_map(|one| Some((one, one.grades.as_ref()?.harm.as_ref()?)));
    for (one, harm) in harmful.filter(|(_, harm)| harm.harmful).take(100) {
        out.push_str(&format!("- `{}` would do harm: {}\n", one.id, harm.why.as_deref().unwrap_or_default()));
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tells_every_class_and_every_miss() {
        let figures = json!({"cases": 2, "not_judged": 1, "exact_commit": {"value": 0.5, "low": 0.1, "high": 0.9},
            "baselines": {"bare": {"exact_commit": {"value": 0.25}, "prose": 4.0}, "other": {}},
            "by_tag": {"data": {"cases": 1, "hit": {"value": 1.0}, "not_judged": 0}, "!data": {"cases": 1}}});
        let summary = EvalSummary(serde_json::Map::from_iter([("investigate".to_owned(), figures)]));
        let results = [CaseResult::not("data-2", "investigate", "no python3\nanywhere".into())];
        assert_eq!(line(&summary), "investigate: 2 cases (1 not judged), exact commit 0.50");
        let note = markdown(&summary, &results);
        assert!(note.contains("| exact commit | 0.500 | 0.100 to 0.900 |"), "{note}");
        assert!(note.contains("| data | 1 | 1.00 | 0 |") && !note.contains("!data"), "{note}");
        let baseline = "Baseline `bare`: exact commit 0.250, prose, 1 to 5, in a model's opinion 4.000\n";
        assert!(note.contains(baseline) && !note.contains("`other`"), "{note}");
        assert!(note.contains("- `data-2`: not judged: no python3\n"), "{note}");
    }
}
