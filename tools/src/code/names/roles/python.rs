/*!
Roles of names in Python.
*/

use super::{Role, out_of};
use crate::code::syntax::{Row, SyntaxTable};

pub(super) fn role(table: &SyntaxTable<'_>, row: Row, parent: Row) -> Option<Role> {
    let patterns =
        ["pattern_list", "tuple_pattern", "list_pattern", "list_splat_pattern", "dictionary_splat_pattern"];
    let field = table.node(row).field;
    let (top, around) = out_of(table, row, &patterns);
    let top_field = table.node(top).field;
    Some(match table.kind(parent) {
        "attribute" if field == "attribute" => {
            let (top, around) = out_of(table, parent, &patterns);
            let target = table.node(top).field == "left" && table.kind(around) == "assignment";
            if target { Role::MemberBind } else { Role::Member }
        }
        "keyword_argument" if field == "name" => return None,
        "dotted_name" => return dotted(table, row, parent),
        "aliased_import" if field == "alias" => Role::Import,
        "function_definition" | "class_definition" | "named_expression" if field == "name" => Role::Bind,
        "global_statement" | "nonlocal_statement" | "as_pattern_target" => Role::Bind,
        "default_parameter" | "typed_default_parameter" if field == "name" => Role::Bind,
        "typed_parameter" if table.node(row).field.is_empty() => Role::Bind,
        _ => match table.kind(around) {
            "parameters" | "lambda_parameters" => Role::Bind,
            "typed_parameter" if top_field.is_empty() => Role::Bind,
            "assignment" | "for_statement" | "for_in_clause" | "augmented_assignment"
                if top_field == "left" =>
            {
                Role::Bind
            }
            "as_pattern_target" | "type_parameter" => Role::Bind,
            // `match` patterns: whatever a pattern names may be bound by it.
            kind if kind.ends_with("_pattern") || kind == "case_pattern" => Role::Bind,
            // `with a as (b, c)`
            "tuple" | "list"
                if table.ancestors(row).take(4).any(|row| table.kind(row) == "as_pattern_target") =>
            {
                Role::Bind
            }
            _ => Role::Use,
        },
    })
}

fn dotted(table: &SyntaxTable<'_>, row: Row, dotted: Row) -> Option<Role> {
    let around = table.parent(dotted)?;
    let first = table.named_children(dotted).next() == Some(row);
    let single = table.named_children(dotted).nth(1).is_none();
    match table.kind(around) {
        "import_statement" => first.then_some(Role::Import),
        "import_from_statement" | "future_import_statement" => {
            (table.node(dotted).field == "name").then_some(Role::Import)
        }
        // `from m import x as y`: another file must define `x`.
        "aliased_import" => single.then_some(Role::Mention),
        "relative_import" => None,
        "decorator" => Some(if first { Role::Use } else { Role::Member }),
        _ if single && !table.text(row).starts_with(char::is_uppercase) => Some(Role::Bind),
        _ => Some(if first { Role::Use } else { Role::Member }),
    }
}
