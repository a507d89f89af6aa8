/*!
Ruby's minitest and test-unit, plain and `-v`. Both print a line when they start, and one closing line with counts.
Both list failures as `Class#test`, or in a form that is converted to it.
*/

use super::OutputReader;
use super::log::RunLog;
use super::report::{RunnerKind, TestCounts, TestStatus};
use super::scan::{is_decimal, read_counts};

const MINITEST: RunnerKind = RunnerKind::Minitest;
const TEST_UNIT: RunnerKind = RunnerKind::TestUnit;

#[derive(Debug, Default)]
pub(super) struct MinitestReader {
    open: Option<RunnerKind>,
    previous: LineRole,
    /// The test whose outcome comes on a later line, after the test's output.
    pending: Option<String>,
    /// test-unit prints the class before its tests.
    class: String,
    verbose: bool,
}

/// The kind of the previous line, if it matters.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum LineRole {
    #[default]
    Other,
    LoadedSuite,
    /// A separator of equal signs.
    Equals,
    Dashes,
    /// `  1) Failure:` and similar lines.
    Failure(TestStatus),
}

impl OutputReader for MinitestReader {
    fn read_line(&mut self, line: &str, log: &mut RunLog) {
        if line.is_empty() {
            return;
        }
        let previous = std::mem::replace(&mut self.previous, read_role(line));
        if line.starts_with("Run options: ") && line.contains("--seed ") {
            self.open(MINITEST, log);
        } else if line == "Started" && previous == LineRole::LoadedSuite {
            self.open(TEST_UNIT, log);
        } else {
            match self.open {
                Some(MINITEST) => self.read_minitest(line, previous, log),
                Some(_) => self.read_test_unit(line, previous, log),
                None => {}
            }
        }
    }
}

impl MinitestReader {
    fn open(&mut self, kind: RunnerKind, log: &mut RunLog) {
        log.start_suite(kind);
        *self = Self { open: Some(kind), ..Self::default() };
    }

    fn see_marks(&self, kind: RunnerKind, line: &str, marks: &[u8], log: &mut RunLog) {
        if !self.verbose && line.bytes().all(|byte| marks.contains(&byte)) {
            log.count_seen(kind, line.len() as u64);
        }
    }

    fn read_minitest(&mut self, line: &str, previous: LineRole, log: &mut RunLog) {
        if let Some((counts, total)) = read_minitest_closing(line) {
            log.close_suite(MINITEST, counts, u64::from(total));
        } else if line.starts_with("Finished in ") && line.contains(" runs/s") {
            log.continue_suite(MINITEST);
        } else if let LineRole::Failure(status) = previous {
            let name = line.strip_suffix(':').unwrap_or(line);
            let name = name
                .rsplit_once(" [")
                .filter(|(_, place)| place.ends_with(']'))
                .map_or(name, |(name, _)| name);
            if name.contains('#') && status.is_failing() {
                log.list_failure(MINITEST, name, status);
            }
        } else if let Some((name, rest)) = line.split_once(" = ").filter(|(name, _)| name.contains('#')) {
            self.verbose = true;
            match read_minitest_mark(rest) {
                Some(status) => self.record(MINITEST, name, status, log),
                None => self.pending = Some(name.to_owned()),
            }
        } else if let Some(name) = &self.pending
            && let Some(status) = read_minitest_mark(line)
        {
            let name = name.clone();
            self.record(MINITEST, &name, status, log);
        } else {
            self.see_marks(MINITEST, line, b".FES", log);
        }
    }

    fn read_test_unit(&mut self, line: &str, previous: LineRole, log: &mut RunLog) {
        if previous == LineRole::Dashes
            && let Some((counts, total)) = read_test_unit_closing(line)
        {
            log.close_suite(TEST_UNIT, counts, u64::from(total));
            return;
        }
        if line.starts_with("Finished in ") && line.ends_with(" seconds.") {
            log.continue_suite(TEST_UNIT);
        } else if previous == LineRole::Equals
            && let Some((name, status)) = read_test_unit_failure(line)
        {
            log.list_failure(TEST_UNIT, &name, status);
        } else if let Some(class) = line.strip_suffix(':').filter(|class| is_class(class)) {
            self.class = class.to_owned();
        } else if let Some((name, mark)) = read_test_unit_test(line) {
            self.verbose = true;
            let name = format!("{}#{name}", self.class);
            match read_test_unit_mark(mark) {
                Some(status) => self.record(TEST_UNIT, &name, status, log),
                None => self.pending = Some(name),
            }
        } else if let Some(name) = &self.pending
            && let Some(status) =
                line.find(": (").and_then(|at| read_test_unit_mark(line.get(at.checked_sub(1)?..)?))
        {
            let name = name.clone();
            self.record(TEST_UNIT, &name, status, log);
        } else {
            self.see_marks(TEST_UNIT, line, b".FEPON", log);
        }
    }

    fn record(&mut self, kind: RunnerKind, name: &str, status: TestStatus, log: &mut RunLog) {
        self.pending = None;
        log.record(kind, name, status);
        log.count_seen(kind, 1);
    }
}

fn read_role(line: &str) -> LineRole {
    if line.starts_with("Loaded suite ") {
        return LineRole::LoadedSuite;
    }
    let is_rule = |fence: u8| line.len() >= 70 && line.bytes().all(|byte| byte == fence);
    if is_rule(b'=') {
        return LineRole::Equals;
    }
    if is_rule(b'-') {
        return LineRole::Dashes;
    }
    // `  1) Failure:`, or only `Failure:` in Rails.
    let word = match line.trim_start().split_once(") ") {
        Some((number, word)) if number.bytes().all(|byte| byte.is_ascii_digit()) => word,
        _ => line,
    };
    match word {
        "Failure:" => LineRole::Failure(TestStatus::Failed),
        "Error:" => LineRole::Failure(TestStatus::Errored),
        "Skipped:" => LineRole::Failure(TestStatus::Skipped),
        _ => LineRole::Other,
    }
}

/// `0.00 s = .`, also after output of the test.
fn read_minitest_mark(text: &str) -> Option<TestStatus> {
    let (time, mark) = text.rsplit_once(" s = ")?;
    if !time.rsplit(' ').next().is_some_and(is_decimal) {
        return None;
    }
    match mark {
        "." => Some(TestStatus::Passed),
        "F" => Some(TestStatus::Failed),
        "E" => Some(TestStatus::Errored),
        "S" => Some(TestStatus::Skipped),
        _ => None,
    }
}

/// `7 runs, 5 assertions, 2 failures, 1 errors, 1 skips`
fn read_minitest_closing(line: &str) -> Option<(TestCounts, u32)> {
    let list = read_counts(line, ", ")?;
    let get = |word: &str| list.iter().find(|(_, known)| known.strip_suffix('s').unwrap_or(known) == word);
    let number = |word: &str| get(word).map(|(number, _)| *number);
    let runs = number("run").or_else(|| number("test"))?;
    number("assertion")?;
    let (failed, errored, skipped) = (number("failure")?, number("error")?, number("skip")?);
    let passed = runs.saturating_sub(failed).saturating_sub(errored).saturating_sub(skipped);
    Some((TestCounts { passed, failed, errored, skipped, ..TestCounts::default() }.sum_ran(), runs))
}

/// `7 tests, 4 assertions, 1 failures, 1 errors, 1 pendings, 1 omissions, 0 notifications`
fn read_test_unit_closing(line: &str) -> Option<(TestCounts, u32)> {
    let list = read_counts(line, ", ")?;
    let number = |word: &str| list.iter().find(|(_, known)| *known == word).map(|(number, _)| *number);
    let tests = number("tests")?;
    let (failed, errored) = (number("failures")?, number("errors")?);
    let skipped = number("pendings")?.saturating_add(number("omissions")?);
    let passed = tests.saturating_sub(failed).saturating_sub(errored).saturating_sub(skipped);
    Some((TestCounts { passed, failed, errored, skipped, ..TestCounts::default() }.sum_ran(), tests))
}

/// `Failure: test_tax(TestCart)`, `Error: test_db(TestCart): RuntimeError: no db`
fn read_test_unit_failure(line: &str) -> Option<(String, TestStatus)> {
    let (word, rest) = line.split_once(": ")?;
    let status = match word {
        "Failure" => TestStatus::Failed,
        "Error" => TestStatus::Errored,
        _ => return None,
    };
    let (name, class) = rest.split_once('(')?;
    let (class, _) = class.split_once(')')?;
    Some((format!("{class}#{name}"), status))
}

/// `  test_total:\t\t\t.: (0.000126)`
fn read_test_unit_test(line: &str) -> Option<(&str, &str)> {
    let (name, mark) = line.strip_prefix("  ")?.split_once(":\t")?;
    (!name.is_empty()).then(|| (name.trim_start(), mark.trim_start_matches('\t')))
}

fn read_test_unit_mark(text: &str) -> Option<TestStatus> {
    let mark = text.split_once(": (").map_or(text, |(mark, _)| mark);
    match mark {
        "." => Some(TestStatus::Passed),
        "F" => Some(TestStatus::Failed),
        "E" => Some(TestStatus::Errored),
        "P" | "O" => Some(TestStatus::Skipped),
        _ => None,
    }
}

fn is_class(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_uppercase())
        && text.chars().all(|c| c.is_alphanumeric() || c == '_' || c == ':')
}
