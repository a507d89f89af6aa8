/*!
Widens guilty lines to a complete fix. The lines that flip the replay may be half of an `if`, or use a name that the
culprit removed elsewhere. So they are widened to whole statements, blocks and units by the syntax of the file,
together with the definitions they need in the other files of the commit.
*/

use millwright_model::CommitId;
use std::collections::{BTreeMap, BTreeSet};

use millwright_code::changes::{ChangeLevel, CulpritFile, LineHunk, PieceId, needed_by_names, whole_changes};
use millwright_git::history::{PathKind, path_kind};
use millwright_git::{self as git, Repo};

use super::FixError;
use super::coupled::{FileText, PieceText, alike, coupled};
use crate::minimise::{CulpritHunk, hunks_of, split};

/// Maximum number of pieces of a commit: a larger commit is an import, not a change.
const MAX_PIECES: usize = 20_000;

/// A part of the culprit that is syntactically complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WholeChange {
    pub(super) level: ChangeLevel,
    pub(super) hunks: Vec<CulpritHunk>,
    /// Names that lose their definition when only this part is taken back, a sentence each.
    pub(super) missing: Vec<String>,
    /// The commit makes the same change elsewhere, and this part leaves it in place.
    pub(super) leaves_alike: bool,
}

/// One file of the culprit.
struct ChangedFile {
    path: String,
    old: String,
    new: String,
    pieces: Vec<CulpritHunk>,
    lines: Vec<LineHunk>,
    guilty: Vec<usize>,
}

/// The parts of `culprit` around its `guilty` hunks, smallest first. Each is syntactically complete and includes
/// coupled pieces that the syntax does not connect. All ids are full commit ids.
///
/// # Errors
/// When the repository cannot be read.
pub(super) fn whole_changes_of(
    repo: &Repo,
    culprit: &CommitId,
    guilty: &[CulpritHunk],
) -> Result<Vec<WholeChange>, FixError> {
    let mut files = changed_files(repo, culprit, guilty)?;
    // A hunk that cannot be split by lines is complete by itself.
    let whole: Vec<CulpritHunk> = guilty.iter().filter(|hunk| !hunk.is_text()).cloned().collect();
    let mut parts = parts_around(&files, &whole);
    let coupled = together(&files, parts.first(), coupled);
    if !coupled.is_empty() {
        count_in(&mut files, &coupled);
        parts = parts_around(&files, &whole);
    }
    let alike = together(&files, parts.first(), |_, pieces, chosen| alike(pieces, chosen));
    let mut out: Vec<WholeChange> = Vec::new();
    if !alike.is_empty() {
        count_in(&mut files, &alike);
        out.extend(parts_around(&files, &whole).into_iter().map(|(change, _)| change));
        // The guilty place alone comes later: the other places may be intended.
        parts.truncate(1);
        parts.iter_mut().for_each(|(change, _)| change.leaves_alike = true);
    }
    for (change, _) in parts {
        if !out.iter().any(|known| known.hunks == change.hunks) {
            out.push(change);
        }
    }
    Ok(out)
}

/// The parts around the guilty hunks in `files`, with their pieces.
fn parts_around(files: &[ChangedFile], whole: &[CulpritHunk]) -> Vec<(WholeChange, BTreeSet<PieceId>)> {
    let views: Vec<CulpritFile<'_>> = files
        .iter()
        .map(|file| CulpritFile { path: &file.path, old: &file.old, new: &file.new, hunks: &file.lines })
        .collect();
    let sets: BTreeMap<usize, Vec<(ChangeLevel, Vec<usize>)>> = files
        .iter()
        .enumerate()
        .filter(|(_, file)| !file.guilty.is_empty())
        .map(|(at, file)| {
            let sets = whole_changes(&file.path, &file.old, &file.new, &file.lines, &file.guilty);
            (at, sets.into_iter().map(|set| (set.level, set.pieces)).collect())
        })
        .collect();
    let levels: BTreeSet<ChangeLevel> = sets.values().flatten().map(|(level, _)| *level).collect();
    let mut out: Vec<(WholeChange, BTreeSet<PieceId>)> = Vec::new();
    for level in levels {
        // Take each guilty file at this level, or at the nearest wider level that it has.
        let mut taken: BTreeSet<PieceId> = BTreeSet::new();
        for (at, sets) in &sets {
            let fits = sets.iter().filter(|(own, _)| *own >= level).min_by_key(|(own, _)| *own);
            let pieces = fits.or(sets.last()).map(|(_, pieces)| pieces.as_slice()).unwrap_or_default();
            taken.extend(pieces.iter().map(|piece| PieceId { file: *at, piece: *piece }));
        }
        let chosen: Vec<PieceId> = taken.iter().copied().collect();
        let closure = needed_by_names(&views, &chosen);
        taken.extend(closure.extra);
        let hunks = taken.iter().filter_map(|id| files.get(id.file)?.pieces.get(id.piece)).cloned();
        let hunks: Vec<CulpritHunk> = hunks.chain(whole.to_vec()).collect();
        if !hunks.is_empty() && !out.iter().any(|(known, _)| known.hunks == hunks) {
            let change = WholeChange { level, hunks, missing: closure.missing, leaves_alike: false };
            out.push((change, taken));
        }
    }
    if out.is_empty() && !whole.is_empty() {
        let hunks = whole.to_vec();
        let level = ChangeLevel::File;
        out.push((WholeChange { level, hunks, missing: Vec::new(), leaves_alike: false }, BTreeSet::new()));
    }
    out
}

/// The pieces that `find` adds to `part`, in product code only.
fn together(
    files: &[ChangedFile],
    part: Option<&(WholeChange, BTreeSet<PieceId>)>,
    find: impl Fn(&[FileText<'_>], &[PieceText<'_>], &BTreeSet<usize>) -> BTreeSet<usize>,
) -> Vec<PieceId> {
    let Some((_, taken)) = part else { return Vec::new() };
    let texts: Vec<FileText<'_>> =
        files.iter().map(|file| FileText { old: &file.old, new: &file.new }).collect();
    let mut ids = Vec::new();
    let mut pieces = Vec::new();
    for (at, file) in files.iter().enumerate() {
        if matches!(path_kind(&file.path), PathKind::Test | PathKind::Docs) {
            continue;
        }
        let (old, new) = (LineStarts::of(&file.old), LineStarts::of(&file.new));
        for (number, lines) in file.lines.iter().enumerate() {
            ids.push(PieceId { file: at, piece: number });
            pieces.push(PieceText {
                file: at,
                line: lines.old_start,
                removed: old.lines(lines.old_start, lines.old_lines),
                added: new.lines(lines.new_start, lines.new_lines),
            });
        }
    }
    let chosen = ids.iter().enumerate().filter(|(_, id)| taken.contains(id)).map(|(at, _)| at).collect();
    find(&texts, &pieces, &chosen).into_iter().filter_map(|at| ids.get(at).copied()).collect()
}

fn count_in(files: &mut [ChangedFile], pieces: &[PieceId]) {
    for id in pieces {
        if let Some(file) = files.get_mut(id.file)
            && !file.guilty.contains(&id.piece)
        {
            file.guilty.push(id.piece);
            file.guilty.sort_unstable();
        }
    }
}

/// Where the lines of a text begin.
struct LineStarts<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> LineStarts<'a> {
    fn of(text: &'a str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { text, starts }
    }

    /// `count` lines from the 1-based `start`.
    fn lines(&self, start: u32, count: u32) -> &'a str {
        if count == 0 {
            return "";
        }
        let at =
            |line: u32| self.starts.get(line.saturating_sub(1) as usize).copied().unwrap_or(self.text.len());
        self.text.get(at(start)..at(start.saturating_add(count))).unwrap_or_default()
    }
}

fn changed_files(
    repo: &Repo,
    culprit: &CommitId,
    guilty: &[CulpritHunk],
) -> Result<Vec<ChangedFile>, FixError> {
    let parent = format!("{culprit}^1");
    let mut by_path: BTreeMap<String, Vec<CulpritHunk>> = BTreeMap::new();
    let mut count = 0;
    for hunk in hunks_of(repo, culprit)?.iter().filter(|hunk| hunk.is_text()) {
        let pieces = split(hunk);
        count += pieces.len();
        let is_guilty = guilty.iter().any(|guilty| guilty.path == hunk.path);
        if count <= MAX_PIECES || is_guilty {
            by_path.entry(hunk.path.clone()).or_default().extend(pieces);
        }
    }
    let text = |revision: &str, path: &str| -> Option<String> {
        let revision = repo.git().args(["rev-parse", "--verify", "--quiet", revision]).output().ok()?;
        let id = String::from_utf8_lossy(&revision).trim().to_owned();
        git::blob_at(repo, &id, path).ok()?.text().ok()
    };
    let mut out = Vec::new();
    for (path, pieces) in by_path {
        let (Some(old), Some(new)) = (text(&parent, &path), text(culprit, &path)) else { continue };
        let is_guilty = |piece: &CulpritHunk| guilty.iter().any(|guilty| guilty.holds(piece));
        let guilty = (0..).zip(&pieces).filter(|(_, piece)| is_guilty(piece)).map(|(at, _)| at).collect();
        let lines = pieces
            .iter()
            .map(|piece| LineHunk {
                old_start: piece.old_start,
                old_lines: piece.old_lines,
                new_start: piece.new_start,
                new_lines: piece.new_lines,
            })
            .collect();
        out.push(ChangedFile { path, old, new, pieces, lines, guilty });
    }
    Ok(out)
}

/// The id of a candidate of that level.
pub(super) fn id_of(level: ChangeLevel) -> &'static str {
    match level {
        ChangeLevel::Line => "partial_revert_lines",
        ChangeLevel::Statement => "partial_revert_statements",
        ChangeLevel::Block => "partial_revert_block",
        ChangeLevel::Unit => "partial_revert_unit",
        ChangeLevel::TopLevel => "partial_revert_definition",
        ChangeLevel::File => "partial_revert_files",
    }
}
