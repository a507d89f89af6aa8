/*!
Tool: the conclusion. The tool checks it against the evidence at once: ids must exist, quotes must occur in the stored
text, the commit must be reachable from the failing revision, and places must exist there. The model is told what
fails and may correct it once; claims that still fail are struck.
*/

use std::sync::Arc;

use millwright_git as git;
use millwright_model::{CauseKind, CommitId, EvidenceId, HypothesisStatus, Location, Struck};
use millwright_tools::{Effect, Tool, ToolContext, ToolError, ToolOutput};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::citations;
use crate::context::{EvidenceCache, MOST_HYPOTHESES};
use crate::findings::Citation;
use crate::planner::openai::CONCLUDE;

/// Longest statement, in characters.
const STATEMENT_CHARS: usize = 1_200;
/// Most places, citations, quotes of one citation and missing things taken in.
const MOST: usize = 12;

#[derive(Debug)]
pub(super) struct ConcludeTool(pub(super) Arc<EvidenceCache>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConcludedOutcome {
    /// The cause is known, with the confidence given.
    Cause,
    /// The evidence says that nothing is wrong.
    NotAnIncident,
    /// No cause could be determined; `missing` says what would determine it.
    NothingFound,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ConcludeArgs {
    outcome: ConcludedOutcome,
    /// The cause, why nothing is wrong, or what was ruled out: one to three sentences.
    statement: String,
    /// What kind of cause; needed for `cause`.
    #[serde(default)]
    kind: Option<CauseKind>,
    /// The commit that introduced the cause, when a code change did.
    #[serde(default)]
    commit: Option<String>,
    /// Where the cause is at the failing revision.
    #[serde(default)]
    locations: Vec<PlaceArgs>,
    /// Probability that this is right, 0 to 1.
    confidence: f64,
    /// What the statement rests on.
    evidence: Vec<CiteArgs>,
    /// Competing hypotheses and their outcome.
    #[serde(default)]
    hypotheses: Vec<IdeaArgs>,
    /// What would make the answer better, most useful first.
    #[serde(default)]
    missing: Vec<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PlaceArgs {
    path: String,
    start_line: u32,
    end_line: u32,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CiteArgs {
    /// An id of evidence, such as E3.
    id: String,
    /// Short verbatim quotes from it.
    #[serde(default)]
    quotes: Vec<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct IdeaArgs {
    statement: String,
    status: HypothesisStatus,
    #[serde(default)]
    evidence: Vec<CiteArgs>,
}

/// A conclusion, taken apart and checked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckedConclusion {
    pub outcome: ConcludedOutcome,
    pub statement: String,
    pub kind: CauseKind,
    pub commit: Option<CommitId>,
    pub locations: Vec<Location>,
    pub confidence: f64,
    pub cites: Vec<Citation>,
    pub hypotheses: Vec<ConcludedIdea>,
    pub missing: Vec<String>,
    /// Why the main claim does not hold, if it does not.
    pub unfounded: Option<String>,
    /// Ideas that do not hold; they are not among `hypotheses`.
    pub struck: Vec<Struck>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConcludedIdea {
    pub statement: String,
    pub status: HypothesisStatus,
    pub cites: Vec<Citation>,
}

impl Tool for ConcludeTool {
    type Args = ConcludeArgs;
    const NAME: &'static str = CONCLUDE;
    const EFFECT: Effect = Effect::ReadMemory;

    fn description(&self) -> String {
        "Ends the investigation with a conclusion. Every claim cites evidence with short verbatim quotes, \
         which are checked; confirmation by replay follows automatically where a replay exists."
            .into()
    }

    async fn run(&self, ctx: &ToolContext, args: ConcludeArgs) -> Result<ToolOutput, ToolError> {
        if args.statement.trim().is_empty() {
            return Err(ToolError::invalid("`statement` must say something"));
        }
        if args.outcome == ConcludedOutcome::Cause && args.kind.is_none() {
            return Err(ToolError::invalid("`kind` is needed for the outcome `cause`"));
        }
        let bounded = |text: &str| text.trim().chars().take(STATEMENT_CHARS).collect::<String>();
        let mut problems = Vec::new();
        let cites = citations_of(args.evidence);
        if let Err(why) = self.bear(&cites, args.outcome == ConcludedOutcome::NothingFound).await? {
            problems.push(why);
        }
        let mut commit = None;
        if let Some(named) = args.commit.filter(|named| !named.trim().is_empty()) {
            let resolved = ctx.blocking({
                let named = named.clone();
                move |ctx| ctx.visible(Some(&named))
            });
            match resolved.await {
                Ok(id) => commit = Some(id),
                Err(error) => problems.push(format!("commit: {}", error.feedback)),
            }
        }
        let mut locations = Vec::new();
        for place in args.locations.into_iter().take(MOST) {
            match located(ctx, place).await {
                Ok(location) => locations.push(location),
                Err(why) => problems.push(why),
            }
        }
        let mut struck = Vec::new();
        let mut hypotheses = Vec::new();
        for idea in args.hypotheses.into_iter().take(MOST_HYPOTHESES) {
            let (statement, cites) = (bounded(&idea.statement), citations_of(idea.evidence));
            match self.bear(&cites, idea.status == HypothesisStatus::Open).await? {
                Ok(()) => hypotheses.push(ConcludedIdea { statement, status: idea.status, cites }),
                Err(because) => struck.push(Struck { claim: statement, because }),
            }
        }
        let mut text = match problems.is_empty() && struck.is_empty() {
            true => "Every citation is valid.".to_owned(),
            false => {
                "Not every claim is supported by the evidence. Fix this by calling conclude again:".to_owned()
            }
        };
        text.extend(problems.iter().map(|problem| format!("\n- {problem}")));
        text.extend(struck.iter().map(|one| format!("\n- hypothesis {:?}: {}", one.claim, one.because)));
        let confidence = if args.confidence.is_finite() { args.confidence.clamp(0.0, 1.0) } else { 0.0 };
        let concluded = CheckedConclusion {
            outcome: args.outcome,
            statement: bounded(&args.statement),
            kind: args.kind.unwrap_or(CauseKind::CodeChange),
            commit,
            locations,
            confidence,
            cites,
            hypotheses,
            missing: args
                .missing
                .iter()
                .map(|one| bounded(one))
                .filter(|one| !one.is_empty())
                .take(MOST)
                .collect(),
            unfounded: (!problems.is_empty()).then(|| problems.join("; ")),
            struck,
        };
        Ok(ToolOutput::new(text, concluded))
    }
}

impl ConcludeTool {
    /// Whether the evidence bears a claim: `Ok(Err)` says why it does not.
    async fn bear(&self, cites: &[Citation], may_be_bare: bool) -> Result<Result<(), String>, ToolError> {
        if cites.is_empty() && !may_be_bare {
            return Ok(Err("it cites no evidence".to_owned()));
        }
        for cite in cites {
            let text = self.0.evidence(&cite.evidence.0).await;
            let text = text.map_err(|error| ToolError::unavailable(error.to_string()))?;
            let Some(text) = text else {
                return Ok(Err(format!("it cites {:?}, which does not exist", cite.evidence.0)));
            };
            for quote in &cite.quotes {
                if let Err(why) = citations::stands_in(quote, &text) {
                    let shown: String = quote.chars().take(80).collect();
                    return Ok(Err(format!("its quote {shown:?} {why} {}", cite.evidence)));
                }
            }
        }
        if !may_be_bare && cites.iter().all(|cite| cite.quotes.is_empty()) {
            return Ok(Err("it quotes nothing of the evidence it cites".to_owned()));
        }
        Ok(Ok(()))
    }
}

fn citations_of(cites: Vec<CiteArgs>) -> Vec<Citation> {
    let cite = |cite: CiteArgs| Citation {
        evidence: EvidenceId(cite.id.trim().chars().take(20).collect()),
        quotes: cite.quotes.into_iter().filter(|quote| !quote.trim().is_empty()).take(MOST).collect(),
    };
    cites.into_iter().take(MOST).map(cite).collect()
}

async fn located(ctx: &ToolContext, place: PlaceArgs) -> Result<Location, String> {
    let (start, end) = (place.start_line, place.end_line);
    let path = place.path.clone();
    let blob = ctx.blocking(move |ctx| Ok(git::blob_at(&ctx.repo, &ctx.bad, &path)?)).await;
    let shown: String = place.path.chars().take(120).collect();
    let blob = blob.map_err(|error| format!("location {shown:?}: {}", error.feedback))?;
    let lines = blob.text().map_err(|error| error.to_string())?.lines().count();
    if start == 0 || end < start || end as usize > lines.max(1) {
        return Err(format!("location {shown:?} has lines 1 to {lines}, not {start} to {end}"));
    }
    Ok(Location { path: place.path, start_line: start, end_line: end, symbol: None })
}
