/*!
Go. A method belongs to the type of its receiver, wherever the method is written.
*/

use tree_sitter::Node;

use super::{DefinitionScope, Grammar, ImportStatement, SymbolKind, SyntaxDefinition, field_text};
use crate::node::{line, text};

pub(crate) static GRAMMAR: Grammar = Grammar {
    language: || tree_sitter_go::LANGUAGE.into(),
    define,
    wrappers: &[],
    unit_parents: &["source_file", "type_declaration", "ERROR"],
    bases: &[],
    namespace: "",
    overloads: None,
    comments: &["comment"],
    calls: &[("call_expression", "function", None)],
    import_nodes: &["import_spec"],
    import,
};

fn define(node: Node<'_>, source: &str, scope: DefinitionScope) -> Option<SyntaxDefinition> {
    let named = |kind| SyntaxDefinition::new(field_text(node, "name", source)?, kind);
    match node.kind() {
        "function_declaration" => named(SymbolKind::Function),
        "method_declaration" => {
            let mut definition = named(SymbolKind::Method)?;
            let receiver = field_text(node, "receiver", source)?;
            // `(s *Server[T])` belongs to Server.
            let of = receiver.trim_matches(['(', ')', ' ']).split('[').next().unwrap_or_default();
            definition.qualifier =
                of.rsplit([' ', '*', ',']).next().filter(|t| !t.is_empty()).map(str::to_owned);
            Some(definition)
        }
        "type_spec" | "type_alias" => {
            let kind = match node.child_by_field_name("type").map(|of| of.kind()) {
                Some("struct_type") => SymbolKind::Struct,
                Some("interface_type") => SymbolKind::Interface,
                _ => SymbolKind::Type,
            };
            named(kind)
        }
        "const_spec" | "var_spec" if scope == DefinitionScope::File => named(SymbolKind::Constant),
        _ => None,
    }
}

fn import(node: Node<'_>, source: &str) -> Vec<ImportStatement> {
    let path =
        node.child_by_field_name("path").map(|path| text(path, source).trim_matches(['"', '`']).to_owned());
    path.map_or_else(Vec::new, |module| vec![ImportStatement { module, names: Vec::new(), line: line(node) }])
}
