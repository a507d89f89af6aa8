/*!
JUnit, as reported by Surefire, Gradle, Ant, the JUnit runners and Defects4J.
*/

use std::sync::LazyLock;

use millwright_model::{FailingTest, TestFramework};
use regex::Regex;

use super::TestFindings;
use crate::text::TextLines;

/// `(pattern, class group, method group)`; only the last pattern accepts a class without its package.
static PATTERNS: LazyLock<Vec<(Regex, usize, usize)>> = LazyLock::new(|| {
    [
        (r"^\s*(?:[Ff]ailing tests?:?|-)\s+([\w.$]+)::(\w[\w$]*)\s*$", 1, 2),
        (r"^(?:\[ERROR\]\s+)?(?:Test: )?([\w$]+)(?:\[[^\]]*\])?(?:\{[^}]*\})?(?:\([^)]*\))?\(([\w.$]+)\).*<<< (?:FAILURE|ERROR)!", 2, 1),
        (r"^(?:\[ERROR\]\s+)?((?:[a-z_][\w$]*\.)+[A-Z][\w$]*)\.(\w[\w$]*)(?:\(.*?\))?(?:\[.*?\])?\s.*<<< (?:FAILURE|ERROR)!", 1, 2),
        (r"^\d+\) (\w[\w$]*)\(((?:[\w$]+\.)+[\w$]+)\)\s*$", 2, 1),
        (r"^\s*((?:[a-z_][\w$]*\.)*[A-Z][\w$]*)(?: > [^>]+)*? > (\w[\w$]*)(?:\(.*?\))?(?:\[.*?\])? FAILED\s*$", 1, 2),
        (r"^Testcase: (\w[\w$]*)\(((?:[\w$]+\.)+[\w$]+)\):\s+(?:FAILED|Caused an ERROR)", 2, 1),
        (r"className = '([\w.$]+)', methodName = '(\w[\w$]*)'", 1, 2),
        (r"^\[ERROR\]\s{2,}([A-Z][\w$]*)\.(\w[\w$]*)(?:->.*?)?:\d+", 1, 2),
    ]
    .into_iter()
    .filter_map(|(pattern, class, method)| Some((Regex::new(pattern).ok()?, class, method)))
    .collect()
});

pub(super) fn recognise(_lines: &TextLines<'_>, _at: usize, line: &str, findings: &mut TestFindings) -> bool {
    for (pattern, class, method) in PATTERNS.iter() {
        let Some(found) = pattern.captures(line) else { continue };
        let (Some(class), Some(method)) = (found.get(*class), found.get(*method)) else { continue };
        let (class, method) = (class.as_str(), method.as_str());
        // A summary names the class without its package; the test was fully named before.
        let named = !class.contains('.') && findings.has_function(method);
        if !named {
            findings.add(junit(class, method));
        }
        return true;
    }
    false
}

fn junit(class: &str, method: &str) -> FailingTest {
    FailingTest {
        framework: TestFramework::JUnit,
        name: format!("{class}::{method}"),
        id: format!("{class}#{method}"),
        module: class.rsplit_once('.').map(|(package, _)| package.to_owned()),
        class: Some(class.to_owned()),
        function: Some(method.to_owned()),
        file: None,
    }
}
