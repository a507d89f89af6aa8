/*!
The plain data of the four-way check: inputs, observations and outcomes.
*/

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a file's text comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FileOrigin {
    /// The replay writes the file over every checkout: a reproduction, a test, input data. Always varied.
    Laid,
    /// Part of the failing revision. Varied only if its name indicates a test or data, because the four sides differ
    /// in program text. Leave out files that the culprit or the fix changes.
    Checkout,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct InputFile {
    pub(crate) text: String,
    pub(crate) origin: FileOrigin,
}

/// The replay's own input, and the diffs whose literals are worth trying as well.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct InputSource {
    /// Shell command of the replay, run in the root of a checkout.
    pub(crate) command: String,
    pub(crate) env: BTreeMap<String, String>,
    /// Path in the checkout → file; see [`super::input_files_of`] for those to look up.
    pub(crate) files: BTreeMap<String, InputFile>,
    /// Unified diffs of the culprit and, after it, of the fix.
    pub(crate) diffs: Vec<String>,
    /// The changed files at the failing revision (path → text): the values that they compare their input with are
    /// used as inputs.
    #[serde(default)]
    pub(crate) programs: BTreeMap<String, String>,
}

/// The kind of change that made a variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum InputChange {
    /// The replay's own input, unchanged.
    Original,
    /// A literal of the culprit's or the fix's diff.
    FromDiff,
    /// A function next to the called one that the culprit or the fix changes too, or a word that the changed files
    /// compare their input with.
    Sibling,
    Structure,
    Shorter,
    Longer,
    Empty,
    Whitespace,
    Case,
    Plain,
    Neighbour,
    Unicode,
    Swapped,
    Number,
    Boundary,
    Boolean,
    Element,
    Argument,
}

/// One input: what to run on each side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct InputVariant {
    pub(crate) command: String,
    pub(crate) env: BTreeMap<String, String>,
    /// Files to write over each checkout before the command runs (path → text). Their content is the same on all sides.
    pub(crate) files: BTreeMap<String, String>,
    pub(crate) change: InputChange,
    /// Number of the varied literal; `None` for the original input.
    pub(crate) site: Option<usize>,
    /// Description for a reader: `"b" → ""`.
    pub(crate) description: String,
    /// The varied literal is a special value (0, an empty string); its neighbours need not behave like it.
    #[serde(default)]
    pub(crate) singular: bool,
    /// The varied literal before and after the change, where it is a plain value.
    #[serde(default)]
    pub(crate) replaced: Option<(String, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FourWaySide {
    /// The culprit's parent.
    Parent,
    Culprit,
    /// The failing revision.
    Bad,
    /// The failing revision with the fix applied.
    Fixed,
}

/// How an execution ended. A crash and a time-out count as behaviour like any other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ExecutionEnding {
    Status(i32),
    Signal(i32),
    TimedOut,
    /// Another limit ended the execution (memory, output).
    Limit,
}

impl fmt::Display for ExecutionEnding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "exit status {status}"),
            Self::Signal(signal) => write!(f, "ended by signal {signal}"),
            Self::TimedOut => f.write_str("timed out"),
            Self::Limit => f.write_str("ended by a limit"),
        }
    }
}

/// The observations of one execution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FourWayObservation {
    /// Standard output and standard error as they arrived.
    pub(crate) output: String,
    pub(crate) ending: ExecutionEnding,
    /// Files written in the checkout (path → digest), without build products if the caller can tell them.
    pub(crate) files: BTreeMap<String, String>,
}

/// The kind of fix; a revert must match the parent's behaviour more strictly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CheckedFixKind {
    /// The whole culprit is taken back: every change of behaviour goes with it.
    Revert,
    /// Some of the culprit's statements are taken back: the others may stay on purpose.
    PartialRevert,
    /// Written by hand or by a model: may keep what the culprit was meant to do.
    Patch,
}

/// A deciding input, with what each side showed (normalised and shortened).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FourWayExample {
    pub(crate) input: InputVariant,
    pub(crate) rule: super::InputRule,
    pub(crate) parent: String,
    pub(crate) culprit: String,
    pub(crate) bad: String,
    pub(crate) fixed: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FourWayOutcome {
    /// Inputs that ran on all four sides.
    pub(crate) inputs: usize,
    /// Of these, inputs whose observations say something about the fix; inputs with the same observations count once.
    pub(crate) deciding: usize,
    /// Of these, inputs on which the fix is wrong.
    pub(crate) contradicted: usize,
    /// Inputs that ran on all four sides and decide nothing.
    pub(crate) undecided: usize,
    /// Deciding inputs, contradictions first.
    pub(crate) examples: Vec<FourWayExample>,
    /// Behaviour that the fix removes together with the failure: the culprit changed it, and the fix changes it back.
    pub(crate) on_purpose: Vec<FourWayExample>,
    /// Behaviour since the culprit that a patch leaves unchanged: kept on purpose, or not fixed.
    pub(crate) kept: Vec<FourWayExample>,
    /// Of the kept ones, inputs that differ since the culprit in the same way as the failure.
    pub(crate) kept_alike: usize,
    /// Executions that this check requested, and how many of them a cache answered.
    pub(crate) runs: usize,
    pub(crate) cached: usize,
    /// Why the check ended early or proves little; for the report.
    pub(crate) notes: Vec<String>,
}
