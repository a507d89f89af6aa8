/*!
PHP, in files that may hold HTML as well. Namespaces are no part of a unit's name.
*/

use tree_sitter::Node;

use super::{DefinitionScope, Grammar, ImportStatement, SymbolKind, SyntaxDefinition, field_text};
use crate::node::{line, text};

pub(crate) static GRAMMAR: Grammar = Grammar {
    language: || tree_sitter_php::LANGUAGE_PHP.into(),
    define,
    wrappers: &[],
    unit_parents: &[],
    bases: &["base_clause", "class_interface_clause"],
    namespace: "",
    overloads: None,
    comments: &["comment"],
    calls: &[
        ("function_call_expression", "function", None),
        ("member_call_expression", "name", Some("object")),
        ("nullsafe_member_call_expression", "name", Some("object")),
        ("scoped_call_expression", "name", Some("scope")),
    ],
    import_nodes: &[
        "namespace_use_declaration",
        "require_expression",
        "require_once_expression",
        "include_expression",
        "include_once_expression",
    ],
    import,
};

fn define(node: Node<'_>, source: &str, _: DefinitionScope) -> Option<SyntaxDefinition> {
    let named = |kind| SyntaxDefinition::new(field_text(node, "name", source)?, kind);
    match node.kind() {
        "function_definition" => named(SymbolKind::Function),
        "method_declaration" => named(SymbolKind::Method),
        "class_declaration" => named(SymbolKind::Class),
        "interface_declaration" => named(SymbolKind::Interface),
        "trait_declaration" => named(SymbolKind::Trait),
        "enum_declaration" => named(SymbolKind::Enum),
        "enum_case" => named(SymbolKind::Constant),
        "const_element" => SyntaxDefinition::new(text(node.named_child(0)?, source), SymbolKind::Constant),
        "property_element" => SyntaxDefinition::new(
            text(node.named_child(0)?, source).trim_start_matches('$'),
            SymbolKind::Field,
        ),
        _ => None,
    }
}

/// `use App\Shop\Cart;`, `use function App\total;`, `require_once 'shop.php';`
fn import(node: Node<'_>, source: &str) -> Vec<ImportStatement> {
    let line = line(node);
    if node.kind() != "namespace_use_declaration" {
        let written = node.named_child(0).filter(|path| matches!(path.kind(), "string" | "encapsed_string"));
        let path = written.map(|path| text(path, source).trim_matches(['"', '\'']).to_owned());
        return path.into_iter().map(|module| ImportStatement { module, names: Vec::new(), line }).collect();
    }
    let mut cursor = node.walk();
    let clauses = node.named_children(&mut cursor).filter(|child| child.kind() == "namespace_use_clause");
    let imported = clauses.filter_map(|clause| {
        let written = text(clause.named_child(0)?, source).trim_start_matches('\\');
        let (module, name) = written.rsplit_once('\\').unwrap_or(("", written));
        Some(ImportStatement { module: module.to_owned(), names: vec![name.to_owned()], line })
    });
    imported.collect()
}
