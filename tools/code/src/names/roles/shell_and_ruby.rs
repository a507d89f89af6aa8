/*!
Roles of names in Ruby and Bash, where a bare name may be a variable or a call.
*/

use super::{NameRole, out_of};
use crate::syntax::{Row, SyntaxTable};

pub(super) fn ruby(table: &SyntaxTable<'_>, row: Row, parent: Row) -> Option<NameRole> {
    let node = table.node(row);
    let (kind, field) = (table.kind(parent), node.field);
    if !matches!(node.kind, "identifier" | "constant") {
        return None;
    }
    let patterns =
        ["left_assignment_list", "destructured_left_assignment", "rest_assignment", "destructured_parameter"];
    let (top, around) = out_of(table, row, &patterns);
    let top_field = table.node(top).field;
    Some(match kind {
        "call" if field == "method" => {
            if table.field(parent, "receiver").is_some() {
                NameRole::Member
            } else {
                NameRole::Mention
            }
        }
        "scope_resolution" if field == "name" => NameRole::Member,
        "method" | "singleton_method" | "class" | "module" if field == "name" => NameRole::Bind,
        "optional_parameter"
        | "keyword_parameter"
        | "splat_parameter"
        | "hash_splat_parameter"
        | "block_parameter"
            if field == "name" =>
        {
            NameRole::Bind
        }
        "exception_variable" => NameRole::Bind,
        _ => match table.kind(around) {
            "assignment" | "operator_assignment" if top_field == "left" => NameRole::Bind,
            "method_parameters" | "block_parameters" | "lambda_parameters" => NameRole::Bind,
            "for" if top_field == "pattern" => NameRole::Bind,
            // A local variable or a method call without arguments: the syntax does not say which.
            _ => NameRole::Use,
        },
    })
}

pub(super) fn bash(table: &SyntaxTable<'_>, row: Row, parent: Row) -> Option<NameRole> {
    let (kind, field) = (table.kind(parent), table.node(row).field);
    match table.kind(row) {
        "variable_name" => Some(match kind {
            "variable_assignment"
            | "for_statement"
            | "declaration_command"
            | "subscript"
            | "c_style_for_statement" => NameRole::Bind,
            _ => NameRole::Use,
        }),
        "word" => match kind {
            "function_definition" if field == "name" => Some(NameRole::Bind),
            "command_name" => Some(NameRole::Mention),
            // `read x`, `getopts … x`, `trap f EXIT`
            "command" => Some(NameRole::Mention),
            _ => None,
        },
        _ => None,
    }
}
