/*!
Finds what a source file defines: functions, types and constants, each with its qualified name and its lines.
Frames, hunks and blame refer to these symbols, whose names stay the same when lines move.
*/

use serde::{Deserialize, Serialize};

use super::languages::{DefinitionScope, SourceLanguage, SymbolKind};
use super::node::{end_line, line, text};
use super::parse::{self, WalkInto};

/// Maximum number of symbols listed per file.
const MAX_SYMBOLS: usize = 20_000;
/// Longest name and signature kept, in characters.
const MAX_NAME: usize = 200;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Symbol {
    pub name: String,
    /// Names of the enclosing definitions and of the symbol, joined by dots: `Outer.method.inner`.
    pub qualified: String,
    pub kind: SymbolKind,
    /// 1-based, both included; decorators belong to the definition they decorate.
    pub start_line: u32,
    pub end_line: u32,
    /// First line of the definition, bounded.
    pub signature: String,
}

/// `path::Qualified.name`, the form that every report uses.
pub fn symbol_id(path: &str, qualified: &str) -> String {
    format!("{path}::{qualified}")
}

/// Everything defined in `source`, in source order.
pub fn symbols(source: &str, lang: SourceLanguage) -> Vec<Symbol> {
    let Some(tree) = parse::parse(source, lang) else { return Vec::new() };
    let grammar = lang.grammar();
    let mut found: Vec<Symbol> = Vec::new();
    // Open definitions: depth, qualified name, and kind of scope.
    let mut open: Vec<(usize, String, DefinitionScope)> = Vec::new();
    let mut wrapper: Option<(usize, u32)> = None;
    parse::walk(&tree, |node, depth| {
        if found.len() >= MAX_SYMBOLS {
            return WalkInto::Skip;
        }
        while open.last().is_some_and(|(opened, ..)| *opened >= depth) {
            open.pop();
        }
        if grammar.wrappers.contains(&node.kind()) {
            wrapper = Some((depth, line(node)));
            return WalkInto::Children;
        }
        let scope = open.last().map_or(DefinitionScope::File, |(_, _, scope)| *scope);
        let Some(definition) = (grammar.define)(node, source, scope) else { return WalkInto::Children };
        let prefix = open.last().map(|(_, name, _)| name.as_str()).into_iter();
        let parts: Vec<&str> =
            prefix.chain(definition.qualifier.as_deref()).chain([definition.name.as_str()]).collect();
        let qualified: String = parts.join(".").chars().take(MAX_NAME).collect();
        if let Some(kind) = definition.kind {
            let in_type = scope == DefinitionScope::Type || definition.qualifier.is_some();
            let kind = if kind == SymbolKind::Function && in_type { SymbolKind::Method } else { kind };
            let start_line = match wrapper.take() {
                Some((at, start)) if at + 1 == depth => start,
                _ => line(node),
            };
            found.push(Symbol {
                name: definition.name.chars().take(MAX_NAME).collect(),
                qualified: qualified.clone(),
                kind,
                start_line,
                end_line: end_line(node),
                signature: signature(text(node, source)),
            });
        }
        if let Some(scope) = definition.opens {
            open.push((depth, qualified, scope));
        }
        WalkInto::Children
    });
    found
}

/// The innermost definition around a line (1-based). `path` determines the language.
pub fn enclosing(path: &str, source: &str, line: u32) -> Option<Symbol> {
    let symbols = symbols(source, SourceLanguage::from_path(path)?);
    innermost(&symbols, line).cloned()
}

/// As [`enclosing`], for symbols that are already known.
pub fn innermost(symbols: &[Symbol], line: u32) -> Option<&Symbol> {
    symbols
        .iter()
        .filter(|symbol| symbol.start_line <= line && line <= symbol.end_line)
        .min_by_key(|symbol| symbol.end_line - symbol.start_line)
}

fn signature(text: &str) -> String {
    // In some grammars, annotations and attributes come first.
    let mut lines = text.lines().map(str::trim);
    let first = lines.find(|line| !line.starts_with('@') || line.ends_with(['{', '}', ';']));
    let first = first.or_else(|| text.lines().next()).unwrap_or_default();
    first.trim_end_matches('{').trim_end().chars().take(MAX_NAME).collect()
}

#[cfg(test)]
#[path = "symbols_tests.rs"]
mod tests;
