/*!
The units of one version of a file: functions, methods and types with their names and their extent in the text.
*/

use std::collections::HashMap;

use tree_sitter::{Node, Tree};

use millwright_model::LineSpan;

use crate::languages::{DefinitionScope, PLACE_WORDS, SourceLanguage, SymbolKind};
use crate::node::{MAX_NAME, end_line, line, text, text_before};
use crate::parse::{self, WalkInto};

/// Units listed per file.
const MAX_UNITS: usize = 20_000;

/// One unit of a file. Byte offsets refer to the text of this version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeUnit {
    /// The qualified name, and what tells the unit from others of the same name: the types of its parameters in
    /// languages with overloads, and a number (`#2`) where a name is defined again. Unique in its file.
    pub key: String,
    name_length: usize,
    pub kind: SymbolKind,
    /// Place of the enclosing unit in the outline.
    pub parent: Option<usize>,
    /// 1-based, both included; without the comments before it, with its decorators.
    pub start_line: u32,
    pub end_line: u32,
    /// Line on which the comments before it begin; `start_line` when there are none.
    pub doc_line: u32,
    /// First line that belongs to its body alone; beyond `end_line` when there is none.
    pub body_line: u32,
    /// Where the comments that belong to it begin; the same as `start` when there are none.
    pub(crate) doc: usize,
    pub(crate) start: usize,
    /// Where its body begins; the same as `end` when it has none.
    pub(crate) body: usize,
    pub(crate) end: usize,
}

impl CodeUnit {
    /// Qualified name, as in [`crate::Symbol::qualified`].
    pub fn name(&self) -> &str {
        self.key.get(..self.name_length).unwrap_or(&self.key)
    }

    pub fn is_type(&self) -> bool {
        is_type(self.kind)
    }

    /// Whether it is more than a declaration.
    pub fn has_body(&self) -> bool {
        self.body < self.end
    }

    /// Its lines with the comments before it.
    pub(super) fn lines(&self) -> LineSpan {
        LineSpan { start: self.doc_line, end: self.end_line }
    }
}

pub(crate) fn is_type(kind: SymbolKind) -> bool {
    use SymbolKind::{Class, Enum, Interface, Module, Struct, Trait};
    matches!(kind, Class | Enum | Interface | Module | Struct | Trait)
}

/// The units of a file in source order, each after the unit that encloses it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileOutline {
    pub units: Vec<CodeUnit>,
    /// What the units of the file belong to (a Java package), as it is written.
    pub namespace: Option<String>,
    /// For the file and then for every unit: the units directly within it.
    inner: Vec<Vec<usize>>,
}

impl FileOutline {
    /// The innermost unit around a line (1-based).
    pub fn innermost(&self, line: u32) -> Option<&CodeUnit> {
        self.smallest(|unit| unit.start_line <= line && line <= unit.end_line)
    }

    /// The innermost function or method whose body has this line (1-based). What stands on the line of its head is decided
    /// by what is around it: a definition is executed when its function is made, not when it is called.
    pub fn executed_at(&self, line: u32) -> Option<&CodeUnit> {
        self.smallest(|unit| !unit.is_type() && unit.body_line <= line && line <= unit.end_line)
    }

    /// The innermost unit that fits; of those with the same lines, the last one.
    fn smallest(&self, fits: impl Fn(&CodeUnit) -> bool) -> Option<&CodeUnit> {
        let units = self.units.iter().rev().filter(|unit| fits(unit));
        units.min_by_key(|unit| unit.end_line - unit.start_line)
    }

    /// The innermost type, or function, that has these lines, with the comments before it.
    pub fn around(&self, lines: LineSpan, is_type: bool) -> Option<&CodeUnit> {
        self.smallest(|unit| {
            unit.is_type() == is_type && unit.doc_line <= lines.start && lines.end <= unit.end_line
        })
    }

    /// Whether a function or method is around the unit.
    pub fn is_within_function(&self, unit: &CodeUnit) -> bool {
        let parent = |unit: &CodeUnit| unit.parent.and_then(|at| self.units.get(at));
        std::iter::successors(parent(unit), |around| parent(around)).any(|around| !around.is_type())
    }

    /// The functions and methods that stand on this line (1-based) alone.
    pub fn within_line(&self, line: u32) -> impl Iterator<Item = &CodeUnit> {
        let units = self.units.iter();
        units.filter(move |unit| !unit.is_type() && unit.start_line == line && unit.end_line == line)
    }

    /// The units with this name: a key, a qualified name, or the end of one (`method` of `Class.method`).
    pub fn named<'o>(&'o self, name: &str) -> Vec<&'o CodeUnit> {
        let exact: Vec<&CodeUnit> = self.units.iter().filter(|unit| unit.key == name).collect();
        if !exact.is_empty() {
            return exact;
        }
        let qualified: Vec<&CodeUnit> = self.units.iter().filter(|unit| unit.name() == name).collect();
        if !qualified.is_empty() {
            return qualified;
        }
        let ends = |unit: &&CodeUnit| {
            let ends_with = |whole: &str| whole.strip_suffix(name).is_some_and(|rest| rest.ends_with('.'));
            ends_with(unit.name()) || ends_with(&unit.key)
        };
        let ending: Vec<&CodeUnit> = self.units.iter().filter(ends).collect();
        // `exports.f` and `View.prototype.lookup`, as JavaScript writes them.
        let written: Vec<&str> = name.split('.').collect();
        let plain: Vec<&str> = written.iter().copied().filter(|part| !PLACE_WORDS.contains(part)).collect();
        match ending.is_empty() && plain.len() < written.len() && !plain.is_empty() {
            true => self.named(&plain.join(".")),
            false => ending,
        }
    }

    /// The stretches of a unit's text that belong to no unit within it. A function owns everything in it; what
    /// belongs to a type are its head and its fields. `None` stands for the file.
    pub(crate) fn own(&self, unit: Option<usize>, length: usize) -> Vec<std::ops::Range<usize>> {
        let range = match unit.and_then(|at| self.units.get(at)) {
            Some(unit) => unit.start..unit.end,
            None => 0..length,
        };
        let (mut own, mut at) = (Vec::new(), range.start);
        let owns_all = unit.and_then(|at| self.units.get(at)).is_some_and(|unit| !unit.is_type());
        let inner = self.inner.get(unit.map_or(0, |unit| unit + 1)).filter(|_| !owns_all);
        let inner = inner.into_iter().flatten();
        for inner in inner.filter_map(|at| self.units.get(*at)) {
            if inner.doc > at {
                own.push(at..inner.doc);
            }
            at = at.max(inner.end);
        }
        if at < range.end {
            own.push(at..range.end);
        }
        own
    }
}

/// The units of `source`; none when it cannot be parsed.
pub fn outline(source: &str, lang: SourceLanguage) -> FileOutline {
    parse::parse(source, lang).map_or_else(FileOutline::default, |tree| outline_of(&tree, source, lang))
}

/// A definition whose text is being walked.
struct OpenScope {
    depth: usize,
    name: String,
    scope: DefinitionScope,
    unit: Option<usize>,
}

pub(crate) fn outline_of(tree: &Tree, source: &str, lang: SourceLanguage) -> FileOutline {
    let grammar = lang.grammar();
    let mut units: Vec<CodeUnit> = Vec::new();
    let mut open: Vec<OpenScope> = Vec::new();
    // The node around a definition that belongs to it, and the comments just before a node: with their depth.
    let mut wrapper: Option<(usize, usize, u32)> = None;
    let mut comments: Option<PrecedingComments> = None;
    let mut namespace = None;
    parse::walk(tree, |node, depth| {
        if units.len() >= MAX_UNITS {
            return WalkInto::Skip;
        }
        while open.last().is_some_and(|scope| scope.depth >= depth) {
            open.pop();
        }
        let kind = node.kind();
        if grammar.comments.contains(&kind) {
            comments = Some(PrecedingComments::with(comments.take(), node, depth, source));
            return WalkInto::Skip;
        }
        if grammar.wrappers.contains(&kind) {
            wrapper = Some((depth, node.start_byte(), line(node)));
            return WalkInto::Children;
        }
        if kind == grammar.namespace {
            namespace =
                Some(text(node, source).chars().filter(|c| !c.is_whitespace()).take(MAX_NAME).collect());
            return WalkInto::Skip;
        }
        let scope = open.last().map_or(DefinitionScope::File, |open| open.scope);
        let definition = (grammar.define)(node, source, scope);
        let Some(definition) = definition else {
            let can_hold = grammar.unit_parents.is_empty() || grammar.unit_parents.contains(&kind);
            return if can_hold { WalkInto::Children } else { WalkInto::Skip };
        };
        let around = open.last();
        let prefix = around.map(|open| open.name.as_str()).into_iter();
        let parts: Vec<&str> =
            prefix.chain(definition.qualifier.as_deref()).chain([definition.name.as_str()]).collect();
        let name: String = parts.join(".").chars().take(MAX_NAME).collect();
        let parent = around.and_then(|open| open.unit);
        let mut unit = parent;
        if let Some(symbol) = definition.kind.filter(|kind| is_unit(*kind)) {
            let (outer_depth, start, start_line) = match wrapper.take() {
                Some((at, start, start_line)) if at + 1 == depth => (at, start, start_line),
                _ => (depth, node.start_byte(), line(node)),
            };
            let doc = comments.take().filter(|run| run.belongs_to(outer_depth, start_line));
            let body = body_of(node);
            let in_type = scope == DefinitionScope::Type || definition.qualifier.is_some();
            unit = Some(units.len());
            let mut key = name.clone();
            if let Some(parameters) = grammar.overloads.filter(|_| !is_type(symbol)) {
                key.push_str(&parameters(node, source));
            }
            units.push(CodeUnit {
                key,
                name_length: name.len(),
                kind: if symbol == SymbolKind::Function && in_type { SymbolKind::Method } else { symbol },
                parent,
                start_line,
                end_line: end_line(node),
                doc_line: doc.as_ref().map_or(start_line, |run| run.first_line),
                doc: doc.map_or(start, |run| run.start),
                start,
                body_line: body.map_or(end_line(node) + 1, |body| {
                    line(body) + u32::from(!text_before(body, source).trim_start().is_empty())
                }),
                body: body.map_or(node.end_byte(), |body| body.start_byte()),
                end: node.end_byte(),
            });
        }
        match definition.opens {
            Some(scope) => open.push(OpenScope { depth, name, scope, unit }),
            None if !grammar.unit_parents.is_empty() && !grammar.unit_parents.contains(&kind) => {
                return WalkInto::Skip;
            }
            None => {}
        }
        WalkInto::Children
    });
    number_repeated(&mut units);
    let mut inner = vec![Vec::new(); units.len() + 1];
    for (at, unit) in units.iter().enumerate() {
        if let Some(list) = inner.get_mut(unit.parent.map_or(0, |parent| parent + 1)) {
            list.push(at);
        }
    }
    FileOutline { units, namespace, inner }
}

fn is_unit(kind: SymbolKind) -> bool {
    matches!(kind, SymbolKind::Function | SymbolKind::Method | SymbolKind::Macro) || is_type(kind)
}

/// Names that a file defines again get a number, in source order.
fn number_repeated(units: &mut [CodeUnit]) {
    let mut seen: HashMap<String, usize> = HashMap::with_capacity(units.len());
    for unit in units {
        match seen.get_mut(&unit.key) {
            Some(times) => {
                *times += 1;
                unit.key.push_str(&format!("#{times}"));
            }
            None => {
                seen.insert(unit.key.clone(), 1);
            }
        }
    }
}

/// The body of a definition; of a variable, that of the function it is set to.
fn body_of(node: Node<'_>) -> Option<Node<'_>> {
    let direct = node.child_by_field_name("body");
    let of_value = || {
        let value = node.child_by_field_name("value").or_else(|| node.child_by_field_name("right"))?;
        value.child_by_field_name("body")
    };
    direct.or_else(of_value)
}

/// A run of comments without a blank line in it.
struct PrecedingComments {
    depth: usize,
    start: usize,
    first_line: u32,
    last_line: u32,
    /// Whether it is one comment that documents what comes next (`/** … */`), even after a blank line.
    is_documentation: bool,
    /// Whether it stands behind code, which it is about, unless a definition follows on the line.
    is_behind_code: bool,
}

impl PrecedingComments {
    /// The run that `comment` continues or begins.
    fn with(before: Option<Self>, comment: Node<'_>, depth: usize, source: &str) -> Self {
        let last_line = end_line(comment);
        // Behind another comment it is as that one is.
        let follows = before.as_ref().is_some_and(|run| run.last_line == line(comment));
        let is_behind_code = !follows && !text_before(comment, source).trim_start().is_empty();
        let before = before.filter(|run| follows || (!run.is_behind_code && !is_behind_code));
        match before.filter(|run| run.depth == depth && line(comment) <= run.last_line + 1) {
            Some(run) => Self { last_line, is_documentation: false, ..run },
            None => Self {
                depth,
                start: comment.start_byte(),
                first_line: line(comment),
                last_line,
                is_documentation: text(comment, source).starts_with("/**"),
                is_behind_code,
            },
        }
    }

    /// Whether the comments stand directly before a definition on this line. A declaration can be around the
    /// definition: `const f = () => …`.
    fn belongs_to(&self, depth: usize, line: u32) -> bool {
        let lines = if self.is_behind_code { 0 } else { 1 + u32::from(self.is_documentation) };
        (self.depth..=self.depth + 2).contains(&depth) && self.last_line + lines >= line
    }
}

#[cfg(test)]
#[path = "outline_tests.rs"]
mod tests;
