/*!
Java. A constructor has the name of its class; `<init>` frames of stack traces are mapped to that name.
*/

use tree_sitter::Node;

use super::{DefinitionScope, Grammar, ImportStatement, SymbolKind, SyntaxDefinition, field_text};
use crate::node::parameter_types;
use crate::node::{line, text};

pub(crate) static GRAMMAR: Grammar = Grammar {
    language: || tree_sitter_java::LANGUAGE.into(),
    define,
    wrappers: &[],
    unit_parents: &[],
    bases: &["superclass", "super_interfaces", "extends_interfaces", "permits"],
    namespace: "package_declaration",
    overloads: Some(parameters),
    comments: &["line_comment", "block_comment"],
    calls: &[("method_invocation", "name", Some("object")), ("object_creation_expression", "type", None)],
    import_nodes: &["import_declaration"],
    import,
};

fn define(node: Node<'_>, source: &str, _: DefinitionScope) -> Option<SyntaxDefinition> {
    let named = |kind| SyntaxDefinition::new(field_text(node, "name", source)?, kind);
    match node.kind() {
        "class_declaration" | "record_declaration" => named(SymbolKind::Class),
        "interface_declaration" | "annotation_type_declaration" => named(SymbolKind::Interface),
        "enum_declaration" => named(SymbolKind::Enum),
        "method_declaration" | "constructor_declaration" | "compact_constructor_declaration" => {
            named(SymbolKind::Method)
        }
        "field_declaration" | "constant_declaration" => {
            let name = field_text(node.child_by_field_name("declarator")?, "name", source)?;
            SyntaxDefinition::new(name, SymbolKind::Field)
        }
        "enum_constant" => named(SymbolKind::Constant),
        _ => None,
    }
}

fn parameters(node: Node<'_>, source: &str) -> String {
    let list = node.child_by_field_name("parameters");
    list.map_or_else(String::new, |list| {
        parameter_types(list, source, |kind| matches!(kind, "formal_parameter" | "spread_parameter"))
    })
}

fn import(node: Node<'_>, source: &str) -> Vec<ImportStatement> {
    let written = text(node, source).trim_start_matches("import").trim().trim_end_matches(';').trim();
    let path: String = written.trim_start_matches("static ").split_whitespace().collect();
    match path.rsplit_once('.') {
        Some((module, name)) => {
            vec![ImportStatement {
                module: module.to_owned(),
                names: vec![name.to_owned()],
                line: line(node),
            }]
        }
        None => Vec::new(),
    }
}
