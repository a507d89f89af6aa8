/*!
The index of units: for every commit that was asked for, the units that it changed. It is filled a stretch of history
at a time, and within a stretch file by file, from the oldest version to the newest: then a version differs little
from the one that was parsed before it.
*/

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use millwright_git::history::{HistoryError, HistoryStructure, RecordFile, hash_token_bytes, records_folder};
use millwright_git::{Repo, RepoError, TreeChange, TreeChanges, is_binary, read_blobs, tree_changes};
use millwright_model::CommitId;

use super::file_changes::{FileChanges, UnitSketch, file_changes};
use super::pairing::{UnpairedUnit, contained, pair_units};
use super::parts::ChangedParts;
use super::record::{CommitUnits, FileUnits, OriginKind, UnitChange, UnitOrigin};
use super::versions::{FileVersion, ParsedVersions, VersionCache, VersionKey};
use crate::languages::SourceLanguage;

/// Version of the record format and of the rules that make records; another version uses another file.
const NAME: &str = "units-1";

/// Commits read at a time. What is removed and added in them is in memory until they are written.
const STRETCH: usize = 8_000;

/// Contents read by one git process.
const BLOBS: usize = 2_000;

/// Changed units kept per commit; more are an import or a reformatting of everything.
const MAX_CHANGES: usize = 50_000;

/// Merges of more branches are left out: no person edits code in them.
const MAX_PARENTS: usize = 4;

/// A unit that was split off has this share of its words from the unit that it was part of; the rest is its head, and
/// what it returns.
const SPLIT_SHARE: f32 = 0.65;
/// Shorter units have too few words to be recognised as a part.
const MIN_SPLIT_WORDS: usize = 15;

#[derive(Debug, thiserror::Error)]
pub enum UnitIndexError {
    #[error(transparent)]
    History(#[from] HistoryError),
    #[error(transparent)]
    Repo(#[from] RepoError),
}

/// The index of one repository.
#[derive(Debug)]
pub struct UnitIndex {
    records: RecordFile,
}

impl UnitIndex {
    /// # Errors
    /// When the data folder cannot be read or written.
    pub fn open(repo: &Repo) -> Result<Self, UnitIndexError> {
        let folder = records_folder(repo, "units")?;
        Ok(Self { records: RecordFile::open(&folder, NAME)? })
    }

    /// Adds every commit of `positions` that is missing; returns how many were read. Safe under concurrent runs.
    ///
    /// # Errors
    /// When git fails or the data folder cannot be written.
    pub fn ensure(
        &mut self,
        repo: &Repo,
        structure: &HistoryStructure,
        positions: &[u32],
    ) -> Result<usize, UnitIndexError> {
        let is_new = |file: &RecordFile, position: &u32| !file.contains(&structure.commit(*position).id());
        if !positions.iter().any(|position| is_new(&self.records, position)) {
            return Ok(0);
        }
        let mut writer = self.records.writer()?;
        let mut missing: Vec<u32> = positions.to_vec();
        missing.retain(|position| !writer.contains(&structure.commit(*position).id()));
        // Parents have lower positions than their children.
        missing.sort_unstable();
        missing.dedup();
        for stretch in missing.chunks(STRETCH) {
            let commits: Vec<CommitId> = stretch.iter().map(|at| structure.commit(*at).id()).collect();
            for (commit, units) in read_units(repo, &commits)? {
                writer.write(&commit, &units)?;
            }
        }
        writer.finish()?;
        Ok(missing.len())
    }

    /// The units that a commit changed; `None` when the commit is not in the index.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn get(&self, commit: &CommitId) -> Result<Option<CommitUnits>, UnitIndexError> {
        Ok(self.records.get(commit)?)
    }

    /// Calls `visit` for every commit that is in the index, with its place in `commits`, in no particular order.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn visit(
        &self,
        commits: &[CommitId],
        visit: impl FnMut(usize, CommitUnits),
    ) -> Result<(), UnitIndexError> {
        Ok(self.records.visit(commits, visit)?)
    }
}

/// Reads commits, given from the oldest to the newest.
fn read_units(repo: &Repo, commits: &[CommitId]) -> Result<Vec<(CommitId, CommitUnits)>, UnitIndexError> {
    // A file in no language that is read here is one unit: that a commit touched it is all there is to know.
    let changes = tree_changes(repo, commits, &|_: &str| true)?;
    let jobs = jobs_by_file(&changes);
    let slots: Vec<Mutex<Vec<(usize, ReadFile)>>> = changes.iter().map(|_| Mutex::new(Vec::new())).collect();
    let workers = std::thread::available_parallelism().map_or(2, usize::from).clamp(1, 4);
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        // These threads wait for git, which would block rayon's.
        let run = || -> Result<(), RepoError> {
            while let Some(jobs) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                run_jobs(repo, &changes, jobs, |(commit, file), read| {
                    if let Some(slot) = slots.get(commit) {
                        slot.lock().unwrap_or_else(PoisonError::into_inner).push((file, read));
                    }
                })?;
            }
            Ok(())
        };
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(run)).collect();
        threads.into_iter().try_for_each(|thread| thread.join().unwrap_or(Ok(())))
    })?;
    let units = changes.into_iter().zip(slots).map(|(changes, slot)| {
        let mut files = slot.into_inner().unwrap_or_else(PoisonError::into_inner);
        files.sort_by_key(|(file, _)| *file);
        (changes.commit.clone(), commit_units(&changes, files))
    });
    Ok(units.collect())
}

/// A file of a commit, by their numbers.
type FileJob = (usize, usize);

/// The files of all commits, file by file; each list is the work of one git process.
fn jobs_by_file(changes: &[TreeChanges]) -> Vec<Vec<FileJob>> {
    // A renamed file continues the list of its old path, until that path is used again.
    let mut lists: Vec<Vec<FileJob>> = Vec::new();
    let mut list_of: HashMap<&str, usize> = HashMap::new();
    for (commit, change) in changes.iter().enumerate() {
        for (number, file) in change.files.iter().enumerate() {
            if file.before.len() > MAX_PARENTS {
                continue;
            }
            let before = file.old_path.as_deref().unwrap_or(&file.path);
            let at = list_of.get(file.path.as_str()).or_else(|| list_of.get(before)).copied();
            let at = at.unwrap_or_else(|| {
                lists.push(Vec::new());
                lists.len() - 1
            });
            list_of.insert(&file.path, at);
            if let Some(list) = lists.get_mut(at) {
                list.push((commit, number));
            }
        }
    }
    let mut chunks: Vec<Vec<FileJob>> = Vec::new();
    for list in lists {
        match chunks.last_mut() {
            Some(chunk) if chunk.len() + list.len() <= BLOBS => chunk.extend(list),
            _ => chunks.push(list),
        }
    }
    chunks
}

/// What was read of one file of a commit.
struct ReadFile {
    changes: FileChanges,
    unread: bool,
}

/// What to do next on the way through a list of files.
enum VersionStep {
    /// Read the next content from git and parse it.
    Load(VersionKey),
    /// Use a content that is still in memory.
    Reuse(VersionKey),
    Compare(FileJob),
}

/// The steps through `jobs`. Which contents are still in memory is known beforehand, because it depends on the order
/// alone.
fn steps(commits: &[TreeChanges], jobs: &[FileJob]) -> Vec<VersionStep> {
    let mut steps = Vec::with_capacity(jobs.len() * 2);
    let mut known = VersionCache::<()>::default();
    for job in jobs {
        let Some(file) = file_of(commits, *job) else { continue };
        for key in keys_before(file).into_iter().chain([key_after(file)]).flatten() {
            if known.touch(&key) {
                steps.push(VersionStep::Reuse(key));
            } else {
                known.put(key.clone(), ());
                steps.push(VersionStep::Load(key));
            }
        }
        steps.push(VersionStep::Compare(*job));
    }
    steps
}

fn file_of(commits: &[TreeChanges], (commit, file): FileJob) -> Option<&TreeChange> {
    commits.get(commit)?.files.get(file)
}

fn keys_before(file: &TreeChange) -> Vec<Option<VersionKey>> {
    let lang = SourceLanguage::from_path(file.old_path.as_deref().unwrap_or(&file.path));
    file.before.iter().map(|id| Some((id.clone()?, lang?))).collect()
}

fn key_after(file: &TreeChange) -> Option<VersionKey> {
    Some((file.after.clone()?, SourceLanguage::from_path(&file.path)?))
}

/// Works through files in order.
fn run_jobs(
    repo: &Repo,
    commits: &[TreeChanges],
    jobs: &[FileJob],
    mut done: impl FnMut(FileJob, ReadFile),
) -> Result<(), RepoError> {
    let steps = steps(commits, jobs);
    let load = |step: &VersionStep| match step {
        VersionStep::Load((id, _)) => Some(id.clone()),
        VersionStep::Reuse(_) | VersionStep::Compare(_) => None,
    };
    let wanted: Vec<String> = steps.iter().filter_map(load).collect();
    let mut steps = steps.into_iter();
    let mut versions = ParsedVersions::default();
    let mut run_until_load = |versions: &mut ParsedVersions| {
        for step in steps.by_ref() {
            match step {
                VersionStep::Load(key) => return Some(key),
                VersionStep::Reuse(key) => _ = versions.touch(&key),
                VersionStep::Compare(job) => {
                    if let Some(file) = file_of(commits, job) {
                        done(job, read_file(file, versions));
                    }
                }
            }
        }
        None
    };
    let mut loading = run_until_load(&mut versions);
    read_blobs(repo, &wanted, |_, content| {
        let Some(key) = loading.take() else { return };
        let text = content.filter(|content| !is_binary(content));
        let version = text.map(|text| {
            let text = String::from_utf8(text)
                .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
            let earlier = versions.newest().and_then(Option::as_ref);
            Arc::new(FileVersion::new(text, key.1, earlier.map(Arc::as_ref)))
        });
        versions.put(key, version);
        loading = run_until_load(&mut versions);
    })
}

/// The changes of one file, whose versions are in memory.
fn read_file(file: &TreeChange, versions: &ParsedVersions) -> ReadFile {
    let find = |key: &Option<VersionKey>| match key {
        None => (None, false),
        Some(key) => {
            let version = versions.get(key).cloned().flatten();
            let unread = version.is_none();
            (version, unread)
        }
    };
    let (after, mut unread) = find(&key_after(file));
    let mut changes: Option<FileChanges> = None;
    for key in keys_before(file) {
        let (before, missing) = find(&key);
        unread |= missing;
        let compared = match unread {
            true => FileChanges::default(),
            false => file_changes(before.as_deref(), after.as_deref()),
        };
        // A merge changed what differs from all of its parents.
        changes = Some(match changes {
            None => compared,
            Some(earlier) => earlier.of_both(compared),
        });
    }
    ReadFile { changes: changes.unwrap_or_default(), unread }
}

/// The record of one commit, from its files in order.
fn commit_units(tree: &TreeChanges, files: Vec<(usize, ReadFile)>) -> CommitUnits {
    let is_merge = tree.files.iter().any(|file| file.before.len() > 1);
    let loose = |of: fn(&FileChanges) -> &Vec<UnitSketch>| -> Vec<UnpairedUnit<'_>> {
        let sketches = files.iter().flat_map(|(number, file)| {
            of(&file.changes).iter().map(|unit| UnpairedUnit { file: *number, unit })
        });
        sketches.collect()
    };
    let (removed, added) = (loose(|changes| &changes.removed), loose(|changes| &changes.added));
    let is_called_instead = |before: &str, after: &str| {
        let [before, after] = [before, after].map(|name| hash_token_bytes(name.as_bytes()));
        let changed = files.iter().flat_map(|(_, file)| &file.changes.changed);
        let mut changed = changed.filter(|unit| unit.lost.binary_search(&before).is_ok());
        changed.any(|unit| unit.gained.binary_search(&after).is_ok())
    };
    let pairs = if is_merge { Vec::new() } else { pair_units(&removed, &added, is_called_instead) };
    let path_before = |number: usize| -> String {
        let file = tree.files.get(number);
        file.map(|file| file.old_path.as_ref().unwrap_or(&file.path).clone()).unwrap_or_default()
    };
    let mut origins: Vec<Option<(UnitOrigin, usize)>> = vec![None; added.len()];
    let mut continued = vec![false; removed.len()];
    for pair in &pairs {
        let (Some(from), Some(slot)) = (removed.get(pair.removed), origins.get_mut(pair.added)) else {
            continue;
        };
        let origin = UnitOrigin {
            path: path_before(from.file),
            unit: from.unit.key.clone(),
            kind: OriginKind::Continues,
            similarity: percent(pair.similarity),
        };
        *slot = Some((origin, pair.removed));
        if let Some(continued) = continued.get_mut(pair.removed) {
            *continued = true;
        }
    }
    let mut record = CommitUnits { files: Vec::new(), truncated: tree.truncated };
    let mut room = MAX_CHANGES;
    for (number, file) in &files {
        let Some(change) = tree.files.get(*number) else { continue };
        let mut units: Vec<UnitChange> = Vec::new();
        for unit in &file.changes.changed {
            units.push(UnitChange {
                unit: unit.key.clone(),
                kind: unit.kind,
                before: Some(unit.before),
                after: Some(unit.after),
                parts: unit.parts,
                origin: None,
                merged_into: None,
            });
        }
        let new_units = added.iter().zip(&origins).filter(|(loose, _)| loose.file == *number);
        for (loose, origin) in new_units {
            let before = origin.as_ref().and_then(|(_, at)| removed.get(*at));
            let split = || if is_merge { None } else { split_from(loose, &files, &path_before) };
            units.push(UnitChange {
                unit: loose.unit.key.clone(),
                kind: Some(loose.unit.kind),
                before: before.map(|from| from.unit.lines),
                after: Some(loose.unit.lines),
                parts: before.map_or(ChangedParts::NONE, |from| parts_of_pair(from.unit, loose.unit)),
                origin: origin.as_ref().map(|(origin, _)| origin.clone()).or_else(split),
                merged_into: None,
            });
        }
        let gone =
            removed.iter().zip(&continued).filter(|(loose, continued)| loose.file == *number && !**continued);
        for (loose, _) in gone {
            units.push(UnitChange {
                unit: loose.unit.key.clone(),
                kind: Some(loose.unit.kind),
                before: Some(loose.unit.lines),
                after: None,
                parts: ChangedParts::NONE,
                origin: None,
                merged_into: merged_into(loose, &files, tree),
            });
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

/// What differs between two units that are one, by their sketches: their texts are no longer in memory.
fn parts_of_pair(from: &UnitSketch, to: &UnitSketch) -> ChangedParts {
    let mut parts = ChangedParts::NONE;
    if !from.has_words_of(to) {
        parts = parts.with(ChangedParts::BODY);
    }
    if from.simple != to.simple || from.key.len() - from.simple.len() != to.key.len() - to.simple.len() {
        parts = parts.with(ChangedParts::HEAD);
    }
    parts
}

/// The changed unit that lost the text of an added one.
fn split_from(
    added: &UnpairedUnit<'_>,
    files: &[(usize, ReadFile)],
    path_before: &impl Fn(usize) -> String,
) -> Option<UnitOrigin> {
    if added.unit.is_type || added.unit.words.len() < MIN_SPLIT_WORDS {
        return None;
    }
    let changed =
        files.iter().flat_map(|(number, file)| file.changes.changed.iter().map(move |unit| (*number, unit)));
    let shares = changed
        .filter(|(_, unit)| unit.lost.len() >= MIN_SPLIT_WORDS)
        .map(|(number, unit)| (contained(&added.unit.words, &unit.lost), number == added.file, number, unit));
    let best = shares.max_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)))?;
    (best.0 >= SPLIT_SHARE).then(|| UnitOrigin {
        path: path_before(best.2),
        unit: best.3.key.clone(),
        kind: OriginKind::SplitFrom,
        similarity: percent(best.0),
    })
}

/// The changed unit that took over the text of a removed one.
fn merged_into(
    removed: &UnpairedUnit<'_>,
    files: &[(usize, ReadFile)],
    tree: &TreeChanges,
) -> Option<(String, String)> {
    if removed.unit.is_type || removed.unit.words.len() < MIN_SPLIT_WORDS {
        return None;
    }
    let changed =
        files.iter().flat_map(|(number, file)| file.changes.changed.iter().map(move |unit| (*number, unit)));
    let shares = changed.filter(|(_, unit)| unit.gained.len() >= MIN_SPLIT_WORDS).map(|(number, unit)| {
        (contained(&removed.unit.words, &unit.gained), number == removed.file, number, unit)
    });
    let best = shares.max_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)))?;
    let path = tree.files.get(best.2)?.path.clone();
    (best.0 >= SPLIT_SHARE).then(|| (path, best.3.key.clone()))
}

fn percent(share: f32) -> u8 {
    (share * 100.0).round().clamp(0.0, 100.0) as u8
}

#[cfg(test)]
#[path = "index_tests.rs"]
mod tests;
