/*!
Composes the files a replay runs on: a revision, changed by a patch or by complete file contents, with the
overlay's files on top. The overlay comes last, so that a candidate fix never alters the test that judges it. The
result is a git tree.
*/

use std::collections::{BTreeMap, BTreeSet};

use millwright_sandbox::trusted::GitError;
use serde::{Deserialize, Serialize};

use super::objects::{ScratchIndex, WrittenEntry, blob, scratch_folder, tree_entries, write_blob};
use super::{CheckoutError, io_error};
use crate::Repo;

/// Files of one revision laid over the checkout of another.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileOverlay {
    /// Revision the files come from.
    pub from: String,
    /// Revision `from` was built on; needed by `merge` only.
    #[serde(default)]
    pub base: Option<String>,
    /// Files or folders, inside the repository.
    pub paths: Vec<String>,
    #[serde(default)]
    pub mode: OverlayMode,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OverlayMode {
    /// Replaces whole files; a file named in `paths` that `from` does not have is removed.
    #[default]
    Replace,
    /// Merges only what changed between `base` and `from` into the checkout's own files, union on conflict.
    Merge,
}

/// The content of one file, or its absence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEdit {
    pub path: String,
    /// Mode (`100644` …) and content; `None` removes the file.
    pub content: Option<(String, Vec<u8>)>,
}

/// Something to test other than a commit's own files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckoutChange {
    /// A unified diff with `a/` and `b/` prefixes, applied without fuzz of content.
    Patch(String),
    /// Whole files.
    Files(Vec<FileEdit>),
}

/// What is to be checked out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComposedTree {
    /// Id of a git tree; equal contents have equal ids.
    pub tree: String,
    /// What could not be laid over as asked, in words for the report.
    pub notes: Vec<String>,
}

/// Composes `revision` (a full commit or tree id), `change` and `overlay` into one tree.
pub fn compose(
    repo: &Repo,
    revision: &str,
    change: Option<&CheckoutChange>,
    overlay: Option<&FileOverlay>,
) -> Result<ComposedTree, CheckoutError> {
    if change.is_none() && overlay.is_none() {
        let tree = repo
            .git()
            .args(["rev-parse", "--verify", "--quiet", &format!("{revision}^{{tree}}")])
            .output()?;
        return Ok(ComposedTree {
            tree: String::from_utf8_lossy(&tree).trim().to_owned(),
            notes: Vec::new(),
        });
    }
    let index = ScratchIndex::from_tree(repo, revision)?;
    let mut notes = Vec::new();
    match change {
        Some(CheckoutChange::Patch(diff)) => apply_patch(&index, revision, diff)?,
        Some(CheckoutChange::Files(edits)) => put_files(repo, &index, edits)?,
        None => {}
    }
    if let Some(overlay) = overlay {
        let own = match change {
            Some(_) => index.write_tree()?,
            None => revision.to_owned(),
        };
        lay_over(repo, &index, &own, overlay, &mut notes)?;
    }
    Ok(ComposedTree { tree: index.write_tree()?, notes })
}

/// The tree of `revision` with some files set or removed.
pub fn edit_tree(repo: &Repo, revision: &str, edits: &[FileEdit]) -> Result<String, CheckoutError> {
    let index = ScratchIndex::from_tree(repo, revision)?;
    put_files(repo, &index, edits)?;
    index.write_tree()
}

fn apply_patch(index: &ScratchIndex<'_>, revision: &str, diff: &str) -> Result<(), CheckoutError> {
    if diff.trim().is_empty() {
        return Ok(());
    }
    // `--cached` touches only the index, and git refuses paths that leave the repository, pass through a symbolic
    // link or name `.git`.
    let apply = |how: &[&str]| {
        index
            .git()
            .args(["apply", "--cached", "--whitespace=nowarn", "-p1"])
            .args(how)
            .arg("-")
            .output_with_input(diff.as_bytes())
    };
    // If lines have moved, `--3way` lets git merge with the blobs that the diff names, if they exist. A conflict
    // is still an error.
    let applied = apply(&[]).or_else(|refused| apply(&["--3way"]).map_err(|_| refused));
    match applied {
        Ok(_) => Ok(()),
        Err(GitError::Failed { stderr, .. }) => {
            Err(CheckoutError::DoesNotApply { revision: revision.to_owned(), reason: stderr })
        }
        Err(other) => Err(other.into()),
    }
}

fn put_files(repo: &Repo, index: &ScratchIndex<'_>, edits: &[FileEdit]) -> Result<(), CheckoutError> {
    let mut updates = Vec::with_capacity(edits.len());
    for edit in edits {
        require_inside(&edit.path)?;
        let entry = match &edit.content {
            Some((mode, content)) => Some((mode.clone(), write_blob(repo, content)?)),
            None => None,
        };
        updates.push((edit.path.clone(), entry));
    }
    index.update(updates)
}

fn lay_over(
    repo: &Repo,
    index: &ScratchIndex<'_>,
    own: &str,
    overlay: &FileOverlay,
    notes: &mut Vec<String>,
) -> Result<(), CheckoutError> {
    for path in &overlay.paths {
        require_inside(path)?;
    }
    let listed = |revision: &str| -> Result<BTreeMap<String, WrittenEntry>, CheckoutError> {
        let entries = tree_entries(repo, revision, &overlay.paths)?;
        Ok(entries.into_iter().map(|entry| (entry.path.clone(), entry)).collect())
    };
    let from = listed(&overlay.from)?;
    let ours = listed(own)?;
    let mut updates = Vec::new();
    let as_it_is = |entry: &WrittenEntry| Some((entry.mode.clone(), entry.oid.clone()));
    match (overlay.mode, &overlay.base) {
        (OverlayMode::Merge, Some(base)) => {
            let base = listed(base)?;
            let paths: BTreeSet<&String> = from.keys().chain(base.keys()).collect();
            for path in paths {
                let update = match (ours.get(path), base.get(path), from.get(path)) {
                    (Some(_), Some(_), None) => None,
                    (None, _, None) => continue,
                    (_, Some(before), Some(after)) if before.oid == after.oid => continue,
                    (None, _, Some(after)) => as_it_is(after),
                    (Some(own), Some(before), Some(after)) if own.oid == before.oid => as_it_is(after),
                    (Some(own), before, Some(after)) => {
                        Some((own.mode.clone(), merged(repo, own, before, after, notes)?))
                    }
                    (Some(_), None, None) => continue,
                };
                updates.push((path.clone(), update));
            }
        }
        (mode, _) => {
            if mode == OverlayMode::Merge {
                notes.push("the overlay names no base to merge from; whole files were laid over".into());
            }
            // A path that is a file here and missing in the other revision was removed by that revision.
            let gone =
                overlay.paths.iter().filter(|path| ours.contains_key(*path) && !from.contains_key(*path));
            updates.extend(gone.map(|path| (path.clone(), None)));
            updates.extend(from.values().map(|entry| (entry.path.clone(), as_it_is(entry))));
        }
    }
    for path in &overlay.paths {
        let inside =
            |found: &String| found == path || found.starts_with(&format!("{}/", path.trim_end_matches('/')));
        if !from.keys().chain(ours.keys()).any(inside) {
            notes.push(format!("the overlay's {path} exists at neither revision"));
        }
    }
    index.update(updates)
}

/// Three-way merge of one file by git, keeping the lines of both sides where they conflict.
fn merged(
    repo: &Repo,
    own: &WrittenEntry,
    base: Option<&WrittenEntry>,
    from: &WrittenEntry,
    notes: &mut Vec<String>,
) -> Result<String, CheckoutError> {
    if own.oid == from.oid {
        return Ok(own.oid.clone());
    }
    if !own.is_file() || !from.is_file() {
        notes.push(format!("{} is not a plain file at both revisions; the overlay's was taken", own.path));
        return Ok(from.oid.clone());
    }
    let scratch = scratch_folder(repo)?;
    let folder = tempfile::tempdir_in(&scratch).map_err(io_error("creating a folder in", &scratch))?;
    let put = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).map_err(io_error("writing", &path))?;
        Ok::<_, CheckoutError>(path)
    };
    let base_content = match base {
        Some(base) if base.is_file() => blob(repo, base)?,
        _ => Vec::new(),
    };
    let (own_file, base_file, from_file) =
        (put("own", &blob(repo, own)?)?, put("base", &base_content)?, put("from", &blob(repo, from)?)?);
    let merge =
        repo.git().args(["merge-file", "--union", "-p"]).args([&own_file, &base_file, &from_file]).output();
    match merge {
        Ok(content) => write_blob(repo, &content),
        Err(GitError::Failed { .. }) => {
            notes.push(format!("{} cannot be merged (binary); the overlay's was taken whole", own.path));
            Ok(from.oid.clone())
        }
        Err(other) => Err(other.into()),
    }
}

/// Overlay and change paths come from cases, recipes and models: none may leave the repository.
fn require_inside(path: &str) -> Result<(), CheckoutError> {
    let trimmed = path.strip_suffix('/').unwrap_or(path);
    let bad = |part: &str| matches!(part, "" | "." | "..") || part.eq_ignore_ascii_case(".git");
    if trimmed.contains('\0') || trimmed.split('/').any(bad) {
        return Err(CheckoutError::BadPath { path: path.chars().take(200).collect() });
    }
    Ok(())
}
