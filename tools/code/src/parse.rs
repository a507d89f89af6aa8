/*!
Parsing within limits, and the only loop that walks a tree. Grammars are written for normal code; a hostile or
generated file can make them slow. So size and time are bounded, and depth only costs heap memory.
*/

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use tree_sitter::{InputEdit, Node, ParseOptions, Parser, Point, Tree};

use super::languages::SourceLanguage;

/// Larger sources are not parsed: they are generated or minified.
const MAX_SOURCE_BYTES: usize = 4 << 20;
/// A normal file of the maximum size parses in less time.
const MAX_PARSE_TIME: Duration = Duration::from_millis(1500);

/// The syntax tree, or `None` when the source is too large or parsing takes too long. Errors in the source are
/// allowed: the tree then contains error nodes.
pub(crate) fn parse(source: &str, lang: SourceLanguage) -> Option<Tree> {
    parse_after(source, lang, None)
}

/// As [`parse`], for a later version of a source whose tree is known: only the changed part is parsed again.
pub(crate) fn parse_after(
    source: &str,
    lang: SourceLanguage,
    earlier: Option<(&str, &Tree)>,
) -> Option<Tree> {
    if source.len() > MAX_SOURCE_BYTES {
        return None;
    }
    let mut parser = Parser::new();
    parser.set_language(&(lang.grammar().language)()).ok()?;
    let start = Instant::now();
    let mut in_time = |_: &tree_sitter::ParseState| {
        if start.elapsed() > MAX_PARSE_TIME { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let bytes = source.as_bytes();
    let earlier = earlier.map(|(text, tree)| {
        let mut tree = tree.clone();
        // From the end to the front, so that an edit does not move the places of those that follow.
        for edit in edits(text, source).iter().rev() {
            tree.edit(edit);
        }
        tree
    });
    parser.parse_with_options(
        &mut |at, _| bytes.get(at..).unwrap_or_default(),
        earlier.as_ref(),
        Some(ParseOptions::new().progress_callback(&mut in_time)),
    )
}

/// Shorter differing stretches are one edit: parsing them again costs less than comparing their lines.
const MIN_COMPARED: usize = 600;
/// Comparing the lines of two texts that have little in common takes longer than parsing.
const MAX_COMPARE_TIME: Duration = Duration::from_millis(20);

/// What differs between two texts, from the front to the end, in the places of the old one.
fn edits(old: &str, new: &str) -> Vec<InputEdit> {
    let (a, b) = (old.as_bytes(), new.as_bytes());
    let front = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let left = a.len().min(b.len()) - front;
    let back = a.iter().rev().zip(b.iter().rev()).take(left).take_while(|(a, b)| a == b).count();
    let (old_end, new_end) = (a.len() - back, b.len() - back);
    let mut place = PlaceInText { text: a, at: 0, point: Point::new(0, 0) };
    if (old_end - front).min(new_end - front) < MIN_COMPARED {
        return vec![place.edit(front, old_end, b.get(front..new_end).unwrap_or_default())];
    }
    // Whole lines: the stretch begins after the line break before it.
    let from =
        a.get(..front).unwrap_or_default().iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let lines = |text: &'_ [u8], end: usize| -> Vec<(usize, usize)> {
        let mut lines = Vec::new();
        let mut start = from;
        while start < end {
            let rest = text.get(start..end).unwrap_or_default();
            let length = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
            lines.push((start, start + length));
            start += length;
        }
        lines
    };
    let (old_lines, new_lines) = (lines(a, old_end), lines(b, new_end));
    let deadline = Some(Instant::now() + MAX_COMPARE_TIME);
    let compared = similar::capture_diff_slices_deadline(
        similar::Algorithm::Myers,
        &texts(a, &old_lines),
        &texts(b, &new_lines),
        deadline,
    );
    let bytes = |lines: &[(usize, usize)], range: std::ops::Range<usize>, end: usize| {
        let start = lines.get(range.start).map_or(end, |line| line.0);
        let last = range.end.checked_sub(1).filter(|last| *last >= range.start);
        start..last.and_then(|last| lines.get(last)).map_or(start, |line| line.1)
    };
    let changed = compared.iter().filter(|op| op.tag() != similar::DiffTag::Equal);
    let edits = changed.map(|op| {
        let (old, new) =
            (bytes(&old_lines, op.old_range(), old_end), bytes(&new_lines, op.new_range(), new_end));
        place.edit(old.start, old.end, b.get(new).unwrap_or_default())
    });
    edits.collect()
}

/// The text of each line.
fn texts<'t>(text: &'t [u8], lines: &[(usize, usize)]) -> Vec<&'t [u8]> {
    lines.iter().map(|(start, end)| text.get(*start..*end).unwrap_or_default()).collect()
}

/// Rows and columns of a text, read from the front to the end.
struct PlaceInText<'t> {
    text: &'t [u8],
    at: usize,
    point: Point,
}

impl PlaceInText<'_> {
    /// The replacement of `start..end` by `with`. Starts must ascend.
    fn edit(&mut self, start: usize, end: usize, with: &[u8]) -> InputEdit {
        let start_position = self.point_at(start);
        let old_end_position = self.point_at(end);
        InputEdit {
            start_byte: start,
            old_end_byte: end,
            new_end_byte: start + with.len(),
            start_position,
            old_end_position,
            new_end_position: after(start_position, with),
        }
    }

    fn point_at(&mut self, at: usize) -> Point {
        self.point = after(self.point, self.text.get(self.at..at).unwrap_or_default());
        self.at = self.at.max(at);
        self.point
    }
}

/// The place after `text` that starts at `point`; columns are bytes.
fn after(point: Point, text: &[u8]) -> Point {
    let rows = memchr::memchr_iter(b'\n', text).count();
    match memchr::memrchr(b'\n', text) {
        Some(last) => Point { row: point.row + rows, column: text.len() - last - 1 },
        None => Point { row: point.row, column: point.column + text.len() },
    }
}

/// Whether a walk continues into the children of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WalkInto {
    Children,
    Skip,
}

/// Deeper nodes are not visited. Hand-written code has a few dozen levels; looking up a node's parent or sibling
/// takes time proportional to its depth.
const MAX_DEPTH: usize = 1_000;

/// Visits nodes in source order with their depth (0 for the root). Returns false when some nodes were too deep to
/// be visited.
pub(crate) fn walk<'tree>(tree: &'tree Tree, visit: impl FnMut(Node<'tree>, usize) -> WalkInto) -> bool {
    walk_from(tree.root_node(), visit)
}

/// As [`walk`], for a node and what is in it.
pub(crate) fn walk_from<'tree>(
    node: Node<'tree>,
    mut visit: impl FnMut(Node<'tree>, usize) -> WalkInto,
) -> bool {
    let mut cursor = node.walk();
    let (mut depth, mut complete) = (0, true);
    loop {
        if visit(cursor.node(), depth) == WalkInto::Children {
            if depth >= MAX_DEPTH {
                complete &= cursor.node().child_count() == 0;
            } else if cursor.goto_first_child() {
                depth += 1;
                continue;
            }
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return complete;
            }
            depth -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree that grew out of an earlier one is the tree that a parser makes of the text alone.
    #[test]
    fn a_later_version_has_the_tree_of_its_text() {
        let mut random = fastrand::Rng::with_seed(7);
        let mut lines: Vec<String> =
            (0..120).map(|n| format!("def f{n}(a):\n    return a + {n}  # note\n")).collect();
        let mut old = lines.concat();
        let mut tree = parse(&old, SourceLanguage::Python).unwrap();
        for round in 0..60 {
            for _ in 0..random.usize(1..6) {
                let at = random.usize(0..lines.len());
                match random.u8(0..3) {
                    0 => _ = lines.remove(at),
                    1 => lines.insert(at, format!("class C{round}:\n    x = '''{at}\n    y'''\n\n")),
                    _ => lines[at] = format!("if a{round}:\n    def g{at}():\n        pass\n"),
                }
            }
            let new = lines.concat();
            let grown = parse_after(&new, SourceLanguage::Python, Some((&old, &tree))).unwrap();
            let fresh = parse(&new, SourceLanguage::Python).unwrap();
            assert_eq!(grown.root_node().to_sexp(), fresh.root_node().to_sexp(), "round {round}");
            (old, tree) = (new, grown);
        }
    }

    #[test]
    fn edits_replace_what_differs() {
        let apply = |old: &str, new: &str| {
            let mut text = old.to_owned();
            let edits = edits(old, new);
            for edit in edits.iter().rev() {
                let with = edit.new_end_byte - edit.start_byte;
                // The places of the new text: those of the old one, moved by the edits before.
                let before = edits.iter().filter(|other| other.start_byte < edit.start_byte);
                let moved: isize =
                    before.map(|other| other.new_end_byte as isize - other.old_end_byte as isize).sum();
                let start = edit.start_byte.strict_add_signed(moved);
                text.replace_range(edit.start_byte..edit.old_end_byte, &new[start..start + with]);
            }
            text
        };
        let long = |from: usize| (from..from + 200).map(|n| format!("line {n}\n")).collect::<String>();
        let cases = [
            ("", ""),
            ("a", ""),
            ("", "b\n"),
            ("a\nb\n", "a\nc\nb\n"),
            (&*long(0), &*long(3)),
            (&*long(0), &*format!("x\n{}y", long(0).replace("line 77\n", "").replace("line 150", "other"))),
        ];
        for (old, new) in cases {
            assert_eq!(apply(old, new), new);
        }
    }
}
