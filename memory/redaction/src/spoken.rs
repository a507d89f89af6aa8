/*!
Secrets in a sentence of any language: a word for a password or a code, a few other words, and the value. Languages
connect the two in too many ways to list, so the form of the value identifies it. The less the words in between
announce a value, the stricter the form: `the password is …` accepts any value, `password for server01 …` only one
that is not a plausible name.
*/

use std::cell::LazyCell;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

use super::checks::{
    has_placeholder, human_password, is_identifier, is_setting, looks_like_identifier, names_algorithm,
    own_name,
};
use super::names::{self, any_case};
use super::spoken_lists::{CHANGES, CODES, MORE_PASSWORDS, NAMES, OBJECTS, SAYS, TO, WORD_LISTS};
use super::work;

/// How far after the word a value is searched for.
const MAX_BYTES: usize = 200;
/// The most words between the word and a certain value, and between the word and a possible one.
const MAX_WORDS: usize = 10;
const MAX_WORDS_UNSAID: usize = 4;
/// The most bytes of the parts before the last part of a compound word.
const MAX_COMPOUND_BYTES: usize = 64;

/// A word of a line, between dividers, with its position.
#[derive(Debug, Clone, Copy)]
struct Word<'t> {
    start: usize,
    end: usize,
    text: &'t str,
    /// The text between this word and the one before announces a value: a colon, a quote, a bracket.
    is_set_off: bool,
}

struct SecretWords {
    search: AhoCorasick,
    /// The index of the first words for codes, and of the first that must be whole words.
    first_code: usize,
    first_short: usize,
}

static WORDS: LazyLock<Option<SecretWords>> = LazyLock::new(|| {
    let words = WORD_LISTS.concat();
    let search = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::LeftmostLongest)
        .build(&words)
        .ok()?;
    let first_short = names::PASSWORDS.len() + MORE_PASSWORDS.len();
    let first_code = words.len() - CODES.len();
    Some(SecretWords { search, first_code, first_short })
});

/// Calls `mask` with the span of every value in a sentence on the line. Returns the last word for a secret on it.
pub(super) fn values(line: &str, mask: &mut dyn FnMut(usize, usize)) -> Option<SpokenSecret> {
    let words = WORDS.as_ref()?;
    let mut last = None;
    // All words in one pass: otherwise there would be as many passes as words.
    for found in words.search.find_iter(line) {
        let is_code = found.pattern().as_usize() >= words.first_code;
        let is_short = found.pattern().as_usize() >= words.first_short;
        let before = line.get(..found.start()).unwrap_or_default();
        let rest = line.get(found.end()..).unwrap_or_default();
        let rest = rest.get(..rest.floor_char_boundary(MAX_BYTES)).unwrap_or_default();
        work::add(rest.len());
        if !is_word_of_a_sentence(before, line.get(found.start()..).unwrap_or_default(), rest, is_short) {
            continue;
        }
        let kind = if is_code { SpokenSecretKind::Code } else { SpokenSecretKind::Password };
        last = Some(SpokenSecret { kind, end: found.end() });
        // The grammatical ending of the word.
        let ending = rest.len()
            - rest
                .trim_start_matches(|c: char| c.is_alphabetic() && !is_of_signs(c) || "'\u{2019}".contains(c))
                .len();
        let from = found.end() + if is_short { 0 } else { ending };
        let until = found.end() + rest.len();
        if is_code {
            // Accepts `PIN 4471`, but not the pin of a plug.
            let own = line.get(found.start()..found.end()).unwrap_or_default();
            let is_certain = own.len() > 4 || !own.bytes().any(|byte| byte.is_ascii_lowercase());
            code(line, from, until, is_certain, mask);
        } else {
            // A verb and a noun with other meanings: the value must be close.
            let own = line.get(found.start()..found.end()).unwrap_or_default().to_ascii_lowercase();
            let most = if matches!(own.as_str(), "pass" | "secret") { 2 } else { MAX_WORDS };
            password(line, from, until, most, mask);
            if most == MAX_WORDS {
                told_before(before, mask);
            }
        }
    }
    last
}

/// Whether the word is written as in a sentence, and not within a name or a path.
fn is_word_of_a_sentence(before: &str, word: &str, rest: &str, is_short: bool) -> bool {
    let previous = before.chars().next_back();
    let begins = match previous {
        None => true,
        Some(c) if is_short => !(c.is_alphanumeric() || "_$./@\\-:".contains(c)),
        // Characters of these scripts follow each other without a space.
        Some(_) if word.starts_with(is_of_signs) => true,
        Some('-') => before.trim_end_matches('-').ends_with(char::is_alphanumeric) && !before.ends_with("--"),
        // Accepts `Gerätepasswort`, but not `hashPassword`.
        Some(c) if c.is_alphabetic() => word.starts_with(char::is_lowercase) && is_compound(before),
        Some(c) => !(c.is_ascii_digit() || "_$./@\\".contains(c)),
    };
    let next = rest.chars().next();
    let ends = if is_short {
        next.is_none_or(|c| {
            is_of_signs(c)
                || !c.is_alphanumeric() && !"_([.-/@\\$".contains(c)
                || c == '.' && rest.starts_with(". ")
        })
    } else {
        next.is_none_or(|c| {
            !(c.is_ascii_digit() || "_([/\\$@".contains(c)) || c == '(' && rest.starts_with(" (")
        }) && !rest.starts_with(".") | rest.starts_with("...")
            && !rest.starts_with("-") | rest.starts_with("->") | rest.starts_with("--")
    };
    begins && ends
}

/// `Gerätepasswort`, `WLAN-Passwort`: words of a language that joins them.
fn is_compound(before: &str) -> bool {
    // No word is longer; a line without spaces may hold thousands of such words.
    let near = before.get(before.ceil_char_boundary(before.len().saturating_sub(MAX_COMPOUND_BYTES))..);
    let near = near.unwrap_or_default();
    let head = near.rsplit(|c: char| !c.is_alphabetic()).next().unwrap_or_default();
    work::add(head.len());
    before.len() == head.len()
        || before
            .get(..before.len() - head.len())
            .is_some_and(|rest| rest.ends_with([' ', '-', '(', '"', '*']))
}

/// Characters of scripts that do not separate words, or that join values to words.
fn is_of_signs(c: char) -> bool {
    matches!(u32::from(c), 0x590..=0x6ff | 0xe00..=0xe7f | 0x1100..=0x11ff | 0x2e80..=0x9fff | 0xac00..=0xd7ff | 0xf900..=0xfaff | 0xff00..=0xffef)
}

fn divides(c: char) -> bool {
    c.is_whitespace()
        || is_of_signs(c)
        || "\"`\u{ab}\u{bb}\u{201c}\u{201d}\u{201e}\u{2018}\u{2039}\u{203a}\u{2192}".contains(c)
}

/// The words of a range.
fn words(line: &str, from: usize, until: usize) -> impl Iterator<Item = Word<'_>> {
    let mut at = from;
    std::iter::from_fn(move || {
        let rest = line.get(at..until)?;
        let skipped =
            rest.len() - rest.trim_start_matches(|c: char| divides(c) || "'(*_[<,;:=>|{".contains(c)).len();
        let gap = rest.get(..skipped).unwrap_or_default();
        let rest = rest.get(skipped..).filter(|rest| !rest.is_empty())?;
        // In scripts without spaces, characters act as words.
        let is_set_off = gap.contains([
            ':', '=', '"', '`', '\'', '(', '>', '\u{ab}', '\u{201c}', '\u{201e}', '\u{2192}', '*', '[', '|',
            '~', '{',
        ]) || gap.chars().any(is_of_signs);
        let length = rest.find(divides).unwrap_or(rest.len());
        // `{{…}}` is fixed-width text in a wiki.
        let length = rest.get(..length).and_then(|word| word.find("}}")).unwrap_or(length).max(1);
        let start = at + skipped;
        at = start + length;
        Some(Word { start, end: at, text: rest.get(..length).unwrap_or_default(), is_set_off })
    })
}

fn password(line: &str, from: usize, until: usize, most: usize, mask: &mut dyn FnMut(usize, usize)) {
    let around = line.ceil_char_boundary(from.saturating_sub(MAX_BYTES));
    let around = line.get(around..until).unwrap_or_default();
    // Needed for some of the words only, and the same for all of them.
    let is_changed = LazyCell::new(|| is_changed(around));
    let is_finnish = LazyCell::new(|| is_finnish(around));
    let mut previous = "";
    let mut seen = 0;
    let (mut found, mut is_dashed) = (false, false);
    for mut word in words(line, from, until).take(2 * MAX_WORDS) {
        // A dash, an arrow or a slash alone.
        if !word.text.contains(char::is_alphanumeric) {
            is_dashed = true;
            continue;
        }
        word.is_set_off |= std::mem::take(&mut is_dashed);
        is_dashed = word.text.ends_with([':', '=', '\u{ff1a}']);
        let value =
            word.text.trim_end_matches(['.', ',', ';', ':', ')', '?', ']', '>', '\'', '*', '|', '}', '(']);
        let head = line.get(..word.start).unwrap_or_default();
        // A template, but not fixed-width text of a wiki.
        if (head.ends_with("{{") || without_last(head).ends_with("{{"))
            && (head.ends_with(' ')
                || !line.get(word.start + value.len()..).unwrap_or_default().starts_with("}}"))
        {
            return;
        }
        if has_placeholder(line.get(word.start.saturating_sub(1)..word.end).unwrap_or_default()) {
            found = true;
            previous = "";
            continue;
        }
        let candidate = is_made_up(value);
        let told = if candidate { previous.to_lowercase() } else { String::new() };
        let told = told.as_str();
        let is_said = SAYS.contains(&told) || told == "on" && *is_finnish;
        let says = is_said || TO.contains(&told) && *is_changed;
        let is_object = OBJECTS.contains(&told);
        let is_value = if !candidate {
            false
        } else if found {
            says && !is_name(value) || word.is_set_off && !is_identifier(value)
        } else if word.is_set_off && (seen == 0 || says || !is_object) || says {
            seen < 3 && (is_said || seen == 0) || !is_name(value)
        } else if seen == 0 {
            !is_name(value)
        } else {
            !is_object && seen <= MAX_WORDS_UNSAID && most == MAX_WORDS && !is_identifier(value)
        };
        if is_value {
            mask(word.start, word.start + value.len());
            found = true;
        }
        // The search stops at the end of a sentence, a quotation or a link.
        let after = line.get(word.end..).unwrap_or_default();
        if seen >= most
            || word.text.contains("://")
            || !is_value
                && word.text.ends_with(['.', '!', '?', ';'])
                && value.chars().all(char::is_alphabetic)
            || !is_value && after.starts_with('"') && !word.is_set_off
        {
            return;
        }
        seen += 1;
        previous = value.trim_matches(|c: char| !c.is_alphanumeric());
    }
}

/// A text without its last character.
fn without_last(text: &str) -> &str {
    let mut letters = text.chars();
    letters.next_back();
    letters.as_str()
}

/// `tried … and … as the password`, `is … the right password?`: the values precede the word.
fn told_before(before: &str, mask: &mut dyn FnMut(usize, usize)) {
    const LEADS: [&str; 14] = [
        " as",
        " as the",
        " as my",
        " as a",
        " as your",
        "the right",
        "the correct",
        "work as",
        " als",
        " comme",
        " como",
        " come",
        " jako",
        " som",
    ];
    let head = before.trim_end();
    let near = head.ceil_char_boundary(head.len().saturating_sub(MAX_BYTES / 2));
    let tail = head.get(near..).unwrap_or_default();
    if !LEADS.iter().any(|lead| tail.ends_with(lead)) {
        return;
    }
    work::add(tail.len());
    // Only values of the same sentence.
    let from = near + [". ", "; "].iter().filter_map(|end| tail.rfind(end)).max().map_or(0, |at| at + 1);
    for word in words(before, from, head.len()) {
        let value = word.text.trim_end_matches(['.', ',', ';', ':', ')', '?']);
        if is_made_up(value) && !is_name(value) {
            mask(word.start, word.start + value.len());
        }
    }
}

/// Whether the text says that something was changed, so that `to` precedes the new value.
fn is_changed(around: &str) -> bool {
    static CHANGED: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| any_case(CHANGES));
    work::add(around.len());
    CHANGED.as_ref().is_some_and(|words| words.is_match(around))
}

/// Whether the language is one in which `on` means `is` (Finnish, Estonian).
fn is_finnish(around: &str) -> bool {
    work::add(around.len());
    let lower = around.to_lowercase();
    ["salasana", "parool"].iter().any(|word| lower.contains(word))
}

/// A number of four to eight digits after a word for a code, if the text marks it as the code.
fn code(line: &str, from: usize, until: usize, is_certain: bool, mask: &mut dyn FnMut(usize, usize)) {
    let mut previous = String::new();
    let mut is_dashed = false;
    for (seen, mut word) in words(line, from, until).take(MAX_WORDS_UNSAID + 4).enumerate() {
        word.is_set_off |= is_dashed;
        is_dashed = word.text.ends_with([':', '=', '\u{ff1a}']) || !word.text.contains(char::is_alphanumeric);
        let value = word.text.trim_end_matches(['.', ',', ';', ':', ')', '?', '#', '!', ']', '\'']);
        let is_number = (4..=8).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_digit());
        let says = word.is_set_off || seen == 0 && is_certain || SAYS.contains(&previous.as_str());
        // `12:30`, `5000/tcp`, `1200 ms`
        let after = line.get(word.start + value.len()..).unwrap_or_default();
        let goes_on = after.starts_with([':', '/', '-', '%']) && !after.starts_with(": ");
        if is_number && says && !goes_on {
            mask(word.start, word.start + value.len());
            return;
        }
        if value.bytes().any(|byte| byte.is_ascii_digit()) || word.text.ends_with(['.', '!', '?', ';']) {
            return;
        }
        previous = value.to_lowercase();
    }
}

/// The kind of secret that a line mentions in a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SpokenSecretKind {
    Password,
    Code,
}

/// A word for a secret in a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SpokenSecret {
    pub(super) kind: SpokenSecretKind,
    /// The end of the word in its line.
    pub(super) end: usize,
}

/// Has the form of a password, and not of a ticket, digest, file, version or address.
pub(super) fn is_made_up(value: &str) -> bool {
    let bytes = value.as_bytes();
    if !human_password(value) {
        return false;
    }
    let lower = value.to_lowercase();
    let letters = bytes.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    let constant = value.contains('_')
        && letters > 0
        && bytes.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_');
    // `1:4.13+deb12u1`
    let package = bytes.first().is_some_and(u8::is_ascii_digit)
        && value.contains(['.', ':'])
        && value
            .split(['.', ':'])
            .take(2)
            .all(|part| !part.is_empty() && part.bytes().take(2).all(|byte| byte.is_ascii_digit()));
    let version = lower.starts_with('v')
        && bytes.get(1).is_some_and(u8::is_ascii_digit)
        && bytes.iter().all(u8::is_ascii_alphanumeric)
        && bytes.len() <= 9;
    let ticket = bytes.iter().all(|byte| {
        byte.is_ascii_uppercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_' | b'#' | b'.')
    }) && letters <= 4;
    let hex = bytes.iter().all(u8::is_ascii_hexdigit) || lower.starts_with("0x");
    let file = value.rsplit_once('.').is_some_and(|(stem, ending)| {
        (1..=5).contains(&ending.len())
            && ending.bytes().all(|byte| byte.is_ascii_lowercase())
            && looks_like_identifier(stem)
    });
    let signs = value.contains(['!', '#', '$', '%', '*', '&', '^', '~', '+', '?', '@']);
    // Words joined by hyphens and dots, as in names and versions.
    let joined = value.contains(['-', '.']) && !signs && value == lower && looks_like_identifier(value);
    let digits = bytes.iter().any(u8::is_ascii_digit);
    // `12chars`, `30jours`
    let measure = value.trim_start_matches(|c: char| c.is_ascii_digit()).bytes().all(|byte| byte.is_ascii_lowercase())
        && bytes.iter().filter(|byte| byte.is_ascii_digit()).count() <= 3
        && bytes.first().is_some_and(u8::is_ascii_digit)
        // `min8chars`, `i18nfiles`
        || bytes.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
            && bytes.iter().filter(|byte| byte.is_ascii_digit()).count() <= 2
            && bytes.last().is_some_and(u8::is_ascii_lowercase);
    let only_ends_in_a_sign = !digits && {
        let core = value.trim_matches(|c: char| !c.is_alphanumeric());
        core.chars().all(|c| c.is_alphabetic() || "-_'".contains(c))
    };
    !value.contains(['(', '|', '<', '>', '{', '\\', ',', '"', '='])
        && (signs || !value.contains('/'))
        && !value.starts_with(['-', '/', '#', '$', '~', '@', '+', '&'])
        && !value.rsplit_once('@').is_some_and(|(_, domain)| domain.contains('.'))
        && !value.contains("::")
        && !value.contains("://")
        && !only_ends_in_a_sign
        && !ticket
        && !constant
        && !version
        && !package
        && !measure
        && !hex
        && !file
        && !joined
        && !own_name(value)
        && !is_setting(value)
        && !names_algorithm(&lower)
        && !is_code_name(value)
}

/// `user_42`, `HTTP_401`, `getUser2`: names in code, followed by a number of one or two digits.
fn is_code_name(value: &str) -> bool {
    let stem = value.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = value.len() - stem.len();
    let all_upper = stem.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    let humps = stem.bytes().skip(1).any(|byte| byte.is_ascii_uppercase())
        && stem.starts_with(|c: char| c.is_ascii_lowercase());
    is_identifier(value)
        && (digits <= 1 || stem.contains('_') && digits <= 3 || all_upper || humps && digits <= 2)
}

/// Names that people give to machines and programs.
pub(super) fn is_name(value: &str) -> bool {
    let stem = value.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches(['-', '_', '.']);
    let lower = stem.to_lowercase();
    let last = lower.rsplit(['-', '_', '.']).next().unwrap_or_default();
    let first = lower.split(['-', '_', '.']).next().unwrap_or_default();
    is_identifier(value) && (stem.len() < 4 || NAMES.contains(&last) || NAMES.contains(&first))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The context of a word is computed once for all that follows it.
    #[test]
    fn what_stands_around_is_asked_once_a_word() {
        let line = format!("we changed the password of it{}", " to Kestrel29!x".repeat(10));
        work::take();
        let mut masked = 0;
        values(&line, &mut |_, _| masked += 1);
        let looked_at = work::take();
        assert!(masked > 3 && looked_at < 4 * line.len() as u64, "{masked}, {looked_at} for {}", line.len());
    }

    #[test]
    fn a_hole_of_a_template_is_no_value_whatever_stands_before_it() {
        for line in ["password: {{ hunter2x }}", "password ü: {{hunter2x }}", "Passwort für 中{{ hunter2x }}"]
        {
            values(line, &mut |from, to| panic!("{line}: {:?}", line.get(from..to)));
        }
    }
}
