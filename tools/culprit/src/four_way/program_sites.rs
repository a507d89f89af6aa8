/*!
Finds sites inside programs: literals, flags, lists, maps and arguments.
*/

use super::literal::{QuotingLayer, decode_literal, takes_escapes};
use super::sites::{SiteFinder, SiteKind};
use super::statement::StatementCode;
use super::token::{TokenKind, TokenLanguage};
use super::types::InputChange;

impl SiteFinder<'_> {
    pub(super) fn program(&mut self) {
        let region = self.region;
        let code = StatementCode::new(region.language, &region.text);
        for at in 0..code.tokens.len() {
            match code.kind(at) {
                Some(TokenKind::String) => self.string(&code, at),
                Some(TokenKind::Number) => self.number(&code, at),
                Some(TokenKind::Word) => self.word(&code, at),
                Some(TokenKind::Punct) => self.bracket(&code, at),
                _ => {}
            }
        }
    }

    fn string(&mut self, code: &StatementCode<'_>, at: usize) {
        let Some(token) = code.tokens.get(at) else { return };
        let language = code.language;
        if is_message(code, at) {
            return;
        }
        let start = token.content.start;
        let mut quote_at = start.saturating_sub(1);
        let quote = code.text.as_bytes().get(quote_at).copied().unwrap_or(b'"');
        let triple = token.span.end - token.content.end == 3;
        if triple {
            quote_at = start.saturating_sub(3);
        }
        let prefix = code.text.get(token.span.start..quote_at).unwrap_or_default();
        let formatted = prefix.contains(['f', 'F', 'b', 'B']);
        let escapes = takes_escapes(language, prefix, quote);
        let content = code.text.get(token.content.clone()).unwrap_or_default();
        let Some(value) = decode_literal(content, language, quote, escapes) else { return };
        let character = quote == b'\''
            && matches!(
                language,
                TokenLanguage::C | TokenLanguage::Java | TokenLanguage::Go | TokenLanguage::Rust
            );
        if formatted && prefix.contains(['f', 'F']) || character || value.len() > 4_000 {
            return;
        }
        let inserted = self.inserted(&token.span).is_some();
        if inserted
            && value.trim().is_empty()
            && (language == TokenLanguage::Java || language == TokenLanguage::Perl)
        {
            return;
        }
        let key = code.is_punct(at + 1, ":") || (code.is_punct(at + 1, "=") && code.is_punct(at + 2, ">"));
        let argument = matches!(code.get(at.wrapping_sub(1)), "(" | ",") || inserted;
        let priority = if key { 5 } else { usize::from(!argument) };
        let quoting = QuotingLayer::Literal { language, quote, escapes };
        self.push(token.content.clone(), Some(quoting), value, SiteKind::Text, priority);
    }

    fn number(&mut self, code: &StatementCode<'_>, at: usize) {
        let value = code.get(at).to_owned();
        let before = code.get(at.wrapping_sub(1));
        let two_before = code.get(at.wrapping_sub(2));
        let ours = self.inserted(&code.span(&(at..at + 1))).is_some()
            && (two_before == "depth"
                || matches!(two_before, "Indent" | "Terse" | "Sortkeys")
                || (before == "," && two_before == ")" && code.get(at + 1) == ")"));
        let status = matches!(two_before, "exit" | "Exit" | "exitCode" | "_exit")
            || matches!(before, "exit" | "return" | "use" | "#")
            || (before == "=" && two_before == "exitCode");
        let planned = before == ">" && code.get(at.wrapping_sub(3)) == "tests";
        if ours || status || planned || value.parse::<f64>().is_err() {
            return;
        }
        let whole = code.language.is_compiled() && value.parse::<i64>().is_ok();
        let argument = matches!(before, "(" | "," | ":" | "=" | "[" | "{" | "-" | ">");
        let index = before == "[" && code.get(at + 1) == "]";
        let span = code.span(&(at..at + 1));
        self.push(
            span,
            None,
            value,
            SiteKind::Number { whole },
            if index { 4 } else { usize::from(!argument) },
        );
    }

    fn word(&mut self, code: &StatementCode<'_>, at: usize) {
        let word = code.get(at);
        let flipped = match word {
            "true" => "false",
            "false" => "true",
            "True" => "False",
            "False" => "True",
            _ => "",
        };
        if !flipped.is_empty() {
            let choices = vec![(InputChange::Boolean, flipped.to_owned())];
            self.push(code.span(&(at..at + 1)), None, word.to_owned(), SiteKind::Choice(choices), 1);
            return;
        }
        let ours = matches!(
            word,
            "new"
                | "Indent"
                | "Terse"
                | "Sortkeys"
                | "scalar"
                | "dir"
                | "repr"
                | "print"
                | "mw_show"
                | "p"
                | "printf"
                | "println"
                | "Printf"
        ) && self.inserted(&code.span(&(at..at + 1))).is_some();
        if code.is_punct(at + 1, "(")
            && !ours
            && !matches!(
                code.get(at.wrapping_sub(1)),
                "def" | "function" | "fn" | "func" | "sub" | "void" | "int"
            )
        {
            self.push(code.span(&(at..at + 1)), None, word.to_owned(), SiteKind::Call, 2);
        }
    }

    /// Varies lists, maps and arguments: one element removed, repeated, or in another order.
    fn bracket(&mut self, code: &StatementCode<'_>, at: usize) {
        let (open, before) = (code.get(at), code.get(at.wrapping_sub(1)));
        let dynamic = !code.language.is_compiled();
        let opens_value = at == 0
            || matches!(before, "(" | "," | "=" | "[" | ":" | ">" | "{" | "return")
            || code.kind(at.wrapping_sub(1)) == Some(TokenKind::Newline);
        let list = open == "[" && opens_value && (dynamic || code.language == TokenLanguage::Go);
        let map = open == "{"
            && opens_value
            && dynamic
            && code.language != TokenLanguage::Awk
            && before != ")"
            && before != "{";
        let call = open == "("
            && dynamic
            && code.kind(at.wrapping_sub(1)) == Some(TokenKind::Word)
            && !matches!(
                before,
                "if" | "for" | "while" | "function" | "switch" | "catch" | "scalar" | "repr" | "dir" | "join"
            );
        if !(list || map || call) {
            return;
        }
        let Some(close) = code.close(at) else { return };
        let parts = code.arguments(at);
        let span = code.span(&(at + 1..close));
        let ours = self.inserted(&span).is_some() && matches!(code.get(at + 1), "depth" | "scalar");
        if ours || parts.is_empty() || parts.len() > 40 || span.len() > 2_000 || is_message(code, at + 1) {
            return;
        }
        let inner = at + 1..close;
        if inner
            .clone()
            .any(|i| code.is_punct(i, ";") || matches!(code.get(i), "throw" | "function" | "return"))
        {
            return;
        }
        if map && !parts.iter().any(|part| code.slice(part).contains(':') || code.slice(part).contains("=>"))
        {
            return;
        }
        let texts: Vec<&str> = parts.iter().map(|part| code.slice(part)).collect();
        let join = |texts: &[&str]| texts.join(", ");
        let n = texts.len();
        let (first, last) =
            (texts.first().copied().unwrap_or_default(), texts.last().copied().unwrap_or_default());
        let mut choices: Vec<(InputChange, String)> = Vec::new();
        let mut offer = |change, text: String| {
            if text != join(&texts) && !choices.iter().any(|(_, known)| *known == text) {
                choices.push((change, text));
            }
        };
        if call {
            if n >= 2 && last.contains(|c: char| c.is_ascii_digit() || "'\"{[:".contains(c)) {
                offer(InputChange::Argument, join(texts.get(..n - 1).unwrap_or_default()));
                offer(InputChange::Swapped, join(&texts.iter().rev().copied().collect::<Vec<_>>()));
            }
        } else {
            offer(InputChange::Element, join(texts.get(..n - 1).unwrap_or_default()));
            if list {
                offer(InputChange::Element, join(&[texts.as_slice(), &[first]].concat()));
                offer(InputChange::Element, join(&texts.iter().rev().copied().collect::<Vec<_>>()));
            }
            offer(InputChange::Element, join(texts.get(1..).unwrap_or_default()));
            offer(InputChange::Empty, String::new());
        }
        if !choices.is_empty() {
            let value = code.slice(&inner).to_owned();
            self.push(span, None, value, SiteKind::Choice(choices), if call { 3 } else { 1 });
        }
    }
}

/// Whether a literal is a message, an import, or otherwise not an input.
fn is_message(code: &StatementCode<'_>, at: usize) -> bool {
    const SAID: [&str; 23] = [
        "print",
        "puts",
        "printf",
        "log",
        "error",
        "warn",
        "Error",
        "Exception",
        "println",
        "Println",
        "Printf",
        "require",
        "import",
        "from",
        "fprintf",
        "echo",
        "skip",
        "describe",
        "it",
        "include",
        "require_relative",
        "System",
        "say",
    ];
    const LEADING: [&str; 18] = [
        "throw",
        "raise",
        "die",
        "abort",
        "import",
        "from",
        "use",
        "require",
        "package",
        "fail",
        "module",
        "croak",
        "include",
        "no",
        "using",
        "namespace",
        "require_relative",
        "load",
    ];
    let before = code.get(at.wrapping_sub(1));
    let two_before = code.get(at.wrapping_sub(2));
    if SAID.contains(&before)
        || (before == "(" && SAID.contains(&two_before))
        || (before == "(" && (two_before.ends_with("Exception") || two_before.ends_with("Error")))
    {
        return true;
    }
    if before == "," && matches!(two_before, "stderr" | "STDERR") {
        return true;
    }
    let start = code.statement_start(at);
    if LEADING.contains(&code.get(start)) && code.get(start + 1) != "(" {
        return true;
    }
    let statement = code.slice(&(start..at));
    statement.len() < 400
        && [
            "sys.path",
            "LOAD_PATH",
            "$:",
            "#include",
            "throw new",
            "process.chdir",
            "__file__",
            "__dirname",
            "abort(",
            "createRequire",
        ]
        .iter()
        .any(|part| statement.contains(part))
}
