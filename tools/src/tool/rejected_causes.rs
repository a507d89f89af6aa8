/*!
Causes that a person rejected. A rejection holds for every later report of the same failure: where memory finds the
incident again by its words or code, and where the same replay is run.
*/

use millwright_memory::recall::Recalled;
use millwright_memory::store::{MemoryItem, Store, StoreError};
use millwright_memory::types::{Approval, Resolution};
use serde::{Deserialize, Serialize};

use super::{ToolContext, ToolError};

/// Rejected causes that one investigation considers.
const MAX_REJECTED_CAUSES: usize = 10;

/// A cause that a person rejected for an earlier incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RejectedCause {
    pub incident_id: String,
    pub culprit: Option<String>,
    /// What the rejected resolution said.
    pub statement: String,
    pub rejected_by: String,
    /// The person's note; may be empty.
    pub note: String,
}

impl RejectedCause {
    /// `anna rejected this cause for incident inc_1: “not this”`.
    pub fn in_words(&self) -> String {
        let by = if self.rejected_by.is_empty() { "A person" } else { &self.rejected_by };
        let note =
            if self.note.is_empty() { String::new() } else { format!(": \u{201c}{}\u{201d}", self.note) };
        format!("{by} rejected this cause for incident {}{note}", self.incident_id)
    }
}

/// The rejected resolutions of the incidents `found`, and of those that the same recipe `replayed`.
pub(super) async fn find_rejected_causes(
    ctx: &ToolContext,
    found: &[Recalled],
    replayed: &[MemoryItem],
) -> Result<Vec<RejectedCause>, ToolError> {
    let Some(store) = &ctx.workbench.memory else { return Ok(Vec::new()) };
    let found = found.iter().flat_map(|recalled| &recalled.resolutions);
    let replayed = replayed.iter().flat_map(|item| &item.resolutions);
    let mut out: Vec<RejectedCause> = Vec::new();
    for known in found.chain(replayed).filter(|known| known.approval == Approval::Rejected) {
        let is_listed = out.iter().any(|one| one.incident_id == known.incident_id);
        if out.len() < MAX_REJECTED_CAUSES && known.incident_id != ctx.workbench.incident && !is_listed {
            let note = load_note(store, known)
                .await
                .map_err(|error| ToolError::unavailable("memory cannot be read").with_detail(error))?;
            out.push(RejectedCause {
                incident_id: known.incident_id.clone(),
                culprit: known.culprit.clone(),
                statement: known.statement.clone(),
                rejected_by: known.approved_by.clone().unwrap_or_default(),
                note,
            });
        }
    }
    Ok(out)
}

/// The note of the latest rejection.
async fn load_note(store: &Store, known: &Resolution) -> Result<String, StoreError> {
    let entries = store.audit(Some(&known.incident_id)).await?;
    let last = entries.into_iter().rfind(|entry| entry.action == "approval" && entry.subject == known.id);
    Ok(last.and_then(|entry| entry.note).unwrap_or_default())
}
