/*!
Values that the diffs of the culprit and of the fix suggest as inputs: their numbers (with both neighbours, the bounds
of a changed comparison), their strings, lines of changed texts, and the names of the functions they touch. A fix that
is wrong near the replay's input is most often wrong at a value that one of the diffs mentions.
*/

use std::collections::BTreeMap;

use millwright_git::unified_diff::{DiffLineKind, DiffParser};

use super::compared::compared;
use super::literal::{decode_literal, takes_escapes};
use super::statement::StatementCode;
use super::token::{TokenKind, TokenLanguage};

#[derive(Debug, Clone, Default)]
pub(super) struct ValueDictionary {
    pub(super) numbers: Vec<String>,
    pub(super) strings: Vec<String>,
    /// Lines of changed texts (fixtures, documents).
    pub(super) lines: Vec<String>,
    /// Functions that are changed, or defined in a changed place.
    pub(super) names: Vec<String>,
    /// Words that the changed files compare their input with, nearest to the changes first.
    pub(super) compared: Vec<String>,
    /// Long options near the changes, with `=` where they take a value.
    pub(super) options: Vec<String>,
}

const MAX_ENTRIES: usize = 24;
const MAX_LINES: usize = 3_000;

/// Builds the dictionary from the `diffs` of the culprit and the fix, and from the `programs` that they change.
pub(super) fn dictionary(diffs: &[String], programs: &BTreeMap<String, String>) -> ValueDictionary {
    let fix = diffs.last().map_or("", String::as_str);
    let mut found = ValueDictionary { compared: compared(fix, programs), ..ValueDictionary::default() };
    // The fix's diff first: a value that only the fix mentions is the likeliest place of an error.
    for diff in diffs.iter().rev().take(4) {
        let diff = DiffParser::default().max_lines(MAX_LINES).parse(diff);
        for file in &diff.files {
            let language = TokenLanguage::of_path(file.path()).unwrap_or(TokenLanguage::Data);
            for hunk in &file.hunks {
                found.definition(language, hunk.section);
                for line in &hunk.lines {
                    found.line(language, line.text(), line.kind != DiffLineKind::Context);
                }
            }
        }
    }
    found
}

fn push(list: &mut Vec<String>, value: &str) {
    if list.len() < MAX_ENTRIES && !list.iter().any(|known| known == value) {
        list.push(value.to_owned());
    }
}

impl ValueDictionary {
    fn line(&mut self, language: TokenLanguage, text: &str, is_changed: bool) {
        if language == TokenLanguage::Text {
            let text = text.trim_end();
            if is_changed && (2..160).contains(&text.len()) {
                push(&mut self.lines, text);
            }
            return;
        }
        if text.len() < 2000 {
            self.definition(language, text);
            self.long_options(text);
            if is_changed {
                self.literals(language, text);
                if language == TokenLanguage::Shell {
                    self.literals(TokenLanguage::Awk, text);
                }
            }
        }
    }

    fn literals(&mut self, language: TokenLanguage, text: &str) {
        let code = StatementCode::new(language, text);
        for (at, token) in code.tokens.iter().enumerate() {
            match token.kind {
                TokenKind::Number => {
                    let number = code.get(at).trim_end_matches(|c: char| c.is_ascii_alphabetic());
                    if number.len() < 12 && number.parse::<f64>().is_ok() {
                        push(&mut self.numbers, number);
                    }
                }
                TokenKind::String => {
                    let content = text.get(token.content.clone()).unwrap_or_default();
                    let start = token.content.start.saturating_sub(1);
                    let quote = text.as_bytes().get(start).copied().unwrap_or(b'"');
                    let prefix = text.get(token.span.start..start).unwrap_or_default();
                    let escapes = takes_escapes(language, prefix, quote);
                    if let Some(value) = decode_literal(content, language, quote, escapes)
                        && value.len() <= 60
                    {
                        push(&mut self.strings, &value);
                        if value.contains('[') {
                            self.characters(&value);
                        }
                    }
                }
                TokenKind::Regex => {
                    // Characters that a changed pattern names.
                    for c in code
                        .get(at)
                        .chars()
                        .filter(|c| !c.is_alphanumeric() && !"\\/[](){}^$.*+?|".contains(*c))
                    {
                        push(&mut self.strings, &c.to_string());
                    }
                }
                TokenKind::Word
                    if code.get(at).len() > 2
                        && (code.is_punct(at + 1, ":") || code.is_punct(at.wrapping_sub(1), ".")) =>
                {
                    // Keys and members, which are mostly names of options.
                    push(&mut self.strings, code.get(at));
                }
                _ => {}
            }
        }
    }

    fn long_options(&mut self, text: &str) {
        for (at, _) in text.match_indices("--") {
            let before = text.get(..at).and_then(|head| head.chars().next_back());
            let rest = text.get(at + 2..).unwrap_or_default();
            let name: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
            let starts = before.is_none_or(|c| !c.is_alphanumeric() && c != '-' && c != ')' && c != ']');
            if starts && name.len() > 1 && name.starts_with(|c: char| c.is_ascii_alphabetic()) {
                let takes_value = rest.get(name.len()..).is_some_and(|rest| rest.starts_with('='));
                push(&mut self.options, &format!("--{name}{}", if takes_value { "=" } else { "" }));
            }
        }
    }

    fn characters(&mut self, pattern: &str) {
        for c in pattern.chars().filter(|c| !c.is_alphanumeric() && !"\\/[](){}^$.*+?|".contains(*c)) {
            push(&mut self.strings, &c.to_string());
        }
    }

    fn definition(&mut self, language: TokenLanguage, text: &str) {
        const KEYWORDS: [&str; 12] = [
            "if", "for", "while", "switch", "catch", "return", "elif", "else", "foreach", "unless", "match",
            "with",
        ];
        if matches!(language, TokenLanguage::Data | TokenLanguage::Text) {
            return;
        }
        let code = StatementCode::new(language, text);
        let introduced = (0..code.tokens.len())
            .find(|at| matches!(code.get(*at), "def" | "function" | "func" | "fn" | "sub"));
        if let Some(at) = introduced {
            let mut name = at + 1;
            if code.get(name) == "self" {
                name += 2;
            }
            if code.kind(name) == Some(TokenKind::Word) {
                push(&mut self.names, code.get(name));
            } else if at >= 2 && code.is_punct(at - 1, "=") {
                push(&mut self.names, code.get(at - 2));
            }
            return;
        }
        let Some(open) = (0..code.tokens.len()).find(|at| code.is_punct(*at, "(")) else { return };
        let opens_body = text.trim_end().ends_with(['{', ')']) && !text.trim_start().starts_with(['.', '}']);
        let name = code.get(open.saturating_sub(1));
        let typed = open >= 2
            && code
                .kind(open - 2)
                .is_some_and(|kind| kind == TokenKind::Word || code.is_punct(open - 2, "*"));
        let method = open == 1
            && matches!(language, TokenLanguage::JavaScript | TokenLanguage::Shell)
            && text.trim_end().ends_with('{');
        let arrow = language == TokenLanguage::JavaScript
            && text.contains("=>")
            && open >= 2
            && code.is_punct(open - 1, "=");
        if arrow {
            push(&mut self.names, code.get(open - 2));
        } else if open > 0
            && opens_body
            && (typed || method)
            && !KEYWORDS.contains(&name)
            && !KEYWORDS.contains(&code.get(0))
        {
            push(&mut self.names, name);
        }
    }
}
