/*!
Which names a set of pieces needs. Restored code may use names that the culprit removed elsewhere, in the same file
or another one. Code that the culprit added elsewhere may use names that the set removes. And a function whose
parameters change back needs matching calls. All of these pieces are reverted together.
*/

use std::collections::{BTreeSet, HashMap};

use super::file::{ChangeLevel, PieceSet, SyntaxChange};
use crate::check::FileVersion;
use crate::names::{FileNames, NameRole, Occurrence};
use crate::pieces::{ChangeSide, LineHunk};
use crate::syntax::SyntaxTable;

/// One file of the culprit. For a removed or added file, one side is empty and a single hunk covers everything.
#[derive(Debug, Clone, Copy)]
pub struct CulpritFile<'a> {
    pub path: &'a str,
    pub old: &'a str,
    pub new: &'a str,
    pub hunks: &'a [LineHunk],
}

/// A hunk, by the numbers of its file and itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PieceId {
    pub file: usize,
    pub piece: usize,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NameClosure {
    /// Additional pieces to revert, ascending.
    pub extra: Vec<PieceId>,
    /// One sentence for each name that has no definition; empty when the set is complete.
    pub missing: Vec<String>,
}

/// More rounds than a real commit needs: each round follows names one step further.
const MAX_ROUNDS: usize = 12;

/// The pieces of a commit that must be reverted together with `taken`, so that every name has a definition.
pub fn needed_by_names(files: &[CulpritFile<'_>], taken: &[PieceId]) -> NameClosure {
    let changes: Vec<Option<SyntaxChange<'_>>> =
        files.iter().map(|file| SyntaxChange::parse(file.path, file.old, file.new, file.hunks)).collect();
    let mut sets: Vec<PieceSet> = vec![PieceSet::new(); files.len()];
    for id in taken {
        let is_there = files.get(id.file).is_some_and(|file| id.piece < file.hunks.len());
        if let Some(set) = sets.get_mut(id.file).filter(|_| is_there) {
            set.insert(id.piece);
        }
    }
    let paths: Vec<&str> = files.iter().map(|file| file.path).collect();
    let missing =
        close_over_names(&changes.iter().map(Option::as_ref).collect::<Vec<_>>(), &paths, &mut sets);
    let known: BTreeSet<PieceId> = taken.iter().copied().collect();
    let all = sets
        .iter()
        .enumerate()
        .flat_map(|(file, set)| set.iter().map(move |piece| PieceId { file, piece: *piece }));
    NameClosure { extra: all.filter(|id| !known.contains(id)).collect(), missing }
}

/// Adds to `sets` what they need; returns the names that still have no definition.
fn close_over_names(
    changes: &[Option<&SyntaxChange<'_>>],
    paths: &[&str],
    sets: &mut [PieceSet],
) -> Vec<String> {
    let commit = CommitNames::read(changes);
    let mut missing = Vec::new();
    for _ in 0..MAX_ROUNDS {
        let mut wanted: Vec<PieceSet> = vec![PieceSet::new(); sets.len()];
        missing = commit.wants(paths, sets, &mut wanted);
        let mut grew = false;
        for ((change, set), wanted) in changes.iter().zip(sets.iter_mut()).zip(wanted) {
            let fresh: PieceSet = wanted.difference(set).copied().collect();
            if fresh.is_empty() {
                continue;
            }
            grew = true;
            set.extend(
                change.map_or_else(PieceSet::new, |change| change.complete(&fresh, ChangeLevel::Statement)),
            );
        }
        if !grew {
            break;
        }
    }
    missing
}

/// What a set needs within its file.
pub(crate) fn names_within(change: &SyntaxChange<'_>, set: &PieceSet, version: &FileVersion<'_>) -> PieceSet {
    let mut wanted = vec![PieceSet::new()];
    let changes = [Some(change)];
    CommitNames::read(&changes).wants_of(0, set, &version.names, "", &mut wanted);
    wanted.pop().unwrap_or_default()
}

/// Where a definition is: number of the file, line.
type DefinitionSite = (usize, u32);

struct CommitNames<'a, 's> {
    changes: &'a [Option<&'a SyntaxChange<'s>>],
    /// Definitions that the culprit removed from the files it touched, and those that it added.
    removed: HashMap<&'s str, Vec<DefinitionSite>>,
    added: HashMap<&'s str, Vec<DefinitionSite>>,
}

impl<'a, 's> CommitNames<'a, 's> {
    fn read(changes: &'a [Option<&'a SyntaxChange<'s>>]) -> Self {
        let (mut removed, mut added) = (HashMap::new(), HashMap::new());
        for (number, change) in changes.iter().enumerate() {
            let Some(change) = change else { continue };
            let (old, new) = (&change.old.names, &change.new.names);
            gather(number, old, new, change, ChangeSide::Old, &mut removed);
            gather(number, new, old, change, ChangeSide::New, &mut added);
        }
        Self { changes, removed, added }
    }

    fn change(&self, number: usize) -> Option<&'a SyntaxChange<'s>> {
        self.changes.get(number).copied().flatten()
    }

    /// One round: what is missing when `sets` are reverted, and which pieces provide it.
    fn wants(&self, paths: &[&str], sets: &[PieceSet], wanted: &mut [PieceSet]) -> Vec<String> {
        let mut missing = Vec::new();
        for (number, set) in sets.iter().enumerate() {
            let Some(change) = self.change(number).filter(|_| !set.is_empty()) else { continue };
            let text = change.without(set);
            let Some(table) = SyntaxTable::parse_after(&text, &change.new.table) else { continue };
            let path = paths.get(number).copied().unwrap_or_default();
            missing.extend(self.wants_of(number, set, &FileNames::read(&table), path, wanted));
        }
        missing
    }

    /// As `wants`, for one file, given the names it has when `set` is reverted.
    fn wants_of(
        &self,
        number: usize,
        set: &PieceSet,
        names: &FileNames<'_>,
        path: &str,
        wanted: &mut [PieceSet],
    ) -> Vec<String> {
        let Some(change) = self.change(number) else { return Vec::new() };
        let mut missing = Vec::new();
        let mut add = |file: usize, pieces: PieceSet| {
            if let Some(wanted) = wanted.get_mut(file) {
                wanted.extend(pieces);
            }
        };
        for (name, line, scope_path) in unbound_uses(names) {
            let Some(pieces) = bringing(change, set, name, scope_path) else { continue };
            if pieces.is_empty() {
                missing.push(format!(
                    "`{name}` is used on line {line} of {path}, and no hunk of the commit brings its definition back."
                ));
            }
            add(number, pieces);
        }
        // Members, and names of other files.
        for used in on_lines_of(change, set, ChangeSide::Old) {
            let is_bound = used.role != NameRole::Member && names.binds_anywhere(used.name);
            if matches!(used.role, NameRole::Bind | NameRole::MemberBind)
                || (is_bound && used.role != NameRole::Import)
            {
                continue;
            }
            for (file, line) in self.removed.get(used.name).into_iter().flatten() {
                if let Some(definer) = self.change(*file) {
                    add(*file, definer.within(ChangeSide::Old, (*line, *line)).collect());
                }
            }
        }
        for gone in on_lines_of(change, set, ChangeSide::New) {
            let defines = matches!(gone.role, NameRole::Bind | NameRole::MemberBind);
            let Some(sites) = self.added.get(gone.name).filter(|_| defines && !names.defines(gone.name))
            else {
                continue;
            };
            if !sites.contains(&(number, gone.line)) {
                continue;
            }
            for (file, user) in self.changes.iter().enumerate() {
                let Some(user) = user else { continue };
                let uses = user.new.names.occurrences_of(gone.name);
                let uses = uses.filter(|found| !matches!(found.role, NameRole::Bind | NameRole::MemberBind));
                add(
                    file,
                    uses.flat_map(|found| user.within(ChangeSide::New, (found.line, found.line))).collect(),
                );
            }
        }
        for name in other_parameters(change, set) {
            for (file, caller) in self.changes.iter().enumerate() {
                add(file, caller.map_or_else(PieceSet::new, |caller| changed_calls(caller, name)));
            }
        }
        missing
    }
}

/// Functions whose parameters change when `set` is reverted.
fn other_parameters<'a>(change: &'a SyntaxChange<'_>, set: &'a PieceSet) -> BTreeSet<&'a str> {
    let signatures = |side: ChangeSide| -> HashMap<&str, Vec<&str>> {
        let names = match side {
            ChangeSide::Old => &change.old.names,
            ChangeSide::New => &change.new.names,
        };
        let found = on_lines_of(change, set, side);
        found.filter_map(|found| Some((found.name, names.parameters(found.name, found.line)?))).collect()
    };
    let (before, after) = (signatures(ChangeSide::Old), signatures(ChangeSide::New));
    let differs = |(name, takes): (&'a str, Vec<&str>)| {
        after.get(name).is_some_and(|now| *now != takes).then_some(name)
    };
    before.into_iter().filter_map(differs).collect()
}

/// The pieces that use a name on both sides: changed calls.
fn changed_calls(change: &SyntaxChange<'_>, name: &str) -> PieceSet {
    let pieces = |side: ChangeSide, names: &FileNames<'_>| -> PieceSet {
        let used = names.occurrences_of(name);
        let used =
            used.filter(|found| matches!(found.role, NameRole::Use | NameRole::Member | NameRole::Mention));
        used.flat_map(|found| change.within(side, (found.line, found.line))).collect()
    };
    let (before, after) =
        (pieces(ChangeSide::Old, &change.old.names), pieces(ChangeSide::New, &change.new.names));
    before.intersection(&after).copied().collect()
}

/// Definitions on changed lines of `side` whose name `other` does not define.
fn gather<'s>(
    number: usize,
    names: &FileNames<'s>,
    other: &FileNames<'s>,
    change: &SyntaxChange<'_>,
    side: ChangeSide,
    into: &mut HashMap<&'s str, Vec<DefinitionSite>>,
) {
    for found in &names.occurrences {
        let defines = match found.role {
            NameRole::Bind => names.is_definition_scope(found.scope),
            NameRole::MemberBind => true,
            _ => false,
        };
        if defines
            && !other.defines(found.name)
            && change.within(side, (found.line, found.line)).next().is_some()
        {
            into.entry(found.name).or_default().push((number, found.line));
        }
    }
}

/// Names used without a definition: name, line, path of the scope. Each once per scope.
fn unbound_uses<'a, 's>(names: &'a FileNames<'s>) -> Vec<(&'s str, u32, &'a str)> {
    let mut seen = BTreeSet::new();
    let used = names.occurrences.iter().filter(|found| found.role == NameRole::Use);
    used.filter(|found| !names.is_bound(found.name, found.scope))
        .map(|found| (found.name, found.line, names.path(found.scope)))
        .filter(|(name, _, path)| seen.insert((*name, *path)))
        .collect()
}

/// The pieces that define a name, or remove its uses. `None` when neither version defines the name, so its
/// definition is elsewhere.
fn bringing(change: &SyntaxChange<'_>, set: &PieceSet, name: &str, path: &str) -> Option<PieceSet> {
    let (old, new) = (&change.old.names, &change.new.names);
    let pieces =
        |side: ChangeSide, names: &FileNames<'_>, wants: &dyn Fn(&Occurrence<'_>) -> bool| -> PieceSet {
            let found = names.occurrences_of(name).filter(|found| wants(found));
            let all = found.flat_map(|found| change.within(side, (found.line, found.line)));
            all.filter(|piece| !set.contains(piece)).collect()
        };
    let binds = |role: NameRole| matches!(role, NameRole::Bind | NameRole::Import);
    let was = old.binding_path(name, path);
    if let Some(bound) = was {
        let found =
            pieces(ChangeSide::Old, old, &|found| binds(found.role) && old.path(found.scope) == bound);
        if !found.is_empty() {
            return Some(found);
        }
    }
    match new.binding_path(name, path) {
        Some(bound) => Some(pieces(ChangeSide::New, new, &|found| {
            !binds(found.role) && crate::names::is_within(new.path(found.scope), bound)
        })),
        None => was.map(|_| PieceSet::new()),
    }
}

/// Names on the lines that a set restores (old side) or removes (new side).
fn on_lines_of<'a, 's>(
    change: &'a SyntaxChange<'s>,
    set: &'a PieceSet,
    side: ChangeSide,
) -> impl Iterator<Item = &'a Occurrence<'s>> {
    let names = match side {
        ChangeSide::Old => &change.old.names,
        ChangeSide::New => &change.new.names,
    };
    names
        .occurrences
        .iter()
        .filter(move |found| change.within(side, (found.line, found.line)).any(|piece| set.contains(&piece)))
}

#[cfg(test)]
#[path = "needed_tests.rs"]
mod tests;
