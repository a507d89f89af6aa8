/*!
gcov's intermediate JSON (`gcov --json-format`): one document a file of counters, on lines of their own.
*/

use serde_json::Value;

use super::limits::MAX_PATH_BYTES;
use super::report::{CoverageFormat, CoverageReport};
use super::report_paths::joined;

/// Whether a document is gcov's.
pub(super) fn is_document(value: &Value) -> bool {
    value.get("files").is_some_and(Value::is_array) && value.get("current_working_directory").is_some()
}

pub(super) fn read(documents: impl Iterator<Item = Value>) -> CoverageReport {
    let mut report = CoverageReport::new(CoverageFormat::Gcov);
    for document in documents {
        let folder = document.get("current_working_directory").and_then(Value::as_str).unwrap_or_default();
        if folder.len() > MAX_PATH_BYTES {
            report.note("documents of folders with endless names are left out".to_owned());
            continue;
        }
        for file in document.get("files").and_then(Value::as_array).into_iter().flatten() {
            let name = file.get("file").and_then(Value::as_str).unwrap_or_default();
            // Names are relative to the folder of the compilation.
            let path = if name.starts_with('/') { name.to_owned() } else { joined(folder, name) };
            for line in file.get("lines").and_then(Value::as_array).into_iter().flatten() {
                let number = |key: &str| line.get(key).and_then(Value::as_u64);
                match (number("line_number"), number("count")) {
                    (Some(at), Some(hits)) => report.line(&path, at, hits),
                    _ => report.note("lines without a number or count are left out".to_owned()),
                }
            }
            for function in file.get("functions").and_then(Value::as_array).into_iter().flatten() {
                let ran =
                    function.get("execution_count").and_then(Value::as_u64).is_some_and(|count| count > 0);
                let name =
                    function.get("demangled_name").or_else(|| function.get("name")).and_then(Value::as_str);
                if let Some(name) = name.filter(|_| ran) {
                    // Without the types of its arguments.
                    report.function(&path, name.split('(').next().unwrap_or(name));
                }
            }
        }
    }
    report
}
