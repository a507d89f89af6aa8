/*!
The JSON report of coverage.py (`coverage json`, with `--show-contexts` where contexts were recorded).
*/

use serde_json::{Map, Value};

use super::limits::{MAX_LINE, MAX_LINES, MAX_NAME_BYTES};
use super::report::{CoverageFormat, CoverageReport};

pub(super) fn read(files: &Map<String, Value>) -> CoverageReport {
    let mut report = CoverageReport::new(CoverageFormat::CoveragePy);
    let mut contexts = 0;
    for (path, file) in files {
        for (key, hits) in [("executed_lines", 1), ("missing_lines", 0)] {
            let lines = file.get(key).and_then(Value::as_array).into_iter().flatten();
            for number in lines.filter_map(Value::as_u64) {
                report.line(path, number, hits);
            }
        }
        // Since 7.6: regions by the qualified name; the empty one is the module's own code.
        let functions = file.get("functions").and_then(Value::as_object).into_iter().flatten();
        for (name, function) in functions {
            let ran = function.get("executed_lines").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            if name.is_empty() {
                ran.iter().filter_map(Value::as_u64).for_each(|line| report.loaded(path, line));
            } else if !ran.is_empty() {
                report.function(path, name);
            }
        }
        let Some(by_line) = file.get("contexts").and_then(Value::as_object) else { continue };
        for (line, names) in by_line {
            let Some(line) = line.parse::<u32>().ok().filter(|line| (1..=MAX_LINE).contains(line)) else {
                continue;
            };
            for name in names.as_array().into_iter().flatten().filter_map(Value::as_str) {
                contexts += 1;
                if contexts > MAX_LINES {
                    report.note(format!("more than {MAX_LINES} contexts of lines; the others are left out"));
                    return report;
                }
                // The empty context is what ran outside of every test.
                if (1..=MAX_NAME_BYTES).contains(&name.len())
                    && let Some(file) = report.file(path)
                {
                    file.contexts.entry(name.to_owned()).or_default().insert(line);
                }
            }
        }
    }
    report
}
