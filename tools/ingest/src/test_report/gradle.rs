/*!
Gradle on the console. A failing test task prints its failures and how many tests it completed. A passing one
prints nothing unless test logging is on; then only the report files say what ran.
*/

use super::OutputReader;
use super::log::RunLog;
use super::report::{RunnerKind, TestCounts, TestStatus, UnitStatus};
use super::scan::read_count;

const KIND: RunnerKind = RunnerKind::Gradle;

#[derive(Debug, Default)]
pub(super) struct GradleReader {
    task: String,
    is_used: bool,
    is_closed: bool,
    /// Outcomes of the open task that test logging shows, and outcomes of the complete build.
    shown: TestCounts,
    counts: TestCounts,
}

impl OutputReader for GradleReader {
    fn read_line(&mut self, line: &str, log: &mut RunLog) {
        if let Some(rest) = line.strip_prefix("> Task ") {
            self.open_task(rest, log);
        } else if line.starts_with(':') && line.len() < 200 {
            // Before Gradle 4.7, the task's own output may follow on the same line.
            self.open_task(&line.replace("WARNING: ", " "), log);
        } else if line.starts_with("BUILD SUCCESSFUL in ") || line.starts_with("BUILD FAILED in ") {
            self.close(line.starts_with("BUILD FAILED"), log);
        } else if !self.is_used {
        } else if let Some(counts) = read_completed(line) {
            self.shown = TestCounts::default();
            self.counts.add(&counts);
        } else if let Some((name, status)) = read_outcome(line) {
            let name = if self.task.is_empty() { name } else { format!("{} {name}", self.task) };
            self.shown.count(status);
            log.record(KIND, &name, status);
        }
    }

    fn finish(&mut self, log: &mut RunLog) {
        if self.is_used && !self.is_closed {
            log.start_suite(KIND);
        }
    }
}

impl GradleReader {
    fn open_task(&mut self, rest: &str, log: &mut RunLog) {
        let (task, state) = rest.split_once(' ').unwrap_or((rest, ""));
        let name = task.rsplit(':').next().unwrap_or(task);
        let is_test = name == "test" || name.ends_with("Test") || name.ends_with("UnitTest");
        let is_compile = name.starts_with("compile");
        if is_compile && state == "FAILED" {
            self.is_used = true;
            log.set_obstacle(&format!("task {task} failed"));
            log.set_unit(KIND, &format!("{task} (build failed)"), UnitStatus::Broken);
        }
        if !is_test {
            return;
        }
        self.is_used = true;
        self.is_closed = false;
        if task != self.task {
            self.add_shown();
            self.task = task.to_owned();
        }
    }

    fn add_shown(&mut self) {
        let shown = std::mem::take(&mut self.shown);
        self.counts.add(&shown);
    }

    fn close(&mut self, failed: bool, log: &mut RunLog) {
        if !self.is_used {
            return;
        }
        self.add_shown();
        if failed && self.counts.failing() == 0 {
            log.set_unit(KIND, "build (failed outside of its tests)", UnitStatus::Broken);
        }
        if self.counts.ran == 0 {
            log.set_units_only(KIND);
        }
        log.close_suite(KIND, self.counts, 0);
        *self = Self { is_closed: true, ..Self::default() };
    }
}

/// `8 tests completed, 2 failed, 1 skipped`
fn read_completed(line: &str) -> Option<TestCounts> {
    let (mut counts, mut total) = (TestCounts::default(), None);
    for piece in line.split(", ") {
        let (number, word) = read_count(piece)?;
        match word {
            "tests completed" | "test completed" => total = Some(number),
            "failed" => counts.failed = number,
            "skipped" => counts.skipped = number,
            _ => return None,
        }
    }
    let total = total?;
    counts.passed = total.saturating_sub(counts.failed).saturating_sub(counts.skipped);
    Some(counts.sum_ran())
}

/// `CartTest > testTax() FAILED`
fn read_outcome(line: &str) -> Option<(String, TestStatus)> {
    let (name, word) = line.rsplit_once(' ')?;
    let status = match word {
        "PASSED" => TestStatus::Passed,
        "FAILED" => TestStatus::Failed,
        "SKIPPED" => TestStatus::Skipped,
        _ => return None,
    };
    (name.contains(" > ") && !name.starts_with([' ', '>'])).then(|| (name.to_owned(), status))
}
