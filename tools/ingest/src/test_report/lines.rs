/*!
Splits the bytes that a test run prints into lines. Escape sequences for colours are removed. A carriage return and
a cursor movement to a column end a line, because the following text overwrites it.
*/

/// Longest line kept. Of a longer one, only the beginning is kept, and the report says so.
pub(super) const MAX_LINE_BYTES: usize = 1 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum EscapeState {
    #[default]
    None,
    /// After ESC.
    Escape,
    /// Inside of `ESC [ … letter`.
    Control,
    /// Inside of `ESC ] … BEL` or `ESC ] … ESC \`.
    Title,
    TitleEscape,
    /// After `ESC (` and similar: one more byte belongs to the sequence.
    Charset,
}

#[derive(Debug, Default)]
pub(super) struct LineSplitter {
    line: Vec<u8>,
    /// Whether the last line ended with a carriage return; a following line feed belongs to it.
    after_return: bool,
    state: EscapeState,
    /// Bytes of the open escape sequence; an unterminated sequence must not swallow the output.
    escape_bytes: u8,
    pub cut: bool,
}

/// Longest escape sequence.
const MAX_ESCAPE_BYTES: u8 = 200;

impl LineSplitter {
    pub(super) fn push(&mut self, bytes: &[u8], mut emit: impl FnMut(&str)) {
        let mut rest = bytes;
        while let Some(&first) = rest.first() {
            if self.state == EscapeState::None {
                // Copy the plain part up to the next special byte at once.
                let plain = rest
                    .iter()
                    .position(|byte| matches!(byte, b'\n' | b'\r' | 0x1b | 0))
                    .unwrap_or(rest.len());
                let (text, tail) = rest.split_at(plain);
                self.keep(text);
                let Some((&special, tail)) = tail.split_first() else { return };
                rest = tail;
                match special {
                    b'\n' if std::mem::take(&mut self.after_return) && self.line.is_empty() => {}
                    b'\n' => self.end_line(&mut emit),
                    b'\r' => {
                        self.end_line(&mut emit);
                        self.after_return = true;
                    }
                    0x1b => (self.state, self.escape_bytes) = (EscapeState::Escape, 0),
                    _ => {}
                }
                continue;
            }
            rest = rest.get(1..).unwrap_or_default();
            self.read_escape(first, &mut emit);
        }
    }

    fn read_escape(&mut self, byte: u8, emit: &mut impl FnMut(&str)) {
        self.escape_bytes += 1;
        if byte == b'\n' || self.escape_bytes >= MAX_ESCAPE_BYTES {
            self.state = EscapeState::None;
            if byte == b'\n' {
                self.end_line(emit);
            }
            return;
        }
        self.state = match (self.state, byte) {
            (EscapeState::Escape, b'[') => EscapeState::Control,
            (EscapeState::Escape, b']' | b'P' | b'X' | b'^' | b'_') => EscapeState::Title,
            (EscapeState::Escape, b'(' | b')' | b'*' | b'+' | b'#') => EscapeState::Charset,
            (EscapeState::Control, b'G') => {
                self.end_line(emit);
                EscapeState::None
            }
            (EscapeState::Control, 0x40..=0x7e) => EscapeState::None,
            (EscapeState::Control, _) => EscapeState::Control,
            (EscapeState::Title, 0x07) => EscapeState::None,
            (EscapeState::Title, 0x1b) => EscapeState::TitleEscape,
            (EscapeState::Title, _) => EscapeState::Title,
            (EscapeState::TitleEscape, b'\\') => EscapeState::None,
            (EscapeState::TitleEscape, _) => EscapeState::Title,
            _ => EscapeState::None,
        };
    }

    fn keep(&mut self, text: &[u8]) {
        self.after_return &= text.is_empty();
        let room = MAX_LINE_BYTES.saturating_sub(self.line.len());
        self.cut |= text.len() > room;
        self.line.extend_from_slice(text.get(..room).unwrap_or(text));
    }

    fn end_line(&mut self, emit: &mut impl FnMut(&str)) {
        let line = String::from_utf8_lossy(&self.line);
        emit(line.trim_end());
        self.line.clear();
    }

    pub(super) fn finish(&mut self, mut emit: impl FnMut(&str)) {
        if !self.line.is_empty() {
            self.end_line(&mut emit);
        }
    }
}
