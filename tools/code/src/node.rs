/*!
The source of a syntax node: its text and its lines, and the types that a list of parameters names.
*/

use tree_sitter::Node;

/// Longest name kept, in characters.
pub(crate) const MAX_NAME: usize = 200;

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

/// The types of parameters, as `(int,String[])`: for languages in which several functions share a name.
pub(crate) fn parameter_types(list: Node<'_>, source: &str, is_parameter: fn(&str) -> bool) -> String {
    let mut out = String::from("(");
    let mut cursor = list.walk();
    for parameter in list.named_children(&mut cursor).filter(|node| is_parameter(node.kind())) {
        if out.len() > 1 {
            out.push(',');
        }
        let typed = parameter.child_by_field_name("type");
        // A variable number of parameters has a type without a field name.
        let typed = typed.or_else(|| {
            let mut inner = parameter.walk();
            parameter.named_children(&mut inner).find(|child| child.kind().contains("type"))
        });
        let written = typed.map_or("", |node| text(node, source));
        out.extend(written.chars().filter(|c| !c.is_whitespace()).take(MAX_NAME));
        if parameter.kind() == "spread_parameter" {
            out.push_str("...");
        }
        let dimensions = parameter.child_by_field_name("dimensions");
        out.push_str(dimensions.map_or("", |node| text(node, source)));
    }
    out.push(')');
    out
}

/// What stands on the line before a node.
pub(crate) fn text_before<'s>(node: Node<'_>, source: &'s str) -> &'s str {
    let line_start = node.start_byte().saturating_sub(node.start_position().column);
    source.get(line_start..node.start_byte()).unwrap_or_default()
}
