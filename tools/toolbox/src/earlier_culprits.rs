/*!
Culprits of earlier incidents whose code is still present. The same fault is often reported again in other words and
shown by another command. One replay without the code that was guilty then shows whether it is the same problem.
*/

use std::collections::HashMap;

use millwright_culprit::fixes;
use millwright_model::{CommitId, IncidentId, ParsedTicket, Precedent, Resolution, ResolutionId};
use millwright_recall::{self as recall, RecallQuery, RecallViews};
use millwright_store::EarlierCauses;
use serde::{Deserialize, Serialize};

use super::culprit_ids::with_full_ids;
use super::guilty_code::{split_unit, unit_text};
use super::rejected_causes::RejectedCause;
use super::{RunMemory, ToolContext, ToolError};

/// Maximum number of earlier incidents that are tried before a bisect; each wrong one costs a replay.
const TRIED_FIRST: usize = 3;
/// Maximum number of earlier culprits of the range that are looked up.
const LOOKED_UP: usize = 20;

/// Maximum number of incidents that are compared for similarity.
const MOST_ALIKE: usize = 100;

/// An earlier incident that was traced to a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EarlierIncident {
    pub incident_id: IncidentId,
    pub resolution_id: ResolutionId,
    /// The incident's guilty code, as in [`Resolution::units`].
    pub units: Vec<String>,
}

/// What memory knows about the commits of a range as causes.
#[derive(Debug, Clone, Default)]
pub(super) struct KnownCauses {
    trusted: Vec<Resolution>,
    rejected: Vec<RejectedCause>,
}

impl KnownCauses {
    pub(super) async fn load(ctx: &ToolContext) -> Result<Self, ToolError> {
        let Some(RunMemory { store, repository }) = &ctx.workbench.memory else { return Ok(Self::default()) };
        let unreadable = |error| ToolError::unavailable("memory cannot be read").with_detail(error);
        let EarlierCauses { trusted, rejected } =
            store.earlier_causes(repository, ctx.workbench.incident.as_ref()).await.map_err(unreadable)?;
        let (trusted, rejected) =
            ctx.blocking(move |ctx| Ok((with_full_ids(ctx, trusted), with_full_ids(ctx, rejected)))).await?;
        // List each pair of culprit and code once.
        let mut once: Vec<&Resolution> = Vec::new();
        for known in &rejected {
            if !once.iter().any(|other| other.culprit == known.culprit && other.units == known.units) {
                once.push(known);
            }
        }
        let rejected = once;
        let rejected = RejectedCause::load(store, &rejected).await.map_err(unreadable)?;
        Ok(Self { trusted, rejected })
    }

    /// Precedents for the ranking.
    pub(super) fn precedents(&self) -> Vec<Precedent> {
        let precedent = |known: &Resolution| Precedent {
            incident_id: known.incident_id.clone(),
            culprit: known.culprit.clone(),
            units: known.units.clone(),
            failing_revision: known.failing_revision.clone(),
        };
        self.trusted.iter().map(precedent).collect()
    }

    /// Earlier incidents that were traced to this commit, the newest first.
    pub(super) fn incidents_of(&self, culprit: &CommitId) -> Vec<EarlierIncident> {
        let of = self.trusted.iter().rev().filter(|known| known.culprit.as_deref() == Some(culprit));
        of.map(EarlierIncident::of).collect()
    }

    pub(super) fn rejected(&self) -> &[RejectedCause] {
        &self.rejected
    }

    /// The rejection of this commit as the cause of an earlier incident.
    pub(super) fn rejection_of(&self, culprit: &CommitId) -> Option<&RejectedCause> {
        self.rejected.iter().find(|rejected| rejected.culprit.as_deref() == Some(culprit))
    }

    /// Earlier incidents to try before a bisect, if the code that their culprits added was not fixed since. Incidents
    /// whose culprits the ranking suspects and that are similar to this one come first. `prior` is the ranking's
    /// prior over the whole range; `alike` lists incidents, most similar first.
    pub(super) fn to_try_first(
        &self,
        ctx: &ToolContext,
        prior: &[(&str, f64)],
        alike: &[IncidentId],
    ) -> Vec<EarlierIncident> {
        let prior: HashMap<&str, f64> = prior.iter().copied().collect();
        let mut known: Vec<&Resolution> = Vec::new();
        let (mut suspicion, mut likeness) = (Vec::new(), Vec::new());
        for resolution in self.trusted.iter().rev() {
            let Some(culprit) = resolution.culprit.as_deref() else { continue };
            let place = alike.iter().position(|id| *id == resolution.incident_id);
            let likely = place.map_or(0.0, |place| 1.0 / (place as f64 + 1.0));
            let listed = known.iter().position(|other| other.culprit == resolution.culprit);
            match (prior.get(culprit), listed.and_then(|at| likeness.get_mut(at))) {
                // Several incidents have this culprit; the most similar one counts.
                (_, Some(best)) => *best = likely.max(*best),
                (Some(suspected), None) => {
                    known.push(resolution);
                    suspicion.push(*suspected);
                    likeness.push(likely);
                }
                (None, None) => {}
            }
        }
        let fused = reciprocal_ranks(&suspicion).into_iter().zip(reciprocal_ranks(&likeness));
        let mut order: Vec<(f64, &Resolution)> =
            fused.map(|(suspected, alike)| suspected + alike).zip(known).collect();
        order.sort_by(|a, b| b.0.total_cmp(&a.0));
        let stand = order.into_iter().take(LOOKED_UP).filter(|(_, resolution)| still_stands(ctx, resolution));
        stand.take(TRIED_FIRST).map(|(_, resolution)| EarlierIncident::of(resolution)).collect()
    }
}

/// The reciprocal of each value's rank, to fuse two orders (Cormack, Clarke and Büttcher 2009).
fn reciprocal_ranks(values: &[f64]) -> Vec<f64> {
    /// Small, because there are few values.
    const K: f64 = 2.0;
    let rank = |value: f64| values.iter().filter(|other| **other > value).count() as f64;
    values.iter().map(|value| if *value > 0.0 { 1.0 / (K + rank(*value)) } else { 0.0 }).collect()
}

impl EarlierIncident {
    fn of(known: &Resolution) -> Self {
        Self {
            incident_id: known.incident_id.clone(),
            resolution_id: known.id.clone(),
            units: known.units.clone(),
        }
    }
}

/// Incidents of the repository that are similar to this one by the ticket and by `shown`, the replay's output; most
/// similar first.
pub(super) async fn alike(ctx: &ToolContext, shown: &str) -> Result<Vec<IncidentId>, ToolError> {
    let Some(RunMemory { store, repository }) = &ctx.workbench.memory else { return Ok(Vec::new()) };
    let ticket = ParsedTicket { text: format!("{}\n{shown}", ctx.ticket.text), ..(*ctx.ticket).clone() };
    let query = RecallQuery {
        repository: Some(repository),
        exclude: ctx.workbench.incident.as_ref(),
        limit: MOST_ALIKE,
        ..RecallQuery::new(&ticket)
    };
    // The replay's output is not masked here, so it is compared on this machine only: an embedding may be computed
    // elsewhere.
    let near = recall::nearest_by(store, &query, RecallViews { dense: false, ..RecallViews::ALL }).await;
    let near = near.map_err(|error| ToolError::unavailable("memory cannot be read").with_detail(error))?;
    Ok(near.into_iter().map(|near| near.incident_id).collect())
}

/// Whether the fault may still be in the failing revision: its fix would still change something there, or its guilty
/// code is unchanged. False when neither can be looked up.
fn still_stands(ctx: &ToolContext, known: &Resolution) -> bool {
    if !known.fix_diff.is_empty() {
        return matches!(fixes::known(&ctx.repo, &known.fix_diff, &ctx.bad), Ok(Ok(_)));
    }
    if known.units.is_empty() {
        return false;
    }
    known.units.iter().any(|unit| {
        let (path, symbol) = split_unit(unit);
        let text = |revision: &str| unit_text(ctx, revision, path, symbol).map(|(_, text)| text);
        text(&known.failing_revision).is_some_and(|then| text(&ctx.bad).as_ref() == Some(&then))
    })
}

#[cfg(test)]
#[path = "earlier_culprits_tests.rs"]
mod tests;
