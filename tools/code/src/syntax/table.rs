/*!
A syntax tree as a table: one row per node, in source order, with the row's parent and the end of its subtree. The
checks of a change constantly look up parents, siblings and the tokens of a line; in the tree itself, finding a
parent takes a walk from the root.
*/

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use tree_sitter::Tree;

use crate::SourceLanguage;
use crate::{node, parse};

/// A file with more nodes is treated like a file without a grammar.
const MAX_NODES: usize = 4_000_000;

/// A row of the table. Lines are 1-based and both included.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SyntaxNode {
    pub(crate) kind: &'static str,
    /// The node's role in its parent; empty when the grammar names none.
    pub(crate) field: &'static str,
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) line: u32,
    pub(crate) end_line: u32,
    pub(crate) column: u32,
    /// Row of the parent; for the root, its own row.
    parent: u32,
    /// The first row after the subtree.
    next: u32,
    pub(crate) is_named: bool,
    /// A syntax error, or a token that the parser had to insert.
    pub(crate) is_broken: bool,
}

/// The names a grammar has for its nodes and fields. The tree's own names are borrowed from the tree, so they do
/// not live long enough.
struct Vocabulary {
    kinds: Vec<Box<str>>,
    fields: Vec<Box<str>>,
}

impl Vocabulary {
    fn of(lang: SourceLanguage) -> &'static Self {
        static ALL: OnceLock<Mutex<HashMap<SourceLanguage, &'static Vocabulary>>> = OnceLock::new();
        let all = ALL.get_or_init(Mutex::default);
        let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
        // One per grammar, for the lifetime of the process.
        all.entry(lang).or_insert_with(|| Box::leak(Box::new(Self::read(lang))))
    }

    fn read(lang: SourceLanguage) -> Self {
        let language = (lang.grammar().language)();
        let kinds = 0..u16::try_from(language.node_kind_count()).unwrap_or(u16::MAX);
        let fields = 0..=u16::try_from(language.field_count()).unwrap_or(u16::MAX);
        Self {
            kinds: kinds.map(|id| language.node_kind_for_id(id).unwrap_or_default().into()).collect(),
            fields: fields.map(|id| language.field_name_for_id(id).unwrap_or_default().into()).collect(),
        }
    }

    /// Error nodes have a number outside of the grammar's range.
    fn kind(&self, id: u16) -> &str {
        self.kinds.get(id as usize).map_or("ERROR", AsRef::as_ref)
    }

    fn field(&self, id: u16) -> &str {
        self.fields.get(id as usize).map_or("", AsRef::as_ref)
    }
}

/// The number of a row.
pub(crate) type Row = usize;

pub(crate) struct SyntaxTable<'s> {
    pub(crate) source: &'s str,
    pub(crate) lang: SourceLanguage,
    nodes: Vec<SyntaxNode>,
    /// Rows without children, except comments.
    tokens: Vec<u32>,
    comments: &'static [&'static str],
    tree: Tree,
}

impl<'s> SyntaxTable<'s> {
    /// `None` for sources that are too large, too deep or too slow to parse.
    pub(crate) fn parse(source: &'s str, lang: SourceLanguage) -> Option<Self> {
        Self::of(source, lang, parse::parse(source, lang)?)
    }

    /// As `parse`, for another version of a known source: the smaller the difference, the faster.
    pub(crate) fn parse_after(source: &'s str, earlier: &SyntaxTable<'_>) -> Option<Self> {
        let lang = earlier.lang;
        Self::of(source, lang, parse::parse_after(source, lang, Some((earlier.source, &earlier.tree)))?)
    }

    fn of(source: &'s str, lang: SourceLanguage, tree: Tree) -> Option<Self> {
        let comments = lang.grammar().comments;
        let mut nodes: Vec<SyntaxNode> = Vec::with_capacity(source.len() / 4);
        let mut tokens = Vec::with_capacity(source.len() / 6);
        let vocabulary = Vocabulary::of(lang);
        let mut cursor = tree.walk();
        let mut open: Vec<u32> = Vec::new();
        loop {
            let node = cursor.node();
            let at = u32::try_from(nodes.len()).ok()?;
            if nodes.len() >= MAX_NODES {
                return None;
            }
            let position = node.start_position();
            nodes.push(SyntaxNode {
                kind: vocabulary.kind(node.kind_id()),
                field: cursor.field_id().map_or("", |id| vocabulary.field(id.get())),
                start: u32::try_from(node.start_byte()).ok()?,
                end: u32::try_from(node.end_byte()).ok()?,
                line: node::line(node),
                end_line: node::end_line(node),
                column: u32::try_from(position.column).unwrap_or(u32::MAX),
                parent: open.last().copied().unwrap_or(at),
                next: at + 1,
                is_named: node.is_named(),
                is_broken: node.is_error() || node.is_missing(),
            });
            if cursor.goto_first_child() {
                open.push(at);
                continue;
            }
            if !comments.contains(&vocabulary.kind(node.kind_id())) && node.end_byte() > node.start_byte() {
                tokens.push(at);
            }
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    drop(cursor);
                    return Some(Self { source, lang, nodes, tokens, comments, tree });
                }
                let next = u32::try_from(nodes.len()).ok()?;
                if let Some(closed) = open.pop().and_then(|row| nodes.get_mut(row as usize)) {
                    closed.next = next;
                }
            }
        }
    }

    /// The row itself. Rows come from this table; an invalid one returns the root.
    pub(crate) fn node(&self, row: Row) -> &SyntaxNode {
        const NOTHING: SyntaxNode = SyntaxNode {
            kind: "",
            field: "",
            start: 0,
            end: 0,
            line: 1,
            end_line: 1,
            column: 0,
            parent: 0,
            next: 0,
            is_named: false,
            is_broken: false,
        };
        self.nodes.get(row).or_else(|| self.nodes.first()).unwrap_or(&NOTHING)
    }

    pub(crate) fn kind(&self, row: Row) -> &'static str {
        self.node(row).kind
    }

    pub(crate) fn rows(&self) -> std::ops::Range<Row> {
        0..self.nodes.len()
    }

    pub(crate) fn text(&self, row: Row) -> &'s str {
        let node = self.node(row);
        self.source.get(node.start as usize..node.end as usize).unwrap_or_default()
    }

    pub(crate) fn parent(&self, row: Row) -> Option<Row> {
        let parent = self.node(row).parent as usize;
        (parent != row).then_some(parent)
    }

    /// The parent, the parent's parent, and so on up to the root.
    pub(crate) fn ancestors(&self, row: Row) -> impl Iterator<Item = Row> + '_ {
        std::iter::successors(self.parent(row), |row| self.parent(*row))
    }

    pub(crate) fn children(&self, row: Row) -> impl Iterator<Item = Row> + '_ {
        let end = self.node(row).next as usize;
        let first = (row + 1 < end).then_some(row + 1);
        std::iter::successors(first, move |child| {
            let next = (self.node(*child).next as usize).max(child + 1);
            (next < end).then_some(next)
        })
    }

    /// Children that are neither punctuation nor comments.
    pub(crate) fn named_children(&self, row: Row) -> impl Iterator<Item = Row> + '_ {
        self.children(row).filter(|child| self.node(*child).is_named && !self.is_comment(*child))
    }

    pub(crate) fn field(&self, row: Row, field: &str) -> Option<Row> {
        self.children(row).find(|child| self.node(*child).field == field)
    }

    /// All rows below and the row itself.
    pub(crate) fn subtree(&self, row: Row) -> std::ops::Range<Row> {
        row..self.node(row).next as usize
    }

    pub(crate) fn is_comment(&self, row: Row) -> bool {
        self.comments.contains(&self.kind(row))
    }

    /// Tokens that are at least partly on lines `from..=to`.
    pub(crate) fn tokens_on(&self, from: u32, to: u32) -> impl Iterator<Item = Row> + '_ {
        let first = self.tokens.partition_point(|row| self.node(*row as usize).end_line < from);
        let rest = self.tokens.get(first..).unwrap_or_default();
        rest.iter().map(|row| *row as usize).take_while(move |row| self.node(*row).line <= to)
    }

    /// The last token that ends before line `from`.
    pub(crate) fn token_before(&self, from: u32) -> Option<Row> {
        let first = self.tokens.partition_point(|row| self.node(*row as usize).line < from);
        self.tokens.get(first.checked_sub(1)?).map(|row| *row as usize)
    }

    /// The text of a node without white space, bounded; used to compare two constructs.
    pub(crate) fn squeezed(&self, row: Row) -> String {
        let mut out = String::new();
        let mut was_word = false;
        for c in self.text(row).chars().filter(|c| *c != '\r').take(2_000) {
            if c.is_whitespace() {
                was_word |= out.chars().last().is_some_and(is_word);
            } else {
                if was_word && is_word(c) {
                    out.push(' ');
                }
                was_word = false;
                out.push(c);
            }
        }
        out
    }

    /// The first line of a node, bounded, for messages.
    pub(crate) fn excerpt(&self, row: Row) -> String {
        let line = self.text(row).lines().next().unwrap_or_default().trim();
        let short: String = line.chars().take(60).collect();
        if short.len() < line.len() { format!("{short}…") } else { short }
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}
