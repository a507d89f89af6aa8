/*!
Unified diffs taken apart for showing, with the guilty lines marked.

The minimal guilty set arrives as a diff of its own, in which the other hunks are missing. Whichever side they are missing
from has other line numbers there, so lines are matched by path, text and the line that they stand at on either side.
*/

use std::collections::HashSet;

/// Lines of a diff looked at; what lies beyond is said to be left out.
const MAX_LINES: usize = 4_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Context,
    Added,
    Removed,
}

#[derive(Debug, Clone)]
pub(super) struct DiffLine {
    pub(super) kind: Kind,
    pub(super) old: u32,
    pub(super) new: u32,
    pub(super) text: String,
    pub(super) guilty: bool,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Hunk {
    /// What git prints after the second `@@`: the enclosing function.
    pub(super) section: String,
    pub(super) lines: Vec<DiffLine>,
}

impl Hunk {
    pub(super) fn is_guilty(&self) -> bool {
        self.lines.iter().any(|line| line.guilty)
    }
}

#[derive(Debug, Clone, Default)]
pub(super) struct FileDiff {
    pub(super) path: String,
    /// Renames, modes, binary files: what has no hunks but should be said.
    pub(super) notes: Vec<String>,
    pub(super) hunks: Vec<Hunk>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Diff {
    pub(super) files: Vec<FileDiff>,
    pub(super) truncated: bool,
}

impl Diff {
    pub(super) fn added(&self) -> usize {
        self.count(Kind::Added)
    }

    pub(super) fn removed(&self) -> usize {
        self.count(Kind::Removed)
    }

    pub(super) fn hunks(&self) -> impl Iterator<Item = (&FileDiff, &Hunk)> {
        self.files.iter().flat_map(|file| file.hunks.iter().map(move |hunk| (file, hunk)))
    }

    /// Runs of changed lines, and how many of them have a guilty line: hunks as git counts them without context, which
    /// is what minimising works on.
    pub(super) fn changes(&self) -> (usize, usize) {
        let runs = self.hunks().flat_map(|(_, hunk)| {
            let kind = |line: &DiffLine| line.kind == Kind::Context;
            hunk.lines.chunk_by(move |one, next| kind(one) == kind(next)).filter(move |run| !kind(&run[0]))
        });
        runs.fold((0, 0), |(all, guilty), run| {
            (all + 1, guilty + usize::from(run.iter().any(|line| line.guilty)))
        })
    }

    /// At most `max` lines, files with guilty lines first.
    pub(super) fn bounded(mut self, max: usize) -> Self {
        self.files.sort_by_key(|file| !file.hunks.iter().any(Hunk::is_guilty));
        let mut left = max;
        for file in &mut self.files {
            for hunk in &mut file.hunks {
                self.truncated |= hunk.lines.len() > left;
                hunk.lines.truncate(left);
                left -= hunk.lines.len();
            }
            file.hunks.retain(|hunk| !hunk.lines.is_empty());
        }
        self.files.retain(|file| !file.hunks.is_empty() || !file.notes.is_empty());
        self
    }

    /// As text for a fence: paths, signs and lines, guilty ones marked in front.
    pub(super) fn as_text(&self) -> String {
        let mut out = String::new();
        let mut path = None;
        for (file, hunk) in self.hunks() {
            if path != Some(&file.path) {
                path = Some(&file.path);
                out.push_str(&format!("  {}\n", file.path));
            } else {
                out.push_str("  …\n");
            }
            for line in &hunk.lines {
                let sign = match line.kind {
                    Kind::Added => '+',
                    Kind::Removed => '-',
                    Kind::Context => ' ',
                };
                // The sign stays first, so that a page colours the line.
                let guilty = if line.guilty { '>' } else { ' ' };
                out.push_str(&format!("{sign}{guilty} {}\n", line.text));
            }
        }
        out
    }

    /// Only the hunks with guilty lines, or everything where none is marked.
    pub(super) fn only_guilty(mut self) -> Self {
        if self.lines().any(|(_, line)| line.guilty) {
            for file in &mut self.files {
                file.hunks.retain(Hunk::is_guilty);
            }
            self.files.retain(|file| !file.hunks.is_empty());
        }
        self
    }

    fn lines(&self) -> impl Iterator<Item = (&FileDiff, &DiffLine)> {
        self.hunks().flat_map(|(file, hunk)| hunk.lines.iter().map(move |line| (file, line)))
    }

    fn count(&self, kind: Kind) -> usize {
        self.lines().filter(|(_, line)| line.kind == kind).count()
    }

    /// Marks the changed lines that stand in `guilty`, too. That may be a diff of a later revision, where lines have other
    /// numbers; then their text alone tells.
    pub(super) fn mark(mut self, guilty: &Diff) -> Self {
        self.mark_by_number(guilty);
        if !self.lines().any(|(_, line)| line.guilty) {
            let changed = guilty.lines().filter(|(_, line)| line.kind != Kind::Context);
            let texts: HashSet<(&str, Kind, &str)> =
                changed.map(|(file, line)| (file.path.as_str(), line.kind, line.text.as_str())).collect();
            for file in &mut self.files {
                for line in file.hunks.iter_mut().flat_map(|hunk| &mut hunk.lines) {
                    line.guilty = line.kind != Kind::Context
                        && !line.text.trim().is_empty()
                        && texts.contains(&(file.path.as_str(), line.kind, line.text.as_str()));
                }
            }
        }
        self
    }

    fn mark_by_number(&mut self, guilty: &Diff) {
        let changed = || guilty.lines().filter(|(_, line)| line.kind != Kind::Context);
        let by = |number: fn(&DiffLine) -> u32| -> HashSet<(String, Kind, u32, String)> {
            let key = |(file, line): (&FileDiff, &DiffLine)| {
                (file.path.clone(), line.kind, number(line), line.text.clone())
            };
            changed().map(key).collect()
        };
        let (by_old, by_new) = (by(|line| line.old), by(|line| line.new));
        for file in &mut self.files {
            for line in file.hunks.iter_mut().flat_map(|hunk| &mut hunk.lines) {
                let key = |number| (file.path.clone(), line.kind, number, line.text.clone());
                line.guilty = line.kind != Kind::Context
                    && (by_old.contains(&key(line.old)) || by_new.contains(&key(line.new)));
            }
        }
    }
}

/// Takes a `git diff` or plain unified diff apart. Never fails: what is no diff yields no files.
pub(super) fn parse(text: &str) -> Diff {
    let mut diff = Diff::default();
    // Lines of old and new side that the hunk's header still promises.
    let (mut old, mut new, mut old_left, mut new_left) = (0_u32, 0_u32, 0_u32, 0_u32);
    for (at, raw) in text.split('\n').enumerate() {
        if at >= MAX_LINES {
            diff.truncated = true;
            break;
        }
        if old_left > 0 || new_left > 0 {
            let (kind, content) = match raw.as_bytes().first() {
                Some(b'+') => (Kind::Added, &raw[1..]),
                Some(b'-') => (Kind::Removed, &raw[1..]),
                Some(b'\\') => continue,
                Some(b' ') => (Kind::Context, &raw[1..]),
                // Mail programs strip the blank of an empty context line.
                None => (Kind::Context, raw),
                Some(_) => {
                    (old_left, new_left) = (0, 0);
                    (Kind::Context, "")
                }
            };
            if old_left > 0 || new_left > 0 {
                if let Some(hunk) = diff.files.last_mut().and_then(|file| file.hunks.last_mut()) {
                    let text = content.trim_end_matches('\r').to_owned();
                    hunk.lines.push(DiffLine { kind, old, new, text, guilty: false });
                }
                if kind != Kind::Added {
                    old = old.saturating_add(1);
                    old_left = old_left.saturating_sub(1);
                }
                if kind != Kind::Removed {
                    new = new.saturating_add(1);
                    new_left = new_left.saturating_sub(1);
                }
                continue;
            }
        }
        if raw.starts_with("diff --git ") {
            let path = raw.rsplit_once(" b/").map_or("", |(_, path)| path).to_owned();
            diff.files.push(FileDiff { path, ..FileDiff::default() });
        } else if let Some(header) = raw.strip_prefix("@@ -") {
            let Some((start_old, len_old, start_new, len_new, section)) = hunk_header(header) else {
                continue;
            };
            (old, old_left, new, new_left) = (start_old, len_old, start_new, len_new);
            // An empty old side is numbered by the line before it.
            if len_old == 0 {
                old = old.saturating_add(1);
            }
            if diff.files.is_empty() {
                diff.files.push(FileDiff::default());
            }
            if let Some(file) = diff.files.last_mut() {
                file.hunks.push(Hunk { section, lines: Vec::new() });
            }
        } else if let Some(path) = raw.strip_prefix("--- ") {
            let fresh = diff.files.last().is_none_or(|file| !file.hunks.is_empty());
            if fresh {
                diff.files.push(FileDiff::default());
            }
            name(&mut diff, path);
        } else if let Some(path) = raw.strip_prefix("+++ ") {
            name(&mut diff, path);
        } else if ["new file", "deleted file", "rename ", "old mode", "new mode", "Binary files"]
            .iter()
            .any(|start| raw.starts_with(start))
            && let Some(file) = diff.files.last_mut()
        {
            file.notes.push(raw.to_owned());
        }
    }
    diff
}

fn name(diff: &mut Diff, path: &str) {
    let path = path.split('\t').next().unwrap_or(path).trim_end();
    let path = path.strip_prefix("a/").or_else(|| path.strip_prefix("b/")).unwrap_or(path);
    if path != "/dev/null"
        && let Some(file) = diff.files.last_mut()
    {
        path.clone_into(&mut file.path);
    }
}

/// First line and number of lines on the old side, the same on the new side, and the enclosing function that git names.
pub(crate) type HunkHeader = (u32, u32, u32, u32, String);

/// Reads what stands behind `@@ -`.
pub(crate) fn hunk_header(header: &str) -> Option<HunkHeader> {
    let (ranges, section) = header.split_once(" @@")?;
    let (old, new) = ranges.split_once(" +")?;
    let range = |text: &str| -> Option<(u32, u32)> {
        match text.split_once(',') {
            Some((start, len)) => Some((start.parse().ok()?, len.parse().ok()?)),
            None => Some((text.parse().ok()?, 1)),
        }
    };
    let ((start_old, len_old), (start_new, len_new)) = (range(old)?, range(new)?);
    Some((start_old, len_old, start_new, len_new, section.trim().to_owned()))
}
