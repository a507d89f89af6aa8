/*!
Traces programs of the JVM by the classes that they load, with nothing installed. Lines come from a coverage file that the
recipe names, such as JaCoCo's.
*/

use std::collections::BTreeMap;
use std::io;

use millwright_ingest::RepoFiles;

use super::folder::{TraceFolder, read_files};
use super::{ExecutedFile, ExecutionTrace, TraceAdapter, TracePrecision};

pub(super) struct JvmTracer;

impl TraceAdapter for JvmTracer {
    fn install(&self, folder: &TraceFolder<'_>) -> io::Result<BTreeMap<String, String>> {
        let option = format!("-Xlog:class+load:file={}/%p.log", folder.out.display());
        // Read by the launcher from Java 9 on; Java 8, which does not know the option, ignores the variable.
        Ok([folder.with_own("JDK_JAVA_OPTIONS", &option, ' ')].into())
    }

    fn collect(&self, folder: &TraceFolder<'_>, repository: &RepoFiles) -> Option<ExecutionTrace> {
        let mut files: BTreeMap<String, ExecutedFile> = BTreeMap::new();
        for content in read_files(&folder.out) {
            for line in String::from_utf8_lossy(&content).lines() {
                if let Some(path) = loaded_class(line).and_then(|class| repository.source_of_class(class)) {
                    files.entry(path.to_owned()).or_default();
                }
            }
        }
        (!files.is_empty()).then_some(ExecutionTrace { precision: TracePrecision::Files, files })
    }
}

/// `[0.1s][info][class,load] com.acme.Till source: file:/build/classes/` → `com.acme.Till`; `None` for the JDK's own
/// classes.
fn loaded_class(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once("[class,load] ")?;
    let (class, source) = rest.split_once(" source: ")?;
    let is_own =
        !source.starts_with("jrt:") && !source.starts_with("shared objects file") && !class.contains('/');
    is_own.then_some(class)
}
