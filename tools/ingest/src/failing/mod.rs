/*!
Failing tests named in a text. Every test runner has its own way to say which test failed; what they share is that
the line can be told by a few words, so one multi-pattern search picks the lines and only those are looked at.
The id of a test is what the runner takes to run it alone.
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

/// Most failing tests kept; a suite that fails in more places fails for a common reason.
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
    /// 0-based lines that are test output, not prose.
    pub lines: Vec<usize>,
    /// What the author of a test wrote about it.
    pub descriptions: Vec<String>,
    seen: HashSet<String>,
    /// The test file a runner named last, and whether Mocha's list of failures has begun.
    file: Option<String>,
    counted: bool,
}

impl TestFindings {
    /// Adds a test once; answers whether it was new.
    pub(crate) fn add(&mut self, test: FailingTest) -> bool {
        let new = self.tests.len() < MAX_TESTS && self.seen.insert(test.id.clone());
        if new {
            self.tests.push(test);
        }
        new
    }

    /// Takes back tests of whom only the innermost name was known, when `full` names one of them wholly.
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

/// Go reports `TestCart` as failed because `TestCart/empty` did; only the latter says something.
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
