/*!
Secrets whose name is separate from the value: `{"name": "DB_PASSWORD", "value": "…"}` as Kubernetes, Compose and CI
write environments and headers; a key whose value begins on the next line (`var_dump`, multipart forms, JSON that was
broken over lines); and lists of values below one key. Each line is read once, with a few lines after it, so the
search is linear.
*/

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use regex::Regex;

use super::announced;
use super::checks::{is_reference, is_secret};
use super::lines::{BLOCK_LINES, LINES_AHEAD, Line, MAX_LINE_BYTES, TextLines};
use super::names::{self, any_case};
use super::work;

/// The most names that are read on one line.
const MAX_NAMES: usize = 32;

/// Labels of the name, and labels of the value, where both are separate.
pub(super) const NAME_LABELS: [&str; 9] =
    ["name", "key", "header", "variable", "var", "field", "option", "parameter", "env"];
pub(super) const VALUE_LABELS: [&str; 5] = ["value", "val", "content", "data", "default"];

/// Anything that may be a name; [`names::named`] decides whether it names a secret.
const ANY_NAME: &str = r"[a-z\u{e0}-\u{ff}0-9_.-]{2,80}";

fn compiled(pattern: &str) -> Option<Regex> {
    let regex = Regex::new(pattern).ok();
    debug_assert!(regex.is_some(), "{pattern} does not compile");
    regex
}

/// A label and the divider after it.
fn labelled(labels: &[&str]) -> String {
    format!(r#"\\?["']?(?:{})\\?["']?\s*(?:=>|[:=])\s*"#, labels.join("|"))
}

/// `"name": "DB_PASSWORD"`; group 1 is the name.
static NAME: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let label = labelled(&NAME_LABELS);
    compiled(&format!(r#"(?i)(?:^|\W){label}\\?["']?({ANY_NAME})\\?["']?\s*(?:[,;}}]|$)"#))
});
/// The label before a value.
static VALUE: LazyLock<Option<Regex>> =
    LazyLock::new(|| compiled(&format!(r"(?i)^[\s,;{{}}\[\]-]*{}", labelled(&VALUE_LABELS))));
/// The start of another entry, whose value belongs to another name.
static NEXT_ENTRY: LazyLock<Option<Regex>> =
    LazyLock::new(|| compiled(&format!(r"(?i)^\s*(?:[-}}\]]|{})", labelled(&NAME_LABELS))));
/// A key at the end of its line, or at the start of a list; group 1 is the name, group 2 the opening bracket, group 3
/// the rest.
static KEY_ALONE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    compiled(&format!(
        r#"(?i)(?:^|[\s"'\[{{,])({ANY_NAME})\\?["']?(?::(?:protected|private|"[^"]{{1,80}}":private))?\]?\s*(?:=>|[:=])\s*(\[|\(|[|>][-+]?)?\s*(.*)$"#
    ))
});
/// Text that may precede a value on a line of its own.
static TYPED: LazyLock<Option<Regex>> = LazyLock::new(|| compiled(r"^\s*(?:string\([0-9]+\)\s*)?"));
/// The head of a part of a multipart form.
static FORM_PART: LazyLock<Option<Regex>> =
    LazyLock::new(|| compiled(&format!(r#"(?i)content-disposition:\s*form-data;.*\bname="({ANY_NAME})""#)));

/// Calls `mask` with the span of every value that is separate from its name.
pub(super) fn named_values(lines: &TextLines<'_>, mask: &mut dyn FnMut(usize, usize)) {
    for number in lines.naming() {
        let Some(line) = lines.all.get(number).filter(|(_, line)| line.len() <= MAX_LINE_BYTES) else {
            continue;
        };
        work::add(line.1.len());
        let ahead = lines.all.get(number + 1..).unwrap_or_default();
        let before = number.checked_sub(1).and_then(|before| lines.all.get(before)).copied();
        name_and_value(before, *line, ahead, mask);
        key_alone(*line, ahead, mask);
        form_part(line.1, ahead, mask);
        announced::next_line(line.1, ahead, mask);
    }
}

fn name_and_value(
    before: Option<Line<'_>>,
    (start, line): Line<'_>,
    ahead: &[Line<'_>],
    mask: &mut dyn FnMut(usize, usize),
) {
    static LABELS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| any_case(&NAME_LABELS));
    if !line.contains([':', '=']) || LABELS.as_ref().is_some_and(|labels| !labels.is_match(line)) {
        return;
    }
    let (Some(name), Some(next_entry)) = (NAME.as_ref(), NEXT_ENTRY.as_ref()) else { return };
    let names: Vec<(usize, usize)> = name
        .captures_iter(line)
        .take(MAX_NAMES)
        .filter_map(|found| found.get(1).map(|name| (name.start(), name.end())))
        .collect();
    // All names are needed: the next name ends the current entry.
    // The case of `- value: …` above its name.
    if let (Some((from, to)), Some(above)) = (names.first(), before)
        && (line.trim_start().starts_with("name:") || line.trim_start().starts_with("key:"))
        && above.1.trim_start().starts_with("- value:")
        && let Some(found) = value_in(above.1)
    {
        take(line.get(*from..*to).unwrap_or_default(), above.1, above.0, found, mask);
    }
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
            work::add(line.len().min(MAX_LINE_BYTES));
            if line.len() > MAX_LINE_BYTES || next_entry.is_match(line) {
                break;
            }
            if let Some(found) = value_in(line) {
                // `value: Token …`: a scheme precedes the credentials.
                let rest = line.get(found.1..).unwrap_or_default().trim();
                let credentials = line.len() - line.trim_end().len();
                let found = match named.to_ascii_lowercase().ends_with("authorization")
                    && !rest.is_empty()
                    && !rest.contains(' ')
                {
                    true => (found.1 + 1, line.len() - credentials),
                    false => found,
                };
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

/// The value after its label at the start of a text.
fn value_in(text: &str) -> Option<(usize, usize)> {
    let label = VALUE.as_ref()?.find(text)?.end();
    let (from, to) = literal(text.get(label..)?)?;
    Some((label + from, label + to))
}

/// A quoted or bare value at the start of a text, without its quotes.
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

fn key_alone((_, line): Line<'_>, ahead: &[Line<'_>], mask: &mut dyn FnMut(usize, usize)) {
    // The line must end in a divider between name and value, or open a block.
    if !line.trim_end().ends_with([':', '=', '>', '|', '-', '+']) {
        return;
    }
    let (Some(key), Some(typed)) = (KEY_ALONE.as_ref(), TYPED.as_ref()) else { return };
    let Some(found) = key.captures(line) else { return };
    let (Some(name), Some(rest)) = (found.get(1), found.get(3)) else { return };
    // The name inside a redaction placeholder.
    if line.get(..name.start()).is_some_and(|head| head.ends_with('['))
        && line.get(name.end()..).is_some_and(|rest| rest.starts_with(']'))
        && name.as_str().ends_with(|c: char| c.is_ascii_digit())
    {
        return;
    }
    let (name, opens) = (name.as_str(), found.get(2).map(|opens| opens.as_str()).unwrap_or_default());
    // `structure` handles lists.
    if matches!(opens, "[" | "(") {
        return;
    }
    let Some((at, next)) = ahead.first().filter(|(_, next)| next.len() <= MAX_LINE_BYTES) else { return };
    if !rest.as_str().trim().is_empty() {
        return;
    }
    let from = typed.find(next).map_or(0, |typed| typed.end());
    let value = next.get(from..).unwrap_or_default();
    if opens.starts_with(['|', '>']) {
        block(name, ahead, mask);
        return;
    }
    if !value.starts_with(['"', '\'']) {
        return;
    }
    let span = literal(value);
    let alone = |to: usize| {
        value.get(to..).is_some_and(|rest| rest.trim_matches(['"', '\'', ',', ' ', '}']).is_empty())
    };
    if let Some((from_value, to)) = span.filter(|(_, to)| alone(*to)) {
        take(name, value, at + from, (from_value, to), mask);
    }
}

/// The lines of a YAML block scalar, with the indentation of the first.
fn block(name: &str, ahead: &[Line<'_>], mask: &mut dyn FnMut(usize, usize)) {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let Some(depth) = ahead.first().map(|(_, line)| indent(line)).filter(|depth| *depth > 0) else { return };
    for (at, line) in ahead.iter().take(BLOCK_LINES) {
        let value = line.trim();
        if indent(line) < depth || value.is_empty() || line.len() > MAX_LINE_BYTES {
            return;
        }
        work::add(line.len());
        take(name, line, *at, (indent(line), indent(line) + value.len()), mask);
    }
}

fn form_part(line: &str, ahead: &[Line<'_>], mask: &mut dyn FnMut(usize, usize)) {
    if !line.contains("name=\"") {
        return;
    }
    let part = FORM_PART.as_ref().and_then(|part| part.captures(line));
    if part.and_then(|part| names::named(part.get(1)?.as_str())).is_none() {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Redactor;

    /// Each line is read once itself, and once for each of the lines before it that look ahead.
    const MOST_A_BYTE: u64 = 1 + LINES_AHEAD as u64;

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

    #[test]
    fn names_that_one_list_knows_are_known_everywhere() {
        for name in
            ["senha", "jwt", "PHPSESSID", "signature", "wachtwoord", "heslo", "adgangskode", "salasana"]
        {
            let secret = "a8Kd02LmQz81xPqR7vTn4WsY";
            for text in [
                format!("{{\"name\": \"{name}\", \"value\": \"{secret}\"}}"),
                format!("- name: {name}\n  value: {secret}"),
                format!("id;user;{name}\n7;ann;{secret}\n"),
                format!("call('{name}', '{secret}')"),
            ] {
                assert!(!masked(&text).contains(secret), "{text}");
            }
        }
    }

    #[test]
    fn words_for_a_password_are_names_in_every_language() {
        for name in ["heslo", "hasło", "lösenord", "Пароль", "密码", "şifre"] {
            for text in [
                format!("{{\"{name}\": \"Kestrel29!x\"}}"),
                format!("id,user,{name}\n7,ann,Kestrel29!x\n"),
                format!("<tr><td>{name}</td></tr>\n<tr><td>Kestrel29!x</td></tr>"),
            ] {
                assert!(!masked(&text).contains("Kestrel"), "{text}: {}", masked(&text));
            }
        }
        // Words in forms and their translations.
        for text in ["{\"heslo\": \"Heslo\"}", "{\"пароль\": \"Passwort\"}", "{\"parola\": \"buongiorno\"}"]
        {
            assert_eq!(masked(text), text);
        }
    }

    /// A table or an answer within a JSON string is read like one that stands alone.
    #[test]
    fn what_several_lines_tell_is_told_within_a_string_and_between_tags_too() {
        for text in [
            r#"{"log": "\nid,user,password\n7,ann,Kestrel29!x\n8,bob,Kestrel30!x\n"}"#,
            r#"{"chat": "what is the password?\nKestrel29!x\nthanks"}"#,
            "<pre>INSERT INTO users (name, password)\nVALUES ('ann', 'Kestrel29!x')</pre>",
            "<span>passwords</span> = [<span>\"Kestrel29!x\"</span>, <span>\"Kestrel30!x\"</span>]",
        ] {
            assert!(!masked(text).contains("Kestrel"), "{text}: {}", masked(text));
        }
    }

    /// Lines that make every rule look as far as it can.
    #[test]
    fn hostile_lines_are_looked_at_a_bounded_number_of_times() {
        let quotes = format!("passwords = [\n{}\n", "\"".repeat(4_000)).repeat(60);
        let names = format!("{}\nvalue=\"{}\n", "key:password,".repeat(300), "w ".repeat(1_900)).repeat(60);
        for text in [quotes, names] {
            work::take();
            named_values(&TextLines::of(&text), &mut |_, _| {});
            let looked_at = work::take();
            assert!(looked_at <= MOST_A_BYTE * text.len() as u64, "{looked_at} for {}", text.len());
        }
    }
}
