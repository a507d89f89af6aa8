/*!
ctest: one line per test, the totals, and a list of the failed tests.
*/

use super::OutputReader;
use super::log::RunLog;
use super::report::{RunnerKind, TestCounts, TestStatus};

const KIND: RunnerKind = RunnerKind::Ctest;

#[derive(Debug, Default)]
pub(super) struct CtestReader {
    is_open: bool,
    counts: TestCounts,
}

impl OutputReader for CtestReader {
    fn read_line(&mut self, line: &str, log: &mut RunLog) {
        if line.starts_with("Test project ") {
            log.start_suite(KIND);
            *self = Self { is_open: true, ..Self::default() };
        } else if !self.is_open {
        } else if line.starts_with("No tests were found") {
            log.set_obstacle(line);
            log.close_suite(KIND, TestCounts::default(), 0);
        } else if let Some((name, status)) = read_test(line) {
            self.counts.count(status);
            log.record(KIND, name, status);
            log.count_seen(KIND, 1);
        } else if let Some((failed, total)) = read_closing(line) {
            // The closing line does not count skipped tests separately; the lines of the tests do.
            let known = self.counts.ran.saturating_add(self.counts.skipped);
            let counts = if known >= total && self.counts.failing() == failed {
                self.counts
            } else {
                let passed = total.saturating_sub(failed);
                TestCounts { passed, failed, ..TestCounts::default() }.sum_ran()
            };
            log.close_suite(KIND, counts, u64::from(known));
        }
    }
}

/// `2/8 Test #2: taxes ............................***Failed    0.00 sec`
fn read_test(line: &str) -> Option<(&str, TestStatus)> {
    let (head, rest) = line.split_once(": ")?;
    let (position, number) = head.trim().split_once(" Test ")?;
    if !position.contains('/') || !number.trim_start().starts_with('#') {
        return None;
    }
    let rest = rest.strip_suffix(" sec")?;
    let (name, ending) =
        rest.split_once(" .").or_else(|| rest.split_once("   ")).or_else(|| rest.split_once("***"))?;
    let ending = ending.trim_start_matches(['.', ' ']);
    let status = match ending.strip_prefix("***") {
        Some(ending) if ending.starts_with("Skipped") || ending.starts_with("Not Run (Disabled)") => {
            TestStatus::Skipped
        }
        Some(ending) if ending.starts_with("Failed") || ending.starts_with("Timeout") => TestStatus::Failed,
        Some(_) => TestStatus::Errored,
        None if ending.starts_with("Passed") => TestStatus::Passed,
        None => return None,
    };
    Some((name.trim(), status))
}

/// `29% tests passed, 5 tests failed out of 7`
fn read_closing(line: &str) -> Option<(u32, u32)> {
    let (percent, rest) = line.split_once("% tests passed, ")?;
    percent.parse::<u32>().ok()?;
    let (failed, total) =
        rest.split_once(" tests failed out of ").or_else(|| rest.split_once(" test failed out of "))?;
    Some((failed.parse().ok()?, total.parse().ok()?))
}
