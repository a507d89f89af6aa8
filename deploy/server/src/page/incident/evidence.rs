/*!
A piece of evidence, complete as it is stored, opened at the words that the answer cites.
*/

use axum::Extension;
use axum::extract::Path;
use axum::response::Response;
use maud::{Markup, html};
use millwright_agent::report::{plain, spans};
use millwright_model::{Evidence, IncidentId};

use super::{beside, newest_report};
use crate::http::{CallerStore, Problem};
use crate::page::format;
use crate::page::page_error::PageError;
use crate::page::session::PageSession;
use crate::page::shell::{self, NavigationItem};

/// Lines shown; of a longer text, those around the first cited words.
const LINES: usize = 1_000;
/// Most characters shown of one line.
const WIDTH: usize = 500;

pub(crate) async fn show(
    CallerStore(store): CallerStore,
    Extension(visit): Extension<PageSession>,
    Path((id, piece)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let nothing = || PageError(Problem::not_found("there is no such evidence"));
    let id = IncidentId::parse(&id).map_err(|_| nothing())?;
    store.get_incident(&id).await?;
    let report = newest_report(&store, &id).await?.ok_or_else(nothing)?;
    let evidence = report.evidence.iter().find(|one| one.id.0 == piece).ok_or_else(nothing)?;
    // The hash comes from the report of this incident, so nobody can read the text of another incident by its hash.
    let stored = store.get_evidence(&evidence.sha256).await?;
    let text = plain(stored.as_deref().unwrap_or(&evidence.excerpt));
    let context = beside(&store, &report).await?;
    let quotes = context.quotes.iter().filter(|cited| cited.evidence == evidence.id);
    let quotes: Vec<String> = quotes.take(50).map(|cited| plain(&cited.text)).collect();
    let title = format!("Evidence {}", format::short(&evidence.id.0, 20));
    let body = html! {
        p { a href=(format!("/incidents/{id}#evidence-{}", format::short(&evidence.id.0, 20))) { "Back to the incident" } }
        h1 { (title) }
        p { code { (format::short(&evidence.locator.0, 300)) } }
        @if stored.is_none() { p.told { "Only the excerpt in the report is stored." } }
        @if quotes.is_empty() { p.dim { "The answer cites it as a whole." } } @else { p.dim { "What the answer quotes is marked." } }
        (lines(&text, &quotes, first_line(evidence)))
        p.dim.hash { "sha256 " (format::short(&evidence.sha256, 64)) }
    };
    Ok(shell::page(&visit, NavigationItem::Incidents, &title, &body))
}

/// The line number of its first line in its source.
fn first_line(evidence: &Evidence) -> usize {
    let lines = evidence.locator.0.rsplit_once("#L").map(|(_, lines)| lines);
    let first = lines.map(|lines| lines.chars().take_while(char::is_ascii_digit).collect::<String>());
    first.and_then(|first| first.parse().ok()).filter(|first| *first > 0).unwrap_or(1)
}

fn lines(text: &str, quotes: &[String], first: usize) -> Markup {
    let mut lines: Vec<Vec<(&str, bool)>> = vec![Vec::new()];
    for (part, quoted) in spans(text, quotes) {
        for (at, piece) in part.split('\n').enumerate() {
            if at > 0 {
                lines.push(Vec::new());
            }
            if let Some(line) = lines.last_mut() {
                line.push((piece, quoted));
            }
        }
    }
    if text.ends_with('\n') {
        lines.pop();
    }
    let is_cited = |line: &Vec<(&str, bool)>| line.iter().any(|(piece, quoted)| *quoted && !piece.is_empty());
    let cited = lines.iter().position(is_cited);
    let from = match lines.len() > LINES {
        true => cited.unwrap_or(0).saturating_sub(LINES / 2).min(lines.len() - LINES),
        false => 0,
    };
    let hidden = (from, lines.len().saturating_sub(from + LINES));
    html! {
        @if hidden.0 > 0 { p.dim { (hidden.0) " lines before are left out." } }
        div.code role="region" aria-label="The text" tabindex="0" {
            @for (at, line) in lines.iter().enumerate().skip(from).take(LINES) {
                div.ln.cited[is_cited(line)] id=[(cited == Some(at)).then_some("cited")] data-n=(first + at) {
                    @for (piece, quoted) in line {
                        @let piece = format::excerpt(piece, WIDTH).0;
                        @if *quoted { mark { (piece) } } @else { (piece) }
                    }
                }
            }
        }
        @if hidden.1 > 0 { p.dim { (hidden.1) " lines after are left out." } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_at_the_cited_words_and_shows_no_more_than_it_should() {
        let text = (1..=5_000).map(|n| format!("line {n}")).collect::<Vec<_>>().join("\n");
        let page = lines(&text, &["line 4000\nline 4001".to_owned()], 10).into_string();
        assert!(page.contains("id=\"cited\" data-n=\"4009\"><mark>line 4000</mark>"), "{}", &page[..300]);
        assert_eq!(page.matches("<mark>").count(), 2);
        assert_eq!(page.matches("class=\"ln").count(), LINES);
        assert!(page.contains("3499 lines before") && page.contains("501 lines after"), "{}", &page[..300]);
        let hostile = lines("<script>alert(1)</script>", &[], 1).into_string();
        assert!(!hostile.contains("<script>") && hostile.contains("&lt;script&gt;"));
    }
}
