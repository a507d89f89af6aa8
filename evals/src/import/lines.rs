/*! Tickets with the commits that fixed them, one JSON object per line. */

use std::path::Path;

use millwright_git::Repo;
use serde::Deserialize;

use super::{ImportError, ImportedCases, blame, case};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    #[serde(default)]
    id: Option<String>,
    ticket: String,
    /// The commit that fixed the fault; its parent is the failing revision.
    fix: String,
    /// The commit to blame, if known.
    #[serde(default)]
    culprit: Option<String>,
}

/// # Errors
/// With the line number of the first invalid record. A record whose commits are missing is left out.
pub fn import(repo: &Repo, path: &Path) -> Result<ImportedCases, ImportError> {
    let io = |source| ImportError::Io { action: "reading", path: path.to_owned(), source };
    let text = std::fs::read_to_string(path).map_err(io)?;
    let mut out = ImportedCases::default();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let at = |why: String| ImportError::Line { path: path.to_owned(), line: number, why };
        let record: Line = serde_json::from_str(line).map_err(|error| {
            at(format!("{error}; it should be {{\"ticket\": \"…\", \"fix\": \"<commit>\", \"culprit\": \"<commit>\"}}"))
        })?;
        if record.ticket.trim().is_empty() {
            return Err(at("`ticket` is empty".into()));
        }
        match one(repo, &record, number) {
            Ok(Ok(case)) => out.cases.push(case),
            Ok(Err(why)) => out.left_out.push(format!("line {number}: {why}")),
            Err(error) => return Err(error),
        }
    }
    Ok(out)
}

fn one(
    repo: &Repo,
    record: &Line,
    number: usize,
) -> Result<Result<crate::cases::EvalCase, String>, ImportError> {
    let Ok(fix) = repo.resolve(&record.fix) else {
        return Ok(Err(format!("no commit {:?} in this repository", record.fix)));
    };
    let Ok(bad) = repo.resolve(&format!("{fix}^")) else {
        return Ok(Err(format!("{fix} has no parent, so nothing can have failed before it")));
    };
    let (culprit, tag) = match &record.culprit {
        Some(known) => match repo.resolve(known) {
            Ok(culprit) => (culprit, "from-lines"),
            Err(_) => return Ok(Err(format!("no commit {known:?} in this repository"))),
        },
        None => match blame::culprit(repo, &fix)? {
            Some(culprit) => (culprit, "culprit-by-blame"),
            None => {
                return Ok(Err(format!(
                    "{fix} removes no line, so no commit can be blamed; name the culprit"
                )));
            }
        },
    };
    if !repo.is_ancestor(&culprit, &bad)? {
        return Ok(Err(format!("{culprit} is not before {fix}")));
    }
    let id = record.id.clone().unwrap_or_else(|| format!("line-{number}"));
    Ok(Ok(case(repo, id, record.ticket.clone(), bad, culprit, tag)?))
}
