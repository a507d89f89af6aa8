/*!
What a run keeps of its model: every question, every answer as it was received, every failure. A request is never
stored whole; it is built again from these, byte for byte, which the hash of each question lets a test prove.
*/

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a model was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AskPurpose {
    /// The next step of the investigation.
    Plan,
    /// To refute the finding.
    Review,
}

/// How a model says what it wants done.
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

/// What a model may answer with.
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
    /// How far the loop guard has gone: 1 told the model, 2 withdrew its tools.
    pub stage: u8,
    /// What was said to the model before it was asked, in its words.
    pub remarks: Vec<String>,
    /// The most this call can cost: what the budget is held to when the outcome never arrives.
    pub reserved: TokenCounts,
    pub max_output: u64,
    pub request_sha256: String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenCounts {
    pub input: u64,
    /// Part of `input`.
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
    /// The server told no usage; `tokens` is an estimate.
    pub estimated: bool,
    pub cost_usd: f64,
    /// Template id to content hash.
    pub prompts: BTreeMap<String, String>,
    pub duration_ms: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeardCall {
    pub name: String,
    /// As received: JSON, if all is well.
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
    /// No connection, or the server gave up; retried already.
    Unavailable,
    /// Too many requests or no quota; retried already.
    RateLimited,
    /// The server refused the request for good (key, model name).
    Refused,
    /// The server cannot do what this action mode needs.
    UnsupportedMode,
    /// The conversation is longer than the model takes.
    ContextLength,
    TimedOut,
    /// The stream ended in the middle.
    Cut,
    /// What came was no answer of a chat endpoint.
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

    /// The server is away or refuses; else it answered, and the answer was of no use.
    pub fn is_of_server(self) -> bool {
        matches!(
            self,
            Self::Unavailable | Self::RateLimited | Self::Refused | Self::UnsupportedMode | Self::TimedOut
        )
    }

    /// Whether the model may have worked on the question, so that it has to be counted as paid for.
    pub fn may_have_cost(self) -> bool {
        matches!(self, FailureKind::TimedOut | FailureKind::Cut | FailureKind::Garbled | FailureKind::Empty)
    }
}

/// Older steps were taken out of the conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Compaction {
    /// Steps of the model that stay in full, the newest.
    pub kept_steps: usize,
    pub tokens_before: u64,
    pub tokens_after: u64,
}
