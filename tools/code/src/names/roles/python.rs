/*!
Roles of names in Python.
*/

use super::{NameRole, member, out_of};
use crate::syntax::{Row, SyntaxTable};

pub(super) fn role(table: &SyntaxTable<'_>, row: Row, parent: Row) -> Option<NameRole> {
    let patterns =
        ["pattern_list", "tuple_pattern", "list_pattern", "list_splat_pattern", "dictionary_splat_pattern"];
    let field = table.node(row).field;
    let (top, around) = out_of(table, row, &patterns);
    let top_field = table.node(top).field;
    Some(match table.kind(parent) {
        "attribute" if field == "attribute" => member(table, parent, &patterns),
        "keyword_argument" if field == "name" => return None,
        "dotted_name" => return dotted(table, row, parent),
        "aliased_import" if field == "alias" => NameRole::Import,
        "function_definition" | "class_definition" | "named_expression" if field == "name" => NameRole::Bind,
        "global_statement" | "nonlocal_statement" | "as_pattern_target" => NameRole::Bind,
        "default_parameter" | "typed_default_parameter" if field == "name" => NameRole::Bind,
        "typed_parameter" if table.node(row).field.is_empty() => NameRole::Bind,
        _ => match table.kind(around) {
            "parameters" | "lambda_parameters" => NameRole::Bind,
            "typed_parameter" if top_field.is_empty() => NameRole::Bind,
            "assignment" | "for_statement" | "for_in_clause" | "augmented_assignment"
                if top_field == "left" =>
            {
                NameRole::Bind
            }
            "as_pattern_target" | "type_parameter" => NameRole::Bind,
            // `match` patterns: any name in a pattern may be bound by it.
            kind if kind.ends_with("_pattern") || kind == "case_pattern" => NameRole::Bind,
            // `with a as (b, c)`
            "tuple" | "list"
                if table.ancestors(row).take(4).any(|row| table.kind(row) == "as_pattern_target") =>
            {
                NameRole::Bind
            }
            _ => NameRole::Use,
        },
    })
}

fn dotted(table: &SyntaxTable<'_>, row: Row, dotted: Row) -> Option<NameRole> {
    let around = table.parent(dotted)?;
    let first = table.named_children(dotted).next() == Some(row);
    let single = table.named_children(dotted).nth(1).is_none();
    match table.kind(around) {
        "import_statement" => first.then_some(NameRole::Import),
        "import_from_statement" | "future_import_statement" => {
            (table.node(dotted).field == "name").then_some(NameRole::Import)
        }
        // `from m import x as y`: another file must define `x`.
        "aliased_import" => single.then_some(NameRole::Mention),
        "relative_import" => None,
        "decorator" => Some(if first { NameRole::Use } else { NameRole::Member }),
        _ if single && !table.text(row).starts_with(char::is_uppercase) => Some(NameRole::Bind),
        _ => Some(if first { NameRole::Use } else { NameRole::Member }),
    }
}
