/*!
Jest, Vitest and Mocha. Their tests have sentences for names; the id is the full name, as `-t` and `--grep` take it.
*/

use std::sync::LazyLock;

use millwright_memory::types::{FailingTest, TestFramework};
use regex::Regex;

use super::Findings;
use crate::intake::text::Lines;

/// How far above a test the line that names its file may stand.
const LOOK_BACK: usize = 400;

static FILE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^\s*(?:FAIL|❯|×)\s+(?:\|[^|]*\|\s+)?(\S+\.[cm]?[jt]sx?)(?:\s+>\s+(.+?))?(?:\s+\(.*\)|\s+\[.*\])?\s*$").ok()
});
static BULLET: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\s*●\s+(.+?)\s*$").ok());
static CROSS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^\s*[✕×✗]\s+(.+?)(?:\s+\(?\d+(?:\.\d+)?\s?m?s\)?)?\s*$").ok());
static NUMBERED: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\s{2,}\d+\)\s+(\S.*?)\s*$").ok());

pub(super) fn recognise(lines: &Lines<'_>, at: usize, line: &str, findings: &mut Findings) -> bool {
    if let Some(found) = FILE.as_ref().and_then(|re| re.captures(line)) {
        if let (Some(file), Some(name)) = (found.get(1), found.get(2)) {
            findings.add(test(name.as_str().split(" > "), Some(file.as_str())));
        }
        return found.get(1).is_some();
    }
    if let Some(name) = BULLET.as_ref().and_then(|re| re.captures(line)).and_then(|found| found.get(1)) {
        let name = name.as_str();
        if name.starts_with("Console") || name.starts_with("Test suite failed") {
            return true;
        }
        findings.add(test(name.split(" › "), file_above(lines, at)));
        return true;
    }
    if let Some(name) = CROSS.as_ref().and_then(|re| re.captures(line)).and_then(|found| found.get(1)) {
        // The tree Jest prints names only the leaf; the bullets below it name all.
        let file = file_above(lines, at);
        let last = name.as_str();
        if file.is_some() && !later_bullet(lines, at, last) {
            findings.add(test(last.split(" > "), file));
        }
        return file.is_some();
    }
    if let Some(name) = NUMBERED.as_ref().and_then(|re| re.captures(line)).and_then(|found| found.get(1)) {
        return mocha(lines, at, name.as_str(), findings);
    }
    false
}

fn file_above<'t>(lines: &Lines<'t>, at: usize) -> Option<&'t str> {
    (at.saturating_sub(LOOK_BACK)..at).rev().find_map(|up| {
        let line = lines.get(up);
        if !line.contains("FAIL") {
            return None;
        }
        FILE.as_ref()?.captures(line)?.get(1).map(|file| file.as_str())
    })
}

fn later_bullet(lines: &Lines<'_>, at: usize, name: &str) -> bool {
    (at + 1..at + LOOK_BACK)
        .map_while(|below| lines.line(below))
        .any(|line| line.contains('●') && line.trim_end().ends_with(name))
}

/// `  1) Cart` and, deeper, `       totals:`; only below a line that counts the failing ones.
fn mocha(lines: &Lines<'_>, at: usize, first: &str, findings: &mut Findings) -> bool {
    let counted = (at.saturating_sub(LOOK_BACK)..at).rev().any(|up| {
        let line = lines.get(up).trim();
        line.strip_suffix(" failing").is_some_and(|count| count.bytes().all(|b| b.is_ascii_digit()))
    });
    if !counted {
        return false;
    }
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
    true
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
