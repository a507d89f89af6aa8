/*!
Finds words that a changed file compares its input with: `if kind == "express"`, `case "$1" in full)`. A replay uses
one of them; a wrong fix often breaks another one.
*/

use std::collections::BTreeMap;

use millwright_git::unified_diff::DiffParser;

use super::literal::{decode_literal, takes_escapes};
use super::statement::StatementCode;
use super::token::{TokenKind, TokenLanguage};

const MAX_LINES: usize = 20_000;
const MAX_WORDS: usize = 8;
/// Maximum length of a line, in bytes; longer lines are skipped.
const MAX_LINE: usize = 400;

/// Returns the compared words, those nearest to the changes of `fix` first.
pub(super) fn compared(fix: &str, programs: &BTreeMap<String, String>) -> Vec<String> {
    let mut found: Vec<(usize, String)> = Vec::new();
    for (path, text) in programs {
        let Some(language) = TokenLanguage::of_path(path) else { continue };
        let changed = hunk_starts(fix, path);
        for (number, line) in
            text.lines().take(MAX_LINES).enumerate().filter(|(_, line)| line.len() <= MAX_LINE)
        {
            let distance = changed.iter().map(|at| at.abs_diff(number + 1)).min().unwrap_or(usize::MAX);
            found.extend(words(language, line).into_iter().map(|word| (distance, word)));
        }
    }
    found.sort_by_key(|(distance, _)| *distance);
    let mut out: Vec<String> = Vec::new();
    for (_, word) in found {
        if out.len() < MAX_WORDS && !out.contains(&word) {
            out.push(word);
        }
    }
    out
}

/// Where the hunks of `path` begin, 1-based, on the side before the fix.
fn hunk_starts(diff: &str, path: &str) -> Vec<usize> {
    let diff = DiffParser::default().without_lines().parse(diff);
    let files = diff.files.iter().filter(|file| file.old_name() == Some(path));
    // Three lines of context come first.
    files.flat_map(|file| &file.hunks).filter_map(|hunk| Some(hunk.old?.start as usize + 3)).collect()
}

fn words(language: TokenLanguage, line: &str) -> Vec<String> {
    let code = StatementCode::new(language, line);
    let marks = ["strcmp", "equals", "eq", "ne", "case", "when", "in", "match", "is"];
    let compares = (0..code.tokens.len()).any(|at| {
        code.comparison(at) > 0 || code.kind(at) == Some(TokenKind::Word) && marks.contains(&code.get(at))
    });
    let mut out = Vec::new();
    if language == TokenLanguage::Shell {
        // The label of a `case`.
        let label = line.trim().split(')').next().unwrap_or_default();
        if line.contains(')') && !label.contains('(') {
            out.extend(label.split('|').map(|word| word.trim().trim_matches(['"', '\'']).to_owned()));
        }
    }
    if compares {
        let strings = code.tokens.iter().filter(|token| token.kind == TokenKind::String);
        out.extend(strings.filter_map(|token| {
            let content = line.get(token.content.clone())?;
            let start = token.content.start.saturating_sub(1);
            let quote = line.as_bytes().get(start).copied().unwrap_or(b'"');
            let prefix = line.get(token.span.start..start).unwrap_or_default();
            decode_literal(content, language, quote, takes_escapes(language, prefix, quote))
        }));
    }
    let plain = |word: &String| {
        (2..=30).contains(&word.len())
            && word.starts_with(|c: char| c.is_alphabetic())
            && word.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'))
    };
    out.retain(plain);
    out
}
