/*!
The candidate fixes of a run and what became of them, as artifacts: several tools add to the one list and several
read from it.
*/

use millwright_memory::types::{CheckResult, Proof};

use super::verify_fix::FixCheck;
use super::{ToolContext, ToolError};
use crate::fixes::Candidate;

/// The artifact with all candidates, in the order they were drafted.
const CANDIDATES: &str = "candidates.json";
/// The artifact with the verifications.
const CHECKS: &str = "fix_checks.json";

pub(super) fn all(ctx: &ToolContext) -> Vec<Candidate> {
    ctx.workbench.artifact(CANDIDATES).unwrap_or_default()
}

/// Adds candidates; one of the same id is replaced.
pub(super) fn add(ctx: &ToolContext, new: &[Candidate]) -> Result<(), ToolError> {
    let mut known = all(ctx);
    known.retain(|candidate| !new.iter().any(|new| new.id == candidate.id));
    known.extend_from_slice(new);
    ctx.workbench.keep(CANDIDATES, &known)
}

pub(super) fn named(ctx: &ToolContext, id: &str) -> Result<Candidate, ToolError> {
    let known = all(ctx);
    match known.iter().find(|candidate| candidate.id == id.trim()) {
        Some(candidate) => Ok(candidate.clone()),
        None if known.is_empty() => Err(ToolError::not_found(format!(
            "no candidate {id:?}: none was drafted yet; `propose_fix` and `propose_patch` draft them"
        ))),
        None => {
            let ids: Vec<&str> = known.iter().map(|candidate| candidate.id.as_str()).collect();
            Err(ToolError::not_found(format!("no candidate {id:?}; there are: {}", ids.join(", "))))
        }
    }
}

/// Keeps what verifying a candidate showed.
pub(super) fn keep_check(ctx: &ToolContext, check: &FixCheck) -> Result<(), ToolError> {
    let mut checks: Vec<FixCheck> = ctx.workbench.artifact(CHECKS).unwrap_or_default();
    checks.retain(|known| known.candidate != check.candidate);
    checks.push(check.clone());
    ctx.workbench.keep(CHECKS, &checks)
}

/// The verification of this very candidate, if it held.
pub(super) fn verified(ctx: &ToolContext, candidate: &Candidate) -> Result<FixCheck, ToolError> {
    let checks: Vec<FixCheck> = ctx.workbench.artifact(CHECKS).unwrap_or_default();
    let of =
        checks.into_iter().find(|check| check.candidate == candidate.id && check.fix.diff == candidate.diff);
    match of {
        Some(check) if check.fix.proof == Proof::FixVerified && check.fix.replay == CheckResult::Pass => {
            Ok(check)
        }
        Some(check) if check.holds() => Err(ToolError::denied(format!(
            "the replay passes with {}, and nothing beyond it shows that it is right ({}); only a verified fix is written",
            candidate.id, check.detail
        ))),
        Some(check) => Err(ToolError::denied(format!(
            "{} did not hold when it was verified ({}); only a verified fix is written",
            candidate.id, check.detail
        ))),
        None => Err(ToolError::denied(format!(
            "{} was not verified in this run; call `verify_fix` first",
            candidate.id
        ))),
    }
}
