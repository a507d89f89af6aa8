/*!
Whether the proposed fix repairs the failure. The grader itself runs the truth's replay with the fix, the project's tests
with and without the fix, and the hidden check (`truth.check`) with the fix. It reads the report's own replays only to see
whether the report claims more than is true.
*/

use millwright_git::Repo;
use millwright_git::checkout::CheckoutChange;
use millwright_model::{CommitId, Proof};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::GradedAnswer;
use crate::cases::CaseReplay;
use crate::grader_sandbox::{GraderSandbox, RecipeEnding, recipe};

/// A failure that shows in some runs only has to stay away from this many.
const REPEATS_IF_FLAKY: usize = 12;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FixGrade {
    /// The replay passes with it, the tests are not worse, and the hidden check passes where the case has one.
    pub verified: bool,
    /// The report says that it is verified.
    pub claimed: bool,
    /// Whether there is a fix to judge.
    #[serde(default)]
    pub offered: bool,
    /// Whether a revert can be the fix at all; otherwise a missing fix is not a fault.
    pub expected: bool,
    /// Whether the project's tests are no worse with it; `None` if they were not run or are not conclusive.
    #[serde(default)]
    pub tests: Option<bool>,
    /// Whether the hidden check passes with it; `None` where the case has none or it was not run.
    #[serde(default)]
    pub check: Option<bool>,
    /// What was observed, as text.
    pub why: String,
}

/// `None` where no fix is expected and none was offered, or nothing can be run.
pub fn grade(answer: &GradedAnswer<'_>) -> Option<FixGrade> {
    let truth = &answer.case.truth;
    // An agent that got no replay is not expected to give a fix.
    let expected = truth.revert_fixes == Some(true) && answer.case.replay.is_some();
    let offered = answer.report.fix.as_ref().filter(|fix| !fix.diff.trim().is_empty());
    let replay = truth.replay.as_ref().or(answer.case.replay.as_ref());
    let seen = |seen: Seen| FixGrade {
        verified: seen.holds,
        claimed: offered.is_some_and(|fix| fix.proof == Proof::FixVerified),
        offered: offered.is_some(),
        expected,
        tests: seen.tests,
        check: seen.check,
        why: seen.why.chars().take(500).collect(),
    };
    let unseen = |why: &str| expected.then(|| seen(Seen::wrong(why)));
    let Some(offered) = offered else { return unseen("no fix was offered") };
    let (Some(replay), Some(repo)) = (replay, answer.repo) else {
        return unseen("there is nothing to run it with");
    };
    let Ok(bad) = repo.resolve(&answer.case.bad) else {
        return unseen("the failing revision is not in the repository");
    };
    let change = CheckoutChange::Patch(offered.diff.clone());
    Some(seen(run(answer, replay, repo, &bad, &change)))
}

/// What the grader's own runs showed.
struct Seen {
    holds: bool,
    tests: Option<bool>,
    check: Option<bool>,
    why: String,
}

impl Seen {
    fn wrong(why: &str) -> Self {
        Self { holds: false, tests: None, check: None, why: why.to_owned() }
    }
}

/// Runs the replay with the change; where that passes, the hidden check and the tests as well.
fn run(
    answer: &GradedAnswer<'_>,
    replay: &CaseReplay,
    repo: &Repo,
    bad: &CommitId,
    change: &CheckoutChange,
) -> Seen {
    let (case, recipe) = (answer.case, recipe(replay, answer.with.execution));
    let bench = GraderSandbox::new(repo, recipe.clone());
    for _ in 0..REPEATS_IF_FLAKY {
        match bench.run(bad, Some(change)) {
            RecipeEnding::Passes => {}
            RecipeEnding::Fails { tail } => {
                return Seen::wrong(&format!("the replay fails with it: {}", last_line(&tail)));
            }
            RecipeEnding::Unknown { why } => return Seen::wrong(&why),
        }
        if !case.tags.iter().any(|tag| tag == "flaky") {
            break;
        }
    }
    let mut seen = Seen { holds: true, tests: None, check: None, why: String::new() };
    if let Some(check) = &case.truth.check {
        let ended = GraderSandbox::of_tests(repo, &recipe, check).run(bad, Some(change));
        seen.check = Some(ended == RecipeEnding::Passes);
        seen.why = match ended {
            RecipeEnding::Passes => "the replay and the hidden check pass with it".into(),
            RecipeEnding::Fails { tail } => format!("the hidden check fails with it: {}", last_line(&tail)),
            RecipeEnding::Unknown { why } => format!("the hidden check could not be run with it: {why}"),
        };
    }
    let (tests, why) = match case.truth.tests.as_ref().or(case.tests.as_ref()) {
        None => (Ok(None), "the replay passes with it; there are no tests".to_owned()),
        Some(command) => {
            let tests = GraderSandbox::of_tests(repo, &recipe, command);
            compare(tests.run(bad, Some(change)), || tests.run(bad, None), seen.check)
        }
    };
    seen.tests = tests.unwrap_or(None);
    if seen.check != Some(false) {
        seen.why =
            if seen.check == Some(true) && tests.is_ok() { format!("{}; {why}", seen.why) } else { why };
    }
    seen.holds = tests.is_ok_and(|tests| tests != Some(false)) && seen.check != Some(false);
    seen
}

/// Whether the tests are no worse with the fix than without it, `None` where they say nothing; an error where nothing
/// judges the fix.
fn compare(
    with: RecipeEnding,
    without: impl FnOnce() -> RecipeEnding,
    check: Option<bool>,
) -> (Result<Option<bool>, ()>, String) {
    match (with, without()) {
        (RecipeEnding::Passes, _) => (Ok(Some(true)), "the replay and the tests pass with it".into()),
        // Tests that also fail without the fix do not count against it.
        (RecipeEnding::Fails { .. }, RecipeEnding::Fails { .. }) => {
            (Ok(None), "the replay passes with it; the tests fail with it and without it".into())
        }
        // Tests that cannot run here do not count against the fix either, if the hidden check judges it.
        (RecipeEnding::Unknown { .. } | RecipeEnding::Fails { .. }, RecipeEnding::Unknown { why })
            if check.is_some() =>
        {
            (Ok(None), format!("the tests do not run here: {why}"))
        }
        (RecipeEnding::Fails { tail }, _) => {
            let failed = tail.lines().find(|line| line.contains("FAIL")).unwrap_or_default();
            (Ok(Some(false)), format!("the tests fail with it: {failed}"))
        }
        (RecipeEnding::Unknown { why }, _) => (Err(()), why),
    }
}

/// The last line that says something; how a command ended is added to its output in brackets.
fn last_line(text: &str) -> &str {
    let says = |line: &&str| !line.trim().is_empty() && !line.starts_with("[exit status");
    text.lines().rfind(says).unwrap_or(text.trim())
}
