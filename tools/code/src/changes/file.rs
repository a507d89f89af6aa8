/*!
One file of a commit, with the syntax of both versions, and what belongs to a piece of its change. A statement or
entry that a piece touches is reverted completely on both sides, and nothing is restored into a construct that does
not exist.
*/

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::SourceLanguage;
use crate::check::{self, FileVersion, LineMap};
use crate::pieces::{ChangeSide, LineHunk, Span, apply_pieces, changes_to_candidate, contiguous};
use crate::syntax::kinds::{body_of, is_block, is_item, is_list, is_separator, is_statement_item, is_unit};
use crate::syntax::{Row, SyntaxTable};

/// Numbers of pieces.
pub(crate) type PieceSet = BTreeSet<usize>;

/// How far a set extends around the guilty lines, smallest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeLevel {
    /// The lines themselves, if both versions have the enclosing construct.
    Line,
    /// Complete statements, declarations and entries.
    Statement,
    /// The block around them.
    Block,
    /// The function, method or class around them.
    Unit,
    /// The outermost definition around them.
    TopLevel,
    /// All changes of the file.
    File,
}

pub(crate) struct SyntaxChange<'s> {
    old_text: &'s str,
    new_text: &'s str,
    pub(crate) pieces: &'s [LineHunk],
    pub(crate) old: FileVersion<'s>,
    pub(crate) new: FileVersion<'s>,
    groups: Vec<Vec<usize>>,
    /// The group of each piece.
    group_of: Vec<usize>,
    /// Pieces by group, side and key of an entry.
    entries: HashMap<(usize, ChangeSide, String), Vec<usize>>,
    /// Piece numbers by their first line, per side, for quick look-ups.
    order: [Vec<usize>; 2],
}

impl<'s> SyntaxChange<'s> {
    /// `None` for files that have no grammar or are too large.
    pub(crate) fn parse(path: &str, old: &'s str, new: &'s str, pieces: &'s [LineHunk]) -> Option<Self> {
        let lang = SourceLanguage::from_path(path)?;
        let sorted = |side: ChangeSide| {
            let mut order: Vec<usize> = (0..pieces.len()).collect();
            order.sort_by_key(|index| pieces.get(*index).map(|piece| piece.range(side)));
            order
        };
        let version = FileVersion::read(old, lang)?;
        let groups = contiguous(pieces);
        let mut group_of = vec![0; pieces.len()];
        for (number, group) in groups.iter().enumerate() {
            for index in group {
                if let Some(group) = group_of.get_mut(*index) {
                    *group = number;
                }
            }
        }
        let mut change = Self {
            old_text: old,
            new_text: new,
            pieces,
            new: FileVersion::read_after(new, &version)?,
            old: version,
            groups,
            group_of,
            entries: HashMap::new(),
            order: [sorted(ChangeSide::Old), sorted(ChangeSide::New)],
        };
        for index in 0..pieces.len() {
            for side in [ChangeSide::Old, ChangeSide::New] {
                for key in change.keys_of(index, side) {
                    let group = change.group_of.get(index).copied().unwrap_or(0);
                    change.entries.entry((group, side, key)).or_default().push(index);
                }
            }
        }
        Some(change)
    }

    pub(crate) fn table(&self, side: ChangeSide) -> &SyntaxTable<'s> {
        match side {
            ChangeSide::Old => &self.old.table,
            ChangeSide::New => &self.new.table,
        }
    }

    /// The culprit's version with `set` reverted.
    pub(crate) fn without(&self, set: &PieceSet) -> String {
        let chosen: Vec<usize> = set.iter().copied().collect();
        apply_pieces(self.old_text, self.new_text, self.pieces, &chosen)
    }

    /// Whether a version that results from `set` has no problem that neither version has.
    pub(crate) fn is_sound(&self, set: &PieceSet, version: &FileVersion<'_>) -> bool {
        let (from_new, from_old) = changes_to_candidate(self.pieces, set);
        let (from_new, from_old) = (LineMap::of(from_new), LineMap::of(from_old));
        check::problems((&self.new, &from_new), Some((&self.old, &from_old)), version).is_empty()
    }

    /// All pieces that change a line within `span`.
    pub(crate) fn within(&self, side: ChangeSide, span: Span) -> impl Iterator<Item = usize> + '_ {
        let order = match side {
            ChangeSide::Old => &self.order[0],
            ChangeSide::New => &self.order[1],
        };
        // Pieces do not overlap, so their starts and their ends are in the same order.
        let first = order.partition_point(|index| {
            self.pieces.get(*index).is_some_and(|piece| {
                let (start, lines) = piece.range(side);
                start.saturating_add(lines) < span.0
            })
        });
        let rest = order.get(first..).unwrap_or_default();
        rest.iter()
            .copied()
            .take_while(move |index| {
                self.pieces.get(*index).is_some_and(|piece| piece.range(side).0 <= span.1)
            })
            .filter(move |index| self.pieces.get(*index).is_some_and(|piece| piece.overlaps(side, span)))
    }

    /// `set` and the pieces that touch one of its pieces without an unchanged line in between.
    pub(crate) fn with_neighbours(&self, set: &PieceSet) -> PieceSet {
        let touched = self.groups.iter().filter(|group| group.iter().any(|index| set.contains(index)));
        touched.flatten().copied().chain(set.iter().copied()).collect()
    }

    /// `set` with everything that belongs to its pieces at a level.
    pub(crate) fn complete(&self, set: &PieceSet, level: ChangeLevel) -> PieceSet {
        let mut found = PieceSet::new();
        let mut todo: Vec<usize> = set.iter().copied().collect();
        // The spans that have already been added completely.
        let mut done: HashSet<(ChangeSide, Span)> = HashSet::new();
        let mut done_groups: HashSet<usize> = HashSet::new();
        while let Some(index) = todo.pop() {
            if !found.insert(index) {
                continue;
            }
            let Some(piece) = self.pieces.get(index) else { continue };
            let group = self.group_of.get(index).copied().unwrap_or_default();
            if !done_groups.contains(&group) {
                todo.extend(self.same_entries(index).into_iter().filter(|index| !found.contains(index)));
                if self.is_paired_by_place(piece) {
                    done_groups.insert(group);
                    todo.extend(
                        self.groups.get(group).into_iter().flatten().filter(|index| !found.contains(index)),
                    );
                }
            }
            let mut spans: Vec<(ChangeSide, Span)> = Vec::new();
            for side in [ChangeSide::Old, ChangeSide::New] {
                spans.extend(self.spans_of(piece, side, level).into_iter().map(|span| (side, span)));
            }
            // Restored lines need the constructs that enclose them.
            if piece.old_lines > 0 {
                spans.extend(self.absent_frames(piece, &found));
            }
            for (side, span) in spans {
                if done.insert((side, span)) {
                    todo.extend(self.within(side, span).filter(|index| !found.contains(index)));
                }
            }
        }
        self.add_gaps(&mut found);
        found
    }

    /// Whether the two sides of a piece have nothing in common. Then they were paired only by position, and the
    /// replacement of a line may be elsewhere in the same hunk.
    fn is_paired_by_place(&self, piece: &LineHunk) -> bool {
        let is_all = |side: ChangeSide| {
            let all = piece.span(side).map_or(0, |(from, to)| self.table(side).tokens_on(from, to).count());
            all > 0 && self.touched_tokens(piece, side).len() == all
        };
        is_all(ChangeSide::Old) && is_all(ChangeSide::New)
    }

    /// Adds blank lines and comments that were added or removed directly next to a piece.
    fn add_gaps(&self, set: &mut PieceSet) {
        let is_gap = |index: usize| {
            self.pieces.get(index).is_some_and(|piece| {
                let is_bare = |side: ChangeSide| {
                    piece
                        .span(side)
                        .is_none_or(|(from, to)| self.table(side).tokens_on(from, to).next().is_none())
                };
                (piece.old_lines == 0 || piece.new_lines == 0)
                    && is_bare(ChangeSide::Old)
                    && is_bare(ChangeSide::New)
            })
        };
        for group in &self.groups {
            let mut spread = |order: &mut dyn Iterator<Item = &usize>| {
                let mut was_in = false;
                for index in order {
                    if was_in && is_gap(*index) {
                        set.insert(*index);
                    }
                    was_in = set.contains(index);
                }
            };
            spread(&mut group.iter());
            spread(&mut group.iter().rev());
        }
    }

    /// Pieces of the same hunk that have an entry with the same key on the other side: `'b': 1` is removed when
    /// `'b': 2` is added.
    fn same_entries(&self, index: usize) -> Vec<usize> {
        let Some(group) = self.group_of.get(index) else { return Vec::new() };
        let mut same = Vec::new();
        for side in [ChangeSide::Old, ChangeSide::New] {
            for key in self.keys_of(index, side) {
                same.extend(self.entries.get(&(*group, side.other(), key)).into_iter().flatten());
            }
        }
        same
    }

    /// Keys of the entries that a piece touches.
    fn keys_of(&self, index: usize, side: ChangeSide) -> BTreeSet<String> {
        let table = self.table(side);
        let span = self.pieces.get(index).and_then(|piece| piece.span(side));
        let tokens = span.into_iter().flat_map(|(from, to)| table.tokens_on(from, to));
        let mut items: Vec<Row> = tokens.filter_map(|token| owner(table, token)).collect();
        items.dedup();
        items.into_iter().filter_map(|item| Some(table.squeezed(check::entry_key(table, item)?))).collect()
    }

    /// The lines of the statements and entries that a piece touches on a side.
    fn spans_of(&self, piece: &LineHunk, side: ChangeSide, level: ChangeLevel) -> Vec<Span> {
        let table = self.table(side);
        let mut spans: Vec<Span> = self
            .touched_tokens(piece, side)
            .into_iter()
            .filter_map(|token| {
                let item = owner(table, token)?;
                let node = table.node(item);
                let header = header_end(table, item).filter(|_| {
                    let alone = level == ChangeLevel::Line || is_unit(table, item);
                    alone && self.is_on_both_sides(item, side)
                });
                match header {
                    Some((end, body_start)) if table.node(token).start < body_start => Some((node.line, end)),
                    _ => Some((node.line, node.end_line)),
                }
            })
            .collect();
        spans.dedup();
        spans
    }

    /// The tokens of a piece that differ between the sides.
    pub(crate) fn touched_tokens(&self, piece: &LineHunk, side: ChangeSide) -> Vec<Row> {
        let tokens = |side: ChangeSide| -> Vec<Row> {
            piece
                .span(side)
                .map_or_else(Vec::new, |(from, to)| self.table(side).tokens_on(from, to).collect())
        };
        let (mine, others) = (tokens(side), tokens(side.other()));
        let (table, other) = (self.table(side), self.table(side.other()));
        // In Python the indentation determines what a line belongs to.
        let indent =
            |table: &SyntaxTable<'_>, tokens: &[Row]| tokens.first().map(|row| table.node(*row).column);
        let moved = table.lang == SourceLanguage::Python && indent(table, &mine) != indent(other, &others);
        if others.is_empty() || moved {
            return mine;
        }
        let same =
            |(a, b): &(&Row, &Row)| table.text(**a) == other.text(**b) && table.kind(**a) == other.kind(**b);
        let front = mine.iter().zip(&others).take_while(same).count();
        let left = mine.len().min(others.len()) - front;
        let back = mine.iter().rev().zip(others.iter().rev()).take(left).take_while(same).count();
        mine.get(front..mine.len() - back).unwrap_or_default().to_vec()
    }

    /// Whether the other version has the construct, too: either nothing changed where the construct begins, or one
    /// of the same kind replaces it.
    pub(crate) fn is_on_both_sides(&self, item: Row, side: ChangeSide) -> bool {
        let table = self.table(side);
        let node = table.node(item);
        let Some(piece) =
            self.within(side, (node.line, node.line)).filter_map(|index| self.pieces.get(index)).next()
        else {
            return true;
        };
        let other = self.table(side.other());
        piece.span(side.other()).is_some_and(|(from, to)| {
            other.tokens_on(from, to).any(|token| {
                std::iter::once(token)
                    .chain(other.ancestors(token))
                    .take_while(|row| other.node(*row).start == other.node(token).start)
                    .any(|row| other.kind(row) == node.kind)
            })
        })
    }

    /// Constructs around a restored piece that the other version lacks, for both sides.
    fn absent_frames(&self, piece: &LineHunk, set: &PieceSet) -> Vec<(ChangeSide, Span)> {
        let mut absent = Vec::new();
        for side in [ChangeSide::Old, ChangeSide::New] {
            let table = self.table(side);
            for item in self.frames(piece, side) {
                let node = table.node(item);
                let changed = self.within(side, (node.line, node.line)).any(|index| !set.contains(&index));
                if changed && !self.is_on_both_sides(item, side) {
                    absent.push((side, (node.line, node.end_line)));
                }
            }
        }
        absent
    }

    /// The items that contain a piece completely, innermost first.
    pub(crate) fn frames(&self, piece: &LineHunk, side: ChangeSide) -> Vec<Row> {
        let table = self.table(side);
        let (start, lines) = piece.range(side);
        let token = match lines {
            0 => table.token_before(start.saturating_add(1)),
            _ => table.tokens_on(start, start.saturating_add(lines - 1)).next(),
        };
        let Some(token) = token else { return Vec::new() };
        let encloses = |row: &Row| {
            let node = table.node(*row);
            match piece.span(side) {
                Some((from, to)) => node.line < from && to <= node.end_line,
                None => node.line <= start && start < node.end_line,
            }
        };
        table.ancestors(token).filter(|row| is_item(table, *row)).filter(encloses).collect()
    }

    /// The lines of the block, unit or outermost definition around a piece.
    fn surroundings(&self, piece: &LineHunk, side: ChangeSide, level: ChangeLevel) -> Vec<Span> {
        let table = self.table(side);
        let mut items = self.frames(piece, side);
        // The unit may begin on the piece's own lines.
        let own = self.touched_tokens(piece, side).into_iter().filter_map(|token| owner(table, token));
        let mut own: Vec<Row> = own.collect();
        own.dedup();
        let mut spans = Vec::new();
        let span = |row: Row| (table.node(row).line, table.node(row).end_line);
        match level {
            ChangeLevel::Block => {
                let starts: Vec<Row> = if own.is_empty() { items.into_iter().take(1).collect() } else { own };
                for item in starts {
                    let block = table.ancestors(item).find(|row| is_block(table.kind(*row)));
                    spans.extend(block.filter(|row| table.parent(*row).is_some()).map(span));
                }
            }
            ChangeLevel::Unit | ChangeLevel::TopLevel => {
                for item in own {
                    items.push(item);
                    items.extend(table.ancestors(item).filter(|row| is_item(table, *row)));
                }
                items.sort_unstable();
                items.dedup();
                items.retain(|row| is_statement_item(table, *row));
                match level {
                    ChangeLevel::TopLevel => spans.extend(items.into_iter().take(1).map(span)),
                    _ => spans.extend(items.into_iter().rfind(|row| is_unit(table, *row)).map(span)),
                }
            }
            ChangeLevel::Line | ChangeLevel::Statement | ChangeLevel::File => {}
        }
        spans
    }

    /// `set` extended to a level, with everything that the result needs.
    pub(crate) fn widen(&self, set: &PieceSet, level: ChangeLevel) -> PieceSet {
        if level == ChangeLevel::File {
            return (0..self.pieces.len()).collect();
        }
        let mut spans: BTreeSet<(ChangeSide, Span)> = BTreeSet::new();
        for piece in set.iter().filter_map(|index| self.pieces.get(*index)) {
            for side in [ChangeSide::Old, ChangeSide::New] {
                spans.extend(self.surroundings(piece, side, level).into_iter().map(|span| (side, span)));
            }
        }
        let mut wide = set.clone();
        for (side, span) in spans {
            wide.extend(self.within(side, span));
        }
        self.complete(&wide, if level == ChangeLevel::Line { level } else { ChangeLevel::Statement })
    }
}

/// The innermost statement, declaration or entry a token belongs to; a comma belongs to the entry before it.
pub(crate) fn owner(table: &SyntaxTable<'_>, token: Row) -> Option<Row> {
    if is_separator(table.kind(token)) {
        let holder = table.parent(token)?;
        if is_list(table.kind(holder)) || is_block(table.kind(holder)) {
            let before = table.children(holder).take_while(|row| *row < token);
            if let Some(entry) = before.filter(|row| is_item(table, *row)).last() {
                return Some(entry);
            }
        }
    }
    std::iter::once(token).chain(table.ancestors(token)).find(|row| is_item(table, *row))
}

/// The last line of a construct's header, and where its body starts in bytes. `None` when it has no body.
pub(crate) fn header_end(table: &SyntaxTable<'_>, item: Row) -> Option<(u32, u32)> {
    let body = table.node(body_of(table, item)?);
    let node = table.node(item);
    let last = match body.line > node.line {
        true => table.token_before(body.line).map_or(node.line, |token| table.node(token).end_line),
        false => node.line,
    };
    Some((last.max(node.line), body.start))
}
