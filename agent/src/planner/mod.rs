/*!
Planners: who decides what to do next. One interface; `playbook` decides by rules.
*/

use std::future::Future;
use std::pin::Pin;

use millwright_tools::tool::ToolCall;

use crate::findings::Finding;
use crate::run::Run;

pub mod playbook;

/// What a planner wants: calls to make, or a finding that ends the investigation.
#[derive(Debug, Clone, PartialEq)]
pub enum Plan {
    Call { note: String, calls: Vec<ToolCall> },
    Conclude { note: String, finding: Box<Finding> },
}

/// A planner could not go on; the playbook takes over and the report says why.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct PlanError(pub String);

pub type PlanFuture<'a> = Pin<Box<dyn Future<Output = Result<Plan, PlanError>> + Send + 'a>>;

/// Decides from the state of a run alone, so that a resumed run is planned like an uninterrupted one.
pub trait Planner: Send {
    /// `playbook`, or the model's name.
    fn name(&self) -> &str;

    fn plan<'a>(&'a mut self, run: &'a Run) -> PlanFuture<'a>;
}
