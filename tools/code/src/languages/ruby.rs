/*!
Ruby. Reopened classes and modules are ordinary definitions; methods defined by metaprogramming are missed.
*/

use tree_sitter::Node;

use super::{DefinitionScope, Grammar, ImportStatement, SymbolKind, SyntaxDefinition, field_text};
use crate::node::{line, text};

pub(crate) static GRAMMAR: Grammar = Grammar {
    language: || tree_sitter_ruby::LANGUAGE.into(),
    define,
    wrappers: &[],
    unit_parents: &[],
    bases: &["superclass"],
    namespace: "",
    overloads: None,
    comments: &["comment"],
    calls: &[("call", "method", Some("receiver"))],
    import_nodes: &["call"],
    import,
};

fn define(node: Node<'_>, source: &str, scope: DefinitionScope) -> Option<SyntaxDefinition> {
    let named = |kind| SyntaxDefinition::new(field_text(node, "name", source)?, kind);
    match node.kind() {
        "method" => named(SymbolKind::Function),
        "singleton_method" => named(SymbolKind::Method),
        "class" => named(SymbolKind::Class),
        "module" if node.is_named() => named(SymbolKind::Module),
        "assignment" if scope != DefinitionScope::Function => {
            let left = node.child_by_field_name("left").filter(|left| left.kind() == "constant")?;
            SyntaxDefinition::new(text(left, source), SymbolKind::Constant)
        }
        _ => None,
    }
}

/// `require "x"` and `require_relative "x"`.
fn import(node: Node<'_>, source: &str) -> Vec<ImportStatement> {
    let method = field_text(node, "method", source).unwrap_or_default();
    let argument = node.child_by_field_name("arguments").and_then(|list| list.named_child(0));
    match argument {
        Some(argument) if matches!(method, "require" | "require_relative" | "load") => {
            let module = text(argument, source).trim_matches(['"', '\'']).to_owned();
            vec![ImportStatement { module, names: Vec::new(), line: line(node) }]
        }
        _ => Vec::new(),
    }
}
