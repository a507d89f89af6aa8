/*!
Maven Surefire and Failsafe on the console: one line per test class, its failing tests below it, and for every
module the totals under `Results:`.
*/

use super::OutputReader;
use super::log::RunLog;
use super::report::{RunnerKind, TestCounts, TestStatus, UnitStatus};
use super::scan::read_labelled;

const KIND: RunnerKind = RunnerKind::Surefire;

#[derive(Debug, Default)]
pub(super) struct SurefireReader {
    in_results: bool,
    /// Whether class lines have counted tests that the totals have not confirmed yet.
    is_open: bool,
    module: String,
}

impl OutputReader for SurefireReader {
    fn read_line(&mut self, line: &str, log: &mut RunLog) {
        let body = strip_level(line);
        if body == " T E S T S" || body == "T E S T S" {
            log.start_suite(KIND);
            (self.is_open, self.in_results) = (true, false);
        } else if let Some(rest) = body.strip_prefix("Building ").filter(|_| line.starts_with("[INFO] ")) {
            self.module = rest.split_once(" [").map_or(rest, |(name, _)| name).trim().to_owned();
        } else if line.starts_with("[ERROR] COMPILATION ERROR") {
            log.set_obstacle(line);
            log.set_unit(KIND, &format!("{} (build failed)", self.module), UnitStatus::Broken);
        } else if body == "No tests to run." || body == "Tests are skipped." {
            log.set_obstacle(body);
            log.start_suite(KIND);
            log.close_suite(KIND, TestCounts::default(), 0);
            self.is_open = false;
        } else if body == "Results:" || body == "Results :" {
            log.continue_suite(KIND);
            self.in_results = true;
        } else if self.is_open && body.trim_start().starts_with("Tests run:") {
            self.read_counts(body.trim_start(), log);
        } else if self.is_open
            && !self.in_results
            && (line.contains("<<< FAILURE!") || line.contains("<<< ERROR!"))
        {
            read_failure(body, log);
        } else if body.starts_with("There was a timeout or other error in the fork")
            || body.starts_with("The forked VM terminated without")
        {
            log.set_obstacle(body);
        }
    }
}

impl SurefireReader {
    fn read_counts(&mut self, line: &str, log: &mut RunLog) {
        if let Some((list, _)) = line.split_once(", Time elapsed:") {
            if let Some((_, total)) = read_list(list) {
                log.count_seen(KIND, u64::from(total));
            }
        } else if self.in_results
            && let Some((counts, total)) = read_list(line)
        {
            log.close_suite(KIND, counts, u64::from(total));
            (self.is_open, self.in_results) = (false, false);
        }
    }
}

/// Removes Maven's log level before the line; older versions print the line without one.
fn strip_level(line: &str) -> &str {
    let rest = ["[INFO] ", "[ERROR] ", "[WARNING] "].iter().find_map(|level| line.strip_prefix(level));
    rest.unwrap_or(line)
}

/// `Tests run: 5, Failures: 1, Errors: 1, Skipped: 1, Flakes: 1`
fn read_list(list: &str) -> Option<(TestCounts, u32)> {
    let (mut counts, mut total) = (TestCounts::default(), None);
    for piece in list.split(", ") {
        let (word, number) = read_labelled(piece)?;
        match word {
            "Tests run" => total = Some(number),
            "Failures" => counts.failed = number,
            "Errors" => counts.errored = number,
            "Skipped" => counts.skipped = number,
            "Flakes" => {}
            _ => return None,
        }
    }
    let total = total?;
    let others = counts.failing().saturating_add(counts.skipped);
    counts.passed = total.saturating_sub(others);
    Some((counts.sum_ran(), total))
}

/// `testTax(com.example.CartTest)  Time elapsed: 0.01 s  <<< FAILURE!`, or `com.example.CartTest.testTax -- Time …`
fn read_failure(body: &str, log: &mut RunLog) {
    let Some((head, _)) = body.split_once("Time elapsed:") else { return };
    if body.starts_with("Tests run:") {
        return;
    }
    let head = head.trim_end().trim_end_matches("--").trim_end();
    let status = if body.contains("<<< ERROR!") { TestStatus::Errored } else { TestStatus::Failed };
    let name = match head.strip_suffix(')').and_then(|head| head.rsplit_once('(')) {
        Some((method, class)) if class.contains('.') && !class.contains(' ') => format!("{class}.{method}"),
        _ => head.to_owned(),
    };
    log.list_failure_once(KIND, &name, status);
}
