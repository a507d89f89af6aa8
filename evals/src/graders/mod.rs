/*!
What an answer is worth, one grader a file. A grader sees the case with its truth and the report, and believes of the
report only what it can see for itself: fixes are applied and run again, citations opened. Correctness is never left to
a model; one may be asked how well a report is written, see `prose`.

Graders stand in a table, so that a test can exchange one for a defect and see that the suite then fails: an eval that
cannot fail proves nothing.
*/

pub mod abstention;
pub mod calibration;
pub mod commit;
pub mod cost;
pub mod file;
pub mod fix;
pub mod grounding;
pub mod harm;
pub mod honesty;
pub mod lines;
pub mod prose;
pub mod self_check;
pub mod symbol;

use millwright_memory::types::{Report, Verdict};
use millwright_tools::git::Repo;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cases::Case;
use crate::options::Options;

/// An answer and what it is judged by.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    pub case: &'a Case,
    pub report: &'a Report,
    pub options: &'a Options,
    /// Where the case's revisions are; without it nothing can be opened or run.
    pub repo: Option<&'a Repo>,
}

impl Answer<'_> {
    /// The commit that is named, surely or not.
    pub fn named(&self) -> Option<&str> {
        self.report.root_cause.as_ref()?.commit.as_deref()
    }

    /// Whether somebody would act on it: a verdict that says where the cause is.
    pub fn asserts(&self) -> bool {
        self.report.root_cause.is_some()
            && !matches!(self.report.verdict, Verdict::Inconclusive | Verdict::NotAnIncident)
    }

    /// Whether the named commit is the culprit.
    pub fn is_right(&self) -> bool {
        match (&self.case.truth.commit, self.named()) {
            (Some(truth), Some(named)) => truth.eq_ignore_ascii_case(named),
            _ => false,
        }
    }
}

/// What the graders say; `null` where one has nothing to judge.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Grades {
    pub commit: Option<bool>,
    pub file: Option<bool>,
    pub symbol: Option<bool>,
    pub lines: Option<lines::Overlap>,
    pub fix: Option<fix::FixGrade>,
    pub grounding: Option<grounding::Grounding>,
    pub calibration: Option<calibration::Sureness>,
    /// Where nothing should be named: whether nothing was.
    pub abstention: Option<bool>,
    pub harm: Option<harm::HarmGrade>,
    /// Whether more is claimed than was run.
    pub honesty: Option<honesty::HonestyGrade>,
    pub cost: cost::Spent,
    /// What a model thinks of the words, where one was asked; it changes nothing else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prose: Option<prose::ProseGrade>,
}

/// The graders in force.
#[derive(Debug, Clone, Copy)]
pub struct Graders {
    pub commit: fn(&Answer<'_>) -> Option<bool>,
    pub file: fn(&Answer<'_>) -> Option<bool>,
    pub symbol: fn(&Answer<'_>) -> Option<bool>,
    pub lines: fn(&Answer<'_>) -> Option<lines::Overlap>,
    pub fix: fn(&Answer<'_>) -> Option<fix::FixGrade>,
    pub grounding: fn(&Answer<'_>) -> Option<grounding::Grounding>,
    pub calibration: fn(&Answer<'_>) -> Option<calibration::Sureness>,
    pub abstention: fn(&Answer<'_>) -> Option<bool>,
    pub harm: fn(&Answer<'_>, Option<&fix::FixGrade>) -> Option<harm::HarmGrade>,
    pub honesty: fn(&Answer<'_>, Option<&fix::FixGrade>) -> Option<honesty::HonestyGrade>,
    pub cost: fn(&Answer<'_>) -> cost::Spent,
}

impl Default for Graders {
    fn default() -> Self {
        Self {
            commit: commit::grade,
            file: file::grade,
            symbol: symbol::grade,
            lines: lines::grade,
            fix: fix::grade,
            grounding: grounding::grade,
            calibration: calibration::grade,
            abstention: abstention::grade,
            harm: harm::grade,
            honesty: honesty::grade,
            cost: cost::grade,
        }
    }
}

impl Graders {
    pub fn grade(&self, answer: &Answer<'_>) -> Grades {
        let fix = (self.fix)(answer);
        Grades {
            commit: (self.commit)(answer),
            file: (self.file)(answer),
            symbol: (self.symbol)(answer),
            lines: (self.lines)(answer),
            grounding: (self.grounding)(answer),
            calibration: (self.calibration)(answer),
            abstention: (self.abstention)(answer),
            harm: (self.harm)(answer, fix.as_ref()),
            honesty: (self.honesty)(answer, fix.as_ref()),
            cost: (self.cost)(answer),
            prose: answer.options.judge.as_ref().map(|judge| prose::grade(answer.report, judge)),
            fix,
        }
    }
}
