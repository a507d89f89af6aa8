/*!
Secrets whose name stands apart from them: `{"name": "DB_PASSWORD", "value": "…"}` as environments and headers are written by
Kubernetes, Compose and CI; a key whose value begins on the next line (`var_dump`, multipart forms, JSON that was broken over
lines); and lists of values below one key. Each line is looked at once, with a few that follow it, so that this is linear.
*/

use std::sync::LazyLock;

use regex::Regex;

use super::checks::{is_reference, looks_like_identifier, looks_random};

/// Lines after a name on which its value may stand.
const LINES_AHEAD: usize = 3;
/// Lines that a list may take.
const LIST_LINES: usize = 16;
/// Longer lines are looked at by the other rules only.
const MAX_LINE_BYTES: usize = 4 << 10;
/// Names looked at on one line.
const MAX_NAMES: usize = 32;

/// Names that tell a secret.
macro_rules! secret_name {
    () => {
        r"[a-z0-9_.-]*(?:password|passwd|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credentials?|authorization|cookie)[a-z0-9_-]*"
    };
}

fn compiled(pattern: &str) -> Option<Regex> {
    let regex = Regex::new(pattern).ok();
    debug_assert!(regex.is_some(), "{pattern} does not compile");
    regex
}

/// `"name": "DB_PASSWORD"`; group 1 is the name.
static NAME: LazyLock<Option<Regex>> = LazyLock::new(|| {
    compiled(concat!(
        r#"(?i)\b(?:name|key|header|variable|var|field|option|parameter|env)\\?["']?\s*(?:=>|[:=])\s*\\?["']?("#,
        secret_name!(),
        r#")\\?["']?\s*(?:[,;}]|$)"#
    ))
});
/// What stands before a value.
static VALUE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    compiled(r#"(?i)^[\s,;{}\[\]-]*\\?["']?(?:value|val|content|data|default)\\?["']?\s*(?:=>|[:=])\s*"#)
});
/// What begins another entry: its value is not this one's.
static NEXT_ENTRY: LazyLock<Option<Regex>> =
    LazyLock::new(|| compiled(r#"(?i)^\s*(?:[-}\]]|\\?["']?(?:name|key|header|variable)\\?["']?\s*[:=])"#));
/// A key that ends its line, or begins a list; group 1 is the name, group 2 what opens, group 3 the rest.
static KEY_ALONE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    compiled(concat!(
        r#"(?i)(?:^|[\s"'\[{,])("#,
        secret_name!(),
        r#")\\?["']?\]?\s*(?:=>|[:=])\s*(\[|\(|[|>]-?)?\s*(.*)$"#
    ))
});
/// What may stand before a value that has a line for itself.
static TYPED: LazyLock<Option<Regex>> = LazyLock::new(|| compiled(r"^\s*(?:string\([0-9]+\)\s*)?"));
/// The head of a part of a form.
static FORM_PART: LazyLock<Option<Regex>> = LazyLock::new(|| {
    compiled(concat!(r#"(?i)content-disposition:\s*form-data;.*\bname=""#, secret_name!(), r#"""#))
});

/// A line of the text: where it begins, and what it says.
type Line<'t> = (usize, &'t str);

/// Calls `mask` with the span of every value whose name stands apart from it.
pub(super) fn named_values(text: &str, mask: &mut dyn FnMut(usize, usize)) {
    let mut at = 0;
    let lines: Vec<Line<'_>> = text
        .split('\n')
        .map(|line| {
            let start = at;
            at += line.len() + 1;
            (start, line.trim_end_matches('\r'))
        })
        .collect();
    for (number, line) in lines.iter().enumerate() {
        if line.1.len() > MAX_LINE_BYTES || !tells_secret(line.1) {
            continue;
        }
        let ahead = lines.get(number + 1..).unwrap_or_default();
        name_and_value(*line, ahead, mask);
        key_alone(*line, ahead, mask);
        form_part(line.1, ahead, mask);
    }
}

/// Whether a line may hold one of the names at all.
fn tells_secret(line: &str) -> bool {
    const STEMS: [&str; 8] =
        ["pass", "pwd", "secret", "token", "key", "credential", "authorization", "cookie"];
    let lower = line.to_ascii_lowercase();
    STEMS.iter().any(|stem| lower.contains(stem))
}

fn name_and_value((start, line): Line<'_>, ahead: &[Line<'_>], mask: &mut dyn FnMut(usize, usize)) {
    let (Some(name), Some(next_entry)) = (NAME.as_ref(), NEXT_ENTRY.as_ref()) else { return };
    let names: Vec<(usize, usize)> = name
        .captures_iter(line)
        .take(MAX_NAMES)
        .filter_map(|found| found.get(1).map(|name| (name.start(), name.end())))
        .collect();
    for (number, (from, to)) in names.iter().enumerate() {
        let named = line.get(*from..*to).unwrap_or_default();
        let until = names.get(number + 1).map_or(line.len(), |(next, _)| *next);
        let rest = line.get(*to..until).unwrap_or_default();
        let quote = rest.len() - rest.trim_start_matches(['\\', '"', '\'']).len();
        let here = value_in(rest.get(quote..).unwrap_or_default());
        if let Some((from, to)) = here {
            take(
                named,
                rest.get(quote..).unwrap_or_default(),
                start + until - rest.len() + quote,
                (from, to),
                mask,
            );
            continue;
        }
        if until < line.len() {
            continue;
        }
        for (at, line) in ahead.iter().take(LINES_AHEAD) {
            if line.len() > MAX_LINE_BYTES || next_entry.is_match(line) {
                break;
            }
            if let Some(found) = value_in(line) {
                take(named, line, *at, found, mask);
                break;
            }
        }
    }
}

fn take(name: &str, text: &str, at: usize, (from, to): (usize, usize), mask: &mut dyn FnMut(usize, usize)) {
    if is_secret(name, text.get(from..to).unwrap_or_default()) {
        mask(at + from, at + to);
    }
}

/// The value behind its label at the beginning of a text.
fn value_in(text: &str) -> Option<(usize, usize)> {
    let label = VALUE.as_ref()?.find(text)?.end();
    let (from, to) = literal(text.get(label..)?)?;
    Some((label + from, label + to))
}

/// A quoted or bare value at the beginning of a text, without its quotes.
fn literal(text: &str) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    if let Some(rest) = text.strip_prefix("\\\"") {
        return Some((2, 2 + rest.find("\\\"").unwrap_or(rest.len())));
    }
    let quote = *bytes.first()?;
    if matches!(quote, b'"' | b'\'' | b'`') {
        let mut at = 1;
        while let Some(byte) = bytes.get(at) {
            match *byte {
                b'\\' => at += 2,
                byte if byte == quote => return Some((1, at)),
                _ => at += 1,
            }
        }
        return Some((1, text.len()));
    }
    let end = text.find(|c: char| c.is_whitespace() || "\"'`,;{}[]".contains(c)).unwrap_or(text.len());
    (end > 0).then_some((0, end))
}

fn key_alone((start, line): Line<'_>, ahead: &[Line<'_>], mask: &mut dyn FnMut(usize, usize)) {
    let (Some(key), Some(typed)) = (KEY_ALONE.as_ref(), TYPED.as_ref()) else { return };
    let Some(found) = key.captures(line) else { return };
    let (Some(name), Some(rest)) = (found.get(1), found.get(3)) else { return };
    let (name, opens) = (name.as_str(), found.get(2).map(|opens| opens.as_str()).unwrap_or_default());
    if matches!(opens, "[" | "(") {
        if is_name_of_values(name) {
            let first = (start + rest.start(), rest.as_str());
            list(std::iter::once(first).chain(ahead.iter().take(LIST_LINES).copied()), mask);
        }
        return;
    }
    let Some((at, next)) = ahead.first().filter(|(_, next)| next.len() <= MAX_LINE_BYTES) else { return };
    if !rest.as_str().trim().is_empty() {
        return;
    }
    let from = typed.find(next).map_or(0, |typed| typed.end());
    let value = next.get(from..).unwrap_or_default();
    let is_block = opens.starts_with(['|', '>']);
    if !is_block && !value.starts_with(['"', '\'']) {
        return;
    }
    let span = if is_block { Some((0, value.trim_end().len())) } else { literal(value) };
    let alone = |to: usize| {
        value.get(to..).is_some_and(|rest| rest.trim_matches(['"', '\'', ',', ' ', '}']).is_empty())
    };
    if let Some((from_value, to)) = span.filter(|(_, to)| alone(*to)) {
        take(name, value, at + from, (from_value, to), mask);
    }
}

/// Lists hold much that is no secret; only under a name that is one, whatever is written behind it.
fn is_name_of_values(name: &str) -> bool {
    const ENDS: [&str; 8] =
        ["password", "passwords", "passwd", "pwd", "secret", "secrets", "api_keys", "tokens"];
    let name = name.to_ascii_lowercase();
    ENDS.iter().any(|end| name.ends_with(end))
}

/// Masks what looks like a secret in a list, up to its bracket.
fn list<'t>(lines: impl Iterator<Item = Line<'t>>, mask: &mut dyn FnMut(usize, usize)) {
    for (start, line) in lines {
        if line.len() > MAX_LINE_BYTES {
            return;
        }
        let mut at = 0;
        while let Some(next) = line.get(at..).and_then(|rest| rest.find(['"', '\'', ']', ')'])) {
            at += next;
            if matches!(line.as_bytes().get(at), Some(b']' | b')')) {
                return;
            }
            let Some((from, to)) = line.get(at..).and_then(literal) else { return };
            let value = line.get(at + from..at + to).unwrap_or_default();
            if is_item(value) {
                mask(start + at + from, start + at + to);
            }
            at += to + 1;
        }
    }
}

fn is_item(value: &str) -> bool {
    let letters = value.bytes().any(|byte| byte.is_ascii_alphabetic());
    let digits = value.bytes().any(|byte| byte.is_ascii_digit());
    value.len() >= 6
        && letters
        && digits
        && !is_reference(value)
        && !looks_like_identifier(value)
        && !value.contains([':', ' ', '/'])
        && value.matches('.').count() < 2
}

fn form_part(line: &str, ahead: &[Line<'_>], mask: &mut dyn FnMut(usize, usize)) {
    if !FORM_PART.as_ref().is_some_and(|part| part.is_match(line)) {
        return;
    }
    let Some(blank) = ahead.iter().take(LINES_AHEAD).position(|(_, line)| line.trim().is_empty()) else {
        return;
    };
    let Some((at, value)) = ahead.get(blank + 1) else { return };
    let value = value.trim_end();
    if !value.is_empty() && !value.starts_with("--") && !is_reference(value) {
        mask(*at, at + value.len());
    }
}

/// Names of passwords make any value one; other names are common words, whose values must look random.
fn is_secret(name: &str, value: &str) -> bool {
    let name = name.to_ascii_lowercase();
    if is_reference(value) || value.len() < 3 {
        return false;
    }
    let words = value.split_whitespace().count();
    let letters = value.bytes().any(|byte| byte.is_ascii_alphabetic());
    let digits = value.bytes().any(|byte| byte.is_ascii_digit());
    let is_password = ["password", "passwd", "passphrase", "pwd"].iter().any(|word| name.ends_with(word));
    match is_password {
        true => words == 1 || (digits && words <= 3) || name.ends_with("passphrase"),
        false => {
            let credentials = value.rsplit(' ').next().unwrap_or(value);
            looks_random(credentials)
                || value.len() >= 8 && words <= 2 && digits && letters && !looks_like_identifier(credentials)
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::redaction::Redactor;

    fn masked(text: &str) -> String {
        let redactor = Redactor::default();
        let masked = redactor.redact(text).text;
        assert_eq!(masked.split('\n').count(), text.split('\n').count(), "{text}");
        assert_eq!(redactor.redact(&masked).text, masked, "not a fixed point: {text}");
        masked
    }

    #[test]
    fn values_whose_names_stand_apart_are_masked() {
        for text in [
            r#"{"name": "DB_PASSWORD", "value": "hunter2x"}"#,
            r#"[{"key":"SMTP_PASSWORD","value":"hunter2x"},{"key":"PORT","value":"25"}]"#,
            "env:\n  - name: DB_PASSWORD\n    value: hunter2x\n  - name: PORT\n    value: \"80\"",
            "{\n  \"name\": \"DB_PASSWORD\",\n  \"value\": \"hunter2x\"\n}",
            "{\n  \"name\": \"DB_PASSWORD\",\n  \"secure\": true,\n  \"value\": \"hunter2x\"\n}",
            "{\"password\":\n  \"hunter2x\"}",
            "[\"password\"]=>\n  string(8) \"hunter2x\"",
            r#"{"passwords": ["hunter2x", "hunter2x!"], "n": 1}"#,
            "\"password\": [\n  \"hunter2x\",\n  \"hunter2x9\"\n]",
            "Content-Disposition: form-data; name=\"password\"\r\n\r\nhunter2x\r\n--boundary",
            r#"{"header": "X-Api-Key", "value": "hunter2xLmQz81xPqR7vTn4WsY"}"#,
            r#"{"msg":"{\"name\":\"DB_PASSWORD\",\"value\":\"hunter2x\"}"}"#,
            r#"{"name": "DB_PASSWORD", "value": "ad'hunter2x"}"#,
            "password: |-\n  hunter2x\nport: 25",
            r#"passwords = ["a)hunter2x", "hunter2x"]"#,
        ] {
            assert!(!masked(text).contains("hunter2x"), "{text}: {}", masked(text));
        }
    }

    #[test]
    fn what_only_looks_like_it_stays() {
        for text in [
            r#"{"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}"#,
            "- name: DB_PASSWORD\n  valueFrom:\n    secretKeyRef:\n      name: db\n      key: password",
            r#"{"name": "token", "value": "next"}"#,
            r#"{"name": "password", "value": "${DB_PASSWORD}"}"#,
            r#"{"name": "password", "type": "string", "required": true}"#,
            "\"password\":\n  \"required\"",
            "password: [\n  \"required\",\n  \"string\"\n]",
            r#"{"field": "password", "value": "must be at least eight characters long"}"#,
            "tokens = [\n  \"IDENT\",\n  \"NUMBER\"\n]",
            "Content-Disposition: form-data; name=\"file\"\n\nhello",
            "  valueFrom:\n    secretKeyRef:\n      key: password\n- name: LOG_LEVEL\n  value: debug",
            "- name: password\n- name: region\n  default: eu-west-1",
            r#"{"name":"llm_tokens_total","value":12345678}"#,
            "PASSWORD_HASHERS = [\n    'django.contrib.auth.hashers.PBKDF2PasswordHasher',\n]",
            "'password' => ['required', 'min:8', 'confirmed'],",
        ] {
            assert_eq!(masked(text), text);
        }
    }

    /// Lines that make every rule look as far as it may.
    #[test]
    fn hostile_lines_are_looked_at_a_bounded_number_of_times() {
        let quotes = format!("passwords = [\n{}\n", "\"".repeat(4_000)).repeat(60);
        let names = format!("{}\nvalue=\"{}\n", "key:password,".repeat(300), "w ".repeat(1_900)).repeat(60);
        for text in [quotes, names] {
            assert_eq!(Redactor::default().redact(&text).text.len(), text.len());
        }
    }
}
