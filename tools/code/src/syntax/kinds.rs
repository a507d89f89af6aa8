/*!
What the node kinds of the grammars mean for a change: which nodes hold a list of items that can be removed one by
one, which items are statements of a block, which are branches of a compound statement, and which define a unit.
The grammars' kind names rarely collide, so one list serves all languages.
*/

use crate::SourceLanguage;

use super::table::{Row, SyntaxTable};

/// Nodes whose children are statements, declarations or members.
pub(crate) fn is_block(kind: &str) -> bool {
    matches!(
        kind,
        "module"
            | "program"
            | "source_file"
            | "translation_unit"
            | "block"
            | "statement_block"
            | "compound_statement"
            | "statement_list"
            | "class_body"
            | "interface_body"
            | "object_type"
            | "enum_body"
            | "enum_body_declarations"
            | "annotation_type_body"
            | "switch_body"
            | "switch_block"
            | "declaration_list"
            | "field_declaration_list"
            | "enumerator_list"
            | "enum_variant_list"
            | "constructor_body"
            | "match_block"
            | "body_statement"
            | "block_body"
            | "begin"
            | "then"
            | "do"
            | "do_group"
            | "subshell"
            | "case_statement"
            | "switch_case"
            | "switch_default"
            | "switch_block_statement_group"
            | "preproc_if"
            | "preproc_ifdef"
            | "preproc_else"
            | "preproc_elif"
            | "class_static_block"
    )
}

/// Nodes whose children are entries of a list: arguments, parameters, elements, imported names.
pub(crate) fn is_list(kind: &str) -> bool {
    matches!(
        kind,
        "argument_list"
            | "arguments"
            | "annotation_argument_list"
            | "parameters"
            | "formal_parameters"
            | "parameter_list"
            | "method_parameters"
            | "block_parameters"
            | "lambda_parameters"
            | "closure_parameters"
            | "type_parameters"
            | "type_arguments"
            | "dictionary"
            | "list"
            | "set"
            | "tuple"
            | "object"
            | "array"
            | "object_pattern"
            | "array_pattern"
            | "array_expression"
            | "array_initializer"
            | "tuple_expression"
            | "named_imports"
            | "export_clause"
            | "import_spec_list"
            | "var_spec_list"
            | "use_list"
            | "literal_value"
            | "initializer_list"
            | "field_initializer_list"
            | "ordered_field_declaration_list"
            | "element_value_array_initializer"
            | "hash"
            | "jsx_element"
            | "jsx_opening_element"
            | "jsx_self_closing_element"
    )
}

/// Branches of a compound statement: each can be removed with its body.
pub(crate) fn is_branch(kind: &str) -> bool {
    matches!(
        kind,
        "elif_clause"
            | "else_clause"
            | "except_clause"
            | "except_group_clause"
            | "finally_clause"
            | "catch_clause"
            | "case_clause"
            | "elsif"
            | "else"
            | "rescue"
            | "ensure"
            | "when"
            | "in_clause"
            | "match_arm"
            | "case_statement"
            | "switch_case"
            | "switch_default"
            | "switch_block_statement_group"
            | "switch_rule"
            | "expression_case"
            | "default_case"
            | "type_case"
            | "communication_case"
            | "case_item"
            | "preproc_else"
            | "preproc_elif"
            | "decorator"
    )
}

/// Nodes that define a unit: function, method, class, implementation, module.
pub(crate) fn is_definition(kind: &str) -> bool {
    matches!(
        kind,
        "function_definition"
            | "class_definition"
            | "decorated_definition"
            | "function_declaration"
            | "generator_function_declaration"
            | "class_declaration"
            | "abstract_class_declaration"
            | "method_definition"
            | "method_declaration"
            | "constructor_declaration"
            | "compact_constructor_declaration"
            | "record_declaration"
            | "interface_declaration"
            | "enum_declaration"
            | "annotation_type_declaration"
            | "internal_module"
            | "function_item"
            | "impl_item"
            | "trait_item"
            | "struct_item"
            | "enum_item"
            | "union_item"
            | "mod_item"
            | "macro_definition"
            | "struct_specifier"
            | "union_specifier"
            | "enum_specifier"
            | "class_specifier"
            | "namespace_definition"
            | "linkage_specification"
            | "type_declaration"
            | "method"
            | "singleton_method"
            | "class"
            | "module"
            | "singleton_class"
    )
}

/// Whether a function begins here: names bound inside are local to it.
pub(crate) fn is_function(kind: &str) -> bool {
    matches!(
        kind,
        "function_definition"
            | "lambda"
            | "function_declaration"
            | "generator_function_declaration"
            | "function_expression"
            | "generator_function"
            | "arrow_function"
            | "method_definition"
            | "method_declaration"
            | "constructor_declaration"
            | "compact_constructor_declaration"
            | "lambda_expression"
            | "func_literal"
            | "function_item"
            | "closure_expression"
            | "method"
            | "singleton_method"
    )
}

/// Whether a child of a container can be removed on its own.
pub(crate) fn is_item(table: &SyntaxTable<'_>, row: Row) -> bool {
    let node = table.node(row);
    if !node.is_named || table.is_comment(row) || node.kind == "ERROR" {
        return false;
    }
    let Some(parent) = table.parent(row) else { return false };
    let holder = table.kind(parent);
    if is_branch(node.kind) {
        return true;
    }
    match holder {
        // The value of a case and the name of a macro are not statements of the block.
        "case_statement" | "switch_case" => node.field != "value",
        "preproc_if" | "preproc_ifdef" | "preproc_elif" => {
            !matches!(node.field, "condition" | "name" | "alternative")
        }
        "switch_block_statement_group" => node.kind != "switch_label",
        "jsx_element" => !matches!(node.kind, "jsx_opening_element" | "jsx_closing_element"),
        "jsx_opening_element" | "jsx_self_closing_element" => node.field != "name",
        "import_from_statement" => node.field == "name",
        "const_declaration" | "var_declaration" | "import_declaration"
            if table.lang == SourceLanguage::Go =>
        {
            node.kind.ends_with("_spec")
        }
        // Shell branches hold their commands directly, after the keyword.
        "if_statement" | "elif_clause" | "else_clause" if table.lang == SourceLanguage::Bash => {
            let opened = table.children(parent).take_while(|child| *child < row);
            holder == "else_clause" || opened.into_iter().any(|child| table.kind(child) == "then")
        }
        "case_item" => node.field != "value",
        "else" | "ensure" => table.lang == SourceLanguage::Ruby,
        // A transparent block inside of another block is the same list, so it is not an item.
        holder if is_block(holder) => !is_block(node.kind) || !is_transparent(table, row),
        holder => is_list(holder),
    }
}

/// A list inside of braces that holds the same statements: Go's `statement_list`, Ruby's bodies.
fn is_transparent(table: &SyntaxTable<'_>, row: Row) -> bool {
    matches!(table.kind(row), "statement_list" | "body_statement" | "block_body" | "then")
        || (table.kind(row) == "enum_body_declarations")
}

/// Whether a node is a statement, and not an entry of a list of expressions.
pub(crate) fn is_statement_item(table: &SyntaxTable<'_>, row: Row) -> bool {
    is_item(table, row)
        && (is_branch(table.kind(row))
            || table.parent(row).is_some_and(|holder| !is_list(table.kind(holder))))
}

/// Separators between entries: they belong to the entry before them.
pub(crate) fn is_separator(kind: &str) -> bool {
    matches!(kind, "," | ";" | "\n" | "newline")
}

/// The body of a compound statement or a definition: its header ends where the body starts.
pub(crate) fn body_of(table: &SyntaxTable<'_>, row: Row) -> Option<Row> {
    let mut at = row;
    // `export`, decorators, names and assignments may surround a function, at most six levels deep.
    for _ in 0..6 {
        let inner = match table.kind(at) {
            "decorated_definition" => table.field(at, "definition"),
            "export_statement" => table.field(at, "declaration").or_else(|| table.field(at, "value")),
            "lexical_declaration" | "variable_declaration" => {
                table.named_children(at).find(|child| table.kind(*child) == "variable_declarator")
            }
            "expression_statement" | "parenthesized_expression" => table.named_children(at).next(),
            "variable_declarator" | "pair" | "public_field_definition" | "field_definition" => {
                table.field(at, "value")
            }
            "assignment_expression" => table.field(at, "right"),
            _ => break,
        };
        match inner {
            Some(inner) => at = inner,
            None => return None,
        }
    }
    table
        .field(at, "body")
        .or_else(|| table.field(at, "consequence"))
        .or_else(|| table.children(at).find(|child| is_block(table.kind(*child))))
}

/// Whether an item defines a unit, including a name to which a function is assigned.
pub(crate) fn is_unit(table: &SyntaxTable<'_>, row: Row) -> bool {
    let kind = table.kind(row);
    let named_function = || {
        body_of(table, row).and_then(|body| table.parent(body)).is_some_and(|around| {
            around != row && (is_function(table.kind(around)) || is_definition(table.kind(around)))
        })
    };
    is_definition(kind)
        || matches!(
            kind,
            "export_statement"
                | "lexical_declaration"
                | "variable_declaration"
                | "expression_statement"
                | "pair"
                | "public_field_definition"
                | "field_definition"
        ) && named_function()
}
