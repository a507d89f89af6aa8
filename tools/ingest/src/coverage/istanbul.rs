/*!
Istanbul's coverage object (`coverage-final.json` of nyc, Jest and Vitest): statements and functions with their
locations, and how often each ran. A statement counts for the line on which it begins, as Istanbul's own line
coverage does.
*/

use serde_json::{Map, Value};

use super::report::{CoverageFormat, CoverageReport};

pub(super) fn read(files: &Map<String, Value>) -> CoverageReport {
    let mut report = CoverageReport::new(CoverageFormat::Istanbul);
    for (key, file) in files {
        let path = file.get("path").and_then(Value::as_str).unwrap_or(key);
        let hits = |counts: &str, id: &str| {
            file.get(counts).and_then(|counts| counts.get(id)).and_then(Value::as_u64)
        };
        let statements = file.get("statementMap").and_then(Value::as_object).into_iter().flatten();
        for (id, place) in statements {
            let line = place.pointer("/start/line").and_then(Value::as_u64);
            match (line, hits("s", id)) {
                (Some(line), Some(hits)) => report.line(path, line, hits),
                _ => report.note("statements without a line or a count are left out".to_owned()),
            }
        }
        let functions = file.get("fnMap").and_then(Value::as_object).into_iter().flatten();
        for (id, function) in functions {
            let name = function.get("name").and_then(Value::as_str).unwrap_or_default();
            // `(anonymous_3)` is Istanbul's own name.
            if hits("f", id).is_some_and(|hits| hits > 0) && !name.starts_with("(anonymous") {
                report.function(path, name);
            }
        }
    }
    report
}
