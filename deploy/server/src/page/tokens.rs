/*!
Tokens and the sessions that were signed in with them: created, shown once, revoked. For administrators.
*/

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::{Query, State};
use axum::response::{Redirect, Response};
use maud::{Markup, html};
use millwright_model::{RepositoryName, VisibleSet};
use millwright_store::{AccessToken, StoredSession};
use serde::Deserialize;

use super::format;
use super::forms::FormFields;
use super::page_error::PageError;
use super::session::PageSession;
use super::settings::places;
use super::shell::{self, NavigationItem};
use crate::app::ServiceState;
use crate::auth::{NewToken, TokenError, TokenRequest, TokenRole, create_token};
use crate::http::{PathId, Problem};

/// Characters of a token's list of repositories: an administrator has to see everything that it reaches.
const WHOLE_LIST: usize = 100_000;
/// Most tokens listed.
const MOST: usize = 200;
const DAY: u64 = 86_400;
const LIVES: [(&str, u64, &str); 4] =
    [("90", 90, "90 days"), ("365", 365, "a year"), ("7", 7, "a week"), ("never", 0, "until it is revoked")];

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TokensQuery {
    said: Option<String>,
}

pub(super) async fn show(
    State(app): State<Arc<ServiceState>>,
    Extension(visit): Extension<PageSession>,
    Query(asked): Query<TokensQuery>,
) -> Result<Response, PageError> {
    page(&app, &visit, asked.said.as_deref(), None).await
}

async fn page(
    app: &ServiceState,
    visit: &PageSession,
    said: Option<&str>,
    new: Option<&NewToken>,
) -> Result<Response, PageError> {
    let tokens = app.store_of(&visit.principal).list_tokens().await?;
    let sessions = app.store_of(&visit.principal).list_sessions().await?;
    let repositories: Vec<&RepositoryName> = app.settings.repositories.iter().map(|one| &one.name).collect();
    let body = html! {
        (shell::told(said))
        h1 { "Tokens" }
        (places(visit, "/settings/tokens"))
        @if let Some(new) = new { (shown_once(new)) }
        (make(visit, &repositories))
        (list(visit, &tokens))
        (signed_in(visit, &tokens, &sessions))
    };
    Ok(shell::page(visit, NavigationItem::Settings, "Tokens", &body))
}

fn shown_once(new: &NewToken) -> Markup {
    html! {
        section.attention role="status" {
            h2 { "The token of " (format::short(&new.token.name, 80)) }
            p { "Copy it now: it is not shown again, and only its hash is kept." }
            pre.secret tabindex="0" { (new.text) }
        }
    }
}

fn make(visit: &PageSession, repositories: &[&RepositoryName]) -> Markup {
    html! {
        section {
            h2 { "Create a token" }
            form.stack method="post" action="/settings/tokens" {
                (visit.csrf_field())
                div.beside {
                    div {
                        label for="name" { "For whom or what" }
                        input #name name="name" required maxlength="80" autocomplete="off";
                    }
                    div {
                        label for="role" { "Role" }
                        select #role name="role" {
                            @for role in TokenRole::ALL { option value=(role) { (role) } }
                        }
                    }
                    div {
                        label for="repositories" { "Bound to repositories" }
                        select #repositories name="repositories" multiple size="3" aria-describedby="bound" {
                            @for name in repositories { option value=(name) { (format::short(name.as_str(), 80)) } }
                        }
                        p.dim #bound { "None chosen: it sees all incidents." }
                    }
                    div {
                        label for="life" { "Valid for" }
                        select #life name="life" { @for (key, _, name) in LIVES { option value=(key) { (name) } } }
                    }
                }
                button type="submit" { "Create it" }
            }
        }
    }
}

fn list(visit: &PageSession, tokens: &[AccessToken]) -> Markup {
    let (good, ended): (Vec<&AccessToken>, Vec<&AccessToken>) =
        tokens.iter().partition(|token| token.revoked_at.is_none());
    html! {
        section {
            h2 { "Tokens" }
            @if good.is_empty() { p.empty { "There is none yet." } }
            ul.rows {
                @for token in good.into_iter().take(MOST) {
                    li {
                        b { (format::short(&token.name, 80)) } " " span.badge { (format::short(&token.role, 20)) } " " code { (format::short(&token.id, 20)) }
                        @if !token.repositories.is_all() {
                            p.dim { "bound to " (format::short(&token.repositories.to_string(), WHOLE_LIST)) }
                        }
                        p.dim {
                            "made " (format::time(token.created_at)) " by " (format::short(&token.created_by, 80))
                            @match &token.expires_at { Some(at) => { " · ends " (format::time(*at)) } None => " · does not expire" }
                            @match &token.last_used_at { Some(at) => { " · used " (format::time(*at)) } None => " · never used" }
                        }
                        form.acts method="post" action=(format!("/settings/tokens/{}/revoke", token.id)) {
                            (visit.csrf_field())
                            button.danger type="submit" { "Revoke" span.sr { " " (format::short(&token.name, 80)) } }
                        }
                    }
                }
            }
            @if !ended.is_empty() {
                details {
                    summary { "Revoked (" (ended.len()) ")" }
                    ul {
                        @for token in ended.into_iter().take(MOST) {
                            li {
                                (format::short(&token.name, 80)) ", " (format::short(&token.role, 20)) ", revoked "
                                @if let Some(at) = &token.revoked_at { (format::time(*at)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn signed_in(visit: &PageSession, tokens: &[AccessToken], sessions: &[StoredSession]) -> Markup {
    let name =
        |id: &str| tokens.iter().find(|token| token.id == id).map_or("a token", |token| token.name.as_str());
    html! {
        section {
            h2 { "Signed in" }
            @if sessions.is_empty() { p.dim { "Nobody is signed in on the page." } }
            ul.rows {
                @for session in sessions {
                    li {
                        b { (format::short(name(&session.token_id), 80)) }
                        @if visit.session() == Some(session.id_sha256.as_str()) { " (this is you)" }
                        p.dim { "since " (format::time(session.created_at)) ", until " (format::exact(session.expires_at)) }
                        form.acts method="post" action=(format!("/settings/sessions/{}/end", session.id_sha256)) {
                            (visit.csrf_field())
                            button.danger type="submit" { "Sign out" span.sr { " " (format::short(name(&session.token_id), 80)) } }
                        }
                    }
                }
            }
        }
    }
}

/// The fields of the form. Parsed by hand, because several repositories arrive as several fields with one name.
#[derive(Debug, Default)]
struct TokenForm {
    name: String,
    role: String,
    life: String,
    repositories: BTreeSet<RepositoryName>,
}

impl TokenForm {
    fn of(fields: Vec<(String, String)>) -> Result<Self, Problem> {
        let mut form = Self::default();
        for (field, value) in fields {
            match field.as_str() {
                "name" => form.name = value,
                "role" => form.role = value,
                "life" => form.life = value,
                "repositories" => {
                    let name = RepositoryName::parse(&value);
                    form.repositories
                        .insert(name.map_err(|error| Problem::unprocessable(error.to_string()))?);
                }
                _ => {}
            }
        }
        Ok(form)
    }
}

pub(super) async fn create(
    State(app): State<Arc<ServiceState>>,
    Extension(visit): Extension<PageSession>,
    FormFields(fields): FormFields<Vec<(String, String)>>,
) -> Result<Response, PageError> {
    let making = TokenForm::of(fields)?;
    let name = making.name.trim();
    if name.is_empty() {
        return Err(Problem::unprocessable("say for whom or what the token is").into());
    }
    let role: TokenRole = making.role.parse().map_err(Problem::unprocessable)?;
    let life = LIVES.iter().find(|(key, ..)| *key == making.life);
    let (_, days, _) = life.ok_or_else(|| Problem::unprocessable("say how long it is valid"))?;
    let life = (*days > 0).then(|| Duration::from_secs(days * DAY));
    let repositories = VisibleSet::only_or_all(making.repositories);
    let request = TokenRequest { name, role, repositories, valid_for: life };
    let store = app.store_of(&visit.principal);
    let new = create_token(&store, request, visit.principal.because("on the page")).await;
    let new = new.map_err(|error| match error {
        TokenError::BoundAdmin => Problem::unprocessable(error.to_string()),
        TokenError::Store(error) => error.into(),
    })?;
    page(&app, &visit, None, Some(&new)).await
}

pub(super) async fn revoke(
    State(app): State<Arc<ServiceState>>,
    Extension(visit): Extension<PageSession>,
    PathId(id): PathId,
) -> Result<Redirect, PageError> {
    app.store_of(&visit.principal).end_token(&id, None, visit.principal.because("on the page")).await?;
    Ok(Redirect::to("/settings/tokens?said=revoked"))
}

pub(super) async fn end_session(
    State(app): State<Arc<ServiceState>>,
    Extension(visit): Extension<PageSession>,
    PathId(id): PathId,
) -> Result<Redirect, PageError> {
    app.store_of(&visit.principal).end_session(&id, visit.principal.because("on the page")).await?;
    Ok(Redirect::to("/settings/tokens?said=ended"))
}
