/*!
Recall: which earlier incident is this one again, and how sure is that?

Four views rank candidates apart (words, code with its exact fingerprint, context, dense vector) and are fused by
reciprocal rank, because their scores have no common scale. Gates then decide what may be shown at all: agreement in structure, or a
likeness in words that was measured on real duplicates. Structure that disagrees outweighs words that agree: a
look-alike with another cause is told apart before anybody trusts it. "No precedent" is an answer.

What comes out is a hint with its reasons. Whether it is `known` is settled by the caller, who re-checks now.
*/

#[cfg(feature = "answer-limit")]
pub mod answer_limit;
mod context;
pub mod embed;
mod gate;
mod search;
mod similarity;
mod trust;
mod vector_view;
pub mod vectors;

pub use search::{NearIncident, RecallViews, nearest_by, recall, recall_with};
pub use trust::Trust;

use millwright_model::{IncidentId, MappedFrame, ParsedTicket, RepositoryId, Resolution};
use millwright_store::{Incident, StoredHypothesis};

/// What is asked for: the incident at hand.
#[derive(Debug, Clone, Copy)]
pub struct RecallQuery<'a> {
    /// Identity of the repository; incidents of other repositories are not precedents. `None`: unknown yet.
    pub repository: Option<&'a RepositoryId>,
    pub ticket: &'a ParsedTicket,
    /// Mapped frames beyond those in the ticket's traces.
    pub mapped: &'a [MappedFrame],
    pub service: Option<&'a str>,
    pub environment: Option<&'a str>,
    /// The incident itself, once it is stored.
    pub exclude: Option<&'a IncidentId>,
    /// 0 stands for 10.
    pub limit: usize,
}

impl<'a> RecallQuery<'a> {
    pub fn new(ticket: &'a ParsedTicket) -> Self {
        Self {
            repository: None,
            ticket,
            mapped: &[],
            service: ticket.context.service.as_deref(),
            environment: ticket.context.environment.as_deref(),
            exclude: None,
            limit: 0,
        }
    }
}

/// What recall answers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RecallAnswer {
    pub found: Vec<RecalledIncident>,
    /// Why vectors took no part, in words; the other views answered.
    pub degraded: Option<String>,
}

/// An earlier incident that this one may be again.
#[derive(Debug, Clone, PartialEq)]
pub struct RecalledIncident {
    pub incident: Incident,
    /// How many incidents of the same problem matched; this is the best of them.
    pub occurrences: u32,
    /// Of this incident and of the folded ones, most trusted first. Each has `units` and `failing_revision`,
    /// by which the caller sees whether that code has changed since.
    pub resolutions: Vec<Resolution>,
    /// 0 to 1, how sure it is the same problem: .95 and more for the same fingerprint, .70 and more where code and
    /// error agree, at most .6 for words alone, at most .4 where the exception or the code path disagree.
    pub score: f64,
    /// In words, strongest reason first; what speaks against it comes last, as `differs: …`.
    pub why: Vec<String>,
    /// The code agrees, not only the words.
    pub structural: bool,
    /// At least one resolution is proven by machine or confirmed by a person, and not rejected or recurred.
    pub trusted: bool,
    /// How much, and why. A caller that can read the code lowers it where the guilty lines were rewritten.
    pub trust: Trust,
    /// What was tried and found wrong.
    pub refuted: Vec<StoredHypothesis>,
}

#[cfg(test)]
mod knowledge_tests;
#[cfg(test)]
mod testing;
#[cfg(test)]
#[path = "recall_tests.rs"]
mod tests;
