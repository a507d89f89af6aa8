/*!
Takes back what a commit did, at a later revision, file by file. Each file is a three-way merge: the base is the file
as the culprit left it, "ours" is the file as it is now, and "theirs" is the file without the guilty lines. `git
merge-file` merges each file separately, so that a conflict in one file does not hide a clean inverse of another;
every conflict is reported. A file that was renamed since is changed under its present name.
*/

use millwright_model::CommitId;
use std::collections::BTreeMap;
use std::fs;

use millwright_git::checkout::{FileEdit, WrittenEntry, blob, tree_entries};
use millwright_git::{self as git, Repo};
use millwright_sandbox::CancelFlag;
use millwright_sandbox::trusted::GitError;

use super::FixError;
use crate::minimise::CulpritHunk;

/// The inner `Err` says in words why the change is not possible.
type Drafted = Result<Vec<FileEdit>, String>;

/// The inverse of the whole commit.
pub(super) fn whole(repo: &Repo, culprit: &CommitId, bad: &CommitId) -> Result<Drafted, FixError> {
    let parent = format!("{culprit}^1");
    let paths = match changed_paths(repo, culprit)? {
        Some(paths) => paths,
        None => return Ok(Err("the culprit is the first commit; there is nothing to revert to".into())),
    };
    let (before, after, now) =
        (entries(repo, &parent, &paths)?, entries(repo, culprit, &paths)?, entries(repo, bad, &paths)?);
    let mut edits = Vec::new();
    let mut conflicts = Vec::new();
    for path in &paths {
        let (base, theirs) = (content(repo, after.get(path))?, content(repo, before.get(path))?);
        let (there, ours) = match now.get(path) {
            None if base.is_some() && base != theirs => moved(repo, path, culprit, bad)?,
            entry => (path.clone(), content(repo, entry)?),
        };
        match merge(repo, ours.clone(), base, theirs)? {
            Some(merged) if merged == ours => {}
            Some(merged) => edits.push(FileEdit { path: there, content: merged }),
            None => conflicts.push(renamed_in_words(path, &there)),
        }
    }
    Ok(match conflicts.is_empty() {
        true => Ok(edits),
        false => {
            Err(format!("the whole commit cannot be reverted cleanly: {} changed since", listed(&conflicts)))
        }
    })
}

/// The inverse of some hunks of the commit.
pub(super) fn partial(
    repo: &Repo,
    culprit: &CommitId,
    guilty: &[CulpritHunk],
    bad: &CommitId,
) -> Result<Drafted, FixError> {
    let parent = format!("{culprit}^1");
    let mut by_path: BTreeMap<&str, Vec<&CulpritHunk>> = BTreeMap::new();
    for hunk in guilty {
        by_path.entry(hunk.path.as_str()).or_default().push(hunk);
    }
    let mut edits = Vec::new();
    for (path, hunks) in by_path {
        let (base, before) = (read(repo, culprit, path)?, read(repo, &parent, path)?);
        let theirs = match (&base, &before) {
            (Some((mode, base)), Some((_, before))) if hunks.iter().all(|hunk| hunk.is_text()) => {
                Some((mode.clone(), without(base, before, &hunks)))
            }
            _ => before,
        };
        let (there, ours) = match read(repo, bad, path)? {
            None if base.is_some() => moved(repo, path, culprit, bad)?,
            ours => (path.to_owned(), ours),
        };
        match merge(repo, ours.clone(), base, theirs)? {
            Some(merged) if merged == ours => {}
            Some(merged) => edits.push(FileEdit { path: there, content: merged }),
            None => {
                return Ok(Err(format!(
                    "the guilty lines cannot be reverted cleanly: {} changed there since",
                    renamed_in_words(path, &there)
                )));
            }
        }
    }
    Ok(Ok(edits))
}

/// Finds a file that no longer has its name: returns the name at `bad` and the content. A deleted file keeps its name
/// and has no content.
fn moved(repo: &Repo, path: &str, culprit: &CommitId, bad: &CommitId) -> Result<(String, File), FixError> {
    match git::renamed_to(repo, path, culprit, bad, &CancelFlag::default())? {
        Some(there) => {
            let content = read(repo, bad, &there)?;
            Ok((there, content))
        }
        None => Ok((path.to_owned(), None)),
    }
}

fn renamed_in_words(path: &str, there: &str) -> String {
    if path == there { path.to_owned() } else { format!("{there} ({path} then)") }
}

fn read(repo: &Repo, revision: &str, path: &str) -> Result<File, FixError> {
    content(repo, entries(repo, revision, &[path.to_owned()])?.get(path))
}

/// The content of an entry. Submodules belong to other repositories and are not taken back.
fn content(repo: &Repo, entry: Option<&WrittenEntry>) -> Result<File, FixError> {
    let file = entry.filter(|entry| entry.mode != "160000");
    file.map(|entry| Ok((entry.mode.clone(), blob(repo, entry)?))).transpose()
}

/// The text `after` with `hunks` as they were in `before`.
fn without(after: &[u8], before: &[u8], hunks: &[&CulpritHunk]) -> Vec<u8> {
    let (new, old) = (lines(after), lines(before));
    let mut hunks = hunks.to_vec();
    hunks.sort_by_key(|hunk| (hunk.new_start, hunk.old_start));
    let mut out = Vec::with_capacity(after.len());
    let mut at = 0usize;
    for hunk in hunks {
        // A hunk without new lines is located after line `new_start`; a hunk with new lines begins at it.
        let start =
            if hunk.new_lines == 0 { hunk.new_start } else { hunk.new_start.saturating_sub(1) } as usize;
        let from =
            if hunk.old_lines == 0 { hunk.old_start } else { hunk.old_start.saturating_sub(1) } as usize;
        out.extend(new.get(at..start.max(at)).into_iter().flatten().copied().flatten());
        out.extend(old.get(from..from + hunk.old_lines as usize).into_iter().flatten().copied().flatten());
        at = start.max(at) + hunk.new_lines as usize;
    }
    out.extend(new.get(at..).into_iter().flatten().copied().flatten());
    out
}

fn lines(text: &[u8]) -> Vec<&[u8]> {
    text.split_inclusive(|byte| *byte == b'\n').collect()
}

type File = Option<(String, Vec<u8>)>;

/// Three-way merge of one file, which may be absent on any side. `None`: a conflict.
fn merge(repo: &Repo, ours: File, base: File, theirs: File) -> Result<Option<File>, FixError> {
    if ours == base {
        return Ok(Some(theirs));
    }
    if ours == theirs || base == theirs {
        return Ok(Some(ours));
    }
    let (Some((mode, ours)), Some((_, base)), Some((_, theirs))) = (ours, base, theirs) else {
        return Ok(None);
    };
    let scratch = repo.data().join("scratch");
    let io = |source| millwright_git::checkout::CheckoutError::Io {
        action: "writing",
        path: scratch.clone(),
        source,
    };
    fs::create_dir_all(&scratch).map_err(io)?;
    let folder = tempfile::tempdir_in(&scratch).map_err(io)?;
    let mut paths = Vec::new();
    for (name, content) in [("ours", &ours), ("base", &base), ("theirs", &theirs)] {
        let path = folder.path().join(name);
        fs::write(&path, content).map_err(io)?;
        paths.push(path);
    }
    match repo.git().args(["merge-file", "-p", "--quiet"]).args(&paths).output() {
        Ok(merged) => Ok(Some(Some((mode, merged)))),
        // The exit status is the number of conflicts, or an error for binary files; neither gives a clean inverse.
        Err(GitError::Failed { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn entries(
    repo: &Repo,
    revision: &str,
    paths: &[String],
) -> Result<BTreeMap<String, WrittenEntry>, FixError> {
    let found = tree_entries(repo, revision, paths)?;
    Ok(found.into_iter().map(|entry| (entry.path.clone(), entry)).collect())
}

/// Paths the commit changed against its first parent; `None` for a root commit.
fn changed_paths(repo: &Repo, commit: &CommitId) -> Result<Option<Vec<String>>, FixError> {
    let parents = repo.git().args(["rev-list", "--parents", "--max-count=1", commit]).output()?;
    if String::from_utf8_lossy(&parents).split_ascii_whitespace().count() < 2 {
        return Ok(None);
    }
    let listing = repo
        .git()
        .args(["diff-tree", "-r", "-z", "--no-renames", "--name-only"])
        .args([format!("{commit}^1"), commit.to_string()])
        .output()?;
    let paths = listing.split(|byte| *byte == 0).filter(|path| !path.is_empty());
    Ok(Some(paths.map(|path| String::from_utf8_lossy(path).into_owned()).collect()))
}

fn listed(paths: &[String]) -> String {
    match paths {
        [one] => one.clone(),
        [first, rest @ ..] => format!("{first} and {} more files", rest.len()),
        [] => String::new(),
    }
}
