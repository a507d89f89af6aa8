/*!
Records which code the failing run executed, the strongest hint at the changes that can matter.

One adapter per language records lines and functions from inside the sandbox with the language's own means. A coverage
file that the recipe names works in any language; and the files that the process tree opened give at least a hint. A
trace is evidence for ranking and never decides an outcome: if the traced run behaves differently, the failure is
reproduced again without the tracers.
*/

mod coverage_file;
mod folder;
mod go;
mod jvm;
mod native;
mod node;
mod php;
mod python;
mod records;
mod ruby;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use millwright_git::Repo;
use millwright_ingest::RepoFiles;
use millwright_ingest::coverage::CoverageReport;
use millwright_sandbox::SandboxedCommand;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::ReplayRecipe;
use folder::TraceFolder;

/// How finely a run was observed. Coarser traces are weaker evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TracePrecision {
    /// Files that were opened.
    Files,
    /// Files and functions that were executed.
    Functions,
    /// Files, functions and lines that were executed.
    Lines,
}

/// The code executed by one run, below the checkout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecutionTrace {
    pub precision: TracePrecision,
    /// Executed files by their path inside the repository.
    pub files: BTreeMap<String, ExecutedFile>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecutedFile {
    /// Lines of functions, 1-based; empty when the precision is lower.
    pub lines: BTreeSet<u32>,
    /// Qualified names (`Class.method`); empty when the precision is lower.
    pub functions: BTreeSet<String>,
    /// Lines executed by merely importing the file (module and class bodies), which say little.
    #[serde(default)]
    pub import_lines: BTreeSet<u32>,
}

/// A run that opens more files than this gives no hint.
const MOST_OPENED: usize = 20_000;

impl ExecutionTrace {
    /// Builds a trace from the files that a process tree opened below `checkout`; paths are absolute or relative to
    /// it.
    pub(crate) fn of_opened(opened: &[PathBuf], checkout: &Path) -> Option<Self> {
        let relative = |path: &PathBuf| {
            let path = path.strip_prefix(checkout).unwrap_or(path);
            path.is_relative()
                .then(|| path.to_str().map(str::to_owned))
                .flatten()
                .filter(|path| !path.is_empty())
        };
        let files: BTreeMap<String, ExecutedFile> = opened
            .iter()
            .take(MOST_OPENED)
            .filter_map(relative)
            .map(|path| (path, ExecutedFile::default()))
            .collect();
        (!files.is_empty()).then_some(Self { precision: TracePrecision::Files, files })
    }

    fn empty(precision: TracePrecision) -> Self {
        Self { precision, files: BTreeMap::new() }
    }

    fn if_any(self) -> Option<Self> {
        (!self.files.is_empty()).then_some(self)
    }

    /// Adds another trace of the same run. The finest precision counts for the whole.
    fn extend(&mut self, other: Self) {
        if !other.files.is_empty() {
            self.precision = self.precision.max(other.precision);
        }
        for (path, executed) in other.files {
            let file = self.files.entry(path).or_default();
            file.lines.extend(executed.lines);
            file.functions.extend(executed.functions);
            file.import_lines.extend(executed.import_lines);
        }
    }
}

/// Records what programs of one language execute.
trait TraceAdapter: Sync {
    /// Installs what the adapter needs, and returns the changes of the run's environment.
    fn install(&self, folder: &TraceFolder<'_>) -> io::Result<BTreeMap<String, String>>;

    /// Shell lines that run before the command.
    fn before(&self, _folder: &TraceFolder<'_>) -> String {
        String::new()
    }

    /// Shell lines that run after the command, whatever its status was.
    fn after(&self, _folder: &TraceFolder<'_>) -> String {
        String::new()
    }

    /// Reads what the programs wrote; `None` when there is nothing.
    fn collect(&self, folder: &TraceFolder<'_>, repository: &RepoFiles) -> Option<ExecutionTrace>;
}

/// The adapters, each with the name of its folder.
const ADAPTERS: &[(&str, &dyn TraceAdapter)] = &[
    ("python", &python::Python),
    ("node", &node::Node),
    ("ruby", &ruby::Ruby),
    ("php", &php::Php),
    ("go", &go::Go),
    ("jvm", &jvm::Jvm),
    ("native", &native::Native),
];

/// The files that make a command record a trace; their folder is deleted on drop.
#[derive(Debug)]
pub struct TraceInstrument {
    folder: TempDir,
    checkout: PathBuf,
    /// The environment of the recipe.
    own_env: BTreeMap<String, String>,
    /// Globs of coverage files that the command writes, relative to the checkout.
    coverage: Vec<String>,
    env: BTreeMap<String, String>,
}

impl TraceInstrument {
    pub fn prepare(repo: &Repo, checkout: &Path, recipe: &ReplayRecipe) -> io::Result<Self> {
        let scratch = repo.data().join("scratch");
        fs::create_dir_all(&scratch)?;
        let folder = tempfile::Builder::new().prefix("trace-").tempdir_in(&scratch)?;
        fs::create_dir(folder.path().join("bin"))?;
        let mut instrument = Self {
            folder,
            checkout: checkout.to_owned(),
            own_env: recipe.env.clone(),
            coverage: recipe.coverage.clone(),
            env: BTreeMap::new(),
        };
        for (name, adapter) in ADAPTERS {
            let place = instrument.place(name);
            fs::create_dir_all(&place.installed)?;
            fs::create_dir_all(&place.out)?;
            let changes = adapter.install(&place)?;
            instrument.env.extend(changes);
        }
        coverage_file::remove(checkout, &instrument.coverage);
        Ok(instrument)
    }

    fn place(&self, adapter: &str) -> TraceFolder<'_> {
        let root = self.folder.path();
        TraceFolder {
            installed: root.join("installed").join(adapter),
            out: root.join("out").join(adapter),
            bin: root.join("bin"),
            checkout: &self.checkout,
            env: &self.own_env,
        }
    }

    /// Changes `command` so that it records a trace.
    pub fn arm(&self, command: &mut SandboxedCommand) {
        let lines = |part: fn(&dyn TraceAdapter, &TraceFolder<'_>) -> String| -> String {
            ADAPTERS.iter().map(|(name, adapter)| part(*adapter, &self.place(name))).collect()
        };
        let (before, after) =
            (lines(|adapter, place| adapter.before(place)), lines(|adapter, place| adapter.after(place)));
        let bin = folder::quoted(&self.folder.path().join("bin").to_string_lossy());
        // The command runs in a shell of its own, so that its `exit` does not end what comes after it.
        command.script = format!(
            "{before}(\nPATH={bin}:\"$PATH\"; export PATH\n{}\n)\nmillwright_status=$?\n{{\n{after}}} >/dev/null 2>&1\n\
             exit $millwright_status\n",
            command.script
        );
        command.env.extend(self.env.clone());
        command.read.push(self.folder.path().to_owned());
        command.write.push(self.folder.path().join("out"));
    }

    /// Reads the recorded trace; `None` when no adapter recorded anything. `files` lists the repository's files at the
    /// revision that ran.
    pub fn collect(self, files: impl Iterator<Item = String>) -> Option<ExecutionTrace> {
        let repository = RepoFiles::new(files);
        let traces =
            ADAPTERS.iter().filter_map(|(name, adapter)| adapter.collect(&self.place(name), &repository));
        let named = coverage_file::collect(&self.checkout, &self.coverage, &repository);
        let mut whole = ExecutionTrace::empty(TracePrecision::Files);
        traces.chain(named).for_each(|trace| whole.extend(trace));
        whole.if_any()
    }
}

/// The trace that a coverage report tells of, with the paths of the repository.
fn of_report(report: CoverageReport) -> ExecutionTrace {
    let executed = |file: millwright_ingest::coverage::CoveredFile| ExecutedFile {
        lines: file.executed.difference(&file.loaded).copied().collect(),
        functions: file.functions,
        import_lines: file.loaded,
    };
    let ran =
        report.files.into_iter().filter(|(_, file)| !file.executed.is_empty() || !file.functions.is_empty());
    ExecutionTrace {
        precision: TracePrecision::Lines,
        files: ran.map(|(path, file)| (path, executed(file))).collect(),
    }
}

#[cfg(test)]
#[path = "languages_tests.rs"]
mod languages_tests;
#[cfg(test)]
#[path = "exec_trace_tests.rs"]
mod tests;
