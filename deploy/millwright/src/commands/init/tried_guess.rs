/*!
Runs what was guessed, and keeps what works here.
*/

use std::time::Duration;

use millwright_tools::git::Repo;
use millwright_tools::process::CancelFlag;
use millwright_tools::replay::{ReplayOptions, TestRecipes};
use millwright_tools::setup_check::{RecipeTrial, RecipesTried, SetupState, check_checkout};

use super::{FailedGuess, Guess, list, text};

/// Within which bounds commands are tried.
pub(super) struct TrialTerms {
    pub(super) sandbox: ReplayOptions,
    /// Longest time for one command.
    pub(super) patience: Duration,
}

/// Tries the first guess and, where it does not run the tests, the others. What does not work is taken out of the guess.
pub(super) fn try_guess(guess: &mut Guess, repo: &Repo, terms: &TrialTerms) {
    let Ok(revision) = repo.resolve("HEAD") else { return };
    let Some(test) = guess.test.clone() else { return };
    let first = tried(guess, &test, guess.test_one.as_deref(), repo, &revision, terms);
    let others = std::mem::take(&mut guess.other_tests);
    if first.tests_ran == Some(true) {
        guess.other_tests = others;
        return keep(guess, &first);
    }
    // What a checkout lacks is the likely reason.
    for check in check_checkout(repo, &revision, &TestRecipes::default(), Some(false)).unwrap_or_default() {
        guess.check.insert(0, format!("{}: {}", check.subject, check.detail));
    }
    for (at, (command, because)) in others.iter().enumerate() {
        let other = tried(guess, command, None, repo, &revision, terms);
        if other.tests_ran == Some(true) {
            guess.check.retain(|check| !check.contains(&format!("`{test}`")));
            guess.check.insert(0, format!("`{command}` runs the tests (guessed from {because})."));
            guess.test = Some(command.clone());
            guess.test_one = None;
            guess.setup = Vec::new();
            guess.other_tests = vec![(test, "it did not run here")];
            guess.other_tests.extend(others.iter().skip(at + 1).cloned());
            return keep(guess, &other);
        }
    }
    guess.other_tests = others;
    keep(guess, &first);
}

fn tried(
    guess: &Guess,
    test: &str,
    test_one: Option<&str>,
    repo: &Repo,
    revision: &str,
    terms: &TrialTerms,
) -> RecipesTried {
    let recipes = TestRecipes {
        setup: guess.setup.clone(),
        test_one: test_one.map(str::to_owned),
        ..TestRecipes::default()
    };
    let trial = RecipeTrial {
        repo,
        revision,
        recipes: &recipes,
        tests: Some(test),
        sandbox: terms.sandbox.clone(),
        patience: terms.patience,
        cancel: CancelFlag::default(),
    };
    trial.run(&|command| {
        eprintln!("millwright: trying `{command}`, for {} s at most", terms.patience.as_secs());
    })
}

/// Takes what did not work out of the guess, with its reason.
fn keep(guess: &mut Guess, tried: &RecipesTried) {
    for check in &tried.checks {
        match check.state {
            SetupState::Broken => {}
            // What is not set was said already.
            SetupState::Doubtful if check.detail.starts_with("not set") => continue,
            SetupState::Doubtful => {
                guess.check.insert(0, format!("{}: {}", check.subject, check.detail));
                continue;
            }
            SetupState::Works => {
                guess.worked.push(check.detail.clone());
                continue;
            }
        }
        let why = check.detail.clone();
        // Without its set-up nothing else could be tried.
        let keys: &[&'static str] = match check.subject.as_str() {
            "setup" => &["setup", "test", "test_one"],
            // One test is run like all of them.
            "test" => &["test", "test_one"],
            "test_one" => &["test_one"],
            _ => &[],
        };
        for key in keys {
            let command = match *key {
                "setup" => list(&std::mem::take(&mut guess.setup)),
                "test" => guess.test.take().as_deref().map(text),
                _ => guess.test_one.take().as_deref().map(text),
            };
            if let Some(command) = command {
                guess.failed.push(FailedGuess { key, command, why: why.clone() });
            }
        }
        guess.check.retain(|check| !check.contains("runs the tests (guessed from") || guess.test.is_some());
    }
}
