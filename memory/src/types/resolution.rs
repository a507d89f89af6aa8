/*!
What is known of a resolution, in three fields that never stand for one another: how well it is proven by
machine, what a person said of it, and what became of it.
*/

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Ordered: a later one implies the earlier ones.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    #[default]
    None,
    /// The failure was seen in a replay at the failing revision.
    Reproduced,
    /// The replay fails at the culprit and passes at its parent, both really run.
    CauseConfirmed,
    /// The replay passes with the fix, and something beyond it shows that the behaviour is right again.
    FixVerified,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Approval {
    #[default]
    None,
    Confirmed,
    Rejected,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    #[default]
    Unknown,
    /// The fix was seen on the watched branch and the signature stayed away.
    Shipped,
    Recurred,
}

/// A fix with which the replay passes and something else fails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedFix {
    /// Unified diff against the failing revision.
    pub diff: String,
    /// What failed with it, in words.
    pub because: String,
}

/// What memory keeps of how an incident was explained and mended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resolution {
    pub id: String,
    pub incident_id: String,
    /// Stable identity of the repository (its root commits), so that memory does not mix code bases.
    pub repository: String,
    pub statement: String,
    pub culprit: Option<String>,
    /// Paths and symbols of the guilty lines at the failing revision: `path::Qualified.name`, or `path`.
    pub units: Vec<String>,
    /// Revision at which the incident was seen failing.
    pub failing_revision: String,
    /// Unified diff against `failing_revision`; empty when no fix is known.
    pub fix_diff: String,
    pub fix_kind: Option<super::report::FixKind>,
    /// What was run beyond the replay when the fix was verified; `None` where that is not on record.
    #[serde(default)]
    pub fix_checks: Option<super::report::FixChecks>,
    /// Fixes that were tried for it and are known to be wrong although the replay passes with them.
    #[serde(default)]
    pub failed_fixes: Vec<FailedFix>,
    /// How to re-check: the replay recipe as JSON, `None` when there was no replay.
    pub replay: Option<serde_json::Value>,
    pub proof: Proof,
    pub approval: Approval,
    pub approved_by: Option<String>,
    pub outcome: Outcome,
    /// RFC 3339.
    pub created_at: String,
}

impl Resolution {
    /// Only machine-proven or human-confirmed knowledge may be presented as known.
    pub fn is_trusted(&self) -> bool {
        self.approval != Approval::Rejected
            && self.outcome != Outcome::Recurred
            && (self.approval == Approval::Confirmed || self.proof >= Proof::CauseConfirmed)
    }
}
