/*! The exact commit: another commit that changes the same file is as wrong as any other. */

use super::GradedAnswer;

pub fn grade(answer: &GradedAnswer<'_>) -> Option<bool> {
    answer.case.truth.commit.as_ref()?;
    Some(answer.is_right())
}
