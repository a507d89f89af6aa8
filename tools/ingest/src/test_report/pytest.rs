/*!
pytest: plain, `-v`, `-q`, and with xdist. The short test summary names the failures, `-v` names every test, and
the closing line counts. A test may print "100 passed in 0.1s". The closing line differs by its banner, by the
lines after it, and by the progress marks.
*/

use super::OutputReader;
use super::log::RunLog;
use super::report::{RunnerKind, TestCounts, TestStatus, UnitStatus};
use super::scan::{is_duration, read_count};

const KIND: RunnerKind = RunnerKind::Pytest;

const STATUSES: &[(&str, Option<TestStatus>)] = &[
    ("PASSED", Some(TestStatus::Passed)),
    ("FAILED", Some(TestStatus::Failed)),
    ("ERROR", Some(TestStatus::Errored)),
    ("SKIPPED", Some(TestStatus::Skipped)),
    ("XFAIL", Some(TestStatus::ExpectedFailure)),
    ("XPASS", Some(TestStatus::Passed)),
    ("RERUN", None),
];

#[derive(Debug, Default)]
pub(super) struct PytestReader {
    /// Whether the reader is in the short test summary.
    in_list: bool,
    /// The test whose outcome comes on a later line, after the test's output.
    pending: Option<String>,
    /// Number of failed subtests: the closing line counts them as tests.
    failed_subtests: u32,
    collection_errors: u32,
}

impl OutputReader for PytestReader {
    fn read_line(&mut self, line: &str, log: &mut RunLog) {
        if line.is_empty() {
            return;
        }
        if let Some(title) = read_banner(line, '=') {
            self.read_title(title, log);
        } else if let Some(title) = read_banner(line, '!') {
            if title.starts_with("Interrupted: ") && title.ends_with("during collection") {
                log.set_obstacle(title);
            } else if title.starts_with("stopping after ") || title.contains("KeyboardInterrupt") {
                log.mark_stopped_early(KIND);
            }
        } else {
            let is_read = (line.contains(" in ") && !log.is_open(KIND) && self.read_closing(line, log))
                || (self.in_list && self.read_listed(line, log));
            if !is_read {
                self.read_progress(line, log);
            }
        }
    }
}

impl PytestReader {
    fn read_title(&mut self, title: &str, log: &mut RunLog) {
        match title {
            "test session starts" => {
                log.start_suite(KIND);
                self.reset();
            }
            "short test summary info" => {
                log.continue_suite(KIND);
                self.in_list = true;
            }
            "FAILURES" | "ERRORS" => {
                log.continue_suite(KIND);
                self.pending = None;
            }
            _ => {
                self.read_closing(title, log);
            }
        }
    }

    fn reset(&mut self) {
        *self = Self::default();
    }

    /// `3 failed, 7 passed in 0.03s`; returns whether the line is a closing line.
    fn read_closing(&mut self, text: &str, log: &mut RunLog) -> bool {
        let Some((list, time)) = text.rsplit_once(" in ") else { return false };
        let time = time.split_once(" (").map_or(time, |(seconds, _)| seconds);
        if !is_duration(time) {
            return false;
        }
        let Some((mut counts, seen)) = read_counted(list) else { return false };
        counts.ran = counts.ran.saturating_sub(self.failed_subtests);
        counts.errored = counts.errored.saturating_sub(self.collection_errors);
        let extra = self.failed_subtests.saturating_add(self.collection_errors);
        log.close_suite(KIND, counts, u64::from(seen.saturating_sub(extra)));
        self.reset();
        true
    }

    /// A line of the short test summary.
    fn read_listed(&mut self, line: &str, log: &mut RunLog) -> bool {
        let Some((word, rest)) = line.split_once(' ') else { return false };
        if let Some(parameters) = word.strip_prefix("SUBFAILED").or_else(|| word.strip_prefix("SUBFAIL")) {
            // The parameters may contain spaces: the name begins after the closing parenthesis.
            let (parameters, rest) = match line.split_once(") ") {
                Some((head, rest)) if !parameters.is_empty() => {
                    (head.get(word.len() - parameters.len()..).unwrap_or_default().to_owned() + ")", rest)
                }
                _ => (String::new(), rest),
            };
            self.failed_subtests = self.failed_subtests.saturating_add(1);
            let name = format!("{} {parameters}", split_message(rest));
            log.list_failure(KIND, &name, TestStatus::Failed);
            log.count_part(KIND);
            return true;
        }
        let Some((_, Some(status))) = STATUSES.iter().find(|(known, _)| *known == word) else { return false };
        let name = split_message(rest);
        match status {
            TestStatus::Skipped => {}
            TestStatus::Errored if !name.contains("::") => {
                self.collection_errors = self.collection_errors.saturating_add(1);
                log.set_unit(KIND, &format!("{name} (collection error)"), UnitStatus::Broken);
                log.set_obstacle(line);
            }
            TestStatus::Failed | TestStatus::Errored => log.list_failure(KIND, name, *status),
            _ => log.record_once(KIND, name, *status),
        }
        true
    }

    fn read_progress(&mut self, line: &str, log: &mut RunLog) {
        if line.starts_with("INTERNALERROR> ") || line.starts_with("ERROR: file or directory not found") {
            log.set_obstacle(line);
            return;
        }
        if let Some((name, status)) = read_xdist(line) {
            self.record(name, status, log);
            return;
        }
        let (text, has_percent) = strip_percent(line);
        let (first, rest) = text.split_once(' ').unwrap_or(("", text));
        let marks = if first.is_empty() || !first.contains(".py") { text } else { rest.trim() };
        if (has_percent || first.ends_with(".py")) && !marks.is_empty() && marks.bytes().all(is_mark) {
            log.count_seen(KIND, marks.bytes().filter(|mark| !b"Ru,-".contains(mark)).count() as u64);
            return;
        }
        if let Some(end) = text.find("::").filter(|end| text.get(..*end).is_some_and(is_test_file)) {
            match read_outcome(text, end) {
                Some((name, status)) => {
                    self.pending = None;
                    self.record(name, status, log);
                }
                None => self.pending = Some(first_name(text).to_owned()),
            }
        } else if let Some(name) = &self.pending
            && let Some(status) = read_late_status(text)
        {
            let name = name.clone();
            self.pending = None;
            self.record(&name, status, log);
        }
    }

    fn record(&mut self, name: &str, status: Option<TestStatus>, log: &mut RunLog) {
        let Some(status) = status else { return };
        log.record(KIND, name, status);
        log.count_seen(KIND, 1);
    }
}

fn is_mark(byte: u8) -> bool {
    b".FEsxXRu,-".contains(&byte)
}

fn is_test_file(path: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, extension)| extension.len() < 6 && !extension.contains(' '))
}

/// The title of `=== title ===`.
fn read_banner(line: &str, fence: char) -> Option<&str> {
    let title = line.strip_prefix(fence)?.trim_matches(fence);
    let title = title.strip_prefix(' ')?.strip_suffix(' ')?;
    (line.ends_with(fence) && !title.is_empty()).then_some(title)
}

/// The counts, and the sum of all outcomes that have a progress mark.
fn read_counted(list: &str) -> Option<(TestCounts, u32)> {
    let mut counts = TestCounts::default();
    let mut seen = 0_u32;
    if list == "no tests ran" {
        return Some((counts, 0));
    }
    for piece in list.split(", ") {
        let (number, word) = read_count(piece)?;
        let field = match word {
            "passed" | "xpassed" => &mut counts.passed,
            "failed" => &mut counts.failed,
            "error" | "errors" => &mut counts.errored,
            "skipped" => &mut counts.skipped,
            "xfailed" => &mut counts.expected_failures,
            "deselected" | "warning" | "warnings" | "rerun" | "reruns" => continue,
            _ if word.starts_with("subtests ") || word.starts_with("snapshot") => continue,
            _ => return None,
        };
        *field = field.saturating_add(number);
        seen = seen.saturating_add(number);
    }
    // A test that failed in its setup did not run.
    counts.ran = counts.passed.saturating_add(counts.failed).saturating_add(counts.expected_failures);
    Some((counts, seen))
}

/// Removes `[ 50%]` or `[ 3/10]` from the end.
fn strip_percent(line: &str) -> (&str, bool) {
    let text = line.trim_end();
    let cut = text.strip_suffix(']').and_then(|text| text.rsplit_once('[')).filter(|(_, inner)| {
        !inner.is_empty() && inner.bytes().all(|b| b.is_ascii_digit() || b == b' ' || b == b'%' || b == b'/')
    });
    match cut {
        Some((before, inner)) if inner.contains(['%', '/']) && before.ends_with(' ') => {
            (before.trim_end(), true)
        }
        _ => (text, false),
    }
}

/// `[gw0] [ 7%] PASSED test_cart.py::test_total`
fn read_xdist(line: &str) -> Option<(&str, Option<TestStatus>)> {
    let rest = line.strip_prefix("[gw")?.split_once("] ")?.1;
    let rest = if rest.starts_with('[') { rest.split_once("] ")?.1 } else { rest };
    let (word, name) = rest.split_once(' ')?;
    let (_, status) = STATUSES.iter().find(|(known, _)| *known == word)?;
    Some((name.trim(), *status))
}

/// `test_cart.py::test_total PASSED`; the name may contain spaces, and a reason may follow.
fn read_outcome(text: &str, from: usize) -> Option<(&str, Option<TestStatus>)> {
    let tail = text.get(from..)?;
    let found = STATUSES.iter().filter_map(|(word, status)| {
        let at = tail.rfind(word).filter(|at| *at > 0 && tail.as_bytes().get(at - 1) == Some(&b' '))?;
        let rest = tail.get(at + word.len()..)?;
        (rest.is_empty() || rest.starts_with(" (")).then_some((from + at, *status))
    });
    let (at, status) = found.min_by_key(|(at, _)| *at)?;
    Some((text.get(..at)?.trim_end(), status))
}

/// The outcome on a separate line, or after output of the test without a line end.
fn read_late_status(text: &str) -> Option<Option<TestStatus>> {
    STATUSES.iter().find_map(|(word, status)| {
        let rest = text.strip_prefix(word);
        let is_it =
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(" (")) || text.ends_with(word);
        is_it.then_some(*status)
    })
}

/// The name at the start of a line that continues with output: up to the first space outside of brackets.
fn first_name(text: &str) -> &str {
    let mut depth = 0_i32;
    for (at, character) in text.char_indices() {
        match character {
            '[' => depth += 1,
            ']' => depth -= 1,
            ' ' if depth <= 0 => return text.get(..at).unwrap_or(text),
            _ => {}
        }
    }
    text
}

/// The name in `name - message`; parameters may contain ` - ` themselves.
fn split_message(text: &str) -> &str {
    let is_balanced = |name: &str| name.matches('[').count() == name.matches(']').count();
    let mut ends = text.match_indices(" - ").filter_map(|(at, _)| text.get(..at)).take(20);
    let first = ends.clone().next().unwrap_or(text);
    ends.find(|name| is_balanced(name)).unwrap_or(first).trim_end()
}
