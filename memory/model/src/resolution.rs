/*!
What memory keeps about the cause and the fix of an incident, and when that may be presented as known.
*/

use serde::{Deserialize, Serialize, Serializer};

use super::fix::{FailedFix, FixChecks, FixKind};
use super::proof::{Approval, JudgingAuthority, Outcome, Proof};
use crate::Timestamp;
use crate::{IncidentId, RepositoryId, ResolutionId};

/// What memory keeps about the cause and the fix of an incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resolution {
    pub id: ResolutionId,
    pub incident_id: IncidentId,
    /// `None` if it is not known, which is a blank text wherever it is stored.
    #[serde(default, serialize_with = "blank_if_none", deserialize_with = "crate::id_or_blank")]
    pub repository: Option<RepositoryId>,
    pub statement: String,
    pub culprit: Option<String>,
    /// Paths and symbols of the guilty lines at the failing revision: `path::Qualified.name`, or `path`.
    pub units: Vec<String>,
    /// Revision at which the incident was seen failing.
    pub failing_revision: String,
    /// Unified diff against `failing_revision`; empty when no fix is known.
    pub fix_diff: String,
    pub fix_kind: Option<FixKind>,
    /// What was run beyond the replay when the fix was verified; `None` if that is not on record.
    #[serde(default)]
    pub fix_checks: Option<FixChecks>,
    /// Fixes that were tried for this incident and are known to be wrong although the replay passes with them.
    #[serde(default)]
    pub failed_fixes: Vec<FailedFix>,
    /// How to check again: the replay recipe as JSON; `None` if there was no replay.
    pub replay: Option<serde_json::Value>,
    pub proof: Proof,
    pub approval: Approval,
    pub approved_by: Option<String>,
    /// The authority of the person who confirmed or rejected it.
    #[serde(default)]
    pub approval_authority: Option<JudgingAuthority>,
    /// Whether the confirmation suffices: from a person whose word alone counts, or from two persons.
    #[serde(default)]
    pub approval_suffices: bool,
    pub outcome: Outcome,
    pub created_at: Timestamp,
}

/// Stored and exported as other versions read it.
fn blank_if_none<S: Serializer>(id: &Option<RepositoryId>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(id.as_ref().map_or("", RepositoryId::as_str))
}

impl Resolution {
    /// Only machine-proven or human-confirmed knowledge may be presented as known.
    pub fn is_trusted(&self) -> bool {
        self.approval != Approval::Rejected
            && self.outcome != Outcome::Recurred
            && (self.is_confirmed() || self.proof >= Proof::CauseConfirmed)
    }

    /// Whether persons confirmed it and their confirmation suffices.
    pub fn is_confirmed(&self) -> bool {
        self.approval == Approval::Confirmed && self.approval_suffices
    }
}

/// A resolution as a run hands it over: what a person says of it and what becomes of it come later,
/// each by its own audited call.
#[derive(Debug, Clone, PartialEq)]
pub struct NewResolution {
    pub repository: Option<RepositoryId>,
    pub statement: String,
    pub culprit: Option<String>,
    pub units: Vec<String>,
    pub failing_revision: String,
    pub fix_diff: String,
    pub fix_kind: Option<FixKind>,
    pub fix_checks: Option<FixChecks>,
    pub failed_fixes: Vec<FailedFix>,
    pub replay: Option<serde_json::Value>,
    pub proof: Proof,
}
