/*!
Finds the present owner of the code that a commit added. If somebody rewrote a culprit's lines, the fault may have
been fixed in between, and then the last author of the lines caused today's failure.
*/

use millwright_culprit::minimise::{CulpritHunk, hunks_of};
use millwright_git as git;
use millwright_git::history::{PathKind, path_kind};
use millwright_model::{CommitId, LineSpan};

use super::ToolContext;

/// Maximum number of hunks of a commit that are examined; more would not change the result.
const PLACES: usize = 5;
/// Minimum length of an informative line, in characters: a single brace occurs everywhere.
const TELLING: usize = 4;

/// Owners of a commit's code at the failing revision.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct LineStanding {
    /// Later commits that rewrote exactly these lines, each once, in the order of the commit's hunks.
    pub(super) rewritten_by: Vec<CommitId>,
    /// Some of the code was removed, or could not be looked up.
    pub(super) gone: bool,
}

impl LineStanding {
    /// Whether the commit still owns all of its code. A commit that only removed code has no lines to examine.
    pub(super) fn is_its_own(&self) -> bool {
        self.rewritten_by.is_empty() && !self.gone
    }
}

pub(super) fn standing(ctx: &ToolContext, commit: &CommitId) -> LineStanding {
    let mut out = LineStanding::default();
    let hunks = hunks_of(&ctx.repo, commit).unwrap_or_default();
    let runs = |hunk: &&CulpritHunk| {
        hunk.is_text()
            && hunk.new_lines > 0
            && !matches!(path_kind(&hunk.path), PathKind::Docs | PathKind::Test)
    };
    for hunk in hunks.iter().filter(runs).take(PLACES) {
        let Some((wrote, now)) = lines(ctx, commit, hunk) else {
            out.gone = true;
            continue;
        };
        // Insertions by others between the lines do not matter: a comment there takes nothing from the commit.
        for line in wrote.iter().map(|line| line.trim()).filter(|line| line.len() >= TELLING) {
            let owners = || now.iter().filter(|(_, text)| text.trim() == line).map(|(owner, _)| owner);
            if owners().any(|owner| owner == commit) {
                continue;
            }
            match owners().find(|owner| ctx.repo.is_ancestor(commit, owner).unwrap_or(false)) {
                Some(later) if out.rewritten_by.contains(later) => {}
                Some(later) => out.rewritten_by.push(later.clone()),
                None => out.gone = true,
            }
        }
    }
    out
}

/// Lines of a file, each with the commit that wrote it.
type Owned = Vec<(CommitId, String)>;

/// The lines that a hunk added, and the lines in their place now; `None` if this is unknown.
fn lines(ctx: &ToolContext, commit: &CommitId, hunk: &CulpritHunk) -> Option<(Vec<String>, Owned)> {
    let (start, end) = hunk.new_span();
    let text = git::blob_at(&ctx.repo, commit, &hunk.path).ok()?.text().ok()?;
    let wrote = text.lines().skip(start as usize - 1).take(hunk.new_lines as usize).map(str::to_owned);
    let blamed = blamed(ctx, &hunk.path, LineSpan { start, end }, commit)?;
    let owned = blamed.into_iter().flat_map(|span| {
        let commit = span.commit;
        span.lines.into_iter().map(move |line| (commit.clone(), line))
    });
    Some((wrote.collect(), owned.collect()))
}

/// Owners, at the failing revision, of the lines that were at this place in `then`; `None` if this is unknown.
pub(super) fn blamed(
    ctx: &ToolContext,
    path: &str,
    span: LineSpan,
    then: &str,
) -> Option<Vec<git::BlameSpan>> {
    let now = git::map_lines(&ctx.repo, path, span, then, &ctx.bad, &ctx.cancel).ok()??;
    let query = git::BlameQuery {
        bad: ctx.bad.clone(),
        good: None,
        path: now.path,
        start: now.span.start,
        end: now.span.end,
    };
    git::blame(&ctx.repo, &query, &ctx.cancel).ok()
}
