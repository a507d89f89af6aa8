/*!
Finds the owner of each line: follows the lines of a file at the failing revision back through the candidates' hunks.

`git blame` costs a process and a second per file over a long history. The hunks are in the index already, so
following them costs microseconds, and it also shows which candidate only *removed* something next to a line.
Candidates are treated as one linear history, newest first. Where branches were merged in between, offsets may be off
by the other branch's changes to the same file; owners are evidence, not proof, and a replay decides.
*/

use super::candidates::SuspectCandidates;

/// Lines of the file at the failing revision, `start..start + len`, 1-based.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OwnedLines {
    pub(super) candidate: u32,
    pub(super) start: u32,
    pub(super) len: u32,
}

#[derive(Debug, Default)]
pub(super) struct FileHistory {
    /// Lines whose last change is in the range, with the candidate that changed them.
    pub(super) owned: Vec<OwnedLines>,
    /// Lines beside which a candidate removed something.
    pub(super) beside: Vec<(u32, u32)>,
    /// Candidates that changed the file under any of its names, newest first.
    pub(super) touched_by: Vec<u32>,
}

/// A stretch of lines: its position in the current version and at the failing revision.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    here: u32,
    at_bad: u32,
    len: u32,
}

/// A file with more stretches has changed beyond recognition; the rest is not followed further.
const MAX_STRETCHES: usize = 20_000;

/// Follows `path`, which has `lines` lines at the failing revision.
pub(super) fn follow(candidates: &SuspectCandidates, path: &str, lines: u32) -> FileHistory {
    let mut history = FileHistory::default();
    let mut stretches = vec![Stretch { here: 1, at_bad: 1, len: lines }];
    let mut path = path.to_owned();
    let mut next = 0;
    // The list of candidates depends on the file's name, so each step searches the next older candidate.
    loop {
        let touching = candidates.touching(&path);
        let Some(&at) = touching.get(touching.partition_point(|at| *at < next)) else { break };
        next = at + 1;
        let Some(candidate) = candidates.list.get(at as usize) else { break };
        let Some(file) = candidate.files.iter().find(|file| file.path == path) else { continue };
        if file.is_deleted {
            continue; // an older file of that name
        }
        history.touched_by.push(at);
        stretches = through(&stretches, file, at, &mut history);
        if file.is_new || stretches.is_empty() || stretches.len() > MAX_STRETCHES {
            break;
        }
        if let Some(old) = &file.old_path {
            path.clone_from(old);
        }
    }
    history
}

/// Maps stretches from after a change to before it, and records the lines that the change owns.
fn through(
    stretches: &[Stretch],
    file: &millwright_git::history::PatchFile,
    candidate: u32,
    history: &mut FileHistory,
) -> Vec<Stretch> {
    let mut before = Vec::with_capacity(stretches.len() + file.hunks.len());
    let mut hunks = file.hunks.iter().peekable();
    // Lines after a hunk move by the length difference of its sides.
    let mut shift: i64 = 0;
    for stretch in stretches {
        let (mut here, mut at_bad, mut left) = (stretch.here, stretch.at_bad, stretch.len);
        while left > 0 {
            // A hunk without new lines names the line *before* the gap.
            let Some(hunk) = hunks.peek() else {
                push(&mut before, here, at_bad, left, shift);
                break;
            };
            let starts = if hunk.new_len == 0 { hunk.new_start.saturating_add(1) } else { hunk.new_start };
            let ends = starts.saturating_add(hunk.new_len);
            if here >= ends && !(hunk.new_len == 0 && here == starts) {
                shift += i64::from(hunk.old_len) - i64::from(hunk.new_len);
                hunks.next();
                continue;
            }
            if here < starts {
                let free = left.min(starts - here);
                push(&mut before, here, at_bad, free, shift);
                if hunk.new_len == 0 && free == starts - here {
                    history.beside.push((candidate, at_bad + free - 1));
                }
                (here, at_bad, left) = (here + free, at_bad + free, left - free);
                continue;
            }
            if hunk.new_len == 0 {
                history.beside.push((candidate, at_bad));
                shift += i64::from(hunk.old_len);
                hunks.next();
                continue;
            }
            let taken = left.min(ends - here);
            history.owned.push(OwnedLines { candidate, start: at_bad, len: taken });
            (here, at_bad, left) = (here + taken, at_bad + taken, left - taken);
        }
    }
    before
}

fn push(before: &mut Vec<Stretch>, here: u32, at_bad: u32, len: u32, shift: i64) {
    let Ok(here) = u32::try_from(i64::from(here) + shift) else { return };
    if len > 0 {
        before.push(Stretch { here, at_bad, len });
    }
}

#[cfg(test)]
#[path = "lines_tests.rs"]
mod tests;
