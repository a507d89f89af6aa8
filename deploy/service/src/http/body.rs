/*!
Bodies and parameters as handlers want them: bounded in size and time, and refused with a reason that helps.
*/

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use bytes::Bytes;
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::Problem;
use crate::app::App;

/// How long what is left of a refused body is read and thrown away. Closing at once would reset the connection, and the
/// sender would never read why.
const LINGER: Duration = Duration::from_secs(5);
/// Bodies of the largest size that may arrive at once.
const BODIES_AT_ONCE: usize = 8;

/// The raw bytes of a request, whole: signatures cover them.
pub(crate) struct Raw(pub(crate) Bytes);

/// A JSON body of a known shape.
pub(crate) struct Json<T>(pub(crate) T);

/// The parameters after `?`.
pub(crate) struct Asked<T>(pub(crate) T);

/// The id in a path.
pub(crate) struct Id(pub(crate) String);

/// What all bodies together may take that are still arriving: so many of the largest ones. Whoever may call in at all could
/// begin any number of them.
pub(crate) fn room(largest: usize) -> Semaphore {
    Semaphore::new(BODIES_AT_ONCE * largest.div_ceil(1 << 10))
}

/// Reads a body whole. Of one that is too large no more than the limit is ever held.
async fn read(mut body: Body, announced: usize, app: &App) -> Result<Bytes, Problem> {
    let limit = app.settings.limits.body_bytes;
    let kib = |bytes: usize| u32::try_from(bytes.div_ceil(1 << 10)).unwrap_or(u32::MAX);
    let whole = async {
        // Reserved is not taken: memory that nobody writes to is not there.
        let mut kept: Vec<u8> = Vec::with_capacity(announced.min(limit));
        let mut held: Option<SemaphorePermit<'_>> = None;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| {
                Problem::bad_request("the body ended early, or its chunks are broken; send it whole")
            })?;
            let Ok(data) = frame.into_data() else { continue };
            if kept.len() + data.len() > limit {
                return Err(too_large(limit));
            }
            let more = kib(kept.len() + data.len()) - kib(kept.len());
            let Ok(more) = app.bodies.try_acquire_many(more) else {
                return Err(Problem::busy("too many large bodies arrive at once; repeat in a moment"));
            };
            match &mut held {
                Some(held) => held.merge(more),
                None => held = Some(more),
            }
            kept.extend_from_slice(&data);
        }
        Ok(Bytes::from(kept))
    };
    match tokio::time::timeout(app.settings.limits.body_patience, whole).await {
        Ok(Err(problem)) if problem.status() != StatusCode::BAD_REQUEST => {
            throw_away(body);
            Err(problem)
        }
        Ok(read) => read,
        Err(_) => Err(Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "the body took too long to arrive (server.body_timeout_s); send it in one go",
        )),
    }
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

impl FromRequest<Arc<App>> for Raw {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        let limits = &app.settings.limits;
        let announced = request.headers().get(header::CONTENT_LENGTH);
        let announced = announced.and_then(|length| length.to_str().ok()?.parse::<u64>().ok()).unwrap_or(0);
        if announced > limits.body_bytes as u64 {
            // Who asks before sending has sent nothing.
            if !request.headers().contains_key(header::EXPECT) {
                throw_away(request.into_body());
            }
            return Err(too_large(limits.body_bytes));
        }
        Ok(Self(read(request.into_body(), usize::try_from(announced).unwrap_or(0), app).await?))
    }
}

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        let media = request.headers().get(header::CONTENT_TYPE).and_then(|media| media.to_str().ok());
        let media =
            media.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if media != "application/json" && !media.ends_with("+json") {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "the body must be JSON; send it with content-type: application/json",
            ));
        }
        let Raw(bytes) = Raw::from_request(request, app).await?;
        // A list would be taken for the fields in their order.
        if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
            return Err(Problem::unprocessable("the body does not fit: it must be a JSON object"));
        }
        parse(&bytes).map(Self)
    }
}

/// Broken JSON is a bad request; JSON of another shape than asked for cannot be processed.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| Problem::bad_request(format!("the body is no UTF-8: {error}")))?;
    serde_json::from_str(text).map_err(|error| {
        let why = bounded(&error.to_string());
        match error.classify() {
            serde_json::error::Category::Data => {
                Problem::unprocessable(format!("the body does not fit: {why}"))
            }
            _ => Problem::bad_request(format!("the body is no valid JSON: {why}")),
        }
    })
}

impl<T: DeserializeOwned + Send> FromRequestParts<Arc<App>> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        match Query::<T>::from_request_parts(parts, app).await {
            Ok(Query(asked)) => Ok(Self(asked)),
            Err(error) => Err(Problem::bad_request(format!("the query: {}", bounded(&error.body_text())))),
        }
    }
}

impl FromRequestParts<Arc<App>> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let Path(id) = Path::<String>::from_request_parts(parts, app)
            .await
            .map_err(|_| Problem::bad_request("the id in the path is no text"))?;
        match is_id(&id) {
            true => Ok(Self(id)),
            false => Err(Problem::not_found("there is nothing with such an id; ids look like inc_01h…")),
        }
    }
}

/// Whether a text can be an id at all.
pub(crate) fn is_id(text: &str) -> bool {
    text.len() <= 120 && text.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
}

fn bounded(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect()
}
