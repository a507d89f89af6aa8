/*!
Turns a change that a model wrote into a candidate: places it in the files of the failing revision and formats it
again as git's own diff, so that the verified, shown and exported text is the same. Nothing is guessed: a change that
fits nowhere or in several places is refused with the nearest lines.

A change is bounded in size and kind. Paths stay inside the tree. The change must not touch the tests that judge a
fix, because silencing them could "verify" it.
*/

use std::collections::BTreeMap;

use millwright_code::judges;
use millwright_git::checkout::FileEdit;
use millwright_git::unified_diff::{DiffFile, DiffPath};
use millwright_git::{self as git, Repo, RepoError, TreePathKind};
use millwright_model::{CommitId, FixKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::applied::{changed, replaced};
use super::written_diff;
use super::{FixCandidate, FixError, changed_lines, diff_of};

pub const MAX_DIFF_BYTES: usize = 64 << 10;
const MAX_EDITS: usize = 40;
const MAX_FILES: usize = 20;
const MAX_CHANGED_LINES: usize = 2_000;
const MAX_FILE_BYTES: usize = 2 << 20;

/// One exact replacement in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TextEdit {
    /// Path from the top of the repository, as `git_file` takes it.
    pub path: String,
    /// Text that occurs exactly once in the file at the failing revision, best whole lines. Empty creates the
    /// file.
    pub old: String,
    /// The text that replaces it. Empty removes the old text.
    pub new: String,
}

/// A change as it was written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WrittenChange {
    Diff(String),
    Edits(Vec<TextEdit>),
}

/// Makes a candidate named `id` of `written` at `bad` (a full id). The inner error says what to write differently.
pub fn patch(
    repo: &Repo,
    bad: &CommitId,
    id: &str,
    written: &WrittenChange,
) -> Result<Result<FixCandidate, String>, FixError> {
    let tree = Tree { repo, bad };
    let files = match written {
        WrittenChange::Diff(diff) => from_diff(&tree, diff)?,
        WrittenChange::Edits(edits) => from_edits(&tree, edits)?,
    };
    let edits = match files {
        Ok(edits) => edits,
        Err(why) => return Ok(Err(why)),
    };
    let diff = diff_of(repo, bad, &edits)?;
    let lines = changed_lines(&diff);
    Ok(match lines {
        0 => {
            Err("it changes nothing at the failing revision; the files already have this content".to_owned())
        }
        _ if lines > MAX_CHANGED_LINES => Err(format!(
            "it changes {lines} lines, more than the {MAX_CHANGED_LINES} a fix may change; change less at \
             once"
        )),
        _ => Ok(FixCandidate { id: id.to_owned(), kind: FixKind::Patch, diff, lines }),
    })
}

/// The inner error is for who wrote the change.
type PatchAnswer<T> = Result<Result<T, String>, FixError>;

/// Hands on the outer error, returns the inner one.
macro_rules! asked {
    ($value:expr) => {
        match $value? {
            Ok(value) => value,
            Err(why) => return Ok(Err(why)),
        }
    };
}

/// The failing revision's files, as far as a change may touch them.
struct Tree<'r> {
    repo: &'r Repo,
    bad: &'r str,
}

/// A file as it is, if it is there.
struct Present {
    mode: String,
    text: String,
}

impl Tree<'_> {
    fn kind(&self, path: &str) -> Result<Option<TreePathKind>, RepoError> {
        git::kind_at(self.repo, self.bad, path)
    }

    /// The file at `path`, which must be a place where a change may be made. `None`: nothing is there.
    fn file(&self, path: &str) -> PatchAnswer<Option<Present>> {
        if let Err(why) = may_be_changed(path) {
            return Ok(Err(why));
        }
        for (at, _) in path.match_indices('/') {
            let folder = &path[..at];
            match self.kind(folder)? {
                None | Some(TreePathKind::Folder) => {}
                Some(TreePathKind::Link) => {
                    return Ok(Err(format!("{path} is behind {folder}, which is a symbolic link")));
                }
                Some(TreePathKind::Submodule) => {
                    return Ok(Err(format!("{path} is in {folder}, which is a submodule")));
                }
                Some(TreePathKind::File { .. }) => {
                    return Ok(Err(format!("{folder} is a file, not a folder")));
                }
            }
        }
        let executable = match self.kind(path)? {
            None => return Ok(Ok(None)),
            Some(TreePathKind::File { executable }) => executable,
            Some(TreePathKind::Link) => {
                return Ok(Err(format!("{path} is a symbolic link; change the file it names")));
            }
            Some(TreePathKind::Submodule) => {
                return Ok(Err(format!("{path} is a submodule, which stays as it is")));
            }
            Some(TreePathKind::Folder) => return Ok(Err(format!("{path} is a folder"))),
        };
        let blob = git::blob_at(self.repo, self.bad, path)?;
        if blob.bytes.len() > MAX_FILE_BYTES || blob.is_binary() {
            return Ok(Err(format!("{path} is binary or larger than {MAX_FILE_BYTES} bytes")));
        }
        let mode = if executable { "100755" } else { "100644" }.to_owned();
        Ok(match String::from_utf8(blob.bytes) {
            Ok(text) => Ok(Some(Present { mode, text })),
            Err(_) => Err(format!("{path} is not UTF-8, so its lines cannot be named safely")),
        })
    }

    fn missing(&self, path: &str) -> Result<String, RepoError> {
        const SHOWN: usize = 5;
        let name = path.rsplit('/').next().unwrap_or(path);
        let like: Vec<String> = git::files_at(self.repo, self.bad)?
            .into_iter()
            .filter(|other| other.rsplit('/').next() == Some(name))
            .take(SHOWN)
            .collect();
        let hint = match like.is_empty() {
            true => "; paths start at the top of the repository".to_owned(),
            false => format!("; there is {}", like.join(", ")),
        };
        Ok(format!("there is no file {path} at the failing revision{hint}"))
    }
}

/// Whether a fix may change or create a file of this name; the error says why not.
fn may_be_changed(path: &str) -> Result<(), String> {
    const LONGEST: usize = 400;
    let shown: String = path.chars().take(120).collect();
    let bad = |part: &str| matches!(part, "" | "." | "..") || part.eq_ignore_ascii_case(".git");
    if path.len() > LONGEST || path.chars().any(char::is_control) || path.contains('\\') {
        return Err(format!("{shown:?} is not the path of a file in the repository"));
    }
    if path.split('/').any(bad) {
        return Err(format!(
            "{shown:?} leaves the repository or enters its .git; paths start at the top of the tree"
        ));
    }
    if path.eq_ignore_ascii_case(".gitmodules") {
        return Err("submodules stay as they are, so .gitmodules cannot be changed".to_owned());
    }
    if runs_elsewhere(path) {
        return Err(format!(
            "{shown} configures continuous integration, which only people change; change the program instead"
        ));
    }
    if judges(path) {
        return Err(format!(
            "{shown} belongs to the tests, which verify a fix and must not be changed by it; change the \
             program instead"
        ));
    }
    Ok(())
}

/// What a build server or a robot obeys as soon as the branch is pushed.
fn runs_elsewhere(path: &str) -> bool {
    const FOLDERS: &[&str] = &[
        ".github/",
        ".gitlab/",
        ".circleci/",
        ".buildkite/",
        ".woodpecker/",
        ".forgejo/",
        ".gitea/",
        ".husky/",
    ];
    const FILES: &[&str] = &[
        ".gitlab-ci.yml",
        ".travis.yml",
        ".drone.yml",
        ".cirrus.yml",
        ".woodpecker.yml",
        ".appveyor.yml",
        "appveyor.yml",
        "azure-pipelines.yml",
        "bitbucket-pipelines.yml",
        "jenkinsfile",
        ".pre-commit-config.yaml",
    ];
    let lower = path.to_ascii_lowercase();
    FOLDERS.iter().any(|folder| lower.starts_with(folder)) || FILES.contains(&lower.as_str())
}

fn from_diff(tree: &Tree<'_>, diff: &str) -> PatchAnswer<Vec<FileEdit>> {
    if diff.len() > MAX_DIFF_BYTES {
        return Ok(Err(format!(
            "the diff has {} bytes, more than {MAX_DIFF_BYTES}; change less at once",
            diff.len()
        )));
    }
    let parsed = match written_diff::parse(diff) {
        Ok(parsed) => parsed,
        Err(why) => return Ok(Err(why)),
    };
    // A file may be named more than once; its hunks are all placed in the file as it is.
    let mut files: BTreeMap<String, DiffFile<'_>> = BTreeMap::new();
    for file in parsed {
        let path = asked!(path_of(tree, &file));
        match files.get_mut(&path) {
            Some(before) => before.hunks.extend(file.hunks),
            None => {
                files.insert(path, file);
            }
        }
    }
    if files.len() > MAX_FILES {
        return Ok(Err(format!(
            "it changes {} files, more than {MAX_FILES}; change less at once",
            files.len()
        )));
    }
    let mut edits = Vec::new();
    for (path, file) in files {
        let content = match (asked!(tree.file(&path)), &file.old, &file.new) {
            (Some(_), None, _) => {
                return Ok(Err(format!("{path} exists already; write --- a/{path} and its changed lines")));
            }
            (None, Some(_), _) => return Ok(Err(tree.missing(&path)?)),
            (None, None, _) => {
                let mode = file.new_mode.filter(|mode| *mode == "100755").unwrap_or("100644");
                match changed("", &path, &file.hunks) {
                    Ok(text) => Some((mode.to_owned(), text.into_bytes())),
                    Err(why) => return Ok(Err(why)),
                }
            }
            (Some(own), Some(_), new) => match changed(&own.text, &path, &file.hunks) {
                Ok(text) if new.is_none() && !text.is_empty() => {
                    return Ok(Err(format!(
                        "{path} is to be deleted, but the diff does not remove all of its lines"
                    )));
                }
                Ok(text) => new.as_ref().map(|_| (own.mode, text.into_bytes())),
                Err(why) => return Ok(Err(why)),
            },
        };
        edits.push(FileEdit { path, content });
    }
    Ok(Ok(edits))
}

/// The path a diff means: git's `a/` and `b/` are taken off, or were left out.
fn path_of(tree: &Tree<'_>, file: &DiffFile<'_>) -> PatchAnswer<String> {
    let clean = |path: &str| path.strip_prefix("./").unwrap_or(path).to_owned();
    let name = |path: &DiffPath| clean(&path.name);
    Ok(match (&file.old, &file.new) {
        (Some(old), Some(new)) if name(old) == name(new) && old.written != new.written => Ok(name(old)),
        (Some(old), Some(new)) if clean(&old.written) == clean(&new.written) => {
            let whole = clean(&old.written);
            let exists = may_be_changed(&whole).is_err() || tree.kind(&whole)?.is_some();
            Ok(if exists { whole } else { name(old) })
        }
        (Some(old), Some(new)) => Err(format!(
            "{} and {} name two files; renames cannot be proposed, delete the one and create the other",
            old.written, new.written
        )),
        (Some(path), None) | (None, Some(path)) => Ok(name(path)),
        (None, None) => Err("the diff names /dev/null on both sides".to_owned()),
    })
}

fn from_edits(tree: &Tree<'_>, edits: &[TextEdit]) -> PatchAnswer<Vec<FileEdit>> {
    let bytes: usize = edits.iter().map(|edit| edit.old.len() + edit.new.len()).sum();
    if edits.is_empty() || edits.len() > MAX_EDITS || bytes > MAX_DIFF_BYTES {
        return Ok(Err(format!(
            "give 1 to {MAX_EDITS} edits of at most {MAX_DIFF_BYTES} bytes together, not {} of {bytes}",
            edits.len()
        )));
    }
    let mut files: BTreeMap<String, (String, String)> = BTreeMap::new();
    for (number, edit) in edits.iter().enumerate() {
        let path = edit.path.strip_prefix("./").unwrap_or(&edit.path).to_owned();
        let failed = |why: String| format!("edit {} of {path}: {why}", number + 1);
        let (mode, before) = match files.remove(&path) {
            Some(known) => known,
            None => match asked!(tree.file(&path)) {
                Some(own) => (own.mode, own.text),
                None if edit.old.is_empty() => ("100644".to_owned(), String::new()),
                None => return Ok(Err(failed(tree.missing(&path)?))),
            },
        };
        match replaced(&before, edit) {
            Ok(after) => {
                files.insert(path, (mode, after));
            }
            Err(why) => return Ok(Err(failed(why))),
        }
    }
    if files.len() > MAX_FILES {
        return Ok(Err(format!(
            "it changes {} files, more than {MAX_FILES}; change less at once",
            files.len()
        )));
    }
    let edit = |(path, (mode, text)): (String, (String, String))| FileEdit {
        path,
        content: Some((mode, text.into_bytes())),
    };
    Ok(Ok(files.into_iter().map(edit).collect()))
}

#[cfg(test)]
#[path = "patch_tests.rs"]
mod tests;
