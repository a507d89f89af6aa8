/*!
Unified diffs whose context contains masked values. Git rejects such a diff because the masked line is not in the file.
Without that context line the diff applies as printed.
*/

use millwright_git::unified_diff::{self, DiffHunk, DiffLine, DiffLineKind};

/// Returns `diff` without the context lines for which `is_masked` is true. One line of context must stay behind a
/// change, or git takes the change for the end of the file. `None` if no line can be left out.
pub(crate) fn narrow(diff: &str, is_masked: impl Fn(&str) -> bool) -> Option<String> {
    let hides = |line: &DiffLine<'_>| !is_change(line) && is_masked(line.raw);
    let mut out = String::with_capacity(diff.len());
    let mut copied = 0;
    let parsed = unified_diff::parse(diff);
    for hunk in parsed.files.iter().flat_map(|file| &file.hunks) {
        let is_affected = hunk.is_complete && hunk.lines.iter().any(hides);
        if let Some(parts) = is_affected.then(|| parts(hunk, &hides)).flatten() {
            out.push_str(diff.get(copied..hunk.span.start)?);
            out.push_str(&parts);
            copied = hunk.span.end;
        }
    }
    if copied == 0 {
        return None;
    }
    out.push_str(diff.get(copied..)?);
    Some(out)
}

fn is_change(line: &DiffLine<'_>) -> bool {
    line.kind != DiffLineKind::Context
}

/// The pieces of the hunk between the lines that are left out; `None` if a piece would end in a change.
fn parts(hunk: &DiffHunk<'_>, hides: &dyn Fn(&DiffLine<'_>) -> bool) -> Option<String> {
    let (old_range, new_range) = (hunk.old?, hunk.new?);
    let section = if hunk.section.is_empty() { String::new() } else { format!(" {}", hunk.section) };
    let (mut old, mut new) = (old_range.start as usize, new_range.start as usize);
    let mut out = String::new();
    let mut rest = hunk.lines.as_slice();
    while !rest.is_empty() {
        let end = rest.iter().position(hides).unwrap_or(rest.len());
        let (piece, tail) = rest.split_at_checked(end)?;
        let count = |other: DiffLineKind| piece.iter().filter(|line| line.kind != other).count();
        let (old_lines, new_lines) = (count(DiffLineKind::Added), count(DiffLineKind::Removed));
        if piece.iter().any(is_change) {
            if !tail.is_empty() && piece.last().is_some_and(is_change) {
                return None;
            }
            // A side without lines is located after the line before it.
            let start = |at: usize, lines: usize| if lines == 0 { at.saturating_sub(1) } else { at };
            let (from, to) = (start(old, old_lines), start(new, new_lines));
            out.push_str(&format!("@@ -{from},{old_lines} +{to},{new_lines} @@{section}\n"));
            for line in piece {
                line.write_to(&mut out);
            }
        }
        (old, new) = (old + old_lines, new + new_lines);
        if let Some((_, after)) = tail.split_first() {
            (old, new) = (old + 1, new + 1);
            rest = after;
        } else {
            rest = tail;
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "diff --git a/a b/a\n--- a/a\n+++ b/a\n";

    fn check(hunk: &str, wanted: Option<&str>) {
        let found = narrow(&format!("{HEAD}{hunk}"), |line| line.contains('@'));
        assert_eq!(found, wanted.map(|wanted| format!("{HEAD}{wanted}")), "{hunk}");
    }

    #[test]
    fn masked_context_is_left_out() {
        check("@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n", None);
        check(
            "@@ -4,7 +4,7 @@ f\n me@x\n b\n c\n-d\n+D\n e\n me@y\n g\n",
            Some("@@ -5,4 +5,4 @@ f\n b\n c\n-d\n+D\n e\n"),
        );
        // Between two changes the hunk is cut in two; lines that the first part adds move the second.
        check(
            "@@ -1,5 +1,6 @@\n-a\n+A\n+AA\n b\n me@x\n-d\n+D\n e\n",
            Some("@@ -1,2 +1,3 @@\n-a\n+A\n+AA\n b\n@@ -4,2 +5,2 @@\n-d\n+D\n e\n"),
        );
    }

    #[test]
    fn a_change_right_before_a_masked_line_keeps_it() {
        check("@@ -1,3 +1,3 @@\n a\n-b\n+B\n me@x\n", None);
        check("@@ -1,2 +1,2 @@\n a\n-me@x\n+me@y\n", None);
    }

    #[test]
    fn what_is_no_diff_is_left_alone() {
        assert_eq!(narrow("@@ -x +y @@\n me@x\n", |line| line.contains('@')), None);
        // A diff that was cut off.
        assert_eq!(narrow("@@ -1,9 +1,9 @@\n me@x\n", |line| line.contains('@')), None);
    }
}
