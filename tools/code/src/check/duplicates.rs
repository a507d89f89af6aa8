/*!
Duplicate names and keys: in one literal, one parameter list or one scope.
*/

use std::collections::BTreeMap;

use super::{CodeFinding, ProblemKind};
use crate::SourceLanguage;
use crate::syntax::kinds::is_block;
use crate::syntax::{Row, SyntaxTable};

/// The same key twice in one dictionary, object, map or structure literal, or among keyword arguments.
pub(super) fn keys(table: &SyntaxTable<'_>, row: Row, found: &mut Vec<CodeFinding>) {
    let is_literal = matches!(
        table.kind(row),
        "dictionary"
            | "object"
            | "literal_value"
            | "initializer_list"
            | "field_initializer_list"
            | "hash"
            | "argument_list"
    );
    if !is_literal {
        return;
    }
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for entry in table.named_children(row) {
        let Some(key) = key_of(table, entry) else { continue };
        let text = plain(table, key);
        let line = table.node(key).line;
        if let Some(first) = seen.insert(text.clone(), line) {
            found.push(CodeFinding {
                kind: ProblemKind::DuplicateKey,
                key: text,
                line,
                sentence: format!(
                    "The key `{}` on line {line} already occurs on line {first}.",
                    table.excerpt(key)
                ),
            });
        }
    }
}

/// The key of an entry, unless it is computed.
pub(crate) fn key_of(table: &SyntaxTable<'_>, entry: Row) -> Option<Row> {
    let key = match table.kind(entry) {
        "pair" => table.field(entry, "key")?,
        "keyed_element" => table.field(entry, "key").or_else(|| table.named_children(entry).next())?,
        "initializer_pair" => {
            let mut designators = table.children(entry).filter(|row| table.node(*row).field == "designator");
            let first = designators.next()?;
            // `.a.b = 1` and `.a.c = 2` are different keys.
            return designators.next().is_none().then_some(first);
        }
        "field_initializer" => table.field(entry, "field")?,
        "shorthand_property_identifier" | "shorthand_field_initializer" => entry,
        "keyword_argument" => table.field(entry, "name")?,
        "method_definition" => {
            // A getter and a setter share their name.
            let accessor = table.children(entry).any(|row| matches!(table.kind(row), "get" | "set"));
            return table.field(entry, "name").filter(|_| !accessor);
        }
        _ => return None,
    };
    // A computed key may differ each time.
    let constant = table.subtree(key).all(|row| {
        let kind = table.kind(row);
        !kind.contains("call")
            && !matches!(kind, "interpolation" | "template_substitution" | "method_invocation")
    });
    constant.then_some(key)
}

/// A key without its quotes, if the language treats both the same: `{a: 1, "a": 2}`.
fn plain(table: &SyntaxTable<'_>, key: Row) -> String {
    let text = table.squeezed(key);
    match (table.lang, table.kind(key)) {
        (SourceLanguage::JavaScript | SourceLanguage::TypeScript | SourceLanguage::Tsx, "string") => {
            text.trim_matches(['"', '\'']).to_owned()
        }
        (SourceLanguage::Python, "string") => text.replace('\'', "\""),
        (SourceLanguage::Ruby, "simple_symbol") => text.trim_start_matches(':').to_owned(),
        (SourceLanguage::Ruby, "string") => format!("\"{}\"", text.trim_matches(['"', '\''])),
        _ => text,
    }
}

/// The same name twice in one list of parameters.
pub(super) fn parameters(table: &SyntaxTable<'_>, row: Row, found: &mut Vec<CodeFinding>) {
    let is_parameters = matches!(
        table.kind(row),
        "parameters"
            | "formal_parameters"
            | "parameter_list"
            | "method_parameters"
            | "lambda_parameters"
            | "block_parameters"
            | "closure_parameters"
    );
    if !is_parameters {
        return;
    }
    let mut seen = BTreeMap::new();
    for parameter in table.named_children(row) {
        let Some((name, line)) = parameter_name(table, parameter) else { continue };
        if name.starts_with('_') || name.is_empty() {
            continue;
        }
        if seen.insert(name, line).is_some() {
            found.push(CodeFinding {
                kind: ProblemKind::DuplicateParameter,
                key: format!("{name} {}", table.squeezed(row)),
                line,
                sentence: format!("The parameter `{name}` on line {line} occurs twice."),
            });
        }
    }
}

fn parameter_name<'s>(table: &SyntaxTable<'s>, parameter: Row) -> Option<(&'s str, u32)> {
    let mut at = parameter;
    for _ in 0..8 {
        if matches!(table.kind(at), "identifier") {
            return Some((table.text(at), table.node(at).line));
        }
        at = table
            .field(at, "name")
            .or_else(|| table.field(at, "pattern"))
            .or_else(|| table.field(at, "declarator"))
            .or_else(|| table.field(at, "left"))
            .or_else(|| match table.kind(at) {
                "typed_parameter"
                | "list_splat_pattern"
                | "dictionary_splat_pattern"
                | "rest_pattern"
                | "reference_declarator" => table.named_children(at).next(),
                _ => None,
            })?;
    }
    None
}

/// The same name defined twice in one scope.
pub(super) fn definitions(table: &SyntaxTable<'_>, row: Row, found: &mut Vec<CodeFinding>) {
    let kind = table.kind(row);
    // Alternatives of the preprocessor may define the same name.
    if !is_block(kind) || kind.starts_with("preproc") {
        return;
    }
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for child in table.named_children(row) {
        for (key, name) in defined(table, child) {
            let line = table.node(child).line;
            if let Some(first) = seen.insert(key.clone(), line) {
                found.push(CodeFinding {
                    kind: ProblemKind::DuplicateDefinition,
                    key,
                    line,
                    sentence: format!("`{name}` on line {line} is already defined on line {first}."),
                });
            }
        }
    }
}

/// Names defined by a statement that may be defined only once: a key that distinguishes overloads, and the name.
fn defined(table: &SyntaxTable<'_>, row: Row) -> Vec<(String, String)> {
    let kind = table.kind(row);
    let name = |field: &str| table.field(row, field).map(|name| table.text(name).to_owned());
    let one = |name: Option<String>| -> Vec<(String, String)> {
        name.filter(|name| name != "_").map(|name| (format!("d {name}"), name)).into_iter().collect()
    };
    match (table.lang, kind) {
        (SourceLanguage::Python, "function_definition" | "class_definition") => {
            one(name("name").filter(|name| name != "__"))
        }
        (
            SourceLanguage::JavaScript | SourceLanguage::TypeScript | SourceLanguage::Tsx,
            "function_declaration" | "class_declaration",
        ) => one(name("name")),
        (
            SourceLanguage::JavaScript | SourceLanguage::TypeScript | SourceLanguage::Tsx,
            "export_statement",
        ) => table.field(row, "declaration").map_or_else(Vec::new, |inner| defined(table, inner)),
        (
            SourceLanguage::JavaScript | SourceLanguage::TypeScript | SourceLanguage::Tsx,
            "lexical_declaration",
        ) => {
            let declarators = table.named_children(row).filter_map(|row| table.field(row, "name"));
            let plain = declarators.filter(|name| table.kind(*name) == "identifier");
            plain.flat_map(|name| one(Some(table.text(name).to_owned()))).collect()
        }
        (SourceLanguage::JavaScript, "method_definition") => {
            let marks = table.children(row).map(|child| table.kind(child));
            let mark: Vec<&str> = marks.filter(|kind| matches!(*kind, "get" | "set" | "static")).collect();
            name("name").map(|name| (format!("{} {name}", mark.join(" ")), name)).into_iter().collect()
        }
        (SourceLanguage::Go, "function_declaration") => one(name("name").filter(|name| name != "init")),
        (SourceLanguage::Go, "method_declaration") => {
            let receiver =
                table.field(row, "receiver").map(|row| table.text(row).to_owned()).unwrap_or_default();
            let owner = receiver.trim_matches(['(', ')']).rsplit([' ', '*']).next().unwrap_or_default();
            name("name").map(|name| (format!("{owner}.{name}"), name)).into_iter().collect()
        }
        (SourceLanguage::Java, "method_declaration" | "constructor_declaration") => {
            let types: Vec<String> = table
                .field(row, "parameters")
                .into_iter()
                .flat_map(|list| table.named_children(list))
                .map(|parameter| {
                    let type_of = table.field(parameter, "type").map(|row| table.squeezed(row));
                    type_of.unwrap_or_else(|| table.squeezed(parameter))
                })
                .collect();
            name("name").map(|name| (format!("{name}({})", types.join(",")), name)).into_iter().collect()
        }
        (SourceLanguage::Java, "field_declaration" | "local_variable_declaration") => {
            let declarators = table.children(row).filter(|child| table.node(*child).field == "declarator");
            let names = declarators.filter_map(|row| table.field(row, "name"));
            names.map(|name| (format!("v {}", table.text(name)), table.text(name).to_owned())).collect()
        }
        (SourceLanguage::C, "function_definition") => {
            declared(table, row).map(|name| one(Some(name))).unwrap_or_default()
        }
        (SourceLanguage::C, "declaration") => local_declaration(table, row),
        (SourceLanguage::C, "field_declaration") => {
            declared(table, row).map(|name| vec![(format!("v {name}"), name)]).unwrap_or_default()
        }
        (
            SourceLanguage::Rust,
            "function_item" | "struct_item" | "enum_item" | "const_item" | "static_item" | "trait_item",
        ) => {
            // `#[cfg(…)]` is a sibling before it.
            let before = table.parent(row).and_then(|holder| {
                table
                    .children(holder)
                    .take_while(|child| *child < row)
                    .filter(|row| !table.is_comment(*row))
                    .last()
            });
            let attribute = before.is_some_and(|before| table.kind(before) == "attribute_item");
            one(name("name").filter(|_| !attribute))
        }
        (SourceLanguage::Ruby, "method") => one(name("name")),
        (SourceLanguage::Bash, "function_definition") => one(name("name")),
        _ => Vec::new(),
    }
}

/// A local variable of a function; at file level, the same name may be declared any number of times.
fn local_declaration(table: &SyntaxTable<'_>, row: Row) -> Vec<(String, String)> {
    let local = table.ancestors(row).any(|around| table.kind(around) == "function_definition");
    let external = table.named_children(row).any(|child| table.text(child) == "extern");
    if !local || external {
        return Vec::new();
    }
    let declarators = table.children(row).filter(|child| table.node(*child).field == "declarator");
    let plain = declarators.filter_map(|declarator| {
        // Skip prototypes and lines that are macro calls.
        let has_function = table.subtree(declarator).any(|row| table.kind(row) == "function_declarator");
        if has_function { None } else { declared_in(table, declarator) }
    });
    plain.map(|name| (format!("v {name}"), name)).collect()
}

fn declared(table: &SyntaxTable<'_>, row: Row) -> Option<String> {
    declared_in(table, table.field(row, "declarator")?)
}

/// Follows declarators down to the name.
fn declared_in(table: &SyntaxTable<'_>, declarator: Row) -> Option<String> {
    let mut at = declarator;
    for _ in 0..64 {
        match table.field(at, "declarator") {
            Some(inner) => at = inner,
            None => break,
        }
    }
    matches!(table.kind(at), "identifier" | "field_identifier").then(|| table.text(at).to_owned())
}
