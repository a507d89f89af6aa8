/*!
Converts a message to its shape: parts that certainly vary become `<*>`, in one pass over the bytes.

The masks are general (numbers, sizes and durations, dates, addresses, paths, URLs, quoted text, values after
`key=`, truth values) and not specific to a system. Adjacent wildcards are joined, so that lists of different
lengths have the same shape. Variable words that do not look variable (user names, services) are left to the
merging of shapes.
*/

/// The wildcard of a template.
pub(crate) const WILDCARD: &str = "<*>";

/// How many bytes of a message are read; the rest rarely distinguishes templates.
const MAX_MESSAGE: usize = 4096;
/// A quote that is not closed within this many bytes is an apostrophe or a cut line.
const MAX_QUOTED: usize = 256;

const VERBS: &[&str] = &["GET ", "POST ", "PUT ", "DELETE ", "HEAD ", "PATCH ", "OPTIONS "];
const UNITS: &[&str] = &[
    "bytes", "kib", "mib", "gib", "tib", "kb", "mb", "gb", "tb", "b", "ms", "us", "ns", "s", "sec", "secs",
    "seconds",
];
const DAYS: &[&str] = &["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const MONTHS: &[&str] = &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// Writes the shape of `message` into `out`, which is cleared first.
pub(crate) fn shape(message: &str, out: &mut String) {
    out.clear();
    let bytes = message.as_bytes();
    let bytes = bytes.get(..MAX_MESSAGE).unwrap_or(bytes);
    let mut masker = Masker { text: message, bytes, at: 0, out };
    while masker.at < bytes.len() {
        masker.step();
    }
    let kept = out.trim_end().len();
    out.truncate(kept);
}

struct Masker<'t, 'o> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
    out: &'o mut String,
}

const DELIMITER: u8 = 1;
const WORD: u8 = 2;

/// Classes of bytes; a table, because the masker looks them up several times per byte.
const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let plain = byte as u8;
        if plain.is_ascii_alphanumeric() || plain == b'_' || byte >= 0x80 {
            classes[byte] = WORD;
        } else if plain.is_ascii_whitespace() {
            classes[byte] = DELIMITER;
        }
        byte += 1;
    }
    let joining = b"=:,;|()[]{}\"'@#";
    let mut index = 0;
    while index < joining.len() {
        classes[joining[index] as usize] = DELIMITER;
        index += 1;
    }
    classes
};

/// Whether a byte ends a word: white space, or punctuation between names and values.
fn is_delimiter(byte: u8) -> bool {
    CLASSES[usize::from(byte)] == DELIMITER
}

fn is_word(byte: u8) -> bool {
    CLASSES[usize::from(byte)] == WORD
}

impl Masker<'_, '_> {
    fn step(&mut self) {
        let byte = self.bytes[self.at];
        if byte.is_ascii_whitespace() {
            if !self.out.is_empty() && !self.out.ends_with(' ') {
                self.out.push(' ');
            }
            self.at += 1;
            return;
        }
        let fresh = self.at == 0 || !is_word(self.bytes[self.at - 1]);
        if fresh && let Some(end) = self.special(byte) {
            self.at = end;
            self.wildcard();
            return;
        }
        if fresh && byte == b'"' && self.quoted() {
            return;
        }
        if fresh && (byte.is_ascii_alphabetic() || byte == b'_') && self.assignment() {
            return;
        }
        if is_delimiter(byte) {
            self.out.push(char::from(byte));
            self.at += 1;
            return;
        }
        self.word();
    }

    /// End of a date, URL, path, size or truth value that begins here.
    fn special(&self, byte: u8) -> Option<usize> {
        match byte {
            b'/' | b'\\' | b'.' | b'~' => self.path(self.at),
            b'0'..=b'9' | b'<' => self.quantity(),
            _ if !byte.is_ascii_alphabetic() => None,
            _ => {
                // The first letter and the delimiter determine what the word can be.
                let end = self.run(self.at, |byte| byte.is_ascii_alphanumeric());
                let date = || if b"MTWFSJADON".contains(&byte) { self.date() } else { None };
                let truth = || if b"tTfFnN".contains(&byte) { self.truth() } else { None };
                let url = || {
                    if b":.+".contains(&self.byte(end)) { self.url().or_else(|| self.drive()) } else { None }
                };
                date().or_else(truth).or_else(url)
            }
        }
    }

    fn byte(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(b' ')
    }

    fn run(&self, from: usize, accept: impl Fn(u8) -> bool) -> usize {
        let rest = self.bytes.get(from..).unwrap_or_default();
        from + rest.iter().position(|byte| !accept(*byte)).unwrap_or(rest.len())
    }

    fn date(&self) -> Option<usize> {
        let named = |at: usize, names: &[&str]| {
            let end = self.run(at, |byte| byte.is_ascii_alphabetic());
            let head = self.bytes.get(at..at + 3)?;
            let known = names.iter().any(|name| head.eq_ignore_ascii_case(name.as_bytes()));
            (known && end - at <= 9 && head[0].is_ascii_uppercase()).then_some(end)
        };
        let mut at = self.at;
        if let Some(end) = named(at, DAYS) {
            let end = if self.byte(end) == b',' { end + 1 } else { end };
            at = self.run(end, |byte| byte == b' ');
        }
        let end = named(at, MONTHS)?;
        let day = self.run(end, |byte| byte == b' ');
        let mut end = self.run(day, |byte| byte.is_ascii_digit());
        if day == self.run(at, |byte| byte.is_ascii_alphabetic()) || end == day || end - day > 2 {
            return None;
        }
        // A clock time, a zone and a year may follow.
        let comma = if self.byte(end) == b',' { end + 1 } else { end };
        let clock = self.run(comma, |byte| byte == b' ');
        let clock_end = self.run(clock, |byte| byte.is_ascii_digit() || byte == b':' || byte == b'.');
        if clock_end - clock >= 7 && self.bytes.get(clock..clock_end).is_some_and(|time| time.contains(&b':'))
        {
            end = clock_end;
            let zone = self.run(end, |byte| byte == b' ');
            let zone_end = self.run(zone, |byte| byte.is_ascii_uppercase());
            if (3..=4).contains(&(zone_end - zone)) {
                end = zone_end;
            }
        }
        let year = self.run(end, |byte| byte == b' ' || byte == b',');
        let year_end = self.run(year, |byte| byte.is_ascii_digit());
        Some(if year_end - year == 4 { year_end } else { end })
    }

    fn url(&self) -> Option<usize> {
        let scheme = self.run(self.at, |byte| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'.');
        let found = self.bytes.get(scheme..scheme + 3) == Some(b"://") && scheme - self.at >= 2;
        found.then(|| self.run(scheme + 3, |byte| !byte.is_ascii_whitespace() && !b",;\"')]".contains(&byte)))
    }

    fn drive(&self) -> Option<usize> {
        (self.byte(self.at + 1) == b':' && matches!(self.byte(self.at + 2), b'\\' | b'/'))
            .then(|| self.path(self.at + 2))?
    }

    fn path(&self, from: usize) -> Option<usize> {
        let piece = |byte: u8| is_word(byte) || b".+~$@%:#*-".contains(&byte);
        let slash = |byte: u8| byte == b'/' || byte == b'\\';
        let mut at = self.run(from, |byte| byte == b'.' || byte == b'~');
        let mut pieces = 0;
        while slash(self.byte(at)) {
            let name = self.run(at, slash);
            let end = self.run(name, piece);
            if end == name {
                at = name;
                break;
            }
            (at, pieces) = (end, pieces + 1);
        }
        // A sentence's colon or full stop after the path does not belong to the path.
        while pieces > 0 && matches!(self.bytes.get(at - 1), Some(b':' | b'.')) {
            at -= 1;
        }
        (pieces > 0).then_some(at)
    }

    /// `12`, `1,024 bytes (1 KB)`, `<1 sec`: a number with a unit. `word` handles a bare number.
    fn quantity(&self) -> Option<usize> {
        let digits = if self.bytes[self.at] == b'<' { self.at + 1 } else { self.at };
        let number = self.run(digits, |byte| byte.is_ascii_digit() || byte == b'.' || byte == b',');
        if number == digits || !self.byte(digits).is_ascii_digit() {
            return None;
        }
        let end = self.unit(number)?;
        if self.byte(end) == b' ' && self.byte(end + 1) == b'(' {
            let inner = self.run(end + 2, |byte| byte.is_ascii_digit() || byte == b'.');
            if inner > end + 2
                && let Some(close) = self.unit(inner)
                && self.byte(close) == b')'
            {
                return Some(close + 1);
            }
        }
        Some(end)
    }

    fn unit(&self, from: usize) -> Option<usize> {
        let start = if self.byte(from) == b' ' { from + 1 } else { from };
        let end = self.run(start, |byte| byte.is_ascii_alphabetic());
        let name = self.bytes.get(start..end)?;
        let known = UNITS.iter().any(|unit| name.eq_ignore_ascii_case(unit.as_bytes()));
        (known && !is_word(self.byte(end))).then_some(end)
    }

    fn truth(&self) -> Option<usize> {
        let end = self.run(self.at, is_word);
        let name = self.bytes.get(self.at..end)?;
        let known =
            ["true", "false", "null", "none"].iter().any(|word| name.eq_ignore_ascii_case(word.as_bytes()));
        known.then_some(end)
    }

    fn quoted(&mut self) -> bool {
        let body = self.at + 1;
        let Some(rest) = self.bytes.get(body..(body + MAX_QUOTED).min(self.bytes.len())) else {
            return false;
        };
        let Some(length) = memchr::memchr(b'"', rest) else { return false };
        let inner = rest.get(..length).unwrap_or_default();
        self.out.push('"');
        match VERBS.iter().find(|verb| inner.starts_with(verb.as_bytes())) {
            Some(verb) => {
                self.out.push_str(verb);
                self.out.push_str(WILDCARD);
            }
            None if length > 0 => self.out.push_str(WILDCARD),
            None => {}
        }
        self.out.push('"');
        self.at = body + length + 1;
        true
    }

    /// Keeps the key of `key=value`.
    fn assignment(&mut self) -> bool {
        let equals = self.run(self.at, |byte| is_word(byte) || byte == b'.' || byte == b'-');
        if self.byte(equals) != b'=' || self.byte(equals + 1) == b'=' {
            return false;
        }
        let value = equals + 1;
        let end = match self.byte(value) {
            quote @ (b'"' | b'\'') => {
                let rest =
                    self.bytes.get(value + 1..(value + MAX_QUOTED).min(self.bytes.len())).unwrap_or_default();
                memchr::memchr(quote, rest).map(|length| value + length + 2)
            }
            _ => {
                Some(self.run(value, |byte| !byte.is_ascii_whitespace() && !b",;=(){}[]\"'".contains(&byte)))
            }
        };
        let Some(end) = end.filter(|end| *end > value) else { return false };
        self.copy(self.at, value);
        self.out.push_str(WILDCARD);
        self.at = end;
        true
    }

    fn word(&mut self) {
        let start = self.at;
        let end = self.run(start, |byte| !is_delimiter(byte)).max(start + 1);
        let word = self.bytes.get(start..end).unwrap_or_default();
        self.at = end;
        let digits = word.iter().filter(|byte| byte.is_ascii_digit()).count();
        let letters = word.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        // `ssh2`, `IPV6`, `en0`: a name that ends in one digit stays a word, although merging may still replace
        // it.
        let name = digits == 1 && letters >= 2 && letters + 1 == word.len();
        let hex = word.len() >= 8 && word.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if digits > 0 && !name || hex {
            self.wildcard();
        } else {
            self.copy(start, end);
        }
    }

    fn copy(&mut self, start: usize, end: usize) {
        match self.text.get(start..end) {
            Some(part) => self.out.push_str(part),
            // The cut at MAX_MESSAGE split a character.
            None => {
                self.out.push_str(&String::from_utf8_lossy(self.bytes.get(start..end).unwrap_or_default()))
            }
        }
    }

    /// Appends a wildcard. If only joining punctuation separates it from the previous wildcard, that one covers
    /// both.
    fn wildcard(&mut self) {
        let out = self.out.as_bytes();
        let joints = out.iter().rev().take_while(|byte| b"-.:,/|+@_".contains(byte)).count();
        let spaced = match out {
            [.., b',' | b';', b' '] => 2,
            [.., b' '] => 1,
            _ => 0,
        };
        let ended = |joint: usize| {
            out.get(..out.len() - joint).is_some_and(|head| head.ends_with(WILDCARD.as_bytes()))
        };
        let kept = [joints, spaced].into_iter().find(|joint| ended(*joint)).map(|joint| out.len() - joint);
        match kept {
            Some(kept) => self.out.truncate(kept),
            None => self.out.push_str(WILDCARD),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(message: &str, expected: &str) {
        let mut out = String::new();
        shape(message, &mut out);
        assert_eq!(out, expected);
    }

    #[test]
    fn shapes() {
        check("Took 12 ms (3 of 4)", "Took <*> (<*> of <*>)");
        check("sent 1165 bytes (1.13 KB), lifetime <1 sec", "sent <*>, lifetime <*>");
        check("open /var/log/x.log: No such file", "open <*>: No such file");
        check("C:\\Windows\\a.dll loaded", "<*> loaded");
        check("user=root uid=0 tty=", "user=<*> uid=<*> tty=");
        check("\"GET /a/b HTTP/1.1\" status: 200", "\"GET <*>\" status: <*>");
        check("from 10.0.0.1:8080 at Sat Jun 18 02:08:10 2005", "from <*> at <*>");
        check("nodes 1, 2, 3 4 up", "nodes <*> up");
        check("ssh2 over IPV6 on worker-17", "ssh2 over IPV6 on <*>");
        check("see https://a.b/c?d=1, ok: true", "see <*>, ok: <*>");
        check("digest 0badcafe of blk_-1608999687919862906", "digest <*> of <*>");
        check("May I enter? Mon plaisir", "May I enter? Mon plaisir");
        check("", "");
    }

    #[test]
    fn hostile_messages_pass() {
        for message in
            ["\"", "=", "a=", "<", "é=ü", "C:\\", "~", "....", &"é1".repeat(4000), &"\"".repeat(9000)]
        {
            shape(message, &mut String::new());
        }
    }
}
