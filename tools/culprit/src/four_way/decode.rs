/*!
Removes a shell word's quoting and records the raw position of each decoded byte.
*/

use super::literal::QuotingLayer;
use super::shell::WordPiece;

/// The decoded text of some pieces, the raw position (start and end) of each decoded byte, and the quoting that
/// applies from each decoded position on.
pub(super) struct DecodedPieces {
    pub(super) text: String,
    pub(super) starts: Vec<usize>,
    pub(super) ends: Vec<usize>,
    pub(super) quotings: Vec<(usize, QuotingLayer)>,
}

pub(super) fn decode_pieces(text: &str, pieces: &[WordPiece]) -> DecodedPieces {
    let mut decoded =
        DecodedPieces { text: String::new(), starts: Vec::new(), ends: Vec::new(), quotings: Vec::new() };
    for piece in pieces {
        decoded.quotings.push((decoded.text.len(), piece.quoting));
        let raw = text.get(piece.raw.clone()).unwrap_or_default();
        let mut chars = raw.char_indices().peekable();
        while let Some((i, c)) = chars.next() {
            let (mut value, mut width) = (Some(c), c.len_utf8());
            if c == '\\'
                && let Some((_, next)) = chars.peek().copied()
            {
                let taken = match piece.quoting {
                    QuotingLayer::ShellDouble => {
                        matches!(next, '"' | '\\' | '$' | '`' | '\n').then_some(next)
                    }
                    QuotingLayer::HereDocument => matches!(next, '\\' | '$' | '`').then_some(next),
                    QuotingLayer::ShellBare => Some(next),
                    QuotingLayer::ShellAnsi | QuotingLayer::Printf => match next {
                        'n' => Some('\n'),
                        't' => Some('\t'),
                        'r' => Some('\r'),
                        '\\' | '\'' | '"' => Some(next),
                        _ => None,
                    },
                    _ => None,
                };
                if let Some(taken) = taken {
                    chars.next();
                    width += next.len_utf8();
                    value = (next != '\n').then_some(taken);
                }
            } else if c == '%'
                && piece.quoting == QuotingLayer::Printf
                && chars.peek().is_some_and(|(_, n)| *n == '%')
            {
                chars.next();
                width += 1;
            }
            if let Some(value) = value {
                let raw_start = piece.raw.start + i;
                decoded.text.push(value);
                for _ in 0..value.len_utf8() {
                    decoded.starts.push(raw_start);
                    decoded.ends.push(raw_start + width);
                }
            }
        }
    }
    decoded
}
