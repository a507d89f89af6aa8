/*!
What a caller specifies for a sandboxed command, and what it learns from the execution.

The command is a script for `/bin/sh`, because recipes are written as one. The caller declares everything the
command may touch: the command inherits nothing from the caller except the machine's system folders.
*/

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use millwright_model::SandboxLevel;
use serde::{Deserialize, Serialize};

/// A command from the repository or its recipes.
#[derive(Debug, Clone, Default)]
pub struct SandboxedCommand {
    /// Run by `/bin/sh -c`.
    pub script: String,
    /// The working directory. It must be below one of `read` or `write`; naming it here does not make it writable.
    pub cwd: PathBuf,
    /// Variables in addition to `PATH`, `HOME`, `TMPDIR`, `LANG`, `LC_ALL` and `TZ`, which are set by default and
    /// can be overridden here.
    pub env: BTreeMap<String, String>,
    /// Files and folders the command may read and execute, in addition to the system's.
    pub read: Vec<PathBuf>,
    /// Folders the command may change, such as the checkout. It always also gets a new temporary folder (as
    /// `HOME`, `TMPDIR` and, in the full sandbox, `/tmp`), which is removed afterwards.
    pub write: Vec<PathBuf>,
    pub network: NetworkAccess,
    pub limits: SandboxLimits,
    pub weaker: NoSandboxPolicy,
    /// Reports which files below this folder were opened.
    pub record_opened_under: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum NetworkAccess {
    #[default]
    None,
    /// A private loopback interface, which nothing outside can reach. Needs the full sandbox.
    Loopback,
}

/// What to do if neither the full nor the reduced sandbox is available.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum NoSandboxPolicy {
    #[default]
    Refuse,
    /// Run with the limits only; the execution then reports [`SandboxLevel::None`].
    Allow,
}

/// Bounds for everything the command starts, taken together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SandboxLimits {
    pub wall: Duration,
    /// Summed over all processes.
    pub cpu: Duration,
    /// Summed over all processes; shared pages count once.
    pub memory_bytes: u64,
    /// Processes and threads alive at the same time.
    pub processes: u32,
    /// Maximum size of any single file.
    pub file_size_bytes: u64,
    /// Total written to the disk.
    pub disk_bytes: u64,
    /// Standard output and error together; the command is stopped when it exceeds this.
    pub output_bytes: u64,
    /// How many bytes of the output are kept: a quarter from its start, the rest from its end.
    pub kept_output_bytes: usize,
}

impl Default for SandboxLimits {
    fn default() -> Self {
        Self {
            wall: Duration::from_mins(10),
            cpu: Duration::from_mins(20),
            memory_bytes: 4 << 30,
            processes: 512,
            file_size_bytes: 1 << 30,
            disk_bytes: 4 << 30,
            output_bytes: 64 << 20,
            kept_output_bytes: 4 << 20,
        }
    }
}

/// How a command ended, and what was observed.
#[derive(Debug, Clone)]
pub struct Execution {
    pub exit: ExitStatus,
    /// Standard output and error in order of arrival, made valid UTF-8; a line says how much was left out.
    pub output: String,
    pub truncated: bool,
    pub duration: Duration,
    /// The limit that ended the command, if one did.
    pub limit: Option<LimitHit>,
    pub level: SandboxLevel,
    /// One line for each kind of access that was refused, as far as it can be known.
    pub denied: Vec<String>,
    /// Files below `record_opened_under` that were opened, sorted. May miss files in folders that are created and
    /// filled immediately.
    pub opened: Vec<PathBuf>,
}

impl Execution {
    pub fn succeeded(&self) -> bool {
        self.exit == ExitStatus::Code(0) && self.limit.is_none()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExitStatus {
    Code(i32),
    Signal(i32),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LimitHit {
    Wall,
    Cpu,
    Memory,
    Processes,
    FileSize,
    Disk,
    Output,
}

impl std::fmt::Display for LimitHit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Wall => "stopped: it ran longer than the limit allows",
            Self::Cpu => "stopped: its processes used more CPU time than the limit allows",
            Self::Memory => "stopped: its processes used more memory than the limit allows",
            Self::Processes => "stopped: it started more processes and threads than the limit allows",
            Self::FileSize => "stopped: it wrote a file larger than the limit allows",
            Self::Disk => "stopped: it wrote more to the disk than the limit allows",
            Self::Output => "stopped: it printed more than the limit allows",
        })
    }
}

/// An upper bound for the strength of the sandbox, to test on a strong machine what a weaker one would do.
#[derive(Debug, Clone, Copy)]
pub struct SandboxCeiling {
    pub level: SandboxLevel,
    /// Use Landlock as if the kernel supported no later version than this.
    pub landlock: u8,
}

impl Default for SandboxCeiling {
    fn default() -> Self {
        Self { level: SandboxLevel::Full, landlock: u8::MAX }
    }
}

impl SandboxCeiling {
    /// What a machine without namespaces supports.
    pub fn reduced() -> Self {
        Self { level: SandboxLevel::Reduced, ..Self::default() }
    }
}

/// The command was not run, or its outcome is unknown.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    #[error(
        "no sandbox is available here: with namespaces: {full}; without them: {reduced}; run `millwright \
         doctor` to see what to switch on, or allow commands to run unsandboxed"
    )]
    Unavailable { full: String, reduced: String },
    #[error(
        "the command asks for a loopback network, which needs namespaces, and those are not available here: \
         {why}; switch them on (see `millwright doctor`), or do without the network"
    )]
    LoopbackNeedsNamespaces { why: String },
    #[error("{path} cannot be used in the sandbox: {why}")]
    Path { path: PathBuf, why: String },
    #[error("the command cannot be run: {why}")]
    Command { why: String },
    #[error("the sandbox's own process could not be started from {executable}: {source}")]
    Start { executable: PathBuf, source: std::io::Error },
    #[error("the sandbox's own process ended unexpectedly: {why}; please report this")]
    Stage { why: String },
    #[error(
        "the sandbox's temporary folder could not be created in {path}: {source}; free space there or set \
         TMPDIR"
    )]
    Temp { path: PathBuf, source: std::io::Error },
    #[error("cancelled")]
    Cancelled,
}
