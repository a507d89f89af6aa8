/*!
Jest, Vitest and Mocha. Their test names are sentences; the id is the full name, in the form that `-t` and `--grep`
accept.
*/

use std::sync::LazyLock;

use millwright_model::{FailingTest, TestFramework};
use regex::Regex;

use super::TestFindings;
use crate::text::TextLines;

static FILE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^\s*(?:FAIL|❯|×)\s+(?:\|[^|]*\|\s+)?(\S+\.[cm]?[jt]sx?)(?:\s+>\s+(.+?))?(?:\s+\(.*\)|\s+\[.*\])?\s*$").ok()
});
static BULLET: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\s*●\s+(.+?)\s*$").ok());
static CROSS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^\s*[✕×✗]\s+(.+?)(?:\s+\(?\d+(?:\.\d+)?\s?m?s\)?)?\s*$").ok());
static NUMBERED: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\s{2,}\d+\)\s+(\S.*?)\s*$").ok());

pub(super) fn recognise(lines: &TextLines<'_>, at: usize, line: &str, findings: &mut TestFindings) -> bool {
    if let Some(found) = FILE.as_ref().and_then(|re| re.captures(line)) {
        let Some(file) = found.get(1).map(|file| file.as_str()) else { return false };
        findings.file = Some(file.to_owned());
        if let Some(name) = found.get(2) {
            findings.add(test(name.as_str().split(" > "), Some(file)));
        }
        return true;
    }
    if let Some(name) = BULLET.as_ref().and_then(|re| re.captures(line)).and_then(|found| found.get(1)) {
        let name = name.as_str();
        if name.starts_with("Console") || name.starts_with("Test suite failed") {
            return true;
        }
        // The tree above only names the last part of the test.
        findings.drop_leaf(name.rsplit(" › ").next().unwrap_or(name));
        let file = findings.file.clone();
        findings.add(test(name.split(" › "), file.as_deref()));
        return true;
    }
    if let Some(name) = CROSS.as_ref().and_then(|re| re.captures(line)).and_then(|found| found.get(1)) {
        let file = findings.file.clone();
        if file.is_some() {
            findings.add(test(name.as_str().split(" > "), file.as_deref()));
        }
        return file.is_some();
    }
    if let Some(count) = line.trim().strip_suffix(" failing") {
        findings.counted |= !count.is_empty() && count.bytes().all(|b| b.is_ascii_digit());
        return findings.counted;
    }
    let numbered = NUMBERED.as_ref().filter(|_| findings.counted).and_then(|re| re.captures(line));
    if let Some(name) = numbered.as_ref().and_then(|found| found.get(1)) {
        mocha(lines, at, name.as_str(), findings);
        return true;
    }
    false
}

/// `  1) Cart` and, indented further, `       totals:`.
fn mocha(lines: &TextLines<'_>, at: usize, first: &str, findings: &mut TestFindings) {
    let mut parts = vec![first.trim_end_matches(':')];
    if !first.ends_with(':') {
        for below in at + 1..at + 8 {
            let line = lines.get(below).trim();
            if line.is_empty() {
                break;
            }
            findings.lines.push(below);
            parts.push(line.trim_end_matches(':'));
            if line.ends_with(':') {
                break;
            }
        }
    }
    findings.add(test(parts.into_iter(), None));
}

fn test<'n>(parts: impl Iterator<Item = &'n str>, file: Option<&str>) -> FailingTest {
    let parts: Vec<&str> = parts.map(str::trim).filter(|part| !part.is_empty()).collect();
    FailingTest {
        framework: TestFramework::Jest,
        name: parts.join(" › "),
        id: parts.join(" "),
        module: None,
        class: (parts.len() > 1).then(|| parts.first().map(|suite| (*suite).to_owned())).flatten(),
        function: parts.last().map(|name| (*name).to_owned()),
        file: file.map(str::to_owned),
    }
}
