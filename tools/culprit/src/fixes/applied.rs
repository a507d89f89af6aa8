/*!
Applies a written change to a file's text: places hunks and replacements where their lines are, with the file's own
line breaks and indentation. A change that fits nowhere, or in several places, is refused with the reason.
*/

use millwright_git::unified_diff::{DiffHunk, DiffLine, DiffLineKind};
use millwright_redaction::placeholders;

use super::line_search::{self, IndentShift, Likeness};
use super::patch::TextEdit;

/// The text with each hunk applied where its lines are.
pub(super) fn changed(text: &str, path: &str, hunks: &[DiffHunk<'_>]) -> Result<String, String> {
    let file = Lines::of(text);
    let mut placed = Vec::with_capacity(hunks.len());
    for (number, hunk) in hunks.iter().enumerate() {
        let failed = |why: String| format!("hunk {} of {path}: {why}", number + 1);
        no_new_placeholder(
            text,
            hunk.lines.iter().filter(|line| line.kind == DiffLineKind::Added).map(DiffLine::text),
        )
        .map_err(failed)?;
        placed.push(place_hunk(&file, hunk).map_err(failed)?);
    }
    placed.sort_by_key(|piece| (piece.at, piece.until));
    let mut out: Vec<String> = Vec::new();
    let mut done = 0;
    for piece in placed {
        if piece.at < done {
            return Err(format!("two hunks of {path} change the same lines; write them as one"));
        }
        out.extend(file.whole(done, piece.at));
        out.extend(piece.lines);
        done = piece.until;
    }
    out.extend(file.whole(done, file.bare.len()));
    let open_end = hunks.iter().any(DiffHunk::has_open_end);
    let last = out.len();
    for (number, line) in out.iter_mut().enumerate() {
        // The former last line has no line break but is followed by another line now, or the new last line has none.
        if number + 1 < last && !line.ends_with('\n') {
            line.push_str(file.line_break);
        }
    }
    let mut out = out.concat();
    if open_end && out.ends_with('\n') {
        out.truncate(out.trim_end_matches(['\r', '\n']).len());
    }
    Ok(out)
}

/// New lines for a stretch of a file.
struct Piece {
    at: usize,
    until: usize,
    lines: Vec<String>,
}

/// The lines of a hunk that are in the old file.
fn old_lines<'h>(hunk: &'h DiffHunk<'_>) -> impl Iterator<Item = &'h DiffLine<'h>> {
    hunk.lines.iter().filter(|line| line.kind != DiffLineKind::Added)
}

fn place_hunk(file: &Lines<'_>, hunk: &DiffHunk<'_>) -> Result<Piece, String> {
    let start = hunk.old.map(|range| range.start as usize);
    let old: Vec<&str> = old_lines(hunk).map(DiffLine::text).collect();
    let (at, shift) = if old.is_empty() {
        // Git counts `@@ -3,0` as behind line 3.
        let at = match start {
            _ if file.bare.is_empty() => 0,
            Some(start) if start <= file.bare.len() => start,
            _ => {
                return Err(
                    "it has no unchanged line that shows where its new lines belong; add some".to_owned()
                );
            }
        };
        (at, IndentShift::None)
    } else {
        let found = line_search::find(&file.bare, &old, start)?;
        let own = &file.bare[found.at..found.at + old.len()];
        (found.at, shift_of(found.likeness, hunk, own)?)
    };
    let mut lines = Vec::new();
    let mut next = at;
    for line in &hunk.lines {
        match line.kind {
            DiffLineKind::Context => {
                lines.extend(file.whole(next, next + 1));
                next += 1;
            }
            DiffLineKind::Removed => next += 1,
            DiffLineKind::Added => {
                let text = shift.apply(line.text()).ok_or(INDENTATION)?;
                lines.push(format!("{}{}", text, file.line_break));
            }
        }
    }
    Ok(Piece { at, until: next, lines })
}

const INDENTATION: &str = "its indentation differs from the file's, and not by the same amount in all lines; \
                           copy the lines as git_file shows them";

/// New lines have the same indentation error as the removed ones, so the removed ones show how to correct it.
fn shift_of(likeness: Likeness, hunk: &DiffHunk<'_>, own: &[&str]) -> Result<IndentShift, String> {
    if likeness != Likeness::Indentation {
        return Ok(IndentShift::None);
    }
    let removes =
        hunk.lines.iter().any(|line| line.kind == DiffLineKind::Removed && !line.text().trim().is_empty());
    let pairs = old_lines(hunk).zip(own).filter(|(line, _)| !removes || line.kind == DiffLineKind::Removed);
    IndentShift::between(pairs.map(|(line, own)| (*own, line.text()))).ok_or_else(|| INDENTATION.to_owned())
}

/// The text with one exact replacement made.
pub(super) fn replaced(text: &str, edit: &TextEdit) -> Result<String, String> {
    no_new_placeholder(text, edit.new.lines())?;
    if edit.old.is_empty() {
        return match text.is_empty() {
            true => Ok(edit.new.clone()),
            false => Err("`old` is empty, but the file exists; give the text to replace".to_owned()),
        };
    }
    if edit.old == edit.new {
        return Err("`old` and `new` are the same".to_owned());
    }
    let file = Lines::of(text);
    let mut found = text.match_indices(edit.old.as_str()).map(|(at, _)| at);
    match (found.next(), found.next()) {
        (Some(at), None) => {
            return Ok(format!("{}{}{}", &text[..at], edit.new, &text[at + edit.old.len()..]));
        }
        (Some(first), Some(second)) => {
            let line = |at: usize| text[..at].matches('\n').count() + 1;
            return Err(format!(
                "`old` occurs {} times (lines {}, {} …); add lines around it until it occurs once",
                found.count() + 2,
                line(first),
                line(second)
            ));
        }
        _ => {}
    }
    // The white space differs from the file's; whole lines can still be placed.
    let old: Vec<&str> = edit.old.trim_matches('\n').lines().collect();
    let place = line_search::find(&file.bare, &old, None)?;
    let own = &file.bare[place.at..place.at + old.len()];
    let shift = match place.likeness {
        Likeness::Indentation => {
            IndentShift::between(own.iter().copied().zip(old.iter().copied())).ok_or(INDENTATION)?
        }
        Likeness::Exact | Likeness::LineEnds => IndentShift::None,
    };
    let mut out = file.whole(0, place.at).concat();
    if !edit.new.is_empty() {
        for line in edit.new.trim_matches('\n').lines() {
            out.push_str(&shift.apply(line).ok_or(INDENTATION)?);
            out.push_str(file.line_break);
        }
    }
    out.push_str(&file.whole(place.at + old.len(), file.bare.len()).concat());
    Ok(out)
}

/// The author of a change sees masked values only. Writing a mask into the program would break it, and putting the
/// real value back would disclose it.
fn no_new_placeholder<'l>(text: &str, added: impl Iterator<Item = &'l str>) -> Result<(), String> {
    for line in added {
        for (from, to) in placeholders(line) {
            let mask = &line[from..to];
            if !text.contains(mask) {
                return Err(format!(
                    "{mask} stands for a masked value and cannot be written into a file; leave that line as it is"
                ));
            }
        }
    }
    Ok(())
}

/// A text as lines, with the kind of line break that it uses.
struct Lines<'t> {
    /// Without their breaks.
    bare: Vec<&'t str>,
    with_break: Vec<&'t str>,
    line_break: &'static str,
}

impl<'t> Lines<'t> {
    fn of(text: &'t str) -> Self {
        let with_break: Vec<&str> = text.split_inclusive('\n').collect();
        let carriage = with_break.iter().filter(|line| line.ends_with("\r\n")).count();
        let line_break = if carriage * 2 > with_break.len() { "\r\n" } else { "\n" };
        let bare = with_break.iter().map(|line| line.strip_suffix('\n').unwrap_or(line)).collect();
        Self { bare, with_break, line_break }
    }

    fn whole(&self, from: usize, to: usize) -> Vec<String> {
        self.with_break.get(from..to).unwrap_or_default().iter().map(|line| (*line).to_owned()).collect()
    }
}
