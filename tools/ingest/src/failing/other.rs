/*!
Runners that need only a few patterns: RSpec, Minitest, PHPUnit, .NET's and googletest.
*/

use std::sync::LazyLock;

use millwright_model::{FailingTest, TestFramework};
use regex::Regex;

use super::TestFindings;
use crate::text::TextLines;

static RSPEC: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^\s*(?:bin/)?rspec (?:\./)?((\S+_spec\.rb)(?::\d+|\[[\d:]+\])?)(?: # (.*))?$").ok()
});
static MINITEST: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^\s*([A-Z][\w:]*)#(test_\w+)(?: \[(\S+?):\d+\])?:?\s*$").ok());
static PHPUNIT: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^\d+\) ((?:\w+\\)*\w+)::(test\w*|\w+)(?: with data set .*)?\s*$").ok());
static DOTNET: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^\s*(?:\[xUnit.*?\]\s+|(?:Failed|X) )((?:\w+\.)+\w+)\.(\w+)(?:\(.*\))? \[(?:FAIL|< ?\d+ m?s|\d+ m?s|[\d.]+ ?s)\]\s*$").ok()
});
static GOOGLETEST: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^\[  FAILED  \] ([\w/]+)\.([\w/]+)").ok());

pub(super) fn recognise(_lines: &TextLines<'_>, _at: usize, line: &str, findings: &mut TestFindings) -> bool {
    if let Some(found) = RSPEC.as_ref().and_then(|re| re.captures(line)) {
        let part = |group: usize| found.get(group).map(|text| text.as_str().to_owned());
        let id = part(1).unwrap_or_default();
        let name = part(3).unwrap_or_else(|| id.clone());
        findings.add(FailingTest { function: Some(name.clone()), file: part(2), ..unknown(name, id) });
        return true;
    }
    let named = [&MINITEST, &PHPUNIT, &DOTNET, &GOOGLETEST]
        .into_iter()
        .zip(["#", "::", ".", "."])
        .find_map(|(pattern, join)| pattern.as_ref()?.captures(line).map(|found| (found, join)));
    let Some((found, join)) = named else { return false };
    let (Some(class), Some(function)) = (found.get(1), found.get(2)) else { return false };
    let id = format!("{}{join}{}", class.as_str(), function.as_str());
    findings.add(FailingTest {
        class: Some(class.as_str().to_owned()),
        function: Some(function.as_str().to_owned()),
        file: found.get(3).map(|file| file.as_str().to_owned()),
        ..unknown(id.clone(), id)
    });
    true
}

fn unknown(name: String, id: String) -> FailingTest {
    FailingTest {
        framework: TestFramework::Unknown,
        name,
        id,
        module: None,
        class: None,
        function: None,
        file: None,
    }
}
