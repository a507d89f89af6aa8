/*!
SimpleCov's `.resultset.json`: by test suite, then by file, the hits of each line, with `null` for lines without code.
*/

use serde_json::{Map, Value};

use super::report::{CoverageFormat, CoverageReport};

pub(super) fn read(suites: &Map<String, Value>) -> CoverageReport {
    let mut report = CoverageReport::new(CoverageFormat::SimpleCov);
    for suite in suites.values() {
        let files = suite.get("coverage").and_then(Value::as_object).into_iter().flatten();
        for (path, file) in files {
            // Older versions have the array itself.
            let lines = file.get("lines").unwrap_or(file).as_array().into_iter().flatten();
            for (number, hits) in (1..).zip(lines) {
                if let Some(hits) = hits.as_u64() {
                    report.line(path, number, hits);
                }
            }
        }
    }
    report
}
