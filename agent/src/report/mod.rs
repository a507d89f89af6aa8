/*!
The report that a person reads, in four formats of one [`Report`].

`narrative` (what was proven and how, what to do next) and `phrasing` (the names of verdicts and outcomes, the
sentences about a fix) decide the content once, so that the formats differ in form only. Everything in a report may
come from a hostile ticket or repository: each format neutralises it for its own medium (`text` for terminals,
escaping for Markdown and HTML). JSON is exactly the schema.
*/

mod bisect_chart;
mod cited;
mod context;
pub(crate) mod diff;
mod executed;
mod html;
mod html_fix;
mod json;
mod markdown;
mod narrative;
pub(crate) mod phrasing;
mod terminal;
mod terminal_page;
mod text;

pub use cited::spans;
pub use context::{
    BisectCandidate, BisectStep, BisectView, CitedEvidence, CommitView, RenderContext, ReportFormat,
};
pub use html::{STYLE, answer, grounds};
pub use html_fix::patch_table;
pub use narrative::summarise;
pub use phrasing::{
    cause_heading, fix_sentences, proof_words, remembered_fix_sentences, verdict_meaning, verdict_word,
};
pub use text::{block as plain, duration, line, shell_word, shorten};

use millwright_model::Report;

/// Writes `report` in `format`. Pure; never fails; ends with a newline.
pub fn render(report: &Report, context: &RenderContext, format: ReportFormat) -> String {
    match format {
        ReportFormat::Text => terminal::render(report, context),
        ReportFormat::Json => json::render(report),
        ReportFormat::Markdown => markdown::render(report, context),
        ReportFormat::Html => html::render(report, context),
    }
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
