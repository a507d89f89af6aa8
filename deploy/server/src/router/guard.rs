/*!
The checks before every route (who asks, whether they may, how often) with their metrics, and the layers around the whole
router: request ids, headers that protect readers in browsers, responses for panics.
*/

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::Instrument;

use super::routes::is_of_machines;
use crate::app::{ServiceState, millis};
use crate::auth::AuthError;
use crate::http::{self, Problem, RouteAccess, RoutePath, address, limit};
use crate::limits::{BodySender, network};
use crate::metrics::RefusalReason;
use crate::page;

/// Facts about a request, for its log line, that are not in the request itself.
#[derive(Clone)]
struct RequestFacts {
    route: &'static str,
    /// The name of the token; `None` if no token was needed or none was valid.
    caller: Option<String>,
    /// Monitoring systems ask this every few seconds.
    probe: bool,
}

#[derive(Clone)]
pub(crate) struct RouteRule {
    pub(crate) app: Arc<ServiceState>,
    pub(crate) access: RouteAccess,
    pub(crate) path: &'static str,
    pub(crate) method: &'static str,
}

pub(crate) async fn guard(State(rule): State<RouteRule>, mut request: Request, next: Next) -> Response {
    let begun = Instant::now();
    request.extensions_mut().insert(RoutePath(rule.path));
    let peer = address(request.extensions());
    let probe = is_of_machines(rule.path);
    let admitted = match rule.access {
        RouteAccess::Page(least) => page::admit(&rule.app, least, peer, request).await,
        RouteAccess::Visitor => {
            page::admit_visitor(&rule.app, peer, request).map_err(IntoResponse::into_response)
        }
        _ => admit(&rule, peer, request).await.map_err(IntoResponse::into_response),
    };
    let mut caller = None;
    let mut response = match admitted {
        Ok(request) => {
            let principal = http::caller(request.extensions());
            caller = principal.map(|principal| principal.name.clone());
            next.run(request).await
        }
        Err(refusal) => refusal,
    };
    response.extensions_mut().insert(RequestFacts { route: rule.path, caller, probe });
    rule.app.metrics.request(rule.path, rule.method, response.status().as_u16(), begun.elapsed());
    response
}

async fn admit(rule: &RouteRule, peer: IpAddr, mut request: Request) -> Result<Request, Problem> {
    let app = &rule.app;
    match rule.access {
        // Pages have their own sign-in.
        RouteAccess::Open | RouteAccess::Page(_) | RouteAccess::Visitor => {}
        // Alerts come in bursts from one address; the signature keeps other senders out.
        RouteAccess::Signed => {}
        RouteAccess::Role(least) => {
            let known =
                app.sessions.authenticate(&app.own_store, request.headers(), app.settings.anonymous).await?;
            let principal = match known {
                Ok(principal) => principal,
                Err(stranger) => {
                    limit(app, &network(peer).to_string())?;
                    app.metrics.refused(RefusalReason::Unauthenticated);
                    return Err(Problem::unauthorized(match stranger {
                        AuthError::NoToken => {
                            "this needs a token: authorization: Bearer mw_… (create one with `millwright token create`)"
                        }
                        AuthError::BadToken => "the token is not valid (any more)",
                        AuthError::Elsewhere => {
                            "without a token, only programs on this machine have access, and only by the name \
                             of this machine"
                        }
                    }));
                }
            };
            limit(app, &principal.key)?;
            if principal.role < least {
                app.metrics.refused(RefusalReason::Role);
                return Err(Problem::new(
                    StatusCode::FORBIDDEN,
                    format!("this needs the role {least}; your token has {}", principal.role),
                ));
            }
            request.extensions_mut().insert(BodySender::Known(principal.key.as_str().into()));
            request.extensions_mut().insert(principal);
        }
    }
    Ok(request)
}

/// Log lines for refused requests in one second, so that callers without a token cannot fill a disk. Metrics count all.
const MAX_REFUSALS_PER_SECOND: u32 = 20;

/// The start of a second, and the number of lines written in it.
struct LineBudget(Mutex<Option<(Instant, u32)>>);

static REFUSALS: LineBudget = LineBudget(Mutex::new(None));

impl LineBudget {
    fn take(&self, now: Instant) -> bool {
        let mut second = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (begun, written) = second
            .filter(|(begun, _)| now.duration_since(*begun) < Duration::from_secs(1))
            .unwrap_or((now, 0));
        *second = Some((begun, written + 1));
        written < MAX_REFUSALS_PER_SECOND
    }
}

/// Logs a request: at `debug`, or at `info` when the caller was refused. It names the route, not the path, because a path that
/// matches no route can hold any text.
fn log_request(
    id: &str,
    method: &Method,
    peer: IpAddr,
    asked: Option<RequestFacts>,
    status: StatusCode,
    duration_ms: u64,
) {
    let (route, caller, probe) = match &asked {
        Some(asked) => (asked.route, asked.caller.as_deref(), asked.probe),
        None => ("none", None, false),
    };
    // A caller without a token is named by its address.
    let caller = caller.map_or_else(|| peer.to_string(), str::to_owned);
    let status_number = status.as_u16();
    let refused = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) && !probe;
    if refused && REFUSALS.take(Instant::now()) {
        tracing::info!(
            event = "request.refused", request_id = %id, %method, route, caller, %peer, status = status_number,
            duration_ms, "request refused"
        );
    } else if probe {
        tracing::trace!(event = "request", request_id = %id, route, status = status_number, duration_ms, "answered");
    } else {
        tracing::debug!(
            event = "request", request_id = %id, %method, route, caller, %peer, status = status_number, duration_ms,
            "answered"
        );
    }
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The headers of every response. Responses are data: a browser must not run, frame or keep anything in them.
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
    let (begun, peer, method) = (Instant::now(), address(request.extensions()), request.method().clone());
    let span = tracing::info_span!("request", request_id = %id, %peer);
    let mut response = next.run(request).instrument(span).await;
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
    let asked = response.extensions_mut().remove::<RequestFacts>();
    log_request(&id, &method, peer, asked, status, millis(begun));
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    for (name, value) in ALWAYS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_write_so_many_lines_a_second_and_no_more() {
        let (budget, now) = (LineBudget(Mutex::new(None)), Instant::now());
        let written = |at: Instant| (0..1_000).filter(|_| budget.take(at)).count();
        assert_eq!(written(now), MAX_REFUSALS_PER_SECOND as usize);
        assert_eq!(written(now + Duration::from_millis(900)), 0);
        assert_eq!(written(now + Duration::from_secs(1)), MAX_REFUSALS_PER_SECOND as usize);
    }
}
