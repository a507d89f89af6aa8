/*!
The rules of all kinds as one multi-pattern search: each line is read once, regardless of the number of rules.
*/

use std::sync::LazyLock;

use regex::bytes::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};

use super::{Obstacle, ObstacleKind, build, environment, missing};
use crate::text::{TextLines, clip};

/// How many lines of output are read from the end, and from the start.
const WINDOW: usize = 2000;
/// How many non-empty lines at the end may say why a run ended.
const ENDING: usize = 20;
/// How many bytes of a line are read.
const MAX_LINE: usize = 2000;

/// Where in an output a pattern counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RuleScope {
    /// Only a run that could not start prints this.
    Anywhere,
    /// Programs can also print this and continue; it counts only among the last lines.
    Ending,
    /// This explains what other lines only report, so it is searched first.
    Overriding,
}

/// `pattern` is matched against a line without colours and with plain quotation marks; its group is the subject.
pub(super) struct ObstacleRule {
    pub kind: ObstacleKind,
    pub scope: RuleScope,
    pub pattern: &'static str,
}

pub(super) const fn rule(kind: ObstacleKind, scope: RuleScope, pattern: &'static str) -> ObstacleRule {
    ObstacleRule { kind, scope, pattern }
}

struct Search {
    set: RegexSet,
    each: Vec<(&'static ObstacleRule, Regex)>,
}

static SEARCH: LazyLock<Option<Search>> = LazyLock::new(|| {
    let rules: Vec<&'static ObstacleRule> =
        environment::RULES.iter().chain(missing::RULES).chain(build::RULES).collect();
    let set = RegexSetBuilder::new(rules.iter().map(|rule| rule.pattern))
        .unicode(false)
        .size_limit(64 << 20)
        .dfa_size_limit(8 << 20)
        .build()
        .ok()?;
    let each = rules
        .into_iter()
        .map(|rule| Some((rule, RegexBuilder::new(rule.pattern).unicode(false).build().ok()?)))
        .collect::<Option<Vec<_>>>()?;
    Some(Search { set, each })
});

struct Hit {
    rule: &'static ObstacleRule,
    subject: Option<String>,
}

/// The matches of the `wanted` rules in a line, in the order of the rules.
fn hits(line: &str, wanted: impl Fn(&ObstacleRule) -> bool) -> Vec<Hit> {
    let Some(search) = SEARCH.as_ref() else { return Vec::new() };
    let line = plain_quotes(clip(line, MAX_LINE).trim_end());
    let bytes = line.as_bytes();
    let matches = search.set.matches(bytes);
    if !matches.matched_any() {
        return Vec::new();
    }
    let rules = matches.iter().filter_map(|at| search.each.get(at)).filter(|(rule, _)| wanted(rule));
    rules.map(|(rule, regex)| Hit { rule, subject: subject_of(regex, bytes) }).collect()
}

fn subject_of(regex: &Regex, line: &[u8]) -> Option<String> {
    let found = regex.captures(line)?;
    let named = found.iter().skip(1).flatten().next()?;
    let text = String::from_utf8_lossy(named.as_bytes());
    let text = text.trim().trim_end_matches([':', ',']).to_owned();
    (!text.is_empty()).then_some(text)
}

/// Quotation marks differ between locales.
fn plain_quotes(line: &str) -> std::borrow::Cow<'_, str> {
    if line.is_ascii() {
        return line.into();
    }
    line.chars()
        .map(|c| match c {
            '\u{2018}' | '\u{2019}' => '\'',
            '\u{201C}' | '\u{201D}' | '\u{201E}' | '\u{AB}' | '\u{BB}' => '"',
            '\u{A0}' | '\u{202F}' => ' ',
            other => other,
        })
        .collect::<String>()
        .into()
}

fn window(lines: &TextLines<'_>) -> impl Iterator<Item = usize> {
    let tail = lines.len().saturating_sub(WINDOW);
    (0..lines.len().min(WINDOW)).chain(tail.max(WINDOW)..lines.len())
}

/// The first line of the output's ending.
fn ending_from(lines: &TextLines<'_>) -> usize {
    let told = (0..lines.len()).rev().filter(|at| !lines.get(*at).trim().is_empty());
    told.take(ENDING).last().unwrap_or(0)
}

/// Lines that explain other lines: line ends, versions.
pub(super) fn overriding(lines: &TextLines<'_>) -> Option<Obstacle> {
    search(lines, |scope| scope == RuleScope::Overriding)
}

pub(super) fn of_lines(lines: &TextLines<'_>) -> Option<Obstacle> {
    search(lines, |scope| scope != RuleScope::Overriding)
}

fn search(lines: &TextLines<'_>, scope: impl Fn(RuleScope) -> bool) -> Option<Obstacle> {
    let ending = ending_from(lines);
    let counts = |at: usize, rule: &ObstacleRule| {
        scope(rule.scope) && (rule.scope != RuleScope::Ending || at >= ending)
    };
    for at in window(lines) {
        let line = lines.get(at);
        if line.trim().is_empty() {
            continue;
        }
        if is_missing_entry(lines, at) && scope(RuleScope::Anywhere) {
            let subject = between(line, '\'');
            return Some(Obstacle::new(ObstacleKind::MissingFile, line, subject));
        }
        if let Some(hit) = hits(line, |rule| counts(at, rule)).into_iter().next() {
            let kind = hit.rule.kind;
            let subject = hit.subject.or_else(|| near_subject(lines, at, kind));
            return Some(Obstacle::new(kind, line, subject));
        }
        if missing::is_fixture(line) && scope(RuleScope::Anywhere) {
            return Some(fixture(line));
        }
    }
    None
}

/// A headline ("Compilation failed") names nothing; the lines near it do.
fn near_subject(lines: &TextLines<'_>, from: usize, kind: ObstacleKind) -> Option<String> {
    let near = (from..lines.len().min(from + 60)).chain((from.saturating_sub(40)..from).rev());
    near.flat_map(|at| hits(lines.get(at), |rule| rule.kind == kind)).find_map(|hit| hit.subject)
}

/// Whether Node's entry point is missing: no module requires it.
fn is_missing_entry(lines: &TextLines<'_>, at: usize) -> bool {
    lines.get(at).contains("Error: Cannot find module '/")
        && (at..lines.len().min(at + 25)).any(|near| lines.get(near).trim() == "requireStack: []")
}

fn between(line: &str, mark: char) -> Option<String> {
    line.split(mark).nth(1).map(str::to_owned)
}

/// Whether one line of text, such as an exception's, says that a run could not do its work.
pub(super) fn of_text(text: &str) -> Option<Obstacle> {
    let hit = hits(text, |_| true).into_iter().next()?;
    Some(Obstacle::new(hit.rule.kind, text, hit.subject))
}

pub(super) fn missing_fixture(lines: &TextLines<'_>) -> Option<Obstacle> {
    (0..lines.len().min(WINDOW)).map(|at| lines.get(at)).find(|line| missing::is_fixture(line)).map(fixture)
}

fn fixture(line: &str) -> Obstacle {
    let text = line.trim_start_matches("E ").trim();
    Obstacle::new(ObstacleKind::MissingTest, text, between(text, '\''))
}

/// Paths that some line reports as missing.
pub(super) fn missing_paths<'t>(lines: &TextLines<'t>) -> Vec<&'t str> {
    const WORDS: &[&str] = &[
        "No such file",
        "no such file",
        "Cannot find module",
        "No module named",
        "does not contain a CMakeLists.txt",
        "not found",
        "does not exist",
        "failed to read",
        "is not an existing directory",
        "replacement directory",
        "cannot load such file",
    ];
    window(lines)
        .map(|at| lines.get(at))
        .filter(|line| WORDS.iter().any(|word| line.contains(word)))
        .take(200)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        for rule in environment::RULES.iter().chain(missing::RULES).chain(build::RULES) {
            if let Err(error) = RegexBuilder::new(rule.pattern).unicode(false).build() {
                panic!("{error}");
            }
        }
        assert!(SEARCH.is_some());
    }
}
