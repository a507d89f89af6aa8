/*!
Makes evidence from a commit, with the same text for every tool that cites one.
*/

use millwright_git as git;
use millwright_model::{CommitId, EvidenceDraft, EvidenceSource, Locator};

use super::{ToolContext, ToolError};

/// Maximum number of bytes of a patch in evidence.
const PATCH_BYTES: usize = 20_000;

/// A commit's message and patch, bounded.
pub(super) fn commit_evidence(ctx: &ToolContext, commit: &CommitId) -> Result<EvidenceDraft, ToolError> {
    let detail = git::show(&ctx.repo, commit, &[], PATCH_BYTES, &ctx.cancel)?;
    let cut = if detail.diff.truncated { "\n[the patch goes on]" } else { "" };
    Ok(EvidenceDraft {
        source: EvidenceSource::Git,
        locator: Locator::commit(commit),
        text: format!(
            "commit {commit}\nAuthor: {} <{}>\n\n{}\n\n{}{cut}",
            detail.summary.author, detail.summary.author_email, detail.message, detail.diff.patch
        ),
    })
}
