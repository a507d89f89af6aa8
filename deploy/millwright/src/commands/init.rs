/*!
`millwright init`: writes a commented `millwright.toml` for a repository, with values guessed from its files and, beside
each guess, what to check. It runs guessed commands once in the sandbox, and writes those that do not work here as
comments. It overwrites an existing file only on request.
*/

mod guess;
mod services;
mod tried_guess;

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use millwright_git::{Repo, RepoError};

use self::tried_guess::try_guess;
use super::recipe_trial::TrialBounds;
use crate::cli::InitArguments;
use crate::wiring;

pub(crate) use guess::{FailedGuess, RepositoryGuess, guess};

#[derive(Debug, thiserror::Error)]
pub(crate) enum InitError {
    #[error("{path} is not a folder; give the repository with --repo")]
    NotAFolder { path: PathBuf },
    #[error("{path} has no work tree to write the file into; give a clone with its files checked out")]
    Bare { path: PathBuf },
    #[error("{path} already exists; edit it, or overwrite it with --force")]
    Exists { path: PathBuf },
    #[error("writing {path}: {source}")]
    Write { path: PathBuf, source: io::Error },
}

/// Whether an existing file may be overwritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExistingFilePolicy {
    Keep,
    Overwrite,
}

/// What `init` did, and what the user should check.
#[derive(Debug)]
pub(crate) struct InitResult {
    pub(crate) path: PathBuf,
    pub(crate) guess: RepositoryGuess,
}

pub(super) async fn run(arguments: InitArguments) -> Result<ExitCode> {
    let config = wiring::config(None, None)?;
    let data_dir = wiring::data_dir(&arguments.data, &config)?;
    let bounds = TrialBounds::of(&arguments.trial, &config);
    let existing = if arguments.force { ExistingFilePolicy::Overwrite } else { ExistingFilePolicy::Keep };
    let work = move || -> Result<InitResult> {
        let given = &arguments.repo;
        if !given.is_dir() {
            return Err(InitError::NotAFolder { path: given.clone() }.into());
        }
        let repo = match Repo::open(given, &data_dir) {
            Ok(repo) => Some(repo),
            // Nothing is committed yet, so there is nothing to run.
            Err(RepoError::Empty { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let root = match &repo {
            Some(repo) => repo.work_tree().ok_or_else(|| InitError::Bare { path: given.clone() })?,
            None => given.clone(),
        };
        let written = init(&root, existing, |guess| {
            if let (Some(repo), Some(bounds)) = (&repo, &bounds) {
                try_guess(guess, repo, bounds);
            }
        })?;
        Ok(written)
    };
    let written = tokio::task::spawn_blocking(work).await??;
    wiring::emit(&written.tell(), None)?;
    Ok(ExitCode::SUCCESS)
}

/// Guesses the settings, tries them, and writes `millwright.toml` into `root`.
pub(crate) fn init(
    root: &Path,
    existing: ExistingFilePolicy,
    trial: impl FnOnce(&mut RepositoryGuess),
) -> Result<InitResult, InitError> {
    if !root.is_dir() {
        return Err(InitError::NotAFolder { path: root.to_owned() });
    }
    let path = root.join("millwright.toml");
    if existing == ExistingFilePolicy::Keep && path.symlink_metadata().is_ok() {
        return Err(InitError::Exists { path });
    }
    let mut guess = guess(root);
    trial(&mut guess);
    let text = render(&guess);
    let write_error = |source| InitError::Write { path: path.clone(), source };
    let mut options = fs::OpenOptions::new();
    // `create_new` also refuses a dangling link, which a hostile clone could point anywhere.
    options.write(true).create_new(true);
    if existing == ExistingFilePolicy::Overwrite && path.symlink_metadata().is_ok() {
        fs::remove_file(&path).map_err(write_error)?;
    }
    let mut file = match options.open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(InitError::Exists { path }),
        Err(error) => return Err(write_error(error)),
    };
    file.write_all(text.as_bytes()).map_err(write_error)?;
    Ok(InitResult { path, guess })
}

impl InitResult {
    /// The text for the terminal: what was guessed, and what to check.
    pub(crate) fn tell(&self) -> String {
        let mut out = format!("Wrote {}\n", self.path.display());
        let languages = self.guess.languages.join(", ");
        if !languages.is_empty() {
            let _ = writeln!(out, "  languages  {languages}");
        }
        for (key, value) in [("test", &self.guess.test), ("test_one", &self.guess.test_one)] {
            let unknown = if self.guess.failed(key).is_some() { "does not work here" } else { "not known" };
            let _ = writeln!(out, "  {key:<9}  {}", value.as_deref().unwrap_or(unknown));
        }
        if !self.guess.services.is_empty() {
            let _ = writeln!(out, "  services   {}", self.guess.services.join(", "));
        }
        for worked in &self.guess.worked {
            let _ = writeln!(out, "Tried: {worked}");
        }
        for failed in &self.guess.failed {
            let _ = writeln!(
                out,
                "Does not work here, and is written as a comment: {} = {}",
                failed.key, failed.command
            );
            let _ = writeln!(out, "  {}", failed.why);
        }
        out.push_str("Check:\n");
        for check in self.guess.checks() {
            let _ = writeln!(out, "  - {check}");
        }
        out
    }
}

/// The text of the file. It loads without changes.
pub(crate) fn render(guess: &RepositoryGuess) -> String {
    let mut out = String::from(
        "# Millwright: how to test this repository. Guessed by `millwright init`; check it before you use it.\n\
         # Every option: `millwright schema config`.\n\n",
    );
    let checks = guess.checks();
    if !checks.is_empty() {
        out.push_str("# To check:\n");
        for check in &checks {
            let _ = writeln!(out, "# - {check}");
        }
        out.push('\n');
    }
    let _ = writeln!(out, "[repositories.{}]", guess.name);
    out.push_str("path = \".\"\n");
    option(&mut out, "The branch that is deployed.", "branch", guess.branch.as_deref().map(text), "\"main\"");
    option(
        &mut out,
        "Services built from it, as tickets and alerts name them.",
        "services",
        list(&guess.services),
        "[\"checkout\"]",
    );
    option(
        &mut out,
        "Folders where its files lie at run time; removed from the paths of stack traces.",
        "path_prefixes",
        list(&guess.path_prefixes),
        "[\"/app\"]",
    );
    command(
        &mut out,
        "Prepares a checkout, once for each content. Runs in the sandbox: there is no network.",
        "setup",
        list(&guess.setup),
        (guess, "[\"make deps\"]"),
    );
    command(
        &mut out,
        "Runs all tests: a fix is verified only where they can be run.",
        "test",
        guess.test.as_deref().map(text),
        (guess, "\"make test\""),
    );
    command(
        &mut out,
        "Runs one test; {test} is its name, quoted for the shell. A ticket that names a failing test is\n\
         # replayed by it.",
        "test_one",
        guess.test_one.as_deref().map(text),
        (guess, "\"make test TEST={test}\""),
    );
    for (command, why) in &guess.other_tests {
        let _ = writeln!(out, "# or: test = {}  ({why})", text(command));
    }
    option(&mut out, "Longest time for one replay, in seconds.", "timeout_s", None, "300");
    out.push_str(
        "\n# Files and folders outside the checkout that its commands must read, such as an interpreter. For safety\n\
         # this is not taken from a file inside the repository: use --allow-read PATH, or name this file with --config.\n\
         # allow_read = [\"/opt/python\"]\n",
    );
    out
}

/// A guessed command; one that did not work becomes a comment with the reason, in place of an example.
fn command(
    out: &mut String,
    comment: &str,
    key: &str,
    value: Option<String>,
    (guess, example): (&RepositoryGuess, &str),
) {
    match guess.failed(key) {
        Some(failed) => {
            let comment = format!("{comment}\n# Tried, and does not work here: {}", failed.why);
            option(out, &comment, key, None, &failed.command);
        }
        None => option(out, comment, key, value, example),
    }
}

fn option(out: &mut String, comment: &str, key: &str, value: Option<String>, example: &str) {
    let _ = writeln!(out, "\n# {comment}");
    let _ = match value {
        Some(value) => writeln!(out, "{key} = {value}"),
        None => writeln!(out, "# {key} = {example}"),
    };
}

fn text(value: &str) -> String {
    toml::Value::String(value.to_owned()).to_string()
}

fn list(values: &[String]) -> Option<String> {
    let values: Vec<String> = values.iter().map(|value| text(value)).collect();
    if values.is_empty() { None } else { Some(format!("[{}]", values.join(", "))) }
}

#[cfg(test)]
#[path = "init/init_tests.rs"]
mod tests;
