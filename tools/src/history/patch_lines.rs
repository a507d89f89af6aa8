/*!
The line grammar of git's patches: bounded reading, quoted paths, hunk headers.
*/

use super::{BufRead, Hunk, io};

/// Longer lines are data; what stands behind this is skipped.
const MAX_LINE: usize = 16 * 1024;

/// A commit message beyond this is not read on.
const MAX_MESSAGE: usize = 64 * 1024;

pub(super) struct LineReader<R> {
    input: R,
    line: Vec<u8>,
}

impl<R: BufRead> LineReader<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, line: Vec::new() }
    }

    /// The next line, cut at `MAX_LINE`, without its newline.
    pub(super) fn line(&mut self) -> io::Result<Option<&[u8]>> {
        self.line.clear();
        let any = read_bounded(&mut self.input, b'\n', MAX_LINE, &mut self.line)?;
        Ok(any.then_some(self.line.as_slice()))
    }

    pub(super) fn until_nul(&mut self) -> io::Result<Vec<u8>> {
        let mut message = Vec::new();
        read_bounded(&mut self.input, 0, MAX_MESSAGE, &mut message)?;
        Ok(message)
    }
}

fn read_bounded(input: &mut impl BufRead, end: u8, limit: usize, out: &mut Vec<u8>) -> io::Result<bool> {
    let mut any = false;
    loop {
        let buffer = input.fill_buf()?;
        if buffer.is_empty() {
            return Ok(any);
        }
        any = true;
        let found = memchr::memchr(end, buffer);
        let piece = &buffer[..found.unwrap_or(buffer.len())];
        let room = limit.saturating_sub(out.len());
        out.extend_from_slice(&piece[..piece.len().min(room)]);
        let used = found.map_or(buffer.len(), |at| at + 1);
        input.consume(used);
        if found.is_some() {
            return Ok(true);
        }
    }
}

/// `@@ -1,2 +3,4 @@ header`, or with more at-signs and more old ranges for a merge. Answers the hunk (against the
/// first parent), the number of parents and the header.
pub(super) fn parse_hunk_header(line: &[u8]) -> Option<(Hunk, usize, &[u8])> {
    let ats = line.iter().take_while(|byte| **byte == b'@').count();
    let parents = ats.checked_sub(1).filter(|parents| (1..=64).contains(parents))?;
    let mut ranges = line[ats..].split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    let (mut old, mut new) = (None, None);
    for at in 0..=parents {
        let range = parse_range(ranges.next()?)?;
        if at == 0 {
            old = Some(range);
        } else if at == parents {
            new = Some(range);
        }
    }
    let ((old_start, old_len), (new_start, new_len)) = (old?, new?);
    let closing = [b" ".as_slice(), &line[..ats]].concat();
    let after = memchr::memmem::find(&line[ats..], &closing)? + ats + closing.len();
    let header = line.get(after..).unwrap_or(b"").trim_ascii();
    Some((Hunk { old_start, old_len, new_start, new_len, header: None }, parents, header))
}

fn parse_range(word: &[u8]) -> Option<(u32, u32)> {
    let word = std::str::from_utf8(word).ok()?;
    let word = word.strip_prefix(['-', '+'])?;
    let (start, len) = word.split_once(',').unwrap_or((word, "1"));
    Some((start.parse().ok()?, len.parse().ok()?))
}

/// `a/path b/path`. Names with blanks are ambiguous here; where the halves are equal the middle is certain, and
/// every other case is told again by `rename` or `---` lines.
pub(super) fn paths_of_diff_line(rest: &[u8]) -> (String, String) {
    let strip = |path: &[u8], prefix: &str| {
        let path = unquote(path);
        path.strip_prefix(prefix).unwrap_or(&path).to_owned()
    };
    let middle = rest.len() / 2;
    if rest.len() % 2 == 1 && rest.get(middle) == Some(&b' ') {
        let (old, new) = (strip(&rest[..middle], "a/"), strip(&rest[middle + 1..], "b/"));
        if old == new {
            return (old, new);
        }
    }
    let at = memchr::memmem::find(rest, b" b/").unwrap_or(middle);
    (strip(&rest[..at], "a/"), strip(rest.get(at + 1..).unwrap_or(b""), "b/"))
}

/// Undoes git's C-style quoting of names with control characters, quotes or backslashes.
pub(super) fn unquote(path: &[u8]) -> String {
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
