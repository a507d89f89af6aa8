/*!
Tests the readers against output of the real runners (`fixtures/`, captured from small projects with passing,
failing, erring, skipped, expected-failure, parametrised, nested and crashing tests), the rules of the comparison,
and hostile output.
*/

mod compared;
mod hostile;
mod recorded;

use millwright_model::TestsResult;

use super::*;

pub(super) fn read(text: &str, exit_status: Option<i32>) -> TestReport {
    read_bytes(text.as_bytes(), exit_status)
}

pub(super) fn read_bytes(bytes: &[u8], exit_status: Option<i32>) -> TestReport {
    let mut reader = TestOutputReader::new();
    reader.push(bytes);
    reader.finish(exit_status)
}

pub(super) fn fixture(name: &str) -> String {
    let path = format!("{}/src/test_report/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}
