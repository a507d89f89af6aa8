/*!
Traces JavaScript and TypeScript by V8's own coverage: node writes it when a process ends, children included. What was
transpiled in memory leads back to its source by the source map that node keeps. Files that a program joined to one text
before it ran them are found in that text, which a hook keeps.
*/

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::{fs, io};

use memchr::memmem;
use millwright_ingest::RepoFiles;
use millwright_ingest::coverage::utf16_length;
use serde_json::{Value, json};

use super::folder::{TraceFolder, read_named_files};
use super::{ExecutionTrace, TraceAdapter, of_reports};
use crate::checkout_files::{matching_files, read_whole};

const HOOK: &str = include_str!("node_hook.js");

/// The folder for the texts, below the one for the coverage.
const TEXTS: &str = "texts";
/// Sources that are looked for in the texts that ran.
const SOURCES: [&str; 4] = ["**/*.js", "**/*.cjs", "**/*.mjs", "**/*.ts"];
/// Shorter files occur in others by chance.
const MIN_SOURCE_BYTES: usize = 200;
/// Longer files are bundles.
const MAX_SOURCE_BYTES: u64 = 2 << 20;
/// Bytes of all sources that are looked for, and of texts that they are looked for in, a text counted once per source.
const MAX_SOURCES: usize = 64 << 20;
const MAX_SEARCHED: usize = 4 << 30;
/// Ranges that are compared with the places of files, and those that are found in one.
const MAX_LOOKED_AT: usize = 1_000_000_000;
const MAX_COPIED: usize = 2_000_000;
/// Files that are found in the texts of all processes.
const MAX_PARTS: usize = 10_000;

pub(super) struct NodeTracer;

impl TraceAdapter for NodeTracer {
    fn install(&self, folder: &TraceFolder<'_>) -> io::Result<BTreeMap<String, String>> {
        let mut env = folder.unless_own("NODE_V8_COVERAGE", folder.out.to_string_lossy().into_owned());
        let hook = folder.installed.join("millwright_trace.js");
        let name = hook.to_string_lossy();
        // Options are divided by blanks; older versions of node do not support quotes.
        if !env.is_empty() && !name.contains([' ', '"', '\\']) {
            fs::write(&hook, HOOK)?;
            fs::create_dir_all(folder.out.join(TEXTS))?;
            env.extend([folder.with_own("NODE_OPTIONS", &format!("--require={name}"), ' ')]);
        }
        Ok(env)
    }

    fn takes_any_path(&self) -> bool {
        true
    }

    fn collect(&self, folder: &TraceFolder<'_>, repository: &RepoFiles) -> Option<ExecutionTrace> {
        let texts = read_named_files(&folder.out.join(TEXTS));
        let coverage = read_named_files(&folder.out);
        let joined =
            if texts.is_empty() { Vec::new() } else { joined_sources(&texts, &coverage, folder.checkout) };
        let reports = coverage.into_iter().map(|(_, report)| report).chain(joined);
        of_reports(reports, folder.checkout, repository)
    }
}

/// The coverage of the repository's files within texts that ran without a file, one report per process, as V8 would have
/// written it had the files run by themselves. The run wrote both kinds of files, so everything is bounded.
fn joined_sources(
    texts: &[(String, Vec<u8>)],
    coverage: &[(String, Vec<u8>)],
    checkout: &Path,
) -> Vec<Vec<u8>> {
    let texts: HashMap<(&str, &str), HashMap<String, String>> = texts
        .iter()
        .filter_map(|(name, content)| Some((process_of(name)?, serde_json::from_slice(content).ok()?)))
        .collect();
    let mut sources = JoinedSources::read(checkout);
    let (mut room, mut looked_at, mut copied) = (MAX_PARTS, 0_usize, 0_usize);
    let mut reports = Vec::new();
    for (name, content) in coverage {
        let process = name.strip_prefix("coverage-").and_then(process_of);
        let Some(texts) = process.and_then(|process| texts.get(&process)) else { continue };
        let Ok(coverage) = serde_json::from_slice::<Value>(content) else { continue };
        let mut seen: HashSet<&str> = HashSet::new();
        let mut parts = Vec::new();
        for script in coverage.get("result").and_then(Value::as_array).into_iter().flatten() {
            let is_text = script.get("url").and_then(Value::as_str) == Some("");
            let id = script.get("scriptId").and_then(Value::as_str).filter(|_| is_text);
            let Some((id, text)) = id.and_then(|id| Some((id, texts.get(id)?))) else { continue };
            if !seen.insert(id) {
                continue;
            }
            let functions = CountedFunction::all(script);
            let all: usize = functions.iter().map(|function| function.ranges.len()).sum();
            for part in sources.within(text).iter().take(room) {
                room -= 1;
                // Files that overlap have the same ranges again and again.
                looked_at += all;
                if looked_at > MAX_LOOKED_AT || copied > MAX_COPIED {
                    break;
                }
                let functions = within(&functions, part.start, part.length);
                let ranges = functions.iter().filter_map(|function| function["ranges"].as_array());
                copied += ranges.map(Vec::len).sum::<usize>();
                parts.push(json!({ "url": part.url, "functions": functions }));
            }
        }
        if !parts.is_empty() {
            reports.push(json!({ "result": parts }).to_string().into_bytes());
        }
    }
    reports
}

/// Process and thread of `PID-TIME-THREAD.json`, as node names its files.
fn process_of(name: &str) -> Option<(&str, &str)> {
    let (process, rest) = name.strip_suffix(".json")?.split_once('-')?;
    Some((process, rest.rsplit('-').next()?))
}

/// A file that is a part of a text; in characters as V8 counts them.
#[derive(Debug, Clone)]
struct JoinedPart {
    url: String,
    start: u64,
    length: u64,
}

/// The repository's scripts, which are looked for in texts.
struct JoinedSources {
    /// Address and text.
    files: Vec<(String, String)>,
    /// What was found, by text: children often run the same one.
    found: HashMap<String, Vec<JoinedPart>>,
    searched: usize,
}

impl JoinedSources {
    fn read(checkout: &Path) -> Self {
        // By their text: of two files with the same one nobody knows which one ran.
        let (mut files, mut bytes): (BTreeMap<String, Option<(String, String)>>, usize) = Default::default();
        for path in matching_files(checkout, &SOURCES.map(str::to_owned)) {
            let content = read_whole(&checkout.join(&path), MAX_SOURCE_BYTES);
            let Some(text) = content.and_then(|content| String::from_utf8(content).ok()) else { continue };
            let key = text.trim().to_owned();
            if key.len() < MIN_SOURCE_BYTES {
                continue;
            }
            bytes += text.len();
            if bytes > MAX_SOURCES {
                break;
            }
            let url = format!("file://{}", checkout.join(&path).to_string_lossy().replace('%', "%25"));
            files.entry(key).and_modify(|file| *file = None).or_insert(Some((url, text)));
        }
        let files = files.into_values().flatten().collect();
        Self { files, found: HashMap::new(), searched: 0 }
    }

    /// The files that occur as a whole in `text`.
    fn within(&mut self, text: &str) -> &[JoinedPart] {
        if !self.found.contains_key(text) {
            let mut parts = Vec::new();
            for (url, source) in &self.files {
                let trimmed = source.trim();
                if trimmed.len() > text.len() || self.searched > MAX_SEARCHED {
                    continue;
                }
                self.searched += text.len();
                let Some(at) = memmem::find(text.as_bytes(), trimmed.as_bytes()) else { continue };
                let indent = source.len() - source.trim_start().len();
                let before = text.get(..at).map(utf16_length).unwrap_or_default();
                let Some(start) =
                    before.checked_sub(source.get(..indent).map(utf16_length).unwrap_or_default())
                else {
                    continue;
                };
                parts.push(JoinedPart { url: url.clone(), start, length: utf16_length(source) });
            }
            self.found.insert(text.to_owned(), parts);
        }
        self.found.get(text).map(Vec::as_slice).unwrap_or_default()
    }
}

/// A function of V8's coverage: its name, and its ranges from, to and with a count, the outermost first.
struct CountedFunction<'c> {
    name: &'c str,
    ranges: Vec<(u64, u64, u64)>,
}

impl<'c> CountedFunction<'c> {
    fn all(script: &'c Value) -> Vec<Self> {
        let functions = script.get("functions").and_then(Value::as_array).into_iter().flatten();
        let read = functions.map(|function| {
            let ranges = function.get("ranges").and_then(Value::as_array).into_iter().flatten();
            let ranges = ranges.filter_map(|range| {
                let number = |key: &str| range.get(key).and_then(Value::as_u64);
                let (from, to) = (number("startOffset")?, number("endOffset")?);
                (from <= to).then_some((from, to, number("count")?))
            });
            let name = function.get("functionName").and_then(Value::as_str).unwrap_or_default();
            Self { name, ranges: ranges.collect() }
        });
        read.collect()
    }
}

/// The functions within `length` characters from `start`, counted from there; the first one is the file itself.
fn within(functions: &[CountedFunction<'_>], start: u64, length: u64) -> Vec<Value> {
    let end = start.saturating_add(length);
    let (mut top, mut inner) = (Vec::new(), Vec::new());
    // What is around the file, by its size: the innermost says how often the file ran.
    let mut around: (u64, u64) = (u64::MAX, 0);
    for function in functions {
        let mut own = Vec::new();
        for (from, to, count) in function.ranges.iter().copied() {
            if from <= start && end <= to {
                around = around.min((to - from, count));
            } else if start <= from && to <= end {
                own.push(json!({ "startOffset": from - start, "endOffset": to - start, "count": count }));
            }
        }
        // A function that began before the file is around it, and has blocks in it.
        match function.ranges.first().is_some_and(|(from, _, _)| *from >= start) && !own.is_empty() {
            true => inner.push(json!({ "functionName": function.name, "ranges": own })),
            false => top.extend(own),
        }
    }
    let mut whole = vec![json!({ "startOffset": 0, "endOffset": length, "count": around.1 })];
    whole.extend(top);
    let file = json!({ "functionName": "", "ranges": whole });
    std::iter::once(file).chain(inner).collect()
}
