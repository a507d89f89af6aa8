/*!
The JSON that jest writes with `--json` and vitest with `--reporter=json`.
*/

use serde::Deserialize;

use super::log::RunLog;
use super::report::{RunnerKind, TestCounts, TestReport, TestStatus, UnitStatus};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JestFile {
    num_total_tests: u64,
    test_results: Vec<FileResult>,
    #[serde(default)]
    was_interrupted: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FileResult {
    name: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    assertion_results: Vec<AssertionResult>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AssertionResult {
    #[serde(default)]
    ancestor_titles: Vec<String>,
    title: String,
    status: String,
}

pub(super) fn read(bytes: &[u8]) -> Option<TestReport> {
    let file: JestFile = serde_json::from_slice(bytes).ok()?;
    let kind = RunnerKind::Jest;
    let mut log = RunLog::new(None);
    log.start_suite(kind);
    let mut counts = TestCounts::default();
    let folder = common_folder(&file.test_results);
    for result in &file.test_results {
        let path = result.name.get(folder..).unwrap_or(&result.name);
        if result.assertion_results.is_empty() && result.status == "failed" {
            log.set_unit(kind, &format!("{path} (did not load)"), UnitStatus::Broken);
            log.set_obstacle(&format!("{path} did not load"));
        }
        for test in &result.assertion_results {
            let status = match test.status.as_str() {
                "passed" => TestStatus::Passed,
                "failed" => TestStatus::Failed,
                _ => TestStatus::Skipped,
            };
            let titles = test.ancestor_titles.iter().chain([&test.title]).map(String::as_str);
            let name = [path].into_iter().chain(titles).collect::<Vec<_>>().join(" > ");
            counts.count(status);
            log.record_distinct(kind, &name, status);
        }
    }
    if !file.was_interrupted && u64::from(counts.ran) + u64::from(counts.skipped) == file.num_total_tests {
        log.close_suite(kind, counts, 0);
    }
    Some(finish(log))
}

/// The report of a file.
pub(super) fn finish(mut log: RunLog) -> TestReport {
    TestReport {
        exit_status: Some(0),
        obstacle: log.obstacle.take(),
        overflow: log.overflow,
        ending: String::new(),
        runs: log.finish(),
    }
}

/// Length of the folder path that all files share: paths are absolute, and work trees differ.
fn common_folder(files: &[FileResult]) -> usize {
    let Some(first) = files.first() else { return 0 };
    let mut common = first.name.rfind('/').map_or(0, |at| at + 1);
    for file in files {
        while common > 0 && file.name.get(..common) != first.name.get(..common) {
            let shorter = first.name.get(..common - 1).and_then(|text| text.rfind('/'));
            common = shorter.map_or(0, |at| at + 1);
        }
    }
    common
}
