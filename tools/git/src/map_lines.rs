/*!
Maps lines of one revision to another: follows a rename and shifts by the hunks in between. Lines inside a changed
hunk map to the hunk's position and are marked as changed, so that the caller can decide what to do.
*/

use millwright_model::LineSpan;
use millwright_sandbox::CancelFlag;
use serde::{Deserialize, Serialize};

use super::renames::renamed_to;
use super::unified_diff::{DiffHunk, DiffParser};
use super::{Repo, RepoError, file, read};

const MAX_DIFF_BYTES: usize = 32 << 20;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappedLines {
    pub path: String,
    pub span: LineSpan,
    /// Whether any of the lines differ between the two revisions.
    pub changed: bool,
}

/// Maps `span` of `path` at `from` to the revision `to` (full ids). `None` when the file no longer exists.
pub fn map_lines(
    repo: &Repo,
    path: &str,
    span: LineSpan,
    from: &str,
    to: &str,
    cancel: &CancelFlag,
) -> Result<Option<MappedLines>, RepoError> {
    let there = if file::exists_at(repo, to, path)? {
        path.to_owned()
    } else {
        match renamed_to(repo, path, from, to, cancel)? {
            Some(there) => there,
            None => return Ok(None),
        }
    };
    let (old, new) = (file::blob_at(repo, from, path)?, file::blob_at(repo, to, &there)?);
    if old.oid == new.oid {
        return Ok(Some(MappedLines { path: there, span, changed: false }));
    }
    let command =
        repo.git().args(["diff", "--no-textconv", "--no-ext-diff", "--no-color", "-U0", &old.oid, &new.oid]);
    let output = read::output(command, MAX_DIFF_BYTES, cancel)?;
    let hunks = line_shifts(&String::from_utf8_lossy(&output.bytes));
    let (span, changed) = shift(span, &hunks, new.line_count()?.max(1));
    Ok(Some(MappedLines { path: there, span, changed }))
}

/// A hunk without context: `old_count` lines from `old_start` became `new_count` lines from `new_start`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct LineShift {
    old_start: u64,
    old_count: u64,
    new_start: u64,
    new_count: u64,
}

fn line_shifts(patch: &str) -> Vec<LineShift> {
    let patch = DiffParser::default().without_lines().parse(patch);
    let shift = |hunk: &DiffHunk<'_>| {
        let (old, new) = (hunk.old?, hunk.new?);
        Some(LineShift {
            old_start: old.start.into(),
            old_count: old.count.into(),
            new_start: new.start.into(),
            new_count: new.count.into(),
        })
    };
    patch.files.iter().flat_map(|file| &file.hunks).filter_map(shift).collect()
}

fn shift(span: LineSpan, hunks: &[LineShift], new_lines: u64) -> (LineSpan, bool) {
    let mut changed = false;
    let mut place = |line: u32, is_end: bool| {
        let line = u64::from(line);
        let mut delta = 0_i64;
        for hunk in hunks {
            // A pure insertion comes after `old_start`; `git diff` names the line before the insertion.
            let first = if hunk.old_count == 0 { hunk.old_start + 1 } else { hunk.old_start };
            if line < first {
                break;
            }
            if line < first + hunk.old_count {
                changed = true;
                let last = (hunk.new_start + hunk.new_count).saturating_sub(1).max(hunk.new_start);
                return if is_end { last } else { hunk.new_start.max(1) };
            }
            delta += i64::try_from(hunk.new_count).unwrap_or(0) - i64::try_from(hunk.old_count).unwrap_or(0);
        }
        line.saturating_add_signed(delta)
    };
    let (start, end) = (place(span.start, false), place(span.end, true));
    let inside = |hunk: &LineShift| {
        let (start, end) = (u64::from(span.start), u64::from(span.end));
        let last = hunk.old_start + hunk.old_count.max(1) - 1;
        if hunk.old_count == 0 {
            hunk.old_start >= start && hunk.old_start < end
        } else {
            hunk.old_start <= end && last >= start
        }
    };
    changed |= hunks.iter().any(inside);
    let fit = |line: u64| u32::try_from(line.clamp(1, new_lines)).unwrap_or(u32::MAX);
    (LineSpan { start: fit(start), end: fit(end.max(start)) }, changed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use millwright_testkit::repository::TestRepo;

    #[test]
    fn follows_shifts_changes_and_renames() {
        let repo = TestRepo::new();
        let text = |lines: &[&str]| lines.join("\n") + "\n";
        let body: Vec<String> = (1..=20).map(|n| format!("line {n}")).collect();
        let mut lines: Vec<&str> = body.iter().map(String::as_str).collect();
        let first = repo.commit("first", &[("a.txt", &text(&lines))]);
        lines.splice(2..2, ["new", "new too"]); // before line 3
        lines[11] = "line 10 changed"; // was line 10
        lines.drain(16..18); // were lines 15 and 16
        let second = repo.commit("second", &[("a.txt", &text(&lines))]);
        repo.git(&["mv", "a.txt", "b.txt"]);
        let third = repo.commit("third", &[]);
        std::fs::remove_file(repo.work().join("b.txt")).unwrap();
        let fourth = repo.commit("fourth", &[]);
        let repo = Repo::open(&repo.work(), &repo.data()).unwrap();

        let check = |span: (u32, u32), from: &str, to: &str, expected: Option<(&str, u32, u32, bool)>| {
            let span = LineSpan { start: span.0, end: span.1 };
            let mapped = map_lines(&repo, "a.txt", span, from, to, &CancelFlag::default()).unwrap();
            let mapped = mapped.map(|m| (m.path, m.span.start, m.span.end, m.changed));
            assert_eq!(mapped, expected.map(|(p, s, e, c)| (p.to_owned(), s, e, c)), "{span:?}");
        };
        check((1, 2), &first, &second, Some(("a.txt", 1, 2, false)));
        check((2, 3), &first, &second, Some(("a.txt", 2, 5, true)));
        check((3, 5), &first, &second, Some(("a.txt", 5, 7, false)));
        check((10, 10), &first, &second, Some(("a.txt", 12, 12, true)));
        check((9, 11), &first, &second, Some(("a.txt", 11, 13, true)));
        check((17, 20), &first, &second, Some(("a.txt", 17, 20, false)));
        check((14, 17), &first, &second, Some(("a.txt", 16, 17, true)));
        check((17, 20), &second, &first, Some(("a.txt", 17, 20, false)));
        check((3, 5), &first, &third, Some(("b.txt", 5, 7, false)));
        check((3, 5), &first, &fourth, None);
    }
}
