/*!
Runs the recipes of a repository once, for `doctor` and `init`, and shows the current command on standard error.
*/

use millwright_model::CommitId;
use std::time::Duration;

use millwright_git::Repo;
use millwright_model::terminal_code::readable;
use millwright_replay::{ReplayOptions, TestRecipes};
use millwright_tools::setup_check::{RecipeTrial, RecipesTried};

use crate::cli::TrialArguments;
use crate::config::Config;
use crate::wiring;

/// The limits for trying commands.
#[derive(Debug, Clone)]
pub(super) struct TrialBounds {
    sandbox: ReplayOptions,
    /// Longest time for one command.
    patience: Duration,
}

impl TrialBounds {
    /// The limits from the arguments; `None` if nothing should run.
    pub(super) fn of(arguments: &TrialArguments, config: &Config) -> Option<Self> {
        let bounds = || Self { sandbox: wiring::sandbox(config), patience: arguments.deadline };
        (!arguments.no_replay).then(bounds)
    }

    /// Tries `recipes`, and `tests` as the command for all tests, at a commit. Blocks.
    pub(super) fn try_recipes(
        &self,
        repo: &Repo,
        commit: &CommitId,
        recipes: &TestRecipes,
        tests: Option<&str>,
    ) -> RecipesTried {
        let trial = RecipeTrial {
            repo,
            commit,
            recipes,
            tests,
            sandbox: self.sandbox.clone(),
            patience: self.patience,
        };
        trial.run(&|command| {
            eprintln!(
                "millwright: trying `{}`, for {} s at most",
                readable(command),
                self.patience.as_secs()
            );
        })
    }
}
