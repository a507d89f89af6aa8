/*!
Finds failing tests that a text names. Every test runner has its own format, but a few words identify each kind of
line. So one multi-pattern search selects the lines, and only those are read closely. The id of a test has the form
that the runner accepts to run only that test.
*/

mod go;
mod javascript;
mod jvm;
mod other;
mod python;
mod rust;

use std::collections::HashSet;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use millwright_model::{FailingTest, TestFramework};

use super::text::TextLines;

/// Maximum number of failing tests kept; if more fail, they have a common reason.
const MAX_TESTS: usize = 500;

const ANCHORS: &[&str] = &[
    "FAIL: ",
    "ERROR: ",
    "... FAIL",
    "... ERROR",
    "FAILED",
    "ERROR ",
    "____",
    "Failing test",
    "failing test",
    "  - ",
    "<<< ",
    "0) ",
    "1) ",
    "2) ",
    "3) ",
    "4) ",
    "5) ",
    "6) ",
    "7) ",
    "8) ",
    "9) ",
    "className = '",
    "\u{25CF} ",
    "\u{2715}",
    "\u{00D7}",
    "FAIL ",
    "FAIL\t",
    "stdout ----",
    "rspec ./",
    "#test_",
    "[FAIL]",
    "Failed ",
    " failing",
    "SIGABRT",
    "SIGSEGV",
    "TIMEOUT",
];

static SEARCH: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| AhoCorasick::new(ANCHORS).ok());

#[derive(Default)]
pub(crate) struct TestFindings {
    pub tests: Vec<FailingTest>,
    /// 0-based lines that are test output and not prose.
    pub lines: Vec<usize>,
    /// What the author of a test wrote about the test.
    pub descriptions: Vec<String>,
    seen: HashSet<String>,
    /// The test file that the runner named last, and whether Mocha's list of failures has begun.
    file: Option<String>,
    counted: bool,
}

impl TestFindings {
    /// Adds a test, once; returns whether it was new.
    pub(crate) fn add(&mut self, test: FailingTest) -> bool {
        let new = self.tests.len() < MAX_TESTS && self.seen.insert(test.id.clone());
        if new {
            self.tests.push(test);
        }
        new
    }

    /// Removes tests known only by their innermost name, if `full` names one of them completely.
    fn drop_leaf(&mut self, leaf: &str) {
        self.tests
            .retain(|test| test.framework != TestFramework::Jest || test.class.is_some() || test.id != leaf);
    }

    pub(crate) fn has_function(&self, function: &str) -> bool {
        self.tests.iter().any(|test| test.function.as_deref() == Some(function))
    }
}

type Recogniser = fn(&TextLines<'_>, usize, &str, &mut TestFindings) -> bool;

const RECOGNISERS: &[Recogniser] = &[
    python::recognise,
    jvm::recognise,
    javascript::recognise,
    go::recognise,
    rust::recognise,
    other::recognise,
];

pub(crate) fn find(lines: &TextLines<'_>) -> TestFindings {
    let mut findings = TestFindings::default();
    let Some(search) = SEARCH.as_ref() else { return findings };
    let mut last = None;
    let mut at = 0;
    for hit in search.find_iter(lines.text()) {
        while at + 1 < lines.len() && lines.start(at + 1) <= hit.start() {
            at += 1;
        }
        if last == Some(at) || findings.tests.len() >= MAX_TESTS {
            continue;
        }
        last = Some(at);
        let line = lines.get(at).trim_start_matches("> ").trim_end();
        if line.len() <= 1000 && RECOGNISERS.iter().any(|recognise| recognise(lines, at, line, &mut findings))
        {
            findings.lines.push(at);
        }
    }
    drop_parents(&mut findings.tests);
    findings
}

/// Go reports `TestCart` as failed because `TestCart/empty` did; only the latter is useful.
fn drop_parents(tests: &mut Vec<FailingTest>) {
    let parents: HashSet<String> = tests
        .iter()
        .filter(|test| test.framework == TestFramework::GoTest)
        .flat_map(|test| {
            test.id
                .match_indices('/')
                .filter_map(|(at, _)| test.id.get(..at))
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .collect();
    tests.retain(|test| test.framework != TestFramework::GoTest || !parents.contains(&test.id));
}

#[cfg(test)]
#[path = "failing_tests.rs"]
mod tests;
