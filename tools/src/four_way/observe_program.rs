/*!
Rewrites what a program asserts so that it prints the values it looked at: `assert total(3) == 300` prints the total,
`if (!ok(x)) throw …` prints `ok(x)` and never throws. Works on tokens; what it does not recognise stays.
*/

use std::ops::Range;

use super::region::{Edit, Region, Root};
use super::statement::Code;
use super::token::{Language, TokenKind};

const FAILS: [&str; 16] = [
    "throw", "raise", "die", "abort", "exit", "fail", "croak", "exitCode", "Fatal", "Fatalf", "Errorf",
    "panic", "Exit", "_exit", "errors", "failures",
];
/// Methods that only say yes or no about what they are called on.
const JUDGES: [&str; 24] = [
    "includes",
    "startsWith",
    "endsWith",
    "contains",
    "include?",
    "start_with?",
    "end_with?",
    "match?",
    "startswith",
    "endswith",
    "empty?",
    "isEmpty",
    "nil?",
    "indexOf",
    "index",
    "test",
    "match",
    "size",
    "length",
    "count",
    "equals",
    "scan",
    "find",
    "search",
];
const JUDGING_FUNCTIONS: [&str; 24] = [
    "len",
    "strcmp",
    "strncmp",
    "strstr",
    "memcmp",
    "isinstance",
    "search",
    "match",
    "strpos",
    "str_contains",
    "count",
    "equals",
    "Contains",
    "DeepEqual",
    "length",
    "fullmatch",
    "preg_match",
    "index",
    "strlen",
    "bool",
    "all",
    "any",
    "Equal",
    "is_null",
];

/// The edits for a region that holds a program.
pub(super) fn program_edits(region: &Region) -> Vec<Edit> {
    if matches!(region.language, Language::Shell | Language::Text | Language::Data | Language::Awk) {
        return Vec::new();
    }
    let code = Code::new(region.language, &region.text);
    let mut rewriter = ProgramRewriter { code: &code, region, edits: Vec::new(), done: 0 };
    for at in 0..code.tokens.len() {
        if at >= rewriter.done && code.kind(at) == Some(TokenKind::Word) {
            rewriter.word(at);
        }
    }
    let mut edits = rewriter.edits;
    if edits.is_empty() {
        return edits;
    }
    if region.language == Language::C {
        edits.extend(prelude(region));
    }
    if region.language == Language::Go && !region.text.contains("\"fmt\"") {
        return Vec::new();
    }
    edits
}

/// Macros that print a value of any simple type in C.
fn prelude(region: &Region) -> Option<Edit> {
    let cpp = matches!(&region.root, Root::File(path) if !path.ends_with(".c") && !path.ends_with(".h"));
    let text = if cpp {
        "\n#include <iostream>\ntemplate <class T> static int mw_show(const T &x) { std::cout << x << std::endl; return 0; }\n"
    } else {
        "\n#include <stdio.h>\nstatic int mw_s(const char *x) { printf(\"%s\\n\", x ? x : \"(null)\"); return fflush(stdout); }\n\
         static int mw_d(double x) { printf(\"%g\\n\", x); return fflush(stdout); }\n\
         static int mw_i(long long x) { printf(\"%lld\\n\", x); return fflush(stdout); }\n\
         #define mw_show(x) _Generic((x), char *: mw_s, const char *: mw_s, double: mw_d, float: mw_d, default: mw_i)(x)\n"
    };
    let at = region.text.rfind("\n#include").map_or(0, |at| {
        let from = at + 1;
        region.text.get(from..).and_then(|rest| rest.find('\n')).map_or(region.text.len(), |end| from + end)
    });
    let at =
        if at == 0 && region.text.starts_with("#include") { region.text.find('\n').unwrap_or(0) } else { at };
    region.edit(&(at..at), text, None)
}

struct ProgramRewriter<'a> {
    code: &'a Code<'a>,
    region: &'a Region,
    edits: Vec<Edit>,
    /// Tokens before this one are rewritten already.
    done: usize,
}

impl ProgramRewriter<'_> {
    fn language(&self) -> Language {
        self.code.language
    }

    fn replace(&mut self, range: Range<usize>, text: &str) {
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
            "assert" if self.language() == Language::Python && !member => self.python_assert(at),
            "if" | "elif" | "unless" if !member => self.condition(at),
            "catch" if matches!(self.language(), Language::JavaScript | Language::Java) => self.catch(at),
            "return" if self.language() == Language::C => self.main_return(at),
            "exit" | "Exit" => self.exit(at),
            "expect" if !member && code.is_punct(at + 1, "(") => self.expectation(at),
            "die" | "abort" | "raise" | "fail" | "croak"
                if matches!(self.language(), Language::Ruby | Language::Perl) =>
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

    /// What a condition looks at: the operands that the program computes.
    fn operands(&self, range: &Range<usize>) -> Vec<Range<usize>> {
        let code = self.code;
        let parts = code.split(&code.trim(range.clone()), |at| code.conjunction(at));
        let mut found: Vec<Range<usize>> = Vec::new();
        for part in parts.into_iter().take(4) {
            let part = self.unwrapped(part);
            if code.split(&part, |at| code.conjunction(at)).len() > 1 {
                found.extend(self.operands(&part));
                continue;
            }
            for piece in code.split(&part, |at| code.comparison(at)) {
                let piece = self.unwrapped(piece);
                if !piece.is_empty() && !code.is_literal(&piece) {
                    found.extend(self.looked_at(&piece));
                }
            }
        }
        found.dedup_by(|a, b| code.slice(a) == code.slice(b));
        found.truncate(4);
        found
    }

    /// Without `!`, `not` and brackets around it.
    fn unwrapped(&self, range: Range<usize>) -> Range<usize> {
        let code = self.code;
        let mut range = code.trim(range);
        loop {
            if range.len() > 1 && (code.is_punct(range.start, "!") || code.get(range.start) == "not") {
                range.start += 1;
            } else if range.len() > 2
                && code.is_punct(range.start, "(")
                && code.close(range.start) == Some(range.end - 1)
            {
                range = code.trim(range.start + 1..range.end - 1);
            } else {
                return range;
            }
        }
    }

    /// `h.include?("x")` looks at `h`, `strcmp(a, "x")` at `a`, anything else at itself.
    fn looked_at(&self, range: &Range<usize>) -> Vec<Range<usize>> {
        let code = self.code;
        let dots =
            code.split(range, |at| usize::from(code.is_punct(at, ".") && JUDGES.contains(&code.get(at + 1))));
        if dots.len() > 1
            && let (Some(receiver), Some(rest)) = (dots.first(), dots.get(1))
        {
            let mut found = Vec::new();
            if !receiver.is_empty()
                && !code.is_literal(receiver)
                && code.kind(receiver.start) != Some(TokenKind::Regex)
            {
                found.push(receiver.clone());
            }
            if matches!(code.get(rest.start), "test" | "search" | "match" | "equals" | "fullmatch")
                && code.is_punct(rest.start + 1, "(")
            {
                found.extend(
                    code.arguments(rest.start + 1).into_iter().filter(|argument| !code.is_literal(argument)),
                );
            }
            if !found.is_empty() {
                return found;
            }
        }
        let named = (range.start..range.end).find(|at| code.is_punct(*at, "("));
        if let Some(open) = named
            && code.close(open) == Some(range.end - 1)
            && open > range.start
            && JUDGING_FUNCTIONS.contains(&code.get(open - 1))
        {
            let found: Vec<_> =
                code.arguments(open).into_iter().filter(|argument| !code.is_literal(argument)).collect();
            if !found.is_empty() {
                return found;
            }
        }
        vec![range.clone()]
    }

    /// An expression that prints values; as a condition it is `wanted`.
    fn print(&self, values: &[Range<usize>], wanted: Option<bool>) -> Option<String> {
        let texts: Vec<&str> =
            values.iter().map(|value| self.code.slice(value)).filter(|text| !text.is_empty()).collect();
        let first = texts.first()?;
        let joined = texts.join(", ");
        let said = match self.language() {
            Language::Python => {
                let values: Vec<String> = texts.iter().map(|text| format!("repr({text})")).collect();
                format!("print({})", values.join(", "))
            }
            Language::JavaScript if texts.len() == 1 => format!("console.dir({first}, {{depth: 9}})"),
            Language::JavaScript => format!("console.dir([{joined}], {{depth: 9}})"),
            Language::Ruby => format!("p(({}))", texts.join("), (")),
            Language::Perl => format!(
                "do {{ require Data::Dumper; print Data::Dumper->new([scalar({})])->Indent(0)->Terse(1)->Sortkeys(1)->Dump, \"\\n\" }}",
                texts.join("), scalar(")
            ),
            Language::Php => format!("print(var_export([{joined}], true) . \"\\n\")"),
            Language::C => format!("mw_show({})", texts.join("), mw_show(")),
            Language::Java => {
                format!("System.out.printf(\"%s%n\", \"\" + ({}))", texts.join(") + \" \" + ("))
            }
            Language::Go => format!("fmt.Printf(\"{}\\n\", {joined})", vec!["%#v"; texts.len()].join(" ")),
            Language::Rust => format!("println!(\"{}\", {joined})", vec!["{:?}"; texts.len()].join(" ")),
            _ => return None,
        };
        let Some(wanted) = wanted else { return Some(said) };
        Some(match (self.language(), wanted) {
            (Language::Python, true) => format!("{said} is None"),
            (Language::Python, false) => format!("{said} is not None"),
            (Language::JavaScript | Language::C, wanted) => format!("({said}, {})", u8::from(wanted)),
            (Language::Ruby, wanted) => format!("({said}; {wanted})"),
            (Language::Perl | Language::Php, true) => said,
            (Language::Perl | Language::Php, false) => format!("!{said}"),
            (Language::Java, true) => format!("{said} != null"),
            (Language::Java, false) => format!("{said} == null"),
            (Language::Go, wanted) => format!("func() bool {{ {said}; return {wanted} }}()"),
            (Language::Rust, wanted) => format!("{{ {said}; {wanted} }}"),
            _ => return None,
        })
    }

    fn python_assert(&mut self, at: usize) {
        let end = self.code.statement_end(at + 1);
        let condition =
            self.code.split(&(at + 1..end), |at| usize::from(self.code.is_punct(at, ","))).into_iter().next();
        let text = condition.and_then(|condition| self.print(&self.operands(&condition), None));
        if let Some(text) = text {
            self.replace(at..end, &text);
        }
    }

    fn fails(&self, body: Range<usize>) -> bool {
        let code = self.code;
        body.clone().any(|at| {
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
            Language::JavaScript | Language::Php | Language::C | Language::Java | Language::Perl => {
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
            Language::Go | Language::Rust => {
                let Some(open) = (at + 1..code.tokens.len().min(at + 200)).find(|i| code.is_punct(*i, "{"))
                else {
                    return;
                };
                let parts = code.split(&(at + 1..open), |at| usize::from(code.is_punct(at, ";")));
                let Some(condition) = parts.last().cloned() else { return };
                (condition, open..code.close(open).unwrap_or(open))
            }
            Language::Python => {
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
            Language::Ruby => {
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
        if let Some(text) = self.print(&self.operands(&condition), Some(wanted)) {
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
        let text = if self.language() == Language::Java {
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
                    .split(&self.unwrapped(condition.clone()), |i| {
                        code.comparison(i).max(code.conjunction(i))
                    })
                    .len()
                    > 1);
        if inside
            && judges
            && let Some(text) = self.print(&self.operands(&condition), Some(false))
        {
            self.replace(value, &text);
        }
    }

    /// `exit(x == 3 ? 0 : 1)`, `sys.exit(0 if x else 1)`, `exit 1 unless x`.
    fn exit(&mut self, at: usize) {
        let code = self.code;
        let start = self.base(at);
        if !code.is_punct(at + 1, "(") {
            if matches!(self.language(), Language::Ruby | Language::Perl) {
                self.postfix(at);
            }
            return;
        }
        let Some(close) = code.close(at + 1) else { return };
        if matches!(self.language(), Language::Ruby | Language::Perl) && self.postfix(at) {
            return;
        }
        let value = code.trim(at + 2..close);
        if value.is_empty() || code.is_literal(&value) {
            return;
        }
        let condition = if self.language() == Language::Python {
            let parts = code.split(&value, |i| {
                usize::from(matches!(code.get(i), "if" | "else") && code.kind(i) == Some(TokenKind::Word))
            });
            parts.get(1).cloned().unwrap_or(value)
        } else {
            code.split(&value, |i| usize::from(code.is_punct(i, "?"))).into_iter().next().unwrap_or(value)
        };
        if let Some(text) = self.print(&self.operands(&condition), None) {
            self.replace(start..close + 1, &text);
        }
    }

    /// `abort("…") unless x`, `die "…" if x`; whether it was one.
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
        let Some(text) = self.print(&self.operands(&condition), None) else { return false };
        self.replace(start..end, &text);
        true
    }

    /// Where a dotted name starts that ends at `at`.
    fn base(&self, at: usize) -> usize {
        let mut start = at;
        while start >= 2
            && self.code.is_punct(start - 1, ".")
            && self.code.kind(start - 2) == Some(TokenKind::Word)
        {
            start -= 2;
        }
        start
    }

    fn assertion(&mut self, at: usize) {
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
        if self.language() == Language::Rust && code.is_punct(open, "!") {
            open += 1;
        }
        let (arguments, end) = if code.is_punct(open, "(") {
            let Some(close) = code.close(open) else { return };
            (code.arguments(open), close + 1)
        } else if matches!(self.language(), Language::Ruby | Language::Perl) && code.statement_start(at) == at
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
                values.extend(self.operands(argument));
            }
        }
        if let Some(text) = self.print(&values, None) {
            self.replace(start..end, &text);
        }
    }

    /// `expect(x).toBe(3)`, `expect(x).to eq 3` → `x`.
    fn expectation(&mut self, at: usize) {
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
        if let Some(text) = self.print(&self.operands(&value), None) {
            self.replace(at..end, &text);
        }
    }

    /// A call whose value nobody looks at: it is printed.
    fn bare_call(&mut self, at: usize) {
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
            Language::Python | Language::JavaScript | Language::Ruby | Language::Perl | Language::Php
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
        if let Some(text) = self.print(std::slice::from_ref(&(at..end)), None) {
            self.replace(at..end, &text);
        }
    }
}

fn is_assertion(language: Language, word: &str, base: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    if ["throw", "raise", "warn", "reject", "nothing", "log"].iter().any(|part| lower.contains(part)) {
        return word == "doesNotThrow";
    }
    match language {
        Language::Perl => matches!(word, "is" | "ok" | "isnt" | "is_deeply" | "like" | "unlike" | "cmp_ok"),
        Language::Shell | Language::Awk | Language::Data | Language::Text => false,
        _ => {
            let method = matches!(
                word,
                "equal"
                    | "strictEqual"
                    | "deepEqual"
                    | "deepStrictEqual"
                    | "notEqual"
                    | "notStrictEqual"
                    | "ok"
                    | "is"
                    | "same"
                    | "true"
                    | "false"
                    | "deepLooseEqual"
                    | "Equal"
                    | "Equals"
                    | "True"
                    | "False"
                    | "not"
                    | "isTrue"
                    | "notDeepEqual"
                    | "AreEqual"
                    | "eq"
                    | "isDeeply"
            );
            let judge = matches!(base, "assert" | "t" | "Assert" | "test" | "require" | "expect");
            (method && judge)
                || (lower.starts_with("assert") && language != Language::Python)
                || (lower.starts_with("assert") && base == "self")
                || (language == Language::Ruby && lower.starts_with("refute"))
        }
    }
}
