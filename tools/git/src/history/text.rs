/*!
The textual level: the content of each patch, read once per commit and only for commits that a ranking asked for.

There are two files: `text` holds the records one after the other, and `text-index` holds each record's position
and checksum. A record counts once its index entry is complete and its checksum is right, so a killed run loses
only the records it was writing.
*/

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc;

use millwright_model::CommitId;
use millwright_redaction::RedactionConfig;

use super::log_file::{io_error, lock};
use super::mask::{PatchMasks, require_rules};
use super::patch::{CommitText, read_patches};
use super::structure::{ById, HistoryStructure};
use super::{BinaryId, HistoryError, TEXT_LOCK, parse_id};
use crate::Repo;

/// Version of the record format; another version uses another file.
const DATA: &str = "text-3";
const INDEX: &str = "text-3-index";
/// Files of earlier versions, which kept messages unmasked.
const OUTDATED: [&str; 2] = ["text-2", "text-2-index"];

/// `id: 20, offset: u64 LE, length: u32 LE, crc32: u32 LE`
const ENTRY: usize = 36;

/// Commits passed to one git process.
const CHUNK: usize = 400;

/// Records decoded at a time, so that a complete history is never in memory.
const READ_AHEAD: usize = 512;

#[derive(Debug)]
pub struct TextIndex {
    folder: PathBuf,
    /// The rules that mask text kept as words.
    rules: RedactionConfig,
    entries: ById<Entry>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    offset: u64,
    length: u32,
    checksum: u32,
}

impl TextIndex {
    pub(super) fn open(folder: &Path, rules: &RedactionConfig) -> Result<Self, HistoryError> {
        for name in OUTDATED {
            let _ = std::fs::remove_file(folder.join(name));
        }
        let mut index = Self { folder: folder.to_owned(), rules: rules.clone(), entries: ById::default() };
        index.reload()?;
        Ok(index)
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
        if self.missing(ids).is_empty() {
            return Ok(0);
        }
        let _lock = lock(&self.folder.join(TEXT_LOCK))?;
        require_rules(&self.folder, &self.rules)?;
        self.reload()?;
        let missing = self.missing(ids);
        if missing.is_empty() {
            return Ok(0);
        }
        // These workers mostly wait for git, which would block rayon's threads, so they get their own threads.
        let workers = std::thread::available_parallelism().map_or(2, usize::from).clamp(1, 4);
        // Neighbours share delta bases, so every worker gets runs of consecutive commits.
        let chunk = missing.len().div_ceil(workers).clamp(1, CHUNK);
        let chunks: Vec<&[String]> = missing.chunks(chunk).collect();
        let next = std::sync::atomic::AtomicUsize::new(0);
        let mut writer = Writer::open(&self.folder)?;
        let (send, receive) = mpsc::sync_channel::<Result<(BinaryId, Vec<u8>), HistoryError>>(256);
        std::thread::scope(|scope| {
            for _ in 0..workers {
                let (send, next, chunks, rules) = (send.clone(), &next, &chunks, &self.rules);
                scope.spawn(move || {
                    while let Some(ids) = chunks.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
                    {
                        if let Err(error) = read_chunk(repo, rules, ids, &send) {
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
                let entry = writer.write(id, &record)?;
                self.entries.insert(id, entry);
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
        mut visit: impl FnMut(usize, T),
    ) -> Result<(), HistoryError> {
        let path = self.folder.join(DATA);
        let mut wanted: Vec<(usize, Entry)> = positions
            .iter()
            .enumerate()
            .filter_map(|(at, position)| {
                Some((at, *self.entries.get(&structure.commit(*position).binary_id())?))
            })
            .collect();
        if wanted.is_empty() {
            return Ok(());
        }
        wanted.sort_by_key(|(_, entry)| entry.offset);
        let file = File::open(&path).map_err(io_error("opening", &path))?;
        for batch in wanted.chunks(READ_AHEAD) {
            for (at, reduced) in read_batch(&file, batch, &reduce) {
                visit(at, reduced);
            }
        }
        Ok(())
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

    fn missing(&self, ids: &[BinaryId]) -> Vec<String> {
        ids.iter().filter(|id| !self.entries.contains_key(*id)).map(hex::encode).collect()
    }

    fn reload(&mut self) -> Result<(), HistoryError> {
        let path = self.folder.join(INDEX);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(source) => return Err(io_error("reading", &path)(source)),
        };
        let end = std::fs::metadata(self.folder.join(DATA)).map_or(0, |data| data.len());
        self.entries.clear();
        self.entries.extend(
            bytes
                .chunks_exact(ENTRY)
                .filter_map(decode_entry)
                .filter(|(_, entry)| entry.offset.saturating_add(u64::from(entry.length)) <= end),
        );
        Ok(())
    }
}

/// Reads neighbouring records with one read per stretch, and decodes them in parallel.
fn read_batch<T: Send>(
    file: &File,
    batch: &[(usize, Entry)],
    reduce: &(impl Fn(usize, CommitText) -> T + Sync),
) -> Vec<(usize, T)> {
    use rayon::prelude::*;
    batch
        .par_iter()
        .filter_map(|(at, entry)| {
            let mut bytes = vec![0; entry.length as usize];
            file.read_exact_at(&mut bytes, entry.offset).ok()?;
            if crc32fast::hash(&bytes) != entry.checksum {
                return None;
            }
            Some((*at, reduce(*at, postcard::from_bytes(&bytes).ok()?)))
        })
        .collect()
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
        return Err(HistoryError::Encode { path: PathBuf::from(DATA), source });
    }
    match result.map_err(io_error("reading", repo.path()))? {
        true => Ok(stream.finish()?),
        false => Ok(()),
    }
}

/// Appends records and then their index entries, in batches.
struct Writer {
    data: File,
    index: File,
    end: u64,
    records: Vec<u8>,
    entries: Vec<u8>,
    paths: (PathBuf, PathBuf),
}

impl Writer {
    fn open(folder: &Path) -> Result<Self, HistoryError> {
        let paths = (folder.join(DATA), folder.join(INDEX));
        let open = |path: &Path| {
            let file = OpenOptions::new().create(true).truncate(false).write(true).open(path);
            file.map_err(io_error("opening", path))
        };
        let (mut data, mut index) = (open(&paths.0)?, open(&paths.1)?);
        let end = data.seek(SeekFrom::End(0)).map_err(io_error("reading", &paths.0))?;
        // An entry cut short by a crash would shift all following entries, and an entry whose record was lost
        // would point into the next record written.
        let mut kept = std::fs::read(&paths.1).map_err(io_error("reading", &paths.1))?;
        let sound = |bytes: &&[u8]| {
            decode_entry(bytes)
                .is_some_and(|(_, entry)| entry.offset.saturating_add(u64::from(entry.length)) <= end)
        };
        let entries: Vec<u8> = kept.chunks_exact(ENTRY).filter(sound).flatten().copied().collect();
        if entries != kept {
            let beside = paths.1.with_extension("part");
            std::fs::write(&beside, &entries)
                .and_then(|()| std::fs::rename(&beside, &paths.1))
                .map_err(io_error("writing", &paths.1))?;
            index = open(&paths.1)?;
            kept = entries;
        }
        index.seek(SeekFrom::Start(kept.len() as u64)).map_err(io_error("writing", &paths.1))?;
        Ok(Self { data, index, end, records: Vec::new(), entries: Vec::new(), paths })
    }

    fn write(&mut self, id: BinaryId, record: &[u8]) -> Result<Entry, HistoryError> {
        let offset = self.end + self.records.len() as u64;
        let entry = Entry { offset, length: record.len() as u32, checksum: crc32fast::hash(record) };
        self.records.extend_from_slice(record);
        self.entries.extend_from_slice(&id);
        self.entries.extend_from_slice(&entry.offset.to_le_bytes());
        self.entries.extend_from_slice(&entry.length.to_le_bytes());
        self.entries.extend_from_slice(&entry.checksum.to_le_bytes());
        if self.records.len() > 4 << 20 {
            self.flush()?;
        }
        Ok(entry)
    }

    fn finish(&mut self) -> Result<(), HistoryError> {
        self.flush()?;
        self.data.sync_data().map_err(io_error("writing", &self.paths.0))?;
        self.index.sync_data().map_err(io_error("writing", &self.paths.1))
    }

    fn flush(&mut self) -> Result<(), HistoryError> {
        self.data.write_all(&self.records).map_err(io_error("writing", &self.paths.0))?;
        self.index.write_all(&self.entries).map_err(io_error("writing", &self.paths.1))?;
        self.end += self.records.len() as u64;
        self.records.clear();
        self.entries.clear();
        Ok(())
    }
}

fn decode_entry(bytes: &[u8]) -> Option<(BinaryId, Entry)> {
    let id = bytes.get(..20)?.try_into().ok()?;
    let offset = u64::from_le_bytes(bytes.get(20..28)?.try_into().ok()?);
    let length = u32::from_le_bytes(bytes.get(28..32)?.try_into().ok()?);
    let checksum = u32::from_le_bytes(bytes.get(32..36)?.try_into().ok()?);
    Some((id, Entry { offset, length, checksum }))
}
