/*!
Replays with a test that did not exist at old revisions. If a replay names a file that is newer than the fault, older
revisions lack it, and the commit that added the test looks like the culprit. Such files are laid over every checkout
if runs confirm it: with the files, the failure must occur just before the commit that added them, and must not occur
at the good revision.
*/

use millwright_culprit::minimise::hunks_of;
use millwright_git as git;
use millwright_git::checkout::{FileOverlay, OverlayMode};
use millwright_git::history::{PathKind, path_kind};
use millwright_ingest::is_test_path;
use millwright_model::{CommitId, ReplayOutcome};
use millwright_replay::{ReplayRecipe, named_files};

use super::run_resources::ShownFailure;
use super::{ProgressEvent, ToolContext, ToolError};

/// Lays the files that the command of `recipe` names and that are newer than `good` over every checkout, if runs
/// confirm it.
pub(super) fn lay_in_younger(ctx: &ToolContext, recipe: &ReplayRecipe) -> Result<Vec<String>, ToolError> {
    let Some(good) = ctx.good.as_ref().filter(|_| recipe.overlay.is_none()) else { return Ok(Vec::new()) };
    let exists = |path: &str| git::exists_at(&ctx.repo, &ctx.bad, path).unwrap_or(false);
    let mut younger = named_files(&recipe.command, exists);
    younger.retain(|path| !recipe.files.iter().any(|file| file.path == *path) && is_younger(ctx, good, path));
    let Some(parent) = younger.first().and_then(|path| before_it_came(ctx, good, path)) else {
        return Ok(Vec::new());
    };
    adopt(ctx, recipe, younger, &parent)
}

/// Lays the tests of `commit` over every checkout. `commit` looks like the culprit and changes nothing but tests.
pub(super) fn lay_in_tests_of(
    ctx: &ToolContext,
    recipe: &ReplayRecipe,
    commit: &CommitId,
) -> Result<Vec<String>, ToolError> {
    if recipe.overlay.is_some() {
        return Ok(Vec::new());
    }
    let mut paths: Vec<String> = hunks_of(&ctx.repo, commit)?.into_iter().map(|hunk| hunk.path).collect();
    paths.dedup();
    let named = named_files(&recipe.command, |path| paths.iter().any(|changed| changed == path));
    let is_test = |path: &String| is_test_path(path) || named.contains(path);
    if !paths.iter().all(|path| is_test(path) || path_kind(path) == PathKind::Docs) {
        return Ok(Vec::new());
    }
    paths.retain(is_test);
    let parents = git::show(&ctx.repo, commit, &[], 0, &ctx.cancel)?.summary.parents;
    match parents.first().filter(|_| !paths.is_empty()) {
        Some(parent) => adopt(ctx, recipe, paths, parent),
        None => Ok(Vec::new()),
    }
}

/// Whether `good` has no such file, or another test of that name.
fn is_younger(ctx: &ToolContext, good: &CommitId, path: &str) -> bool {
    match git::exists_at(&ctx.repo, good, path) {
        Ok(false) => true,
        Ok(true) if is_test_path(path) => {
            let text = |revision: &str| git::blob_at(&ctx.repo, revision, path).ok()?.text().ok();
            text(good) != text(&ctx.bad)
        }
        _ => false,
    }
}

/// The commit just before the newest change of `path` in the range.
fn before_it_came(ctx: &ToolContext, good: &CommitId, path: &str) -> Option<CommitId> {
    let range = format!("{good}..{}", ctx.bad);
    let listing = ctx
        .repo
        .git()
        .args(["log", "--format=%P", "--max-count=1", "--end-of-options", range.as_str(), "--", path])
        .output()
        .ok()?;
    String::from_utf8_lossy(&listing).split_ascii_whitespace().next().and_then(|id| CommitId::parse(id).ok())
}

/// Uses the files for this run if the failure occurs with them at `parent` and not at the good revision.
fn adopt(
    ctx: &ToolContext,
    recipe: &ReplayRecipe,
    paths: Vec<String>,
    parent: &CommitId,
) -> Result<Vec<String>, ToolError> {
    ctx.progress.note(ProgressEvent::Step {
        text: format!("whether the failure is older than {}", paths.join(", ")),
    });
    let overlay = FileOverlay {
        from: ctx.bad.to_string(),
        base: None,
        paths: paths.clone(),
        mode: OverlayMode::Replace,
    };
    let with = ReplayRecipe { overlay: Some(overlay.clone()), ..recipe.clone() };
    let replayer = ctx.replayer(with)?;
    let before = replayer.runs().len();
    if replayer.run(parent, None)?.outcome() != ReplayOutcome::Reproduces {
        return Ok(Vec::new());
    }
    // If the files fail at the good revision as well, the files themselves cause the failure, so they are not only a
    // test.
    if let Some(good) = &ctx.good
        && (good == parent || replayer.run(good, None)?.outcome() != ReplayOutcome::Passes)
    {
        return Ok(Vec::new());
    }
    // Runs without the files say nothing about the failure with them.
    if let Some(shown) = ctx.workbench.shown() {
        ctx.workbench.keep_shown(&ShownFailure { runs: before, ..shown })?;
    }
    ctx.workbench.keep_overlay(&overlay)?;
    Ok(paths)
}

#[cfg(test)]
#[path = "lay_in_tests.rs"]
mod tests;
