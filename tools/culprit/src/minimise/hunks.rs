/*!
The hunks of a commit against its first parent, without context, so that each is one contiguous change. A change that
cannot be split by lines (binary files, added, removed and retyped files) is one unit.
*/

use millwright_model::CommitId;
use serde::{Deserialize, Serialize};

use millwright_git::Repo;
use millwright_git::unified_diff::{DiffParser, FileStatus};
use millwright_sandbox::trusted::GitError;

/// Maximum size of a diff: a larger commit is an import, not a change.
const MOST_BYTES: usize = 32 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HunkKind {
    /// Lines of a text file that both sides have.
    Lines,
    /// The file as a whole: added, removed, binary, or another mode.
    WholeFile,
}

/// One contiguous change. Line numbers are 1-based; if a side has no lines, the change is located after that line.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CulpritHunk {
    pub path: String,
    pub kind: HunkKind,
    pub old_start: u32,
    pub old_lines: u32,
    pub new_start: u32,
    pub new_lines: u32,
    /// The enclosing function as git names it.
    pub heading: String,
}

impl CulpritHunk {
    pub fn is_text(&self) -> bool {
        self.kind == HunkKind::Lines
    }

    /// Whether `piece` is a part of this hunk, or all of it.
    pub fn holds(&self, piece: &CulpritHunk) -> bool {
        let within = |whole: (u32, u32), part: (u32, u32)| {
            part.1 == 0 || (whole.0 <= part.0 && part.0 + part.1 <= whole.0 + whole.1)
        };
        self.path == piece.path
            && self.kind == piece.kind
            && within((self.old_start, self.old_lines), (piece.old_start, piece.old_lines))
            && within((self.new_start, self.new_lines), (piece.new_start, piece.new_lines))
    }

    /// The hunk's lines in the commit's version of the file; for a pure removal, the line before it.
    pub fn new_span(&self) -> (u32, u32) {
        let start = self.new_start.max(1);
        (start, start + self.new_lines.saturating_sub(1))
    }
}

/// The hunks of `commit` (a full id) against its first parent, in the order of the diff.
pub fn hunks_of(repo: &Repo, commit: &CommitId) -> Result<Vec<CulpritHunk>, GitError> {
    let diff = repo
        .git()
        .args(["diff-tree", "-p", "-U0", "--root", "--no-commit-id", "-r", "-m", "--first-parent"])
        .args(["--no-renames", "--no-ext-diff", "--no-textconv", "--no-color", "--full-index", commit])
        .output()?;
    Ok(parse(diff.get(..MOST_BYTES).unwrap_or(&diff)))
}

fn parse(diff: &[u8]) -> Vec<CulpritHunk> {
    let diff = String::from_utf8_lossy(diff);
    let diff = DiffParser::default().without_lines().parse(&diff);
    let mut out = Vec::new();
    for file in &diff.files {
        let path = file.path();
        let is_whole = matches!(file.status, FileStatus::Added | FileStatus::Deleted)
            || file.changes_mode()
            || file.is_binary
            || file.hunks.is_empty();
        if is_whole {
            out.push(CulpritHunk {
                path: path.to_owned(),
                kind: HunkKind::WholeFile,
                old_start: 1,
                old_lines: 0,
                new_start: 1,
                new_lines: 0,
                heading: String::new(),
            });
            continue;
        }
        for hunk in &file.hunks {
            let (Some(old), Some(new)) = (hunk.old, hunk.new) else { continue };
            out.push(CulpritHunk {
                path: path.to_owned(),
                kind: HunkKind::Lines,
                old_start: old.start,
                old_lines: old.count,
                new_start: new.start,
                new_lines: new.count,
                heading: hunk.section.to_owned(),
            });
        }
    }
    out
}

/// Splits a hunk into pieces that can be reverted one by one: line by line as far as both sides pair up, and each
/// line of a pure insertion or removal. If one side is longer, its surplus is one piece: git joins a change and an
/// insertion behind it into one hunk wherever both end in the same lines. If the pieces belong together after all,
/// only both together flip the replay, and the split costs a few runs.
pub fn split(hunk: &CulpritHunk) -> Vec<CulpritHunk> {
    /// Longer hunks are not split: every piece may cost a run.
    const MOST: u32 = 64;
    let paired = hunk.old_lines.min(hunk.new_lines);
    let pieces = match paired {
        0 => hunk.old_lines.max(hunk.new_lines),
        _ => paired + u32::from(hunk.old_lines != hunk.new_lines),
    };
    if !hunk.is_text() || !(2..=MOST).contains(&pieces) {
        return vec![hunk.clone()];
    }
    let piece = |at: u32| match (hunk.old_lines, hunk.new_lines) {
        (0, _) => CulpritHunk { new_start: hunk.new_start + at, new_lines: 1, ..hunk.clone() },
        (_, 0) => CulpritHunk { old_start: hunk.old_start + at, old_lines: 1, ..hunk.clone() },
        _ if at < paired => CulpritHunk {
            old_start: hunk.old_start + at,
            old_lines: 1,
            new_start: hunk.new_start + at,
            new_lines: 1,
            ..hunk.clone()
        },
        // A piece without lines on one side is located after the last paired line.
        (old, new) if new > old => CulpritHunk {
            old_start: hunk.old_start + paired - 1,
            old_lines: 0,
            new_start: hunk.new_start + paired,
            new_lines: new - paired,
            ..hunk.clone()
        },
        (old, _) => CulpritHunk {
            old_start: hunk.old_start + paired,
            old_lines: old - paired,
            new_start: hunk.new_start + paired - 1,
            new_lines: 0,
            ..hunk.clone()
        },
    };
    (0..pieces).map(piece).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_hunks_and_whole_files() {
        let diff = "diff --git a/x.py b/x.py\nindex 1..2 100644\n--- a/x.py\n+++ b/x.py\n\
                    @@ -3 +3,2 @@ def f(a):\n-old\n+++ b/trap\n+@@ -1 +1 @@ trap\n@@ -9,2 +11,0 @@\n-a\n-b\n\
                    diff --git a/new file b/new file\nnew file mode 100644\n--- /dev/null\n+++ b/new file\t\n@@ -0,0 +1 @@\n+x\n\
                    diff --git a/i.png b/i.png\nindex 3..4 100644\nBinary files a/i.png and b/i.png differ\n\
                    diff --git \"a/say \\\"x\\\"\" \"b/say \\\"x\\\"\"\n--- \"a/say \\\"x\\\"\"\n+++ \"b/say \\\"x\\\"\"\n@@ -1 +1 @@\n-a\n+b\n";
        let found: Vec<String> = parse(diff.as_bytes())
            .iter()
            .map(|h| {
                let CulpritHunk { path, kind, old_start, old_lines, new_start, new_lines, heading } = h;
                format!("{path} {kind:?} -{old_start},{old_lines} +{new_start},{new_lines} {heading}")
            })
            .collect();
        insta::assert_snapshot!(found.join("\n"), @r#"
        x.py Lines -3,1 +3,2 def f(a):
        x.py Lines -9,2 +11,0 
        new file WholeFile -1,0 +1,0 
        i.png WholeFile -1,0 +1,0 
        say "x" Lines -1,1 +1,1
        "#);
    }

    #[test]
    fn splits_as_far_as_lines_pair_up() {
        let hunk = |old_lines, new_lines| CulpritHunk {
            path: "f".into(),
            kind: HunkKind::Lines,
            old_start: 10,
            old_lines,
            new_start: 20,
            new_lines,
            heading: String::new(),
        };
        let check = |old, new, expected: &[(u32, u32, u32, u32)]| {
            let pieces = split(&hunk(old, new));
            assert!(pieces.iter().all(|piece| hunk(old, new).holds(piece)), "{pieces:?}");
            let got: Vec<_> =
                pieces.iter().map(|h| (h.old_start, h.old_lines, h.new_start, h.new_lines)).collect();
            assert_eq!(got, expected);
        };
        check(2, 2, &[(10, 1, 20, 1), (11, 1, 21, 1)]);
        check(0, 2, &[(10, 0, 20, 1), (10, 0, 21, 1)]);
        check(2, 0, &[(10, 1, 20, 0), (11, 1, 20, 0)]);
        check(2, 5, &[(10, 1, 20, 1), (11, 1, 21, 1), (11, 0, 22, 3)]);
        check(4, 1, &[(10, 1, 20, 1), (11, 3, 20, 0)]);
        check(70, 70, &[(10, 70, 20, 70)]);
        check(1, 1, &[(10, 1, 20, 1)]);
        let elsewhere = CulpritHunk { new_start: 30, old_start: 30, ..hunk(1, 1) };
        assert!(!hunk(2, 2).holds(&elsewhere));
        assert!(!hunk(2, 2).holds(&CulpritHunk { path: "g".into(), ..hunk(1, 1) }));
    }
}
