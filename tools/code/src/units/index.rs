/*!
The index of units: for every commit that was asked for, the units that it changed. It is filled a stretch of history
at a time, and within a stretch file by file, from the oldest version to the newest: then a version differs little
from the one that was parsed before it.
*/

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use millwright_git::history::{HistoryError, RecordFile, records_folder};
use millwright_git::{Repo, RepoError, TreeChange, TreeChanges, read_blobs, text_of, tree_changes};
use millwright_model::CommitId;

use super::commit_record::commit_units;
use super::file_changes::{FileChanges, ReadFile, file_changes};
use super::record::CommitUnits;
use super::versions::{FileVersion, ParsedVersions, VersionCache, VersionKey};
use crate::languages::SourceLanguage;

/// Version of the record format and of the rules that make records; another version uses another file.
const NAME: &str = "units-3";

/// Commits read at a time. What is removed and added in them is in memory until they are written.
const STRETCH: usize = 8_000;

/// Contents read by one git process.
const BLOBS: usize = 2_000;

/// Merges of more branches are left out: no person edits code in them.
const MAX_PARENTS: usize = 4;

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

    /// Adds every commit that is missing; returns how many were read. Fastest when they are given from the oldest to the
    /// newest. Safe under concurrent runs.
    ///
    /// # Errors
    /// When git fails or the data folder cannot be written.
    pub fn ensure(&mut self, repo: &Repo, commits: &[CommitId]) -> Result<usize, UnitIndexError> {
        if commits.iter().all(|commit| self.records.contains(commit)) {
            return Ok(0);
        }
        let mut writer = self.records.writer()?;
        let mut seen: HashSet<&CommitId> = HashSet::with_capacity(commits.len());
        let is_missing = |commit: &&CommitId| !writer.contains(commit);
        let missing: Vec<CommitId> =
            commits.iter().filter(is_missing).filter(|commit| seen.insert(commit)).cloned().collect();
        for stretch in missing.chunks(STRETCH) {
            for (commit, units) in read_units(repo, stretch)? {
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
    let changes = tree_changes(repo, commits)?;
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
        let join = |thread: std::thread::ScopedJoinHandle<'_, _>| {
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        threads.into_iter().try_for_each(join)
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

/// What to do next on the way through a list of files.
enum VersionStep {
    /// Read the next content from git and parse it; `true` when it is another version of the file that was read before.
    Load(VersionKey, bool),
    /// Use a content that is still in memory.
    Reuse(VersionKey),
    Compare(FileJob),
}

/// The steps through `jobs`. Which contents are still in memory is known beforehand, because it depends on the order
/// alone.
fn steps(commits: &[TreeChanges], jobs: &[FileJob]) -> Vec<VersionStep> {
    let mut steps = Vec::with_capacity(jobs.len() * 2);
    let mut known = VersionCache::<()>::default();
    let mut last: Option<&str> = None;
    for job in jobs {
        let Some(file) = file_of(commits, *job) else { continue };
        let mut is_same = last == Some(file.old_path.as_ref().unwrap_or(&file.path));
        last = Some(&file.path);
        for key in keys_before(file).into_iter().chain([key_after(file)]).flatten() {
            if known.touch(&key) {
                steps.push(VersionStep::Reuse(key));
            } else {
                known.put(key.clone(), ());
                steps.push(VersionStep::Load(key, is_same));
            }
            is_same = true;
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
        VersionStep::Load((id, _), _) => Some(id.clone()),
        VersionStep::Reuse(_) | VersionStep::Compare(_) => None,
    };
    let wanted: Vec<String> = steps.iter().filter_map(load).collect();
    let mut steps = steps.into_iter();
    let mut versions = ParsedVersions::default();
    let mut run_until_load = |versions: &mut ParsedVersions| {
        for step in steps.by_ref() {
            match step {
                VersionStep::Load(key, is_same) => return Some((key, is_same)),
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
        let Some((key, is_same)) = loading.take() else { return };
        let version = content.and_then(text_of).map(|text| {
            let earlier = versions.newest().and_then(Option::as_ref).filter(|_| is_same);
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
            // A text that takes too long to parse has units all the same.
            let unread = version.as_ref().is_none_or(|version| version.tree.is_none());
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

#[cfg(test)]
#[path = "index_tests.rs"]
mod tests;
