/*!
What a page shows and the JSON does not carry: the culprit's own diff and author, the order of the candidates,
where the fix was saved. All of it is optional; a page without it is shorter, not wrong. It is stored beside a report,
so it only ever gains fields.
*/

use millwright_model::{CommitId, EvidenceId};
use serde::{Deserialize, Serialize};

/// `--format`.
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
            other => Err(format!("no format {other:?}; there are text, json, markdown and html")),
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
    /// What could not be taken in or done, a line each.
    pub notes: Vec<String>,
    /// Words that a claim quotes, and the evidence they stand in.
    pub quotes: Vec<CitedEvidence>,
    /// Whom to ask, with the address that the report masks; for a person who can read it in the repository as well. Never
    /// stored.
    #[serde(skip)]
    pub contact: Option<String>,
    /// The data folder, where commands have to name it.
    #[serde(skip)]
    pub data_dir: Option<String>,
    /// Set where the sections stand in the page of a service: incidents and evidence have pages of their own there.
    #[serde(skip)]
    pub in_service: bool,
    /// Columns of the terminal; held between 60 and 120, and 100 when zero.
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
    /// The diff of a fix that takes exactly the guilty lines back, where they are known by it alone.
    pub taken_back_by: Option<String>,
}

/// The bisect as a picture: how the probability mass over the candidates was narrowed.
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
    /// Candidates not excluded after it.
    pub left: u32,
}
