/*!
Derives a replay from a failing test that the ticket names and the repository's `test_one` recipe. The name is hostile
input: only a conservative alphabet passes, and the name is quoted as well.
*/

use std::collections::BTreeMap;
use std::path::PathBuf;

use millwright_model::ParsedTicket;

use super::ReplayRecipe;

/// Whether `letter` occurs in test names (parameters in brackets included) and has no special meaning inside single
/// quotes in a shell.
fn is_safe(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "_./:#-[]$+@=,<>() ".contains(letter)
}

const LONGEST: usize = 300;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeriveError {
    #[error("the recipe test_one = {recipe:?} has no {{test}} in it; put it where the test's name belongs")]
    NoPlaceholder { recipe: String },
    #[error(
        "{test:?} is not accepted as a test's name (letters, digits and _./:#-[]$+@=,<>() only, 300 at most)"
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

/// The part of a repository's configuration that describes how to run its tests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TestRecipes {
    pub setup: Vec<String>,
    /// Command that runs one test; `{test}` stands for its name.
    pub test_one: Option<String>,
    pub env: BTreeMap<String, String>,
    pub allow_read: Vec<PathBuf>,
    pub timeout_s: Option<u64>,
    pub loopback: bool,
    /// Files to lay over every checkout, as `PATH[=TARGET]` or `REV:PATH[=TARGET]`; [`super::load_overlay`] reads
    /// them.
    pub overlay: Vec<String>,
    /// Globs of report files that the project's tests write (JUnit XML, TAP …), relative to the checkout.
    pub test_report: Vec<String>,
    /// Globs of coverage files that the commands write (LCOV, Cobertura, JaCoCo …), relative to the checkout.
    pub coverage: Vec<String>,
    /// Accept the failure that the replay shows as the incident's failure, even if the ticket describes another one.
    pub accept_failure: bool,
}

impl TestRecipes {
    /// A replay recipe that runs `command` with the configured set-up.
    pub fn recipe(&self, command: impl Into<String>) -> ReplayRecipe {
        let recipe = ReplayRecipe::new(command);
        ReplayRecipe {
            setup: self.setup.clone(),
            env: self.env.clone(),
            allow_read: self.allow_read.clone(),
            timeout_s: self.timeout_s.unwrap_or(recipe.timeout_s),
            loopback: self.loopback,
            accept_failure: self.accept_failure,
            coverage: self.coverage.clone(),
            ..recipe
        }
    }
}

/// Returns the replay recipe that runs the failing test named in the ticket.
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
    // If the recipe quotes the placeholder, remove its quotes: ours would close them.
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
