/*!
The record of one commit, from what it did to the units of each file: which added unit continues a removed one, and which
was split off from a unit that lives on, or merged into one.
*/

use std::cell::OnceCell;
use std::collections::HashMap;

use millwright_git::history::hash_token_bytes;
use millwright_git::{TreeChange, TreeChanges};

use super::file_changes::{FileChanges, ModifiedUnit, ReadFile, UnitSketch};
use super::pairing::{UnitPair, UnpairedUnit, contained, pair_units};
use super::parts::ChangedParts;
use super::record::{CommitUnits, FileUnits, OriginKind, UnitChange, UnitOrigin};

/// Changed units kept per commit; more are an import or a reformatting of everything.
const MAX_CHANGES: usize = 50_000;

/// A unit that was split off has this share of its words from the unit that it was part of; the rest is its head, and
/// what it returns.
const SPLIT_SHARE: f32 = 0.65;
/// Shorter units have too few words to be recognised as a part.
const MIN_SPLIT_WORDS: usize = 15;
/// With more pairs of an added or removed unit and a changed one, only those of one file are compared.
const MAX_SPLIT_PAIRS: usize = 1_000_000;

/// The record of `tree`, whose files are given in order with their numbers in it.
pub(super) fn commit_units(tree: &TreeChanges, files: Vec<(usize, ReadFile)>) -> CommitUnits {
    let is_merge = tree.files.iter().any(|file| file.before.len() > 1);
    let unpaired = |of: fn(&FileChanges) -> &Vec<UnitSketch>| -> Vec<UnpairedUnit<'_>> {
        let sketches = files.iter().flat_map(|(number, file)| {
            of(&file.changes).iter().map(|unit| UnpairedUnit { file: *number, unit })
        });
        sketches.collect()
    };
    let (removed, added) = (unpaired(|changes| &changes.removed), unpaired(|changes| &changes.added));
    let modified = ModifiedUnits::of(&files);
    let pairs = match is_merge {
        true => Vec::new(),
        false => pair_units(&removed, &added, |before, after| modified.use_instead(before, after)),
    };
    let mut pair_of_added: Vec<Option<&UnitPair>> = vec![None; added.len()];
    let mut is_continued = vec![false; removed.len()];
    for pair in &pairs {
        if let (Some(slot), Some(continued)) =
            (pair_of_added.get_mut(pair.added), is_continued.get_mut(pair.removed))
        {
            (*slot, *continued) = (Some(pair), true);
        }
    }
    // Both lists have the order of the files.
    let mut added_left = added.iter().zip(&pair_of_added).peekable();
    let mut removed_left = removed.iter().zip(&is_continued).peekable();
    let mut record = CommitUnits { files: Vec::new(), truncated: tree.truncated };
    let mut room = MAX_CHANGES;
    for (number, file) in &files {
        let Some(change) = tree.files.get(*number) else { continue };
        let mut units: Vec<UnitChange> = file.changes.modified.iter().map(modified_change).collect();
        while let Some((unit, pair)) = added_left.next_if(|(unit, _)| unit.file <= *number) {
            let from = pair.and_then(|pair| removed.get(pair.removed).map(|from| (from, pair.similarity)));
            units.push(match from {
                Some((from, similarity)) => continued_change(from, unit, similarity, tree),
                None => UnitChange {
                    origin: (!is_merge).then(|| modified.split_from(unit, added.len(), tree)).flatten(),
                    ..new_change(unit.unit)
                },
            });
        }
        while let Some((unit, continued)) = removed_left.next_if(|(unit, _)| unit.file <= *number) {
            if !continued {
                let merged_into = modified.merged_into(unit, removed.len(), tree);
                units.push(UnitChange {
                    before: Some(unit.unit.lines),
                    after: None,
                    merged_into,
                    ..new_change(unit.unit)
                });
            }
        }
        record.truncated |= units.len() > room;
        units.truncate(room);
        room -= units.len();
        record.files.push(FileUnits {
            path: change.path.clone(),
            old_path: change.old_path.clone(),
            namespace_changed: file.changes.namespace_changed,
            is_new: change.before.iter().all(Option::is_none),
            is_deleted: change.after.is_none(),
            changes: units,
            unread: file.unread,
        });
    }
    record
}

fn modified_change(unit: &ModifiedUnit) -> UnitChange {
    UnitChange {
        unit: unit.key.clone(),
        kind: unit.kind,
        before: Some(unit.before),
        after: Some(unit.after),
        parts: unit.parts,
        origin: None,
        merged_into: None,
    }
}

fn new_change(unit: &UnitSketch) -> UnitChange {
    UnitChange {
        unit: unit.key.clone(),
        kind: Some(unit.kind),
        before: None,
        after: Some(unit.lines),
        parts: ChangedParts::NONE,
        origin: None,
        merged_into: None,
    }
}

fn continued_change(
    from: &UnpairedUnit<'_>,
    to: &UnpairedUnit<'_>,
    similarity: f32,
    tree: &TreeChanges,
) -> UnitChange {
    let origin = UnitOrigin {
        path: path_before(tree, from.file),
        unit: from.unit.key.clone(),
        kind: OriginKind::Continues,
        similarity: percent(similarity),
    };
    UnitChange {
        before: Some(from.unit.lines),
        parts: from.unit.parts.differing(&to.unit.parts),
        origin: Some(origin),
        ..new_change(to.unit)
    }
}

fn path_before(tree: &TreeChanges, file: usize) -> String {
    let path = |file: &TreeChange| file.old_path.as_ref().unwrap_or(&file.path).clone();
    tree.files.get(file).map(path).unwrap_or_default()
}

/// The units of a commit that are there before and after it, with the number of their file.
struct ModifiedUnits<'f> {
    units: Vec<(usize, &'f ModifiedUnit)>,
    /// By a word: the units that lost it. Made when it is first asked for.
    by_lost_word: OnceCell<HashMap<u32, Vec<usize>>>,
}

impl<'f> ModifiedUnits<'f> {
    fn of(files: &'f [(usize, ReadFile)]) -> Self {
        let units = files
            .iter()
            .flat_map(|(number, file)| file.changes.modified.iter().map(move |unit| (*number, unit)));
        Self { units: units.collect(), by_lost_word: OnceCell::new() }
    }

    /// Whether a unit that used the first name uses the second one since.
    fn use_instead(&self, before: &str, after: &str) -> bool {
        let [before, after] = [before, after].map(|name| hash_token_bytes(name.as_bytes()));
        let by_word = self.by_lost_word.get_or_init(|| {
            let mut by_word: HashMap<u32, Vec<usize>> = HashMap::new();
            for (at, (_, unit)) in self.units.iter().enumerate() {
                for word in &unit.lost {
                    by_word.entry(*word).or_default().push(at);
                }
            }
            by_word
        });
        let mut lost_it = by_word.get(&before).into_iter().flatten().filter_map(|at| self.units.get(*at));
        lost_it.any(|(_, unit)| unit.gained.binary_search(&after).is_ok())
    }

    /// The modified unit that lost the text of an added one; `all` is how many were added.
    fn split_from(&self, added: &UnpairedUnit<'_>, all: usize, tree: &TreeChanges) -> Option<UnitOrigin> {
        let (file, unit, share) = self.exchanged_with(added, all, |unit| &unit.lost)?;
        let (path, kind) = (path_before(tree, file), OriginKind::SplitFrom);
        Some(UnitOrigin { path, unit: unit.key.clone(), kind, similarity: percent(share) })
    }

    /// The modified unit that took over the text of a removed one; `all` is how many were removed.
    fn merged_into(
        &self,
        removed: &UnpairedUnit<'_>,
        all: usize,
        tree: &TreeChanges,
    ) -> Option<(String, String)> {
        let (file, unit, _) = self.exchanged_with(removed, all, |unit| &unit.gained)?;
        Some((tree.files.get(file)?.path.clone(), unit.key.clone()))
    }

    /// The unit whose exchanged words have the most of those of `unit`, with its file and that share.
    fn exchanged_with(
        &self,
        unpaired: &UnpairedUnit<'_>,
        all: usize,
        words: fn(&ModifiedUnit) -> &Vec<u32>,
    ) -> Option<(usize, &'f ModifiedUnit, f32)> {
        if unpaired.unit.is_type || unpaired.unit.words.len() < MIN_SPLIT_WORDS {
            return None;
        }
        // They have the order of the files.
        let begin = self.units.partition_point(|(file, _)| *file < unpaired.file);
        let end = self.units.partition_point(|(file, _)| *file <= unpaired.file);
        let is_too_much = |units: &[_]| units.len().saturating_mul(all) > MAX_SPLIT_PAIRS;
        let near = match is_too_much(&self.units) {
            true => self.units.get(begin..end).unwrap_or_default(),
            false => &self.units[..],
        };
        if is_too_much(near) {
            return None;
        }
        let near = near.iter().filter(|(_, unit)| words(unit).len() >= MIN_SPLIT_WORDS);
        let shares = near.map(|(file, unit)| (contained(&unpaired.unit.words, words(unit)), *file, *unit));
        // Of equal ones, the one in the same file.
        let best = shares
            .max_by(|a, b| a.0.total_cmp(&b.0).then((a.1 == unpaired.file).cmp(&(b.1 == unpaired.file))))?;
        (best.0 >= SPLIT_SHARE).then_some((best.1, best.2, best.0))
    }
}

fn percent(share: f32) -> u8 {
    (share * 100.0).round().clamp(0.0, 100.0) as u8
}
