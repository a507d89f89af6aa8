/*!
Extracts bodies and parameters for handlers: bounded in size and time, and refused with a reason that helps the caller.
*/

use millwright_model::IncidentId;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use bytes::Bytes;
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;

use super::{CallerStore, Problem, address, route, short_id};
use crate::app::ServiceState;
use crate::limits::{BodySender, ConnectionSlot, NoRoom, STEP};
use crate::metrics::RefusalReason;

/// How long the rest of a refused body is read and discarded. If the connection closed at once, it would be reset, and the
/// sender would never read why.
const LINGER: Duration = Duration::from_secs(5);
/// Bytes per second at which a body must arrive, after it had time to begin.
const SLOWEST: usize = 1 << 10;
const TO_BEGIN: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Most bytes that are allocated in advance for an announced length.
const AHEAD: usize = 64 << 10;

/// The complete raw bytes of a request: signatures cover them.
pub(crate) struct RawBody(pub(crate) Bytes);

/// A JSON body of the type `T`.
pub(crate) struct JsonBody<T>(pub(crate) T);

/// The parameters after `?`.
pub(crate) struct UrlQuery<T>(pub(crate) T);

/// The id in a path.
pub(crate) struct PathId(pub(crate) String);

/// The full id of an incident from a path, where it may have been shortened.
pub(crate) struct IncidentPath(pub(crate) IncidentId);

/// Reads the whole body of a request, and passes on each piece as it arrives.
pub(crate) async fn read(
    request: Request,
    app: &ServiceState,
    mut show: impl FnMut(&[u8]),
) -> Result<Bytes, Problem> {
    let limit = app.settings.limits.body_bytes;
    let announced = request.headers().get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse::<u64>().ok()).unwrap_or(0);
    if announced > limit as u64 {
        refuse_unread(request);
        return Err(too_large(limit));
    }
    let (parts, mut body) = request.into_parts();
    let connection = parts.extensions.get::<Arc<ConnectionSlot>>();
    let arriving = app.bodies.enter(sender(&parts), route(&parts.extensions));
    if let Some(connection) = connection {
        connection.body_grows();
    }
    let whole = async {
        let begun = Instant::now();
        let mut look = tokio::time::interval(LOOK_EVERY);
        let mut told = 0;
        let mut kept: Vec<u8> = Vec::with_capacity(usize::try_from(announced).unwrap_or(0).min(AHEAD));
        loop {
            let frame = tokio::select! {
                () = arriving.evicted() => return Err(no_room(app)),
                frame = body.frame() => frame,
                _ = look.tick() => {
                    let seconds = begun.elapsed().as_secs();
                    if begun.elapsed() >= TO_BEGIN && (kept.len() as u64) < seconds * SLOWEST as u64 {
                        return Err(too_slow());
                    }
                    continue;
                }
            };
            let Some(frame) = frame else { return Ok(Bytes::from(kept)) };
            let frame = frame.map_err(|_| {
                Problem::bad_request("the body ended early, or its chunks are broken; send it whole")
            })?;
            let Ok(data) = frame.into_data() else { continue };
            if kept.len() + data.len() > limit {
                return Err(too_large(limit));
            }
            let mut taking = pin!(arriving.take(data.len()));
            let at_once = poll_fn(|context| Poll::Ready(taking.as_mut().poll(context))).await;
            let taken = match (at_once, connection) {
                (Poll::Ready(taken), _) => taken,
                (Poll::Pending, None) => taking.await,
                // While the body waits for room, the service is the one that makes it wait.
                (Poll::Pending, Some(connection)) => {
                    connection.body_is_whole();
                    let taken = taking.await;
                    connection.body_grows();
                    taken
                }
            };
            taken.map_err(|NoRoom| no_room(app))?;
            show(&data);
            kept.extend_from_slice(&data);
            if let Some(connection) = connection
                && kept.len() / STEP != told
            {
                told = kept.len() / STEP;
                connection.body_grows();
            }
        }
    };
    let read = match tokio::time::timeout(app.settings.limits.body_patience, whole).await {
        Ok(Err(problem)) if problem.status() != StatusCode::BAD_REQUEST => {
            throw_away(body);
            Err(problem)
        }
        Ok(read) => read,
        Err(_) => {
            throw_away(body);
            Err(Problem::new(
                StatusCode::REQUEST_TIMEOUT,
                "the body took too long to arrive (server.body_timeout_s); send it in one go",
            ))
        }
    };
    if let Some(connection) = connection {
        connection.body_is_whole();
    }
    read
}

/// Discards a body that is refused before it is read.
pub(crate) fn refuse_unread(request: Request) {
    // A client that asks before it sends the body (`Expect`) has sent nothing yet.
    if !request.headers().contains_key(header::EXPECT) {
        throw_away(request.into_body());
    }
}

fn sender(parts: &Parts) -> BodySender {
    match parts.extensions.get::<BodySender>() {
        Some(known) => known.clone(),
        None => BodySender::Unproven(address(&parts.extensions)),
    }
}

fn no_room(app: &ServiceState) -> Problem {
    app.metrics.refused(RefusalReason::BodyRoom);
    Problem::busy(
        "too many large bodies arrive at once, and this one stalled or came last; try again in a moment",
    )
}

fn too_slow() -> Problem {
    Problem::new(
        StatusCode::REQUEST_TIMEOUT,
        format!("the body arrives with fewer than {SLOWEST} bytes a second; send it in one go"),
    )
}

fn throw_away(mut body: Body) {
    tokio::spawn(tokio::time::timeout(LINGER, async move { while let Some(Ok(_)) = body.frame().await {} }));
}

fn too_large(limit: usize) -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        format!(
            "the body is larger than {limit} bytes (server.body_mb); send less, or only the part that matters"
        ),
    )
}

impl FromRequest<Arc<ServiceState>> for RawBody {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<ServiceState>) -> Result<Self, Problem> {
        read(request, app, |_| {}).await.map(Self)
    }
}

impl<T: DeserializeOwned> FromRequest<Arc<ServiceState>> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<ServiceState>) -> Result<Self, Problem> {
        let media = request.headers().get(header::CONTENT_TYPE).and_then(|media| media.to_str().ok());
        let media =
            media.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if media != "application/json" && !media.ends_with("+json") {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "the body must be JSON; send it with content-type: application/json",
            ));
        }
        let RawBody(bytes) = RawBody::from_request(request, app).await?;
        // serde would read a list as the fields in their order.
        if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
            return Err(Problem::unprocessable("the body is invalid: it must be a JSON object"));
        }
        parse(&bytes).map(Self)
    }
}

/// Parses a body. Malformed JSON is a bad request; JSON of another shape is a request that cannot be processed.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| Problem::bad_request(format!("the body is not UTF-8: {error}")))?;
    serde_json::from_str(text).map_err(|error| {
        let why = bounded(&error.to_string());
        match error.classify() {
            serde_json::error::Category::Data => {
                Problem::unprocessable(format!("the body is invalid: {why}"))
            }
            _ => Problem::bad_request(format!("the body is not valid JSON: {why}")),
        }
    })
}

impl<T: DeserializeOwned + Send> FromRequestParts<Arc<ServiceState>> for UrlQuery<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<ServiceState>) -> Result<Self, Problem> {
        match Query::<T>::from_request_parts(parts, app).await {
            Ok(Query(asked)) => Ok(Self(asked)),
            Err(error) => Err(Problem::bad_request(format!("the query: {}", bounded(&error.body_text())))),
        }
    }
}

impl FromRequestParts<Arc<ServiceState>> for PathId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<ServiceState>) -> Result<Self, Problem> {
        let Path(id) = Path::<String>::from_request_parts(parts, app)
            .await
            .map_err(|_| Problem::bad_request("the id in the path is not valid text"))?;
        match is_id(&id) {
            true => Ok(Self(id)),
            false => Err(Problem::not_found("there is nothing with such an id; ids look like inc_01h…")),
        }
    }
}

impl FromRequestParts<Arc<ServiceState>> for IncidentPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<ServiceState>) -> Result<Self, Problem> {
        let PathId(id) = PathId::from_request_parts(parts, app).await?;
        let CallerStore(store) = CallerStore::from_request_parts(parts, app).await?;
        short_id::resolve(&store, &id).await.map(Self)
    }
}

/// Whether a text has the form of an id.
fn is_id(text: &str) -> bool {
    text.len() <= 120 && text.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
}

fn bounded(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect()
}
