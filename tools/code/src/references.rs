/*!
Finds uses of a name: references, calls and imports of one source. What a failing test imports and calls is often
the only link from a ticket to the faulty code.
*/

use serde::{Deserialize, Serialize};
use tree_sitter::{Node, Tree};

use millwright_model::LineSpan;

use super::languages::{DefinitionScope, ImportStatement, SourceLanguage};
use super::node::{end_line, line, text};
use super::parse::{self, WalkInto};
use super::symbols::{Symbol, innermost};

/// Maximum number of calls or references listed per source.
const MAX_LISTED: usize = 20_000;
/// Longest dotted name kept, in bytes.
const MAX_PATH: usize = 160;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// The last part of the called name: `filter`.
    pub name: String,
    /// The name with the object it is called on, if that is a plain path: `Model.objects.filter`.
    pub path: String,
    /// 1-based.
    pub line: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReferenceKind {
    Definition,
    Call,
    Import,
    /// Any other use of the name as an identifier.
    Use,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    pub kind: ReferenceKind,
    /// 1-based.
    pub line: u32,
    /// The whole line, trimmed and bounded.
    pub text: String,
    /// Qualified name of the enclosing definition.
    pub within: Option<String>,
}

/// What `source` imports, in source order.
pub fn imports(source: &str, lang: SourceLanguage) -> Vec<ImportStatement> {
    let Some(tree) = parse::parse(source, lang) else { return Vec::new() };
    let grammar = lang.grammar();
    let mut found = Vec::new();
    parse::walk(&tree, |node, _| {
        if grammar.import_nodes.contains(&node.kind()) && found.len() < MAX_LISTED {
            found.extend((grammar.import)(node, source));
        }
        WalkInto::Children
    });
    found
}

/// The calls in `source`, or only in the lines of `span`, in source order.
pub fn calls(source: &str, lang: SourceLanguage, span: Option<LineSpan>) -> Vec<Call> {
    let Some(tree) = parse::parse(source, lang) else { return Vec::new() };
    let mut found = Vec::new();
    parse::walk(&tree, |node, _| {
        if let Some(span) = span
            && (line(node) > span.end || end_line(node) < span.start)
        {
            return WalkInto::Skip;
        }
        let within = span.is_none_or(|span| (span.start..=span.end).contains(&line(node)));
        if within && found.len() < MAX_LISTED {
            found.extend(call(node, source, lang));
        }
        WalkInto::Children
    });
    found
}

/// Every place in `source` where `name` is an identifier; comments and strings do not count.
pub fn references(source: &str, lang: SourceLanguage, name: &str, symbols: &[Symbol]) -> Vec<Reference> {
    let Some(tree) = parse::parse(source, lang) else { return Vec::new() };
    let lines: Vec<&str> = source.lines().collect();
    let mut found: Vec<Reference> = Vec::new();
    for node in identifiers(&tree, source, name) {
        let at = line(node);
        let kind = kind_of(node, source, lang);
        // Each line counts as one reference, of its most informative kind.
        if let Some(last) = found.last_mut().filter(|last| last.line == at) {
            if last.kind == ReferenceKind::Use {
                last.kind = kind;
            }
            continue;
        }
        let text = lines.get(at as usize - 1).map(|line| line.trim().chars().take(300).collect());
        found.push(Reference {
            kind,
            line: at,
            text: text.unwrap_or_default(),
            within: innermost(symbols, at).map(|symbol| symbol.qualified.clone()),
        });
        if found.len() >= MAX_LISTED {
            break;
        }
    }
    found
}

fn identifiers<'t>(tree: &'t Tree, source: &str, name: &str) -> Vec<Node<'t>> {
    let mut found = Vec::new();
    parse::walk(tree, |node, _| {
        let is_it =
            node.child_count() == 0 && node.kind().contains("identifier") && text(node, source) == name;
        if is_it && found.len() < MAX_LISTED {
            found.push(node);
        }
        WalkInto::Children
    });
    found
}

fn kind_of(node: Node<'_>, source: &str, lang: SourceLanguage) -> ReferenceKind {
    /// A name is nested at most this deep inside of what it names, calls or imports.
    const FAR: usize = 8;
    let grammar = lang.grammar();
    let statement = |kind: &str| matches!(kind, "call_expression" | "export_statement" | "mod_item");
    let imported = std::iter::successors(node.parent(), Node::parent)
        .take(FAR)
        .any(|around| grammar.import_nodes.contains(&around.kind()) && !statement(around.kind()));
    if imported {
        return ReferenceKind::Import;
    }
    let mut at = node;
    for _ in 0..FAR {
        let Some(parent) = at.parent() else { break };
        let is_field = |field: &str| parent.child_by_field_name(field) == Some(at);
        if grammar.calls.iter().any(|(kind, callee, _)| parent.kind() == *kind && is_field(callee)) {
            return ReferenceKind::Call;
        }
        let names = ["name", "left", "declarator", "key", "property"].into_iter().any(is_field);
        if names
            && (grammar.define)(parent, source, DefinitionScope::File)
                .is_some_and(|found| found.kind.is_some())
        {
            return ReferenceKind::Definition;
        }
        // `a.b.name` is called if the complete path is.
        let last = u32::try_from(parent.named_child_count()).unwrap_or(0).checked_sub(1);
        if !is_field("declarator") && last.and_then(|last| parent.named_child(last)) != Some(at) {
            break;
        }
        at = parent;
    }
    ReferenceKind::Use
}

fn call(node: Node<'_>, source: &str, lang: SourceLanguage) -> Option<Call> {
    let (_, callee, receiver) = lang.grammar().calls.iter().find(|(kind, ..)| node.kind() == *kind)?;
    let callee = node.child_by_field_name(callee)?;
    let start = receiver.and_then(|field| node.child_by_field_name(field)).unwrap_or(callee).start_byte();
    let written = source.get(start..callee.end_byte())?;
    // Remove type arguments after the name: `parse::<u8>`, `List<String>`.
    let bare = written.split('<').next().unwrap_or(written).trim_end_matches([':', ' ', '\n']);
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '#');
    let name = bare.rsplit(|c| !is_name(c)).next().filter(|name| !name.is_empty())?;
    let plain = bare.len() <= MAX_PATH && bare.chars().all(|c| is_name(c) || matches!(c, '.' | ':'));
    let path = if plain { bare } else { name };
    Some(Call { name: name.chars().take(MAX_PATH).collect(), path: path.to_owned(), line: line(callee) })
}

#[cfg(test)]
#[path = "references_tests.rs"]
mod tests;
