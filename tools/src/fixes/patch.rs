/*!
A change written by a model, made into a candidate: placed in the files of the failing revision and drawn up anew
as git's own diff, so that what is verified, shown and handed over is one and the same text. Nothing is guessed: a
change that fits nowhere or in several places is refused with the nearest lines.

What may be changed is bounded in size and kind. Paths stay inside the tree, and the tests that judge a fix are not
its to change, or a fix could be "verified" by silencing them.
*/

use std::collections::BTreeMap;

use millwright_memory::redaction::placeholders;
use millwright_memory::types::FixKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::place::{self, Likeness, Shift};
use super::unified::{self, FilePatch, Hunk, Kind};
use super::{Candidate, FixError, changed_lines, diff_of};
use crate::checkout::FileEdit;
use crate::code::judges;
use crate::git::{self, PathKind, Repo, RepoError};

pub const MAX_DIFF_BYTES: usize = 64 << 10;
pub const MAX_EDITS: usize = 40;
const MAX_FILES: usize = 20;
const MAX_CHANGED_LINES: usize = 2_000;
const MAX_FILE_BYTES: usize = 2 << 20;

/// One exact replacement in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// Path from the top of the repository, as `git_file` takes it.
    pub path: String,
    /// Text that stands exactly once in the file at the failing revision, whole lines best. Empty creates the file.
    pub old: String,
    /// What stands there instead. Empty removes the old text.
    pub new: String,
}

/// A change as it was written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    Diff(String),
    Edits(Vec<Edit>),
}

/// Makes a candidate named `id` of `written` at `bad` (a full id). The inner error says what to write differently.
pub fn patch(
    repo: &Repo,
    bad: &str,
    id: &str,
    written: &Written,
) -> Result<Result<Candidate, String>, FixError> {
    let tree = Tree { repo, bad };
    let files = match written {
        Written::Diff(diff) => from_diff(&tree, diff)?,
        Written::Edits(edits) => from_edits(&tree, edits)?,
    };
    let edits = match files {
        Ok(edits) => edits,
        Err(why) => return Ok(Err(why)),
    };
    let diff = diff_of(repo, bad, &edits)?;
    let lines = changed_lines(&diff);
    Ok(match lines {
        0 => Err("it changes nothing at the failing revision; the files already read like that".to_owned()),
        _ if lines > MAX_CHANGED_LINES => Err(format!(
            "it changes {lines} lines, more than the {MAX_CHANGED_LINES} a fix may; mend less at once"
        )),
        _ => Ok(Candidate { id: id.to_owned(), kind: FixKind::Patch, diff, lines }),
    })
}

/// The inner error is for who wrote the change.
type Asked<T> = Result<Result<T, String>, FixError>;

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
    fn kind(&self, path: &str) -> Result<Option<PathKind>, RepoError> {
        git::kind_at(self.repo, self.bad, path)
    }

    /// The file at `path`, which must be a place where a change may be made. `None`: nothing is there.
    fn file(&self, path: &str) -> Asked<Option<Present>> {
        if let Err(why) = may_be_changed(path) {
            return Ok(Err(why));
        }
        for (at, _) in path.match_indices('/') {
            let folder = &path[..at];
            match self.kind(folder)? {
                None | Some(PathKind::Folder) => {}
                Some(PathKind::Link) => {
                    return Ok(Err(format!("{path} lies behind {folder}, which is a symbolic link")));
                }
                Some(PathKind::Submodule) => {
                    return Ok(Err(format!("{path} lies in {folder}, which is a submodule")));
                }
                Some(PathKind::File { .. }) => return Ok(Err(format!("{folder} is a file, not a folder"))),
            }
        }
        let executable = match self.kind(path)? {
            None => return Ok(Ok(None)),
            Some(PathKind::File { executable }) => executable,
            Some(PathKind::Link) => {
                return Ok(Err(format!("{path} is a symbolic link; change the file it names")));
            }
            Some(PathKind::Submodule) => {
                return Ok(Err(format!("{path} is a submodule, which stays as it is")));
            }
            Some(PathKind::Folder) => return Ok(Err(format!("{path} is a folder"))),
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
pub fn may_be_changed(path: &str) -> Result<(), String> {
    const LONGEST: usize = 400;
    let shown: String = path.chars().take(120).collect();
    let bad = |part: &str| matches!(part, "" | "." | "..") || part.eq_ignore_ascii_case(".git");
    if path.len() > LONGEST || path.chars().any(char::is_control) || path.contains('\\') {
        return Err(format!("{shown:?} is no path of a file in the repository"));
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
            "{shown} tells other machines what to run (continuous integration); a fix changes the program, and people \
             change that"
        ));
    }
    if judges(path) {
        return Err(format!(
            "{shown} belongs to the tests, which judge a fix and are not changed by it; change the program instead"
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

fn from_diff(tree: &Tree<'_>, diff: &str) -> Asked<Vec<FileEdit>> {
    if diff.len() > MAX_DIFF_BYTES {
        return Ok(Err(format!(
            "the diff has {} bytes, more than {MAX_DIFF_BYTES}; mend less at once",
            diff.len()
        )));
    }
    let parsed = match unified::parse(diff) {
        Ok(parsed) => parsed,
        Err(why) => return Ok(Err(why)),
    };
    // A file may be named more than once; its hunks are all placed in the file as it is.
    let mut files: BTreeMap<String, FilePatch> = BTreeMap::new();
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
            "it changes {} files, more than {MAX_FILES}; mend less at once",
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
                let mode = if file.executable { "100755" } else { "100644" };
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
fn path_of(tree: &Tree<'_>, file: &FilePatch) -> Asked<String> {
    let clean = |path: &str| path.strip_prefix("./").unwrap_or(path).to_owned();
    let bare = |path: &str, prefix: &str| clean(path.strip_prefix(prefix).unwrap_or(path));
    Ok(match (&file.old, &file.new) {
        (Some(old), Some(new)) if bare(old, "a/") == bare(new, "b/") && old != new => Ok(bare(old, "a/")),
        (Some(old), Some(new)) if clean(old) == clean(new) => {
            let (whole, bare) = (clean(old), bare(old, "a/"));
            let exists = may_be_changed(&whole).is_err() || tree.kind(&whole)?.is_some();
            Ok(if exists { whole } else { bare })
        }
        (Some(old), Some(new)) => Err(format!(
            "{old} and {new} name two files; renames cannot be proposed, delete the one and create the other"
        )),
        (Some(old), None) => Ok(bare(old, "a/")),
        (None, Some(new)) => Ok(bare(new, "b/")),
        (None, None) => Err("the diff names /dev/null on both sides".to_owned()),
    })
}

/// The text with hunks applied, each where its lines stand.
fn changed(text: &str, path: &str, hunks: &[Hunk]) -> Result<String, String> {
    let file = Lines::of(text);
    let mut placed = Vec::with_capacity(hunks.len());
    for (number, hunk) in hunks.iter().enumerate() {
        let failed = |why: String| format!("hunk {} of {path}: {why}", number + 1);
        no_new_placeholder(
            text,
            hunk.lines.iter().filter(|line| line.kind == Kind::Add).map(|l| l.text.as_str()),
        )
        .map_err(failed)?;
        placed.push(place_hunk(&file, hunk).map_err(failed)?);
    }
    placed.sort_by_key(|piece| (piece.at, piece.until));
    let mut out: Vec<String> = Vec::new();
    let mut done = 0;
    for piece in placed {
        if piece.at < done {
            return Err(format!("two hunks of {path} change the same lines; write them as one"));
        }
        out.extend(file.whole(done, piece.at));
        out.extend(piece.lines);
        done = piece.until;
    }
    out.extend(file.whole(done, file.bare.len()));
    let open_end = hunks.iter().any(|hunk| hunk.open_end);
    let last = out.len();
    for (number, line) in out.iter_mut().enumerate() {
        // A last line without a break got company, or a new last line has none.
        if number + 1 < last && !line.ends_with('\n') {
            line.push_str(file.line_break);
        }
    }
    let mut out = out.concat();
    if open_end && out.ends_with('\n') {
        out.truncate(out.trim_end_matches(['\r', '\n']).len());
    }
    Ok(out)
}

/// New lines for a stretch of a file.
struct Piece {
    at: usize,
    until: usize,
    lines: Vec<String>,
}

fn place_hunk(file: &Lines<'_>, hunk: &Hunk) -> Result<Piece, String> {
    let old: Vec<&str> = hunk.old().map(|line| line.text.as_str()).collect();
    let (at, shift) = if old.is_empty() {
        // Git counts `@@ -3,0` as behind line 3.
        let at = match hunk.start {
            _ if file.bare.is_empty() => 0,
            Some(start) if start <= file.bare.len() => start,
            _ => {
                return Err(
                    "it has no unchanged line that says where its new lines belong; add some".to_owned()
                );
            }
        };
        (at, Shift::None)
    } else {
        let found = place::find(&file.bare, &old, hunk.start)?;
        let own = &file.bare[found.at..found.at + old.len()];
        (found.at, shift_of(found.likeness, hunk, own)?)
    };
    let mut lines = Vec::new();
    let mut next = at;
    for line in &hunk.lines {
        match line.kind {
            Kind::Context => {
                lines.extend(file.whole(next, next + 1));
                next += 1;
            }
            Kind::Remove => next += 1,
            Kind::Add => {
                let text = shift.apply(&line.text).ok_or(INDENTATION)?;
                lines.push(format!("{}{}", text, file.line_break));
            }
        }
    }
    Ok(Piece { at, until: next, lines })
}

const INDENTATION: &str = "its indentation differs from the file's, and not alike in all lines; copy the lines as git_file shows them";

/// New lines are written like the removed ones, so those tell how the indentation is off.
fn shift_of(likeness: Likeness, hunk: &Hunk, own: &[&str]) -> Result<Shift, String> {
    if likeness != Likeness::Indentation {
        return Ok(Shift::None);
    }
    let removes = hunk.lines.iter().any(|line| line.kind == Kind::Remove && !line.text.trim().is_empty());
    let pairs = hunk.old().zip(own).filter(|(line, _)| !removes || line.kind == Kind::Remove);
    Shift::between(pairs.map(|(line, own)| (*own, line.text.as_str()))).ok_or_else(|| INDENTATION.to_owned())
}

fn from_edits(tree: &Tree<'_>, edits: &[Edit]) -> Asked<Vec<FileEdit>> {
    let bytes: usize = edits.iter().map(|edit| edit.old.len() + edit.new.len()).sum();
    if edits.is_empty() || edits.len() > MAX_EDITS || bytes > MAX_DIFF_BYTES {
        return Ok(Err(format!(
            "1 to {MAX_EDITS} edits of at most {MAX_DIFF_BYTES} bytes together are taken, not {} of {bytes}",
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
            "it changes {} files, more than {MAX_FILES}; mend less at once",
            files.len()
        )));
    }
    let edit = |(path, (mode, text)): (String, (String, String))| FileEdit {
        path,
        content: Some((mode, text.into_bytes())),
    };
    Ok(Ok(files.into_iter().map(edit).collect()))
}

fn replaced(text: &str, edit: &Edit) -> Result<String, String> {
    no_new_placeholder(text, edit.new.lines())?;
    if edit.old.is_empty() {
        return match text.is_empty() {
            true => Ok(edit.new.clone()),
            false => Err("`old` is empty, but the file exists; give the text to replace".to_owned()),
        };
    }
    if edit.old == edit.new {
        return Err("`old` and `new` are the same".to_owned());
    }
    let file = Lines::of(text);
    let mut found = text.match_indices(edit.old.as_str()).map(|(at, _)| at);
    match (found.next(), found.next()) {
        (Some(at), None) => {
            return Ok(format!("{}{}{}", &text[..at], edit.new, &text[at + edit.old.len()..]));
        }
        (Some(first), Some(second)) => {
            let line = |at: usize| text[..at].matches('\n').count() + 1;
            return Err(format!(
                "`old` stands {} times (lines {}, {} …); add lines around it until it stands once",
                found.count() + 2,
                line(first),
                line(second)
            ));
        }
        _ => {}
    }
    // White space was not copied as it is: whole lines can still be placed.
    let old: Vec<&str> = edit.old.trim_matches('\n').lines().collect();
    let place = place::find(&file.bare, &old, None)?;
    let own = &file.bare[place.at..place.at + old.len()];
    let shift = match place.likeness {
        Likeness::Indentation => {
            Shift::between(own.iter().copied().zip(old.iter().copied())).ok_or(INDENTATION)?
        }
        Likeness::Exact | Likeness::LineEnds => Shift::None,
    };
    let mut out = file.whole(0, place.at).concat();
    if !edit.new.is_empty() {
        for line in edit.new.trim_matches('\n').lines() {
            out.push_str(&shift.apply(line).ok_or(INDENTATION)?);
            out.push_str(file.line_break);
        }
    }
    out.push_str(&file.whole(place.at + old.len(), file.bare.len()).concat());
    Ok(out)
}

/// Who writes a change sees masked values only; writing a mask into the program would break it, and putting the
/// value back would hand it out again.
fn no_new_placeholder<'l>(text: &str, added: impl Iterator<Item = &'l str>) -> Result<(), String> {
    for line in added {
        for (from, to) in placeholders(line) {
            let mask = &line[from..to];
            if !text.contains(mask) {
                return Err(format!(
                    "{mask} stands for a masked value and cannot be written into a file; leave that line as it is"
                ));
            }
        }
    }
    Ok(())
}

/// A text by lines, with the kind of line break it uses.
struct Lines<'t> {
    /// Without their breaks.
    bare: Vec<&'t str>,
    with_break: Vec<&'t str>,
    line_break: &'static str,
}

impl<'t> Lines<'t> {
    fn of(text: &'t str) -> Self {
        let with_break: Vec<&str> = text.split_inclusive('\n').collect();
        let carriage = with_break.iter().filter(|line| line.ends_with("\r\n")).count();
        let line_break = if carriage * 2 > with_break.len() { "\r\n" } else { "\n" };
        let bare = with_break.iter().map(|line| line.strip_suffix('\n').unwrap_or(line)).collect();
        Self { bare, with_break, line_break }
    }

    fn whole(&self, from: usize, to: usize) -> Vec<String> {
        self.with_break.get(from..to).unwrap_or_default().iter().map(|line| (*line).to_owned()).collect()
    }
}

#[cfg(test)]
#[path = "patch_tests.rs"]
mod tests;
