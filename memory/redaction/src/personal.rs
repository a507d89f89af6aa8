/*!
Personal data: e-mail addresses, payment cards, telephone numbers, account numbers. Where a bare number could also be
an identifier, the rule requires a check digit, an international form or a telling word beside it.
*/

use super::checks::{has_placeholder, iban, luhn};
use super::rule::{MAX_AROUND, MaskingRule, SecretCandidate};

pub(crate) const RULES: &[MaskingRule] = &[
    MaskingRule {
        kind: "EMAIL",
        keywords: &["@"],
        pattern: r"[A-Za-z0-9_](?:[A-Za-z0-9._%+'-]{0,62}[A-Za-z0-9_+-])?@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,24}",
        check: email,
    },
    MaskingRule {
        kind: "IBAN",
        keywords: &[],
        pattern: r"\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b",
        check: |candidate| bounded(candidate) && iban(candidate.value()),
    },
    MaskingRule {
        kind: "CARD",
        keywords: &[],
        pattern: r"\b[2-6][0-9]{3}(?:[ -]?[0-9]{4}){3}\b",
        check: card,
    },
    MaskingRule {
        kind: "CARD",
        keywords: &[],
        pattern: r"\b3[0-9][0-9]{2}[ -]?[0-9]{6}[ -]?[0-9]{4,5}\b",
        check: card,
    },
    MaskingRule {
        kind: "PHONE",
        keywords: &["+"],
        pattern: r"\+[1-9][0-9]{0,2}(?:[ .-]?\([0-9]{1,4}\))?(?:[ .-]?[0-9]{2,5}){2,5}\b",
        check: international_phone,
    },
    MaskingRule {
        kind: "PHONE",
        keywords: &[") ", ")2", ")3", ")4", ")5", ")6", ")7", ")8", ")9"],
        pattern: r"\([2-9][0-9]{2}\) ?[2-9][0-9]{2}[ .-][0-9]{4}\b",
        check: bounded,
    },
    MaskingRule {
        kind: "PHONE",
        keywords: &["phone", "tel", "mobile", "cell", "fax", "whatsapp", "msisdn", "sms"],
        pattern: r#"(?i)(?:phone|tel|mobile|cell|fax|whatsapp|msisdn|sms)(?:[ _-]?(?:number|no|nr|to))?["']?\.? ?[:=]{0,2} ?["']?(\+?\(?[0-9][0-9 ()./-]{5,17}[0-9])"#,
        check: told_phone,
    },
    MaskingRule {
        kind: "IBAN",
        keywords: &["iban"],
        pattern: r#"(?i)\biban\b[^A-Za-z0-9\n]{1,8}([a-z]{2}[0-9]{2}(?: ?[a-z0-9]{4}){2,7}(?: ?[a-z0-9]{1,3})?)\b"#,
        check: |candidate| iban(&candidate.value().to_ascii_uppercase()),
    },
    MaskingRule {
        kind: "PHONE",
        keywords: &["ruf", "erreichbar", "call", "reach", "rappeler", "llam", "chiam"],
        pattern: r#"(?i)\b(?:r\x{fc}ckruf|anrufe?n?|ruf(?:en|t)?|erreichbar|call(?:ed)?(?:\s(?:me|us|back))?|reach(?:ed)?(?:\s(?:me|us))?|rappeler|llam\w{1,6}|chiam\w{1,6})\b[^\n0-9+]{0,40}?\s(\+?\(?0[0-9 ()./-]{7,19}[0-9])"#,
        check: told_phone,
    },
    MaskingRule {
        kind: "DATE_OF_BIRTH",
        keywords: &["birth", "dob", "geburtsdatum", "geb.", "geboren", "born", "naissance", "nacimiento"],
        pattern: r#"(?i)(?:date[ _-]?of[ _-]?birth|\bdob|birth[ _-]?da(?:te|y)|born(?:\son)?|geburtsdatum|\bgeb\.|geboren(?: am)?|date de naissance|fecha de nacimiento)["']?\s{0,3}[:=]?\s{0,3}["']?([0-9]{1,4}[-./][0-9]{1,2}[-./][0-9]{2,4})\b"#,
        check: |_| true,
    },
    MaskingRule {
        kind: "SSN",
        keywords: &["ssn", "social security"],
        pattern: r#"(?i)(?:ssn|social security)[^0-9]{0,20}([0-9]{3}-[0-9]{2}-[0-9]{4})\b"#,
        check: |_| true,
    },
];

/// Endings that make an `x@y.z` a file, a unit or a package rather than an address.
const NOT_A_DOMAIN: &[&str] = &[
    "png", "jpg", "jpeg", "gif", "svg", "webp", "js", "jsx", "ts", "tsx", "mjs", "css", "py", "java", "rb",
    "go", "php", "html", "json", "xml", "yml", "yaml", "txt", "log", "conf", "service", "socket", "target",
    "timer", "mount", "slice", "lock", "tgz", "gz", "zip", "jar", "so", "dll", "exe", "class",
];

fn email(candidate: &SecretCandidate<'_>) -> bool {
    let value = candidate.value();
    let Some((local, domain)) = value.split_once('@') else { return false };
    let top = domain.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    // The URL rules handle `scheme://user:password@host`; masking the host with it would hide the system. The search
    // is bounded, because no URL worth keeping is longer and a line without a space may hold thousands of addresses.
    let before = candidate.near_before(MAX_AROUND);
    let word_start = before.rfind(char::is_whitespace).map_or(0, |at| at + 1);
    let in_url = before.get(word_start..).is_some_and(|head| {
        head.contains("://")
            && !head.contains('?')
            && !head.rsplit("://").next().unwrap_or_default().contains('/')
    });
    !in_url
        && !NOT_A_DOMAIN.contains(&top.as_str())
        && !local.eq_ignore_ascii_case("git")
        // Names of SSH algorithms contain the domain of their author.
        && !["openssh.com", "libssh.org", "ssh.com", "lysator.liu.se", "putty.projects.tartarus.org"].contains(&domain)
        && !candidate.after().starts_with('(')
        && !has_placeholder(value)
}

/// Not a part of a longer number, identifier, version or timestamp.
fn bounded(candidate: &SecretCandidate<'_>) -> bool {
    let joins = |c: char| c.is_ascii_alphanumeric() || "_-.:/#$@=%+".contains(c);
    let before = candidate.before().chars().next_back();
    let after = candidate.after().chars().next();
    let ends_sentence =
        after == Some('.') && candidate.after().chars().nth(1).is_none_or(char::is_whitespace);
    let assigned = matches!(before, Some('=' | ':'))
        && !candidate.before().trim_end_matches(['=', ':']).ends_with(|c: char| c.is_ascii_digit());
    (before.is_none_or(|c| !joins(c)) || assigned)
        && (after.is_none_or(|c| !joins(c) || c == ':') || ends_sentence)
}

fn card(candidate: &SecretCandidate<'_>) -> bool {
    let digits: String = candidate.value().chars().filter(char::is_ascii_digit).collect();
    if !luhn(&digits) || !bounded(candidate) || digits.bytes().all(|byte| byte == digits.as_bytes()[0]) {
        return false;
    }
    // Issuer ranges of the schemes (ISO/IEC 7812 registry as published by them).
    let prefix =
        |length: usize| digits.get(..length).and_then(|head| head.parse::<u32>().ok()).unwrap_or_default();
    let (two, three, four) = (prefix(2), prefix(3), prefix(4));
    let issued = match digits.len() {
        14 => matches!(three, 300..=305) || matches!(two, 36 | 38 | 39),
        15 => matches!(two, 34 | 37),
        16 => {
            two / 10 == 4
                || matches!(two, 51..=55 | 62 | 65)
                || matches!(four, 2221..=2720 | 3528..=3589 | 6011)
                || matches!(three, 644..=649)
        }
        _ => false,
    };
    let named_id = candidate.before().trim_end_matches(['"', '\'', ' ', '=', ':', '[', '(']);
    let named_id = named_id.get(named_id.len().saturating_sub(8)..).unwrap_or_default().to_ascii_lowercase();
    let id = ["id", "trace", "span", "seq", "offset", "hash", "uid", "nonce"];
    issued && !id.iter().any(|name| named_id.ends_with(name))
}

fn international_phone(candidate: &SecretCandidate<'_>) -> bool {
    let digits = candidate.value().bytes().filter(u8::is_ascii_digit).count();
    let before = candidate.before();
    let previous = before.chars().next_back();
    // At the start of a line `+` may be a diff's mark, so the number must be grouped like a telephone number.
    let grouped = candidate.value().contains([' ', '-', '(']);
    (9..=15).contains(&digits)
        && (grouped || !before.trim_end().is_empty())
        && previous.is_none_or(|c| c.is_whitespace() || "\"'(:=,<>;[".contains(c))
        && candidate.after().chars().next().is_none_or(|c| !c.is_ascii_alphanumeric() && !"_-+*/".contains(c))
        && !after_time(before)
}

/// `12:00:00 +0200 …`: an offset from UTC, not a country code.
fn after_time(before: &str) -> bool {
    let before = before.trim_end();
    let tail = before.get(before.len().saturating_sub(3)..).unwrap_or_default();
    tail.starts_with(':') && tail.bytes().skip(1).all(|byte| byte.is_ascii_digit())
}

fn told_phone(candidate: &SecretCandidate<'_>) -> bool {
    let value = candidate.value();
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let word_before = candidate.line.get(..candidate.match_start).and_then(|head| head.chars().next_back());
    let dotted =
        value.contains('.') && !value.contains(['+', ' ', '-', '(']) && value.matches('.').count() != 2;
    (7..=15).contains(&digits)
        && !dotted
        && word_before.is_none_or(|c| !c.is_ascii_lowercase())
        && candidate.after().chars().next().is_none_or(|c| !c.is_ascii_alphanumeric() && c != '_' && c != '.')
        && value.bytes().filter(|byte| *byte == b'(').count()
            == value.bytes().filter(|byte| *byte == b')').count()
}
