/*!
The report a person reads, in four formats over one [`Report`].

What is worth saying is decided once, in `story` (wording of the verdict, what was proven and how, what to do
next), so that the formats differ in form only. Everything in a report may come from a hostile ticket or
repository: each format neutralises it for its own medium (`text` for terminals, escaping for Markdown and HTML).
JSON is the schema itself and nothing else.
*/

mod cited;
mod context;
mod diff;
mod html;
mod json;
mod markdown;
mod picture;
mod story;
mod terminal;
mod text;

pub use cited::spans;
pub use context::{BisectStep, BisectView, Candidate, Cited, CommitView, Format, RenderContext};
pub use html::{STYLE, answer, grounds};
pub use story::{
    fix_sentences, proof_words, remembered_fix_sentences, summarise, verdict_meaning, verdict_word,
};
pub use text::{block as plain, duration, line, shorten};

use millwright_memory::types::Report;

/// Writes `report` in `format`. Pure; never fails; ends with a newline.
pub fn render(report: &Report, context: &RenderContext, format: Format) -> String {
    match format {
        Format::Text => terminal::render(report, context),
        Format::Json => json::render(report),
        Format::Markdown => markdown::render(report, context),
        Format::Html => html::render(report, context),
    }
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
