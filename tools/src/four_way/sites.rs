/*!
The places of a replay whose values can be varied: literals of programs, words and texts of the shell, options,
elements of lists, arguments. What only says something to a reader (messages of errors, labels, imports) is left out.
*/

use std::ops::Range;

use super::literal::{Quoting, decode_literal, takes_escapes};
use super::observe::Observable;
use super::observe_shell::PREPARING;
use super::region::{Region, regions};
use super::shell::{ShellWord, Stage, parse_shell};
use super::statement::Code;
use super::token::{Language, TokenKind};
use super::types::InputChange;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SiteKind {
    Text,
    /// Whether it has to stay a whole number.
    Number {
        whole: bool,
    },
    /// Replacements that are ready.
    Choice(Vec<(InputChange, String)>),
    /// A called function's name.
    Call,
}

#[derive(Debug, Clone)]
pub(super) struct Site {
    pub(super) region: usize,
    pub(super) span: Range<usize>,
    pub(super) quoting: Option<Quoting>,
    pub(super) value: String,
    pub(super) kind: SiteKind,
    /// 0 is varied first.
    pub(super) priority: usize,
}

const MAX_SITES: usize = 60;

/// All sites of a replay and the regions they are in.
pub(super) fn sites(observable: &Observable) -> (Vec<Region>, Vec<Site>) {
    let regions = regions(&observable.source);
    let mut found = Vec::new();
    for (number, region) in regions.iter().enumerate() {
        let mut finder = SiteFinder { region, number, observable, found: Vec::new() };
        match region.language {
            Language::Shell => finder.shell(),
            Language::Text => finder.text(),
            _ => finder.program(),
        }
        found.extend(finder.found);
    }
    found.sort_by_key(|site| site.priority);
    found.truncate(MAX_SITES);
    (regions, found)
}

struct SiteFinder<'a> {
    region: &'a Region,
    number: usize,
    observable: &'a Observable,
    found: Vec<Site>,
}

impl SiteFinder<'_> {
    fn push(
        &mut self,
        span: Range<usize>,
        quoting: Option<Quoting>,
        value: String,
        kind: SiteKind,
        priority: usize,
    ) {
        if self.found.len() < MAX_SITES {
            self.found.push(Site { region: self.number, span, quoting, value, kind, priority });
        }
    }

    /// The stretch that rewriting put in and that `span` is part of.
    fn inserted(&self, span: &Range<usize>) -> Option<Range<usize>> {
        let root = self.region.root_span(span)?;
        let stretches = self.observable.inserted.get(&self.region.root)?;
        stretches.iter().find(|stretch| stretch.start < root.end && root.start < stretch.end).cloned()
    }

    fn text(&mut self) {
        let text = &self.region.text;
        if text.trim().is_empty() || text.len() > 64 * 1024 {
            return;
        }
        let whole = 0..text.len();
        // The line end that a file or here-document ends with stays.
        let body = text.trim_end_matches('\n');
        let span = if text.len() > 1 && text.ends_with('\n') { 0..body.len() } else { whole };
        if body.len() <= 4_000 {
            let kind = if body.trim().parse::<i64>().is_ok() {
                SiteKind::Number { whole: true }
            } else {
                SiteKind::Text
            };
            self.push(span, None, body.to_owned(), kind, 0);
        }
        if text.contains('\n') || text.len() > 40 {
            let mut from = 0;
            for line in text.split('\n').take(8) {
                if line.len() > 1 && line.len() < 400 {
                    self.push(from..from + line.len(), None, line.to_owned(), SiteKind::Text, 4);
                }
                from += line.len() + 1;
            }
        }
        let code = Code::new(Language::Data, text);
        let numbers: Vec<usize> =
            (0..code.tokens.len()).filter(|at| code.kind(*at) == Some(TokenKind::Number)).take(5).collect();
        for at in numbers {
            let value = code.get(at).to_owned();
            if value.parse::<f64>().is_ok() {
                self.push(code.span(&(at..at + 1)), None, value, SiteKind::Number { whole: true }, 3);
            }
        }
    }

    fn shell(&mut self) {
        let stages = parse_shell(&self.region.text);
        for stage in &stages {
            if self.found.len() >= MAX_SITES {
                return;
            }
            for assignment in &stage.assignments {
                self.assignment(assignment);
            }
            for redirect in stage.redirects.iter().filter(|redirect| redirect.operator == "<<<") {
                self.shell_word(&redirect.target, 1);
            }
            self.arguments(stage);
        }
    }

    fn assignment(&mut self, word: &ShellWord) {
        let text = &self.region.text;
        let Some((name, _)) = text.get(word.span.clone()).and_then(|raw| raw.split_once('=')) else { return };
        if word.expands || self.inserted(&word.span).is_some() {
            return;
        }
        let value = word.value(text);
        let value = value.get(name.len() + 1..).unwrap_or_default().to_owned();
        if super::region::is_varied_variable(name, &value) {
            let span = word.span.start + name.len() + 1..word.span.end;
            let kind =
                if value.parse::<i64>().is_ok() { SiteKind::Number { whole: true } } else { SiteKind::Text };
            if !span.is_empty() {
                self.push(span, Some(Quoting::ShellBare), value, kind, 3);
            }
        }
    }

    fn arguments(&mut self, stage: &Stage) {
        const SILENT: [&str; 24] = [
            "[", "[[", "test", "echo", "printf", "exit", "return", "true", "false", "sleep", "case", "for",
            "in", "cat", "grep", "egrep", "fgrep", "diff", "cmp", "local", "function", "tee", "kill", "wait",
        ];
        let values: Vec<String> = stage.words.iter().map(|word| word.value(&self.region.text)).collect();
        let wrappers = values
            .iter()
            .take_while(|word| matches!(word.as_str(), "env" | "exec" | "time" | "command"))
            .count();
        let Some(name) = values.get(wrappers) else { return };
        let own = name.rsplit('/').next().unwrap_or(name);
        if SILENT.contains(&own)
            || PREPARING.contains(&own)
            || matches!(own, "pytest" | "go" | "jest" | "timeout" | "java")
        {
            return;
        }
        let mut first = wrappers + 1;
        if let Some(language) = Language::of_interpreter(name) {
            let program = values.iter().skip(first).position(|word| {
                matches!(word.as_str(), "-e" | "-c" | "-r" | "-p" | "-E" | "-m" | "-ne" | "-pe")
                    && language != Language::Awk
            });
            let script = values.iter().skip(first).position(|word| !word.starts_with('-'));
            first += match (program, script) {
                (Some(program), _) => program + 2,
                (None, Some(script)) => script + 1,
                (None, None) => values.len(),
            };
        }
        let curl = matches!(own, "curl" | "wget" | "http");
        for (word, value) in stage.words.iter().zip(&values).skip(first) {
            if word.expands || self.inserted(&word.span).is_some() {
                continue;
            }
            if curl && value.starts_with("http") {
                let choices = url_neighbours(value);
                self.push(
                    word.span.clone(),
                    Some(Quoting::ShellBare),
                    value.clone(),
                    SiteKind::Choice(choices),
                    0,
                );
            } else if value.starts_with('-') && value.len() > 1 && value.parse::<f64>().is_err() {
                self.option(word, value);
            } else if !is_path(value, &self.observable.source.files) {
                self.shell_word(word, 0);
            }
        }
    }

    fn option(&mut self, word: &ShellWord, value: &str) {
        let mut choices = vec![(InputChange::Argument, String::new())];
        if let Some((name, set)) = value.split_once('=') {
            let dictionary = super::dictionary::Dictionary::default();
            let near = match set.parse::<f64>() {
                Ok(_) => super::mutate::number_mutations(set, &dictionary, true),
                Err(_) => super::mutate::text_mutations(set, &[], &dictionary),
            };
            choices.extend(near.into_iter().take(5).map(|(change, set)| (change, format!("{name}={set}"))));
        } else if let Some(name) = value.strip_prefix("--no-") {
            choices.push((InputChange::Boolean, format!("--{name}")));
        }
        self.push(
            word.span.clone(),
            Some(Quoting::ShellBare),
            value.to_owned(),
            SiteKind::Choice(choices),
            2,
        );
    }

    fn shell_word(&mut self, word: &ShellWord, priority: usize) {
        let value = word.value(&self.region.text);
        if word.expands || word.span.is_empty() {
            return;
        }
        let kind = if value.parse::<f64>().is_ok() {
            SiteKind::Number { whole: value.parse::<i64>().is_ok() }
        } else {
            SiteKind::Text
        };
        self.push(word.span.clone(), Some(Quoting::ShellBare), value, kind, priority);
    }

    fn program(&mut self) {
        let region = self.region;
        let code = Code::new(region.language, &region.text);
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

    fn string(&mut self, code: &Code<'_>, at: usize) {
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
            && matches!(language, Language::C | Language::Java | Language::Go | Language::Rust);
        if formatted && prefix.contains(['f', 'F']) || character || value.len() > 4_000 {
            return;
        }
        let inserted = self.inserted(&token.span).is_some();
        if inserted && value.trim().is_empty() && (language == Language::Java || language == Language::Perl) {
            return;
        }
        let key = code.is_punct(at + 1, ":") || (code.is_punct(at + 1, "=") && code.is_punct(at + 2, ">"));
        let argument = matches!(code.get(at.wrapping_sub(1)), "(" | ",") || inserted;
        let priority = if key { 5 } else { usize::from(!argument) };
        let quoting = Quoting::Literal { language, quote, escapes };
        self.push(token.content.clone(), Some(quoting), value, SiteKind::Text, priority);
    }

    fn number(&mut self, code: &Code<'_>, at: usize) {
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
        if ours || status || value.parse::<f64>().is_err() {
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

    fn word(&mut self, code: &Code<'_>, at: usize) {
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
        if code.is_punct(at + 1, "(")
            && !matches!(
                code.get(at.wrapping_sub(1)),
                "def" | "function" | "fn" | "func" | "sub" | "void" | "int"
            )
        {
            self.push(code.span(&(at..at + 1)), None, word.to_owned(), SiteKind::Call, 2);
        }
    }

    /// Lists, maps and arguments with an element less, twice, or in another order.
    fn bracket(&mut self, code: &Code<'_>, at: usize) {
        let (open, before) = (code.get(at), code.get(at.wrapping_sub(1)));
        let dynamic = !code.language.is_compiled();
        let opens_value = at == 0
            || matches!(before, "(" | "," | "=" | "[" | ":" | ">" | "{" | "return")
            || code.kind(at.wrapping_sub(1)) == Some(TokenKind::Newline);
        let list = open == "[" && opens_value && (dynamic || code.language == Language::Go);
        let map = open == "{"
            && opens_value
            && dynamic
            && code.language != Language::Awk
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
        if parts.is_empty() || parts.len() > 40 || span.len() > 2_000 || is_message(code, at + 1) {
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

/// Whether a literal is said to a reader, imported, or otherwise no input.
fn is_message(code: &Code<'_>, at: usize) -> bool {
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

fn is_path(value: &str, files: &std::collections::BTreeMap<String, super::types::InputFile>) -> bool {
    let trimmed = value.strip_prefix("./").unwrap_or(value);
    files.contains_key(trimmed)
        || value.starts_with("./")
        || value.starts_with("/tmp/")
        || (!value.contains(char::is_whitespace) && Language::of_path(value).is_some())
}

/// Neighbours of a URL: its query values and the last parts of its path.
fn url_neighbours(url: &str) -> Vec<(InputChange, String)> {
    let dictionary = super::dictionary::Dictionary::default();
    let near = |value: &str| match value.parse::<i64>() {
        Ok(_) => super::mutate::number_mutations(value, &dictionary, true),
        Err(_) => super::mutate::text_mutations(value, &[], &dictionary),
    };
    let url_safe =
        |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.~%+,|:;@!*".contains(&b));
    let mut found = Vec::new();
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let pairs: Vec<&str> = query.split('&').filter(|pair| !pair.is_empty()).collect();
    for (at, pair) in pairs.iter().enumerate() {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let mut with = |change, text: Option<String>| {
            let mut changed: Vec<String> = pairs.iter().map(|pair| (*pair).to_owned()).collect();
            match text {
                Some(text) => {
                    if let Some(slot) = changed.get_mut(at) {
                        *slot = format!("{name}={text}");
                    }
                }
                None => {
                    changed.remove(at);
                }
            }
            let mark = if changed.is_empty() { "" } else { "?" };
            found.push((change, format!("{path}{mark}{}", changed.join("&"))));
        };
        for (change, text) in near(value).into_iter().filter(|(_, text)| url_safe(text)).take(6) {
            with(change, Some(text));
        }
        with(InputChange::Argument, None);
    }
    let host_end = path.find("://").map_or(0, |at| at + 3);
    if let Some(slash) = path.get(host_end..).and_then(|rest| rest.rfind('/')).map(|at| at + host_end) {
        let (head, last) = path.split_at(slash + 1);
        let tail = if query.is_empty() { String::new() } else { format!("?{query}") };
        for (change, text) in near(last).into_iter().filter(|(_, text)| url_safe(text)).take(6) {
            found.push((change, format!("{head}{text}{tail}")));
        }
    }
    found
}
