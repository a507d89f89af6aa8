/*!
The fix on the page: the fix and the checks that ran on it, the candidates that did not hold, and any diff as a table.
*/

use maud::{Markup, html};
use millwright_model::{Fix, Report, TestsResult};

use super::diff::{self, DiffLine, DiffLineKind, ReportDiff};
use super::html::chip;
use super::phrasing;
use super::text::{block, line};

/// Maximum number of lines shown of one diff.
const MAX_DIFF_LINES: usize = 600;

pub(super) fn fix(report: &Report) -> Markup {
    let Some(fix) = &report.fix else { return html! {} };
    let parsed = diff::parse(&fix.diff);
    html! {
        section {
            h2 { "Fix" }
            p { (phrasing::fix_words(fix, &parsed)) }
            ul.chips {
                li.(chip(fix.replay)) { "replay: " (phrasing::check_words(fix.replay)) }
                li.(tests_chip(fix.tests)) { "project tests: " (phrasing::tests_words(fix.tests)) }
                li { (phrasing::proof_words(fix.proof)) }
            }
            @if let Some(detail) = &fix.tests_detail { p.dim { (line(&detail.because, 600)) } }
            @if let Some(check) = &fix.four_way {
                p.dim { (line(&phrasing::four_way_sentence(check), 400)) }
                @if let Some(example) = check.example.as_deref().filter(|_| check.contradicted > 0) {
                    p { "Contradicted: " (line(example, 600)) }
                }
                @if !check.on_purpose.is_empty() {
                    p { "It also changes:" }
                    ul { @for item in check.on_purpose.iter().take(5) { li { (line(item, 300)) } } }
                }
            }
            @if !fix.takes_away.is_empty() {
                p { "What it removes:" }
                ul { @for item in fix.takes_away.iter().take(12) { li { (line(item, 300)) } } }
            }
            (diff_table(&parsed, "The fix"))
        }
    }
}

pub(super) fn tried(report: &Report) -> Markup {
    html! {
        @if !report.tried.is_empty() {
            section {
                h2 { "Tried, but not verified" }
                @for tried in report.tried.iter().take(5) {
                    @let parsed = diff::parse(&tried.diff);
                    details {
                        summary {
                            (phrasing::fix_words(&Fix::untested(tried.kind, String::new()), &parsed)) ": "
                            (line(&tried.because, 600))
                        }
                        (diff_table(&parsed, "Tried"))
                    }
                }
            }
        }
    }
}

fn tests_chip(result: TestsResult) -> &'static str {
    match result {
        TestsResult::Pass => "good",
        TestsResult::Fail => "bad",
        TestsResult::NotComparable | TestsResult::CouldNotRun | TestsResult::NotRun => "open",
    }
}

/// The hunks of one file as a table: a unified diff without file headers.
pub fn patch_table(path: &str, hunks: &str, label: &str) -> Markup {
    // A name with a line break would be read as more than a header.
    let path = line(path, 300);
    diff_table(&diff::parse(&format!("--- a/{path}\n+++ b/{path}\n{hunks}")), label)
}

pub(super) fn diff_table(parsed: &ReportDiff, label: &str) -> Markup {
    let shown = parsed.clone().bounded(MAX_DIFF_LINES);
    html! {
        @for file in &shown.files {
            figure.diff {
                figcaption {
                    code { (line(&file.path, 300)) }
                    @for note in file.notes.iter().take(4) { span.dim { " " (line(note, 160)) } }
                }
                div.scroll tabindex="0" role="region" aria-label=(format!("{label}: {}", line(&file.path, 200))) {
                    table {
                        @for hunk in &file.hunks {
                            tbody.guilty[hunk.is_guilty()] {
                                tr.hunk { td colspan="4" { "⋯ " (line(&hunk.section, 160)) } }
                                @for diff_line in &hunk.lines { (diff_row(diff_line)) }
                            }
                        }
                    }
                }
            }
        }
        @if shown.truncated { p.dim { "The rest of the diff is left out." } }
    }
}

fn diff_row(diff_line: &DiffLine) -> Markup {
    let (class, sign) = match diff_line.kind {
        DiffLineKind::Added => ("add", "+"),
        DiffLineKind::Removed => ("del", "−"),
        DiffLineKind::Context => ("same", ""),
    };
    html! {
        tr.(class).guilty[diff_line.guilty] {
            td.no { @if diff_line.kind != DiffLineKind::Added { (diff_line.old) } }
            td.no { @if diff_line.kind != DiffLineKind::Removed { (diff_line.new) } }
            td.sign { (sign) @if diff_line.guilty { span.sr { " guilty" } } }
            td.text { (line_of_code(&diff_line.text)) }
        }
    }
}

fn line_of_code(text: &str) -> String {
    super::text::shorten(&block(text).replace('\n', " "), 1_000)
}
