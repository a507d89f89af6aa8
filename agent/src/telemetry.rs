/*!
Spans of a run, its questions to a model and its tool calls, with names and attributes from OpenTelemetry's
conventions for generative AI, so that any collector behind `tracing` can read them. They contain names, counts and
kinds of errors; never a prompt, an answer, an argument or a secret.
*/

use millwright_model::Verdict;
use tracing::Span;
use tracing::field::Empty;

use crate::run::{FailureKind, ModelTurn};

/// Maximum length of a name in a span: a model may invent the name of a tool.
const NAME_CHARS: usize = 80;

/// One investigation, resumed or not.
pub(crate) fn invoke_agent(run: &str, planner: &str) -> Span {
    tracing::info_span!(
        "invoke_agent",
        otel.name = "invoke_agent millwright",
        otel.kind = "internal",
        gen_ai.operation.name = "invoke_agent",
        gen_ai.agent.name = "millwright",
        gen_ai.conversation.id = run,
        gen_ai.request.model = plain(planner),
        millwright.verdict = Empty,
        error.type = Empty,
    )
}

pub(crate) fn ended(span: &Span, verdict: Result<Verdict, &'static str>) {
    match verdict {
        Ok(verdict) => span.record("millwright.verdict", verdict.as_str()),
        Err(kind) => span.record("error.type", kind),
    };
}

/// One question to a model.
pub(crate) fn chat(model: &str) -> Span {
    let model = plain(model);
    tracing::info_span!(
        "chat",
        otel.name = format!("chat {model}"),
        otel.kind = "client",
        gen_ai.operation.name = "chat",
        gen_ai.provider.name = "openai",
        gen_ai.request.model = model,
        gen_ai.response.finish_reasons = Empty,
        gen_ai.usage.input_tokens = Empty,
        gen_ai.usage.output_tokens = Empty,
        gen_ai.usage.cache_read.input_tokens = Empty,
        error.type = Empty,
    )
}

pub(crate) fn answered(span: &Span, turn: &ModelTurn) {
    span.record("gen_ai.response.finish_reasons", plain(&turn.finish));
    span.record("gen_ai.usage.input_tokens", turn.tokens.input);
    span.record("gen_ai.usage.output_tokens", turn.tokens.output);
    span.record("gen_ai.usage.cache_read.input_tokens", turn.tokens.cached);
}

pub(crate) fn not_answered(span: &Span, kind: FailureKind) {
    let kind = serde_json::to_value(kind).ok();
    span.record("error.type", kind.as_ref().and_then(serde_json::Value::as_str).unwrap_or("_OTHER"));
}

/// One call of a tool.
pub(crate) fn execute_tool(name: &str, call: &str) -> Span {
    let name = plain(name);
    tracing::info_span!(
        "execute_tool",
        otel.name = format!("execute_tool {name}"),
        otel.kind = "internal",
        gen_ai.operation.name = "execute_tool",
        gen_ai.tool.name = name,
        gen_ai.tool.call.id = plain(call),
        error.type = Empty,
    )
}

pub(crate) fn call_failed(span: &Span, kind: &str) {
    span.record("error.type", plain(kind));
}

fn plain(name: &str) -> String {
    name.chars().filter(|char| !char.is_control()).take(NAME_CHARS).collect()
}
