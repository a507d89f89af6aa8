/*!
Secrets that a text states: in a sentence ("the password is …", in several languages), as an option or an argument of
a program that is known to take one, and in links that grant access.
*/

use super::checks::{
    human_password, is_reference, is_setting, looks_like_identifier, looks_random, names_algorithm,
};
use super::names::password_words;
use super::rule::{MaskingRule, SecretCandidate};

/// A pattern of one of the words, the text between it and the value, and the value.
macro_rules! word_and_value {
    ([$first:literal $(, $word:literal)*] [$($begins:literal),*] [$($cased:literal),*] $between:literal) => {
        concat!(
            "(?:(?i:", $first $(, "|", $word)* $(, r"|\b", $begins)*, ")", $("|", $cased,)* ")",
            "(?i)", $between, r#"(?:\*{1,2}|_)?\s{0,3}["'`\x{300c}\x{300e}]{0,2}\s?(?P<word>(?-u:[^\s"'`]{5,128}))"#
        )
    };
}

macro_rules! sentence {
    ($between:literal) => {
        password_words!(word_and_value $between)
    };
}

/// The words as keywords.
macro_rules! words {
    ([$($word:literal),*] [$($begins:literal),*] [$($cased:literal),*]) => {
        &[$($word,)* $($begins,)* $($cased),*]
    };
}

/// The words with only a space before the value.
macro_rules! words_and_space {
    ([$($word:literal),*] [$($begins:literal),*] [$($cased:literal),*]) => {
        words_and_space!($($word)* $($begins)* $($cased)*)
    };
    ($($word:literal)*) => {
        &[$(concat!($word, " "), concat!($word, "'s "), concat!($word, "\u{2019}s "), concat!($word, ", ")),*]
    };
}

/// The words with a value in quotes, or after a word in bold.
macro_rules! words_and_quote {
    ([$($word:literal),*] [$($begins:literal),*] [$($cased:literal),*]) => {
        words_and_quote!($($word)* $($begins)* $($cased)*)
    };
    ($($word:literal)*) => {
        &[$(concat!($word, " \""), concat!($word, " '"), concat!($word, " `"), concat!($word, "** ")),*]
    };
}

macro_rules! word_and_quoted {
    ([$first:literal $(, $word:literal)*] [$($begins:literal),*] [$($cased:literal),*]) => {
        concat!(
            "(?:(?i:", $first $(, "|", $word)* $(, r"|\b", $begins)*, ")", $("|", $cased,)* ")",
            r#"(?:\*\*)? `?["'`]((?-u:[^\r\n"'`]{4,128}))["'`]"#
        )
    };
}

#[rustfmt::skip]
pub(crate) const RULES: &[MaskingRule] = &[
    MaskingRule { kind: "PASSWORD", keywords: password_words!(words),
        pattern: sentence!(r"(?:'s|s|n|et|t|\*{1,2}|_)?(?:\s(?-u:[^\n:=.;!?]{0,60}?))?(?:['\x{2019}]s|\s(?:is|was|ist|war|lautet|lautete|est|es|era|\x{e9}|\x{e8}|sar\x{e0}|jest|je|\x{e4}r|\x{43d}\x{430}|on|er|now|to|jetzt)\s?:?|\s?(?:-{0,2}[=>]|[:=]|\.{3,40}:?|\x{2013}|\x{2014}|\x{ff1a}|\x{662f}|\x{4e3a}|\x{70ba}|\x{306f}|\x{b294}|\x{c740}))"),
        check: told_password },
    // With only a space between: the value must not be a plausible word.
    MaskingRule { kind: "PASSWORD", keywords: password_words!(words_and_space), pattern: sentence!(r"(?:(?:['\x{2019}]s)? {1,40}|, | \(| (?:\x{43e}\x{442}|\x{434}\x{43b}\x{44f}|\x{43a}|zum|zur|vom|f\x{fc}rs?|de|du|del|della|da|do|voor|van|til|f\x{f6}r) (?-u:[^\s:=]{1,40}) )"), check: bare_password },
    MaskingRule { kind: "PASSWORD", keywords: &["password", "passwort", "pw"],
        pattern: r#"(?i)(?:["'`]|\b(?:use|try|enter|type|with)\s)(?P<word>(?-u:[^\s"'`]{6,128}))["'`]?\s(?:as|als|for|is)\s(?:(?:his|her|their|my|your|the|the new|a|sein|ihr|mein|das)\s)?(?:new\s)?(?:password|passwort|pw)\b"#,
        check: |candidate| match candidate.before().ends_with(['"', '\'', '`']) {
            true => told_password(candidate),
            false => told_password(candidate) && !super::spoken::is_name(trimmed(candidate.value())) && super::spoken::is_made_up(trimmed(candidate.value())),
        } },
    MaskingRule { kind: "PASSWORD", keywords: password_words!(words_and_quote), pattern: password_words!(word_and_quoted),
        check: |candidate| told_password(candidate) && !candidate.value().contains(' ') },
    MaskingRule { kind: "PASSWORD", keywords: &["securestring"],
        pattern: r#"(?i)convertto-securestring\s(?:-(?-u:\w{1,20})\s){0,3}`?["'`]((?-u:[^\r\n"'`]{4,128}))["'`]"#,
        check: |candidate| human_password(candidate.value()) },
    MaskingRule { kind: "PASSWORD", keywords: &["login", "log in", "user", "zugang", "account", "creds", "credentials", "identifiants"],
        pattern: r#"(?i)\b(?:login|log in|user|username|account|creds|credentials|zugang(?:sdaten)?|identifiants)\b(?:\sfor\s(?-u:[^\n:]{1,80})|\s(?:with|as|are|is|sind|mit))?:?\s(?-u:[\w.@-]{2,60})\s{1,2}/\s{1,2}(?P<word>(?-u:[^\s"'`/]{6,64}))"#,
        check: |candidate| is_odd_word(trimmed(candidate.value())) },
    MaskingRule { kind: "PASSWORD", keywords: &["admin:", "root:", "administrator:"],
        pattern: r#"(?i)(?:^|[\s"'`(])(?:admin|root|administrator):(?P<word>(?-u:[^\s"'`:/]{6,64}))"#,
        check: |candidate| is_odd_word(trimmed(candidate.value())) },
    // Credentials without a scheme: `deploy:…@host`, but not an image with its digest.
    MaskingRule { kind: "PASSWORD", keywords: &["@"],
        pattern: r#"(?:^|[\s"'=])[A-Za-z](?-u:[\w.-]{1,40}):((?-u:[^\s"'`@:/]{6,128}))@[A-Za-z]"#,
        check: |candidate| (is_odd_word(candidate.value()) || looks_random(candidate.value()))
            && !candidate.after().starts_with("@sha") && !candidate.told().trim_start_matches([' ', '"', '\'', '=']).starts_with("mailto") },
    MaskingRule { kind: "PASSWORD", keywords: &["wifi", "wi-fi", "wlan", "wpa", "vpn"],
        pattern: r#"(?i)\b(?:wi-?fi|wlan|wpa[23]?|vpn)[ -](?:key|pass|code|secret|schl\x{fc}ssel|cl\x{e9}|clave)\b\s?(?:is|ist|est|[:=])?\s{1,3}["'`]?(?P<word>(?-u:[^\s"'`]{6,128}))"#,
        check: |candidate| human_password(trimmed(candidate.value())) || is_long_number(trimmed(candidate.value())) },
    // Keys and tokens in a sentence.
    MaskingRule { kind: "API_KEY", keywords: &["key ", "key:", "token ", "token:", "secret ", "secret:", "schl\u{fc}ssel", "cl\u{e9}", "clave", "chiave", "\u{5bc6}\u{94a5}", "\u{43a}\u{43b}\u{44e}\u{447}"],
        pattern: r#"(?:(?i:\bkey|\btoken|\bsecret)[ :]|(?i:chiave|\bclave)|[Ss]chl\x{fc}ssel|\b[Cc]l\x{e9}|\x{5bc6}\x{94a5}|\x{43a}\x{43b}\x{44e}\x{447})(?-u:[^\n:=.;!?"'{(]{0,40}?)(?i:\s(?:is|was|ist|lautet|est|es|\x{e8}|\x{e9}|now)\s?:?|\s?(?:-{0,2}>|:|\x{ff1a}|\x{662f}|\x{4e3a})|) {0,3}["'`]?(?P<word>(?-u:[^\s"'`]{20,512}))"#,
        check: told_key },
    MaskingRule { kind: "PASSWORD", keywords: &["secret word", "shared secret", "secret phrase", "safe word"],
        pattern: r#"(?i)\b(?:secret word|shared secret|secret phrase|safe word)\b\s?(?:is|was|ist|[:=])?\s{1,3}["'`]?(?P<word>(?-u:[^\s"'`]{6,128}))"#,
        check: |candidate| human_password(trimmed(candidate.value())) && told_password(candidate) },
    MaskingRule { kind: "TOTP_SECRET", keywords: &["totp", "2fa", "mfa", "authenticator", "two-factor", "setup key"],
        pattern: r#"(?i)\b(?:totp|2fa|mfa|authenticator|two-factor|setup key)\b[^\n]{0,40}?[\s"'`:=]((?-i:[A-Z2-7]{4}(?:[ -]?[A-Z2-7]{4}){3,15}))\b"#,
        check: |candidate| candidate.value().bytes().any(|byte| byte.is_ascii_digit()) },
    MaskingRule { kind: "PASSWORD", keywords: &["enter pass"],
        pattern: r"(?i)\benter pass(?:phrase|word)(?: for)?[^\n:]{0,160}:\s((?-u:[^\r\n]{6,200}))$",
        check: |candidate| !is_reference(candidate.value()) && (human_password(candidate.value()) || super::checks::is_phrase(&candidate.value().replace(" at ", " "))) },
    MaskingRule { kind: "SEED_PHRASE", keywords: &["seed", "mnemonic", "recovery", "wallet"],
        pattern: r#"(?i)(?:seed|mnemonic|recovery|wallet)(?:\s(?:phrase|words|backup))?[^\n:=]{0,40}[:=]\s?["']?((?:[a-z]{3,8}\s){11,23}[a-z]{3,8})\b"#, check: |_| true },

    MaskingRule { kind: "PASSWORD", keywords: &["passw"],
        pattern: r"(?i)\b(?:changed|set|reset|updated)\s(?:it\s|this\s)?(?:back\s)?to\s(?P<word>(?-u:[^\s]{6,64}))[^\n]{0,80}passw", check: told_password },
    MaskingRule { kind: "CODE", keywords: &["is your", "code=", "code:", "code\"", "code'", "recovery code", "backup code", "puk"],
        pattern: r#"(?i)(?:\b([0-9]{3}[ -]?[0-9]{3}|[0-9]{4,8}) is your\b[^\n]{0,60}\b(?:code|pin|otp|passcode)\b|\b(?:otp|mfa|2fa|totp|sms)\b[^\n]{0,60}\bcode["']?[=:]\s?["']?([0-9]{4,8})\b|\b(?:recovery|backup) codes?\b[^\n:]{0,20}:\s{1,4}((?:[a-z0-9]{4,6}[ -][a-z0-9]{4,6}[\s,;]{0,3}){1,20})|\bpuk\d?\s?[:=]?\s([0-9]{8})\b)"#,
        check: |candidate| candidate.value().bytes().any(|byte| byte.is_ascii_digit()) },
    MaskingRule { kind: "PASSWORD", keywords: &["snmp"],
        pattern: r#"\s-[AX]\s["']?(?P<word>[^\s"'-](?-u:[^\s"']{5,64}))"#, check: |candidate| candidate.near().contains("snmp") && argument(candidate) },
    MaskingRule { kind: "PASSWORD", keywords: &["setx "],
        pattern: r#"(?i)\bsetx (?:/m\s)?(?-u:\w{0,40})(?:token|secret|password|passwd|pass|key)(?-u:\w{0,10})\s["']?(?P<word>(?-u:[^\s"']{4,512}))"#, check: argument },
    MaskingRule { kind: "PASSWORD", keywords: &["credential", "auth(", "authentication("],
        pattern: r#"(?:NetworkCredential|UsernamePasswordCredentials?|PasswordAuthentication|PSCredential|HTTP(?:Basic|Digest|Proxy)Auth|[bB]asic_?[aA]uth|setAuth)\(\s{0,4}["'][^"'\n]{1,80}["']\s{0,2},\s{0,4}["']((?-u:[^"'\r\n]{3,128}))["']"#, check: |candidate| !is_reference(candidate.value()) },
    // `login("bob", "…")`, `auth=("bob", "…")`, `getConnection(url, "sa", "…")`
    MaskingRule { kind: "PASSWORD", keywords: &["login(", "signin(", "sign_in(", "auth(", "auth=(", "authenticate(", "credentials("],
        pattern: r#"(?i)(?:login|sign_?in|auth=?|authenticate|credentials)\(\s{0,4}["'][^"'\n]{1,80}["']\s{0,2},\s{0,4}["']((?-u:[^"'\r\n]{8,128}))["']"#, check: |candidate| human_password(candidate.value()) },
    MaskingRule { kind: "PASSWORD", keywords: &["connection("],
        pattern: r#"(?i)connection\([^"'()\n]{1,80},\s{0,4}["'][^"'\n]{1,80}["']\s{0,2},\s{0,4}["']((?-u:[^"'\r\n]{6,128}))["']"#, check: |candidate| human_password(candidate.value()) },
    MaskingRule { kind: "PASSWORD", keywords: &["password("],
        pattern: r#"(?i)\b(?:old_)?password\(\s{0,2}["']((?-u:[^"'\r\n]{6,128}))["']\s{0,2}\)"#, check: |candidate| human_password(candidate.value()) },
    MaskingRule { kind: "PASSWORD", keywords: &["pragma", "attach"],
        pattern: r#"(?i)\b(?:pragma|attach)\b[^\n]{0,80}?\bkey\s{0,3}=?\s{0,3}["']((?-u:[^"'\r\n]{6,128}))["']"#, check: |candidate| human_password(candidate.value()) },
    MaskingRule { kind: "PASSWORD", keywords: &[" on >"] , pattern: r"(?i)\b(?:set)?user\s\S{1,64} on >(?P<word>(?-u:[^\s]{4,128}))", check: argument },
    MaskingRule { kind: "PASSWORD", keywords: &[" login ", "ftp> user"],
        pattern: r#"(?:(?:^|[\s:>])[A-Za-z]{0,4}[0-9]{1,6} LOGIN |^ftp> user )["']?(?-u:[^\s"']{1,128})["']?\s["']?(?P<word>(?-u:[^\s"']{4,128}))["']?\s{0,2}$"#, check: argument },
    // `config set db.password …`, `ENV ADMIN_PASSWORD …`: a name and its value as arguments.
    MaskingRule { kind: "PASSWORD", keywords: &["password ", "passwd ", "passphrase ", "secret ", "token ", "pass ", "apikey ", "api_key ", "api-key ", "accesskey ", "access_key ", "access-key "],
        pattern: r#"(?i)(?:^|[\s:])(?:env|set|setenv|config|create) (?-u:[^\n|;=]{0,80}?)(?:password|passwd|passphrase|secret|token|pass|api[_-]?key|access[_-]?key) {1,4}(?:--?[a-z]{1,12}[ =])?["']?(?P<word>(?-u:[^\s"']{6,512}))["']?(?:\s--?[a-z-]{1,20})?\s{0,2}$"#,
        check: |candidate| argument(candidate) && (is_odd_word(candidate.value()) || looks_random(candidate.value()) || human_password(candidate.value()) && sets_a_variable(candidate.line)) },
    MaskingRule { kind: "PASSWORD", keywords: &["securestring"],
        pattern: r#"(?i)securestring\b[^\n]{0,200}?\s--?value[ =]["']?(?P<word>(?-u:[^\s"']{4,512}))"#, check: argument },
    // A name and a password as one argument.
    MaskingRule { kind: "PASSWORD", keywords: &["-u ", "-a ", "--user", "--auth", "--creds"],
        pattern: r#"\s(?:-u |-a |--user[ =]|--auth[ =]|--creds[ =])["']?(?-u:[\w.@-]{1,64}):(?P<word>(?-u:[^\s"'|/:]{5,256}))"#, check: |candidate| argument(candidate) && human_password(candidate.value()) },
    // `-u bob -p …` of any program.
    MaskingRule { kind: "PASSWORD", keywords: &["-u ", "--username ", "--user "],
        pattern: r#"\s(?:-u|--user(?:name)?) (?-u:\S{1,80})\s(?:(?-u:\S{1,80})\s){0,3}?-p\s?["']?(?P<word>(?-u:[^\s"'|-][^\s"'|]{4,128}))"#, check: |candidate| argument(candidate) && human_password(candidate.value()) },
    MaskingRule { kind: "PASSWORD", keywords: &["connect ", " using "],
        pattern: r#"(?i)(?:\bconnect (?-u:[^\s/@:]{1,64})/|\buser\s(?-u:\S{1,64}) using )["']?(?P<word>(?-u:[^\s"'/@;]{5,128}))"#,
        check: |candidate| argument(candidate) && human_password(candidate.value())
            && (candidate.before().ends_with(' ') || candidate.after().starts_with('@') || candidate.near_after().trim_start().to_ascii_lowercase().starts_with("as sys")) },
    MaskingRule { kind: "PASSWORD", keywords: &["identified"],
        pattern: r#"(?i)\bidentified\s+by\s+(?P<word>[^\s"'`;](?-u:[^\s"'`;]{4,128}))"#, check: |candidate| argument(candidate) && human_password(candidate.value()) },
    MaskingRule { kind: "PASSWORD", keywords: &["sp_add"],
        pattern: r#"(?i)\bsp_add\w{0,12}login\b[^\n]{1,160},\s{0,4}N?'((?-u:[^'\n]{4,128}))'"#, check: |candidate| human_password(candidate.value()) },
    MaskingRule { kind: "PASSWORD", keywords: &["reg_sz"],
        pattern: r#"(?i)password["']?\s{1,8}(?:/t\s)?REG_SZ\s{1,8}(?:/d\s)?["']?(?P<word>(?-u:[^\s"']{4,128}))"#, check: |candidate| !is_reference(candidate.value()) },
    // An Erlang term.
    MaskingRule { kind: "PASSWORD", keywords: &["password,", "passwd,", "secret,", "token,"],
        pattern: r#"\{(?:[a-z]{1,20}_)?(?:password|passwd|secret|token),\s?(?:<<)?"((?-u:[^"\n]{4,256}))""#, check: |candidate| human_password(candidate.value()) || looks_random(candidate.value()) },
    MaskingRule { kind: "PASSWORD", keywords: &["passw"],
        pattern: r#"(?i)passw(?:or[dt]|d)s?\s(?:from|von)\s["'`]?(?P<word>(?-u:[^\s"'`]{6,64}))["'`]?\s(?:to|auf)\s"#, check: told_password },
    MaskingRule { kind: "CODE", keywords: &["passcode", "pass code", "codice", "weryfikac", "\u{43a}\u{43e}\u{434}", "\u{41a}\u{43e}\u{434}", "\u{9a8c}\u{8bc1}\u{7801}", "\u{9a57}\u{8b49}\u{78bc}", "\u{30b3}\u{30fc}\u{30c9}", "\u{c778}\u{c99d}\u{bc88}\u{d638}", "expires", "valid for"],
        pattern: r#"(?:(?i:\bpass ?code|(?:tuo|suo) codice|codice (?:di verifica|otp)|kod weryfikacyjny)|[\x{43a}\x{41a}]\x{43e}\x{434}\s\x{43f}\x{43e}\x{434}\x{442}\x{432}\x{435}\x{440}\x{436}\x{434}\x{435}\x{43d}\x{438}\x{44f}|\x{9a8c}\x{8bc1}\x{7801}|\x{9a57}\x{8b49}\x{78bc}|\x{8a8d}\x{8a3c}\x{30b3}\x{30fc}\x{30c9}|\x{c778}\x{c99d}\x{bc88}\x{d638})(?:\sfor\s[^\n:0-9]{1,40})?(?:\s(?:is|\x{e8}|to))?\s{0,2}(?:[:=]|\x{ff1a}|\x{662f}|\x{306f}|\x{b294})?\s{0,2}([0-9]{4,8}|[0-9]{3}[ -][0-9]{3})\b|\b(?i:code)\s([0-9]{4,8})\s(?:expires|is valid for)\b"#, check: |_| true },
    MaskingRule { kind: "RECOVERY_KEY", keywords: &["bitlocker", "recovery key"],
        pattern: r"\b([0-9]{6}(?:-[0-9]{6}){7})\b", check: |_| true },
    MaskingRule { kind: "PASSWORD", keywords: &["net user", "net.exe user"],
        pattern: r#"(?i)\bnet(?:\.exe)? user\s(?-u:\S{1,64})\s["']?(?P<word>(?-u:[^\s"'/][^\s"']{3,128}))"#, check: argument },
    MaskingRule { kind: "PASSWORD", keywords: &["-passphrase", "-password"],
        pattern: r#"(?i)--?pass(?:phrase|word)[= ](?:"([^"\n]{4,200})"|'([^'\n]{4,200})')"#, check: |candidate| super::checks::is_phrase(candidate.value()) || human_password(candidate.value()) },

    // Commands of network protocols.
    MaskingRule { kind: "PASSWORD", keywords: &["pass "],
        pattern: r"^(?:[A-Z]{1,4}[:>]\s|[>*-]{1,4}\s){0,2}PASS (?P<word>(?-u:[^\s]{4,128}))$", check: |candidate| !is_reference(candidate.value()) && candidate.value().bytes().any(|byte| !byte.is_ascii_uppercase()) },
    MaskingRule { kind: "PASSWORD", keywords: &["auth plain", "auth login", "auth xoauth2"],
        pattern: r"\bAUTH (?:PLAIN|LOGIN|XOAUTH2)\s([A-Za-z0-9+/]{8,4096}={0,2})(?:\s|$)", check: |candidate| candidate.value().bytes().any(|byte| byte.is_ascii_lowercase()) },
    MaskingRule { kind: "PASSWORD", keywords: &["identify "], pattern: r"(?i)\bnickserv\s(?::)?identify (?:\S{1,40}\s)?(?P<word>(?-u:[^\s]{5,64}))", check: argument },
    MaskingRule { kind: "PASSWORD", keywords: &["assword"],
        pattern: r#"(?i)\bexpect\s[^\n]{0,40}assword[^\n]{0,200}?\bsend\s(?:--\s)?["']((?-u:[^"'\\]{4,128}))"#, check: argument },
    MaskingRule { kind: "COOKIE", keywords: &["\ttrue\t", "\tfalse\t"],
        pattern: r"^\S{1,253}\t(?:TRUE|FALSE)\t\S{1,200}\t(?:TRUE|FALSE)\t[0-9]{1,20}\t(?-u:[^\t\n]{1,128})\t(\S{12,4096})$", check: |candidate| looks_random(candidate.value()) },

    // Options and arguments of programs.
    MaskingRule { kind: "PASSWORD",
        keywords: &["sqlcmd", "ldap", "dsconf", "dsadm", "dsctl", "snowsql", "twine", "ncftp", "useradd", "rar ", "kinit", "redis-cli", "zip ", "7z", "openssl", "ipmitool", "plink", "pscp", "psftp", "osql", "bcp", "mongo", "xfreerdp", "rdesktop", "snmp", "lftp", "docker login", "podman login", "registry login", "cqlsh", "isql", "mosquitto"],
        pattern: r#"(?i)\b(?:(?:sqlcmd|osql|bcp|ipmitool|mosquitto_\w{3})(?-u:[^\n|]{0,200}?)\s(?-i:-P)\s?|(?:un)?zip (?:(?-u:[^\n|]{0,200}?)\s)?(?-i:-P)\s?|(?:ldap\w{2,8}|kinit|dsconf|dsadm|dsctl)\b(?-u:[^\n|]{0,300}?)\s-w\s?|redis-cli\b(?-u:[^\n|]{0,200}?)\s(?:-a|--pass)[\s=]|(?:7z\w?\s|(?:un)?rar )(?:(?-u:[^\n|]{0,200}?)\s)?-p|(?:snowsql|twine|ncftp\w{0,4}|useradd)\b(?-u:[^\n|]{0,200}?)\s-p\s|openssl\b(?-u:[^\n|]{0,300}?)\s(?:-k|-K)\s|(?:plink|pscp|psftp)\b(?-u:[^\n|]{0,200}?)\s-pw\s|(?:xfreerdp|rdesktop)\b(?-u:[^\n|]{0,200}?)\s(?:/p:|-p\s)|(?:mongo\w*|cqlsh|isql|(?:docker|podman|registry) login)\b(?-u:[^\n|]{0,200}?)\s-p\s?|snmp\w{2,12}\b(?-u:[^\n|]{0,200}?)\s(?-i:-c)\s|lftp\b(?-u:[^\n|]{0,100}?)\s-u\s(?-u:[^\s,]{1,64}),)["']?(?P<word>[^\s"'|-](?-u:[^\s"'|]{3,128}))"#,
        check: argument },
    MaskingRule { kind: "PASSWORD", keywords: &["pass:", "storepass", "keypass"],
        pattern: r#"(?i)(?:\s-pass(?:in|out)?\s["']?pass:|(?:^|\s)--?(?:[a-z]{1,12}-)?(?:src|dest|new)?(?:store|key)pass(?:wd)?[\s=:]["']?|\s/pass:)(?P<word>(?-u:[^\s"'|]{4,128}))"#,
        check: argument },
    MaskingRule { kind: "PASSWORD", keywords: &["schtasks", "password= ", "s/__", "s|__", "s#__", "s/@@", "s|@@", "s#@@", "s/%%", "s|%%", "s#%%", "s/{{", "s|{{", "s#{{", "pdo(", "pdo->", "mysqli"],
        pattern: r#"(?i)(?:\bschtasks\b(?-u:[^\n]{0,300}?)\s/rp\s|\bsc(?:\.exe)?\s(?:config|create)\b(?-u:[^\n]{0,300}?)password= |\bs[/|#](?:__|@@|%%|\{\{\s?)\w{0,40}(?:PASSWORD|PASSWD|SECRET|TOKEN|PASS)\w{0,20}(?:__|@@|%%|\s?\}\})[/|#]|(?:PDO|mysqli)(?:->__construct)?\((?-u:'[^']{0,120}',\s'[^']{0,80}',\s'))["']?(?P<word>(?-u:[^\s"'/|]{4,128}))"#,
        check: |candidate| !is_reference(candidate.value()) && !candidate.value().ends_with("...") },
    MaskingRule { kind: "PASSWORD", keywords: &["net use", "net  use", "net.exe use", "net.exe  use"],
        pattern: r#"(?i)\bnet(?:\.exe)? {1,2}use\b(?-u:[^\n]{0,160}?)(?:/user:(?-u:\S{1,80})\s|\\\\(?-u:\S{1,120})\s)["']?(?P<word>(?-u:[^\s"'/][^\s"']{3,128}))"#,
        check: argument },
    MaskingRule { kind: "PASSWORD", keywords: &["sqlplus", "sqlldr", "impdp", "expdp", "rman target", "jdbc:oracle", "smbclient", "winexe", "rpcclient", "htpasswd", "add_user", "change_password"],
        pattern: r#"(?i)(?:\b(?:sqlplus|sqlldr|impdp|expdp|rman target)\s+(?:-\w\s+)?(?-u:[^\s/@]{1,64})/|jdbc:oracle:\w+:(?-u:[^\s/@:]{1,64})/|\b(?:smbclient|winexe|rpcclient)\b(?-u:[^\n|]{0,200}?)\s-U\s?["']?(?-u:[^\s%"']{1,80})%|\bhtpasswd\s+-\w*b\w*\s(?-u:\S{1,120})\s(?-u:\S{1,64})\s|\b(?:add_user|change_password)\s+(?-u:\S{1,64})\s+)["']?(?P<word>(?-u:[^\s"'|@]{4,128}))"#,
        check: argument },
    MaskingRule { kind: "PASSWORD", keywords: &["chpasswd", "passwd", "--password-stdin", "--stdin", "sudo -s", "--with-token", "kinit", "cryptsetup"],
        pattern: r#"(?i)\b(?:echo|printf)\s+(?:-[en]{1,2}\s)?["']?(?-u:[\w.-]{1,64}:)?["']?(?P<word>(?-u:[^\s"'|@]{4,128}))"#,
        check: |candidate| argument(candidate) && piped(candidate) },

    // Links that grant access.
    MaskingRule { kind: "URL_TOKEN", keywords: &["/reset", "/password", "/verify", "/confirm", "/invit", "/magic", "/login", "/activat", "/unsubscribe", "/signup", "/accept", "/one-time", "/private", "/integration"],
        pattern: r"(?i)/(?:reset(?:[_-]?password)?|password[_-]?reset|verify(?:[_-]?email)?|confirm(?:ation)?|invites?|invitations?|magic(?:[_-]?(?:link|login))?|login|activate|activation|unsubscribe|signup|accept|one-time|private|integration)[/-]([A-Za-z0-9_.~-]{20,})",
        check: |candidate| looks_random(candidate.value()) && !is_file(candidate.value()) },
    MaskingRule { kind: "URL_TOKEN", keywords: &["code=", "state=", "?t=", "&t=", "?k=", "&k=", "?key=", "&key=", "?hash=", "&hash=", "otp=", "ticket=", "sid=", "assertion=", "nonce=", "verifier=", "invite=", "auth=", "samlre", "sig=", "signature=", "credential="],
        // Not `id`, which only identifies the target and grants no access.
        pattern: r#"(?i)(?:[?&](?:t|k|key|hash)|[?&\s;"'](?:code|state|otp|ticket|sid|assertion|nonce|code_verifier|invite|auth|sig|signature|credential|samlresponse|samlrequest))=((?-u:[^\s&"'<>#;]{16,16384}))"#,
        check: |candidate| looks_random(candidate.value()) && !is_digest_name(candidate) && !candidate.value().contains("://") },
    MaskingRule { kind: "TOKEN", keywords: KEYS_OF_A_CLUSTER,
        pattern: r"(?i)\b(?:unseal|recovery|setup|master|root|join|deploy|bootstrap)[ -](?:key|token)(?: [0-9]{1,2})?\s?[:=]\s{0,4}([A-Za-z0-9+/=_.-]{12,})",
        check: |candidate| looks_random(candidate.value()) },
    // A configuration line with the bare name `key`: the value must be long, have letters of both cases and digits,
    // and not be a digest.
    MaskingRule { kind: "API_KEY", keywords: &["key", "encrypt"],
        pattern: r#"(?i)^\s{0,16}["']?(?:key|encrypt|key content|security key|passkey)["']?\s{0,40}[:=]\s{0,4}["']?(?P<word>(?-u:[^\s"',;]{8,512}))["']?,?$"#,
        check: |candidate| lone_key(candidate.value()) },
    MaskingRule { kind: "PASSWORD", keywords: &["key content"],
        pattern: r"(?i)^\s{0,16}key content\s{0,20}:\s((?-u:[^\r\n]{8,63}))$", check: |candidate| !is_reference(candidate.value()) },
    MaskingRule { kind: "LICENSE_KEY", keywords: &["licen", "activation", "serial", "product key", "product_key", "product-key", "productkey", "product code", "product_code", "product-code", "productcode"],
        pattern: r"(?i)\b(?:(?:licen[cs]e|activation|serial)[ _-]?(?:key|number|code)?|product[ _-]?(?:key|code))\s?[:=]\s{0,4}([A-Z0-9]{4,8}(?:-[A-Z0-9]{4,8}){3,7})\b",
        check: |candidate| candidate.value().bytes().any(|byte| byte.is_ascii_digit()) },

    // Network devices and shared keys.
    MaskingRule { kind: "PASSWORD", keywords: &["community", "psk", "key ", "secret", "password", "passwd", "passphrase", "key-string", "pre-shared", "preshared", "tacacs", "radius"],
        pattern: r#"(?i)(?:\bsnmp-server\s+community|\brocommunity6?|\brwcommunity6?|:\s*psk|^\s{1,4}key(?: [0-9])?|\bset\s(?:password|passwd|passphrase|psksecret|secret)\sENC|\bsecret|\bpre-?shared-key(?:\s(?:ascii-text|local|remote|hex))?|\bwpa-psk(?:\sascii)?(?:\s[07])?|\b(?:enable|username\s\S{1,64}(?:\sprivilege\s\d{1,2})?|neighbor\s\S{1,64})\s(?:secret|password)(?:\s[0-9]{1,2})?|\b(?:tacacs|radius)-server\s(?:host\s\S{1,64}\s(?:[^\n]{0,60}?\s)?)?key(?:\s[0-9]{1,2})?|\bisakmp key(?: [0-9])?|\b(?:secret|password|key-string)\s[0-9]{1,2}|\bkey [0-9]{1,2}) ["']?(?P<word>[^\s"'=:](?-u:[^\s"']{4,128}))"#,
        check: |candidate| (human_password(candidate.value()) || candidate.value().starts_with("$") || looks_random(candidate.value()))
            && !is_object_name(candidate) },
    MaskingRule { kind: "PASSWORD", keywords: &["digest-key", "authentication-key", "auth md5", "auth sha", "priv aes", "priv des", "priv 3des"],
        pattern: r#"(?i)(?:(?:digest|authentication)-key\s\d{1,5}\s(?:md5|sha\w{0,8})\s(?:\d\s)?|\bauth (?:md5|sha)\w{0,8}\s|\bpriv (?:aes|des|3des)\s(?:\d{2,3}\s)?)["']?(?P<word>(?-u:[^\s"']{6,128}))"#, check: |candidate| human_password(candidate.value()) },
];

/// Secrets for the first access to a cluster, a vault or a server.
#[rustfmt::skip]
const KEYS_OF_A_CLUSTER: &[&str] = &[
    "unseal key", "unseal-key", "unseal token", "unseal-token", "recovery key", "recovery-key", "recovery token", "recovery-token",
    "setup key", "setup-key", "setup token", "setup-token", "master key", "master-key", "master token", "master-token", "root key", "root-key",
    "root token", "root-token", "join key", "join-key", "join token", "join-token", "deploy key", "deploy-key", "deploy token", "deploy-token",
    "bootstrap key", "bootstrap-key", "bootstrap token", "bootstrap-token",
];

/// `password.601bbe606fd6.chunk.js`
fn is_file(value: &str) -> bool {
    const ENDINGS: [&str; 8] = [".js", ".css", ".map", ".html", ".png", ".svg", ".php", ".json"];
    ENDINGS.iter().any(|ending| value.ends_with(ending))
}

/// The default key of a router.
fn is_long_number(value: &str) -> bool {
    (8..=32).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_digit())
}

/// The value without the punctuation at the end of its sentence.
fn trimmed(value: &str) -> &str {
    value.trim_end_matches(['.', ',', ';', ')', ':', '!', '?', '*', '\u{bb}'])
}

/// A sentence continues with words, a form with a type; only a mix of letters with digits or signs counts as a
/// password.
fn told_password(candidate: &SecretCandidate<'_>) -> bool {
    let value = trimmed(candidate.value()).trim_start_matches(['*', '(', '\u{ab}', '\u{201c}']);
    let between = candidate.told();
    // `Password: <b>…`, `password: required|min:8`, `pwd=/home/x1`
    human_password(value)
        && !value.contains(['(', '|', '<', '>', '{', '/', '\\'])
        && !value.contains("::")
        && !super::checks::own_name(value)
        && !is_setting(value)
        && !between.contains("://")
}

/// Directly after the word for a password.
fn bare_password(candidate: &SecretCandidate<'_>) -> bool {
    let value = trimmed(candidate.value());
    told_password(candidate) && is_odd_word(value)
}

/// `ENV NAME …`, `set -x NAME …`, `setenv NAME …` at the start of a line, or a build secret.
fn sets_a_variable(line: &str) -> bool {
    let line = line.trim_start_matches(['$', '>', '#', '%', ' ', '\t']);
    ["ENV ", "set ", "setenv ", "gh secret set "].iter().any(|begin| line.starts_with(begin))
}

/// `secret "registry-creds-v2" deleted`: the name of a secret object in Kubernetes and other systems.
fn is_object_name(candidate: &SecretCandidate<'_>) -> bool {
    let value = candidate.value();
    let told = candidate.told();
    told.trim_end_matches(['"', '\'', ' ']).eq_ignore_ascii_case("secret")
        && value.contains('-')
        && value
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte))
        && looks_like_identifier(value)
}

/// A key or token in a sentence: with letters of both cases and digits, and not of a pager, a cache or a public key.
fn told_key(candidate: &SecretCandidate<'_>) -> bool {
    const OTHER_KEYS: [&str; 12] = [
        "cache",
        "partition",
        "public",
        "object",
        "primary",
        "foreign",
        "sort",
        "idempotency",
        "routing",
        "s3",
        "next",
        "page",
    ];
    // `no key for kid …`, `token id`, `key fingerprint is …`
    const ABOUT_KEYS: [&str; 7] = ["kid", "id", "fingerprint", "version", "hash", "digest", "name"];
    let between = candidate.told();
    let between = between.to_ascii_lowercase();
    let before = candidate.near_before(24).trim_end_matches([' ', '-', '_']).to_ascii_lowercase();
    lone_key(trimmed(candidate.value()))
        // A public key of SSH.
        && !candidate.value().starts_with("AAAA")
        && !is_reference(candidate.value())
        && !candidate.value().contains(['(', ')', '{', '<', '=', ','])
        && !OTHER_KEYS.iter().any(|word| before.ends_with(word))
        && !between.split(|c: char| !c.is_alphanumeric()).any(|word| ABOUT_KEYS.contains(&word))
}

/// Not a word and not a name: digits with letters of both cases, or words joined by signs.
fn is_odd_word(value: &str) -> bool {
    let has = |kind: fn(&u8) -> bool| value.bytes().any(|byte| kind(&byte));
    let signs = has(|byte| b"!#$%&*+?@^~".contains(byte));
    let joined = value.contains(['-', '_', '.']);
    let cased = value.chars().next().is_some_and(char::is_uppercase) && has(u8::is_ascii_lowercase);
    // `PBKDF2-SHA256`, `auth-v2`, `Sha256`
    let lower = value.to_ascii_lowercase();
    let algorithm = names_algorithm(&lower) || ["v1", "v2", "v3"].iter().any(|word| lower.contains(word));
    human_password(value)
        && has(u8::is_ascii_digit)
        && !algorithm
        && (signs
            || cased && has(u8::is_ascii_lowercase)
            || has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) && looks_random(value)
            || joined && value.matches(['-', '_', '.']).count() >= 2)
}

fn argument(candidate: &SecretCandidate<'_>) -> bool {
    let value = candidate.value();
    !is_reference(value)
        && !value.contains(['(', '{', '<'])
        && !value.starts_with(['.', '/', '~'])
        && value.bytes().any(|byte| !byte.is_ascii_alphabetic())
        && !value.bytes().all(|byte| byte.is_ascii_digit())
        && !super::checks::own_name(value)
}

/// A value under the bare name `key`, where cache keys, map keys and digests also occur.
fn lone_key(value: &str) -> bool {
    let has = |kind: fn(&u8) -> bool| value.bytes().any(|byte| kind(&byte));
    let mixed = has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_digit);
    let hex = value.bytes().all(|byte| byte.is_ascii_hexdigit());
    value.len() >= 20
        && mixed
        && !hex
        && looks_random(value)
        && !value.contains([':', '.', '@'])
        && !value.starts_with('/')
}

/// An echoed value that is piped into a program that reads a password.
fn piped(candidate: &SecretCandidate<'_>) -> bool {
    let after = candidate.near_after();
    after.contains('|')
        && [
            "passwd",
            "--stdin",
            "sudo -S",
            "--password-stdin",
            "secret create",
            "htpasswd -i",
            "--with-token",
            "kinit",
            "cryptsetup",
        ]
        .iter()
        .any(|word| after.contains(word))
}

/// `hash=` and `sig=` of assets and content are for comparison and grant no access.
fn is_digest_name(candidate: &SecretCandidate<'_>) -> bool {
    let name = candidate.told().to_ascii_lowercase();
    name.contains("hash=") && candidate.value().bytes().all(|byte| byte.is_ascii_hexdigit())
        || name.contains("key=") && looks_like_identifier(candidate.value())
}
