/*! The guilty file: right where a location lies in one, or where the very commit was named. */

use super::GradedAnswer;

pub fn grade(answer: &GradedAnswer<'_>) -> Option<bool> {
    let truth = &answer.case.truth;
    if truth.commit.is_none() || truth.files.is_empty() {
        return None;
    }
    let Some(cause) = &answer.report.root_cause else { return Some(false) };
    Some(answer.is_right() || cause.locations.iter().any(|at| truth.files.contains(&at.path)))
}
