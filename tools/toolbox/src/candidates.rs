/*!
Stores the candidate fixes of a run and their verifications as artifacts: several tools add to one list, and several
read it.
*/

use millwright_culprit::fixes::{self, FixCandidate};
use millwright_model::{CheckResult, Fix, Proof, ReplayRun, TestsResult};
use serde::{Deserialize, Serialize};

use super::{ToolContext, ToolError};

/// The artifact with all candidates, in the order they were drafted.
const CANDIDATES: &str = "candidates.json";
/// The artifact with the verifications.
const CHECKS: &str = "fix_checks.json";

/// The result of verifying a candidate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FixCheck {
    pub candidate: String,
    pub fix: Fix,
    /// Why the candidate holds or fails, in words.
    pub detail: String,
    /// Every replay of the investigation so far.
    pub runs: Vec<(usize, ReplayRun)>,
    /// The numbers of the replays that judged this fix.
    #[serde(default)]
    pub judged_by: Vec<usize>,
    /// Passes of the replay with the fix.
    #[serde(default)]
    pub passes: u32,
    /// The whole culprit was taken back and the failure stayed, so it may not be the culprit.
    #[serde(default)]
    pub contradicts: bool,
    /// Why memory knows the fix to be wrong, in words.
    #[serde(default)]
    pub failed_before: Option<String>,
    /// The end of the output of the failed run, for the author of the next candidate. Empty when the candidate held.
    #[serde(default)]
    pub output_end: String,
}

impl FixCheck {
    pub fn in_words(&self) -> String {
        format!("The {}", fixes::kind_in_words(self.fix.kind))
    }

    /// Whether the replay passes with the candidate and no other run contradicts it.
    pub fn holds(&self) -> bool {
        let contradicted = self.fix.four_way.as_ref().is_some_and(|check| check.contradicted > 0);
        self.fix.replay == CheckResult::Pass
            && self.fix.tests != TestsResult::Fail
            && !contradicted
            && self.failed_before.is_none()
    }

    /// Whether the replay passes with the candidate and something else fails. Memory keeps such a fix, because a
    /// later run may not see that failure.
    pub fn fails_beyond_replay(&self) -> bool {
        self.fix.replay == CheckResult::Pass && !self.holds()
    }
}

pub(super) fn all(ctx: &ToolContext) -> Vec<FixCandidate> {
    ctx.workbench.artifact(CANDIDATES).unwrap_or_default()
}

/// Adds candidates; a candidate with the same id is replaced.
pub(super) fn add(ctx: &ToolContext, new: &[FixCandidate]) -> Result<(), ToolError> {
    let mut known = all(ctx);
    known.retain(|candidate| !new.iter().any(|new| new.id == candidate.id));
    known.extend_from_slice(new);
    ctx.workbench.keep(CANDIDATES, &known)
}

pub(super) fn named(ctx: &ToolContext, id: &str) -> Result<FixCandidate, ToolError> {
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

/// Stores the verification of a candidate.
pub(super) fn keep_check(ctx: &ToolContext, check: &FixCheck) -> Result<(), ToolError> {
    let mut checks: Vec<FixCheck> = ctx.workbench.artifact(CHECKS).unwrap_or_default();
    checks.retain(|known| known.candidate != check.candidate);
    checks.push(check.clone());
    ctx.workbench.keep(CHECKS, &checks)
}

/// The verification of exactly this candidate, if it held.
pub(super) fn verified(ctx: &ToolContext, candidate: &FixCandidate) -> Result<FixCheck, ToolError> {
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
            "{} failed its verification ({}); only a verified fix is written",
            candidate.id, check.detail
        ))),
        None => Err(ToolError::denied(format!(
            "{} was not verified in this run; call `verify_fix` first",
            candidate.id
        ))),
    }
}
