/*!
An append-only file of checksummed segments. Readers stop at a segment that is cut short or damaged, and the next
writer cuts it off: a killed run loses only its own work. Writers hold an exclusive lock on a separate file;
readers need no lock, because only complete segments count.
*/

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::HistoryError;

/// A segment is `length: u32 LE, crc32: u32 LE, payload`.
const FRAME: usize = 8;

/// Larger than any real index segment; a damaged length must not make a reader allocate without bound.
const MAX_SEGMENT: usize = 1 << 30;

#[derive(Debug)]
pub(super) struct LogFile {
    path: PathBuf,
    magic: &'static [u8; 8],
}

/// Complete segments, and the offset where they end.
pub(super) struct LogSegments {
    bytes: Vec<u8>,
    ranges: Vec<std::ops::Range<usize>>,
    pub(super) end: u64,
}

impl LogSegments {
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.ranges.iter().filter_map(|range| self.bytes.get(range.clone()))
    }
}

impl LogFile {
    pub(super) fn new(path: PathBuf, magic: &'static [u8; 8]) -> Self {
        Self { path, magic }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Every complete segment. A missing file, or one of another format version, has none.
    pub(super) fn read(&self) -> Result<LogSegments, HistoryError> {
        let mut bytes = Vec::new();
        match File::open(&self.path).and_then(|mut file| file.read_to_end(&mut bytes)) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(self.io("reading")(source)),
        }
        let mut segments = LogSegments { bytes, ranges: Vec::new(), end: 0 };
        if segments.bytes.get(..8) != Some(self.magic.as_slice()) {
            segments.bytes.clear();
            return Ok(segments);
        }
        let mut at = 8;
        while let Some(payload) = segment_at(&segments.bytes, at) {
            at = payload.end;
            segments.ranges.push(payload);
        }
        segments.end = at as u64;
        Ok(segments)
    }

    /// Appends one segment at offset `end` (as `read` returned it) and cuts off everything after it. The caller
    /// holds the lock and has called `read` while holding it.
    pub(super) fn append(&self, end: u64, payload: &[u8]) -> Result<(), HistoryError> {
        let write = || {
            let mut file =
                OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&self.path)?;
            file.set_len(end)?;
            file.seek(SeekFrom::Start(end))?;
            let mut out = Vec::with_capacity(payload.len() + FRAME + 8);
            if end == 0 {
                out.extend_from_slice(self.magic);
            }
            out.extend_from_slice(&(payload.len() as u32).to_le_bytes());
            out.extend_from_slice(&crc32fast::hash(payload).to_le_bytes());
            out.extend_from_slice(payload);
            file.write_all(&out)?;
            file.sync_data()
        };
        write().map_err(self.io("writing"))
    }

    pub(super) fn io(&self, action: &'static str) -> impl Fn(io::Error) -> HistoryError {
        io_error(action, &self.path)
    }
}

pub(super) fn io_error(action: &'static str, path: &Path) -> impl Fn(io::Error) -> HistoryError + use<> {
    let path = path.to_owned();
    move |source| HistoryError::Io { action, path: path.clone(), source }
}

/// Takes the lock and holds it until the file is dropped; waits for another writer to finish.
pub(super) fn lock(path: &Path) -> Result<File, HistoryError> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path);
    let file = file.map_err(io_error("opening", path))?;
    file.lock().map_err(io_error("locking", path))?;
    Ok(file)
}

fn segment_at(bytes: &[u8], at: usize) -> Option<std::ops::Range<usize>> {
    let number = |from: usize| -> Option<u32> {
        Some(u32::from_le_bytes(bytes.get(from..from + 4)?.try_into().ok()?))
    };
    let length = number(at)? as usize;
    let checksum = number(at + 4)?;
    if length > MAX_SEGMENT {
        return None;
    }
    let range = at + FRAME..at + FRAME + length;
    (crc32fast::hash(bytes.get(range.clone())?) == checksum).then_some(range)
}
