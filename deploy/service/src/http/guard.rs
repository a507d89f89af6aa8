/*!
What stands before every route: who asks, whether they may, how often, and what is counted. And what stands around
the whole router: request ids, headers that protect readers in browsers, panics that become answers.
*/

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Problem;
use super::routes::Access;
use crate::app::App;
use crate::auth::Stranger;
use crate::page;

/// Who is at the other end of the connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

#[derive(Clone)]
pub(crate) struct Rule {
    pub(crate) app: Arc<App>,
    pub(crate) access: Access,
    pub(crate) path: &'static str,
    pub(crate) method: &'static str,
}

pub(crate) async fn guard(State(rule): State<Rule>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let peer = peer(&request);
    let admitted = match rule.access {
        Access::Page(least) => page::admit(&rule.app, least, peer, request).await,
        Access::Visitor => page::admit_visitor(&rule.app, peer, request).map_err(IntoResponse::into_response),
        _ => admit(&rule, peer, request).await.map_err(IntoResponse::into_response),
    };
    let response = match admitted {
        Ok(request) => next.run(request).await,
        Err(refusal) => refusal,
    };
    rule.app.metrics.request(rule.path, rule.method, response.status().as_u16(), begun.elapsed());
    response
}

fn peer(request: &Request) -> IpAddr {
    request.extensions().get::<Peer>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip())
}

/// Takes one request of whoever asks; too many are refused.
pub(crate) fn limit(app: &App, key: &str) -> Result<(), Problem> {
    app.limiter.take(key).map_err(|seconds| {
        app.metrics.refused("rate");
        Problem::later("too many requests (server.requests_per_minute); wait, then go on", seconds)
    })
}

async fn admit(rule: &Rule, peer: IpAddr, mut request: Request) -> Result<Request, Problem> {
    let app = &rule.app;
    match rule.access {
        // Pages have a door of their own.
        Access::Open | Access::Page(_) | Access::Visitor => {}
        // Alerts come in bursts from one address; their signature is what holds others off.
        Access::Signed => {}
        Access::Role(least) => {
            let known =
                app.sessions.authenticate(&app.store, request.headers(), app.settings.anonymous).await?;
            let principal = match known {
                Ok(principal) => principal,
                Err(stranger) => {
                    limit(app, &peer.to_string())?;
                    app.metrics.refused("stranger");
                    return Err(Problem::unauthorized(match stranger {
                        Stranger::NoToken => {
                            "this needs a token: authorization: Bearer mw_… (`millwright token create` makes one)"
                        }
                        Stranger::BadToken => "the token is not valid (any more)",
                        Stranger::Elsewhere => {
                            "without a token only programs on this machine are let in, by its own name"
                        }
                    }));
                }
            };
            limit(app, &principal.key)?;
            if principal.role < least {
                app.metrics.refused("role");
                return Err(Problem::new(
                    StatusCode::FORBIDDEN,
                    format!("this needs the role {least}; your token has {}", principal.role),
                ));
            }
            request.extensions_mut().insert(principal);
        }
    }
    Ok(request)
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What is said with every answer. Answers are data: nothing in them is to be run, framed or kept by a browser.
const ALWAYS: &[(HeaderName, &str)] = &[
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (header::CACHE_CONTROL, "no-store"),
];

pub(crate) async fn around(request: Request, next: Next) -> Response {
    let given = request.headers().get(&REQUEST_ID).and_then(|id| id.to_str().ok());
    let sane = |id: &&str| {
        (1..=64).contains(&id.len()) && id.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    };
    let id = given.filter(sane).map_or_else(|| uuid::Uuid::now_v7().simple().to_string(), str::to_owned);
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let mut response = next.run(request).await;
    let status = response.status();
    if let Some(mut problem) = response.extensions_mut().remove::<Problem>() {
        problem.request_id = Some(id.clone());
        let (parts, _) = response.into_parts();
        let mut whole = problem.into_response();
        for (name, value) in &parts.headers {
            if !matches!(*name, header::CONTENT_LENGTH | header::CONTENT_TYPE) {
                whole.headers_mut().insert(name, value.clone());
            }
        }
        response = whole;
    }
    let shown: String = path.chars().filter(|c| !c.is_control()).take(200).collect();
    tracing::info!(request_id = %id, %method, path = %shown, status = status.as_u16(), "answered");
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    for (name, value) in ALWAYS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}
