use super::*;

#[test]
fn takes_pieces_back() {
    let (old, new) = ("a\nb\nc\nd\n", "a\nB\nC\nd\ne\n");
    let piece =
        |old_start, old_lines, new_start, new_lines| LineHunk { old_start, old_lines, new_start, new_lines };
    let pieces = [piece(2, 1, 2, 1), piece(3, 1, 3, 1), piece(4, 0, 5, 1)];
    assert_eq!(apply_pieces(old, new, &pieces, &[]), new);
    assert_eq!(apply_pieces(old, new, &pieces, &[1]), "a\nB\nc\nd\ne\n");
    assert_eq!(apply_pieces(old, new, &pieces, &[2, 0]), "a\nb\nC\nd\n");
    assert_eq!(apply_pieces(old, new, &pieces, &[0, 1, 2, 2, 9]), old);
    assert_eq!(contiguous(&pieces), [vec![0, 1], vec![2]]);
    assert_eq!(
        apply_pieces("a\r\nb", "a\r\nb\r\nc", &[piece(1, 0, 2, 1), piece(2, 1, 3, 1)], &[1]),
        "a\r\nb\r\nb"
    );
    // Hostile numbers.
    assert_eq!(apply_pieces("x\n", "y\n", &[piece(u32::MAX, u32::MAX, u32::MAX, u32::MAX)], &[0]), "y\n");
}

#[test]
fn finds_line_hunks_and_inverts_them() {
    for (old, new) in [
        ("", "a\n"),
        ("a\n", ""),
        ("a\nb\n", "b\na\n"),
        ("a\nb\nc", "a\nx\ny\nc\n"),
        ("", ""),
        ("\n\n", "\n"),
    ] {
        let hunks = line_hunks(old, new);
        let all: Vec<usize> = (0..hunks.len()).collect();
        assert_eq!(apply_pieces(old, new, &hunks, &all), old, "{hunks:?}");
    }
}
