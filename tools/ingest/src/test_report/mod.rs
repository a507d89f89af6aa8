/*!
Reads the output of test runners, and compares two runs test by test. The complete output is read as a stream,
because a failure may be in the middle of it. Memory is bounded, and a report that had to leave something out says
so. A runner is recognised by its own lines; several runners in one output are added up.
*/

mod cargo;
mod compare;
mod ctest;
mod go;
mod gradle;
mod jest;
mod jest_json;
mod junit;
mod ledger;
mod lines;
mod log;
mod minitest;
mod obstacles;
mod phpunit;
mod prove;
mod pytest;
mod repeat;
mod report;
mod report_file;
mod rspec;
mod scan;
mod spec;
mod surefire;
mod tap;
mod unittest;
mod vitest;

#[cfg(test)]
mod tests;

pub use compare::{TestComparison, compare};
pub use repeat::{candidates_to_repeat, failing_on_both, merge_repeat, passing_in_one, settle_unsteady};
pub use report::{RunnerKind, RunnerReport, TestCounts, TestReport, TestStatus, UnitStatus};
pub use report_file::read_report_file;

use std::collections::VecDeque;

use lines::LineSplitter;
use log::{RunLog, clip};

/// Reads the lines of one runner, or of several runners that share their lines.
trait OutputReader {
    fn read_line(&mut self, line: &str, log: &mut RunLog);

    /// Called at the end of the output.
    fn finish(&mut self, _log: &mut RunLog) {}
}

/// Number of last lines kept for a report.
const MAX_ENDING_LINES: usize = 20;
const MAX_ENDING_LINE_BYTES: usize = 300;

/// Reads the output of a test run, in pieces of any size.
pub struct TestOutputReader {
    splitter: LineSplitter,
    readers: Vec<Box<dyn OutputReader + Send>>,
    log: RunLog,
    ending: VecDeque<String>,
}

impl Default for TestOutputReader {
    fn default() -> Self {
        Self::new()
    }
}

impl TestOutputReader {
    pub fn new() -> Self {
        Self::with_log(RunLog::new(None))
    }

    /// For a run in the work tree `root`, whose path is removed from the names of tests.
    pub fn in_directory(root: &str) -> Self {
        Self::with_log(RunLog::new(Some(root)))
    }

    fn with_log(log: RunLog) -> Self {
        let readers: Vec<Box<dyn OutputReader + Send>> = vec![
            Box::<pytest::PytestReader>::default(),
            Box::<unittest::UnittestReader>::default(),
            Box::<go::GoReader>::default(),
            Box::<cargo::CargoReader>::default(),
            Box::<jest::JestReader>::default(),
            Box::<vitest::VitestReader>::default(),
            Box::<phpunit::PhpunitReader>::default(),
            Box::<spec::SpecReader>::default(),
            Box::<tap::TapReader>::default(),
            Box::<rspec::RspecReader>::default(),
            Box::<minitest::MinitestReader>::default(),
            Box::<surefire::SurefireReader>::default(),
            Box::<gradle::GradleReader>::default(),
            Box::<ctest::CtestReader>::default(),
            Box::<obstacles::ObstacleReader>::default(),
        ];
        Self { splitter: LineSplitter::default(), readers, log, ending: VecDeque::new() }
    }

    /// Reads the next piece. Standard output and standard error may be mixed.
    pub fn push(&mut self, bytes: &[u8]) {
        let Self { splitter, readers, log, ending } = self;
        splitter.push(bytes, |line| read_line(line, readers, log, ending));
    }

    /// Ends the output. `exit_status` is `None` when the run was killed.
    pub fn finish(self, exit_status: Option<i32>) -> TestReport {
        let Self { mut splitter, mut readers, mut log, mut ending } = self;
        splitter.finish(|line| read_line(line, &mut readers, &mut log, &mut ending));
        for reader in &mut readers {
            reader.finish(&mut log);
        }
        TestReport {
            exit_status,
            obstacle: log.obstacle.take(),
            overflow: log.overflow || splitter.cut,
            ending: Vec::from(ending).join("\n"),
            runs: log.finish(),
        }
    }
}

fn read_line(
    line: &str,
    readers: &mut [Box<dyn OutputReader + Send>],
    log: &mut RunLog,
    ending: &mut VecDeque<String>,
) {
    for reader in readers {
        reader.read_line(line, log);
    }
    if !line.trim().is_empty() {
        if ending.len() >= MAX_ENDING_LINES {
            ending.pop_front();
        }
        ending.push_back(clip(line, MAX_ENDING_LINE_BYTES).to_owned());
    }
}
