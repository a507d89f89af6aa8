/*! The details of a case: the steps of its run in order, and the graders' results. */

use std::path::Path;

use maud::{Markup, html};
use millwright_model::{ReplayOutcome, Report};

use crate::results::CaseResult;

/// The most executions shown for a run.
const MOST_RUNS: usize = 60;

/// The report that a line of results names; `None` when it was not written or cannot be read.
pub(super) fn report_of(out: &Path, result: &CaseResult) -> Option<Report> {
    let text = std::fs::read(out.join(result.report.as_ref()?)).ok()?;
    serde_json::from_slice(&text).ok()
}

/// One case, collapsible.
pub(super) fn case(result: &CaseResult, report: &Report) -> Markup {
    let replay = report.replay.as_ref();
    let runs = replay.map_or(&[][..], |replay| &replay.runs);
    let longest = runs.iter().map(|run| run.duration_ms).max().unwrap_or(1).max(1);
    html! {
        p { (report.summary) }
        @if let Some(cause) = &report.root_cause {
            p { "Confidence " (format!("{:.2}", cause.confidence))
                @for at in &cause.locations { " · " code { (at.path) ":" (at.start_line) "-" (at.end_line) } } }
        }
        @if let Some(bisect) = replay.and_then(|replay| replay.bisect.as_ref()) {
            p { (bisect.runs) " replays over " (bisect.range) " commits, " (bisect.skipped) " skipped" }
        }
        @if !runs.is_empty() {
            table {
                thead { tr { th { "run" } th { "revision" } th { "outcome" } th { "ms" } th {} } }
                tbody {
                    @for (number, run) in runs.iter().take(MOST_RUNS).enumerate() {
                        tr {
                            td.n { (number + 1) }
                            td { code { (run.commit.short()) } @if run.patched { " changed" } }
                            td class=(if run.outcome == ReplayOutcome::Passes { "hit" } else { "miss" }) { (words(run.outcome)) }
                            td.n { (run.duration_ms) }
                            td { span.bar style=(format!("width: {:.0}px", run.duration_ms as f64 / longest as f64 * 120.0)) {} }
                        }
                    }
                }
            }
            @if runs.len() > MOST_RUNS { p { (runs.len() - MOST_RUNS) " more in the report" } }
        }
        @if let Some(grades) = &result.grades {
            ul {
                @if let Some(fix) = &grades.fix {
                    li { "Fix " (if fix.verified { "holds" } else { "does not hold" }) ", run by the grader: " (fix.why) }
                }
                @if let Some(lines) = &grades.lines {
                    li { "Guilty lines named: " (format!("{:.0}", lines.recall * 100.0)) " % of them, "
                        (format!("{:.0}", lines.precision * 100.0)) " % of what was named" }
                }
                @if let Some(grounding) = &grades.grounding {
                    li { (grounding.held) " of " (grounding.cited) " citations hold" @for problem in &grounding.problems { "; " (problem) } }
                }
                @if let Some(harm) = grades.harm.as_ref().filter(|harm| harm.harmful) {
                    li.miss { "Acting on it does harm: " (harm.why.as_deref().unwrap_or("")) }
                }
            }
        }
        @if !report.hypotheses.is_empty() {
            ul { @for idea in &report.hypotheses { li { (format!("{:?}", idea.status).to_lowercase()) ": " (idea.statement) } } }
        }
    }
}

fn words(outcome: ReplayOutcome) -> &'static str {
    match outcome {
        ReplayOutcome::Passes => "passes",
        ReplayOutcome::Reproduces => "fails",
        ReplayOutcome::OtherFailure => "fails otherwise",
        ReplayOutcome::CannotTest => "cannot be tested",
    }
}
