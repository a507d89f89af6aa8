/*!
Ranks the commits of a range by explainable signals.

Each signal is a column: a number for every candidate, and the reason in words. The score is the weighted sum of the
columns; one table of weights serves every repository and language. The probability is calibrated: it is what that
score meant on cases with a known culprit. The ranking uses only what is reachable from the failing revision: word
statistics come from the candidates, and file statistics from the revision's ancestors.
*/

mod bm25;
mod candidates;
mod context;
pub mod learn;
mod lines;
mod outline;
mod probability;
mod query;
pub mod relearn;
mod signals;
mod stop_words;
mod suspect_evidence;
mod tests_of;
mod tree;
mod weights;

use context::SignalContext;
use millwright_model::{CommitId, ParsedTicket, Precedent, RankingSample, Reason, SampledCandidate, Suspect};

use millwright_git::history::{HistoryError, HistoryIndex};
use millwright_git::{Repo, RepoError};
use millwright_redaction::RedactionConfig;
use millwright_replay::exec_trace::ExecutionTrace;
use millwright_sandbox::trusted::GitError;

pub use suspect_evidence::SuspectEvidence;
pub use weights::SignalWeights;

#[derive(Debug, thiserror::Error)]
pub enum SuspectsError {
    #[error(transparent)]
    Repo(#[from] RepoError),
    #[error(transparent)]
    History(#[from] HistoryError),
    #[error(transparent)]
    Git(#[from] GitError),
    #[error("there is no commit between the good and the bad revision; give an older --good")]
    NoCandidates,
}

/// The input of a ranking. Only `repo`, `rules`, `bad` and `ticket` are required; everything else improves the
/// result.
#[derive(Debug, Clone, Copy)]
pub struct RankRequest<'a> {
    pub repo: &'a Repo,
    /// Rules that mask the index of the history.
    pub rules: &'a RedactionConfig,
    /// The failing revision.
    pub bad: &'a CommitId,
    /// A revision known to be free of the fault; without it every ancestor is a candidate.
    pub good: Option<&'a CommitId>,
    pub ticket: &'a ParsedTicket,
    /// The code that the failing run executed at `bad`.
    pub executed: Option<&'a ExecutionTrace>,
    /// Additional text, such as the failing test that a replay runs and its output.
    pub extra_text: &'a str,
    /// The causes of trusted resolutions of earlier incidents in this repository.
    pub precedents: &'a [Precedent],
    pub weights: &'a SignalWeights,
}

/// One commit of the range.
#[derive(Debug, Clone, PartialEq)]
pub struct RankedCommit {
    pub commit: CommitId,
    pub score: f64,
    /// Prior of the bisect, which assumes that one of the candidates is the culprit. Adds up to 1.
    pub prior: f64,
    /// Calibrated probability that this commit is the culprit. The sum over the range is at most 1; the remainder is the
    /// probability that no commit of the range is the culprit.
    pub probability: f64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct SuspectRanking {
    /// Every candidate, best first.
    pub commits: Vec<RankedCommit>,
    /// The best ones, with reasons.
    pub suspects: Vec<Suspect>,
    /// The sample to learn from once the culprit is known.
    pub sample: RankingSample,
    /// The evidence that connects the first commit to the ticket.
    pub evidence: SuspectEvidence,
}

/// Number of suspects with reasons.
const EXPLAINED: usize = 50;

/// Minimum number of commits in a ranking. A shorter range is filled up with older commits. They cannot be the cause,
/// so a ticket matches them only by chance; this makes the scores of short and long ranges comparable.
const COMPARED: usize = 1_000;

/// Number of candidates stored for learning; a culprit with a lower rank is too rare to justify the space.
const SAMPLED: usize = 60;

/// Columns of every candidate before weighting, for learning and ablation.
#[derive(Debug)]
pub struct SignalTable {
    /// Newest first.
    pub commits: Vec<CommitId>,
    /// Name of each signal, with one value per candidate.
    pub columns: Vec<(&'static str, Vec<f64>)>,
}

/// Ranks `good..bad`. Blocking: reads git and the index in the data folder.
///
/// # Errors
/// When the revisions are not in the repository, the range is empty, or the data folder cannot be written.
pub fn rank(request: &RankRequest<'_>) -> Result<SuspectRanking, SuspectsError> {
    let context = SignalContext::read(request)?;
    let columns = signals::all(&context);
    let scores = request.weights.scores(&columns, context.candidates.len());
    let mut order: Vec<usize> = (0..context.in_range).collect();
    // Candidates with the same score stay newest first, which is the order of the candidates.
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    let priors = probability::calibrated(&scores, &context);
    let within = order.iter().map(|at| priors[*at]).sum::<f64>().max(1e-9);
    // Memory changes the order of suspects, but not their probability.
    let said = request.weights.without_memory().scores(&columns, context.candidates.len());
    let probabilities = probability::calibrated(&said, &context);
    let mut probabilities: Vec<f64> = order.iter().map(|at| probabilities[*at]).collect();
    let evidence = order
        .first()
        .map(|first| suspect_evidence::evidence_of(&context, &columns, request.weights, &scores, *first));
    let evidence = evidence.unwrap_or_default();
    probability::rescale(&mut probabilities, &evidence);
    let suspects = order.iter().take(EXPLAINED).zip(1..).map(|(at, rank)| {
        let commit = context.commit(*at);
        let mut reasons: Vec<Reason> = columns
            .iter()
            .map(|column| Reason {
                signal: column.name.to_owned(),
                contribution: request.weights.of(column.name) * column.values[*at],
                detail: String::new(),
            })
            .filter(|reason| reason.contribution.abs() > 0.005)
            .collect();
        for reason in &mut reasons {
            if let Some(column) = columns.iter().find(|column| column.name == reason.signal) {
                reason.detail = (column.explain)(*at);
            }
        }
        reasons.sort_by(|a, b| b.contribution.total_cmp(&a.contribution));
        Suspect { rank, commit: commit.id(), subject: commit.subject.clone(), score: scores[*at], reasons }
    });
    let sampled = order.iter().take(SAMPLED).map(|at| SampledCandidate {
        commit: context.commit(*at).id(),
        // Four digits are precise enough and halve the size.
        values: columns.iter().map(|column| ((column.values[*at] * 1e4).round() / 1e4) as f32).collect(),
    });
    let sample = RankingSample {
        signals: columns.iter().map(|column| column.name.to_owned()).collect(),
        candidates: sampled.collect(),
        total: order.len(),
    };
    Ok(SuspectRanking {
        sample,
        evidence,
        suspects: suspects.collect(),
        commits: order
            .iter()
            .zip(probabilities)
            .map(|(at, probability)| RankedCommit {
                commit: context.commit(*at).id(),
                score: scores[*at],
                prior: priors[*at] / within,
                probability,
            })
            .collect(),
    })
}

/// The signals of every candidate, unweighted.
///
/// # Errors
/// As [`rank`].
pub fn signal_table(request: &RankRequest<'_>) -> Result<SignalTable, SuspectsError> {
    let context = SignalContext::read(request)?;
    let in_range = |mut values: Vec<f64>| {
        values.truncate(context.in_range);
        values
    };
    let columns =
        signals::all(&context).into_iter().map(|column| (column.name, in_range(column.values))).collect();
    let commits = (0..context.in_range).map(|at| context.commit(at).id()).collect();
    Ok(SignalTable { commits, columns })
}

/// Updates the index of `repo` for ranking `good..bad`. Returns how many commits the structure has and how many
/// patches were read now.
///
/// # Errors
/// As [`rank`].
pub fn prepare(
    repo: &Repo,
    rules: &RedactionConfig,
    bad: &CommitId,
    good: Option<&CommitId>,
) -> Result<(usize, usize), SuspectsError> {
    let indexed = index(repo, rules, bad, good)?;
    Ok((indexed.history.structure.len(), indexed.read))
}

/// The history with the texts that a ranking compares.
struct Indexed {
    history: HistoryIndex,
    /// Newest first: the candidates, then older commits to compare them with.
    positions: Vec<u32>,
    in_range: usize,
    /// Patches that were read now.
    read: usize,
}

fn index(
    repo: &Repo,
    rules: &RedactionConfig,
    bad: &CommitId,
    good: Option<&CommitId>,
) -> Result<Indexed, SuspectsError> {
    let (mut history, ahead) = HistoryIndex::open_range(repo, rules, bad, good)?;
    let mut positions = candidate_positions(&history, bad, good)?;
    let in_range = positions.len();
    if let Some(good) = good.and_then(|good| history.structure.position(good)) {
        let older = history.structure.range(good, None).into_iter();
        positions.extend(older.take(COMPARED.saturating_sub(in_range)));
    }
    let read = history.text.ensure(repo, &history.structure, &positions)?;
    Ok(Indexed { history, positions, in_range, read: ahead + read })
}

fn candidate_positions(
    history: &HistoryIndex,
    bad: &CommitId,
    good: Option<&CommitId>,
) -> Result<Vec<u32>, SuspectsError> {
    let position = |commit: &CommitId| {
        history.structure.position(commit).ok_or_else(|| HistoryError::UnknownCommit(commit.clone()))
    };
    let bad = position(bad)?;
    let good = good.map(position).transpose()?;
    let positions = history.structure.range(bad, good);
    if positions.is_empty() { Err(SuspectsError::NoCandidates) } else { Ok(positions) }
}

#[cfg(test)]
#[path = "suspects_tests.rs"]
mod tests;
