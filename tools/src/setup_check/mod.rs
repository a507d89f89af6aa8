/*!
Whether what is configured about a repository works on this machine: what a clean checkout lacks is named (submodules,
installed packages, files of Git LFS), and each recipe is run once in the sandbox, just as investigations will run it.
*/

mod checkout_contents;
mod packages;
mod recipe_trial;
mod sample_test;

pub use checkout_contents::check_checkout;
pub use recipe_trial::{RecipeTrial, RecipesTried};

use serde::Serialize;

/// Longest text of one check, in characters.
const MAX_DETAIL: usize = 900;

/// What was found of one part of the set-up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SetupCheck {
    /// What was looked at, such as `test` or `submodules`.
    pub subject: String,
    pub state: SetupState,
    /// What was found, and how to mend it.
    pub detail: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SetupState {
    Works,
    /// It may be meant so, or it could not be tried.
    Doubtful,
    Broken,
}

impl SetupCheck {
    pub fn works(subject: &str, detail: impl Into<String>) -> Self {
        Self::new(subject, SetupState::Works, detail)
    }

    pub fn doubtful(subject: &str, detail: impl Into<String>) -> Self {
        Self::new(subject, SetupState::Doubtful, detail)
    }

    pub fn broken(subject: &str, detail: impl Into<String>) -> Self {
        Self::new(subject, SetupState::Broken, detail)
    }

    /// What a repository's commands print is quoted in it, so it is cut and loses its control characters.
    fn new(subject: &str, state: SetupState, detail: impl Into<String>) -> Self {
        let plain = |letter: char| if letter.is_control() { ' ' } else { letter };
        let detail: String = detail.into();
        let mut cut: String = detail.chars().map(plain).take(MAX_DETAIL).collect();
        if cut.len() < detail.len() {
            cut.push('…');
        }
        Self { subject: subject.to_owned(), state, detail: cut }
    }
}

#[cfg(test)]
#[path = "setup_check_tests.rs"]
mod tests;
