/*!
Parsed stack traces, one shape for every language.

Two orders are fixed here, so that no reader has to ask: `StackTrace::exceptions` starts with the exception
that surfaced and goes on to its causes; `ExceptionInfo::frames` starts at the crash site (innermost frame).
*/

use serde::{Deserialize, Serialize};

/// The language (or runtime) whose conventions a trace follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    Python,
    /// JavaScript and TypeScript: their traces are told apart only by file names.
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
    /// The exception that surfaced first, then what caused it, outermost cause first. Never empty.
    pub exceptions: Vec<ExceptionInfo>,
    /// Where the trace stands in the ticket text, when it came from text.
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
    /// Where the frame lies in the repository at the failing revision; filled in by frame mapping.
    pub mapped: Option<MappedFrame>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MappedFrame {
    /// Path inside the repository.
    pub path: String,
    /// `Qualified.name` of the innermost enclosing definition, when the language is one we parse.
    pub symbol: Option<String>,
    /// Whether this is test code.
    pub is_test: bool,
}
