/*!
A fix: what it changes, and what its execution showed in the replay and in further tests.
*/

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::proof::Proof;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FixKind {
    Known,
    Revert,
    PartialRevert,
    Patch,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckResult {
    Pass,
    Fail,
    NotRun,
}

/// The result of comparing the project's tests with and without a fix. Only `pass` supports a fix.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TestsResult {
    /// Both sides ran to their end, at least one test ran, none newly fails and none is missing.
    Pass,
    /// A test fails with the fix that passes without it.
    Fail,
    /// Nothing names the single tests (exit statuses alone), or a test is missing.
    NotComparable,
    /// The tests did not run to their end on one side or both.
    CouldNotRun,
    #[default]
    NotRun,
}

impl TestsResult {
    pub fn as_str(self) -> &'static str {
        match self {
            TestsResult::Pass => "pass",
            TestsResult::Fail => "fail",
            TestsResult::NotComparable => "not_comparable",
            TestsResult::CouldNotRun => "could_not_run",
            TestsResult::NotRun => "not_run",
        }
    }
}

/// The comparison of the project's tests, test by test.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TestsDetail {
    /// Tests that ran with the fix; skipped ones do not count.
    pub ran: u64,
    /// Tests that fail with the fix and pass without it, each repeated (bounded).
    pub newly_failing: Vec<String>,
    /// Tests that ran without the fix and do not run with it (bounded).
    pub removed: Vec<String>,
    /// Tests that came out differently when repeated, and so count for neither side (bounded).
    pub flaky: Vec<String>,
    /// The result, explained in one sentence.
    pub because: String,
}

/// What the four-way check showed: the parent of the culprit, the culprit, the failing revision and the fix, run on
/// inputs around the replay's own.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct FourWay {
    /// Inputs that were run.
    pub inputs: u32,
    /// Inputs for which the history shows what a correct fix must do.
    pub deciding: u32,
    /// Deciding inputs for which the fix does something else.
    pub contradicted: u32,
    /// Inputs for which the fix keeps the change of the culprit that the failure shows; they decide nothing.
    pub kept: u32,
    /// Deciding inputs besides the replay's own on which the fix restores what the culprit changed.
    pub restored: u32,
    /// The input that contradicts the fix, or one on which it held, with what was seen.
    pub example: Option<String>,
    /// What the fix changes besides the failure, because the culprit changed it on purpose (bounded).
    pub on_purpose: Vec<String>,
    /// Wall time of the check in milliseconds.
    pub wall_ms: u64,
}

impl FourWay {
    /// Deciding inputs that it takes to speak for a fix.
    pub const DECIDING: u32 = 5;

    /// Whether the check speaks for the fix: held on enough deciding inputs and contradicted on none.
    pub fn held(&self) -> bool {
        // A fix that keeps more of the culprit than it restores may have missed some of the fault.
        self.contradicted == 0 && self.deciding >= Self::DECIDING && self.kept <= self.restored
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Fix {
    pub kind: FixKind,
    /// Unified diff against the failing revision.
    pub diff: String,
    pub proof: Proof,
    pub replay: CheckResult,
    pub tests: TestsResult,
    #[serde(default)]
    pub tests_detail: Option<TestsDetail>,
    /// What is lost with this fix, besides the fault: features, tests, later commits that build on it;
    /// security-related changes first.
    #[serde(default)]
    pub takes_away: Vec<String>,
    #[serde(default)]
    pub four_way: Option<FourWay>,
    /// Whether it reverts a security change: then it is only a temporary fix.
    #[serde(default)]
    pub is_stopgap: bool,
    /// For a known fix: what was run beyond the replay when it was proven. None of it was run again.
    #[serde(default)]
    pub proven_then: Option<ProvenThen>,
}

impl Fix {
    /// A fix of which nothing is known yet.
    pub fn untested(kind: FixKind, diff: impl Into<String>) -> Self {
        Self {
            kind,
            diff: diff.into(),
            proof: Proof::None,
            replay: CheckResult::NotRun,
            tests: TestsResult::NotRun,
            tests_detail: None,
            takes_away: Vec::new(),
            four_way: None,
            is_stopgap: false,
            proven_then: None,
        }
    }

    /// Whether something beyond the replay shows that the behaviour is right again, and nothing speaks against it.
    pub fn holds_beyond_replay(&self) -> bool {
        let four_way = self.four_way.as_ref();
        let contradicted = four_way.is_some_and(|check| check.contradicted > 0);
        let tests_speak = self.tests == TestsResult::Pass;
        !contradicted
            && !self.is_stopgap
            && self.tests != TestsResult::Fail
            && (tests_speak || four_way.is_some_and(FourWay::held))
    }
}

/// What an earlier investigation ran beyond the replay to prove a fix.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProvenThen {
    /// The day, as `2026-11-29`.
    pub on: String,
    /// Beside it in what is stored and told.
    #[serde(flatten)]
    pub checks: FixChecks,
}

/// What was run beyond the replay when a fix was verified, as memory keeps it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct FixChecks {
    pub tests: TestsResult,
    pub tests_detail: Option<TestsDetail>,
    pub four_way: Option<FourWay>,
    pub takes_away: Vec<String>,
    /// The day on which they were run, for a fix that was already known; `None`: the day since which it is
    /// stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_on: Option<String>,
}

impl From<&Fix> for FixChecks {
    fn from(fix: &Fix) -> Self {
        let takes_away = fix.takes_away.clone();
        match &fix.proven_then {
            // What a fix removes does not change from one verification to the next.
            Some(then) => Self { takes_away, run_on: Some(then.on.clone()), ..then.checks.clone() },
            None => Self {
                tests: fix.tests,
                tests_detail: fix.tests_detail.clone(),
                four_way: fix.four_way.clone(),
                takes_away,
                run_on: None,
            },
        }
    }
}

/// A candidate fix that was tried and failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TriedFix {
    pub kind: FixKind,
    /// Unified diff against the failing revision.
    pub diff: String,
    pub because: String,
}

/// A fix with which the replay passes and something else fails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedFix {
    /// Unified diff against the failing revision.
    pub diff: String,
    /// What failed with it, in words.
    pub because: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_stored_of_an_earlier_proof_is_read() {
        let stored = r#"{"on": "2026-11-28", "tests": "pass", "tests_detail": null, "four_way": null}"#;
        let then: ProvenThen = serde_json::from_str(stored).unwrap();
        assert_eq!((then.on.as_str(), then.checks.tests), ("2026-11-28", TestsResult::Pass));
        let told = serde_json::to_value(&then).unwrap();
        assert_eq!(told["tests"], "pass", "{told}");
    }
}
