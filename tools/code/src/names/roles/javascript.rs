/*!
Roles of names in JavaScript and TypeScript.
*/

use super::{NameRole, member, out_of};
use crate::syntax::{Row, SyntaxTable};

pub(super) fn role(table: &SyntaxTable<'_>, row: Row, parent: Row) -> Option<NameRole> {
    let node = table.node(row);
    let (kind, field) = (table.kind(parent), node.field);
    match node.kind {
        "property_identifier" | "private_property_identifier" => {
            if field == "name" && kind == "method_definition"
                || field == "property" && kind == "field_definition"
            {
                return Some(NameRole::MemberBind);
            }
            if kind != "member_expression" {
                return None;
            }
            return Some(member(table, parent, &["expression_list"]));
        }
        "shorthand_property_identifier_pattern" => return Some(NameRole::Bind),
        "shorthand_property_identifier" => return Some(NameRole::Use),
        "statement_identifier" => return None,
        "type_identifier" => {
            let names = field == "name" && !matches!(kind, "generic_type" | "nested_type_identifier");
            return Some(if names { NameRole::Bind } else { NameRole::Type });
        }
        "identifier" => {}
        _ => return None,
    }
    let patterns = [
        "object_pattern",
        "array_pattern",
        "pair_pattern",
        "rest_pattern",
        "assignment_pattern",
        "object_assignment_pattern",
    ];
    // The default value of a pattern is read.
    if field == "right" && patterns.contains(&kind) {
        return Some(NameRole::Use);
    }
    let (top, around) = out_of(table, row, &patterns);
    let top_field = table.node(top).field;
    Some(match table.kind(around) {
        "variable_declarator"
        | "function_declaration"
        | "function_expression"
        | "class_declaration"
        | "class"
        | "generator_function_declaration"
        | "generator_function"
        | "enum_declaration"
        | "internal_module"
        | "abstract_class_declaration"
        | "module"
        | "function_signature"
            if top_field == "name" =>
        {
            NameRole::Bind
        }
        "formal_parameters" => NameRole::Bind,
        "namespace_import" | "import_clause" | "import_require_clause" | "import_alias" => NameRole::Import,
        "required_parameter" | "optional_parameter" if top_field == "pattern" || top_field.is_empty() => {
            NameRole::Bind
        }
        "arrow_function" | "catch_clause" if top_field == "parameter" => NameRole::Bind,
        "for_in_statement" | "assignment_expression" | "augmented_assignment_expression"
            if top_field == "left" =>
        {
            NameRole::Bind
        }
        "import_specifier" => {
            let renamed = table.field(around, "alias").is_some();
            if field == "name" && renamed { NameRole::Mention } else { NameRole::Import }
        }
        "export_specifier" => {
            let elsewhere =
                table.ancestors(around).nth(1).is_some_and(|export| table.field(export, "source").is_some());
            if field == "alias" || elsewhere {
                return None;
            }
            NameRole::Use
        }
        "namespace_export" | "labeled_statement" | "type_parameter" | "type_predicate" | "asserts"
        | "index_signature" | "nested_identifier" | "this_type" | "meta_property" => return None,
        "jsx_opening_element" | "jsx_closing_element" | "jsx_self_closing_element" => {
            if table.text(row).starts_with(|c: char| c.is_lowercase()) {
                return None;
            }
            NameRole::Use
        }
        "jsx_namespace_name" | "jsx_attribute" => return None,
        // Parameters inside of types do not bind names.
        "function_type" | "construct_signature" | "call_signature" => return None,
        _ => NameRole::Use,
    })
}
