/*!
Formats the result of a tool for the model: bounded to a share of the model's context, with head, tail, how to read
on, and the evidence that can be cited from it.
*/

use millwright_prompts::{DataFence, EvidenceLine, Prompt, PromptError, ToolResult};
use millwright_tools::ToolCall;

use super::ConversationView;
use crate::run::ToolOutcome;

/// Maximum number of evidence entries listed under a result; the rest can still be read by id.
const LISTED: usize = 12;

impl ConversationView<'_> {
    pub(super) fn result(
        &self,
        call: &ToolCall,
        outcome: &ToolOutcome,
        fence: &DataFence,
    ) -> Result<String, PromptError> {
        let (text, cut) = shortened(&outcome.text, self.room.result_chars());
        let (left_out, offset) = cut.unwrap_or_default();
        ToolResult {
            tool: super::wire_name(&call.name),
            call: call.id.clone(),
            failed: outcome.failure.is_some(),
            text: fence.around("tool output", &text),
            evidence: evidence_lines(outcome),
            left_out,
            offset,
        }
        .render()
    }
}

pub(super) fn evidence_lines(outcome: &ToolOutcome) -> Vec<EvidenceLine> {
    let line = |evidence: &millwright_model::Evidence| EvidenceLine {
        id: evidence.id.0.clone(),
        locator: plain(&evidence.locator.0),
    };
    outcome.evidence.iter().take(LISTED).map(line).collect()
}

/// A locator is shown outside of any fence, and its path may contain anything: unusual characters are escaped, so
/// that the path cannot contain a sentence.
fn plain(locator: &str) -> String {
    let mut out = String::new();
    for char in locator.chars().take(160) {
        match char {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '_' | '/' | ':' | '#' | '@' | '+' | '-' => {
                out.push(char)
            }
            other => out.push_str(&format!("%{:X}", u32::from(other))),
        }
    }
    out
}

/// Shortens a text to two thirds from the start and a third from the end, cut at line ends if they are near. Returns
/// also how many characters are left out, and where the gap begins.
pub fn shortened(text: &str, max_chars: usize) -> (String, Option<(usize, usize)>) {
    let total = text.chars().count();
    if total <= max_chars {
        return (text.to_owned(), None);
    }
    let at = |chars: usize| text.char_indices().nth(chars).map_or(text.len(), |(at, _)| at);
    let head = &text[..at(max_chars * 2 / 3)];
    let head = head.rfind('\n').filter(|end| end * 2 > head.len()).map_or(head, |end| &head[..=end]);
    let tail = &text[at(total - max_chars / 3)..];
    let tail = tail.find('\n').filter(|end| end * 2 < tail.len()).map_or(tail, |end| &tail[end + 1..]);
    let (shown, kept) = (head.chars().count(), tail.chars().count());
    (format!("{}\n[…]\n{tail}", head.trim_end_matches('\n')), Some((total - shown - kept, shown)))
}
