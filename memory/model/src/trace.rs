/*!
Parsed stack traces, in one form for every language.

Two orders are fixed here: `StackTrace::exceptions` starts with the exception that surfaced and continues with its
causes; `ExceptionInfo::frames` starts at the crash site (innermost frame).
*/

use serde::{Deserialize, Serialize};

/// The language (or runtime) whose conventions a trace follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    Python,
    /// JavaScript and TypeScript: only file names tell their traces apart.
    JavaScript,
    Jvm,
    Go,
    Rust,
    DotNet,
    Ruby,
    Php,
    /// C and C++: gdb, AddressSanitizer and glibc styles.
    Native,
    Unknown,
}

/// Lines of a text, 1-based, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LineSpan {
    pub start: u32,
    pub end: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StackTrace {
    pub language: Language,
    /// The exception that surfaced, then its causes, outermost cause first. Never empty.
    pub exceptions: Vec<ExceptionInfo>,
    /// The position of the trace in the ticket text, if it came from text.
    pub span: Option<LineSpan>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ExceptionInfo {
    /// Type as printed: `django.core.exceptions.FieldError`, `TypeError`, `SIGSEGV`, `panic`.
    pub kind: String,
    pub message: String,
    /// Crash site first.
    pub frames: Vec<Frame>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// File as printed: may be absolute, a container path, a package path or a bare file name.
    pub path: Option<String>,
    /// 1-based.
    pub line: Option<u32>,
    pub column: Option<u32>,
    /// Function as printed, without its arguments: `fetch_all`, `Money.add`, `core::ops::call_once`.
    pub function: Option<String>,
    /// Module, package or class: `django.db.models.query`, `org.joda.time.DateTime`.
    pub module: Option<String>,
    /// The source line printed with the frame.
    pub context_line: Option<String>,
    /// False for the standard library, site-packages, node_modules, registries and runtimes.
    pub in_app: bool,
    /// The position of the frame in the repository at the failing revision; frame mapping fills it in.
    pub mapped: Option<MappedFrame>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MappedFrame {
    /// Path inside the repository.
    pub path: String,
    /// `Qualified.name` of the innermost enclosing definition, if the language is one that this program parses.
    pub symbol: Option<String>,
    /// Whether the frame is in test code.
    pub is_test: bool,
}
