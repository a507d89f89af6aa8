/*!
The guide at `/docs`, so that it is at hand without internet. Its pages are the Markdown files of `deploy/guide`, which
are part of the binary. They say nothing about this installation, so anyone may read them without signing in.
*/

mod markdown;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, PreEscaped, html};

use super::shell;
use markdown::{GuideHeading, RenderedMarkdown};

const INDEX: &str = "index";

/// Every page by name, in reading order.
const SOURCES: [(&str, &str); 14] = [
    (INDEX, include_str!("../../../../guide/index.md")),
    ("install", include_str!("../../../../guide/install.md")),
    ("investigate", include_str!("../../../../guide/investigate.md")),
    ("traces", include_str!("../../../../guide/traces.md")),
    ("history", include_str!("../../../../guide/history.md")),
    ("service", include_str!("../../../../guide/service.md")),
    ("slack", include_str!("../../../../guide/slack.md")),
    ("models", include_str!("../../../../guide/models.md")),
    ("memory", include_str!("../../../../guide/memory.md")),
    ("evals", include_str!("../../../../guide/evals.md")),
    ("security", include_str!("../../../../guide/security.md")),
    ("operations", include_str!("../../../../guide/operations.md")),
    ("configuration", include_str!("../../../../guide/configuration.md")),
    ("api", include_str!("../../../../guide/api.md")),
];

struct GuidePage {
    name: &'static str,
    title: String,
    html: String,
    sections: Vec<GuideHeading>,
}

impl GuidePage {
    fn render(name: &'static str, source: &str) -> Self {
        let RenderedMarkdown { html, headings } = markdown::render(source, page_url);
        let title = headings.iter().find(|heading| heading.level == 1);
        let title = title.map_or_else(|| name.to_owned(), |heading| heading.text.clone());
        let sections = headings.into_iter().filter(|heading| heading.level > 1).collect();
        Self { name, title, html, sections }
    }

    fn url(&self) -> String {
        page_url(self.name).unwrap_or_default()
    }
}

static PAGES: LazyLock<Vec<GuidePage>> =
    LazyLock::new(|| SOURCES.iter().map(|(name, source)| GuidePage::render(name, source)).collect());

/// The URL of the page of the guide with this name, if there is one.
fn page_url(name: &str) -> Option<String> {
    let (name, _) = SOURCES.iter().find(|(known, _)| *known == name)?;
    Some(if *name == INDEX { "/docs".to_owned() } else { format!("/docs/{name}") })
}

pub(super) async fn index() -> Response {
    show(Path(INDEX.to_owned())).await
}

pub(super) async fn show(Path(name): Path<String>) -> Response {
    match PAGES.iter().find(|page| page.name == name) {
        Some(page) => shell::bare(&page.title, &page_body(page)),
        None => not_found(&name),
    }
}

fn page_body(page: &GuidePage) -> Markup {
    html! {
        div.guide {
            nav aria-label="Guide" {
                ul {
                    @for other in &*PAGES {
                        li {
                            a href=(other.url()) aria-current=[(other.name == page.name).then_some("page")] { (other.title) }
                            @if other.name == page.name {
                                ul {
                                    @for section in page.sections.iter().filter(|section| section.level == 2) {
                                        li { a href=(format!("#{}", section.anchor)) { (section.text) } }
                                    }
                                }
                            }
                        }
                    }
                }
            }
            article { (PreEscaped(&page.html)) }
        }
    }
}

fn not_found(asked: &str) -> Response {
    let body = html! {
        h1 { "Not found" }
        p.lead { "The guide has no page with this name." }
        @if let Some((url, title)) = nearest(asked) {
            p { "Did you mean " a href=(url) { (title) } "?" }
        }
        p { a.button href="/docs" { "All pages of the guide" } }
    };
    (StatusCode::NOT_FOUND, shell::bare("Not found", &body)).into_response()
}

/// The page or section that a reader who asked for an unknown page may want: the page with almost this name, or a section
/// whose heading has this word, or the page with a similar name.
fn nearest(asked: &str) -> Option<(String, &'static str)> {
    const ALMOST_SAME: f64 = 0.7;
    const SIMILAR: f64 = 0.4;
    let asked: String = asked.trim_end_matches(".md").to_lowercase().chars().take(60).collect();
    let similarity = |page: &GuidePage| letter_pair_similarity(&asked, page.name);
    let best = PAGES.iter().max_by(|a, b| similarity(a).total_cmp(&similarity(b)))?;
    let best_page = || Some((best.url(), best.title.as_str()));
    if similarity(best) >= ALMOST_SAME {
        return best_page();
    }
    let has_word = |section: &&GuideHeading| section.anchor.split('-').any(|word| word == asked);
    for page in &*PAGES {
        if let Some(section) = page.sections.iter().find(has_word).filter(|_| !asked.is_empty()) {
            return Some((format!("{}#{}", page.url(), section.anchor), &section.text));
        }
    }
    if similarity(best) >= SIMILAR { best_page() } else { None }
}

/// The share of pairs of neighbouring letters that two words have in common (the Sørensen–Dice coefficient), 0 to 1.
fn letter_pair_similarity(left: &str, right: &str) -> f64 {
    let pairs = |word: &str| -> BTreeSet<(char, char)> { word.chars().zip(word.chars().skip(1)).collect() };
    let (left, right) = (pairs(left), pairs(right));
    let all = left.len() + right.len();
    if all == 0 { 0.0 } else { 2.0 * left.intersection(&right).count() as f64 / all as f64 }
}

#[cfg(test)]
#[path = "docs_tests.rs"]
mod tests;
