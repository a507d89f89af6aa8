/*! Tool: which commits of the range are suspected, and why? */

use std::path::Path;
use std::time::Duration;

use millwright_culprit::suspects::{RankRequest, SignalWeights, SuspectsError, rank, relearn};
use millwright_model::{CommitId, IncidentId, Location, RankingSample, Reason, Suspect};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::commit_evidence::commit_evidence;
use super::earlier_culprits::{self, EarlierIncident, KnownCauses};
use super::rejected_causes::RejectedCause;
use super::{Effect, RunMemory, Tool, ToolContext, ToolError, ToolOutput};

/// Suspects whose commits become evidence.
const CITED: usize = 3;
/// Suspects handed on; a report shows at least 20.
const LISTED: usize = 25;
/// The signal of a suspect that a person rejected.
pub const REJECTED: &str = "rejected";

#[derive(Debug, Clone, Copy)]
pub struct SuspectsTool;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SuspectsArgs {}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SuspectList {
    pub suspects: Vec<Suspect>,
    /// Candidates in the range.
    pub total: usize,
    /// Calibrated probability that the first is the cause.
    pub confidence: f64,
    /// What the first changed in product code, mapped to the failing revision.
    pub locations: Vec<Location>,
    /// Rejections of listed suspects as the cause of earlier incidents.
    #[serde(default)]
    pub rejected_causes: Vec<RejectedCause>,
    /// Earlier incidents whose culprits are suspected and whose fault may still be there, most suspected first.
    #[serde(default)]
    pub earlier: Vec<EarlierIncident>,
}

/// The artifact with every candidate's probability: the prior of the bisect.
pub(super) const RANKING: &str = "ranking.json";

/// The artifact to learn from, once the culprit is settled.
const SAMPLE: &str = "sample.json";

/// What the last ranking of a run saw, from the run's folder.
pub fn sample_of(run_dir: &Path) -> Option<RankingSample> {
    serde_json::from_slice(&std::fs::read(run_dir.join(SAMPLE)).ok()?).ok()
}

/// What memory brings to a ranking.
#[derive(Debug, Clone, Default)]
struct Learned {
    weights: SignalWeights,
    known: KnownCauses,
    /// Incidents like this one, the most alike first.
    alike: Vec<IncidentId>,
}

/// Reads what was learned. A memory that cannot be read costs the ranking its help, never the ranking itself.
async fn learned(ctx: &ToolContext, shown: &str) -> Learned {
    let Some(RunMemory { store, .. }) = &ctx.workbench.memory else { return Learned::default() };
    let weights = store.active_weights().await.unwrap_or_else(|error| {
        tracing::warn!(error = %error, "learned weights cannot be read; ranking by those that ship");
        None
    });
    let known = KnownCauses::load(ctx).await.unwrap_or_else(|error| {
        tracing::warn!(error = %error, "earlier causes cannot be read; ranking without them");
        KnownCauses::default()
    });
    // Try earlier incidents only if the failure was reproduced.
    let alike = match ctx.workbench.shown() {
        None => Ok(Vec::new()),
        Some(_) => earlier_culprits::alike(ctx, shown).await,
    };
    let alike = alike.unwrap_or_else(|error| {
        tracing::warn!(error = %error, "similar incidents cannot be found; trying earlier culprits by the ranking alone");
        Vec::new()
    });
    Learned {
        weights: weights
            .map_or_else(SignalWeights::default, |version| relearn::weights_of(&version.learned.weights)),
        known,
        alike,
    }
}

/// What is run and what it prints at the failing revision, as far as that is known.
fn shown_text(ctx: &ToolContext) -> String {
    let command = ctx.workbench.recipe().map(|recipe| recipe.command);
    let output = ctx.workbench.shown().map(|shown| shown.output);
    command.into_iter().chain(output).collect::<Vec<_>>().join("\n")
}

/// Puts commits that a person rejected as the cause of an earlier incident behind all others that are listed, with the
/// person's note as the first reason; returns these rejections. Where only the ranking speaks for a commit, a person's word
/// weighs more.
fn put_rejected_last(suspects: &mut Vec<Suspect>, rejected_causes: &[RejectedCause]) -> Vec<RejectedCause> {
    let rejection_of = |suspect: &Suspect| {
        rejected_causes.iter().find(|rejected| rejected.culprit.as_deref() == Some(suspect.commit.as_str()))
    };
    let listed = suspects.iter().take(LISTED);
    let found: Vec<RejectedCause> = listed.filter_map(rejection_of).cloned().collect();
    if found.is_empty() {
        return found;
    }
    let (rejected, mut others): (Vec<Suspect>, Vec<Suspect>) = std::mem::take(suspects)
        .into_iter()
        .partition(|suspect| found.iter().any(|one| one.culprit.as_deref() == Some(suspect.commit.as_str())));
    others.truncate(LISTED.saturating_sub(rejected.len()));
    let last = others.last().map_or(0.0, |suspect| suspect.score);
    for mut suspect in rejected {
        let lowered = suspect.score.min(last);
        if let Some(rejection) = rejection_of(&suspect) {
            let reason = Reason {
                signal: REJECTED.to_owned(),
                contribution: lowered - suspect.score,
                detail: rejection.in_words(),
            };
            suspect.reasons.insert(0, reason);
        }
        suspect.score = lowered;
        others.push(suspect);
    }
    for (rank, suspect) in (1..).zip(&mut others) {
        suspect.rank = rank;
    }
    *suspects = others;
    found
}

impl Tool for SuspectsTool {
    type Args = SuspectsArgs;
    const NAME: &'static str = "suspects";
    const EFFECT: Effect = Effect::ReadRepository;
    const TIMEOUT: Duration = Duration::from_secs(1800);

    fn description(&self) -> String {
        "Ranks every commit between the good and the failing revision by how likely it caused this incident, \
         with the reasons. Uses the execution trace when `reproduce` was called before."
            .into()
    }

    async fn run(&self, ctx: &ToolContext, _: SuspectsArgs) -> Result<ToolOutput, ToolError> {
        let shown = shown_text(ctx);
        let learned = learned(ctx, &shown).await;
        ctx.blocking(move |ctx| work(ctx, &shown, &learned)).await
    }
}

fn work(ctx: &ToolContext, shown_text: &str, learned: &Learned) -> Result<ToolOutput, ToolError> {
    let shown = ctx.workbench.shown();
    let ranking = rank(&RankRequest {
        repo: &ctx.repo,
        rules: &ctx.redaction,
        bad: &ctx.bad,
        good: ctx.good.as_ref(),
        ticket: &ctx.ticket,
        executed: shown.as_ref().and_then(|shown| shown.trace.as_ref()),
        extra_text: shown_text,
        precedents: &learned.known.precedents(),
        weights: &learned.weights,
    })
    .map_err(explained)?;
    let prior: Vec<(&str, f64)> =
        ranking.commits.iter().map(|candidate| (candidate.commit.as_str(), candidate.prior)).collect();
    ctx.workbench.keep(RANKING, &prior)?;
    ctx.workbench.keep(SAMPLE, &ranking.sample)?;
    let earlier = match shown {
        Some(_) => learned.known.to_try_first(ctx, &prior, &learned.alike),
        None => Vec::new(),
    };
    let mut suspects = ranking.suspects;
    let rejected_causes = put_rejected_last(&mut suspects, learned.known.rejected());
    suspects.truncate(LISTED);
    let mut evidence = Vec::new();
    for suspect in suspects.iter().take(CITED) {
        evidence.push(commit_evidence(ctx, &suspect.commit)?);
    }
    let mut text = format!("{} candidate commits, most suspected first:\n", prior.len());
    for suspect in &suspects {
        let why: Vec<&str> = suspect.reasons.iter().take(3).map(|reason| reason.detail.as_str()).collect();
        text.push_str(&format!(
            "{:>3}. {} {:.3} {}\n     {}\n",
            suspect.rank,
            suspect.commit.short(),
            suspect.score,
            suspect.subject,
            why.join("; ")
        ));
    }
    if prior.len() > suspects.len() {
        text.push_str(&format!(
            "[{} less suspected commits are not listed; git_log lists them]\n",
            prior.len() - suspects.len()
        ));
    }
    for one in &earlier {
        text.push_str(&format!(
            "The culprit of incident {} is among them; `recheck` of resolution {} with `at_culprit` tells whether it is the \
             same problem.\n",
            one.incident_id, one.resolution_id
        ));
    }
    let locations = match suspects.first() {
        Some(top) => changed_locations(ctx, &top.commit)?,
        None => Vec::new(),
    };
    evidence.extend(rejected_causes.iter().take(CITED).map(RejectedCause::evidence));
    let list = SuspectList {
        total: prior.len(),
        confidence: suspects.first().map_or(0.0, |top| {
            let of = ranking.commits.iter().find(|candidate| candidate.commit == top.commit);
            of.map_or(0.0, |candidate| candidate.probability)
        }),
        suspects,
        locations,
        rejected_causes,
        earlier,
    };
    Ok(ToolOutput::new(text, list).with_evidence(evidence))
}

fn explained(error: SuspectsError) -> ToolError {
    match error {
        SuspectsError::Repo(error) => error.into(),
        SuspectsError::Git(error) => error.into(),
        other => ToolError::failed(other.to_string()),
    }
}

/// Where the changed product lines of a commit are at the failing revision (bounded).
fn changed_locations(ctx: &ToolContext, commit: &CommitId) -> Result<Vec<Location>, ToolError> {
    const MOST: usize = 10;
    let hunks = millwright_culprit::minimise::hunks_of(&ctx.repo, commit)?;
    let product = hunks.iter().filter(|hunk| !millwright_ingest::is_test_path(&hunk.path));
    let mut locations = Vec::new();
    for hunk in product.take(MOST) {
        locations.extend(super::minimise::location_at_bad(ctx, commit, &hunk.path, hunk.new_span())?);
    }
    Ok(locations)
}
