/*!
Traces JavaScript and TypeScript by V8's own coverage: node writes it when a process ends, children included. What was
transpiled in memory leads back to its source by the source map that node keeps.
*/

use std::collections::BTreeMap;
use std::io;

use super::TraceAdapter;
use super::folder::TraceFolder;

pub(super) struct NodeTracer;

impl TraceAdapter for NodeTracer {
    fn install(&self, folder: &TraceFolder<'_>) -> io::Result<BTreeMap<String, String>> {
        Ok(folder.unless_own("NODE_V8_COVERAGE", folder.out.to_string_lossy().into_owned()))
    }

    fn takes_any_path(&self) -> bool {
        true
    }
}
