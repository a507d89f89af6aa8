/*!
The grammar of single diff lines: paths with git's prefixes and quoting, ranges, and `@@` lines, including those of
merges. Everything is bytes, because a diff quotes files of any encoding.
*/

/// A file as a diff names it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DiffPath {
    /// The path as the diff writes it, with git's quoting undone; includes `a/` or `b/`.
    pub written: String,
    /// The path without the `a/` or `b/` of its side.
    pub name: String,
}

/// The side of a diff that a path belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DiffSide {
    Old,
    New,
}

impl DiffPath {
    fn of(written: &[u8], side: DiffSide) -> Self {
        let written = unquote(written);
        let prefix = match side {
            DiffSide::Old => "a/",
            DiffSide::New => "b/",
        };
        let name = written.strip_prefix(prefix).unwrap_or(&written).to_owned();
        Self { written, name }
    }

    /// The path of an extended header such as `rename from`, which has no prefix.
    pub(super) fn bare(written: &[u8]) -> Self {
        let name = unquote(trim_carriage(written));
        Self { written: name.clone(), name }
    }
}

/// First line, from 1, and number of lines. A side without lines has the number of the line before it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LineRange {
    pub start: u32,
    pub count: u32,
}

/// The content of an `@@` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HunkHeader<'l> {
    /// The range of the first parent if the diff is a merge's; `None` only if a person or a model wrote none.
    pub(crate) old: Option<LineRange>,
    pub(crate) new: Option<LineRange>,
    /// Number of lines of every other parent of a merge.
    pub(crate) other_parents: Vec<u32>,
    /// The enclosing function that git names.
    pub(crate) section: &'l [u8],
}

/// Merges of more parents than this are not read.
const MAX_PARENTS: usize = 64;

/// `@@ -1,2 +3,4 @@ section`, or with more at-signs and more old ranges for a merge.
pub(super) fn hunk_header(line: &[u8]) -> Option<HunkHeader<'_>> {
    let ats = line.iter().take_while(|byte| **byte == b'@').count();
    let parents = ats.checked_sub(1).filter(|parents| (1..=MAX_PARENTS).contains(parents))?;
    let mut ranges = line.get(ats..)?.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    let old = range(ranges.next()?, b'-')?;
    let mut other_parents = Vec::new();
    for _ in 1..parents {
        other_parents.push(range(ranges.next()?, b'-')?.count);
    }
    let new = range(ranges.next()?, b'+')?;
    let closing = [b" ".as_slice(), line.get(..ats)?].concat();
    let after = memchr::memmem::find(line.get(ats..)?, &closing)? + ats + closing.len();
    let section = line.get(after..).unwrap_or_default().trim_ascii();
    Some(HunkHeader { old: Some(old), new: Some(new), other_parents, section })
}

/// Reads an `@@` line that a person or a model wrote: each range, as far as it is present.
pub(super) fn written_hunk_header(line: &[u8]) -> HunkHeader<'_> {
    let side = |mark: u8| {
        let at = memchr::memchr(mark, line)?;
        let word = line.get(at..)?.split(|byte| matches!(byte, b' ' | b'@' | b'\r')).next()?;
        range(word, mark)
    };
    let section = line.get(2..).and_then(|rest| {
        let at = memchr::memmem::find(rest, b"@@")?;
        rest.get(at + 2..)
    });
    let section = section.unwrap_or_default().trim_ascii();
    HunkHeader { old: side(b'-'), new: side(b'+'), other_parents: Vec::new(), section }
}

fn range(word: &[u8], mark: u8) -> Option<LineRange> {
    let number = |digits: &[u8]| -> Option<u32> {
        let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
        is_number.then(|| std::str::from_utf8(digits).ok()?.parse().ok()).flatten()
    };
    let word = word.strip_prefix(&[mark])?;
    let (start, count) = match memchr::memchr(b',', word) {
        Some(at) => (word.get(..at)?, number(word.get(at + 1..)?)?),
        None => (word, 1),
    };
    Some(LineRange { start: number(start)?, count })
}

/// The path after `--- ` or `+++ `; `None` for `/dev/null`. A tab ends the path: git writes one after names with
/// blanks, other programs write a time after it.
pub(super) fn side_path(text: &[u8], side: DiffSide) -> Option<DiffPath> {
    let path = text.split(|byte| *byte == b'\t').next().unwrap_or_default();
    let path = trim_carriage(path);
    (path != b"/dev/null").then(|| DiffPath::of(path, side))
}

fn trim_carriage(text: &[u8]) -> &[u8] {
    text.strip_suffix(b"\r").unwrap_or(text)
}

/// Reads `a/path b/path`. Names with blanks are ambiguous here. If both halves are equal, the middle is certain;
/// in every other case, `rename` or `---` lines repeat the names.
pub(super) fn paths_of_diff_line(rest: &[u8]) -> (DiffPath, DiffPath) {
    let rest = trim_carriage(rest);
    let both = |old: &[u8], new: &[u8]| (DiffPath::of(old, DiffSide::Old), DiffPath::of(new, DiffSide::New));
    let middle = rest.len() / 2;
    if rest.len() % 2 == 1 && rest.get(middle) == Some(&b' ') {
        let (old, new) =
            both(rest.get(..middle).unwrap_or_default(), rest.get(middle + 1..).unwrap_or_default());
        if old.name == new.name {
            return (old, new);
        }
    }
    let at = memchr::memmem::find(rest, b" b/").unwrap_or(middle);
    both(rest.get(..at).unwrap_or_default(), rest.get(at + 1..).unwrap_or_default())
}

/// Undoes git's C-style quoting of names with control characters, quotes or backslashes.
fn unquote(path: &[u8]) -> String {
    let Some(inner) = path.strip_prefix(b"\"").and_then(|path| path.strip_suffix(b"\"")) else {
        return String::from_utf8_lossy(path).into_owned();
    };
    let mut out = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        match bytes.next() {
            Some(b'n') => out.push(b'\n'),
            Some(b't') => out.push(b'\t'),
            Some(b'r') => out.push(b'\r'),
            Some(b'a') => out.push(7),
            Some(b'b') => out.push(8),
            Some(b'v') => out.push(11),
            Some(b'f') => out.push(12),
            Some(digit @ b'0'..=b'7') => {
                let mut value = u32::from(digit - b'0');
                for _ in 0..2 {
                    if let Some(next @ b'0'..=b'7') = bytes.peek().copied() {
                        value = value * 8 + u32::from(next - b'0');
                        bytes.next();
                    }
                }
                out.push(value as u8);
            }
            Some(other) => out.push(other),
            None => {}
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
