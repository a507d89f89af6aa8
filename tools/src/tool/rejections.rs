/*!
Answers that a person said were not it. They hold for every later report of the same failure: where memory finds the
incident again by its words or code, and where the very same replay is run.
*/

use millwright_memory::recall::Recalled;
use millwright_memory::store::{MemoryFilter, Store};
use millwright_memory::types::{Approval, Resolution};
use serde::{Deserialize, Serialize};

use super::{ToolContext, ToolError};

/// Incidents of the repository that are looked through for the same replay.
const LOOKED_THROUGH: u32 = 500;
/// Most that one investigation is told of.
const MOST: usize = 10;

/// An answer that a person rejected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rejection {
    pub incident_id: String,
    pub culprit: Option<String>,
    pub statement: String,
    pub by: String,
    /// What they wrote; may be empty.
    pub note: String,
}

impl Rejection {
    /// `anna said of incident inc_1 that this was not it: “not this”`.
    pub fn in_words(&self) -> String {
        let by = if self.by.is_empty() { "Somebody" } else { &self.by };
        let note =
            if self.note.is_empty() { String::new() } else { format!(": \u{201c}{}\u{201d}", self.note) };
        format!("{by} said of incident {} that this was not it{note}", self.incident_id)
    }
}

/// What was rejected of the incidents `found` and of those that were replayed by the recipe in force.
pub(super) async fn rejections(ctx: &ToolContext, found: &[Recalled]) -> Result<Vec<Rejection>, ToolError> {
    let Some(store) = &ctx.workbench.memory else { return Ok(Vec::new()) };
    let unreadable = |error| ToolError::unavailable("memory cannot be read").with_detail(error);
    let is_rejected = |known: &&Resolution| known.approval == Approval::Rejected;
    let mut rejected: Vec<Resolution> =
        found.iter().flat_map(|one| &one.resolutions).filter(is_rejected).cloned().collect();
    if let Some(recipe) = ctx.workbench.recipe().and_then(|recipe| serde_json::to_value(recipe).ok()) {
        let filter = MemoryFilter {
            repository: Some(ctx.workbench.repository.clone()),
            limit: LOOKED_THROUGH,
            ..MemoryFilter::default()
        };
        let items = store.list_memory(&filter).await.map_err(unreadable)?;
        let same = |known: &&Resolution| is_rejected(known) && known.replay.as_ref() == Some(&recipe);
        rejected.extend(items.iter().flat_map(|item| &item.resolutions).filter(same).cloned());
    }
    rejected.retain(|known| known.incident_id != ctx.workbench.incident);
    let mut out: Vec<Rejection> = Vec::new();
    for known in rejected {
        if out.len() < MOST && !out.iter().any(|one| one.incident_id == known.incident_id) {
            let note = note_of(store, &known).await.map_err(unreadable)?;
            out.push(Rejection {
                incident_id: known.incident_id,
                culprit: known.culprit,
                statement: known.statement,
                by: known.approved_by.unwrap_or_default(),
                note,
            });
        }
    }
    Ok(out)
}

/// What the person wrote who rejected it last.
async fn note_of(store: &Store, known: &Resolution) -> Result<String, millwright_memory::store::StoreError> {
    let entries = store.audit(Some(&known.incident_id)).await?;
    let last = entries.into_iter().rfind(|entry| entry.action == "approval" && entry.subject == known.id);
    Ok(last.and_then(|entry| entry.note).unwrap_or_default())
}
