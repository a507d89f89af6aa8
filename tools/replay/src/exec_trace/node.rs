/*!
Traces JavaScript and TypeScript by V8's own coverage: node writes it when a process ends, children included. What was
transpiled in memory leads back to its source by the source map that node keeps. Files that a program joined to one text
before it ran them are found in that text, which a hook keeps.
*/

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::{fs, io};

use memchr::memmem;
use millwright_ingest::RepoFiles;
use serde_json::{Value, json};

use super::folder::{TraceFolder, read_files, read_named_files};
use super::{ExecutionTrace, TraceAdapter, of_reports};
use crate::checkout_files::{matching_files, read_regular};

const HOOK: &str = include_str!("node_hook.js");

/// Sources that are looked for in the texts that ran.
const SOURCES: [&str; 4] = ["**/*.js", "**/*.cjs", "**/*.mjs", "**/*.ts"];
/// Shorter files occur in others by chance, in bytes; longer ones are bundles.
const SHORTEST: usize = 200;
const LONGEST: u64 = 2 << 20;
/// Maximum number of bytes of sources that are looked for.
const MAX_SOURCES: usize = 64 << 20;

pub(super) struct NodeTracer;

impl TraceAdapter for NodeTracer {
    fn install(&self, folder: &TraceFolder<'_>) -> io::Result<BTreeMap<String, String>> {
        let mut env = folder.unless_own("NODE_V8_COVERAGE", folder.out.to_string_lossy().into_owned());
        let hook = folder.installed.join("millwright_trace.js");
        let name = hook.to_string_lossy();
        // Options are divided by blanks; older versions of node know no quotes.
        if !env.is_empty() && !name.contains([' ', '"', '\\']) {
            fs::write(&hook, HOOK)?;
            env.extend([folder.with_own("NODE_OPTIONS", &format!("--require={name}"), ' ')]);
        }
        Ok(env)
    }

    fn takes_any_path(&self) -> bool {
        true
    }

    fn collect(&self, folder: &TraceFolder<'_>, repository: &RepoFiles) -> Option<ExecutionTrace> {
        let joined = joined_sources(&read_named_files(&folder.out), folder.checkout);
        let reports = read_files(&folder.out).into_iter().chain(joined);
        of_reports(reports, folder.checkout, repository)
    }
}

/// The coverage of the repository's files within texts that ran without a file, one report per process, as V8 would have
/// written it had the files run by themselves.
fn joined_sources(files: &[(String, Vec<u8>)], checkout: &Path) -> Vec<Vec<u8>> {
    let texts: HashMap<(&str, &str), Value> = files
        .iter()
        .filter_map(|(name, content)| {
            Some((process_of(name.strip_prefix("texts-")?)?, serde_json::from_slice(content).ok()?))
        })
        .collect();
    if texts.is_empty() {
        return Vec::new();
    }
    let sources = sources(checkout);
    let mut reports = Vec::new();
    for (name, content) in files {
        let process = name.strip_prefix("coverage-").and_then(process_of);
        let Some(texts) = process.and_then(|process| texts.get(&process)) else { continue };
        let Ok(coverage) = serde_json::from_slice::<Value>(content) else { continue };
        let scripts = coverage.get("result").and_then(Value::as_array).into_iter().flatten();
        let ran = scripts.filter_map(|script| {
            let id = script.get("scriptId").and_then(Value::as_str)?;
            let text = texts.get(id).and_then(Value::as_str)?;
            let functions = script.get("functions").and_then(Value::as_array)?;
            script.get("url").and_then(Value::as_str).filter(|url| url.is_empty())?;
            Some(parts_of(text, functions, &sources, checkout))
        });
        let ran: Vec<Value> = ran.flatten().collect();
        if !ran.is_empty() {
            reports.push(json!({ "result": ran }).to_string().into_bytes());
        }
    }
    reports
}

/// Process and thread of `PID-TIME-THREAD.json`, as node names its files.
fn process_of(name: &str) -> Option<(&str, &str)> {
    let (process, rest) = name.strip_suffix(".json")?.split_once('-')?;
    Some((process, rest.rsplit('-').next()?))
}

/// The repository's scripts with their texts.
fn sources(checkout: &Path) -> Vec<(PathBuf, String)> {
    let globs = SOURCES.map(str::to_owned);
    let mut budget = MAX_SOURCES;
    let read = matching_files(checkout, &globs).into_iter().filter_map(|path| {
        let content = read_regular(&checkout.join(&path), LONGEST)?;
        budget = budget.checked_sub(content.len())?;
        let text = String::from_utf8(content).ok()?;
        (text.trim().len() >= SHORTEST).then_some((path, text))
    });
    read.collect()
}

/// The files that occur as a whole in `text`, each as a script of its own.
fn parts_of(text: &str, functions: &[Value], sources: &[(PathBuf, String)], checkout: &Path) -> Vec<Value> {
    let fitting = sources.iter().filter(|(_, source)| source.trim().len() <= text.len());
    let parts = fitting.filter_map(|(path, source)| {
        let at = memmem::find(text.as_bytes(), source.trim().as_bytes())?;
        let indent = source.len() - source.trim_start().len();
        let start = units(text.get(..at)?).checked_sub(units(source.get(..indent)?))?;
        let path = checkout.join(path).to_string_lossy().replace('%', "%25");
        Some(json!({ "url": format!("file://{path}"), "functions": within(functions, start, units(source)) }))
    });
    parts.collect()
}

/// The functions within `length` characters from `start`, counted from there; the first one is the file itself.
fn within(functions: &[Value], start: u64, length: u64) -> Vec<Value> {
    let end = start + length;
    let (mut top, mut inner) = (Vec::new(), Vec::new());
    // What is around the file, by its size: the innermost says how often the file ran.
    let mut around: (u64, u64) = (u64::MAX, 0);
    for function in functions {
        let ranges = function.get("ranges").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let mut own = Vec::new();
        for range in ranges {
            let number = |key: &str| range.get(key).and_then(Value::as_u64);
            let (Some(from), Some(to), Some(count)) =
                (number("startOffset"), number("endOffset"), number("count"))
            else {
                continue;
            };
            if from <= start && end <= to {
                around = around.min((to - from, count));
            } else if start <= from && to <= end {
                own.push(json!({ "startOffset": from - start, "endOffset": to - start, "count": count }));
            }
        }
        let is_inside = ranges.first().and_then(|range| range.get("startOffset")).and_then(Value::as_u64);
        match is_inside.is_some_and(|from| from > start || (from == start && !own.is_empty())) {
            true if !own.is_empty() => {
                inner.push(json!({ "functionName": function.get("functionName"), "ranges": own }));
            }
            _ => top.extend(own),
        }
    }
    let mut whole = vec![json!({ "startOffset": 0, "endOffset": length, "count": around.1 })];
    whole.extend(top);
    let file = json!({ "functionName": "", "ranges": whole });
    std::iter::once(file).chain(inner).collect()
}

/// Length of a text as V8 counts it, in UTF-16 units.
fn units(text: &str) -> u64 {
    text.chars().map(|c| c.len_utf16() as u64).sum()
}
