/*!
Limits how much is read of a response. Libraries that talk to model servers read until the server ends the response,
and keep what they have not parsed yet. A server that is broken, or is not what it claims to be, may never end it.
*/

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::StreamExt;

/// The most that is read of one response, without its head. Clones share their state.
#[derive(Debug, Clone)]
pub struct AnswerLimit {
    max_bytes: u64,
    passed: Arc<AtomicBool>,
}

impl AnswerLimit {
    pub fn new(max_bytes: u64) -> Self {
        Self { max_bytes, passed: Arc::default() }
    }

    /// Whether a response was longer than the limit. The error that its reader got may not say so.
    pub fn is_passed(&self) -> bool {
        self.passed.load(Ordering::Relaxed)
    }

    /// The message for that case, as the end of a sentence.
    pub fn complaint(&self) -> String {
        let bytes = self.max_bytes;
        format!(
            "the answer is longer than {bytes} bytes, more than a valid answer can have; the rest was not read"
        )
    }

    /// The same response, whose body ends with an error once the limit is passed.
    pub fn bound(&self, response: reqwest::Response) -> reqwest::Response {
        // An earlier attempt may have passed the limit; this one starts below it.
        self.passed.store(false, Ordering::Relaxed);
        let mut head = http::Response::new(());
        *head.status_mut() = response.status();
        *head.version_mut() = response.version();
        head.headers_mut().clone_from(response.headers());
        let (mut left, limit) = (self.max_bytes, self.clone());
        let pieces = response.bytes_stream().map(move |piece| {
            let piece = piece.map_err(io::Error::other)?;
            left = left.checked_sub(piece.len() as u64).ok_or_else(|| {
                limit.passed.store(true, Ordering::Relaxed);
                io::Error::other(limit.complaint())
            })?;
            Ok::<_, io::Error>(piece)
        });
        reqwest::Response::from(head.map(|()| reqwest::Body::wrap_stream(pieces)))
    }
}
