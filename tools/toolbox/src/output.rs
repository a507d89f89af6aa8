/*!
The output of a tool, and the bounds that every output must keep. Nothing unbounded reaches a planner, a model, a page
or a log line: a text that is too long keeps its head and its tail, and says what was left out and how to read on.
*/

use millwright_model::EvidenceDraft;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Maximum length of a text for a planner or model, in characters (about four thousand tokens).
pub const MAX_TEXT_CHARS: usize = 16_000;
/// Longest single line of a text, in characters: minified sources and log lines with payloads.
const MAX_LINE_CHARS: usize = 1_000;
/// Largest structured result, in bytes of JSON.
const MAX_DATA_BYTES: usize = 4 << 20;
/// Largest text of one piece of evidence, in characters, and their number.
const MAX_EVIDENCE_CHARS: usize = 64_000;
const MAX_EVIDENCE: usize = 64;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ToolOutput {
    /// For the planner or model; bounded by dispatch.
    pub text: String,
    /// The structured result, for the playbook.
    pub data: Value,
    /// Evidence that may be cited from this answer.
    pub evidence: Vec<EvidenceDraft>,
    /// The part of the question that this answer does not cover.
    pub not_searched: Option<String>,
    /// How to see the rest.
    pub more: Option<NextPage>,
}

/// Where the next page starts: call again with `offset`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextPage {
    pub offset: u64,
    /// What is left, in words: `37 more commits`.
    pub left: String,
}

impl ToolOutput {
    /// An answer with a text and its structured form. A value that cannot be serialised becomes null.
    pub fn new(text: impl Into<String>, data: impl Serialize) -> Self {
        Self { text: text.into(), data: serde_json::to_value(data).unwrap_or(Value::Null), ..Self::default() }
    }

    #[must_use]
    pub fn with_evidence(mut self, evidence: impl IntoIterator<Item = EvidenceDraft>) -> Self {
        self.evidence.extend(evidence);
        self
    }

    #[must_use]
    pub fn with_more(mut self, more: Option<NextPage>) -> Self {
        self.more = more;
        self
    }

    #[must_use]
    pub fn with_not_searched(mut self, what: impl Into<String>) -> Self {
        self.not_searched = Some(what.into());
        self
    }

    /// Applies the bounds; the last step of the pipeline.
    pub(super) fn bounded(mut self) -> Self {
        self.text = shorten_lines(&self.text);
        let mut footer = String::new();
        if let Some(what) = &self.not_searched {
            footer.push_str(&format!("\n[not searched: {what}]"));
        }
        if let Some(more) = &self.more {
            footer.push_str(&format!("\n[{}; use offset {} to see more]", more.left, more.offset));
        }
        self.text = head_and_tail(&self.text, MAX_TEXT_CHARS.saturating_sub(footer.chars().count()));
        self.text.push_str(&footer);
        if serde_json::to_vec(&self.data).map_or(0, |bytes| bytes.len()) > MAX_DATA_BYTES {
            self.data = Value::Null;
            self.text.push_str("\n[the structured result was too large and is left out; ask for less]");
        }
        self.evidence.truncate(MAX_EVIDENCE);
        for evidence in &mut self.evidence {
            // Evidence is cut at its end only, so that the remaining text can be quoted literally.
            if let Some((at, _)) = evidence.text.char_indices().nth(MAX_EVIDENCE_CHARS) {
                evidence.text.truncate(before_a_secret(&evidence.text, at));
            }
        }
        self
    }
}

/// Where to cut a text that must end by `at`. Masking does not recognise half a secret, so a word is never cut in
/// two.
fn before_a_secret(text: &str, at: usize) -> usize {
    const LONGEST_WORD: usize = 400;
    let from = text.floor_char_boundary(at.saturating_sub(LONGEST_WORD));
    let inside = text[at..].chars().next().is_some_and(|next| !next.is_whitespace());
    match text[from..at].rfind(char::is_whitespace) {
        Some(space) if inside => from + space,
        _ => at,
    }
}

fn shorten_lines(text: &str) -> String {
    if text.lines().all(|line| line.len() <= MAX_LINE_CHARS) {
        return text.to_owned();
    }
    let short = |line: &str| match line.char_indices().nth(MAX_LINE_CHARS) {
        Some((at, _)) => {
            let at = before_a_secret(line, at);
            format!("{} … [{} more characters]", &line[..at], line[at..].chars().count())
        }
        None => line.to_owned(),
    };
    text.lines().map(short).collect::<Vec<_>>().join("\n")
}

/// Keeps whole lines: two thirds from the start, one third from the end.
fn head_and_tail(text: &str, max_chars: usize) -> String {
    let total = text.chars().count();
    if total <= max_chars {
        return text.to_owned();
    }
    let budget = max_chars.saturating_sub(80);
    let take = |lines: &mut dyn Iterator<Item = &'_ str>, mut room: usize| {
        let mut count = 0;
        for line in lines {
            let length = line.chars().count() + 1;
            if length > room {
                break;
            }
            room -= length;
            count += 1;
        }
        count
    };
    let lines: Vec<&str> = text.lines().collect();
    let head = take(&mut lines.iter().copied(), budget * 2 / 3);
    let tail = take(&mut lines.iter().skip(head).rev().copied(), budget / 3);
    let left_out = lines.len() - head - tail;
    let mut kept: Vec<String> = lines.iter().take(head).map(|line| (*line).to_owned()).collect();
    kept.push(format!("[… {left_out} lines left out here; ask for a narrower part to see them …]"));
    kept.extend(lines.iter().skip(lines.len() - tail).map(|line| (*line).to_owned()));
    kept.join("\n")
}

#[cfg(test)]
mod tests {
    use millwright_model::{EvidenceSource, Locator};

    use super::*;

    #[test]
    fn a_short_answer_is_left_alone() {
        let output = ToolOutput::new("two\nlines", serde_json::json!({"n": 1})).bounded();
        assert_eq!(output.text, "two\nlines");
        assert_eq!(output.data["n"], 1);
    }

    #[test]
    fn a_long_answer_keeps_head_and_tail_and_says_how_to_go_on() {
        let text: String = (0..5000).map(|n| format!("line {n} äöü\n")).collect();
        let output = ToolOutput::new(text, Value::Null)
            .with_more(Some(NextPage { offset: 200, left: "37 more commits".into() }))
            .with_not_searched("files that are not source code")
            .bounded();
        assert!(output.text.chars().count() <= MAX_TEXT_CHARS);
        assert!(output.text.starts_with("line 0 äöü\nline 1 "));
        assert!(output.text.contains("lines left out here"));
        assert!(output.text.contains("line 4999 äöü\n[not searched: files that are not source code]"));
        assert!(output.text.ends_with("[37 more commits; use offset 200 to see more]"));
    }

    #[test]
    fn a_minified_line_is_cut() {
        let output = ToolOutput::new(format!("a\n{}\nz", "ß".repeat(90_000)), Value::Null).bounded();
        assert_eq!(output.text.lines().count(), 3);
        assert!(output.text.contains("ß … [89000 more characters]\nz"));
    }

    #[test]
    fn a_cut_halves_no_secret() {
        let line = format!("{} key=AKIAQYLPMN5HFIQR7XYA and more", "x ".repeat(492));
        let output = ToolOutput::new(line, Value::Null).bounded();
        assert!(!output.text.contains("AKIA"), "{}", output.text);
        assert!(output.text.contains("more characters"), "{}", output.text);
    }

    #[test]
    fn data_and_evidence_are_bounded() {
        let mut output = ToolOutput::new("x", vec!["y".repeat(1000); 5000]);
        output.evidence = vec![
            EvidenceDraft {
                source: EvidenceSource::Git,
                locator: Locator::memory(&"inc_1".parse().unwrap()),
                text: "é".repeat(MAX_EVIDENCE_CHARS + 9),
            };
            MAX_EVIDENCE + 1
        ];
        let output = output.bounded();
        assert_eq!(output.data, Value::Null);
        assert!(output.text.contains("too large"));
        assert_eq!(output.evidence.len(), MAX_EVIDENCE);
        assert!(output.evidence.iter().all(|e| e.text.chars().count() == MAX_EVIDENCE_CHARS));
    }
}
