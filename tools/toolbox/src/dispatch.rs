/*!
The pipeline of every tool call: **decode → policy → timeout → run → bound**.

Decoding comes first because a malformed call needs no permission to be told what is wrong with it. Policy depends on
the effect only. The time-out cancels the call's own flag, so that blocking work stops soon after. A panic inside a
tool is an error of that call, never of the run. Every result is bounded.
*/

use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Decision, Effect, ErasedTool, Policy, PreparedCall, ToolContext, ToolError, ToolErrorKind, ToolOutput,
    ToolRegistry,
};

/// A call as a planner requests it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolCall {
    /// Unique within a run; pairs a call with its answer.
    pub id: String,
    pub name: String,
    /// A JSON object.
    pub args: Value,
}

/// Whether a person has approved exactly this call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallGrant {
    NotAsked,
    ApprovedBy(String),
}

#[derive(Debug, Clone, PartialEq)]
pub enum ToolAnswer {
    Done {
        result: Result<ToolOutput, ToolError>,
        duration: Duration,
    },
    /// Nothing was run; dispatch again with a [`CallGrant`].
    NeedsApproval {
        effect: Effect,
    },
}

#[derive(Debug)]
pub struct Dispatcher {
    registry: ToolRegistry,
    policy: Policy,
}

impl Dispatcher {
    pub fn new(registry: ToolRegistry, policy: Policy) -> Self {
        Self { registry, policy }
    }

    pub fn registry(&self) -> &ToolRegistry {
        &self.registry
    }

    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Only decodes the call and checks the policy, for a driver that records its intent before it acts.
    pub fn check(&self, call: &ToolCall) -> Result<Decision, ToolError> {
        let tool = self.tool(call)?;
        tool.check(&call.args)?;
        Ok(self.policy.decide(tool.effect()))
    }

    /// The whole pipeline.
    pub async fn call(&self, ctx: &ToolContext, call: &ToolCall, grant: &CallGrant) -> ToolAnswer {
        let start = Instant::now();
        let done = |result| ToolAnswer::Done { result, duration: start.elapsed() };
        let own = ToolContext { cancel: ctx.cancel.child(), ..ctx.clone() };
        let decoded = self.tool(call).and_then(|tool| Ok((tool, tool.prepare(&own, &call.args)?)));
        let (tool, prepared) = match decoded {
            Ok(decoded) => decoded,
            Err(error) => return done(Err(error)),
        };
        match (self.policy.decide(tool.effect()), grant) {
            (Decision::Allowed, _) | (Decision::NeedsApproval, CallGrant::ApprovedBy(_)) => {}
            (Decision::NeedsApproval, CallGrant::NotAsked) => {
                return ToolAnswer::NeedsApproval { effect: tool.effect() };
            }
            (Decision::Denied, _) => return done(Err(self.denial(tool))),
        }
        let result = limited(&own, tool, prepared).await.map(ToolOutput::bounded);
        if let Err(error) = &result {
            tracing::debug!(
                tool.name = tool.name(),
                error.kind = error.kind.as_str(),
                error.detail = error.detail
            );
        }
        done(result)
    }

    fn tool(&self, call: &ToolCall) -> Result<&dyn ErasedTool, ToolError> {
        self.registry.get(&call.name).ok_or_else(|| {
            let known: Vec<_> = self.registry.names().collect();
            ToolError::invalid(format!("there is no tool {:?}; there are {}", call.name, known.join(", ")))
        })
    }

    fn denial(&self, tool: &dyn ErasedTool) -> ToolError {
        let allowed: Vec<_> = self.policy.allowed().map(Effect::as_str).collect();
        ToolError::denied(format!(
            "{} has the effect {}, which the policy of this run denies; allowed effects: {}",
            tool.name(),
            tool.effect(),
            if allowed.is_empty() { "none".to_owned() } else { allowed.join(", ") }
        ))
    }
}

/// Runs a prepared call under its time-out, the deadline of the run and the cancel flag. `ctx` is the call's own.
async fn limited(
    ctx: &ToolContext,
    tool: &dyn ErasedTool,
    prepared: PreparedCall<'_>,
) -> Result<ToolOutput, ToolError> {
    let until_deadline = ctx.time_left().filter(|left| *left < tool.timeout());
    let limit = until_deadline.unwrap_or_else(|| tool.timeout());
    let result = tokio::select! {
        biased;
        () = ctx.cancel.cancelled() => Err(ToolError::timeout("the run was cancelled")),
        result = caught(prepared) => result,
        () = tokio::time::sleep(limit) => Err(match until_deadline {
            Some(left) => ToolError::new(
                ToolErrorKind::Deadline,
                format!("the deadline came after {} s of {}", left.as_secs(), tool.name()),
            ),
            None => ToolError::timeout(format!(
                "{} took longer than {} s and was stopped; ask for less (a path, a narrower range)",
                tool.name(),
                limit.as_secs()
            )),
        }),
    };
    ctx.cancel.cancel();
    result
}

/// Polls the tool and catches panics.
async fn caught(mut prepared: PreparedCall<'_>) -> Result<ToolOutput, ToolError> {
    poll_fn(move |task| match catch_unwind(AssertUnwindSafe(|| prepared.as_mut().poll(task))) {
        Ok(poll) => poll,
        Err(panic) => Poll::Ready(Err(broken(panic.as_ref()))),
    })
    .await
}

fn broken(panic: &(dyn Any + Send)) -> ToolError {
    let said = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned());
    ToolError::failed("the tool panicked on this input; try another tool or another input")
        .with_detail(format!("panic: {said}"))
}

#[cfg(test)]
#[path = "dispatch_tests.rs"]
mod tests;
