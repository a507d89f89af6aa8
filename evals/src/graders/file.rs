/*! The guilty file: right when a location is in a guilty file, or when the exact commit is named. */

use super::GradedAnswer;

pub fn grade(answer: &GradedAnswer<'_>) -> Option<bool> {
    let truth = &answer.case.truth;
    if truth.commit.is_none() || truth.files.is_empty() {
        return None;
    }
    let Some(cause) = &answer.report.root_cause else { return Some(false) };
    Some(answer.is_right() || cause.locations.iter().any(|at| truth.files.contains(&at.path)))
}
