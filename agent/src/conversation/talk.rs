/*!
The model's part of a conversation: it answers a question with reading tools, and its sentences are checked against
the evidence afterwards. Messages are only appended, so that a provider's prompt cache works; when they no longer fit,
the oldest questions are dropped with their answers. Questions, tokens and money are limited as in a run.
*/

use millwright_model::Report;
use millwright_prompts::{ChatPrompt, ChatTopic, DataFence, EvidenceLine, Prompt, PromptError, ToolResult};
use millwright_tools::ToolSpec;

use super::grounding::unsupported;
use super::rules::CallResult;
use super::{Conversation, ConversationListener, plain};
use crate::context::{ModelMessage, SaidCall, shortened, wire_id};
use crate::planner::openai::{ModelReply, ModelSpeaker};
use crate::report::cause_heading;
use crate::run::{ActionMode, FailureKind, TokenCounts};

/// Maximum number of questions to the model for one answer.
const STEPS: usize = 12;
/// Maximum number of evidence entries listed with a result.
const LISTED: usize = 12;

pub(super) struct ModelConversation {
    speaker: ModelSpeaker,
    mode: ActionMode,
    fence: DataFence,
    messages: Vec<ModelMessage>,
    /// The position in `messages` at which each question of the person begins.
    questions: Vec<usize>,
    /// Context that the model has not received yet.
    topic: Topic,
    /// Old questions were dropped, perhaps including the topic of the conversation.
    forgot: bool,
    spent: TokenCounts,
    cost_usd: f64,
}

#[derive(Default)]
enum Topic {
    #[default]
    Told,
    /// The ticket, and perhaps a report.
    New(Option<Box<Report>>),
}

impl ModelConversation {
    pub(super) fn new(speaker: ModelSpeaker) -> Self {
        Self {
            mode: speaker.mode(),
            speaker,
            fence: DataFence::of_run(&uuid::Uuid::new_v4().to_string()),
            messages: Vec::new(),
            questions: Vec::new(),
            topic: Topic::New(None),
            forgot: false,
            spent: TokenCounts::default(),
            cost_usd: 0.0,
        }
    }

    pub(super) fn name(&self) -> &str {
        self.speaker.name()
    }

    pub(super) fn topic_changed(&mut self, report: &Report) {
        self.topic = Topic::New(Some(Box::new(report.clone())));
    }

    fn begin(&mut self, tools: &[ToolSpec]) -> Result<(), PromptError> {
        let tools = match self.mode {
            ActionMode::Tools => None,
            ActionMode::Constrained => Some(ModelSpeaker::in_words(tools)),
        };
        let system = ChatPrompt { mark: self.fence.mark().to_owned(), tools }.render()?;
        match self.messages.first_mut() {
            Some(first) => *first = ModelMessage::System(system),
            None => self.messages.push(ModelMessage::System(system)),
        }
        Ok(())
    }

    /// Changes the action mode: the other mode allows no native calls in its history.
    fn switch(&mut self, tools: &[ToolSpec]) -> Result<(), PromptError> {
        self.mode = ActionMode::Constrained;
        self.begin(tools)
    }

    fn keep_within(&mut self, tools: &[ToolSpec]) -> Result<(), String> {
        let room = self.speaker.settings().room.input_tokens();
        while self.speaker.reserved(&self.messages, tools, self.mode).input > room {
            // The current question stays; everything before the second question is dropped.
            let Some(next) = self.questions.get(1).copied() else {
                return Err(
                    "the question no longer fits into the model's context (model.context_tokens)".to_owned()
                );
            };
            let first = self.questions.remove(0);
            self.messages.drain(first..next);
            self.forgot = true;
            for at in &mut self.questions {
                *at -= next - first;
            }
        }
        Ok(())
    }

    fn said(&mut self, reply: &ModelReply, first_call: usize) -> Vec<SaidCall> {
        let calls: Vec<SaidCall> = reply
            .calls
            .iter()
            .zip(first_call..)
            .map(|((name, arguments), number)| SaidCall {
                id: wire_id(&format!("c{number}")),
                name: name.clone(),
                arguments: if arguments.is_object() { arguments.to_string() } else { "{}".to_owned() },
            })
            .collect();
        let native = self.mode == ActionMode::Tools && !reply.turn.calls.is_empty();
        let text = match reply.turn.text.trim() {
            "" if !native || calls.is_empty() => "(no answer)".to_owned(),
            _ => reply.turn.text.clone(),
        };
        self.messages
            .push(ModelMessage::Assistant { text, calls: if native { calls.clone() } else { Vec::new() } });
        calls
    }

    fn result(&mut self, call: &SaidCall, native: bool, found: &CallResult) -> Result<(), PromptError> {
        let (text, cut) = shortened(&found.text, self.speaker.settings().room.result_chars());
        let line = |(id, locator): &(millwright_model::EvidenceId, String)| EvidenceLine {
            id: id.0.clone(),
            locator: locator.chars().filter(|char| !char.is_control()).take(160).collect(),
        };
        let text = if cut.is_some() { format!("{text}\n[shortened; ask for a narrower part]") } else { text };
        let text = ToolResult {
            tool: call.name.chars().filter(|char| !char.is_control()).take(60).collect(),
            call: call.id.clone(),
            failed: found.failure.is_some(),
            text: self.fence.around("tool output", &text),
            evidence: found.evidence.iter().take(LISTED).map(line).collect(),
            left_out: 0,
            offset: 0,
        }
        .render()?;
        self.messages.push(match native {
            true => ModelMessage::Tool { call: call.id.clone(), text },
            false => ModelMessage::User(text),
        });
        Ok(())
    }
}

impl Conversation {
    /// Lets the model answer. `Err` says why it could not; the question is then removed from the conversation.
    pub(super) async fn talk(
        &mut self,
        question: &str,
        ears: &ConversationListener,
    ) -> Result<String, String> {
        let Some(mut talk) = self.talk.take() else { return Err("there is no model".to_owned()) };
        let cancel = self.voice.begin(false);
        let answered = {
            let answer = self.answer(&mut talk, question, ears);
            tokio::select! {
                biased;
                () = cancel.cancelled() => Ok("Stopped.".to_owned()),
                answered = answer => answered,
            }
        };
        self.voice.end();
        let whole =
            matches!(talk.messages.last(), Some(ModelMessage::Assistant { calls, .. }) if calls.is_empty());
        // A partly answered question would leave calls without results.
        if !whole && let Some(at) = talk.questions.pop() {
            talk.messages.truncate(at);
        }
        self.talk = Some(talk);
        answered
    }

    async fn answer(
        &mut self,
        talk: &mut ModelConversation,
        question: &str,
        ears: &ConversationListener,
    ) -> Result<String, String> {
        let broken = |error: PromptError| error.to_string();
        let tools = self.offered();
        if talk.messages.is_empty() {
            talk.begin(&tools).map_err(broken)?;
        }
        talk.questions.push(talk.messages.len());
        if let Topic::New(report) = &talk.topic {
            let topic = self.topic(&talk.fence, report.as_deref());
            talk.messages.push(ModelMessage::User(topic.render().map_err(broken)?));
        }
        talk.messages.push(ModelMessage::User(question.to_owned()));
        let listener = |words: &str| {
            for sink in &ears.sinks {
                sink.words(words);
            }
        };
        for step in 1..=STEPS {
            talk.keep_within(&tools)?;
            self.affordable(talk, &tools)?;
            let reply = talk.speaker.ask(&talk.messages, &tools, talk.mode, step == STEPS, &listener).await;
            let mut reply = match reply {
                Ok(reply) => reply,
                Err(failure)
                    if failure.kind == FailureKind::UnsupportedMode
                        && talk.mode == ActionMode::Tools
                        && talk.speaker.may_switch() =>
                {
                    talk.switch(&tools).map_err(broken)?;
                    continue;
                }
                Err(failure) => return Err(self.redact(&failure.message)),
            };
            let tokens = reply.turn.tokens;
            talk.spent.input += tokens.input;
            talk.spent.output += tokens.output;
            talk.cost_usd += reply.turn.cost_usd;
            reply.turn.text = self.redact(&reply.turn.text);
            reply.answer = self.redact(&reply.answer);
            let calls = talk.said(&reply, self.calls + 1);
            if calls.is_empty() {
                talk.topic = match std::mem::take(&mut talk.forgot) {
                    true => Topic::New(None),
                    false => Topic::Told,
                };
                return Ok(self.judged(&reply.answer, talk.mode));
            }
            let native = talk.mode == ActionMode::Tools && !reply.turn.calls.is_empty();
            let context = self.context.clone();
            for (call, (name, arguments)) in calls.iter().zip(reply.calls) {
                let found = self.call(&context, &name, arguments).await;
                talk.result(call, native, &found).map_err(broken)?;
            }
        }
        Err(format!("it asked for more than {STEPS} steps without an answer"))
    }

    /// The answer and, below it, the claims that its evidence does not support. Streamed words are not repeated.
    fn judged(&self, answer: &str, mode: ActionMode) -> String {
        let flagged = unsupported(answer, &self.notebook);
        let mut text = match mode {
            ActionMode::Tools => String::new(),
            ActionMode::Constrained => answer.to_owned(),
        };
        if !flagged.is_empty() {
            text.push_str("\nNot supported by the evidence:");
            for flag in flagged {
                text.push_str(&format!("\n  - {}: {}", flag.claim, flag.because));
            }
        }
        plain(text.trim_start_matches('\n'))
    }

    fn topic(&self, fence: &DataFence, report: Option<&Report>) -> ChatTopic {
        let ticket = shortened(&self.request.ticket.text, 8_000).0;
        let summary = report.map(|report| {
            let cause = report.root_cause.as_ref().map_or_else(String::new, |cause| {
                let ids: Vec<&str> = cause.evidence.iter().map(|id| id.0.as_str()).collect();
                format!("\n{}: {} [{}]", cause_heading(report), cause.statement, ids.join(", "))
            });
            format!("{}: {}{cause}", report.verdict.as_str(), report.summary)
        });
        ChatTopic {
            failing: self.request.bad.to_string(),
            good: self.request.good.clone().map(String::from),
            ticket: self.has_ticket.then(|| fence.around("ticket", &ticket)),
            report: summary.map(|summary| fence.around("report", &summary)),
            evidence: self
                .notebook
                .pieces()
                .iter()
                .take(40)
                .map(|piece| EvidenceLine {
                    id: piece.evidence.id.0.clone(),
                    locator: piece
                        .evidence
                        .locator
                        .0
                        .chars()
                        .filter(|char| !char.is_control())
                        .take(160)
                        .collect(),
                })
                .collect(),
        }
    }

    /// The tools that can answer anything here; the same for the whole conversation.
    fn offered(&self) -> Vec<ToolSpec> {
        let useless = |name: &str| name.starts_with("log_") && self.request.logs.is_empty();
        self.dispatcher.registry().specs().into_iter().filter(|tool| !useless(&tool.name)).collect()
    }

    fn affordable(&self, talk: &ModelConversation, tools: &[ToolSpec]) -> Result<(), String> {
        let next = talk.speaker.reserved(&talk.messages, tools, talk.mode);
        let budget = self.options.budget;
        if let Some(tokens) = budget.tokens
            && talk.spent.total().saturating_add(next.total()) > tokens
        {
            return Err(format!("the budget of {tokens} tokens is used up"));
        }
        if let Some(usd) = budget.usd
            && talk.cost_usd + talk.speaker.settings().prices.of(next) > usd
        {
            return Err(format!("the budget of {usd} USD is used up"));
        }
        Ok(())
    }
}
