/*!
Finds the name of one of the project's tests, to try `test_one` with: a test that the whole suite named, else one that
a test file declares, in the form that its runner accepts.
*/

use std::sync::LazyLock;

use regex::Regex;

use millwright_git::{Repo, blob_at, files_at};
use millwright_ingest::is_test_path;
use millwright_ingest::test_report::{RunnerKind, TestReport, TestStatus};

/// Maximum number of test files that are read for a name.
const MAX_FILES: usize = 40;

/// A test that passed in `report`, else one that the files of `revision` (full id) declare.
pub(super) fn sample_test(
    repo: &Repo,
    revision: &str,
    report: &TestReport,
    test_one: &str,
) -> Option<String> {
    let named = report.runs.iter().filter(|run| names_work_alone(run.runner)).find_map(|run| {
        let passed = run.outcomes.iter().filter(|(_, status)| **status == TestStatus::Passed);
        passed.map(|(name, _)| name).find(|name| !run.fragments.contains(*name)).cloned()
    });
    named.or_else(|| declared_test(repo, revision, test_one))
}

/// Whether this runner's command line accepts the names in its output.
fn names_work_alone(runner: RunnerKind) -> bool {
    matches!(runner, RunnerKind::Pytest | RunnerKind::CargoTest | RunnerKind::NodeTest)
}

fn declared_test(repo: &Repo, revision: &str, test_one: &str) -> Option<String> {
    let mut files = files_at(repo, revision).ok()?;
    files.retain(|path| is_test_path(path));
    files.iter().take(MAX_FILES).find_map(|path| {
        let text = blob_at(repo, revision, path).ok()?.text().ok()?;
        match path.rsplit('.').next()? {
            "py" => python_test(path, &text, test_one),
            "go" => first(&GO_TEST, &text),
            "js" | "jsx" | "ts" | "tsx" | "mjs" | "cjs" => first(&TITLED_TEST, &text),
            "rb" => first(&TITLED_TEST, &text),
            "java" | "kt" => java_test(&text),
            _ => None,
        }
    })
}

/// Compiles a constant pattern; an invalid one would match nothing.
fn expression(pattern: &str) -> Option<Regex> {
    Regex::new(pattern).ok()
}

static GO_TEST: LazyLock<Option<Regex>> =
    LazyLock::new(|| expression(r"(?m)^func (Test[A-Za-z0-9_]+)\(\w+ \*testing\.T\)"));
static TITLED_TEST: LazyLock<Option<Regex>> =
    LazyLock::new(|| expression(r#"(?m)^\s*(?:it|test)[ (]\s*["']([A-Za-z0-9_.,=+ -]{3,80})["']"#));
static PYTHON_TEST: LazyLock<Option<Regex>> =
    LazyLock::new(|| expression(r"(?m)^(    )?(?:async )?def (test_\w+)\("));
static PYTHON_CLASS: LazyLock<Option<Regex>> = LazyLock::new(|| expression(r"(?m)^class (\w+)[(:]"));
static JAVA_CLASS: LazyLock<Option<Regex>> = LazyLock::new(|| expression(r"\bclass (\w*Tests?\w*)\b"));

fn first(pattern: &LazyLock<Option<Regex>>, text: &str) -> Option<String> {
    Some(pattern.as_ref()?.captures(text)?.get(1)?.as_str().to_owned())
}

/// The test's name: by path for pytest, by dotted name for unittest and similar runners.
fn python_test(path: &str, text: &str, test_one: &str) -> Option<String> {
    let found = PYTHON_TEST.as_ref()?.captures(text)?;
    let function = found.get(2)?.as_str();
    let before = text.get(..found.get(0)?.start())?;
    let in_class = found.get(1).is_some();
    let class = PYTHON_CLASS.as_ref()?.captures_iter(before).last().filter(|_| in_class);
    let class = class.and_then(|class| Some(class.get(1)?.as_str().to_owned()));
    if in_class && class.is_none() {
        return None;
    }
    if test_one.contains("pytest") || test_one.contains("py.test") {
        let class = class.map(|class| format!("{class}::")).unwrap_or_default();
        return Some(format!("{path}::{class}{function}"));
    }
    let module = path.strip_suffix(".py")?.replace('/', ".");
    // Django's own suite runs inside its test folder.
    let module = if test_one.contains("runtests.py") {
        module.strip_prefix("tests.").map(str::to_owned).unwrap_or(module)
    } else {
        module
    };
    Some(format!("{module}.{}.{function}", class?))
}

fn java_test(text: &str) -> Option<String> {
    first(&JAVA_CLASS, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_as_the_runner_takes_them() {
        let text = "class CartTest(TestCase):\n    def helper(self): ...\n\n    def test_total(self):\n        pass\n";
        let python = |recipe: &str| python_test("tests/shop/test_cart.py", text, recipe);
        assert_eq!(python("pytest {test}").as_deref(), Some("tests/shop/test_cart.py::CartTest::test_total"));
        assert_eq!(
            python("python3 -m unittest {test}").as_deref(),
            Some("tests.shop.test_cart.CartTest.test_total")
        );
        assert_eq!(
            python("cd tests && python3 runtests.py {test}").as_deref(),
            Some("shop.test_cart.CartTest.test_total")
        );
        assert_eq!(
            first(&GO_TEST, "package a\n\nfunc TestSum(t *testing.T) {\n").as_deref(),
            Some("TestSum")
        );
        assert_eq!(
            first(&TITLED_TEST, "describe('cart', () => {\n  it('adds up', () => {})\n").as_deref(),
            Some("adds up")
        );
        assert_eq!(java_test("public class CartTest {\n").as_deref(), Some("CartTest"));
        assert_eq!(java_test("public class Cart {\n"), None);
    }
}
