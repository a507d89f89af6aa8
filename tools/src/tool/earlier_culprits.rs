/*!
Culprits of earlier incidents whose code still stands. The same fault is often reported again in other words and shown
by another command. Whether it is the same problem shows in one replay with what was guilty then taken back.
*/

use std::collections::HashMap;

use millwright_memory::types::{Precedent, Resolution};
use serde::{Deserialize, Serialize};

use super::likeness::likeness;
use super::recheck::unit_text;
use super::rejected_causes::RejectedCause;
use super::{ToolContext, ToolError};
use crate::fixes;

/// Earlier incidents that are tried before a bisect; each wrong one costs a replay.
const TRIED_FIRST: usize = 3;
/// Earlier culprits of the range that are looked up.
const LOOKED_UP: usize = 20;

/// Earlier incidents whose words are read.
const READ: usize = 200;

/// An earlier incident that was traced to a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EarlierIncident {
    pub incident_id: String,
    pub resolution_id: String,
    /// Its guilty code, as [`Resolution::units`].
    pub units: Vec<String>,
}

/// What memory knows of the commits of a range as causes.
#[derive(Debug, Clone, Default)]
pub(super) struct KnownCauses {
    trusted: Vec<Resolution>,
    rejected: Vec<RejectedCause>,
    /// What was told and run of earlier incidents, by their id.
    told: HashMap<String, String>,
}

impl KnownCauses {
    pub(super) async fn load(ctx: &ToolContext) -> Result<Self, ToolError> {
        let Some(store) = &ctx.workbench.memory else { return Ok(Self::default()) };
        let unreadable = |error| ToolError::unavailable("memory cannot be read").with_detail(error);
        let (repository, incident) = (&ctx.workbench.repository, &ctx.workbench.incident);
        let trusted = store.trusted_resolutions(repository, incident).await.map_err(unreadable)?;
        let newest: Vec<&str> =
            trusted.iter().rev().take(READ).map(|known| known.incident_id.as_str()).collect();
        let incidents = store.get_incidents(&newest).await.map_err(unreadable)?;
        let told = trusted.iter().filter_map(|known| {
            let ticket = &incidents.get(&known.incident_id)?.ticket;
            let command = known.replay.as_ref().and_then(|replay| replay["command"].as_str()).unwrap_or("");
            Some((known.incident_id.clone(), format!("{}\n{command}\n{}", ticket.title, ticket.text)))
        });
        let told = told.collect();
        let rejected = RejectedCause::load_all(ctx).await?;
        ctx.blocking(move |ctx| Ok(Self { trusted: with_full_ids(ctx, trusted), rejected, told })).await
    }

    /// What a ranking learns from.
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
    pub(super) fn incidents_of(&self, culprit: &str) -> Vec<EarlierIncident> {
        let of = self.trusted.iter().rev().filter(|known| known.culprit.as_deref() == Some(culprit));
        of.map(EarlierIncident::of).collect()
    }

    pub(super) fn rejected(&self) -> &[RejectedCause] {
        &self.rejected
    }

    /// The rejection of this commit as the cause of an earlier incident.
    pub(super) fn rejection_of(&self, culprit: &str) -> Option<&RejectedCause> {
        self.rejected.iter().find(|rejected| rejected.culprit.as_deref() == Some(culprit))
    }

    /// Earlier incidents to try before a bisect, as long as what their culprits brought in was not mended: those first whose
    /// culprits the ranking suspects and that are alike in words. `prior` is the ranking's, of the whole range; `shown` is
    /// what is told and shown of this failure.
    pub(super) fn to_try_first(
        &self,
        ctx: &ToolContext,
        prior: &[(&str, f64)],
        shown: &str,
    ) -> Vec<EarlierIncident> {
        let prior: HashMap<&str, f64> = prior.iter().copied().collect();
        let mut known: Vec<&Resolution> = Vec::new();
        for resolution in self.trusted.iter().rev() {
            let Some(culprit) = resolution.culprit.as_deref() else { continue };
            let is_listed = known.iter().any(|other| other.culprit == resolution.culprit);
            if prior.contains_key(culprit) && !is_listed {
                known.push(resolution);
            }
        }
        let suspicion: Vec<f64> = known
            .iter()
            .map(|known| known.culprit.as_deref().and_then(|culprit| prior.get(culprit)).copied())
            .map(Option::unwrap_or_default)
            .collect();
        // All that was told of a culprit so far.
        let told: Vec<String> = known
            .iter()
            .map(|known| {
                let of = self.trusted.iter().filter(|other| other.culprit == known.culprit);
                of.filter_map(|other| self.told.get(&other.incident_id)).map(String::as_str).collect()
            })
            .collect();
        let fused: Vec<f64> = reciprocal_ranks(&suspicion)
            .into_iter()
            .zip(reciprocal_ranks(&likeness(shown, &told)))
            .map(|(suspected, alike)| suspected + alike)
            .collect();
        let mut order: Vec<(f64, &Resolution)> = fused.into_iter().zip(known).collect();
        order.sort_by(|a, b| b.0.total_cmp(&a.0));
        let stand = order.into_iter().take(LOOKED_UP).filter(|(_, resolution)| still_stands(ctx, resolution));
        stand.take(TRIED_FIRST).map(|(_, resolution)| EarlierIncident::of(resolution)).collect()
    }
}

/// The reciprocal of each value's rank (Cormack, Clarke and Büttcher 2009), by which two orders are fused.
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

/// A person may have named a culprit by a part of its id.
fn with_full_ids(ctx: &ToolContext, mut known: Vec<Resolution>) -> Vec<Resolution> {
    const WHOLE_ID: usize = 40;
    for resolution in &mut known {
        let short = resolution.culprit.as_deref().filter(|culprit| culprit.len() < WHOLE_ID);
        if let Some(full) = short.and_then(|culprit| ctx.visible(Some(culprit)).ok()) {
            resolution.culprit = Some(full);
        }
    }
    known
}

/// Whether the fault may still be in the failing revision: its fix would still change something there, or its guilty code
/// is what it was. What cannot be looked up does not stand.
fn still_stands(ctx: &ToolContext, known: &Resolution) -> bool {
    if !known.fix_diff.is_empty() {
        return matches!(fixes::known(&ctx.repo, &known.fix_diff, &ctx.bad), Ok(Ok(_)));
    }
    if known.units.is_empty() {
        return false;
    }
    known.units.iter().any(|unit| {
        let (path, symbol) =
            unit.split_once("::").map_or((unit.as_str(), None), |(path, name)| (path, Some(name)));
        let text = |revision: &str| unit_text(ctx, revision, path, symbol).map(|(_, text)| text);
        text(&known.failing_revision).is_some_and(|then| text(&ctx.bad).as_ref() == Some(&then))
    })
}
