use super::*;

fn text_and_notes(bytes: &[u8]) -> (String, String) {
    let decoded = decode(bytes);
    (decoded.text, decoded.notes.join(" | "))
}

#[test]
fn encodings_and_control_characters() {
    let check = |bytes: &[u8], text: &str, note: &str| {
        let (got, notes) = text_and_notes(bytes);
        assert_eq!(got, text, "{bytes:?}");
        assert!(if note.is_empty() { notes.is_empty() } else { notes.contains(note) }, "{bytes:?}: {notes}");
    };
    check(b"plain\n", "plain\n", "");
    check(b"\xEF\xBB\xBFbom", "bom", "");
    check(b"a\r\nb\rc", "a\nb\nc", "");
    check(
        b"\x1b[31mred\x1b[0m and \x1b]8;;http://x\x07link\x1b]8;;\x07",
        "red and link",
        "4 terminal colour codes",
    );
    check(b"a\0b\x07", "ab", "2 control characters");
    check(b"caf\xE9 au lait, very nice", "caf\u{FFFD} au lait, very nice", "1 places were replaced");
    check(&[0x80, 0x81, 0xFE, 0x90, b'a'], "\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}a", "binary");
    let utf16: Vec<u8> = "\u{FEFF}Error: x\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    check(&utf16, "Error: x\n", "UTF-16");
    let bare: Vec<u8> = "Traceback".encode_utf16().flat_map(u16::to_be_bytes).collect();
    check(&bare, "Traceback", "UTF-16");
    check(b"\x1b", "", "colour");
    check(b"", "", "");
}

#[test]
fn head_and_tail_of_a_huge_ticket_are_kept() {
    let mut bytes = b"first line\n".to_vec();
    bytes.extend(b"filler of the middle\n".repeat(300_000));
    bytes.extend(b"last line\n");
    let (text, notes) = text_and_notes(&bytes);
    assert!(
        text.starts_with("first line\n") && text.ends_with("last line\n") && text.contains("[... cut ...]")
    );
    assert!(text.len() <= 2 * KEEP_BYTES + 32);
    assert!(notes.contains("the middle was left out"), "{notes}");
}

#[test]
fn overlong_lines_are_cut() {
    let (text, notes) = text_and_notes(format!("a\n{}\nb\n", "x".repeat(40_000)).as_bytes());
    assert_eq!(text.lines().count(), 3);
    assert!(text.len() < KEEP_LINE_BYTES + 100 && notes.contains("1 overlong"), "{notes}");
}
