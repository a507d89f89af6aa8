/*!
Tokens of known shapes that an editor, a mail or a diff broke over lines: each begins at the end of one line and
continues at the beginning of the next.
*/

use super::checks::looks_random;
use super::disguise::DecodedText;
use super::rule::{CompiledRule, run};
use super::secret_span::SecretSpan;
use super::work;

/// The longest piece of a token that is continued on the next line.
pub(super) const MAX_PIECE_BYTES: usize = 2_048;
/// The most lines that a token may be broken over.
const MAX_PIECES: usize = 5;
/// The most kinds of tokens that are tried for one piece of text.
const MAX_TRIED: usize = 8;

/// The possible start of a token at the end of a line, which may continue on the next lines.
pub(super) struct LineTail {
    pub(super) line: usize,
    /// Its position; empty if the line has a different ending.
    start: usize,
    end: usize,
    /// The token continued over the next lines: where its pieces end, and the whole text. Computed once.
    broken: Option<Option<(Vec<usize>, DecodedText)>>,
    /// Rules whose keywords occur in it; each is tried once.
    tried: Vec<usize>,
}

impl LineTail {
    pub(super) fn of(text: &str, line: usize, end: usize) -> Self {
        let (start, end) = token_at_end(text, line, end);
        Self { line, start, end, broken: None, tried: Vec::new() }
    }

    /// Tries a rule whose keyword is at `at`. A piece that begins with the keywords of more kinds than `MAX_TRIED` is
    /// masked as it stands, so that a line is not read again for every rule.
    pub(super) fn run_on(
        &mut self,
        rule: &CompiledRule,
        priority: usize,
        text: &str,
        at: usize,
        hits: &mut Vec<SecretSpan>,
    ) {
        // A keyword within a word does not start a token, and the text before it is not read again.
        let is_within = text
            .get(..at)
            .is_some_and(|head| head.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_'));
        if !(self.start..self.end).contains(&at)
            || is_within && rule.pattern.starts_with(r"\b")
            || self.tried.contains(&priority)
            || self.tried.len() > MAX_TRIED
        {
            return;
        }
        self.tried.push(priority);
        if self.tried.len() > MAX_TRIED {
            return hits.push(SecretSpan::found_by_context(self.start, self.end));
        }
        let read = || read_on(text, self.start);
        let Some((ends, broken)) = self.broken.get_or_insert_with(read) else { return };
        // Up to the end of the line, the decoded text equals the token byte by byte.
        run_on(rule, priority, at - self.start, ends, broken, hits);
    }
}

/// Masks a token of a known shape that begins at the end of a line and continues on the next lines.
fn run_on(
    rule: &CompiledRule,
    priority: usize,
    from: usize,
    ends: &[usize],
    broken: &DecodedText,
    hits: &mut Vec<SecretSpan>,
) {
    let reaches_on = |end: usize| {
        let mut found = Vec::new();
        run(rule, priority, &broken.text, from, end, &mut found);
        found
    };
    // The fewest pieces that make a token of this shape; more only if the next piece looks like a token, not a word.
    let mut whole = None;
    for (number, end) in ends.iter().enumerate() {
        let found = reaches_on(*end);
        let before = number.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or_default();
        whole = found.into_iter().find(|hit| hit.end > before).map(|hit| (number, hit)).or(whole);
        let next = ends.get(number + 1).and_then(|next| broken.text.get(*end..*next)).unwrap_or_default();
        if whole.is_some() && !looks_random(next) {
            break;
        }
    }
    if let Some((1.., hit)) = whole {
        for (start, end) in broken.pieces(hit.start, hit.end) {
            hits.push(SecretSpan { start, end, kind: hit.kind.clone(), priority });
        }
    }
}

/// The characters of a token.
fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_.~/+-=".contains(c)
}

/// Characters that may be between a piece of a token and the end of its line.
fn is_around(c: char) -> bool {
    c.is_whitespace() || "\\\"'+,|`".contains(c)
}

/// The position of the token at the end of a line.
fn token_at_end(text: &str, start: usize, end: usize) -> (usize, usize) {
    let line = text.get(start..end).unwrap_or_default();
    // Searched backwards from the end, at most the length of a piece.
    let near =
        line.get(line.ceil_char_boundary(line.len().saturating_sub(MAX_PIECE_BYTES))..).unwrap_or_default();
    let (before, token) = (near.trim_end_matches(is_around), start + line.len() - near.len());
    let length = before.len() - before.trim_end_matches(is_token).len();
    (token + before.len() - length, token + before.len())
}

/// A token that begins at `at` and reaches the end of its line, continued over the following lines: where each piece
/// ends in the decoded text, and that text. `None` if the token does not reach the end, or nothing follows.
fn read_on(text: &str, at: usize) -> Option<(Vec<usize>, DecodedText)> {
    let mut out = DecodedText::default();
    let mut ends = Vec::new();
    let mut from = at;
    for piece in 0..MAX_PIECES {
        let end =
            memchr::memchr(b'\n', text.get(from..)?.as_bytes()).map_or(text.len(), |length| from + length);
        let line = text.get(from..end)?;
        // Marks of a diff, a quotation, a comment or a continued string.
        let skip = match piece {
            0 => 0,
            _ => line.len() - line.trim_start_matches(|c| is_around(c) || "->#*".contains(c)).len(),
        };
        let run: &str = line.get(skip..)?;
        let run = &run[..run.find(|c| !is_token(c)).unwrap_or(run.len()).min(MAX_PIECE_BYTES)];
        if run.is_empty() {
            break;
        }
        for (offset, c) in run.char_indices() {
            out.push(c, from + skip + offset);
        }
        ends.push(out.text.len());
        let whole = line.get(skip + run.len()..)?.chars().all(is_around);
        if !whole || end == text.len() {
            if piece == 0 {
                return None;
            }
            break;
        }
        from = end + 1;
    }
    work::add(out.text.len());
    let last = out.from.last().map_or(at, |last| last + 1);
    out.from.push(last);
    (ends.len() > 1).then_some((ends, out))
}
