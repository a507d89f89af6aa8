/*!
Says what each line of a diff is. A line of a file may look like any line of a diff (`-- a` is removed as `--- a`),
so the meaning of a line depends on whether it is inside of a hunk. Where a hunk ends depends on the program or
person that wrote the diff.
*/

use super::DiffLineKind;
use super::grammar::{
    DiffPath, DiffSide, HunkHeader, hunk_header, paths_of_diff_line, side_path, written_hunk_header,
};

/// Where a hunk ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum HunkExtent {
    /// After as many lines as its `@@` line promises: diffs that programs write.
    #[default]
    Counted,
    /// At the next header: git's own stream of patches, which has nothing else after a hunk, so the counts do not
    /// have to be trusted.
    Streamed,
    /// Where lines stop looking like hunk lines: models and people miscount, forget the blank before context
    /// lines, and write prose around the diff.
    Written,
}

/// What a line of a diff is.
#[derive(Debug)]
pub(crate) enum DiffToken<'l> {
    /// `diff --git` and similar lines: a file begins.
    File {
        old: DiffPath,
        new: DiffPath,
    },
    /// `---`; `None` for `/dev/null`.
    OldName(Option<DiffPath>),
    /// `+++`; `None` for `/dev/null`.
    NewName(Option<DiffPath>),
    RenameFrom(DiffPath),
    RenameTo(DiffPath),
    CopyFrom(DiffPath),
    CopyTo(DiffPath),
    OldMode(&'l [u8]),
    NewMode(&'l [u8]),
    NewFile(&'l [u8]),
    DeletedFile(&'l [u8]),
    Binary,
    /// Another header of a file, such as `index`.
    OtherHeader,
    Hunk(HunkHeader<'l>),
    /// A line of a hunk; its text starts after this many columns of signs.
    Line {
        kind: DiffLineKind,
        columns: usize,
        /// Whether the line is in the old file; for a merge, in the first parent's.
        in_old: bool,
    },
    /// The previous line has no line break in its file.
    NoLineBreak,
    /// Text around a diff.
    Prose,
}

#[derive(Debug, Default)]
enum ScanState {
    #[default]
    Outside,
    /// Between the first header of a file and its first hunk.
    FileHeader,
    /// After `---`.
    AwaitsNewName,
    Hunk(OpenHunk),
    /// After a hunk.
    BetweenHunks,
}

#[derive(Debug, Default)]
struct OpenHunk {
    /// Number of promised lines of the old and the new side, and of lines seen.
    promised: Option<(u32, u32)>,
    seen: (u32, u32),
    /// Number of lines still expected for the other parents of a merge.
    others: Vec<u32>,
}

impl OpenHunk {
    fn of(header: &HunkHeader<'_>) -> Self {
        Self {
            promised: header.old.zip(header.new).map(|(old, new)| (old.count, new.count)),
            seen: (0, 0),
            others: header.other_parents.clone(),
        }
    }

    fn is_full(&self) -> bool {
        self.promised.is_none_or(|(old, new)| self.seen.0 >= old && self.seen.1 >= new)
            && self.others.iter().all(|left| *left == 0)
    }

    fn is_exact(&self) -> bool {
        self.promised == Some(self.seen)
    }

    /// Counts the line. Returns whether it is in the old file.
    fn count(&mut self, kind: DiffLineKind, signs: &[u8]) -> bool {
        let is_removed = kind == DiffLineKind::Removed;
        let of_parent = |sign: Option<&u8>| match sign {
            Some(b'-') => true,
            Some(b'+') => false,
            _ => !is_removed,
        };
        let in_old = of_parent(signs.first());
        self.seen.0 = self.seen.0.saturating_add(u32::from(in_old));
        self.seen.1 = self.seen.1.saturating_add(u32::from(!is_removed));
        for (at, left) in self.others.iter_mut().enumerate() {
            *left = left.saturating_sub(u32::from(of_parent(signs.get(at + 1))));
        }
        in_old
    }
}

#[derive(Debug, Default)]
pub(crate) struct DiffScanner {
    extent: HunkExtent,
    state: ScanState,
}

impl DiffScanner {
    pub(crate) fn new(extent: HunkExtent) -> Self {
        Self { extent, state: ScanState::Outside }
    }

    /// Classifies `line` (without its line break). `ahead` is the text after it, as far as it is known.
    pub(crate) fn scan<'l>(&mut self, line: &'l [u8], ahead: &[u8]) -> DiffToken<'l> {
        let state = std::mem::take(&mut self.state);
        let ScanState::Hunk(mut hunk) = state else {
            self.state = state;
            return self.header(line, ahead);
        };
        match self.line_of_hunk(&mut hunk, line, ahead) {
            Some(token) => {
                self.state = ScanState::Hunk(hunk);
                token
            }
            None => {
                self.state = ScanState::BetweenHunks;
                self.header(line, ahead)
            }
        }
    }

    /// `None` if the line does not belong to the hunk.
    fn line_of_hunk<'l>(&self, hunk: &mut OpenHunk, line: &[u8], ahead: &[u8]) -> Option<DiffToken<'l>> {
        let is_empty = matches!(line, b"" | b"\r");
        let columns = hunk.others.len() + 1;
        if self.extent == HunkExtent::Written {
            let begins_file = is_pair(line, ahead) && second_line(ahead).starts_with(b"@@");
            // The signature that mail programs add after a patch.
            let is_signature =
                matches!(line, b"-- " | b"-- \r") && ahead.split(is_break).take(3).count() <= 2;
            if line.starts_with(b"@@") || is_diff_line(line) || begins_file || is_signature {
                return None;
            }
        }
        if line.starts_with(b"\\") {
            return Some(DiffToken::NoLineBreak);
        }
        if self.extent == HunkExtent::Streamed && (line.starts_with(b"@@") || is_diff_line(line))
            || self.extent == HunkExtent::Counted && hunk.is_full()
        {
            return None;
        }
        let signs = line.get(..columns).unwrap_or(line);
        let kind = match (signs.contains(&b'+'), signs.contains(&b'-')) {
            _ if !signs.iter().all(|sign| matches!(sign, b'+' | b'-' | b' ')) => DiffLineKind::Context,
            (true, _) => DiffLineKind::Added,
            (false, true) => DiffLineKind::Removed,
            (false, false) => DiffLineKind::Context,
        };
        let is_signed = !is_empty && (kind != DiffLineKind::Context || signs.starts_with(b" "));
        let columns = match self.extent {
            // Mail programs remove the blank of an empty context line.
            _ if is_signed || is_empty => columns.min(line.len()),
            HunkExtent::Counted => return None,
            HunkExtent::Streamed => columns.min(line.len()),
            // Prose after a hunk whose counts were right.
            HunkExtent::Written if hunk.is_exact() => return None,
            HunkExtent::Written => 0,
        };
        if is_empty && self.extent == HunkExtent::Written && hunk.is_exact() {
            return None;
        }
        let in_old = hunk.count(kind, if is_signed { signs } else { b" " });
        Some(DiffToken::Line { kind, columns: if is_empty { 0 } else { columns }, in_old })
    }

    fn header<'l>(&mut self, line: &'l [u8], ahead: &[u8]) -> DiffToken<'l> {
        if let Some(rest) = line.strip_prefix(b"diff --git ") {
            self.state = ScanState::FileHeader;
            let (old, new) = paths_of_diff_line(rest);
            return DiffToken::File { old, new };
        }
        if let Some(rest) =
            line.strip_prefix(b"diff --cc ").or_else(|| line.strip_prefix(b"diff --combined "))
        {
            self.state = ScanState::FileHeader;
            let path = DiffPath::bare(rest);
            return DiffToken::File { old: path.clone(), new: path };
        }
        let is_stream = self.extent == HunkExtent::Streamed;
        if is_stream && matches!(self.state, ScanState::Outside) {
            return DiffToken::Prose;
        }
        if line.starts_with(b"@@") {
            let header = match self.extent {
                HunkExtent::Written => Some(written_hunk_header(line)),
                HunkExtent::Counted | HunkExtent::Streamed => hunk_header(line),
            };
            let Some(header) = header else { return DiffToken::Prose };
            self.state = ScanState::Hunk(OpenHunk::of(&header));
            return DiffToken::Hunk(header);
        }
        if line.starts_with(b"\\") && matches!(self.state, ScanState::BetweenHunks) {
            return DiffToken::NoLineBreak;
        }
        let in_header = matches!(self.state, ScanState::FileHeader);
        // A removed line may look like a header; only the pair of lines is a header.
        let begins_pair = match self.extent {
            HunkExtent::Streamed => in_header && line.starts_with(b"--- "),
            HunkExtent::Counted => is_pair(line, ahead),
            HunkExtent::Written => is_pair(line, ahead) && has_hunk_or_ends(ahead),
        };
        if begins_pair {
            let path = self.side(line, DiffSide::Old);
            self.state = if is_stream { ScanState::FileHeader } else { ScanState::AwaitsNewName };
            return DiffToken::OldName(path);
        }
        let awaits_new = matches!(self.state, ScanState::AwaitsNewName) || is_stream && in_header;
        if awaits_new && line.starts_with(b"+++ ") {
            self.state = ScanState::FileHeader;
            return DiffToken::NewName(self.side(line, DiffSide::New));
        }
        if in_header || self.extent == HunkExtent::Written {
            return extended_header(line).unwrap_or(DiffToken::Prose);
        }
        DiffToken::Prose
    }

    fn side(&self, line: &[u8], side: DiffSide) -> Option<DiffPath> {
        let text = line.get(4..).unwrap_or_default();
        side_path(if self.extent == HunkExtent::Written { text.trim_ascii() } else { text }, side)
    }
}

fn extended_header(line: &[u8]) -> Option<DiffToken<'_>> {
    let after = |mark: &str| line.strip_prefix(mark.as_bytes());
    let mode = |text: &'static str| after(text).map(<[u8]>::trim_ascii);
    Some(if let Some(path) = after("rename from ") {
        DiffToken::RenameFrom(DiffPath::bare(path))
    } else if let Some(path) = after("rename to ") {
        DiffToken::RenameTo(DiffPath::bare(path))
    } else if let Some(path) = after("copy from ") {
        DiffToken::CopyFrom(DiffPath::bare(path))
    } else if let Some(path) = after("copy to ") {
        DiffToken::CopyTo(DiffPath::bare(path))
    } else if let Some(mode) = mode("old mode ") {
        DiffToken::OldMode(mode)
    } else if let Some(mode) = mode("new mode ") {
        DiffToken::NewMode(mode)
    } else if let Some(mode) = mode("new file mode ") {
        DiffToken::NewFile(mode)
    } else if let Some(mode) = mode("deleted file mode ") {
        DiffToken::DeletedFile(mode)
    } else if line.starts_with(b"Binary files ") || line.starts_with(b"GIT binary patch") {
        DiffToken::Binary
    } else if ["index ", "similarity index ", "dissimilarity index "].iter().any(|mark| after(mark).is_some())
    {
        DiffToken::OtherHeader
    } else {
        return None;
    })
}

fn is_diff_line(line: &[u8]) -> bool {
    [b"diff --git ".as_slice(), b"diff --cc ", b"diff --combined "].iter().any(|mark| line.starts_with(mark))
}

fn is_pair(line: &[u8], ahead: &[u8]) -> bool {
    line.starts_with(b"--- ") && ahead.starts_with(b"+++ ")
}

/// Whether a hunk, or the end of the text, follows the second line of a pair.
fn has_hunk_or_ends(ahead: &[u8]) -> bool {
    let rest = second_line(ahead);
    rest.starts_with(b"@@") || rest.iter().all(u8::is_ascii_whitespace)
}

/// The text from its second line on.
fn second_line(text: &[u8]) -> &[u8] {
    memchr::memchr(b'\n', text).and_then(|at| text.get(at + 1..)).unwrap_or_default()
}

fn is_break(byte: &u8) -> bool {
    *byte == b'\n'
}
