/*! Abstention: where no commit is to blame, an answer that asserts a commit is wrong, however likely that commit seems. */

use super::GradedAnswer;

pub fn grade(answer: &GradedAnswer<'_>) -> Option<bool> {
    answer.case.truth.wants_abstention().then(|| !answer.asserts())
}
