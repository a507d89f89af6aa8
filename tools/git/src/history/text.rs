/*!
The textual level: the content of each patch, read once per commit and only for commits that a ranking asked for.
*/

use std::path::{Path, PathBuf};
use std::sync::mpsc;

use millwright_model::CommitId;
use millwright_redaction::RedactionConfig;
use millwright_sandbox::trusted::GitError;

use super::log_file::io_error;
use super::mask::{PatchMasks, require_rules};
use super::patch::{CommitText, read_patches};
use super::records::RecordFile;
use super::structure::HistoryStructure;
use super::{BinaryId, HistoryError, parse_id};
use crate::Repo;

/// Version of the record format; another version uses another file.
pub(super) const NAME: &str = "text-3";
/// Files of earlier versions, which kept messages unmasked.
const OUTDATED: [&str; 2] = ["text-2", "text-2-index"];

/// Commits passed to one git process.
const CHUNK: usize = 400;

#[derive(Debug)]
pub struct TextIndex {
    folder: PathBuf,
    /// The rules that mask text kept as words.
    rules: RedactionConfig,
    records: RecordFile,
}

impl TextIndex {
    pub(super) fn open(folder: &Path, rules: &RedactionConfig) -> Result<Self, HistoryError> {
        for name in OUTDATED {
            let _ = std::fs::remove_file(folder.join(name));
        }
        let records = RecordFile::open(folder, NAME)?;
        Ok(Self { folder: folder.to_owned(), rules: rules.clone(), records })
    }

    /// Adds the text of every commit in `positions` to the index, if it is missing. Reads patches with several git
    /// processes in parallel; returns how many commits were read.
    pub fn ensure(
        &mut self,
        repo: &Repo,
        structure: &HistoryStructure,
        positions: &[u32],
    ) -> Result<usize, HistoryError> {
        let ids: Vec<BinaryId> =
            positions.iter().map(|position| structure.commit(*position).binary_id()).collect();
        self.ensure_ids(repo, &ids)
    }

    /// As [`Self::ensure`] for `good..bad`, before there is a structure that lists the commits of the range.
    pub(super) fn read_ahead(
        &mut self,
        repo: &Repo,
        bad: &CommitId,
        good: &CommitId,
    ) -> Result<usize, HistoryError> {
        let listed = repo.git().args(["rev-list", bad, "--not", good, "--"]).output()?;
        let ids: Vec<BinaryId> = String::from_utf8_lossy(&listed).lines().filter_map(parse_id).collect();
        self.ensure_ids(repo, &ids)
    }

    fn ensure_ids(&mut self, repo: &Repo, ids: &[BinaryId]) -> Result<usize, HistoryError> {
        if ids.iter().all(|id| self.records.has(id)) {
            return Ok(0);
        }
        let mut writer = self.records.writer()?;
        require_rules(&self.folder, &self.rules)?;
        let missing: Vec<String> = ids.iter().filter(|id| !writer.has(id)).map(hex::encode).collect();
        if missing.is_empty() {
            return Ok(0);
        }
        // These workers mostly wait for git, which would block rayon's threads, so they get their own threads.
        let workers = std::thread::available_parallelism().map_or(2, usize::from).clamp(1, 4);
        // Neighbours share delta bases, so every worker gets runs of consecutive commits.
        let chunk = missing.len().div_ceil(workers).clamp(1, CHUNK);
        let chunks: Vec<&[String]> = missing.chunks(chunk).collect();
        let next = std::sync::atomic::AtomicUsize::new(0);
        let (send, receive) = mpsc::sync_channel::<Result<(BinaryId, Vec<u8>), HistoryError>>(256);
        std::thread::scope(|scope| {
            for _ in 0..workers {
                let (send, next, chunks, rules) = (send.clone(), &next, &chunks, &self.rules);
                scope.spawn(move || {
                    while let Some(ids) = chunks.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
                    {
                        if let Err(error) = read_what_is_there(repo, rules, ids, &send) {
                            // The receiver only hangs up after it has an error to report.
                            let _ = send.send(Err(error));
                            return;
                        }
                    }
                });
            }
            drop(send);
            for message in receive {
                let (id, record) = message?;
                writer.write_bytes(id, &record)?;
            }
            writer.finish()
        })?;
        Ok(missing.len())
    }

    /// Calls `visit` for every commit of `positions` whose text is in the index, with the commit's place in
    /// `positions`. Memory stays bounded: records are decoded a batch at a time.
    pub fn visit(
        &self,
        structure: &HistoryStructure,
        positions: &[u32],
        visit: impl FnMut(usize, CommitText),
    ) -> Result<(), HistoryError> {
        self.visit_reduced(structure, positions, |_, text| text, visit)
    }

    /// As [`Self::visit`], for a `visit` that only needs the result of `reduce`, which runs on the thread that
    /// decoded the text.
    pub fn visit_reduced<T: Send>(
        &self,
        structure: &HistoryStructure,
        positions: &[u32],
        reduce: impl Fn(usize, CommitText) -> T + Sync,
        visit: impl FnMut(usize, T),
    ) -> Result<(), HistoryError> {
        let ids = positions.iter().map(|position| structure.commit(*position).binary_id());
        self.records.visit_reduced(ids, reduce, visit)
    }

    /// The text of one commit, if it is in the index.
    pub fn get(
        &self,
        structure: &HistoryStructure,
        position: u32,
    ) -> Result<Option<CommitText>, HistoryError> {
        let mut found = None;
        self.visit(structure, &[position], |_, text| found = Some(text))?;
        Ok(found)
    }
}

/// Reads a chunk. Git stops when the content of a file is missing, as in a partial clone: then finds the commits that
/// lack it, of which only the message and the paths are read.
fn read_what_is_there(
    repo: &Repo,
    rules: &RedactionConfig,
    ids: &[String],
    send: &mpsc::SyncSender<Result<(BinaryId, Vec<u8>), HistoryError>>,
) -> Result<(), HistoryError> {
    match read_chunk(repo, rules, ids, send) {
        Err(HistoryError::Git(GitError::Failed { .. })) if ids.len() > 1 => {
            let (first, second) = ids.split_at(ids.len() / 2);
            read_what_is_there(repo, rules, first, send)?;
            read_what_is_there(repo, rules, second, send)
        }
        Err(HistoryError::Git(GitError::Failed { .. })) => {
            for id in ids {
                let (text, Some(id)) = (read_without_contents(repo, rules, id)?, parse_id(id)) else {
                    continue;
                };
                let record = postcard::to_allocvec(&text)
                    .map_err(|source| HistoryError::Encode { path: PathBuf::from(NAME), source })?;
                // The receiver only hangs up after it has an error to report.
                let _ = send.send(Ok((id, record)));
            }
            Ok(())
        }
        read => read,
    }
}

/// The text of a commit whose contents are not all there.
fn read_without_contents(repo: &Repo, rules: &RedactionConfig, id: &str) -> Result<CommitText, HistoryError> {
    let message =
        repo.git().args(["log", "--no-walk", "--encoding=UTF-8", "--format=%B", id, "--"]).output()?;
    let named = repo
        .git()
        .args([
            "diff-tree",
            "--root",
            "--no-commit-id",
            "-r",
            "-z",
            "--no-renames",
            "--name-status",
            id,
            "--",
        ])
        .output()?;
    let message = PatchMasks::new(rules)?.hashes.mask_bytes(message);
    Ok(CommitText::of_paths(&message, named.split(|byte| *byte == 0)))
}

fn read_chunk(
    repo: &Repo,
    rules: &RedactionConfig,
    ids: &[String],
    send: &mpsc::SyncSender<Result<(BinaryId, Vec<u8>), HistoryError>>,
) -> Result<(), HistoryError> {
    let masks = PatchMasks::new(rules)?;
    let git = repo.git().args([
        "log",
        "--no-walk=unsorted",
        "-p",
        "-U0",
        "--cc",
        "-l400",
        "--find-renames",
        "--no-color",
        "--no-ext-diff",
        "--no-textconv",
        "--encoding=UTF-8",
        "--src-prefix=a/",
        "--dst-prefix=b/",
        "--submodule=short",
        "--format=%x01%H%n%B%x00",
    ]);
    let mut stream = git.args(ids).arg("--").stream()?;
    let mut encode_error = None;
    let result = read_patches(&mut stream, &masks, |id, text| match postcard::to_allocvec(&text) {
        Ok(record) => send.send(Ok((id, record))).is_ok(),
        Err(source) => {
            encode_error = Some(source);
            false
        }
    });
    if let Some(source) = encode_error {
        return Err(HistoryError::Encode { path: PathBuf::from(NAME), source });
    }
    match result.map_err(io_error("reading", repo.path()))? {
        true => Ok(stream.finish()?),
        false => Ok(()),
    }
}
