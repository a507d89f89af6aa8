/*!
RSpec: progress and documentation formats. The list of failures has, for each, the command to run it again and its
full description. The documentation format names every example, which is only trusted if their number matches the
closing line. Names are descriptions, because line numbers change.
*/

use super::OutputReader;
use super::log::{MAX_NAMES, RunLog};
use super::report::{RunnerKind, TestCounts, TestStatus, UnitStatus};
use super::scan::{TitleStack, indent_of, read_count};

const KIND: RunnerKind = RunnerKind::Rspec;

#[derive(Debug, Default)]
pub(super) struct RspecReader {
    after_empty: bool,
    after_finished: bool,
    in_list: bool,
    /// Lines of the documentation format.
    tree: Vec<(usize, String)>,
    tree_bytes: usize,
    in_tree: bool,
    marks: u64,
}

/// Maximum size of documentation text held until the closing line.
const MAX_TREE_BYTES: usize = 16 << 20;

impl OutputReader for RspecReader {
    fn read_line(&mut self, line: &str, log: &mut RunLog) {
        let after_empty = std::mem::replace(&mut self.after_empty, line.is_empty());
        if line.is_empty() {
            return;
        }
        if std::mem::take(&mut self.after_finished)
            && let Some(counts) = read_closing(line)
        {
            self.close(counts, log);
        } else if line.starts_with("Finished in ")
            && line.contains(" second")
            && line.contains("(files took ")
        {
            self.after_finished = true;
            self.in_tree = false;
        } else if line == "Failed examples:" {
            self.in_list = true;
        } else if self.in_list && line.starts_with("rspec ") {
            if let Some((_, name)) = line.split_once(" # ") {
                log.list_closed_failure(KIND, name, TestStatus::Failed);
            }
        } else if let Some(file) = line.strip_prefix("An error occurred while loading ") {
            let file = file.trim_end_matches('.');
            log.set_unit(KIND, &format!("{file} (did not load)"), UnitStatus::Broken);
            log.set_obstacle(line);
        } else if line == "Failures:" || line.starts_with("Pending: (Failures listed here") {
            self.in_tree = false;
        } else if line.bytes().all(|byte| b".F*E".contains(&byte)) {
            self.marks += line.len() as u64;
        } else {
            self.keep_tree_line(line, after_empty);
        }
    }
}

impl RspecReader {
    fn keep_tree_line(&mut self, line: &str, after_empty: bool) {
        let indent = indent_of(line);
        if indent == 0 {
            // The outermost groups follow an empty line; a test printed any other line.
            if !after_empty {
                return;
            }
            self.in_tree = true;
        }
        if self.in_tree
            && indent.is_multiple_of(2)
            && self.tree.len() < MAX_NAMES
            && self.tree_bytes < MAX_TREE_BYTES
        {
            self.tree_bytes += line.len() + 40;
            self.tree.push((indent, line.trim_start().to_owned()));
        }
    }

    fn close(&mut self, (counts, total): (TestCounts, u32), log: &mut RunLog) {
        let tree = std::mem::take(&mut self.tree);
        let examples = read_examples(&tree);
        if examples.len() as u64 == u64::from(total) {
            log.count_seen(KIND, u64::from(total));
            for (name, status) in examples {
                log.record_distinct(KIND, &name, status);
            }
        } else {
            log.count_seen(KIND, self.marks);
        }
        log.close_suite(KIND, counts, u64::from(total));
        *self = Self::default();
    }
}

/// `9 examples, 3 failures, 3 pending, 1 error occurred outside of examples`
fn read_closing(line: &str) -> Option<(TestCounts, u32)> {
    let mut counts = TestCounts::default();
    let mut total = None;
    for piece in line.split(", ") {
        let (number, word) = read_count(piece)?;
        match word {
            "example" | "examples" => total = Some(number),
            "failure" | "failures" => counts.failed = number,
            "pending" => counts.skipped = number,
            _ if word.ends_with("outside of examples") => {}
            _ => return None,
        }
    }
    let total = total?;
    counts.passed = total.saturating_sub(counts.failed).saturating_sub(counts.skipped);
    Some((counts.sum_ran(), total))
}

/// An example is a line without deeper lines below it; the outermost lines are groups.
fn read_examples(tree: &[(usize, String)]) -> Vec<(String, TestStatus)> {
    let mut titles = TitleStack::default();
    let mut examples = Vec::new();
    for (at, (indent, text)) in tree.iter().enumerate() {
        let is_group = *indent == 0 || tree.get(at + 1).is_some_and(|(next, _)| next > indent);
        if is_group {
            titles.open(*indent, text);
            continue;
        }
        titles.leave(*indent);
        let (text, status) = if let Some((text, _)) = text.split_once(" (PENDING: ") {
            (text, TestStatus::Skipped)
        } else if let Some((text, _)) = text.rsplit_once(" (FAILED - ") {
            (text, TestStatus::Failed)
        } else {
            (text.as_str(), TestStatus::Passed)
        };
        examples.push((titles.join(text, " "), status));
    }
    examples
}
