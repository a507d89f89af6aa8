/*!
Evaluation results: the runs of suites that `millwright eval run` left in this store, with a chart of the newest ones for
each suite and planner.
*/

use std::collections::BTreeMap;

use maud::{Markup, html};
use millwright_agent::report::line;
use millwright_model::{KeptEvaluation, KeyFigure};

use super::{charts, format};

/// Runs that are read; the newest ones of each suite are drawn and listed.
pub(super) const MOST: u32 = 500;
const DRAWN: usize = 30;
const LISTED: usize = 10;

/// The task that judges whole investigations; `rank` alone is a part of some suites.
const TASK: &str = "investigate";

pub(super) fn section(newest_first: &[KeptEvaluation]) -> Markup {
    let mut by: BTreeMap<(&str, &str), Vec<&KeptEvaluation>> = BTreeMap::new();
    for one in newest_first {
        by.entry((one.evaluation.suite.as_str(), one.evaluation.planner.as_str())).or_default().push(one);
    }
    html! {
        section id="evals" {
            h2 { "Measured quality" }
            @if by.is_empty() {
                p { "No suite has been run on this store yet; " code { "millwright eval run nightly --out DIR" }
                    " measures the quality on incidents with known causes." }
            }
            @for ((suite, planner), runs) in &by { (of_suite(&title(suite, planner), runs)) }
        }
    }
}

fn title(suite: &str, planner: &str) -> String {
    format!("{} by {}", line(suite, 40), line(planner, 60))
}

/// One suite and one planner; `runs` has the newest run first.
fn of_suite(title: &str, runs: &[&KeptEvaluation]) -> Markup {
    let points: Vec<(String, [f64; 2])> = runs
        .iter()
        .take(DRAWN)
        .rev()
        .filter_map(|run| {
            let of = |name: &str| run.evaluation.figure(TASK, name).map(|figure| figure.value);
            Some((run.at.day(), [of("exact_commit")?, of("safe")?]))
        })
        .collect();
    html! {
        h3 { (title) }
        @if points.len() > 1 { (charts::shares("Share of cases", ["exact commit", "safe"], &points)) }
        div.scroll tabindex="0" role="region" aria-label=(title) {
            table {
                thead { tr { th scope="col" { "when" } th scope="col" { "program" } th scope="col" { "gate" } th.num scope="col" { "cases" } @for (_, words) in SHOWN { th.num scope="col" { (words) } } } }
                tbody {
                    @for run in runs.iter().take(LISTED) {
                        @let of = |name: &str| run.evaluation.figure(TASK, name);
                        tr {
                            th scope="row" { (format::time(run.at)) }
                            td { (line(&run.evaluation.program, 60)) }
                            td { @if run.evaluation.held() { "held" } @else { "failed: " (line(&run.evaluation.failures.join("; "), 200)) } }
                            td.num { (of("cases").map_or(0.0, |figure| figure.value)) }
                            @for (name, _) in SHOWN { td.num { (figure(of(name))) } }
                        }
                    }
                }
            }
        }
    }
}

const SHOWN: [(&str, &str); 6] = [
    ("exact_commit", "exact commit"),
    ("verified_fix", "verified fix"),
    ("abstention", "abstention"),
    ("grounding", "grounding"),
    ("safe", "safe"),
    ("calibration_error", "calibration error"),
];

fn figure(figure: Option<KeyFigure>) -> String {
    figure.map_or_else(|| "–".to_owned(), |figure| figure.to_string())
}

#[cfg(test)]
mod tests {
    use millwright_model::Evaluation;

    use super::*;

    fn run(at: &str, planner: &str, safe: f64, failures: &[&str]) -> KeptEvaluation {
        let plain = |value| KeyFigure { value, low: None, high: None };
        let figures = [
            ("cases".to_owned(), plain(71.0)),
            ("safe".to_owned(), KeyFigure { value: safe, low: Some(0.9), high: Some(1.0) }),
            ("exact_commit".to_owned(), plain(0.5)),
        ];
        let evaluation = Evaluation {
            suite: "nightly".into(),
            program: "1.0 (<b>abc</b>)".into(),
            planner: planner.into(),
            failures: failures.iter().map(|one| (*one).to_owned()).collect(),
            figures: [(TASK.to_owned(), figures.into())].into(),
            ..Evaluation::default()
        };
        KeptEvaluation { id: "evl_1".parse().unwrap(), at: at.parse().unwrap(), evaluation }
    }

    #[test]
    fn runs_are_drawn_by_suite_and_planner_with_their_intervals() {
        let runs = [
            run("2026-06-02T00:00:00Z", "playbook", 1.0, &[]),
            run("2026-06-01T00:00:00Z", "playbook", 0.95, &["investigate.safe is 0.95, expected at least 1"]),
            run("2026-06-01T00:00:00Z", "some-model", 0.9, &[]),
        ];
        let text = section(&runs).into_string();
        assert_eq!(text.matches("<svg ").count(), 1, "one run makes no line: {text}");
        assert!(text.contains("nightly by playbook") && text.contains("nightly by some-model"), "{text}");
        assert!(text.contains("1.00 (0.90–1.00)") && text.contains("<td class=\"num\">71</td>"), "{text}");
        assert!(text.contains("failed: investigate.safe is 0.95") && text.contains("held"), "{text}");
        assert!(text.contains("&lt;b&gt;abc") && !text.contains("<b>"), "{text}");
        let none = section(&[]).into_string();
        assert!(none.contains("millwright eval run nightly"), "{none}");
    }
}
