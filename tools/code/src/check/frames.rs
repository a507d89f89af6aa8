/*!
Statements that have moved into another construct: a header was added before them or removed without them, or an
`else` now belongs to another `if`. A line that a version did not change must be in the same construct as in that
version.
*/

use std::collections::BTreeSet;

use super::{CandidateProblem, LineMap, ProblemKind};
use crate::pieces::{ChangeSide, Span};
use crate::syntax::kinds::{is_block, is_branch, is_function, is_statement_item};
use crate::syntax::{Row, SyntaxTable};

pub(super) fn problems(
    origins: &[(&SyntaxTable<'_>, &LineMap)],
    after: &SyntaxTable<'_>,
) -> Vec<CandidateProblem> {
    let mut problems = Vec::new();
    for line in lines_near(after, origins) {
        let Some(row) = statement_at(after, line) else { continue };
        let verdicts: Vec<Option<Row>> = origins
            .iter()
            .filter_map(|(then, lines)| Frames { then, now: after, lines }.verdict(row, line))
            .collect();
        // It is enough that one version has the statement in the same construct.
        let Some(Some(frame)) = verdicts.first().filter(|_| verdicts.iter().all(Option::is_some)) else {
            continue;
        };
        let frame_line = after.node(*frame).line;
        let sentence = match is_control(after, *frame) {
            true => format!(
                "The statement on line {line} has moved into `{}` on line {frame_line}, where it does not \
                 belong.",
                after.excerpt(*frame)
            ),
            false => format!("The statement on line {line} has lost the condition or loop it belongs to."),
        };
        problems.push(CandidateProblem { kind: ProblemKind::HalfConstruct, line, sentence });
    }
    problems
}

/// Lines of the outermost definitions that a change touches, if they begin with a token.
fn lines_near(table: &SyntaxTable<'_>, origins: &[(&SyntaxTable<'_>, &LineMap)]) -> BTreeSet<u32> {
    let Some((_, changed)) = origins.first() else { return BTreeSet::new() };
    let mut lines = BTreeSet::new();
    let mut done = 0;
    let mut hunks = changed.hunks().iter().peekable();
    for item in table.children(0) {
        let span = (table.node(item).line, table.node(item).end_line);
        // If a header was removed, the change is before or after the item.
        let near = (span.0.saturating_sub(1), span.1.saturating_add(1));
        while hunks
            .next_if(|hunk| {
                hunk.span(ChangeSide::New).map_or(hunk.front(ChangeSide::New), |span| span.1) < near.0
            })
            .is_some()
        {}
        if hunks.peek().is_none_or(|hunk| hunk.front(ChangeSide::New) > near.1) {
            continue;
        }
        for token in table.tokens_on(span.0.max(done + 1), span.1) {
            lines.insert(table.node(token).line);
        }
        done = done.max(span.1);
    }
    lines
}

struct Frames<'a, 's, 't> {
    then: &'a SyntaxTable<'s>,
    now: &'a SyntaxTable<'t>,
    lines: &'a LineMap,
}

impl Frames<'_, '_, '_> {
    /// For a statement that also exists in the other version: whether its construct differs, and which construct
    /// it is now.
    fn verdict(&self, row: Row, line: u32) -> Option<Option<Row>> {
        let then_line = self.lines.across(line, ChangeSide::New)?;
        let then_row = statement_at(self.then, then_line)?;
        if self.then.kind(then_row) != self.now.kind(row) {
            return Some(None);
        }
        let (now_frame, then_frame) = (frame(self.now, row), frame(self.then, then_row));
        let (now_line, then_frame_line) = (self.now.node(now_frame).line, self.then.node(then_frame).line);
        let there = self.lines.across(now_line, ChangeSide::New);
        let here = self.lines.across(then_frame_line, ChangeSide::Old);
        let (moved, hunk) = match (there, here) {
            // Both headers are on both sides, so they must be the same.
            (Some(there), Some(_)) => {
                (there != then_frame_line, self.lines.last_until(line, ChangeSide::New))
            }
            // Both changed: one replaces the other.
            (None, None) => return Some(None),
            // A header was added before the statement, or removed from it.
            (None, Some(_)) => {
                (is_control(self.now, now_frame), self.lines.hunk_at(now_line, ChangeSide::New))
            }
            (Some(_), None) => {
                (is_control(self.then, then_frame), self.lines.hunk_at(then_frame_line, ChangeSide::Old))
            }
        };
        // If complete statements changed as well, equal lines may have been paired by chance.
        let alone = hunk.is_some_and(|hunk| {
            !holds_statement(self.now, hunk.span(ChangeSide::New))
                && !holds_statement(self.then, hunk.span(ChangeSide::Old))
        });
        Some((moved && alone).then_some(now_frame))
    }
}

/// Whether a complete statement begins and ends within the given lines.
fn holds_statement(table: &SyntaxTable<'_>, span: Option<Span>) -> bool {
    let Some((from, to)) = span else { return false };
    table.tokens_on(from, to).any(|token| {
        std::iter::once(token)
            .chain(table.ancestors(token))
            .take_while(|row| table.node(*row).start == table.node(token).start)
            .any(|row| {
                table.node(row).line >= from
                    && table.node(row).end_line <= to
                    && is_statement_item(table, row)
            })
    })
}

/// The construct that decides whether a statement runs; otherwise the function, or the file.
fn frame(table: &SyntaxTable<'_>, row: Row) -> Row {
    // A branch belongs to its statement, regardless of its own line.
    if is_branch(table.kind(row)) {
        let is_part = |around: &Row| is_branch(table.kind(*around)) || is_block(table.kind(*around));
        // A chain of branches is one construct, regardless of how its grammar nests it.
        return table.ancestors(row).find(|around| !is_part(around)).unwrap_or(0);
    }
    table
        .ancestors(row)
        .find(|around| {
            is_control(table, *around)
                || is_branch(table.kind(*around))
                || is_function(table.kind(*around))
                || table.parent(*around).is_none()
        })
        .unwrap_or(0)
}

fn is_control(table: &SyntaxTable<'_>, row: Row) -> bool {
    matches!(
        table.kind(row),
        "if_statement"
            | "for_statement"
            | "for_in_statement"
            | "enhanced_for_statement"
            | "for_range_loop"
            | "while_statement"
            | "do_statement"
            | "else_clause"
            | "elif_clause"
            | "if_expression"
            | "while_expression"
            | "for_expression"
            | "loop_expression"
            | "try_statement"
            | "except_clause"
            | "finally_clause"
            | "with_statement"
            | "if"
            | "unless"
            | "while"
            | "until"
            | "elsif"
    ) && table.node(row).is_named
}

/// The statement or branch that begins a line: the outermost one that starts at its first token.
fn statement_at(table: &SyntaxTable<'_>, line: u32) -> Option<Row> {
    let token = table.tokens_on(line, line).find(|token| table.node(*token).line == line)?;
    let start = table.node(token).start;
    std::iter::once(token)
        .chain(table.ancestors(token))
        .take_while(|row| table.node(*row).start == start)
        .filter(|row| is_statement_item(table, *row) || is_body(table, *row))
        .last()
}

/// A statement without a block around it.
fn is_body(table: &SyntaxTable<'_>, row: Row) -> bool {
    matches!(table.node(row).field, "body" | "consequence" | "alternative")
        && table.kind(row).ends_with("_statement")
        && !is_block(table.kind(row))
}
