/*!
What memory knows: commits that trusted resolutions convicted before, and the code units they were traced to. A
commit that broke one thing often broke two; a unit that was the cause again and again is fragile.

Both are hints of where to look, bounded so that no memory, however wrong, outweighs a ticket that speaks clearly.
Knowledge ages in the code's own time: from the revision at which it was gained to the one that fails now. Units
that are no longer there count nothing.
*/

use std::collections::{HashMap, HashSet};

use millwright_memory::types::Precedent;

use super::super::context::Context;
use super::Column;
use crate::history::{names, parse_id};

/// Seconds in which what was learned loses half of its weight.
const HALF_LIFE: f64 = 365.0 * 86_400.0;

/// How much of the doubt about a unit one precedent takes away; each further one takes as much of what is left.
const ONE_PRECEDENT: f64 = 0.5;

/// A file alone is a weaker hint than the function in it.
const FILE_ALONE: f64 = 1.0 / 3.0;

pub(super) fn columns<'c>(context: &'c Context<'_>) -> Vec<Column<'c>> {
    if context.request.precedents.is_empty() {
        return Vec::new();
    }
    vec![convicted(context), fragile(context)]
}

fn convicted<'c>(context: &'c Context<'_>) -> Column<'c> {
    let mut known: HashMap<String, f64> = HashMap::new();
    for precedent in context.request.precedents {
        if let Some(culprit) = &precedent.culprit {
            strengthen(known.entry(culprit.to_lowercase()).or_default(), freshness(context, precedent));
        }
    }
    let value = |at| known.get(&context.commit(at).hex()).copied().unwrap_or(0.0);
    let values = (0..context.candidates.len()).map(value).collect();
    Column::plain("memory_commit", values, |_| "was found guilty of an earlier incident".into())
}

fn fragile<'c>(context: &'c Context<'_>) -> Column<'c> {
    let there: HashSet<&str> = context.tree.paths().collect();
    // By path, the bare names of the guilty definitions (empty for the file itself) and how fragile each is.
    let mut units: HashMap<&str, HashMap<&str, f64>> = HashMap::new();
    for precedent in context.request.precedents {
        let fresh = freshness(context, precedent);
        let named: HashSet<(&str, &str)> = precedent.units.iter().map(|unit| split(unit)).collect();
        for (path, name) in named.into_iter().filter(|(path, _)| there.contains(path)) {
            strengthen(units.entry(path).or_default().entry(name).or_default(), fresh);
        }
    }
    let values = context.candidates.list.iter().map(|candidate| {
        let of_file = candidate.files.iter().filter_map(|file| {
            let guilty = units.get(file.path.as_str())?;
            let headers = file.headers.iter().filter_map(|header| names::name_of_header(header));
            let touched: HashSet<&str> = headers.chain(file.defines.iter().map(String::as_str)).collect();
            let value = |(name, value): (&&str, &f64)| {
                if touched.contains(*name) { *value } else { *value * FILE_ALONE }
            };
            Some(guilty.iter().map(value).fold(0.0, f64::max))
        });
        // A sweep over many files touches every fragile one.
        let files = candidate.source_files().count().max(1) as f64;
        of_file.fold(0.0, f64::max) / files.sqrt()
    });
    Column::plain("memory_unit", values.collect(), |_| {
        "changes code that earlier incidents were traced to".into()
    })
}

fn strengthen(value: &mut f64, fresh: f64) {
    *value += (1.0 - *value) * ONE_PRECEDENT * fresh;
}

/// Path and bare name of `path::Qualified.name`.
fn split(unit: &str) -> (&str, &str) {
    let (path, symbol) = unit.split_once("::").unwrap_or((unit, ""));
    (path, symbol.rsplit('.').next().unwrap_or(""))
}

/// 1 for what was learned at the failing revision or after it, less with age; a quarter when its age is unknown.
fn freshness(context: &Context<'_>, precedent: &Precedent) -> f64 {
    let structure = &context.history.structure;
    let time = |revision: &str| {
        parse_id(revision).and_then(|id| structure.position(&id)).map(|at| structure.commit(at).time)
    };
    match (time(&precedent.failing_revision), time(context.request.bad)) {
        (Some(then), Some(now)) => 0.5f64.powf(((now - then).max(0) as f64) / HALF_LIFE),
        _ => 0.25,
    }
}
