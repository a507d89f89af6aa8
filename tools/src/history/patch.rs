/*!
Turns git's patch stream into one compact record a commit: the words of each part of the patch, the word 3-grams
of its changed source lines, where every hunk lies, and what kind of change it is. The patch text itself is not
kept; whoever wants to show it asks git for that one commit.

Everything here is hostile: names, messages and lines may be any bytes of any length, so all parts are bounded.
*/

use std::io::{self, BufRead, BufReader, Read};

use serde::{Deserialize, Serialize};

use super::kind::{PathKind, path_kind};
use super::tokens::{for_each_token, hash_token_bytes, trigrams};
use super::{CommitId, parse_id};

#[path = "patch_builder.rs"]
mod builder;
#[path = "patch_lines.rs"]
mod lines;

use builder::Builder;
use lines::{LineReader, parse_hunk_header, paths_of_diff_line, unquote};

/// The parts of a patch that are scored apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    Subject,
    Body,
    Paths,
    /// What git names as the enclosing function of a source hunk.
    SourceHeaders,
    SourceAdded,
    SourceRemoved,
    TestAdded,
    TestHeaders,
    Docs,
    TestRemoved,
    Other,
}

impl Field {
    pub const COUNT: usize = 11;
}

/// Words of one field: how many there are, and each with its count, by ascending hash.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FieldText {
    pub length: u32,
    pub counts: Vec<(u32, u16)>,
}

impl FieldText {
    pub fn count(&self, token: u32) -> u16 {
        self.counts.binary_search_by_key(&token, |(hash, _)| *hash).map_or(0, |at| self.counts[at].1)
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hunk {
    pub old_start: u32,
    pub old_len: u32,
    pub new_start: u32,
    pub new_len: u32,
    /// Number of the enclosing function's line in [`FileChange::headers`].
    pub header: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FileChange {
    /// Path after the change (before it, when the file was deleted).
    pub path: String,
    /// Path before the change, where it differs.
    pub old_path: Option<String>,
    pub kind: PathKind,
    pub added: u32,
    pub removed: u32,
    pub is_new: bool,
    pub is_deleted: bool,
    pub hunks: Vec<Hunk>,
    /// Lines that git gave as enclosing functions, each once, bounded.
    pub headers: Vec<String>,
    /// Names of definitions in changed lines, each once, bounded.
    pub defines: Vec<String>,
}

/// What there is to a change of source code.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Substance {
    /// Changed source lines that are neither blank nor comments.
    pub code_lines: u32,
    /// Changed source lines in all.
    pub lines: u32,
    /// The same characters before and after, blanks, quotes and brackets aside.
    pub formatting_only: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CommitText {
    /// By `Field as usize`.
    pub fields: Vec<FieldText>,
    /// Hashes of the word 3-grams of changed source lines, ascending, each once.
    pub trigrams: Vec<u32>,
    pub files: Vec<FileChange>,
    /// Abbreviated or full commit ids in the message, lowercase.
    pub mentions: Vec<String>,
    pub substance: Substance,
    /// Whether parts of the patch were left out for their size.
    pub truncated: bool,
}

impl CommitText {
    pub fn field(&self, field: Field) -> &FieldText {
        static EMPTY: FieldText = FieldText { length: 0, counts: Vec::new() };
        self.fields.get(field as usize).unwrap_or(&EMPTY)
    }

    pub fn touches(&self, kind: PathKind) -> bool {
        self.files.iter().any(|file| file.kind == kind)
    }
}

/// Reads the stream of `git log -p --format=%x01%H%n%B%x00` and hands over each commit; stops early, answering
/// false, when `sink` does.
pub(super) fn read_patches(
    stream: &mut impl Read,
    mut sink: impl FnMut(CommitId, CommitText) -> bool,
) -> io::Result<bool> {
    let mut input = LineReader::new(BufReader::with_capacity(1 << 18, stream));
    let mut current: Option<(CommitId, Builder)> = None;
    let mut state = State::Outside;
    while let Some(line) = input.line()? {
        if let Some(id) = line.strip_prefix(b"\x01").and_then(|id| parse_id(&String::from_utf8_lossy(id))) {
            if let Some((id, builder)) = current.take()
                && !sink(id, builder.finish())
            {
                return Ok(false);
            }
            let message = input.until_nul()?;
            current = Some((id, Builder::new(&message)));
            state = State::Outside;
            continue;
        }
        if let Some((_, builder)) = &mut current {
            state = step(state, builder, line);
        }
    }
    Ok(current.is_none_or(|(id, builder)| sink(id, builder.finish())))
}

#[derive(Clone, Copy)]
enum State {
    Outside,
    /// Between `diff --git` and the first hunk.
    FileHeader,
    /// In hunks; the number of parents, whose columns precede every line.
    Hunks(usize),
}

fn step(state: State, builder: &mut Builder, line: &[u8]) -> State {
    if let Some(rest) = line.strip_prefix(b"diff --git ") {
        builder.start_file(paths_of_diff_line(rest));
        return State::FileHeader;
    }
    if let Some(rest) = line.strip_prefix(b"diff --cc ").or_else(|| line.strip_prefix(b"diff --combined ")) {
        let path = unquote(rest);
        builder.start_file((path.clone(), path));
        return State::FileHeader;
    }
    match state {
        State::Outside => State::Outside,
        State::FileHeader | State::Hunks(_) if line.starts_with(b"@@") => match parse_hunk_header(line) {
            Some((hunk, parents, header)) => {
                builder.start_hunk(hunk, header);
                State::Hunks(parents)
            }
            None => state,
        },
        State::FileHeader => {
            file_header(builder, line);
            state
        }
        State::Hunks(parents) => {
            let columns = line.get(..parents).unwrap_or(b"");
            if columns.contains(&b'+') {
                builder.changed_line(&line[parents..], true);
            } else if columns.contains(&b'-') {
                builder.changed_line(&line[parents..], false);
            }
            state
        }
    }
}

fn file_header(builder: &mut Builder, line: &[u8]) {
    if let Some(path) = line.strip_prefix(b"rename from ") {
        builder.old_path(unquote(path));
    } else if let Some(path) = line.strip_prefix(b"rename to ") {
        builder.new_path(unquote(path));
    } else if let Some(path) = line.strip_prefix(b"--- ") {
        match side(path, b"a/") {
            Some(path) => builder.old_path(path),
            None => builder.is_new(),
        }
    } else if let Some(path) = line.strip_prefix(b"+++ ") {
        match side(path, b"b/") {
            Some(path) => builder.new_path(path),
            None => builder.is_deleted(),
        }
    } else if line.starts_with(b"new file mode") {
        builder.is_new();
    } else if line.starts_with(b"deleted file mode") {
        builder.is_deleted();
    }
}

/// The path of a `---` or `+++` line; `None` for `/dev/null`. Git ends paths with blanks in them by a tab.
fn side(path: &[u8], prefix: &[u8]) -> Option<String> {
    let path = path.strip_suffix(b"\t").unwrap_or(path);
    if path == b"/dev/null" {
        return None;
    }
    let path = unquote(path);
    let prefix = std::str::from_utf8(prefix).unwrap_or("");
    Some(path.strip_prefix(prefix).unwrap_or(&path).to_owned())
}

#[cfg(test)]
#[path = "patch_tests.rs"]
mod tests;
