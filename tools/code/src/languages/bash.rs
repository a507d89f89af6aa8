/*!
Shell scripts, read as Bash. Only functions are definitions; a file that `source` reads is an import.
*/

use tree_sitter::Node;

use super::{DefinitionScope, Grammar, ImportStatement, SymbolKind, SyntaxDefinition, field_text};
use crate::node::{line, text};

pub(crate) static GRAMMAR: Grammar = Grammar {
    language: || tree_sitter_bash::LANGUAGE.into(),
    define,
    wrappers: &[],
    unit_parents: &[],
    bases: &[],
    namespace: "",
    overloads: None,
    comments: &["comment"],
    calls: &[("command", "name", None)],
    import_nodes: &["command"],
    import,
};

fn define(node: Node<'_>, source: &str, _: DefinitionScope) -> Option<SyntaxDefinition> {
    match node.kind() {
        "function_definition" => {
            SyntaxDefinition::new(field_text(node, "name", source)?, SymbolKind::Function)
        }
        _ => None,
    }
}

fn import(node: Node<'_>, source: &str) -> Vec<ImportStatement> {
    let name = field_text(node, "name", source).unwrap_or_default();
    match node.child_by_field_name("argument") {
        Some(argument) if matches!(name, "source" | ".") => {
            let module = text(argument, source).trim_matches(['"', '\'']).to_owned();
            vec![ImportStatement { module, names: Vec::new(), line: line(node) }]
        }
        _ => Vec::new(),
    }
}
