/*!
`report.html`: the figures of an eval with their intervals and baselines, plots, and every case with its result and the steps
of its run, in one self-contained file.
*/

use std::path::Path;

use maud::{DOCTYPE, Markup, html};
use serde_json::Value;

use super::{note, plots, timeline};
use crate::EvalError;
use crate::results::CaseResult;
use crate::summary::EvalSummary;

const STYLE: &str = "
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: .5rem 0 1.5rem; }
th, td { padding: .2rem .7rem; text-align: left; border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent); }
figure { margin: 1rem 0; } figcaption { margin-bottom: .3rem; } svg { max-width: 100%; height: auto; }
.plots { display: flex; flex-wrap: wrap; gap: 1rem; }
details { border-bottom: 1px solid color-mix(in srgb, currentColor 15%, transparent); padding: .3rem 0; }
summary { cursor: pointer; }
td.n { text-align: right; font-variant-numeric: tabular-nums; }
.bar { display: inline-block; height: .6rem; background: currentColor; opacity: .55; vertical-align: middle; }
.miss { color: #b3261e; } .hit { color: #1a7f37; }
@media (prefers-color-scheme: dark) { .miss { color: #ff8a80; } .hit { color: #7ee787; } }
";

/// Writes the page.
///
/// # Errors
/// When the file cannot be written.
pub fn write(path: &Path, summary: &EvalSummary, results: &[CaseResult]) -> Result<(), EvalError> {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                title { "Millwright eval" }
                style { (maud::PreEscaped(STYLE)) }
            }
            body {
                h1 { "Millwright eval" }
                p { (note::line(summary)) }
                @for (task, figures) in &summary.0 {
                    h2 { (task) }
                    (figures_table(figures))
                    @if let Some(note) = figures.get("prose_note").and_then(Value::as_str) { p { "prose: " (note) } }
                    (plotted("Right answers by class", plots::by_class(figures)))
                    @if task == "investigate" {
                        div.plots {
                            (plotted("Calibration: the line is perfect calibration", plots::calibration(results)))
                            (plotted("Effort: below the line is cheaper than plain bisect", plots::bisect_effort(results)))
                            (plotted("Cost against accuracy, by class", plots::cost_against_accuracy(results)))
                        }
                    }
                    @if let Some(memory) = figures.get("memory") { (memory_part(memory)) }
                    @for (heading, key) in [("Baselines", "baselines"), ("By repository", "by_repo"), ("By tag", "by_tag")] {
                        @if let Some(parts) = figures.get(key).and_then(Value::as_object).filter(|parts| !parts.is_empty() && tells(key, parts, figures)) {
                            h3 { (heading) }
                            (parts_table(parts))
                        }
                    }
                }
                @if !results.is_empty() {
                    h2 { "Cases" }
                    (cases_table(results))
                    (timelines(path.parent().unwrap_or(Path::new("")), results))
                }
            }
        }
    };
    std::fs::write(path, page.into_string()).map_err(|source| EvalError::Io {
        action: "writing",
        path: path.to_owned(),
        source,
    })
}

/// A plot with its heading; empty without a plot.
fn plotted(heading: &str, svg: Option<String>) -> Markup {
    html! {
        // We draw the plot from numbers, and the library escapes its texts.
        @if let Some(svg) = svg { figure { figcaption { (heading) } (maud::PreEscaped(svg)) } }
    }
}

/// Every case with its report, collapsed.
fn timelines(out: &Path, results: &[CaseResult]) -> Markup {
    let told: Vec<_> =
        results.iter().filter_map(|result| Some((result, timeline::report_of(out, result)?))).collect();
    html! {
        @if !told.is_empty() {
            h2 { "Runs" }
            @for (result, report) in &told {
                details id=(format!("run-{}", result.id)) {
                    summary class=(if result.hit { "hit" } else { "miss" }) { (result.id) ": " (report.verdict.as_str()) }
                    (timeline::case(result, report))
                }
            }
        }
    }
}

fn figures_table(figures: &Value) -> Markup {
    html! {
        table {
            thead { tr { th { "figure" } th { "value" } th { "95 % interval" } th {} } }
            tbody {
                @for (name, figure) in figures.as_object().into_iter().flatten() {
                    @if let Some(value) = value_of(figure) {
                        tr {
                            td { (name) }
                            td.n { @match figure.as_u64() { Some(count) => (count), None => (shown(value)) } }
                            td.n {
                                @if let (Some(low), Some(high)) = (number(figure, "low"), number(figure, "high")) {
                                    (shown(low)) " to " (shown(high))
                                }
                            }
                            td { @if (0.0..=1.0).contains(&value) && figure.is_object() {
                                span.bar style=(format!("width: {:.0}px", value * 160.0)) {}
                            } }
                        }
                    }
                }
            }
        }
    }
}

/// Whether a table of parts says more than the list of cases. It does not where almost every case has its own repository.
fn tells(key: &str, parts: &serde_json::Map<String, Value>, figures: &Value) -> bool {
    let cases = figures.get("cases").and_then(Value::as_u64).unwrap_or(0);
    key != "by_repo" || parts.len() < 2 || (parts.len() as u64) * 2 < cases
}

/// A table with the same figures for each part of the cases.
fn parts_table(parts: &serde_json::Map<String, Value>) -> Markup {
    const COLUMNS: [&str; 22] = [
        "cases",
        "not_judged",
        "hit",
        "ac@1",
        "ac@3",
        "ac@5",
        "mrr",
        "exact_commit",
        "verified_fix",
        "fix_precision",
        "honest",
        "false_verified",
        "false_confirmed",
        "false_known",
        "false_tests",
        "lines_hit",
        "safe",
        "replay_runs_mean",
        "abstention",
        "calibration_error",
        "cost_usd",
        "ga",
    ];
    let has = |column: &str| parts.values().any(|part| part.get(column).and_then(value_of).is_some());
    let columns: Vec<&str> = COLUMNS.into_iter().filter(|column| has(column)).collect();
    html! {
        table {
            thead { tr { th {} @for column in &columns { th { (column) } } } }
            tbody {
                // The parts without a tag are in the summary for comparison. Here they would hide the tags.
                @for (name, part) in parts.iter().filter(|(name, _)| !name.starts_with('!')) {
                    tr {
                        td { (name) }
                        @for column in &columns {
                            @let figure = part.get(*column);
                            td.n { @if let Some(value) = figure.and_then(value_of) {
                                @match figure.and_then(Value::as_u64) { Some(count) => (count), None => (shown(value)) }
                            } }
                        }
                    }
                }
            }
        }
    }
}

/// Results with memory off and on, and the learning curve.
fn memory_part(memory: &Value) -> Markup {
    const PARTS: [(&str, &str); 5] = [
        ("all", "all cases"),
        ("seen_culprit", "culprit seen before"),
        ("seen_unit", "unit seen before"),
        ("unseen", "neither seen before"),
        ("planted", "with something planted"),
    ];
    let figure = |part: &Value, side: &str, name: &str| {
        part.get(side).and_then(|side| side.get(name)).and_then(value_of).map(shown).unwrap_or_default()
    };
    let names = |key: &str| -> String {
        let ids = memory.get(key).and_then(Value::as_array).into_iter().flatten();
        let ids: Vec<&str> = ids.filter_map(Value::as_str).collect();
        if ids.is_empty() { "none".into() } else { ids.join(", ") }
    };
    html! {
        h3 { "Memory: " (memory.get("mode").and_then(Value::as_str).unwrap_or("")) }
        table {
            thead { tr { th {} th { "cases" } th { "ac@1 off" } th { "ac@1 on" } th { "mrr off" } th { "mrr on" } th { "gain" } } }
            tbody {
                @for (key, name) in PARTS {
                    @if let Some(part) = memory.get(key) {
                        tr {
                            td { (name) }
                            td.n { (part.get("cases").and_then(value_of).map(shown).unwrap_or_default()) }
                            @for (side, name) in [("off", "ac@1"), ("on", "ac@1"), ("off", "mrr"), ("on", "mrr")] {
                                td.n { (figure(part, side, name)) }
                            }
                            td.n { (part.get("mrr_gain").and_then(value_of).map(shown).unwrap_or_default()) }
                        }
                    }
                }
            }
        }
        p { "Right without memory and wrong with it: " span.miss { (names("harmed")) } }
        p { "Wrong without memory and right with it: " span.hit { (names("helped")) } }
        (curve(memory.get("curve").and_then(Value::as_array).map_or(&[], Vec::as_slice)))
        (plotted("Executions, case by case", plots::learning(memory)))
    }
}

/// Mean reciprocal rank so far, after each case, without memory (dashed) and with it.
fn curve(points: &[Value]) -> Markup {
    const WIDTH: f64 = 640.0;
    const HEIGHT: f64 = 200.0;
    let line = |side: usize| -> String {
        let last = points.len().saturating_sub(1).max(1) as f64;
        let at = |(number, point): (usize, &Value)| {
            let value = point.get(side).and_then(Value::as_f64).unwrap_or(0.0);
            format!("{:.1},{:.1}", number as f64 / last * WIDTH, (1.0 - value) * HEIGHT)
        };
        points.iter().enumerate().map(at).collect::<Vec<_>>().join(" ")
    };
    html! {
        @if points.len() > 1 {
            svg viewBox=(format!("-30 -10 {} {}", WIDTH + 40.0, HEIGHT + 30.0)) width=(WIDTH) role="img" {
                title { "Mean reciprocal rank after each case: dashed without memory, solid with it" }
                @for (value, y) in [("1", 0.0), (".5", HEIGHT / 2.0), ("0", HEIGHT)] {
                    line x1="0" y1=(y) x2=(WIDTH) y2=(y) stroke="currentColor" stroke-opacity=".15" {}
                    text x="-24" y=(y + 4.0) font-size="11" fill="currentColor" { (value) }
                }
                polyline points=(line(1)) fill="none" stroke="currentColor" stroke-dasharray="5 4" {}
                polyline points=(line(2)) fill="none" stroke="#1a7f37" stroke-width="2" {}
            }
        }
    }
}

fn cases_table(results: &[CaseResult]) -> Markup {
    html! {
        table {
            thead { tr { th { "case" } th { "answer" } th { "rank of the truth" } th { "verdict" } th { "commit named" } th { "replays" } th { "ms" } } }
            tbody {
                @for result in results {
                    tr {
                        td { @match &result.report { Some(_) => a href=(format!("#run-{}", result.id)) { (result.id) }, None => (result.id) } }
                        td class=(if result.hit { "hit" } else { "miss" }) {
                            @match &result.not_judged {
                                Some(why) => { "not judged: " (why) }
                                None => (if result.hit { "right" } else { "wrong" })
                            }
                        }
                        td.n { @if let Some(rank) = result.rank { (rank) } }
                        td { @if let Some(verdict) = &result.verdict { (verdict) } }
                        td { @if let Some(commit) = &result.commit { code { (commit.get(..10).unwrap_or(commit)) } } }
                        td.n { @if let Some(runs) = result.replay_runs { (runs) } }
                        td.n { (result.wall_ms) }
                    }
                }
            }
        }
    }
}

fn number(figure: &Value, name: &str) -> Option<f64> {
    figure.get(name).and_then(Value::as_f64)
}

fn value_of(figure: &Value) -> Option<f64> {
    figure.as_f64().or_else(|| number(figure, "value"))
}

fn shown(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() >= 2.0 { format!("{value:.0}") } else { format!("{value:.3}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_figures_and_cases_and_escapes_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.html");
        let figures = serde_json::json!({"mrr": {"value": 0.5, "low": 0.4, "high": 0.6}, "cases": 3,
            "memory": {"mode": "sequential", "all": {"cases": 3, "off": {"ac@1": {"value": 0.25}, "mrr": 0.5},
                "on": {"ac@1": {"value": 0.75}, "mrr": 0.875}, "mrr_gain": 0.375},
                "harmed": ["<i>"], "helped": [], "curve": [[1, 0.5, 0.5], [2, 0.5, 0.875]]},
            "by_tag": {"<b>": {"cases": 1, "mrr": {"value": 1.0, "low": 1.0, "high": 1.0}}}});
        let summary = EvalSummary(serde_json::Map::from_iter([("rank".to_owned(), figures)]));
        let result = CaseResult {
            id: "<script>".into(),
            task: "rank".into(),
            hit: false,
            rank: Some(4),
            verdict: None,
            commit: None,
            replay_runs: None,
            wall_ms: 12,
            not_judged: None,
            report: None,
            tags: Vec::new(),
            grades: None,
        };
        write(&path, &summary, &[result]).unwrap();
        let page = std::fs::read_to_string(path).unwrap();
        for wanted in [
            "0.400 to 0.600",
            "&lt;script&gt;",
            "&lt;b&gt;",
            "wrong",
            "0.875",
            "&lt;i&gt;",
            "0.0,100.0 640.0,25.0",
        ] {
            assert!(page.contains(wanted), "{wanted} is missing in {page}");
        }
        assert!(!page.contains("<script"));
    }
}
