/*!
Navigates tokens by structure: brackets, arguments, statements, operands. All positions are token numbers.
*/

use std::ops::Range;

use super::token::{SourceToken, TokenKind, TokenLanguage, tokenize};

pub(super) struct StatementCode<'a> {
    pub(super) language: TokenLanguage,
    pub(super) text: &'a str,
    pub(super) tokens: Vec<SourceToken>,
}

impl<'a> StatementCode<'a> {
    pub(super) fn new(language: TokenLanguage, text: &'a str) -> Self {
        Self { language, text, tokens: tokenize(language, text) }
    }

    pub(super) fn get(&self, at: usize) -> &'a str {
        self.tokens.get(at).and_then(|token| self.text.get(token.span.clone())).unwrap_or("")
    }

    pub(super) fn kind(&self, at: usize) -> Option<TokenKind> {
        self.tokens.get(at).map(|token| token.kind)
    }

    /// Byte span of a range of tokens.
    pub(super) fn span(&self, range: &Range<usize>) -> Range<usize> {
        let start = self.tokens.get(range.start).map_or(self.text.len(), |token| token.span.start);
        let end = range
            .end
            .checked_sub(1)
            .and_then(|last| self.tokens.get(last))
            .map_or(start, |token| token.span.end);
        start..end.max(start)
    }

    pub(super) fn slice(&self, range: &Range<usize>) -> &'a str {
        self.text.get(self.span(range)).unwrap_or("")
    }

    /// Whether the token starts right where the one before it ends.
    pub(super) fn touches_previous(&self, at: usize) -> bool {
        at > 0
            && match (self.tokens.get(at - 1), self.tokens.get(at)) {
                (Some(before), Some(token)) => before.span.end == token.span.start,
                _ => false,
            }
    }

    /// The bracket that closes the one at `open`.
    pub(super) fn close(&self, open: usize) -> Option<usize> {
        let mut depth = 0_usize;
        for at in open..self.tokens.len() {
            if self.kind(at) != Some(TokenKind::Punct) {
                continue;
            }
            match self.get(at) {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return Some(at);
                    }
                }
                _ => {}
            }
        }
        None
    }

    /// Splits a range at top-level tokens that `is_separator` accepts.
    pub(super) fn split(
        &self,
        range: &Range<usize>,
        is_separator: impl Fn(usize) -> usize,
    ) -> Vec<Range<usize>> {
        let mut parts = Vec::new();
        let (mut from, mut at) = (range.start, range.start);
        while at < range.end {
            if self.kind(at) == Some(TokenKind::Punct) && matches!(self.get(at), "(" | "[" | "{") {
                at = self.close(at).filter(|close| *close < range.end).unwrap_or(at) + 1;
                continue;
            }
            let width = is_separator(at);
            if width > 0 {
                parts.push(from..at);
                at += width;
                from = at;
                continue;
            }
            at += 1;
        }
        parts.push(from..range.end);
        parts
    }

    /// The arguments between `open` and its closing bracket, without surrounding line ends.
    pub(super) fn arguments(&self, open: usize) -> Vec<Range<usize>> {
        let Some(close) = self.close(open) else { return Vec::new() };
        let parts = self.split(&(open + 1..close), |at| usize::from(self.is_punct(at, ",")));
        parts.into_iter().map(|part| self.trim(part)).filter(|part| !part.is_empty()).collect()
    }

    pub(super) fn trim(&self, mut range: Range<usize>) -> Range<usize> {
        while range.start < range.end && self.kind(range.start) == Some(TokenKind::Newline) {
            range.start += 1;
        }
        while range.start < range.end && self.kind(range.end - 1) == Some(TokenKind::Newline) {
            range.end -= 1;
        }
        range
    }

    pub(super) fn is_punct(&self, at: usize, text: &str) -> bool {
        self.kind(at) == Some(TokenKind::Punct) && self.get(at) == text
    }

    /// The end of the statement that `at` is in: a `;`, a line's end outside of brackets, or a closing bracket.
    pub(super) fn statement_end(&self, at: usize) -> usize {
        let lines_end = matches!(
            self.language,
            TokenLanguage::Python | TokenLanguage::Ruby | TokenLanguage::Go | TokenLanguage::JavaScript
        );
        let mut i = at;
        while i < self.tokens.len() {
            match self.kind(i) {
                Some(TokenKind::Newline) if lines_end => return i,
                Some(TokenKind::Punct) => match self.get(i) {
                    "(" | "[" | "{" => {
                        let Some(close) = self.close(i) else { return self.tokens.len() };
                        i = close;
                    }
                    ")" | "]" | "}" | ";" => return i,
                    _ => {}
                },
                _ => {}
            }
            i += 1;
        }
        self.tokens.len()
    }

    /// The start of the statement that `at` is in.
    pub(super) fn statement_start(&self, at: usize) -> usize {
        let mut i = at;
        let mut depth = 0_usize;
        while i > 0 {
            let before = i - 1;
            match self.kind(before) {
                Some(TokenKind::Newline)
                    if depth == 0
                        && self.language != TokenLanguage::Perl
                        && self.language != TokenLanguage::Php =>
                {
                    return i;
                }
                Some(TokenKind::Punct) => match self.get(before) {
                    ")" | "]" | "}" if self.get(before) != "}" || depth > 0 || !self.ends_block(before) => {
                        depth += 1
                    }
                    "}" => return i,
                    "(" | "[" | "{" => {
                        if depth == 0 {
                            return i;
                        }
                        depth -= 1;
                    }
                    ";" if depth == 0 => return i,
                    _ => {}
                },
                Some(TokenKind::Word)
                    if depth == 0 && matches!(self.get(before), "then" | "do" | "else" | "begin") =>
                {
                    return i;
                }
                _ => {}
            }
            i -= 1;
        }
        0
    }

    /// Whether a `}` ends a block rather than a hash.
    fn ends_block(&self, at: usize) -> bool {
        !matches!(
            self.get(at + 1),
            "." | "," | ")" | "]" | "=" | "-" | "[" | "+" | "*" | "|" | "&" | "?" | "<" | ">" | "!"
        ) && !matches!(self.get(at + 1), "eq" | "ne" | "or" | "and" | "unless" | "if" | "is" | "in")
    }

    /// The number of tokens at `at` that form a comparison operator; 0 for none.
    pub(super) fn comparison(&self, at: usize) -> usize {
        let text = self.get(at);
        let touches = |n: usize| (1..=n).all(|i| self.touches_previous(at + i));
        match self.kind(at) {
            Some(TokenKind::Punct) => {
                let (second, third) = (self.get(at + 1), self.get(at + 2));
                match (text, second) {
                    ("=" | "!", "=") if touches(1) => {
                        if third == "=" && touches(2) {
                            3
                        } else {
                            2
                        }
                    }
                    ("<", "=") if touches(1) && third == ">" && touches(2) => 3,
                    ("<" | ">", "=") if touches(1) => 2,
                    ("=", "~") | ("!", "~") if touches(1) => 2,
                    ("<", "<") | (">", ">") | ("-", ">") | ("=", ">") if touches(1) => 0,
                    ("<" | ">", _) => {
                        let arrow = at > 0
                            && self.touches_previous(at)
                            && matches!(self.get(at - 1), "-" | "=" | "<" | ">");
                        usize::from(!arrow && self.language != TokenLanguage::Java)
                    }
                    _ => 0,
                }
            }
            Some(TokenKind::Word) => match (self.language, text) {
                (TokenLanguage::Python, "not") if self.get(at + 1) == "in" => 2,
                (TokenLanguage::Python, "is") => {
                    if self.get(at + 1) == "not" {
                        2
                    } else {
                        1
                    }
                }
                (TokenLanguage::Python, "in") => 1,
                (TokenLanguage::Perl, "eq" | "ne" | "lt" | "gt" | "le" | "ge" | "cmp") => 1,
                (TokenLanguage::JavaScript | TokenLanguage::Php, "instanceof") => 1,
                _ => 0,
            },
            _ => 0,
        }
    }

    /// The number of tokens at `at` that form an operator between conditions; 0 for none.
    pub(super) fn conjunction(&self, at: usize) -> usize {
        match (self.kind(at), self.get(at)) {
            (Some(TokenKind::Punct), op @ ("&" | "|"))
                if self.get(at + 1) == op && self.touches_previous(at + 1) =>
            {
                2
            }
            (Some(TokenKind::Word), "and" | "or") if !self.language.is_compiled() => 1,
            _ => 0,
        }
    }

    /// Whether a range is a plain literal, not a value that the program computes.
    pub(super) fn is_literal(&self, range: &Range<usize>) -> bool {
        range.clone().all(|at| match self.kind(at) {
            Some(TokenKind::Word) => {
                matches!(
                    self.get(at),
                    "true"
                        | "false"
                        | "True"
                        | "False"
                        | "null"
                        | "None"
                        | "nil"
                        | "undefined"
                        | "NULL"
                        | "undef"
                        | "TRUE"
                        | "FALSE"
                        | "nullptr"
                ) || self.get(at + 1) == ":"
            }
            _ => true,
        })
    }
}
