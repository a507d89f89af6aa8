/*!
Signing in: a person enters a token once and gets a session in a cookie that scripts cannot read and other sites do not
send along. The cookie holds a random name, of which the store keeps a hash. The rights are those of the token at the time
of each request, so revoking a token signs out everyone who used it.
*/

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::{FromRequest, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use cookie::{Cookie, SameSite};
use maud::{Markup, html};
use millwright_store::{Actor, StoreError, StoredSession};
use serde::Deserialize;

use super::forms::{FormFields, WORD, comes_from_here, word_in};
use super::page_error::PageError;
use super::shell;
use crate::app::ServiceState;
use crate::auth::{Principal, TokenRole, is_meant_for_here, sha256};
use crate::events::stream::EventSubscriber;
use crate::http::{Problem, RawBody, limit};
use crate::limits::{BodySender, network};
use crate::metrics::RefusalReason;

const COOKIE: &str = "millwright_session";
/// Long enough for a night on call.
const LASTS: Duration = Duration::from_secs(12 * 3_600);
/// The purpose for which CSRF tokens are signed.
const PURPOSE: &str = "form";

/// The reader of a page.
#[derive(Debug, Clone)]
pub(crate) struct PageSession {
    pub(super) principal: Principal,
    csrf: String,
    /// The hash of the cookie; `None` where no sign-in is needed.
    session: Option<String>,
}

impl PageSession {
    pub(super) fn may(&self, least: TokenRole) -> bool {
        self.principal.role >= least
    }

    /// The reader as a subscriber, who reads on after this request.
    pub(super) fn subscriber(self) -> EventSubscriber {
        EventSubscriber { principal: self.principal, session: self.session }
    }

    pub(super) fn is_signed_in(&self) -> bool {
        self.session.is_some()
    }

    pub(super) fn session(&self) -> Option<&str> {
        self.session.as_deref()
    }

    /// The hidden field that every form contains.
    pub(super) fn csrf_field(&self) -> Markup {
        html! { input type="hidden" name=(WORD) value=(self.csrf); }
    }
}

/// Lets in a signed-in person who may see the page; redirects others to the sign-in.
pub(crate) async fn admit(
    app: &Arc<ServiceState>,
    least: TokenRole,
    peer: IpAddr,
    request: Request,
) -> Result<Request, Response> {
    let refused = |problem: Problem| PageError(problem).into_response();
    let visit = match recognise(app, request.headers()).await {
        Ok(Some(visit)) => visit,
        Ok(None) => {
            limit(app, &network(peer).to_string()).map_err(refused)?;
            app.metrics.refused(RefusalReason::Unauthenticated);
            return Err(to_the_door(&request));
        }
        Err(error) => return Err(refused(error.into())),
    };
    limit(app, &visit.principal.key).map_err(refused)?;
    if !visit.may(least) {
        app.metrics.refused(RefusalReason::Role);
        let has = visit.principal.role;
        let why = format!("this needs the role {least}; your token has {has}");
        return Err(refused(Problem::new(StatusCode::FORBIDDEN, why)));
    }
    let mut request = request;
    request.extensions_mut().insert(BodySender::Known(visit.principal.key.as_str().into()));
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        request = filled_in_here(app, &visit, request).await.map_err(IntoResponse::into_response)?;
    }
    // Handlers of every route find the caller here.
    request.extensions_mut().insert(visit.principal.clone());
    request.extensions_mut().insert(visit);
    Ok(request)
}

/// Lets in everyone, within the rate limit, and no form from another site.
pub(crate) fn admit_visitor(
    app: &ServiceState,
    peer: IpAddr,
    request: Request,
) -> Result<Request, PageError> {
    // Behind a proxy all clients share an address, and browsers cache the assets anyway.
    if !request.uri().path().starts_with("/assets/") {
        limit(app, &network(peer).to_string())?;
    }
    if *request.method() == Method::POST {
        comes_from_here(request.headers())?;
    }
    Ok(request)
}

/// Checks that a form was filled in on one of our pages, and puts its body back.
async fn filled_in_here(
    app: &Arc<ServiceState>,
    visit: &PageSession,
    request: Request,
) -> Result<Request, PageError> {
    comes_from_here(request.headers())?;
    let (parts, body) = request.into_parts();
    let RawBody(bytes) = RawBody::from_request(Request::from_parts(parts.clone(), body), app).await?;
    let text = visit.session.as_deref().unwrap_or(&visit.principal.key);
    let holds = match word_in(&bytes) {
        Some(word) => app.seal().await?.holds(PURPOSE, text, &word),
        None => false,
    };
    if !holds {
        app.metrics.refused(RefusalReason::Form);
        return Err(PageError(Problem::new(
            StatusCode::FORBIDDEN,
            "this form is not from a page of this session; reload the page and send it again",
        )));
    }
    Ok(Request::from_parts(parts, Body::from(bytes)))
}

async fn recognise(app: &ServiceState, headers: &HeaderMap) -> Result<Option<PageSession>, StoreError> {
    if let Some(cookie) = cookie(headers) {
        let session = sha256(cookie);
        if let Some((_, token)) = app.own_store.find_session(&session).await?
            && let Some((_, principal)) = app.sessions.recognise(&app.own_store, token).await?
        {
            let csrf = app.seal().await?.sign(PURPOSE, &session);
            return Ok(Some(PageSession { principal, csrf, session: Some(session) }));
        }
    }
    if app.settings.anonymous && is_meant_for_here(headers) {
        let principal = Principal::anonymous();
        let csrf = app.seal().await?.sign(PURPOSE, &principal.key);
        return Ok(Some(PageSession { principal, csrf, session: None }));
    }
    Ok(None)
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let ours = lines.flat_map(Cookie::split_parse).flatten().filter(|cookie| cookie.name() == COOKIE);
    let clean = |value: &&str| value.len() == 64 && value.bytes().all(|byte| byte.is_ascii_hexdigit());
    ours.filter_map(|cookie| cookie.value_raw()).find(clean)
}

fn to_the_door(request: &Request) -> Response {
    let headers = request.headers();
    let wants = |name: header::HeaderName, word: &str| {
        headers.get(name).and_then(|value| value.to_str().ok()).is_some_and(|value| value.contains(word))
    };
    let asked = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let door = match *request.method() {
        Method::GET => format!("/sign-in?{}", encoded("next", way_back(Some(asked)))),
        _ => "/sign-in".to_owned(),
    };
    if wants(header::ACCEPT, "text/event-stream") {
        return (StatusCode::UNAUTHORIZED, "sign in first\n").into_response();
    }
    if headers.contains_key("hx-request") {
        // The request is for a part of a page whose reader was signed out: htmx replaces the whole page.
        return (StatusCode::UNAUTHORIZED, [("hx-redirect", "/sign-in")]).into_response();
    }
    if *request.method() == Method::GET
        && wants(header::HeaderName::from_static("sec-fetch-site"), "cross-site")
    {
        // The browser does not send the cookie after a link on another site; it does after a request from here.
        let body = html! {
            meta http-equiv="refresh" content=(format!("0;url={door}"));
            p { a href=(door) { "Go on" } }
        };
        return shell::bare("One moment", &body);
    }
    Redirect::to(&door).into_response()
}

fn encoded(name: &str, value: &str) -> String {
    serde_urlencoded::to_string([(name, value)]).unwrap_or_default()
}

/// A path of ours to continue at; anything else leads to the inbox.
fn way_back(next: Option<&str>) -> &str {
    let ours = |path: &&str| {
        path.starts_with('/')
            && !path.starts_with("//")
            && path.len() <= 500
            && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
            && !path.starts_with("/sign-")
    };
    next.filter(ours).unwrap_or("/")
}

#[derive(Debug, Deserialize)]
pub(super) struct SignInForm {
    next: Option<String>,
}

pub(super) async fn show(
    State(app): State<Arc<ServiceState>>,
    headers: HeaderMap,
    Query(coming): Query<SignInForm>,
) -> Result<Response, PageError> {
    let next = way_back(coming.next.as_deref());
    if recognise(&app, &headers).await?.is_some() {
        return Ok(Redirect::to(next).into_response());
    }
    Ok(shell::bare("Sign in", &form(next, None)))
}

fn form(next: &str, wrong: Option<&str>) -> Markup {
    html! {
        div.narrow {
            h1 { "Sign in" }
            p { "You sign in with a token. An administrator creates one with "
                code { "millwright token create NAME --role support" } "." }
            @if let Some(wrong) = wrong { p.told.bad #wrong role="alert" { (wrong) } }
            form.stack method="post" action="/sign-in" {
                input type="hidden" name="next" value=(next);
                label for="token" { "Token" }
                input #token name="token" type="password" autocomplete="current-password" required
                    spellcheck="false" placeholder="mw_…" aria-describedby=[wrong.map(|_| "wrong")]
                    aria-invalid=[wrong.map(|_| "true")];
                button type="submit" { "Sign in" }
            }
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct SessionKey {
    token: String,
    next: Option<String>,
}

pub(super) async fn sign_in(
    State(app): State<Arc<ServiceState>>,
    FormFields(key): FormFields<SessionKey>,
) -> Result<Response, PageError> {
    let next = way_back(key.next.as_deref());
    let Some((token, principal)) = app.sessions.know(&app.own_store, key.token.trim()).await? else {
        app.metrics.refused(RefusalReason::Unauthenticated);
        let body = form(next, Some("That token is not valid (any more)."));
        return Ok((StatusCode::UNAUTHORIZED, shell::bare("Sign in", &body)).into_response());
    };
    let random = || uuid::Uuid::new_v4().simple().to_string();
    let name = random() + &random();
    let now = millwright_store::now();
    let session = StoredSession {
        id_sha256: sha256(&name),
        token_id: token.id,
        created_at: now,
        expires_at: now.later_by(LASTS),
    };
    app.own_store.begin_session(&session, principal.because("")).await?;
    Ok(with_cookie(&app, &name, LASTS, next))
}

pub(super) async fn sign_out(
    State(app): State<Arc<ServiceState>>,
    Extension(visit): Extension<PageSession>,
) -> Result<Response, PageError> {
    if let Some(session) = visit.session() {
        app.own_store.end_session(session, Actor { who: &visit.principal.name, why: "" }).await?;
    }
    Ok(with_cookie(&app, "", Duration::ZERO, "/sign-in"))
}

fn with_cookie(app: &ServiceState, value: &str, lasts: Duration, next: &str) -> Response {
    let secure = app.settings.public_url.as_deref().is_some_and(|url| url.starts_with("https://"));
    let mut response = Redirect::to(next).into_response();
    if let Ok(cookie) = HeaderValue::from_str(&session_cookie(value, lasts, secure).to_string()) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// The session cookie; a zero `lasts` deletes it from the browser.
fn session_cookie(value: &str, lasts: Duration, secure: bool) -> Cookie<'_> {
    Cookie::build((COOKIE, value))
        .path("/")
        .max_age(lasts.try_into().unwrap_or_default())
        .http_only(true)
        .same_site(SameSite::Strict)
        .secure(secure)
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_is_one_of_ours() {
        assert_eq!(way_back(Some("/incidents/inc_1?said=confirmed")), "/incidents/inc_1?said=confirmed");
        for other in [
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "javascript:x",
            "/a b",
            "/sign-in",
            "",
        ] {
            assert_eq!(way_back(Some(other)), "/", "{other}");
        }
        assert_eq!(way_back(None), "/");
    }

    #[test]
    fn a_cookie_of_another_shape_is_none() {
        let of = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, text.parse().unwrap());
            cookie(&headers).map(str::to_owned)
        };
        let name = "ab".repeat(32);
        assert_eq!(of(&format!("other=1; {COOKIE}={name}")), Some(name.clone()));
        assert_eq!(of(&format!("{COOKIE}={name}0")), None);
        assert_eq!(of(&format!("{COOKIE}={}", "zz".repeat(32))), None);
        assert_eq!(of("other=1"), None);
        assert_eq!(of(&format!("; =; nonsense;{COOKIE}=old; {COOKIE} = {name} ;")), Some(name));
    }

    #[test]
    fn only_an_encrypted_connection_carries_the_cookie_where_there_is_one() {
        let with = |lasts, secure| session_cookie("ab", lasts, secure).to_string();
        assert_eq!(
            with(LASTS, true),
            "millwright_session=ab; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=43200"
        );
        assert_eq!(
            with(Duration::ZERO, false),
            "millwright_session=ab; HttpOnly; SameSite=Strict; Path=/; Max-Age=0"
        );
    }
}
