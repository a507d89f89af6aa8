/*!
A replay from a failing test named in the ticket and the repository's `test_one` recipe. The name is hostile: only
a conservative alphabet passes, and it is quoted all the same.
*/

use std::collections::BTreeMap;
use std::path::PathBuf;

use millwright_model::ParsedTicket;

use super::ReplayRecipe;

/// What frameworks print for tests (parameters in brackets included), and nothing a shell gives a meaning to
/// inside single quotes.
fn is_safe(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "_./:#-[]$+@=,<>() ".contains(letter)
}

const LONGEST: usize = 300;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeriveError {
    #[error("the recipe test_one = {recipe:?} has no {{test}} in it; put it where the test's name belongs")]
    NoPlaceholder { recipe: String },
    #[error(
        "{test:?} is not taken for a test's name (letters, digits and _./:#-[]$+@=,<>() only, 300 at most)"
    )]
    UnsafeName { test: String },
    #[error("the ticket names no failing test to derive a replay from, and none was given")]
    NoTest,
    #[error(
        "the ticket names the failing test {test}, but no `test_one` recipe is configured for this repository \
         (`millwright init` writes one)"
    )]
    NoRecipe { test: String },
}

/// What a repository's configuration says about running its tests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TestRecipes {
    pub setup: Vec<String>,
    /// Runs one test, named where `{test}` stands.
    pub test_one: Option<String>,
    pub env: BTreeMap<String, String>,
    pub allow_read: Vec<PathBuf>,
    pub timeout_s: Option<u64>,
    pub loopback: bool,
    /// Files laid over every checkout, as `PATH[=TARGET]` or `REV:PATH[=TARGET]`; read by [`super::load_overlay`].
    pub overlay: Vec<String>,
    /// Globs of report files that the project's tests write (JUnit XML, TAP …), relative to the checkout.
    pub test_report: Vec<String>,
    /// What the replay shows is what is meant, whatever the ticket says.
    pub accept_failure: bool,
}

impl TestRecipes {
    /// A replay of `command` with what is configured around it.
    pub fn recipe(&self, command: impl Into<String>) -> ReplayRecipe {
        let recipe = ReplayRecipe::new(command);
        ReplayRecipe {
            setup: self.setup.clone(),
            env: self.env.clone(),
            allow_read: self.allow_read.clone(),
            timeout_s: self.timeout_s.unwrap_or(recipe.timeout_s),
            loopback: self.loopback,
            accept_failure: self.accept_failure,
            ..recipe
        }
    }
}

/// The replay that runs the failing test a ticket names.
pub fn derive_recipe(recipes: &TestRecipes, ticket: &ParsedTicket) -> Result<ReplayRecipe, DeriveError> {
    let first = ticket.failing_tests.first().ok_or(DeriveError::NoTest)?;
    let Some(test_one) = &recipes.test_one else {
        return Err(DeriveError::NoRecipe { test: first.id.clone() });
    };
    let mut refused = DeriveError::NoTest;
    for test in &ticket.failing_tests {
        match derive_command(test_one, &test.id) {
            Ok(command) => return Ok(recipes.recipe(command)),
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

/// The command that runs `test` alone.
pub fn derive_command(test_one: &str, test: &str) -> Result<String, DeriveError> {
    if !test_one.contains("{test}") {
        return Err(DeriveError::NoPlaceholder { recipe: test_one.to_owned() });
    }
    let test = test.trim();
    if test.is_empty() || test.len() > LONGEST || test.starts_with('-') || !test.chars().all(is_safe) {
        return Err(DeriveError::UnsafeName { test: test.chars().take(LONGEST).collect() });
    }
    // A recipe that quotes the placeholder itself must not end up with its quotes closed by ours.
    let bare = test_one.replace("'{test}'", "{test}").replace("\"{test}\"", "{test}");
    Ok(bare.replace("{test}", &format!("'{test}'")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_refuses() {
        let check = |recipe: &str, test: &str, expected: Result<&str, ()>| {
            assert_eq!(derive_command(recipe, test).as_deref().map_err(|_| ()), expected, "{recipe} {test}");
        };
        check("pytest {test}", "tests/a.py::T::t[x-1]", Ok("pytest 'tests/a.py::T::t[x-1]'"));
        check("mvn -Dtest='{test}' test", "org.a.B#c", Ok("mvn -Dtest='org.a.B#c' test"));
        check("go test -run \"{test}\"", "TestA/sub", Ok("go test -run 'TestA/sub'"));
        check("pytest", "t", Err(()));
        for hostile in ["a'; rm -rf /; '", "$(id)`id`", "--collect-only", "a\nb", "", "a;b", "a|b", "a\\b"] {
            check("pytest {test}", hostile, Err(()));
        }
        check("pytest {test}", &"x".repeat(301), Err(()));
    }
}
