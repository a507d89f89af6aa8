/*!
Which unit that a commit added continues one that it removed. In this order: the file was renamed and the name is the
same; the name and what is around it are the same (other parameters); the text is similar, less so where code that
called the one calls the other since. Types come first, because a type that was renamed takes its members along. The
best pair is taken first, and every unit once.

The bounds were set on the training half of a public oracle of method histories (CodeShovel's, as corrected by
CodeTracker); the higher ones ask for more evidence where a name says less.
*/

use std::collections::{BTreeSet, HashMap};

use super::file_changes::UnitSketch;

/// More pairs than this are not compared: only those with the same name or in the same file are.
const MAX_PAIRS: usize = 400_000;
/// Units of the same name, and units of the same file, that one unit is compared with when there are too many.
const MAX_NEAR: usize = 200;

/// A removed or an added unit, and the number of its file in the commit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UnpairedUnit<'s> {
    pub(crate) file: usize,
    pub(crate) unit: &'s UnitSketch,
}

/// Two units that are one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct UnitPair {
    pub(crate) removed: usize,
    pub(crate) added: usize,
    /// Share of the words that both have, from 0 to 1.
    pub(crate) similarity: f32,
}

/// The pairs, in no particular order; indexes into the two lists. `is_called_instead` says whether code that used the
/// first name uses the second one since.
pub(crate) fn pair_units(
    removed: &[UnpairedUnit<'_>],
    added: &[UnpairedUnit<'_>],
    is_called_instead: impl Fn(&str, &str) -> bool,
) -> Vec<UnitPair> {
    let mut pairs: Vec<UnitPair> = Vec::new();
    let mut taken = (vec![false; removed.len()], vec![false; added.len()]);
    // What the types that were paired are called after the change, by file and name before it.
    let mut types: HashMap<(usize, &str), (usize, &str)> = HashMap::new();
    for want_types in [true, false] {
        let of_kind = |loose: &[UnpairedUnit<'_>]| -> Vec<usize> {
            (0..loose.len()).filter(|at| loose[*at].unit.is_type == want_types).collect()
        };
        let (old, new) = (of_kind(removed), of_kind(added));
        let compare_all = old.len().saturating_mul(new.len()) <= MAX_PAIRS;
        let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
        let mut by_file: HashMap<usize, Vec<usize>> = HashMap::new();
        for at in &old {
            by_name.entry(removed[*at].unit.simple.as_str()).or_default().push(*at);
            by_file.entry(removed[*at].file).or_default().push(*at);
        }
        let mut candidates: Vec<(f32, UnitPair)> = Vec::new();
        for new_at in &new {
            let to = added[*new_at];
            let near = [by_name.get(to.unit.simple.as_str()), by_file.get(&to.file)];
            let near = near.into_iter().flatten().flat_map(|list| list.iter().take(MAX_NEAR));
            let others: BTreeSet<usize> = match compare_all {
                true => old.iter().copied().collect(),
                false => near.copied().collect(),
            };
            for old_at in &others {
                let from = removed[*old_at];
                if let Some((score, similarity)) = judge(from, to, &types, &is_called_instead) {
                    candidates.push((score, UnitPair { removed: *old_at, added: *new_at, similarity }));
                }
            }
        }
        // The order of equal scores follows the text, so that it does not depend on how the list was made.
        candidates.sort_by(|(a, x), (b, y)| {
            b.total_cmp(a).then_with(|| (x.added, x.removed).cmp(&(y.added, y.removed)))
        });
        for (_, pair) in candidates {
            if taken.0[pair.removed] || taken.1[pair.added] {
                continue;
            }
            (taken.0[pair.removed], taken.1[pair.added]) = (true, true);
            pairs.push(pair);
            if want_types {
                let (from, to) = (removed[pair.removed], added[pair.added]);
                types.insert((from.file, name(from.unit)), (to.file, name(to.unit)));
            }
        }
    }
    pairs
}

/// The qualified name of a type.
fn name(unit: &UnitSketch) -> &str {
    &unit.key
}

/// How good a pair is, and how similar; `None` when they are not one unit.
fn judge(
    from: UnpairedUnit<'_>,
    to: UnpairedUnit<'_>,
    types: &HashMap<(usize, &str), (usize, &str)>,
    is_called_instead: &impl Fn(&str, &str) -> bool,
) -> Option<(f32, f32)> {
    let same_name = from.unit.simple == to.unit.simple;
    let (long, short) = {
        let (a, b) = (from.unit.words.len(), to.unit.words.len());
        (a.max(b) as f32, a.min(b) as f32)
    };
    // Most pairs cannot be similar enough, which their lengths already say.
    if !same_name && 2.0 * short / (long + short).max(1.0) < 0.5 {
        return None;
    }
    let similarity = dice(&from.unit.words, &to.unit.words);
    let same_file = from.file == to.file;
    let same_container = same_file && from.unit.container == to.unit.container;
    let moved_along = types
        .get(&(from.file, from.unit.container.as_str()))
        .is_some_and(|(file, container)| *file == to.file && *container == to.unit.container);
    let is_here = same_container || moved_along;
    let needed = match (same_name, is_here, same_file) {
        // The type that a file had, and the one that it has: a file is seldom left to another.
        _ if same_container && from.unit.is_type => 0.25,
        (true, true, _) => 0.2,
        (true, false, true) => 0.4,
        (true, false, false) => 0.5,
        (false, true, _) => 0.6,
        (false, false, true) => 0.7,
        (false, false, false) => 0.8,
    };
    let is_called = || {
        let may_be = !same_name && !from.unit.is_type && similarity >= 0.45;
        may_be && is_called_instead(&from.unit.simple, &to.unit.simple)
    };
    let is_short = short < 12.0;
    let is_doubtful = similarity < needed || (is_short && !same_name && (!is_here || similarity < 0.75));
    if is_doubtful && !is_called() {
        return None;
    }
    let bonus = 0.4 * f32::from(u8::from(same_name))
        + 0.2 * f32::from(u8::from(is_here))
        + 0.1 * f32::from(u8::from(same_file))
        + 0.05 * f32::from(u8::from(from.unit.key == to.unit.key));
    Some((similarity + bonus, similarity))
}

/// Twice the common part over the sum of two ascending lists with repetitions (Dice's coefficient).
pub(crate) fn dice(a: &[u32], b: &[u32]) -> f32 {
    if a.is_empty() && b.is_empty() {
        return 1.0;
    }
    2.0 * common(a, b) as f32 / (a.len() + b.len()) as f32
}

/// The share of `part` that `whole` has.
pub(crate) fn contained(part: &[u32], whole: &[u32]) -> f32 {
    if part.is_empty() { 0.0 } else { common(part, whole) as f32 / part.len() as f32 }
}

fn common(a: &[u32], b: &[u32]) -> usize {
    let (mut i, mut j, mut both) = (0, 0, 0);
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        match x.cmp(y) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => (i, j, both) = (i + 1, j + 1, both + 1),
        }
    }
    both
}
