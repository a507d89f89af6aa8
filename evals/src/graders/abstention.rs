/*! The right to name nothing: where no commit is to blame, an answer that asserts one is wrong, however likely. */

use super::GradedAnswer;

pub fn grade(answer: &GradedAnswer<'_>) -> Option<bool> {
    answer.case.truth.wants_abstention().then(|| !answer.asserts())
}
