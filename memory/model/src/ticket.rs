/*!
The result of intake: the ticket split into its parts, without any conclusions.
*/

use serde::{Deserialize, Serialize};

use super::trace::{LineSpan, StackTrace};
use crate::Timestamp;
use crate::timestamp::deserialize_stored;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TicketFormat {
    Text,
    SentryEvent,
    Alertmanager,
    /// The body of `POST /v1/incidents`.
    Incident,
}

/// A ticket, alert or question, parsed. `text` is what every `ticket:#Lx-Ly` locator refers to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ParsedTicket {
    pub format: TicketFormat,
    /// First meaningful line, bounded.
    pub title: String,
    /// The whole ticket as readable text (JSON payloads are rendered), valid UTF-8, bounded, redacted.
    pub text: String,
    /// The sentences in which a person describes the failure, without traces, logs and code. May be empty.
    pub symptom: String,
    pub traces: Vec<StackTrace>,
    pub failing_tests: Vec<FailingTest>,
    /// Error lines found outside of traces, and the messages of traces; the most specific first.
    pub errors: Vec<ErrorMessage>,
    /// Code quoted in the ticket: context lines of frames, assertion lines, fenced blocks.
    pub code: Vec<String>,
    /// Spans of `text` that are log excerpts.
    pub log_spans: Vec<LineSpan>,
    pub context: TicketContext,
    pub fingerprint: Fingerprint,
    /// What intake could not read, as notes for the report (truncated, binary, invalid UTF-8 …).
    pub notes: Vec<String>,
}

/// Where and since when it fails: filled from structured payloads, and from prose only if it is unmistakable.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TicketContext {
    pub service: Option<String>,
    pub environment: Option<String>,
    pub release: Option<String>,
    pub routes: Vec<String>,
    #[serde(default, deserialize_with = "deserialize_stored")]
    pub first_seen: Option<Timestamp>,
    #[serde(default, deserialize_with = "deserialize_stored")]
    pub last_seen: Option<Timestamp>,
    pub users: Option<u64>,
    pub sessions: Option<u64>,
    /// Identifier in the system it came from (Sentry event id, alert fingerprint …).
    pub external_id: Option<String>,
    pub labels: std::collections::BTreeMap<String, String>,
    /// Files of the repository to place over every checkout, as `REV:PATH[=TARGET]`. Only the API sets this; it is
    /// never read from a ticket's text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overlay: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TestFramework {
    Unittest,
    Pytest,
    JUnit,
    Jest,
    GoTest,
    CargoTest,
    Unknown,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FailingTest {
    pub framework: TestFramework,
    /// As printed in the ticket.
    pub name: String,
    /// The argument that makes the framework's runner run just this test: `app.tests.FooTests.test_x`,
    /// `tests/test_x.py::TestFoo::test_x`, `org.acme.FooTest#testX`, `TestFoo/sub`, `module::tests::x`.
    pub id: String,
    pub module: Option<String>,
    pub class: Option<String>,
    pub function: Option<String>,
    pub file: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorMessage {
    pub kind: Option<String>,
    pub message: String,
    pub span: Option<LineSpan>,
}

/// What makes two incidents the same: stable under line shifts, ids, addresses, paths and host names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Fingerprint {
    /// Hex; empty when the ticket has nothing structural to fingerprint (plain prose).
    pub value: String,
    /// Normalised exception type of the surfaced exception.
    pub exception: Option<String>,
    /// In-app symbols, crash site first (bounded).
    pub symbols: Vec<String>,
    /// The message with every variable part replaced by a placeholder.
    pub template: Option<String>,
}
