/*!
Evidence: the texts that a claim may cite. The store keeps the whole (redacted) text; a report carries an excerpt.
`sha256` covers the stored text, so that code can check a quote against what was really seen.
*/

use crate::{CommitId, IncidentId};
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// `E1`, `E2` …, numbered within one run.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct EvidenceId(pub String);

impl fmt::Display for EvidenceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceSource {
    Ticket,
    Git,
    Code,
    Logs,
    Traces,
    Session,
    Replay,
    Memory,
}

/// `git:<sha>[:<path>#L1-L9]`, `file:<path>#L1-L9`, `ticket:#L1-L9`, `replay:<n>`, `memory:<id>`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Locator(pub String);

impl Locator {
    pub fn commit(commit: &CommitId) -> Self {
        Self(format!("git:{commit}"))
    }
    pub fn commit_lines(commit: &CommitId, path: &str, start: u32, end: u32) -> Self {
        Self(format!("git:{commit}:{path}#L{start}-L{end}"))
    }
    pub fn file_lines(path: &str, start: u32, end: u32) -> Self {
        Self(format!("file:{path}#L{start}-L{end}"))
    }
    pub fn ticket_lines(start: u32, end: u32) -> Self {
        Self(format!("ticket:#L{start}-L{end}"))
    }
    /// `n` is the 1-based position in `report.replay.runs`.
    pub fn replay(n: usize) -> Self {
        Self(format!("replay:{n}"))
    }
    pub fn memory(incident: &IncidentId) -> Self {
        Self(format!("memory:{incident}"))
    }
}

/// Evidence as a tool hands it over: not numbered yet. `text` is whole; the run stores it redacted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceDraft {
    pub source: EvidenceSource,
    pub locator: Locator,
    pub text: String,
}

/// Evidence as a report shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    pub id: EvidenceId,
    pub source: EvidenceSource,
    pub locator: Locator,
    /// Part of the stored text, bounded.
    pub excerpt: String,
    /// Hex SHA-256 of the stored (redacted) text.
    pub sha256: String,
}

impl Evidence {
    pub fn hash(text: &str) -> String {
        hex::encode(Sha256::digest(text.as_bytes()))
    }
}
