/*!
The tools that only a model needs: its board, reading evidence again, and the conclusion. They use the same pipeline
as every other tool, so that their results are recorded, bounded and rebuilt in the same way.
*/

mod board;
mod conclude;
mod read_evidence;

use std::sync::Arc;

use millwright_tools::ToolRegistry;

use crate::context::EvidenceCache;

pub use conclude::{CheckedConclusion, ConcludedOutcome};

/// `registry` with the model's own tools.
#[must_use]
pub fn with_model_tools(registry: ToolRegistry, shelf: &Arc<EvidenceCache>) -> ToolRegistry {
    registry
        .with(board::BoardTool(shelf.clone()))
        .with(conclude::ConcludeTool(shelf.clone()))
        .with(read_evidence::ReadEvidence(shelf.clone()))
}
