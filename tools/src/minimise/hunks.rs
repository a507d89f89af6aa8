/*!
The hunks of a commit against its first parent, without context, so that each is one contiguous change. What cannot
be taken apart by lines (binary files, added, removed and retyped files) is a unit of its own.
*/

use serde::{Deserialize, Serialize};

use crate::git::Repo;
use crate::process::trusted::GitError;

/// More than this is not looked at: a commit of that size is an import, not a change.
const MOST_BYTES: usize = 32 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HunkKind {
    /// Lines of a text file that both sides have.
    Lines,
    /// The file as a whole: added, removed, binary, or another mode.
    WholeFile,
}

/// One contiguous change. Line numbers are 1-based; with no lines on a side, the change stands after that line.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Hunk {
    pub path: String,
    pub kind: HunkKind,
    pub old_start: u32,
    pub old_lines: u32,
    pub new_start: u32,
    pub new_lines: u32,
    /// What git names as the enclosing function.
    pub heading: String,
}

impl Hunk {
    pub fn is_text(&self) -> bool {
        self.kind == HunkKind::Lines
    }

    /// Whether `piece` is a part of it, or all of it.
    pub fn holds(&self, piece: &Hunk) -> bool {
        let within = |whole: (u32, u32), part: (u32, u32)| {
            part.1 == 0 || (whole.0 <= part.0 && part.0 + part.1 <= whole.0 + whole.1)
        };
        self.path == piece.path
            && self.kind == piece.kind
            && within((self.old_start, self.old_lines), (piece.old_start, piece.old_lines))
            && within((self.new_start, self.new_lines), (piece.new_start, piece.new_lines))
    }

    /// The lines it stands on in the commit's own version of the file; where it only removes, the line before.
    pub fn new_span(&self) -> (u32, u32) {
        let start = self.new_start.max(1);
        (start, start + self.new_lines.saturating_sub(1))
    }
}

/// The hunks of `commit` (a full id) against its first parent, in the order of the diff.
pub fn hunks_of(repo: &Repo, commit: &str) -> Result<Vec<Hunk>, GitError> {
    let diff = repo
        .git()
        .args(["diff-tree", "-p", "-U0", "--root", "--no-commit-id", "-r", "-m", "--first-parent"])
        .args(["--no-renames", "--no-ext-diff", "--no-textconv", "--no-color", "--full-index", commit])
        .output()?;
    Ok(parse(diff.get(..MOST_BYTES).unwrap_or(&diff)))
}

fn parse(diff: &[u8]) -> Vec<Hunk> {
    let mut out: Vec<Hunk> = Vec::new();
    let mut file: Option<Pending> = None;
    // Lines of a hunk's body may look like headers, so they are counted, not recognised.
    let mut body = 0u32;
    for line in diff.split(|byte| *byte == b'\n') {
        let line = String::from_utf8_lossy(line);
        if body > 0 && (line.starts_with('+') || line.starts_with('-')) {
            body -= 1;
            continue;
        }
        if let Some(names) = line.strip_prefix("diff --git ") {
            out.extend(file.take().and_then(Pending::whole));
            file = Some(Pending { path: same_name(names), whole: false, seen: false });
        } else if let Some(rest) = line.strip_prefix("@@ -") {
            let Some(pending) = &mut file else { continue };
            let Some((old, new, heading)) = ranges(rest) else { continue };
            body = old.1 + new.1;
            if !pending.whole {
                pending.seen = true;
                out.push(Hunk {
                    path: pending.path.clone(),
                    kind: HunkKind::Lines,
                    old_start: old.0,
                    old_lines: old.1,
                    new_start: new.0,
                    new_lines: new.1,
                    heading,
                });
            }
        } else if let Some(pending) = &mut file {
            if let Some(name) = line.strip_prefix("+++ b/").or_else(|| line.strip_prefix("--- a/")) {
                pending.path = unquoted(name);
            }
            pending.whole |= ["new file mode", "deleted file mode", "old mode", "Binary files "]
                .iter()
                .any(|mark| line.starts_with(mark));
        }
    }
    out.extend(file.and_then(Pending::whole));
    out
}

struct Pending {
    path: String,
    whole: bool,
    seen: bool,
}

impl Pending {
    fn whole(self) -> Option<Hunk> {
        (self.whole || !self.seen).then_some(Hunk {
            path: self.path,
            kind: HunkKind::WholeFile,
            old_start: 1,
            old_lines: 0,
            new_start: 1,
            new_lines: 0,
            heading: String::new(),
        })
    }
}

/// `a/NAME b/NAME`, both names being the same without renames.
fn same_name(names: &str) -> String {
    let half = names.len() / 2;
    let name = names.get(half + 1..).unwrap_or(names);
    unquoted(name.trim_start_matches('"').strip_prefix("b/").unwrap_or(name))
}

fn unquoted(name: &str) -> String {
    name.trim_end_matches('\t').trim_end_matches('"').to_owned()
}

/// First line and number of lines.
type Range = (u32, u32);

/// `12,3 +14 @@ heading`
fn ranges(text: &str) -> Option<(Range, Range, String)> {
    let (old, rest) = text.split_once(" +")?;
    let (new, heading) = rest.split_once(" @@")?;
    let range = |text: &str| -> Option<Range> {
        match text.split_once(',') {
            Some((start, count)) => Some((start.parse().ok()?, count.parse().ok()?)),
            None => Some((text.parse().ok()?, 1)),
        }
    };
    Some((range(old)?, range(new)?, heading.trim().to_owned()))
}

/// A hunk in the pieces that can be taken back one by one: line by line as far as both sides pair up, and each line of a
/// pure insertion or removal. Where one side is longer, what it has beyond the other is one piece: a change and what was
/// put behind it become one hunk wherever the same lines end both. Should they belong together after all, only both
/// pieces flip the replay, and nothing is lost but a few runs.
pub fn split(hunk: &Hunk) -> Vec<Hunk> {
    /// Longer ones are left whole: every piece may cost a run.
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
        (0, _) => Hunk { new_start: hunk.new_start + at, new_lines: 1, ..hunk.clone() },
        (_, 0) => Hunk { old_start: hunk.old_start + at, old_lines: 1, ..hunk.clone() },
        _ if at < paired => Hunk {
            old_start: hunk.old_start + at,
            old_lines: 1,
            new_start: hunk.new_start + at,
            new_lines: 1,
            ..hunk.clone()
        },
        // With no lines on a side, a piece stands after the last one that paired up.
        (old, new) if new > old => Hunk {
            old_start: hunk.old_start + paired - 1,
            old_lines: 0,
            new_start: hunk.new_start + paired,
            new_lines: new - paired,
            ..hunk.clone()
        },
        (old, _) => Hunk {
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
                    diff --git a/i.png b/i.png\nindex 3..4 100644\nBinary files a/i.png and b/i.png differ\n";
        let found: Vec<String> = parse(diff.as_bytes())
            .iter()
            .map(|h| {
                let Hunk { path, kind, old_start, old_lines, new_start, new_lines, heading } = h;
                format!("{path} {kind:?} -{old_start},{old_lines} +{new_start},{new_lines} {heading}")
            })
            .collect();
        insta::assert_snapshot!(found.join("\n"), @r"
        x.py Lines -3,1 +3,2 def f(a):
        x.py Lines -9,2 +11,0 
        new file WholeFile -1,0 +1,0 
        i.png WholeFile -1,0 +1,0
        ");
    }

    #[test]
    fn splits_as_far_as_lines_pair_up() {
        let hunk = |old_lines, new_lines| Hunk {
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
        let elsewhere = Hunk { new_start: 30, old_start: 30, ..hunk(1, 1) };
        assert!(!hunk(2, 2).holds(&elsewhere));
        assert!(!hunk(2, 2).holds(&Hunk { path: "g".into(), ..hunk(1, 1) }));
    }
}
