/*!
Finds what to mask. One Aho-Corasick pass over the text finds the keywords of all rules; a rule's regular expression
runs only on lines with one of its keywords. Rules without a keyword (numbers) run on lines with enough digits. A few
more passes find secrets by the words, tables and structures of several lines, and lines in another notation are
decoded and read again. The whole is linear in the length of the text.
*/

use std::borrow::Cow;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};
use regex::bytes::Regex;

use super::broken_token::{LineTail, MAX_PIECE_BYTES};
use super::checks::placeholders;
use super::disguise::DecodedText;
use super::lines::TextLines;
use super::rule::{CompiledRule, run};
use super::secret_span::SecretSpan;
use super::{
    RedactionConfig, RedactionError, answered, builtin_rules, columns, disguise, formats, markup, paired,
    personal, spoken, structure, work,
};

/// Lines with fewer digits hold no card, telephone or account number.
const MIN_DIGITS: usize = 7;
/// Shorter than any run of base64 that is decoded, and than a line of a key.
const MAX_HARMLESS: usize = 24;

/// The compiled built-in rules.
struct Builtin {
    keywords: Option<AhoCorasick>,
    /// The rule of each keyword pattern.
    rule_of: Vec<usize>,
    rules: Vec<CompiledRule>,
    numeric: Vec<usize>,
    first_personal: usize,
}

static BUILTIN: LazyLock<Builtin> = LazyLock::new(Builtin::gather);

pub(crate) struct Scanner {
    personal_data: bool,
    custom: Vec<CompiledRule>,
    allow: Vec<Regex>,
}

impl Builtin {
    fn gather() -> Self {
        let mut words: Vec<&str> = Vec::new();
        let mut rule_of = Vec::new();
        let mut rules = Vec::new();
        let mut numeric = Vec::new();
        for rule in builtin_rules::all() {
            if rule.keywords.is_empty() {
                numeric.push(rules.len());
            }
            words.extend(rule.keywords);
            rule_of.extend(rule.keywords.iter().map(|_| rules.len()));
            rules.push(CompiledRule::of(rule));
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
            scanner.custom.push(CompiledRule::of_user(&custom.name, regex));
        }
        for pattern in &config.allow {
            scanner.allow.push(compile(pattern, pattern, "allow")?);
        }
        Ok(scanner)
    }

    pub(crate) fn builtin(config: &RedactionConfig) -> Self {
        Self { personal_data: config.personal_data, custom: Vec::new(), allow: Vec::new() }
    }

    pub(crate) fn hits(&self, text: &str) -> Vec<SecretSpan> {
        let mut hits = Vec::new();
        if self.is_harmless(text) {
            return hits;
        }
        self.scan(text, 0, text.len(), &mut hits);
        self.whole_text(text, &mut hits);
        self.over_lines(text, None, &mut hits);
        self.settle(text, hits)
    }

    /// Whether a short text certainly holds no secret: JSON with millions of small fields is checked field by field.
    fn is_harmless(&self, text: &str) -> bool {
        let bytes = text.as_bytes();
        let plain = |byte: &u8| (b' '..=b'~').contains(byte) && !matches!(byte, b'%' | b'\\' | b'&');
        bytes.len() < MAX_HARMLESS
            && self.custom.is_empty()
            && bytes.iter().all(plain)
            && bytes.iter().filter(|byte| byte.is_ascii_digit()).count() < MIN_DIGITS
            && BUILTIN.keywords.as_ref().is_some_and(|keywords| !keywords.is_match(text))
    }

    /// Hits that a replacement uncovered: on the lines at the given offsets, and by the searches over several lines.
    pub(crate) fn hits_on_lines(&self, text: &str, offsets: &[usize]) -> Vec<SecretSpan> {
        let mut hits = Vec::new();
        let mut done = 0;
        for offset in offsets {
            // Hits come in order, so a line with thousands of hits is scanned once.
            if *offset < done {
                continue;
            }
            let (start, end) = line_around(text, *offset);
            self.scan(text, start, end, &mut hits);
            done = end + 1;
        }
        self.continued(text, &mut hits);
        self.over_lines(text, Some(offsets), &mut hits);
        self.settle(text, hits)
    }

    /// Multi-line keys; no replacement uncovers one.
    fn whole_text(&self, text: &str, hits: &mut Vec<SecretSpan>) {
        let mut key = |start, end| {
            hits.push(SecretSpan { start, end, kind: Cow::Borrowed("PRIVATE_KEY"), priority: 0 });
        };
        formats::private_keys(text, &mut key);
        formats::key_lines(text, &mut key);
        formats::putty_keys(text, &mut key);
        self.continued(text, hits);
    }

    /// Lines with continuations; a placeholder at the end of a line can create one.
    fn continued(&self, text: &str, hits: &mut Vec<SecretSpan>) {
        for line in disguise::continued(text) {
            let mut found = Vec::new();
            self.scan(&line.text, 0, line.text.len(), &mut found);
            for hit in found {
                for (start, end) in line.pieces(hit.start, hit.end) {
                    hits.push(SecretSpan { start, end, ..hit.clone() });
                }
            }
        }
    }

    /// Hits by names, sentences, tables and structures, in the text as it stands or in a decoded form.
    fn told_by_context(&self, text: &str, hits: &mut Vec<SecretSpan>) {
        let mut apart = |start, end| hits.push(SecretSpan::found_by_context(start, end));
        let lines = TextLines::of(text);
        paired::named_values(&lines, &mut apart);
        columns::cells(&lines, self.personal_data, &mut apart);
        columns::inserted(text, &lines, self.personal_data, &mut apart);
        structure::values(text, &lines, &mut apart);
        let spoken: Vec<_> = lines
            .all
            .iter()
            .map(|(start, line)| spoken::values(line, &mut |from, to| apart(start + from, start + to)))
            .collect();
        answered::values(&lines, &spoken, &mut apart);
    }

    /// Hits that need more than one line. `changed` holds the offsets of the lines that the previous pass changed, if
    /// there was one.
    fn over_lines(&self, text: &str, changed: Option<&[usize]>, hits: &mut Vec<SecretSpan>) {
        self.told_by_context(text, hits);
        // A replacement outside the tagged region changes nothing in the reading without tags.
        let is_changed = |(from, to): &(usize, usize)| {
            changed.is_none_or(|at| at.iter().any(|at| (*from..=*to).contains(at)))
        };
        if let Some((from, to)) = markup::tagged(text).filter(is_changed)
            && let Some(region) = text.get(from..to)
        {
            work::add(region.len());
            self.as_shown(&markup::untagged(region), from, hits);
        }
        let mut apart = |start, end| hits.push(SecretSpan::found_by_context(start, end));
        // `jq` prints colour codes between names and values.
        if memchr::memchr(disguise::ESCAPE, text.as_bytes()).is_some()
            && let Some(decoded) = disguise::decode_once(text)
        {
            paired::named_values(&TextLines::of(&decoded.text), &mut |start, end| {
                if let Some((start, end)) = decoded.original(start, end) {
                    apart(start, end);
                }
            });
        }
    }

    /// Hits in a region with tags that begins at `from`, read without its tags.
    fn as_shown(&self, shown: &DecodedText, from: usize, hits: &mut Vec<SecretSpan>) {
        let mut found = Vec::new();
        self.scan_plain(&shown.text, 0, shown.text.len(), &mut found);
        self.told_by_context(&shown.text, &mut found);
        for hit in found {
            for (start, end) in shown.pieces(hit.start, hit.end) {
                hits.push(SecretSpan { start: from + start, end: from + end, ..hit.clone() });
            }
        }
    }

    /// All hits in `from..to`, which are line boundaries: in the text as it stands and in its decoded forms.
    fn scan(&self, text: &str, from: usize, to: usize, hits: &mut Vec<SecretSpan>) {
        self.scan_plain(text, from, to, hits);
        let Some(region) = text.get(from..to) else { return };
        let mut start = from;
        for newline in memchr::memchr_iter(b'\n', region.as_bytes()).map(|at| from + at).chain([to]) {
            self.undisguise(text.get(start..newline).unwrap_or_default(), start, hits);
            start = newline + 1;
        }
    }

    fn undisguise(&self, line: &str, start: usize, hits: &mut Vec<SecretSpan>) {
        for decoded in disguise::readings(line) {
            let mut found = Vec::new();
            self.scan_plain(&decoded.text, 0, decoded.text.len(), &mut found);
            self.told_by_context(&decoded.text, &mut found);
            for hit in found {
                if let Some((from, to)) = decoded.original(hit.start, hit.end) {
                    hits.push(SecretSpan { start: start + from, end: start + to, ..hit });
                }
            }
        }
        for (from, to, content) in disguise::wrapped(line) {
            let mut found = Vec::new();
            self.scan_plain(&content, 0, content.len(), &mut found);
            if let Some(hit) = found.into_iter().min_by_key(|hit| hit.priority) {
                hits.push(SecretSpan { start: start + from, end: start + to, ..hit });
            }
        }
    }

    fn scan_plain(&self, text: &str, from: usize, to: usize, hits: &mut Vec<SecretSpan>) {
        let Some(region) = text.get(from..to) else { return };
        let builtin = &*BUILTIN;
        let wanted = if self.personal_data { builtin.rules.len() } else { builtin.first_personal };
        let mut last_line = vec![usize::MAX; builtin.rules.len()];
        // Matches come in text order, so the line is looked up again only for a match outside of it.
        let mut current: Option<(usize, usize)> = None;
        let mut tail: Option<LineTail> = None;
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
            if rule < formats::RULES.len() && end - at <= MAX_PIECE_BYTES {
                let tail = match &mut tail {
                    Some(tail) if tail.line == start => tail,
                    _ => tail.insert(LineTail::of(text, start, end)),
                };
                tail.run_on(&builtin.rules[rule], rule, text, at, hits);
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

    /// Whether the user's list says that a value is not a secret.
    pub(crate) fn is_allowed(&self, value: &str) -> bool {
        self.allow.iter().any(|allow| allow.is_match(value.as_bytes()))
    }

    /// Sorts hits and removes overlaps, hits that touch a placeholder, and allowed values. Overlapping hits are
    /// masked as one, under the name of the most specific, so that no part of a secret stays readable.
    fn settle(&self, text: &str, mut hits: Vec<SecretSpan>) -> Vec<SecretSpan> {
        hits.sort_by_key(|hit| (hit.start, hit.end));
        let mut settled: Vec<SecretSpan> = Vec::with_capacity(hits.len());
        for hit in hits {
            let value = text.get(hit.start..hit.end).unwrap_or_default();
            if hit.priority != 0 && !placeholders(value).is_empty() || self.is_allowed(value) {
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

fn line_around(text: &str, at: usize) -> (usize, usize) {
    let bytes = text.as_bytes();
    let at = at.min(bytes.len());
    let start = memchr::memrchr(b'\n', &bytes[..at]).map_or(0, |newline| newline + 1);
    let end = memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |length| at + length);
    work::add(end - start);
    (start, end)
}
