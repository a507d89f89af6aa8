/*!
Bounded reading of git's stream of patches, line by line.
*/

use super::{BufRead, io};

/// Longer lines are data; everything after this offset is skipped.
const MAX_LINE: usize = 16 * 1024;

/// The rest of a longer commit message is skipped.
const MAX_MESSAGE: usize = 64 * 1024;

pub(super) struct LineReader<R> {
    input: R,
    line: Vec<u8>,
}

impl<R: BufRead> LineReader<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, line: Vec::new() }
    }

    /// The next line, cut at `MAX_LINE`, without its newline.
    pub(super) fn line(&mut self) -> io::Result<Option<&[u8]>> {
        self.line.clear();
        let any = read_bounded(&mut self.input, b'\n', MAX_LINE, &mut self.line)?;
        Ok(any.then_some(self.line.as_slice()))
    }

    pub(super) fn until_nul(&mut self) -> io::Result<Vec<u8>> {
        let mut message = Vec::new();
        read_bounded(&mut self.input, 0, MAX_MESSAGE, &mut message)?;
        Ok(message)
    }
}

fn read_bounded(input: &mut impl BufRead, end: u8, limit: usize, out: &mut Vec<u8>) -> io::Result<bool> {
    let mut any = false;
    loop {
        let buffer = input.fill_buf()?;
        if buffer.is_empty() {
            return Ok(any);
        }
        any = true;
        let found = memchr::memchr(end, buffer);
        let piece = &buffer[..found.unwrap_or(buffer.len())];
        let room = limit.saturating_sub(out.len());
        out.extend_from_slice(&piece[..piece.len().min(room)]);
        let used = found.map_or(buffer.len(), |at| at + 1);
        input.consume(used);
        if found.is_some() {
            return Ok(true);
        }
    }
}
