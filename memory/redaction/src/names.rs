/*!
Decides whether a name is the name of a secret, by its words in any notation (`DB_PASSWORD`, `clientSecret`,
`x-api-key`), and by words that give the name another meaning (`password_min_length`, `token_type`, `secretKeyRef`).
*/

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

/// Words for a password in the languages of tickets, passed to another macro in three groups: in any case; in any
/// case at the start of a word; and as they stand, because keywords ignore the case of ASCII only.
macro_rules! password_words {
    ($use:ident $($more:literal)*) => {
        $use! {
            ["password", "passwd", "passcode", "passphrase", "passwort", "kennwort", "mot de passe", "contrasena", "senha",
             "wachtwoord", "parola", "losenord", "haslo", "heslo", "adgangskode", "passord", "salasana", "jelszo", "kata sandi"]
            ["pwd", "pw", "pass", "clave", "mdp"]
            ["contraseña", "Contraseña", "CONTRASEÑA", "lösenordet", "Lösenordet", "lösenord", "Lösenord", "LÖSENORD", "hasło", "Hasło", "HASŁO",
             "şifresi", "Şifresi", "şifre", "Şifre", "ŞİFRE", "jelszó", "Jelszó", "JELSZÓ", "пароль", "Пароль", "ПАРОЛЬ",
             "парол", "Парол", "パスワード", "密码", "密碼", "비밀번호", "كلمة المرور", "סיסמה", "รหัสผ่าน", "mật khẩu", "Mật khẩu", "κωδικός", "Κωδικός", "κωδικό"]
            $($more)*
        }
    };
}
pub(super) use password_words;

/// Words that distinguish several secrets, or that name an encoding, passed to another macro.
macro_rules! stage_words {
    ($use:ident) => {
        $use! {
            "production" "prod" "dev" "staging" "test" "old" "new" "current" "default" "value" "confirmation" "confirm" "plain"
            "clear" "bin" "bytes" "encoded" "enc" "base64" "b64"
        }
    };
}
pub(super) use stage_words;

macro_rules! whole_words {
    ([$($word:literal),*] [$($begins:literal),*] [$($cased:literal),*]) => {
        &[$($word,)* $($cased),*]
    };
}

macro_rules! words_that_begin {
    ([$($word:literal),*] [$($begins:literal),*] [$($cased:literal),*]) => {
        &[$($begins),*]
    };
}

macro_rules! stages {
    ($($stage:literal)*) => {
        &[$($stage),*]
    };
}

/// A search for all of these words at once, in any case.
pub(super) fn any_case(words: &[&str]) -> Option<AhoCorasick> {
    AhoCorasick::builder().ascii_case_insensitive(true).build(words).ok()
}

/// What a name says about its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SecretNameKind {
    /// The value is always a secret.
    Password,
    /// The word also has other uses.
    Token,
}

/// Longer texts are not names.
const MAX_BYTES: usize = 80;

/// Words for a password, and the ones that are too short to be searched for within other words.
pub(super) const PASSWORDS: &[&str] = password_words!(whole_words);
pub(super) const SHORT_PASSWORDS: &[&str] = password_words!(words_that_begin);
/// These also mean any word, key or code: a value below one of them must look random.
const AMBIGUOUS: [&str; 4] = ["parola", "clave", "κωδικός", "κωδικό"];
/// Names that programs use for a password.
const PASSWORDS_OF_PROGRAMS: [&str; 7] =
    ["passwords", "pwd", "requirepass", "masterauth", "storepass", "keypass", "bindpw"];
/// Also passwords if they are the last word of a name.
const ENDS_OF_PASSWORDS: [&str; 2] = ["psk", "pin"];
#[rustfmt::skip]
const TOKENS: &[&str] = &[
    "secret", "secrets", "token", "tokens", "credential", "credentials", "authorization", "cookie", "jwt",
    "otp", "totp", "sessionid", "phpsessid", "jsessionid", "csrftoken", "apikey", "authtoken", "accesstoken",
    "salt", "bearer", "sign", "signature",
];
/// Words before `key`.
#[rustfmt::skip]
const OF_KEYS: &[&str] = &[
    "api", "access", "secret", "private", "account", "auth", "encryption", "signing", "signature", "master",
    "shared", "storage", "license", "admin", "subscription", "app", "client", "consumer", "jwt", "hmac",
    "webhook", "session", "service", "functions", "host", "ssh", "fernet", "aes", "rsa", "validation",
    "decryption", "encrypt", "wireguard", "tls", "cipher", "crypto",
];
/// Whole names that consist of common words.
#[rustfmt::skip]
const WHOLE: &[&str] = &[
    "connect.sid", "laravel_session", "x-xsrf-token", "proxy-authorization", "set-cookie", "logged_in_key",
    "nonce_key", "secure_auth_key",
];
/// After the word for a password: the name describes a password and does not hold one.
#[rustfmt::skip]
const ABOUT: &[&str] = &[
    "age", "at", "attempts", "change", "changed", "count", "encoder", "enabled", "env", "error", "errors",
    "expired", "expires", "expiry", "field", "file", "format", "hash", "hasher", "hashers", "hint", "id",
    "input", "label", "length", "max", "min", "name", "path", "placeholder", "policy", "ref", "required",
    "reset", "rules", "strength", "timeout", "ttl", "type", "url", "validator", "validators", "visible",
    "history",
];

/// Before `token`: tokens of pagers, parsers and protocols, which grant no access.
pub(super) const OF_OTHER_TOKENS: [&str; 11] = [
    "next",
    "page",
    "continuation",
    "commit",
    "sync",
    "resume",
    "cancel",
    "change",
    "lock",
    "trace",
    "publickey",
];

/// Words that distinguish several secrets, or that name an encoding.
const STAGES: &[&str] = stage_words!(stages);

/// Stems of the names above, anywhere in a name; scripts expect `assword:`, whatever the case of its first letter.
#[rustfmt::skip]
const STEMS: &[&str] = &[
    "pass", "assword", "pwd", "bindpw", "kata_sandi", "kata-sandi", "masterauth", "secret", "token", "credential", "authorization",
    "cookie", "sessionid", "sessid", "csrf", "key", "bearer", "signature", "connect.sid", "laravel_session",
];
/// Stems that occur in too many other words: only whole words of a name count.
const SHORT_STEMS: [&str; 10] = ["pw", "psk", "pin", "jwt", "otp", "totp", "salt", "sign", "clave", "mdp"];

/// Headings of lists of recovery codes.
pub(super) const CODE_LISTS: [&str; 5] =
    ["recovery code", "backup code", "rescue code", "scratch code", "wiederherstellungscode"];
/// A mail server's prompt for the password, in base64.
pub(super) const MAIL_PROMPT: &str = "334 UGFzc3dvcmQ6";

/// Everything in this module that the version of the rules covers.
#[cfg(test)]
pub(super) const WORD_LISTS: [&[&str]; 13] = [
    PASSWORDS,
    SHORT_PASSWORDS,
    &AMBIGUOUS,
    &PASSWORDS_OF_PROGRAMS,
    &ENDS_OF_PASSWORDS,
    TOKENS,
    OF_KEYS,
    WHOLE,
    ABOUT,
    &OF_OTHER_TOKENS,
    STAGES,
    STEMS,
    &SHORT_STEMS,
];

/// Whether a text may contain the name or the announcement of a secret: a cheap check before [`named`] examines each
/// name in it.
pub(super) fn may_name_secret(text: &str) -> bool {
    static SEARCH: LazyLock<Option<AhoCorasick>> =
        LazyLock::new(|| any_case(&[&SHORT_STEMS, STEMS, PASSWORDS, &CODE_LISTS, &[MAIL_PROMPT]].concat()));
    let Some(search) = SEARCH.as_ref() else { return true };
    let bytes = text.as_bytes();
    search.find_overlapping_iter(text).any(|found| {
        found.pattern().as_usize() >= SHORT_STEMS.len()
            || is_word_of_a_name(bytes, found.start(), found.end())
    })
}

/// Whether a range is a whole word: `dbPin`, `user_pin2`, but not `mapping`.
fn is_word_of_a_name(bytes: &[u8], start: usize, end: usize) -> bool {
    let before = start.checked_sub(1).and_then(|at| bytes.get(at));
    let (first, last) = (bytes.get(start), end.checked_sub(1).and_then(|at| bytes.get(at)));
    let begins = before.is_none_or(|byte| !byte.is_ascii_alphabetic())
        || first.is_some_and(u8::is_ascii_uppercase) && before.is_some_and(u8::is_ascii_lowercase);
    let ends = bytes.get(end).is_none_or(|byte| !byte.is_ascii_alphabetic())
        || last.is_some_and(u8::is_ascii_lowercase) && bytes.get(end).is_some_and(u8::is_ascii_uppercase);
    begins && ends
}

/// What a name says about its value; `None` for names of other things.
pub(super) fn named(name: &str) -> Option<SecretNameKind> {
    if name.len() > 2 * MAX_BYTES || !may_name_secret(name) {
        return None;
    }
    let name = name.trim_matches(|c: char| !c.is_alphanumeric());
    if name.is_empty() || name.len() > MAX_BYTES {
        return None;
    }
    let lower = name.to_lowercase();
    if is_password_of_words(&lower) {
        return Some(SecretNameKind::Password);
    }
    if WHOLE.contains(&lower.as_str()) {
        return Some(SecretNameKind::Token);
    }
    let words = words(name);
    // Numbers and stages only distinguish several secrets.
    let stage =
        |word: &&String| word.bytes().all(|byte| byte.is_ascii_digit()) || STAGES.contains(&word.as_str());
    let core = words.len() - words.iter().rev().take_while(stage).count();
    let core = words.get(..core.max(1)).unwrap_or_default();
    let word = |back: usize| core.len().checked_sub(back).and_then(|at| core.get(at)).map(String::as_str);
    let last = word(1)?.trim_end_matches(|c: char| c.is_ascii_digit());
    if AMBIGUOUS.contains(&last) {
        return Some(SecretNameKind::Token);
    }
    if passwords().any(|word| last.ends_with(word))
        || SHORT_PASSWORDS.contains(&last)
        || ENDS_OF_PASSWORDS.contains(&last)
    {
        return Some(SecretNameKind::Password);
    }
    if let Some(at) = core.iter().position(|own| passwords().any(|word| own == word)) {
        let about = core.get(at + 1..).unwrap_or_default().iter().any(|word| ABOUT.contains(&word.as_str()));
        return (!about && core.len() <= at + 2).then_some(SecretNameKind::Password);
    }
    let key = matches!(last, "key" | "keys" | "pass")
        && word(2).is_some_and(|before| OF_KEYS.contains(&before))
        || last == "base" && word(2) == Some("key");
    if last == "token" && word(2).is_some_and(|before| OF_OTHER_TOKENS.contains(&before)) {
        return None;
    }
    let ends = ["password", "passwd", "secret", "token", "apikey"].iter().any(|word| last.ends_with(word));
    (key || ends || TOKENS.contains(&last)).then_some(SecretNameKind::Token)
}

/// Endings that make a name the name of a password.
fn passwords() -> impl Iterator<Item = &'static str> {
    let words = PASSWORDS.iter().chain(&PASSWORDS_OF_PROGRAMS);
    words.copied().filter(|word| !AMBIGUOUS.contains(word))
}

/// `mot de passe`, `mot_de_passe`: whole names for passwords that consist of common words. Signs that belong to the
/// letter before do not divide words.
fn is_password_of_words(lower: &str) -> bool {
    let divides = |c| matches!(c, ' ' | '_' | '-');
    let is_of_parts = |word: &&&str| !word.chars().all(char::is_alphanumeric);
    PASSWORDS.iter().filter(is_of_parts).any(|word| word.split(' ').eq(lower.split(divides)))
}

/// Whether a value is itself a word for a password, as in forms and their translations.
pub(super) fn is_word_for_password(value: &str) -> bool {
    let lower = value.to_lowercase();
    PASSWORDS.contains(&lower.as_str()) || SHORT_PASSWORDS.contains(&lower.as_str())
}

/// The words of a name, in lower case.
fn words(name: &str) -> Vec<String> {
    // Lower-casing the Turkish capital İ yields the dot as a character of its own.
    let lower = |c: char| c.to_lowercase().filter(|c| *c != '\u{307}');
    let mut out: Vec<String> = Vec::new();
    let mut previous: Option<char> = None;
    for c in name.chars() {
        if !c.is_alphanumeric() {
            previous = None;
            continue;
        }
        let hump = c.is_uppercase()
            && previous.is_some_and(|before| before.is_lowercase() || before.is_ascii_digit());
        match out.last_mut() {
            Some(word) if previous.is_some() && !hump => word.extend(lower(c)),
            _ => out.push(lower(c).collect()),
        }
        previous = Some(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cheap check accepts every name that [`named`] accepts.
    #[test]
    fn every_word_of_a_secret_passes_the_gate() {
        let passwords = PASSWORDS.iter().chain(SHORT_PASSWORDS).chain(&PASSWORDS_OF_PROGRAMS);
        let whole = passwords.chain(&ENDS_OF_PASSWORDS).chain(&["mot_de_passe"]).chain(TOKENS).chain(WHOLE);
        let keys = OF_KEYS.iter().map(|word| format!("{word}_key"));
        for name in whole.map(|word| (*word).to_owned()).chain(keys) {
            assert!(named(&name).is_some(), "{name}");
            let upper = if name.is_ascii() { name.to_uppercase() } else { name.clone() };
            for text in [format!("{name}: x"), format!("\"db_{name}\""), format!("DB_{upper}=")] {
                assert!(may_name_secret(&text), "{text}");
            }
        }
        for text in
            ["mapping of shopping", "assignment of a design", "basalt is laptop", "GET /ping 200", "dbpwn"]
        {
            assert!(!may_name_secret(text), "{text}");
        }
        assert!(may_name_secret("userPin") && may_name_secret("PW2=") && may_name_secret("jwtValue"));
    }

    #[test]
    fn names_of_secrets_are_told_from_names_about_them() {
        for name in [
            "DB_PASSWORD",
            "dbPassword",
            "password2",
            "SMTP_PASS",
            "new_password",
            "spring.datasource.password",
            "PGPASSWORD",
            "password[confirmation]",
            "heslo",
            "Hasło",
            "LÖSENORD",
            "db_adgangskode",
            "salasana2",
            "ŞİFRE",
            "пароль",
            "密码",
            "kata_sandi",
        ] {
            assert_eq!(named(name), Some(SecretNameKind::Password), "{name}");
        }
        for name in [
            "clientSecret",
            "x-api-key",
            "AWS_SECRET_ACCESS_KEY",
            "token",
            "refresh_token",
            "sessionid",
            "Authorization",
            "SECRET_KEY_BASE",
            "apiKey",
            "parola",
        ] {
            assert_eq!(named(name), Some(SecretNameKind::Token), "{name}");
        }
        for name in [
            "password_min_length",
            "passwordHash",
            "token_type",
            "max_tokens_per_call",
            "secretKeyRef",
            "key",
            "passenger",
            "password_reset_url",
            "keyboard",
            "primary_key",
            "secret_name",
            "nextToken",
            "page_token",
        ] {
            assert_eq!(named(name), None, "{name}");
        }
    }
}
