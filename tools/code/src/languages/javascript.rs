/*!
JavaScript and TypeScript, whose grammars share their node kinds. A function gets the name it is assigned to:
`const f = () => …`, `exports.f = function …`, `Foo.prototype.bar = …`, `{ f: function … }`.
*/

use tree_sitter::Node;

use super::{DefinitionScope, Grammar, ImportStatement, SymbolKind, SyntaxDefinition, field_text};
use crate::node::{line, text};

/// Parts of a name that say where a function is put, not what it is called.
pub(crate) const PLACE_WORDS: [&str; 5] = ["module", "exports", "prototype", "this", "window"];

pub(crate) static JAVASCRIPT: Grammar = grammar(|| tree_sitter_javascript::LANGUAGE.into());
pub(crate) static TYPESCRIPT: Grammar = grammar(|| tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into());
pub(crate) static TSX: Grammar = grammar(|| tree_sitter_typescript::LANGUAGE_TSX.into());

const fn grammar(language: fn() -> tree_sitter::Language) -> Grammar {
    Grammar {
        language,
        define,
        wrappers: &["export_statement"],
        unit_parents: &[],
        bases: &["class_heritage", "extends_type_clause"],
        namespace: "",
        overloads: None,
        comments: &["comment", "html_comment"],
        calls: &[("call_expression", "function", None), ("new_expression", "constructor", None)],
        import_nodes: &["import_statement", "call_expression", "export_statement"],
        import,
    }
}

fn define(node: Node<'_>, source: &str, scope: DefinitionScope) -> Option<SyntaxDefinition> {
    let named = |kind| SyntaxDefinition::new(field_text(node, "name", source)?, kind);
    match node.kind() {
        "function_declaration" | "generator_function_declaration" | "function_signature" => {
            named(SymbolKind::Function)
        }
        "class_declaration" | "abstract_class_declaration" => named(SymbolKind::Class),
        "method_definition" | "abstract_method_signature" => named(SymbolKind::Method),
        "interface_declaration" => named(SymbolKind::Interface),
        "enum_declaration" => named(SymbolKind::Enum),
        "type_alias_declaration" => named(SymbolKind::Type),
        "internal_module" | "module" if node.is_named() => named(SymbolKind::Module),
        "variable_declarator" => {
            let name = node.child_by_field_name("name").filter(|name| name.kind() == "identifier")?;
            match kind_of_value(node, "value") {
                Some(kind) => SyntaxDefinition::new(text(name, source), kind),
                None if matches!(scope, DefinitionScope::File | DefinitionScope::Module) => {
                    SyntaxDefinition::new(text(name, source), SymbolKind::Constant)
                }
                None => None,
            }
        }
        "pair" => {
            let kind = kind_of_value(node, "value")?;
            let key = field_text(node, "key", source)?.trim_matches(['"', '\'']);
            SyntaxDefinition::new(key, kind)
        }
        "field_definition" | "public_field_definition" => {
            let name = node
                .child_by_field_name("property")
                .or_else(|| node.child_by_field_name("name"))
                .map(|n| text(n, source))?;
            SyntaxDefinition::new(name, kind_of_value(node, "value").unwrap_or(SymbolKind::Field))
        }
        "assignment_expression" => {
            let kind = kind_of_value(node, "right")?;
            let left = node.child_by_field_name("left")?;
            if !matches!(left.kind(), "member_expression" | "identifier") {
                return None;
            }
            let parts: Vec<&str> = text(left, source)
                .split('.')
                .map(str::trim)
                .filter(|part| !PLACE_WORDS.contains(part))
                .collect();
            let Some((name, qualifier)) = parts.split_last() else {
                // `module.exports = function tokenize() {}`
                return SyntaxDefinition::new(
                    field_text(node.child_by_field_name("right")?, "name", source)?,
                    kind,
                );
            };
            let mut definition = SyntaxDefinition::new(name, kind)?;
            definition.qualifier = (!qualifier.is_empty()).then(|| qualifier.join("."));
            Some(definition)
        }
        _ => None,
    }
}

fn kind_of_value(node: Node<'_>, field: &str) -> Option<SymbolKind> {
    match node.child_by_field_name(field)?.kind() {
        "arrow_function" | "function_expression" | "function" | "generator_function" => {
            Some(SymbolKind::Function)
        }
        "class" => Some(SymbolKind::Class),
        _ => None,
    }
}

fn import(node: Node<'_>, source: &str) -> Vec<ImportStatement> {
    let unquoted = |node: Node<'_>| text(node, source).trim_matches(['"', '\'', '`']).to_owned();
    if node.kind() == "call_expression" {
        // `require("x")` and `import("x")`
        let callee = field_text(node, "function", source).unwrap_or_default();
        let argument = node.child_by_field_name("arguments").and_then(|list| list.named_child(0));
        return match argument {
            Some(argument) if matches!(callee, "require" | "import") && argument.kind() == "string" => {
                vec![ImportStatement { module: unquoted(argument), names: Vec::new(), line: line(node) }]
            }
            _ => Vec::new(),
        };
    }
    let Some(module) = node.child_by_field_name("source") else { return Vec::new() };
    let mut names = Vec::new();
    let mut stack = vec![node];
    while let Some(next) = stack.pop() {
        match next.kind() {
            "import_specifier" | "export_specifier" => {
                names.extend(field_text(next, "name", source).map(str::to_owned));
            }
            "import_clause" | "named_imports" | "export_clause" | "import_statement" | "export_statement" => {
                let mut cursor = next.walk();
                let children: Vec<_> = next.named_children(&mut cursor).collect();
                stack.extend(children.into_iter().rev());
            }
            "namespace_import" => names.push("*".into()),
            "identifier" => names.push(text(next, source).to_owned()),
            _ => {}
        }
    }
    vec![ImportStatement { module: unquoted(module), names, line: line(node) }]
}
