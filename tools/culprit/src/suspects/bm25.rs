/*!
BM25F: the term frequencies of all fields, weighted and length-normalised for each field, are added up *before* they
saturate. Adding up one BM25 score per field instead counts a word in three fields three times and ranks far worse.

Robertson, Zaragoza, Taylor: "Simple BM25 extension to multiple weighted fields", CIKM 2004.
*/

use millwright_git::history::PatchField;

use super::candidates::{SuspectCandidate, SuspectCandidates};

/// Saturation; 2 because patches repeat words more than documents do.
const K1: f64 = 2.0;

/// Strength of the length normalisation.
const B: f64 = 0.6;

pub(super) type FieldWeights = [f64; PatchField::COUNT];

/// Weights of the parts of a patch: its own words count fully, removed tests and unknown files little.
pub(super) const ALL_FIELDS: FieldWeights = {
    let mut weights = [1.0; PatchField::COUNT];
    weights[PatchField::TestRemoved as usize] = 0.5;
    weights[PatchField::Other as usize] = 0.2;
    weights
};

/// Weights that use some fields only.
pub(super) const fn only(fields: &[PatchField]) -> FieldWeights {
    let mut weights = [0.0; PatchField::COUNT];
    let mut at = 0;
    while at < fields.len() {
        weights[fields[at] as usize] = 1.0;
        at += 1;
    }
    weights
}

/// Contribution of each token of `tokens` to one candidate, by token.
pub(super) fn contributions<'a>(
    candidates: &'a SuspectCandidates,
    candidate: &'a SuspectCandidate,
    wanted: &'a [bool],
    weights: &'a FieldWeights,
) -> impl Iterator<Item = (u16, f64)> + 'a {
    let groups = candidate.hits.chunk_by(|a, b| a.token == b.token);
    groups.filter(|hits| wanted[usize::from(hits[0].token)]).filter_map(move |hits| {
        let token = hits[0].token;
        let mut frequency = 0.0;
        for hit in hits {
            let field = usize::from(hit.field);
            let mean = candidates.mean_length[field];
            let relative = if mean > 0.0 { f64::from(candidate.lengths[field]) / mean } else { 1.0 };
            frequency += weights[field] * f64::from(hit.count) / (1.0 - B + B * relative);
        }
        let idf = candidates.idf(candidates.document_frequency[usize::from(token)]);
        (frequency > 0.0).then(|| (token, idf * frequency / (K1 + frequency)))
    })
}

/// Scores of all candidates for a set of tokens.
pub(super) fn scores(candidates: &SuspectCandidates, tokens: &[u16], weights: &FieldWeights) -> Vec<f64> {
    let wanted = mask(candidates, tokens);
    let score = |candidate| contributions(candidates, candidate, &wanted, weights).map(|(_, s)| s).sum();
    candidates.list.iter().map(score).collect()
}

/// As [`scores`], with a weight for each token of the vocabulary.
pub(super) fn weighted_scores(
    candidates: &SuspectCandidates,
    tokens: &[f64],
    weights: &FieldWeights,
) -> Vec<f64> {
    let wanted: Vec<bool> = tokens.iter().map(|weight| *weight > 0.0).collect();
    let score = |candidate| {
        let parts = contributions(candidates, candidate, &wanted, weights);
        parts.map(|(token, score)| score * tokens[usize::from(token)]).sum()
    };
    candidates.list.iter().map(score).collect()
}

pub(super) fn mask(candidates: &SuspectCandidates, tokens: &[u16]) -> Vec<bool> {
    let mut wanted = vec![false; candidates.document_frequency.len()];
    for token in tokens {
        wanted[usize::from(*token)] = true;
    }
    wanted
}
