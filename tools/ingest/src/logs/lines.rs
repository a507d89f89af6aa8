/*!
Reads the lines of a file of any size, plain or gzip, in bounded memory. A line that is too long is cut and marked,
and invalid UTF-8 is replaced.
*/

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

/// How many bytes of a line are kept.
pub(crate) const MAX_LINE: usize = 64 * 1024;
/// How many unpacked bytes are read per file; this stops a gzip bomb.
pub(crate) const MAX_FILE_BYTES: u64 = 8 << 30;
const BUFFER: usize = 256 * 1024;

/// Reads a file line by line.
pub(crate) struct LineReader {
    reader: Box<dyn BufRead + Send>,
    buffer: Vec<u8>,
    /// 1-based number of the last line read.
    pub(crate) number: u64,
    pub(crate) bytes: u64,
    /// Number of lines that were cut.
    pub(crate) cut: u64,
}

impl LineReader {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let mut file = BufReader::with_capacity(BUFFER, File::open(path)?);
        let gzip = file.fill_buf()?.starts_with(&[0x1f, 0x8b]);
        let reader: Box<dyn BufRead + Send> = if gzip {
            Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(file)))
        } else {
            Box::new(file)
        };
        Ok(Self { reader, buffer: Vec::new(), number: 0, bytes: 0, cut: 0 })
    }

    /// Whether the beginning is not text (contains a NUL byte).
    pub(crate) fn is_binary(&mut self) -> io::Result<bool> {
        let head = self.reader.fill_buf()?;
        let head = head.get(..8192).unwrap_or(head);
        // UTF-16 text contains NUL bytes and begins with a byte order mark. It is not supported either.
        Ok(head.contains(&0))
    }

    /// The next line without its end; `None` at the end of the file or at the size limit.
    pub(crate) fn next_line(&mut self) -> io::Result<Option<std::borrow::Cow<'_, str>>> {
        self.buffer.clear();
        if self.bytes >= MAX_FILE_BYTES {
            return Ok(None);
        }
        let taken = (&mut self.reader).take(MAX_LINE as u64).read_until(b'\n', &mut self.buffer)?;
        if taken == 0 {
            return Ok(None);
        }
        self.number += 1;
        self.bytes += taken as u64;
        if taken == MAX_LINE && self.buffer.last() != Some(&b'\n') {
            self.cut += u64::from(self.skip_line()?);
        }
        while matches!(self.buffer.last(), Some(b'\n' | b'\r')) {
            self.buffer.pop();
        }
        Ok(Some(String::from_utf8_lossy(&self.buffer)))
    }

    /// The next line with its number.
    pub(crate) fn next_numbered(&mut self) -> io::Result<Option<(std::borrow::Cow<'_, str>, u64)>> {
        let number = self.number + 1;
        Ok(self.next_line()?.map(|line| (line, number)))
    }

    /// Skips to the end of the line; returns whether anything was skipped.
    fn skip_line(&mut self) -> io::Result<bool> {
        let mut skipped = false;
        loop {
            let chunk = self.reader.fill_buf()?;
            if chunk.is_empty() || self.bytes >= MAX_FILE_BYTES {
                return Ok(skipped);
            }
            let newline = memchr::memchr(b'\n', chunk);
            let used = newline.map_or(chunk.len(), |at| at + 1);
            skipped |= newline != Some(0);
            self.reader.consume(used);
            self.bytes += used as u64;
            if newline.is_some() {
                return Ok(skipped);
            }
        }
    }
}
