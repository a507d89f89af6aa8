/*!
The words that [`spoken`](super::spoken) uses, in the languages of tickets: words for a password or a code, words that
announce its value, and words that announce something else.
*/

use super::names;

/// Further words for a password, or forms of those in [`names::PASSWORDS`]; other letters may follow them, as
/// grammatical cases require.
#[rustfmt::skip]
pub(super) const MORE_PASSWORDS: &[&str] = &[
    "pass phrase", "passwört", "kennwört", "mots de passe", "palavra-passe", "palavra passe", "parolă", "hasła", "hasłem",
    "hesla", "heslem", "kodeord", "salasanan", "jelszav", "Jelszav", "sifre", "lozink", "zapork", "geslo", "slaptažod", "parool",
    "лозинк", "ﾊﾟｽﾜｰﾄﾞ", "口令", "패스워드", "كلمة السر", "كلمة سر", "الرقم السري", "סיסמ", "κωδικ", "Κωδικ", "पासवर्ड",
    "wifi-schlüssel", "wlan-schlüssel", "netzwerkschlüssel", "sicherheitsschlüssel", "clé wifi", "clé wi-fi", "clé réseau",
    "wifi key", "wi-fi key", "wlan key", "network key",
];
/// The same, for words that count only as whole words.
#[rustfmt::skip]
pub(super) const MORE_SHORT_PASSWORDS: &[&str] = &[
    "clave wifi", "psk", "creds", "passw", "pword", "pswd", "p/w", "secret",
];
/// Words for numbers that grant access.
#[rustfmt::skip]
pub(super) const CODES: &[&str] = &[
    "geheimzahl", "nip", "code de carte", "code de carte bleue", "code de la carte", "código de la alarma", "código de la tarjeta", "codigo de la alarma", "código del", "codigo del", "keypad code", "keypad", "lockbox", "lockbox code", "padlock combination", "padlock code",
    "schlüsseltresor", "unlock pin", "control pin", "card pin", "pin number", "screen lock", "kod do domofonu", "kod do drzwi", "kod do alarmu", "alarmkod", "alarmkode", "dørkode", "codice allarme", "codice pin", "codice cassaforte", "senha do cartão", "unlock code", "garage code", "voicemail pin",
    "pin", "puk", "tan", "otp", "totp", "pincode", "pin-code", "pin code", "code pin", "sim-pin", "alarmcode", "alarm code", "türcode", "tresorcode", "zahlencode", "zugangscode",
    "sicherheitscode", "bestätigungscode", "verification code", "security code", "access code", "door code", "gate code", "safe code", "safe combination", "lock code", "entry code",
    "code d'accès", "code d\u{2019}accès", "code secret", "code de vérification", "code de sécurité", "código de verificación", "código de acceso", "código de verificação",
    "código de acesso", "código pin", "codice pin", "codice di verifica", "codice di accesso", "codice di sicurezza", "codice otp", "toegangscode", "verificatiecode", "deurcode", "kod pin", "kod dostępu",
    "kod weryfikacyjny", "pin-koodi", "portkod", "pinkod", "doğrulama kodu", "onay kodu", "kode verifikasi", "kode otp", "ověřovací kód", "пин-код", "ПИН-код", "пин код", "пин", "ПИН",
    "код подтверждения", "Код подтверждения", "код доступа", "код из смс", "код з смс", "код з sms", "код підтвердження", "код из sms", "验证码", "驗證碼", "校验码", "暗証番号", "認証コード", "確認コード", "認証番号", "인증번호", "인증 코드", "핀번호", "핀 번호", "رمز التحقق",
    "קוד אימות", "รหัส otp", "mã xác nhận", "mã otp", "mã xác minh", "κωδικός pin", "κωδικός επιβεβαίωσης",
];
/// Words that announce a value.
#[rustfmt::skip]
pub(super) const SAYS: &[&str] = &[
    "is", "was", "be", "its", "it's", "now", "as", "namely", "called", "ist", "war", "lautet", "lautete", "heißt", "heisst", "hieß", "wäre", "est", "était", "c'est", "es", "era", "fue", "é", "è", "foi", "sarà", "jest", "to", "je", "mám", "byl", "bylo", "byla", "było",
    "är", "var", "er", "oli", "este", "e", "ми", "є", "это", "был", "была", "такой", "είναι", "ήταν", "là", "adalah", "yaitu", "היא", "הוא", "هي", "هو", "olarak", "voilà", "jetzt", "nun", "ahora", "agora", "adesso", "nu", "teraz", "теперь", "би",
    "maintenant", "also", "not", "but", "nicht", "sondern", "mais", "pero", "mas", "using", "like", "looks", "und", "reads",
];
/// Words that announce a value after something was changed.
#[rustfmt::skip]
pub(super) const TO: &[&str] = &[
    "to", "into", "with", "auf", "in", "zu", "mit", "en", "à", "par", "pour", "a", "al", "por", "para", "pra", "em", "na", "till", "til", "naar", "op", "на", "в", "la", "con", "cu", "com", "thành", "sang", "ke", "menjadi", "σε", "إلى", "الى", "ל", "arra", "from",
    "von", "de", "du", "da", "z", "ze", "с", "från", "fra", "van", "et", "and", "und", "y", "e", "i", "и",
];
/// Words that announce something else: what the password is for, where it is stored, or which of several things is
/// meant.
#[rustfmt::skip]
pub(super) const OBJECTS: &[&str] = &[
    "for", "of", "on", "from", "at", "by", "via", "user", "username", "account", "host", "server", "in", "with", "für", "von", "vom", "zum", "zur", "beim", "bei", "an", "am", "im", "de", "del", "della", "dello", "di", "du", "da", "do", "dos", "das", "des", "dem", "den", "der", "die", "em", "no", "pour", "sur",
    "para", "por", "voor", "van", "op", "för", "av", "til", "till", "på", "dla", "do", "od", "z", "pro", "k", "ke", "для", "от", "к", "у", "на", "с", "із", "від", "id", "ticket", "order", "session", "request", "build", "job", "device", "serial", "node", "pod", "version", "hash", "database",
    "db", "table", "file", "field", "commit", "error", "code", "key", "issue", "case", "ref", "benutzer", "konto", "utilisateur", "usuario", "usuário", "utente", "rechner", "client", "kunde", "customer", "kundennummer", "name", "login", "logins", "machine", "vm", "container", "release",
    "and", "und", "or", "oder", "et", "y", "e", "och", "og", "i", "и", "against", "using", "uses", "your", "my", "hashed", "encrypted", "per", "than", "within", "after", "before", "since", "nach", "seit", "vor",
];
/// Stems of words that say that something was changed.
#[rustfmt::skip]
pub(super) const CHANGES: &[&str] = &[
    "chang", "reset", "set ", "rotat", "updat", "switch", "modif", "änder", "geänd", "ändert", "umgestell", "gesetzt", "gewechsel", "zurückgesetz", "cambi", "mudei", "mudou", "mudar", "troquei", "trocou", "trocar", "troco", "alter", "defini", "redefin", "restabl", "pus ", "puse", "veranderd", "gewijzigd", "aangepast", "ingesteld",
    "bytt", "ändra", "skift", "endre", "ændr", "vaihd", "vaihto", "zmieni", "ustawi", "změni", "zmeni", "nastav", "megvált", "átáll", "değiş", "ayarla", "schimb", "смен", "измен", "помен", "зміни", "поміня", "установ", "промен", "改", "変更", "變更", "更改", "設定", "设置", "변경", "바꿨", "바꾸", "설정", "غير", "שינ", "đổi", "เปลี่ยน", "άλλαξ", "ganti", "ubah", "imposta", "mis le",
    "mettre", "chosen", "picked", "typed", "entered", "tried", "tippe", "eingegeben", "eingetippt", "habe ich mit", "tape", "saisi",
];
/// Beginnings of names of machines, programs and versions, which are not passwords.
#[rustfmt::skip]
pub(super) const NAMES: &[&str] = &[
    "server", "srv", "host", "node", "web", "db", "user", "admin", "test", "version", "ver", "release", "sha", "md", "aes", "utf", "base", "level", "type", "step", "page", "line", "file", "field", "option", "policy", "rfc", "win", "windows", "http",
    "oauth", "auth", "api", "app", "prod", "stage", "staging", "dev", "client", "router", "switch", "laptop", "pc", "vm", "worker", "team", "room", "build", "ubuntu", "debian", "centos", "rhel", "python", "postgres", "mysql", "redis", "kafka", "bcrypt", "pbkdf", "argon", "scrypt", "sso", "ldap", "ntlm",
    "kerberos", "tls", "ssl", "ssh", "feature", "phase", "sprint", "group", "ipv", "eth", "zone", "region", "shard", "replica", "mail", "smtp", "ns", "dc", "fs", "nas", "gw", "fw", "ap", "printer", "kiosk", "pos", "terminal", "tenant", "account", "acct", "konto", "kunde", "ticket", "case", "issue",
];

/// The order of the lists: the index of a word tells its kind.
pub(super) const WORD_LISTS: [&[&str]; 5] =
    [names::PASSWORDS, MORE_PASSWORDS, names::SHORT_PASSWORDS, MORE_SHORT_PASSWORDS, CODES];

/// Further lists that the version of the rules covers.
#[cfg(test)]
pub(super) const FURTHER_LISTS: [&[&str]; 5] = [SAYS, TO, OBJECTS, CHANGES, NAMES];

#[cfg(test)]
mod tests {
    use super::*;

    /// A word in two lists counts only in the first, so the second entry would be dead.
    #[test]
    fn no_word_stands_in_two_lists() {
        for (number, list) in WORD_LISTS.iter().enumerate() {
            let earlier = WORD_LISTS[..number].concat();
            for word in *list {
                assert!(!earlier.iter().any(|other| other.eq_ignore_ascii_case(word)), "{word}");
            }
        }
    }
}
