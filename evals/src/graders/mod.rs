/*!
The graders of answers, one per file. A grader sees the report and the case with its truth. It believes only what it can
check itself: it applies fixes and runs them again, and opens citations. No model judges correctness; a model may only judge
how well a report is written, see `prose`.

Graders are in a table, so that a test can replace one by a defective one and check that the suite then fails. An eval that
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

use millwright_git::Repo;
use millwright_model::{Report, Verdict};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cases::EvalCase;
use crate::grader_sandbox::ExecutionSettings;

/// What graders judge with.
#[derive(Debug, Clone, Copy)]
pub struct GradingDependencies<'a> {
    pub execution: ExecutionSettings<'a>,
    /// Who says how well reports are written.
    pub judge: Option<&'a prose::ProseJudge>,
}

/// An answer and what it is judged by.
#[derive(Debug, Clone, Copy)]
pub struct GradedAnswer<'a> {
    pub case: &'a EvalCase,
    pub report: &'a Report,
    pub with: GradingDependencies<'a>,
    /// Where the case's revisions are; without it nothing can be opened or run.
    pub repo: Option<&'a Repo>,
}

impl GradedAnswer<'_> {
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

/// The results of the graders; `null` where one has nothing to judge.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Grades {
    pub commit: Option<bool>,
    pub file: Option<bool>,
    pub symbol: Option<bool>,
    pub lines: Option<lines::LineOverlap>,
    pub fix: Option<fix::FixGrade>,
    pub grounding: Option<grounding::Grounding>,
    pub calibration: Option<calibration::CalibrationPoint>,
    /// If nothing should be named: whether nothing was.
    pub abstention: Option<bool>,
    pub harm: Option<harm::HarmGrade>,
    /// Whether more is claimed than was run.
    pub honesty: Option<honesty::HonestyGrade>,
    pub cost: cost::CaseCost,
    /// What a model thinks of the wording, if one was asked; it affects nothing else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prose: Option<prose::ProseGrade>,
}

/// The graders in force.
#[derive(Debug, Clone, Copy)]
pub struct Graders {
    pub commit: fn(&GradedAnswer<'_>) -> Option<bool>,
    pub file: fn(&GradedAnswer<'_>) -> Option<bool>,
    pub symbol: fn(&GradedAnswer<'_>) -> Option<bool>,
    pub lines: fn(&GradedAnswer<'_>) -> Option<lines::LineOverlap>,
    pub fix: fn(&GradedAnswer<'_>) -> Option<fix::FixGrade>,
    pub grounding: fn(&GradedAnswer<'_>) -> Option<grounding::Grounding>,
    pub calibration: fn(&GradedAnswer<'_>) -> Option<calibration::CalibrationPoint>,
    pub abstention: fn(&GradedAnswer<'_>) -> Option<bool>,
    pub harm: fn(&GradedAnswer<'_>, Option<&fix::FixGrade>) -> Option<harm::HarmGrade>,
    pub honesty: fn(&GradedAnswer<'_>, Option<&fix::FixGrade>) -> Option<honesty::HonestyGrade>,
    pub cost: fn(&GradedAnswer<'_>) -> cost::CaseCost,
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
    pub fn grade(&self, answer: &GradedAnswer<'_>) -> Grades {
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
            prose: answer.with.judge.map(|judge| prose::grade(answer.report, judge)),
            fix,
        }
    }
}
