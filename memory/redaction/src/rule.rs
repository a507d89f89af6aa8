/*!
Rules: how a secret is recognised, and how a rule runs on a line. The tables of rules are in modules of their own, by
what they recognise; `builtin_rules` lists all of them.
*/

use std::borrow::Cow;
use std::sync::OnceLock;

use regex::bytes::Regex;

use super::checks::{MAX_PLACEHOLDER, placeholders};
use super::secret_span::SecretSpan;
use super::work;

/// How often one rule may look at the bytes of a line again.
const MOST_AGAIN: usize = 1;

/// How far a check looks around a match: a line may hold thousands of matches, and each is checked.
pub(crate) const MAX_AROUND: usize = 512;

/// The input of a rule's check: the line, and the position of the secret in it.
pub(crate) struct SecretCandidate<'t> {
    pub(crate) line: &'t str,
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Start of the whole match, keyword included.
    pub(crate) match_start: usize,
}

impl<'t> SecretCandidate<'t> {
    pub(crate) fn value(&self) -> &'t str {
        self.line.get(self.start..self.end).unwrap_or_default()
    }
    pub(crate) fn before(&self) -> &'t str {
        self.line.get(..self.start).unwrap_or_default()
    }
    pub(crate) fn after(&self) -> &'t str {
        self.line.get(self.end..).unwrap_or_default()
    }
    /// The part of the match before the value.
    pub(crate) fn told(&self) -> &'t str {
        self.line.get(self.match_start..self.start).unwrap_or_default()
    }
    /// The text before the match: at most `most` bytes, and never more than [`MAX_AROUND`].
    pub(crate) fn near_before(&self, most: usize) -> &'t str {
        self.stretch(self.match_start.saturating_sub(most.min(MAX_AROUND)), self.match_start)
    }
    /// The text after the value.
    pub(crate) fn near_after(&self) -> &'t str {
        self.stretch(self.end, self.end + MAX_AROUND)
    }
    /// The match with the text around it.
    pub(crate) fn near(&self) -> &'t str {
        self.stretch(self.match_start.saturating_sub(MAX_AROUND), self.end + MAX_AROUND)
    }
    fn stretch(&self, from: usize, to: usize) -> &'t str {
        let (from, to) = (self.line.ceil_char_boundary(from), self.line.floor_char_boundary(to));
        let stretch = self.line.get(from..to).unwrap_or_default();
        work::add(stretch.len());
        stretch
    }
}

/// A rule as its module declares it. The secret is the first group that matched, or the whole match.
pub(crate) struct MaskingRule {
    pub(crate) kind: &'static str,
    /// Every line that the pattern matches contains one of these, in any case of ASCII. If empty, the rule runs on
    /// lines with many digits.
    pub(crate) keywords: &'static [&'static str],
    pub(crate) pattern: &'static str,
    pub(crate) check: fn(&SecretCandidate<'_>) -> bool,
}

pub(super) struct CompiledRule {
    pub(super) kind: Cow<'static, str>,
    pub(super) pattern: &'static str,
    /// Compiled at the first line that needs it: a pattern takes up to milliseconds, and most texts use few.
    regex: OnceLock<Option<Regex>>,
    check: fn(&SecretCandidate<'_>) -> bool,
}

impl CompiledRule {
    pub(super) fn of(rule: &MaskingRule) -> Self {
        let kind = Cow::Borrowed(rule.kind);
        Self { kind, pattern: rule.pattern, regex: OnceLock::new(), check: rule.check }
    }

    /// A rule of the user masks everything that its pattern finds.
    pub(super) fn of_user(name: &str, regex: Regex) -> Self {
        let check = |candidate: &SecretCandidate<'_>| !candidate.value().is_empty();
        Self { kind: Cow::Owned(name.to_owned()), pattern: "", regex: OnceLock::from(Some(regex)), check }
    }

    /// A test proves that every built-in rule compiles.
    fn regex(&self) -> Option<&Regex> {
        let compile = || {
            let regex = Regex::new(self.pattern).ok();
            debug_assert!(regex.is_some(), "{} does not compile: {}", self.kind, self.pattern);
            regex
        };
        self.regex.get_or_init(compile).as_ref()
    }
}

/// Finds the secrets of a rule on one line, `start..end` of the text.
pub(super) fn run(
    rule: &CompiledRule,
    priority: usize,
    text: &str,
    start: usize,
    end: usize,
    hits: &mut Vec<SecretSpan>,
) {
    let (Some(line), Some(regex)) = (text.get(start..end), rule.regex()) else { return };
    let mut from = 0;
    // Bytes of shortened values that are read again.
    let mut again = 0;
    while from <= line.len() {
        let found = regex.captures_at(line.as_bytes(), from);
        let whole = found.as_ref().and_then(|found| found.get(0));
        work::add(whole.map_or(line.len(), |whole| whole.end()) - from);
        let (Some(found), Some(whole)) = (found.as_ref(), whole) else { return };
        from = whole.end() + usize::from(whole.is_empty());
        let secret = found.iter().skip(1).flatten().next().unwrap_or(whole);
        // A value that is counted in bytes can end inside a character.
        let (value_start, mut value_end) =
            (line.floor_char_boundary(secret.start()), line.ceil_char_boundary(secret.end()));
        if found.name("word").is_some() {
            let value = line.get(value_start..value_end).unwrap_or_default();
            // Values are shortened at the first space, unless this already happened so often that it would take long.
            if let Some(space) = value.find(char::is_whitespace).filter(|_| again <= MOST_AGAIN * line.len())
            {
                // The text after the space may hold a secret of its own.
                again += value.len() - space;
                value_end = value_start + space;
                from = value_end.max(whole.start() + 1);
            }
        }
        let candidate =
            SecretCandidate { line, start: value_start, end: value_end, match_start: whole.start() };
        // A name inside a placeholder does not name a value.
        let by_placeholder = || {
            let told = line.get(whole.start()..value_start).unwrap_or_default();
            told.contains(']') && {
                let window = whole.start().saturating_sub(MAX_PLACEHOLDER);
                let window = line.floor_char_boundary(window);
                let near = line.get(window..value_start).unwrap_or_default();
                placeholders(near).iter().any(|(_, end)| window + end > whole.start())
            }
        };
        if value_start < value_end && (rule.check)(&candidate) && !by_placeholder() {
            let (start, end) = (start + value_start, start + value_end);
            hits.push(SecretSpan { start, end, kind: rule.kind.clone(), priority });
        } else if value_start < from
            && value_start > whole.start()
            && again <= MOST_AGAIN * line.len()
            && placeholders(candidate.value()).is_empty()
            && super::names::named(candidate.value()).is_some()
        {
            // The presumed value may be the name of another value: `smbpasswd: password = …`.
            again += from - value_start;
            from = value_start;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A placeholder may contain the name of a secret, which does not name a value: the text after it is not read
    /// again.
    #[test]
    fn a_placeholder_is_not_read_again_as_a_name() {
        let rule =
            MaskingRule { kind: "X", keywords: &["pwd"], pattern: r"pwd=(\S{1,80})", check: |_| false };
        let text = "pwd=[PASSWORD_1]................................. ".repeat(100);
        work::take();
        run(&CompiledRule::of(&rule), 0, &text, 0, text.len(), &mut Vec::new());
        let looked_at = work::take();
        assert!(looked_at < 3 * text.len() as u64 / 2, "{looked_at} for {}", text.len());
    }
}
