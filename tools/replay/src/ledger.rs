/*!
Every execution, in order, one JSON object a line, on the disk before its outcome is used. An investigation that
is started again asks the same questions in the same order and is answered from here.
*/

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use millwright_model::{ReplayRun, SandboxLevel};
use serde::{Deserialize, Serialize};

use super::signature::FailureSignature;
use crate::exec_trace::ExecutionTrace;

/// One execution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LedgerEntry {
    /// Tree and recipe; the same key twice is a repeat.
    pub key: String,
    pub run: ReplayRun,
    /// Why it is not a plain pass or reproduction.
    pub why: Option<String>,
    /// The end of the output.
    pub tail: String,
    pub sandbox: SandboxLevel,
    /// What the sandbox refused, and what the checkout could not provide.
    pub notes: Vec<String>,
    /// How it failed, if it did.
    pub failure: Option<FailureSignature>,
    pub trace: Option<ExecutionTrace>,
}

/// The executions of one investigation.
#[derive(Debug)]
pub struct ReplayLedger {
    path: Option<PathBuf>,
    file: Option<File>,
    entries: Vec<LedgerEntry>,
    /// Entries per key, in order, and how many of them were asked for since this was opened.
    asked: HashMap<String, (Vec<usize>, usize)>,
}

impl ReplayLedger {
    /// Opens or begins the ledger at `path`. A last line cut off by a crash is dropped: its run never counted.
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

    /// A ledger that is forgotten with the process.
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

    /// The next recorded execution of `key` that was not asked for yet, with its 1-based number.
    pub(super) fn recall(&mut self, key: &str) -> Option<(usize, LedgerEntry)> {
        let (numbers, asked) = self.asked.get_mut(key)?;
        let number = *numbers.get(*asked)?;
        *asked += 1;
        self.entries.get(number).map(|entry| (number + 1, entry.clone()))
    }

    /// The numbers of the executions that were asked for since this was opened, in order: what they were answered by, whether
    /// it ran then or was recorded.
    pub(super) fn asked(&self) -> Vec<usize> {
        let each = self.asked.values().flat_map(|(numbers, asked)| numbers.iter().take(*asked));
        let mut numbers: Vec<usize> = each.map(|at| at + 1).collect();
        numbers.sort_unstable();
        numbers
    }

    /// Takes all recorded executions as asked for.
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
