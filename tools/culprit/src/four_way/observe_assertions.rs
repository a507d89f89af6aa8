/*!
Rewrites assertions and expectations of test libraries, and calls whose value is not used.
*/

use super::observe_program::ProgramRewriter;
use super::token::{TokenKind, TokenLanguage};

impl ProgramRewriter<'_> {
    pub(super) fn assertion(&mut self, at: usize) {
        let code = self.code;
        let start = self.base(at);
        let defines = start > 0
            && matches!(
                code.get(start - 1),
                "def" | "function" | "fn" | "func" | "sub" | "void" | "import" | "use" | "{" | "require"
            )
            && code.get(start - 1) != "{";
        if defines {
            return;
        }
        let mut open = at + 1;
        if self.language() == TokenLanguage::Rust && code.is_punct(open, "!") {
            open += 1;
        }
        let (arguments, end) = if code.is_punct(open, "(") {
            let Some(close) = code.close(open) else { return };
            (code.arguments(open), close + 1)
        } else if matches!(self.language(), TokenLanguage::Ruby | TokenLanguage::Perl)
            && code.statement_start(at) == at
        {
            let end = code.statement_end(at);
            (code.split(&(at + 1..end), |i| usize::from(code.is_punct(i, ","))), end)
        } else {
            return;
        };
        let whole = matches!(code.get(at), "doesNotThrow");
        let mut values = Vec::new();
        for argument in arguments.iter().take(2) {
            let function =
                code.slice(argument).contains("=>") || code.slice(argument).starts_with("function");
            if whole && function {
                let text = format!("console.dir(({})(), {{depth: 9}})", code.slice(argument));
                self.replace(start..end, &text);
                return;
            }
            if !code.is_literal(argument) && !function {
                values.extend(self.operands.find(argument));
            }
        }
        if let Some(text) = self.operands.print(&values, None) {
            self.replace(start..end, &text);
        }
    }

    /// `expect(x).toBe(3)`, `expect(x).to eq 3` → `x`.
    pub(super) fn expectation(&mut self, at: usize) {
        let code = self.code;
        let Some(close) = code.close(at + 1) else { return };
        let value = code.trim(at + 2..close);
        let end = code.statement_end(close);
        let rest = code.slice(&(close + 1..end));
        let calls = code.slice(&value).contains("=>") || code.slice(&value).starts_with("function");
        if calls
            || rest.contains("hrow")
            || rest.contains("rejects")
            || rest.contains("resolves")
            || !rest.starts_with('.')
        {
            return;
        }
        if let Some(text) = self.operands.print(&self.operands.find(&value), None) {
            self.replace(at..end, &text);
        }
    }

    /// Prints the value of a call that the program does not use.
    pub(super) fn bare_call(&mut self, at: usize) {
        const KEYWORDS: [&str; 62] = [
            "print",
            "puts",
            "p",
            "pp",
            "console",
            "require",
            "import",
            "from",
            "use",
            "describe",
            "it",
            "test",
            "before",
            "after",
            "beforeEach",
            "exit",
            "sys",
            "process",
            "return",
            "if",
            "for",
            "while",
            "def",
            "function",
            "class",
            "else",
            "const",
            "let",
            "var",
            "my",
            "our",
            "require_relative",
            "include",
            "echo",
            "printf",
            "say",
            "throw",
            "raise",
            "await",
            "with",
            "try",
            "except",
            "elif",
            "yield",
            "del",
            "new",
            "sub",
            "package",
            "unless",
            "foreach",
            "context",
            "load",
            "super",
            "warn",
            "eval",
            "var_dump",
            "setTimeout",
            "t",
            "self",
            "unittest",
            "pytest",
            "os",
        ];
        let code = self.code;
        if !matches!(
            self.language(),
            TokenLanguage::Python
                | TokenLanguage::JavaScript
                | TokenLanguage::Ruby
                | TokenLanguage::Perl
                | TokenLanguage::Php
        ) || code.statement_start(at) != at
            || KEYWORDS.contains(&code.get(at))
            || code.get(at).starts_with("assert")
        {
            return;
        }
        let end = code.statement_end(at);
        if end == at || !code.is_punct(end - 1, ")") || code.is_punct(end, "{") {
            return;
        }
        // Only a chain of names, members and calls.
        let mut i = at;
        let mut last_open = at;
        while i < end {
            match code.kind(i) {
                Some(TokenKind::Word) if i == at || matches!(code.get(i - 1), "." | ">" | ":") => i += 1,
                Some(TokenKind::Punct) => match code.get(i) {
                    "(" | "[" => {
                        last_open = i;
                        i = code.close(i).unwrap_or(end) + 1;
                    }
                    "." | ":" | "-" | ">" | "?" => i += 1,
                    _ => return,
                },
                _ => return,
            }
        }
        let arguments = code.slice(&(last_open..end));
        if arguments.contains("=>")
            || arguments.contains("function")
            || arguments.contains("lambda")
            || arguments.contains("sub {")
        {
            return;
        }
        if let Some(text) = self.operands.print(std::slice::from_ref(&(at..end)), None) {
            self.replace(at..end, &text);
        }
    }
}
