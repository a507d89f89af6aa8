/*!
The code units that the failing run went through, and which of them a commit changed. As much as the trace shows: where a
language was not traced, nothing is claimed.
*/

use std::collections::BTreeSet;

use millwright_code::SourceLanguage;
use millwright_code::units::{CodeUnit, FileOutline, UnitIndex, outline};
use millwright_git::RevisionReader;
use millwright_git::history::HistoryIndex;
use millwright_model::{ChangedUnit, CommitId, ExecutedCode, ExecutedPrecision};
use millwright_replay::exec_trace::{ExecutedFile, ExecutionTrace, TracePrecision};

use super::{ToolContext, ToolError};

/// Executed files whose units are told; those that the commit changed come first.
const MAX_FILES: usize = 300;
/// Units listed, and units of the commit.
const MAX_UNITS: usize = 200;
const MAX_CHANGED: usize = 50;

/// What a trace at the failing revision shows, beside what `culprit` changed.
///
/// # Errors
/// When the history index cannot be read or completed.
pub(super) fn executed_code(
    ctx: &ToolContext,
    trace: &ExecutionTrace,
    culprit: &CommitId,
) -> Result<ExecutedCode, ToolError> {
    let changed = changed_units(ctx, culprit)?;
    let own: BTreeSet<&str> = changed.iter().map(|unit| unit.path.as_str()).collect();
    let mut paths: Vec<&String> = trace.files.keys().collect();
    paths.sort_by_key(|path| (!own.contains(path.as_str()), *path));
    let mut code = ExecutedCode {
        precision: match trace.precision {
            TracePrecision::Files => ExecutedPrecision::Files,
            TracePrecision::Functions => ExecutedPrecision::Functions,
            TracePrecision::Lines => ExecutedPrecision::Lines,
        },
        files: count(trace.files.len()),
        units: 0,
        named: Vec::new(),
        changed: Vec::new(),
    };
    let reader = RevisionReader::open(&ctx.repo, &ctx.bad).map_err(ToolError::from)?;
    let mut executed: BTreeSet<(String, String)> = BTreeSet::new();
    if trace.precision > TracePrecision::Files {
        for path in paths.into_iter().take(MAX_FILES) {
            let Some(outline) = outline_at(&reader, path) else { continue };
            let Some(file) = trace.files.get(path) else { continue };
            executed.extend(units_of(file, &outline).map(|unit| (path.to_owned(), unit.key.clone())));
        }
    }
    code.units = count(executed.len());
    let of_culprit = |unit: &&(String, String)| own.contains(unit.0.as_str());
    let (first, rest): (Vec<_>, Vec<_>) = executed.iter().partition(of_culprit);
    let names = first.into_iter().chain(rest).map(|(path, unit)| format!("{path}::{unit}"));
    code.named = names.take(MAX_UNITS).collect();
    for unit in changed.into_iter().take(MAX_CHANGED) {
        if unit.key.is_empty() {
            let ran = trace
                .files
                .get(&unit.path)
                .map(|file| !file.lines.is_empty() || !file.import_lines.is_empty());
            let ran = if trace.precision < TracePrecision::Lines { None } else { Some(ran.unwrap_or(false)) };
            code.changed.push(ChangedUnit { unit: unit.path, executed: ran });
            continue;
        }
        let at_bad = outline_at(&reader, &unit.path);
        let is_there = at_bad.is_some_and(|outline| outline.units.iter().any(|known| known.key == unit.key));
        let ran = match trace.precision {
            TracePrecision::Files => None,
            // Under another name it may have run all the same.
            _ if !is_there => None,
            _ => Some(executed.contains(&(unit.path.clone(), unit.key.clone()))),
        };
        code.changed.push(ChangedUnit { unit: format!("{}::{}", unit.path, unit.key), executed: ran });
    }
    // What ran explains the failure, so it is told first.
    code.changed.sort_by_key(|unit| unit.executed != Some(true));
    Ok(code)
}

/// A unit that a commit changed or added, as it is called there; without a key, code of a file outside of its units.
struct CommitUnit {
    path: String,
    key: String,
}

fn changed_units(ctx: &ToolContext, commit: &CommitId) -> Result<Vec<CommitUnit>, ToolError> {
    let failed = |error: &dyn std::fmt::Display| ToolError::failed(error.to_string());
    let history = HistoryIndex::open(&ctx.repo, &ctx.redaction, &ctx.bad).map_err(|error| failed(&error))?;
    let Some(position) = history.structure.position(commit) else { return Ok(Vec::new()) };
    let mut index = UnitIndex::open(&ctx.repo).map_err(|error| failed(&error))?;
    index.ensure(&ctx.repo, &history.structure, &[position]).map_err(|error| failed(&error))?;
    let record = index.get(commit).map_err(|error| failed(&error))?;
    let files = record.into_iter().flat_map(|record| record.files);
    let units = files.filter(|file| !file.is_deleted).flat_map(|file| {
        let path = file.path;
        let kept = file.changes.into_iter().filter(|unit| {
            // What is gone cannot run. Code outside of functions is the file's own.
            (unit.after.is_some() || unit.unit.is_empty()) && (unit.before.is_none() || unit.parts.is_code())
        });
        kept.map(move |unit| CommitUnit { path: path.clone(), key: unit.unit }).collect::<Vec<_>>()
    });
    let mut units: Vec<CommitUnit> =
        units.filter(|unit| SourceLanguage::from_path(&unit.path).is_some()).collect();
    // Tests come with most changes, and are seldom what failed.
    units.sort_by_key(|unit| millwright_ingest::is_test_path(&unit.path));
    Ok(units)
}

fn outline_at(reader: &RevisionReader<'_>, path: &str) -> Option<FileOutline> {
    let lang = SourceLanguage::from_path(path)?;
    let text = reader.blob(path).ok()?.text().ok()?;
    Some(outline(&text, lang))
}

/// The functions of a file that ran: those around an executed line, or named by the tracer.
fn units_of<'o>(file: &ExecutedFile, outline: &'o FileOutline) -> impl Iterator<Item = &'o CodeUnit> {
    let by_line = file.lines.iter().filter_map(|line| outline.innermost(*line));
    let by_name =
        file.functions.iter().filter(|_| file.lines.is_empty()).flat_map(|name| outline.named(name));
    let units: Vec<&CodeUnit> = by_line.chain(by_name).filter(|unit| !unit.is_type()).collect();
    units.into_iter()
}

fn count(of: usize) -> u32 {
    u32::try_from(of).unwrap_or(u32::MAX)
}

#[cfg(test)]
#[path = "executed_code_tests.rs"]
mod tests;
