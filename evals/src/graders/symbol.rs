/*! The guilty function. Judged when the truth names one, which it does for languages whose symbols are parsed. */

use super::GradedAnswer;

pub fn grade(answer: &GradedAnswer<'_>) -> Option<bool> {
    let truth = &answer.case.truth;
    if truth.commit.is_none() || truth.symbols.is_empty() {
        return None;
    }
    let cause = answer.report.root_cause.as_ref();
    let named = cause.iter().flat_map(|cause| &cause.locations).filter_map(|at| at.symbol.as_ref());
    Some(named.into_iter().any(|symbol| truth.symbols.contains(symbol)))
}
