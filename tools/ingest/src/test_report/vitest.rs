/*!
vitest: default, verbose and dot reporters. A run begins with ` RUN  v…`. The failures are listed by name, and the
verbose reporter names every test. The closing block counts files and tests.
*/

use super::OutputReader;
use super::log::RunLog;
use super::report::{RunnerKind, TestCounts, TestStatus, UnitStatus};
use super::scan::{is_duration, read_counts, read_mark};

const KIND: RunnerKind = RunnerKind::Vitest;

#[derive(Debug, Default)]
pub(super) struct VitestReader {
    is_open: bool,
    files_seen: bool,
    counts: Option<TestCounts>,
}

impl OutputReader for VitestReader {
    fn read_line(&mut self, line: &str, log: &mut RunLog) {
        let body = line.trim_start();
        if is_run_line(body) {
            log.start_suite(KIND);
            log.mark_owner = Some(KIND);
            *self = Self { is_open: true, ..Self::default() };
            return;
        }
        if !self.is_open {
            return;
        }
        if let Some(list) = body.strip_prefix("Test Files ") {
            self.files_seen = read_list(list).is_some();
        } else if let Some(list) = body.strip_prefix("Tests ").filter(|_| self.files_seen) {
            self.counts = read_list(list);
        } else if body.starts_with("Start at ") || body.starts_with("Duration ") {
            self.close(log);
        } else if let Some(rest) = body.strip_prefix("FAIL ") {
            read_failure(rest.trim(), log);
        } else if body.starts_with("No test files found") {
            log.set_obstacle(body);
            log.close_suite(KIND, TestCounts::default(), 0);
            self.is_open = false;
        } else if let Some(mark) = read_mark(line) {
            read_test(mark.text, mark.status, log);
        }
    }
}

impl VitestReader {
    fn close(&mut self, log: &mut RunLog) {
        if let Some(counts) = self.counts.take().filter(|_| self.files_seen) {
            // Only the verbose reporter shows single tests, so they prove nothing here.
            log.close_suite(KIND, counts, u64::from(counts.ran));
            self.files_seen = false;
            log.mark_owner = None;
        }
    }
}

/// `RUN  v4.1.12 /app`
fn is_run_line(body: &str) -> bool {
    let version = body.strip_prefix("RUN ").or_else(|| body.strip_prefix("DEV ")).map(str::trim_start);
    version
        .and_then(|rest| rest.strip_prefix('v'))
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// `2 failed | 3 passed | 1 expected fail | 1 skipped | 1 todo (8)`
fn read_list(list: &str) -> Option<TestCounts> {
    let list = list.trim();
    if list == "no tests" {
        return Some(TestCounts::default());
    }
    let (list, total) = list.strip_suffix(')')?.rsplit_once(" (")?;
    total.parse::<u32>().ok()?;
    let mut counts = TestCounts::default();
    for (number, word) in read_counts(list, " | ")? {
        let field = match word {
            "passed" => &mut counts.passed,
            "failed" => &mut counts.failed,
            "skipped" | "todo" => &mut counts.skipped,
            "expected fail" => &mut counts.expected_failures,
            _ => return None,
        };
        *field = field.saturating_add(number);
    }
    Some(counts.sum_ran())
}

/// `cart.test.js > cart > taxes`, or `bad.test.js [ bad.test.js ]` for a file that did not load.
fn read_failure(text: &str, log: &mut RunLog) {
    if let Some((name, rest)) = text.split_once(" [ ").filter(|(_, rest)| rest.ends_with(" ]")) {
        log.continue_suite(KIND);
        if name.contains(" > ") {
            // A suite inside of a file: one of its hooks failed.
            log.set_unit(KIND, &format!("{name} (suite failed)"), UnitStatus::Broken);
        } else {
            let file = rest.strip_suffix(" ]").unwrap_or(name);
            log.set_unit(KIND, &format!("{file} (did not load)"), UnitStatus::Broken);
            log.set_obstacle(&format!("{file} did not load"));
        }
    } else if text.contains(" > ") {
        log.continue_suite(KIND);
        log.list_failure_once(KIND, text, TestStatus::Failed);
    }
}

/// `cart.test.js > cart > adds 2ms`. The default reporter omits the file, and then the name is not specific
/// enough.
fn read_test(text: &str, status: TestStatus, log: &mut RunLog) {
    let name = match text.rsplit_once(' ') {
        Some((name, time)) if is_duration(time) => name.trim_end(),
        _ => text,
    };
    let Some((file, _)) = name.split_once(" > ") else { return };
    let is_file =
        file.rsplit_once('.').is_some_and(|(_, extension)| extension.len() <= 6 && !extension.contains(' '));
    if is_file {
        log.continue_suite(KIND);
        log.record_distinct(KIND, name, status);
    }
}
