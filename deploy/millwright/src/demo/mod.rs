/*!
The demo repository: the invoicing of a small mail-order shop in plain `sh`, with a real history and a real failure in it,
so that trying Millwright requires nothing but the binary, git and a shell.

The history is text (`history.txt`), replayed through `git fast-import` with fixed authors and dates, so every
machine gets the same commit ids. It is built to be fair but not easy: the culprit is neither the newest
commit nor in a file of the trace, later commits touched every traced file, only one of its hunks is guilty,
and reverting it as a whole conflicts with what was built on the others.
*/

mod history;

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use millwright_sandbox::trusted::{self, GitError};

use history::DemoHistory;

const HISTORY: &str = include_str!("history.txt");
const TICKET: &str = include_str!("ticket.txt");

/// Order 1042, which cannot be invoiced.
const REPLAY: &str = "printf 'order 1042\\ncustomer Ines Duarte\\ncountry PT\\ncoupon SPRING15\\nitem NB-A5 3\\n\
                      item PEN-07 1\\nitem INK-30 2\\n' | sh bin/counter invoice -";
const TESTS: &str = "sh tests/run.sh";

#[derive(Debug, thiserror::Error)]
pub(crate) enum DemoError {
    #[error("{path} is there already and is not a demo repository; remove it or give another --data-dir")]
    Occupied { path: PathBuf },
    #[error("{action} {path}: {source}")]
    Io { action: &'static str, path: PathBuf, source: io::Error },
    #[error("building the demo repository: {0}")]
    Git(#[from] GitError),
    #[error("the demo's history does not apply at line {line}: {what}; this is a defect of Millwright")]
    History { line: usize, what: String },
}

/// A built demo repository and the facts about its failure.
#[derive(Debug, Clone)]
pub(crate) struct DemoRepo {
    pub(crate) path: PathBuf,
    /// The support ticket, as a person wrote it.
    pub(crate) ticket: String,
    /// Last release that worked (40 hex digits).
    pub(crate) good: String,
    /// The revision that fails: the head of `main`.
    pub(crate) bad: String,
    /// Fails at `bad` with the ticket's error, passes at `good`. A shell command for the repository's root.
    pub(crate) replay: String,
    /// The project's own tests; they pass at `bad`, because none covers the failure.
    pub(crate) tests: String,
    /// The culprit commit, for tests only; an investigation never gets it.
    #[cfg(test)]
    pub(crate) culprit: String,
}

/// Builds the repository in `dir`, or uses the one built there before. Anything else in `dir` is an error.
pub(crate) fn build(dir: &Path) -> Result<DemoRepo, DemoError> {
    let history = DemoHistory::parse(HISTORY)?;
    let git_dir = dir.join(".git");
    let marks_file = git_dir.join("millwright-demo");
    // The marks are written last and name the history they belong to, so that a half-built folder is recognised.
    let stamp = format!("# {}\n", millwright_model::Evidence::hash(HISTORY));
    let marks = match fs::read_to_string(&marks_file) {
        Ok(marks) if marks.starts_with(&stamp) => marks,
        _ => {
            clear(dir, &git_dir)?;
            let marks = stamp + &import(dir, &git_dir, &history)?;
            fs::write(&marks_file, &marks).map_err(io_error("writing", &marks_file))?;
            marks
        }
    };
    let ids: HashMap<usize, &str> = marks
        .lines()
        .filter_map(|line| {
            let (mark, id) = line.strip_prefix(':')?.split_once(' ')?;
            Some((mark.parse().ok()?, id))
        })
        .collect();
    let id = |mark: usize| {
        let what = || DemoError::History { line: 0, what: format!("no commit {mark}") };
        ids.get(&mark).map(|id| (*id).to_owned()).ok_or_else(what)
    };
    Ok(DemoRepo {
        path: dir.to_owned(),
        ticket: TICKET.to_owned(),
        good: id(history.mark_of_tag("v2.3.0")?)?,
        bad: id(history.head())?,
        replay: REPLAY.to_owned(),
        tests: TESTS.to_owned(),
        #[cfg(test)]
        culprit: id(history.culprit()?)?,
    })
}

/// Makes sure `dir` is a new folder; deletes one that an earlier build left incomplete.
fn clear(dir: &Path, git_dir: &Path) -> Result<(), DemoError> {
    let ours = git_dir.join("millwright-demo-unfinished");
    let occupied = || fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some());
    if occupied() && (ours.exists() || git_dir.join("millwright-demo").exists()) {
        fs::remove_dir_all(dir).map_err(io_error("removing", dir))?;
    }
    if occupied() {
        return Err(DemoError::Occupied { path: dir.to_owned() });
    }
    fs::create_dir_all(git_dir).map_err(io_error("creating", git_dir))?;
    fs::write(&ours, "").map_err(io_error("writing", &ours))
}

/// Imports the history and checks out its head; returns git's marks (`:MARK ID` lines).
fn import(dir: &Path, git_dir: &Path, history: &DemoHistory<'_>) -> Result<String, DemoError> {
    let git = || trusted::git(git_dir);
    git().args(["init", "--quiet", "--bare", "--template=", "--initial-branch=main"]).output()?;
    git().args(["config", "core.bare", "false"]).output()?;
    let marks = git_dir.join("marks");
    let mut export = std::ffi::OsString::from("--export-marks=");
    export.push(fs::canonicalize(git_dir).map_err(io_error("opening", git_dir))?.join("marks"));
    git()
        .args(["fast-import", "--quiet", "--done"])
        .arg(export)
        .output_with_input(&history.fast_import_stream()?)?;
    let dir = fs::canonicalize(dir).map_err(io_error("opening", dir))?;
    trusted::git(&dir.join(".git")).args(["reset", "--hard", "--quiet"]).work_tree(&dir).output()?;
    let text = fs::read_to_string(&marks).map_err(io_error("reading", &marks))?;
    for leftover in [marks, git_dir.join("millwright-demo-unfinished")] {
        fs::remove_file(&leftover).map_err(io_error("removing", &leftover))?;
    }
    Ok(text)
}

fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> DemoError {
    let path = path.to_owned();
    move |source| DemoError::Io { action, path, source }
}

#[cfg(test)]
#[path = "demo_tests.rs"]
mod tests;
