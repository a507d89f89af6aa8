/*!
The data that a page shows and the JSON report does not contain: the culprit's diff and author, the order of the
candidates, the file of the fix. All of it is optional; a page without it is shorter, not wrong. It is stored beside a
report, so fields are only added, never removed.
*/

use millwright_model::{CommitId, EvidenceId};
use serde::{Deserialize, Serialize};

/// The value of `--format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReportFormat {
    #[default]
    Text,
    Json,
    Markdown,
    Html,
}

impl std::str::FromStr for ReportFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            "markdown" => Ok(Self::Markdown),
            "html" => Ok(Self::Html),
            other => Err(format!("there is no format {other:?}; use text, json, markdown or html")),
        }
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RenderContext {
    pub ticket_title: Option<String>,
    /// Path of the repository as the user gave it.
    pub repository: Option<String>,
    /// Full commit id of `--bad`.
    pub failing_revision: Option<String>,
    /// Full commit id of `--good`.
    pub good_revision: Option<String>,
    /// The commit of the root cause.
    pub culprit: Option<CommitView>,
    pub bisect: Option<BisectView>,
    /// Where `fix.diff` was saved, for `git apply`.
    pub fix_file: Option<String>,
    /// The replay, as a command for the repository's root.
    pub replay_command: Option<String>,
    pub tests_command: Option<String>,
    /// Inputs that could not be read and steps that could not be done, a line each.
    pub notes: Vec<String>,
    /// Words that a claim quotes, with their evidence.
    pub quotes: Vec<CitedEvidence>,
    /// The person to ask, with the address that the report masks, for a reader who can see it in the repository as
    /// well. Never stored.
    #[serde(skip)]
    pub contact: Option<String>,
    /// The data folder, if commands must name it.
    #[serde(skip)]
    pub data_dir: Option<String>,
    /// Set if the sections are part of a service's page, where incidents and evidence have their own pages.
    #[serde(skip)]
    pub in_service: bool,
    /// Width of the terminal in columns, limited to 60 to 120; 0 means 100.
    #[serde(skip)]
    pub width: usize,
    /// Colours in the terminal format.
    #[serde(skip)]
    pub color: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CitedEvidence {
    pub evidence: EvidenceId,
    pub text: String,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CommitView {
    pub commit: String,
    pub parents: Vec<CommitId>,
    pub author: String,
    /// RFC 3339, or any form a person reads.
    pub date: String,
    pub subject: String,
    /// The whole commit as a unified diff against its first parent.
    pub diff: String,
    /// The minimal set of its hunks that flips the replay, as a unified diff; `None` when not minimised.
    pub guilty_diff: Option<String>,
    /// The diff of a fix that takes back exactly the guilty lines, if they are known only by it.
    pub taken_back_by: Option<String>,
}

/// The data of the bisect chart: how the runs narrowed the probability mass over the candidates.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct BisectView {
    /// Oldest first.
    pub candidates: Vec<BisectCandidate>,
    /// In the order they were run.
    pub steps: Vec<BisectStep>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BisectCandidate {
    pub commit: CommitId,
    /// Share of the probability before the first run, 0 to 1.
    pub mass: f64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BisectStep {
    /// Position in `report.replay.runs`, from 1.
    pub run: usize,
    /// Number of candidates that remain after the run.
    pub left: u32,
}
