/*!
Whether the proposed fix mends the failure: the truth's replay is run with it by the grader itself, and the project's
tests with and without it. What the report says of its own replays is not read, except to see whether it claimed more
than is true.
*/

use millwright_memory::types::Proof;
use millwright_tools::checkout::Change;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Answer;
use crate::bench::{Bench, Ended, recipe};

/// A failure that shows in some runs only has to stay away from this many.
const REPEATS_IF_FLAKY: usize = 12;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FixGrade {
    /// The replay passes with it and the tests are not worse.
    pub verified: bool,
    /// The report says that it is verified.
    pub claimed: bool,
    /// Whether a revert can be the fix at all; otherwise a missing fix is no fault.
    pub expected: bool,
    /// What was seen, in words.
    pub why: String,
}

/// `None` where no fix is expected and none was offered, or nothing can be run.
pub fn grade(answer: &Answer<'_>) -> Option<FixGrade> {
    let truth = &answer.case.truth;
    // Without a replay for the agent no fix can be asked of it.
    let expected = truth.revert_fixes == Some(true) && answer.case.replay.is_some();
    let offered = answer.report.fix.as_ref().filter(|fix| !fix.diff.trim().is_empty());
    let replay = truth.replay.as_ref().or(answer.case.replay.as_ref());
    let grade = |verified, why: &str| FixGrade {
        verified,
        claimed: offered.is_some_and(|fix| fix.proof == Proof::FixVerified),
        expected,
        why: why.chars().take(500).collect(),
    };
    let Some(offered) = offered else { return expected.then(|| grade(false, "no fix was offered")) };
    let (Some(replay), Some(repo)) = (replay, answer.repo) else {
        return expected.then(|| grade(false, "there is nothing to run it by"));
    };
    let Ok(bad) = repo.resolve(&answer.case.bad) else {
        return expected.then(|| grade(false, "the failing revision is not there"));
    };
    let recipe = recipe(replay, answer.options);
    let change = Change::Patch(offered.diff.clone());
    let bench = Bench::new(repo, recipe.clone());
    for _ in 0..REPEATS_IF_FLAKY {
        match bench.run(&bad, Some(&change)) {
            Ended::Passes => {}
            Ended::Fails { tail } => {
                let last = tail.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
                return Some(grade(false, &format!("the replay fails with it: {last}")));
            }
            Ended::Unknown { why } => return Some(grade(false, &why)),
        }
        if !answer.case.tags.iter().any(|tag| tag == "flaky") {
            break;
        }
    }
    let Some(tests) = truth.tests.as_ref().or(answer.case.tests.as_ref()) else {
        return Some(grade(true, "the replay passes with it; there are no tests"));
    };
    let tests = Bench::of_tests(repo, &recipe, tests);
    match (tests.run(&bad, Some(&change)), tests.run(&bad, None)) {
        (Ended::Passes, _) => Some(grade(true, "the replay and the tests pass with it")),
        // Tests that fail anyway cannot be held against it.
        (Ended::Fails { .. }, Ended::Fails { .. }) => {
            Some(grade(true, "the replay passes with it; the tests fail with it and without it"))
        }
        (Ended::Fails { tail }, _) => {
            let failed = tail.lines().find(|line| line.contains("FAIL")).unwrap_or_default();
            Some(grade(false, &format!("the tests fail with it: {failed}")))
        }
        (Ended::Unknown { why }, _) => Some(grade(false, &why)),
    }
}
