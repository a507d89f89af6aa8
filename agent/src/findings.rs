/*!
The result of a planner: claims and the evidence of each.

A finding names no verdict. The level of proof comes from the results of the tools that really ran
([`crate::verification`]), and code checks every citation before it enters a report.
*/

use millwright_model::{CauseKind, CommitId, Escalation, EvidenceId, HypothesisStatus, Location, Struck};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlannerFinding {
    /// Two or three sentences for the person who asked.
    pub summary: String,
    pub root_cause: Option<CauseClaim>,
    pub hypotheses: Vec<HypothesisClaim>,
    /// Set when the evidence says that nothing is wrong.
    pub not_an_incident: Option<Claim>,
    pub escalate: Option<Escalation>,
    /// Claims that were removed before the finding was submitted, and why.
    #[serde(default)]
    pub struck: Vec<Struck>,
}

/// A statement and its citations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Claim {
    pub statement: String,
    pub cites: Vec<Citation>,
}

/// A piece of evidence and verbatim quotes from it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Citation {
    pub evidence: EvidenceId,
    pub quotes: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CauseClaim {
    #[serde(flatten)]
    pub claim: Claim,
    pub kind: CauseKind,
    pub commit: Option<CommitId>,
    pub locations: Vec<Location>,
    pub confidence: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HypothesisClaim {
    pub id: String,
    #[serde(flatten)]
    pub claim: Claim,
    pub status: HypothesisStatus,
}
