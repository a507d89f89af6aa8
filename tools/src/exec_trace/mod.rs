/*!
What the failing run really executed: files, functions and lines.
*/

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// How finely a run was observed. Coarser traces are weaker evidence, never absent evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// Only which files the process tree opened.
    Files,
    Functions,
    Lines,
}

/// The files of the repository that a run executed, at the revision it ran on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecutionTrace {
    pub precision: Precision,
    /// By path inside the repository.
    pub files: BTreeMap<String, ExecutedFile>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecutedFile {
    /// 1-based; empty when the trace is coarser than lines.
    pub lines: BTreeSet<u32>,
    /// `Qualified.name` or plain names; empty when the trace is coarser than functions.
    pub functions: BTreeSet<String>,
}
