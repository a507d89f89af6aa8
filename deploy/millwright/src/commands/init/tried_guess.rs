/*!
Runs the guessed commands, and keeps those that work here.
*/

use millwright_git::Repo;
use millwright_replay::TestRecipes;
use millwright_tools::setup_check::{RecipesTried, SetupCheck, SetupPart, SetupState, check_checkout};

use super::{FailedGuess, RepositoryGuess, list, text};
use crate::commands::recipe_trial::TrialBounds;

/// Tries the first guess and, if it does not run the tests, the others. Removes guesses that do not work.
pub(super) fn try_guess(guess: &mut RepositoryGuess, repo: &Repo, bounds: &TrialBounds) {
    let Ok(revision) = repo.resolve("HEAD") else { return };
    let Some(test) = guess.test.clone() else { return };
    let recipes = TestRecipes {
        setup: guess.setup.clone(),
        test_one: guess.test_one.clone(),
        ..TestRecipes::default()
    };
    let first = bounds.try_recipes(repo, &revision, &recipes, Some(&test));
    if first.tests_ran == Some(true) {
        return keep(guess, first);
    }
    // Something that a checkout lacks is the likely reason.
    let lacks = check_checkout(repo, &revision, &TestRecipes::default(), Some(false));
    lacks.unwrap_or_default().iter().for_each(|check| to_check(guess, check));
    for (at, (command, because)) in guess.other_tests.clone().into_iter().enumerate() {
        let other = bounds.try_recipes(repo, &revision, &TestRecipes::default(), Some(&command));
        if other.tests_ran == Some(true) {
            guess.test_one = None;
            guess.setup = Vec::new();
            guess.other_tests.remove(at);
            guess.other_tests.insert(0, (test, "it did not run here"));
            (guess.test, guess.test_because) = (Some(command), because);
            return keep(guess, other);
        }
    }
    keep(guess, first);
}

fn to_check(guess: &mut RepositoryGuess, check: &SetupCheck) {
    guess.check.insert(0, format!("{}: {}", check.part.as_str(), check.detail));
}

/// Removes what did not work from the guess, and records the reason.
fn keep(guess: &mut RepositoryGuess, tried: RecipesTried) {
    for check in tried.checks {
        match check.state {
            // A part that is not set was reported already.
            SetupState::NotSet => {}
            SetupState::Doubtful => to_check(guess, &check),
            SetupState::Works => guess.worked.push(check.detail),
            SetupState::Broken => take_out(guess, &check),
        }
    }
}

fn take_out(guess: &mut RepositoryGuess, broken: &SetupCheck) {
    // If the set-up fails, nothing else could be tried. If the tests fail, so does a single test, which runs in the same
    // way.
    let parts: &[SetupPart] = match broken.part {
        SetupPart::Setup => &[SetupPart::Setup, SetupPart::Test, SetupPart::TestOne],
        SetupPart::Test => &[SetupPart::Test, SetupPart::TestOne],
        SetupPart::TestOne => &[SetupPart::TestOne],
        _ => &[],
    };
    for part in parts {
        let command = match part {
            SetupPart::Setup => list(&std::mem::take(&mut guess.setup)),
            SetupPart::Test => guess.test.take().as_deref().map(text),
            _ => guess.test_one.take().as_deref().map(text),
        };
        if let Some(command) = command {
            guess.failed.push(FailedGuess { key: part.as_str(), command, why: broken.detail.clone() });
        }
    }
}
