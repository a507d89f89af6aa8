/*!
Records every execution, in order, as one JSON object per line. Each record is on disk before its outcome is used. A
restarted investigation asks the same questions in the same order, and the ledger answers them.
*/

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use millwright_model::{ReplayOutcome, ReplayRun, SandboxLevel};
use serde::{Deserialize, Serialize};

use super::signature::FailureSignature;
use crate::exec_trace::{ExecutionTrace, TraceInstrument};

/// One execution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LedgerEntry {
    /// Identifies tree and recipe; two entries with the same key are repetitions.
    pub key: String,
    pub run: ReplayRun,
    /// Why it is not a plain pass or reproduction.
    pub why: Option<String>,
    /// The end of the output.
    pub tail: String,
    pub sandbox: SandboxLevel,
    /// Accesses that the sandbox refused, and parts that the checkout could not provide.
    pub notes: Vec<String>,
    /// How the execution failed, if it failed.
    pub failure: Option<FailureSignature>,
    pub trace: Option<ExecutionTrace>,
}

impl LedgerEntry {
    /// Adds what the tracers of the run recorded. A failure that is about a tracer says nothing about the incident.
    /// `files` lists the repository's files at the revision that ran.
    pub(crate) fn add_trace(&mut self, instrument: TraceInstrument, files: impl Iterator<Item = String>) {
        if self.run.outcome != ReplayOutcome::Passes && instrument.is_named_in(&self.tail) {
            self.run.outcome = ReplayOutcome::CannotTest;
            self.why = Some("the tracer disturbed the run".to_owned());
        }
        let traces = self.trace.take().into_iter().chain(instrument.collect(files));
        self.trace = traces.max_by_key(|trace| trace.precision);
    }
}

/// The executions of one investigation.
#[derive(Debug)]
pub struct ReplayLedger {
    path: Option<PathBuf>,
    file: Option<File>,
    entries: Vec<LedgerEntry>,
    /// For each key: its entries in order, and how many of them were requested since the ledger was opened.
    asked: HashMap<String, (Vec<usize>, usize)>,
}

impl ReplayLedger {
    /// Opens or creates the ledger at `path`. A last line that a crash cut off is dropped: its run never counted.
    pub fn open(path: &Path) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let content = match fs::read(path) {
            Ok(content) => content,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        let mut entries = Vec::new();
        let mut whole = 0;
        for line in content.split_inclusive(|byte| *byte == b'\n') {
            let Ok(entry) = serde_json::from_slice(line) else { break };
            if !line.ends_with(b"\n") {
                break;
            }
            entries.push(entry);
            whole += line.len();
        }
        let file = File::options().create(true).append(true).open(path)?;
        file.set_len(whole as u64)?;
        let mut ledger = Self {
            path: Some(path.to_owned()),
            file: Some(file),
            entries: Vec::new(),
            asked: HashMap::new(),
        };
        entries.into_iter().for_each(|entry| ledger.index(entry));
        Ok(ledger)
    }

    /// A ledger that is kept in memory only.
    pub fn in_memory() -> Self {
        Self { path: None, file: None, entries: Vec::new(), asked: HashMap::new() }
    }

    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// All executions in order; `replay:<n>` is the n-th, from 1.
    pub fn entries(&self) -> &[LedgerEntry] {
        &self.entries
    }

    pub fn runs(&self) -> Vec<ReplayRun> {
        self.entries.iter().map(|entry| entry.run.clone()).collect()
    }

    /// The next recorded execution of `key` that was not requested yet, with its 1-based number.
    pub(super) fn recall(&mut self, key: &str) -> Option<(usize, LedgerEntry)> {
        let (numbers, asked) = self.asked.get_mut(key)?;
        let number = *numbers.get(*asked)?;
        *asked += 1;
        self.entries.get(number).map(|entry| (number + 1, entry.clone()))
    }

    /// The numbers of the executions that answered requests since the ledger was opened, in order, whether they ran
    /// then or were recorded before.
    pub(super) fn asked(&self) -> Vec<usize> {
        let each = self.asked.values().flat_map(|(numbers, asked)| numbers.iter().take(*asked));
        let mut numbers: Vec<usize> = each.map(|at| at + 1).collect();
        numbers.sort_unstable();
        numbers
    }

    /// Marks all recorded executions as requested, so that none of them answers a later request.
    pub(super) fn ask_no_more(&mut self) {
        self.asked.values_mut().for_each(|(numbers, asked)| *asked = numbers.len());
    }

    /// Appends an execution durably and returns its 1-based number.
    pub(super) fn append(&mut self, entry: LedgerEntry) -> io::Result<usize> {
        if let Some(file) = &mut self.file {
            let mut line = serde_json::to_vec(&entry)?;
            line.push(b'\n');
            file.write_all(&line)?;
            file.sync_data()?;
        }
        let key = entry.key.clone();
        self.index(entry);
        if let Some((_, asked)) = self.asked.get_mut(&key) {
            *asked += 1;
        }
        Ok(self.entries.len())
    }

    fn index(&mut self, entry: LedgerEntry) {
        let (numbers, _) = self.asked.entry(entry.key.clone()).or_default();
        numbers.push(self.entries.len());
        self.entries.push(entry);
    }
}
