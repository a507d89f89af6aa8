/*!
What ranking learns from: the signals of an incident's candidates as they were when it was ranked, and the weights
that verified outcomes led to, with everything that a person needs to see why.
*/

use crate::Timestamp;
use crate::{CommitId, IncidentId};
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The leading candidates of one ranking with their signals.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RankingSample {
    /// Names of the signals, in the order of every candidate's values.
    pub signals: Vec<String>,
    /// Most suspected first; bounded in number.
    pub candidates: Vec<SampledCandidate>,
    /// The number of all candidates.
    pub total: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SampledCandidate {
    pub commit: CommitId,
    pub values: Vec<f32>,
}

/// Weights learned from verified outcomes, and why they were or were not adopted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LearnedWeights {
    /// The whole table, by signal.
    pub weights: BTreeMap<String, f64>,
    /// The weights that changed, largest change first.
    pub moves: Vec<WeightMove>,
    /// Incidents that the weights were learned from.
    pub incidents: Vec<IncidentId>,
    pub figures: LearningFigures,
    /// Why the weights are better, or why they were not adopted, for a reader.
    pub verdict: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WeightMove {
    pub signal: String,
    pub from: f64,
    pub to: f64,
    /// The incidents with the most influence, with their share of it (all shares add up to 1).
    pub because: Vec<(IncidentId, f64)>,
}

/// How the default and the learned weights rank incidents that the weights were not learned from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct LearningFigures {
    /// Number of incidents. Each is judged by weights learned without it and without any other incident of the same
    /// culprit.
    pub held_out: u32,
    pub culprits: u32,
    pub mrr_before: f64,
    pub mrr_after: f64,
    /// Share of incidents with the culprit in first place.
    pub first_before: f64,
    pub first_after: f64,
    /// Standard error of the mean difference in reciprocal rank.
    pub noise: f64,
}

/// One learned set of weights as the store keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WeightVersion {
    /// Counts from 1; 0 stands for the default weights.
    pub version: i64,
    pub created_at: Timestamp,
    /// Whether they passed the held-out check.
    pub adopted: bool,
    /// Whether ranking uses them now.
    pub active: bool,
    #[serde(flatten)]
    pub learned: LearnedWeights,
}

/// What a verified incident was traced to: knowledge about the code, not about the incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Precedent {
    pub incident_id: IncidentId,
    /// 40 hex digits.
    pub culprit: Option<String>,
    /// `path::Qualified.name`, or `path`.
    pub units: Vec<String>,
    /// Revision at which the incident was seen failing. It dates the knowledge in the code's own history.
    pub failing_revision: String,
}

/// A ranking whose culprit is confirmed.
#[derive(Debug, Clone, PartialEq)]
pub struct SettledSample {
    pub incident_id: IncidentId,
    pub culprit: String,
    pub sample: RankingSample,
}
