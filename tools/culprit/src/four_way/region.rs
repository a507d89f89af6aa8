/*!
Regions are the texts that can contain literals: the command itself, programs in its words and here-documents, texts
that it pipes, and files. A region maps each of its bytes to its position in the root text, so that an edit inside a
program inside a shell word changes exactly those bytes.
*/

use std::collections::BTreeMap;
use std::ops::Range;

use super::decode::{DecodedPieces, decode_pieces};
use super::literal::{QuotingLayer, encode};
use super::shell::{CommandJoint, SimpleCommand, parse_shell};
use super::token::TokenLanguage;
use super::types::{FileOrigin, InputSource};

/// The text that an edit finally changes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum RegionRoot {
    Command,
    Env(String),
    File(String),
}

#[derive(Debug, Clone)]
pub(super) struct Region {
    pub(super) root: RegionRoot,
    pub(super) language: TokenLanguage,
    pub(super) text: String,
    starts: Vec<usize>,
    ends: Vec<usize>,
    /// From each position on, the layers of quoting from here to the root.
    chains: Vec<(usize, Vec<QuotingLayer>)>,
}

/// A replacement in a root's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RegionEdit {
    pub(super) root: RegionRoot,
    pub(super) span: Range<usize>,
    pub(super) text: String,
}

const MAX_REGIONS: usize = 60;
const MAX_NESTING: usize = 3;

impl Region {
    fn whole(root: RegionRoot, language: TokenLanguage, text: &str) -> Self {
        Self {
            root,
            language,
            text: text.to_owned(),
            starts: (0..text.len()).collect(),
            ends: (1..=text.len()).collect(),
            chains: vec![(0, Vec::new())],
        }
    }

    fn child(&self, language: TokenLanguage, decoded: DecodedPieces) -> Self {
        let root_start = |i: &usize| self.starts.get(*i).copied().unwrap_or(0);
        let root_end = |i: &usize| i.checked_sub(1).and_then(|i| self.ends.get(i)).copied().unwrap_or(0);
        let chain = |at: usize, quoting: QuotingLayer, raw: usize| {
            let mut chain = vec![quoting];
            chain.extend_from_slice(self.chain_at(raw));
            (at, chain)
        };
        let chains = decoded
            .quotings
            .iter()
            .map(|(at, quoting)| chain(*at, *quoting, decoded.starts.get(*at).copied().unwrap_or(0)))
            .collect();
        Self {
            root: self.root.clone(),
            language,
            starts: decoded.starts.iter().map(root_start).collect(),
            ends: decoded.ends.iter().map(root_end).collect(),
            text: decoded.text,
            chains,
        }
    }

    fn chain_at(&self, at: usize) -> &[QuotingLayer] {
        self.chains.iter().rev().find(|(from, _)| *from <= at).map_or(&[], |(_, chain)| chain)
    }

    /// The position of `span` in the root; `None` if it crosses differently quoted pieces.
    pub(super) fn root_span(&self, span: &Range<usize>) -> Option<Range<usize>> {
        if span.is_empty() {
            let at = self.starts.get(span.start).or(self.ends.last()).copied().unwrap_or(0);
            return Some(at..at);
        }
        let last = span.end.checked_sub(1)?;
        if self.chain_at(span.start) != self.chain_at(last) {
            return None;
        }
        let (start, end) = (*self.starts.get(span.start)?, *self.ends.get(last)?);
        (start <= end).then_some(start..end)
    }

    /// The edit of the root that writes `text` in place of `span`; `inner` quotes it within this region first.
    pub(super) fn edit(
        &self,
        span: &Range<usize>,
        text: &str,
        inner: Option<QuotingLayer>,
    ) -> Option<RegionEdit> {
        let root_span = self.root_span(span)?;
        let mut layers: Vec<QuotingLayer> = inner.into_iter().collect();
        layers.extend_from_slice(self.chain_at(span.start));
        Some(RegionEdit { root: self.root.clone(), span: root_span, text: encode(text, &layers) })
    }
}

/// All regions of a source, the command first.
pub(super) fn regions(source: &InputSource) -> Vec<Region> {
    let mut found = Vec::new();
    collect(&mut found, Region::whole(RegionRoot::Command, TokenLanguage::Shell, &source.command), 0);
    for (path, file) in &source.files {
        if file.origin == FileOrigin::Checkout && !is_input_name(path) {
            continue;
        }
        let language = language_of_file(path, &file.text, &source.command);
        collect(&mut found, Region::whole(RegionRoot::File(path.clone()), language, &file.text), 0);
    }
    for (name, value) in &source.env {
        if is_varied_variable(name, value) {
            found.push(Region::whole(RegionRoot::Env(name.clone()), TokenLanguage::Text, value));
        }
    }
    found.truncate(MAX_REGIONS);
    found
}

/// Whether a variable is varied; one that holds a path is not an input.
pub(super) fn is_varied_variable(name: &str, value: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let place = [
        "PATH", "HOME", "DIR", "ROOT", "LIB", "TMP", "CACHE", "USER", "SHELL", "PWD", "TERM", "OPTIONS",
        "FLAGS",
    ];
    !place.iter().any(|part| name.contains(part)) && !value.starts_with('/') && value.len() < 2000
}

/// Whether a file of the checkout is a test or data by its name.
pub(super) fn is_input_name(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    let said = [
        "test", "spec", "repro", "check", "example", "fixture", "issue", "demo", "sample", "case", "bug",
        "data",
    ];
    said.iter().any(|part| lower.contains(part))
        || matches!(TokenLanguage::of_path(path), Some(TokenLanguage::Text | TokenLanguage::Data))
}

fn language_of_file(path: &str, text: &str, command: &str) -> TokenLanguage {
    if let Some(language) = TokenLanguage::of_path(path) {
        return language;
    }
    if let Some(line) = text.lines().next().and_then(|line| line.strip_prefix("#!"))
        && let Some(language) = line.split_whitespace().rev().find_map(TokenLanguage::of_interpreter)
    {
        return language;
    }
    // `sh check`: the word before the path.
    let before = command
        .find(path)
        .and_then(|at| command.get(..at))
        .and_then(|before| before.split_whitespace().last());
    before.and_then(TokenLanguage::of_interpreter).unwrap_or(TokenLanguage::Text)
}

fn collect(found: &mut Vec<Region>, region: Region, nesting: usize) {
    if found.len() >= MAX_REGIONS || nesting > MAX_NESTING {
        return;
    }
    if region.language == TokenLanguage::Shell {
        let stages = parse_shell(&region.text);
        for child in children(&region, &stages) {
            collect(found, child, nesting + 1);
        }
        let place = found.iter().position(|other| other.root == region.root).unwrap_or(found.len());
        found.insert(place, region);
    } else {
        found.push(region);
    }
}

/// The programs and texts inside a shell region.
fn children(region: &Region, stages: &[SimpleCommand]) -> Vec<Region> {
    let mut found = Vec::new();
    for stage in stages {
        let values: Vec<String> = stage.words.iter().map(|word| word.value(&region.text)).collect();
        if let Some((word, language)) = inline_program(&values)
            && let Some(word) = stage.words.get(word)
        {
            found.push(region.child(language, decode_pieces(&region.text, &word.pieces)));
        }
        for document in &stage.documents {
            let reader = reader_language(&region.text, stage, &values);
            let quoting = if document.quoted { QuotingLayer::Raw } else { QuotingLayer::HereDocument };
            let piece = super::shell::WordPiece { raw: document.body.clone(), quoting };
            found.push(region.child(reader, decode_pieces(&region.text, &[piece])));
        }
        found.extend(fed_texts(region, stage, &values));
    }
    found
}

/// The language of a here-document: that of the interpreter it is fed to, or of the file it is written to.
fn reader_language(text: &str, stage: &SimpleCommand, values: &[String]) -> TokenLanguage {
    let own = values.first().and_then(|name| TokenLanguage::of_interpreter(name));
    if let Some(language) = own
        && values.get(1).is_none_or(|argument| argument == "-")
    {
        return language;
    }
    let written = stage.redirects.iter().find(|redirect| redirect.operator.starts_with('>'));
    let path = match written {
        Some(redirect) => Some(redirect.target.value(text)),
        None if values.first().is_some_and(|name| name == "tee") => values.last().cloned(),
        None => None,
    };
    path.and_then(|path| TokenLanguage::of_path(&path)).unwrap_or(TokenLanguage::Text)
}

/// Texts that `echo` and `printf` feed to a program or write into a file; texts that they only print are not inputs.
fn fed_texts(region: &Region, stage: &SimpleCommand, values: &[String]) -> Vec<Region> {
    let name = values.first().map_or("", String::as_str);
    let fed = stage.after.0 == CommandJoint::Pipe
        || stage.redirects.iter().any(|redirect| redirect.operator.starts_with('>'));
    if !matches!(name, "echo" | "printf") || !fed {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (at, word) in stage.words.iter().enumerate().skip(1) {
        let value = values.get(at).map_or("", String::as_str);
        let format = name == "printf" && at == 1;
        if word.expands
            || (value.starts_with('-') && at == 1 && value.len() <= 3)
            || (format && value.contains("%s"))
        {
            continue;
        }
        let text = region.child(TokenLanguage::Text, decode_pieces(&region.text, &word.pieces));
        if format {
            let piece = super::shell::WordPiece { raw: 0..text.text.len(), quoting: QuotingLayer::Printf };
            found.push(text.child(TokenLanguage::Text, decode_pieces(&text.text, &[piece])));
        } else {
            found.push(text);
        }
    }
    found
}

/// The word that holds a program, if the command runs one from its arguments.
fn inline_program(values: &[String]) -> Option<(usize, TokenLanguage)> {
    let skip = values
        .iter()
        .take_while(|word| {
            matches!(word.as_str(), "env" | "exec" | "time" | "command" | "timeout") || word.contains('=')
        })
        .count();
    let skip = if values.get(skip.saturating_sub(1)).is_some_and(|word| word == "timeout") {
        skip + 1
    } else {
        skip
    };
    let language = TokenLanguage::of_interpreter(values.get(skip)?)?;
    if language == TokenLanguage::Awk {
        let at = values.iter().enumerate().skip(skip + 1).find(|(_, word)| !word.starts_with('-'))?.0;
        let after_option =
            values.get(at - 1).is_some_and(|word| word == "-F" || word == "-v" || word == "-f");
        return (!after_option).then_some((at, language));
    }
    for (at, word) in values.iter().enumerate().skip(skip + 1) {
        let known = match language {
            TokenLanguage::Python => {
                word == "-c" || (word.starts_with('-') && word.ends_with('c') && word.len() <= 4)
            }
            TokenLanguage::JavaScript => {
                matches!(word.as_str(), "-e" | "-p" | "--eval" | "-pe" | "--print" | "eval")
            }
            TokenLanguage::Ruby => {
                word.starts_with('-') && word.ends_with('e') && !word.starts_with("--") && word.len() <= 5
            }
            TokenLanguage::Perl => {
                word.starts_with('-')
                    && (word.ends_with('e') || word.ends_with('E'))
                    && word.len() <= 5
                    && !word.starts_with("-I")
                    && !word.starts_with("-M")
            }
            TokenLanguage::Php => word == "-r",
            TokenLanguage::Shell => word.starts_with('-') && word.ends_with('c') && word.len() <= 5,
            _ => false,
        };
        if known {
            return (at + 1 < values.len()).then_some((at + 1, language));
        }
        let takes_value =
            matches!(word.as_str(), "-r" | "-I" | "-W" | "--require" | "--import" | "-X" | "-d" | "-m");
        if !word.starts_with('-')
            && !values.get(at - 1).is_some_and(|before| takes_value || before.starts_with('-'))
        {
            return None;
        }
    }
    None
}

/// Paths that a command names, to look up in the replay's files and in the checkout; at most 20.
pub(crate) fn input_files_of(command: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for stage in parse_shell(command) {
        let targets = stage
            .redirects
            .iter()
            .filter(|redirect| redirect.operator == "<")
            .map(|redirect| &redirect.target);
        for (at, word) in stage.words.iter().chain(targets).enumerate().filter(|(_, word)| !word.expands) {
            let value = word.value(command);
            if at == 0 && TokenLanguage::of_interpreter(&value).is_some() {
                continue;
            }
            let value = value.strip_prefix("./").unwrap_or(&value);
            let path = value.split("::").next().unwrap_or(value);
            let plain = !path.is_empty()
                && path.len() <= 300
                && !path.starts_with(['-', '/'])
                && !path.contains(['\n', ' ', '\'', '"', '*', '='])
                && !path.split('/').any(|part| part == "..");
            let like_path = path.contains('/') || path.contains('.');
            let run = stage
                .words
                .first()
                .is_some_and(|first| TokenLanguage::of_interpreter(&first.value(command)).is_some());
            if plain
                && (like_path || (run && at == 1))
                && !found.iter().any(|known| known == path)
                && found.len() < 20
            {
                found.push(path.to_owned());
            }
        }
    }
    found
}

/// Applies edits and returns which stretches are new. Of overlapping edits, only the first is applied.
pub(super) fn apply_edits(
    source: &InputSource,
    mut edits: Vec<RegionEdit>,
) -> (InputSource, BTreeMap<RegionRoot, Vec<Range<usize>>>) {
    let mut result = source.clone();
    let mut inserted: BTreeMap<RegionRoot, Vec<Range<usize>>> = BTreeMap::new();
    edits.sort_by(|a, b| (&a.root, a.span.start, a.span.end).cmp(&(&b.root, b.span.start, b.span.end)));
    let mut grouped: BTreeMap<RegionRoot, Vec<RegionEdit>> = BTreeMap::new();
    for edit in edits {
        grouped.entry(edit.root.clone()).or_default().push(edit);
    }
    for (root, edits) in grouped {
        let Some(slot) = root_text(&mut result, &root) else { continue };
        let mut out = String::with_capacity(slot.len() + 64);
        let mut at = 0;
        let spans = inserted.entry(root).or_default();
        for edit in edits {
            if edit.span.start < at {
                continue;
            }
            let Some(before) = slot.get(at..edit.span.start) else { continue };
            out.push_str(before);
            let from = out.len();
            out.push_str(&edit.text);
            spans.push(from..out.len());
            at = edit.span.end;
        }
        out.push_str(slot.get(at..).unwrap_or_default());
        *slot = out;
    }
    (result, inserted)
}

fn root_text<'a>(source: &'a mut InputSource, root: &RegionRoot) -> Option<&'a mut String> {
    match root {
        RegionRoot::Command => Some(&mut source.command),
        RegionRoot::Env(name) => source.env.get_mut(name),
        RegionRoot::File(path) => source.files.get_mut(path).map(|file| &mut file.text),
    }
}
