/*!
Secrets that are known by what stands beside them: assignments in code, JSON, YAML, environments and URLs, command
line flags, headers, cookies, SQL. A name that ends in `password`, `secret`, `token` or the like makes its value a
candidate; the value must then not be code, a type, a message or a reference to a secret kept elsewhere. For words
as common as `token` it must look random as well.

Counted classes are classes of bytes: one of characters becomes thousands of states each time it is counted, which
takes milliseconds to compile. A value that ends at a space is named `word`, and the scanner ends it at any of
Unicode's.
*/

use super::checks::{is_reference, looks_like_identifier, looks_random};
use super::scan::{Candidate, Rule};

/// Groups: a value in double quotes, single quotes, back quotes, escaped quotes, or bare.
macro_rules! assigned {
    ($name:literal) => {
        concat!(
            "(?i)(?:", $name, r#")(?:[_-]?(?:prod|production|dev|staging|test|old|new|default|value|[0-9]{1,2}))?\\?["'\]]{0,2}\s{0,24}(?:=>|:=|={1,3}|!==?|:)\s{0,4}"#,
            r#"(?-u:[bru]{0,2}"((?:[^"\\]|\\.){1,512})"|[bru]{0,2}'((?:[^'\\]|\\.){1,512})'|`([^`]{1,512})`|\\"([^"\\]{1,512})\\"|(?P<word>[^\s"'`,;&<>|(){}\[\]\\]{1,512}))"#
        )
    };
}

macro_rules! flag {
    ($name:literal) => {
        concat!(
            "(?i)(?:^|[\\s\"'])--?(?:[a-z]+-)?(?:",
            $name,
            r#")[ =]["']?(?P<word>[^\s"'`,;|&<>-](?-u:[^\s"'`,;|&<>]{2,256}))"#
        )
    };
}

#[rustfmt::skip]
pub(crate) const RULES: &[Rule] = &[
    Rule { kind: "AUTHORIZATION", keywords: &["authorization", "authenticate"],
        pattern: r#"(?i)authorization\\?["'\]]{0,2}\s{0,3}(?:=>|:|=|,)\s{0,3}\\?(?:[bf]?["'])?(?:(?:bearer|basic|token|negotiate|ntlm|apikey|key|splunk|bot|ssws|genie\w*)\s+(?P<word>[^\s"'\\](?-u:[^\s"'\\]{5,4096}))|(?:(?:digest|hmac|aws4-hmac-sha256)\s+)?([^\s"'\\](?-u:[^"'\\\r\n]{5,4096})))"#,
        check: header_value },
    Rule { kind: "API_KEY", keywords: &["key", "token", "secret", "cookie"],
        pattern: r#"(?i)["'](?:x-)?(?:[a-z]{1,20}-){0,2}(?:api-?key|auth-?token|access-?token|token|secret|cookie)["']\s{0,3},\s{0,3}["']((?-u:[^"'\r\n]{8,4096}))["']"#,
        check: |candidate| looks_random(candidate.value()) && !is_reference(candidate.value()) },
    Rule { kind: "PASSWORD", keywords: &["bindpw", "rootpw", "requirepass", "masterauth", "auth_pass", "ldap_bind"],
        pattern: r#"(?i)(?:^|\s)(?:bindpw|rootpw|requirepass|masterauth|auth_pass|ldap_bind_(?:pw|password))\s{1,8}["']?(?P<word>(?-u:[^\s"']{3,256}))"#,
        check: |candidate| !is_reference(candidate.value()) },
    Rule { kind: "PASSWORD", keywords: &["machine"],
        pattern: r#"\bmachine\s+[^\s]+\s+login\s+[^\s]+\s+password\s+(?P<word>(?-u:[^\s"']{3,256}))"#,
        check: netrc },
    Rule { kind: "PASSWORD", keywords: &["auth "],
        pattern: r#"(?:^|[>"$#]\s?)AUTH\s(?:[a-z][a-z0-9_-]{1,32}\s)?["']?(?P<word>(?-u:[^\s"']{6,256}))"#,
        check: redis_auth },
    Rule { kind: "PASSWORD", keywords: &["password", "passwd", "passphrase", "secret", "api key", "api_key"],
        pattern: r#"(?i)(?:^|[|\t])\s{0,8}(?:[a-z]{1,20}[_ ])?(?:password|passwd|passphrase|secret|api[_ ]key)\s{0,16}[|\t]\s{0,16}(?P<word>[^\s|"'](?-u:[^\s|"']{4,256}))"#,
        check: table },
    Rule { kind: "PASSWORD", keywords: &["passphrase", "pass phrase", "pass-phrase"],
        pattern: r#"(?i)pass[ _-]?phrase\\?["']?\s{0,3}[:=]\s{0,3}(?:\\?["']((?-u:[^"'\r\n\\]{8,200}))|((?-u:[a-z0-9 ._-]{8,200}))$)"#,
        check: passphrase },
    Rule { kind: "CODE", keywords: &["pin", "otp", "one-time", "one time", "verification code", "security code"],
        pattern: r#"(?i)\b(?:(?:pin|otp)(?:\s(?:code|number))?["']?\s{0,2}(?::|=|is|was)\s{0,2}["']?|(?:one[- ]time (?:code|password|pin)|verification code|security code)["']?(?:\s(?:is|was))?\s{0,2}[:=]?\s{0,2}["']?)([0-9]{4,8})\b"#,
        check: |candidate| !candidate.after().starts_with([':', '.', '/', '-']) },
    Rule { kind: "BEARER_TOKEN", keywords: &["bearer"],
        pattern: r#"(?i)\bbearer[\s:=]{1,3}["']?([A-Za-z0-9_.~+/-]{12,}={0,2})"#,
        check: |candidate| looks_random(candidate.value()) && !is_reference(candidate.value()) },
    Rule { kind: "BASIC_AUTH", keywords: &["basic "],
        pattern: r"\b[Bb]asic ([A-Za-z0-9+/]{12,}={0,2})", check: |candidate| looks_random(candidate.value()) },
    Rule { kind: "COOKIE", keywords: &["cookie"],
        pattern: r#"(?i)\bset-cookie\\?["']?\s{0,2}[:=]\s{0,2}\\?["']?(?-u:[^\s=;,"']{1,128})=(?P<word>(?-u:[^\s;,"'\\]{6,4096}))"#, check: cookie },
    Rule { kind: "COOKIE", keywords: &["cookie"],
        pattern: r#"(?i)(?:^|[^\w-])cookie\\?["']?\s{0,2}:\s{0,2}\\?["']?((?-u:[^\s=;,"']{1,128}=[^"'\\\r\n]{4,8192}))"#, check: cookie },
    Rule { kind: "COOKIE", keywords: &["sessionid", "phpsessid", "connect.sid", "asp.net_session", "laravel_session", "csrftoken", "xsrf-token"],
        pattern: r#"(?i)(?:sessionid|phpsessid|connect\.sid|asp\.net_sessionid|laravel_session|csrftoken|xsrf-token)["']?\s?[=:]\s?["']?([A-Za-z0-9%._+/=-]{12,})"#,
        check: |candidate| looks_random(candidate.value()) && !candidate.value().starts_with("0x") },
    Rule { kind: "PASSWORD", keywords: &["password", "passwd", "passphrase", "pwd", "passwort", "contraseña", "motdepasse"],
        pattern: assigned!("password|passwd|passphrase|pwd|passwort|contraseña|motdepasse"), check: password },
    Rule { kind: "PASSWORD", keywords: &["pass", "pw"],
        pattern: assigned!(r"(?:^|[^a-z]|db|user|smtp|mail|ftp|admin|root|mysql|redis)(?:pass|pw)"), check: short_password },
    Rule { kind: "API_KEY", keywords: &["key"],
        pattern: assigned!(r"(?:api|access|secret|private|account|auth|encryption|signing|signature|master|shared|service|storage|license|admin|subscription|app|application|client|consumer|jwt|hmac|webhook|cookie|session)[_.-]?key(?:[_-]?(?:base|base64|id))?"),
        check: key },
    Rule { kind: "SECRET", keywords: &["secret", "credential", "salt", "otp", "pin"],
        pattern: assigned!(r"secrets?(?:[_-]?(?:key|token|base|key[_-]base))?|credentials?|(?:password|hash|secret|auth|logged_in|nonce)[_-]?salt|totp|otp_?secret"), check: key },
    Rule { kind: "TOKEN", keywords: &["token", "auth", "jwt", "session", "nonce"],
        pattern: assigned!(r"token|(?:^|[^a-z])(?:auth|jwt|oauth|session[_-]?id|session[_-]?key|auth[_-]?code|sas)"), check: token },
    Rule { kind: "PASSWORD", keywords: &["--pass", "-pass", "--pw", "sshpass", "--secret", "--token", "--api", "-token", "-secret", "--auth"],
        pattern: flag!("password|passwd|passphrase|pass|pwd|secret|token|api-?key|auth-?token|access-?token|secret-?key|client-?secret|auth"), check: flag },
    Rule { kind: "PASSWORD", keywords: &["sshpass -p", "mysql", "curl ", "wget "],
        pattern: r#"(?:sshpass -p ?|mysql\w*\b(?-u:[^\n|;]{0,200}?) -p|(?:curl|wget)\b(?-u:[^\n|;]{0,300}?) (?:-u|--user|--proxy-user)[ =]["']?(?-u:[^\s:"']{1,128}):)["']?(?P<word>[^\s"'|;-](?-u:[^\s"'|;]{2,256}))"#,
        check: flag },
    Rule { kind: "PASSWORD", keywords: &["identified by", "password"],
        pattern: r#"(?i)(?:identified\s+by|\b(?:with\s+(?:encrypted\s+)?|encrypted\s+)password|\b(?:role|user)\s+(?-u:\S{1,80}[^\n;]{0,80}?)\spassword)\s+["']((?-u:[^"'\s]{3,256}))["']"#,
        check: |candidate| !is_reference(candidate.value()) },
    Rule { kind: "PASSWORD", keywords: &["password>", "passwd>", "secret>", "token>", "apikey>", "passphrase>"],
        pattern: r"(?i)<(?-u:[\w.:\x80-\xff-]{0,64})(?:password|passwd|secret|token|apikey|passphrase)>((?-u:[^<>\s]{3,512}))</", check: |candidate| !is_reference(candidate.value()) },
    Rule { kind: "PASSWORD", keywords: &["password", "passwort", "passphrase", "passcode"],
        pattern: r#"(?i)\b(?:password|passwort|passphrase|passcode)\s+(?:is|was|to|ist|=)\s+["'`]?(?P<word>(?-u:[^\s"'`,;]{6,128}))"#, check: prose },
];

/// The word of the line that ends where the match begins plus the matched name: `max_tokens`, `token_type` are told by it.
fn name_before<'t>(candidate: &Candidate<'t>) -> &'t str {
    let head = candidate.line.get(..candidate.match_start).unwrap_or_default();
    let start = head
        .rfind(|c: char| !(c.is_alphanumeric() || "_-.$".contains(c)))
        .map_or(0, |at| at + head.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8));
    head.get(start..).unwrap_or_default()
}

fn quoted(candidate: &Candidate<'_>) -> bool {
    candidate.before().ends_with(['"', '\'', '`'])
}

/// A bare value that is an expression, a declaration or a type rather than a literal.
fn is_code(candidate: &Candidate<'_>) -> bool {
    if quoted(candidate) {
        return false;
    }
    let (value, after) = (candidate.value(), candidate.after());
    let called = after.starts_with(['(', '[', '{', '<', '|', '\\']);
    let path = value.contains("::") || value.contains("->") || value.contains("()") || value.starts_with('=');
    // `password=password`, `key=self.secret_key`, `token = user_token`: a name, not a value.
    let names = ["pass", "pwd", "secret", "token", "key", "credential", "auth", "hash", "salt"];
    let lower = value.to_ascii_lowercase();
    let named = looks_like_identifier(value) && names.iter().any(|name| lower.contains(name));
    let member = value.split('.').count() > 1
        && value.split('.').all(|part| {
            part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && looks_like_identifier(part)
        });
    let before = candidate.before();
    let spaced = before.ends_with(' ') && before.trim_end().ends_with(['=', '>']);
    let declared = looks_like_identifier(value) && (spaced || after.starts_with([',', ')', ';', '.']));
    called
        || path
        || named
        || member
        || declared
        || value.starts_with("//")
        || value.starts_with('/') && value.matches('/').count() > 1
}

/// A sentence, a label or a place where the value is kept.
fn is_message(candidate: &Candidate<'_>) -> bool {
    let value = candidate.value();
    let words = value.split_whitespace().count();
    words > 3
        || words > 1 && !value.bytes().any(|byte| byte.is_ascii_digit())
        || value.contains("://")
        || value.starts_with("./")
        || value.starts_with("../")
        || value.starts_with('/') && value.len() < 200
        || value.ends_with(':')
        || value.ends_with('?')
}

fn own_name(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let names =
        ["password", "passwd", "pwd", "secret", "token", "api_key", "apikey", "api-key", "credential"];
    names.iter().any(|name| lower.contains(name)) && looks_like_identifier(value)
}

fn password(candidate: &Candidate<'_>) -> bool {
    let value = candidate.value();
    if is_reference(value)
        || is_code(candidate)
        || is_message(candidate)
        || own_name(value)
        || value.len() < 3
    {
        return false;
    }
    if quoted(candidate) {
        return true;
    }
    let letters = value.bytes().all(|byte| byte.is_ascii_alphabetic());
    // `password: Foo` may be a type annotation, `password: hunter` is YAML; prose goes on behind the word.
    let colon = candidate.before().trim_end().ends_with(':');
    let goes_on = candidate.after().trim_start().chars().next().is_some_and(char::is_alphabetic);
    let annotation = value.starts_with(|c: char| c.is_ascii_uppercase())
        || goes_on
        || candidate.after().trim_start().starts_with(['=', '|', '[']);
    let short_number = value.len() < 4 && value.bytes().all(|byte| byte.is_ascii_digit());
    !(letters && colon && annotation || short_number)
}

fn short_password(candidate: &Candidate<'_>) -> bool {
    let value = candidate.value();
    let plain = value.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    password(candidate)
        && value.len() >= 6
        && !plain.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        && (quoted(candidate) && !looks_like_identifier(value)
            || value.bytes().any(|byte| byte.is_ascii_digit()) && !looks_like_identifier(value))
}

fn key(candidate: &Candidate<'_>) -> bool {
    let value = candidate.value();
    if is_reference(value)
        || is_code(candidate)
        || is_message(candidate)
        || own_name(value)
        || value.len() < 8
    {
        return false;
    }
    let django = value.starts_with("django-insecure-");
    django
        || looks_random(value)
        || quoted(candidate)
            && value.contains(|c: char| "!#^*~?".contains(c))
            && value.len() >= 12
            && !value.contains(' ')
        || !looks_like_identifier(value)
            && value.bytes().any(|byte| byte.is_ascii_digit())
            && value.bytes().any(|byte| byte.is_ascii_alphabetic())
            && !value.contains(['/', '.', ':'])
}

/// `token` is a parser's and a pager's word as well: only what looks random counts, and never a digest under its own name.
fn token(candidate: &Candidate<'_>) -> bool {
    let name = name_before(candidate).to_ascii_lowercase();
    let harmless =
        ["next", "page", "continuation", "commit", "sync", "resume", "cancel", "change", "lock", "trace"];
    let value = candidate.value();
    !harmless.iter().any(|word| name.ends_with(&format!("{word}_")) || name.ends_with(word))
        && !is_reference(value)
        && !is_code(candidate)
        && !is_message(candidate)
        && !own_name(value)
        && value.len() >= 12
        && looks_random(value)
        && !value.contains("..")
        && !value.starts_with("0x")
        && !value.contains('@')
}

fn flag(candidate: &Candidate<'_>) -> bool {
    let value = candidate.value();
    let plain = looks_like_identifier(value) && !value.bytes().any(|byte| byte.is_ascii_digit());
    !is_reference(value)
        && !own_name(value)
        && !value.contains('(')
        && !value.contains('/')
        && !value.ends_with(')')
        && (!plain || candidate.before().ends_with('='))
        && value.len() >= 4
}

fn header_value(candidate: &Candidate<'_>) -> bool {
    let value = candidate.value();
    let credentials = value.split_whitespace().next().unwrap_or_default();
    !is_reference(value)
        && !credentials.contains('(')
        && !credentials.contains('.') | looks_random(credentials)
        && (looks_random(credentials)
            || value.contains("Signature=")
            || value.contains("response=")
            || value.contains("signature=")
            || credentials.len() >= 6
                && credentials.bytes().any(|byte| byte.is_ascii_digit())
                && !looks_like_identifier(credentials)
            || credentials.ends_with('='))
}

fn cookie(candidate: &Candidate<'_>) -> bool {
    let value = candidate.value();
    !is_reference(value)
        && !value.contains('(')
        && !value.contains(" = ")
        && value.len() >= 6
        && value.bytes().any(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
}

/// A cell beside the one with the name: manuals describe passwords in tables, too.
fn table(candidate: &Candidate<'_>) -> bool {
    let value = candidate.value();
    let digits = value.bytes().any(|byte| byte.is_ascii_digit());
    let letters = value.bytes().any(|byte| byte.is_ascii_alphabetic());
    let signs = value.bytes().any(|byte| b"!#$%&*+?@^~".contains(&byte));
    let is_version = value.starts_with('v') && value.as_bytes().get(1).is_some_and(u8::is_ascii_digit);
    !is_reference(value)
        && letters
        && (digits || signs)
        && !is_version
        && !looks_like_identifier(value)
        && !value.contains(['(', '/', ':'])
}

/// Sentences can be of the form of a line of `.netrc`; they go on with words.
fn netrc(candidate: &Candidate<'_>) -> bool {
    let value = candidate.value();
    !is_reference(value)
        && (value.bytes().any(|byte| !byte.is_ascii_alphabetic()) || candidate.after().trim().is_empty())
}

/// `AUTH` is a command of mail servers as well, with the name of a mechanism.
fn redis_auth(candidate: &Candidate<'_>) -> bool {
    let value = candidate.value();
    let mechanisms =
        ["CRAM-", "DIGEST-", "SCRAM-", "XOAUTH", "OAUTHBEARER", "PLAIN", "LOGIN", "NTLM", "GSSAPI"];
    !is_reference(value)
        && value.bytes().any(|byte| byte.is_ascii_digit())
        && value.bytes().any(|byte| byte.is_ascii_alphabetic())
        && !value.contains(':')
        && !mechanisms.iter().any(|name| value.to_ascii_uppercase().starts_with(name))
}

/// Words without the look of a sentence.
fn passphrase(candidate: &Candidate<'_>) -> bool {
    const OF_SENTENCES: [&str; 20] = [
        "is",
        "must",
        "required",
        "invalid",
        "wrong",
        "incorrect",
        "enter",
        "the",
        "for",
        "not",
        "missing",
        "your",
        "was",
        "empty",
        "no",
        "such",
        "file",
        "error",
        "denied",
        "failed",
    ];
    let value = candidate.value().trim();
    let words: Vec<&str> = value.split([' ', '-', '.', '_']).filter(|word| !word.is_empty()).collect();
    words.len() >= 3
        && !is_reference(value)
        && !words.iter().any(|word| OF_SENTENCES.contains(&word.to_ascii_lowercase().as_str()))
}

fn prose(candidate: &Candidate<'_>) -> bool {
    let value = candidate.value();
    let digits = value.bytes().any(|byte| byte.is_ascii_digit());
    let symbols = value.bytes().any(|byte| b"!#$%&*+?@^~".contains(&byte));
    (digits || symbols)
        && !value.contains(['_', '.', '-'])
        && !is_reference(value)
        && !value.contains(['(', ')', '/', ':'])
}
