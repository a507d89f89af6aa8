/*!
PHPUnit: default and `--testdox`. The banner begins a run. Failures, errors, warnings and risky tests each have a
list with a headline. `OK (2 tests, 2 assertions)` or a line of labelled counts ends the run.
*/

use super::OutputReader;
use super::log::RunLog;
use super::report::{RunnerKind, TestCounts, TestStatus};
use super::scan::{read_count, read_labelled, read_mark};

const KIND: RunnerKind = RunnerKind::Phpunit;

#[derive(Debug, Default)]
pub(super) struct PhpunitReader {
    is_open: bool,
    after_time: bool,
    after_empty: bool,
    /// The status of the tests in the current list, if they failed.
    list: Option<TestStatus>,
    after_verdict: bool,
    /// testdox: the class that the current marks belong to.
    class: String,
}

impl OutputReader for PhpunitReader {
    fn read_line(&mut self, line: &str, log: &mut RunLog) {
        if line.starts_with("PHPUnit ") && line.contains(" by Sebastian Bergmann") {
            log.start_suite(KIND);
            log.mark_owner = Some(KIND);
            *self = Self { is_open: true, ..Self::default() };
            return;
        }
        let after_empty = std::mem::replace(&mut self.after_empty, line.is_empty());
        if !self.is_open || line.is_empty() {
            return;
        }
        let after_verdict = std::mem::replace(&mut self.after_verdict, is_verdict(line));
        if line.starts_with("Time: ") && line.contains(", Memory: ") {
            log.continue_suite(KIND);
            self.after_time = true;
        } else if line == "No tests executed!" {
            self.close(TestCounts::default(), 0, log);
        } else if let Some((counts, total)) = self.read_closing(line, after_verdict) {
            self.close(counts, total, log);
        } else if let Some(list) = read_headline(line) {
            log.continue_suite(KIND);
            self.list = list;
        } else if let Some(status) = self.list {
            let name =
                line.split_once(") ").filter(|(number, _)| number.bytes().all(|byte| byte.is_ascii_digit()));
            if let Some((_, name)) = name.filter(|(_, name)| name.contains("::")) {
                log.list_failure_once(KIND, strip_data(name), status);
            }
        } else {
            self.read_progress(line, after_empty, log);
        }
    }
}

impl PhpunitReader {
    fn close(&mut self, counts: TestCounts, total: u32, log: &mut RunLog) {
        log.close_suite(KIND, counts, u64::from(total));
        log.mark_owner = None;
        (self.list, self.after_time) = (None, false);
    }

    /// `OK (2 tests, 2 assertions)`, or `Tests: 8, Assertions: 4, Errors: 1.` below a verdict.
    fn read_closing(&self, line: &str, after_verdict: bool) -> Option<(TestCounts, u32)> {
        if !self.after_time {
            return None;
        }
        if let Some(list) = line.strip_prefix("OK (").and_then(|rest| rest.strip_suffix(')')) {
            let (total, word) = read_count(list.split_once(", ")?.0)?;
            let counts = TestCounts { passed: total, ..TestCounts::default() };
            return word.starts_with("test").then(|| (counts.sum_ran(), total));
        }
        if !after_verdict || !line.starts_with("Tests: ") {
            return None;
        }
        let (mut counts, mut total) = (TestCounts::default(), 0);
        for piece in line.strip_suffix('.').unwrap_or(line).split(", ") {
            let (word, number) = read_labelled(piece)?;
            match word {
                "Tests" => total = number,
                "Failures" => counts.failed = number,
                "Errors" => counts.errored = number,
                "Skipped" | "Incomplete" => counts.skipped = counts.skipped.saturating_add(number),
                // A risky test and one with a warning passed; the other words count assertions and deprecations.
                _ => {}
            }
        }
        let others = counts.failing().saturating_add(counts.skipped);
        counts.passed = total.saturating_sub(others);
        Some((counts.sum_ran(), total))
    }

    fn read_progress(&mut self, line: &str, after_empty: bool, log: &mut RunLog) {
        if let Some(mark) = read_mark(line).filter(|mark| mark.indent == 1) {
            let name = format!("{} > {}", self.class, super::scan::strip_duration(mark.text));
            log.count_seen(KIND, 1);
            // testdox turns method names into prose, but the list of failures uses the method names.
            log.record_distinct(KIND, &name, mark.status);
            return;
        }
        let marks = line.split_once("  ").map_or(line, |(marks, _)| marks);
        if !marks.is_empty() && marks.bytes().all(|byte| b".FESIRWDN".contains(&byte)) {
            log.count_seen(KIND, marks.len() as u64);
        } else if after_empty && line.starts_with(|first: char| first.is_alphabetic()) && !line.contains("  ")
        {
            self.class = line.to_owned();
        }
    }
}

fn is_verdict(line: &str) -> bool {
    matches!(line, "FAILURES!" | "ERRORS!" | "WARNINGS!") || line.starts_with("OK, but ")
}

/// `There were 2 failures:`. In the other lists (`1 risky test`, `3 skipped tests`) the tests did not fail.
fn read_headline(line: &str) -> Option<Option<TestStatus>> {
    let rest =
        line.strip_prefix("There was ").or_else(|| line.strip_prefix("There were "))?.strip_suffix(':')?;
    let (_, word) = read_count(rest)?;
    Some(match word {
        "failure" | "failures" => Some(TestStatus::Failed),
        "error" | "errors" => Some(TestStatus::Errored),
        _ => None,
    })
}

/// Keeps the name of the data set, and removes its values in parentheses, which may contain anything.
fn strip_data(name: &str) -> &str {
    match name.split_once(" with data set ") {
        Some((head, set)) => {
            let end = set.rfind(" (").map_or(name.len(), |at| head.len() + " with data set ".len() + at);
            name.get(..end).unwrap_or(name)
        }
        None => name,
    }
}
