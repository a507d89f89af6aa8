/*! The exact commit: another commit of the same file is as wrong as any. */

use super::Answer;

pub fn grade(answer: &Answer<'_>) -> Option<bool> {
    answer.case.truth.commit.as_ref()?;
    Some(answer.is_right())
}
