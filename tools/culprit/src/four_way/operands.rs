/*!
Finds the values that an assertion checks, and prints them in each language: the values that the program computes, not
the expected ones.
*/

use std::ops::Range;

use super::region::{Region, RegionEdit, RegionRoot};
use super::statement::StatementCode;
use super::token::{TokenKind, TokenLanguage};

/// Methods that only answer yes or no about the value they are called on.
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

/// Macros that print a value of any simple type in C.
pub(super) fn prelude(region: &Region) -> Option<RegionEdit> {
    let cpp =
        matches!(&region.root, RegionRoot::File(path) if !path.ends_with(".c") && !path.ends_with(".h"));
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

/// Maximum depth of nested conditions.
const MAX_DEPTH: usize = 20;

/// The values of a condition, and the text that prints them.
pub(super) struct ConditionOperands<'a> {
    pub(super) code: &'a StatementCode<'a>,
}

impl ConditionOperands<'_> {
    pub(super) fn find(&self, range: &Range<usize>) -> Vec<Range<usize>> {
        self.operands(range, 0)
    }

    /// The operands of a condition that the program computes.
    fn operands(&self, range: &Range<usize>, depth: usize) -> Vec<Range<usize>> {
        let code = self.code;
        let parts = code.split(&code.trim(range.clone()), |at| code.conjunction(at));
        let mut found: Vec<Range<usize>> = Vec::new();
        for part in parts.into_iter().take(4) {
            let part = self.unwrapped(part);
            if depth < MAX_DEPTH && code.split(&part, |at| code.conjunction(at)).len() > 1 {
                found.extend(self.operands(&part, depth + 1));
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
    pub(super) fn unwrapped(&self, range: Range<usize>) -> Range<usize> {
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

    /// An expression that prints values and evaluates to `wanted` as a condition.
    pub(super) fn print(&self, values: &[Range<usize>], wanted: Option<bool>) -> Option<String> {
        let texts: Vec<&str> =
            values.iter().map(|value| self.code.slice(value)).filter(|text| !text.is_empty()).collect();
        let first = texts.first()?;
        let joined = texts.join(", ");
        let said = match self.code.language {
            TokenLanguage::Python => {
                let values: Vec<String> = texts.iter().map(|text| format!("repr({text})")).collect();
                format!("print({})", values.join(", "))
            }
            TokenLanguage::JavaScript if texts.len() == 1 => format!("console.dir({first}, {{depth: 9}})"),
            TokenLanguage::JavaScript => format!("console.dir([{joined}], {{depth: 9}})"),
            TokenLanguage::Ruby => format!("p(({}))", texts.join("), (")),
            TokenLanguage::Perl => format!(
                "do {{ require Data::Dumper; print Data::Dumper->new([scalar({})])->Indent(0)->Terse(1)->Sortkeys(1)->Dump, \"\\n\" }}",
                texts.join("), scalar(")
            ),
            TokenLanguage::Php => format!("print(var_export([{joined}], true) . \"\\n\")"),
            TokenLanguage::C => format!("mw_show({})", texts.join("), mw_show(")),
            TokenLanguage::Java => {
                format!("System.out.printf(\"%s%n\", \"\" + ({}))", texts.join(") + \" \" + ("))
            }
            TokenLanguage::Go => {
                format!("fmt.Printf(\"{}\\n\", {joined})", vec!["%#v"; texts.len()].join(" "))
            }
            TokenLanguage::Rust => format!("println!(\"{}\", {joined})", vec!["{:?}"; texts.len()].join(" ")),
            _ => return None,
        };
        let Some(wanted) = wanted else { return Some(said) };
        Some(match (self.code.language, wanted) {
            (TokenLanguage::Python, true) => format!("{said} is None"),
            (TokenLanguage::Python, false) => format!("{said} is not None"),
            (TokenLanguage::JavaScript | TokenLanguage::C, wanted) => {
                format!("({said}, {})", u8::from(wanted))
            }
            (TokenLanguage::Ruby, wanted) => format!("({said}; {wanted})"),
            (TokenLanguage::Perl | TokenLanguage::Php, true) => said,
            (TokenLanguage::Perl | TokenLanguage::Php, false) => format!("!{said}"),
            (TokenLanguage::Java, true) => format!("{said} != null"),
            (TokenLanguage::Java, false) => format!("{said} == null"),
            (TokenLanguage::Go, wanted) => format!("func() bool {{ {said}; return {wanted} }}()"),
            (TokenLanguage::Rust, wanted) => format!("{{ {said}; {wanted} }}"),
            _ => return None,
        })
    }
}

pub(super) fn is_assertion(language: TokenLanguage, word: &str, base: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    if ["throw", "raise", "warn", "reject", "nothing", "log"].iter().any(|part| lower.contains(part)) {
        return word == "doesNotThrow";
    }
    match language {
        TokenLanguage::Perl => {
            matches!(word, "is" | "ok" | "isnt" | "is_deeply" | "like" | "unlike" | "cmp_ok")
        }
        TokenLanguage::Shell | TokenLanguage::Awk | TokenLanguage::Data | TokenLanguage::Text => false,
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
                || (lower.starts_with("assert") && language != TokenLanguage::Python)
                || (lower.starts_with("assert") && base == "self")
                || (language == TokenLanguage::Ruby && lower.starts_with("refute"))
        }
    }
}
