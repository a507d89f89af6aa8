/*!
The run's record of its model: every question, every answer as received, every failure. A request is never stored
whole; it is rebuilt from this record byte for byte, and tests verify that with the hash of each question.
*/

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The purpose of a question to a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AskPurpose {
    /// The next step of the investigation.
    Plan,
    /// To refute the finding.
    Review,
}

/// The form in which a model requests actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionMode {
    /// Native tool calls.
    Tools,
    /// One JSON object held to a schema, for models and servers without usable tool calls.
    Constrained,
}

impl ActionMode {
    pub fn as_str(self) -> &'static str {
        match self {
            ActionMode::Tools => "tools",
            ActionMode::Constrained => "constrained",
        }
    }
}

/// The form of answer that a model may give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AllowedAnswer {
    Any,
    /// Its conclusion, and nothing else.
    Conclude,
    /// Tools are withdrawn; the conclusion comes as text.
    NoTools,
}

/// The intent of a model call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelAsk {
    pub purpose: AskPurpose,
    pub mode: ActionMode,
    pub choice: AllowedAnswer,
    /// The stage of the loop guard: 1 told the model, 2 withdrew its tools.
    pub stage: u8,
    /// The remarks that the model received before the question, literally.
    pub remarks: Vec<String>,
    /// Maximum cost of this call, which counts against the budget if the outcome never arrives.
    pub reserved: TokenCounts,
    pub max_output: u64,
    pub request_sha256: String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenCounts {
    pub input: u64,
    /// Cached tokens, a part of `input`.
    pub cached: u64,
    pub output: u64,
}

impl TokenCounts {
    pub fn total(self) -> u64 {
        self.input.saturating_add(self.output)
    }
}

/// A model's answer as it was received.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelTurn {
    pub text: String,
    pub calls: Vec<HeardCall>,
    pub finish: String,
    pub tokens: TokenCounts,
    /// The server reported no usage; `tokens` is an estimate.
    pub estimated: bool,
    pub cost_usd: f64,
    /// Template id to content hash.
    pub prompts: BTreeMap<String, String>,
    pub duration_ms: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeardCall {
    pub name: String,
    /// The arguments as received; normally JSON.
    pub arguments: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct ModelFailure {
    pub kind: FailureKind,
    pub message: String,
}

impl ModelFailure {
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// No connection, or the server failed, after all retries.
    Unavailable,
    /// Too many requests or no quota, after all retries.
    RateLimited,
    /// The server refused the request permanently (key, model name).
    Refused,
    /// The server cannot do what this action mode needs.
    UnsupportedMode,
    /// The conversation is longer than the model takes.
    ContextLength,
    TimedOut,
    /// The stream ended in the middle.
    Cut,
    /// The response is not an answer of a chat endpoint.
    Garbled,
    /// An answer without anything in it.
    Empty,
}

impl FailureKind {
    pub const ALL: [Self; 9] = [
        Self::Unavailable,
        Self::RateLimited,
        Self::Refused,
        Self::UnsupportedMode,
        Self::ContextLength,
        Self::TimedOut,
        Self::Cut,
        Self::Garbled,
        Self::Empty,
    ];

    /// Whether the server is unreachable or refuses; otherwise it answered, but the answer was unusable.
    pub fn is_of_server(self) -> bool {
        matches!(
            self,
            Self::Unavailable | Self::RateLimited | Self::Refused | Self::UnsupportedMode | Self::TimedOut
        )
    }

    /// Whether the model may have processed the question, so that it must be counted as paid.
    pub fn may_have_cost(self) -> bool {
        matches!(self, FailureKind::TimedOut | FailureKind::Cut | FailureKind::Garbled | FailureKind::Empty)
    }
}

/// The removal of older steps from the conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Compaction {
    /// Number of the model's newest steps that stay in full.
    pub kept_steps: usize,
    pub tokens_before: u64,
    pub tokens_after: u64,
}
