/*!
Python's unittest and Django's runner, which is built on it: dots with failures below, or `-v` with one line per
test. The closing block is a line of dashes, `Ran 8 tests in 0.001s`, and `OK` or `FAILED (failures=2)`; it only
counts if complete.
*/

use super::OutputReader;
use super::log::RunLog;
use super::report::{RunnerKind, TestCounts, TestStatus, UnitStatus};
use super::scan::is_duration;

const KIND: RunnerKind = RunnerKind::Unittest;
/// How many lines of other output may come between the number of tests and the verdict.
const MAX_LINES_TO_VERDICT: u8 = 6;
const CLASS_STEPS: &[&str] = &["setUpClass", "tearDownClass", "setUpModule", "tearDownModule"];

#[derive(Debug, Default)]
pub(super) struct UnittestReader {
    /// Whether the previous line was a separator of dashes.
    after_dashes: bool,
    after_equals: bool,
    /// Number of tests in the closing block, and how many lines ago it was printed.
    closing: Option<(u32, u8)>,
    /// The header of a test on the previous line; the test's first docstring line follows.
    header: Option<String>,
    /// The test whose outcome comes on a later line, after the test's output.
    pending: Option<String>,
    marks: u64,
    verbose: u64,
    failed_imports: u32,
}

impl OutputReader for UnittestReader {
    fn read_line(&mut self, line: &str, log: &mut RunLog) {
        let after_dashes = std::mem::replace(&mut self.after_dashes, is_rule(line, b'-'));
        let after_equals = std::mem::replace(&mut self.after_equals, is_rule(line, b'='));
        if line.is_empty() || self.after_dashes || self.after_equals {
            return;
        }
        if let Some((ran, age)) = self.closing {
            if let Some(verdict) = read_verdict(line) {
                self.close(ran, verdict, log);
                return;
            }
            self.closing = (age < MAX_LINES_TO_VERDICT).then_some((ran, age + 1));
        }
        if after_dashes && let Some(ran) = read_ran(line) {
            self.closing = Some((ran, 0));
        } else if after_equals && self.read_failure_header(line, log) {
        } else if line.starts_with("Found ") && (line.ends_with(" test(s).") || line.ends_with(" tests.")) {
            log.start_suite(KIND);
        } else if !self.read_verbose(line, log) {
            self.marks += count_marks(line);
        }
    }
}

impl UnittestReader {
    fn close(&mut self, ran: u32, mut counts: TestCounts, log: &mut RunLog) {
        log.count_seen(KIND, if self.verbose > 0 { 0 } else { self.marks });
        let failed_imports = self.failed_imports.min(ran);
        counts.errored = counts.errored.saturating_sub(failed_imports);
        counts.ran = (ran - failed_imports).saturating_sub(counts.skipped);
        let others = counts.failing().saturating_add(counts.expected_failures);
        counts.passed = counts.ran.saturating_sub(others);
        log.close_suite(KIND, counts, u64::from(ran));
        *self = Self::default();
    }

    /// `FAIL: test_tax (test_shop.CartTest.test_tax)` below a line of equal signs.
    fn read_failure_header(&mut self, line: &str, log: &mut RunLog) -> bool {
        let Some((word, rest)) = line.split_once(": ") else { return false };
        let status = match word {
            "FAIL" | "UNEXPECTED SUCCESS" => TestStatus::Failed,
            "ERROR" => TestStatus::Errored,
            _ => return false,
        };
        log.continue_suite(KIND);
        let Some(test) = read_test(rest) else { return false };
        if test.failed_import {
            self.failed_imports = self.failed_imports.saturating_add(1);
            log.set_unit(KIND, &test.name, UnitStatus::Broken);
            log.set_obstacle(line);
        } else {
            log.list_failure(KIND, &test.name, status);
            if test.is_part {
                log.count_part(KIND);
            }
        }
        true
    }

    fn read_verbose(&mut self, line: &str, log: &mut RunLog) -> bool {
        let header = self.header.take();
        let split = line.rsplit_once(" ... ").or_else(|| line.strip_suffix(" ...").map(|left| (left, "")));
        let Some((left, right)) = split else {
            if let Some(name) = &self.pending
                && let Some(status) = read_status(line)
            {
                let name = name.clone();
                self.pending = None;
                self.record(&name, status, log);
                return true;
            }
            self.header = read_test(line).filter(|test| !test.is_part).map(|test| test.name);
            return self.header.is_some();
        };
        let test = read_test(left.trim_start());
        if test.as_ref().is_some_and(|test| test.failed_import) {
            return true;
        }
        let is_part = test.as_ref().is_some_and(|test| test.is_part);
        let parent = test.as_ref().and_then(|test| test.parent.clone());
        let Some(name) = test.map(|test| test.name).or(header) else { return false };
        match read_status(right) {
            Some(status) if is_part => {
                log.record_fragment(KIND, &name, status);
                if let Some(parent) = parent.filter(|_| status.is_failing()) {
                    self.record(&parent, status, log);
                }
            }
            Some(status) => self.record(&name, status, log),
            None => self.pending = Some(name),
        }
        true
    }

    fn record(&mut self, name: &str, status: TestStatus, log: &mut RunLog) {
        log.record(KIND, name, status);
        log.count_seen(KIND, 1);
        self.verbose += 1;
    }
}

fn is_rule(line: &str, fence: u8) -> bool {
    line.len() == 70 && line.bytes().all(|byte| byte == fence)
}

/// `Ran 8 tests in 0.001s`
fn read_ran(line: &str) -> Option<u32> {
    let (count, rest) = line.strip_prefix("Ran ")?.split_once(" test")?;
    let time = rest.strip_prefix('s').unwrap_or(rest).strip_prefix(" in ")?;
    is_duration(time).then(|| count.parse().ok())?
}

/// `OK (skipped=1)`, `FAILED (failures=2, errors=2)`, `NO TESTS RAN`
fn read_verdict(line: &str) -> Option<TestCounts> {
    let (verdict, list) = match line.split_once(" (") {
        Some((verdict, list)) => (verdict, list.strip_suffix(')')?),
        None => (line, ""),
    };
    if !matches!(verdict, "OK" | "FAILED" | "NO TESTS RAN") {
        return None;
    }
    let mut counts = TestCounts::default();
    for piece in list.split(", ").filter(|piece| !piece.is_empty()) {
        let (word, number) = piece.split_once('=')?;
        let number: u32 = number.parse().ok()?;
        let field = match word {
            "failures" | "unexpected successes" => &mut counts.failed,
            "errors" => &mut counts.errored,
            "skipped" => &mut counts.skipped,
            "expected failures" => &mut counts.expected_failures,
            _ => return None,
        };
        *field = field.saturating_add(number);
    }
    // A failed verdict without a failing test would be a contradiction.
    (verdict != "FAILED" || counts.failing() > 0).then_some(counts)
}

fn read_status(text: &str) -> Option<TestStatus> {
    match text.trim() {
        "ok" => Some(TestStatus::Passed),
        "FAIL" | "unexpected success" => Some(TestStatus::Failed),
        "ERROR" => Some(TestStatus::Errored),
        "expected failure" => Some(TestStatus::ExpectedFailure),
        other => (other.starts_with("skipped ") || other == "skipped").then_some(TestStatus::Skipped),
    }
}

struct TestHeader {
    name: String,
    /// Whether this is a subtest, or a step of a class, which only has a name while it fails.
    is_part: bool,
    parent: Option<String>,
    failed_import: bool,
}

/// `test_tax (test_shop.CartTest.test_tax)`; Python before 3.11 leaves the method out of the parentheses.
fn read_test(text: &str) -> Option<TestHeader> {
    let (method, rest) = text.split_once(" (")?;
    let is_name = |text: &str, extra: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_' || extra.contains(c))
    };
    let (class, parameters) = rest.split_once(')')?;
    // The name of a doctest or a parametrized method may contain other characters, but never a space.
    if !is_name(method, ".-[]=,")
        || !is_name(class, ".<>")
        || !(class.contains('.') || class.starts_with("__"))
    {
        return None;
    }
    let parameters = parameters.trim();
    if class.contains("unittest.loader._FailedTest") || class.contains("unittest.loader.ModuleImportFailure")
    {
        let name = format!("{method} (import failed)");
        return Some(TestHeader { name, is_part: false, parent: None, failed_import: true });
    }
    if CLASS_STEPS.contains(&method) {
        let name = format!("{method} ({class})");
        return Some(TestHeader { name, is_part: true, parent: None, failed_import: false });
    }
    let is_full = class.rsplit('.').next() == Some(method);
    let base = if is_full { class.to_owned() } else { format!("{class}.{method}") };
    if parameters.is_empty() {
        return Some(TestHeader { name: base, is_part: false, parent: None, failed_import: false });
    }
    if !parameters.starts_with(['(', '[']) {
        return None;
    }
    let name = format!("{base} {parameters}");
    Some(TestHeader { name, is_part: true, parent: Some(base), failed_import: false })
}

/// Counts progress marks: a line of only marks, or a row of them before other output.
fn count_marks(line: &str) -> u64 {
    let marks = line.bytes().take_while(|byte| b".FEsxu".contains(byte)).count();
    if marks == line.len() || marks >= 3 { marks as u64 } else { 0 }
}
