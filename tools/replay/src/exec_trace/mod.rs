/*!
Records which code the failing run executed, the strongest hint at the changes that can matter.

One adapter per language records lines and functions from inside the sandbox with the language's own means. A coverage
file that the recipe names works in any language; and the files that the process tree opened give at least a hint. A
trace is evidence for ranking and for the report, and never decides an outcome: the failure is reproduced without the
tracers, and a traced execution that behaves differently is dropped.
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
use std::time::SystemTime;

use millwright_git::Repo;
use millwright_ingest::RepoFiles;
use millwright_ingest::coverage::{CoverageReport, read_coverage};
pub use millwright_model::TracePrecision;
use millwright_sandbox::SandboxedCommand;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::ReplayRecipe;
use crate::checkout_files::read_whole;
use folder::{TraceFolder, read_files, script_text};

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

impl ExecutedFile {
    /// Whether anything of it was recorded: other files were only opened.
    pub fn is_traced(&self) -> bool {
        !self.lines.is_empty() || !self.import_lines.is_empty() || !self.functions.is_empty()
    }
}

/// Maximum number of lines and functions of a trace; the rest of its files is left out.
const MAX_TRACED: usize = 1_000_000;

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
        let lines = |file: &ExecutedFile| file.lines.len() + file.import_lines.len() + file.functions.len();
        let mut all: usize = self.files.values().map(lines).sum();
        for (path, executed) in other.files {
            all += lines(&executed);
            if all > MAX_TRACED {
                break;
            }
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

    /// Whether it works in a folder of any name. Settings that are divided by blanks or colons allow plain names only.
    fn takes_any_path(&self) -> bool {
        false
    }

    /// Shell lines that run after the command, whatever its status was.
    fn after(&self, _folder: &TraceFolder<'_>) -> String {
        String::new()
    }

    /// Reads what the programs wrote, by default coverage reports; `None` when there is nothing.
    fn collect(&self, folder: &TraceFolder<'_>, repository: &RepoFiles) -> Option<ExecutionTrace> {
        of_reports(read_files(&folder.out).into_iter(), folder.checkout, repository)
    }
}

/// The adapters, each with the name of its folder.
const ADAPTERS: &[(&str, &dyn TraceAdapter)] = &[
    ("python", &python::PythonTracer),
    ("node", &node::NodeTracer),
    ("ruby", &ruby::RubyTracer),
    ("php", &php::PhpTracer),
    ("go", &go::GoTracer),
    ("jvm", &jvm::JvmTracer),
    ("native", &native::NativeTracer),
];

/// The files that make a command record a trace; their folder is deleted on drop.
#[derive(Debug)]
pub struct TraceInstrument {
    folder: TempDir,
    checkout: PathBuf,
    recipe: ReplayRecipe,
    /// A file that is older than everything that the run writes, and its time.
    marker: PathBuf,
    started: SystemTime,
    env: BTreeMap<String, String>,
}

impl TraceInstrument {
    pub fn prepare(repo: &Repo, checkout: &Path, recipe: &ReplayRecipe) -> io::Result<Self> {
        let scratch = repo.data().join("scratch");
        fs::create_dir_all(&scratch)?;
        let folder = tempfile::Builder::new().prefix("trace-").tempdir_in(&scratch)?;
        fs::create_dir(folder.path().join("bin"))?;
        let marker = folder.path().join("started");
        fs::write(&marker, "")?;
        let started = fs::metadata(&marker)?.modified()?;
        let (checkout, recipe) = (checkout.to_owned(), recipe.clone());
        let mut instrument = Self { folder, checkout, recipe, marker, started, env: BTreeMap::new() };
        let mut env = BTreeMap::new();
        for (name, adapter) in instrument.adapters() {
            let place = instrument.place(name);
            fs::create_dir_all(&place.installed)?;
            fs::create_dir_all(&place.out)?;
            env.extend(adapter.install(&place)?);
        }
        instrument.env = env;
        Ok(instrument)
    }

    /// The adapters that work in this folder.
    fn adapters(&self) -> impl Iterator<Item = (&'static str, &'static dyn TraceAdapter)> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._+-".contains(c);
        let is_plain = |path: &Path| path.to_str().is_some_and(|path| path.chars().all(is_plain));
        let takes_all = is_plain(self.folder.path()) && is_plain(&self.checkout);
        ADAPTERS.iter().copied().filter(move |(_, adapter)| takes_all || adapter.takes_any_path())
    }

    /// Whether an output is about the tracers themselves: then they disturbed the run.
    pub(crate) fn is_named_in(&self, output: &str) -> bool {
        let Some(folder) = self.folder.path().to_str() else { return false };
        // What the JVM says of its options is no complaint.
        output.lines().any(|line| line.contains(folder) && !line.starts_with("NOTE: Picked up "))
    }

    fn place(&self, adapter: &str) -> TraceFolder<'_> {
        let root = self.folder.path();
        TraceFolder {
            installed: root.join("installed").join(adapter),
            out: root.join("out").join(adapter),
            bin: root.join("bin"),
            marker: &self.marker,
            checkout: &self.checkout,
            env: &self.recipe.env,
        }
    }

    /// Changes `command` so that it records a trace.
    pub fn arm(&self, command: &mut SandboxedCommand) {
        /// Seconds for the programs that read counters. They run within the command's own limit.
        const MAX_AFTER_S: u32 = 60;
        let after: String = self.adapters().map(|(name, adapter)| adapter.after(&self.place(name))).collect();
        // What takes longer than the limit reproduces a hang, so nothing is added to the command then.
        let after = folder::quoted(if self.recipe.is_hang { "" } else { &after });
        let bin = folder::quoted(&self.folder.path().join("bin").to_string_lossy());
        // The command runs in a shell of its own, so that its `exit` does not end what comes after it.
        command.script = format!(
            "(\nPATH={bin}:\"$PATH\"; export PATH\n{}\n)\nmillwright_status=$?\n\
             timeout {MAX_AFTER_S} sh -c {after} >/dev/null 2>&1\nexit $millwright_status\n",
            command.script
        );
        command.env.extend(self.env.clone());
        command.read.push(self.folder.path().to_owned());
        command.write.push(self.folder.path().join("out"));
    }

    /// Reads the recorded trace; `None` when no adapter recorded anything. `files` lists the repository's files at the
    /// revision that ran.
    pub(crate) fn collect(self, files: impl Iterator<Item = String>) -> Option<ExecutionTrace> {
        let repository = RepoFiles::new(files);
        let traces =
            self.adapters().filter_map(|(name, adapter)| adapter.collect(&self.place(name), &repository));
        let named = coverage_file::collect(&self.checkout, &self.recipe.coverage, self.started, &repository);
        let mut whole = ExecutionTrace::empty(TracePrecision::Files);
        traces.chain(named).for_each(|trace| whole.extend(trace));
        whole.if_any()
    }
}

/// The trace of coverage reports of one run.
fn of_reports(
    reports: impl Iterator<Item = Vec<u8>>,
    checkout: &Path,
    repository: &RepoFiles,
) -> Option<ExecutionTrace> {
    let root = checkout.canonicalize().unwrap_or_else(|_| checkout.to_owned());
    let mut whole = ExecutionTrace::empty(TracePrecision::Lines);
    for content in reports {
        match read_coverage(&content, &mut |script| script_text(&root, script)) {
            Ok(report) => whole.extend(of_report(report, checkout, repository)),
            Err(error) => tracing::debug!(%error, "a coverage report cannot be read"),
        }
    }
    whole.if_any()
}

/// The trace that a coverage report tells of, with the paths of the repository.
fn of_report(report: CoverageReport, checkout: &Path, repository: &RepoFiles) -> ExecutionTrace {
    let report = report.placed(repository, |path| line_count(&checkout.join(path)));
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

/// Lines of a source file; `None` for what is not a regular file, or too large to be a source.
fn line_count(path: &Path) -> Option<u32> {
    const MAX_BYTES: u64 = 16 << 20;
    let content = read_whole(path, MAX_BYTES)?;
    u32::try_from(millwright_git::line_count(&content)).ok()
}

#[cfg(test)]
#[path = "exec_trace_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "languages_tests.rs"]
mod languages_tests;
