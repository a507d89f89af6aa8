/*!
Code that cannot run: after a `return`, after the same condition, after the same case.
*/

use std::collections::BTreeSet;

use super::{CodeFinding, ProblemKind};
use crate::SourceLanguage;
use crate::syntax::kinds::is_block;
use crate::syntax::{Row, SyntaxTable};

/// A statement after one that leaves the block.
pub(super) fn unreachable(table: &SyntaxTable<'_>, row: Row, found: &mut Vec<CodeFinding>) {
    let holder = table.kind(row);
    // Go's `block` contains a `statement_list`; a shell's `{ … }` contains its statements directly.
    if !is_block(holder)
        || matches!(holder, "match_block" | "switch_body" | "class_body" | "declaration_list")
    {
        return;
    }
    let mut left: Option<Row> = None;
    for child in table.named_children(row) {
        let node = table.node(child);
        if node.field == "value" && matches!(holder, "case_statement" | "switch_case") {
            continue;
        }
        if let Some(end) = left.take()
            && !may_follow(table, child)
        {
            let (last, line) = (table.excerpt(end), node.line);
            found.push(CodeFinding {
                kind: ProblemKind::Unreachable,
                key: format!("{} {}", table.squeezed(end), table.squeezed(child)),
                line,
                sentence: format!("Line {line} can never run: `{last}` before it leaves the block."),
            });
        }
        if leaves(table, child) {
            left = Some(child);
        }
    }
}

/// What may follow a `return`: labels, cases, and declarations, which are not executed.
fn may_follow(table: &SyntaxTable<'_>, row: Row) -> bool {
    let kind = table.kind(row);
    kind.contains("label")
        || kind.starts_with("preproc")
        || kind.ends_with("_item")
        || kind.ends_with("_case")
        || matches!(
            kind,
            "function_declaration"
                | "generator_function_declaration"
                | "class_declaration"
                | "function_definition"
                | "class_definition"
                | "decorated_definition"
                | "method"
                | "class"
                | "module"
                | "case_statement"
                | "case_clause"
                | "switch_default"
                | "switch_label"
                | "macro_definition"
                | "empty_statement"
                | "rescue"
                | "ensure"
                | "else"
                | "when"
                | "else_clause"
                | "elif_clause"
                | "heredoc_body"
                | "interface_declaration"
                | "type_alias_declaration"
                | "enum_declaration"
                | "ERROR"
        )
}

fn leaves(table: &SyntaxTable<'_>, row: Row) -> bool {
    match table.kind(row) {
        "return_statement"
        | "raise_statement"
        | "throw_statement"
        | "break_statement"
        | "continue_statement"
        | "goto_statement"
        | "fallthrough_statement"
        | "return"
        | "break"
        | "next"
        | "redo"
        | "retry" => true,
        "expression_statement" => {
            let only = table.named_children(row).next();
            only.is_some_and(|only| match table.kind(only) {
                "return_expression" | "break_expression" | "continue_expression" | "throw_expression" => true,
                _ => is_exit_call(table, only),
            })
        }
        "command" => {
            let name = table.field(row, "name").map(|name| table.text(name));
            matches!(name, Some("exit" | "return" | "break" | "continue"))
        }
        "call" => table.lang == SourceLanguage::Ruby && is_exit_call(table, row),
        _ => false,
    }
}

/// Calls that do not return.
fn is_exit_call(table: &SyntaxTable<'_>, row: Row) -> bool {
    let callee = match table.kind(row) {
        "call_expression" | "call" if table.lang != SourceLanguage::Ruby => table.field(row, "function"),
        "macro_invocation" => table.field(row, "macro"),
        "method_invocation" => {
            let name = table.field(row, "name").map(|name| table.text(name));
            let object = table.field(row, "object").map(|object| table.text(object));
            return name == Some("exit") && object == Some("System");
        }
        "call" => {
            let method = table.field(row, "method").map(|name| table.text(name));
            return table.field(row, "receiver").is_none()
                && matches!(method, Some("raise" | "exit" | "exit!" | "abort" | "throw"));
        }
        _ => None,
    };
    let Some(callee) = callee.map(|callee| table.text(callee)) else { return false };
    match table.lang {
        SourceLanguage::C | SourceLanguage::Cpp => {
            matches!(callee, "exit" | "abort" | "_exit" | "_Exit" | "longjmp" | "std::abort")
        }
        SourceLanguage::Python => matches!(callee, "sys.exit" | "os._exit" | "exit" | "quit"),
        SourceLanguage::JavaScript | SourceLanguage::TypeScript | SourceLanguage::Tsx => {
            callee == "process.exit"
        }
        SourceLanguage::Go => matches!(callee, "panic" | "os.Exit" | "log.Fatal" | "log.Fatalf"),
        SourceLanguage::Rust => {
            matches!(callee, "panic" | "unreachable" | "todo" | "unimplemented" | "std::process::exit")
        }
        SourceLanguage::Java | SourceLanguage::Ruby | SourceLanguage::Php | SourceLanguage::Bash => false,
    }
}

/// The same condition twice in one chain of `else if`.
pub(super) fn repeated_condition(table: &SyntaxTable<'_>, row: Row, found: &mut Vec<CodeFinding>) {
    if !is_if(table.kind(row)) || table.parent(row).is_some_and(|around| continues_chain(table, around, row))
    {
        return;
    }
    let mut seen = BTreeSet::new();
    for (line, condition) in conditions(table, row) {
        if !seen.insert(condition.clone()) {
            let short: String = condition.chars().take(60).collect();
            found.push(CodeFinding {
                kind: ProblemKind::RepeatedCondition,
                key: condition,
                line,
                sentence: format!(
                    "Line {line} can never run: `{short}` is tested earlier in the same chain."
                ),
            });
        }
    }
}

fn is_if(kind: &str) -> bool {
    matches!(kind, "if_statement" | "if_expression" | "if")
}

fn continues_chain(table: &SyntaxTable<'_>, around: Row, row: Row) -> bool {
    table.kind(around) == "else_clause" || is_if(table.kind(around)) && table.node(row).field == "alternative"
}

/// The conditions of a chain with their lines. Skips conditions with calls or assignments, because their value may
/// change.
fn conditions(table: &SyntaxTable<'_>, first: Row) -> Vec<(u32, String)> {
    let mut found = Vec::new();
    let mut todo = vec![first];
    while let Some(row) = todo.pop() {
        if found.len() > 1_000 {
            break;
        }
        let condition = table.field(row, "condition").filter(|_| {
            // Go's `if x := f(); x` evaluates `f` again.
            table.field(row, "initializer").is_none()
        });
        if let Some(condition) = condition {
            let changes = table.subtree(condition).any(|row| {
                let kind = table.kind(row);
                kind.contains("assignment") || kind == "update_expression" || kind.contains("call")
            });
            let text = table.squeezed(condition);
            if !changes && !text.is_empty() {
                found.push((table.node(condition).line, text));
            }
        }
        let mut next: Vec<Row> = Vec::new();
        for child in table.children(row) {
            match table.kind(child) {
                "elif_clause" | "elsif" => next.push(child),
                "else_clause" => {
                    next.extend(table.named_children(child).filter(|row| is_if(table.kind(*row))))
                }
                kind if is_if(kind) && table.node(child).field == "alternative" => next.push(child),
                _ => {}
            }
        }
        todo.extend(next.into_iter().rev());
    }
    found
}

/// The same value twice among the cases of one switch.
pub(super) fn duplicate_case(table: &SyntaxTable<'_>, row: Row, found: &mut Vec<CodeFinding>) {
    let kind = table.kind(row);
    if !is_block(kind)
        && !matches!(
            kind,
            "expression_switch_statement" | "type_switch_statement" | "case" | "case_statement"
        )
    {
        return;
    }
    let mut seen = BTreeSet::new();
    for case in table.named_children(row) {
        for value in case_values(table, case) {
            let text = table.squeezed(value);
            let line = table.node(value).line;
            if !text.is_empty() && !seen.insert(text.clone()) {
                found.push(CodeFinding {
                    kind: ProblemKind::DuplicateCase,
                    key: text,
                    line,
                    sentence: format!("The case `{}` on line {line} occurs twice.", table.excerpt(value)),
                });
            }
        }
    }
}

fn case_values(table: &SyntaxTable<'_>, case: Row) -> Vec<Row> {
    let with_field = |row: Row, field: &'static str| -> Vec<Row> {
        table.children(row).filter(|child| table.node(*child).field == field).collect()
    };
    match table.kind(case) {
        "case_statement" | "switch_case" | "case_item" => with_field(case, "value"),
        "expression_case" => with_field(case, "value")
            .into_iter()
            .flat_map(|list| table.named_children(list).collect::<Vec<_>>())
            .collect(),
        "type_case" => with_field(case, "type"),
        "when" => with_field(case, "pattern"),
        "switch_block_statement_group" | "switch_rule" => {
            let labels = table.children(case).filter(|child| table.kind(*child) == "switch_label");
            let guarded = |label: Row| table.named_children(label).any(|row| table.kind(row) == "guard");
            labels.filter(|label| !guarded(*label)).flat_map(|label| table.named_children(label)).collect()
        }
        // Without a guard, the first of two equal patterns always matches.
        "match_arm" => table
            .field(case, "pattern")
            .filter(|pattern| table.field(*pattern, "condition").is_none())
            .filter(|_| table.children(case).all(|row| table.kind(row) != "attribute_item"))
            .into_iter()
            .collect(),
        "case_clause" if table.field(case, "guard").is_none() => {
            table.children(case).filter(|child| table.kind(*child) == "case_pattern").take(1).collect()
        }
        _ => Vec::new(),
    }
}
