/*!
Finding what to mask. One Aho-Corasick pass over the text finds the telling keywords of all rules; only on lines
with a keyword of its own is a rule's regular expression run. Rules that have no keyword (numbers) run on lines
with enough digits. So ordinary text costs one pass, and the whole is linear in the text's length.
*/

use std::borrow::Cow;
use std::sync::{LazyLock, OnceLock};

use aho_corasick::{AhoCorasick, MatchKind};
use regex::bytes::Regex;

use super::checks::{looks_random, placeholders};
use super::{RedactionConfig, RedactionError, assignments, disguise, formats, paired, personal};

/// Lines with fewer digits hold no card, telephone or account number.
const MIN_DIGITS: usize = 7;

/// What a rule's check sees: the line, and where in it the secret stands.
pub(crate) struct Candidate<'t> {
    pub(crate) line: &'t str,
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Start of the whole match, keyword included.
    pub(crate) match_start: usize,
}

impl<'t> Candidate<'t> {
    pub(crate) fn value(&self) -> &'t str {
        self.line.get(self.start..self.end).unwrap_or_default()
    }
    pub(crate) fn before(&self) -> &'t str {
        self.line.get(..self.start).unwrap_or_default()
    }
    pub(crate) fn after(&self) -> &'t str {
        self.line.get(self.end..).unwrap_or_default()
    }
}

/// A rule as its module declares it. The secret is the first group that took part, or the whole match.
pub(crate) struct Rule {
    pub(crate) kind: &'static str,
    /// Lower-case; one of them is in every line the pattern matches. None: run on lines rich in digits.
    pub(crate) keywords: &'static [&'static str],
    pub(crate) pattern: &'static str,
    pub(crate) check: fn(&Candidate<'_>) -> bool,
}

struct Compiled {
    kind: Cow<'static, str>,
    pattern: &'static str,
    /// Compiled when the first line asks for it: a pattern takes up to milliseconds, and most texts meet few.
    regex: OnceLock<Option<Regex>>,
    check: fn(&Candidate<'_>) -> bool,
}

impl Compiled {
    /// A test proves that each of the rules compiles.
    fn regex(&self) -> Option<&Regex> {
        let compile = || {
            let regex = Regex::new(self.pattern).ok();
            debug_assert!(regex.is_some(), "{} does not compile", self.kind);
            regex
        };
        self.regex.get_or_init(compile).as_ref()
    }
}

/// A span to mask. Spans of one scan are in order and do not overlap.
#[derive(Debug, Clone)]
pub(crate) struct Hit {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) kind: Cow<'static, str>,
    priority: usize,
}

/// The rules that come with Millwright.
struct Builtin {
    keywords: Option<AhoCorasick>,
    /// Rule of each keyword pattern.
    rule_of: Vec<usize>,
    rules: Vec<Compiled>,
    numeric: Vec<usize>,
    first_personal: usize,
}

static BUILTIN: LazyLock<Builtin> = LazyLock::new(Builtin::gather);

pub(crate) struct Scanner {
    personal_data: bool,
    custom: Vec<Compiled>,
    allow: Vec<Regex>,
}

impl Builtin {
    fn gather() -> Self {
        let mut words: Vec<&str> = Vec::new();
        let mut rule_of = Vec::new();
        let mut rules = Vec::new();
        let mut numeric = Vec::new();
        for rule in formats::RULES.iter().chain(assignments::RULES).chain(personal::RULES) {
            if rule.keywords.is_empty() {
                numeric.push(rules.len());
            }
            words.extend(rule.keywords);
            rule_of.extend(rule.keywords.iter().map(|_| rules.len()));
            rules.push(Compiled {
                kind: Cow::Borrowed(rule.kind),
                pattern: rule.pattern,
                regex: OnceLock::new(),
                check: rule.check,
            });
        }
        let keywords = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .build(&words)
            .ok();
        let first_personal = rules.len() - personal::RULES.len();
        Self { keywords, rule_of, rules, numeric, first_personal }
    }
}

impl Scanner {
    pub(crate) fn new(config: &RedactionConfig) -> Result<Self, RedactionError> {
        let mut scanner = Self::builtin(config);
        let compile = |name: &str, pattern: &str, field| {
            Regex::new(pattern).map_err(|source| RedactionError::Pattern {
                name: name.to_owned(),
                field,
                source: Box::new(source),
            })
        };
        for custom in &config.patterns {
            let mut letters = custom.name.bytes();
            let named = letters.next().is_some_and(|first| first.is_ascii_uppercase())
                && letters.all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
            if !named || !(2..=32).contains(&custom.name.len()) {
                return Err(RedactionError::Name { name: custom.name.clone() });
            }
            let regex = compile(&custom.name, &custom.pattern, "patterns")?;
            let check = |candidate: &Candidate<'_>| !candidate.value().is_empty();
            let kind = Cow::Owned(custom.name.clone());
            scanner.custom.push(Compiled { kind, pattern: "", regex: OnceLock::from(Some(regex)), check });
        }
        for pattern in &config.allow {
            scanner.allow.push(compile(pattern, pattern, "allow")?);
        }
        Ok(scanner)
    }

    pub(crate) fn builtin(config: &RedactionConfig) -> Self {
        Self { personal_data: config.personal_data, custom: Vec::new(), allow: Vec::new() }
    }

    pub(crate) fn hits(&self, text: &str) -> Vec<Hit> {
        let mut hits = Vec::new();
        self.scan(text, 0, text.len(), &mut hits);
        let mut key = |start, end| {
            hits.push(Hit { start, end, kind: Cow::Borrowed("PRIVATE_KEY"), priority: 0 });
        };
        formats::private_keys(text, &mut key);
        formats::key_lines(text, &mut key);
        // Least specific: a rule that knows the shape of what it finds names it.
        let priority = usize::MAX;
        paired::named_values(text, &mut |start, end| {
            hits.push(Hit { start, end, kind: Cow::Borrowed("SECRET"), priority });
        });
        self.settle(text, hits)
    }

    /// Only on the lines that hold the given offsets.
    pub(crate) fn hits_on_lines(&self, text: &str, offsets: &[usize]) -> Vec<Hit> {
        let mut hits = Vec::new();
        let mut done = 0;
        for offset in offsets {
            let (start, end) = line_around(text, *offset);
            if start >= done {
                self.scan(text, start, end, &mut hits);
                done = end.max(start + 1);
            }
        }
        self.settle(text, hits)
    }

    /// Everything in `from..to`, which are ends of lines: as it stands, and as it reads without disguise.
    fn scan(&self, text: &str, from: usize, to: usize, hits: &mut Vec<Hit>) {
        self.scan_plain(text, from, to, hits);
        let Some(region) = text.get(from..to) else { return };
        let mut start = from;
        for newline in memchr::memchr_iter(b'\n', region.as_bytes()).map(|at| from + at).chain([to]) {
            self.undisguise(text.get(start..newline).unwrap_or_default(), start, hits);
            start = newline + 1;
        }
    }

    fn undisguise(&self, line: &str, start: usize, hits: &mut Vec<Hit>) {
        if let Some(plain) = disguise::plain(line) {
            let mut found = Vec::new();
            self.scan_plain(&plain.text, 0, plain.text.len(), &mut found);
            for hit in found {
                if let Some((from, to)) = plain.original(hit.start, hit.end) {
                    hits.push(Hit { start: start + from, end: start + to, ..hit });
                }
            }
        }
        for (from, to, content) in disguise::wrapped(line) {
            let mut found = Vec::new();
            self.scan_plain(&content, 0, content.len(), &mut found);
            if let Some(hit) = found.into_iter().min_by_key(|hit| hit.priority) {
                hits.push(Hit { start: start + from, end: start + to, ..hit });
            }
        }
    }

    fn scan_plain(&self, text: &str, from: usize, to: usize, hits: &mut Vec<Hit>) {
        let Some(region) = text.get(from..to) else { return };
        let builtin = &*BUILTIN;
        let wanted = if self.personal_data { builtin.rules.len() } else { builtin.first_personal };
        let mut last_line = vec![usize::MAX; builtin.rules.len()];
        // Matches come in text order, so the line is looked for again only when one stands outside of it.
        let mut current: Option<(usize, usize)> = None;
        for found in builtin.keywords.iter().flat_map(|keywords| keywords.find_overlapping_iter(region)) {
            let rule = builtin.rule_of.get(found.pattern().as_usize()).copied().unwrap_or(usize::MAX);
            let at = from + found.start();
            let (start, end) = match current {
                Some((start, end)) if (start..end).contains(&at) => (start, end),
                _ => line_around(text, at),
            };
            current = Some((start, end));
            if rule < wanted && last_line[rule] != start {
                last_line[rule] = start;
                run(&builtin.rules[rule], rule, text, start, end, hits);
            }
            if rule < formats::RULES.len() && end - at <= disguise::LONGEST_PIECE {
                run_on(&builtin.rules[rule], rule, text, at, hits);
            }
        }
        let mut start = from;
        for newline in memchr::memchr_iter(b'\n', region.as_bytes()).map(|at| from + at).chain([to]) {
            let line = text.as_bytes().get(start..newline).unwrap_or_default();
            if self.personal_data && line.iter().filter(|byte| byte.is_ascii_digit()).count() >= MIN_DIGITS {
                for rule in &builtin.numeric {
                    run(&builtin.rules[*rule], *rule, text, start, newline, hits);
                }
            }
            for (index, custom) in self.custom.iter().enumerate() {
                run(custom, builtin.rules.len() + index, text, start, newline, hits);
            }
            start = newline + 1;
        }
    }

    /// In order, without overlaps, nothing that touches a placeholder or is allowed. Overlapping finds are masked
    /// as one, under the name of the most specific, so that no rest of a secret stays readable.
    fn settle(&self, text: &str, mut hits: Vec<Hit>) -> Vec<Hit> {
        hits.sort_by_key(|hit| (hit.start, hit.end));
        let mut settled: Vec<Hit> = Vec::with_capacity(hits.len());
        for hit in hits {
            let value = text.get(hit.start..hit.end).unwrap_or_default();
            if hit.priority != 0 && !placeholders(value).is_empty()
                || self.allow.iter().any(|allow| allow.is_match(value.as_bytes()))
            {
                continue;
            }
            match settled.last_mut() {
                Some(last) if hit.start < last.end => {
                    last.end = last.end.max(hit.end);
                    if hit.priority < last.priority {
                        (last.kind, last.priority) = (hit.kind, hit.priority);
                    }
                }
                _ => settled.push(hit),
            }
        }
        settled
    }
}

fn run(rule: &Compiled, priority: usize, text: &str, start: usize, end: usize, hits: &mut Vec<Hit>) {
    let (Some(line), Some(regex)) = (text.get(start..end), rule.regex()) else { return };
    let mut from = 0;
    while let Some(found) = (from <= line.len()).then(|| regex.captures_at(line.as_bytes(), from)).flatten() {
        let Some(whole) = found.get(0) else { return };
        from = whole.end() + usize::from(whole.is_empty());
        let secret = found.iter().skip(1).flatten().next().unwrap_or(whole);
        // Counted in bytes, a value can end inside a character.
        let (value_start, mut value_end) =
            (line.floor_char_boundary(secret.start()), line.ceil_char_boundary(secret.end()));
        if found.name("word").is_some() {
            let value = line.get(value_start..value_end).unwrap_or_default();
            if let Some(space) = value.find(char::is_whitespace) {
                // What follows may hold a secret of its own.
                value_end = value_start + space;
                from = value_end.max(whole.start() + 1);
            }
        }
        let candidate = Candidate { line, start: value_start, end: value_end, match_start: whole.start() };
        if value_start < value_end && (rule.check)(&candidate) {
            let (start, end) = (start + value_start, start + value_end);
            hits.push(Hit { start, end, kind: rule.kind.clone(), priority });
        }
    }
}

/// A token of a known shape that begins at a line's end and goes on over the next ones.
fn run_on(rule: &Compiled, priority: usize, text: &str, at: usize, hits: &mut Vec<Hit>) {
    let Some((ends, broken)) = disguise::broken(text, at) else { return };
    // The fewest pieces that make a token of this shape; more only where the next looks like a token, not a word.
    let mut whole = None;
    for (number, end) in ends.iter().enumerate() {
        let mut found = Vec::new();
        run(rule, priority, &broken.text, 0, *end, &mut found);
        let before = number.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or_default();
        whole = found.into_iter().find(|hit| hit.end > before).map(|hit| (number, hit)).or(whole);
        let next = ends.get(number + 1).and_then(|next| broken.text.get(*end..*next)).unwrap_or_default();
        if whole.is_some() && !looks_random(next) {
            break;
        }
    }
    if let Some((1.., hit)) = whole {
        for (start, end) in broken.pieces(hit.start, hit.end) {
            hits.push(Hit { start, end, kind: hit.kind.clone(), priority });
        }
    }
}

fn line_around(text: &str, at: usize) -> (usize, usize) {
    let bytes = text.as_bytes();
    let at = at.min(bytes.len());
    let start = memchr::memrchr(b'\n', &bytes[..at]).map_or(0, |newline| newline + 1);
    let end = memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |length| at + length);
    (start, end)
}
