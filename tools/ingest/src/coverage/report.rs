/*!
What a coverage report says: which lines and functions of which files ran.
*/

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::limits::{MAX_FILES, MAX_LINE, MAX_LINES, MAX_NAME_BYTES, MAX_PATH_BYTES};
use super::report_paths::ReportPaths;
use crate::mapping::RepoFiles;

/// The format of a coverage report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CoverageFormat {
    Lcov,
    Cobertura,
    Jacoco,
    /// JSON of coverage.py, with or without contexts.
    CoveragePy,
    /// JSON of `gcov --json-format`.
    Gcov,
    GoCover,
    Istanbul,
    /// JSON of V8, as node writes it to `NODE_V8_COVERAGE`.
    V8,
    /// `.resultset.json` of SimpleCov.
    SimpleCov,
}

/// One file of a coverage report.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoveredFile {
    /// Lines that ran, 1-based.
    pub executed: BTreeSet<u32>,
    /// Lines that could have run and did not. A line in neither set is unknown, not unexecuted.
    pub missed: BTreeSet<u32>,
    /// Of the lines that ran, those of module and class bodies, which run when the file is loaded. V8 and
    /// coverage.py (since 7.6) tell them apart.
    #[serde(default)]
    pub loaded: BTreeSet<u32>,
    /// Functions that ran, by the report's own names.
    pub functions: BTreeSet<String>,
    /// Lines by the context in which they ran, such as a test; empty for most formats.
    pub contexts: BTreeMap<String, BTreeSet<u32>>,
}

impl CoveredFile {
    fn is_empty(&self) -> bool {
        self.executed.is_empty() && self.missed.is_empty() && self.functions.is_empty()
    }

    /// Adds another report about the same file: a line that ran in one of them ran.
    fn merge(&mut self, other: Self) {
        self.executed.extend(other.executed);
        self.missed.extend(other.missed);
        self.missed.retain(|line| !self.executed.contains(line));
        self.loaded.extend(other.loaded);
        self.functions.extend(other.functions);
        for (context, lines) in other.contexts {
            self.contexts.entry(context).or_default().extend(lines);
        }
    }
}

/// A coverage report as its format writes it: paths are not yet those of a repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoverageReport {
    pub format: CoverageFormat,
    /// By the path that the report writes.
    pub files: BTreeMap<String, CoveredFile>,
    /// What was left out, and why.
    pub notes: Vec<String>,
    /// Lines over all files, to bound them.
    #[serde(skip)]
    lines: usize,
}

impl CoverageReport {
    pub(super) fn new(format: CoverageFormat) -> Self {
        Self { format, files: BTreeMap::new(), notes: Vec::new(), lines: 0 }
    }

    /// The file with this path; `None` when there are too many of them already.
    pub(super) fn file(&mut self, path: &str) -> Option<&mut CoveredFile> {
        if !self.files.contains_key(path) {
            if path.len() > MAX_PATH_BYTES {
                self.note(format!("paths of more than {MAX_PATH_BYTES} bytes are left out"));
                return None;
            }
            if self.files.len() >= MAX_FILES {
                self.note(format!("more than {MAX_FILES} files; the others are left out"));
                return None;
            }
            self.files.insert(path.to_owned(), CoveredFile::default());
        }
        self.files.get_mut(path)
    }

    /// Records how often a line ran. Later records of the same line add up.
    pub(super) fn line(&mut self, path: &str, line: u64, hits: u64) {
        let Some(line) = u32::try_from(line).ok().filter(|line| (1..=MAX_LINE).contains(line)) else {
            return self.note(format!("lines that are not between 1 and {MAX_LINE} are left out"));
        };
        if self.lines >= MAX_LINES {
            return self.note(format!("more than {MAX_LINES} lines; the others are left out"));
        }
        let Some(file) = self.file(path) else { return };
        let added = match hits {
            0 => !file.executed.contains(&line) && file.missed.insert(line),
            _ => !file.missed.remove(&line) && file.executed.insert(line),
        };
        if hits > 0 {
            file.executed.insert(line);
        }
        self.lines += usize::from(added);
    }

    /// Marks a line that ran as one of the file's own body.
    pub(super) fn loaded(&mut self, path: &str, line: u64) {
        let file = self.files.get_mut(path);
        if let (Some(file), Ok(line)) = (file, u32::try_from(line))
            && file.executed.contains(&line)
        {
            file.loaded.insert(line);
        }
    }

    /// Records a function that ran.
    pub(super) fn function(&mut self, path: &str, name: &str) {
        if name.is_empty() || name.len() > MAX_NAME_BYTES || self.lines >= MAX_LINES {
            return;
        }
        self.lines += 1;
        if let Some(file) = self.file(path) {
            file.functions.insert(name.to_owned());
        }
    }

    pub(super) fn note(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// The same report by the paths of a repository. Files that are not in it are left out, as are lines beyond a
    /// file's end; the notes count both. `line_count` gives the number of lines of a repository's file.
    pub fn placed(
        self,
        repository: &RepoFiles,
        mut line_count: impl FnMut(&str) -> Option<u32>,
    ) -> CoverageReport {
        let paths = ReportPaths::of(self.files.keys().map(String::as_str), repository);
        let mut placed = Self::new(self.format);
        placed.notes = self.notes;
        let (mut elsewhere, mut beyond) = (0_usize, 0_usize);
        for (path, mut file) in self.files {
            let Some(found) = paths.locate(&path, repository) else {
                elsewhere += 1;
                continue;
            };
            if let Some(last) = line_count(&found) {
                let all = file.executed.len() + file.missed.len();
                file.executed.retain(|line| *line <= last);
                file.missed.retain(|line| *line <= last);
                file.loaded.retain(|line| *line <= last);
                beyond += all - file.executed.len() - file.missed.len();
                file.contexts.values_mut().for_each(|lines| lines.retain(|line| *line <= last));
            }
            if !file.is_empty() {
                placed.files.entry(found).or_default().merge(file);
            }
        }
        if elsewhere > 0 {
            placed.note(format!("{elsewhere} of its files are not in the repository"));
        }
        if beyond > 0 {
            placed.note(format!("{beyond} of its lines lie beyond the end of their files"));
        }
        placed
    }
}
