/*!
Secrets on a line of their own: the answer to a question in a chat, the output of a shell or a debugger that was asked
for one, and the value below its label. The line before announces the value; the value must also have the form of a
secret.
*/

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::checks::{has_placeholder, human_password, is_reference, is_setting, looks_random, own_name};
use super::lines::{Line, TextLines, offset_in};
use super::names::{self, SecretNameKind, any_case};
use super::spoken::{SpokenSecret, SpokenSecretKind, is_made_up, is_name};
use super::work;

/// Longer lines are not messages, prompts or labels.
const MAX_LINE: usize = 400;
/// Lines after a question on which its answer may be; heads of messages count.
const MAX_ANSWERS: usize = 6;
/// The shortest first line of a token that is broken over lines, and the most lines of such a token.
const MIN_BROKEN_LINE: usize = 60;
const MAX_BROKEN_LINES: usize = 24;
/// Limits of a label and of an answer.
const MAX_LABEL_WORDS: usize = 6;
const MAX_LABEL_BYTES: usize = 48;
const MAX_ANSWER_WORDS: usize = 6;

/// Calls `mask` with the span of every value that the line before it asks for. `spoken` gives the word for a secret
/// on each line.
pub(super) fn values(
    lines: &TextLines<'_>,
    spoken: &[Option<SpokenSecret>],
    mask: &mut dyn FnMut(usize, usize),
) {
    for (number, (_, line)) in lines.all.iter().enumerate() {
        if line.len() > MAX_LINE || line.trim().is_empty() {
            continue;
        }
        let ahead = lines.all.get(number + 1..).unwrap_or_default();
        let may_name_secret = lines.may_name_secret.get(number).is_some_and(|may| *may);
        if may_name_secret || has_tool(line) {
            printed(line, ahead, mask);
        }
        if may_name_secret {
            // A name alone, as markup leaves it without its tags.
            let name = line.trim().trim_end_matches([':', '=']);
            if !name.contains(char::is_whitespace) && names::named(name) == Some(SecretNameKind::Password) {
                labelled(ahead, mask);
                continue;
            }
            if is_label_of_token(line) {
                labelled_token(ahead, mask);
                continue;
            }
        }
        let said = spoken.get(number).copied().flatten();
        let Some(SpokenSecret { kind, end }) = said.or_else(|| sent_code(line)) else { continue };
        if is_question(line) {
            answer(kind, ahead, mask);
        } else if kind == SpokenSecretKind::Password && is_label(line, end) {
            labelled(ahead, mask);
        }
    }
}

#[rustfmt::skip]
fn is_question(line: &str) -> bool {
    const ASKS: &[&str] = &[
        "what", "which", "can you", "could you", "please", "pls", "plz", "send me", "tell me", "give me", "dm me", "share", "anyone", "type your", "enter your", "remind", "does anybody", "wie ist", "wie war", "wie lautet", "was ist", "welches", "kannst du", "könnt", "brauche",
        "bitte", "quel", "peux-tu", "pouvez", "cual", "cuál", "me pasas", "puedes", "qual", "pode me", "puoi", "mi dici", "wat is", "welk", "kun je", "vad är", "vilket", "hvad er", "hva er", "mikä", "jakie", "jaké", "jak je", "podaj", "podasz", "mi a ", "nedir", "какой", "скажи", "подскажи", "пришли", "який", "教えて", "发我", "多少", "알려", "뭐",
    ];
    let line = line.trim_end();
    if line.ends_with(['?', '\u{ff1f}']) {
        return true;
    }
    let lower = line.to_lowercase();
    ASKS.iter().any(|word| lower.contains(word))
}

/// A code that was sent: `the code you got by SMS`.
fn sent_code(line: &str) -> Option<SpokenSecret> {
    static CODES: LazyLock<Option<AhoCorasick>> =
        LazyLock::new(|| any_case(&["code", "código", "cÓdigo", "codice"]));
    const SENT: [&str; 14] = [
        "sms", "text", "phone", "sent", "received", "you got", "e-mail", "email", "erhalten", "handy",
        "reçu", "recibi", "ricevut", "app",
    ];
    if CODES.as_ref().is_some_and(|codes| !codes.is_match(line)) {
        return None;
    }
    work::add(line.len());
    let lower = line.to_lowercase();
    let is_sent = SENT.iter().any(|word| lower.contains(word));
    is_sent.then_some(SpokenSecret { kind: SpokenSecretKind::Code, end: line.len() })
}

/// The message without its sender and time: `[09:12] Tom: …`, `<tom> …`, `Tom (09:12): …`, `> …`.
fn message(line: &str) -> &str {
    let mut rest = line.trim();
    if rest.starts_with(['[', '(', '<'])
        && let Some(end) = rest.find([']', ')', '>']).filter(|end| *end < 40)
        && !has_placeholder(rest.get(..=end).unwrap_or_default())
    {
        rest = rest.get(end + 1..).unwrap_or_default().trim_start();
    }
    let name = rest.split_once(": ").map_or("", |(name, _)| name);
    let is_name = !name.is_empty()
        && name.len() <= 32
        && name.split(' ').count() <= 3
        && name.chars().all(|c| c.is_alphanumeric() || " ._-()#@:".contains(c));
    if is_name {
        rest = rest.get(name.len() + 2..).unwrap_or_default();
    }
    rest.trim_start_matches(['>', ' ', '-', '|']).trim()
}

/// `tom  10:42`, `Tom Meier 09:10 AM`, `10:42`: a line with the sender and the time.
fn is_head(line: &str) -> bool {
    let mut words = line
        .split_whitespace()
        .rev()
        .skip_while(|word| matches!(word.to_ascii_lowercase().as_str(), "am" | "pm"));
    let time = words.next().unwrap_or_default().trim_matches(['[', ']', '(', ')']);
    let is_time = time.len() <= 8
        && time.contains(':')
        && time.bytes().all(|byte| byte.is_ascii_digit() || byte == b':' || byte.is_ascii_alphabetic())
        && time.starts_with(|c: char| c.is_ascii_digit());
    is_time && words.count() <= 4
}

fn answer(kind: SpokenSecretKind, ahead: &[Line<'_>], mask: &mut dyn FnMut(usize, usize)) {
    let mut messages = 0;
    for (at, line) in ahead.iter().take(MAX_ANSWERS) {
        if line.trim().is_empty() || line.len() <= MAX_LINE && is_head(line) {
            continue;
        }
        if line.len() > MAX_LINE || messages >= 2 {
            return;
        }
        work::add(line.len());
        messages += 1;
        let said = message(line);
        let words: Vec<&str> = said.split_whitespace().collect();
        if words.len() > MAX_ANSWER_WORDS {
            return;
        }
        for word in &words {
            let value = word.trim_matches([
                '.', ',', '"', '`', '\'', '*', '(', ')', ':', '?', '<', '>', '\u{300c}', '\u{300d}',
                '\u{ab}', '\u{bb}',
            ]);
            let is_value = match kind {
                SpokenSecretKind::Code => {
                    (4..=8).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_digit())
                }
                SpokenSecretKind::Password if words.len() == 1 => {
                    is_made_up(value) && !is_name(value)
                        || looks_random(value) && !value.contains(['/', '(', ':', '@'])
                }
                SpokenSecretKind::Password => is_made_up(value) && !is_name(value),
            };
            if is_value {
                let from = at + offset_in(line, value);
                mask(from, from + value.len());
                return;
            }
        }
    }
}

/// A short line that ends in the word for a password.
fn is_label(line: &str, end: usize) -> bool {
    let around = |c: char| c.is_whitespace() || "*_#>-:=`|\u{ff1a}".contains(c);
    let label = line.trim_matches(around);
    label.len() <= MAX_LABEL_BYTES
        && label.split_whitespace().count() <= MAX_LABEL_WORDS
        && line.get(end..).is_some_and(|rest| rest.chars().all(|c| around(c) || c.is_alphabetic()))
        && label.chars().all(|c| c.is_alphanumeric() || " -_'\u{2019}/".contains(c))
}

/// `API key`, `Client secret`: a label, and not a sentence.
fn is_label_of_token(line: &str) -> bool {
    let label = line.trim_matches(|c: char| c.is_whitespace() || "*_#:`".contains(c));
    label.len() <= MAX_LABEL_BYTES
        && (2..=MAX_LABEL_WORDS).contains(&label.split_whitespace().count())
        && label.chars().all(|c| c.is_alphanumeric() || c == ' ')
        && names::named(label) == Some(SecretNameKind::Token)
}

/// Masks a value of upper-case and lower-case letters and digits: a form that neither names nor digests have.
fn labelled_token(ahead: &[Line<'_>], mask: &mut dyn FnMut(usize, usize)) {
    let Some((at, line)) = ahead.iter().take(2).find(|(_, line)| !line.trim().is_empty()) else { return };
    if line.len() > MAX_LINE {
        return;
    }
    work::add(line.len());
    let value = line.trim().trim_matches(['`', '"', '\'']);
    let has = |kind: fn(&u8) -> bool| value.bytes().any(|byte| kind(&byte));
    if value.len() >= 20
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_lowercase)
        && has(u8::is_ascii_digit)
        && looks_random(value)
        && !value.contains([':', '(', ')', '{', ','])
        && !value.starts_with(['/', '.'])
        && !has_placeholder(value)
    {
        let from = at + offset_in(line, value);
        mask(from, from + value.len());
    }
}

fn labelled(ahead: &[Line<'_>], mask: &mut dyn FnMut(usize, usize)) {
    let Some((at, line)) =
        ahead.iter().take(3).find(|(_, line)| !line.trim_matches([' ', '\t', '-', '"', '=']).is_empty())
    else {
        return;
    };
    if line.len() > MAX_LINE {
        return;
    }
    work::add(line.len());
    let value = line.trim().trim_matches(['`', '"', '\'', '*', '|']).trim();
    let value = value.strip_prefix("- ").unwrap_or(value);
    if !value.contains(char::is_whitespace) && is_made_up(value) && !is_name(value) {
        let from = at + offset_in(line, value);
        mask(from, from + value.len());
    }
}

/// Programs that print a secret when they are asked for it.
#[rustfmt::skip]
const TOOLS: [&str; 16] = [
    "pass show ", "gopass show ", "find-generic-password", "find-internet-password", "secret-tool lookup", "secrets versions access", "get-secret-value", "op read ", "op item get", "bw get ", "kubectl get secret",
    "vault kv get", "vault read", "pwgen", "openssl rand", "keyvault secret show",
];

fn has_tool(line: &str) -> bool {
    static SEARCH: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| AhoCorasick::new(TOOLS).ok());
    line.contains(['$', '#', '>', '%']) && SEARCH.as_ref().is_some_and(|tools| tools.is_match(line))
}

/// The command behind the prompt of a shell, a debugger or an interpreter.
fn command(line: &str) -> Option<&str> {
    const PROMPTS: [&str; 14] = [
        ">>> ",
        "(Pdb) ",
        "(gdb) ",
        "(lldb) ",
        "ipdb> ",
        "(rdb:1) ",
        "(byebug) ",
        "irb> ",
        "sqlite> ",
        "mysql> ",
        "redis> ",
        "iex> ",
        "$ ",
        "> ",
    ];
    let line = line.trim();
    if let Some(command) = PROMPTS.iter().find_map(|prompt| line.strip_prefix(prompt)) {
        return Some(command);
    }
    let at = line.find(['$', '#', '>', '%']).filter(|at| *at <= 60)?;
    let head = line.get(..at)?;
    let is_prompt = head.contains('@')
        || head.starts_with("PS ")
        || head.starts_with("irb")
        || head.starts_with("[")
        || head.starts_with("iex")
        || head.contains("pry");
    line.get(at + 1..).filter(|rest| is_prompt && rest.starts_with(' '))
}

fn printed(line: &str, ahead: &[Line<'_>], mask: &mut dyn FnMut(usize, usize)) {
    #[rustfmt::skip]
    const PRINTS: [&str; 24] = [
        "echo", "printf", "printenv", "cat", "p", "pp", "po", "print", "puts", "get", "pass", "gopass", "op", "vault", "kubectl", "aws", "gcloud", "az", "security", "secret-tool", "bw", "terraform", "sudo", "pwgen",
    ];
    let Some(command) = command(line) else { return };
    let command = command.trim_end().trim_end_matches(';');
    let verb = command.split([' ', '(']).next().unwrap_or_default();
    let is_expression =
        !command.contains([' ', '=']) || command.starts_with("print(") || command.starts_with("console.log(");
    let is_named = || {
        command
            .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .any(|word| names::named(word).is_some())
    };
    if !(PRINTS.contains(&verb) || is_expression) || !(has_tool(line) || is_named()) {
        return;
    }
    // A token that the terminal broke over several lines.
    if ahead.first().is_some_and(|(_, first)| first.len() >= MIN_BROKEN_LINE) {
        for (at, line) in ahead.iter().take(MAX_BROKEN_LINES) {
            let value = line.trim();
            if !looks_random(value)
                || !value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.+/=".contains(&byte))
            {
                return;
            }
            let from = at + line.len() - line.trim_start().len();
            mask(from, from + value.len());
        }
        return;
    }
    let Some((at, below)) = ahead.first().filter(|(_, below)| below.len() <= MAX_LINE) else { return };
    work::add(below.len());
    let shown = below.trim();
    let shown = shown.strip_prefix("=> ").unwrap_or(shown);
    // `$1 = 0x5581 "…"`, `(std::string) $0 = "…"`
    let shown = match shown.find(" = ").filter(|at| shown.get(..*at).is_some_and(|head| head.contains('$'))) {
        Some(equals) => shown.get(equals + 3..).unwrap_or_default().trim_start_matches(|c: char| {
            c == '(' || c == ')' || c.is_ascii_hexdigit() || c == 'x' || c == ' ' || c == '*'
        }),
        None => shown,
    };
    let value = shown.strip_prefix('b').filter(|rest| rest.starts_with(['\'', '"'])).unwrap_or(shown);
    let value = value.trim_matches(['\'', '"', '`']);
    let is_value = !value.contains(char::is_whitespace)
        && !is_reference(value)
        && !is_setting(value)
        && !own_name(value)
        && !value.contains(['(', '/', '<', '$'])
        && !has_placeholder(value)
        && (human_password(value) || looks_random(value));
    if is_value {
        let from = at + offset_in(below, value);
        mask(from, from + value.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The earlier results (`spoken`, `may_name_secret`) are enough to skip ordinary lines.
    #[test]
    fn lines_that_speak_of_no_secret_are_not_searched_again() {
        let text = "GET /cart 200 in 12 ms, sent to the app by mail\n".repeat(100);
        let lines = TextLines::of(&text);
        work::take();
        values(&lines, &vec![None; lines.all.len()], &mut |_, _| {});
        assert_eq!(work::take(), 0);
    }

    #[test]
    fn a_code_that_was_sent_is_told_by_the_line_that_asks_for_it() {
        for line in ["which code did you get by SMS?", "CÓDIGO recibido por SMS?", "the Codice you got?"] {
            assert!(sent_code(line).is_some(), "{line}");
        }
        assert!(sent_code("what did you get by SMS?").is_none() && sent_code("which code is it?").is_none());
    }
}
