/*!
Texts as words, in the same way for stored incidents and for queries.

Identifiers count whole and in parts (`getUserName` is also `get`, `user`, `name`), because tickets mention code
informally while traces name it exactly. Text that differs between two occurrences of one failure (numbers, hashes,
addresses, ids) is left out, and so are English function words. The index uses only the result of this module.
*/

use std::collections::HashSet;

use millwright_model::ParsedTicket;

/// Words kept per field; a pasted log beyond that adds noise, not meaning.
const MAX_WORDS: usize = 1_500;
/// Bytes read per field before splitting into words.
const MAX_BYTES: usize = 64 * 1024;
/// Words of a body that similarity compares.
const COMPARED_WORDS: usize = 100;
const MAX_WORD_BYTES: usize = 64;

/// The two fields of the word index, in reading order, repetitions kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TicketWords {
    pub title: Vec<String>,
    pub body: Vec<String>,
}

impl TicketWords {
    pub fn of(title: &str, body: &[&str]) -> Self {
        let mut words = Self { title: split(title), body: Vec::new() };
        words.title.extend(versions(title));
        let lines = body.iter().flat_map(|part| truncate(part, MAX_BYTES).lines());
        for line in lines {
            words.body.extend(split(line));
            words.body.extend(versions(line));
            if words.body.len() >= MAX_WORDS {
                words.body.truncate(MAX_WORDS);
                break;
            }
        }
        words
    }

    /// Title; then symptom and error messages, the most specific parts, and after them the rest of the text.
    pub fn of_ticket(ticket: &ParsedTicket) -> Self {
        let mut body: Vec<&str> = vec![&ticket.symptom];
        for error in ticket.errors.iter().take(20) {
            body.extend(error.kind.as_deref());
            body.push(&error.message);
        }
        for test in ticket.failing_tests.iter().take(20) {
            body.push(&test.name);
        }
        body.extend(ticket.fingerprint.template.as_deref());
        body.extend(ticket.fingerprint.exception.as_deref());
        body.extend(ticket.context.routes.iter().map(String::as_str));
        // Text that is already included is not added again.
        let said: HashSet<&str> =
            body.iter().copied().chain([ticket.title.as_str()]).flat_map(str::lines).map(str::trim).collect();
        let rest = truncate(&ticket.text, MAX_BYTES).lines().filter(|line| !said.contains(line.trim()));
        body.extend(rest.collect::<Vec<_>>());
        Self::of(&ticket.title, &body)
    }

    /// The part that is compared: the failure is described at the start, and pasted logs after it add noise.
    pub fn head(mut self) -> Self {
        self.body.truncate(COMPARED_WORDS);
        self
    }

    pub fn is_empty(&self) -> bool {
        self.title.is_empty() && self.body.is_empty()
    }
}

/// Splits a text into folded words: identifiers whole and in parts.
pub fn split(text: &str) -> Vec<String> {
    let text = truncate(text, MAX_BYTES);
    let mut words = Vec::new();
    for raw in text.split(|c: char| !(c.is_alphanumeric() || c == '_')) {
        if words.len() >= MAX_WORDS {
            break;
        }
        if raw.is_empty() || raw.len() > MAX_WORD_BYTES {
            continue;
        }
        let whole = raw.trim_matches('_').to_lowercase();
        // `T00` of a timestamp says no more than the timestamp, while `blk` of `blk_1073741825` does.
        if !tells(&whole) && !raw.contains('_') {
            continue;
        }
        let parts = identifier_parts(raw);
        if parts.len() > 1 {
            words.extend(parts.iter().map(|p| p.to_lowercase()).filter(|p| tells(p)).map(|p| stem(&p)));
            words.extend(Some(whole).filter(|w| tells(w)));
        } else {
            words.push(stem(&whole));
        }
    }
    words
}

/// Versions and the like (`9.4.43`, `v2.1`, `CVE-2022-42889`) as one word each: `v9_4_43`, `cve_2022_42889`. They are
/// numbers, but they distinguish one upgrade from another. Network addresses are excluded.
pub fn versions(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let text = truncate(text, MAX_BYTES);
    for raw in text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))) {
        if found.len() >= MAX_WORDS {
            break;
        }
        if raw.len() <= MAX_WORD_BYTES
            && let Some(word) = advisory(raw).or_else(|| version(raw))
        {
            found.push(word);
        }
    }
    found
}

fn advisory(raw: &str) -> Option<String> {
    let raw = raw.trim_matches(['.', '-', '_']);
    let (prefix, rest) = raw.split_once('-')?;
    let known = ["CVE", "GHSA", "RUSTSEC", "PYSEC"].iter().any(|p| prefix.eq_ignore_ascii_case(p));
    (known && rest.len() >= 4).then(|| raw.to_lowercase().replace(['-', '.'], "_"))
}

/// `v9.4.43.Final-jre8` → `v9_4_43`: the numbers in front, two to four of them.
fn version(raw: &str) -> Option<String> {
    // `jackson-databind-2.9.10` and `branch-3.3` have their version at the end.
    let start = raw.find(|c: char| c.is_ascii_digit())?;
    let before = raw.get(..start)?;
    if !(before.is_empty() || before.ends_with(['-', '_']) || before.eq_ignore_ascii_case("v")) {
        return None;
    }
    let parts: Vec<&str> = raw
        .get(start..)?
        .split('.')
        .map_while(|part| {
            let digits = part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            part.get(..digits).filter(|d| !d.is_empty())
        })
        .collect();
    let numbers: Vec<u32> = parts.iter().filter_map(|part| part.parse().ok()).collect();
    let address = numbers.len() == 4 && numbers.iter().any(|n| *n > 99);
    let plausible = numbers.len() == parts.len() && (2..=4).contains(&numbers.len()) && !address;
    plausible.then(|| format!("v{}", parts.join("_")))
}

/// `fetchAll_HTTPResponse2` → `fetch`, `All`, `HTTP`, `Response2`.
fn identifier_parts(raw: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut part = String::new();
    let chars: Vec<char> = raw.chars().collect();
    for (i, &c) in chars.iter().enumerate() {
        let before = i.checked_sub(1).and_then(|j| chars.get(j)).copied();
        let next = chars.get(i + 1).copied();
        let starts_hump = c.is_uppercase()
            && before
                .is_some_and(|b| b.is_lowercase() || b.is_numeric() || next.is_some_and(char::is_lowercase));
        if (c == '_' || starts_hump) && !part.is_empty() {
            parts.push(std::mem::take(&mut part));
        }
        if c != '_' {
            part.push(c);
        }
    }
    if !part.is_empty() {
        parts.push(part);
    }
    parts
}

/// Whether a folded word is specific: not a number, a hash, a single letter or a function word.
fn tells(word: &str) -> bool {
    let length = word.chars().count();
    if length < 2 || STOP_WORDS.binary_search(&word).is_ok() {
        return false;
    }
    let digits = word.chars().filter(char::is_ascii_digit).count();
    let hex = word.strip_prefix("0x").unwrap_or(word).chars().all(|c| c.is_ascii_hexdigit());
    !(digits == length || (hex && digits > 0 && length >= 6) || digits * 2 > length + 2)
}

/// Removes plural and verb endings only (Harman's S-stemmer and `-ing`, `-ed`): enough for `blocks`/`block`,
/// `failing`/`failed`, and it never merges two identifiers that differ.
fn stem(word: &str) -> String {
    let n = word.len();
    if !word.is_ascii() || n < 4 || word.contains('_') || word.bytes().any(|b| b.is_ascii_digit()) {
        return word.to_owned();
    }
    let cut = |suffix: &str, with: &str| word.strip_suffix(suffix).map(|stem| format!("{stem}{with}"));
    let stemmed = if word.ends_with("ies") && n > 4 {
        cut("ies", "y")
    } else if word.ends_with("ing") && n > 5 {
        cut("ing", "")
    } else if word.ends_with("ed") && n > 4 && !word.ends_with("eed") {
        cut("ed", "")
    } else if word.ends_with("es")
        && n > 4
        && ["sses", "shes", "ches", "xes"].iter().any(|s| word.ends_with(s))
    {
        cut("es", "")
    } else if word.ends_with('s') && !word.ends_with("ss") && !word.ends_with("us") {
        cut("s", "")
    } else {
        None
    };
    let mut stemmed = stemmed.unwrap_or_else(|| word.to_owned());
    // `stopping` and `stopped` become `stop`; `create` and `creating` both become `creat`.
    let bytes = stemmed.as_bytes();
    if stemmed.len() < n && n - stemmed.len() >= 2 && bytes.len() > 3 {
        if let [.., a, b] = bytes
            && a == b
            && !matches!(b, b'l' | b's' | b'z')
        {
            stemmed.pop();
        }
    } else if stemmed.len() > 4 && stemmed.ends_with('e') {
        stemmed.pop();
    }
    stemmed
}

fn truncate(text: &str, limit: usize) -> &str {
    let mut end = text.len().min(limit);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or("")
}

/// Sorted. English function words and words that every ticket contains.
const STOP_WORDS: &[&str] = &[
    "about", "after", "all", "also", "am", "an", "and", "any", "are", "as", "at", "be", "because", "been",
    "before", "being", "but", "by", "can", "com", "could", "did", "do", "does", "for", "from", "had", "has",
    "have", "he", "her", "here", "his", "how", "http", "https", "if", "in", "into", "is", "it", "its",
    "just", "like", "may", "me", "more", "my", "no", "not", "now", "of", "on", "one", "only", "or", "org",
    "other", "our", "out", "please", "she", "should", "so", "some", "such", "than", "that", "the", "their",
    "them", "then", "there", "these", "they", "this", "those", "to", "up", "us", "was", "we", "were", "what",
    "when", "where", "which", "who", "will", "with", "would", "www", "you", "your",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(split(text).join(" "), expected, "{text}");
    }

    #[test]
    fn identifiers_count_whole_and_in_parts() {
        check("fetchRows fails", "fetch row fetchrows fail");
        check("FSDownload.java", "fs download fsdownload java");
        check("get_user_name()", "get user name get_user_name");
        check("XMLResponse2", "xml response2 xmlresponse2");
    }

    #[test]
    fn what_varies_between_sightings_is_left_out() {
        check("block blk_1073741825 at 10.0.0.12:50010 is missing", "block blk miss");
        check("0xdeadbeef 3f2a9c1d77 2021-09-08T00:21:11", "");
        check("the commit 9fceb02 broke it", "commit brok");
    }

    #[test]
    fn versions_are_words() {
        for (text, expected) in [
            ("Upgrade Netty to 4.1.46Final", "v4_1_46"),
            ("jetty 9.4.43.v20210629, jackson-databind-2.9.10.3.", "v9_4_43 v2_9_10_3"),
            ("fix CVE-2022-42889 on branch-3.3", "cve_2022_42889 v3_3"),
            ("at 10.0.0.112:50010, line 12, 2021-09-08, a.b.c", ""),
        ] {
            assert_eq!(versions(text).join(" "), expected, "{text}");
        }
        assert_eq!(TicketWords::of("Bump to 1.10.0", &["see 1.9"]).title, ["bump", "v1_10_0"]);
    }

    #[test]
    fn endings_meet() {
        for pair in
            [("failing", "failed"), ("blocks", "block"), ("stopping", "stops"), ("creating", "create")]
        {
            assert_eq!(split(pair.0), split(pair.1), "{pair:?}");
        }
        check("status access", "status access");
    }

    #[test]
    fn stop_words_are_sorted() {
        assert!(STOP_WORDS.is_sorted());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_bounded_and_splits_again_into_itself_or_less(text in ".{0,400}") {
            let words = split(&text);
            proptest::prop_assert!(words.len() <= MAX_WORDS * 8);
            proptest::prop_assert!(words.iter().all(|w| !w.contains([' ', '"', '\0'])));
        }
    }
}
