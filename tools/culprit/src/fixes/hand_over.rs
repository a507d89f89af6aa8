/*!
Packages a verified fix: one commit on the failing revision whose message cites the incident and the proof, and the
same commit as a patch that `git am` and `git apply` accept. The caller decides where to put it.
*/

use millwright_git::checkout::{self, CheckoutChange};
use millwright_git::{self as git, Repo};
use millwright_model::{CommitId, FixKind, IncidentId, TestsResult};

use super::{FixError, kind_in_words};

/// The content of the commit's message.
#[derive(Debug, Clone)]
pub struct FixMessage<'a> {
    pub incident: &'a IncidentId,
    /// The ticket's title.
    pub title: &'a str,
    /// Why the change fixes the failure, where somebody explained it.
    pub why: Option<String>,
    pub kind: FixKind,
    /// The failure as observed at the failing revision.
    pub failure: Option<String>,
    pub tests: TestsResult,
    /// The replays that showed that the fix holds.
    pub replays: Vec<usize>,
}

/// Makes a commit of `diff` on `bad`, in the borrowing git directory. The commit has the date of `bad`, so that the
/// same call makes the same commit.
pub fn commit(repo: &Repo, bad: &CommitId, diff: &str, about: &FixMessage<'_>) -> Result<CommitId, FixError> {
    let change = CheckoutChange::Patch(diff.to_owned());
    let composed = checkout::compose(repo, bad, Some(&change), None)?;
    let time = repo.git().args(["show", "-s", "--format=%ct", bad]).output()?;
    let time = String::from_utf8_lossy(&time).trim().parse().unwrap_or(0);
    Ok(git::commit_of(repo, &composed.tree, bad, &message(bad, about), time)?)
}

/// A commit made by [`commit`] as a patch file.
pub fn as_patch(repo: &Repo, commit: &CommitId) -> Result<Vec<u8>, FixError> {
    Ok(repo.git().args(["format-patch", "-1", "--stdout", "--no-signature", commit]).output()?)
}

/// The commit message: the incident, and how the fix was proven.
fn message(bad: &CommitId, about: &FixMessage<'_>) -> String {
    const SUBJECT: usize = 60;
    let title = about.title.trim();
    let subject: String = match title.is_empty() {
        true => format!("Mend incident {}", about.incident),
        false => format!("Fix: {}", one_line(title, SUBJECT)),
    };
    let why = about.why.clone().unwrap_or_else(|| format!("This is the {}.", kind_in_words(about.kind)));
    let fails = about.failure.as_ref().map_or_else(String::new, |failure| format!(" ({failure})"));
    let tests = match about.tests {
        TestsResult::Pass => "The project's tests are not worse with it than without.",
        TestsResult::Fail => "The project's tests are worse with it.",
        TestsResult::NotComparable => "The project's tests could not be compared.",
        TestsResult::CouldNotRun => "The project's tests could not be run.",
        TestsResult::NotRun => "The project's tests were not run.",
    };
    let proof = format!(
        "Proven by replay: the failure occurs at {}{} and does not occur with this change. {tests}",
        bad.short(),
        one_line(&fails, 200)
    );
    let replays: Vec<String> = about.replays.iter().map(ToString::to_string).collect();
    let replays = if replays.is_empty() { "none".to_owned() } else { replays.join(", ") };
    format!(
        "{subject}\n\n{}\n\n{}\n\nIncident: {}\nReplays: {replays}\n",
        wrapped(&why),
        wrapped(&proof),
        about.incident,
    )
}

fn one_line(text: &str, most: usize) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match line.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}

/// Wraps paragraphs at the width of commit messages and removes control characters, because the text comes from
/// outside.
fn wrapped(text: &str) -> String {
    const WIDTH: usize = 72;
    let mut out = String::new();
    let mut width = 0;
    for word in one_line(text, 2_000).split_whitespace() {
        let length = word.chars().count();
        if width > 0 && width + 1 + length > WIDTH {
            out.push('\n');
            width = 0;
        } else if width > 0 {
            out.push(' ');
            width += 1;
        }
        out.push_str(word);
        width += length;
    }
    out
}
