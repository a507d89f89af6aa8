/*!
Rewrites a program's assertions so that they print the checked values: `assert total(3) == 300` prints the total, `if
(!ok(x)) throw …` prints `ok(x)` and never throws. Works on tokens; unrecognised code stays as it is.
*/

use std::ops::Range;

use super::operands::{ConditionOperands, is_assertion, prelude};
use super::region::{Region, RegionEdit};
use super::statement::StatementCode;
use super::token::{TokenKind, TokenLanguage};

const FAILS: [&str; 16] = [
    "throw", "raise", "die", "abort", "exit", "fail", "croak", "exitCode", "Fatal", "Fatalf", "Errorf",
    "panic", "Exit", "_exit", "errors", "failures",
];
/// The edits for a region that holds a program.
pub(super) fn program_edits(region: &Region) -> Vec<RegionEdit> {
    if matches!(
        region.language,
        TokenLanguage::Shell | TokenLanguage::Text | TokenLanguage::Data | TokenLanguage::Awk
    ) {
        return Vec::new();
    }
    let code = StatementCode::new(region.language, &region.text);
    let mut rewriter = ProgramRewriter {
        code: &code,
        operands: ConditionOperands { code: &code },
        region,
        edits: Vec::new(),
        done: 0,
    };
    for at in 0..code.tokens.len() {
        if at >= rewriter.done && code.kind(at) == Some(TokenKind::Word) {
            rewriter.word(at);
        }
    }
    let mut edits = rewriter.edits;
    if edits.is_empty() {
        return edits;
    }
    if region.language == TokenLanguage::C {
        edits.extend(prelude(region));
    }
    if region.language == TokenLanguage::Go && !region.text.contains("\"fmt\"") {
        return Vec::new();
    }
    edits
}

pub(super) struct ProgramRewriter<'a> {
    pub(super) code: &'a StatementCode<'a>,
    pub(super) operands: ConditionOperands<'a>,
    region: &'a Region,
    edits: Vec<RegionEdit>,
    /// Tokens before this one are rewritten already.
    done: usize,
}

impl ProgramRewriter<'_> {
    pub(super) fn language(&self) -> TokenLanguage {
        self.code.language
    }

    pub(super) fn replace(&mut self, range: Range<usize>, text: &str) {
        let span = self.code.span(&range);
        if let Some(edit) = self.region.edit(&span, text, None) {
            self.edits.push(edit);
            self.done = range.end;
        }
    }

    fn word(&mut self, at: usize) {
        let code = self.code;
        let word = code.get(at);
        let member = at > 0 && matches!(code.get(at - 1), "." | ">" | ":") && code.touches_previous(at);
        match word {
            "assert" if self.language() == TokenLanguage::Python && !member => self.python_assert(at),
            "if" | "elif" | "unless" if !member => self.condition(at),
            "catch" if matches!(self.language(), TokenLanguage::JavaScript | TokenLanguage::Java) => {
                self.catch(at)
            }
            "return" if self.language() == TokenLanguage::C => self.main_return(at),
            "exit" | "Exit" => self.exit(at),
            "expect" if !member && code.is_punct(at + 1, "(") => self.expectation(at),
            "die" | "abort" | "raise" | "fail" | "croak"
                if matches!(self.language(), TokenLanguage::Ruby | TokenLanguage::Perl) =>
            {
                self.postfix(at);
            }
            _ if is_assertion(
                self.language(),
                word,
                at.checked_sub(2).map_or("", |base| if member { code.get(base) } else { "" }),
            ) =>
            {
                self.assertion(at);
            }
            _ => self.bare_call(at),
        }
    }

    fn python_assert(&mut self, at: usize) {
        let end = self.code.statement_end(at + 1);
        let condition =
            self.code.split(&(at + 1..end), |at| usize::from(self.code.is_punct(at, ","))).into_iter().next();
        let text = condition.and_then(|condition| self.operands.print(&self.operands.find(&condition), None));
        if let Some(text) = text {
            self.replace(at..end, &text);
        }
    }

    fn fails(&self, mut body: Range<usize>) -> bool {
        let code = self.code;
        body.any(|at| {
            let word = code.get(at);
            FAILS.contains(&word)
                || (word == "return"
                    && code.kind(at + 1) == Some(TokenKind::Number)
                    && code.get(at + 1) != "0")
        })
    }

    fn condition(&mut self, at: usize) {
        let code = self.code;
        let (condition, body) = match self.language() {
            TokenLanguage::JavaScript
            | TokenLanguage::Php
            | TokenLanguage::C
            | TokenLanguage::Java
            | TokenLanguage::Perl => {
                let Some(close) = code.close(at + 1).filter(|_| code.is_punct(at + 1, "(")) else { return };
                let end = if code.is_punct(close + 1, "{") {
                    code.close(close + 1).unwrap_or(close + 1)
                } else {
                    let from =
                        if code.kind(close + 1) == Some(TokenKind::Newline) { close + 2 } else { close + 1 };
                    code.statement_end(from)
                };
                (at + 2..close, close + 1..end)
            }
            TokenLanguage::Go | TokenLanguage::Rust => {
                let Some(open) = (at + 1..code.tokens.len().min(at + 200)).find(|i| code.is_punct(*i, "{"))
                else {
                    return;
                };
                let parts = code.split(&(at + 1..open), |at| usize::from(code.is_punct(at, ";")));
                let Some(condition) = parts.last().cloned() else { return };
                (condition, open..code.close(open).unwrap_or(open))
            }
            TokenLanguage::Python => {
                let Some(colon) = code
                    .split(&(at + 1..code.tokens.len()), |i| usize::from(code.is_punct(i, ":")))
                    .first()
                    .map(|part| part.end)
                else {
                    return;
                };
                let line = code.statement_end(if code.kind(colon + 1) == Some(TokenKind::Newline) {
                    colon + 2
                } else {
                    colon + 1
                });
                (at + 1..colon, colon + 1..code.statement_end(line + 1).max(line))
            }
            TokenLanguage::Ruby => {
                if code.statement_start(at) != at {
                    return;
                }
                let end = (at + 1..code.tokens.len()).find(|i| {
                    code.kind(*i) == Some(TokenKind::Newline)
                        || code.is_punct(*i, ";")
                        || code.get(*i) == "then"
                });
                let Some(end) = end else { return };
                (at + 1..end, end + 1..code.statement_end(end + 1))
            }
            _ => return,
        };
        if !self.fails(body) {
            return;
        }
        let wanted = code.get(at) == "unless";
        if let Some(text) = self.operands.print(&self.operands.find(&condition), Some(wanted)) {
            self.replace(condition, &text);
        }
    }

    fn catch(&mut self, at: usize) {
        let code = self.code;
        let Some(close) = code.close(at + 1).filter(|_| code.is_punct(at + 1, "(")) else { return };
        let name = code.get(close - 1);
        let open = close + 1;
        if !code.is_punct(open, "{") || code.kind(close - 1) != Some(TokenKind::Word) {
            return;
        }
        let text = if self.language() == TokenLanguage::Java {
            format!("{{ System.out.println({name});")
        } else {
            format!("{{ console.log(String({name}));")
        };
        self.replace(open..open + 1, &text);
    }

    /// `return total(3) == 300 ? 0 : 1;` in C's main.
    fn main_return(&mut self, at: usize) {
        let code = self.code;
        let main = (0..at).rev().find(|i| code.get(*i) == "main" && code.is_punct(i + 1, "("));
        let inside = main
            .and_then(|main| code.close(main + 1))
            .filter(|close| code.is_punct(close + 1, "{"))
            .and_then(|close| code.close(close + 1))
            .is_some_and(|end| end > at);
        let end = code.statement_end(at + 1);
        let value = at + 1..end;
        let condition = code
            .split(&value, |i| usize::from(code.is_punct(i, "?")))
            .into_iter()
            .next()
            .unwrap_or(value.clone());
        let judges = !code.is_literal(&value)
            && (code.is_punct(at + 1, "!")
                || code
                    .split(&self.operands.unwrapped(condition.clone()), |i| {
                        code.comparison(i).max(code.conjunction(i))
                    })
                    .len()
                    > 1);
        if inside
            && judges
            && let Some(text) = self.operands.print(&self.operands.find(&condition), Some(false))
        {
            self.replace(value, &text);
        }
    }

    /// `exit(x == 3 ? 0 : 1)`, `sys.exit(0 if x else 1)`, `exit 1 unless x`.
    fn exit(&mut self, at: usize) {
        let code = self.code;
        let start = self.base(at);
        if !code.is_punct(at + 1, "(") {
            if matches!(self.language(), TokenLanguage::Ruby | TokenLanguage::Perl) {
                self.postfix(at);
            }
            return;
        }
        let Some(close) = code.close(at + 1) else { return };
        if matches!(self.language(), TokenLanguage::Ruby | TokenLanguage::Perl) && self.postfix(at) {
            return;
        }
        let value = code.trim(at + 2..close);
        if value.is_empty() || code.is_literal(&value) {
            return;
        }
        let condition = if self.language() == TokenLanguage::Python {
            let parts = code.split(&value, |i| {
                usize::from(matches!(code.get(i), "if" | "else") && code.kind(i) == Some(TokenKind::Word))
            });
            parts.get(1).cloned().unwrap_or(value)
        } else {
            code.split(&value, |i| usize::from(code.is_punct(i, "?"))).into_iter().next().unwrap_or(value)
        };
        if let Some(text) = self.operands.print(&self.operands.find(&condition), None) {
            self.replace(start..close + 1, &text);
        }
    }

    /// `abort("…") unless x`, `die "…" if x`; returns whether the statement has this form.
    fn postfix(&mut self, at: usize) -> bool {
        let code = self.code;
        let start = code.statement_start(at);
        let end = code.statement_end(at);
        let parts = code.split(&(start..end), |i| {
            usize::from(
                code.kind(i) == Some(TokenKind::Word) && matches!(code.get(i), "if" | "unless") && i > start,
            )
        });
        let condition = match parts.get(1) {
            Some(condition) if parts.len() == 2 => condition.clone(),
            _ => {
                // `x eq "3" or die "…"`, but not `open(…) or die`.
                let joined = code.split(&(start..end), |i| code.conjunction(i));
                let Some(first) = joined.first().filter(|_| joined.len() == 2) else { return false };
                let prepares = matches!(
                    code.get(first.start),
                    "open"
                        | "close"
                        | "opendir"
                        | "mkdir"
                        | "chdir"
                        | "eval"
                        | "require"
                        | "my"
                        | "local"
                        | "binmode"
                );
                let judges = code.split(first, |i| code.comparison(i)).len() > 1
                    || code.is_punct(first.start + 1, "(");
                if prepares || !judges || first.end >= at {
                    return false;
                }
                first.clone()
            }
        };
        let Some(text) = self.operands.print(&self.operands.find(&condition), None) else { return false };
        self.replace(start..end, &text);
        true
    }

    /// The start of the dotted name that ends at `at`.
    pub(super) fn base(&self, at: usize) -> usize {
        let mut start = at;
        while start >= 2
            && self.code.is_punct(start - 1, ".")
            && self.code.kind(start - 2) == Some(TokenKind::Word)
        {
            start -= 2;
        }
        start
    }
}
