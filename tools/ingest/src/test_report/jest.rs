/*!
jest: default and `--verbose`. One line per test file, a tree of its tests if verbose, and the failures by name.
The closing block counts files and tests; its lines must be consecutive.
*/

use super::OutputReader;
use super::log::RunLog;
use super::report::{RunnerKind, TestCounts, TestStatus, UnitStatus};
use super::scan::{TitleStack, indent_of, read_counts, read_mark, strip_duration};

const KIND: RunnerKind = RunnerKind::Jest;

#[derive(Debug, Default)]
pub(super) struct JestReader {
    file: Option<String>,
    /// Whether the reader is in the tree of tests of a file, which an empty line ends.
    in_tree: bool,
    titles: TitleStack,
    /// Whether the reader is in the list of failures that long runs repeat.
    in_repeat: bool,
    broken_files: u32,
    closing: ClosingBlock,
}

/// The lines of the closing block seen so far, in order.
#[derive(Debug, Default)]
enum ClosingBlock {
    #[default]
    None,
    Files(FileCounts),
    Tests(FileCounts, TestCounts),
}

#[derive(Debug, Clone, Copy, Default)]
struct FileCounts {
    ran: u32,
    left_out: bool,
}

impl OutputReader for JestReader {
    fn read_line(&mut self, line: &str, log: &mut RunLog) {
        if line.is_empty() {
            self.in_tree = false;
            return;
        }
        if let Some(file) = read_file_line(line) {
            if !self.in_repeat {
                log.count_seen(KIND, 1);
                let failed = line.trim_start().starts_with("FAIL");
                log.set_unit(KIND, file, if failed { UnitStatus::Failed } else { UnitStatus::Passed });
            }
            log.mark_owner = Some(KIND);
            self.file = Some(file.to_owned());
            self.in_tree = true;
            self.titles.clear();
        } else if line == "Summary of all failing tests" {
            self.in_repeat = true;
        } else if let Some(list) = line.strip_prefix("Test Suites: ") {
            self.closing = read_files(list).map_or(ClosingBlock::None, ClosingBlock::Files);
        } else if let Some(list) = line.strip_prefix("Tests: ") {
            if let ClosingBlock::Files(files) = self.closing {
                self.closing =
                    read_tests(list).map_or(ClosingBlock::None, |tests| ClosingBlock::Tests(files, tests));
            }
        } else if line.starts_with("Snapshots: ") {
            self.close(log);
        } else if self.in_tree {
            self.read_tree_line(line, log);
        } else if let Some(title) = line.strip_prefix("  ● ") {
            self.read_failure(title, log);
        }
    }
}

impl JestReader {
    fn close(&mut self, log: &mut RunLog) {
        if let ClosingBlock::Tests(files, counts) = std::mem::take(&mut self.closing) {
            log.close_suite(KIND, counts, u64::from(files.ran));
            if files.left_out {
                log.mark_stopped_early(KIND);
            }
            log.mark_owner = None;
            *self = Self::default();
        }
    }

    fn read_tree_line(&mut self, line: &str, log: &mut RunLog) {
        let indent = indent_of(line);
        if let Some(mark) = read_mark(line) {
            let name = match mark.status {
                TestStatus::Skipped => mark
                    .text
                    .strip_prefix("skipped ")
                    .or_else(|| mark.text.strip_prefix("todo "))
                    .unwrap_or(mark.text),
                _ => mark.text,
            };
            self.titles.leave(indent);
            let name = self.qualify(&self.titles.join(strip_duration(name), " > "));
            log.record_distinct(KIND, &name, mark.status);
        } else if let Some(title) = line.strip_prefix("  ● ") {
            self.in_tree = false;
            self.read_failure(title, log);
        } else if indent > 0 {
            self.titles.open(indent, line.trim());
        } else {
            self.in_tree = false;
        }
    }

    fn read_failure(&mut self, title: &str, log: &mut RunLog) {
        let Some(file) = self.file.clone().filter(|_| !self.in_repeat) else { return };
        if title == "Test suite failed to run" {
            self.broken_files += 1;
            log.set_unit(KIND, &format!("{file} (did not load)"), UnitStatus::Broken);
            log.set_obstacle(&format!("{file}: {title}"));
        } else if title.contains(" › ") || !matches!(title, "Console" | "Cannot log after tests are done.")
        {
            let name = self.qualify(&title.replace(" › ", " > "));
            log.list_failure_once(KIND, &name, TestStatus::Failed);
        }
    }

    fn qualify(&self, name: &str) -> String {
        match &self.file {
            Some(file) => format!("{file} > {name}"),
            None => name.to_owned(),
        }
    }
}

/// `FAIL ./cart.test.js (5.2 s)`
fn read_file_line(line: &str) -> Option<&str> {
    // With colours, the word has a space on both sides.
    let line = line.strip_prefix(' ').unwrap_or(line);
    let rest = line.strip_prefix("PASS ").or_else(|| line.strip_prefix("FAIL "))?;
    let file = strip_duration(strip_heap(rest)).trim();
    let (_, extension) = file.rsplit_once('.')?;
    let is_source = extension.len() <= 6 && extension.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (is_source && !file.contains(" > ") && !file.contains(": ")).then_some(file)
}

fn strip_heap(text: &str) -> &str {
    text.rsplit_once(" (").filter(|(_, rest)| rest.ends_with("heap size)")).map_or(text, |(text, _)| text)
}

/// `2 failed, 1 passed, 3 total`, or `1 failed, 1 of 2 total` when files were left out.
fn read_files(list: &str) -> Option<FileCounts> {
    let mut files = FileCounts::default();
    let mut skipped = 0;
    for piece in list.split(", ") {
        let (number, word) = super::scan::read_count(piece)?;
        match word {
            "failed" | "passed" => files.ran = files.ran.saturating_add(number),
            "skipped" => skipped = number,
            "total" => {}
            _ => {
                let total: u32 = word.strip_prefix("of ")?.strip_suffix(" total")?.parse().ok()?;
                files.left_out = total > files.ran.saturating_add(skipped);
            }
        }
    }
    Some(files)
}

/// `2 failed, 1 skipped, 1 todo, 4 passed, 8 total`
fn read_tests(list: &str) -> Option<TestCounts> {
    let mut counts = TestCounts::default();
    for (number, word) in read_counts(list.trim(), ", ")? {
        let field = match word {
            "passed" => &mut counts.passed,
            "failed" => &mut counts.failed,
            "skipped" | "todo" => &mut counts.skipped,
            "total" => continue,
            _ => return None,
        };
        *field = field.saturating_add(number);
    }
    Some(counts.sum_ran())
}
