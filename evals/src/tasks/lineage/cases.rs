/*!
Labelled histories. A file has one case a line:

`{"id", "repository", "at", "of", "commits": ["…"], "documentation": ["…"], "optional": ["…"]}`, where `of` is `PATH::NAME`,
`PATH:10-20` or `PATH`, and `commits` are the full ids of those that changed it. Two lists may be left out: `documentation`
are those of them that changed nothing but documentation, and `optional` others that may be named or not, such as those
that only formatted it.

A folder is one of the method, class or block oracle of CodeTracker (Jodavi and Tsantalis, "Accurate method and variable
tracking in commit history", ESEC/FSE 2022), one JSON file a history. Its classes count only changes of their declaration.
*/

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::EvalError;
use crate::cases::read_json_lines;

/// What a history is asked of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CasePlace {
    Question(String),
    Lines {
        path: String,
        start: u32,
        end: u32,
    },
    /// The innermost unit around a line, with the comments before it: a type when only declarations count, else a function.
    UnitAt {
        path: String,
        line: u32,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ExpectedChange {
    pub(super) commit: String,
    /// Whether the commit changed nothing but documentation.
    pub(super) is_documentation: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LineageCase {
    pub(super) id: String,
    pub(super) repository: String,
    pub(super) at: String,
    pub(super) place: CasePlace,
    /// Whether only changes of the declaration count.
    pub(super) declaration_only: bool,
    pub(super) expected: Vec<ExpectedChange>,
    /// Commits that count neither for an answer nor against it.
    pub(super) optional: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseLine {
    id: String,
    repository: String,
    at: String,
    of: String,
    commits: Vec<String>,
    #[serde(default)]
    documentation: Vec<String>,
    #[serde(default)]
    optional: Vec<String>,
}

/// One history of CodeTracker's oracle.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OracleHistory {
    #[serde(rename = "repositoryWebURL")]
    repository: String,
    start_commit_id: String,
    file_path: String,
    function_start_line: Option<u32>,
    class_declaration_line: Option<u32>,
    block_start_line: Option<u32>,
    block_end_line: Option<u32>,
    expected_changes: Vec<OracleChange>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OracleChange {
    commit_id: String,
    change_type: String,
}

/// Reads a folder of the oracle, or a file of lines.
///
/// # Errors
/// When the files cannot be read, have no cases, or a case is in neither format.
pub(super) fn read(path: &Path) -> Result<Vec<LineageCase>, EvalError> {
    let cases = if path.is_dir() { read_oracle(path)? } else { read_lines(path)? };
    if cases.is_empty() {
        let why = "has no histories; give a folder of CodeTracker's oracle, or a file with one JSON object per line";
        return Err(EvalError::Options(format!("{} {why}", path.display())));
    }
    Ok(cases)
}

fn read_text(path: &Path) -> Result<String, EvalError> {
    let io = |source| EvalError::Io { action: "reading", path: path.to_owned(), source };
    fs::read_to_string(path).map_err(io)
}

fn read_lines(path: &Path) -> Result<Vec<LineageCase>, EvalError> {
    let lines: Vec<CaseLine> = read_json_lines(path, |case: &CaseLine| &case.id)?;
    let cases = lines.into_iter().map(|case| {
        let documentation = case.documentation;
        let change = |commit| ExpectedChange { is_documentation: documentation.contains(&commit), commit };
        LineageCase {
            id: case.id,
            repository: case.repository,
            at: case.at,
            place: CasePlace::Question(case.of),
            declaration_only: false,
            expected: case.commits.into_iter().map(change).collect(),
            optional: case.optional,
        }
    });
    Ok(cases.collect())
}

fn read_oracle(folder: &Path) -> Result<Vec<LineageCase>, EvalError> {
    let io = |source| EvalError::Io { action: "reading", path: folder.to_owned(), source };
    let entries = fs::read_dir(folder).map_err(io)?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    files.iter().map(|file| oracle_case(file)).collect()
}

fn oracle_case(file: &Path) -> Result<LineageCase, EvalError> {
    let unfit = |why: String| EvalError::Options(format!("{}: {why}", file.display()));
    let history: OracleHistory =
        serde_json::from_str(&read_text(file)?).map_err(|error| unfit(error.to_string()))?;
    let path = history.file_path;
    let block = history.block_start_line.zip(history.block_end_line);
    let place = match (block, history.class_declaration_line, history.function_start_line) {
        (Some((start, end)), ..) => CasePlace::Lines { path, start, end },
        (None, Some(line), _) | (None, None, Some(line)) => CasePlace::UnitAt { path, line },
        (None, None, None) => return Err(unfit("it says no line of a method, class or block".into())),
    };
    let mut expected: Vec<ExpectedChange> = Vec::new();
    for change in history.expected_changes {
        let is_documentation = change.change_type == "documentation change";
        match expected.iter_mut().find(|known| known.commit == change.commit_id) {
            Some(known) => known.is_documentation &= is_documentation,
            None => expected.push(ExpectedChange { commit: change.commit_id, is_documentation }),
        }
    }
    Ok(LineageCase {
        id: file.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        repository: history.repository,
        at: history.start_commit_id,
        place,
        declaration_only: history.class_declaration_line.is_some(),
        expected,
        optional: Vec::new(),
    })
}
