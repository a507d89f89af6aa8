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

use millwright_model::terminal_code::readable;
use serde::Serialize;

/// Longest text of one check, in characters.
const MAX_DETAIL: usize = 900;

/// What was found of one part of the set-up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetupCheck {
    pub part: SetupPart,
    pub state: SetupState,
    /// What was found, and how to mend it.
    pub detail: String,
}

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetupPart {
    History,
    Branch,
    Submodules,
    Packages,
    LargeFiles,
    AllowRead,
    Overlay,
    Setup,
    Test,
    TestOne,
}

impl SetupPart {
    /// As the configuration calls it, where it does.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::History => "history",
            Self::Branch => "branch",
            Self::Submodules => "submodules",
            Self::Packages => "packages",
            Self::LargeFiles => "large files",
            Self::AllowRead => "allow_read",
            Self::Overlay => "overlay",
            Self::Setup => "setup",
            Self::Test => "test",
            Self::TestOne => "test_one",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SetupState {
    Works,
    /// Nothing is configured, so that nothing was tried.
    NotSet,
    /// It may be meant so, or it could not be tried.
    Doubtful,
    Broken,
}

impl SetupCheck {
    /// What a repository's commands print is quoted in it, so terminal codes are taken out, and it is cut and put on one line.
    pub fn new(part: SetupPart, state: SetupState, detail: impl Into<String>) -> Self {
        let detail = readable(&detail.into()).replace(char::is_control, " ");
        let mut cut: String = detail.chars().take(MAX_DETAIL).collect();
        if cut.len() < detail.len() {
            cut.push('…');
        }
        Self { part, state, detail: cut }
    }

    pub fn works(part: SetupPart, detail: impl Into<String>) -> Self {
        Self::new(part, SetupState::Works, detail)
    }

    pub fn doubtful(part: SetupPart, detail: impl Into<String>) -> Self {
        Self::new(part, SetupState::Doubtful, detail)
    }

    pub fn broken(part: SetupPart, detail: impl Into<String>) -> Self {
        Self::new(part, SetupState::Broken, detail)
    }
}

#[cfg(test)]
#[path = "setup_check_tests.rs"]
mod tests;
