/*!
Builds one commit's record while git streams its patch, within a byte budget for each kind of file. A change with
twenty lines of source and a megabyte of fixtures is still represented by its source lines.
*/

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use super::{ChangedLineKinds, CommitText, FieldText, PatchField, PatchFile, PatchHunk, PathKind};
use super::{for_each_token, hash_token_bytes, path_kind, trigrams};
use crate::history::names;
use crate::unified_diff::HunkHeader;

/// Bytes of changed lines read per commit: source, test, docs, other. 60 kB in total; real changes are smaller.
const BUDGET: [usize; 4] = [36_000, 14_000, 6_000, 4_000];

const MAX_FILES: usize = 2000;
const MAX_HUNKS: usize = 20_000;
const MAX_HEADERS: usize = 400;
const MAX_DEFINES: usize = 400;
const MAX_MENTIONS: usize = 20;

/// Token hashes are already well distributed; one multiplication fills the upper bits that the hash table uses.
#[derive(Default)]
pub(super) struct TokenHasher(u64);

impl Hasher for TokenHasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    fn write_u32(&mut self, value: u32) {
        self.0 = u64::from(value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

type Counts = HashMap<u32, u16, BuildHasherDefault<TokenHasher>>;

pub(super) struct PatchBuilder {
    fields: Vec<(u32, Counts)>,
    trigrams: HashSet<u32, BuildHasherDefault<TokenHasher>>,
    files: Vec<PatchFile>,
    mentions: Vec<String>,
    substance: ChangedLineKinds,
    /// Changed source without blanks, quotes and brackets: hash and length of the added and the removed side.
    bare: [(u64, u64); 2],
    used: [usize; 4],
    hunks: usize,
    headers: usize,
    defines: usize,
    overflow: bool,
    truncated: bool,
}

impl PatchBuilder {
    pub(super) fn new(message: &[u8]) -> Self {
        let mut builder = Self {
            fields: (0..PatchField::COUNT).map(|_| Default::default()).collect(),
            trigrams: HashSet::default(),
            files: Vec::new(),
            mentions: Vec::new(),
            substance: ChangedLineKinds::default(),
            bare: [(0xcbf2_9ce4_8422_2325, 0); 2],
            used: [0; 4],
            hunks: 0,
            headers: 0,
            defines: 0,
            overflow: false,
            truncated: false,
        };
        builder.message(message);
        builder
    }

    fn message(&mut self, message: &[u8]) {
        let mut lines = message.split(|byte| *byte == b'\n');
        let subject = lines.next().unwrap_or(b"");
        for word in subject.split(u8::is_ascii_whitespace).filter(|word| !is_ticket_number(word)) {
            self.tokens(PatchField::Subject, word);
        }
        for line in lines {
            let trailer = line.starts_with(b"git-svn-id:") || line.starts_with(b"Co-authored-by:");
            if !trailer && !line.starts_with(b"Signed-off-by:") {
                self.tokens(PatchField::Body, line);
            }
        }
        for word in super::super::tokens::words(message) {
            let is_id = (7..=40).contains(&word.len())
                && word.iter().all(u8::is_ascii_hexdigit)
                && word.iter().any(u8::is_ascii_digit)
                && word.iter().any(u8::is_ascii_alphabetic);
            if is_id && self.mentions.len() < MAX_MENTIONS {
                self.mentions.push(String::from_utf8_lossy(word).to_ascii_lowercase());
            }
        }
    }

    pub(super) fn start_file(&mut self, (old, new): (String, String)) {
        self.overflow = self.files.len() >= MAX_FILES;
        if self.overflow {
            self.truncated = true;
            return;
        }
        self.files.push(PatchFile {
            kind: path_kind(&new),
            old_path: (old != new).then_some(old),
            path: new,
            added: 0,
            removed: 0,
            is_new: false,
            is_deleted: false,
            hunks: Vec::new(),
            headers: Vec::new(),
            defines: Vec::new(),
        });
    }

    fn file(&mut self) -> Option<&mut PatchFile> {
        if self.overflow { None } else { self.files.last_mut() }
    }

    pub(super) fn old_path(&mut self, path: String) {
        if let Some(file) = self.file() {
            file.old_path = (path != file.path).then_some(path);
        }
    }

    pub(super) fn new_path(&mut self, path: String) {
        if let Some(file) = self.file() {
            if file.old_path.as_ref() == Some(&path) {
                file.old_path = None;
            }
            file.kind = path_kind(&path);
            file.path = path;
        }
    }

    pub(super) fn is_new(&mut self) {
        if let Some(file) = self.file() {
            file.is_new = true;
            file.old_path = None;
        }
    }

    pub(super) fn is_deleted(&mut self) {
        if let Some(file) = self.file() {
            file.is_deleted = true;
            if let Some(old) = file.old_path.take() {
                file.path = old;
            }
        }
    }

    pub(super) fn start_hunk(&mut self, header: &HunkHeader<'_>) {
        self.hunks += 1;
        if self.hunks > MAX_HUNKS {
            self.truncated = true;
            return;
        }
        let (Some(old), Some(new)) = (header.old, header.new) else { return };
        let mut hunk = PatchHunk {
            old_start: old.start,
            old_len: old.count,
            new_start: new.start,
            new_len: new.count,
            header: None,
        };
        let header = without_cut_word(header.section);
        let room = self.headers < MAX_HEADERS;
        let Some(file) = self.file() else { return };
        let kind = file.kind;
        let mut is_new = false;
        if !header.is_empty() {
            let text = String::from_utf8_lossy(header);
            let known = file.headers.iter().position(|known| *known == text);
            let number = known.or_else(|| {
                (room && file.headers.len() < usize::from(u16::MAX)).then(|| {
                    is_new = true;
                    file.headers.push(text.into_owned());
                    file.headers.len() - 1
                })
            });
            hunk.header = number.map(|number| number as u16);
        }
        file.hunks.push(hunk);
        self.headers += usize::from(is_new);
        match kind {
            PathKind::Source => self.tokens(PatchField::SourceHeaders, header),
            PathKind::Test => self.tokens(PatchField::TestHeaders, header),
            PathKind::Docs | PathKind::Other => {}
        }
    }

    pub(super) fn changed_line(&mut self, line: &[u8], added: bool) {
        let Some(file) = self.file() else { return };
        if added {
            file.added += 1;
        } else {
            file.removed += 1;
        }
        let kind = file.kind;
        if kind == PathKind::Source {
            self.source_line(line, added);
        }
        let used = &mut self.used[kind as usize];
        *used += line.len() + 1;
        if *used > BUDGET[kind as usize] {
            self.truncated = true;
            return;
        }
        let field = match (kind, added) {
            (PathKind::Source, true) => PatchField::SourceAdded,
            (PathKind::Source, false) => PatchField::SourceRemoved,
            (PathKind::Test, true) => PatchField::TestAdded,
            (PathKind::Test, false) => PatchField::TestRemoved,
            (PathKind::Docs, _) => PatchField::Docs,
            (PathKind::Other, _) => PatchField::Other,
        };
        self.tokens(field, line);
        if kind == PathKind::Source {
            self.trigrams.extend(trigrams(line));
        }
    }

    fn source_line(&mut self, line: &[u8], added: bool) {
        let trimmed = line.trim_ascii();
        self.substance.lines += 1;
        if !trimmed.is_empty() && !names::is_comment(trimmed) {
            self.substance.code_lines += 1;
        }
        let (hash, length) = &mut self.bare[usize::from(added)];
        for byte in trimmed {
            if !matches!(byte, b' ' | b'\t' | b'\'' | b'"' | b'(' | b')' | b',' | b'\\') {
                *hash = (*hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
                *length += 1;
            }
        }
        if self.defines < MAX_DEFINES
            && let Some(name) = names::definition_in(trimmed)
            && let Some(file) = self.file()
            && !file.defines.iter().any(|known| known == name)
        {
            file.defines.push(name.to_owned());
            self.defines += 1;
        }
    }

    fn tokens(&mut self, field: PatchField, text: &[u8]) {
        let (length, counts) = &mut self.fields[field as usize];
        for_each_token(text, |token| {
            *length += 1;
            let count = counts.entry(hash_token_bytes(token)).or_insert(0);
            *count = count.saturating_add(1);
        });
    }

    pub(super) fn finish(mut self) -> CommitText {
        let mut paths = std::mem::take(&mut self.files);
        for file in &mut paths {
            self.tokens(PatchField::Paths, file.path.as_bytes());
            if let Some(old) = &file.old_path {
                self.tokens(PatchField::Paths, old.as_bytes());
            }
        }
        self.substance.formatting_only = self.substance.lines > 0 && self.bare[0] == self.bare[1];
        let fields = self.fields.into_iter().map(|(length, counts)| {
            let mut counts: Vec<(u32, u16)> = counts.into_iter().collect();
            counts.sort_unstable();
            FieldText { length, counts }
        });
        let mut trigrams: Vec<u32> = self.trigrams.into_iter().collect();
        trigrams.sort_unstable();
        CommitText {
            fields: fields.collect(),
            trigrams,
            files: paths,
            mentions: self.mentions,
            substance: self.substance,
            truncated: self.truncated,
        }
    }
}

/// Git cuts the line after this many bytes, possibly in the middle of a secret, whose rest the masking rules would
/// not recognize.
const GIT_CUTS_AFTER: usize = 80;

/// The line without its last word, if git cut that word.
fn without_cut_word(header: &[u8]) -> &[u8] {
    if header.len() < GIT_CUTS_AFTER {
        return header;
    }
    let header = &header[..GIT_CUTS_AFTER];
    let is_between =
        |byte: &u8| !byte.is_ascii_alphanumeric() && !b"_-+/.%@".contains(byte) && byte.is_ascii();
    let end = header.iter().rposition(is_between).map_or(0, |at| at + 1);
    header[..end].trim_ascii_end()
}

/// `#12345`, `LANG-123:`, `(#77)`: issue numbers say nothing about the change.
fn is_ticket_number(word: &[u8]) -> bool {
    let word: Vec<u8> =
        word.iter().copied().filter(|b| b.is_ascii_alphanumeric() || *b == b'-' || *b == b'#').collect();
    let digits = word.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let head = &word[..word.len() - digits];
    digits > 0
        && (head == b"#"
            || (head.ends_with(b"-")
                && head.len() > 2
                && head[..head.len() - 1].iter().all(u8::is_ascii_uppercase)))
}
