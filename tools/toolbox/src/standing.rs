/*!
What became of the code that a commit brought in: whose it is now. A culprit whose lines somebody wrote again may have been
mended in between, and then whoever wrote them last is to blame for the failure of today.
*/

use millwright_culprit::minimise::{CulpritHunk, hunks_of};
use millwright_git as git;
use millwright_git::history::{PathKind, path_kind};
use millwright_model::{CommitId, LineSpan};

use super::ToolContext;

/// Hunks of a commit that are looked at; more would not change the answer.
const PLACES: usize = 5;
/// Characters of a line that tells anything: a brace stands everywhere.
const TELLING: usize = 4;

/// Whose the code of a commit is at the failing revision.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct LineStanding {
    /// Later commits that wrote the very lines again, each once, in the order of the commit's hunks.
    pub(super) rewritten_by: Vec<CommitId>,
    /// Some of it is not there any more, or could not be looked up.
    pub(super) gone: bool,
}

impl LineStanding {
    /// Whether all of it is still the commit's own. A commit that only took away has nothing to look at.
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
        // What others put between the lines is not asked about: a comment there takes nothing from the commit.
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

/// Lines of a file, each with the commit it is by.
type Owned = Vec<(CommitId, String)>;

/// The lines that a hunk brought in, and those that stand there now; `None` where that cannot be told.
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

/// Whose the lines are, at the failing revision, that stood here at `then`; `None` where that cannot be told.
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
