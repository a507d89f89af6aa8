/*!
A tokenizer for many languages. It distinguishes strings, comments and code, which is enough to find literals and
rewrite assertions without a grammar per language. It never fails: unknown text becomes punctuation.
*/

use std::ops::Range;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum TokenLanguage {
    Shell,
    Python,
    JavaScript,
    Ruby,
    Perl,
    Php,
    C,
    Java,
    Go,
    Rust,
    Awk,
    /// JSON and similar formats: literals without code.
    Data,
    /// Prose and markup: varied as a whole.
    Text,
}

impl TokenLanguage {
    /// The language by a file's extension; `None` if the name does not tell.
    pub(super) fn of_path(path: &str) -> Option<Self> {
        let (_, extension) = path.rsplit('/').next().unwrap_or(path).rsplit_once('.')?;
        Some(match extension.to_ascii_lowercase().as_str() {
            "sh" | "bash" | "bats" | "ksh" => Self::Shell,
            "py" => Self::Python,
            "js" | "mjs" | "cjs" | "ts" | "jsx" | "tsx" | "mts" => Self::JavaScript,
            "rb" => Self::Ruby,
            "pl" | "pm" | "t" => Self::Perl,
            "php" => Self::Php,
            "c" | "h" | "cc" | "cpp" | "hpp" | "cxx" => Self::C,
            "java" | "kt" | "cs" | "scala" => Self::Java,
            "go" => Self::Go,
            "rs" => Self::Rust,
            "awk" => Self::Awk,
            "json" | "yaml" | "yml" | "toml" | "ini" | "properties" | "conf" => Self::Data,
            "txt" | "md" | "markdown" | "csv" | "tsv" | "xml" | "html" | "rst" | "text" | "in" | "input"
            | "log" | "sql" | "css" | "adoc" | "tex" => Self::Text,
            _ => return None,
        })
    }

    /// The language by an interpreter's name, as in `python3.11`.
    pub(super) fn of_interpreter(name: &str) -> Option<Self> {
        let name = name.rsplit('/').next().unwrap_or(name);
        let stem = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
        Some(match stem {
            "python" | "pypy" => Self::Python,
            "node" | "nodejs" | "deno" | "bun" | "tsx" => Self::JavaScript,
            "ruby" | "jruby" => Self::Ruby,
            "perl" => Self::Perl,
            "php" => Self::Php,
            "sh" | "bash" | "dash" | "zsh" | "ksh" => Self::Shell,
            "awk" | "gawk" | "mawk" | "nawk" => Self::Awk,
            _ => return None,
        })
    }

    fn has_hash_comments(self) -> bool {
        matches!(
            self,
            Self::Python | Self::Ruby | Self::Perl | Self::Php | Self::Awk | Self::Data | Self::Shell
        )
    }

    fn has_slash_comments(self) -> bool {
        matches!(self, Self::JavaScript | Self::Php | Self::C | Self::Java | Self::Go | Self::Rust)
    }

    fn has_slash_regex(self) -> bool {
        matches!(self, Self::JavaScript | Self::Ruby | Self::Perl | Self::Awk)
    }

    /// Whether the language is compiled, so that a type error or an unused name stops the program before it runs.
    pub(super) fn is_compiled(self) -> bool {
        matches!(self, Self::C | Self::Java | Self::Go | Self::Rust)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
    Word,
    Number,
    /// Quotes included in the span.
    String,
    Regex,
    Punct,
    Newline,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SourceToken {
    pub(super) kind: TokenKind,
    pub(super) span: Range<usize>,
    /// For a string: the text between the quotes.
    pub(super) content: Range<usize>,
}

/// Maximum length of the text that is read.
pub(super) const MAX_TEXT: usize = 128 * 1024;
const MAX_TOKENS: usize = 6_000;

struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    language: TokenLanguage,
    tokens: Vec<SourceToken>,
}

/// Tokens in order, comments and blanks left out.
pub(super) fn tokenize(language: TokenLanguage, text: &str) -> Vec<SourceToken> {
    let mut end = text.len().min(MAX_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let text = text.get(..end).unwrap_or_default();
    let mut scanner = Scanner { text, bytes: text.as_bytes(), language, tokens: Vec::new() };
    scanner.run();
    scanner.tokens
}

impl Scanner<'_> {
    fn at(&self, i: usize) -> u8 {
        self.bytes.get(i).copied().unwrap_or(0)
    }

    fn rest(&self, i: usize) -> &str {
        self.text.get(i..).unwrap_or_default()
    }

    fn push(&mut self, kind: TokenKind, span: Range<usize>, content: Range<usize>) {
        self.tokens.push(SourceToken { kind, span, content });
    }

    fn run(&mut self) {
        let mut i = 0;
        while i < self.bytes.len() && self.tokens.len() < MAX_TOKENS {
            i = self.step(i).max(i + 1);
        }
    }

    /// Reads what starts at `i` and says where it ends.
    fn step(&mut self, i: usize) -> usize {
        let byte = self.at(i);
        if byte == b'\n' {
            self.push(TokenKind::Newline, i..i + 1, i..i);
            return i + 1;
        }
        if byte.is_ascii_whitespace() {
            return i + 1;
        }
        if self.starts_comment(i) {
            return self.rest(i).find('\n').map_or(self.bytes.len(), |at| i + at);
        }
        if self.language.has_slash_comments() && self.rest(i).starts_with("/*") {
            return self.rest(i + 2).find("*/").map_or(self.bytes.len(), |at| i + 2 + at + 2);
        }
        if let Some(end) = self.string(i) {
            return end;
        }
        let sigil = matches!(self.language, TokenLanguage::Perl | TokenLanguage::Php | TokenLanguage::Ruby)
            && matches!(byte, b'$' | b'@' | b'%')
            && (self.at(i + 1).is_ascii_alphabetic() || self.at(i + 1) == b'_');
        if sigil
            || byte.is_ascii_alphabetic()
            || byte == b'_'
            || byte >= 0x80
            || (byte == b'$' && self.language == TokenLanguage::JavaScript)
        {
            let end = self.word_end(i + 1);
            self.push(TokenKind::Word, i..end, i..i);
            return end;
        }
        if byte.is_ascii_digit() || (byte == b'.' && self.at(i + 1).is_ascii_digit() && !self.after_operand())
        {
            let end = self.number_end(i);
            self.push(TokenKind::Number, i..end, i..i);
            return end;
        }
        if byte == b'/'
            && self.language.has_slash_regex()
            && !self.after_operand()
            && let Some(end) = self.regex_end(i)
        {
            self.push(TokenKind::Regex, i..end, i..i);
            return end;
        }
        self.push(TokenKind::Punct, i..i + 1, i..i);
        i + 1
    }

    fn starts_comment(&self, i: usize) -> bool {
        let rest = self.rest(i);
        if rest.starts_with('#') && self.language.has_hash_comments() {
            // `$#list` is not a comment, and in a shell `#` starts one only after a blank.
            return i == 0
                || self.at(i - 1).is_ascii_whitespace()
                || matches!(self.at(i - 1), b';' | b'}' | b')' | b'{');
        }
        rest.starts_with("//") && self.language.has_slash_comments()
    }

    fn word_end(&self, mut i: usize) -> usize {
        while i < self.bytes.len()
            && (self.at(i).is_ascii_alphanumeric()
                || self.at(i) == b'_'
                || self.at(i) >= 0x80
                || (self.at(i) == b'$' && self.language == TokenLanguage::JavaScript))
        {
            i += 1;
        }
        if self.language == TokenLanguage::Ruby && matches!(self.at(i), b'?' | b'!') && self.at(i + 1) != b'='
        {
            i += 1;
        }
        i
    }

    fn number_end(&self, start: usize) -> usize {
        let mut i = start;
        while i < self.bytes.len() {
            let byte = self.at(i);
            let exponent = matches!(byte, b'+' | b'-')
                && matches!(self.at(i - usize::from(i > 0)), b'e' | b'E')
                && i > start
                && !self.rest(start).starts_with("0x");
            let point = byte == b'.' && self.at(i + 1).is_ascii_digit();
            if !(byte.is_ascii_alphanumeric() || byte == b'_' || exponent || point) {
                break;
            }
            i += 1;
        }
        i.max(start + 1)
    }

    /// Whether the last token ends a value: then `/` is a division and `.` a member access.
    fn after_operand(&self) -> bool {
        let Some(last) = self.tokens.last() else { return false };
        let text = self.text.get(last.span.clone()).unwrap_or_default();
        match last.kind {
            TokenKind::Word => !matches!(
                text,
                "return"
                    | "if"
                    | "unless"
                    | "and"
                    | "or"
                    | "not"
                    | "split"
                    | "when"
                    | "in"
                    | "grep"
                    | "match"
            ),
            TokenKind::Number | TokenKind::String | TokenKind::Regex => true,
            TokenKind::Punct => matches!(text, ")" | "]" | "}"),
            TokenKind::Newline => false,
        }
    }

    fn regex_end(&self, start: usize) -> Option<usize> {
        let (mut i, mut class) = (start + 1, false);
        loop {
            match self.at(i) {
                0 | b'\n' => return None,
                b'\\' => i += 1,
                b'[' => class = true,
                b']' => class = false,
                b'/' if !class => break,
                _ => {}
            }
            i += 1;
        }
        i += 1;
        while self.at(i).is_ascii_alphabetic() {
            i += 1;
        }
        Some(i.min(self.bytes.len()))
    }

    /// A string that starts here, with its prefix.
    fn string(&mut self, start: usize) -> Option<usize> {
        let mut i = start;
        if self.language == TokenLanguage::Python {
            let prefix = self.rest(i).bytes().take_while(|b| b.is_ascii_alphabetic()).count();
            let known = self.rest(i).get(..prefix)?.bytes().all(|b| b"rRbBuUfF".contains(&b));
            let fresh = i == 0 || !(self.at(i - 1).is_ascii_alphanumeric() || self.at(i - 1) == b'_');
            if prefix > 0 && prefix <= 2 && known && fresh && matches!(self.at(i + prefix), b'"' | b'\'') {
                i += prefix;
            }
        }
        let quote = self.at(i);
        if !matches!(quote, b'"' | b'\'' | b'`') {
            return None;
        }
        if quote == b'`' && !matches!(self.language, TokenLanguage::JavaScript | TokenLanguage::Go) {
            return None;
        }
        if quote == b'\''
            && matches!(
                self.language,
                TokenLanguage::Rust
                    | TokenLanguage::C
                    | TokenLanguage::Java
                    | TokenLanguage::Go
                    | TokenLanguage::Awk
            )
        {
            let length = if self.at(i + 1) == b'\\' { 3 } else { 2 };
            let near = (length..length + 4).find(|n| self.at(i + n) == b'\'')?;
            self.push(TokenKind::String, start..i + near + 1, i + 1..i + near);
            return Some(i + near + 1);
        }
        let triple =
            self.language == TokenLanguage::Python && self.at(i + 1) == quote && self.at(i + 2) == quote;
        let width = if triple { 3 } else { 1 };
        let raw = quote == b'`' && self.language == TokenLanguage::Go;
        let from = i + width;
        let mut at = from;
        loop {
            if at >= self.bytes.len() {
                return None;
            }
            match self.at(at) {
                b'\\' if !raw => at += 1,
                b'\n' if !triple && quote != b'`' && self.language == TokenLanguage::Python => return None,
                byte if byte == quote
                    && (!triple || (self.at(at + 1) == quote && self.at(at + 2) == quote)) =>
                {
                    break;
                }
                _ => {}
            }
            at += 1;
        }
        self.push(TokenKind::String, start..at + width, from..at);
        Some(at + width)
    }
}
