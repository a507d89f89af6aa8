/*!
Python. Assignments count as constants only at the top of a module or class.
*/

use tree_sitter::Node;

use super::{DefinitionScope, Grammar, ImportStatement, SymbolKind, SyntaxDefinition, field_text};
use crate::node::{line, text};

pub(crate) static GRAMMAR: Grammar = Grammar {
    language: || tree_sitter_python::LANGUAGE.into(),
    define,
    wrappers: &["decorated_definition"],
    unit_parents: &[
        "module",
        "block",
        "if_statement",
        "elif_clause",
        "else_clause",
        "try_statement",
        "except_clause",
        "finally_clause",
        "with_statement",
        "for_statement",
        "while_statement",
        "match_statement",
        "case_clause",
        "ERROR",
    ],
    bases: &["argument_list"],
    namespace: "",
    overloads: None,
    comments: &["comment"],
    calls: &[("call", "function", None)],
    import_nodes: &["import_statement", "import_from_statement", "future_import_statement"],
    import,
};

fn define(node: Node<'_>, source: &str, scope: DefinitionScope) -> Option<SyntaxDefinition> {
    match node.kind() {
        "function_definition" => {
            SyntaxDefinition::new(field_text(node, "name", source)?, SymbolKind::Function)
        }
        "class_definition" => SyntaxDefinition::new(field_text(node, "name", source)?, SymbolKind::Class),
        "assignment" if scope != DefinitionScope::Function => {
            let left = node.child_by_field_name("left").filter(|left| left.kind() == "identifier")?;
            SyntaxDefinition::new(text(left, source), SymbolKind::Constant)
        }
        _ => None,
    }
}

fn import(node: Node<'_>, source: &str) -> Vec<ImportStatement> {
    let mut cursor = node.walk();
    // `import a.b as c` names modules; `from m import x as y` names what is imported from a module.
    let named: Vec<(&str, &str)> = node
        .children_by_field_name("name", &mut cursor)
        .map(|item| match item.kind() {
            "aliased_import" => (
                field_text(item, "name", source).unwrap_or_default(),
                field_text(item, "alias", source).unwrap_or_default(),
            ),
            _ => (text(item, source), text(item, source)),
        })
        .collect();
    match field_text(node, "module_name", source) {
        Some(module) => {
            let mut names: Vec<String> = named.iter().map(|(name, _)| (*name).to_owned()).collect();
            let mut cursor = node.walk();
            if node.children(&mut cursor).any(|child| child.kind() == "wildcard_import") {
                names.push("*".into());
            }
            vec![ImportStatement { module: module.to_owned(), names, line: line(node) }]
        }
        None => named
            .iter()
            .map(|(name, _)| ImportStatement {
                module: (*name).to_owned(),
                names: Vec::new(),
                line: line(node),
            })
            .collect(),
    }
}
