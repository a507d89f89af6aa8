/*!
Finds names of definitions from the look of one line. Hunk headers and changed lines have no syntax tree, and a
ranking reads hundreds of thousands of them. A keyword or the shape of a declaration is enough to know which
definition was touched.
*/

/// Keywords that introduce a name, in all supported languages.
const KEYWORDS: &[&str] = &[
    "def",
    "class",
    "fn",
    "func",
    "function",
    "interface",
    "struct",
    "enum",
    "trait",
    "module",
    "impl",
    "sub",
    "record",
    "object",
    "fun",
    "type",
    "macro_rules!",
];

/// Words that may stand before a keyword or a declared name.
const MODIFIERS: &[&str] = &[
    "public",
    "private",
    "protected",
    "internal",
    "static",
    "final",
    "abstract",
    "async",
    "export",
    "default",
    "pub",
    "pub(crate)",
    "unsafe",
    "const",
    "virtual",
    "override",
    "synchronized",
    "native",
    "sealed",
    "open",
    "inline",
    "extern",
    "partial",
    "suspend",
    "data",
];

/// Words that look like a call or declaration, but are not.
const NOT_NAMES: &[&str] = &[
    "if",
    "for",
    "while",
    "switch",
    "return",
    "catch",
    "synchronized",
    "else",
    "new",
    "throw",
    "assert",
    "super",
    "this",
    "elif",
    "with",
    "match",
    "yield",
    "await",
    "print",
    "not",
    "and",
    "or",
    "in",
    "do",
    "try",
    "case",
];

/// The name a line defines, when it looks like a definition: `def name`, `class Name`, `fn name`,
/// `public static int name(…)`, `func (r *T) Name(…)`.
pub fn definition_in(line: &[u8]) -> Option<&str> {
    let line = std::str::from_utf8(line.get(..line.len().min(300))?).ok()?.trim_start();
    let mut words = line.split_ascii_whitespace().peekable();
    let mut modifiers = 0;
    while let Some(word) = words.peek() {
        if !MODIFIERS.contains(word) {
            break;
        }
        modifiers += 1;
        words.next();
    }
    let first = words.next()?;
    if KEYWORDS.contains(&first) {
        let rest = line[line.find(first)? + first.len()..].trim_start();
        let rest = match (first, rest.strip_prefix('(')) {
            ("func", Some(receiver)) => receiver.split_once(')')?.1.trim_start(),
            _ => rest,
        };
        return identifier_at(rest);
    }
    // `public Type name(`: a modifier or a return type, then a name, then an opening bracket.
    let head = line.split_once('(')?.0;
    let name = head.rsplit(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).next()?;
    let before = head[..head.len() - name.len()].trim_end();
    let typed = modifiers > 0
        || (before.ends_with(|c: char| c.is_alphanumeric() || c == '>' || c == ']' || c == '*')
            && line.trim_end().ends_with('{'));
    let plausible = typed
        && !before.ends_with(['.', '=', '(', ','])
        && !before.contains(['=', '.', '(', '"'])
        && !NOT_NAMES.contains(&first);
    (plausible && !NOT_NAMES.contains(&name)).then(|| identifier_at(name)).flatten()
}

/// The name in a line that git gives as the enclosing function of a hunk. Less strict than [`definition_in`],
/// because git already decided that the line defines something.
pub fn name_of_header(header: &str) -> Option<&str> {
    definition_in(header.as_bytes()).or_else(|| {
        let head = header.split_once('(')?.0;
        identifier_at(head.rsplit(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).next()?)
    })
}

/// Whether a trimmed line is a comment in one of the usual styles.
pub(crate) fn is_comment(line: &[u8]) -> bool {
    const MARKS: &[&[u8]] = &[b"//", b"#", b"/*", b"*/", b"* ", b"<!--", b"--", b";;", b"{#"];
    line == b"*"
        || MARKS.iter().any(|mark| line.starts_with(mark))
            && !line.starts_with(b"#[")
            && !line.starts_with(b"#include")
            && !line.starts_with(b"#define")
            && !line.starts_with(b"#if")
}

fn identifier_at(text: &str) -> Option<&str> {
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(text.len());
    let name = &text[..end];
    (!name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit())).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_a_line_defines() {
        let check =
            |line: &str, name: Option<&str>| assert_eq!(definition_in(line.as_bytes()), name, "{line}");
        check("def _check_default_pk(cls):", Some("_check_default_pk"));
        check("    async def fetch(self):", Some("fetch"));
        check("class Prefetch(Node):", Some("Prefetch"));
        check("pub(crate) fn hash_token(token: &str) -> u32 {", Some("hash_token"));
        check("func (r *Repo) Open(path string) error {", Some("Open"));
        check("public static <T> T[] toArray(final T... items) {", Some("toArray"));
        check("int main(int argc, char **argv) {", Some("main"));
        check("export default function App() {", Some("App"));
        check("return foo(bar);", None);
        check("x = call(1) {", None);
        check("if (a) {", None);
        check("self.assertEqual(a, b)", None);
        assert_eq!(name_of_header("static int parse_range(const char *s)"), Some("parse_range"));
    }
}
