/*!
Parsing within limits, and the one loop that walks a tree. Grammars are written for honest code: a hostile or
generated file can make them slow, so size and time are bounded, and depth costs memory on the heap only.
*/

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use tree_sitter::{InputEdit, Node, ParseOptions, Parser, Point, Tree};

use super::languages::Lang;

/// Larger sources are not parsed: they are generated or minified.
pub const MAX_SOURCE_BYTES: usize = 4 << 20;
/// An honest file of the largest size parses in less.
const MAX_PARSE_TIME: Duration = Duration::from_millis(1500);

/// The syntax tree, or nothing when the source is too large or took too long. Errors in the source are no
/// hindrance: the tree then holds error nodes.
pub(crate) fn parse(source: &str, lang: Lang) -> Option<Tree> {
    parse_after(source, lang, None)
}

/// The same for a later version of a source whose tree is known: only what changed is parsed again.
pub(crate) fn parse_after(source: &str, lang: Lang, earlier: Option<(&str, &Tree)>) -> Option<Tree> {
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

/// Everything between the first and the last byte that differ, as one edit.
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

/// Whether a walk goes on into the children of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Into {
    Children,
    Skip,
}

/// Deeper nodes are not visited. Hand-written code stays below some dozens; asking a node for its parent or
/// sibling costs as much as it is deep.
const MAX_DEPTH: usize = 1_000;

/// Visits nodes in source order with their depth (0 for the root). False when some lay too deep to be visited.
pub(crate) fn walk<'tree>(tree: &'tree Tree, mut visit: impl FnMut(Node<'tree>, usize) -> Into) -> bool {
    let mut cursor = tree.walk();
    let (mut depth, mut complete) = (0, true);
    loop {
        if visit(cursor.node(), depth) == Into::Children {
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

pub(crate) fn text<'s>(node: Node<'_>, source: &'s str) -> &'s str {
    source.get(node.byte_range()).unwrap_or_default()
}

/// 1-based line a node starts on.
pub(crate) fn line(node: Node<'_>) -> u32 {
    u32::try_from(node.start_position().row).unwrap_or(u32::MAX).saturating_add(1)
}

/// 1-based line a node ends on, both included.
pub(crate) fn end_line(node: Node<'_>) -> u32 {
    let end = node.end_position();
    // Some grammars count the newline in: the end is then the start of the next line.
    let row = if end.column == 0 && end.row > node.start_position().row { end.row - 1 } else { end.row };
    u32::try_from(row).unwrap_or(u32::MAX).saturating_add(1)
}
