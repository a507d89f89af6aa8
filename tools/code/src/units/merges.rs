/*!
From which parents of a merge a unit comes. Most merges took a file from one side as it was there; the others are
found without git, because no commit touched the file on more than one side. Only where several sides changed the
file are its contents compared.
*/

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use millwright_git::history::HistoryStructure;
use millwright_git::{PathLookup, Repo, read_blobs, text_of};

use super::history::{FollowedUnit, UnitStep};
use super::index::UnitIndexError;
use super::outline::CodeUnit;
use super::parts::changed_parts;
use super::versions::FileVersion;
use crate::languages::SourceLanguage;

/// Contents kept; a walk asks for the same ones again in its next round.
const KEPT_VERSIONS: usize = 200;

pub(super) struct MergeSides<'m> {
    repo: &'m Repo,
    structure: &'m HistoryStructure,
    lookup: PathLookup<'m>,
    /// By path: for every position, the newest commit that decided the content of the file there.
    states: HashMap<String, Vec<u32>>,
    versions: HashMap<String, Option<Arc<FileVersion>>>,
}

/// Where a unit of a merge comes from.
pub(super) struct CameFrom {
    pub(super) from: Vec<(u32, FollowedUnit)>,
    /// When the merge itself changed the unit.
    pub(super) step: Option<UnitStep>,
}

impl<'m> MergeSides<'m> {
    pub(super) fn open(repo: &'m Repo, structure: &'m HistoryStructure) -> Result<Self, UnitIndexError> {
        let lookup = PathLookup::open(repo)?;
        Ok(Self { repo, structure, lookup, states: HashMap::new(), versions: HashMap::new() })
    }

    /// `sides` are the parents with the name that the unit would have there, `touched` the commits that touched the
    /// path of the unit.
    pub(super) fn origins(
        &mut self,
        merge: u32,
        unit: &FollowedUnit,
        sides: Vec<(u32, FollowedUnit)>,
        touched: Option<&BTreeSet<u32>>,
    ) -> Result<CameFrom, UnitIndexError> {
        if let Some(touched) = touched
            && sides.iter().all(|(_, name)| name.path == unit.path)
        {
            let structure = self.structure;
            let states = self.states.entry(unit.path.clone()).or_insert_with(|| states(structure, touched));
            let state = |at: u32| states.get(at as usize).copied();
            let same = sides.iter().filter(|(parent, _)| state(*parent) == state(sides[0].0)).count();
            if same == sides.len() {
                // All sides have the same file: one is enough.
                return Ok(CameFrom { from: sides.into_iter().take(1).collect(), step: None });
            }
        }
        let commit = self.structure.commit(merge).id();
        let here = self.lookup.blob_id(&commit, &unit.path)?;
        let mut there: Vec<((u32, FollowedUnit), String)> = Vec::new();
        for (parent, name) in sides {
            let id = self.lookup.blob_id(&self.structure.commit(parent).id(), &name.path)?;
            // Where the file is not, the unit is not.
            there.extend(id.map(|id| ((parent, name), id)));
        }
        let Some(here) = here else {
            return Ok(CameFrom { from: there.into_iter().map(|(side, _)| side).collect(), step: None });
        };
        let same = |named: bool| {
            let mut sides = there.iter().filter(|((_, name), id)| *id == here && (name == unit) == named);
            sides.next().map(|(side, _)| side.clone())
        };
        // As git does: of several sides with the same content, the first one is followed.
        if let Some(side) = same(true) {
            return Ok(CameFrom { from: vec![side], step: None });
        }
        let renamed = same(false);
        let is_renamed = renamed.is_some();
        let others = there.iter().filter(|((_, name), _)| !is_renamed || name == unit);
        // The content comes from one side, and its name from the others.
        if is_renamed || there.len() < 2 || unit.unit.is_empty() {
            let from = renamed.into_iter().chain(others.map(|(side, _)| side.clone())).collect();
            return Ok(CameFrom { from, step: None });
        }
        self.compare(merge, unit, &here, there)
    }

    /// The sides whose version of the unit is the merge's; all when there is none.
    fn compare(
        &mut self,
        merge: u32,
        unit: &FollowedUnit,
        here: &str,
        there: Vec<((u32, FollowedUnit), String)>,
    ) -> Result<CameFrom, UnitIndexError> {
        let all: Vec<(u32, FollowedUnit)> = there.iter().map(|(side, _)| side.clone()).collect();
        let Some(now) = self.version(here, &unit.path)? else {
            return Ok(CameFrom { from: all, step: None });
        };
        let place = |version: &FileVersion, key: &str| {
            version.outline.units.iter().position(|candidate| candidate.key == key)
        };
        let Some(at) = place(&now, &unit.unit) else { return Ok(CameFrom { from: all, step: None }) };
        let (mut same, mut present) = (Vec::new(), Vec::new());
        let mut change: Option<UnitStep> = None;
        for (side, id) in &there {
            let Some(then) = self.version(id, &side.1.path)? else { continue };
            let Some(before) = place(&then, &side.1.unit) else { continue };
            present.push(side.clone());
            let parts = changed_parts((&then, Some(before)), (&now, Some(at)));
            if parts.is_empty() {
                same.push(side.clone());
            } else if change.is_none() {
                change = Some(UnitStep {
                    unit: unit.clone(),
                    before: Some(side.1.clone()),
                    parent: Some(self.structure.commit(side.0).id()),
                    parts,
                    lines_before: then.outline.units.get(before).map(CodeUnit::lines),
                    lines_after: now.outline.units.get(at).map(CodeUnit::lines),
                    ..UnitStep::of(self.structure, merge)
                });
            }
        }
        if !same.is_empty() {
            return Ok(CameFrom { from: same.into_iter().take(1).collect(), step: None });
        }
        // The unit has another name on every side: the walk goes on with all of them.
        match change {
            Some(step) => Ok(CameFrom { from: present, step: Some(step) }),
            None => Ok(CameFrom { from: all, step: None }),
        }
    }

    fn version(&mut self, id: &str, path: &str) -> Result<Option<Arc<FileVersion>>, UnitIndexError> {
        if let Some(known) = self.versions.get(id) {
            return Ok(known.clone());
        }
        let Some(lang) = SourceLanguage::from_path(path) else { return Ok(None) };
        let mut version = None;
        read_blobs(self.repo, &[id.to_owned()], |_, content| {
            let text = content.and_then(text_of);
            version = text.map(|text| Arc::new(FileVersion::new(text, lang, None)));
        })?;
        if self.versions.len() >= KEPT_VERSIONS {
            self.versions.clear();
        }
        self.versions.insert(id.to_owned(), version.clone());
        Ok(version)
    }
}

/// For every position, the newest commit that decided the content of a file: the last one that touched it, or a merge
/// of different contents.
fn states(structure: &HistoryStructure, touched: &BTreeSet<u32>) -> Vec<u32> {
    let mut states: Vec<u32> = Vec::with_capacity(structure.len());
    for position in 0..structure.len() as u32 {
        let state = |parent: &u32| states.get(*parent as usize).copied();
        let parents = &structure.commit(position).parents;
        let first = parents.first().and_then(state);
        let own = touched.contains(&position) || parents.iter().any(|parent| state(parent) != first);
        // A commit without parents that does not touch the file does not have it.
        states.push(if own { position } else { first.unwrap_or(u32::MAX) });
    }
    states
}
