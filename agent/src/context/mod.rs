/*!
Builds everything that a model sees: the system prompt, the brief, then a conversation that only grows. It is built
from the run's events alone, so that a resumed run asks with the same bytes, and a provider's prompt cache works from
step to step. Only a compaction, or a change of the action mode, begins a new prefix.
*/

pub(crate) mod answer_text;
mod board;
mod brief;
mod compaction;
mod evidence_cache;
mod guard;
mod message;
mod results;

use millwright_prompts::{DataFence, Prompt, PromptError, SteeredPrompt};

use crate::run::{ActionMode, AllowedAnswer, AskPurpose, DialogueEntry, ModelAsk, Run};

pub use board::{BoardEntry, HypothesisBoard, MOST_HYPOTHESES};
pub use compaction::compact;
pub use evidence_cache::EvidenceCache;
pub use guard::{LoopGuardAdvice, guard};
pub use message::{ModelMessage, SaidCall, estimate, wire_id, wire_name};
pub use results::shortened;

/// A question, ready to be sent.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelRequest {
    pub ask: ModelAsk,
    pub messages: Vec<ModelMessage>,
    /// The run was interrupted while this question was open.
    pub again: bool,
}

/// The size of a model's context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContextBudget {
    pub context_tokens: u64,
    pub max_output_tokens: u64,
}

impl ContextBudget {
    /// Maximum length of a tool result shown whole, in characters: one result fills at most an eighth of the context.
    pub fn result_chars(self) -> usize {
        let share = usize::try_from(self.context_tokens / 8).unwrap_or(usize::MAX).saturating_mul(3);
        share.clamp(600, millwright_tools::MAX_TEXT_CHARS)
    }

    /// Number of tokens above which a conversation is compacted.
    pub fn input_tokens(self) -> u64 {
        self.context_tokens.saturating_sub(self.max_output_tokens)
    }
}

/// Builds the conversation of a run in one action mode.
#[derive(Debug, Clone, Copy)]
pub struct ConversationView<'a> {
    pub run: &'a Run,
    pub mode: ActionMode,
    pub room: ContextBudget,
    pub steps: u32,
    /// The system prompt.
    pub system: &'a str,
}

impl ConversationView<'_> {
    /// The conversation so far.
    ///
    /// # Errors
    /// When a prompt cannot be rendered.
    pub fn messages(&self) -> Result<Vec<ModelMessage>, PromptError> {
        let since = self.run.log().iter().rposition(|entry| matches!(entry, DialogueEntry::Compacted(_)));
        match since.map(|at| (at, &self.run.log()[at])) {
            Some((at, DialogueEntry::Compacted(compaction))) => self.compacted(at, compaction.kept_steps),
            _ => self.from(self.opening()?, 0),
        }
    }

    pub(crate) fn fence(&self) -> DataFence {
        DataFence::of_run(self.run.request().map_or("", |request| request.run_id.as_str()))
    }

    fn opening(&self) -> Result<Vec<ModelMessage>, PromptError> {
        Ok(vec![ModelMessage::System(self.system.to_owned()), ModelMessage::User(brief::brief(self)?)])
    }

    /// The log from `first` on, appended to `messages`.
    fn from(&self, mut messages: Vec<ModelMessage>, first: usize) -> Result<Vec<ModelMessage>, PromptError> {
        let fence = self.fence();
        let mut purpose = AskPurpose::Plan;
        // Calls planned before the first question belong to the brief.
        let mut asked = first > 0;
        for (at, entry) in self.run.log().iter().enumerate().skip(first) {
            match entry {
                DialogueEntry::ModelAsked(ask) => {
                    purpose = ask.purpose;
                    asked = true;
                    if purpose == AskPurpose::Plan {
                        messages.extend(ask.remarks.iter().cloned().map(ModelMessage::User));
                    }
                }
                DialogueEntry::Answered(turn) if purpose == AskPurpose::Plan => {
                    let calls = match self.run.log().get(at + 1) {
                        Some(DialogueEntry::Planned { by_rules: false, calls }) => calls.clone(),
                        _ => 0..0,
                    };
                    self.answered(&mut messages, &turn.text, calls, &fence)?;
                }
                DialogueEntry::Planned { by_rules: true, calls } if asked => {
                    for position in calls.clone() {
                        if let Some((call, Some(outcome))) = self.run.call_at(position) {
                            messages.push(ModelMessage::User(self.result(call, outcome, &fence)?));
                        }
                    }
                }
                DialogueEntry::Steered { text, by } => {
                    let text = fence.around("message", text);
                    let by = by.chars().filter(|char| !char.is_control()).take(60).collect();
                    messages.push(ModelMessage::User(SteeredPrompt { by, text }.render()?));
                }
                DialogueEntry::Answered(_)
                | DialogueEntry::Failed(_)
                | DialogueEntry::Planned { .. }
                | DialogueEntry::Compacted(_) => {}
            }
        }
        Ok(messages)
    }

    /// An answer and the results of its calls, in the shape of this action mode.
    fn answered(
        &self,
        messages: &mut Vec<ModelMessage>,
        text: &str,
        calls: std::ops::Range<usize>,
        fence: &DataFence,
    ) -> Result<(), PromptError> {
        let said: Vec<SaidCall> = calls
            .clone()
            .filter_map(|position| self.run.call_at(position))
            .map(|(call, _)| SaidCall {
                id: wire_id(&call.id),
                name: wire_name(&call.name),
                // Arguments that are not an object are reported in the result; servers refuse them in a history.
                arguments: if call.args.is_object() { call.args.to_string() } else { "{}".to_owned() },
            })
            .collect();
        let native = self.mode == ActionMode::Tools;
        let text = match said.first() {
            Some(call) if !native => {
                format!("{{\"action\":{{\"tool\":{},\"arguments\":{}}}}}", quoted(&call.name), call.arguments)
            }
            // Most servers do not accept an empty message.
            None if text.trim().is_empty() => "(no answer)".to_owned(),
            _ => text.to_owned(),
        };
        messages.push(ModelMessage::Assistant { text, calls: if native { said } else { Vec::new() } });
        for position in calls {
            let Some((call, Some(outcome))) = self.run.call_at(position) else { continue };
            let result = self.result(call, outcome, fence)?;
            messages.push(match native {
                true => ModelMessage::Tool { call: wire_id(&call.id), text: result },
                false => ModelMessage::User(result),
            });
        }
        Ok(())
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The allowed answer when the budget or the guard leaves no other way.
pub fn forced(mode: ActionMode, withdrawn: bool) -> AllowedAnswer {
    match (mode, withdrawn) {
        (ActionMode::Tools, true) => AllowedAnswer::NoTools,
        _ => AllowedAnswer::Conclude,
    }
}

#[cfg(test)]
#[path = "context_tests.rs"]
mod tests;
