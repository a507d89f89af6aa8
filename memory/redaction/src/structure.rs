/*!
Secrets in structures: objects, maps, lists and calls in the notations of JSON, JavaScript, Python, Ruby, PHP and
their logs, over any number of lines. A value may be under its name with lists or objects in between, beside a sibling
that tells its name (`{"value": "…", "name": "DB_PASSWORD"}`), or after its name in a list or a call
(`define('DB_PASSWORD', '…')`).

The text is not parsed as any of these languages. Only quotes, brackets, commas and the dividers between names and
values are read, once from left to right, and structures that do not close are forgotten.
*/

use super::checks::{human_password, is_secret, looks_random, placeholder_at};
use super::lines::TextLines;
use super::names;
use super::paired::{NAME_LABELS, VALUE_LABELS};
use super::work;

/// The most structures that are open at a time. Beyond that, the outermost are forgotten: the nearest structures
/// describe a value, and brackets that never close must not hide what follows them.
const MAX_DEPTH: usize = 32;
/// A structure without a new entry for this many bytes is considered unclosed. A long list continues as long as it
/// has new entries.
const MAX_BYTES: usize = 16 << 10;
/// The most bytes of a name.
const MAX_NAME: usize = 80;

type Span = (usize, usize);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StructureToken {
    /// A bracket, or `<` of a tag.
    Open(u8),
    Close(u8),
    Comma,
    /// The divider between a name and its value.
    Divider,
    /// A quoted text; the span is its content.
    Quoted(Span),
    Bare(Span),
}

#[derive(Debug, Default)]
struct OpenStructure {
    /// The start of its latest entry.
    entry: usize,
    bracket: u8,
    /// The name of the structure.
    under: Option<Span>,
    /// A name whose value has not come yet.
    name: Option<Span>,
    /// The name given by a sibling such as `name`.
    told: Option<Span>,
    /// The value of a sibling such as `value`.
    value: Option<Span>,
    /// In a list or a call: the previous text.
    before: Option<Span>,
}

/// Lines around a possible name of a secret that are read with it: a value may precede its name, and may be far below
/// it.
const LINES_BEFORE: usize = 4;
const LINES_AFTER: usize = 24;

/// Calls `mask` with the span of every secret in a structure.
pub(super) fn values(text: &str, lines: &TextLines<'_>, mask: &mut dyn FnMut(usize, usize)) {
    for (from, to) in stretches(lines) {
        work::add(to - from);
        let region = text.get(from..to).unwrap_or_default();
        let mut shifted = |start, end| mask(from + start, from + end);
        let mut scanner =
            StructureScanner { text: region, open: vec![OpenStructure::default()], mask: &mut shifted };
        let mut lexer = StructureLexer { text: region, at: 0, unclosed: [0; 2] };
        let mut next = lexer.next();
        while let Some((at, token)) = next {
            next = lexer.next();
            scanner.take(at, token, next);
        }
    }
}

/// Ranges that may contain the name of a secret, with the lines around it; most parts of most texts are skipped.
fn stretches(lines: &TextLines<'_>) -> Vec<Span> {
    let mut out: Vec<Span> = Vec::new();
    let mut read = 0;
    for number in lines.naming() {
        let first = number.saturating_sub(LINES_BEFORE).max(read);
        let last = (number + LINES_AFTER).min(lines.all.len() - 1);
        let (Some((start, _)), Some((end, line))) = (lines.all.get(first), lines.all.get(last)) else {
            continue;
        };
        let end = end + line.len();
        match out.last_mut() {
            Some((_, until)) if first <= read => *until = end,
            _ => out.push((*start, end)),
        }
        read = last + 1;
    }
    out
}

struct StructureScanner<'t, 'm> {
    text: &'t str,
    open: Vec<OpenStructure>,
    mask: &'m mut dyn FnMut(usize, usize),
}

impl StructureScanner<'_, '_> {
    fn of(&self, (from, to): Span) -> &str {
        self.text.get(from..to).unwrap_or_default()
    }

    fn take(&mut self, at: usize, token: StructureToken, next: Option<(usize, StructureToken)>) {
        let is_name = matches!(next, Some((_, StructureToken::Divider)));
        while self.open.len() > 1
            && self.open.last().is_some_and(|innermost| at - innermost.entry > MAX_BYTES)
        {
            self.open.pop();
        }
        let depth = self.open.len();
        let Some(innermost) = self.open.last_mut() else { return };
        match token {
            StructureToken::Open(bracket) => {
                let under =
                    innermost.name.take().or(innermost.before.take()).or(innermost.under).filter(|under| {
                        bracket != b'<'
                            && !self.text.get(under.0..under.1).is_some_and(|name| name.contains('/'))
                    });
                if depth >= MAX_DEPTH {
                    self.open.remove(1);
                }
                self.open.push(OpenStructure { entry: at, bracket, under, ..OpenStructure::default() });
            }
            // `>` of a comparison closes no bracket, and a bracket closes no tag.
            StructureToken::Close(bracket)
                if depth > 1 && (bracket == b'>') == (innermost.bracket == b'<') =>
            {
                self.open.pop();
            }
            StructureToken::Comma => {
                innermost.name = None;
                innermost.entry = at;
            }
            StructureToken::Quoted(span) | StructureToken::Bare(span) if is_name => {
                innermost.name = (span.1 - span.0 <= MAX_NAME).then_some(span);
                innermost.before = None;
            }
            StructureToken::Quoted(span) => self.value(span, true),
            // `Some("…")`, `b"…"`, `N'…'`: the prefix belongs to the value.
            StructureToken::Bare((_, end)) if matches!(next, Some((at, StructureToken::Open(b'(') | StructureToken::Quoted(_))) if at == end) =>
                {}
            // A block: `tokens { … }`.
            StructureToken::Bare(span)
                if innermost.name.is_none() && matches!(next, Some((_, StructureToken::Open(b'{')))) =>
            {
                innermost.name = Some(span)
            }
            StructureToken::Bare(span) => self.value(span, false),
            StructureToken::Close(_) | StructureToken::Divider => {}
        }
    }

    fn value(&mut self, span: Span, quoted: bool) {
        let Some(innermost) = self.open.last() else { return };
        let (name, under, before, depth) =
            (innermost.name, innermost.under, innermost.before, self.open.len());
        let lower = |span: Span| self.of(span).to_ascii_lowercase();
        let mut told = None;
        let mut beside = None;
        if let Some(name) = name {
            let label = lower(name);
            // `<input type="password" value="…">`
            let typed = label == "type" && self.of(span) == "password";
            if typed || NAME_LABELS.contains(&label.as_str()) && names::named(self.of(span)).is_some() {
                told = Some(span);
            } else if VALUE_LABELS.contains(&label.as_str()) {
                beside = Some(span);
            }
        }
        // A name directly before the value takes precedence over the surrounding structure.
        let named = match (name, before) {
            (Some(name), _) if names::named(self.of(name)).is_some() => Some(name),
            (None, Some(before)) if quoted && names::named(self.of(before)).is_some() => Some(before),
            _ => None,
        };
        let around = under.filter(|_| depth > 1).filter(|under| names::named(self.of(*under)).is_some());
        let is_hit = match (named, around) {
            (Some(named), _) if name.is_some() => quoted && is_secret(self.of(named), self.of(span)),
            // After its name in a list or a call; lists of names are common, so the value must be mixed.
            (Some(named), _) => is_secret(self.of(named), self.of(span)) && is_mixed(self.of(span)),
            (None, Some(around)) => {
                let value = self.of(span);
                let its = |name: &str| {
                    is_secret(name, value) || is_secret(name.strip_suffix(['s', 'S']).unwrap_or(name), value)
                };
                let is_value = name.is_none_or(|name| tells_value(self.of(name)));
                let listed = quoted || innermost.bracket == b'[';
                told.is_none() && listed && is_value && its(self.of(around)) && is_mixed(value)
            }
            (None, None) => false,
        };
        if is_hit {
            (self.mask)(span.0, span.1);
        }
        let Some(innermost) = self.open.last_mut() else { return };
        // Outside of brackets the end of an entry is unknown.
        innermost.told = told.filter(|_| depth > 1).or(innermost.told);
        innermost.value = beside.filter(|_| depth > 1).or(innermost.value);
        innermost.before = quoted.then_some(span).filter(|_| name.is_none());
        innermost.name = None;
        if (told.is_some() || beside.is_some())
            && let (Some(told), Some(value)) = (innermost.told, innermost.value)
            && is_secret(self.of(told), self.of(value))
        {
            (self.mask)(value.0, value.1);
        }
    }
}

/// Names that only say that a value follows.
fn tells_value(name: &str) -> bool {
    const MORE: [&str; 9] = ["key", "current", "old", "new", "plain", "raw", "text", "previous", "decoded"];
    let name = name.to_ascii_lowercase();
    VALUE_LABELS.contains(&name.as_str()) || MORE.contains(&name.as_str())
}

/// Only the surrounding structure names the value here, so it must not be a plausible name.
fn is_mixed(value: &str) -> bool {
    !value.contains([' ', ':'])
        && !value.starts_with(['/', '.'])
        && (human_password(value) || looks_random(value))
}

struct StructureLexer<'t> {
    text: &'t str,
    at: usize,
    /// Positions up to which no double and no single quote closes; searched once.
    unclosed: [usize; 2],
}

impl StructureLexer<'_> {
    /// The next token and its position.
    fn next(&mut self) -> Option<(usize, StructureToken)> {
        let bytes = self.text.as_bytes();
        loop {
            let at = self.at;
            let byte = *bytes.get(at)?;
            self.at += 1;
            let token = match byte {
                b'[' if self.placeholder(at) => continue,
                b'{' | b'[' | b'(' => StructureToken::Open(byte),
                b'<' if bytes.get(self.at).is_some_and(u8::is_ascii_alphabetic) => StructureToken::Open(byte),
                b'}' | b']' | b')' | b'>' => StructureToken::Close(byte),
                b',' => StructureToken::Comma,
                b':' | b'=' => {
                    while matches!(bytes.get(self.at), Some(b'>' | b'=' | b':')) {
                        self.at += 1;
                    }
                    StructureToken::Divider
                }
                b'"' | b'\'' => match self.quoted(at, byte) {
                    Some(span) => StructureToken::Quoted(span),
                    None => continue,
                },
                byte if is_bare(byte) => {
                    while bytes.get(self.at).is_some_and(|byte| is_bare(*byte)) {
                        self.at += 1;
                    }
                    StructureToken::Bare((at, self.at))
                }
                _ => continue,
            };
            return Some((at, token));
        }
    }

    /// Skips a placeholder: its brackets do not belong to the text.
    fn placeholder(&mut self, at: usize) -> bool {
        let end = placeholder_at(self.text.as_bytes(), at);
        self.at = end.unwrap_or(self.at);
        end.is_some()
    }

    /// The content of a quoted text, up to its end on the same line. An apostrophe in a word does not count.
    fn quoted(&mut self, at: usize, quote: u8) -> Option<Span> {
        let bytes = self.text.as_bytes();
        let before = at.checked_sub(1).and_then(|before| bytes.get(before));
        let prefix = before.is_some_and(|byte| b"bBrRuUnNlL".contains(byte))
            && at
                .checked_sub(2)
                .and_then(|before| bytes.get(before))
                .is_none_or(|byte| !byte.is_ascii_alphanumeric());
        if quote == b'\'' && before.is_some_and(u8::is_ascii_alphanumeric) && !prefix {
            return None;
        }
        let unclosed = self.unclosed.get_mut(usize::from(quote == b'\''))?;
        if at < *unclosed {
            return None;
        }
        let mut end = at + 1;
        loop {
            match bytes.get(end) {
                None | Some(b'\n') => {
                    work::add(end - at);
                    *unclosed = end;
                    return None;
                }
                Some(b'\\') => end += 2,
                Some(byte) if *byte == quote => break,
                Some(_) => end += 1,
            }
        }
        work::add(end - at);
        self.at = end + 1;
        Some((at + 1, end))
    }
}

fn is_bare(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-.+/$@!#%&*~?".contains(&byte) || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lines::TextLines;

    /// Brackets that might start a placeholder, and quotes that do not close.
    #[test]
    fn what_opens_and_never_closes_is_looked_at_a_few_times() {
        for piece in ["[", "[A", "[PASSWORD_", "[[A_1", "{\"", "('", "\"", "='"] {
            let text = format!("password = {}", piece.repeat(20_000));
            work::take();
            values(&text, &TextLines::of(&text), &mut |_, _| {});
            let looked_at = work::take();
            assert!(looked_at < 8 * text.len() as u64, "{piece:?}: {looked_at} for {}", text.len());
        }
    }
}
