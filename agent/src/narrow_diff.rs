/*!
Unified diffs whose context contains masked values. Git rejects such a diff because the masked line is not in the file.
Without that context line the diff applies as printed.
*/

use crate::report::diff::{HunkHeader, hunk_header};

/// `diff` without the context lines that `is_masked`, as far as git can do without them: a change needs a line of context
/// behind it, or git takes it for the end of the file. `None` where there is nothing to leave out.
pub(crate) fn narrow(diff: &str, is_masked: impl Fn(&str) -> bool) -> Option<String> {
    let mut out = String::with_capacity(diff.len());
    let mut lines = diff.split_inclusive('\n').peekable();
    let mut narrowed = false;
    while let Some(line) = lines.next() {
        let Some(header) = line.strip_prefix("@@ -").and_then(|rest| hunk_header(rest.trim_end())) else {
            out.push_str(line);
            continue;
        };
        let (_, mut old, _, mut new, _) = header;
        let mut body: Vec<&str> = Vec::new();
        while old > 0 || new > 0 || lines.peek().is_some_and(|next| next.starts_with('\\')) {
            let Some(next) = lines.next() else { break };
            match next.as_bytes().first() {
                Some(b'+') => new = new.saturating_sub(1),
                Some(b'-') => old = old.saturating_sub(1),
                Some(b'\\') => {}
                _ => (old, new) = (old.saturating_sub(1), new.saturating_sub(1)),
            }
            body.push(next);
        }
        let is_whole = old == 0 && new == 0;
        let hides = |line: &&str| !is_change(line) && is_masked(line.get(1..).unwrap_or_default());
        match (is_whole && body.iter().any(hides)).then(|| parts(&header, &body, &hides)).flatten() {
            Some(parts) => {
                narrowed = true;
                out.push_str(&parts);
            }
            None => {
                out.push_str(line);
                out.extend(body);
            }
        }
    }
    narrowed.then_some(out)
}

fn is_change(line: &str) -> bool {
    line.starts_with(['+', '-'])
}

/// The hunk in pieces between the lines that are left out; `None` where a piece would end in a change.
fn parts(
    (old_start, _, new_start, _, section): &HunkHeader,
    body: &[&str],
    hides: &dyn Fn(&&str) -> bool,
) -> Option<String> {
    let section = if section.is_empty() { String::new() } else { format!(" {section}") };
    let (mut old, mut new) = (*old_start as usize, *new_start as usize);
    let mut out = String::new();
    let mut rest = body;
    while !rest.is_empty() {
        let end = rest.iter().position(hides).unwrap_or(rest.len());
        let (piece, tail) = rest.split_at_checked(end)?;
        let count = |other: char| piece.iter().filter(|line| !line.starts_with([other, '\\'])).count();
        let (old_lines, new_lines) = (count('+'), count('-'));
        if piece.iter().any(|line| is_change(line)) {
            if !tail.is_empty() && piece.last().is_some_and(|line| is_change(line)) {
                return None;
            }
            // A side without lines stands after the line before it.
            let start = |at: usize, lines: usize| if lines == 0 { at.saturating_sub(1) } else { at };
            let (from, to) = (start(old, old_lines), start(new, new_lines));
            out.push_str(&format!("@@ -{from},{old_lines} +{to},{new_lines} @@{section}\n"));
            out.extend(piece.iter().copied());
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
        // Between two changes the hunk is cut in two; what is added before moves the rest.
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
        // It was cut off.
        assert_eq!(narrow("@@ -1,9 +1,9 @@\n me@x\n", |line| line.contains('@')), None);
    }
}
