/*!
mocha and node's test runner with their spec reporters. Both print a tree of check marks, and only the closing
lines show which of the two it was, so the tree is held until then.
*/

use super::OutputReader;
use super::log::{MAX_NAMES, RunLog, clip};
use super::report::{RunnerKind, TestCounts, TestStatus, UnitStatus};
use super::scan::{TitleStack, indent_of, is_duration, read_count, read_mark, strip_duration};

#[derive(Debug)]
struct TreeEntry {
    name: String,
    status: TestStatus,
    /// Whether this is a group of node's runner, which counts groups separately from tests.
    is_group: bool,
}

#[derive(Debug, Default)]
pub(super) struct SpecReader {
    entries: Vec<TreeEntry>,
    titles: TitleStack,
    /// Failing tests in the open groups, outermost first.
    groups: Vec<(usize, usize)>,
    failed: usize,
    /// Whether a check mark or a cross was seen; numbers and dashes also occur in prose.
    has_mark: bool,
    previous_is_location: bool,
    node: Option<NodeClosing>,
    mocha: MochaReader,
}

impl OutputReader for SpecReader {
    fn read_line(&mut self, line: &str, log: &mut RunLog) {
        if line.is_empty() {
            return;
        }
        if let Some(rest) = line.strip_prefix("ℹ ") {
            self.read_node_closing(rest, log);
            return;
        }
        let location = std::mem::replace(&mut self.previous_is_location, line.starts_with("test at "));
        if self.mocha.read_line(line, &mut self.entries, log) || log.mark_owner.is_some() {
            return;
        }
        if let Some(title) = line.trim_start().strip_prefix("▶ ") {
            let indent = indent_of(line);
            self.titles.open(indent, strip_duration(title));
            self.groups.push((indent, self.failed));
            self.groups.truncate(64);
        } else if let Some(mark) = read_mark(line) {
            if !location && mark.text != "failing tests:" {
                self.has_mark = true;
                self.read_marked(mark.indent, mark.text, mark.status, log);
            }
        } else if let Some(counts) = read_bats_closing(line) {
            self.close_bats(counts, log);
        } else if let Some((name, _)) =
            line.strip_prefix(" - ").and_then(|rest| rest.rsplit_once(" (skipped"))
        {
            self.add(name.to_owned(), TestStatus::Skipped, false, log);
        } else if let Some((name, status)) = read_mocha_mark(line) {
            self.titles.leave(indent_of(line));
            let name = self.titles.join(name, " > ");
            self.add(name, status, false, log);
        } else if is_title(line) {
            self.titles.open(indent_of(line), line.trim());
        }
    }

    fn finish(&mut self, log: &mut RunLog) {
        self.mocha.commit(&mut self.entries, log);
        if self.has_mark && !self.entries.is_empty() && log.is_empty() {
            // A tree without closing lines: it does not matter which of the two runners printed it.
            log.start_suite(RunnerKind::Mocha);
        }
    }
}

impl SpecReader {
    fn add(&mut self, name: String, status: TestStatus, is_group: bool, log: &mut RunLog) {
        if self.entries.len() >= MAX_NAMES {
            log.overflow = true;
            return;
        }
        let Some(name) = log.hold_name(&name) else { return };
        self.failed += usize::from(status.is_failing());
        self.entries.push(TreeEntry { name, status, is_group });
    }

    fn read_marked(&mut self, indent: usize, text: &str, status: TestStatus, log: &mut RunLog) {
        // `refunds (0.07ms) # soon`: a test marked as todo or skipped.
        let (text, is_directive) = match text.split_once(") # ") {
            Some((head, _)) => (text.get(..=head.len()).unwrap_or(text), true),
            None => (text, false),
        };
        let status = if is_directive { TestStatus::Skipped } else { status };
        let name = strip_duration(text);
        if self.groups.last().is_some_and(|(open, _)| *open == indent) && self.titles.close(indent, name) {
            let failed_before = self.groups.pop().map_or(0, |(_, failed)| failed);
            let failed_itself = status.is_failing() && self.failed == failed_before;
            let name = self.titles.join(name, " > ");
            self.add(name, status, !failed_itself, log);
        } else {
            self.titles.leave(indent);
            let name = self.titles.join(name, " > ");
            self.add(name, status, false, log);
        }
    }

    /// The pretty output of bats, whose marks are indented by one column.
    fn close_bats(&mut self, counts: TestCounts, log: &mut RunLog) {
        let total = counts.ran.saturating_add(counts.skipped);
        if self.entries.len() as u64 != u64::from(total) {
            return;
        }
        for entry in self.entries.drain(..) {
            log.count_seen(RunnerKind::Bats, 1);
            log.record_distinct(RunnerKind::Bats, &entry.name, entry.status);
        }
        log.close_suite(RunnerKind::Bats, counts, u64::from(total));
        (self.titles, self.groups, self.failed) = Default::default();
    }

    /// `tests 12`, `suites 2`, …, `duration_ms 294.2`
    fn read_node_closing(&mut self, line: &str, log: &mut RunLog) {
        let Some((word, number)) = line.split_once(' ') else { return };
        if word == "tests" {
            self.node = number.parse().ok().map(|tests| NodeClosing { tests, ..NodeClosing::default() });
            return;
        }
        let Some(closing) = &mut self.node else { return };
        if word != "duration_ms" {
            closing.set(word, number.parse().unwrap_or(0));
            return;
        }
        let closing = std::mem::take(closing);
        self.node = None;
        let entries = std::mem::take(&mut self.entries);
        let entries = entries.iter().map(|entry| (entry.name.as_str(), entry.status, entry.is_group));
        close_node(&closing, entries, log);
        (self.titles, self.groups, self.failed) = Default::default();
    }
}

/// The closing lines of node's runner, which are the same in its spec and TAP output.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct NodeClosing {
    pub tests: u32,
    suites: u32,
    pass: u32,
    fail: u32,
    cancelled: u32,
    skipped: u32,
    todo: u32,
}

impl NodeClosing {
    pub(super) fn set(&mut self, word: &str, number: u32) {
        match word {
            "tests" => self.tests = number,
            "suites" => self.suites = number,
            "pass" => self.pass = number,
            "fail" => self.fail = number,
            "cancelled" => self.cancelled = number,
            "skipped" => self.skipped = number,
            "todo" => self.todo = number,
            _ => {}
        }
    }
}

/// node counts a test with subtests as an additional test; only the innermost ones are compared, if the tree shows
/// them all.
pub(super) fn close_node<'e>(
    closing: &NodeClosing,
    entries: impl Iterator<Item = (&'e str, TestStatus, bool)>,
    log: &mut RunLog,
) {
    let kind = RunnerKind::NodeTest;
    let (mut leaves, mut groups, mut broken) = (TestCounts::default(), TestCounts::default(), 0);
    for (name, status, is_group) in entries {
        log.count_seen(kind, 1);
        if is_group {
            groups.count(status);
        } else if status.is_failing() && is_source_file(name) {
            broken += 1;
            log.set_unit(kind, &format!("{name} (did not load)"), UnitStatus::Broken);
            log.set_obstacle(&format!("{name} did not load"));
        } else {
            leaves.count(status);
            log.record_distinct(kind, name, status);
        }
    }
    let fail = closing.fail.saturating_add(closing.cancelled).saturating_sub(broken);
    let fits = |total: u32, leaves: u32, groups: u32| total >= leaves && total - leaves <= groups;
    let is_whole =
        fits(closing.pass, leaves.passed, groups.passed) && fits(fail, leaves.failed, groups.failed);
    let counts = if is_whole {
        leaves
    } else {
        let skipped = closing.skipped.saturating_add(closing.todo);
        TestCounts { passed: closing.pass, failed: fail, skipped, ..TestCounts::default() }.sum_ran()
    };
    log.close_suite(kind, counts, u64::from(closing.tests) + u64::from(closing.suites));
}

fn is_source_file(name: &str) -> bool {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    !name.contains(' ') && matches!(extension, "js" | "mjs" | "cjs" | "ts" | "mts" | "cts" | "jsx" | "tsx")
}

/// `3 tests, 1 failure, 1 skipped`
fn read_bats_closing(line: &str) -> Option<TestCounts> {
    let (mut counts, mut total) = (TestCounts::default(), None);
    for piece in line.split(", ") {
        let (number, word) = read_count(piece)?;
        match word {
            "test" | "tests" => total = Some(number),
            "failure" | "failures" => counts.failed = number,
            "skipped" => counts.skipped = number,
            _ => return None,
        }
    }
    counts.passed = total?.saturating_sub(counts.failed).saturating_sub(counts.skipped);
    Some(counts.sum_ran())
}

/// mocha's `    1) taxes` and `    - later`.
fn read_mocha_mark(line: &str) -> Option<(&str, TestStatus)> {
    let body = line.trim_start();
    if body.len() + 2 > line.len() {
        return None;
    }
    if let Some(name) = body.strip_prefix("- ") {
        return Some((name, TestStatus::Skipped));
    }
    let (number, name) = body.split_once(") ")?;
    (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
        .then_some((name, TestStatus::Failed))
}

/// mocha indents its groups by two spaces each.
fn is_title(line: &str) -> bool {
    let indent = indent_of(line);
    indent >= 2 && indent.is_multiple_of(2) && indent <= 60 && line.len() < 300
}

/// mocha's closing lines, and the list of failures after them.
#[derive(Debug, Default)]
struct MochaReader {
    closing: Option<TestCounts>,
    in_list: bool,
    /// Titles of the failure that is being read from the list.
    failure: Option<Vec<String>>,
    marks: u64,
}

impl MochaReader {
    /// Returns whether the line was one of them.
    fn read_line(&mut self, line: &str, entries: &mut Vec<TreeEntry>, log: &mut RunLog) -> bool {
        if let Some(counts) = read_passing(line) {
            self.commit(entries, log);
            self.closing = Some(counts);
            return true;
        }
        if let Some(counts) = &mut self.closing {
            match read_count(line) {
                Some((number, "pending")) => counts.skipped = number,
                Some((number, "failing")) => counts.failed = number,
                _ => self.commit(entries, log),
            }
            if self.closing.is_some() {
                return true;
            }
        }
        if self.in_list {
            return self.read_list_line(line, log);
        }
        let body = line.trim_start();
        if body.len() < line.len() || body == line {
            let is_marks = !body.is_empty() && body.bytes().all(|byte| b".,!".contains(&byte));
            self.marks += if is_marks { body.len() as u64 } else { 0 };
            return is_marks;
        }
        false
    }

    /// Called after the last closing line.
    fn commit(&mut self, entries: &mut Vec<TreeEntry>, log: &mut RunLog) {
        let kind = RunnerKind::Mocha;
        let Some(counts) = self.closing.take() else { return };
        if entries.is_empty() {
            if self.marks == 0 && counts.passed.saturating_add(counts.failed) > 0 {
                // No test was seen: a test under another runner printed these lines.
                return;
            }
            log.count_seen(kind, self.marks);
        }
        for entry in entries.drain(..) {
            log.count_seen(kind, 1);
            if !is_hook(&entry.name) {
                log.record_distinct(kind, &entry.name, entry.status);
            }
        }
        let counts = counts.sum_ran();
        log.close_suite(kind, counts, u64::from(counts.ran) + u64::from(counts.skipped));
        self.in_list = counts.failed > 0;
        self.marks = 0;
    }

    /// `  2) cart`, then indented lines with the inner titles; the last one ends with a colon.
    fn read_list_line(&mut self, line: &str, log: &mut RunLog) -> bool {
        if let Some(titles) = &mut self.failure {
            let is_last = line.ends_with(':');
            titles.push(clip(line.trim().trim_end_matches(':'), 500).to_owned());
            if is_last {
                list_failure(&titles.join(" > "), log);
            }
            if is_last || titles.len() > 64 || !line.starts_with("     ") {
                self.failure = None;
            }
            return true;
        }
        let start = line.strip_prefix("  ").filter(|rest| !rest.starts_with("  ")).and_then(|rest| {
            let (number, title) = rest.trim_start().split_once(") ")?;
            number.parse::<u32>().ok()?;
            Some(title)
        });
        match start {
            Some(title) if title.ends_with(':') => {
                list_failure(title.trim_end_matches(':'), log);
            }
            Some(title) => self.failure = Some(vec![clip(title, 500).to_owned()]),
            None => {
                // A check mark begins the next run.
                self.in_list = read_mark(line).is_none();
                return self.in_list;
            }
        }
        true
    }
}

fn list_failure(name: &str, log: &mut RunLog) {
    log.list_closed_failure(RunnerKind::Mocha, name, TestStatus::Failed);
    if is_hook(name) {
        log.count_part(RunnerKind::Mocha);
    }
}

fn is_hook(name: &str) -> bool {
    name.contains("\" hook")
}

/// `  4 passing (106ms)`
fn read_passing(line: &str) -> Option<TestCounts> {
    let (passed, rest) = read_count(line.strip_prefix("  ")?)?;
    let time = rest.strip_prefix("passing (")?.strip_suffix(')')?;
    is_duration(time).then_some(TestCounts { passed, ..TestCounts::default() })
}
