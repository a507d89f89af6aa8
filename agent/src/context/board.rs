/*!
The board of hypotheses: what the model believes, what it has refuted, and with which evidence. The board is the
latest result of the `board` tool; it survives a compaction and a fall-back to the playbook.
*/

use millwright_model::{EvidenceId, HypothesisStatus};
use serde::{Deserialize, Serialize};

use crate::run::Run;

/// Maximum number of hypotheses on the board; more competing ideas are not a plan.
pub const MOST_HYPOTHESES: usize = 12;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct HypothesisBoard {
    pub hypotheses: Vec<BoardEntry>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BoardEntry {
    pub id: String,
    pub statement: String,
    pub status: HypothesisStatus,
    pub evidence: Vec<EvidenceId>,
}

impl HypothesisBoard {
    pub fn of(run: &Run) -> Self {
        let last = run.result("board").cloned().and_then(|data| serde_json::from_value(data).ok());
        last.unwrap_or_default()
    }

    pub fn in_words(&self) -> String {
        if self.hypotheses.is_empty() {
            return "The board is empty.".to_owned();
        }
        let line = |entry: &BoardEntry| {
            let status = match entry.status {
                HypothesisStatus::Supported => "supported",
                HypothesisStatus::Refuted => "refuted",
                HypothesisStatus::Open => "open",
            };
            let cites: Vec<&str> = entry.evidence.iter().map(|id| id.0.as_str()).collect();
            let cites = if cites.is_empty() { String::new() } else { format!(" [{}]", cites.join(", ")) };
            format!("{} ({status}) {}{cites}", entry.id, entry.statement)
        };
        self.hypotheses.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}
