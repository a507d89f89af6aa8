/*!
Keeps the beginning and the end of an output of any length in bounded memory. Failures are usually visible at the
beginning (what was run) and at the end (how it failed), seldom in between.
*/

use std::collections::VecDeque;

#[derive(Debug)]
pub(super) struct BoundedOutput {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    head_bytes: usize,
    tail_bytes: usize,
    seen_bytes: u64,
}

impl BoundedOutput {
    pub(super) fn new(kept_bytes: usize) -> Self {
        let head_bytes = kept_bytes / 4;
        Self {
            head: Vec::new(),
            tail: VecDeque::new(),
            head_bytes,
            tail_bytes: kept_bytes - head_bytes,
            seen_bytes: 0,
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.seen_bytes += bytes.len() as u64;
        let (first, rest) = bytes.split_at(bytes.len().min(self.head_bytes - self.head.len()));
        self.head.extend_from_slice(first);
        let rest = &rest[rest.len().saturating_sub(self.tail_bytes)..];
        let excess = (self.tail.len() + rest.len()).saturating_sub(self.tail_bytes);
        self.tail.drain(..excess);
        self.tail.extend(rest);
    }

    /// Number of all bytes pushed so far, kept or not.
    pub(super) fn seen_bytes(&self) -> u64 {
        self.seen_bytes
    }

    /// The text, and whether part of it was left out.
    pub(super) fn finish(mut self) -> (String, bool) {
        let left_out = self.seen_bytes - (self.head.len() + self.tail.len()) as u64;
        if left_out == 0 {
            self.head.extend(self.tail);
            return (String::from_utf8_lossy(&self.head).into_owned(), false);
        }
        let mut text = String::from_utf8_lossy(&self.head).into_owned();
        if !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(&format!("[… {left_out} bytes of output left out …]\n"));
        text.push_str(&String::from_utf8_lossy(self.tail.make_contiguous()));
        (text, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kept: usize, pieces: &[&str], expected: &str) {
        let mut output = BoundedOutput::new(kept);
        for piece in pieces {
            output.push(piece.as_bytes());
        }
        let (text, truncated) = output.finish();
        assert_eq!(text, expected);
        assert_eq!(truncated, expected.contains("left out"));
    }

    #[test]
    fn beginning_and_end_are_kept() {
        check(16, &[], "");
        check(16, &["short"], "short");
        check(16, &["exactly", " sixteen!"], "exactly sixteen!");
        check(8, &["abcdefgh", "ij"], "ab\n[… 2 bytes of output left out …]\nefghij");
        check(8, &["abcdefghijklmnop"], "ab\n[… 8 bytes of output left out …]\nklmnop");
        check(0, &["x"], "\n[… 1 bytes of output left out …]\n");
    }

    #[test]
    fn a_character_cut_in_two_is_replaced() {
        check(8, &["aéb", "cdefgh"], "a\u{fffd}\n[… 2 bytes of output left out …]\ncdefgh");
    }
}
