/*!
C and C++. The name of a function is the innermost of its declarators; in C++ it may include its class
(`void Foo::bar()`). Macros in the position of a declaration confuse both grammars; definitions that they hide are missed.
*/

use tree_sitter::Node;

use super::{DefinitionScope, Grammar, ImportStatement, SymbolKind, SyntaxDefinition, field_text};
use crate::node::parameter_types;
use crate::node::{line, text};

pub(crate) static C: Grammar = grammar(|| tree_sitter_c::LANGUAGE.into(), None);
pub(crate) static CPP: Grammar = grammar(|| tree_sitter_cpp::LANGUAGE.into(), Some(parameters));

const fn grammar(
    language: fn() -> tree_sitter::Language,
    overloads: Option<fn(Node<'_>, &str) -> String>,
) -> Grammar {
    Grammar {
        language,
        define,
        wrappers: &["template_declaration"],
        unit_parents: &[
            "translation_unit",
            "preproc_if",
            "preproc_ifdef",
            "preproc_elif",
            "preproc_else",
            "linkage_specification",
            "declaration_list",
            "field_declaration_list",
            "declaration",
            "type_definition",
            "ERROR",
        ],
        bases: &["base_class_clause"],
        namespace: "",
        overloads,
        comments: &["comment"],
        calls: &[("call_expression", "function", None), ("new_expression", "type", None)],
        import_nodes: &["preproc_include"],
        import,
    }
}

fn define(node: Node<'_>, source: &str, scope: DefinitionScope) -> Option<SyntaxDefinition> {
    let with_body = |kind| {
        node.child_by_field_name("body")?;
        SyntaxDefinition::new(field_text(node, "name", source)?, kind)
    };
    match node.kind() {
        "function_definition" => {
            let name: String = declared_name(node, source)?.split_whitespace().collect();
            match name.rsplit_once("::") {
                Some((class, name)) => {
                    let mut definition = SyntaxDefinition::new(name, SymbolKind::Function)?;
                    definition.qualifier = Some(class.replace("::", "."));
                    Some(definition)
                }
                None => SyntaxDefinition::new(&name, SymbolKind::Function),
            }
        }
        "struct_specifier" | "union_specifier" => with_body(SymbolKind::Struct),
        "class_specifier" => with_body(SymbolKind::Class),
        "enum_specifier" => with_body(SymbolKind::Enum),
        "namespace_definition" => with_body(SymbolKind::Module),
        "type_definition" if scope != DefinitionScope::Function => {
            SyntaxDefinition::new(declared_name(node, source)?, SymbolKind::Type)
        }
        "preproc_function_def" | "preproc_def" => {
            SyntaxDefinition::new(field_text(node, "name", source)?, SymbolKind::Macro)
        }
        // Variables of the file; prototypes do not define anything.
        "declaration" if matches!(scope, DefinitionScope::File | DefinitionScope::Module) => {
            let declarator = node.child_by_field_name("declarator")?;
            if declarator.kind() != "init_declarator" {
                return None;
            }
            SyntaxDefinition::new(declared_name(node, source)?, SymbolKind::Constant)
        }
        _ => None,
    }
}

/// Follows `declarator` fields down to the name; pointers, arrays and functions wrap it.
fn declared_name<'s>(node: Node<'_>, source: &'s str) -> Option<&'s str> {
    let mut at = node.child_by_field_name("declarator")?;
    // A hostile file can nest declarators to any depth.
    for _ in 0..64 {
        let inner = at.child_by_field_name("declarator").or_else(|| match at.kind() {
            // References and parentheses have no field for their content.
            "reference_declarator" | "parenthesized_declarator" => at.named_child(0),
            _ => None,
        });
        match inner {
            Some(inner) => at = inner,
            None => return Some(text(at, source)),
        }
    }
    None
}

/// C++ tells functions of one name apart by their parameters.
fn parameters(node: Node<'_>, source: &str) -> String {
    let mut at = node;
    // A hostile file can nest declarators to any depth.
    for _ in 0..64 {
        if at.kind() == "function_declarator"
            && let Some(list) = at.child_by_field_name("parameters")
        {
            return parameter_types(list, source, |kind| kind.ends_with("parameter_declaration"));
        }
        match at.child_by_field_name("declarator").or_else(|| at.named_child(0)) {
            Some(inner) if node.kind() == "function_definition" => at = inner,
            _ => break,
        }
    }
    String::new()
}

fn import(node: Node<'_>, source: &str) -> Vec<ImportStatement> {
    let path =
        field_text(node, "path", source).map(|path| path.trim_matches(['"', '<', '>', ' ']).to_owned());
    path.map_or_else(Vec::new, |module| vec![ImportStatement { module, names: Vec::new(), line: line(node) }])
}
