/*!
Evidence on the page: the pieces of evidence, with the quoted words marked, and the links to them.
*/

use maud::{Markup, html};
use millwright_model::{Evidence, EvidenceId, Report};

use super::context::RenderContext;
use super::text::{block, line};

pub(super) fn section(report: &Report, context: &RenderContext) -> Markup {
    html! {
        @if !report.evidence.is_empty() {
            section {
                h2 { "Evidence" }
                @for evidence in report.evidence.iter().take(100) {
                    @let id = line(&evidence.id.0, 20);
                    @let excerpt = marked(evidence, context);
                    @let hash = html! { p.dim.hash { "sha256 of the whole: " (line(&evidence.sha256, 64)) } };
                    @if context.in_service {
                        // Browsers open the element when a link leads to something inside it.
                        details.evidence {
                            summary { b { (id) } " " code { (line(&evidence.locator.0, 300)) } }
                            div id=(anchor(&evidence.id)) {
                                pre tabindex="0" { (excerpt) }
                                p { a href=(format!("/incidents/{}/evidence/{id}#cited", report.incident_id)) {
                                    "Open all of " (id) " where it is cited"
                                } }
                                (hash)
                            }
                        }
                    } @else {
                        article.evidence id=(anchor(&evidence.id)) {
                            h3 { (id) " " code { (line(&evidence.locator.0, 300)) } }
                            pre { (excerpt) }
                            (hash)
                        }
                    }
                }
            }
        }
    }
}

/// The excerpt, with the words that claims quote marked.
fn marked(evidence: &Evidence, context: &RenderContext) -> Markup {
    let excerpt = super::text::shorten(&block(&evidence.excerpt), 6_000);
    let quotes = context.quotes.iter().filter(|cited| cited.evidence == evidence.id);
    let quotes: Vec<String> = quotes.take(50).map(|cited| block(&cited.text)).collect();
    html! { @for (text, quoted) in spans(&excerpt, &quotes) { @if quoted { mark { (text) } } @else { (text) } } }
}

/// Splits a text into parts, each with a flag whether a quote covers it.
pub fn spans<'a>(text: &'a str, quotes: &[String]) -> Vec<(&'a str, bool)> {
    let mut covered: Vec<(usize, usize)> = quotes
        .iter()
        .map(|quote| quote.trim())
        .filter(|quote| !quote.is_empty())
        .filter_map(|quote| text.find(quote).map(|at| (at, at + quote.len())))
        .collect();
    covered.sort_unstable();
    let (mut parts, mut at) = (Vec::new(), 0);
    for (from, to) in covered {
        let from = from.max(at);
        if to <= from {
            continue;
        }
        parts.push((&text[at..from], false));
        parts.push((&text[from..to], true));
        at = to;
    }
    parts.push((&text[at..], false));
    parts.retain(|(part, _)| !part.is_empty());
    parts
}

/// Links to the evidence that a claim cites.
pub(super) fn cited(ids: &[EvidenceId]) -> Markup {
    html! {
        @for id in ids.iter().take(20) { " " a.cite href=(format!("#{}", anchor(id))) { (line(&id.0, 20)) } }
    }
}

/// An anchor that no other element of the page has.
fn anchor(id: &EvidenceId) -> String {
    let name: String = id.0.chars().filter(char::is_ascii_alphanumeric).take(40).collect();
    format!("evidence-{name}")
}
