/*!
Judges a candidate: check digits of card numbers and IBANs, and whether a value looks like a secret, like a reference
to one (`${TOKEN}`, `<password>`), or like code. These checks keep false alarms rare.
*/

use super::names::{self, SecretNameKind};
use super::work;

/// The most bytes of a placeholder: brackets, a kind and its number.
pub(crate) const MAX_PLACEHOLDER: usize = 52;

/// Luhn check digit (ISO/IEC 7812-1) over the digits of `text`.
pub(crate) fn luhn(text: &str) -> bool {
    let digits = text.bytes().rev().filter(u8::is_ascii_digit).map(|byte| u32::from(byte - b'0'));
    let sum: u32 = digits
        .enumerate()
        .map(|(index, digit)| match (index % 2, digit * 2) {
            (0, _) => digit,
            (_, doubled) if doubled > 9 => doubled - 9,
            (_, doubled) => doubled,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Check digits (ISO 7064 MOD 97-10) and the length registered for the country (SWIFT IBAN registry).
pub(crate) fn iban(text: &str) -> bool {
    let compact: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let length = IBAN_LENGTHS.iter().find(|(country, _)| compact.starts_with(country.as_bytes()));
    if length.is_none_or(|(_, length)| compact.len() != *length) {
        return false;
    }
    let (head, tail) = compact.split_at(4);
    let remainder = tail.iter().chain(head).fold(0_u32, |sum, byte| match byte {
        b'0'..=b'9' => (sum * 10 + u32::from(byte - b'0')) % 97,
        _ => (sum * 100 + u32::from(byte.to_ascii_uppercase().wrapping_sub(b'A')) + 10) % 97,
    });
    remainder == 1
}

#[rustfmt::skip]
const IBAN_LENGTHS: &[(&str, usize)] = &[
    ("AD", 24), ("AE", 23), ("AL", 28), ("AT", 20), ("AZ", 28), ("BA", 20), ("BE", 16), ("BG", 22), ("BH", 22),
    ("BR", 29), ("BY", 28), ("CH", 21), ("CR", 22), ("CY", 28), ("CZ", 24), ("DE", 22), ("DK", 18), ("DO", 28),
    ("EE", 20), ("EG", 29), ("ES", 24), ("FI", 18), ("FO", 18), ("FR", 27), ("GB", 22), ("GE", 22), ("GI", 23),
    ("GL", 18), ("GR", 27), ("GT", 28), ("HR", 21), ("HU", 28), ("IE", 22), ("IL", 23), ("IQ", 23), ("IS", 26),
    ("IT", 27), ("JO", 30), ("KW", 30), ("KZ", 20), ("LB", 28), ("LI", 21), ("LT", 20), ("LU", 20), ("LV", 21),
    ("MC", 27), ("MD", 24), ("ME", 22), ("MK", 19), ("MR", 27), ("MT", 31), ("MU", 30), ("NL", 18), ("NO", 15),
    ("PK", 24), ("PL", 28), ("PS", 29), ("PT", 25), ("QA", 29), ("RO", 24), ("RS", 22), ("SA", 24), ("SE", 24),
    ("SI", 19), ("SK", 24), ("SM", 27), ("TN", 24), ("TR", 26), ("UA", 29), ("VA", 22), ("VG", 24), ("XK", 20),
];

/// Shannon entropy in bits per byte.
pub(crate) fn entropy(text: &str) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in text.bytes() {
        counts[usize::from(byte)] += 1;
    }
    let total = text.len().max(1) as f64;
    let share = |count: &u32| f64::from(*count) / total;
    counts.iter().filter(|count| **count > 0).map(|count| -share(count) * share(count).log2()).sum()
}

/// Random-looking: long enough, letters and digits (or mixed case without words), high entropy.
pub(crate) fn looks_random(text: &str) -> bool {
    let letters = text.bytes().filter(u8::is_ascii_alphabetic).count();
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    if text.len() < 12 || letters == 0 || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return false;
    }
    let hex = text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    let enough = if hex { 2.5 } else { 3.0 };
    digits > 0 && entropy(text) >= enough && !looks_like_identifier(text)
        || text.len() >= 24 && entropy(text) >= 4.0 && !looks_like_identifier(text)
}

/// Words joined as in code (`user_password_2`, `getToken`, `app.settings.KEY`): every piece is a pronounceable word
/// with at most a short number after it.
pub(crate) fn looks_like_identifier(text: &str) -> bool {
    let mut words = 0;
    for piece in text.split(|c: char| !c.is_ascii_alphanumeric()) {
        let mut start = 0;
        let bytes = piece.as_bytes();
        for end in 1..=bytes.len() {
            let hump =
                end == bytes.len() || bytes[end].is_ascii_uppercase() && bytes[end - 1].is_ascii_lowercase();
            if !hump {
                continue;
            }
            let word = piece.get(start..end).unwrap_or_default();
            if !is_word(word) {
                return false;
            }
            words += 1;
            start = end;
        }
    }
    words > 0
}

fn is_word(word: &str) -> bool {
    let stem = word.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = word.len() - stem.len();
    if stem.is_empty() {
        return digits <= 4;
    }
    let letters = stem.bytes().all(|byte| byte.is_ascii_alphabetic());
    let one_case = stem.get(1..).is_none_or(|rest| {
        rest.bytes().all(|byte| byte.is_ascii_lowercase())
            || stem.bytes().all(|byte| byte.is_ascii_uppercase())
    });
    letters && one_case && digits <= 3 && stem.len() <= 16 && longest_consonant_run(stem) <= 4
}

fn longest_consonant_run(word: &str) -> usize {
    let (mut run, mut longest) = (0, 0);
    for byte in word.bytes() {
        run = if b"aeiouyAEIOUY".contains(&byte) { 0 } else { run + 1 };
        longest = longest.max(run);
    }
    longest
}

/// Names that code gives to variables with secrets.
pub(crate) fn own_name(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let names =
        ["password", "passwd", "pwd", "secret", "token", "api_key", "apikey", "api-key", "credential"];
    names.iter().any(|name| lower.contains(name)) && looks_like_identifier(value)
}

/// Has the form of passwords that people choose: letters with digits or signs, but not a version, place, unit or
/// date.
pub(crate) fn human_password(value: &str) -> bool {
    let letters = value.bytes().filter(u8::is_ascii_alphabetic).count()
        + value.chars().filter(|c| !c.is_ascii()).count();
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let signs = value.bytes().filter(|byte| b"!#$%&*+?@^~".contains(byte)).count();
    let words: Vec<&str> =
        value.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    // `v1.2.3`, `30s`, `2024-01-02T03`: digits with a letter or two between them.
    let is_measure = words.iter().all(|word| word.bytes().filter(u8::is_ascii_alphabetic).count() <= 2);
    let is_place =
        value.starts_with(['/', '.', '~']) && value.matches('/').count() > 1 || value.contains("://");
    value.len() >= 6
        && letters >= 3
        && (digits > 0 || signs > 0)
        && !(is_measure && signs == 0)
        && !is_place
        && !is_reference(value)
        && !value.ends_with(['=', '(', '{', '['])
}

/// `retries=3`, `host:db1`: an entry of a configuration, not a value.
pub(crate) fn is_setting(value: &str) -> bool {
    value.split_once(['=', ':']).is_some_and(|(name, rest)| !rest.is_empty() && is_identifier(name))
}

/// Words joined as in code, without other signs.
pub(crate) fn is_identifier(value: &str) -> bool {
    looks_like_identifier(value) && value.chars().all(|c| c.is_alphanumeric() || "_-.".contains(c))
}

/// Whether a word, in lower case, names an algorithm, an encoding or a protocol: these have digits, like passwords.
pub(crate) fn names_algorithm(lower: &str) -> bool {
    const ALGORITHMS: [&str; 15] = [
        "sha1", "sha2", "sha3", "sha5", "sha-", "md5", "aes", "pbkdf", "rsa", "utf-", "utf8", "http",
        "oauth", "base64", "ed25519",
    ];
    ALGORITHMS.iter().any(|word| lower.contains(word))
}

/// Three words or more that do not look like a sentence: a pass phrase.
pub(crate) fn is_phrase(value: &str) -> bool {
    #[rustfmt::skip]
    const OF_SENTENCES: &[&str] = &[
        "a", "an", "and", "are", "at", "be", "can", "cannot", "change", "changed", "char", "characters", "chars", "confirm", "contain",  "denied", "did", "do", "does", "doesn", "don", "empty", "enter", "error", "expired", "failed", "field", "file", "for",
        "forgot", "from", "has", "hash", "have", "if", "in", "incorrect", "invalid", "is", "isn", "it", "least", "long", "match",
        "matched", "min", "minimum", "mismatch", "missing", "must", "need", "needs", "new", "no", "not", "of", "old", "or", "please",
        "provided", "required", "reset", "set", "short", "should", "such", "supplied", "t", "that", "the", "this", "to", "too",
        "updated", "used", "user", "valid", "was", "were", "will", "with", "wrong", "you", "your",
    ];
    let value = value.trim();
    let words: Vec<&str> = value.split([' ', '-', '.', '_', '\'']).filter(|word| !word.is_empty()).collect();
    let spaces = value.matches([' ', '-']).count();
    (3..=12).contains(&words.len())
        && spaces >= 2
        && value.len() >= 8
        && !is_reference(value)
        && !value.contains(['(', '{', '<', '=', ':', '|'])
        && !words.iter().any(|word| OF_SENTENCES.binary_search(&word.to_ascii_lowercase().as_str()).is_ok())
}

/// Represents a secret without being one: empty, a variable, a format placeholder, a type, asterisks, a redaction
/// placeholder.
pub(crate) fn is_reference(value: &str) -> bool {
    let value = value.trim();
    let plain = value.trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_ascii_lowercase();
    // `<password>` and `[secret]` end with their bracket; a value that continues after it is not a stand-in.
    let goes_on = [('<', '>'), ('[', ']')].iter().any(|(open, close)| {
        value.strip_prefix(*open).and_then(|rest| rest.split_once(*close)).is_some_and(|(_, rest)| {
            rest.len() >= 2
                && rest.bytes().any(|byte| byte.is_ascii_digit())
                && rest.bytes().all(|byte| byte.is_ascii_graphic())
        })
    });
    let goes_on = goes_on && !has_placeholder(value);
    let opening = ["$", "#", "{", "<", "%", "&", "*", "(", "[", "@", "...", "…", "\\", "!"];
    plain.is_empty()
        || opening.iter().any(|open| value.starts_with(open))
            && !value.starts_with("$2")
            && !is_odd_password(value)
            && !goes_on
        || value.contains("${")
        || value.contains("{{")
        || value.contains("%(")
        || value.contains("***")
        // The place where it is stored, or the pattern that it must match.
        || value.contains("/secrets/")
        || value.contains("(?=")
        || value.contains("(?:")
        || value.contains("(?!")
        || BENIGN.binary_search(&plain.as_str()).is_ok()
        || is_stand_in(&plain)
        || plain.bytes().all(|byte| byte == b'x' || byte == b'.' || byte == b'-')
        || has_placeholder(value)
}

/// Words that a reader is meant to replace with a value.
fn is_stand_in(plain: &str) -> bool {
    const WORDS: [&str; 14] = [
        "changeme",
        "change_me",
        "change-me",
        "change_this",
        "changethis",
        "replaceme",
        "replace_me",
        "replace-me",
        "replace_with",
        "your_",
        "your-",
        "example",
        "todo",
        "insert_",
    ];
    WORDS.iter().any(|word| plain.starts_with(word)) && plain.bytes().filter(u8::is_ascii_digit).count() < 2
}

/// A password may begin like a reference; it also has a digit and a letter, and no form that a language reads as a
/// reference.
fn is_odd_password(value: &str) -> bool {
    let mut letters = value.chars();
    let first = letters.next().unwrap_or_default();
    let rest = letters.as_str();
    let signs = rest.bytes().filter(|byte| b"!#%^&*?@~+=$".contains(byte)).count();
    let digits = rest.bytes().any(|byte| byte.is_ascii_digit());
    let has_letters = rest.bytes().any(|byte| byte.is_ascii_alphabetic());
    // `$VAR_2`, `$user1`, `%s`, `&anchor1`: a name with at most a number after it.
    let is_name = looks_like_identifier(rest)
        && !rest.contains(['-', '/', '.', '!'])
        && rest == rest.to_ascii_uppercase()
        || rest
            .trim_end_matches(|c: char| c.is_ascii_digit())
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let opens = rest.contains(['[', '<', '`', ' ']) && signs == 0 && first != '(';
    let is_format =
        matches!(first, '%' | '$' | '#' | '{' | '<') && rest.starts_with(['(', '{', '<', '[', '$']);
    rest.len() >= 6
        && has_letters
        && digits
        && !is_name
        && !opens
        && !is_format
        && !matches!(first, '<' | '{' | '[' | '.' | '…' | '\\')
}

/// A name of a password makes any value a secret; other names are common words, whose values must look random.
pub(crate) fn is_secret(name: &str, value: &str) -> bool {
    if is_reference(value) || value.len() < 3 || own_name(value) || names::is_word_for_password(value) {
        return false;
    }
    let words = value.split_whitespace().count();
    let letters = value.bytes().any(|byte| byte.is_ascii_alphabetic());
    let digits = value.bytes().any(|byte| byte.is_ascii_digit());
    let lower = name.to_ascii_lowercase();
    match names::named(name) {
        Some(SecretNameKind::Password) => {
            let plain = value.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            words == 1 && !(plain && value.contains('_')) || digits && words <= 3 || is_phrase(value)
        }
        Some(SecretNameKind::Token) if lower.ends_with("cookie") => value
            .split([';', ' '])
            .filter_map(|pair| pair.split_once('='))
            .any(|(_, value)| looks_random(value)),
        Some(SecretNameKind::Token) => {
            let credentials = value.rsplit(' ').next().unwrap_or(value);
            looks_random(credentials)
                || value.len() >= 8 && words <= 2 && digits && letters && !looks_like_identifier(credentials)
        }
        None => false,
    }
}

/// Whether `text` contains a redaction placeholder.
pub(crate) fn has_placeholder(text: &str) -> bool {
    !placeholders(text).is_empty()
}

/// Byte spans of `[KIND_n]` in `text`.
pub fn placeholders(text: &str) -> Vec<(usize, usize)> {
    let bytes = text.as_bytes();
    let opens = memchr::memchr_iter(b'[', bytes);
    opens.filter_map(|open| Some((open, placeholder_at(bytes, open)?))).collect()
}

/// The end of the placeholder that begins at `open`. Reads no further than the letters of a placeholder go, because
/// this is called for every bracket of a text.
pub(crate) fn placeholder_at(bytes: &[u8], open: usize) -> Option<usize> {
    let body = bytes.get(open..)?.strip_prefix(b"[")?;
    let body = body.get(..(MAX_PLACEHOLDER - 1).min(body.len()))?;
    let letter = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_';
    let length = body.iter().position(|byte| !letter(byte)).unwrap_or(body.len());
    work::add(length + 1);
    let letters = body.get(..length)?;
    let (kind, number) = letters.split_at(letters.iter().rposition(|byte| *byte == b'_')?);
    let number = number.get(1..)?;
    let is_one = kind.first()?.is_ascii_uppercase()
        && !number.is_empty()
        && number.iter().all(u8::is_ascii_digit)
        && body.get(length) == Some(&b']');
    is_one.then_some(open + length + 2)
}

/// Values that are words of a schema, a form or a manual. Sorted.
#[rustfmt::skip]
const BENIGN: &[&str] = &[
    "any", "array", "auto", "basic", "bearer", "bool", "boolean", "byte", "bytes", "changeit", "char", "charsequence",
    "config", "const", "copy", "default", "dict", "disabled", "dummy", "else", "empty", "enabled", "env", "error", "false",
    "final", "float", "for", "from", "func", "function", "hidden", "if", "incorrect", "input", "int", "integer",
    "invalid", "key", "list", "long", "masked", "missing", "nan", "new", "nil", "no", "none", "not", "null", "nullable",
    "number", "object", "off", "ok", "on", "option", "optional", "pass", "passwd", "password", "placeholder",
    "private", "public", "readonly", "redacted", "ref", "required", "return", "secret", "secretstr", "secretstring",
    "self", "set", "show", "static", "str", "string", "text", "this", "token", "true", "tuple", "type", "undefined", "unknown",
    "unset", "user", "username", "value", "var", "void", "yes", "your",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn benign_words_are_sorted_for_the_binary_search() {
        assert!(BENIGN.is_sorted(), "{:?}", BENIGN.windows(2).find(|pair| pair[0] > pair[1]));
    }

    #[test]
    fn check_digits() {
        assert!(luhn("4111 1111 1111 1111") && !luhn("4111 1111 1111 1112"));
        assert!(iban("DE89 3704 0044 0532 0130 00") && !iban("DE88 3704 0044 0532 0130 00"));
        assert!(iban("GB82WEST12345698765432") && !iban("GB82WEST1234569876543"));
    }

    #[test]
    fn identifiers_are_not_random() {
        for code in
            ["user_password_2", "getAccessToken", "TOKEN_COMMENT2", "app.settings.SECRET_KEY", "test123"]
        {
            assert!(looks_like_identifier(code), "{code}");
        }
        for secret in ["a8Kd02LmQz81xPq", "9f86d081884c7d65", "zXcVbNmQwRtY12pl"] {
            assert!(!looks_like_identifier(secret), "{secret}");
        }
    }
}
