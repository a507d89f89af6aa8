/*! Tool: has anything like this been seen before? */

use millwright_memory::recall::{RecallQuery, Recalled, recall};
use millwright_memory::types::{Approval, EvidenceDraft, EvidenceSource, Locator, Proof};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Effect, Tool, ToolContext, ToolError, ToolOutput};
use crate::replay::ReplayRecipe;

#[derive(Debug, Clone, Copy)]
pub struct Recall;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Recollection {
    pub matches: Vec<Match>,
}

/// An earlier incident that this one may be again, with its most trusted resolution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Match {
    pub incident_id: String,
    pub title: String,
    pub score: f64,
    pub why: Vec<String>,
    /// The code agrees, not only the words.
    pub structural: bool,
    pub trusted: bool,
    pub resolution_id: Option<String>,
    pub statement: String,
    pub proof: Proof,
    pub approval: Approval,
    pub replay: Option<serde_json::Value>,
    /// What was tried for it and found wrong.
    pub refuted: Vec<String>,
}

impl Tool for Recall {
    type Args = Args;
    const NAME: &'static str = "recall";
    const EFFECT: Effect = Effect::ReadMemory;

    fn description(&self) -> String {
        "Looks for earlier incidents like this one, says why they match, what was proven about them and what was \
         refuted. A match is a hint until `recheck` has confirmed it at this revision."
            .into()
    }

    async fn run(&self, ctx: &ToolContext, _args: Args) -> Result<ToolOutput, ToolError> {
        let found = similar(ctx).await?;
        let mut evidence = Vec::new();
        for recalled in &found {
            let incident = &recalled.incident;
            let mut text = format!("{}\n{}\n", incident.id, incident.ticket.title);
            if let Some(best) = recalled.resolutions.first() {
                text.push_str(&format!("{}\n{}", best.statement, best.fix_diff));
            }
            evidence.push(EvidenceDraft {
                source: EvidenceSource::Memory,
                locator: Locator::memory(&incident.id),
                text,
            });
        }
        let matches: Vec<Match> = found.into_iter().map(Match::from).collect();
        let mut text = match matches.len() {
            0 => "No precedent: nothing like this is remembered.".to_owned(),
            n => format!("{n} similar incidents:\n"),
        };
        for one in &matches {
            text.push_str(&format!(
                "{} ({:.2}, {}): {}\n  {}\n",
                one.incident_id,
                one.score,
                if one.trusted { "trusted" } else { "not trusted" },
                one.why.join("; "),
                one.statement
            ));
        }
        Ok(ToolOutput::new(text, Recollection { matches }).with_evidence(evidence))
    }
}

impl From<Recalled> for Match {
    fn from(recalled: Recalled) -> Self {
        let best = recalled.resolutions.first();
        Self {
            title: recalled.incident.ticket.title.clone(),
            score: recalled.score,
            why: recalled.why,
            structural: recalled.structural,
            trusted: recalled.trusted,
            resolution_id: best.map(|best| best.id.clone()),
            statement: best.map(|best| best.statement.clone()).unwrap_or_default(),
            proof: best.map_or(Proof::None, |best| best.proof),
            approval: best.map_or(Approval::None, |best| best.approval),
            replay: best.and_then(|best| best.replay.clone()),
            refuted: recalled.refuted.into_iter().map(|idea| idea.hypothesis.statement).collect(),
            incident_id: recalled.incident.id,
        }
    }
}

async fn similar(ctx: &ToolContext) -> Result<Vec<Recalled>, ToolError> {
    let Some(store) = &ctx.workbench.memory else { return Ok(Vec::new()) };
    let query = RecallQuery {
        repository: Some(&ctx.workbench.repository),
        exclude: Some(&ctx.workbench.incident),
        limit: 5,
        ..RecallQuery::new(&ctx.ticket)
    };
    recall(store, &query)
        .await
        .map_err(|error| ToolError::unavailable("memory cannot be read").with_detail(error))
}

/// The replay of the best precedent that is trusted and agrees in structure.
pub(super) async fn remembered_recipe(ctx: &ToolContext) -> Result<Option<ReplayRecipe>, ToolError> {
    let found = similar(ctx).await?;
    let trusted = found.iter().filter(|recalled| recalled.trusted && recalled.structural);
    let recipes = trusted.flat_map(|recalled| &recalled.resolutions).filter_map(|known| known.replay.clone());
    Ok(recipes.filter_map(|recipe| serde_json::from_value(recipe).ok()).next())
}
