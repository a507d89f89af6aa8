/*!
The only reader of unified diffs: git's own, those of other programs, and those that models write. `scanner` says
what each line is, and this module assembles the lines into files and hunks; git's stream of patches (`history`)
uses the lines directly.

Diffs are hostile input: reading never fails and never panics, text that is not a diff yields no files, and the
numbers of lines, hunks and files kept are bounded.
*/

mod grammar;
mod scanner;

use std::ops::Range;

pub(crate) use grammar::HunkHeader;
pub use grammar::{DiffPath, LineRange};
pub(crate) use scanner::{DiffScanner, DiffToken, HunkExtent};

/// Maximum number of lines read from a diff, by default.
const DEFAULT_MAX_LINES: usize = 1 << 20;
const MAX_FILES: usize = 1 << 17;
const MAX_HUNKS: usize = 1 << 20;
/// Headers kept per file; git writes at most seven.
const MAX_HEADERS: usize = 16;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnifiedDiff<'d> {
    pub files: Vec<DiffFile<'d>>,
    /// Whether something was left out because of its size.
    pub truncated: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FileStatus {
    #[default]
    Modified,
    Added,
    Deleted,
    Renamed,
    Copied,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DiffFile<'d> {
    /// `None` for a new file, and for a file that no header names.
    pub old: Option<DiffPath>,
    /// `None` for a removed file, and for a file that no header names.
    pub new: Option<DiffPath>,
    /// Whether a pair of `---` and `+++` lines names the file.
    pub has_names: bool,
    pub status: FileStatus,
    /// The mode as git writes it (`100644`), if the diff contains it.
    pub old_mode: Option<&'d str>,
    pub new_mode: Option<&'d str>,
    pub is_binary: bool,
    /// The extended headers, unchanged: modes, renames, `index`, binary parts.
    pub headers: Vec<&'d str>,
    pub hunks: Vec<DiffHunk<'d>>,
    pub added: usize,
    pub removed: usize,
}

impl DiffFile<'_> {
    /// The name of the file; the new one if there are two, and empty if no header names one.
    pub fn path(&self) -> &str {
        self.new_name().or(self.old_name()).unwrap_or_default()
    }

    /// Whether the diff changes the mode of a file that it neither adds nor removes.
    pub fn changes_mode(&self) -> bool {
        self.old_mode.is_some() && self.status != FileStatus::Deleted
    }

    pub fn old_name(&self) -> Option<&str> {
        self.old.as_ref().map(|path| path.name.as_str())
    }

    pub fn new_name(&self) -> Option<&str> {
        self.new.as_ref().map(|path| path.name.as_str())
    }

    pub fn lines(&self) -> impl Iterator<Item = &DiffLine<'_>> {
        self.hunks.iter().flat_map(|hunk| &hunk.lines)
    }

    pub fn added_lines(&self) -> impl Iterator<Item = &DiffLine<'_>> {
        self.lines().filter(|line| line.kind == DiffLineKind::Added)
    }

    pub fn removed_lines(&self) -> impl Iterator<Item = &DiffLine<'_>> {
        self.lines().filter(|line| line.kind == DiffLineKind::Removed)
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DiffHunk<'d> {
    /// `None` only where the writer gave no range.
    pub old: Option<LineRange>,
    pub new: Option<LineRange>,
    /// The enclosing function that git names.
    pub section: &'d str,
    pub lines: Vec<DiffLine<'d>>,
    /// Whether the hunk has as many lines as its `@@` line promises.
    pub is_complete: bool,
    /// The hunk's byte range in the diff, including its `@@` line and its last line break.
    pub span: Range<usize>,
}

impl DiffHunk<'_> {
    /// Whether the hunk's last new line ends the file without a line break.
    pub fn has_open_end(&self) -> bool {
        let open = self.lines.iter().rfind(|line| line.has_no_break);
        open.is_some_and(|line| line.kind != DiffLineKind::Removed)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DiffLineKind {
    Context,
    Added,
    Removed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiffLine<'d> {
    pub kind: DiffLineKind,
    /// Line number in the old file, from 1; for an added line, the number of the next old line. Starts at 0 in a
    /// written diff whose hunk gives no range.
    pub old: u32,
    /// Line number in the new file; for a removed line, the number of the next new line.
    pub new: u32,
    /// The line without its sign and its line break; a carriage return before the line break is kept.
    pub raw: &'d str,
    /// Whether this is the last line of its file and ends without a line break.
    pub has_no_break: bool,
}

impl<'d> DiffLine<'d> {
    pub fn text(&self) -> &'d str {
        self.raw.strip_suffix('\r').unwrap_or(self.raw)
    }

    /// Appends the line as a diff writes it.
    pub fn write_to(&self, out: &mut String) {
        out.push(match self.kind {
            DiffLineKind::Context => ' ',
            DiffLineKind::Added => '+',
            DiffLineKind::Removed => '-',
        });
        out.push_str(self.raw);
        out.push('\n');
        if self.has_no_break {
            out.push_str("\\ No newline at end of file\n");
        }
    }
}

/// Reads a diff that a program wrote.
pub fn parse(diff: &str) -> UnifiedDiff<'_> {
    DiffParser::default().parse(diff)
}

/// How a diff is read.
#[derive(Debug, Clone, Copy)]
pub struct DiffParser {
    extent: HunkExtent,
    max_lines: usize,
    keeps_lines: bool,
}

impl Default for DiffParser {
    fn default() -> Self {
        Self { extent: HunkExtent::Counted, max_lines: DEFAULT_MAX_LINES, keeps_lines: true }
    }
}

impl DiffParser {
    /// For diffs that a model or a person wrote: counts and line numbers of `@@` lines are often wrong, the blank
    /// that marks a context line is often missing, and prose surrounds the diff.
    pub fn of_written_text() -> Self {
        Self { extent: HunkExtent::Written, ..Self::default() }
    }

    /// Reads at most this many lines of the text.
    pub fn max_lines(self, max_lines: usize) -> Self {
        Self { max_lines, ..self }
    }

    /// Keeps ranges and counts, but not the lines themselves, so that a caller that only needs the former can read
    /// large diffs.
    pub fn without_lines(self) -> Self {
        Self { keeps_lines: false, max_lines: usize::MAX, ..self }
    }

    /// Reads a diff. Text that is not a diff yields no files.
    pub fn parse(self, diff: &str) -> UnifiedDiff<'_> {
        let mut scanner = DiffScanner::new(self.extent);
        let mut builder = DiffBuilder::new(self);
        let mut at = 0;
        let mut number = 0;
        while let Some(rest) = diff.get(at..).filter(|rest| !rest.is_empty()) {
            number += 1;
            if number > self.max_lines || builder.is_full() {
                builder.diff.truncated = true;
                break;
            }
            let end = memchr::memchr(b'\n', rest.as_bytes()).unwrap_or(rest.len());
            let (line, ahead) = (rest.get(..end).unwrap_or(rest), rest.get(end + 1..).unwrap_or_default());
            let token = scanner.scan(line.as_bytes(), ahead.as_bytes());
            let next = (at + end + 1).min(diff.len());
            builder.take(token, line, at..next);
            at = next;
        }
        builder.finish()
    }
}

struct DiffBuilder<'d> {
    how: DiffParser,
    diff: UnifiedDiff<'d>,
    file: Option<DiffFile<'d>>,
    hunk: Option<OpenHunk<'d>>,
    hunks: usize,
}

/// The hunk that is currently read.
struct OpenHunk<'d> {
    hunk: DiffHunk<'d>,
    /// Numbers of the next line on both sides, and numbers of lines seen on each.
    at: (u32, u32),
    seen: (u32, u32),
    /// Number of empty lines at its end.
    blank_end: usize,
}

impl<'d> DiffBuilder<'d> {
    fn new(how: DiffParser) -> Self {
        Self { how, diff: UnifiedDiff::default(), file: None, hunk: None, hunks: 0 }
    }

    fn is_full(&self) -> bool {
        self.hunks >= MAX_HUNKS || self.diff.files.len() >= MAX_FILES
    }

    fn take(&mut self, token: DiffToken<'d>, line: &'d str, span: Range<usize>) {
        match token {
            DiffToken::Line { kind, columns, in_old } => {
                return self.line(kind, in_old, line.get(columns..).unwrap_or_default(), span);
            }
            DiffToken::NoLineBreak => {
                if let Some(open) = &mut self.hunk {
                    open.hunk.span.end = span.end;
                    if let Some(line) = open.hunk.lines.last_mut() {
                        line.has_no_break = true;
                    }
                }
                return;
            }
            _ => self.finish_hunk(),
        }
        match token {
            DiffToken::File { old, new } => {
                self.finish_file();
                self.file = Some(DiffFile { old: Some(old), new: Some(new), ..DiffFile::default() });
            }
            DiffToken::OldName(path) => {
                if self.file.as_ref().is_some_and(|file| file.has_names || !file.hunks.is_empty()) {
                    self.finish_file();
                }
                let file = self.open_file();
                file.has_names = true;
                if path.is_none() && file.status == FileStatus::Modified {
                    file.status = FileStatus::Added;
                }
                file.old = path;
            }
            DiffToken::NewName(path) => {
                let file = self.open_file();
                if path.is_none() {
                    file.status = FileStatus::Deleted;
                }
                file.new = path;
            }
            DiffToken::Hunk(header) => {
                self.open_file();
                self.hunks += 1;
                let start = |range: Option<LineRange>| match range {
                    // A side without lines has the number of the line before it.
                    Some(LineRange { start, count: 0 }) => start.saturating_add(1),
                    Some(range) => range.start,
                    None => 0,
                };
                self.hunk = Some(OpenHunk {
                    at: (start(header.old), start(header.new)),
                    seen: (0, 0),
                    blank_end: 0,
                    hunk: DiffHunk {
                        old: header.old,
                        new: header.new,
                        section: std::str::from_utf8(header.section).unwrap_or_default(),
                        lines: Vec::new(),
                        is_complete: false,
                        span,
                    },
                });
            }
            DiffToken::Prose => {}
            DiffToken::Line { .. } | DiffToken::NoLineBreak => {}
            extended => self.extended_header(extended, line),
        }
    }

    fn extended_header(&mut self, token: DiffToken<'d>, line: &'d str) {
        let text = |bytes: &'d [u8]| std::str::from_utf8(bytes).ok();
        let is_index = matches!(token, DiffToken::OtherHeader);
        if self.file.as_ref().is_some_and(|file| !file.hunks.is_empty()) {
            // A model may leave out the `diff --git` line and continue with the next file's headers.
            self.finish_file();
        }
        if is_index && self.file.is_none() {
            return;
        }
        let file = self.open_file();
        match token {
            DiffToken::RenameFrom(path) => (file.old, file.status) = (Some(path), FileStatus::Renamed),
            DiffToken::CopyFrom(path) => (file.old, file.status) = (Some(path), FileStatus::Copied),
            DiffToken::RenameTo(path) | DiffToken::CopyTo(path) => file.new = Some(path),
            DiffToken::OldMode(mode) => file.old_mode = text(mode),
            DiffToken::NewMode(mode) => file.new_mode = text(mode),
            DiffToken::NewFile(mode) => {
                (file.old, file.new_mode, file.status) = (None, text(mode), FileStatus::Added);
            }
            DiffToken::DeletedFile(mode) => {
                (file.new, file.old_mode, file.status) = (None, text(mode), FileStatus::Deleted);
            }
            DiffToken::Binary => file.is_binary = true,
            _ => {}
        }
        if file.headers.len() < MAX_HEADERS {
            file.headers.push(line.strip_suffix('\r').unwrap_or(line));
        }
    }

    fn line(&mut self, kind: DiffLineKind, in_old: bool, raw: &'d str, span: Range<usize>) {
        let Some(open) = &mut self.hunk else { return };
        let (old, new) = open.at;
        if let Some(file) = &mut self.file {
            file.added += usize::from(kind == DiffLineKind::Added);
            file.removed += usize::from(kind == DiffLineKind::Removed);
        }
        let (in_old, in_new) = (u32::from(in_old), u32::from(kind != DiffLineKind::Removed));
        open.at = (old.saturating_add(in_old), new.saturating_add(in_new));
        open.seen = (open.seen.0.saturating_add(in_old), open.seen.1.saturating_add(in_new));
        // A line with a sign is not empty.
        let is_empty = span.len() <= 1 || span.len() == 2 && raw == "\r";
        open.blank_end = if is_empty { open.blank_end + 1 } else { 0 };
        open.hunk.span.end = span.end;
        if self.how.keeps_lines {
            open.hunk.lines.push(DiffLine { kind, old, new, raw, has_no_break: false });
        }
    }

    fn open_file(&mut self) -> &mut DiffFile<'d> {
        self.file.get_or_insert_default()
    }

    fn finish_hunk(&mut self) {
        let Some(OpenHunk { mut hunk, seen, blank_end, .. }) = self.hunk.take() else { return };
        hunk.is_complete = hunk.old.zip(hunk.new).is_some_and(|(old, new)| (old.count, new.count) == seen);
        if self.how.extent == HunkExtent::Written {
            // Empty lines at the end belong to the text around the diff.
            hunk.lines.truncate(hunk.lines.len().saturating_sub(blank_end));
        }
        self.open_file().hunks.push(hunk);
    }

    fn finish_file(&mut self) {
        self.finish_hunk();
        self.diff.files.extend(self.file.take());
    }

    fn finish(mut self) -> UnifiedDiff<'d> {
        self.finish_file();
        self.diff
    }
}

#[cfg(test)]
#[path = "unified_diff_tests.rs"]
mod tests;
