/*!
Rules for the shape of a file: no errors, no block without a statement, one indentation per block, and no statement
that became the body of a header without being indented under it.
*/

use super::{CodeFinding, ProblemKind};
use crate::SourceLanguage;
use crate::syntax::kinds::is_block;
use crate::syntax::{Row, SyntaxTable};

/// Syntax errors, and tokens that the parser had to insert.
pub(super) fn broken(table: &SyntaxTable<'_>, row: Row, found: &mut Vec<CodeFinding>) {
    let node = table.node(row);
    if !node.is_broken {
        return;
    }
    let what = match node.end > node.start {
        true => format!("`{}` does not parse", table.excerpt(row)),
        false => format!("`{}` is missing", node.kind),
    };
    found.push(CodeFinding {
        kind: ProblemKind::SyntaxError,
        key: format!("{}{}", node.kind, table.squeezed(row)),
        line: node.line,
        sentence: format!("Line {} is a syntax error: {what}.", node.line),
    });
}

/// A `try` without a following clause, which some grammars accept.
pub(super) fn lone_try(table: &SyntaxTable<'_>, row: Row, found: &mut Vec<CodeFinding>) {
    let follows =
        |kind: &str| kind.starts_with("except") || matches!(kind, "finally_clause" | "catch_clause");
    if table.kind(row) != "try_statement" || table.children(row).any(|child| follows(table.kind(child))) {
        return;
    }
    let line = table.node(row).line;
    found.push(CodeFinding {
        kind: ProblemKind::SyntaxError,
        key: format!("try {}", table.squeezed(row)),
        line,
        sentence: format!("Line {line} is a syntax error: nothing catches what the `try` block raises."),
    });
}

/// A Python header without a body, which its grammar accepts.
pub(super) fn empty_block(table: &SyntaxTable<'_>, row: Row, found: &mut Vec<CodeFinding>) {
    if table.lang != SourceLanguage::Python
        || table.kind(row) != "block"
        || table.named_children(row).next().is_some()
    {
        return;
    }
    let Some(header) = table.parent(row) else { return };
    let line = table.node(header).line;
    found.push(CodeFinding {
        kind: ProblemKind::EmptyBlock,
        key: table.squeezed(header),
        line,
        sentence: format!("`{}` on line {line} has no body.", table.excerpt(header)),
    });
}

/// Statements of one Python block that start at different columns.
pub(super) fn indentation(table: &SyntaxTable<'_>, row: Row, found: &mut Vec<CodeFinding>) {
    if table.lang != SourceLanguage::Python || !matches!(table.kind(row), "block" | "module") {
        return;
    }
    let mut column = (table.kind(row) == "module").then_some(0);
    let mut last_line = 0;
    for child in table.named_children(row) {
        let node = table.node(child);
        let first_of_line = node.line > last_line;
        last_line = node.end_line;
        if !first_of_line || node.kind == "ERROR" {
            continue;
        }
        if *column.get_or_insert(node.column) != node.column {
            found.push(CodeFinding {
                kind: ProblemKind::Indentation,
                key: table.squeezed(child),
                line: node.line,
                sentence: format!("Line {} is not indented like the block it is in.", node.line),
            });
        }
    }
}

/// The statement that a header without braces controls.
pub(super) fn unbraced_bodies(table: &SyntaxTable<'_>, row: Row) -> Vec<Row> {
    if !matches!(
        table.lang,
        SourceLanguage::C
            | SourceLanguage::Cpp
            | SourceLanguage::Java
            | SourceLanguage::JavaScript
            | SourceLanguage::TypeScript
            | SourceLanguage::Tsx
    ) {
        return Vec::new();
    }
    let fields: &[&str] = match table.kind(row) {
        "if_statement" => &["consequence", "alternative"],
        "for_statement"
        | "for_in_statement"
        | "enhanced_for_statement"
        | "while_statement"
        | "for_range_loop" => &["body"],
        "else_clause" => {
            let body = table.named_children(row).next();
            return body.filter(|body| is_plain(table, *body)).into_iter().collect();
        }
        _ => return Vec::new(),
    };
    fields.iter().filter_map(|field| table.field(row, field)).filter(|body| is_plain(table, *body)).collect()
}

fn is_plain(table: &SyntaxTable<'_>, body: Row) -> bool {
    let after_else = table.node(body).field == "alternative"
        || table.parent(body).is_some_and(|parent| table.kind(parent) == "else_clause");
    let kind = table.kind(body);
    let is_chain = after_else && kind == "if_statement";
    let is_other = is_block(kind) || matches!(kind, "else_clause" | "empty_statement" | "ERROR");
    !is_chain && !is_other && table.node(body).end > table.node(body).start
}

/// A body without braces that starts a line and is not indented deeper than its header.
pub(super) fn misleading_body(table: &SyntaxTable<'_>, row: Row, found: &mut Vec<CodeFinding>) {
    for body in unbraced_bodies(table, row) {
        let node = table.node(body);
        let keyword = keyword_of(table, row, body);
        let header = table.node(keyword).line;
        if node.line <= header {
            continue;
        }
        // Skip `} else` before an `#endif`, and code compressed into long lines.
        if has_directive(table, keyword, body) {
            continue;
        }
        let (indent, around) = (indent_of(table.source, node.start), line_indent(table, header));
        let comparable = indent.starts_with(around) || around.starts_with(indent);
        if comparable && indent.len() <= around.len() {
            let (header, line) = (table.excerpt(row), node.line);
            found.push(CodeFinding {
                kind: ProblemKind::HalfConstruct,
                key: format!("{header} {}", table.squeezed(body)),
                line,
                sentence: format!("The statement on line {line} has become the body of `{header}`."),
            });
        }
    }
}

/// The keyword a body belongs to: `else` has its own.
fn keyword_of(table: &SyntaxTable<'_>, row: Row, body: Row) -> Row {
    let keyword = match table.node(body).field {
        "alternative" => table.children(row).find(|child| table.kind(*child) == "else"),
        _ => None,
    };
    keyword.unwrap_or(row)
}

/// White space between the start of the line and a byte, when there is nothing else.
fn indent_of(source: &str, at: u32) -> &str {
    let head = source.get(..at as usize).unwrap_or_default();
    let line = head.rsplit('\n').next().unwrap_or_default();
    let rest = line.trim_start_matches([' ', '\t']);
    line.get(..line.len() - rest.len()).unwrap_or_default()
}

fn line_indent<'s>(table: &SyntaxTable<'s>, line: u32) -> &'s str {
    table.tokens_on(line, line).find(|token| table.node(*token).line == line).map_or("", |token| {
        let source: &'s str = table.source;
        indent_of(source, table.node(token).start)
    })
}

/// Whether a line of a header or its body belongs to the preprocessor, or is too long to be hand-written.
fn has_directive(table: &SyntaxTable<'_>, keyword: Row, body: Row) -> bool {
    /// Longer lines are generated.
    const MAX_LINE: usize = 500;
    let (from, to) = (table.node(keyword).start as usize, table.node(body).start as usize);
    let head = table.source.get(from..to).unwrap_or_default();
    let rest = table.source.get(to..).unwrap_or_default().as_bytes();
    let is_long = rest.iter().take(MAX_LINE).all(|byte| *byte != b'\n') && rest.len() >= MAX_LINE;
    is_long || head.lines().any(|line| line.len() > MAX_LINE || line.trim_start().starts_with('#'))
}
