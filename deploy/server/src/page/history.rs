/*!
The history of a code unit, of lines or of a file: a question, and the commits that changed it, each with only its hunks there.
*/

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Query, State};
use axum::response::Response;
use maud::{Markup, html};
use millwright_agent::report::{line, patch_table};
use millwright_usecases::{CodeHistory, HistoryCommit};
use serde::Deserialize;

use super::format;
use super::forms::filled;
use super::page_error::PageError;
use super::session::PageSession;
use super::shell::{self, NavigationItem};
use crate::app::ServiceState;
use crate::code_questions;
use crate::http::Problem;

const PAGE: u32 = 20;
/// Commits whose hunks are open when the page is.
const OPEN: usize = 3;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct HistoryPageQuery {
    repository: Option<String>,
    of: Option<String>,
    at: Option<String>,
    /// A number; anything else counts as 0.
    offset: Option<String>,
}

impl HistoryPageQuery {
    fn offset(&self) -> u32 {
        self.offset.as_deref().and_then(|text| text.trim().parse().ok()).unwrap_or(0)
    }
}

pub(super) async fn show(
    State(app): State<Arc<ServiceState>>,
    Extension(visit): Extension<PageSession>,
    Query(asked): Query<HistoryPageQuery>,
) -> Result<Response, PageError> {
    let HistoryPageQuery { repository, of, at, offset } = asked;
    let asked = HistoryPageQuery { repository: filled(repository), of: filled(of), at: filled(at), offset };
    let answer = match &asked.of {
        None => None,
        Some(of) => Some(answer(&app, &visit, &asked, of).await),
    };
    let names: Vec<&str> =
        app.settings.repositories_of(&visit.principal).map(|repository| repository.name.as_str()).collect();
    let body = html! {
        h1 { "Code history" }
        p.dim { "The commits that changed a function, a type, some lines or a file, followed through renames and moves." }
        @if names.is_empty() {
            div.empty { p { "No repository is configured that you can see." } p { a href="/docs/service" { "How to add one" } } }
        } @else {
            (form(&asked, &names))
            @match &answer {
                None => {
                    div.empty {
                        p { "Name a unit (" code { "lib/money.py::Money.share" } "), lines (" code { "lib/money.py:10-20" } ") or a file." }
                    }
                }
                Some(Ok(view)) => (history(&asked, view)),
                Some(Err(problem)) => p.told role="alert" { (problem.detail) "." },
            }
        }
    };
    let mut response = shell::page(&visit, NavigationItem::History, "Code history", &body);
    if let Some(Err(problem)) = &answer {
        problem.set_status_and_retry_after(&mut response);
    }
    Ok(response)
}

async fn answer(
    app: &ServiceState,
    visit: &PageSession,
    asked: &HistoryPageQuery,
    of: &str,
) -> Result<CodeHistory, Problem> {
    let repository = code_questions::repository_of(app, &visit.principal, asked.repository.as_deref())?;
    code_questions::history(app, repository, of.to_owned(), asked.at.clone(), asked.offset(), PAGE).await
}

fn form(asked: &HistoryPageQuery, names: &[&str]) -> Markup {
    html! {
        form.filters method="get" action="/history" role="search" aria-label="Ask for a history" {
            div {
                label for="of" { "Unit, lines or file" }
                input #of name="of" type="search" required value=[asked.of.as_deref()] placeholder="path::name, path:10-20 or path";
            }
            @if names.len() > 1 {
                div {
                    label for="repository" { "Repository" }
                    select #repository name="repository" {
                        @for name in names {
                            option value=(name) selected[asked.repository.as_deref() == Some(*name)] { (name) }
                        }
                    }
                }
            }
            div {
                label for="at" { "At " span.dim { "(revision)" } }
                input #at name="at" value=[asked.at.as_deref()] placeholder="the deployed branch";
            }
            button type="submit" { "Show" }
        }
    }
}

fn history(asked: &HistoryPageQuery, view: &CodeHistory) -> Markup {
    let offset = asked.offset();
    let older = offset as usize + view.commits.len();
    html! {
        section aria-labelledby="answer" {
            h2 #answer { code { (line(&view.name(), 300)) } }
            p {
                @match view.total { 1 => "1 commit", n => { (n) " commits" } }
                " changed it, up to " code { (view.as_of.short()) } "."
                @if view.commits.len() < view.total && !view.commits.is_empty() {
                    " These are number " (offset + 1) " to " (older) ", newest first."
                }
            }
            @for gap in view.gaps() { p.dim { (gap) } }
            @if view.commits.is_empty() { div.empty { p { "There are no older commits." } } }
            ol.rows { @for (number, commit) in view.commits.iter().enumerate() { (row(commit, number < OPEN)) } }
            @if offset > 0 || older < view.total {
                nav.pages aria-label="Pages" {
                    @if offset > 0 { a href=(link(asked, 0)) { "Newest" } }
                    @if older < view.total { a rel="next" href=(link(asked, older)) { "Older" } }
                }
            }
        }
    }
}

fn row(commit: &HistoryCommit, open: bool) -> Markup {
    html! {
        li {
            p.name { (line(&commit.subject, 200)) }
            p.dim {
                code { (commit.commit.short()) } " " (line(&commit.author, 100))
                @if let Some(at) = commit.at { ", " time datetime=(at) title=(format::exact(at)) { (at.day()) } }
            }
            p { (line(&commit.what_in_words(), 400)) }
            @if !commit.patch.is_empty() {
                details open[open] {
                    summary { "What changed there" }
                    (patch_table(&commit.place.path, &commit.patch, "The commit’s changes there"))
                }
            }
        }
    }
}

fn link(asked: &HistoryPageQuery, offset: usize) -> String {
    let offset = offset.to_string();
    let pairs = [
        ("of", asked.of.as_deref()),
        ("repository", asked.repository.as_deref()),
        ("at", asked.at.as_deref()),
        ("offset", (offset != "0").then_some(offset.as_str())),
    ];
    let pairs: Vec<(&str, &str)> = pairs.into_iter().filter_map(|(key, value)| Some((key, value?))).collect();
    format!("/history?{}", serde_urlencoded::to_string(pairs).unwrap_or_default())
}
