/*!
A model that answers a person's questions: one request at a time, in either action mode, over the same connection as
the planner's. The caller keeps the conversation, its tools and its limits.
*/

use std::time::Instant;

use millwright_tools::{Effect, ToolSpec};
use serde_json::{Value, json};
use tracing::Instrument;

use crate::context::{ModelMessage, ModelRequest, estimate};
use crate::planner::Listener;
use crate::run::{ActionMode, AllowedAnswer, AskPurpose, ModelAsk, ModelFailure, ModelTurn, TokenCounts};
use crate::telemetry;

use super::client::{ChatClient, SetupError};
use super::settings::{AllowedActionModes, ModelSettings};
use super::{interpret, schema, wire};

/// The tool name that means an answer if tools cannot be called natively.
const ANSWER: &str = "answer";

/// A model's reply: calls to make, or words for the person.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelReply {
    pub turn: ModelTurn,
    /// Empty when the answer is given.
    pub calls: Vec<(String, Value)>,
    /// The words for the person.
    pub answer: String,
}

pub struct ModelSpeaker {
    settings: ModelSettings,
    client: ChatClient,
}

impl ModelSpeaker {
    /// # Errors
    /// When an option of the connection is wrong.
    pub fn new(settings: ModelSettings) -> Result<Self, SetupError> {
        let client = ChatClient::new(&settings.connection)?;
        Ok(Self { settings, client })
    }

    pub fn name(&self) -> &str {
        &self.settings.connection.model
    }

    pub fn settings(&self) -> &ModelSettings {
        &self.settings
    }

    /// The mode to begin with.
    pub fn mode(&self) -> ActionMode {
        match self.settings.modes {
            AllowedActionModes::Only(mode) => mode,
            AllowedActionModes::Auto => ActionMode::Tools,
        }
    }

    /// Whether another mode may be tried when a server cannot do the first.
    pub fn may_switch(&self) -> bool {
        self.settings.modes == AllowedActionModes::Auto
    }

    /// The description of `tools` in the system prompt, for a model that cannot call them natively.
    pub fn in_words(tools: &[ToolSpec]) -> Vec<millwright_prompts::ToolLine> {
        let answer = answer_tool();
        let all = tools.iter().chain([&answer]);
        all.map(|tool| millwright_prompts::ToolLine {
            name: tool.name.clone(),
            description: tool.description.clone(),
            arguments: schema::in_words(&tool.schema),
        })
        .collect()
    }

    /// The most tokens a question can cost.
    pub fn reserved(&self, messages: &[ModelMessage], tools: &[ToolSpec], mode: ActionMode) -> TokenCounts {
        let input = estimate(messages, super::beside(mode, tools));
        TokenCounts { input, cached: 0, output: self.settings.room.max_output_tokens }
    }

    /// Asks once. With `last`, only words are accepted.
    ///
    /// # Errors
    /// When no usable answer came.
    pub async fn ask(
        &self,
        messages: &[ModelMessage],
        tools: &[ToolSpec],
        mode: ActionMode,
        last: bool,
        listener: Listener<'_>,
    ) -> Result<ModelReply, ModelFailure> {
        let reserved = self.reserved(messages, tools, mode);
        let answer = answer_tool();
        let offered: Vec<ToolSpec> = match mode {
            ActionMode::Tools => tools.to_vec(),
            ActionMode::Constrained if last => vec![answer],
            ActionMode::Constrained => tools.iter().cloned().chain([answer]).collect(),
        };
        let withdrawn = last && mode == ActionMode::Tools;
        let request = ModelRequest {
            ask: ModelAsk {
                purpose: AskPurpose::Plan,
                mode,
                choice: if withdrawn { AllowedAnswer::NoTools } else { AllowedAnswer::Any },
                stage: 0,
                remarks: Vec::new(),
                reserved,
                max_output: self.settings.room.max_output_tokens,
                request_sha256: String::new(),
            },
            messages: messages.to_vec(),
            again: false,
        };
        let body = wire::body(&self.settings.connection, &offered, &request);
        let begun = Instant::now();
        let span = telemetry::chat(self.name());
        // Do not stream an answer in JSON to the person.
        let silent = |_: &str| {};
        let listener: Listener<'_> = if mode == ActionMode::Tools { listener } else { &silent };
        let mut heard = match self.client.ask(&body, listener).instrument(span.clone()).await {
            Ok(heard) => heard,
            Err(failure) => {
                telemetry::not_answered(&span, failure.kind);
                return Err(failure);
            }
        };
        let calls = heard.calls();
        let said = heard.text.len() + calls.iter().map(|call| call.arguments.len()).sum::<usize>();
        let estimated = heard.tokens.is_none();
        let tokens = heard.tokens.unwrap_or(TokenCounts {
            input: reserved.input,
            cached: 0,
            output: (said as u64).div_ceil(3),
        });
        let turn = ModelTurn {
            text: std::mem::take(&mut heard.text),
            calls,
            finish: heard.finish.unwrap_or_default(),
            tokens,
            estimated,
            cost_usd: self.settings.prices.of(tokens),
            duration_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
            ..ModelTurn::default()
        };
        telemetry::answered(&span, &turn);
        let known = |name: &str| name == ANSWER || tools.iter().any(|tool| tool.name == name);
        let mut calls = interpret::actions(&turn, AllowedAnswer::Any);
        if turn.calls.is_empty() {
            // An answer may contain JSON that is not a call.
            calls.retain(|(name, _)| known(name));
        }
        let answer = calls.iter().find(|(name, _)| name == ANSWER);
        let answer = match answer.and_then(|(_, arguments)| arguments["text"].as_str()) {
            Some(text) => {
                let text = text.to_owned();
                calls.clear();
                text
            }
            None => turn.text.clone(),
        };
        if last {
            calls.clear();
        }
        Ok(ModelReply { turn, calls, answer })
    }
}

impl std::fmt::Debug for ModelSpeaker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Speaker").field("settings", &self.settings).finish_non_exhaustive()
    }
}

fn answer_tool() -> ToolSpec {
    ToolSpec {
        name: ANSWER.to_owned(),
        description: "Gives your answer to the person.".to_owned(),
        schema: json!({
            "type": "object",
            "properties": { "text": { "type": "string", "description": "The answer, with its citations." } },
            "required": ["text"],
            "additionalProperties": false,
        }),
        effect: Effect::ReadMemory,
    }
}
