/*!
Writes the fix of a finished investigation where a person asked for it: as a patch file, or as a branch of their
repository. The run's folder is deleted by then, so everything comes from the report. Only the diff that was verified
is ever written.
*/

use std::io::Write;
use std::path::{Path, PathBuf};

use millwright_culprit::fixes::{self, FixError, FixMessage};
use millwright_git::{self as git, PublishResult, Repo, RepoError};
use millwright_model::{CheckResult, CommitId, Proof, ReplayOutcome, Report};

/// The destination of a fix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FixDestination {
    /// A new file that `git am` and `git apply` accept.
    File(PathBuf),
    /// A new branch, one commit on top of the failing revision.
    Branch(String),
}

impl std::str::FromStr for FixDestination {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix("branch:") {
            Some(name) => git::check_branch_name(name).map(|()| Self::Branch(name.to_owned())),
            None if text.trim().is_empty() => Err("give a FILE, or branch:NAME".to_owned()),
            None => Ok(Self::File(text.into())),
        }
    }
}

impl std::fmt::Display for FixDestination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => write!(f, "the file {}", path.display()),
            Self::Branch(name) => write!(f, "the branch {name}"),
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum HandOverError {
    #[error("no fix was written: {0}")]
    NotVerified(String),
    #[error("{0} exists already and is not overwritten; choose another name")]
    Taken(String),
    #[error("{path} cannot be written: {source}; give a path in an existing folder")]
    File { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Fix(#[from] FixError),
    #[error(transparent)]
    Repo(#[from] RepoError),
    #[error("writing the fix failed: {0}")]
    Broken(String),
}

/// Checks that the destination is free, before an investigation begins. A branch is checked when it is made, because
/// the same commit may be there from an earlier time.
///
/// # Errors
/// When the file exists.
pub fn is_free(to: &FixDestination) -> Result<(), HandOverError> {
    match to {
        FixDestination::File(path) if path.symlink_metadata().is_ok() => {
            Err(HandOverError::Taken(path.display().to_string()))
        }
        _ => Ok(()),
    }
}

/// Checks that a report's fix may be written.
///
/// # Errors
/// When there is no fix, or none that was verified.
pub fn may_be_written(report: &Report) -> Result<(), HandOverError> {
    let why = match &report.fix {
        None => format!("the report ({}) has no fix", report.verdict.as_str()),
        Some(fix) if fix.proof != Proof::FixVerified || fix.replay != CheckResult::Pass => {
            "the fix in the report is a proposal that was not verified by replay; only a verified fix is written"
                .to_owned()
        }
        Some(_) => return Ok(()),
    };
    Err(HandOverError::NotVerified(why))
}

/// Writes the verified fix of `report`, made at `failing` (a full id); returns a description of what was written.
///
/// # Errors
/// When nothing is verified, the place is taken, or it cannot be written.
pub async fn hand_over(
    repo: &Path,
    data_dir: &Path,
    failing: &CommitId,
    title: &str,
    report: &Report,
    to: &FixDestination,
) -> Result<String, HandOverError> {
    may_be_written(report)?;
    let (repo, data_dir) = (repo.to_owned(), data_dir.to_owned());
    let (failing, title, report, to) = (failing.clone(), title.to_owned(), report.clone(), to.clone());
    let work = move || write(&Repo::open(&repo, &data_dir)?, &failing, &title, &report, &to);
    tokio::task::spawn_blocking(work).await.map_err(|error| HandOverError::Broken(error.to_string()))?
}

fn write(
    repo: &Repo,
    failing: &CommitId,
    title: &str,
    report: &Report,
    to: &FixDestination,
) -> Result<String, HandOverError> {
    let Some(fix) = &report.fix else { return may_be_written(report).map(|()| String::new()) };
    let runs = report.replay.iter().flat_map(|replay| &replay.runs).zip(1..);
    let about = FixMessage {
        incident: &report.incident_id,
        title,
        why: None,
        kind: fix.kind,
        failure: None,
        tests: fix.tests,
        replays: runs
            .filter(|(run, _)| run.patched && run.outcome == ReplayOutcome::Passes && run.commit == *failing)
            .map(|(_, number)| number)
            .collect(),
    };
    let commit = fixes::commit(repo, failing, &fix.diff, &about)?;
    match to {
        FixDestination::File(path) => {
            let failed = |source| HandOverError::File { path: path.clone(), source };
            let patch = fixes::as_patch(repo, &commit)?;
            let mut file = match std::fs::File::options().write(true).create_new(true).open(path) {
                Ok(file) => file,
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                    return Err(HandOverError::Taken(path.display().to_string()));
                }
                Err(error) => return Err(failed(error)),
            };
            file.write_all(&patch).and_then(|()| file.sync_all()).map_err(failed)?;
            Ok(format!("the fix is written to {}; apply it with `git am`", path.display()))
        }
        FixDestination::Branch(name) => match git::create_branch(repo, name, &commit, failing)? {
            PublishResult::New | PublishResult::Already => {
                Ok(format!("the fix is the branch {name} at {}; nothing was checked out", commit.short()))
            }
            PublishResult::Taken(_) => Err(HandOverError::Taken(format!("the branch {name}"))),
        },
    }
}
