/*!
Recall: finds the earlier incident that this one repeats, and says how sure that is.

Four views rank candidates separately (words, code with its exact fingerprint, context, dense vector). Reciprocal rank
fusion combines them, because their scores have no common scale. Gates then decide what may be shown at all: agreement
in structure, or a word similarity that was measured on real duplicates. Structure that disagrees outweighs words that
agree, so that a look-alike with another cause is recognised before anybody trusts it. "No precedent" is a valid
answer.

The result is a hint with its reasons. The caller decides whether it is `known`, by checking again now.
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

/// The query: the current incident.
#[derive(Debug, Clone, Copy)]
pub struct RecallQuery<'a> {
    /// Identity of the repository; incidents of other repositories are not precedents. `None` if it is not known yet.
    pub repository: Option<&'a RepositoryId>,
    pub ticket: &'a ParsedTicket,
    /// Mapped frames beyond those in the ticket's traces.
    pub mapped: &'a [MappedFrame],
    pub service: Option<&'a str>,
    pub environment: Option<&'a str>,
    /// The current incident itself, once it is stored.
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

/// The result of recall.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RecallAnswer {
    pub found: Vec<RecalledIncident>,
    /// Why vectors took no part, for a reader; the other views answered.
    pub degraded: Option<String>,
}

/// An earlier incident that the current one may repeat.
#[derive(Debug, Clone, PartialEq)]
pub struct RecalledIncident {
    pub incident: Incident,
    /// How many incidents of the same problem matched; this is the best match of them.
    pub occurrences: u32,
    /// Resolutions of this incident and of the folded ones, most trusted first. Each has `units` and
    /// `failing_revision`, which let the caller see whether that code has changed since.
    pub resolutions: Vec<Resolution>,
    /// Probability that it is the same problem, 0 to 1: .95 and more for the same fingerprint, .70 and more if code
    /// and error agree, at most .6 for words alone, at most .4 if the exception or the code path disagree.
    pub score: f64,
    /// Reasons for a reader, strongest first; reasons against come last, as `differs: …`.
    pub why: Vec<String>,
    /// The code agrees, not only the words.
    pub structural: bool,
    /// A machine proved or a person confirmed at least one resolution, and it was not rejected and did not recur.
    pub trusted: bool,
    /// How far to trust it, and why. A caller that can read the code lowers the score if the guilty lines were
    /// rewritten.
    pub trust: Trust,
    /// Hypotheses that were tried and found wrong.
    pub refuted: Vec<StoredHypothesis>,
}

#[cfg(test)]
mod knowledge_tests;
#[cfg(test)]
mod testing;
#[cfg(test)]
#[path = "recall_tests.rs"]
mod tests;
