/*!
What became of the code that a commit brought in: whose it is now. A culprit whose lines somebody wrote again may have been
mended in between, and then whoever wrote them last is to blame for the failure of today.
*/

use millwright_memory::types::LineSpan;

use super::ToolContext;
use crate::git;
use crate::history::{PathKind, path_kind};
use crate::minimise::{Hunk, hunks_of};

/// Hunks of a commit that are looked at; more would not change the answer.
const PLACES: usize = 5;

/// Whose the code of a commit is at the failing revision.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Standing {
    /// Later commits that wrote lines where the commit's stood, each once, in the order of the commit's hunks.
    pub(super) rewritten_by: Vec<String>,
    /// Some of it is not there any more at all, or could not be looked up.
    pub(super) gone: bool,
}

impl Standing {
    /// Whether all of it is still the commit's own. A commit that only took away has nothing to look at.
    pub(super) fn is_its_own(&self) -> bool {
        self.rewritten_by.is_empty() && !self.gone
    }
}

pub(super) fn standing(ctx: &ToolContext, commit: &str) -> Standing {
    let mut out = Standing::default();
    let hunks = hunks_of(&ctx.repo, commit).unwrap_or_default();
    let runs = |hunk: &&Hunk| {
        hunk.is_text()
            && hunk.new_lines > 0
            && !matches!(path_kind(&hunk.path), PathKind::Docs | PathKind::Test)
    };
    for hunk in hunks.iter().filter(runs).take(PLACES) {
        let Some(owners) = owners(ctx, commit, hunk) else {
            out.gone = true;
            continue;
        };
        for owner in owners.into_iter().filter(|owner| owner != commit) {
            let later = ctx.repo.is_ancestor(commit, &owner).unwrap_or(false);
            out.gone |= !later;
            if later && !out.rewritten_by.contains(&owner) {
                out.rewritten_by.push(owner);
            }
        }
    }
    out
}

/// Who wrote the lines that stand where a hunk's stood; `None` where there are none.
fn owners(ctx: &ToolContext, commit: &str, hunk: &Hunk) -> Option<Vec<String>> {
    let (start, end) = hunk.new_span();
    let span = LineSpan { start, end };
    let now = git::map_lines(&ctx.repo, &hunk.path, span, commit, &ctx.bad, &ctx.cancel).ok()??;
    let query = git::BlameQuery {
        bad: ctx.bad.clone(),
        good: None,
        path: now.path,
        start: now.span.start,
        end: now.span.end,
    };
    let blamed = git::blame(&ctx.repo, &query, &ctx.cancel).ok()?;
    Some(blamed.into_iter().map(|span| span.commit).collect())
}
