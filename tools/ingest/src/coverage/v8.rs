/*!
V8's precise coverage, as node writes it for every process of a run: ranges of characters with counts, nested by
function and block. The innermost range decides. Characters become lines by the script's text, or, for a script that was
transpiled in memory, by the source map that node keeps beside the ranges.
*/

use std::collections::{BTreeMap, HashMap, HashSet};

use percent_encoding::percent_decode_str;
use serde_json::Value;
use sourcemap::DecodedMap;

use super::limits::{MAX_LINES, MAX_PATH_BYTES};
use super::report::{CoverageFormat, CoverageReport};
use super::report_paths::joined;

/// Gives the text of a script by its absolute path; `None` for a script whose lines are not wanted.
pub type SourceText<'s> = dyn FnMut(&str) -> Option<String> + 's;

/// OffsetCounts of one script, innermost first decided: from each offset up to the next one.
struct OffsetCounts {
    from: Vec<(u64, RangeCount)>,
    /// The length of the text that ran, as far as V8 says it.
    length: Option<u64>,
}

/// Lines of original files that a source map leads to.
struct MappedLines {
    /// Paths of the sources, by their number in the map.
    paths: HashMap<u32, String>,
    /// By source and line: the highest count, and whether only the script itself came there.
    lines: BTreeMap<(u32, u64), RangeCount>,
    /// The source at each offset of the script, ascending.
    sources: Vec<(u64, u32)>,
}

impl MappedLines {
    /// Adds what is at one place. A line on which a function ran is one of the function, whatever else stands on it.
    fn add(&mut self, source: u32, line: u64, count: RangeCount) {
        let known = self.lines.entry((source, line)).or_insert(RangeCount { hits: 0, is_top_level: true });
        known.is_top_level &= count.is_top_level || count.hits == 0;
        known.hits = known.hits.max(count.hits);
    }

    /// The source of a function that begins at an offset.
    fn source_at(&self, offset: u64) -> Option<&str> {
        let next = self.sources.partition_point(|(start, _)| *start < offset);
        let (_, source) = self.sources.get(next)?;
        self.paths.get(source).map(String::as_str)
    }
}

#[derive(Debug, Clone, Copy)]
struct RangeCount {
    hits: u64,
    /// Whether the innermost function is the script itself.
    is_top_level: bool,
}

struct CountedRange {
    start: u64,
    end: u64,
    count: RangeCount,
}

pub(super) fn read(scripts: &[Value], maps: Option<&Value>, sources: &mut SourceText<'_>) -> CoverageReport {
    let mut report = CoverageReport::new(CoverageFormat::V8);
    for script in scripts {
        let url = script.get("url").and_then(Value::as_str).unwrap_or_default();
        let Some(path) = url.strip_prefix("file://") else { continue };
        let path = percent_decode_str(path).decode_utf8_lossy().into_owned();
        let functions = script.get("functions").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let counts = OffsetCounts::of(functions);
        let mapped =
            maps.and_then(|maps| maps.get(url)).and_then(|entry| mapped_lines(&path, entry, &counts));
        match (&mapped, sources(&path)) {
            (Some(mapped), _) => {
                for ((source, number), count) in &mapped.lines {
                    if let Some(path) = mapped.paths.get(source) {
                        record(&mut report, path, *number, *count);
                    }
                }
            }
            // A transpiler or a test runner may have run another text under the file's name.
            (None, Some(text)) if counts.length != Some(utf16_length(&text)) => {
                report.note("scripts whose text is not the one that ran are left out".to_owned());
                continue;
            }
            (None, Some(text)) => {
                let begun = lines_at(&text, called_from(functions));
                for (number, offset) in code_lines(&text) {
                    if let Some(mut count) = counts.at(offset) {
                        // A function that ran begins on this line, which the script itself makes: `const f = () => 1`.
                        count.is_top_level &= !begun.contains(&number);
                        record(&mut report, &path, number, count);
                    }
                }
            }
            (None, None) => continue,
        }
        for function in functions {
            let name = function.get("functionName").and_then(Value::as_str).unwrap_or_default();
            // As V8 calls accessors.
            let name = name.strip_prefix("get ").or_else(|| name.strip_prefix("set ")).unwrap_or(name);
            let Some(start) = start_if_called(function) else { continue };
            let source = mapped.as_ref().map_or(Some(path.as_str()), |mapped| mapped.source_at(start));
            if let Some(source) = source {
                report.function(source, name);
            }
        }
    }
    report
}

/// Where a function begins; `None` when it was not called.
fn start_if_called(function: &Value) -> Option<u64> {
    let number = |key: &str| function.pointer(key).and_then(Value::as_u64);
    number("/ranges/0/startOffset").filter(|_| number("/ranges/0/count").is_some_and(|count| count > 0))
}

/// Whether a function is the script itself, which V8 reports first and without a name.
fn is_script(at: usize, function: &Value) -> bool {
    at == 0 && function.get("functionName").and_then(Value::as_str).unwrap_or_default().is_empty()
}

/// Where the functions begin that were called, but for the script itself.
fn called_from(functions: &[Value]) -> impl Iterator<Item = u64> {
    let functions = functions.iter().enumerate();
    functions
        .filter(|(at, function)| !is_script(*at, function))
        .filter_map(|(_, function)| start_if_called(function))
}

/// The lines (1-based) at some offsets, in UTF-16 units.
fn lines_at(text: &str, offsets: impl Iterator<Item = u64>) -> HashSet<u64> {
    let mut ends = Vec::new();
    let mut end = 0_u64;
    for line in text.split_inclusive('\n') {
        end += utf16_length(line);
        ends.push(end);
    }
    offsets.map(|offset| ends.partition_point(|end| *end <= offset) as u64 + 1).collect()
}

fn record(report: &mut CoverageReport, path: &str, number: u64, count: RangeCount) {
    report.line(path, number, count.hits);
    if count.hits > 0 && count.is_top_level {
        report.loaded(path, number);
    }
}

impl OffsetCounts {
    fn of(functions: &[Value]) -> Self {
        let mut ranges: Vec<CountedRange> = Vec::new();
        for (at, function) in functions.iter().enumerate() {
            let is_top_level = is_script(at, function);
            for range in
                function.get("ranges").and_then(Value::as_array).into_iter().flatten().take(MAX_LINES)
            {
                let number = |key: &str| range.get(key).and_then(Value::as_u64);
                let (Some(start), Some(end), Some(hits)) =
                    (number("startOffset"), number("endOffset"), number("count"))
                else {
                    continue;
                };
                if start < end {
                    ranges.push(CountedRange { start, end, count: RangeCount { hits, is_top_level } });
                }
            }
        }
        // Outer ranges before the ones inside them. Equal ones keep V8's order, outer first.
        ranges.sort_by(|a, b| a.start.cmp(&b.start).then_with(|| b.end.cmp(&a.end)));
        let mut from = Vec::new();
        let mut open: Vec<CountedRange> = Vec::new();
        let nothing = RangeCount { hits: 0, is_top_level: true };
        let leave = |open: &mut Vec<CountedRange>, from: &mut Vec<(u64, RangeCount)>, before: u64| {
            while open.last().is_some_and(|range| range.end <= before) {
                let end = open.pop().map_or(0, |range| range.end);
                from.push((end, open.last().map_or(nothing, |outer| outer.count)));
            }
        };
        for mut range in ranges {
            leave(&mut open, &mut from, range.start);
            if let Some(outer) = open.last() {
                range.end = range.end.min(outer.end);
            }
            from.push((range.start, range.count));
            open.push(range);
        }
        leave(&mut open, &mut from, u64::MAX);
        let length = functions.first().and_then(|script| script.pointer("/ranges/0/endOffset"));
        Self { from, length: length.and_then(Value::as_u64) }
    }

    /// The count of the character at an offset; `None` before the first range.
    fn at(&self, offset: u64) -> Option<RangeCount> {
        let next = self.from.partition_point(|(start, _)| *start <= offset);
        self.from.get(next.checked_sub(1)?).map(|(_, count)| *count)
    }
}

/// Lines with code, 1-based, each with the offset of its first character that is not blank, in UTF-16 units as V8
/// counts. Comments and lines that only close something are left out.
fn code_lines(text: &str) -> Vec<(u64, u64)> {
    let mut lines = Vec::new();
    let (mut offset, mut in_comment) = (0_u64, false);
    for (number, line) in (1..).zip(text.split_inclusive('\n')) {
        let indent: usize = line.chars().take_while(|c| c.is_whitespace()).map(char::len_utf16).sum();
        let code = line.trim();
        let is_comment = in_comment || code.starts_with("//") || code.starts_with("/*");
        if in_comment || code.starts_with("/*") {
            in_comment = !code.contains("*/");
        }
        let closes = code.chars().all(|c| matches!(c, '}' | ')' | ']' | ';' | ',' | '(' | '{' | '['));
        if !is_comment && !closes {
            lines.push((number, offset + indent as u64));
        }
        offset += utf16_length(line);
    }
    lines
}

/// The lines of the original files that a source map of node's cache leads to. `None` where the entry holds no map that
/// can be read.
fn mapped_lines(script: &str, entry: &Value, counts: &OffsetCounts) -> Option<MappedLines> {
    let data = entry.get("data").filter(|data| data.is_object())?;
    let DecodedMap::Regular(map) = sourcemap::decode_slice(data.to_string().as_bytes()).ok()? else {
        return None;
    };
    let lengths = entry.get("lineLengths").and_then(Value::as_array)?;
    let mut starts = Vec::with_capacity(lengths.len().min(MAX_LINES));
    let mut start = 0_u64;
    for length in lengths.iter().take(MAX_LINES) {
        starts.push(start);
        // One for the line break, which node does not count.
        start = start.saturating_add(length.as_u64()?).saturating_add(1);
    }
    let folder = script.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut mapped = MappedLines { paths: HashMap::new(), lines: BTreeMap::new(), sources: Vec::new() };
    for token in map.tokens().take(MAX_LINES) {
        let (Some(source), Some(start)) = (token.get_source(), starts.get(token.get_dst_line() as usize))
        else {
            continue;
        };
        let offset = start.saturating_add(u64::from(token.get_dst_col()));
        let Some(count) = counts.at(offset) else { continue };
        if source.len() > MAX_PATH_BYTES {
            continue;
        }
        mapped.paths.entry(token.get_src_id()).or_insert_with(|| original_path(folder, source));
        mapped.add(token.get_src_id(), u64::from(token.get_src_line()) + 1, count);
        mapped.sources.push((offset, token.get_src_id()));
    }
    mapped.sources.sort_unstable();
    (!mapped.lines.is_empty()).then_some(mapped)
}

/// The length of a text as V8 counts it.
pub fn utf16_length(text: &str) -> u64 {
    text.chars().map(|c| c.len_utf16() as u64).sum()
}

/// A source of a map, which may be relative to the folder of its script.
fn original_path(folder: &str, source: &str) -> String {
    let source = percent_decode_str(source.trim_start_matches("file://")).decode_utf8_lossy().into_owned();
    if source.starts_with('/') || source.contains("://") {
        return source;
    }
    joined(folder, &source)
}
