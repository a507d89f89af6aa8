/*!
Decides what one execution says about the incident. Pure; no other module decides this.
*/

use millwright_model::ReplayOutcome;
use millwright_sandbox::{Execution, ExitStatus, LimitHit, SandboxLimits};

use super::recipe::ReplayRecipe;
use super::signature::{FailureSignature, signature};

/// An outcome, and the reason when it is not a plain pass or reproduction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JudgedOutcome {
    pub outcome: ReplayOutcome,
    pub why: Option<String>,
}

/// Judges an execution against the failure at the failing revision; the failure is `None` while the caller still has
/// to reproduce it. `limits` are the operator's.
pub fn judge(
    execution: &Execution,
    recipe: &ReplayRecipe,
    limits: &SandboxLimits,
    failure: Option<&FailureSignature>,
) -> JudgedOutcome {
    let judged = |outcome, why: Option<String>| JudgedOutcome { outcome, why };
    let cannot = |why: String| judged(ReplayOutcome::CannotTest, Some(why));
    match (execution.limit, execution.exit) {
        // The operator's limit is shorter than the recipe's, so the command might have ended in time: not even a hang
        // is shown.
        (Some(LimitHit::Wall), _) if recipe.is_lowered_by(limits) => cannot(format!(
            "it did not end within {} s, the limit of wall_s in [sandbox], which is less than the {} s of \
             its timeout_s",
            limits.wall.as_secs(),
            recipe.timeout_s
        )),
        (Some(LimitHit::Wall), _) if recipe.is_hang => judged(ReplayOutcome::Reproduces, None),
        (Some(LimitHit::Wall), _) => cannot(format!("it did not end within {} s", recipe.timeout_s)),
        (Some(limit), _) => cannot(limit.to_string()),
        (None, ExitStatus::Code(0)) => judged(ReplayOutcome::Passes, None),
        (None, ExitStatus::Code(125)) => {
            cannot("the command says with status 125 that it cannot test this".into())
        }
        (None, ExitStatus::Code(126)) => cannot("status 126: the command is not executable here".into()),
        (None, ExitStatus::Code(127)) => cannot("status 127: the command was not found here".into()),
        _ if recipe.is_hang => {
            judged(ReplayOutcome::OtherFailure, Some("it failed instead of hanging".into()))
        }
        (None, exit) => {
            let seen = signature(&execution.output, exit);
            match failure.map(|failure| failure.compare(&seen)) {
                Some(millwright_ingest::SignatureMatch::Different { why }) => judged(
                    ReplayOutcome::OtherFailure,
                    Some(format!("it failed in another way: {}", why.chars().take(300).collect::<String>())),
                ),
                _ => judged(ReplayOutcome::Reproduces, None),
            }
        }
    }
}
