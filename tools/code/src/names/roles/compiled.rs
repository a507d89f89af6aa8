/*!
Roles of names in C, C++, Go, Java and Rust.
*/

use super::{NameRole, member, out_of};
use crate::syntax::{Row, SyntaxTable};

pub(super) fn c(table: &SyntaxTable<'_>, row: Row, parent: Row) -> Option<NameRole> {
    let node = table.node(row);
    let (kind, field) = (table.kind(parent), node.field);
    match node.kind {
        "field_identifier" => {
            return Some(if field == "declarator" {
                NameRole::MemberBind
            } else {
                member(table, parent, &["expression_list"])
            });
        }
        "type_identifier" => {
            let defines = match kind {
                "struct_specifier" | "union_specifier" | "enum_specifier" | "class_specifier" => {
                    table.field(parent, "body").is_some()
                }
                "type_definition" => field == "declarator",
                _ => false,
            };
            return Some(if defines { NameRole::Bind } else { NameRole::Type });
        }
        "identifier" => {}
        _ => return None,
    }
    Some(match kind {
        "enumerator" | "preproc_def" | "preproc_function_def" if field == "name" => NameRole::Bind,
        "preproc_params" | "lambda_capture_specifier" | "structured_binding_declarator" => NameRole::Bind,
        "preproc_ifdef" | "preproc_defined" => NameRole::Mention,
        "reference_declarator"
        | "parenthesized_declarator"
        | "function_declarator"
        | "attributed_declarator" => NameRole::Bind,
        _ if field == "declarator" => NameRole::Bind,
        _ => NameRole::Use,
    })
}

pub(super) fn go(table: &SyntaxTable<'_>, row: Row, parent: Row) -> Option<NameRole> {
    let node = table.node(row);
    let (kind, field) = (table.kind(parent), node.field);
    match node.kind {
        "field_identifier" => {
            return Some(if matches!(kind, "field_declaration" | "method_declaration") {
                NameRole::MemberBind
            } else {
                member(table, parent, &["expression_list"])
            });
        }
        "type_identifier" => return Some(if field == "name" { NameRole::Bind } else { NameRole::Type }),
        "package_identifier" => {
            return Some(if kind == "import_spec" { NameRole::Import } else { NameRole::Type });
        }
        "identifier" => {}
        _ => return None,
    }
    if kind == "literal_element" && table.node(parent).field == "key" {
        // A field of a structure, or a variable as the key of a map.
        return Some(NameRole::Mention);
    }
    let (top, around) = out_of(table, row, &["expression_list"]);
    let top_field = table.node(top).field;
    Some(match table.kind(around) {
        "short_var_declaration" | "receive_statement" | "range_clause" if top_field == "left" => {
            NameRole::Bind
        }
        "var_spec"
        | "const_spec"
        | "parameter_declaration"
        | "variadic_parameter_declaration"
        | "function_declaration"
        | "type_parameter_declaration"
            if top_field == "name" =>
        {
            NameRole::Bind
        }
        "type_switch_statement" if top_field == "alias" => NameRole::Bind,
        _ => NameRole::Use,
    })
}

pub(super) fn java(table: &SyntaxTable<'_>, row: Row, parent: Row) -> Option<NameRole> {
    let node = table.node(row);
    let (kind, field) = (table.kind(parent), node.field);
    if node.kind == "type_identifier" {
        return Some(if kind == "type_parameter" { NameRole::Bind } else { NameRole::Type });
    }
    if node.kind != "identifier" {
        return None;
    }
    Some(match kind {
        "field_access" if field == "field" => member(table, parent, &["expression_list"]),
        "method_invocation" if field == "name" => {
            if table.field(parent, "object").is_some() {
                NameRole::Member
            } else {
                NameRole::Mention
            }
        }
        "method_reference" => NameRole::Mention,
        "scoped_identifier" => {
            let import =
                table.ancestors(row).take(12).any(|around| table.kind(around) == "import_declaration");
            let last = table.parent(parent).is_some_and(|around| table.kind(around) == "import_declaration");
            match (import, last && field == "name") {
                (true, true) => NameRole::Import,
                (true, false) => return None,
                (false, _) => NameRole::Mention,
            }
        }
        "package_declaration"
        | "element_value_pair"
        | "labeled_statement"
        | "break_statement"
        | "continue_statement"
        | "marker_annotation"
        | "annotation" => return None,
        "inferred_parameters" | "catch_formal_parameter" => NameRole::Bind,
        "lambda_expression" if field == "parameters" => NameRole::Bind,
        "switch_label" => NameRole::Mention,
        _ if field == "name" => NameRole::Bind,
        _ => NameRole::Use,
    })
}

pub(super) fn rust(table: &SyntaxTable<'_>, row: Row, parent: Row) -> Option<NameRole> {
    let node = table.node(row);
    let (kind, field) = (table.kind(parent), node.field);
    match node.kind {
        "field_identifier" => {
            return Some(if kind == "field_declaration" {
                NameRole::MemberBind
            } else {
                member(table, parent, &["expression_list"])
            });
        }
        "type_identifier" => {
            let defines = field == "name" && kind.ends_with("_item") || kind == "type_parameter";
            return Some(if defines { NameRole::Bind } else { NameRole::Type });
        }
        "shorthand_field_identifier" => return Some(NameRole::Bind),
        "identifier" => {}
        _ => return None,
    }
    if kind == "token_tree" || kind.starts_with("macro") || kind == "token_tree_pattern" {
        return Some(NameRole::Mention);
    }
    if matches!(
        kind,
        "scoped_identifier"
            | "scoped_use_list"
            | "use_list"
            | "use_as_clause"
            | "use_wildcard"
            | "use_declaration"
    ) {
        let used = table.ancestors(row).take(24).any(|around| table.kind(around) == "use_declaration");
        if used {
            return Some(if field == "path" || kind == "use_wildcard" {
                NameRole::Mention
            } else {
                NameRole::Import
            });
        }
        return Some(if field == "path" { NameRole::Mention } else { NameRole::Member });
    }
    if kind.ends_with("_item") && field == "name" || kind == "macro_definition" || kind == "enum_variant" {
        return Some(NameRole::Bind);
    }
    if kind == "lifetime" || kind == "label" || kind == "attribute" {
        return None;
    }
    // A name in a pattern binds, except for the name of the type that the pattern destructures.
    let mut at = row;
    for _ in 0..32 {
        let Some(around) = table.parent(at) else { break };
        let (at_field, around_kind) = (table.node(at).field, table.kind(around));
        if matches!(at_field, "type" | "condition" | "value" | "body") {
            break;
        }
        let binds = at_field == "pattern"
            || matches!(around_kind, "closure_parameters" | "match_pattern" | "captured_pattern");
        if binds {
            // Constants and variants without a path.
            let upper = table.text(row).starts_with(char::is_uppercase);
            return Some(if upper { NameRole::Mention } else { NameRole::Bind });
        }
        if !around_kind.ends_with("pattern") {
            break;
        }
        at = around;
    }
    Some(NameRole::Use)
}
