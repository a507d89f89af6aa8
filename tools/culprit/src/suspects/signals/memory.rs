/*!
Signals from memory: commits that trusted resolutions named as culprits before, and the code units that they were
traced to. A commit that broke one thing often broke two; a unit that was the cause several times is fragile.

Both are only hints. One precedent weighs little, because it may be wrong; several that agree weigh more than their
sum, because they are unlikely to have the same error. Both are bounded, so that memory never outweighs a clear
ticket. A precedent ages by the time between the revision at which it was learned and the failing revision. Units that
no longer exist do not count.
*/

use std::collections::{HashMap, HashSet};

use millwright_git::history::names;
use millwright_model::{CommitId, Precedent};

use super::super::context::SignalContext;
use super::SignalColumn;

/// Seconds after which a precedent has half of its weight.
const HALF_LIFE: f64 = 365.0 * 86_400.0;

/// Share of the maximum weight of memory that one fresh precedent has; it determines how the share grows with further
/// ones. Chosen on the development cases in time order, as the smallest value that helps: a false conviction of the
/// strongest wrong commit, planted before every fourth case, reversed none of them.
const ONE_PRECEDENT: f64 = 0.15;
const AGREEMENT: f64 = 1.5;

/// A file alone is a weaker hint than the function in it.
const FILE_ALONE: f64 = 1.0 / 3.0;

pub(super) fn columns<'c>(context: &'c SignalContext<'_>) -> Vec<SignalColumn<'c>> {
    if context.request.precedents.is_empty() {
        return Vec::new();
    }
    vec![convicted(context), fragile(context)]
}

fn convicted<'c>(context: &'c SignalContext<'_>) -> SignalColumn<'c> {
    let mut known: HashMap<String, f64> = HashMap::new();
    for precedent in context.request.precedents {
        if let Some(culprit) = &precedent.culprit {
            *known.entry(culprit.to_lowercase()).or_default() += freshness(context, precedent);
        }
    }
    let value = |at| known.get(context.commit(at).id().as_str()).map_or(0.0, |times| belief(*times));
    let values = (0..context.candidates.len()).map(value).collect();
    SignalColumn::plain("memory_commit", values, |_| "was found guilty of an earlier incident".into())
}

fn fragile<'c>(context: &'c SignalContext<'_>) -> SignalColumn<'c> {
    let there: HashSet<&str> = context.tree.paths().collect();
    // For each path: the bare names of the guilty definitions (empty for the file itself) and how fragile each is.
    let mut units: HashMap<&str, HashMap<&str, f64>> = HashMap::new();
    for precedent in context.request.precedents {
        let fresh = freshness(context, precedent);
        let named: HashSet<(&str, &str)> = precedent.units.iter().map(|unit| split(unit)).collect();
        for (path, name) in named.into_iter().filter(|(path, _)| there.contains(path)) {
            *units.entry(path).or_default().entry(name).or_default() += fresh;
        }
    }
    let values = context.candidates.list.iter().map(|candidate| {
        let of_file = candidate.files.iter().filter_map(|file| {
            let guilty = units.get(file.path.as_str())?;
            let headers = file.headers.iter().filter_map(|header| names::name_of_header(header));
            let touched: HashSet<&str> = headers.chain(file.defines.iter().map(String::as_str)).collect();
            let value = |(name, times): (&&str, &f64)| {
                let whole = belief(*times);
                if touched.contains(*name) { whole } else { whole * FILE_ALONE }
            };
            Some(guilty.iter().map(value).fold(0.0, f64::max))
        });
        // Divide by the number of files: a mass edit touches every fragile one.
        let files = candidate.source_files().count().max(1) as f64;
        of_file.fold(0.0, f64::max) / files.sqrt()
    });
    SignalColumn::plain("memory_unit", values.collect(), |_| {
        "changes code that earlier incidents were traced to".into()
    })
}

/// The weight of memory, from 0 to 1, for the equivalent of `times` fresh precedents.
fn belief(times: f64) -> f64 {
    (ONE_PRECEDENT * times.powf(AGREEMENT)).min(1.0)
}

/// Path and bare name of `path::Qualified.name`.
fn split(unit: &str) -> (&str, &str) {
    let (path, symbol) = unit.split_once("::").unwrap_or((unit, ""));
    (path, symbol.rsplit('.').next().unwrap_or(""))
}

/// 1 for a precedent learned at the failing revision or after it, less with age; a quarter when its age is unknown.
fn freshness(context: &SignalContext<'_>, precedent: &Precedent) -> f64 {
    let structure = &context.history.structure;
    let time = |revision: &str| {
        CommitId::parse(revision)
            .ok()
            .and_then(|id| structure.position(&id))
            .map(|at| structure.commit(at).time)
    };
    match (time(&precedent.failing_revision), time(context.request.bad)) {
        (Some(then), Some(now)) => 0.5f64.powf(((now - then).max(0) as f64) / HALF_LIFE),
        _ => 0.25,
    }
}
