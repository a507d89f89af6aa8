/*!
The places of a replay whose values can be varied: literals of programs, words and texts of the shell, options,
elements of lists, arguments. Texts that only inform a reader (error messages, labels, imports) are left out.
*/

use std::ops::Range;

use super::literal::QuotingLayer;
use super::observe::ObservableReplay;
use super::observe_shell::PREPARING;
use super::region::{Region, regions};
use super::shell::{ShellWord, SimpleCommand, parse_shell};
use super::statement::StatementCode;
use super::token::{TokenKind, TokenLanguage};
use super::types::InputChange;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SiteKind {
    Text,
    /// Whether the number must stay a whole number.
    Number {
        whole: bool,
    },
    /// A fixed list of replacements.
    Choice(Vec<(InputChange, String)>),
    /// All arguments of a command, with a fixed list of replacements; options from the diffs are appended.
    Arguments(Vec<(InputChange, String)>),
    /// A called function's name.
    Call,
}

#[derive(Debug, Clone)]
pub(super) struct LiteralSite {
    pub(super) region: usize,
    pub(super) span: Range<usize>,
    pub(super) quoting: Option<QuotingLayer>,
    pub(super) value: String,
    pub(super) kind: SiteKind,
    /// Sites with priority 0 are varied first.
    pub(super) priority: usize,
}

const MAX_SITES: usize = 60;

/// All sites of a replay and the regions they are in.
pub(super) fn sites(observable: &ObservableReplay) -> (Vec<Region>, Vec<LiteralSite>) {
    let regions = regions(&observable.source);
    let mut found = Vec::new();
    for (number, region) in regions.iter().enumerate() {
        let mut finder = SiteFinder { region, number, observable, found: Vec::new() };
        match region.language {
            TokenLanguage::Shell => finder.shell(),
            TokenLanguage::Text => finder.text(),
            _ => finder.program(),
        }
        found.extend(finder.found);
    }
    found.sort_by_key(|site| site.priority);
    found.truncate(MAX_SITES);
    (regions, found)
}

pub(super) struct SiteFinder<'a> {
    pub(super) region: &'a Region,
    number: usize,
    observable: &'a ObservableReplay,
    found: Vec<LiteralSite>,
}

impl SiteFinder<'_> {
    pub(super) fn push(
        &mut self,
        span: Range<usize>,
        quoting: Option<QuotingLayer>,
        value: String,
        kind: SiteKind,
        priority: usize,
    ) {
        if self.found.len() < MAX_SITES {
            self.found.push(LiteralSite { region: self.number, span, quoting, value, kind, priority });
        }
    }

    /// The inserted stretch that contains `span`.
    pub(super) fn inserted(&self, span: &Range<usize>) -> Option<Range<usize>> {
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
        // Keep the line break at the end of a file or here-document.
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
        let code = StatementCode::new(TokenLanguage::Data, text);
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
                self.push(span, Some(QuotingLayer::ShellBare), value, kind, 3);
            }
        }
    }

    fn arguments(&mut self, stage: &SimpleCommand) {
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
        if let Some(language) = TokenLanguage::of_interpreter(name) {
            let program = values.iter().skip(first).position(|word| {
                matches!(word.as_str(), "-e" | "-c" | "-r" | "-p" | "-E" | "-m" | "-ne" | "-pe")
                    && language != TokenLanguage::Awk
            });
            let script = values.iter().skip(first).position(|word| !word.starts_with('-'));
            first += match (program, script) {
                (Some(program), _) => program + 2,
                (None, Some(script)) => script + 1,
                (None, None) => values.len(),
            };
        }
        let curl = matches!(own, "curl" | "wget" | "http");
        self.removals(stage, first);
        for (word, value) in stage.words.iter().zip(&values).skip(first) {
            if word.expands || self.inserted(&word.span).is_some() {
                continue;
            }
            if curl && value.starts_with("http") {
                let choices = url_neighbours(value);
                self.push(
                    word.span.clone(),
                    Some(QuotingLayer::ShellBare),
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

    /// Variants: all arguments removed, the last one removed, another order.
    fn removals(&mut self, stage: &SimpleCommand, first: usize) {
        let words: Vec<&ShellWord> = stage.words.iter().skip(first).collect();
        let text = &self.region.text;
        let raw = |word: &&ShellWord| text.get(word.span.clone()).unwrap_or_default();
        let (Some(start), Some(end)) =
            (words.first().map(|w| w.span.start), words.last().map(|w| w.span.end))
        else {
            return;
        };
        if words.iter().any(|word| word.expands || self.inserted(&word.span).is_some()) {
            return;
        }
        let plain: Vec<&str> = words.iter().map(raw).collect();
        let options: Vec<&str> = plain.iter().copied().filter(|word| word.starts_with('-')).collect();
        let mut choices: Vec<(InputChange, String)> = Vec::new();
        for list in [
            options.clone(),
            plain.get(..plain.len() - 1).unwrap_or_default().to_vec(),
            plain.iter().rev().copied().collect(),
            [plain.as_slice(), plain.get(plain.len() - 1..).unwrap_or_default()].concat(),
            Vec::new(),
        ] {
            if list != plain && !choices.iter().any(|(_, known)| *known == list.join(" ")) {
                choices.push((InputChange::Argument, list.join(" ")));
            }
        }
        let value = plain.join(" ");
        self.push(start..end, None, value, SiteKind::Arguments(choices), 1);
    }

    fn option(&mut self, word: &ShellWord, value: &str) {
        let mut choices = vec![(InputChange::Argument, String::new())];
        if let Some((name, set)) = value.split_once('=') {
            let dictionary = super::dictionary::ValueDictionary::default();
            let near = match set.parse::<f64>() {
                Ok(_) => super::mutate::number_mutations(set, &dictionary, true),
                Err(_) => super::mutate::text_mutations(set, &[], &dictionary),
            };
            let quoted = |text: &str| super::literal::encode(text, &[QuotingLayer::ShellBare]);
            choices.extend(
                near.into_iter().take(5).map(|(change, set)| (change, format!("{name}={}", quoted(&set)))),
            );
        } else if let Some(name) = value.strip_prefix("--no-") {
            choices.push((InputChange::Boolean, format!("--{name}")));
        }
        self.push(word.span.clone(), None, value.to_owned(), SiteKind::Choice(choices), 2);
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
        self.push(word.span.clone(), Some(QuotingLayer::ShellBare), value, kind, priority);
    }
}

fn is_path(value: &str, files: &std::collections::BTreeMap<String, super::types::InputFile>) -> bool {
    let trimmed = value.strip_prefix("./").unwrap_or(value);
    files.contains_key(trimmed)
        || value.starts_with("./")
        || value.starts_with("/tmp/")
        || (!value.contains(char::is_whitespace) && TokenLanguage::of_path(value).is_some())
}

/// Neighbours of a URL: its query values and the last parts of its path.
fn url_neighbours(url: &str) -> Vec<(InputChange, String)> {
    let dictionary = super::dictionary::ValueDictionary::default();
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
