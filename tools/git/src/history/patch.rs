/*!
Turns git's patch stream into one compact record per commit: the words of each part of the patch, the word 3-grams
of its changed source lines, the position of every hunk, and what kind of change it is. The patch text itself is
not kept; to show it, ask git for that one commit.

All input is hostile: names, messages and lines may be any bytes of any length, so all parts are bounded.
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

/// The parts of a patch that are scored separately.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PatchField {
    Subject,
    Body,
    Paths,
    /// The enclosing function of a source hunk, as git names it.
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

/// Words of one field: their total number, and each word's count, by ascending hash.
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
    /// Path before the change, if it differs.
    pub old_path: Option<String>,
    pub kind: PathKind,
    pub added: u32,
    pub removed: u32,
    pub is_new: bool,
    pub is_deleted: bool,
    pub hunks: Vec<PatchHunk>,
    /// Lines that git named as enclosing functions, each once, bounded.
    pub headers: Vec<String>,
    /// Names of definitions in changed lines, each once, bounded.
    pub defines: Vec<String>,
}

/// Properties of a change to source code.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedLineKinds {
    /// Changed source lines that are neither blank nor comments.
    pub code_lines: u32,
    /// Changed source lines in all.
    pub lines: u32,
    /// Whether only blanks, quotes and brackets changed.
    pub formatting_only: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CommitText {
    /// Indexed by `PatchField as usize`.
    pub fields: Vec<FieldText>,
    /// Hashes of the word 3-grams of changed source lines, ascending, each once.
    pub trigrams: Vec<u32>,
    pub files: Vec<PatchFile>,
    /// Abbreviated or full commit ids in the message, lowercase.
    pub mentions: Vec<String>,
    pub substance: ChangedLineKinds,
    /// Whether parts of the patch were left out: because of their size, or because the clone lacks them.
    pub truncated: bool,
}

impl CommitText {
    pub fn field(&self, field: PatchField) -> &FieldText {
        static EMPTY: FieldText = FieldText { length: 0, counts: Vec::new() };
        self.fields.get(field as usize).unwrap_or(&EMPTY)
    }

    /// A commit of which only the message and the paths are known; `named` are git's fields of status and path.
    pub(super) fn of_paths<'n>(message: &[u8], mut named: impl Iterator<Item = &'n [u8]>) -> Self {
        let mut builder = PatchBuilder::new(message);
        while let (Some(status), Some(path)) = (named.next(), named.next()) {
            let path = String::from_utf8_lossy(path).into_owned();
            builder.start_file((path.clone(), path));
            match status {
                b"A" => builder.is_new(),
                b"D" => builder.is_deleted(),
                _ => {}
            }
        }
        Self { truncated: true, ..builder.finish() }
    }

    pub fn touches(&self, kind: PathKind) -> bool {
        self.files.iter().any(|file| file.kind == kind)
    }
}

/// Masks the source lines that name a hunk's function, because they are kept as words.
fn masked(mut text: CommitText, mask: &CommitMask) -> CommitText {
    for header in text.files.iter_mut().flat_map(|file| &mut file.headers) {
        *header = mask.mask(std::mem::take(header));
    }
    text
}

/// Reads the stream of `git log -p --format=%x01%H%n%B%x00` and passes each commit to `sink`. Stops early and
/// returns false when `sink` returns false.
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
