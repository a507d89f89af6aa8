/*!
What a model sees, and nothing else decides it: the system prompt, the brief, then a conversation to which is only
ever appended. It is built from the run's events alone, so that a resumed run asks in the same words, byte for byte,
and a provider's prompt cache hits from step to step. Only a compaction, or the fall from one action mode to the
other, begins a new prefix.
*/

mod board;
mod brief;
mod compaction;
mod guard;
mod message;
mod results;
mod shelf;

use millwright_prompts::{Fence, Prompt, PromptError, Steered};

use crate::run::{ActionMode, Choice, Entry, ModelAsk, Purpose, Run};

pub use board::{Board, BoardEntry, MOST_HYPOTHESES};
pub use compaction::compact;
pub use guard::{Guarded, guard};
pub use message::{Message, SaidCall, estimate, wire_id, wire_name};
pub use results::shortened;
pub use shelf::Shelf;

/// A question, ready to be sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    pub ask: ModelAsk,
    pub messages: Vec<Message>,
    /// The run was interrupted while this very question was open.
    pub again: bool,
}

/// How much a model can take in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    pub context_tokens: u64,
    pub max_output_tokens: u64,
}

impl Room {
    /// Longest tool result shown whole, in characters: one result fills at most an eighth of the context.
    pub fn result_chars(self) -> usize {
        let share = usize::try_from(self.context_tokens / 8).unwrap_or(usize::MAX).saturating_mul(3);
        share.clamp(600, millwright_tools::tool::MAX_TEXT_CHARS)
    }

    /// From here on a conversation is compacted.
    pub fn input_tokens(self) -> u64 {
        self.context_tokens.saturating_sub(self.max_output_tokens)
    }
}

/// Builds the conversation of a run in one action mode.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    pub run: &'a Run,
    pub mode: ActionMode,
    pub room: Room,
    pub steps: u32,
    /// The system prompt.
    pub system: &'a str,
}

impl View<'_> {
    /// The conversation so far.
    ///
    /// # Errors
    /// When a prompt cannot be rendered.
    pub fn messages(&self) -> Result<Vec<Message>, PromptError> {
        let since = self.run.log().iter().rposition(|entry| matches!(entry, Entry::Compacted(_)));
        match since.map(|at| (at, &self.run.log()[at])) {
            Some((at, Entry::Compacted(compaction))) => self.compacted(at, compaction.kept_steps),
            _ => self.from(self.opening()?, 0),
        }
    }

    pub(crate) fn fence(&self) -> Fence {
        Fence::of_run(self.run.request().map_or("", |request| &request.run_id))
    }

    fn opening(&self) -> Result<Vec<Message>, PromptError> {
        Ok(vec![Message::System(self.system.to_owned()), Message::User(brief::brief(self)?)])
    }

    /// The log from `first` on, appended to `messages`.
    fn from(&self, mut messages: Vec<Message>, first: usize) -> Result<Vec<Message>, PromptError> {
        let fence = self.fence();
        let mut purpose = Purpose::Plan;
        // Planned calls before the first question belong to the brief.
        let mut asked = first > 0;
        for (at, entry) in self.run.log().iter().enumerate().skip(first) {
            match entry {
                Entry::Asked(ask) => {
                    purpose = ask.purpose;
                    asked = true;
                    if purpose == Purpose::Plan {
                        messages.extend(ask.remarks.iter().cloned().map(Message::User));
                    }
                }
                Entry::Answered(turn) if purpose == Purpose::Plan => {
                    let calls = match self.run.log().get(at + 1) {
                        Some(Entry::Planned { by_rules: false, calls }) => calls.clone(),
                        _ => 0..0,
                    };
                    self.answered(&mut messages, &turn.text, calls, &fence)?;
                }
                Entry::Planned { by_rules: true, calls } if asked => {
                    for position in calls.clone() {
                        if let Some((call, Some(outcome))) = self.run.call_at(position) {
                            messages.push(Message::User(self.result(call, outcome, &fence)?));
                        }
                    }
                }
                Entry::Steered { text, by } => {
                    let text = fence.around("message", text);
                    let by = by.chars().filter(|char| !char.is_control()).take(60).collect();
                    messages.push(Message::User(Steered { by, text }.render()?));
                }
                Entry::Answered(_) | Entry::Failed(_) | Entry::Planned { .. } | Entry::Compacted(_) => {}
            }
        }
        Ok(messages)
    }

    /// An answer and the results of its calls, in the shape of this action mode.
    fn answered(
        &self,
        messages: &mut Vec<Message>,
        text: &str,
        calls: std::ops::Range<usize>,
        fence: &Fence,
    ) -> Result<(), PromptError> {
        let said: Vec<SaidCall> = calls
            .clone()
            .filter_map(|position| self.run.call_at(position))
            .map(|(call, _)| SaidCall {
                id: wire_id(&call.id),
                name: wire_name(&call.name),
                // What was no object when it came is told in the result; servers refuse it in a history.
                arguments: if call.args.is_object() { call.args.to_string() } else { "{}".to_owned() },
            })
            .collect();
        let native = self.mode == ActionMode::Tools;
        let text = match said.first() {
            Some(call) if !native => {
                format!("{{\"action\":{{\"tool\":{},\"arguments\":{}}}}}", quoted(&call.name), call.arguments)
            }
            // An empty answer is no message to most servers.
            None if text.trim().is_empty() => "(no answer)".to_owned(),
            _ => text.to_owned(),
        };
        messages.push(Message::Assistant { text, calls: if native { said } else { Vec::new() } });
        for position in calls {
            let Some((call, Some(outcome))) = self.run.call_at(position) else { continue };
            let result = self.result(call, outcome, fence)?;
            messages.push(match native {
                true => Message::Tool { call: wire_id(&call.id), text: result },
                false => Message::User(result),
            });
        }
        Ok(())
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// What a question may be answered with, when the budget or the guard leaves no other way.
pub fn forced(mode: ActionMode, withdrawn: bool) -> Choice {
    match (mode, withdrawn) {
        (ActionMode::Tools, true) => Choice::NoTools,
        _ => Choice::Conclude,
    }
}

#[cfg(test)]
#[path = "context_tests.rs"]
mod tests;
