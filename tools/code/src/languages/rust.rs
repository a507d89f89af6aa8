/*!
Rust. An `impl` block is not a symbol, but names the type its functions belong to.
*/

use tree_sitter::Node;

use super::{DefinitionScope, Grammar, ImportStatement, SymbolKind, SyntaxDefinition, field_text};
use crate::node::{line, text};

pub(crate) static GRAMMAR: Grammar = Grammar {
    language: || tree_sitter_rust::LANGUAGE.into(),
    define,
    wrappers: &[],
    unit_parents: &["source_file", "declaration_list", "block", "ERROR"],
    bases: &["trait_bounds"],
    namespace: "",
    overloads: None,
    comments: &["line_comment", "block_comment"],
    calls: &[("call_expression", "function", None), ("macro_invocation", "macro", None)],
    import_nodes: &["use_declaration", "extern_crate_declaration", "mod_item"],
    import,
};

fn define(node: Node<'_>, source: &str, scope: DefinitionScope) -> Option<SyntaxDefinition> {
    let named = |kind| SyntaxDefinition::new(field_text(node, "name", source)?, kind);
    match node.kind() {
        "function_item" | "function_signature_item" => named(SymbolKind::Function),
        "struct_item" | "union_item" => named(SymbolKind::Struct),
        "enum_item" => named(SymbolKind::Enum),
        "trait_item" => named(SymbolKind::Trait),
        "mod_item" if node.child_by_field_name("body").is_some() => named(SymbolKind::Module),
        "type_item" | "associated_type" => named(SymbolKind::Type),
        "macro_definition" => named(SymbolKind::Macro),
        "const_item" | "static_item" if scope != DefinitionScope::Function => named(SymbolKind::Constant),
        "impl_item" => {
            let of = node.child_by_field_name("type")?;
            // `impl<T> Foo<T>` belongs to Foo.
            let bare = of.child_by_field_name("type").unwrap_or(of);
            let name = text(bare, source).rsplit("::").next()?.to_owned();
            Some(SyntaxDefinition { name, qualifier: None, kind: None, opens: Some(DefinitionScope::Type) })
        }
        _ => None,
    }
}

fn import(node: Node<'_>, source: &str) -> Vec<ImportStatement> {
    let of = |module: String, names: Vec<String>| vec![ImportStatement { module, names, line: line(node) }];
    match node.kind() {
        "mod_item" if node.child_by_field_name("body").is_none() => {
            field_text(node, "name", source).map_or_else(Vec::new, |name| of(name.to_owned(), Vec::new()))
        }
        "mod_item" => Vec::new(),
        "extern_crate_declaration" => {
            field_text(node, "name", source).map_or_else(Vec::new, |name| of(name.to_owned(), Vec::new()))
        }
        _ => {
            let squeezed = without_aliases(field_text(node, "argument", source).unwrap_or_default());
            match squeezed.split_once('{') {
                Some((module, list)) => {
                    let names = list.split(['{', '}', ',']).map(|name| name.trim_end_matches("::"));
                    let names = names.filter(|name| !name.is_empty());
                    of(module.trim_end_matches("::").to_owned(), names.map(str::to_owned).collect())
                }
                None => match squeezed.rsplit_once("::") {
                    Some((module, name)) => of(module.to_owned(), vec![name.to_owned()]),
                    None => of(squeezed, Vec::new()),
                },
            }
        }
    }
}

/// `a::{b as c, d}` without white space and without aliases: `a::{b,d}`.
fn without_aliases(written: &str) -> String {
    let spaced = written.replace('{', " { ").replace('}', " } ").replace(',', " , ");
    let mut words = spaced.split_whitespace();
    let mut bare = String::new();
    while let Some(word) = words.next() {
        if word == "as" {
            words.next();
        } else {
            bare.push_str(word);
        }
    }
    bare
}
