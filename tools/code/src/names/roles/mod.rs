/*!
The role of an identifier, language by language, derived from the surrounding nodes.
*/

mod compiled;
mod javascript;
mod python;
mod shell_and_ruby;

use super::NameRole;
use crate::SourceLanguage;
use crate::syntax::{Row, SyntaxTable};

/// The name and role of a token; `None` if it is not a name.
pub(super) fn role<'s>(table: &SyntaxTable<'s>, row: Row) -> Option<(&'s str, NameRole)> {
    let node = table.node(row);
    let name = table.text(row);
    if node.kind == "preproc_arg" {
        return Some((name, NameRole::Mention));
    }
    let is_name = node.is_named
        && (node.kind.ends_with("identifier")
            || matches!(
                node.kind,
                "shorthand_property_identifier_pattern" | "variable_name" | "constant" | "word"
            ));
    if !is_name || name.is_empty() || table.children(row).next().is_some() {
        return None;
    }
    let parent = table.parent(row)?;
    let role = match table.lang {
        SourceLanguage::Python => python::role(table, row, parent),
        SourceLanguage::JavaScript | SourceLanguage::TypeScript | SourceLanguage::Tsx => {
            javascript::role(table, row, parent)
        }
        SourceLanguage::C | SourceLanguage::Cpp => compiled::c(table, row, parent),
        SourceLanguage::Go => compiled::go(table, row, parent),
        SourceLanguage::Java => compiled::java(table, row, parent),
        SourceLanguage::Rust => compiled::rust(table, row, parent),
        SourceLanguage::Ruby => shell_and_ruby::ruby(table, row, parent),
        SourceLanguage::Bash => shell_and_ruby::bash(table, row, parent),
        // Nothing is claimed of its names.
        SourceLanguage::Php => None,
    }?;
    Some((name, role))
}

/// Single names inside of raw text of a grammar.
pub(super) fn words<'s>(table: &SyntaxTable<'s>, row: Row, name: &'s str) -> Vec<&'s str> {
    if table.kind(row) != "preproc_arg" {
        return vec![name];
    }
    let words = name.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    words.filter(|word| word.starts_with(|c: char| c.is_alphabetic() || c == '_')).collect()
}

/// Whether the node adds names that cannot be listed.
pub(super) fn opens_names(table: &SyntaxTable<'_>, row: Row) -> bool {
    match (table.lang, table.kind(row)) {
        (SourceLanguage::Python, "wildcard_import" | "exec_statement") => true,
        (SourceLanguage::Python, "call") => table.field(row, "function").is_some_and(|callee| {
            matches!(table.text(callee), "exec" | "execfile" | "globals" | "locals" | "vars")
        }),
        (
            SourceLanguage::JavaScript | SourceLanguage::TypeScript | SourceLanguage::Tsx,
            "with_statement" | "ambient_declaration",
        ) => true,
        _ => false,
    }
}

pub(super) fn is_module_mark(table: &SyntaxTable<'_>, row: Row) -> bool {
    match table.kind(row) {
        "import_statement" | "import_from_statement" | "export_statement" => true,
        "call_expression" => table
            .field(row, "function")
            .is_some_and(|callee| matches!(table.text(callee), "require" | "import")),
        _ => false,
    }
}

/// The name of a definition.
pub(super) fn name_of<'s>(table: &SyntaxTable<'s>, row: Row) -> Option<&'s str> {
    if let Some(name) = table.field(row, "name") {
        return Some(table.text(name));
    }
    // A C function also has a `type` field: its return type. A Rust `impl` only has that field.
    let Some(mut at) = table.field(row, "declarator") else {
        return table.field(row, "type").map(|name| table.text(name));
    };
    for _ in 0..64 {
        match table.field(at, "declarator") {
            Some(inner) => at = inner,
            None => break,
        }
    }
    Some(table.text(at))
}

/// Whether a token is the name of its own scope.
pub(super) fn names_scope(table: &SyntaxTable<'_>, row: Row) -> bool {
    let Some(parent) = table.parent(row) else { return false };
    if table.node(row).field == "name" && super::opens_scope(table.kind(parent)) {
        return true;
    }
    // In C, the name is below declarators.
    let mut at = row;
    for _ in 0..64 {
        let Some(around) = table.parent(at) else { return false };
        if table.node(at).field != "declarator" {
            return false;
        }
        if table.kind(around) == "function_definition" {
            return true;
        }
        at = around;
    }
    false
}

/// The role of a member: an assignment to the member binds it. `access` is the node of `object.member`, `patterns`
/// are the kinds that may surround it on the left side.
fn member(table: &SyntaxTable<'_>, access: Row, patterns: &[&str]) -> NameRole {
    let (target, around) = out_of(table, access, patterns);
    let is_assigned = table.node(target).field == "left"
        && matches!(table.kind(around), "assignment" | "assignment_expression" | "assignment_statement");
    if is_assigned { NameRole::MemberBind } else { NameRole::Member }
}

/// Follows patterns outwards: returns the outermost pattern node around a name, and its parent.
fn out_of(table: &SyntaxTable<'_>, row: Row, patterns: &[&str]) -> (Row, Row) {
    let mut at = row;
    for _ in 0..64 {
        match table.parent(at) {
            Some(around) if patterns.contains(&table.kind(around)) => at = around,
            Some(around) => return (at, around),
            None => break,
        }
    }
    (at, at)
}
