//! A rule only runs on lines with one of its keywords, so an alternative of a pattern without a keyword of its own
//! finds nothing, and no other test would notice. This test generates texts from each pattern, through all of its
//! alternatives.

use fastrand::Rng;
use regex::bytes::Regex;
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind};

use super::builtin_rules;
use super::rule::MaskingRule;

/// Texts generated from each pattern: enough for an alternative of thirty within one of ten.
const TEXTS_PER_RULE: usize = 1_500;
/// Longer repetitions are generated with at most their minimum plus two.
const MAX_EXTRA_REPEATS: u32 = 2;

/// Rules whose keywords stand elsewhere on the line, which the pattern or its check asks for: kind and first keyword.
const KEYWORDS_ELSEWHERE: &[(&str, &str)] = &[
    ("SENTRY_DSN", "ingest"),
    ("DISCORD_TOKEN", "login("),
    ("PASSWORD", "snmp"),
    ("PASSWORD", "chpasswd"),
    ("MAILGUN_KEY", "mailgun"),
    ("VAULT_TOKEN", "vault"),
    ("RECOVERY_KEY", "bitlocker"),
];

/// Appends a text of the form of `hir`. Anchors and word boundaries are left to the search that follows.
fn write_text(hir: &Hir, chance: &mut Rng, text: &mut Vec<u8>) {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => text.extend_from_slice(&literal.0),
        HirKind::Class(class) => write_member(class, chance, text),
        HirKind::Repetition(repetition) => {
            let most = repetition.max.unwrap_or(u32::MAX).min(repetition.min + MAX_EXTRA_REPEATS);
            let extra = chance.usize(..=(most - repetition.min) as usize);
            for _ in 0..repetition.min as usize + extra {
                write_text(&repetition.sub, chance, text);
            }
        }
        HirKind::Capture(capture) => write_text(&capture.sub, chance, text),
        HirKind::Concat(parts) => parts.iter().for_each(|part| write_text(part, chance, text)),
        HirKind::Alternation(parts) => write_text(&parts[chance.usize(..parts.len())], chance, text),
    }
}

/// One member of a class: of ASCII where it has one, since letters that only look alike are read by `disguise`.
fn write_member(class: &Class, chance: &mut Rng, text: &mut Vec<u8>) {
    let ranges: Vec<(u32, u32)> = match class {
        Class::Unicode(class) => {
            class.iter().map(|range| (u32::from(range.start()), u32::from(range.end()))).collect()
        }
        Class::Bytes(class) => {
            class.iter().map(|range| (u32::from(range.start()), u32::from(range.end()))).collect()
        }
    };
    // A tab among them: where a pattern takes any space, keywords with a blank behind them are not enough.
    let printable: Vec<u32> = ranges
        .iter()
        .flat_map(|(from, to)| {
            let tab = (*from..=*to).contains(&0x9).then_some(0x9);
            tab.into_iter().chain(0x20.max(*from)..=0x7e.min(*to))
        })
        .collect();
    let code = match printable.as_slice() {
        [] => {
            let (from, to) = ranges[chance.usize(..ranges.len())];
            chance.u32(from..=to)
        }
        printable => printable[chance.usize(..printable.len())],
    };
    let member = char::from_u32(code).unwrap_or('x');
    text.extend_from_slice(member.encode_utf8(&mut [0; 4]).as_bytes());
}

/// Matches of a rule that hold none of its keywords, and how many matches were looked at.
fn matches_without_keyword(rule: &MaskingRule, seed: u64) -> (Vec<String>, usize) {
    let hir = ParserBuilder::new().utf8(false).build().parse(rule.pattern).unwrap();
    let regex = Regex::new(rule.pattern).unwrap();
    let mut chance = Rng::with_seed(seed);
    let (mut without, mut seen) = (Vec::new(), 0);
    for _ in 0..TEXTS_PER_RULE {
        let mut text = Vec::new();
        write_text(&hir, &mut chance, &mut text);
        let Some(found) = regex.find(&text) else { continue };
        seen += 1;
        let found = String::from_utf8_lossy(found.as_bytes()).into_owned();
        // As the search for keywords does.
        let lower = found.to_ascii_lowercase();
        if !rule.keywords.iter().any(|word| lower.contains(&word.to_ascii_lowercase())) {
            without.push(found);
        }
    }
    (without, seen)
}

#[test]
fn every_alternative_of_a_pattern_holds_a_keyword() {
    let mut dead = Vec::new();
    let mut elsewhere = 0;
    for (number, rule) in builtin_rules::all().enumerate().filter(|(_, rule)| !rule.keywords.is_empty()) {
        if KEYWORDS_ELSEWHERE.contains(&(rule.kind, rule.keywords[0])) {
            elsewhere += 1;
            continue;
        }
        let (without, seen) = matches_without_keyword(rule, number as u64);
        assert!(seen > TEXTS_PER_RULE / 20, "{} {:?}: only {seen} texts match", rule.kind, rule.keywords);
        if let Some(example) = without.iter().min_by_key(|text| text.len()) {
            dead.push(format!(
                "{} {:?}: {} of {seen}, such as {example:?}",
                rule.kind,
                rule.keywords,
                without.len()
            ));
        }
    }
    assert!(dead.is_empty(), "{}", dead.join("\n"));
    assert_eq!(elsewhere, KEYWORDS_ELSEWHERE.len(), "a rule named here is gone");
}

/// The test above finds what it is for.
#[test]
fn a_part_of_a_pattern_without_a_keyword_is_found() {
    let rule = |keywords| MaskingRule {
        kind: "X",
        keywords,
        pattern: r"(?i)net\s+use|(?:pass|kenn)wort",
        check: |_| true,
    };
    let (without, _) = matches_without_keyword(&rule(&["net use", "passwort"]), 1);
    assert!(without.iter().any(|text| text.to_lowercase() == "kennwort"), "{without:?}");
    assert!(without.iter().any(|text| text.contains("  ")), "{without:?}");
    assert!(matches_without_keyword(&rule(&["net", "wort"]), 1).0.is_empty());
}
