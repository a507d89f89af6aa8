/*!
Terminal control codes (ECMA-48): colours, cursor movements, titles, links. Every text from outside passes through
[`readable`] before a person sees it, and all output passes through [`escaped`] once more, in case a text did not.
*/

use std::fmt::Write as _;

const ESCAPE: char = '\u{1b}';
/// The control sequence introducer as one character.
const INTRODUCER: char = '\u{9b}';

/// Length in bytes of the code at the start of a text; `None` if there is none. A code without an end extends to the
/// end of its line.
pub fn terminal_code(text: &str) -> Option<usize> {
    let mut letters = text.chars();
    match letters.next()? {
        INTRODUCER => Some(INTRODUCER.len_utf8() + sequence(letters.as_str())),
        ESCAPE => Some(ESCAPE.len_utf8() + after_escape(letters.as_str())),
        _ => None,
    }
}

/// The text for a reader. Codes are removed completely, because their letters would be noise. Other invisible
/// characters that change what is seen become a mark. Line breaks and tabs stay.
pub fn readable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(char) = rest.chars().next() {
        if let Some(length) = terminal_code(rest) {
            rest = &rest[length..];
            continue;
        }
        rest = &rest[char.len_utf8()..];
        match char {
            '\n' | '\t' => out.push(char),
            '\r' if rest.starts_with('\n') => {}
            '\r' => out.push('\n'),
            char if is_hidden(char) => out.push('\u{fffd}'),
            char => out.push(char),
        }
    }
    out
}

/// Invisible characters that change what is seen: C0 and C1 controls, bidirectional controls, zero-width and tag
/// characters, line separators.
pub fn is_hidden(char: char) -> bool {
    char.is_control()
        || matches!(char,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The text for output: hidden characters except line breaks and tabs are written as in JSON (`\u001b`), so that JSON
/// stays the same data.
pub fn escaped(text: &str) -> String {
    escape(text, |_| None)
}

/// Like [`escaped`], for a page that this program coloured itself: colours stay.
pub fn escaped_but_colours(text: &str) -> String {
    escape(text, |rest| {
        let parameters = rest.strip_prefix("\u{1b}[")?;
        let end = parameters.find(|char: char| !char.is_ascii_digit() && char != ';')?;
        parameters[end..].starts_with('m').then_some("\u{1b}[".len() + end + 1)
    })
}

/// `keeps` returns the length of a code that stays.
fn escape(text: &str, keeps: impl Fn(&str) -> Option<usize>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(char) = rest.chars().next() {
        let kept = keeps(rest).unwrap_or(0);
        if kept > 0 {
            out.push_str(&rest[..kept]);
            rest = &rest[kept..];
            continue;
        }
        rest = &rest[char.len_utf8()..];
        if is_hidden(char) && !matches!(char, '\n' | '\t') {
            for unit in char.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(char);
        }
    }
    out
}

/// The length of the rest of a code after its escape character.
pub fn after_escape(text: &str) -> usize {
    match text.as_bytes().first() {
        Some(b'[') => 1 + sequence(&text[1..]),
        // Strings (titles, links, device control) end at BEL or ESC \.
        Some(b']' | b'P' | b'X' | b'^' | b'_') => {
            let end = text.find(['\n', '\u{7}', '\u{9c}', ESCAPE]).unwrap_or(text.len());
            match text.get(end..).and_then(|rest| rest.chars().next()) {
                Some(ESCAPE) => end + if text[end + 1..].starts_with('\\') { 2 } else { 1 },
                Some('\n') | None => end,
                Some(bell) => end + bell.len_utf8(),
            }
        }
        // Others: intermediates and one final letter, as in `ESC ( B`.
        _ => {
            let intermediates = text.bytes().take_while(|byte| (0x20..=0x2f).contains(byte)).count();
            let last = text.as_bytes().get(intermediates).is_some_and(|byte| (0x30..=0x7e).contains(byte));
            intermediates + usize::from(last)
        }
    }
}

/// Parameters, intermediates and one final letter of a control sequence.
fn sequence(text: &str) -> usize {
    let parameters = text.bytes().take_while(|byte| (0x20..=0x3f).contains(byte)).count();
    let last = text.as_bytes().get(parameters).is_some_and(|byte| (0x40..=0x7e).contains(byte));
    parameters + usize::from(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_hidden_is_left() {
        let planted = "a\u{1b}]0;title\u{7}b\u{1b}[2Jc\u{9b}31md\u{7}e\u{202e}f\rg\u{9d}h\u{e0041}";
        for text in [readable(planted), escaped(planted), escaped_but_colours(planted)] {
            assert!(!text.chars().any(|char| is_hidden(char) && char != '\n'), "{text:?}");
        }
        assert_eq!(readable("a\u{1b}[31mb\u{7}\r\nc\td"), "ab\u{fffd}\nc\td");
        assert_eq!(
            escaped_but_colours("\u{1b}[1;31mred\u{1b}[0m\u{1b}[2J"),
            "\u{1b}[1;31mred\u{1b}[0m\\u001b[2J"
        );
        let data = serde_json::json!({ "text": planted, "plain": "ü 👩‍💻" });
        let printed = escaped(&serde_json::to_string_pretty(&data).unwrap());
        assert_eq!(serde_json::from_str::<serde_json::Value>(&printed).unwrap(), data);
    }

    #[test]
    fn codes_are_as_long_as_they_are() {
        for (text, code) in [
            ("\u{1b}[31mred", "\u{1b}[31m"),
            ("\u{9b}0mplain", "\u{9b}0m"),
            ("\u{1b}(Btext", "\u{1b}(B"),
            ("\u{1b}]8;;https://x\u{7}link", "\u{1b}]8;;https://x\u{7}"),
            ("\u{1b}]0;title\u{1b}\\text", "\u{1b}]0;title\u{1b}\\"),
            ("\u{1b}]0;open\nnext", "\u{1b}]0;open"),
            ("\u{1b}Ptext", "\u{1b}Ptext"),
            ("\u{1b}\nnext", "\u{1b}"),
            ("\u{1b}[", "\u{1b}["),
            ("\u{1b}[31", "\u{1b}[31"),
            ("\u{1b}é", "\u{1b}"),
            ("\u{1b}", "\u{1b}"),
        ] {
            assert_eq!(terminal_code(text), Some(code.len()), "{text:?}");
        }
        assert_eq!(terminal_code("[31m"), None);
        assert_eq!(terminal_code(""), None);
    }
}
