/*!
`go test`: `--- FAIL: TestCart/empty (0.00s)`, then the file on the following lines, and the package in the closing
`FAIL` line.
*/

use std::sync::LazyLock;

use millwright_model::{FailingTest, TestFramework};
use regex::Regex;

use super::TestFindings;
use crate::text::TextLines;

static TEST: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^\s*--- FAIL: (\S+)(?: \([\d.]+s\))?\s*$").ok());
static PACKAGE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^FAIL\s+([\w./@~-]+)\s+(?:[\d.]+s|\[\w+ failed\])\s*$").ok());
static PLACE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\s+(\S+_test\.go):\d+:").ok());

pub(super) fn recognise(lines: &TextLines<'_>, at: usize, line: &str, findings: &mut TestFindings) -> bool {
    if let Some(name) = TEST.as_ref().and_then(|re| re.captures(line)).and_then(|found| found.get(1)) {
        let file = (at + 1..at + 12)
            .map_while(|below| lines.line(below))
            .find_map(|below| PLACE.as_ref()?.captures(below)?.get(1).map(|file| file.as_str().to_owned()));
        findings.add(FailingTest {
            framework: TestFramework::GoTest,
            name: name.as_str().to_owned(),
            id: name.as_str().to_owned(),
            module: None,
            class: None,
            function: name.as_str().split('/').next().map(str::to_owned),
            file,
        });
        return true;
    }
    let Some(package) = PACKAGE.as_ref().and_then(|re| re.captures(line)).and_then(|found| found.get(1))
    else {
        return false;
    };
    for test in &mut findings.tests {
        if test.framework == TestFramework::GoTest && test.module.is_none() {
            test.module = Some(package.as_str().to_owned());
        }
    }
    true
}
