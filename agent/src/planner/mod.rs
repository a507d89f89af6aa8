/*!
Planners decide what to do next. They share one interface: `playbook` decides by rules, `openai` asks a model behind
any OpenAI-compatible endpoint.

Planning is pure: it depends on the state of the run alone. Asking a model is a separate step, so that the driver can
store the question before it is sent and the answer before it is used.
*/

use std::future::Future;
use std::pin::Pin;

use millwright_tools::ToolCall;

use crate::context::ModelRequest;
use crate::findings::PlannerFinding;
pub use crate::run::PLAYBOOK;
use crate::run::{Compaction, FailureKind, ModelFailure, ModelTurn, Run};

pub mod openai;
pub mod playbook;

/// The next step of a plan: ask a model, make calls, or end the investigation with a finding.
#[derive(Debug, Clone, PartialEq)]
pub enum PlannerStep {
    Call {
        note: String,
        calls: Vec<ToolCall>,
    },
    /// Calls by the playbook's rules while a model plans the run.
    CallByRules {
        note: String,
        calls: Vec<ToolCall>,
    },
    Ask(Box<ModelRequest>),
    Compact(Compaction),
    Conclude {
        note: String,
        finding: Box<PlannerFinding>,
    },
}

/// A planner could not continue; the playbook takes over and the report says why.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct PlanError(pub String);

pub type PlanFuture<'a> = Pin<Box<dyn Future<Output = Result<PlannerStep, PlanError>> + Send + 'a>>;
pub type AskFuture<'a> = Pin<Box<dyn Future<Output = Result<ModelTurn, ModelFailure>> + Send + 'a>>;

/// Receives a model's words as they arrive.
pub type Listener<'a> = &'a (dyn Fn(&str) + Send + Sync);

/// Decides from the state of a run alone, so that a resumed run is planned like an uninterrupted one.
pub trait Planner: Send {
    /// `playbook`, or the model's name.
    fn name(&self) -> &str;

    fn plan<'a>(&'a mut self, run: &'a Run) -> PlanFuture<'a>;

    /// Sends a planned question. Dropping the future cancels the request.
    fn ask<'a>(
        &'a mut self,
        _run: &'a Run,
        _request: &'a ModelRequest,
        _listener: Listener<'a>,
    ) -> AskFuture<'a> {
        let failure = ModelFailure::new(FailureKind::Refused, "this planner does not use a model");
        Box::pin(std::future::ready(Err(failure)))
    }
}
