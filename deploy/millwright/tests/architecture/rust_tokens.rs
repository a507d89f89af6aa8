/*!
Splits Rust sources into words and signs, without comments. A string stays one token, so that its text is never read as a
path. This is enough to find paths and items, and does not parse the rest of the language.
*/

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RustToken {
    Word(String),
    Sign(char),
    /// A string literal with its content.
    Text(String),
    /// A number, a character or a lifetime.
    Other,
}

impl RustToken {
    pub(crate) fn is_word(&self, word: &str) -> bool {
        matches!(self, Self::Word(own) if own == word)
    }

    pub(crate) fn is_sign(&self, sign: char) -> bool {
        *self == Self::Sign(sign)
    }

    pub(crate) fn word(&self) -> Option<&str> {
        match self {
            Self::Word(word) => Some(word),
            _ => None,
        }
    }
}

/// The tokens of a source, each with its line, from 1.
pub(crate) fn tokens(text: &str) -> Vec<(RustToken, usize)> {
    let bytes: Vec<char> = text.chars().collect();
    let mut reader = TokenReader { chars: &bytes, at: 0, line: 1 };
    let mut out = Vec::new();
    while let Some(next) = reader.next_token() {
        out.push(next);
    }
    out
}

struct TokenReader<'t> {
    chars: &'t [char],
    at: usize,
    line: usize,
}

impl TokenReader<'_> {
    fn peek(&self, ahead: usize) -> char {
        self.chars.get(self.at + ahead).copied().unwrap_or('\0')
    }

    fn step(&mut self) -> char {
        let char = self.peek(0);
        self.at += 1;
        self.line += usize::from(char == '\n');
        char
    }

    fn next_token(&mut self) -> Option<(RustToken, usize)> {
        loop {
            let char = *self.chars.get(self.at)?;
            let line = self.line;
            let token = match char {
                _ if char.is_whitespace() => {
                    self.step();
                    continue;
                }
                '/' if self.peek(1) == '/' => {
                    while self.at < self.chars.len() && self.peek(0) != '\n' {
                        self.step();
                    }
                    continue;
                }
                '/' if self.peek(1) == '*' => {
                    self.skip_comment();
                    continue;
                }
                '"' => RustToken::Text(self.string()),
                '\'' => {
                    self.character_or_lifetime();
                    RustToken::Other
                }
                _ if char.is_alphabetic() || char == '_' => self.word_or_string(),
                _ if char.is_ascii_digit() => {
                    while self.peek(0).is_alphanumeric() || self.peek(0) == '_' {
                        self.step();
                    }
                    RustToken::Other
                }
                _ => RustToken::Sign(self.step()),
            };
            return Some((token, line));
        }
    }

    fn skip_comment(&mut self) {
        let mut depth = 0;
        while self.at < self.chars.len() {
            match (self.peek(0), self.peek(1)) {
                ('/', '*') => {
                    depth += 1;
                    self.step();
                }
                ('*', '/') => {
                    depth -= 1;
                    self.step();
                }
                _ => {}
            }
            self.step();
            if depth == 0 {
                return;
            }
        }
    }

    fn string(&mut self) -> String {
        let mut out = String::new();
        self.step();
        while self.at < self.chars.len() {
            match self.step() {
                '"' => break,
                '\\' => {
                    self.step();
                }
                char => out.push(char),
            }
        }
        out
    }

    fn raw_string(&mut self) -> String {
        let mut hashes = 0;
        while self.peek(0) == '#' {
            hashes += 1;
            self.step();
        }
        self.step();
        let mut out = String::new();
        while self.at < self.chars.len() {
            let char = self.step();
            if char == '"' && (0..hashes).all(|ahead| self.peek(ahead) == '#') {
                self.at += hashes;
                break;
            }
            out.push(char);
        }
        out
    }

    /// Reads `'a'` or `'\n'`. For a lifetime it skips only the quote, and the name is then read as a word.
    fn character_or_lifetime(&mut self) {
        self.step();
        if self.peek(0) == '\\' {
            self.step();
            self.step();
            while self.at < self.chars.len() && self.step() != '\'' {}
        } else if self.peek(1) == '\'' {
            self.step();
            self.step();
        } else {
            while self.peek(0).is_alphanumeric() || self.peek(0) == '_' {
                self.step();
            }
        }
    }

    fn word_or_string(&mut self) -> RustToken {
        let mut word = String::new();
        while self.peek(0).is_alphanumeric() || self.peek(0) == '_' {
            word.push(self.step());
        }
        let is_raw = matches!(word.as_str(), "r" | "br" | "cr");
        match self.peek(0) {
            '"' if is_raw => RustToken::Text(self.raw_string()),
            '"' if matches!(word.as_str(), "b" | "c") => RustToken::Text(self.string()),
            '#' if is_raw && matches!(self.peek(1), '#' | '"') => RustToken::Text(self.raw_string()),
            '\'' if word == "b" => {
                self.character_or_lifetime();
                RustToken::Other
            }
            _ => RustToken::Word(word),
        }
    }
}
