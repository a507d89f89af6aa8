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
        tree.edit(&one_edit(text, source));
        tree
    });
    parser.parse_with_options(
        &mut |at, _| bytes.get(at..).unwrap_or_default(),
        earlier.as_ref(),
        Some(ParseOptions::new().progress_callback(&mut in_time)),
    )
}

/// Everything between the first and the last byte that differ, as a single edit.
fn one_edit(old: &str, new: &str) -> InputEdit {
    let (old, new) = (old.as_bytes(), new.as_bytes());
    let front = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let left = old.len().min(new.len()) - front;
    let back = old.iter().rev().zip(new.iter().rev()).take(left).take_while(|(a, b)| a == b).count();
    let point = |text: &[u8], at: usize| {
        let head = text.get(..at).unwrap_or_default();
        let row = head.iter().filter(|byte| **byte == b'\n').count();
        let column = head.iter().rev().take_while(|byte| **byte != b'\n').count();
        Point { row, column }
    };
    let (old_end, new_end) = (old.len() - back, new.len() - back);
    InputEdit {
        start_byte: front,
        old_end_byte: old_end,
        new_end_byte: new_end,
        start_position: point(old, front),
        old_end_position: point(old, old_end),
        new_end_position: point(new, new_end),
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
pub(crate) fn walk<'tree>(tree: &'tree Tree, mut visit: impl FnMut(Node<'tree>, usize) -> WalkInto) -> bool {
    let mut cursor = tree.walk();
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
