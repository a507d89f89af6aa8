/*!
Delta-debugs the culprit's hunks down to the smallest set that flips the replay.

The question about a set is whether the culprit passes without it: if so, these hunks are the cause, and their inverse
is a candidate fix. (Asking whether the parent fails *with* the set would blame hunks that only support others.) The
search is pure; a closure returns the outcomes. The most suspected hunks are tried first, because one run on the right
hunk beats any halving.
*/

mod ddmin;
mod hunks;

pub use ddmin::{QuestionBudget, minimal};
pub use hunks::{CulpritHunk, HunkKind, hunks_of, split};

/// The result of a minimisation.
#[derive(Debug, Clone, PartialEq)]
pub struct MinimisedHunks {
    /// The smallest set found whose absence makes the culprit pass.
    pub guilty: Vec<CulpritHunk>,
    /// Hunks of the whole commit.
    pub total: usize,
    /// Questions asked.
    pub runs: u32,
    /// Whether no single unit can be removed; false when the budget ended the search.
    pub is_minimal: bool,
}

/// Finds the smallest guilty set among `hunks`, first by hunks, then by lines inside of the remaining ones. `weight`
/// tells how suspected a hunk is; `passes_without` runs the culprit without some hunks. The culprit is known to pass
/// without all of them (the parent is green).
pub fn minimise<E>(
    hunks: Vec<CulpritHunk>,
    weight: impl Fn(&CulpritHunk) -> f64,
    max_runs: u32,
    mut passes_without: impl FnMut(&[CulpritHunk]) -> Result<bool, E>,
) -> Result<MinimisedHunks, E> {
    let total = hunks.len();
    let mut budget = QuestionBudget::new(max_runs);
    let mut guilty = search(hunks, &weight, &mut budget, &mut passes_without)?;
    // Below hunks: split a hunk only where it is certain which lines belong together.
    let pieces: Vec<CulpritHunk> = guilty.iter().flat_map(split).collect();
    // Go line by line only if the budget allows to finish: half a search by lines says less than the whole hunk.
    if pieces.len() > guilty.len() && pieces.len() <= budget.left() as usize {
        guilty = search(pieces, &weight, &mut budget, &mut passes_without)?;
    }
    guilty.sort_by(|a, b| (&a.path, a.new_start).cmp(&(&b.path, b.new_start)));
    Ok(MinimisedHunks { guilty, total, runs: budget.spent(), is_minimal: budget.left() > 0 })
}

fn search<E>(
    mut units: Vec<CulpritHunk>,
    weight: &impl Fn(&CulpritHunk) -> f64,
    budget: &mut QuestionBudget,
    passes_without: &mut impl FnMut(&[CulpritHunk]) -> Result<bool, E>,
) -> Result<Vec<CulpritHunk>, E> {
    units.sort_by(|a, b| weight(b).total_cmp(&weight(a)));
    let weights: Vec<f64> = units.iter().map(weight).collect();
    let kept = minimal(&weights, budget, |chosen| {
        let set: Vec<CulpritHunk> = chosen.iter().filter_map(|at| units.get(*at).cloned()).collect();
        passes_without(&set)
    })?;
    Ok(kept.iter().filter_map(|at| units.get(*at).cloned()).collect())
}

#[cfg(test)]
#[path = "minimise_tests.rs"]
mod tests;
