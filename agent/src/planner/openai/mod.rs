/*!
The planner that asks a model, behind any OpenAI-compatible endpoint.

The playbook's first findings come before the first question, because they cost nothing. Then the model plans step by
step until it concludes. Then the playbook's rules prove by replay what can be proven, and a second call tries to
refute the result. All of this depends on the run's state alone; the only IO here is to send a question that was
planned and stored before.
*/

mod client;
mod failures;
mod interpret;
mod merge;
mod offered_tools;
mod probe;
mod review;
mod schema;
mod settings;
mod speaker;
pub mod tools;
mod wire;

use std::time::Instant;

use client::ChatClient;
use millwright_prompts::PromptError;
use millwright_tools::{ToolCall, ToolSpec};
use sha2::{Digest, Sha256};

use self::offered_tools::{beside, offered, system};
use super::playbook;
use super::{AskFuture, Listener, PlanError, PlanFuture, Planner, PlannerStep};
use crate::context::{
    ConversationView, LoopGuardAdvice, ModelMessage, ModelRequest, compact, estimate, guard,
};
use crate::facts::RunFacts;
use crate::run::{
    ActionMode, AllowedAnswer, AskPurpose, DialogueEntry, FailureKind, ModelAsk, ModelTurn, Run, RunRequest,
    TokenCounts,
};

pub use client::{LOG_TARGET, SetupError};
pub use merge::complete;
pub use probe::{ServerProbe, probe};
pub use settings::{AllowedActionModes, ModelConnection, ModelPrices, ModelSettings};
pub use speaker::{ModelReply, ModelSpeaker};

/// The tool that ends an investigation.
pub const CONCLUDE: &str = "conclude";
/// Tools that the playbook calls before the model is asked.
const FIRST: &[&str] = &["ticket", "recall", "log_changes", "reproduce", "recheck", "suspects"];
/// Tools that a bare model does not get: memory and the ranking.
const NOT_BARE: &[&str] = &["recall", "recheck", "suspects"];
/// Minimum number of output tokens that makes a question useful.
const LEAST_OUTPUT: u64 = 256;

pub struct OpenAi {
    settings: ModelSettings,
    client: ChatClient,
    tools: Vec<ToolSpec>,
    bare: bool,
}

impl OpenAi {
    /// `tools` are all tools that may be called, including the model's own.
    ///
    /// # Errors
    /// When an option of the connection is wrong.
    pub fn new(settings: ModelSettings, tools: Vec<ToolSpec>) -> Result<Self, SetupError> {
        let client = ChatClient::new(&settings.connection)?;
        Ok(Self { settings, client, tools, bare: false })
    }

    /// The same model with the same tools and no support, as a baseline for evals: it sees the ticket and no
    /// findings, has neither memory nor the ranking, and its conclusion is neither proven by rules nor reviewed. The
    /// verdict still depends on what really ran, as in every report.
    ///
    /// # Errors
    /// As [`OpenAi::new`].
    pub fn bare(settings: ModelSettings, mut tools: Vec<ToolSpec>) -> Result<Self, SetupError> {
        tools.retain(|tool| !NOT_BARE.contains(&tool.name.as_str()));
        Ok(Self { bare: true, ..Self::new(settings, tools)? })
    }

    fn next(&self, run: &Run) -> Result<PlannerStep, PlanError> {
        let Some(request) = run.request() else {
            return Ok(PlannerStep::Conclude { note: String::new(), finding: Box::default() });
        };
        if let Some(ask) = run.open_ask() {
            return self.again(run, request, ask);
        }
        let asked = run.log().iter().any(|entry| matches!(entry, DialogueEntry::ModelAsked(_)));
        if !asked && self.bare {
            if !run.called("ticket") {
                let call = rules_call(run, "ticket");
                return Ok(PlannerStep::CallByRules {
                    note: "reading the ticket".to_owned(),
                    calls: vec![call],
                });
            }
        } else if !asked {
            match playbook::next(run) {
                PlannerStep::Call { note, calls }
                    if calls.iter().all(|call| FIRST.contains(&call.name.as_str())) =>
                {
                    return Ok(PlannerStep::CallByRules { note, calls });
                }
                // A known resolution that was just re-checked needs no model.
                PlannerStep::Conclude { note, finding } if RunFacts::of(run).known().is_some() => {
                    return Ok(PlannerStep::Conclude { note, finding });
                }
                _ => {}
            }
        }
        if let Some(plan) = heard(run) {
            return Ok(plan);
        }
        match self.has_concluded(run, request) {
            true if self.bare => {
                Ok(PlannerStep::Conclude { note: String::new(), finding: Box::new(merge::bare(run)) })
            }
            true => self.prove_and_review(run),
            false => self.plan_step(run, request),
        }
    }

    fn plan_step(&self, run: &Run, request: &RunRequest) -> Result<PlannerStep, PlanError> {
        let mode = self.mode(run);
        let tools = offered(&self.tools, request, self.settings.room);
        let system = system(mode, &tools)?;
        let view = self.view(run, request, mode, &system);
        let (remarks, choice, stage) = match guard(&view).map_err(broken)? {
            LoopGuardAdvice::Go { remarks, choice, stage } => (remarks, choice, stage),
            LoopGuardAdvice::Finish(why) => return Err(PlanError(why)),
        };
        let beside = beside(mode, &tools);
        let mut messages = view.messages().map_err(broken)?;
        messages.extend(remarks.iter().cloned().map(ModelMessage::User));
        let tokens = self.tokens(run, &messages, beside);
        let refused_as_too_long =
            match run.log().iter().rev().find(|entry| !matches!(entry, DialogueEntry::Steered { .. })) {
                Some(DialogueEntry::Failed(failure)) => match failure.kind {
                    FailureKind::ContextLength => true,
                    FailureKind::UnsupportedMode if self.can_switch(run) => false,
                    FailureKind::Cut | FailureKind::Garbled | FailureKind::Empty | FailureKind::TimedOut => {
                        false
                    }
                    _ => return Err(PlanError(failure.message.clone())),
                },
                _ => false,
            };
        if refused_as_too_long || tokens > self.settings.room.input_tokens() {
            return match compact(&view, beside).map_err(broken)? {
                Some(compaction) => Ok(PlannerStep::Compact(compaction)),
                None => Err(PlanError(format!(
                    "the conversation no longer fits into the model's context of {} tokens (model.context_tokens)",
                    self.settings.room.context_tokens
                ))),
            };
        }
        let max_output = self.affordable(run, request, tokens).map_err(PlanError)?;
        let ask = ModelAsk {
            purpose: AskPurpose::Plan,
            mode,
            choice,
            stage,
            remarks,
            reserved: TokenCounts { input: tokens, cached: 0, output: max_output },
            max_output,
            request_sha256: String::new(),
        };
        Ok(PlannerStep::Ask(Box::new(self.sealed(ModelRequest { ask, messages, again: false }, &tools))))
    }

    /// After the conclusion: the playbook's rules prove what can be proven, then the second reader is asked.
    fn prove_and_review(&self, run: &Run) -> Result<PlannerStep, PlanError> {
        // A reproduction that the model wrote is replayed like one that was given.
        if RunFacts::of(run).written.is_some() && !run.called("reproduce") {
            let call = rules_call(run, "reproduce");
            let note = "replaying the reproduction that was written".to_owned();
            return Ok(PlannerStep::CallByRules { note, calls: vec![call] });
        }
        let rules = match playbook::next(run) {
            PlannerStep::Call { note, calls } => {
                let calls = calls.into_iter().map(|call| favouring(run, call)).collect();
                return Ok(PlannerStep::CallByRules { note, calls });
            }
            PlannerStep::Conclude { finding, .. } => finding,
            other => return Ok(other),
        };
        let finding = complete(run, *rules);
        let request = run.request();
        if review::state(run) == review::ReviewState::NotAsked
            && review::is_worth_it(&finding)
            && let Some(request) = request
        {
            let messages = review::messages(run, &finding, self.settings.room).map_err(broken)?;
            let tokens = self.tokens(run, &messages, review::schema().to_string().len());
            if let Ok(max_output) = self.affordable(run, request, tokens) {
                let ask = ModelAsk {
                    purpose: AskPurpose::Review,
                    mode: self.mode(run),
                    choice: AllowedAnswer::Any,
                    stage: 0,
                    remarks: Vec::new(),
                    reserved: TokenCounts { input: tokens, cached: 0, output: max_output },
                    max_output,
                    request_sha256: String::new(),
                };
                return Ok(PlannerStep::Ask(Box::new(
                    self.sealed(ModelRequest { ask, messages, again: false }, &[]),
                )));
            }
        }
        Ok(PlannerStep::Conclude { note: String::new(), finding: Box::new(finding) })
    }

    /// Builds the question again that was open when the run was interrupted.
    fn again(&self, run: &Run, request: &RunRequest, ask: &ModelAsk) -> Result<PlannerStep, PlanError> {
        let messages = match ask.purpose {
            AskPurpose::Plan => {
                let tools = offered(&self.tools, request, self.settings.room);
                let system = system(ask.mode, &tools)?;
                self.view(run, request, ask.mode, &system).messages().map_err(broken)?
            }
            AskPurpose::Review => match playbook::next(run) {
                PlannerStep::Conclude { finding, .. } => {
                    review::messages(run, &merge::before_review(run, *finding), self.settings.room)
                        .map_err(broken)?
                }
                _ => return Err(PlanError("the review cannot be resumed".to_owned())),
            },
        };
        Ok(PlannerStep::Ask(Box::new(ModelRequest { ask: ask.clone(), messages, again: true })))
    }

    fn view<'a>(
        &self,
        run: &'a Run,
        request: &RunRequest,
        mode: ActionMode,
        system: &'a str,
    ) -> ConversationView<'a> {
        let steps = request.budget.steps.unwrap_or(self.settings.steps);
        ConversationView { run, mode, room: self.settings.room, steps, system }
    }

    /// Whether the model has concluded: with a valid conclusion, a second time, or without a step left to correct it.
    fn has_concluded(&self, run: &Run, request: &RunRequest) -> bool {
        let tries = run.results(CONCLUDE).count();
        let sound = run.result(CONCLUDE).is_some_and(|data| {
            data["unfounded"].is_null() && data["struck"].as_array().is_none_or(Vec::is_empty)
        });
        let steps = request.budget.steps.unwrap_or(self.settings.steps);
        tries > 0 && (sound || tries > 1 || run.spent().steps >= steps)
    }

    /// The current action mode: native calls until the model turns out to make none.
    fn mode(&self, run: &Run) -> ActionMode {
        let AllowedActionModes::Auto = self.settings.modes else {
            let AllowedActionModes::Only(mode) = self.settings.modes else { return ActionMode::Tools };
            return mode;
        };
        let mut asked = None;
        for entry in run.log() {
            match entry {
                DialogueEntry::ModelAsked(ask) if ask.purpose == AskPurpose::Plan => asked = Some(ask),
                DialogueEntry::ModelAsked(_) => asked = None,
                DialogueEntry::Failed(failure) if failure.kind == FailureKind::UnsupportedMode => {
                    return ActionMode::Constrained;
                }
                DialogueEntry::Answered(turn)
                    if asked.is_some_and(|ask| ask.choice == AllowedAnswer::Any) =>
                {
                    // The first answer decides.
                    return if turn.calls.is_empty() { ActionMode::Constrained } else { ActionMode::Tools };
                }
                _ => {}
            }
        }
        ActionMode::Tools
    }

    /// Whether another mode is left to try when the server refuses one.
    fn can_switch(&self, run: &Run) -> bool {
        let refusals = run.log().iter().filter(
            |entry| matches!(entry, DialogueEntry::Failed(failure) if failure.kind == FailureKind::UnsupportedMode),
        );
        let last = run.log().iter().rev().find_map(|entry| match entry {
            DialogueEntry::ModelAsked(ask) => Some(ask.mode),
            _ => None,
        });
        self.settings.modes == AllowedActionModes::Auto
            && refusals.count() == 1
            && last == Some(ActionMode::Tools)
    }

    /// An upper estimate of a question's tokens, corrected by the real numbers of earlier questions.
    fn tokens(&self, run: &Run, messages: &[ModelMessage], beside: usize) -> u64 {
        let mut asked: Option<&ModelAsk> = None;
        let mut factor: f64 = 1.0;
        for entry in run.log() {
            match entry {
                DialogueEntry::ModelAsked(ask) => asked = Some(ask),
                DialogueEntry::Answered(turn) if !turn.estimated => {
                    if let Some(ask) = asked.filter(|ask| ask.reserved.input > 0) {
                        factor = factor.max(turn.tokens.input as f64 / ask.reserved.input as f64);
                    }
                }
                _ => {}
            }
        }
        (estimate(messages, beside) as f64 * factor).ceil() as u64
    }

    /// How many tokens of output the budget leaves after a question of `input` tokens.
    fn affordable(&self, run: &Run, request: &RunRequest, input: u64) -> Result<u64, String> {
        let spent = run.spent();
        let mut output = self.settings.room.max_output_tokens;
        if let Some(tokens) = request.budget.tokens {
            let left = tokens.saturating_sub(spent.tokens.total().saturating_add(spent.lost.total()));
            let room = left.saturating_sub(input);
            if room < LEAST_OUTPUT {
                return Err(format!("the budget of {tokens} tokens is used up"));
            }
            output = output.min(room);
        }
        if let Some(usd) = request.budget.usd {
            let prices = self.settings.prices;
            let left = usd - spent.cost_usd - prices.of(spent.lost);
            let cost = |output| prices.of(TokenCounts { input, cached: 0, output });
            while output >= LEAST_OUTPUT && cost(output) > left {
                output /= 2;
            }
            if output < LEAST_OUTPUT {
                return Err(format!("the budget of {usd} USD is used up"));
            }
        }
        Ok(output)
    }

    fn sealed(&self, mut request: ModelRequest, tools: &[ToolSpec]) -> ModelRequest {
        let body = wire::body(&self.settings.connection, tools, &request);
        request.ask.request_sha256 = hex::encode(Sha256::digest(body.to_string()));
        request
    }
}

impl Planner for OpenAi {
    fn name(&self) -> &str {
        &self.settings.connection.model
    }

    fn plan<'a>(&'a mut self, run: &'a Run) -> PlanFuture<'a> {
        Box::pin(std::future::ready(self.next(run)))
    }

    fn ask<'a>(
        &'a mut self,
        run: &'a Run,
        request: &'a ModelRequest,
        listener: Listener<'a>,
    ) -> AskFuture<'a> {
        Box::pin(async move {
            let tools = match (request.ask.purpose, run.request()) {
                (AskPurpose::Plan, Some(asked)) => offered(&self.tools, asked, self.settings.room),
                _ => Vec::new(),
            };
            let body = wire::body(&self.settings.connection, &tools, request);
            let begun = Instant::now();
            let mut answer = self.client.ask(&body, listener).await?;
            let calls = answer.calls();
            let said = answer.text.len()
                + calls.iter().map(|call| call.name.len() + call.arguments.len()).sum::<usize>();
            let estimated = answer.tokens.is_none();
            let tokens = answer.tokens.unwrap_or(TokenCounts {
                input: request.ask.reserved.input,
                cached: 0,
                output: (said as u64).div_ceil(3),
            });
            Ok(ModelTurn {
                text: std::mem::take(&mut answer.text),
                calls,
                finish: answer.finish.unwrap_or_default(),
                tokens,
                estimated,
                cost_usd: self.settings.prices.of(tokens),
                prompts: match request.ask.purpose {
                    AskPurpose::Plan => millwright_prompts::planning(),
                    AskPurpose::Review => millwright_prompts::reviewing(),
                },
                duration_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
            })
        })
    }
}

impl std::fmt::Debug for OpenAi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenAi").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// The calls of an answer that was not processed yet.
fn heard(run: &Run) -> Option<PlannerStep> {
    let Some(DialogueEntry::Answered(turn)) = run.log().last() else { return None };
    let asked = run.log().iter().rev().find_map(|entry| match entry {
        DialogueEntry::ModelAsked(ask) => Some(ask),
        _ => None,
    })?;
    if asked.purpose != AskPurpose::Plan {
        return None;
    }
    let actions = interpret::actions(turn, asked.choice);
    if actions.is_empty() {
        return None;
    }
    let first = run.next_call_number();
    let calls: Vec<ToolCall> = actions
        .into_iter()
        .zip(first..)
        .map(|((name, args), number)| ToolCall { id: format!("c{number}"), name, args })
        .collect();
    let names: Vec<&str> = calls.iter().map(|call| call.name.as_str()).collect();
    Some(PlannerStep::Call { note: format!("asking for {}", names.join(", ")), calls })
}

/// A call without arguments that the rules make.
fn rules_call(run: &Run, tool: &str) -> ToolCall {
    ToolCall {
        id: format!("c{}", run.next_call_number()),
        name: tool.to_owned(),
        args: serde_json::json!({}),
    }
}

/// Makes a bisect begin at the commit that the model named.
fn favouring(run: &Run, mut call: ToolCall) -> ToolCall {
    let named = run.result(CONCLUDE).and_then(|data| data["commit"].as_str());
    if let (Some(named), "bisect") = (named, call.name.as_str()) {
        match call.args["favour"].as_array_mut() {
            Some(favoured) => favoured.insert(0, named.into()),
            None => call.args["favour"] = serde_json::json!([named]),
        }
    }
    call
}

fn broken(error: PromptError) -> PlanError {
    PlanError(error.to_string())
}
