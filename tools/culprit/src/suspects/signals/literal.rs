/*!
Phrases of the error message in changed source lines: a candidate that changed the text of the message, or the code
that makes it, is near the fault. Phrases that many candidates have say nothing.
*/

use super::super::candidates::SuspectCandidate;
use super::super::context::SignalContext;
use super::SignalColumn;

/// Share of candidates beyond which a phrase is common.
const COMMON: f64 = 0.05;

pub(super) fn columns<'c>(context: &'c SignalContext<'_>) -> Vec<SignalColumn<'c>> {
    let candidates = &context.candidates;
    let limit = (COMMON * candidates.len() as f64).max(1.0);
    let value = |gram: &u16| {
        let frequency = candidates.gram_frequency[usize::from(*gram)];
        if f64::from(frequency) > limit { 0.0 } else { candidates.idf(frequency) }
    };
    let of = |candidate: &SuspectCandidate| match candidate.speaks() {
        true => candidate.grams.iter().map(value).sum(),
        false => 0.0,
    };
    let values = candidates.list.iter().map(of).collect();
    vec![SignalColumn::relative("literal", values, |_| {
        "changes a line with a phrase of the error message".into()
    })]
}
