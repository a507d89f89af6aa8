/*!
Traces JavaScript and TypeScript by V8's own coverage: node writes it when a process ends, children included. What was
transpiled in memory leads back to its source by the source map that node keeps.
*/

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use millwright_ingest::RepoFiles;
use millwright_ingest::coverage::read_coverage;

use super::folder::{TraceFolder, read_bounded, read_files};
use super::{ExecutionTrace, TraceAdapter, TracePrecision, of_report};

/// Scripts larger than this are bundles, whose lines say nothing about the repository.
const MAX_SCRIPT_BYTES: u64 = 4 << 20;

pub(super) struct NodeTracer;

impl TraceAdapter for NodeTracer {
    fn install(&self, folder: &TraceFolder<'_>) -> io::Result<BTreeMap<String, String>> {
        Ok(folder.unless_own("NODE_V8_COVERAGE", folder.out.to_string_lossy().into_owned()))
    }

    fn takes_any_path(&self) -> bool {
        true
    }

    fn collect(&self, folder: &TraceFolder<'_>, repository: &RepoFiles) -> Option<ExecutionTrace> {
        let root = folder.checkout.canonicalize().unwrap_or_else(|_| folder.checkout.to_owned());
        let mut whole = ExecutionTrace::empty(TracePrecision::Lines);
        for content in read_files(&folder.out) {
            let mut source = |path: &str| {
                // After links: a folder of the checkout may be one that leads out.
                let path = Path::new(path).canonicalize().ok()?;
                let inside = path.strip_prefix(&root).ok()?;
                let is_own = !inside.iter().any(|part| part == "node_modules");
                let text = is_own.then(|| read_bounded(&path, MAX_SCRIPT_BYTES)).flatten()?;
                String::from_utf8(text).ok()
            };
            if let Ok(report) = read_coverage(&content, &mut source) {
                whole.extend(of_report(report, folder.checkout, repository));
            }
        }
        whole.if_any()
    }
}
