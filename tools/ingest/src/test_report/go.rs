/*!
`go test`: plain, `-v` and `-json`. A package ends with its own line, and its tests come before that line, so names
are qualified by it. Without `-v` only failing tests are named and passing ones are not counted; then only the
packages can be compared.
*/

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::OutputReader;
use super::log::RunLog;
use super::report::{RunnerKind, TestCounts, TestStatus, UnitStatus};
use super::scan::is_decimal;

const KIND: RunnerKind = RunnerKind::GoTest;
/// Maximum number of tests held while their package is open.
const MAX_OPEN: usize = 200_000;

#[derive(Debug, Default)]
pub(super) struct GoReader {
    /// Tests of the open package: started (`None`) or ended.
    tests: BTreeMap<String, Option<TestStatus>>,
    verbose: bool,
    json: GoEventReader,
}

impl OutputReader for GoReader {
    fn read_line(&mut self, line: &str, log: &mut RunLog) {
        if line.starts_with('{') && self.json.read_event(line, log) {
            return;
        }
        if let Some(name) = line.strip_prefix("=== RUN   ") {
            self.verbose = true;
            self.insert(name, None, log);
        } else if let Some((name, status)) = read_result(line) {
            // With -v every test announces itself; a test printed any other line.
            if !self.verbose || self.tests.contains_key(name) {
                self.insert(name, Some(status), log);
            }
        } else if let Some(package) = read_package(line) {
            self.close_package(&package, log);
        } else if line.starts_with("panic: test timed out after ") || line.starts_with("go: ") {
            log.set_obstacle(line);
        }
    }

    fn finish(&mut self, log: &mut RunLog) {
        if !self.tests.is_empty() {
            // A package started and its closing line is missing.
            log.start_suite(KIND);
        }
        self.json.finish(log);
    }
}

impl GoReader {
    fn insert(&mut self, name: &str, status: Option<TestStatus>, log: &mut RunLog) {
        if self.tests.len() >= MAX_OPEN {
            log.overflow = true;
            return;
        }
        match self.tests.get_mut(name) {
            Some(known) => *known = status,
            None => self.tests.extend(log.hold_name(name).map(|name| (name, status))),
        }
    }

    fn close_package(&mut self, package: &PackageLine<'_>, log: &mut RunLog) {
        let is_open = self.tests.values().any(Option::is_none);
        match package.ending {
            PackageEnding::Passed if is_open || self.tests.values().flatten().any(|one| one.is_failing()) => {
                // Tests of this package are still running, or have failed: a test printed this line.
                return;
            }
            PackageEnding::NoTests => {
                if self.tests.is_empty() {
                    log.close_suite(KIND, TestCounts::default(), 0);
                }
                return;
            }
            PackageEnding::BuildFailed(why) => {
                log.set_obstacle(&format!("{} [{why}]", package.name));
                log.set_unit(KIND, &format!("{} ({why})", package.name), UnitStatus::Broken);
                return;
            }
            PackageEnding::Passed | PackageEnding::Failed => {}
        }
        let mut counts = TestCounts::default();
        for (test, status) in std::mem::take(&mut self.tests) {
            // The test started but did not end: it crashed or ran out of time.
            let status = status.unwrap_or(TestStatus::Errored);
            counts.count(status);
            log.record(KIND, &format!("{}.{test}", package.name), status);
        }
        let failed = package.ending == PackageEnding::Failed;
        if failed && counts.failing() == 0 {
            log.set_unit(
                KIND,
                &format!("{} (failed outside of its tests)", package.name),
                UnitStatus::Broken,
            );
        } else {
            let status = if failed { UnitStatus::Failed } else { UnitStatus::Passed };
            log.set_unit(KIND, package.name, status);
        }
        if !self.verbose {
            log.set_units_only(KIND);
        }
        log.close_suite(KIND, counts, 0);
    }
}

#[derive(Debug, PartialEq, Eq)]
enum PackageEnding<'l> {
    Passed,
    Failed,
    NoTests,
    /// `build failed` or `setup failed`.
    BuildFailed(&'l str),
}

struct PackageLine<'l> {
    name: &'l str,
    ending: PackageEnding<'l>,
}

/// `ok  \tpackage\t0.1s`, `FAIL\tpackage\t0.1s`, `FAIL\tpackage [build failed]`, `?   \tpackage\t[no test files]`
fn read_package(line: &str) -> Option<PackageLine<'_>> {
    let (word, rest) = line.split_once('\t')?;
    let (name, rest) = rest.split_once(['\t', ' ']).unwrap_or((rest, ""));
    if name.is_empty() {
        return None;
    }
    let rest = rest.trim();
    let is_time = |text: &str| {
        let time = text.split_ascii_whitespace().next().unwrap_or_default();
        time == "(cached)" || time.strip_suffix('s').is_some_and(is_decimal)
    };
    let ending = match word.trim_end() {
        "ok" if is_time(rest) && rest.contains("[no tests to run]") => PackageEnding::NoTests,
        "ok" if is_time(rest) => PackageEnding::Passed,
        "FAIL" if is_time(rest) => PackageEnding::Failed,
        "FAIL" => {
            let why = rest.strip_prefix('[')?.strip_suffix(']')?;
            why.ends_with(" failed").then_some(PackageEnding::BuildFailed(why))?
        }
        "?" | "" if rest.contains("[no test files]") || rest.starts_with("coverage: ") => {
            PackageEnding::NoTests
        }
        _ => return None,
    };
    Some(PackageLine { name, ending })
}

/// `--- FAIL: TestCart/empty (0.00s)`, also after output without a line end.
fn read_result(line: &str) -> Option<(&str, TestStatus)> {
    let at = line.find("--- ")?;
    let (word, rest) = line.get(at + 4..)?.split_once(": ")?;
    let status = match word {
        "PASS" => TestStatus::Passed,
        "FAIL" => TestStatus::Failed,
        "SKIP" => TestStatus::Skipped,
        _ => return None,
    };
    let (name, time) = rest.trim_end().strip_suffix("s)")?.rsplit_once(" (")?;
    (is_decimal(time) && !name.contains(' ')).then_some((name, status))
}

/// Events of `-json`: the open packages, with the tests that started and did not end.
#[derive(Debug, Default)]
pub(super) struct GoEventReader {
    open: BTreeMap<String, OpenPackage>,
}

#[derive(Debug, Default)]
struct OpenPackage {
    counts: TestCounts,
    running: BTreeSet<String>,
}

impl GoEventReader {
    /// Returns whether the line was an event.
    pub(super) fn read_event(&mut self, line: &str, log: &mut RunLog) -> bool {
        if !line.contains("\"Action\":\"") {
            return false;
        }
        let Ok(event) = serde_json::from_str::<Value>(line) else { return false };
        let text = |key: &str| event.get(key).and_then(Value::as_str);
        let (Some(action), Some(package)) = (text("Action"), text("Package").or_else(|| text("ImportPath")))
        else {
            return false;
        };
        if action == "build-fail" {
            log.set_obstacle(&format!("{package} [build failed]"));
            return true;
        }
        if !matches!(action, "start" | "run" | "pass" | "fail" | "skip") {
            // In older versions, a result after output without a line end has no event.
            if let (Some(test), Some(output)) = (text("Test"), text("Output"))
                && let Some((name, status)) = read_result(output)
                && name == test
                && !output.trim_start().starts_with("---")
            {
                self.end_test(package, test, status, log);
            }
            return matches!(action, "output" | "pause" | "cont" | "bench" | "build-output");
        }
        if self.open.len() >= MAX_OPEN {
            log.overflow = true;
            return true;
        }
        if text("FailedBuild").is_some() {
            self.open.remove(package);
            log.set_unit(KIND, &format!("{package} (build failed)"), UnitStatus::Broken);
            return true;
        }
        if !self.open.contains_key(package) {
            self.open.extend(log.hold_name(package).map(|package| (package, OpenPackage::default())));
        }
        let Some(known) = self.open.get_mut(package) else { return true };
        let status = match action {
            "pass" => TestStatus::Passed,
            "fail" => TestStatus::Failed,
            "skip" => TestStatus::Skipped,
            _ => {
                if let Some(test) = text("Test") {
                    known.running.extend(log.hold_name(test));
                }
                return true;
            }
        };
        match text("Test") {
            Some(test) => self.end_test(package, test, status, log),
            None => self.close_package(package, status, log),
        }
        true
    }

    fn end_test(&mut self, package: &str, test: &str, status: TestStatus, log: &mut RunLog) {
        let Some(open) = self.open.get_mut(package) else { return };
        if open.running.remove(test) {
            open.counts.count(status);
            log.record(KIND, &format!("{package}.{test}"), status);
        }
    }

    fn close_package(&mut self, package: &str, status: TestStatus, log: &mut RunLog) {
        let Some(mut open) = self.open.remove(package) else { return };
        for test in &open.running {
            open.counts.count(TestStatus::Errored);
            log.record(KIND, &format!("{package}.{test}"), TestStatus::Errored);
        }
        if status == TestStatus::Failed && open.counts.failing() == 0 {
            log.set_unit(KIND, &format!("{package} (failed outside of its tests)"), UnitStatus::Broken);
        } else if open.counts.ran > 0 {
            let status = if status == TestStatus::Failed { UnitStatus::Failed } else { UnitStatus::Passed };
            log.set_unit(KIND, package, status);
        }
        log.close_suite(KIND, open.counts, 0);
    }

    pub(super) fn finish(&mut self, log: &mut RunLog) {
        if !self.open.is_empty() {
            log.start_suite(KIND);
        }
    }
}
