/*! Tool: the board of hypotheses. */

use std::sync::Arc;

use millwright_model::{EvidenceId, HypothesisStatus};
use millwright_tools::{Effect, Tool, ToolContext, ToolError, ToolOutput};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::context::{BoardEntry, EvidenceCache, HypothesisBoard, MOST_HYPOTHESES};

/// Longest statement, in characters.
const STATEMENT_CHARS: usize = 400;

#[derive(Debug)]
pub(super) struct BoardTool(pub(super) Arc<EvidenceCache>);

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BoardArgs {
    /// All current hypotheses; one that is left out is removed from the board.
    hypotheses: Vec<BoardHypothesis>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BoardHypothesis {
    /// What is believed, in one sentence.
    statement: String,
    status: HypothesisStatus,
    /// Ids of evidence for or against it, such as E3.
    #[serde(default)]
    evidence: Vec<String>,
}

impl Tool for BoardTool {
    type Args = BoardArgs;
    const NAME: &'static str = "board";
    const EFFECT: Effect = Effect::ReadMemory;

    fn description(&self) -> String {
        "Writes the board of hypotheses: what you believe, what is refuted, with evidence. It takes no time; \
         keep it up to date."
            .into()
    }

    async fn run(&self, _: &ToolContext, args: BoardArgs) -> Result<ToolOutput, ToolError> {
        if args.hypotheses.len() > MOST_HYPOTHESES {
            return Err(ToolError::invalid(format!(
                "at most {MOST_HYPOTHESES} hypotheses; drop the least likely"
            )));
        }
        let mut unknown = Vec::new();
        let mut entry = |number: usize, hypothesis: BoardHypothesis| {
            let mut evidence = Vec::new();
            for id in hypothesis.evidence {
                let id = EvidenceId(id.chars().take(20).collect());
                match self.0.holds(&id) {
                    true => evidence.push(id),
                    false => unknown.push(id.0),
                }
            }
            BoardEntry {
                id: format!("H{number}"),
                statement: hypothesis.statement.chars().take(STATEMENT_CHARS).collect(),
                status: hypothesis.status,
                evidence,
            }
        };
        let hypotheses = args
            .hypotheses
            .into_iter()
            .zip(1..)
            .map(|(hypothesis, number)| entry(number, hypothesis))
            .collect();
        let board = HypothesisBoard { hypotheses };
        let mut text = board.in_words();
        if !unknown.is_empty() {
            text.push_str(&format!("\n[left out, no such evidence: {}]", unknown.join(", ")));
        }
        Ok(ToolOutput::new(text, board))
    }
}
