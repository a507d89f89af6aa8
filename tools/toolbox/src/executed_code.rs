/*!
The code units that the failing run went through, and which of them a commit changed. As much as the trace shows: where a
language was not traced, nothing is claimed.
*/

use std::collections::{BTreeSet, HashMap, HashSet};

use millwright_code::units::{CodeUnit, FileOutline, UnitIndex, outline};
use millwright_code::{SourceLanguage, SymbolKind, symbol_id};
use millwright_git::{Repo, RevisionReader};
use millwright_model::{ChangedUnit, CommitId, ExecutedCode, TracePrecision};
use millwright_replay::exec_trace::{ExecutedFile, ExecutionTrace};

use super::{ToolContext, ToolError};

/// Executed files whose units are told; those that the commit changed come first.
const MAX_FILES: usize = 2_000;
/// Units listed, and units of the commit.
const MAX_UNITS: usize = 200;
const MAX_CHANGED: usize = 50;

/// What a trace at the failing revision shows, beside what `culprit` changed.
///
/// # Errors
/// When the repository cannot be read, or the index of units cannot be completed.
pub(super) fn executed_code(
    ctx: &ToolContext,
    trace: &ExecutionTrace,
    culprit: &CommitId,
) -> Result<ExecutedCode, ToolError> {
    let changed = changed_units(ctx, culprit)?;
    let own: BTreeSet<&str> = changed.iter().map(|unit| unit.path.as_str()).collect();
    let mut traced = traced_files(trace);
    traced.sort_by_key(|(path, _)| (!own.contains(path.as_str()), *path));
    let languages: HashSet<SourceLanguage> =
        traced.iter().filter_map(|(path, _)| SourceLanguage::from_path(path)).collect();

    let mut outlines = OutlineCache::open(&ctx.repo, &ctx.bad)?;
    let executed = outlines.units_of_all(&traced);
    let of_culprit = |unit: &&(&str, String)| own.contains(unit.0);
    let (first, rest): (Vec<_>, Vec<_>) = executed.iter().partition(of_culprit);
    let named = first.into_iter().chain(rest).map(|(path, unit)| symbol_id(path, unit));
    let touched = changed.iter().take(MAX_CHANGED).map(|unit| {
        let is_traced = SourceLanguage::from_path(&unit.path).is_some_and(|lang| languages.contains(&lang));
        let ran = is_traced.then(|| ran(unit, trace, &executed, &mut outlines)).flatten();
        ChangedUnit { unit: unit.name(), executed: ran }
    });
    let mut touched: Vec<ChangedUnit> = touched.collect();
    // What ran explains the failure, so it is told first.
    touched.sort_by_key(|unit| unit.executed != Some(true));
    let files = match trace.precision {
        TracePrecision::Files => trace.files.len(),
        TracePrecision::Functions | TracePrecision::Lines => traced.len(),
    };
    Ok(ExecutedCode {
        precision: trace.precision,
        files: count(files),
        units: count(executed.len()),
        named: named.take(MAX_UNITS).collect(),
        changed_total: count(changed.len()),
        changed: touched,
    })
}

/// The functions that a run at `revision` executed, each as its path and its key there.
///
/// # Errors
/// When the repository cannot be read.
pub fn executed_units(
    repo: &Repo,
    revision: &CommitId,
    trace: &ExecutionTrace,
) -> Result<BTreeSet<(String, String)>, ToolError> {
    let units = OutlineCache::open(repo, revision)?.units_of_all(&traced_files(trace));
    Ok(units.into_iter().map(|(path, key)| (path.to_owned(), key)).collect())
}

/// The files without those that the processes only opened.
fn traced_files(trace: &ExecutionTrace) -> Vec<(&String, &ExecutedFile)> {
    trace.files.iter().filter(|(_, file)| file.is_traced()).collect()
}

/// Whether a unit ran whose language was traced; `None` where the trace does not show it.
fn ran(
    unit: &CommitUnit,
    trace: &ExecutionTrace,
    executed: &BTreeSet<(&str, String)>,
    outlines: &mut OutlineCache<'_>,
) -> Option<bool> {
    if unit.key.is_empty() {
        let file = trace.files.get(&unit.path);
        let has_lines = file.is_some_and(|file| !file.lines.is_empty() || !file.import_lines.is_empty());
        // Code outside of functions need not be any that runs: constants of a header.
        return has_lines.then_some(true);
    }
    let at_bad = outlines.of(&unit.path)?;
    let there = at_bad.units.iter().find(|known| known.key == unit.key)?;
    let ran = executed.contains(&(unit.path.as_str(), unit.key.clone()));
    // Types, macros and declarations without a body have no lines of their own that could run.
    let can_run = !there.is_type() && there.kind != SymbolKind::Macro && there.has_body();
    (ran || can_run).then_some(ran)
}

/// A unit that a commit changed or added, as it is called there; without a key, code of a file outside of its units.
struct CommitUnit {
    path: String,
    key: String,
}

impl CommitUnit {
    fn name(&self) -> String {
        if self.key.is_empty() { self.path.clone() } else { symbol_id(&self.path, &self.key) }
    }
}

fn changed_units(ctx: &ToolContext, commit: &CommitId) -> Result<Vec<CommitUnit>, ToolError> {
    let failed = |error: &dyn std::fmt::Display| ToolError::failed(error.to_string());
    let mut index = UnitIndex::open(&ctx.repo).map_err(|error| failed(&error))?;
    index.ensure(&ctx.repo, std::slice::from_ref(commit)).map_err(|error| failed(&error))?;
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

/// The outlines of files at the failing revision, each made once.
struct OutlineCache<'r> {
    reader: RevisionReader<'r>,
    by_path: HashMap<String, Option<FileOutline>>,
}

impl<'r> OutlineCache<'r> {
    fn open(repo: &'r Repo, revision: &CommitId) -> Result<Self, ToolError> {
        let reader = RevisionReader::open(repo, revision).map_err(ToolError::from)?;
        Ok(Self { reader, by_path: HashMap::new() })
    }

    /// The functions that ran, of the first [`MAX_FILES`] files.
    fn units_of_all<'t>(&mut self, files: &[(&'t String, &ExecutedFile)]) -> BTreeSet<(&'t str, String)> {
        let mut executed = BTreeSet::new();
        for (path, file) in files.iter().take(MAX_FILES) {
            if let Some(outline) = self.of(path) {
                executed.extend(
                    units_of(file, outline).into_iter().map(|unit| (path.as_str(), unit.key.clone())),
                );
            }
        }
        executed
    }

    fn of(&mut self, path: &str) -> Option<&FileOutline> {
        if !self.by_path.contains_key(path) {
            let made = SourceLanguage::from_path(path).and_then(|lang| {
                let text = self.reader.blob(path).ok()?.text().ok()?;
                Some(outline(&text, lang))
            });
            self.by_path.insert(path.to_owned(), made);
        }
        self.by_path.get(path)?.as_ref()
    }
}

/// The functions of a file that ran: those that the tracer names, when only one has the name; those with an executed line in
/// their bodies; and those on one executed line, unless the line may have been executed by what is around them.
fn units_of<'o>(file: &ExecutedFile, outline: &'o FileOutline) -> Vec<&'o CodeUnit> {
    let named = file.functions.iter().map(|name| outline.named(name));
    let named: Vec<Vec<&CodeUnit>> = named.filter(|units| !units.is_empty()).collect();
    if file.lines.is_empty() && file.import_lines.is_empty() {
        return named.iter().flatten().copied().filter(|unit| !unit.is_type()).collect();
    }
    let only = named.iter().filter_map(|units| match units[..] {
        [unit] => Some(unit),
        _ => None,
    });
    let is_named =
        |unit: &CodeUnit| named.is_empty() || named.iter().flatten().any(|known| known.key == unit.key);
    // Where the lines of a load are known, those of types and files are not among the others.
    let is_certain = |unit: &CodeUnit| {
        let is_alone = outline.within_line(unit.start_line).nth(1).is_none();
        is_alone && !file.import_lines.is_empty() && !outline.is_within_function(unit)
    };
    let by_body = file.lines.iter().filter_map(|line| outline.executed_at(*line));
    let on_one_line = file.lines.iter().flat_map(|line| outline.within_line(*line));
    let on_one_line = on_one_line.filter(|unit| is_certain(unit) || is_named(unit));
    only.filter(|unit| !unit.is_type()).chain(by_body).chain(on_one_line).collect()
}

fn count(of: usize) -> u32 {
    u32::try_from(of).unwrap_or(u32::MAX)
}

#[cfg(test)]
#[path = "executed_code_tests.rs"]
mod tests;
