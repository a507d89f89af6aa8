/*!
Causes that a person rejected. A rejection applies to every later report of the same failure: if memory finds the
incident by its words or code, if the same replay is run, or if another investigation of the repository ends at the
same commit and code.
*/

use millwright_model::{
    Approval, EvidenceDraft, EvidenceSource, IncidentId, Locator, Resolution, ResolutionId,
};
use millwright_recall::RecalledIncident;
use millwright_store::{MemoryItem, Store, StoreError};
use serde::{Deserialize, Serialize};

use super::culprit_ids::with_full_ids;
use super::{RunMemory, ToolContext, ToolError};

/// Maximum number of rejected causes that one investigation considers.
const MAX_REJECTED_CAUSES: usize = 10;

/// A cause that a person rejected for an earlier incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RejectedCause {
    pub incident_id: IncidentId,
    pub culprit: Option<String>,
    /// The guilty code, as in [`Resolution::units`]; empty if unknown.
    #[serde(default)]
    pub units: Vec<String>,
    /// The statement of the rejected resolution.
    pub statement: String,
    pub rejected_by: String,
    /// The person's note; may be empty.
    pub note: String,
}

impl RejectedCause {
    /// Loads the rejected resolutions with the feedback about them.
    pub(super) async fn load(store: &Store, rejected: &[&Resolution]) -> Result<Vec<Self>, StoreError> {
        let ids: Vec<&ResolutionId> = rejected.iter().map(|known| &known.id).collect();
        let mut notes = store.rejection_notes(&ids).await?;
        let told = |known: &&Resolution| Self {
            incident_id: known.incident_id.clone(),
            culprit: known.culprit.clone(),
            units: known.units.clone(),
            statement: known.statement.clone(),
            rejected_by: known.approved_by.clone().unwrap_or_default(),
            note: notes.remove(&known.id).unwrap_or_default(),
        };
        Ok(rejected.iter().map(told).collect())
    }

    /// Whether guilty code found now may be the rejected code: the two overlap, or one of them is unknown.
    pub fn is_about(&self, units: &[String]) -> bool {
        self.units.is_empty() || units.is_empty() || units.iter().any(|unit| self.units.contains(unit))
    }

    pub(super) fn evidence(&self) -> EvidenceDraft {
        EvidenceDraft {
            source: EvidenceSource::Memory,
            locator: Locator::memory(&self.incident_id),
            text: format!("{}\n{}\n{}", self.incident_id, self.statement, self.in_words()),
        }
    }

    /// `anna rejected this cause for incident inc_1: “not this”`.
    pub fn in_words(&self) -> String {
        let by = if self.rejected_by.is_empty() { "A person" } else { &self.rejected_by };
        let note =
            if self.note.is_empty() { String::new() } else { format!(": \u{201c}{}\u{201d}", self.note) };
        format!("{by} rejected this cause for incident {}{note}", self.incident_id)
    }
}

/// The rejected resolutions of the incidents `found`, and of the incidents that the same recipe `replayed`.
pub(super) async fn find_rejected_causes(
    ctx: &ToolContext,
    found: &[RecalledIncident],
    replayed: &[MemoryItem],
) -> Result<Vec<RejectedCause>, ToolError> {
    let Some(RunMemory { store, .. }) = &ctx.workbench.memory else { return Ok(Vec::new()) };
    let found = found.iter().flat_map(|recalled| &recalled.resolutions);
    let replayed = replayed.iter().flat_map(|item| &item.resolutions);
    let mut rejected: Vec<&Resolution> = Vec::new();
    for known in found.chain(replayed).filter(|known| known.approval == Approval::Rejected) {
        let is_listed = rejected.iter().any(|one| one.incident_id == known.incident_id);
        if Some(&known.incident_id) != ctx.workbench.incident.as_ref() && !is_listed {
            rejected.push(known);
        }
    }
    rejected.truncate(MAX_REJECTED_CAUSES);
    let rejected: Vec<Resolution> = rejected.into_iter().cloned().collect();
    let rejected = ctx.blocking(move |ctx| Ok(with_full_ids(ctx, rejected))).await?;
    RejectedCause::load(store, &rejected.iter().collect::<Vec<_>>())
        .await
        .map_err(|error| ToolError::unavailable("memory cannot be read").with_detail(error))
}
