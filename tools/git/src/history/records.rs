/*!
Records by commit, in two files: `NAME` contains the records one after the other, and `NAME-index` contains each
record's position and checksum. A record counts once its index entry is complete and its checksum is right, so a
killed run loses only the records it was writing. Writers hold a lock on `NAME.lock`; readers need none.
*/

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use millwright_model::CommitId;
use serde::de::DeserializeOwned;

use super::log_file::{io_error, lock};
use super::structure::ById;
use super::{BinaryId, HistoryError};

/// `id: 20, offset: u64 LE, length: u32 LE, crc32: u32 LE`
const ENTRY: usize = 36;

/// Records decoded at a time, so that a complete history is never in memory.
const READ_AHEAD: usize = 512;

/// The entries of one pair of files, as they were when it was opened or when the writer wrote last.
#[derive(Debug)]
pub struct RecordFile {
    folder: PathBuf,
    /// Includes the version of the record format: another version uses another file.
    name: &'static str,
    entries: ById<Entry>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    offset: u64,
    length: u32,
    checksum: u32,
}

impl RecordFile {
    /// Opens `name` in `folder`; files that do not exist yet have no records.
    ///
    /// # Errors
    /// When the files cannot be read.
    pub fn open(folder: &Path, name: &'static str) -> Result<Self, HistoryError> {
        let mut file = Self { folder: folder.to_owned(), name, entries: ById::default() };
        file.reload()?;
        Ok(file)
    }

    fn data(&self) -> PathBuf {
        self.folder.join(self.name)
    }

    fn index(&self) -> PathBuf {
        self.folder.join(format!("{}-index", self.name))
    }

    pub fn contains(&self, commit: &CommitId) -> bool {
        self.entries.contains_key(&commit.to_bytes())
    }

    pub(super) fn has(&self, id: &BinaryId) -> bool {
        self.entries.contains_key(id)
    }

    /// Locks the file, reads what others have written meanwhile, and lets one writer append.
    ///
    /// # Errors
    /// When the files cannot be opened, read or mended.
    pub fn writer(&mut self) -> Result<RecordWriter<'_>, HistoryError> {
        let lock = lock_records(&self.folder, self.name)?;
        self.reload()?;
        RecordWriter::open(self, lock)
    }

    /// The record of one commit; `None` when there is none, or when it is damaged.
    ///
    /// # Errors
    /// When the data file cannot be opened.
    pub fn get<R: DeserializeOwned + Send>(&self, commit: &CommitId) -> Result<Option<R>, HistoryError> {
        let mut found = None;
        self.visit(std::slice::from_ref(commit), |_, record: R| found = Some(record))?;
        Ok(found)
    }

    /// Calls `visit` for every commit that has a record, with its place in `commits`, in no particular order.
    ///
    /// # Errors
    /// When the data file cannot be opened.
    pub fn visit<R: DeserializeOwned + Send>(
        &self,
        commits: &[CommitId],
        visit: impl FnMut(usize, R),
    ) -> Result<(), HistoryError> {
        let ids = commits.iter().map(CommitId::to_bytes);
        self.visit_reduced(ids, |_, record: R| record, visit)
    }

    /// As [`Self::visit`], for a `visit` that only needs the result of `reduce`, which runs on the thread that
    /// decoded the record. Memory stays bounded: records are decoded a batch at a time.
    pub(super) fn visit_reduced<R: DeserializeOwned, T: Send>(
        &self,
        ids: impl Iterator<Item = BinaryId>,
        reduce: impl Fn(usize, R) -> T + Sync,
        mut visit: impl FnMut(usize, T),
    ) -> Result<(), HistoryError> {
        let mut wanted: Vec<(usize, Entry)> =
            ids.enumerate().filter_map(|(at, id)| Some((at, *self.entries.get(&id)?))).collect();
        if wanted.is_empty() {
            return Ok(());
        }
        wanted.sort_by_key(|(_, entry)| entry.offset);
        let path = self.data();
        let file = File::open(&path).map_err(io_error("opening", &path))?;
        for batch in wanted.chunks(READ_AHEAD) {
            for (at, reduced) in read_batch(&file, batch, &reduce) {
                visit(at, reduced);
            }
        }
        Ok(())
    }

    fn reload(&mut self) -> Result<(), HistoryError> {
        let path = self.index();
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(source) => return Err(io_error("reading", &path)(source)),
        };
        let end = std::fs::metadata(self.data()).map_or(0, |data| data.len());
        self.entries.clear();
        self.entries.extend(
            bytes.chunks_exact(ENTRY).filter_map(decode_entry).filter(|(_, entry)| entry.end() <= end),
        );
        Ok(())
    }
}

/// Waits until no one else writes these records, and keeps others from it until the file is dropped.
pub(super) fn lock_records(folder: &Path, name: &str) -> Result<File, HistoryError> {
    lock(&folder.join(format!("{name}.lock")))
}

impl Entry {
    fn end(&self) -> u64 {
        self.offset.saturating_add(u64::from(self.length))
    }
}

/// Decodes neighbouring records in parallel.
fn read_batch<R: DeserializeOwned, T: Send>(
    file: &File,
    batch: &[(usize, Entry)],
    reduce: &(impl Fn(usize, R) -> T + Sync),
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

/// Appends records and then their index entries, in batches. Holds the lock until it is dropped.
#[derive(Debug)]
pub struct RecordWriter<'f> {
    file: &'f mut RecordFile,
    data: File,
    index: File,
    end: u64,
    records: Vec<u8>,
    entries: Vec<u8>,
    paths: (PathBuf, PathBuf),
    _lock: File,
}

impl<'f> RecordWriter<'f> {
    fn open(file: &'f mut RecordFile, lock: File) -> Result<Self, HistoryError> {
        let paths = (file.data(), file.index());
        let open = |path: &Path| {
            let file = OpenOptions::new().create(true).truncate(false).write(true).open(path);
            file.map_err(io_error("opening", path))
        };
        let (mut data, mut index) = (open(&paths.0)?, open(&paths.1)?);
        let end = data.seek(SeekFrom::End(0)).map_err(io_error("reading", &paths.0))?;
        // An entry cut short by a crash would shift all following entries, and an entry whose record was lost
        // would point into the next record written.
        let mut kept = std::fs::read(&paths.1).map_err(io_error("reading", &paths.1))?;
        let sound = |bytes: &&[u8]| decode_entry(bytes).is_some_and(|(_, entry)| entry.end() <= end);
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
        let (records, entries) = (Vec::new(), Vec::new());
        Ok(Self { file, data, index, end, records, entries, paths, _lock: lock })
    }

    pub fn contains(&self, commit: &CommitId) -> bool {
        self.file.contains(commit)
    }

    pub(super) fn has(&self, id: &BinaryId) -> bool {
        self.file.has(id)
    }

    /// # Errors
    /// When the record cannot be encoded, or the files cannot be written.
    pub fn write(&mut self, commit: &CommitId, record: &impl serde::Serialize) -> Result<(), HistoryError> {
        let record = postcard::to_allocvec(record)
            .map_err(|source| HistoryError::Encode { path: self.paths.0.clone(), source })?;
        self.write_bytes(commit.to_bytes(), &record)
    }

    pub(super) fn write_bytes(&mut self, id: BinaryId, record: &[u8]) -> Result<(), HistoryError> {
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
        self.file.entries.insert(id, entry);
        Ok(())
    }

    /// Writes what is still in memory and makes it durable.
    ///
    /// # Errors
    /// When the files cannot be written.
    pub fn finish(mut self) -> Result<(), HistoryError> {
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
