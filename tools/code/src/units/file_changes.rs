/*!
The units that differ between two versions of a file. Units with the same key are the same unit; those that only one
version has are returned with a sketch of their text, so that a unit that moved between files can be found later,
when the versions are no longer in memory.
*/

use std::collections::{HashMap, HashSet};

use millwright_git::history::{hash_token_bytes, words};

use super::outline::CodeUnit;
use super::parts::{ChangedParts, PartHashes, changed_parts};
use super::versions::FileVersion;
use crate::languages::SymbolKind;
use millwright_model::LineSpan;

/// Words of a unit that are compared; the rest of a longer one is not.
const MAX_WORDS: usize = 3_000;

/// What one commit did to the units of one file.
#[derive(Debug, Default)]
pub(crate) struct FileChanges {
    pub(crate) modified: Vec<ModifiedUnit>,
    pub(crate) removed: Vec<UnitSketch>,
    pub(crate) added: Vec<UnitSketch>,
    pub(crate) namespace_changed: bool,
}

/// What was read of one file of a commit.
pub(super) struct ReadFile {
    pub(super) changes: FileChanges,
    /// Whether a version could not be read.
    pub(super) unread: bool,
}

/// A unit that is in both versions and differs.
#[derive(Debug)]
pub(crate) struct ModifiedUnit {
    /// Empty for the file.
    pub(crate) key: String,
    pub(crate) kind: Option<SymbolKind>,
    pub(crate) before: LineSpan,
    pub(crate) after: LineSpan,
    pub(crate) parts: ChangedParts,
    /// Words that only the version before has, and that only the one after has.
    pub(crate) lost: Vec<u32>,
    pub(crate) gained: Vec<u32>,
}

/// Enough of a unit to recognise it elsewhere.
#[derive(Debug, Clone)]
pub(crate) struct UnitSketch {
    pub(crate) key: String,
    /// Last part of the qualified name.
    pub(crate) simple: String,
    /// Qualified name of what is around it.
    pub(crate) container: String,
    pub(crate) kind: SymbolKind,
    pub(crate) is_type: bool,
    pub(crate) lines: LineSpan,
    /// Hashes of the words of its text, ascending, with repetitions. Of a type: also the names of its members.
    pub(crate) words: Vec<u32>,
    pub(crate) parts: PartHashes,
}

impl FileChanges {
    /// What is in both: a merge changed a unit when the unit differs from all parents. Which of the two is `self` makes no
    /// difference, but that units which differ from both are described as they differ from `self`.
    pub(crate) fn of_both(self, other: Self) -> Self {
        let keys =
            |units: &[UnitSketch]| -> HashSet<String> { units.iter().map(|unit| unit.key.clone()).collect() };
        let (added_here, added_there, gone) = (keys(&self.added), keys(&other.added), keys(&other.removed));
        let modified_there: HashSet<String> = other.modified.iter().map(|unit| unit.key.clone()).collect();
        let removed = self.removed.into_iter().filter(|unit| gone.contains(&unit.key)).collect();
        let added = self.added.into_iter().filter(|unit| added_there.contains(&unit.key)).collect();
        // What one parent lacks is modified when it differs from the one that has it.
        let differs =
            |unit: &ModifiedUnit| modified_there.contains(&unit.key) || added_there.contains(&unit.key);
        let from_here = self.modified.into_iter().filter(differs);
        let from_there = other.modified.into_iter().filter(|unit| added_here.contains(&unit.key));
        Self {
            modified: from_here.chain(from_there).collect(),
            removed,
            added,
            namespace_changed: self.namespace_changed && other.namespace_changed,
        }
    }
}

pub(crate) fn file_changes(old: Option<&FileVersion>, new: Option<&FileVersion>) -> FileChanges {
    let mut changes = FileChanges::default();
    let old_units = old.map_or(&[][..], |version| &version.outline.units);
    let new_units = new.map_or(&[][..], |version| &version.outline.units);
    let by_key: HashMap<&str, usize> =
        old_units.iter().enumerate().map(|(at, unit)| (unit.key.as_str(), at)).collect();
    let mut kept = vec![false; old_units.len()];
    for (at, unit) in new_units.iter().enumerate() {
        let same = by_key.get(unit.key.as_str()).copied();
        let (Some(new), Some(before), Some(old)) = (new, same, old) else {
            changes.added.extend(new.map(|new| UnitSketch::new(new, at, unit)));
            continue;
        };
        let Some(earlier) = old_units.get(before) else { continue };
        if let Some(kept) = kept.get_mut(before) {
            *kept = true;
        }
        let parts = changed_parts((old, Some(before)), (new, Some(at)));
        if !parts.is_empty() {
            let (lost, gained) = match parts.has(ChangedParts::BODY) && !unit.is_type() {
                true => difference(&words_of(old, Some(before)), &words_of(new, Some(at))),
                false => Default::default(),
            };
            changes.modified.push(ModifiedUnit {
                key: unit.key.clone(),
                kind: Some(unit.kind),
                before: earlier.lines(),
                after: unit.lines(),
                parts,
                lost,
                gained,
            });
        }
    }
    for (at, unit) in old_units.iter().enumerate() {
        if !kept.get(at).copied().unwrap_or(false) {
            changes.removed.extend(old.map(|old| UnitSketch::new(old, at, unit)));
        }
    }
    if let (Some(old), Some(new)) = (old, new) {
        changes.namespace_changed = old.outline.namespace != new.outline.namespace;
        let parts = changed_parts((old, None), (new, None));
        if !parts.is_empty() {
            changes.modified.push(ModifiedUnit {
                key: String::new(),
                kind: None,
                before: whole(&old.text),
                after: whole(&new.text),
                parts,
                lost: Vec::new(),
                gained: Vec::new(),
            });
        }
    }
    changes
}

/// The file as a version of the unit that it is itself.
pub(super) fn whole(text: &str) -> LineSpan {
    let lines = millwright_git::line_count(text.as_bytes());
    LineSpan { start: 1, end: u32::try_from(lines).unwrap_or(u32::MAX).max(1) }
}

impl UnitSketch {
    fn new(version: &FileVersion, at: usize, unit: &CodeUnit) -> Self {
        let (container, simple) = unit.name().rsplit_once('.').unwrap_or(("", unit.name()));
        let mut words = words_of(version, Some(at));
        if unit.is_type() {
            // A type is recognised by its members, too, which are no part of its own text.
            let members = version.outline.units.iter().filter(|member| member.parent == Some(at));
            let names = members.filter_map(|member| member.name().rsplit('.').next());
            words.extend(names.flat_map(|name| [hash_token_bytes(name.as_bytes()); 3]));
            words.sort_unstable();
        }
        Self {
            key: unit.key.clone(),
            simple: simple.to_owned(),
            container: container.to_owned(),
            kind: unit.kind,
            is_type: unit.is_type(),
            lines: unit.lines(),
            words,
            parts: PartHashes::of((version, Some(at))),
        }
    }
}

/// Hashes of the words of a unit's own text and of its punctuation, ascending.
fn words_of(version: &FileVersion, unit: Option<usize>) -> Vec<u32> {
    let mut found = Vec::new();
    for range in version.outline.own(unit, version.text.len()) {
        let text = version.text.as_bytes().get(range).unwrap_or_default();
        found.extend(words(text).take(MAX_WORDS.saturating_sub(found.len())).map(hash_token_bytes));
        // Operators tell apart what has the same names.
        let marks = text.iter().filter(|byte| b"+-*/%<>=!&|?".contains(byte));
        found.extend(marks.take(MAX_WORDS.saturating_sub(found.len())).map(|mark| u32::from(*mark)));
    }
    found.sort_unstable();
    found
}

/// What only the first and what only the second of two ascending lists has.
fn difference(a: &[u32], b: &[u32]) -> (Vec<u32>, Vec<u32>) {
    let (mut only_a, mut only_b) = (Vec::new(), Vec::new());
    let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
    loop {
        match (a.peek(), b.peek()) {
            (Some(x), Some(y)) if x == y => {
                a.next();
                b.next();
            }
            (Some(x), Some(y)) if x < y => only_a.extend(a.next()),
            (Some(_), None) => only_a.extend(a.next()),
            (_, Some(_)) => only_b.extend(b.next()),
            (None, None) => return (only_a, only_b),
        }
    }
}
