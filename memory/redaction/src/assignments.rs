/*!
Secrets recognised by their context: assignments in code, JSON, YAML, environments and URLs, command line flags,
headers, cookies, SQL. A name that ends in `password`, `secret`, `token` or the like makes its value a candidate. The
value must then not be code, a type, a message or a reference to a secret kept elsewhere. For words as common as
`token` it must also look random.

Counted classes are classes of bytes: each repetition of a class of characters becomes thousands of states, which take
milliseconds to compile. A value that ends at a space is named `word`, and the scanner ends it at any of Unicode's
spaces.
*/

use super::checks::{human_password, is_phrase, is_reference, looks_like_identifier, looks_random, own_name};
use super::names::{OF_OTHER_TOKENS, stage_words};
use super::rule::{MAX_AROUND, MaskingRule, SecretCandidate};

macro_rules! joined {
    ($first:literal $($stage:literal)*) => {
        concat!($first $(, "|", $stage)*)
    };
}

/// Groups: a value in double quotes, single quotes, back quotes or escaped quotes, or a bare value.
macro_rules! assigned {
    ($name:literal) => {
        concat!(
            "(?i)(?:", $name, ")(?:[_-]?(?:", stage_words!(joined), r#"|[0-9]{1,2}))?\\?["'\]]{0,2}\s{0,24}(?:=>|:=|={1,3}|!==?|::\s|:)\s{0,16}(?:0x[0-9a-f]{4,16}\s)?"#,
            r#"(?-u:[brun]{0,2}"((?:[^"\\]|\\.){1,512})"|[brun]{0,2}'((?:[^'\\]|\\.){1,512})'|`([^`]{1,512})`|\[?\\"([^"\\]{1,512})\\"|["']([^"'\\\s,;<>(){}]{4,256})$|(?P<word>(?:[^\s"'`,;&<>|(){}\[\]\\\x00-\x1f]|\\[A-Z0-9]){1,512}))"#
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
pub(crate) const RULES: &[MaskingRule] = &[
    MaskingRule { kind: "AUTHORIZATION", keywords: &["authorization", "authenticate"],
        pattern: r#"(?i)authorization\\?["'\]]{0,2}\s{0,3}(?:=>|:|=|,)\s{0,3}\\?(?:[bf]?["'])?(?:(?:bearer|basic|token|negotiate|ntlm|apikey|api-token|api-key|key|splunk|bot|ssws|genie\w*)\s+(?P<word>[^\s"'\\](?-u:[^\s"'\\]{5,4096}))|(?:(?:digest|hmac|aws4-hmac-sha256)\s+)?([^\s"'\\](?-u:[^"'\\\r\n]{5,4096})))"#,
        check: header_value },
    MaskingRule { kind: "API_KEY", keywords: &["key", "token", "secret", "cookie"],
        pattern: r#"(?i)["'](?:x-)?(?:[a-z]{1,20}-){0,2}(?:api-?key|auth-?token|access-?token|token|secret|cookie)["']\s{0,3},\s{0,3}["']((?-u:[^"'\r\n]{8,4096}))["']"#,
        check: |candidate| looks_random(candidate.value()) && !is_reference(candidate.value()) },
    MaskingRule { kind: "PASSWORD", keywords: &["bindpw", "rootpw", "requirepass", "masterauth", "auth_pass", "ldap_bind"],
        pattern: r#"(?i)(?:^|\s)(?:bindpw|rootpw|requirepass|masterauth|auth_pass|ldap_bind_(?:pw|password))\s{1,8}["']?(?P<word>(?-u:[^\s"']{3,256}))"#,
        check: |candidate| !is_reference(candidate.value()) },
    MaskingRule { kind: "PASSWORD", keywords: &["machine"],
        pattern: r#"\bmachine\s+[^\s]+\s+login\s+[^\s]+\s+password\s+(?P<word>(?-u:[^\s"']{3,256}))"#,
        check: netrc },
    MaskingRule { kind: "PASSWORD", keywords: &["auth ", "auth\" ", "auth' "],
        pattern: r#"(?:^|[>"$#]\s?)AUTH["']? (?:["']?[a-z][a-z0-9_-]{1,32}["']?\s)?["']?(?P<word>(?-u:[^\s"']{6,256}))"#,
        check: redis_auth },
    MaskingRule { kind: "PASSWORD", keywords: &["password", "passwd", "passphrase", "passwort", "kennwort", "mot de passe", "senha", "secret", "api key", "api_key"],
        pattern: r#"(?i)(?:^|[|\t])\s{0,8}(?:`|\*\*)?(?:[a-z]{1,20}[_ ])?(?:password|passwd|passphrase|passwort|kennwort|mot de passe|senha|secret|api[_ ]key)(?:`|\*\*)?\s{0,16}[|\t]\s{0,16}`?(?P<word>[^\s|"'`](?-u:(?:\\\||[^\s|"'`]){4,256}))"#,
        check: table },
    MaskingRule { kind: "PASSWORD", keywords: &["passphrase", "pass phrase", "pass_phrase", "pass-phrase", "password", "passwd", "psk"],
        pattern: r#"(?i)(?:pass[ _-]?phrase|password|passwd|psk)\\?["']?\s{0,3}[:=]\s{0,3}(?:\\?["']((?-u:[^"'\r\n\\]{8,200}))|((?-u:[a-z0-9 ._\x80-\xff-]{8,200}))$)"#,
        check: |candidate| is_phrase(candidate.value()) },
    MaskingRule { kind: "CODE", keywords: &["pin", "otp", "tan", "mfa", "2fa", "one-time", "one time", "code", "einmal", "verificaci"],
        pattern: r#"(?i)\b(?:(?:pin|otp|tan|mfa|2fa|totp)(?:[ _-](?:code|number|token))?["']?\s{0,2}(?::|=|is|was|ist|lautet)\s{0,2}["']?|(?:one[- ]time[ _-](?:code|password|pin|passcode)|(?:verification|security|door|gate|alarm|entry|unlock|passcode|t\x{fc}r|pairing|activation|confirmation|login|access|authentication|auth|sms)[ _-]code|einmal(?:code|passwort|kennwort)|best\x{e4}tigungscode|code de v\x{e9}rification|c\x{f3}digo de verificaci\x{f3}n)["']?(?:\s(?:is|was|ist|lautet|est|es))?\s{0,2}[:=]?\s{0,2}["']?)([0-9]{4,8}|[0-9]{2,3}(?:[ -][0-9]{2,3}){1,3})\b"#,
        check: one_time },
    MaskingRule { kind: "BEARER_TOKEN", keywords: &["bearer"],
        pattern: r#"(?i)\bbearer[\s:=]{1,3}["']?([A-Za-z0-9_.~+/-]{12,}={0,2})"#,
        check: |candidate| looks_random(candidate.value()) && !is_reference(candidate.value()) },
    MaskingRule { kind: "BASIC_AUTH", keywords: &["basic "],
        pattern: r"\b[Bb]asic ([A-Za-z0-9+/]{12,}={0,2})", check: |candidate| looks_random(candidate.value()) },
    MaskingRule { kind: "COOKIE", keywords: &["cookie"],
        pattern: r#"(?i)\bset-cookie\\?["']?\s{0,2}[:=]\s{0,2}\\?["']?(?-u:[^\s=;,"']{1,128})=(?P<word>(?-u:[^\s;,"'\\]{6,4096}))"#, check: cookie },
    MaskingRule { kind: "COOKIE", keywords: &["cookie"],
        pattern: r#"(?i)(?:^|[^\w-])cookie\\?["']?\s{0,2}:\s{0,2}\\?["']?((?-u:[^\s=;,"']{1,128}=[^"'\\\r\n]{4,}))"#, check: cookie },
    MaskingRule { kind: "COOKIE", keywords: &["sessionid", "phpsessid", "connect.sid", "asp.net_session", "laravel_session", "csrftoken", "xsrf-token"],
        pattern: r#"(?i)(?:sessionid|phpsessid|connect\.sid|asp\.net_sessionid|laravel_session|csrftoken|xsrf-token)["']?\s?[=:]\s?["']?([A-Za-z0-9%._+/=-]{12,})"#,
        check: |candidate| looks_random(candidate.value()) && !candidate.value().starts_with("0x") },
    MaskingRule { kind: "PASSWORD", keywords: &["password", "passwd", "passphrase", "pwd", "passwort", "contrase", "motdepasse", "authtok"],
        pattern: assigned!("password|passwd|passphrase|pwd|passwort|contraseña|motdepasse|authtok"), check: password },
    MaskingRule { kind: "PASSWORD", keywords: &["pass", "pw", "psk"],
        pattern: assigned!(r"(?:^|[^a-z]|db|user|smtp|mail|ftp|admin|root|mysql|redis|store|key|bind)(?:pass|pw|psk)"), check: short_password },
    MaskingRule { kind: "API_KEY", keywords: &["key"],
        pattern: assigned!(r"(?:api|access|secret|private|account|auth|encryption|signing|signature|master|shared|service|storage|license|admin|subscription|app|application|client|consumer|jwt|hmac|webhook|cookie|session|integration|routing)[ _.-]?key(?:[_-]?(?:base|base64|id|data))?"),
        check: key },
    MaskingRule { kind: "SECRET", keywords: &["secret", "credential", "salt", "otp", "pin"],
        pattern: assigned!(r"secrets?(?:[ _-]?(?:key|token|base|id|key[_-]base))?|credentials?|(?:password|hash|secret|auth|logged_in|nonce)[_-]?salt|totp|otp_?secret"), check: key },
    MaskingRule { kind: "TOKEN", keywords: &["token", "auth", "jwt", "session", "sas", "csrf", "xsrf", "crumb", "sonar.login"],
        pattern: assigned!(r"token|(?:^|[^a-z])(?:auth|jwt|oauth|session[_-]?id|session[_-]?key|auth[_-]?code|sas|csrf|xsrf|crumb)|sonar\.login"), check: token },
    MaskingRule { kind: "PASSWORD", keywords: &["-pass", "-pwd", "-secret", "-token", "-api", "-auth", "-accesstoken", "-clientsecret", "-key", "-accountkey", "-accesskey", "-sharedkey", "-masterkey", "-storagekey", "-encryptionkey", "-licensekey"],
        pattern: flag!("password|passwd|passphrase|pass|pwd|secret|token|api-?key|auth-?token|access-?token|secret-?key|secret-?(?:string|value|id)|client-?secret|(?:account|access|shared|master|storage|encryption|license)-?key|auth"), check: flag },
    MaskingRule { kind: "PASSWORD", keywords: &["sshpass -p", "mysql", "curl", "wget"],
        pattern: r#"(?:sshpass -p ?|mysql\w*\b(?-u:[^\n|;]{0,200}?) -p|(?:curl|wget)\b(?-u:[^\n|;]{0,300}?) (?:-u|--user|--proxy-user)[ =]["']?(?-u:[^\s:"']{1,128}):)["']?(?P<word>[^\s"'|;-](?-u:[^\s"'|;]{2,256}))"#,
        check: flag },
    MaskingRule { kind: "PASSWORD", keywords: &["identified", "password"],
        pattern: r#"(?i)(?:identified\s+by|\b(?:with\s+(?:encrypted\s+)?|encrypted\s+)password|\b(?:role|user)\s+(?-u:\S{1,80}[^\n;]{0,80}?)\spassword)\s+["']((?-u:[^"'\s]{3,256}))["']"#,
        check: |candidate| !is_reference(candidate.value()) },
    MaskingRule { kind: "PASSWORD", keywords: &["password>", "passwd>", "secret>", "token>", "apikey>", "api-key>", "passphrase>", "credential>", "password ", "passwd ", "secret ", "token ", "apikey ", "api-key ", "passphrase ", "credential "],
        pattern: r"(?i)<(?-u:[\w.:\x80-\xff-]{0,64})(?:password|passwd|secret|token|api-?key|passphrase|credential)(?: [^<>]{0,120})?>\s{0,4}(?:<[vV]alue>\s{0,4})?(?:<!\[CDATA\[((?-u:[^\]]{3,512}))\]\]>|((?-u:[^<>\s]{3,512})))\s{0,4}</", check: |candidate| !is_reference(candidate.value()) },
    // `<Parameter name="password">…</Parameter>`
    MaskingRule { kind: "PASSWORD", keywords: &["password\"", "passwd\"", "secret\"", "token\"", "apikey\"", "api-key\"", "api_key\"", "passphrase\"", "password'", "passwd'", "secret'", "token'", "apikey'", "api-key'", "api_key'", "passphrase'"],
        pattern: r#"(?i)\b(?:name|key|id)=["'](?-u:[\w.:-]{0,64})(?:password|passwd|secret|token|api[_-]?key|passphrase)["'][^<>\n]{0,120}>\s{0,4}((?-u:[^<>\s]{3,512}))\s{0,4}</"#, check: |candidate| human_password(candidate.value()) || looks_random(candidate.value()) },
    MaskingRule { kind: "PASSWORD", keywords: &["passw", "pwd", "secret", "pin<", "pin:", "pin "],
        pattern: r"(?i)>\s{0,4}(?:[a-z]{1,20}\s)?(?:password|passwort|passwd|pwd|pin|secret) ?:? {0,2}</[a-z0-9]{1,10}>\s{0,8}(?:</?[a-z][^<>]{0,80}>\s{0,8}){1,3}((?-u:[^<>\s]{4,128}))\s{0,4}</", check: |candidate| human_password(candidate.value()) || one_time(candidate) && candidate.value().bytes().all(|byte| byte.is_ascii_digit()) },
    // The bytes of a key as numbers.
    MaskingRule { kind: "SECRET", keywords: &["password", "secret", "key", "token"],
        pattern: r#"(?i)(?:password|secret|token|(?:aes|rsa|secret|private|encryption|signing|hmac|master|session|api)[_-]?key)(?-u:\w{0,16})(?:\[[0-9]{0,4}\]|["'\s:={,]|bytes|type|buffer|data)+?[\[{]\s*((?:(?:0x[0-9a-f]{1,2}|[0-9]{1,3})\s*,\s*){7}(?:(?:0x[0-9a-f]{1,2}|[0-9]{1,3})\s*,\s*)*(?:0x[0-9a-f]{1,2}|[0-9]{1,3})?)"#, check: |_| true },
    MaskingRule { kind: "PASSWORD", keywords: &["-> \""],
        pattern: r#"(?i)(?:password|passwd|secret|token|api_?key)\w{0,20}\s{0,24}[:=]\s{0,4}"[^"\n]{1,200}" -> "((?-u:[^"\n]{3,200}))""#, check: |candidate| !is_reference(candidate.value()) },
    MaskingRule { kind: "PASSWORD", keywords: &["\";s:"],
        pattern: r#"(?i)s:[0-9]{1,4}:"[a-z0-9_.-]{0,40}(?:password|passwd|pass|secret|token)";s:[0-9]{1,5}:"((?-u:[^"\n]{3,512}))";"#, check: |candidate| !is_reference(candidate.value()) },
    // `Server=db;Uid=app;Pwd=…`: anything up to the next semicolon.
    MaskingRule { kind: "PASSWORD", keywords: &[";pwd", ";password", "; pwd", "; password"],
        pattern: r#"(?i)(?:server|data source|host|uid|user id|user|username|database|initial catalog|driver|dsn|endpoint)\s?=[^=\n"']{1,120};(?:[^=;\n"']{1,40}=[^;\n"']{0,120};){0,12} ?(?:pwd|password)\s?=\s?(\{(?-u:[^}\n]{3,128})\}|(?-u:[^;"'\s]{3,128}))"#, check: |candidate| !is_reference(candidate.value().trim_start_matches('{')) },
    // A line of `.pgpass`, with the ports that PostgreSQL, its poolers and related servers listen on.
    MaskingRule { kind: "PASSWORD", keywords: &[":*:", ":543", "5432:", "5433:", ":6432:", ":6543:", ":26257:"],
        pattern: r"(?:^|\s)(?-u:[\w.*/-]{1,200}):(?:543[0-9]{1,2}|[1-9]543[23]|6432|6543|26257|\*):(?-u:[\w.*-]{1,64}):(?-u:[\w.*-]{1,64}):(?P<word>(?-u:[^\s:]{3,128}))$", check: |candidate| !is_reference(candidate.value()) },
    // A line of a configuration: a word and its value.
    MaskingRule { kind: "PASSWORD", keywords: &["password ", "passwd ", "secret ", "passphrase ", "password\t", "passwd\t", "secret\t", "passphrase\t"],
        pattern: r#"(?i)^[\s+>-]{0,16}(?:set\s)?(?:password|passwd|secret|passphrase)\s{1,8}["']?(?P<word>(?-u:[^\s"']{5,256}))["']?;?\s{0,8}$"#, check: |candidate| human_password(candidate.value()) && !candidate.value().starts_with('(') },
    MaskingRule { kind: "AUTHORIZATION", keywords: &["response="],
        pattern: r#"(?i)\b(?:digest|username)\b[^\n]{0,400}?\bresponse=\\?"?([0-9a-f]{32,64})"#, check: |_| true },
    MaskingRule { kind: "AUTHORIZATION", keywords: &["token ", "apikey ", "bearer "],
        pattern: r#"["'](?:[Tt]oken|[Aa]pi[Kk]ey|TOKEN|[Bb]earer) ((?-u:[^\s"']{16,4096}))["']"#, check: |candidate| looks_random(candidate.value()) },
    MaskingRule { kind: "PASSWORD", keywords: &["password", "passwort", "passphrase", "passcode"],
        pattern: r#"(?i)\b(?:password|passwort|passphrase|passcode)\s+(?:is|was|to|ist|=)\s+["'`]?(?P<word>(?-u:[^\s"'`,;]{6,128}))"#, check: prose },
];

const MAX_NAME_BYTES: usize = 256;

/// The word that ends where the match begins. Together with the match it gives the full name, which tells
/// `max_tokens` and `token_type` from `token`.
fn name_before<'t>(candidate: &SecretCandidate<'t>) -> &'t str {
    let head = candidate.near_before(MAX_NAME_BYTES);
    let start = head
        .rfind(|c: char| !(c.is_alphanumeric() || "_-.$".contains(c)))
        .map_or(0, |at| at + head.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8));
    head.get(start..).unwrap_or_default()
}

fn quoted(candidate: &SecretCandidate<'_>) -> bool {
    candidate.before().ends_with(['"', '\'', '`'])
}

/// A bare value that is an expression, a declaration or a type rather than a literal.
fn is_code(candidate: &SecretCandidate<'_>) -> bool {
    if quoted(candidate) {
        return false;
    }
    let (value, after) = (candidate.value(), candidate.after());
    // `${DB_PASSWORD:?must be set}`, `{{ password | quote }}`
    let head = candidate.near_before(MAX_NAME_BYTES);
    if head.trim_end_matches(|c: char| c.is_ascii_alphanumeric() || c == '_').ends_with("${") {
        return true;
    }
    let called = after.starts_with(['(', '[', '{', '<', '|', '\\']);
    // `password = random_password.db.result`
    let named_member = value.split('.').count() > 1
        && value.split('.').all(|part| {
            part.starts_with(|c: char| c.is_ascii_lowercase() || c == '_') && looks_like_identifier(part)
        })
        && own_name(value);
    let path = value.contains("::")
        || named_member
        || value.contains("->")
        || value.contains("()")
        || value.starts_with('=');
    // `password=password`, `key=self.secret_key`, `token = user_token`: a name, not a value.
    let names = ["pass", "pwd", "secret", "token", "key", "credential", "auth", "hash", "salt"];
    let lower = value.to_ascii_lowercase();
    let named = looks_like_identifier(value) && names.iter().any(|name| lower.contains(name));
    // A chain of names; a password of words has a digit or a sign in one of them.
    let member = value.contains('.') && value.split('.').all(is_variable);
    let before = candidate.before();
    let spaced = before.ends_with(' ') && before.trim_end().ends_with(['=', '>']);
    let declared = is_variable(value) && (spaced || after.starts_with([',', ')', ';', '.']));
    called
        || path
        || named
        || member
        || declared
        || value.starts_with("//")
        || value.starts_with('/') && value.matches('/').count() > 1
}

/// A name without digits, as in code.
fn is_variable(value: &str) -> bool {
    value.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && value.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_')
}

/// A sentence, a label or the place where the value is stored.
fn is_message(candidate: &SecretCandidate<'_>) -> bool {
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

fn password(candidate: &SecretCandidate<'_>) -> bool {
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
    // `password: Foo` may be a type annotation, `password: hunter` is YAML; prose continues after the word.
    let colon = candidate.before().trim_end().ends_with(':');
    let behind = candidate.near_after().trim_start();
    let annotation = value.starts_with(|c: char| c.is_ascii_uppercase())
        || behind.starts_with(char::is_alphanumeric)
        || behind.starts_with(['=', '|', '[']);
    let short_number = value.len() < 4 && value.bytes().all(|byte| byte.is_ascii_digit());
    !(letters && colon && annotation || short_number)
}

/// `pass` and `pw` also occur in tests and with other meanings in other programs.
fn short_password(candidate: &SecretCandidate<'_>) -> bool {
    let value = candidate.value();
    password(candidate)
        && human_password(value)
        && (quoted(candidate) || value.bytes().any(|byte| byte.is_ascii_digit()))
}

fn key(candidate: &SecretCandidate<'_>) -> bool {
    let value = candidate.value();
    // The name of a secret in a secret manager.
    let in_arn = candidate.near_before(MAX_AROUND).contains("arn:");
    if is_reference(value)
        || in_arn
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
        || human_password(value) && value.matches(['-', '!', '#', '+', '*', '~']).count() >= 2
        || human_password(value)
            && value.bytes().filter(u8::is_ascii_digit).count() >= 2
            && value.bytes().any(|byte| byte.is_ascii_uppercase() || b"!#$%&*+?@^~".contains(&byte))
            && tells_secret_itself(candidate.told())
        || !looks_like_identifier(value)
            && value.bytes().any(|byte| byte.is_ascii_digit())
            && value.bytes().any(|byte| byte.is_ascii_alphabetic())
            && !value.contains(['/', '.', ':'])
}

/// Accepts `CLIENT_SECRET=`, not `secret_id=`.
fn tells_secret_itself(told: &str) -> bool {
    told.trim_end_matches(|c: char| !c.is_ascii_alphanumeric()).to_ascii_lowercase().ends_with("secret")
}

/// `token` is also a word of parsers and pagers: only values that look random count, and never a digest under its own
/// name.
fn token(candidate: &SecretCandidate<'_>) -> bool {
    let name = name_before(candidate).to_ascii_lowercase();
    let value = candidate.value();
    !value.starts_with("arn:")
        && !OF_OTHER_TOKENS.iter().any(|word| name.ends_with(&format!("{word}_")) || name.ends_with(word))
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

fn flag(candidate: &SecretCandidate<'_>) -> bool {
    let value = candidate.value();
    let plain = looks_like_identifier(value) && !value.bytes().any(|byte| byte.is_ascii_digit());
    !is_reference(value)
        && !own_name(value)
        && !value.contains('(')
        && (!value.contains('/')
            || value.len() >= 24 && looks_random(value) && !value.starts_with(['/', '.', '~', '@']))
        && !value.contains("://")
        && !value.ends_with(')')
        && (!plain || candidate.before().ends_with('='))
        && value.len() >= 4
}

fn header_value(candidate: &SecretCandidate<'_>) -> bool {
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

fn cookie(candidate: &SecretCandidate<'_>) -> bool {
    let value = candidate.value();
    !is_reference(value)
        && !value.contains('(')
        && !value.contains(" = ")
        && value.len() >= 6
        && value.bytes().any(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
        && !value.split(';').all(is_preference)
}

/// A cookie that holds a page's display settings, or what its reader agreed to.
fn is_preference(pair: &str) -> bool {
    const PREFERENCES: [&str; 10] =
        ["consent", "theme", "lang", "locale", "currency", "timezone", "country", "region", "banner", "tz"];
    pair.split_once('=').is_some_and(|(name, value)| {
        let name = name.trim().to_ascii_lowercase();
        PREFERENCES
            .iter()
            .any(|word| name == *word || name.len() > 4 && name.contains(word) && word.len() > 2)
            && value.len() <= 40
    })
}

/// A cell beside the one with the name: manuals describe passwords in tables, too.
fn table(candidate: &SecretCandidate<'_>) -> bool {
    let value = candidate.value();
    let is_name = looks_like_identifier(value)
        && value.bytes().all(|byte| byte.is_ascii_lowercase() || b"_0123456789".contains(&byte));
    let is_version = value.starts_with('v') && value.as_bytes().get(1).is_some_and(u8::is_ascii_digit);
    !candidate.near().contains("{{")
        && human_password(value)
        && !is_name
        && !is_version
        && !value.contains(['(', '/', ':'])
}

/// A number that ends there: not a time, a version or a part of a longer number.
fn one_time(candidate: &SecretCandidate<'_>) -> bool {
    let mut after = candidate.after().chars();
    match after.next() {
        Some('.' | ':') => after.next().is_none_or(|next| !next.is_ascii_digit()),
        Some('/' | '-' | '%') => false,
        _ => true,
    }
}

/// Sentences can look like a line of `.netrc`, but more words follow.
fn netrc(candidate: &SecretCandidate<'_>) -> bool {
    let value = candidate.value();
    !is_reference(value)
        && (value.bytes().any(|byte| !byte.is_ascii_alphabetic())
            || candidate.near_after().trim_start().is_empty())
}

/// `AUTH` is also a command of mail servers, followed by the name of a mechanism.
fn redis_auth(candidate: &SecretCandidate<'_>) -> bool {
    let value = candidate.value();
    let mechanisms =
        ["CRAM-", "DIGEST-", "SCRAM-", "XOAUTH", "OAUTHBEARER", "PLAIN", "LOGIN", "NTLM", "GSSAPI"];
    let prompted =
        candidate.told().contains("> AUTH") || candidate.near_before(MAX_AROUND).contains("> AUTH");
    !is_reference(value)
        && (prompted || value.bytes().any(|byte| byte.is_ascii_digit()))
        && value.bytes().any(|byte| byte.is_ascii_alphabetic())
        && !value.contains(':')
        && !mechanisms.iter().any(|name| value.to_ascii_uppercase().starts_with(name))
}

fn prose(candidate: &SecretCandidate<'_>) -> bool {
    let value = candidate.value();
    let digits = value.bytes().any(|byte| byte.is_ascii_digit());
    let symbols = value.bytes().any(|byte| b"!#$%&*+?@^~".contains(&byte));
    (digits || symbols)
        && !value.contains(['_', '.', '-'])
        && !is_reference(value)
        && !value.contains(['(', ')', '/', ':'])
}
