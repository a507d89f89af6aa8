/*!
Secrets that one line announces and one of the next lines holds, without a name beside them: property lists, folded
headers, prompts and their answers, the first password of an installation, lists of recovery codes.
*/

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::checks::{human_password, is_secret, is_setting, looks_random, own_name};
use super::lines::{BLOCK_LINES, LINES_AHEAD, Line, MAX_LINE_BYTES, offset_in};
use super::names::{CODE_LISTS, MAIL_PROMPT, any_case};
use super::work;

/// Longer lines are not prompts.
const MAX_PROMPT_BYTES: usize = 160;
/// Longer lines are not recovery codes (several may share a line).
const MAX_CODE_BYTES: usize = 200;
/// Calls `mask` with the span of the value that `line` announces, if one of the lines `ahead` holds it.
pub(super) fn next_line(line: &str, ahead: &[Line<'_>], mask: &mut dyn FnMut(usize, usize)) {
    static HEADS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
        let heads = [
            "<key>",
            "authorization:",
            "expect",
            "password",
            "passwort",
            "kennwort",
            "token",
            "auth-user-pass",
            MAIL_PROMPT,
        ];
        any_case(&[heads.as_slice(), &CODE_LISTS].concat())
    });
    if HEADS.as_ref().is_some_and(|heads| !heads.is_match(line)) {
        return;
    }
    let lower = line.to_ascii_lowercase();
    let lower = lower.trim_end();
    let below = || {
        let below = ahead.iter().take(LINES_AHEAD).find(|(_, line)| !line.trim().is_empty());
        below.filter(|(_, line)| line.len() <= MAX_LINE_BYTES).copied()
    };
    let mut mask_part = |next: Line<'_>, value: &str| {
        let from = next.0 + offset_in(next.1, value);
        if !value.is_empty() {
            work::add(value.len());
            mask(from, from + value.len());
        }
    };
    if let Some(name) = between(line, "<key>", "</key>") {
        if let Some(next) = below()
            && let Some(value) = between(next.1, "<string>", "</string>")
            && is_secret(name, value)
        {
            mask_part(next, value);
        }
    } else if ["authorization:", "authorization: bearer", "authorization: basic"]
        .iter()
        .any(|head| lower.ends_with(head))
    {
        if let Some(next) =
            ahead.first().filter(|(_, next)| next.starts_with([' ', '\t']) && looks_random(next.trim()))
        {
            mask_part(*next, next.1.trim());
        }
    } else if lower.contains("expect") && lower.contains("assword") {
        if let Some(next) = ahead.first().filter(|(_, next)| next.len() <= MAX_LINE_BYTES)
            && let Some(value) = between(next.1, "send \"", "\"")
        {
            mask_part(*next, without_line_end(value));
        }
    } else if lower.ends_with("<auth-user-pass>") {
        // A user name on the first line, a password on the second.
        if let Some(next) = ahead.get(1).filter(|(_, next)| next.len() <= MAX_LINE_BYTES)
            && human_password(next.1.trim())
        {
            mask_part(*next, next.1.trim());
        }
    } else if lower.contains("following password") || asks_for_password(lower) || line.ends_with(MAIL_PROMPT)
    {
        if let Some(next) = below() {
            let value = next.1.trim_start_matches(['>', ' ', '\t']).trim_end();
            let value = value.strip_prefix("C: ").unwrap_or(value);
            if !value.contains(' ')
                && (looks_random(value) || human_password(value))
                && !is_setting(value)
                && !own_name(value)
            {
                mask_part(next, value);
            }
        }
    } else if CODE_LISTS.iter().any(|word| lower.contains(word)) {
        for next in ahead.iter().take(BLOCK_LINES) {
            let value = next.1.trim().trim_start_matches(|c: char| {
                c.is_ascii_digit() && next.1.contains(". ") || ".)-* ".contains(c)
            });
            if value.len() < 6
                || value.len() > MAX_CODE_BYTES
                || !value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"- ".contains(&byte))
                || !value.bytes().any(|byte| byte.is_ascii_digit())
            {
                break;
            }
            mask_part(*next, value);
        }
    }
}

/// A short line that ends in a colon and mentions a password: a prompt, or the answer to a reset.
fn asks_for_password(lower: &str) -> bool {
    lower.len() <= MAX_PROMPT_BYTES
        && lower.ends_with(':')
        && ["password", "passwort", "kennwort", "token"].iter().any(|word| lower.contains(word))
        && !lower.contains("public")
}

/// The text without an escaped line end: `hunter2\\r\\n`.
fn without_line_end(value: &str) -> &str {
    let mut value = value;
    while let Some(rest) = value.strip_suffix("\\r").or_else(|| value.strip_suffix("\\n")) {
        value = rest;
    }
    value
}

fn between<'t>(line: &'t str, open: &str, close: &str) -> Option<&'t str> {
    let (_, rest) = line.split_once(open)?;
    rest.split_once(close).map(|(inner, _)| inner.trim()).filter(|inner| !inner.is_empty())
}

#[cfg(test)]
mod tests {
    use crate::Redactor;

    fn masked(text: &str) -> String {
        Redactor::default().redact(text).text
    }

    #[test]
    fn a_value_on_the_next_line_is_masked_as_it_stands_there() {
        // The value also occurs earlier in its line as part of another word.
        let shown = masked("<key>Password</key>\n<string kind=\"ring1x\">x</string><string>ring1x</string>");
        assert!(shown.contains("kind=\"ring1x\"") && !shown.contains(">ring1x<"), "{shown}");
        for (text, hidden, kept) in [
            ("expect \"Password:\"\nsend \"ln4Corr\\r\"", "ln4Corr", "\\r\""),
            ("expect \"Password:\"\nsend \"hunter2xn\\r\\n\"", "hunter2xn", "\\r\\n\""),
            ("expect \"password:\"\nputs s3nd; send \"s3nd\"", "send \"s3nd", "puts s3nd"),
            ("Password: \nhunter2x\nok", "hunter2x", "\nok"),
        ] {
            let shown = masked(text);
            assert!(!shown.contains(hidden) && shown.contains(kept), "{text:?}: {shown:?}");
        }
        for text in ["password: \nretries=3", "password: \nhost:db1", "password:\nusername: bob1"] {
            assert_eq!(masked(text), text);
        }
    }
}
