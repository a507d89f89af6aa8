/*!
A user name and its password side by side: as people note them down (`NAS: admin / …`), and as programs, files and
calls take them, after the name of the program, function or field.
*/

use super::checks::{human_password, is_identifier, is_reference, looks_random, own_name};
use super::rule::{MaskingRule, SecretCandidate};
use super::spoken::{is_made_up, is_name};

#[rustfmt::skip]
pub(crate) const RULES: &[MaskingRule] = &[
    // `NAS: admin / …`
    MaskingRule { kind: "PASSWORD", keywords: &[" / "],
        pattern: r#"["'`]?[A-Za-z](?-u:[\w.@\\-]{1,60})["'`]? {1,2}/ {1,2}["'`]?(?P<word>(?-u:[^\s"'`/]{6,64}))"#, check: noted_pair },
    // `creds for the drop: partner:…`, `accès admin/…`
    MaskingRule { kind: "PASSWORD", keywords: &["cred", "zugang", "login", "log-in", "account", "acces", "acc\u{e8}s", "acceso", "identifiants", "\u{434}\u{43e}\u{441}\u{442}\u{443}\u{43f}", "\u{414}\u{43e}\u{441}\u{442}\u{443}\u{43f}", "sftp", "stats auth", "anmeldung", "inloggen", "logowanie"],
        pattern: r#"(?:(?i:\bcred(?:s|entials)?|\bzugang(?:sdaten)?|\blog-?ins?|\baccount|\bacc[e\x{e8}]s(?:so)?|\bacceso|\bidentifiants|\bsftp|\bstats auth|\banmeldung|\binloggen|\blogowanie)|[\x{434}\x{414}]\x{43e}\x{441}\x{442}\x{443}\x{43f})\b(?-u:[^\n]{0,80}?)[\s:=(]["'`]?[A-Za-z](?-u:[\w.@\\-]{1,60})[:/](?P<word>(?-u:[^\s"'`:/@]{6,64}))"#,
        check: |candidate| is_value(candidate) && !candidate.after().starts_with(['/', ':', '(']) },
    MaskingRule { kind: "PASSWORD", keywords: &["admin/", "root/", "administrator/", "user/", "operator/", "postgres/", "guest/", "support/", "ubuntu/", "backup/", "relay/", "monitor/", "admin:", "root:", "administrator:", "user:", "operator:", "postgres:", "guest:", "support:", "ubuntu:", "backup:", "relay:", "monitor:"],
        pattern: r#"(?i)(?:^|[\s"'`(=])(?:(?:sys)?admin|root|administrator|user|operator|postgres|guest|support|ubuntu|backup|relay|monitor)[:/](?P<word>(?-u:[^\s"'`:/@]{6,64}))"#,
        check: |candidate| is_value(candidate) && !is_identifier_of_code(candidate) && !candidate.after().starts_with(['/', ':', '(']) },
    MaskingRule { kind: "PASSWORD", keywords: &["p:", "p=", "pw:", "pw=", "pass:", "pass="],
        pattern: r#"(?i)\b(?:u|un|usr|user(?:name)?|login|l|id|benutzer)\s?[:=]\s?(?-u:\S{1,60})[\s,;/|]{1,4}(?:p|pw|pass)[:=]\s?["'`]?(?P<word>(?-u:[^\s"'`]{5,64}))"#, check: is_value },
    MaskingRule { kind: "PASSWORD", keywords: &["admin: ", "root: ", "administrator: ", "admin, ", "root, ", "administrator, "],
        pattern: r#"(?i)(?:^|[\s"'`(])(?:admin|root|administrator)[:,] (?P<word>(?-u:[^\s"'`:/]{6,64}))"#,
        check: |candidate| is_value(candidate) && !is_identifier(candidate.value()) },
    MaskingRule { kind: "PASSWORD", keywords: &["/pass", "/ pass", "/pw", "/ pw", "/kennwort", "/ kennwort"],
        pattern: r#"(?i)\b(?:user(?:name)?|login|benutzer)\s?/ ?(?:pass(?:wor[dt])?|pw|kennwort)\b\s?[:=]?\s{1,3}["'`]?(?-u:[\w.@-]{1,40})\s?[/:]\s?(?P<word>(?-u:[^\s"'`/]{5,64}))"#, check: is_value },
    MaskingRule { kind: "PASSWORD", keywords: &["log in ", "logged in ", "login ", "sign in ", "signed in "],
        pattern: r#"(?i)\b(?:log(?:ged)? in|login|sign(?:ed)? in) (?:as|with) (?-u:\S{1,60})\s(?:with|and|using|/)\s["'`]?(?P<word>(?-u:[^\s"'`]{6,64}))"#,
        check: |candidate| is_value(candidate) && !is_identifier_of_code(candidate) },
    // `bob@corp.io:…`, `https://portal bob/…`
    MaskingRule { kind: "PASSWORD", keywords: &["@"],
        pattern: r#"(?-u:[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){0,4}\.[A-Za-z]{2,12})(?: ?[:|;] ?| / )["'`]?(?P<word>(?-u:[^\s"'`:/;|]{6,64}))"#,
        check: |candidate| is_value(candidate) && !is_identifier(candidate.value()) && !candidate.after().starts_with(['/', ':', '(']) },
    MaskingRule { kind: "PASSWORD", keywords: &["://"],
        pattern: r#"(?i)\bhttps?://(?-u:[^\s"'<>]{3,200})\s{1,3}\(?(?-u:[a-z][\w.@-]{1,40})\s?[:/]\s?(?P<word>(?-u:[^\s"'`:/)]{6,64}))\)?\s{0,2}$"#,
        check: |candidate| is_value(candidate) && !is_identifier_of_code(candidate) },
    MaskingRule { kind: "PASSWORD", keywords: &["basic"],
        pattern: r#"(?i)\b(?-u:\w{0,24})basic(?:_?auth)?["']?\s?[:=]\s?["']?(?-u:[\w.@-]{1,64}):(?P<word>(?-u:[^\s"'`:/@]{5,128}))"#, check: is_value },
    MaskingRule { kind: "PASSWORD", keywords: &["shared-key", "shared_key", "sharedkey", "shared key", "secret-key", "secret_key", "secretkey", "secret key"],
        pattern: r#"(?i)\b(?:pre-?)?(?:shared|secret)[-_ ]?key["']?\s{0,4}[:=]\s{0,4}["']?(?P<word>(?-u:[^\s"',;]{6,128}))"#,
        check: |candidate| is_value(candidate) && !candidate.after().starts_with('(') },
    MaskingRule { kind: "COOKIE", keywords: &[" -b ", "--cookie"],
        pattern: r#"(?: -b |\s--cookie[ =])["']?(?-u:[\w.-]{1,64}=)(?P<word>(?-u:[^\s"';]{16,4096}))"#, check: |candidate| looks_random(candidate.value()) },
    // `mysqli_connect("db", "app", "…")`, `ftp.login('bob', '…')`
    MaskingRule { kind: "PASSWORD", keywords: &["login(", "logon(", "connect(", "auth", "credential(", "credentials(", "credential.basic(", "credentials.basic(", "mysqli(", "bind(", "bind_s("],
        pattern: r#"(?i)(?:login|logon|connect|auth(?-u:\w{0,24})|credentials?(?:\.basic)?|mysqli|bind(?:_s)?)\((?-u:\s{0,2}(?:["'][^"'\n]{0,80}["']|[$\w.:>-]{1,40})\s{0,2},){1,3}\s{0,2}["']((?-u:[^"'\r\n]{6,128}))["']"#,
        check: is_value },
    MaskingRule { kind: "PASSWORD", keywords: &[".auth("],
        pattern: r#"(?i)\.auth\(\s?["']((?-u:[^"'\r\n]{6,128}))["']\s?\)"#, check: is_value },
    MaskingRule { kind: "PASSWORD", keywords: &["password", "passwd", "passphrase"],
        pattern: r#"(?i)(?:set_?|with_?|use_?|enter_?|type_?|\.|->|::)(?:password|passwd|passphrase)(?-u:\w{0,8})(?:\.(?:equals|matches|eq|send_?keys|fill|set_?text|set_?value|type))?\(\s?["']((?-u:[^"'\r\n]{5,128}))["']"#, check: is_value },
    MaskingRule { kind: "PASSWORD", keywords: &["password", "passwd", "pwd"],
        pattern: r#"(?i)(?:password|passwd|pwd)(?-u:\w{0,8})\.(?:equals|matches|eq|send_?keys|fill|set_?text|set_?value|type)\(\s?["']((?-u:[^"'\r\n]{5,128}))["']"#, check: is_value },
    // A declaration with a type.
    MaskingRule { kind: "PASSWORD", keywords: &["password", "passwd", "secret", "pwd", "apikey", "api_key", "token"],
        pattern: r#"(?i)(?:password|passwd|secret|pwd|api_?key|token)(?-u:\w{0,12})\s?:\s?(?-u:[&\w<>\[\]' .?|]{2,30})\s?=\s?["']((?-u:[^"'\r\n]{5,256}))["']"#,
        check: |candidate| is_value(candidate) || looks_random(candidate.value()) },
    // `AuthPass=…`, `smtp-pw: …`: any prefix before the word.
    MaskingRule { kind: "PASSWORD", keywords: &["pass", "pwd", "pw", "psk", "keymaterial", "passcode"],
        pattern: r#"(?i)\b[a-z](?-u:[\w.-]{0,40}?)(?:pass|pwd|pw|psk|keymaterial|passcode)["']?\s{0,8}[:=]\s{0,4}["']?(?P<word>(?-u:[^\s"',;&|<>]{5,128}))"#,
        check: |candidate| names_password(candidate) && is_value(candidate) && !candidate.after().starts_with('(') },
    // A line of a configuration: a name that ends in the word, and a value.
    MaskingRule { kind: "PASSWORD", keywords: &["pass ", "password ", "passwd ", "pwd ", "psk ", "pass\t", "password\t", "passwd\t", "pwd\t", "psk\t"],
        pattern: r#"(?i)^[\s+>-]{0,16}[a-z](?-u:[\w.-]{0,40})(?:pass|password|passwd|pwd|psk)[ \t]{1,8}["']?(?P<word>(?-u:[^\s"',;&|<>]{5,128}))["']?;?\s{0,4}$"#,
        check: |candidate| names_password(candidate) && is_value(candidate) },
    // `<Pwd>…</Pwd>`
    MaskingRule { kind: "PASSWORD", keywords: &["pwd", "pass", "passwort", "kennwort", "motdepasse", "contrasena", "contrase\u{f1}a", "senha", "wachtwoord", "psk"],
        pattern: r"(?i)<(?-u:[\w.:-]{0,60})(?:pwd|pass|passwort|kennwort|motdepasse|contrase[n\x{f1}]a|senha|wachtwoord|passcode|psk)(?: [^<>]{0,120})?>\s{0,4}(?:<!\[CDATA\[)?((?-u:[^<>\s\]]{4,256}))(?:\]\]>)?\s{0,4}</",
        check: |candidate| human_password(candidate.value()) && !is_reference(candidate.value()) },
    // Go's driver for MySQL.
    MaskingRule { kind: "PASSWORD", keywords: &["@tcp(", "@unix(", "@udp(", "@tcp6("],
        pattern: r#"(?-u:[\w.-]{1,64}):((?-u:[^\s"'`]{3,128}))@(?:tcp6?|unix|udp)\("#, check: |candidate| !is_reference(candidate.value()) },
    MaskingRule { kind: "PASSWORD", keywords: &["@"],
        pattern: r#"(?:^|[\s"'=(])(?:sips?:|//)[A-Za-z0-9](?-u:[\w.-]{1,40}):((?-u:[^\s"'`@:/]{6,128}))@[A-Za-z]"#, check: is_value },
    // Secret files of mail servers, VPNs and dial-up.
    MaskingRule { kind: "PASSWORD", keywords: &[":25", ":465", ":587", ":2525"],
        pattern: r#"^(?-u:[\s\w:]{0,40})\[?(?-u:[\w.-]{3,128})\]?:(?:25|465|587|2525)\s{1,16}(?-u:[\w.@+-]{1,80}):(?P<word>(?-u:[^\s"']{5,128}))$"#, check: |candidate| !is_reference(candidate.value()) },
    MaskingRule { kind: "PASSWORD", keywords: &["eap", "xauth", "psk", "ntlm"],
        pattern: r#":\s{0,4}(?i:eap|xauth|psk|ntlm)\s{1,4}["']((?-u:[^"'\n]{4,128}))["']"#, check: |candidate| !is_reference(candidate.value()) },
    MaskingRule { kind: "PASSWORD", keywords: &[" *", "\t*", " \"*", "\t\"*", "pptpd", "l2tpd", "pppd"],
        pattern: r#"^"?(?-u:[\w.@\\-]{1,64})"?[ \t]{1,16}(?:"?\*"?|pptpd|l2tpd|pppd)[ \t]{1,16}"?(?P<word>(?-u:[^\s"]{5,128}))"?[ \t]{1,16}(?:"?\*"?|[0-9.]{7,15})\s{0,4}$"#, check: is_value },
    // Arguments of programs.
    MaskingRule { kind: "PASSWORD", keywords: &["<<<"], pattern: r#"<<<\s?["']?(?P<word>(?-u:[^\s"']{5,128}))"#,
        check: |candidate| human_password(candidate.value()) && !is_reference(candidate.value())
            && ["passwd", "kinit", "sudo", "cryptsetup", "gpg", "login", "openssl", "passphrase", "password"].iter().any(|word| candidate.near().contains(word)) },
    MaskingRule { kind: "PASSWORD", keywords: &["htpasswd", "htdigest"],
        pattern: r#"\bht(?:passwd|digest)\s(?:-(?-u:\w{1,8})\s){0,3}-(?-u:\w{0,6})b(?-u:\w{0,6})\s(?:-(?-u:\w{1,8})\s){0,3}(?-u:\S{1,120})\s(?-u:\S{1,64})\s["']?(?P<word>(?-u:[^\s"'|]{4,128}))"#, check: |candidate| !is_reference(candidate.value()) },
    MaskingRule { kind: "PASSWORD", keywords: &["nmcli", "wpa_passphrase "],
        pattern: r#"\b(?:nmcli\b(?-u:[^\n|]{0,200}?)\s(?:password|(?-u:[\w.-]{0,40})psk|(?-u:[\w.-]{0,40})wep-key\d?)|wpa_passphrase (?:"[^"\n]{1,40}"|(?-u:\S{1,40})))\s["']?(?P<word>(?-u:[^\s"'|]{5,128}))"#, check: |candidate| !is_reference(candidate.value()) && human_password(candidate.value()) },
    MaskingRule { kind: "PASSWORD", keywords: &["put ", "set ", "config ", "value ", "value=", "http-basic"],
        pattern: r#"(?i)(?:\b(?:put|set|config) (?:set )?["']?(?-u:[\w/.:-]{0,80})(?:password|passwd|secret|token|pass|api[_-]?key)["']?\s(?:--?value[ =])?|(?:password|passwd|secret|token|api[_-]?key)["']?\s(?:--?[a-z-]{1,20}\s){0,2}--?value[ =]|\bhttp-basic\.(?-u:\S{1,80})\s(?-u:\S{1,64})\s)["']?(?P<word>(?-u:[^\s"'|]{5,256}))"#,
        check: is_value },
    MaskingRule { kind: "PASSWORD", keywords: &["crypt("],
        pattern: r#"(?i)\bcrypt\(\s?'((?-u:[^'\n]{5,128}))'\s?,"#, check: is_value },
    MaskingRule { kind: "PASSWORD", keywords: &["oper "], pattern: r"^(?:[>/] ?)?OPER (?-u:\S{1,40}) (?P<word>(?-u:[^\s]{5,64}))$", check: is_value },
    MaskingRule { kind: "PASSWORD", keywords: &["community"],
        pattern: r#"(?i)\bcommunity(?:[_-]?string)?["']?\s?[:=]\s?["']?(?P<word>(?-u:[^\s"',;]{6,64}))"#, check: is_value },
    MaskingRule { kind: "PASSWORD", keywords: &["tsql", "freebcp", "knife", "ssh-keygen", "ldap", "dsconf", "dsadm", "dsctl", "wbinfo", "rclone obscure ", "signtool", "certutil", "rar ", "iwconfig", "oc login", "cf login", "bx login", "ibmcloud login", "influx", "curl "],
        pattern: r#"(?:\b(?:tsql|freebcp|knife|ssh-keygen)\b(?-u:[^\n|]{0,200}?)\s-[PN]\s?|\b(?:ldap\w{2,8}|dsconf|dsadm|dsctl)\b(?-u:[^\n|]{0,200}?)\s-[sy]\s|\bwbinfo\b(?-u:[^\n|]{0,100}?)\s-a\s(?-u:[^\s%]{1,64})%|\brclone obscure |\bsigntool\b(?-u:[^\n|]{0,200}?)\s/p\s|\bcertutil\b(?-u:[^\n|]{0,200}?)\s-p\s|\brar (?-u:[^\n|]{0,200}?)-hp|\biwconfig\b(?-u:[^\n|]{0,100}?)\skey\s(?:s:)?|\b(?:oc|cf|bx|ibmcloud) login\b(?-u:[^\n|]{0,200}?)-p\s|\binflux\b(?-u:[^\n|]{0,200}?)\s-p\s|\bcurl (?-u:[^\n|]{0,300}?)-u["']?(?-u:[\w.@-]{1,64}):)["']?(?P<word>(?-u:[^\s"'|]{5,128}))"#,
        check: |candidate| human_password(candidate.value()) && is_made_up(candidate.value()) },
    MaskingRule { kind: "PASSWORD", keywords: &["-pw ", "-pw=", "-pw:", "-userpass"],
        pattern: r#"(?:^|\s)--?(?:[a-z]{1,12}-)?(?:pw[ =:]|userpass[ =](?:(?-u:[\w.@-]{1,64}):)?)["']?(?P<word>(?-u:[^\s"'|=:-][^\s"'|]{4,128}))"#, check: is_value },
    // The text of a QR code for a wireless network.
    MaskingRule { kind: "PASSWORD", keywords: &["wifi:"], pattern: r"WIFI:(?-u:[^\n]{0,120}?)\bP:((?-u:(?:[^;\\\n]|\\.){5,128}));", check: |candidate| !is_reference(candidate.value()) },
    MaskingRule { kind: "PASSWORD", keywords: &["login "],
        pattern: r#"(?i)^(?:[a-z0-9.]{1,8}\s)?login ["']?(?-u:[\w.@+-]{1,128})["']?\s["']?(?P<word>(?-u:[^\s"']{5,128}))["']?\s{0,2}$"#, check: |candidate| is_value(candidate) && !is_identifier_of_code(candidate) },
    MaskingRule { kind: "PASSWORD", keywords: &["user "], pattern: r"^\s{0,4}user (?-u:[\w.@-]{1,64}) (?P<word>(?-u:[^\s]{6,128}))$", check: |candidate| is_value(candidate) && !is_identifier(candidate.value()) },
    MaskingRule { kind: "PASSWORD", keywords: &["sp_password", "password by ", "pre-share key ", "preshare key ", "password level "],
        pattern: r#"(?i)(?:\bsp_password(?-u:[^\n]{1,80}?),\s?'|password by '|\bpre-?share key |\bpassword level (?-u:[0-9]{1,2})\s)["']?(?P<word>(?-u:[^\s"']{4,128}))"#, check: |candidate| human_password(candidate.value()) },
    MaskingRule { kind: "PASSWORD", keywords: &["{plain}", "{cleartext}", "{clear}"], pattern: r"(?i)\{(?:plain|clear(?:text)?)\}(?P<word>(?-u:[^\s:]{4,128}))", check: |candidate| !is_reference(candidate.value()) },
    MaskingRule { kind: "PASSWORD", keywords: &["secret"],
        pattern: r#"(?i)\b(?-u:[\w.-]{0,40}?)secret["']?\s{0,4}[:=]\s{0,4}["']?(?P<word>(?-u:[^\s"',;&|<>]{6,128}))"#,
        check: |candidate| is_value(candidate) && !is_identifier(candidate.value()) && !candidate.after().starts_with('(') && !candidate.near().contains("arn:") },
    // `Your … code is 839201`
    MaskingRule { kind: "CODE", keywords: &["code", "codigo", "c\u{f3}digo", "codice", "kod"],
        pattern: r"(?i)\b(?:your|dein|ihr|votre|ton|tu|su|tuo|suo|je|uw|din|seu|mon|my|tw\x{f3}j)\s(?-u:[a-z-]{1,20}\s){0,2}?(?-u:code|codice|kode?|codigo|c\xc3\xb3digo)\s?(?:is|lautet|ist|est|es|\x{e8}|\x{e9}|\x{e4}r|er)?\s?:?\s([0-9]{4,8})\b",
        check: |candidate| {
            let told = candidate.told().to_lowercase();
            !["error", "status", "exit", "zip", "postal", "country", "order", "booking", "discount", "fehler", "response"].iter().any(|word| told.contains(word))
        } },
    // Commands of mail, file and other servers in captured traffic.
    MaskingRule { kind: "PASSWORD", keywords: &["pass "],
        pattern: r"[.\s]PASS (?P<word>(?-u:[^\s]{5,64}))$", check: |candidate| { let value = candidate.value(); is_made_up(value.trim_end_matches('.')) } },
    // Links with a secret in their path.
    MaskingRule { kind: "URL_TOKEN", keywords: &["passwor", "kennwort", "mot-de-passe", "contrasena", "senha", "wachtwoord", "passwd", "recover", "konto/", "einladung", "bestaetig", "aktivier", "token/", "/share/", "/s/", "freigabe", "magic", "/sso/", "unlock", "/neu/", "/auth/", "/session", "/access/", "/secret/", "/key/", "hook/", "hooks/"],
        pattern: r"(?i)://(?-u:[^\s/?#]{1,255})(?-u:[^\s?#]{0,120}?)(?:(?:passwor[td]|kennwort|mot-de-passe|contrasena|senha|wachtwoord|passwd|recover|einladung|bestaetig|aktivier|freigabe|magic|unlock)(?-u:[\w-]{0,20})(?:/[a-z-]{1,20}){0,2}/|(?:konto|token)/|/(?:share|s|sso|neu|auth|session|access|secret|key|hooks?|webhooks?)/)([A-Za-z0-9_.~-]{20,512})",
        check: |candidate| opens(candidate.value()) },
    // A pass phrase of words joined by signs, after the name of a secret.
    MaskingRule { kind: "PASSWORD", keywords: &["secret", "passw", "passphrase", "pwd"],
        pattern: r#"(?i)(?:^|[\s"'])(?-u:[\w.-]{0,60})(?:secret|passw(?:or[dt]|d)|passphrase|pwd)["']?\s?[:=]\s{0,2}["']?((?-u:[a-z]{3,12}(?:[._-][a-z]{3,12}){2,7}))["']?[,;]?\s{0,4}$"#, check: joined_phrase },
    // The key of a wireless network, in groups as printed on the router.
    MaskingRule { kind: "PASSWORD", keywords: &["wpa", "wlan", "wifi", "wi-fi", "network key", "netzwerk"],
        pattern: r"(?i)\b(?:wpa|wlan|wi-?fi|network key|netzwerk)(?-u:[^\n:]{0,40}):\s?([0-9]{4}(?:[ -][0-9]{4}){2,5}|[0-9]{8,24})\b", check: |_| true },
    // Numbers that the reader is asked to type.
    MaskingRule { kind: "CODE", keywords: &["code", "enter ", "use ", "type "],
        pattern: r"(?i)(?:\bcode\s([0-9]{4,8})\s(?:to|for|zum|um|pour|para|per|om)\s(?:sign|log|verif|confirm|complet|access|authent|finish|continu|anmeld|einlogg|vous|valid|conf|acced|inici)|\b([0-9]{4,8})\s(?:as|als|comme|como|come)\s(?:your|the|ihr|dein|votre|su|tu|seu)[^\n]{0,40}\b(?-u:\w{0,16})code|\b(?:enter|use|type) ([0-9]{4,8})\sto\s(?:verif|sign|log|confirm|continu))",
        check: |_| true },
];

/// A value that is not a plausible name.
fn is_value(candidate: &SecretCandidate<'_>) -> bool {
    let value = candidate.value().trim_end_matches(['.', ',', ';', ')', ':', '?']);
    is_made_up(value) && !is_name(value)
}

/// `root/build-x2`, `user:group2`
fn is_identifier_of_code(candidate: &SecretCandidate<'_>) -> bool {
    let value = candidate.value().trim_end_matches(['.', ',', ';', ')']);
    is_identifier(value)
        && (value.contains(['-', '.']) || value.bytes().filter(u8::is_ascii_digit).count() < 2)
}

/// Whether the name before the value is a name for a password.
fn names_password(candidate: &SecretCandidate<'_>) -> bool {
    let told = candidate.told();
    let name = told.trim_end_matches(|c: char| !c.is_alphanumeric());
    // Not `compass` or `bypass`: the word must begin with a capital, or follow a sign or the name of the thing that
    // the password is for.
    let lower = name.to_ascii_lowercase();
    let Some(word) = ["keymaterial", "passcode", "pass", "password", "passwd", "pwd", "psk", "pw"]
        .iter()
        .find(|word| lower.ends_with(**word))
    else {
        return false;
    };
    let head = name.get(..name.len() - word.len()).unwrap_or_default();
    let own = name.get(head.len()..).unwrap_or_default();
    const OF: [&str; 26] = [
        "ssh", "db", "auth", "user", "smtp", "mail", "imap", "ftp", "sftp", "ldap", "bind", "admin", "root",
        "sql", "mysql", "pg", "redis", "proxy", "login", "wifi", "my", "web", "app", "adm", "svc", "key",
    ];
    *word == "keymaterial"
        || head.is_empty()
        || head.ends_with(['_', '-', '.'])
        || own.starts_with(|c: char| c.is_ascii_uppercase())
            && !name.bytes().all(|byte| byte.is_ascii_uppercase())
        || OF.iter().any(|of| head.to_ascii_lowercase().ends_with(of))
}

/// `granite_falcon_panda`: joined words that are not typical of programs.
fn joined_phrase(candidate: &SecretCandidate<'_>) -> bool {
    #[rustfmt::skip]
    const OF_PROGRAMS: [&str; 48] = [
        "get", "env", "config", "settings", "setting", "secret", "secrets", "value", "values", "example", "your", "name", "file", "path", "vault", "from", "var", "vars", "ref", "data", "key", "keys", "client", "post", "basic", "prod", "database", "random", "change",
        "this", "self", "params", "props", "process", "request", "req", "form", "user", "password", "credentials", "auth", "app", "the", "default", "dummy", "placeholder", "here", "test",
    ];
    let value = candidate.value();
    let words: Vec<&str> = value.split(['.', '_', '-']).collect();
    let name = candidate.told();
    // A member of an object, if the name also comes from code.
    let is_member = value.contains('.') && name.contains(" = ");
    words.len() >= 3
        && !is_member
        && words.iter().filter(|word| word.len() >= 4).count() >= 3
        && !words.iter().any(|word| OF_PROGRAMS.contains(&word.to_ascii_lowercase().as_str()))
        && !own_name(value)
        && value.bytes().all(|byte| byte.is_ascii_lowercase() || b"._-".contains(&byte))
}

/// A user name and a value that is not a name, separated by a slash, after a place, an account or nothing.
fn noted_pair(candidate: &SecretCandidate<'_>) -> bool {
    #[rustfmt::skip]
    const NOUNS: [&str; 24] = [
        "login", "log in", "user", "account", "cred", "zugang", "wifi", "wi-fi", "wlan", "ssid", "vpn", "nas", "router", "switch", "printer", "acc\u{e8}s", "acces", "portal", "admin", "server", "ftp", "identif", "benutzer", "password",
    ];
    #[rustfmt::skip]
    const USERS: [&str; 20] = [
        "admin", "root", "administrator", "user", "guest", "gast", "operator", "support", "service", "test", "demo", "backup", "monitor", "sa", "postgres", "pi", "ubnt", "cisco", "manager", "kasse",
    ];
    let head = candidate.near_before(80);
    let told = candidate.told();
    let user = told.split('/').next().unwrap_or_default().trim_matches([' ', '"', '\'', '`']);
    let lower = head.to_lowercase();
    let noun = NOUNS.iter().any(|noun| lower.contains(noun));
    let is_user = USERS.contains(&user.to_ascii_lowercase().as_str());
    let trimmed = head.trim_end();
    let set_off = trimmed.is_empty()
        || trimmed
            .ends_with([':', '-', '(', '\u{2013}', '\u{2014}', '\u{2022}', '*', '=', '|', ',', '\u{ff1a}']);
    let value = candidate.value().trim_end_matches(['.', ',', ';', ')', ':', '?']);
    is_value(candidate)
        && !candidate.near_after().trim_start().starts_with('/')
        && !looks_like_version(user)
        && (noun
            || is_user
            || set_off
                && user.starts_with(|c: char| c.is_ascii_lowercase())
                && !is_identifier(value)
                && !trimmed.is_empty())
}

fn looks_like_version(user: &str) -> bool {
    user.contains('.') && user.bytes().any(|byte| byte.is_ascii_digit()) && !user.contains('@')
}

/// A value in a link that grants access, not the name of a page or a file.
fn opens(value: &str) -> bool {
    let hex = value.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    looks_random(value) && !own_name(value) && !value.contains('.') && (!hex || value.len() >= 48)
}
