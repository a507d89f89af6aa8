/*!
Commits that later ones of the range name ("Regression in 1a2b3c4"). Such a commit caused some fault before, but not
necessarily this incident, so the signal has no weight unless a caller sets one.
*/

use millwright_model::CommitId;
use std::collections::HashMap;

use super::super::context::SignalContext;
use super::SignalColumn;

/// Number of digits by which mentions are looked up; every abbreviation has at least this many.
const DIGITS: usize = 7;

pub(super) fn columns<'c>(context: &'c SignalContext<'_>) -> Vec<SignalColumn<'c>> {
    let ids: Vec<CommitId> = (0..context.candidates.len()).map(|at| context.commit(at).id()).collect();
    let by_prefix: HashMap<&str, usize> = ids.iter().zip(0..).map(|(id, at)| (&id[..DIGITS], at)).collect();
    let mut values = vec![0.0; ids.len()];
    for (at, candidate) in context.candidates.list.iter().enumerate() {
        for mention in &candidate.mentions {
            let named = mention.get(..DIGITS).and_then(|prefix| by_prefix.get(prefix)).copied();
            if let Some(named) =
                named.filter(|named| ids[*named].starts_with(mention.as_str()) && *named > at)
            {
                values[named] = 1.0;
            }
        }
    }
    let mends =
        context.candidates.list.iter().map(|candidate| f64::from(u8::from(!candidate.mentions.is_empty())));
    vec![
        SignalColumn::plain("named_by_later_commit", values, |_| "a later commit names it".into()),
        SignalColumn::plain("names_another_commit", mends.collect(), |_| "names another commit".into()),
    ]
}
