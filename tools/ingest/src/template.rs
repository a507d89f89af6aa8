/*!
Message templates: a message in which a placeholder replaces everything that varies between two occurrences of the
same failure. Names of code (an attribute, a column, a class) stay, because they distinguish failures.
*/

use std::sync::LazyLock;

use regex::{Captures, Regex};

/// How many bytes of a message are read.
const MAX_BYTES: usize = 4096;

/// A single alternation, so that the text is read once; earlier alternatives win.
static VARIABLE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?P<url>\b[a-z][a-z0-9+.-]*://[^\s'\x22<>\])]+)",
        r"|(?P<email>\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b)",
        r"|(?P<uuid>\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b)",
        r"|(?P<time>\b\d{4}[-/]\d{2}[-/]\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:Z|\s?[+-]\d{2}:?\d{2}| UTC)?)?\b|\b\d{2}:\d{2}:\d{2}(?:[.,]\d+)?\b)",
        r"|(?P<host>\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b|\[[0-9a-fA-F:]*::?[0-9a-fA-F:]+\](?::\d+)?|\b[A-Za-z0-9][\w-]*(?:\.[\w-]+)*\.(?:com|net|io|dev|local|internal|lan|corp|cloud|svc|localdomain|org)(?::\d+)?\b|\blocalhost(?::\d+)?\b|\b[A-Za-z][\w-]*(?:\.[\w-]+)+:\d{2,5}\b)",
        r"|(?P<single>'[^'\n]{0,200}')",
        r"|(?P<double>\x22[^\x22\n]{0,200}\x22)",
        r"|(?P<back>`[^`'\n]{0,200}[`'])",
        r"|(?P<windows>\b[A-Za-z]:[\\/][^\s'\x22<>|:*?]+)",
        r"|(?P<path>(?:^|[\s'\x22(=:\[,])(?:~|\.{1,2})?/[\w@%+~.,-]+(?:/[\w@%+~.,-]*)*|\b[\w@.-]+(?:/[\w@.-]+)+\.\w{1,8}\b)",
        r"|(?P<hex>\b0[xX][0-9a-fA-F]+\b)",
        r"|(?P<duration>\b\d+(?:\.\d+)?\s?(?:ns|us|µs|ms|s|sec|secs|second|seconds|m|min|mins|minute|minutes|h|hour|hours|d|days?)\b(?:\s?\d+(?:\.\d+)?\s?(?:ms|s|m|h)\b)*)",
        r"|(?P<decimal>\b\d+(?:[.,]\d+)+(?:[eE][+-]?\d+)?\b%?)",
        r"|(?P<id>\b[0-9A-Za-z][0-9A-Za-z_-]{6,}\b)",
        r"|(?P<number>[+-]?\d+(?:[._,]\d+)*(?:[eE][+-]?\d+)?%?)",
    ))
    .ok()
});
/// A list of placeholders, of any length, counts as one placeholder.
static LIST: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"<\*>(?:\s*[,;:x]?\s*<\*>)+").ok());

/// Replaces an apostrophe while quotations are searched.
const APOSTROPHE: char = '\u{2019}';

/// Words next to a quoted name that mark it as code and not data.
const NAMING: &[&str] = &[
    "attribute",
    "attr",
    "column",
    "field",
    "method",
    "function",
    "func",
    "module",
    "package",
    "name",
    "named",
    "table",
    "parameter",
    "argument",
    "arguments",
    "keyword",
    "property",
    "properties",
    "type",
    "class",
    "object",
    "import",
    "variable",
    "relation",
    "constant",
    "undefined",
    "reading",
    "setting",
    "member",
    "symbol",
    "trait",
    "struct",
    "enum",
    "interface",
    "namespace",
    "constructor",
    "key",
    "option",
    "command",
    "instance",
    "fixture",
    "template",
    "filter",
    "tag",
    "index",
];

/// The template of a message. Placeholders: `<*>` for numbers, ids and values, `<path>`, `<host>`, `<url>`, `<email>`, `<time>`.
pub fn template(message: &str) -> String {
    let text = super::text::clip(message.trim(), MAX_BYTES);
    let Some(variable) = VARIABLE.as_ref() else { return text.to_owned() };
    let text = &shield_apostrophes(text);
    let replaced = variable.replace_all(text, |found: &Captures<'_>| replacement(text, found));
    let joined = replaced.split_whitespace().collect::<Vec<_>>().join(" ").replace(APOSTROPHE, "'");
    match LIST.as_ref() {
        Some(list) => list.replace_all(&joined, "<*>").into_owned(),
        None => joined,
    }
}

/// An apostrophe inside a word ("didn't") does not open a quotation.
fn shield_apostrophes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let after = rest.peek().copied().unwrap_or(' ');
        let inside = c == '\'' && before.is_alphabetic() && after.is_alphabetic();
        out.push(if inside { APOSTROPHE } else { c });
        before = c;
    }
    out
}

/// `views.py:12` and `django.net.x` look like hosts, but are not.
fn is_code_place(whole: &str, after: &str) -> bool {
    const SOURCES: &[&str] = &[
        "py", "java", "kt", "scala", "js", "ts", "jsx", "tsx", "go", "rs", "rb", "php", "cs", "c", "cc",
        "cpp", "h",
    ];
    let continues =
        after.starts_with('.') && after.chars().nth(1).is_some_and(|c| c.is_alphanumeric() || c == '_');
    let source = whole
        .split(':')
        .next()
        .and_then(|name| name.rsplit_once('.'))
        .is_some_and(|(_, extension)| SOURCES.contains(&extension));
    continues || source
}

fn replacement(text: &str, found: &Captures<'_>) -> String {
    let whole = found.get(0).map_or("", |m| m.as_str());
    let (start, end) = found.get(0).map_or((0, 0), |m| (m.start(), m.end()));
    let has = |name: &str| found.name(name).is_some();
    if has("url") {
        "<url>".to_owned()
    } else if has("email") {
        "<email>".to_owned()
    } else if has("time") {
        "<time>".to_owned()
    } else if has("host") && is_code_place(whole, text.get(end..).unwrap_or("")) {
        whole.split_once(':').map_or_else(|| whole.to_owned(), |(name, _)| format!("{name}:<*>"))
    } else if has("host") {
        "<host>".to_owned()
    } else if has("windows") {
        "<path>".to_owned()
    } else if has("path") {
        // The character before the path belongs to the message.
        let lead: String =
            whole.chars().take(1).filter(|c| !matches!(c, '/' | '~' | '.') && !c.is_alphanumeric()).collect();
        format!("{lead}<path>")
    } else if has("single") || has("double") || has("back") {
        quoted(text, whole, start, end)
    } else if has("id") {
        identifier(whole)
    } else {
        "<*>".to_owned()
    }
}

/// A quoted value is kept if it names code.
fn quoted(text: &str, whole: &str, start: usize, end: usize) -> String {
    let before = text.get(..start).unwrap_or("");
    let after = text.get(end..).unwrap_or("");
    let inner = whole.get(1..whole.len().saturating_sub(1)).unwrap_or("");
    if names_code(inner, before, after) { format!("'{inner}'") } else { "<*>".to_owned() }
}

fn names_code(inner: &str, before: &str, after: &str) -> bool {
    let identifier = !inner.is_empty()
        && inner.len() <= 80
        && !inner.starts_with(|c: char| c.is_ascii_digit())
        && inner.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '$' | ':'));
    if !identifier || inner.chars().any(|c| c.is_ascii_digit()) {
        return false;
    }
    let shaped = inner.contains(['_', '.', '$', ':']) || inner.chars().skip(1).any(char::is_uppercase);
    let near = |word: &str| {
        NAMING.contains(&word.trim_matches(|c: char| !c.is_alphabetic()).to_ascii_lowercase().as_str())
    };
    shaped || before.split_whitespace().rev().take(2).any(near) || after.split_whitespace().take(4).any(near)
}

/// Long tokens: hashes and generated ids are replaced; words, including those with a number in them, are kept.
fn identifier(token: &str) -> String {
    let digits = token.bytes().filter(u8::is_ascii_digit).count();
    let hex = token.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    let switches = token
        .as_bytes()
        .windows(2)
        .filter(|pair| matches!(pair, [a, b] if a.is_ascii_digit() != b.is_ascii_digit()))
        .count();
    if digits == 0 {
        return token.to_owned();
    }
    if hex || switches >= 4 || digits * 2 >= token.len() {
        return "<*>".to_owned();
    }
    let mut out = String::with_capacity(token.len());
    let mut in_digits = false;
    for c in token.chars() {
        if c.is_ascii_digit() {
            if !in_digits {
                out.push_str("<*>");
            }
            in_digits = true;
        } else {
            in_digits = false;
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
#[path = "template_tests.rs"]
mod tests;
