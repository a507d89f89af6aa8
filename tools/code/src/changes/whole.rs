/*!
Candidate sets for reverting guilty lines. The lines alone are seldom a fix, so they are extended to complete
statements, then to the enclosing block, unit and file, together with the names they need.
*/

use super::file::{ChangeLevel, PieceSet, SyntaxChange};
use super::needed::names_within;
use crate::check::FileVersion;
use crate::pieces::{LineHunk, contiguous};

/// Each round follows names one step further, or adds the neighbours.
const MAX_ROUNDS: usize = 8;

/// Pieces that make sense together, as ascending indices into the given hunks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeSet {
    pub level: ChangeLevel,
    pub pieces: Vec<usize>,
}

/// Nested sets around the guilty pieces, smallest first; each is a complete change of syntax. The last one is the
/// complete file. Guilty numbers without a hunk are ignored; without any guilty piece there is no set.
pub fn whole_changes(
    path: &str,
    old_text: &str,
    new_text: &str,
    hunks: &[LineHunk],
    guilty: &[usize],
) -> Vec<ChangeSet> {
    let guilty: PieceSet = guilty.iter().copied().filter(|index| *index < hunks.len()).collect();
    if guilty.is_empty() {
        return Vec::new();
    }
    let mut sets = match SyntaxChange::parse(path, old_text, new_text, hunks) {
        Some(change) => by_syntax(&change, &guilty),
        None => {
            let groups = contiguous(hunks).into_iter();
            let hunk = groups.filter(|group| group.iter().any(|index| guilty.contains(index))).flatten();
            vec![(ChangeLevel::Block, hunk.collect())]
        }
    };
    sets.push((ChangeLevel::File, (0..hunks.len()).collect()));
    sets.sort_by_key(|(level, pieces)| (pieces.len(), *level));
    sets.dedup_by(|next, kept| next.1 == kept.1);
    sets.into_iter()
        .map(|(level, pieces)| ChangeSet { level, pieces: pieces.into_iter().collect() })
        .collect()
}

fn by_syntax(change: &SyntaxChange<'_>, guilty: &PieceSet) -> Vec<(ChangeLevel, PieceSet)> {
    let mut sets: Vec<(ChangeLevel, PieceSet)> = Vec::new();
    let mut reached = guilty.clone();
    let levels = [
        ChangeLevel::Line,
        ChangeLevel::Statement,
        ChangeLevel::Block,
        ChangeLevel::Unit,
        ChangeLevel::TopLevel,
    ];
    for level in levels {
        let wide = change.widen(&reached, level);
        let is_known = sets.last().is_some_and(|(_, last)| *last == wide);
        if (is_known && level != ChangeLevel::Statement) || wide.len() == change.pieces.len() {
            continue;
        }
        let Some(wide) = sound(change, wide, level) else { continue };
        if wide.len() == change.pieces.len() {
            continue;
        }
        match sets.last_mut() {
            // The lines already are complete statements.
            Some((known, last)) if *last == wide => *known = level,
            _ => {
                reached.extend(wide.iter().copied());
                sets.push((level, wide));
            }
        }
    }
    sets
}

/// The set with the names it needs. If that is not sound, with its neighbours as well; `None` if that is not sound
/// either.
fn sound(change: &SyntaxChange<'_>, mut set: PieceSet, level: ChangeLevel) -> Option<PieceSet> {
    let mut has_neighbours = false;
    for _ in 0..MAX_ROUNDS {
        if set.len() == change.pieces.len() {
            return Some(set);
        }
        let text = change.without(&set);
        let version = FileVersion::read_after(&text, &change.new)?;
        let wanted = match level {
            ChangeLevel::Line => PieceSet::new(),
            _ => names_within(change, &set, &version),
        };
        let mut wider = &set | &change.complete(&wanted, ChangeLevel::Statement);
        if wider == set {
            if change.is_sound(&set, &version) {
                return Some(set);
            }
            if has_neighbours {
                return None;
            }
            has_neighbours = true;
            wider = change.complete(&change.with_neighbours(&set), level.max(ChangeLevel::Statement));
            if wider == set {
                return None;
            }
        }
        set = wider;
    }
    None
}

#[cfg(test)]
#[path = "whole_tests.rs"]
mod tests;
