/*!
Records which code the failing run executed, the strongest hint at the changes that can matter.

One adapter per language records lines and functions from inside the sandbox with the language's own means; for all
other languages, the files that the process tree opened give at least a hint. A trace is evidence for ranking and
never decides an outcome: if the traced run behaves differently, the failure is reproduced again without the tracer.
*/

mod python;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use millwright_git::Repo;
use millwright_sandbox::SandboxedCommand;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::ReplayRecipe;

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
}

/// The files that make a command record a trace; their folder is deleted on drop.
#[derive(Debug)]
pub struct TraceInstrument {
    folder: TempDir,
    env: BTreeMap<String, String>,
}

impl TraceInstrument {
    pub fn prepare(repo: &Repo, checkout: &Path, recipe: &ReplayRecipe) -> io::Result<Self> {
        let scratch = repo.data().join("scratch");
        fs::create_dir_all(&scratch)?;
        let folder = tempfile::Builder::new().prefix("trace-").tempdir_in(&scratch)?;
        let out = folder.path().join("out");
        fs::create_dir(&out)?;
        let mut env = python::install(folder.path(), &recipe.env)?;
        env.insert("MILLWRIGHT_TRACE_ROOT".into(), checkout.to_string_lossy().into_owned());
        env.insert("MILLWRIGHT_TRACE_OUT".into(), out.to_string_lossy().into_owned());
        Ok(Self { folder, env })
    }

    /// Changes `command` so that it records a trace.
    pub fn arm(&self, command: &mut SandboxedCommand) {
        command.env.extend(self.env.clone());
        command.script = format!("{}{}", python::prelude(self.folder.path()), command.script);
        command.read.push(self.folder.path().to_owned());
        command.write.push(self.folder.path().join("out"));
    }

    /// Reads the recorded trace; `None` when no adapter recorded anything.
    pub fn collect(self) -> Option<ExecutionTrace> {
        python::collect(&self.folder.path().join("out"))
    }
}

#[cfg(test)]
#[path = "exec_trace_tests.rs"]
mod tests;
