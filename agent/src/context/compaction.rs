/*!
Compaction: when a conversation no longer fits into the model's context, a list of what the older steps did replaces
them. The brief, the board and every citation stay. A compaction that does not shrink the conversation is refused.
*/

use millwright_prompts::{CompactedPrompt, Prompt, PromptError};

use super::{ConversationView, HypothesisBoard, ModelMessage, estimate};
use crate::run::{AskPurpose, Compaction, DialogueEntry};

/// Number of the newest steps that stay in full if there is room.
const KEPT: usize = 3;
/// Maximum number of calls that are listed one by one; the results of earlier ones are in the board and the evidence.
const TOLD: usize = 60;
/// Maximum length of a line about a removed call.
const LINE_CHARS: usize = 160;

/// A compaction of the conversation that fits into its room; `None` if no compaction shrinks it enough.
///
/// # Errors
/// When a prompt cannot be rendered.
pub fn compact(view: &ConversationView<'_>, beside: usize) -> Result<Option<Compaction>, PromptError> {
    let tokens_before = estimate(&view.messages()?, beside);
    for kept_steps in (0..=KEPT).rev() {
        let tokens_after = estimate(&view.compacted(view.run.log().len(), kept_steps)?, beside);
        // Leave room for a few more steps, or the conversation would be compacted again at once.
        if tokens_after < tokens_before && tokens_after <= view.room.input_tokens() * 3 / 4 {
            return Ok(Some(Compaction { kept_steps, tokens_before, tokens_after }));
        }
    }
    Ok(None)
}

impl ConversationView<'_> {
    /// The conversation with everything before `end` compacted to its last `kept_steps` steps, and what came
    /// after `end`.
    pub(super) fn compacted(&self, end: usize, kept_steps: usize) -> Result<Vec<ModelMessage>, PromptError> {
        let log = self.run.log();
        let steps: Vec<usize> = (0..end)
            .filter(
                |at| matches!(&log[*at], DialogueEntry::ModelAsked(ask) if ask.purpose == AskPurpose::Plan),
            )
            .collect();
        let first_kept =
            steps.len().checked_sub(kept_steps).and_then(|at| steps.get(at)).copied().unwrap_or(end);
        let fence = self.fence();
        let first_asked = steps.first().copied().unwrap_or(end);
        let mut lines = Vec::new();
        for entry in &log[first_asked.min(first_kept)..first_kept] {
            let DialogueEntry::Planned { calls, .. } = entry else { continue };
            for (call, outcome) in calls.clone().filter_map(|at| self.run.call_at(at)) {
                let cites: Vec<&str> = outcome
                    .iter()
                    .flat_map(|outcome| &outcome.evidence)
                    .map(|one| one.id.0.as_str())
                    .collect();
                let failed = outcome.is_some_and(|outcome| outcome.failure.is_some());
                let mut line = format!("{} {} {}", call.id, call.name, call.args);
                if let Some((at, _)) = line.char_indices().nth(LINE_CHARS) {
                    line.truncate(at);
                }
                let failed = if failed { ": failed" } else { "" };
                let cites = if cites.is_empty() { String::new() } else { format!(": {}", cites.join(", ")) };
                lines.push(format!("{line}{failed}{cites}"));
            }
        }
        let lines = lines.split_off(lines.len().saturating_sub(TOLD));
        let taken = steps.iter().filter(|at| **at < first_kept).count();
        let mut messages = self.opening()?;
        messages.push(ModelMessage::User(
            CompactedPrompt {
                steps: u32::try_from(taken).unwrap_or(u32::MAX),
                calls: fence.around("calls", &lines.join("\n")),
                board: fence.around("board", &HypothesisBoard::of(self.run).in_words()),
            }
            .render()?,
        ));
        self.from(messages, first_kept.max(1))
    }
}
