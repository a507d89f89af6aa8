/*!
Parses unified diffs for display and marks the guilty lines.

The minimal guilty set is a separate diff without the other hunks. Its line numbers differ on the side where those
hunks are missing, so lines are matched by path, text and the line number on either side.
*/

use std::collections::HashSet;

pub(super) use millwright_git::unified_diff::DiffLineKind;
use millwright_git::unified_diff::{self, DiffHunk, DiffParser};

use super::context::CommitView;

/// Maximum number of lines of a diff; the page says that the rest is left out.
const MAX_LINES: usize = 4_000;

#[derive(Debug, Clone)]
pub(super) struct DiffLine {
    pub(super) kind: DiffLineKind,
    pub(super) old: u32,
    pub(super) new: u32,
    pub(super) text: String,
    pub(super) guilty: bool,
}

#[derive(Debug, Clone, Default)]
pub(super) struct ReportHunk {
    /// What git prints after the second `@@`: the enclosing function.
    pub(super) section: String,
    pub(super) lines: Vec<DiffLine>,
}

impl ReportHunk {
    fn of(hunk: &DiffHunk<'_>) -> Self {
        let line = |line: &unified_diff::DiffLine<'_>| DiffLine {
            kind: line.kind,
            old: line.old,
            new: line.new,
            text: line.raw.trim_end_matches('\r').to_owned(),
            guilty: false,
        };
        Self { section: hunk.section.to_owned(), lines: hunk.lines.iter().map(line).collect() }
    }

    pub(super) fn is_guilty(&self) -> bool {
        self.lines.iter().any(|line| line.guilty)
    }
}

#[derive(Debug, Clone, Default)]
pub(super) struct FileDiff {
    pub(super) path: String,
    /// Changes without hunks that the report must mention: renames, modes, binary files.
    pub(super) notes: Vec<String>,
    pub(super) hunks: Vec<ReportHunk>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct ReportDiff {
    pub(super) files: Vec<FileDiff>,
    pub(super) truncated: bool,
}

impl ReportDiff {
    /// The changes of the culprit with the guilty lines marked, as far as they are known.
    pub(super) fn of_culprit(view: &CommitView) -> Self {
        let whole = parse(&view.diff);
        match (&view.guilty_diff, &view.taken_back_by) {
            (Some(guilty), _) => whole.mark(&parse(guilty)),
            (None, Some(fix)) => whole.mark(&parse(fix).reversed()),
            (None, None) => whole,
        }
    }

    pub(super) fn added(&self) -> usize {
        self.count(DiffLineKind::Added)
    }

    pub(super) fn removed(&self) -> usize {
        self.count(DiffLineKind::Removed)
    }

    pub(super) fn hunks(&self) -> impl Iterator<Item = (&FileDiff, &ReportHunk)> {
        self.files.iter().flat_map(|file| file.hunks.iter().map(move |hunk| (file, hunk)))
    }

    /// The number of runs of changed lines, and how many of them have a guilty line. These are hunks without context,
    /// the units of minimising.
    pub(super) fn changes(&self) -> (usize, usize) {
        let runs = self.hunks().flat_map(|(_, hunk)| {
            let kind = |line: &DiffLine| line.kind == DiffLineKind::Context;
            hunk.lines.chunk_by(move |one, next| kind(one) == kind(next)).filter(move |run| !kind(&run[0]))
        });
        runs.fold((0, 0), |(all, guilty), run| {
            (all + 1, guilty + usize::from(run.iter().any(|line| line.guilty)))
        })
    }

    /// At most `max` lines, files with guilty lines first.
    pub(super) fn bounded(mut self, max: usize) -> Self {
        self.files.sort_by_key(|file| !file.hunks.iter().any(ReportHunk::is_guilty));
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

    /// The diff as text for a code fence: paths, signs and lines, with guilty lines marked in front.
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
                    DiffLineKind::Added => '+',
                    DiffLineKind::Removed => '-',
                    DiffLineKind::Context => ' ',
                };
                // The sign stays first, so that the page colours the line.
                let guilty = if line.guilty { '>' } else { ' ' };
                out.push_str(&format!("{sign}{guilty} {}\n", line.text));
            }
        }
        out
    }

    /// Keeps only the hunks with guilty lines, or everything if no line is marked.
    pub(super) fn only_guilty(mut self) -> Self {
        if self.lines().any(|(_, line)| line.guilty) {
            for file in &mut self.files {
                file.hunks.retain(ReportHunk::is_guilty);
            }
            self.files.retain(|file| !file.hunks.is_empty());
        }
        self
    }

    fn lines(&self) -> impl Iterator<Item = (&FileDiff, &DiffLine)> {
        self.hunks().flat_map(|(file, hunk)| hunk.lines.iter().map(move |line| (file, line)))
    }

    fn count(&self, kind: DiffLineKind) -> usize {
        self.lines().filter(|(_, line)| line.kind == kind).count()
    }

    /// Marks the changed lines that also occur in `guilty`. If `guilty` is a diff of a later revision with other line
    /// numbers, only the text is compared.
    pub(super) fn mark(mut self, guilty: &ReportDiff) -> Self {
        self.mark_by_number(guilty);
        if !self.lines().any(|(_, line)| line.guilty) {
            let changed = guilty.lines().filter(|(_, line)| line.kind != DiffLineKind::Context);
            let texts: HashSet<(&str, DiffLineKind, &str)> =
                changed.map(|(file, line)| (file.path.as_str(), line.kind, line.text.as_str())).collect();
            for file in &mut self.files {
                for line in file.hunks.iter_mut().flat_map(|hunk| &mut hunk.lines) {
                    line.guilty = line.kind != DiffLineKind::Context
                        && !line.text.trim().is_empty()
                        && texts.contains(&(file.path.as_str(), line.kind, line.text.as_str()));
                }
            }
        }
        self
    }

    /// The reverse diff.
    pub(super) fn reversed(mut self) -> Self {
        for line in self.files.iter_mut().flat_map(|file| &mut file.hunks).flat_map(|hunk| &mut hunk.lines) {
            (line.old, line.new) = (line.new, line.old);
            line.kind = match line.kind {
                DiffLineKind::Added => DiffLineKind::Removed,
                DiffLineKind::Removed => DiffLineKind::Added,
                DiffLineKind::Context => DiffLineKind::Context,
            };
        }
        self
    }

    fn mark_by_number(&mut self, guilty: &ReportDiff) {
        let changed = || guilty.lines().filter(|(_, line)| line.kind != DiffLineKind::Context);
        let by = |number: fn(&DiffLine) -> u32| -> HashSet<(String, DiffLineKind, u32, String)> {
            let key = |(file, line): (&FileDiff, &DiffLine)| {
                (file.path.clone(), line.kind, number(line), line.text.clone())
            };
            changed().map(key).collect()
        };
        let (by_old, by_new) = (by(|line| line.old), by(|line| line.new));
        for file in &mut self.files {
            for line in file.hunks.iter_mut().flat_map(|hunk| &mut hunk.lines) {
                let key = |number| (file.path.clone(), line.kind, number, line.text.clone());
                line.guilty = line.kind != DiffLineKind::Context
                    && (by_old.contains(&key(line.old)) || by_new.contains(&key(line.new)));
            }
        }
    }
}

/// Parses a `git diff` or plain unified diff. Never fails: a text that is not a diff gives no files.
pub(super) fn parse(text: &str) -> ReportDiff {
    /// Headers that a report mentions.
    const TOLD: [&str; 6] = ["new file", "deleted file", "rename ", "old mode", "new mode", "Binary files"];
    let parsed = DiffParser::default().max_lines(MAX_LINES).parse(text);
    let files = parsed.files.iter().map(|file| FileDiff {
        path: file.path().to_owned(),
        notes: file
            .headers
            .iter()
            .filter(|header| TOLD.iter().any(|start| header.starts_with(start)))
            .map(|header| (*header).to_owned())
            .collect(),
        hunks: file.hunks.iter().map(ReportHunk::of).collect(),
    });
    ReportDiff { files: files.collect(), truncated: parsed.truncated }
}
