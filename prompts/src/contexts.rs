/*!
The typed context of each template. Text that comes from outside reaches a context only inside a
[`crate::DataFence`]; the fields that hold such text say so.
*/

use serde::Serialize;

use crate::Prompt;

macro_rules! prompt {
    ($context:ident, $id:literal) => {
        impl Prompt for $context {
            const ID: &'static str = $id;
            const SOURCE: &'static str = include_str!(concat!("../templates/", $id, ".md"));
        }
    };
}

/// Who the model is and what holds in every run: the same for all runs with the same tools.
#[derive(Debug, Clone, Serialize)]
pub struct SystemPrompt {
    /// Set where tools cannot be called natively: the tools are then described here.
    pub tools: Option<Vec<ToolLine>>,
}
prompt!(SystemPrompt, "system");

#[derive(Debug, Clone, Serialize)]
pub struct ToolLine {
    pub name: String,
    pub description: String,
    /// The arguments in one line.
    pub arguments: String,
}

/// Who the model is in a conversation.
#[derive(Debug, Clone, Serialize)]
pub struct ChatPrompt {
    pub mark: String,
    /// Set where tools cannot be called natively.
    pub tools: Option<Vec<ToolLine>>,
}
prompt!(ChatPrompt, "chat");

/// What a conversation is about, told when it becomes known.
#[derive(Debug, Clone, Serialize)]
pub struct ChatTopic {
    pub failing: String,
    pub good: Option<String>,
    /// Fenced.
    pub ticket: Option<String>,
    /// The summary of the last report. Fenced.
    pub report: Option<String>,
    pub evidence: Vec<EvidenceLine>,
}
prompt!(ChatTopic, "chat_topic");

/// The incident and what was found out before the model was asked.
#[derive(Debug, Clone, Serialize)]
pub struct BriefPrompt {
    pub mark: String,
    pub failing: String,
    pub good: Option<String>,
    pub has_replay: bool,
    /// Why there is no replay. Fenced.
    pub no_replay: String,
    pub has_logs: bool,
    pub has_tests: bool,
    /// Fenced.
    pub ticket: String,
    pub findings: Vec<BriefFinding>,
    pub steps: u32,
}
prompt!(BriefPrompt, "brief");

#[derive(Debug, Clone, Serialize)]
pub struct BriefFinding {
    pub tool: String,
    pub failed: bool,
    /// Fenced.
    pub text: String,
    pub evidence: Vec<EvidenceLine>,
}

#[derive(Debug, Clone, Serialize)]
pub struct EvidenceLine {
    pub id: String,
    pub locator: String,
}

/// The answer of one tool call.
#[derive(Debug, Clone, Serialize)]
pub struct ToolResult {
    pub tool: String,
    pub call: String,
    pub failed: bool,
    /// Fenced.
    pub text: String,
    pub evidence: Vec<EvidenceLine>,
    /// Characters that were left out of the text.
    pub left_out: usize,
    /// Where `read_evidence` goes on.
    pub offset: usize,
}
prompt!(ToolResult, "tool_result");

/// A remark between two steps.
#[derive(Debug, Clone, Serialize)]
pub struct NudgePrompt {
    pub kind: NudgeKind,
    /// How to answer in this action mode.
    pub constrained: bool,
}
prompt!(NudgePrompt, "nudge");

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NudgeKind {
    /// The same call was made again and again.
    Repeats,
    /// Two calls take turns.
    Alternates,
    /// Nothing but errors came back.
    OnlyErrors,
    /// Words, but no call.
    Narrates,
    /// Tools are withdrawn.
    Withdrawn,
    /// This is the last step.
    LastStep,
}

/// An answer that could not be used, and why.
#[derive(Debug, Clone, Serialize)]
pub struct RepairPrompt {
    /// Fenced: it quotes the model's own words.
    pub problem: String,
    pub constrained: bool,
}
prompt!(RepairPrompt, "repair");

/// What stands for the steps that were taken out of a conversation that grew too long.
#[derive(Debug, Clone, Serialize)]
pub struct CompactedPrompt {
    pub steps: u32,
    /// A line a call: what was asked and which evidence came of it. Fenced.
    pub calls: String,
    /// The board of hypotheses. Fenced.
    pub board: String,
}
prompt!(CompactedPrompt, "compacted");

/// A message of a person who watches the run.
#[derive(Debug, Clone, Serialize)]
pub struct SteeredPrompt {
    pub by: String,
    /// Fenced.
    pub text: String,
}
prompt!(SteeredPrompt, "steered");

/// The second reader.
#[derive(Debug, Clone, Serialize)]
pub struct ReviewPrompt {
    /// Where answers cannot be constrained, their shape is described.
    pub shape: String,
}
prompt!(ReviewPrompt, "review");

/// The finding under review and all it rests on.
#[derive(Debug, Clone, Serialize)]
pub struct ReviewCase {
    pub mark: String,
    /// Fenced.
    pub ticket: String,
    pub claims: Vec<ReviewClaim>,
    /// What really ran, in words. Fenced.
    pub ran: String,
    /// Fenced texts of the evidence.
    pub evidence: Vec<String>,
}
prompt!(ReviewCase, "review_case");

#[derive(Debug, Clone, Serialize)]
pub struct ReviewClaim {
    pub id: String,
    /// Fenced.
    pub statement: String,
    pub confidence: String,
    pub cites: Vec<String>,
}

/// Who judges how reports are written, in evals. It knows no truth.
#[derive(Debug, Clone, Serialize)]
pub struct ProseJudgePrompt {}
prompt!(ProseJudgePrompt, "prose");

/// One report to judge.
#[derive(Debug, Clone, Serialize)]
pub struct ProseCase {
    pub mark: String,
    /// Fenced.
    pub report: String,
}
prompt!(ProseCase, "prose_case");
