/*!
Report files of test runners: JUnit XML, TAP, the events of `go test -json`, and the JSON of jest and vitest. They
name every test, unlike many console outputs.
*/

use super::TestOutputReader;
use super::jest_json;
use super::junit;
use super::report::{RunnerKind, TestReport};

/// Reads a report file, if its format is known. A complete file counts as exit status 0: only the console says
/// whether the run ended well.
pub fn read_report_file(bytes: &[u8], file_name: &str) -> Option<TestReport> {
    let name = file_name.to_ascii_lowercase();
    let start = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    if start.starts_with(b"<") {
        return junit::read(start);
    }
    if start.starts_with(b"{") || start.starts_with(b"[") {
        return jest_json::read(start).or_else(|| read_console(start, &[RunnerKind::GoTest]));
    }
    let is_tap = name.ends_with(".tap") || start.starts_with(b"TAP version") || start.starts_with(b"1..");
    let tap = &[RunnerKind::Tap, RunnerKind::NodeTest, RunnerKind::Prove];
    is_tap.then(|| read_console(start, tap)).flatten()
}

/// The result of the console readers, if the output is of one of these kinds.
fn read_console(bytes: &[u8], kinds: &[RunnerKind]) -> Option<TestReport> {
    let mut reader = TestOutputReader::new();
    reader.push(bytes);
    let mut report = reader.finish(Some(0));
    report.runs.retain(|run| kinds.contains(&run.runner));
    (!report.runs.is_empty()).then_some(report)
}
