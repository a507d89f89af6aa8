/*!
The code that a resolution names as guilty: its units at a revision, and the lines that its fix removes.
*/

use millwright_git as git;
use millwright_git::unified_diff;
use millwright_model::{LineSpan, Location};

use super::ToolContext;

/// Path and symbol of a unit.
pub(super) fn split_unit(unit: &str) -> (&str, Option<&str>) {
    unit.split_once("::").map_or((unit, None), |(path, name)| (path, Some(name)))
}

/// The text of a symbol, or of a whole file.
pub(super) fn unit_text(
    ctx: &ToolContext,
    revision: &str,
    path: &str,
    symbol: Option<&str>,
) -> Option<(LineSpan, String)> {
    let revision = ctx.visible(Some(revision)).ok()?;
    let text = git::blob_at(&ctx.repo, &revision, path).ok()?.text().ok()?;
    let count = u32::try_from(text.lines().count()).unwrap_or(u32::MAX);
    let span = match symbol {
        None => LineSpan { start: 1, end: count.max(1) },
        Some(name) => super::minimise::span_of(path, &text, name)?,
    };
    let lines: Vec<&str> =
        text.lines().skip(span.start as usize - 1).take((span.end - span.start + 1) as usize).collect();
    Some((span, lines.join("\n")))
}

/// Maximum number of listed stretches of removed lines.
const MAX_REMOVED: usize = 20;

/// The lines a fix removes or changes, which are the guilty ones.
pub(super) fn removed_lines(diff: &str) -> Vec<Location> {
    let mut out: Vec<Location> = Vec::new();
    for file in &unified_diff::parse(diff).files {
        let Some(path) = file.old_name() else { continue };
        for line in file.removed_lines().map(|line| line.old).filter(|line| *line > 0) {
            match out.last_mut() {
                Some(last) if last.path == path && last.end_line + 1 == line => last.end_line = line,
                _ => {
                    if out.len() == MAX_REMOVED {
                        return out;
                    }
                    out.push(Location {
                        path: path.to_owned(),
                        start_line: line,
                        end_line: line,
                        symbol: None,
                    });
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removed_lines_are_told_by_their_file_whatever_they_look_like() {
        // A removed SQL comment looks like the header of a file.
        let diff = "diff --git a/q.sql b/q.sql\n--- a/q.sql\n+++ b/q.sql\n@@ -2,3 +2,1 @@\n one\n--- a comment\n-two\n\
                    @@ -9,1 +7,0 @@\n-three\n--- /dev/null\n+++ b/new\n@@ -0,0 +1 @@\n+x\n";
        let found: Vec<_> =
            removed_lines(diff).into_iter().map(|at| (at.path, at.start_line, at.end_line)).collect();
        assert_eq!(found, [("q.sql".to_owned(), 3, 4), ("q.sql".to_owned(), 9, 9)]);
    }
}
