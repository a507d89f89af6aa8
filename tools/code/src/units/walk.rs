/*!
The walk behind the history of a unit: from children to parents, with the names that the unit has there.

At a merge it follows only the parents from which the unit comes as the merge has it; when the merge changed it, all
of them. Commits of parallel branches can change the unit under the name that it had before a rename on the other
branch, so a parent that has not seen the rename is searched for the old name, too. Later walks know the renames that
earlier ones found.
*/

use std::collections::{BTreeSet, HashMap, HashSet};

use millwright_git::Repo;
use millwright_git::history::HistoryStructure;
use millwright_model::CommitId;

use super::history::{FollowedUnit, UnitStep};
use super::index::{UnitIndex, UnitIndexError};
use super::merges::MergeSides;
use super::parts::ChangedParts;
use super::record::{CommitUnits, OriginKind, UnitChange};

/// Renames on one branch can bring up further ones on another.
const MAX_ROUNDS: usize = 8;

/// A unit that has another name since a commit.
struct UnitRename {
    /// The commit.
    at: u32,
    /// For every position, whether it reaches the commit.
    known_to: Vec<bool>,
    before: FollowedUnit,
    after: FollowedUnit,
}

/// What a walk follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FollowScope {
    /// One unit; the file as a unit is what belongs to no unit of it.
    Unit,
    /// A file with everything in it.
    WholeFile,
}

pub(super) struct UnitWalk<'w> {
    repo: &'w Repo,
    structure: &'w HistoryStructure,
    index: &'w mut UnitIndex,
    as_of: u32,
    scope: FollowScope,
    /// For every position, whether the walk can come there.
    reached: Vec<bool>,
    /// For every path that was followed: the positions that touched it.
    touching: HashMap<String, BTreeSet<u32>>,
    records: HashMap<u32, CommitUnits>,
    renames: Vec<UnitRename>,
    merges: MergeSides<'w>,
}

/// A unit at a commit, by the position of the commit.
type UnitPosition = (u32, FollowedUnit);

/// What a walk found.
#[derive(Default)]
pub(super) struct WalkResult {
    /// With the positions of the commits, newest first.
    pub(super) steps: Vec<(u32, UnitStep)>,
    /// Commits in which a version of the file could not be read.
    pub(super) unread: Vec<u32>,
    /// Where the walk came by, children before parents.
    visits: Vec<WalkNode>,
}

/// A unit at a commit, and where the walk went on from there.
struct WalkNode {
    place: UnitPosition,
    is_introduced: bool,
    leads_to: Vec<UnitPosition>,
}

impl WalkResult {
    /// Adds a step of the commit at `position`, once for each name of the unit.
    fn add(&mut self, position: u32, step: UnitStep) {
        if !self.steps.iter().any(|(at, known)| *at == position && known.unit == step.unit) {
            self.steps.push((position, step));
        }
    }

    /// Leaves out steps from which no way leads to the commit that introduced the unit: a branch on which the unit
    /// never was, but the file to which it came later.
    fn without_dead_ends(mut self) -> Self {
        let mut real: HashSet<&UnitPosition> = HashSet::new();
        for visit in self.visits.iter().rev() {
            if visit.is_introduced || visit.leads_to.iter().any(|place| real.contains(place)) {
                real.insert(&visit.place);
            }
        }
        // Without a beginning (a shallow clone), every way is a dead end.
        if !real.is_empty() {
            self.steps.retain(|(at, step)| real.contains(&(*at, step.unit.clone())));
        }
        self
    }
}

impl<'w> UnitWalk<'w> {
    pub(super) fn open(
        repo: &'w Repo,
        structure: &'w HistoryStructure,
        index: &'w mut UnitIndex,
        as_of: u32,
        scope: FollowScope,
    ) -> Result<Self, UnitIndexError> {
        Ok(Self {
            repo,
            structure,
            index,
            as_of,
            scope,
            reached: structure.ancestors(as_of),
            touching: HashMap::new(),
            records: HashMap::new(),
            renames: Vec::new(),
            merges: MergeSides::open(repo, structure)?,
        })
    }

    pub(super) fn follow(mut self, unit: &FollowedUnit) -> Result<WalkResult, UnitIndexError> {
        let mut found = self.round(unit)?;
        for _ in 1..MAX_ROUNDS {
            let known = self.renames.len();
            if known == 0 || self.is_linear() {
                break;
            }
            found = self.round(unit)?;
            if self.renames.len() == known {
                break;
            }
        }
        let mut found = found.without_dead_ends();
        found.steps.sort_by_key(|(position, _)| std::cmp::Reverse(*position));
        Ok(found)
    }

    fn is_linear(&self) -> bool {
        let is_merge = |(position, reached): (usize, &bool)| {
            *reached && self.structure.commit(position as u32).parents.len() > 1
        };
        !self.reached.iter().enumerate().any(is_merge)
    }

    /// One walk to the beginning.
    fn round(&mut self, unit: &FollowedUnit) -> Result<WalkResult, UnitIndexError> {
        let mut result = WalkResult::default();
        let mut alive: HashMap<u32, BTreeSet<FollowedUnit>> = HashMap::new();
        alive.insert(self.as_of, BTreeSet::from([unit.clone()]));
        for position in (0..=self.as_of).rev() {
            let Some(units) = alive.remove(&position) else { continue };
            for unit in units {
                let before = self.step(position, unit.clone(), &mut result)?;
                let leads_to = match &before {
                    Some(before) => self.parents_of(position, before, &mut result)?,
                    None => Vec::new(),
                };
                for (parent, name) in &leads_to {
                    alive.entry(*parent).or_default().insert(name.clone());
                }
                let place = (position, unit);
                let is_introduced = before.is_none()
                    && result.steps.iter().any(|(at, step)| (*at, &step.unit) == (place.0, &place.1));
                result.visits.push(WalkNode { place, is_introduced, leads_to });
            }
        }
        Ok(result)
    }

    /// Where a unit comes from that is called `unit` before its commit.
    fn parents_of(
        &mut self,
        position: u32,
        unit: &FollowedUnit,
        result: &mut WalkResult,
    ) -> Result<Vec<UnitPosition>, UnitIndexError> {
        let parents = &self.structure.commit(position).parents;
        if let [parent] = parents[..] {
            return Ok(vec![(parent, unit.clone())]);
        }
        let knows =
            |renamed: &UnitRename, at: u32| renamed.known_to.get(at as usize).copied().unwrap_or(false);
        let mut sides: Vec<UnitPosition> = Vec::new();
        for parent in parents {
            let older = self.renames.iter().filter(|renamed| {
                renamed.after == *unit
                    && !knows(renamed, *parent)
                    && parents.iter().any(|other| knows(renamed, *other))
            });
            let older: Vec<UnitPosition> = older.map(|renamed| (*parent, renamed.before.clone())).collect();
            if older.is_empty() {
                sides.push((*parent, unit.clone()));
            } else {
                sides.extend(older);
            }
        }
        let touched = self.touching.get(&unit.path);
        let came = self.merges.origins(position, unit, sides, touched)?;
        if let Some(step) = came.step {
            result.add(position, step);
        }
        Ok(came.from)
    }

    /// What `unit` was before the commit at `position`; `None` when the commit introduced it.
    fn step(
        &mut self,
        position: u32,
        unit: FollowedUnit,
        result: &mut WalkResult,
    ) -> Result<Option<FollowedUnit>, UnitIndexError> {
        if !self.touches(position, &unit.path)? {
            return Ok(Some(unit));
        }
        // The oldest commits of a shallow clone look as if they introduced everything.
        if self.repo.is_shallow() && self.structure.commit(position).parents.is_empty() {
            return Ok(Some(unit));
        }
        let Some(record) = self.records.get(&position) else { return Ok(Some(unit)) };
        let file = record.file(&unit.path);
        // Of a commit that touches too much, the unit may be in the part that was left out.
        let is_cut = record.truncated
            && file.is_none_or(|file| !file.changes.iter().any(|change| change.unit == unit.unit));
        if (is_cut || file.is_some_and(|file| file.unread)) && !result.unread.contains(&position) {
            result.unread.push(position);
        }
        let Some(file) = file else { return Ok(Some(unit)) };
        let change = file.changes.iter().find(|change| change.unit == unit.unit && change.after.is_some());
        let change = change.cloned();
        let old_path = file.old_path.clone().unwrap_or_else(|| unit.path.clone());
        let before = match &change {
            Some(UnitChange { origin: Some(origin), .. }) if origin.kind == OriginKind::Continues => {
                Some(FollowedUnit { path: origin.path.clone(), unit: origin.unit.clone() })
            }
            Some(UnitChange { before: None, .. }) => None,
            // The whole file begins with it; a unit that is not in a new file was never there.
            None if file.is_new && unit.unit.is_empty() => None,
            None if file.is_new => return Ok(None),
            Some(_) | None => Some(FollowedUnit { path: old_path, ..unit.clone() }),
        };
        let is_touched = self.scope == FollowScope::WholeFile;
        if is_touched || change.is_some() || file.namespace_changed || before.as_ref() != Some(&unit) {
            let step = UnitStep {
                unit: unit.clone(),
                before: before.clone(),
                parts: match (self.scope, &change) {
                    (FollowScope::Unit, Some(change)) => change.parts,
                    // Those of the code outside of its units are not those of the file.
                    _ => ChangedParts::NONE,
                },
                namespace_changed: file.namespace_changed,
                lines_before: change.as_ref().and_then(|change| change.before),
                lines_after: change.as_ref().and_then(|change| change.after),
                split_from: change.and_then(|change| change.origin).filter(|_| before.is_none()),
                ..UnitStep::of(self.structure, position)
            };
            result.add(position, step);
        }
        if let Some(before) = before.as_ref().filter(|before| **before != unit) {
            self.remember(position, before.clone(), unit);
        }
        Ok(before)
    }

    fn remember(&mut self, at: u32, before: FollowedUnit, after: FollowedUnit) {
        let is_known = |known: &UnitRename| known.at == at && known.before == before && known.after == after;
        if self.renames.iter().any(is_known) {
            return;
        }
        let mut known_to = vec![false; self.structure.len()];
        for position in at as usize..self.structure.len() {
            known_to[position] = position == at as usize
                || self.structure.commit(position as u32).parents.iter().any(|p| known_to[*p as usize]);
        }
        self.renames.push(UnitRename { at, known_to, before, after });
    }

    /// Whether the commit touched the path. The first time that a path is asked for, all commits that touched it
    /// are brought into the index.
    fn touches(&mut self, position: u32, path: &str) -> Result<bool, UnitIndexError> {
        if let Some(positions) = self.touching.get(path) {
            return Ok(positions.contains(&position));
        }
        let structure = self.structure;
        let wanted = structure.path_number(path);
        let touched = |at: &u32| {
            let commit = structure.commit(*at);
            commit.is_cut() || commit.files.iter().any(|(_, number)| Some(*number) == wanted)
        };
        let reached = self.reached.iter().enumerate().filter(|(_, reached)| **reached);
        let positions: BTreeSet<u32> = reached.map(|(at, _)| at as u32).filter(touched).collect();
        let missing: Vec<u32> =
            positions.iter().copied().filter(|at| !self.records.contains_key(at)).collect();
        let ids: Vec<CommitId> = missing.iter().map(|at| structure.commit(*at).id()).collect();
        self.index.ensure(self.repo, &ids)?;
        let records = &mut self.records;
        self.index.visit(&ids, |at, record| {
            if let Some(position) = missing.get(at) {
                records.insert(*position, record);
            }
        })?;
        let touches = positions.contains(&position);
        self.touching.insert(path.to_owned(), positions);
        Ok(touches)
    }
}
