/*!
Reads coverage reports: which lines and functions of which files ran. A format is recognised by its content. A report
comes from outside, so its size, numbers and paths are bounded, and what was left out is noted.

Sources: LCOV's tracefile format (geninfo(1)), Cobertura's `coverage-04.dtd`, JaCoCo's `report.dtd` 1.1, coverage.py's
JSON report (format 2 and 3), Go's cover profile (`cmd/cover`), Istanbul's coverage object (istanbul-lib-coverage), V8's
`Profiler.takePreciseCoverage`, gcov's intermediate JSON (gcov(1)), SimpleCov's `.resultset.json`.
*/

mod cobertura;
mod coverage_py;
mod gcov;
mod go_profile;
mod istanbul;
mod jacoco;
mod lcov;
mod limits;
mod report;
mod report_paths;
mod simplecov;
mod v8;
mod xml;

#[cfg(test)]
#[path = "coverage_tests.rs"]
mod tests;

pub use limits::MAX_REPORT_BYTES;
pub use report::{CoverageFormat, CoverageReport, CoveredFile};
pub use v8::{SourceText, utf16_length};

use serde_json::Value;

/// A coverage report that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CoverageError {
    #[error(
        "this is not a coverage report of a known format; LCOV, Cobertura, JaCoCo XML, coverage.py JSON, Go cover \
         profiles, Istanbul JSON, V8 JSON, gcov JSON and SimpleCov \
         result sets are read"
    )]
    Unknown,
    #[error("the {format} report is damaged at {at}: {why}")]
    Damaged { format: &'static str, at: String, why: String },
    #[error("the report is larger than {} MiB; split it by package or by test", .0 >> 20)]
    TooLarge(usize),
}

/// Reads a report in any of the formats. `sources` gives the text of a file that V8 names, because V8 counts
/// characters instead of lines.
///
/// # Errors
/// When the format is not known, or when the report is damaged. A report that ends early is read as far as it goes
/// where its format allows that (LCOV, Go).
pub fn read_coverage(bytes: &[u8], sources: &mut SourceText<'_>) -> Result<CoverageReport, CoverageError> {
    if bytes.len() > MAX_REPORT_BYTES {
        return Err(CoverageError::TooLarge(MAX_REPORT_BYTES));
    }
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    match text.as_bytes().first() {
        Some(b'<') => xml::read(text),
        Some(b'{') if text.len() > limits::MAX_JSON_BYTES => {
            Err(CoverageError::TooLarge(limits::MAX_JSON_BYTES))
        }
        Some(b'{') => read_json(text, sources),
        _ if text.starts_with("mode:") => Ok(go_profile::read(text)),
        _ if lcov::is_tracefile(text) => Ok(lcov::read(text)),
        _ => Err(CoverageError::Unknown),
    }
}

fn read_json(text: &str, sources: &mut SourceText<'_>) -> Result<CoverageReport, CoverageError> {
    let damaged = |error: serde_json::Error| CoverageError::Damaged {
        format: "JSON",
        at: format!("line {}, column {}", error.line(), error.column()),
        why: "it is not valid JSON".to_owned(),
    };
    let mut documents = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let Some(first) = documents.next() else { return Err(CoverageError::Unknown) };
    let value = first.map_err(damaged)?;
    if gcov::is_document(&value) {
        let rest = documents.map_while(Result::ok).filter(gcov::is_document);
        return Ok(gcov::read(std::iter::once(value).chain(rest)));
    }
    if let Some(Err(error)) = documents.next() {
        return Err(damaged(error));
    }
    let Some(object) = value.as_object() else { return Err(CoverageError::Unknown) };
    if let Some(scripts) = object.get("result").and_then(Value::as_array) {
        return Ok(v8::read(scripts, object.get("source-map-cache"), sources));
    }
    if let (Some(files), Some(_)) = (object.get("files").and_then(Value::as_object), object.get("meta")) {
        return Ok(coverage_py::read(files));
    }
    if object.values().any(|run| run.get("coverage").is_some_and(Value::is_object)) {
        return Ok(simplecov::read(object));
    }
    if object.values().any(|file| file.get("statementMap").is_some() && file.get("s").is_some()) {
        return Ok(istanbul::read(object));
    }
    Err(CoverageError::Unknown)
}
