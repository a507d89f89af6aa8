/*!
The source of a syntax node: its text and its lines.
*/

use tree_sitter::Node;

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
    // Some grammars include the newline: the end is then the start of the next line.
    let row = if end.column == 0 && end.row > node.start_position().row { end.row - 1 } else { end.row };
    u32::try_from(row).unwrap_or(u32::MAX).saturating_add(1)
}
