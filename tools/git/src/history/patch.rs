/*!
Turns git's patch stream into one compact record a commit: the words of each part of the patch, the word 3-grams
of its changed source lines, where every hunk lies, and what kind of change it is. The patch text itself is not
kept; whoever wants to show it asks git for that one commit.

Everything here is hostile: names, messages and lines may be any bytes of any length, so all parts are bounded.
*/

use std::io::{self, BufRead, BufReader, Read};

use serde::{Deserialize, Serialize};

use super::kind::{PathKind, path_kind};
use super::mask::{CommitMask, PatchMasks};
use super::tokens::{for_each_token, hash_token_bytes, trigrams};
use super::{BinaryId, parse_id};
use crate::unified_diff::{DiffLineKind, DiffScanner, DiffToken, HunkExtent};

#[path = "patch_builder.rs"]
mod builder;
#[path = "patch_lines.rs"]
mod lines;

use builder::PatchBuilder;
use lines::LineReader;

/// The parts of a patch that are scored apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PatchField {
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

impl PatchField {
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
pub struct PatchHunk {
    pub old_start: u32,
    pub old_len: u32,
    pub new_start: u32,
    pub new_len: u32,
    /// Number of the enclosing function's line in [`PatchFile::headers`].
    pub header: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PatchFile {
    /// Path after the change (before it, when the file was deleted).
    pub path: String,
    /// Path before the change, where it differs.
    pub old_path: Option<String>,
    pub kind: PathKind,
    pub added: u32,
    pub removed: u32,
    pub is_new: bool,
    pub is_deleted: bool,
    pub hunks: Vec<PatchHunk>,
    /// Lines that git gave as enclosing functions, each once, bounded.
    pub headers: Vec<String>,
    /// Names of definitions in changed lines, each once, bounded.
    pub defines: Vec<String>,
}

/// What there is to a change of source code.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedLineKinds {
    /// Changed source lines that are neither blank nor comments.
    pub code_lines: u32,
    /// Changed source lines in all.
    pub lines: u32,
    /// The same characters before and after, blanks, quotes and brackets aside.
    pub formatting_only: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CommitText {
    /// By `PatchField as usize`.
    pub fields: Vec<FieldText>,
    /// Hashes of the word 3-grams of changed source lines, ascending, each once.
    pub trigrams: Vec<u32>,
    pub files: Vec<PatchFile>,
    /// Abbreviated or full commit ids in the message, lowercase.
    pub mentions: Vec<String>,
    pub substance: ChangedLineKinds,
    /// Whether parts of the patch were left out for their size.
    pub truncated: bool,
}

impl CommitText {
    pub fn field(&self, field: PatchField) -> &FieldText {
        static EMPTY: FieldText = FieldText { length: 0, counts: Vec::new() };
        self.fields.get(field as usize).unwrap_or(&EMPTY)
    }

    pub fn touches(&self, kind: PathKind) -> bool {
        self.files.iter().any(|file| file.kind == kind)
    }
}

/// Lines of source that name the function of a hunk are kept in words.
fn masked(mut text: CommitText, mask: &CommitMask) -> CommitText {
    for header in text.files.iter_mut().flat_map(|file| &mut file.headers) {
        *header = mask.mask(std::mem::take(header));
    }
    text
}

/// Reads the stream of `git log -p --format=%x01%H%n%B%x00` and hands over each commit; stops early, answering
/// false, when `sink` does.
pub(super) fn read_patches(
    stream: &mut impl Read,
    masks: &PatchMasks,
    mut sink: impl FnMut(BinaryId, CommitText) -> bool,
) -> io::Result<bool> {
    let mut input = LineReader::new(BufReader::with_capacity(1 << 18, stream));
    let mut current: Option<(BinaryId, PatchBuilder)> = None;
    let mut scanner = DiffScanner::new(HunkExtent::Streamed);
    while let Some(line) = input.line()? {
        if let Some(id) = line.strip_prefix(b"\x01").and_then(|id| parse_id(&String::from_utf8_lossy(id))) {
            if let Some((id, builder)) = current.take()
                && !sink(id, masked(builder.finish(), &masks.words))
            {
                return Ok(false);
            }
            let message = masks.hashes.mask_bytes(input.until_nul()?);
            current = Some((id, PatchBuilder::new(&message)));
            scanner = DiffScanner::new(HunkExtent::Streamed);
            continue;
        }
        if let Some((_, builder)) = &mut current {
            take(builder, scanner.scan(line, b""), line);
        }
    }
    Ok(current.is_none_or(|(id, builder)| sink(id, masked(builder.finish(), &masks.words))))
}

fn take(builder: &mut PatchBuilder, token: DiffToken<'_>, line: &[u8]) {
    match token {
        DiffToken::File { old, new } => builder.start_file((old.name, new.name)),
        DiffToken::RenameFrom(path) => builder.old_path(path.name),
        DiffToken::RenameTo(path) => builder.new_path(path.name),
        DiffToken::OldName(Some(path)) => builder.old_path(path.name),
        DiffToken::NewName(Some(path)) => builder.new_path(path.name),
        DiffToken::OldName(None) | DiffToken::NewFile(_) => builder.is_new(),
        DiffToken::NewName(None) | DiffToken::DeletedFile(_) => builder.is_deleted(),
        DiffToken::Hunk(header) => builder.start_hunk(&header),
        DiffToken::Line { kind, columns, .. } => {
            let text = line.get(columns..).unwrap_or_default();
            match kind {
                DiffLineKind::Added => builder.changed_line(text, true),
                DiffLineKind::Removed => builder.changed_line(text, false),
                DiffLineKind::Context => {}
            }
        }
        DiffToken::CopyFrom(_)
        | DiffToken::CopyTo(_)
        | DiffToken::OldMode(_)
        | DiffToken::NewMode(_)
        | DiffToken::Binary
        | DiffToken::OtherHeader
        | DiffToken::NoLineBreak
        | DiffToken::Prose => {}
    }
}

#[cfg(test)]
#[path = "patch_tests.rs"]
mod tests;
