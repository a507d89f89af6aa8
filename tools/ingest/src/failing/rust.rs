/*!
`cargo test` and `cargo nextest`.
*/

use std::sync::LazyLock;

use millwright_model::{FailingTest, TestFramework};
use regex::Regex;

use super::TestFindings;
use crate::text::TextLines;

static LIBTEST: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^\s*test (\S+)(?: - .*)? \.\.\. FAILED\s*$").ok());
static SECTION: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^\s*---- (\S+) stdout ----\s*$").ok());
static NEXTEST: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^\s*(?:TRY \d+ )?(?:FAIL|SIGABRT|SIGSEGV|TIMEOUT)\s+\[[\s>\d.]+s\]\s+(?:\([\s\d/]+\)\s+)?(\S+)\s+(\S+)\s*$").ok()
});

pub(super) fn recognise(_lines: &TextLines<'_>, _at: usize, line: &str, findings: &mut TestFindings) -> bool {
    if let Some(found) = NEXTEST.as_ref().and_then(|re| re.captures(line)) {
        let (Some(package), Some(name)) = (found.get(1), found.get(2)) else { return false };
        findings.add(test(name.as_str(), Some(package.as_str())));
        return true;
    }
    let found =
        LIBTEST.as_ref().and_then(|re| re.captures(line)).or_else(|| SECTION.as_ref()?.captures(line));
    let Some(name) = found.as_ref().and_then(|found| found.get(1)) else { return false };
    findings.add(test(name.as_str(), None));
    true
}

/// `package` has nextest's form: `shop` or `shop::integration`.
fn test(name: &str, package: Option<&str>) -> FailingTest {
    let (module, function) =
        name.rsplit_once("::").map_or((None, name), |(module, function)| (Some(module), function));
    FailingTest {
        framework: TestFramework::CargoTest,
        name: name.to_owned(),
        id: name.to_owned(),
        module: module.map(str::to_owned),
        class: package.map(str::to_owned),
        function: Some(function.to_owned()),
        file: name.ends_with(".rs").then(|| name.to_owned()),
    }
}
