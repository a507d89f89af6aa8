/*! Tool: has a similar incident occurred before? */

use millwright_model::{
    Approval, EvidenceDraft, EvidenceSource, IncidentId, Locator, Proof, Resolution, ResolutionId,
};
use millwright_recall::{RecallAnswer, RecallQuery, RecalledIncident, Trust, recall_with};
use millwright_replay::ReplayRecipe;
use millwright_store::{MemoryFilter, MemoryItem};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::culprit_ids::complete_id;
use super::rejected_causes::{RejectedCause, find_rejected_causes};
use super::{Effect, RunMemory, Tool, ToolContext, ToolError, ToolOutput, staleness};

#[derive(Debug, Clone, Copy)]
pub struct RecallTool;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecallArgs {}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RecallResult {
    pub matches: Vec<RecallMatch>,
    /// Answers to this failure that a person rejected.
    #[serde(default)]
    pub rejected_causes: Vec<RejectedCause>,
}

/// An earlier incident that this one may be again, with its most trusted resolution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecallMatch {
    pub incident_id: IncidentId,
    pub title: String,
    pub score: f64,
    pub why: Vec<String>,
    /// The code agrees, not only the words.
    pub structural: bool,
    pub trusted: bool,
    /// 0 to 1, how much its best resolution is to be trusted, and why.
    #[serde(default)]
    pub trust: Trust,
    pub resolution_id: Option<ResolutionId>,
    #[serde(default)]
    pub culprit: Option<String>,
    pub statement: String,
    pub proof: Proof,
    pub approval: Approval,
    pub replay: Option<serde_json::Value>,
    /// What was tried for it and found wrong.
    pub refuted: Vec<String>,
}

impl Tool for RecallTool {
    type Args = RecallArgs;
    const NAME: &'static str = "recall";
    const EFFECT: Effect = Effect::ReadMemory;

    fn description(&self) -> String {
        "Finds earlier incidents like this one and shows why they match, what was proven about them and what \
         was refuted. A match is a hint until `recheck` has confirmed it at this revision."
            .into()
    }

    async fn run(&self, ctx: &ToolContext, _args: RecallArgs) -> Result<ToolOutput, ToolError> {
        let RecallAnswer { found, degraded } = similar(ctx).await?;
        let mut evidence = Vec::new();
        let replayed = replayed_incidents(ctx).await?;
        let matched_by_replay = by_replay(&found, &replayed);
        let rejected_causes = find_rejected_causes(ctx, &found, &replayed).await?;
        for recalled in &found {
            let incident = &recalled.incident;
            let mut text = format!("{}\n{}\n", incident.id, incident.ticket.title);
            if let Some(best) = recalled.resolutions.first() {
                text.push_str(&format!("{}\n{}", best.statement, best.fix_diff));
            }
            for rejected in rejected_causes.iter().filter(|rejected| rejected.incident_id == incident.id) {
                text.push_str(&format!("\n{}", rejected.in_words()));
            }
            evidence.push(EvidenceDraft {
                source: EvidenceSource::Memory,
                locator: Locator::memory(&incident.id),
                text,
            });
        }
        let mut matches: Vec<RecallMatch> = found.into_iter().map(RecallMatch::from).collect();
        for one in matched_by_replay {
            evidence.push(EvidenceDraft {
                source: EvidenceSource::Memory,
                locator: Locator::memory(&one.incident_id),
                text: format!("{}\n{}\n{}", one.incident_id, one.title, one.statement),
            });
            // An incident found by the ticket alone may match less well than by the replay's output.
            matches.retain(|known| known.incident_id != one.incident_id);
            matches.push(one);
        }
        // As the rejected causes have theirs: the two are compared.
        let matches = ctx
            .blocking(move |ctx| {
                matches.iter_mut().for_each(|one| complete_id(ctx, &mut one.culprit));
                Ok(matches)
            })
            .await?;
        let mut text = match matches.len() {
            0 => "No precedent: no similar incident is remembered.".to_owned(),
            n => format!("{n} similar incidents:\n"),
        };
        if let Some(why) = degraded {
            text.push_str(&format!("Searched by words and code only: {why}\n"));
        }
        for one in &matches {
            text.push_str(&format!(
                "{} ({:.2}, {}): {}\n  {}\n{}",
                one.incident_id,
                one.score,
                if one.trusted { "trusted" } else { "not trusted" },
                one.why.join("; "),
                one.statement,
                match &one.resolution_id {
                    Some(id) => format!("  resolution {id}: check it with `recheck` before relying on it\n"),
                    None => String::new(),
                }
            ));
        }
        for rejected in &rejected_causes {
            text.push_str(&format!("{}: {}\n", rejected.in_words(), rejected.statement));
            let draft = rejected.evidence();
            if !evidence.iter().any(|known: &EvidenceDraft| known.locator == draft.locator) {
                evidence.push(draft);
            }
        }
        Ok(ToolOutput::new(text, RecallResult { matches, rejected_causes }).with_evidence(evidence))
    }
}

impl From<RecalledIncident> for RecallMatch {
    fn from(recalled: RecalledIncident) -> Self {
        let best = recalled.resolutions.first();
        Self {
            title: recalled.incident.ticket.title.clone(),
            score: recalled.score,
            why: recalled.why,
            structural: recalled.structural,
            trusted: recalled.trusted,
            trust: recalled.trust,
            resolution_id: best.map(|best| best.id.clone()),
            culprit: best.and_then(|best| best.culprit.clone()),
            statement: best.map(|best| best.statement.clone()).unwrap_or_default(),
            proof: best.map_or(Proof::None, |best| best.proof),
            approval: best.map_or(Approval::None, |best| best.approval),
            replay: best.and_then(|best| best.replay.clone()),
            refuted: recalled.refuted.into_iter().map(|idea| idea.hypothesis.statement).collect(),
            incident_id: recalled.incident.id,
        }
    }
}

/// How sure the same replay alone makes it: as two stacks that agree in exception and code.
const SAME_REPLAY: f64 = 0.7;
/// Incidents of the repository that are looked through for the same replay.
const LOOKED_THROUGH: u32 = 500;

/// Proven incidents of the repository that the recipe in force replayed, with only those of their resolutions.
async fn replayed_incidents(ctx: &ToolContext) -> Result<Vec<MemoryItem>, ToolError> {
    let (Some(RunMemory { store, repository }), Some(recipe)) =
        (&ctx.workbench.memory, ctx.workbench.recipe())
    else {
        return Ok(Vec::new());
    };
    let Ok(recipe) = serde_json::to_value(recipe) else { return Ok(Vec::new()) };
    let filter = MemoryFilter {
        repository: Some(repository.clone()),
        proof_at_least: Some(Proof::CauseConfirmed),
        limit: LOOKED_THROUGH,
        ..MemoryFilter::default()
    };
    let mut items = store
        .list_memory(&filter)
        .await
        .map_err(|error| ToolError::unavailable("memory cannot be read").with_detail(error))?;
    for item in &mut items {
        item.resolutions.retain(|known| known.replay.as_ref() == Some(&recipe));
    }
    items.retain(|item| {
        !item.resolutions.is_empty() && Some(&item.incident_id) != ctx.workbench.incident.as_ref()
    });
    Ok(items)
}

/// Incidents with the same replay that are not structural matches already. Whether this is the same failure is for
/// `recheck` to show: their fix has to make the replay pass now.
fn by_replay(found: &[RecalledIncident], replayed: &[MemoryItem]) -> Vec<RecallMatch> {
    let structural =
        |id: &str| found.iter().any(|recalled| recalled.structural && recalled.incident.id == id);
    let mut out: Vec<RecallMatch> = Vec::new();
    for item in replayed {
        let proven = |known: &&Resolution| known.is_trusted() && known.proof >= Proof::CauseConfirmed;
        let Some(best) = item.resolutions.iter().find(proven) else { continue };
        // The same fix need not be tried twice.
        if structural(item.incident_id.as_str())
            || out.iter().any(|one| one.statement == best.statement)
            || found
                .iter()
                .filter(|recalled| recalled.structural)
                .any(|recalled| recalled.resolutions.iter().any(|known| known.fix_diff == best.fix_diff))
        {
            continue;
        }
        out.push(RecallMatch {
            incident_id: item.incident_id.clone(),
            title: item.title.clone(),
            score: SAME_REPLAY,
            why: vec!["the same replay was run for it".to_owned()],
            structural: true,
            trusted: true,
            trust: Trust::default(),
            resolution_id: Some(best.id.clone()),
            culprit: best.culprit.clone(),
            statement: best.statement.clone(),
            proof: best.proof,
            approval: best.approval,
            replay: best.replay.clone(),
            refuted: Vec::new(),
        });
        if out.len() == 2 {
            break;
        }
    }
    out
}

/// What recall finds, stale knowledge marked as such.
async fn similar(ctx: &ToolContext) -> Result<RecallAnswer, ToolError> {
    let Some(RunMemory { store, repository }) = &ctx.workbench.memory else {
        return Ok(RecallAnswer::default());
    };
    let query = RecallQuery {
        repository: Some(repository),
        exclude: ctx.workbench.incident.as_ref(),
        limit: 5,
        ..RecallQuery::new(&ctx.ticket)
    };
    let answer = recall_with(store, &query)
        .await
        .map_err(|error| ToolError::unavailable("memory cannot be read").with_detail(error))?;
    Ok(RecallAnswer { found: staleness::mark(ctx, answer.found).await?, ..answer })
}

/// The replay of the best precedent that is trusted and agrees in structure.
pub(super) async fn remembered_recipe(ctx: &ToolContext) -> Result<Option<ReplayRecipe>, ToolError> {
    let found = similar(ctx).await?.found;
    let trusted = found.iter().filter(|recalled| recalled.trusted && recalled.structural);
    let recipes = trusted.flat_map(|recalled| &recalled.resolutions).filter_map(|known| known.replay.clone());
    Ok(recipes.filter_map(|recipe| serde_json::from_value(recipe).ok()).next())
}
