/*!
Parses a shell command into its simple commands, their words with their quoting, and the operators that join them.
Substitutions are parsed as commands of their own. This is not a full shell parser: it reads unknown constructs
(functions, `case`) as plain commands, and positions always refer to the original text.
*/

use std::ops::Range;

use super::decode::decode_pieces;
use super::literal::QuotingLayer;
use super::token::MAX_TEXT;

/// A part of a word with one kind of quoting, without the quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WordPiece {
    pub(super) raw: Range<usize>,
    pub(super) quoting: QuotingLayer,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ShellWord {
    pub(super) span: Range<usize>,
    pub(super) pieces: Vec<WordPiece>,
    /// Holds a `$…` or a backtick that the shell replaces.
    pub(super) expands: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CommandJoint {
    Start,
    Pipe,
    And,
    Or,
    Sequence,
    Bracket,
    End,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Redirect {
    pub(super) span: Range<usize>,
    pub(super) operator: String,
    pub(super) target: ShellWord,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HereDocument {
    pub(super) body: Range<usize>,
    pub(super) quoted: bool,
}

/// One simple command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SimpleCommand {
    /// From its first word to the end of its last word or redirection.
    pub(super) span: Range<usize>,
    /// `if`, `while` and the like right before it.
    pub(super) keyword: Option<&'static str>,
    /// The `!` before it.
    pub(super) negation: Option<Range<usize>>,
    pub(super) assignments: Vec<ShellWord>,
    pub(super) words: Vec<ShellWord>,
    pub(super) redirects: Vec<Redirect>,
    pub(super) documents: Vec<HereDocument>,
    pub(super) before: (CommandJoint, Range<usize>),
    pub(super) after: (CommandJoint, Range<usize>),
    pub(super) depth: usize,
}

const MAX_DEPTH: usize = 8;
const MAX_STAGES: usize = 400;
const KEYWORDS: [&str; 13] =
    ["if", "elif", "while", "until", "then", "else", "do", "fi", "done", "esac", "{", "}", "!"];

struct Parser<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    stages: Vec<SimpleCommand>,
    waiting: Vec<(usize, String, bool, bool)>,
    depth: usize,
}

/// The simple commands of `text`, in order of their start; those of substitutions included.
pub(super) fn parse_shell(text: &str) -> Vec<SimpleCommand> {
    if text.len() > MAX_TEXT {
        return Vec::new();
    }
    let mut parser =
        Parser { text, bytes: text.as_bytes(), at: 0, stages: Vec::new(), waiting: Vec::new(), depth: 0 };
    while parser.at < parser.bytes.len() {
        let from = parser.at;
        parser.list();
        parser.at = parser.at.max(from + 1);
    }
    parser.stages.sort_by_key(|stage| (stage.span.start, stage.depth));
    parser.stages
}

impl ShellWord {
    pub(super) fn value(&self, text: &str) -> String {
        decode_pieces(text, &self.pieces).text
    }
}

impl Parser<'_> {
    fn byte(&self, i: usize) -> u8 {
        self.bytes.get(i).copied().unwrap_or(0)
    }

    fn starts(&self, what: &str) -> bool {
        self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(what.as_bytes()))
    }

    /// Reads commands up to the end or an unmatched `)`.
    fn list(&mut self) {
        let mut before = (CommandJoint::Start, self.at..self.at);
        while self.at < self.bytes.len() && self.stages.len() < MAX_STAGES {
            let from = self.at;
            let stage = self.simple(&before);
            let joint = self.joint();
            let closed = joint.0 == CommandJoint::End && self.byte(self.at) == b')';
            if let Some(mut stage) = stage {
                stage.after = joint.clone();
                self.stages.push(stage);
            }
            if closed {
                if self.depth > 0 {
                    return;
                }
                self.at += 1;
            }
            before = joint;
            if self.at == from {
                self.at += 1;
            }
        }
        self.at = self.bytes.len().min(self.at.max(if self.stages.len() >= MAX_STAGES {
            self.bytes.len()
        } else {
            0
        }));
    }

    fn blanks(&mut self) {
        loop {
            match self.byte(self.at) {
                b' ' | b'\t' | b'\r' => self.at += 1,
                b'\\' if self.byte(self.at + 1) == b'\n' => self.at += 2,
                b'#' if self.at == 0
                    || self.byte(self.at - 1).is_ascii_whitespace()
                    || self.byte(self.at - 1) == b';' =>
                {
                    while self.at < self.bytes.len() && self.byte(self.at) != b'\n' {
                        self.at += 1;
                    }
                }
                _ => return,
            }
        }
    }

    fn joint(&mut self) -> (CommandJoint, Range<usize>) {
        self.blanks();
        let from = self.at;
        let (joint, width) = if self.at >= self.bytes.len() || self.byte(self.at) == b')' {
            (CommandJoint::End, 0)
        } else if self.starts("&&") {
            (CommandJoint::And, 2)
        } else if self.starts("||") {
            (CommandJoint::Or, 2)
        } else if self.starts("|&") {
            (CommandJoint::Pipe, 2)
        } else if self.starts(";;") {
            (CommandJoint::Sequence, 2)
        } else {
            match self.byte(self.at) {
                b'|' => (CommandJoint::Pipe, 1),
                b'(' => (CommandJoint::Bracket, 1),
                _ => (CommandJoint::Sequence, 1),
            }
        };
        let newline = self.byte(self.at) == b'\n';
        self.at += width;
        if newline {
            self.documents();
        }
        // A line may end after an operator.
        if matches!(joint, CommandJoint::And | CommandJoint::Or | CommandJoint::Pipe) {
            self.blanks();
            while self.byte(self.at) == b'\n' {
                self.at += 1;
                self.documents();
                self.blanks();
            }
        }
        (joint, from..from + width)
    }

    fn documents(&mut self) {
        for (start, end_word, quoted, tabs) in std::mem::take(&mut self.waiting) {
            let from = self.at;
            let body_end;
            let mut line_start = from;
            loop {
                let rest = self.text.get(line_start..).unwrap_or_default();
                let line = rest.split('\n').next().unwrap_or_default();
                let compared = if tabs { line.trim_start_matches('\t') } else { line };
                let next = line_start + line.len() + 1;
                if compared.trim_end_matches('\r') == end_word || next > self.bytes.len() {
                    body_end = line_start.min(self.bytes.len());
                    self.at = next.min(self.bytes.len());
                    break;
                }
                line_start = next;
            }
            let document = HereDocument { body: from..body_end.max(from), quoted };
            if let Some(stage) = self.stages.iter_mut().rev().find(|stage| stage.span.contains(&start)) {
                stage.documents.push(document);
            }
        }
    }

    fn simple(&mut self, before: &(CommandJoint, Range<usize>)) -> Option<SimpleCommand> {
        let mut stage = SimpleCommand {
            span: 0..0,
            keyword: None,
            negation: None,
            assignments: Vec::new(),
            words: Vec::new(),
            redirects: Vec::new(),
            documents: Vec::new(),
            before: before.clone(),
            after: (CommandJoint::End, 0..0),
            depth: self.depth,
        };
        let mut first = None;
        let mut end = self.at;
        loop {
            self.blanks();
            let from = self.at;
            match self.byte(self.at) {
                0 | b'\n' | b';' | b'|' | b'(' | b')' => break,
                b'&' if self.byte(self.at + 1) != b'>' => break,
                b'<' | b'>' | b'&' => {
                    let operator = self.operator();
                    self.blanks();
                    let target = self.word();
                    end = self.at;
                    if operator == "<<" || operator == "<<-" {
                        let quoted =
                            target.pieces.iter().any(|piece| piece.quoting != QuotingLayer::ShellBare);
                        self.waiting.push((from, target.value(self.text), quoted, operator == "<<-"));
                    }
                    first.get_or_insert(from);
                    stage.redirects.push(Redirect { span: from..end, operator, target });
                    continue;
                }
                _ => {}
            }
            let word = self.word();
            if word.span.is_empty() {
                break;
            }
            let text = self.text.get(word.span.clone()).unwrap_or_default();
            if stage.words.is_empty() {
                if text == "!" {
                    stage.negation = Some(word.span.clone());
                    continue;
                }
                if stage.assignments.is_empty()
                    && let Some(keyword) = KEYWORDS.iter().find(|keyword| **keyword == text)
                {
                    stage.keyword = Some(keyword);
                    continue;
                }
                if is_assignment(text) {
                    first.get_or_insert(word.span.start);
                    end = word.span.end;
                    stage.assignments.push(word);
                    continue;
                }
            }
            if text.bytes().all(|b| b.is_ascii_digit()) && matches!(self.byte(self.at), b'<' | b'>') {
                first.get_or_insert(word.span.start);
                continue;
            }
            first.get_or_insert(word.span.start);
            end = word.span.end;
            stage.words.push(word);
        }
        stage.span = first?..end;
        Some(stage)
    }

    fn operator(&mut self) -> String {
        const OPERATORS: [&str; 12] =
            ["<<<", "<<-", "&>>", "<<", ">>", ">&", "<&", "&>", ">|", "<>", "<", ">"];
        for operator in OPERATORS {
            if self.starts(operator) {
                self.at += operator.len();
                return operator.to_owned();
            }
        }
        self.at += 1;
        String::new()
    }

    fn word(&mut self) -> ShellWord {
        let start = self.at;
        let mut word = ShellWord { span: start..start, ..ShellWord::default() };
        let mut bare = self.at;
        let flush = |word: &mut ShellWord, from: usize, to: usize| {
            if from < to {
                word.pieces.push(WordPiece { raw: from..to, quoting: QuotingLayer::ShellBare });
            }
        };
        while self.at < self.bytes.len() {
            match self.byte(self.at) {
                b' ' | b'\t' | b'\r' | b'\n' | b';' | b'|' | b'&' | b'(' | b')' | b'<' | b'>' => break,
                b'\\' => self.at += 2,
                b'\'' => {
                    flush(&mut word, bare, self.at);
                    let from = self.at + 1;
                    let ends = self.bytes.get(from..).and_then(|rest| rest.iter().position(|b| *b == b'\''));
                    let to = ends.map_or(self.bytes.len(), |at| from + at);
                    word.pieces.push(WordPiece { raw: from..to, quoting: QuotingLayer::ShellSingle });
                    self.at = to + 1;
                    bare = self.at;
                }
                b'"' => {
                    flush(&mut word, bare, self.at);
                    let from = self.at + 1;
                    self.at = from;
                    while self.at < self.bytes.len() && self.byte(self.at) != b'"' {
                        match self.byte(self.at) {
                            b'\\' => self.at += 2,
                            b'$' | b'`' => word.expands |= self.expansion(),
                            _ => self.at += 1,
                        }
                    }
                    let to = self.at.min(self.bytes.len());
                    word.pieces.push(WordPiece { raw: from..to, quoting: QuotingLayer::ShellDouble });
                    self.at = to + 1;
                    bare = self.at;
                }
                b'$' if self.byte(self.at + 1) == b'\'' => {
                    flush(&mut word, bare, self.at);
                    let from = self.at + 2;
                    self.at = from;
                    while self.at < self.bytes.len() && self.byte(self.at) != b'\'' {
                        self.at += if self.byte(self.at) == b'\\' { 2 } else { 1 };
                    }
                    let to = self.at.min(self.bytes.len());
                    word.pieces.push(WordPiece { raw: from..to, quoting: QuotingLayer::ShellAnsi });
                    self.at = to + 1;
                    bare = self.at;
                }
                b'$' | b'`' => word.expands |= self.expansion(),
                _ => self.at += 1,
            }
        }
        self.at = self.at.min(self.bytes.len());
        while !self.text.is_char_boundary(self.at) {
            self.at += 1;
        }
        flush(&mut word, bare, self.at);
        word.span = start..self.at;
        word
    }

    /// Skips a `$…` or a backtick; returns whether the shell replaces it.
    fn expansion(&mut self) -> bool {
        if self.byte(self.at) == b'`' {
            let from = self.at + 1;
            let ends = self.bytes.get(from..).and_then(|rest| rest.iter().position(|b| *b == b'`'));
            self.at = ends.map_or(self.bytes.len(), |at| from + at + 1);
            return true;
        }
        match self.byte(self.at + 1) {
            b'(' if self.byte(self.at + 2) == b'(' => {
                let ends = self.text.get(self.at..).and_then(|rest| rest.find("))"));
                self.at = ends.map_or(self.bytes.len(), |at| self.at + at + 2);
                true
            }
            b'(' => {
                self.at += 2;
                if self.depth < MAX_DEPTH {
                    self.depth += 1;
                    let waiting = std::mem::take(&mut self.waiting);
                    self.list();
                    self.waiting = waiting;
                    self.depth -= 1;
                } else {
                    self.at = self.bytes.len();
                }
                self.at += 1;
                true
            }
            b'{' => {
                let ends = self.text.get(self.at..).and_then(|rest| rest.find('}'));
                self.at = ends.map_or(self.bytes.len(), |at| self.at + at + 1);
                true
            }
            next => {
                self.at += 1;
                next.is_ascii_alphanumeric() || matches!(next, b'_' | b'?' | b'@' | b'*' | b'#' | b'$' | b'!')
            }
        }
    }
}

fn is_assignment(text: &str) -> bool {
    text.split_once('=').is_some_and(|(name, _)| {
        let name = name.trim_end_matches('+');
        !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    })
}
