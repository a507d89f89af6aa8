/*!
Splits code and prose into words. An identifier counts as itself and as the words it consists of, so that "prefetch
related objects" in a ticket matches `prefetch_related_objects` and `PrefetchRelatedObjects` in a patch. Without
the splitting, ranking by text loses a tenth of its quality. Words are kept as 32-bit hashes; a query has only a
few hundred words, so collisions are rare and have almost no effect.
*/

/// Identifiers longer than this are data (hashes, base64), not words.
const MAX_WORD: usize = 80;

/// FNV-1a over the lowercased bytes, folded to 32 bits. Part of the file format: it must never change.
pub fn hash_token(token: &str) -> u32 {
    hash_bytes(token.as_bytes())
}

fn hash_bytes(bytes: &[u8]) -> u32 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in bytes {
        hash ^= u64::from(byte.to_ascii_lowercase());
        hash = hash.wrapping_mul(0x0100_0000_01b3);
    }
    (hash ^ (hash >> 32)) as u32
}

/// Calls `visit` with every token of `text`: each identifier, and the parts of compound ones. Bytes above
/// ASCII count as letters, so words of other languages stay whole.
pub fn for_each_token(text: &[u8], mut visit: impl FnMut(&[u8])) {
    for word in words(text) {
        if word.len() > MAX_WORD {
            continue;
        }
        if word.iter().all(u8::is_ascii_digit) {
            if word.len() >= 2 {
                visit(word);
            }
            continue;
        }
        let mut parts = 0;
        let mut start = 0;
        for at in 1..=word.len() {
            if at < word.len() && !is_boundary(word, at) {
                continue;
            }
            let part = trim_underscores(&word[start..at]);
            start = at;
            if part.len() >= 2 && part.len() < word.len() {
                parts += 1;
                visit(part);
            }
        }
        let whole = trim_underscores(word);
        if whole.len() >= 2 && (parts != 1 || whole.len() == word.len()) {
            visit(whole);
        }
    }
}

/// Maximal runs of letters, digits and underscores.
pub fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 0x80))
        .filter(|word| !word.is_empty())
}

/// Hashes of the word 3-grams of `text` that contain a word.
pub fn trigrams(text: &[u8]) -> impl Iterator<Item = u32> {
    let mut window: [u32; 3] = [0; 3];
    let mut seen = 0;
    words(text).filter_map(move |word| {
        window = [window[1], window[2], hash_bytes(word)];
        seen += 1;
        (seen >= 3).then(|| {
            let mut bytes = [0; 12];
            for (chunk, hash) in bytes.chunks_exact_mut(4).zip(window) {
                chunk.copy_from_slice(&hash.to_le_bytes());
            }
            hash_exact(&bytes)
        })
    })
}

/// As `hash_bytes`, but case-sensitive, because the bytes are not text.
fn hash_exact(bytes: &[u8]) -> u32 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in bytes {
        hash ^= u64::from(*byte);
        hash = hash.wrapping_mul(0x0100_0000_01b3);
    }
    (hash ^ (hash >> 32)) as u32
}

/// Hash of one token given as bytes.
pub fn hash_token_bytes(token: &[u8]) -> u32 {
    hash_bytes(token)
}

/// Whether a new part starts at `at`: after an underscore, at `aB`, at the last capital of `HTTPServer`,
/// and between letters and digits.
fn is_boundary(word: &[u8], at: usize) -> bool {
    let (before, here) = (word[at - 1], word[at]);
    if before == b'_' || here == b'_' {
        return before == b'_';
    }
    if before.is_ascii_digit() != here.is_ascii_digit() {
        return true;
    }
    here.is_ascii_uppercase()
        && (before.is_ascii_lowercase() || word.get(at + 1).is_some_and(u8::is_ascii_lowercase))
}

fn trim_underscores(word: &[u8]) -> &[u8] {
    let start = word.iter().position(|byte| *byte != b'_').unwrap_or(word.len());
    let end = word.iter().rposition(|byte| *byte != b'_').map_or(start, |at| at + 1);
    &word[start..end.max(start)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_identifiers() {
        let check = |text: &str, expected: &[&str]| {
            let mut tokens = Vec::new();
            for_each_token(text.as_bytes(), |token| {
                tokens.push(String::from_utf8_lossy(token).into_owned());
            });
            assert_eq!(tokens, expected, "{text}");
        };
        check("prefetch_related()", &["prefetch", "related", "prefetch_related"]);
        check("HTTPServer", &["HTTP", "Server", "HTTPServer"]);
        check("DateTimeZone x", &["Date", "Time", "Zone", "DateTimeZone"]);
        check("__init__", &["init"]);
        check("utf8 404 7", &["utf", "utf8", "404"]);
        check("größe", &["größe"]);
        check("a b_c", &["b_c"]);
        assert_eq!(hash_token("FieldError"), hash_token("fielderror"));
    }

    #[test]
    fn trigrams_need_three_words() {
        assert_eq!(trigrams(b"two words").count(), 0);
        assert_eq!(trigrams(b"is an invalid parameter").count(), 2);
        let (a, b): (Vec<_>, Vec<_>) =
            (trigrams(b"is an invalid").collect(), trigrams(b"Is, AN (invalid").collect());
        assert_eq!(a, b);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_fine(bytes: Vec<u8>) {
            for_each_token(&bytes, |token| assert!(token.len() <= MAX_WORD));
            trigrams(&bytes).count();
        }
    }
}
