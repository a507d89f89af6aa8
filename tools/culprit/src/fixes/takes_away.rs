/*!
Lists what a fix removes besides the fault. A revert takes back everything that its commit did: the feature it was
made for, its tests, the base of later commits, and sometimes a guard against an attack. The person who decides on the
fix must know this first. Security-related items come first in the list.
*/

use std::collections::BTreeSet;
use std::sync::LazyLock;

use millwright_code::{SourceLanguage, symbols};
use millwright_git::history::{PathKind, path_kind};
use millwright_git::unified_diff::{self, DiffFile};
use millwright_git::{self as git, BlameQuery, GrepQuery, PatternKind, Repo};
use millwright_ingest::is_test_path;
use millwright_model::{CommitId, FixKind};
use millwright_sandbox::CancelFlag;
use regex::Regex;

use super::{FixCandidate, FixError};

/// Maximum number of listed entries of each kind.
const MAX_LISTED: usize = 8;
/// Maximum number of files whose lines are blamed.
const MAX_BLAMED_FILES: usize = 20;
/// Maximum number of names that are searched for in the rest of the repository.
const MAX_NAMES: usize = 12;

/// The behaviour and code that a candidate removes besides the fault.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TakesAway {
    /// Security-related items first; each is a part of a sentence.
    pub items: Vec<String>,
    /// The candidate removes something that concerns security, so it is a stopgap at most.
    pub security: bool,
}

/// Words in messages and code that indicate a protection. Short ones match whole words only (`author` is not `auth`).
static SECURITY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let words = r"(?i)\bCVE-\d|\bGHSA-|\bre-?dos\b|\bxss\b|\bcsrf\b|\bssrf\b|\bsecur(e|ity)\b|vulnerab|sanitiz|sanitis|\bunsafe input|prototype pollution|path traversal|directory traversal|\binjection\b|\bexploit|denial.of.service|(\b|_)(un)?escap(e|ed|es|ing)(\b|_|[A-Z])|[a-z]Escap(e|ed|es|ing)|\bauth(n|z)?\b|authenticat|authoriz|authoris|\bpermission check";
    Regex::new(words).ok()
});

fn speaks_of_security(text: &str) -> Option<&str> {
    SECURITY.as_ref()?.find(text).map(|found| found.as_str())
}

/// Lists what `candidate`, which takes back (part of) `culprit`, takes away at `bad`. All ids are full.
///
/// # Errors
/// Fails when the repository cannot be read.
pub fn takes_away(
    repo: &Repo,
    candidate: &FixCandidate,
    culprit: &CommitId,
    bad: &CommitId,
) -> Result<TakesAway, FixError> {
    let files = unified_diff::parse(&candidate.diff).files;
    let cancel = CancelFlag::default();
    let mut out = TakesAway::default();
    let (subject, message) = messages(repo, culprit)?;
    let is_revert = matches!(candidate.kind, FixKind::Revert | FixKind::PartialRevert);
    if is_revert && let Some(word) = speaks_of_security(&message) {
        out.security = true;
        out.items.push(format!(
            "SECURITY: the reverted commit mentions {word:?} (\u{201c}{subject}\u{201d}); without it the \
             protection is gone"
        ));
    }
    for file in files.iter().filter(|file| path_kind(file.path()) != PathKind::Docs) {
        // A line that only moves is not lost.
        let added: BTreeSet<&str> = file.added_lines().map(|line| line.raw.trim()).collect();
        let mut gone = file.removed_lines().filter(|line| !added.contains(line.raw.trim()));
        let told = gone.find_map(|line| Some((line.old, speaks_of_security(line.text())?, line.text())));
        if let Some((line, word, text)) = told {
            out.security = true;
            let text: String = text.trim().chars().take(120).collect();
            out.items
                .push(format!("SECURITY: {}:{line} mentions {word:?} and is removed: {text}", file.path()));
        }
    }
    out.items.truncate(MAX_LISTED);
    if candidate.kind == FixKind::Revert {
        out.items.extend(merged_subjects(repo, culprit, &subject)?);
    }
    let (tests, names) = removed_symbols(repo, &files, bad);
    out.items.extend(tests);
    out.items.extend(still_used(repo, &files, &names, bad, &cancel));
    out.items.extend(built_on(repo, &files, culprit, bad, &cancel));
    Ok(out)
}

/// The subject of a commit, and the messages of the commit and of everything that it merged.
fn messages(repo: &Repo, commit: &CommitId) -> Result<(String, String), FixError> {
    let range = format!("{commit}^1..{commit}");
    let own = repo.git().args(["show", "-s", "--format=%s%n%b", commit]).output()?;
    let own = String::from_utf8_lossy(&own).into_owned();
    let merged = repo.git().args(["log", "--max-count=200", "--format=%s%n%b", &range]).output();
    let merged = merged.map(|text| String::from_utf8_lossy(&text).into_owned()).unwrap_or_default();
    Ok((own.lines().next().unwrap_or_default().to_owned(), format!("{own}\n{merged}")))
}

/// The features that a whole revert takes back, by subject.
fn merged_subjects(repo: &Repo, commit: &CommitId, subject: &str) -> Result<Vec<String>, FixError> {
    let range = format!("{commit}^1..{commit}");
    let listing = repo.git().args(["log", "--no-merges", "--max-count=50", "--format=%s", &range]).output();
    let listing = listing.map(|text| String::from_utf8_lossy(&text).into_owned()).unwrap_or_default();
    let subjects: Vec<&str> = listing.lines().filter(|line| !line.is_empty()).collect();
    Ok(match subjects.as_slice() {
        [] | [_] => vec![format!("the whole change \u{201c}{subject}\u{201d}")],
        many => {
            let mut out = vec![format!("all {} changes of \u{201c}{subject}\u{201d}:", many.len())];
            out.extend(many.iter().take(MAX_LISTED).map(|one| format!("the change \u{201c}{one}\u{201d}")));
            out
        }
    })
}

/// Tests that the diff removes, in words, and names of product code that it removes.
fn removed_symbols(repo: &Repo, files: &[DiffFile<'_>], bad: &CommitId) -> (Vec<String>, Vec<String>) {
    let (mut tests, mut names) = (Vec::new(), Vec::new());
    for file in files.iter().filter(|file| file.removed > 0) {
        let is_test = is_test_path(file.path());
        if file.new.is_none() {
            if is_test {
                tests.push(format!("the tests in {}, which is removed as a whole", file.path()));
            }
            continue;
        }
        let text = file.old_name().and_then(|path| git::blob_at(repo, bad, path).ok()?.text().ok());
        let (Some(text), Some(lang)) = (text, SourceLanguage::from_path(file.path())) else {
            if is_test {
                tests.push(format!("{} lines of tests in {}", file.removed, file.path()));
            }
            continue;
        };
        let gone: BTreeSet<u32> = file.removed_lines().map(|line| line.old).collect();
        let whole = symbols(&text, lang).into_iter().filter(|symbol| {
            let blank =
                |line: &u32| text.lines().nth(*line as usize - 1).is_none_or(|text| text.trim().is_empty());
            (symbol.start_line..=symbol.end_line).all(|line| gone.contains(&line) || blank(&line))
        });
        let whole: Vec<String> = whole.map(|symbol| symbol.qualified).collect();
        match is_test {
            true if whole.is_empty() => {
                tests.push(format!("{} lines of tests in {}", file.removed, file.path()));
            }
            true => tests.extend(whole.iter().map(|name| format!("the test {}::{name}", file.path()))),
            false => names.extend(whole),
        }
    }
    let more = tests.len().saturating_sub(MAX_LISTED);
    tests.truncate(MAX_LISTED);
    if more > 0 {
        tests.push(format!("{more} more tests"));
    }
    (tests, names)
}

/// Code elsewhere that uses a removed name.
fn still_used(
    repo: &Repo,
    files: &[DiffFile<'_>],
    names: &[String],
    bad: &CommitId,
    cancel: &CancelFlag,
) -> Vec<String> {
    /// Shorter names match too much.
    const SHORTEST: usize = 4;
    let touched: BTreeSet<&str> = files.iter().map(DiffFile::path).collect();
    let mut out = Vec::new();
    for name in names.iter().take(MAX_NAMES) {
        let leaf = name.rsplit(['.', ':']).next().unwrap_or(name);
        if leaf.len() < SHORTEST {
            continue;
        }
        let query = GrepQuery {
            revision: bad.to_string(),
            pattern: leaf.to_owned(),
            kind: PatternKind::Word,
            ignore_case: false,
            paths: Vec::new(),
            skip: 0,
            limit: 50,
        };
        let Ok(found) = git::grep(repo, &query, cancel) else { continue };
        let user = found.hits.iter().find(|hit| !touched.contains(hit.path.as_str()));
        if let Some(hit) = user {
            out.push(format!("`{leaf}`, which {}:{} still uses", hit.path, hit.line));
        }
    }
    out.truncate(MAX_LISTED);
    out
}

/// Later commits whose lines the candidate removes as well.
fn built_on(
    repo: &Repo,
    files: &[DiffFile<'_>],
    culprit: &CommitId,
    bad: &CommitId,
    cancel: &CancelFlag,
) -> Vec<String> {
    let mut later: Vec<(CommitId, String, usize)> = Vec::new();
    let with_lines = files.iter().filter(|file| file.old.is_some() && file.removed > 0);
    for file in with_lines.take(MAX_BLAMED_FILES) {
        let gone: BTreeSet<u32> = file.removed_lines().map(|line| line.old).collect();
        let (Some(start), Some(end)) = (gone.first().copied(), gone.last().copied()) else { continue };
        let path = file.old_name().unwrap_or_default().to_owned();
        let query = BlameQuery { bad: bad.clone(), good: Some(culprit.clone()), path, start, end };
        let Ok(spans) = git::blame(repo, &query, cancel) else { continue };
        for span in spans.iter().filter(|span| !span.boundary && span.commit != *culprit) {
            let lines = (span.start..=span.end).filter(|line| gone.contains(line)).count();
            if lines == 0 || !repo.is_ancestor(culprit, &span.commit).unwrap_or(false) {
                continue;
            }
            match later.iter_mut().find(|(commit, ..)| *commit == span.commit) {
                Some((.., count)) => *count += lines,
                None => later.push((span.commit.clone(), span.subject.clone(), lines)),
            }
        }
    }
    let said = later.into_iter().take(MAX_LISTED).map(|(commit, subject, lines)| {
        format!("{lines} lines of the later commit {} (\u{201c}{subject}\u{201d})", commit.short())
    });
    said.collect()
}

#[cfg(test)]
#[path = "takes_away_tests.rs"]
mod tests;
