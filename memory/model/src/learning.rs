/*!
What ranking learns from: the signals of an incident's candidates as they were when it was ranked, and the weights
that verified outcomes led to, with everything a person needs to see why.
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
    /// Most suspected first, bounded.
    pub candidates: Vec<SampledCandidate>,
    /// Candidates there were in all.
    pub total: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SampledCandidate {
    pub commit: CommitId,
    pub values: Vec<f32>,
}

/// Weights learned from verified outcomes, and why they were adopted or not.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LearnedWeights {
    /// By signal, the whole table.
    pub weights: BTreeMap<String, f64>,
    /// What moved, most first.
    pub moves: Vec<WeightMove>,
    /// Incidents learned from.
    pub incidents: Vec<IncidentId>,
    pub figures: LearningFigures,
    /// In words, why they are better, or why they were not adopted.
    pub verdict: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WeightMove {
    pub signal: String,
    pub from: f64,
    pub to: f64,
    /// The incidents that pulled most, with their share of the pull (all shares add up to 1).
    pub because: Vec<(IncidentId, f64)>,
}

/// How defaults and learned weights did on incidents they were not learned from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct LearningFigures {
    /// Incidents, each judged by weights learned without it and without any other incident of the same culprit.
    pub held_out: u32,
    pub culprits: u32,
    pub mrr_before: f64,
    pub mrr_after: f64,
    /// Share with the culprit on top.
    pub first_before: f64,
    pub first_after: f64,
    /// Standard error of the mean difference in reciprocal rank.
    pub noise: f64,
}

/// One learned set of weights as the store keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WeightVersion {
    /// From 1; 0 stands for the weights that ship.
    pub version: i64,
    pub created_at: Timestamp,
    /// Whether they passed the held-out check.
    pub adopted: bool,
    /// Whether ranking uses them now.
    pub active: bool,
    #[serde(flatten)]
    pub learned: LearnedWeights,
}

/// What a verified incident was traced to: knowledge of the code, not of the incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Precedent {
    pub incident_id: IncidentId,
    /// 40 hex digits.
    pub culprit: Option<String>,
    /// `path::Qualified.name`, or `path`.
    pub units: Vec<String>,
    /// Revision at which the incident was seen failing: how old the knowledge is, in the code's own time.
    pub failing_revision: String,
}

/// A ranking whose culprit is settled.
#[derive(Debug, Clone, PartialEq)]
pub struct SettledSample {
    pub incident_id: IncidentId,
    pub culprit: String,
    pub sample: RankingSample,
}
