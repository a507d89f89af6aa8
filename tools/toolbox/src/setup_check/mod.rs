/*!
Checks whether a repository's configuration works on this machine: reports what a clean checkout lacks (submodules,
installed packages, files of Git LFS), and runs each recipe once in the sandbox, exactly as investigations do.
*/

mod checkout_contents;
mod packages;
mod recipe_trial;
mod sample_test;
mod trace_check;

pub use checkout_contents::check_checkout;
pub use recipe_trial::{RecipeTrial, RecipesTried};

use millwright_model::terminal_code::readable;
use serde::Serialize;

/// Longest text of one check, in characters.
const MAX_DETAIL: usize = 900;

/// The result for one part of the set-up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetupCheck {
    pub part: SetupPart,
    pub state: SetupState,
    /// What was found, and how to fix it.
    pub detail: String,
}

/// The part that is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetupPart {
    History,
    Units,
    Branch,
    Submodules,
    Packages,
    LargeFiles,
    AllowRead,
    Overlay,
    Setup,
    Test,
    TestOne,
    Trace,
}

impl SetupPart {
    /// The name of the part in the configuration, if it has one.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::History => "history",
            Self::Units => "code units",
            Self::Branch => "branch",
            Self::Submodules => "submodules",
            Self::Packages => "packages",
            Self::LargeFiles => "large files",
            Self::AllowRead => "allow_read",
            Self::Overlay => "overlay",
            Self::Setup => "setup",
            Self::Test => "test",
            Self::TestOne => "test_one",
            Self::Trace => "trace",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SetupState {
    Works,
    /// Nothing is configured, so nothing was tried.
    NotSet,
    /// The state may be intended, or the part could not be tried.
    Doubtful,
    Broken,
}

impl SetupCheck {
    /// `detail` may quote output of the repository's commands, so terminal codes are removed, and it is shortened to
    /// one line.
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
