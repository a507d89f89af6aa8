/*!
`prove`: one line per test file, a list of the failed files, and two closing lines. Without `-v` failed tests are
known only by number.
*/

use std::collections::BTreeSet;

use super::log::RunLog;
use super::report::{RunnerKind, TestCounts, TestStatus, UnitStatus};

const KIND: RunnerKind = RunnerKind::Prove;
/// Maximum number of test files kept.
const MAX_FILES: usize = 50_000;

#[derive(Debug, Default)]
pub(super) struct ProveReader {
    file: Option<String>,
    files: BTreeSet<String>,
    /// Files in the list of failures, and the file whose lines are being read.
    failed_files: BTreeSet<String>,
    listed: Option<String>,
    failed: u32,
    skipped: u32,
    /// The sum of the documents that `-v` prints.
    documents: TestCounts,
    total: Option<(u64, u32)>,
    in_report: bool,
}

impl ProveReader {
    pub(super) fn is_open(&self) -> bool {
        !self.files.is_empty()
    }

    /// The file whose document is being read.
    pub(super) fn scope(&self) -> Option<String> {
        self.file.clone()
    }

    pub(super) fn add_document(&mut self, counts: &TestCounts) {
        self.documents.add(counts);
    }

    /// Returns whether an open document ends with this line.
    pub(super) fn read_line(&mut self, line: &str, log: &mut RunLog) -> bool {
        if let Some(verdict) = line.strip_prefix("Result: ").filter(|_| self.total.is_some()) {
            if matches!(verdict, "PASS" | "FAIL" | "NOTESTS") {
                self.close(log);
            }
            return true;
        }
        if let Some((file, ending)) = read_file(line) {
            if self.files.len() < MAX_FILES {
                self.files.extend(log.hold_name(file));
            }
            self.file = (!ending.starts_with("skipped")).then(|| file.to_owned());
            if ending.starts_with("skipped") {
                self.failed_files.extend(log.hold_name(file));
            }
            return true;
        }
        if self.files.is_empty() {
            return false;
        }
        if line == "Test Summary Report" {
            self.in_report = true;
            self.file = None;
            return true;
        }
        if let Some(rest) = line.strip_prefix("Files=") {
            self.total = read_totals(rest);
            self.file = None;
            return true;
        }
        if let Some(rest) = line.trim_start().strip_prefix("(less ") {
            self.skipped =
                self.skipped.saturating_add(rest.split(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0));
        }
        if self.in_report {
            self.read_report_line(line, log);
        }
        false
    }

    fn read_report_line(&mut self, line: &str, log: &mut RunLog) {
        if let Some((file, rest)) = line.split_once(" (Wstat: ").or_else(|| line.split_once("(Wstat: ")) {
            let file = file.trim_end();
            let number = |label: &str| {
                let rest = rest.split_once(label)?.1.trim_start();
                let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
                rest.get(..digits)?.parse::<u32>().ok()
            };
            self.failed = self.failed.saturating_add(number("Failed:").unwrap_or(0));
            if self.failed_files.len() < MAX_FILES {
                self.failed_files.extend(log.hold_name(file));
            }
            if number("Failed:") == Some(0) {
                log.set_unit(KIND, &format!("{file} (did not end as planned)"), UnitStatus::Broken);
                log.set_obstacle(line);
            } else {
                log.set_unit(KIND, file, UnitStatus::Failed);
            }
            self.listed = Some(file.to_owned());
        } else if line.starts_with("  Parse errors:")
            && let Some(file) = &self.listed
        {
            log.set_unit(KIND, &format!("{file} (did not end as planned)"), UnitStatus::Broken);
        } else if let (Some(list), Some(file)) = (read_failed_list(line), &self.listed)
            && self.documents == TestCounts::default()
        {
            for number in list {
                log.list_failure(KIND, &format!("{file} > test {number}"), TestStatus::Failed);
            }
        }
    }

    fn close(&mut self, log: &mut RunLog) {
        let Some((files, tests)) = self.total.take() else { return };
        log.count_seen(KIND, self.files.len() as u64);
        for file in self.files.difference(&self.failed_files) {
            log.set_unit(KIND, file, UnitStatus::Passed);
        }
        let total = self.documents.ran.saturating_add(self.documents.skipped);
        let counts = if total == tests && tests > 0 {
            self.documents
        } else {
            let ran = tests.saturating_sub(self.skipped);
            let passed = ran.saturating_sub(self.failed);
            TestCounts { ran, passed, failed: self.failed, skipped: self.skipped, ..TestCounts::default() }
        };
        log.close_suite(KIND, counts, files);
        *self = Self::default();
    }

    pub(super) fn finish(&mut self, log: &mut RunLog) {
        if !self.files.is_empty() {
            log.start_suite(KIND);
        }
    }
}

/// `t/cart.t .. ok`, `t/cart.t ..`, `t/skip.t .. skipped: no db`
fn read_file(line: &str) -> Option<(&str, &str)> {
    let (file, rest) = line.split_once(" ..")?;
    let rest = rest.trim_start_matches('.');
    let ending = if rest.is_empty() { "" } else { rest.strip_prefix(' ')? };
    let known = matches!(ending, "" | "ok") || ending.starts_with("skipped") || ending.starts_with("Failed ");
    let is_file = file.contains('.') && !file.contains(' ') && !file.ends_with('.');
    (known && is_file).then_some((file, ending))
}

/// `4, Tests=7,  0 wallclock secs …`
fn read_totals(rest: &str) -> Option<(u64, u32)> {
    let (files, rest) = rest.split_once(", Tests=")?;
    let (tests, rest) = rest.split_once(',')?;
    rest.contains("wallclock").then(|| Some((files.parse().ok()?, tests.parse().ok()?)))?
}

/// `  Failed tests:  2, 4-6`
fn read_failed_list(line: &str) -> Option<Vec<u32>> {
    let list = line.strip_prefix("  Failed test:").or_else(|| line.strip_prefix("  Failed tests:"))?;
    let mut numbers = Vec::new();
    for piece in list.split([',', ' ']).filter(|piece| !piece.is_empty()) {
        let (from, to) = piece.split_once('-').unwrap_or((piece, piece));
        let (from, to): (u32, u32) = (from.parse().ok()?, to.parse().ok()?);
        numbers.extend((from..=to).take(10_000));
    }
    Some(numbers)
}
