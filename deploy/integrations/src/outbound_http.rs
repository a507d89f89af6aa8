/*!
Requests to other systems: bounded in time and size, never redirected, and with errors that say whether the request
certainly changed nothing. All code that writes to other systems depends on that distinction.
*/

use std::time::Duration;

use reqwest::{Response, StatusCode};
use serde_json::Value;

const TIMEOUT: Duration = Duration::from_secs(20);
/// Longest response that is read.
const MAX_ANSWER_BYTES: usize = 8 << 20;
/// The longest wait that a system may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(900);

#[derive(Debug, thiserror::Error)]
pub enum SendError {
    #[error("[{0}] is no longer configured")]
    NotSetUp(String),
    #[error("the system asks to wait {} s", .0.as_secs())]
    Later(Duration),
    #[error("the system cannot be reached: {0}")]
    Unreachable(String),
    #[error("the system refused: {0}")]
    Refused(String),
    /// Whether the request was carried out is unknown.
    #[error("the outcome is unknown: {0}")]
    Unknown(String),
}

impl SendError {
    /// Whether the request certainly changed nothing in the other system.
    pub fn certainly_not_done(&self) -> bool {
        !matches!(self, Self::Unknown(_))
    }
}

/// The client for requests to other systems. Building one reads every certificate of the machine, so a process builds one.
///
/// # Errors
/// When no client can be built on this machine.
pub fn client() -> Result<reqwest::Client, SendError> {
    // Fails if the process already has a provider, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .user_agent(concat!("millwright/", env!("CARGO_PKG_VERSION")))
        .timeout(TIMEOUT)
        // A redirect would send the token to another place.
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|error| SendError::Refused(error.to_string()))
}

/// A file fetched from another system.
pub struct FetchedFile {
    pub bytes: Vec<u8>,
    /// Whether this is the complete file.
    pub whole: bool,
    /// The address to which the system redirects; the caller decides whether to follow it.
    pub leads_to: Option<String>,
}

/// Fetches a file, at most `most` bytes of it.
///
/// # Errors
/// When the file cannot be fetched, and whether a retry may help.
pub async fn fetch(request: reqwest::RequestBuilder, most: usize) -> Result<FetchedFile, SendError> {
    let lost = |error: reqwest::Error| SendError::Unknown(error.without_url().to_string());
    let mut response = request.send().await.map_err(lost)?;
    if response.status().is_redirection() {
        let leads_to = header(&response, "location").map(str::to_owned);
        let leads_to = leads_to
            .ok_or_else(|| SendError::Refused("it redirects without naming an address".to_owned()))?;
        return Ok(FetchedFile { bytes: Vec::new(), whole: true, leads_to: Some(leads_to) });
    }
    if let Some(error) = failure(&response) {
        return Err(error);
    }
    let (mut bytes, mut whole) = (Vec::new(), true);
    while let Some(chunk) = response.chunk().await.map_err(lost)? {
        let room = most - bytes.len();
        if chunk.len() > room {
            bytes.extend_from_slice(&chunk[..room]);
            whole = false;
            break;
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(FetchedFile { bytes, whole, leads_to: None })
}

/// Sends a request; returns the JSON of a successful response.
///
/// # Errors
/// What happened to the request, as far as that is known.
pub async fn send(request: reqwest::RequestBuilder) -> Result<Value, SendError> {
    let mut response = request.send().await.map_err(|error| {
        // Without a connection, nothing was sent.
        let nothing_sent = error.is_connect() || error.is_builder();
        let text = error.without_url().to_string();
        if nothing_sent { SendError::Unreachable(text) } else { SendError::Unknown(text) }
    })?;
    let failed = failure(&response);
    let mut bytes: Vec<u8> = Vec::new();
    while let Some(chunk) =
        response.chunk().await.map_err(|error| SendError::Unknown(error.without_url().to_string()))?
    {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MAX_ANSWER_BYTES {
            return Err(SendError::Unknown("the answer is too long".into()));
        }
    }
    match failed {
        Some(SendError::Refused(status)) => {
            let why: String = String::from_utf8_lossy(&bytes).chars().take(300).collect();
            Err(SendError::Refused(format!("{status}: {why}")))
        }
        Some(error) => Err(error),
        None if bytes.is_empty() => Ok(Value::Null),
        None => serde_json::from_slice(&bytes)
            .map_err(|error| SendError::Unknown(format!("the answer is not JSON: {error}"))),
    }
}

/// The error that the status of a response means.
fn failure(response: &Response) -> Option<SendError> {
    match response.status() {
        StatusCode::TOO_MANY_REQUESTS => {
            let wait = header(response, "retry-after").and_then(|wait| wait.parse().ok()).unwrap_or(30);
            Some(SendError::Later(Duration::from_secs(wait).min(LONGEST_WAIT)))
        }
        status if status.is_success() => None,
        status if status.is_client_error() => Some(SendError::Refused(status.to_string())),
        status => Some(SendError::Unknown(status.to_string())),
    }
}

fn header<'r>(response: &'r Response, name: &str) -> Option<&'r str> {
    response.headers().get(name)?.to_str().ok()
}
