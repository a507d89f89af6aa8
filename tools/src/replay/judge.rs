/*!
What one execution says about the incident. Pure, and the only place that decides it.
*/

use millwright_memory::types::ReplayOutcome;

use super::recipe::ReplayRecipe;
use super::signature::{FailureSignature, signature};
use crate::process::{Execution, Exit, LimitHit};

/// An outcome, and why it is not a plain pass or reproduction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    pub outcome: ReplayOutcome,
    pub why: Option<String>,
}

/// Judges an execution against the failure at the failing revision; `None` while that is what is being looked for.
pub fn judge(execution: &Execution, recipe: &ReplayRecipe, failure: Option<&FailureSignature>) -> Judged {
    let judged = |outcome, why: Option<String>| Judged { outcome, why };
    let cannot = |why: String| judged(ReplayOutcome::CannotTest, Some(why));
    match (execution.limit, execution.exit) {
        (Some(LimitHit::Wall), _) if recipe.is_hang => judged(ReplayOutcome::Reproduces, None),
        (Some(LimitHit::Wall), _) => cannot(format!("it did not end within {} s", recipe.timeout_s)),
        (Some(limit), _) => cannot(limit.to_string()),
        (None, Exit::Code(0)) => judged(ReplayOutcome::Passes, None),
        (None, Exit::Code(125)) => cannot("the command says with status 125 that it cannot test this".into()),
        (None, Exit::Code(126)) => cannot("status 126: the command is not executable here".into()),
        (None, Exit::Code(127)) => cannot("status 127: the command was not found here".into()),
        _ if recipe.is_hang => {
            judged(ReplayOutcome::OtherFailure, Some("it failed instead of hanging".into()))
        }
        (None, exit) => {
            let seen = signature(&execution.output, exit);
            match failure.map(|failure| failure.compare(&seen)) {
                Some(crate::intake::SignatureMatch::Different { why }) => judged(
                    ReplayOutcome::OtherFailure,
                    Some(format!("it failed otherwise: {}", why.chars().take(300).collect::<String>())),
                ),
                _ => judged(ReplayOutcome::Reproduces, None),
            }
        }
    }
}
