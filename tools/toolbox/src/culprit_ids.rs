/*!
Culprits that people named. They may have given only the first digits of a commit id, but what a run compares are
whole ids.
*/

use millwright_model::{CommitId, Resolution};

use super::ToolContext;

/// Completes commit ids, because a person may have given only a prefix.
pub(super) fn with_full_ids(ctx: &ToolContext, mut known: Vec<Resolution>) -> Vec<Resolution> {
    for resolution in &mut known {
        complete_id(ctx, &mut resolution.culprit);
    }
    known
}

/// The same of one culprit. What names no commit here stays as it is.
pub(super) fn complete_id(ctx: &ToolContext, culprit: &mut Option<String>) {
    let named = culprit.as_deref().filter(|culprit| CommitId::parse(culprit).is_err());
    if let Some(full) = named.and_then(|culprit| ctx.visible(Some(culprit)).ok()) {
        *culprit = Some(full.into());
    }
}
