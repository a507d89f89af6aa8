/*!
Which parts of a unit differ between two versions: its documentation, its head, its base types, its body, or only comments within
it. Formatting counts as no difference, by the same rules as [`crate::is_formatting_or_comment_only`].
*/

use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::outline::CodeUnit;
use super::versions::FileVersion;
use crate::compare::{Lexeme, lexeme};
use crate::parse::{self, WalkInto};

/// A set of the parts of a unit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedParts(u8);

impl ChangedParts {
    pub const NONE: Self = Self(0);
    /// The comments before it, or its docstring.
    pub const DOCUMENTATION: Self = Self(1);
    /// Everything before the body but base types: name, modifiers, annotations, parameters.
    pub const HEAD: Self = Self(2);
    pub const BODY: Self = Self(4);
    /// Comments inside of it.
    pub const COMMENTS: Self = Self(8);
    /// What a type extends and implements.
    pub const BASES: Self = Self(16);

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub fn has(self, parts: Self) -> bool {
        self.0 & parts.0 != 0
    }

    /// Whether what the unit does can have changed.
    pub fn is_code(self) -> bool {
        [Self::HEAD, Self::BODY, Self::BASES].iter().any(|part| self.has(*part))
    }

    fn add(&mut self, parts: Self, differ: bool) {
        if differ {
            self.0 |= parts.0;
        }
    }
}

#[cfg(test)]
impl ChangedParts {
    pub(super) fn names(self) -> Vec<&'static str> {
        let named = [
            (Self::HEAD, "signature"),
            (Self::BASES, "base types"),
            (Self::BODY, "body"),
            (Self::DOCUMENTATION, "documentation"),
            (Self::COMMENTS, "comments"),
        ];
        named.into_iter().filter(|(part, _)| self.has(*part)).map(|(_, name)| name).collect()
    }
}

/// The parts of a unit (place in the outline; `None` for what of the file belongs to no unit) that differ.
pub(crate) fn changed_parts(old: PlacedUnit<'_>, new: PlacedUnit<'_>) -> ChangedParts {
    if is_same_text(old, new) {
        return ChangedParts::NONE;
    }
    PartHashes::of(old).differing(&PartHashes::of(new))
}

/// A version of a file, and the place of a unit in its outline; `None` for what belongs to no unit.
type PlacedUnit<'v> = (&'v FileVersion, Option<usize>);

/// Whether the lines are the same, apart from blank ones.
fn is_same_text(old: PlacedUnit<'_>, new: PlacedUnit<'_>) -> bool {
    lines_of(old).eq(lines_of(new))
}

fn lines_of((version, unit): PlacedUnit<'_>) -> impl Iterator<Item = &str> {
    let mut ranges = version.outline.own(unit, version.text.len());
    if let Some(unit) = unit.and_then(|at| version.outline.units.get(at)) {
        ranges.insert(0, unit.doc..unit.start);
    }
    let lines = ranges.into_iter().flat_map(|range| version.text.get(range).unwrap_or_default().lines());
    lines.map(str::trim_end).filter(|line| !line.is_empty())
}

/// Hashes of the parts of one version of a unit. Its own name is in none of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PartHashes {
    documentation: u64,
    head: u64,
    body: u64,
    bases: u64,
    comments: u64,
}

impl PartHashes {
    /// The parts that differ.
    pub(crate) fn differing(&self, other: &Self) -> ChangedParts {
        let mut parts = ChangedParts::NONE;
        parts.add(ChangedParts::DOCUMENTATION, self.documentation != other.documentation);
        parts.add(ChangedParts::HEAD, self.head != other.head);
        parts.add(ChangedParts::BODY, self.body != other.body);
        parts.add(ChangedParts::BASES, self.bases != other.bases);
        parts.add(ChangedParts::COMMENTS, self.comments != other.comments);
        parts
    }

    pub(crate) fn of((version, unit): PlacedUnit<'_>) -> Self {
        let ranges = version.outline.own(unit, version.text.len());
        let unit = unit.and_then(|at| version.outline.units.get(at));
        let (mut documentation, mut comments) = (DefaultHasher::new(), DefaultHasher::new());
        let (mut head, mut body) = (DefaultHasher::new(), DefaultHasher::new());
        let mut bases = DefaultHasher::new();
        // Where the base types that the walk came to end.
        let mut bases_end = 0;
        let is_type = unit.is_some_and(CodeUnit::is_type);
        if let Some(unit) = unit {
            hash_words(version, unit.doc..unit.start, &mut documentation);
        }
        let body_start = unit.map_or(0, |unit| unit.body);
        let mut own_name = unit.map(|unit| unit.name().rsplit('.').next().unwrap_or_default());
        let is_own =
            |node: &Range<usize>| ranges.iter().any(|range| range.start < node.end && node.start < range.end);
        let mut bases_of_depth = [None; 2];
        if let Some(tree) = &version.tree {
            let root = tree.root_node();
            let around = unit.and_then(|unit| root.descendant_for_byte_range(unit.start, unit.end));
            parse::walk_from(around.unwrap_or(root), |node, depth| {
                let bytes = node.byte_range();
                if !is_own(&bytes) {
                    return WalkInto::Skip;
                }
                let inside = ranges.iter().any(|range| range.start <= bytes.start && bytes.end <= range.end);
                match lexeme(node, &version.text, version.lang) {
                    Lexeme::Comment if inside => hash_words(version, bytes, &mut comments),
                    Lexeme::Docstring if inside => hash_words(version, bytes, &mut documentation),
                    Lexeme::Comment | Lexeme::Docstring | Lexeme::LooseMark => {}
                    Lexeme::Token { kind, text } if inside => {
                        let in_head = bytes.start < body_start;
                        // Relative to the part, which keeps its meaning when the unit moves in or out, or is decorated.
                        let outermost = &mut bases_of_depth[usize::from(in_head)];
                        let depth = depth.saturating_sub(*outermost.get_or_insert(depth));
                        if in_head && own_name == Some(text) {
                            own_name = None;
                            return WalkInto::Children;
                        }
                        if in_head && is_type && version.lang.grammar().bases.contains(&node.kind()) {
                            bases_end = bytes.end;
                        }
                        let hasher = match in_head {
                            true if bytes.start < bases_end => &mut bases,
                            true => &mut head,
                            false => &mut body,
                        };
                        (depth, kind, text).hash(hasher);
                        return WalkInto::Children;
                    }
                    Lexeme::Nothing | Lexeme::Token { .. } => return WalkInto::Children,
                }
                WalkInto::Skip
            });
        }
        let [documentation, head, body, bases, comments] =
            [documentation, head, body, bases, comments].map(|hasher| hasher.finish());
        Self { documentation, head, body, bases, comments }
    }
}

/// Text without the differences of white space, and without the marks of comments.
fn hash_words(version: &FileVersion, range: Range<usize>, hasher: &mut DefaultHasher) {
    let text = version.text.get(range).unwrap_or_default();
    for word in text.split(|c: char| c.is_whitespace() || matches!(c, '*' | '/' | '#')) {
        if !word.is_empty() {
            word.hash(hasher);
        }
    }
}

#[cfg(test)]
#[path = "parts_tests.rs"]
mod tests;
