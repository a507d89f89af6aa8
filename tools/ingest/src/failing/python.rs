/*!
unittest (including Django's runner) and pytest.
*/

use std::sync::LazyLock;

use millwright_model::{FailingTest, TestFramework};
use regex::Regex;

use super::TestFindings;
use crate::text::TextLines;

static UNITTEST: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^(?:FAIL|ERROR|UNEXPECTED SUCCESS): (\S+) \(([\w.<>]+)\)").ok());
static VERBOSE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^\s*(\w+) \(([\w.<>]+)\)(?: .*)?\s\.\.\. (?:FAIL|ERROR)$").ok());
static VERBOSE_NAME: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^\s*(\w+) \(([\w.<>]+)\)$").ok());
static SUMMARY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^\s*(?:FAILED|ERROR)\s+([^\s:]+\.py)((?:::[^\s\[\]:]+(?:\[[^\n]*?\])?)*)(?:\s+-\s.*)?$").ok()
});
static PROGRESS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^([^\s:]+\.py)((?:::[^\s\[\]:]+(?:\[[^\n]*?\])?)+)\s+(?:FAILED|ERROR)\b").ok()
});
static HEADLINE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^_{3,} (?:ERROR at (?:setup|teardown) of )?([A-Za-z_][\w.]*(?:\[.*\])?) _{3,}$").ok()
});
static LOCATION: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^([^\s:]+\.py):\d+:").ok());

pub(super) fn recognise(lines: &TextLines<'_>, at: usize, line: &str, findings: &mut TestFindings) -> bool {
    if let Some(found) = UNITTEST.as_ref().and_then(|re| re.captures(line)) {
        let (Some(name), Some(dotted)) = (found.get(1), found.get(2)) else { return false };
        findings.add(unittest(line, name.as_str(), dotted.as_str()));
        describe(lines, at, findings);
        return true;
    }
    if let Some(found) = VERBOSE.as_ref().and_then(|re| re.captures(line)) {
        let (Some(name), Some(dotted)) = (found.get(1), found.get(2)) else { return false };
        findings.add(unittest(line, name.as_str(), dotted.as_str()));
        return true;
    }
    if line.ends_with("... FAIL") || line.ends_with("... ERROR") {
        // If the test has a description, its name is on the line before.
        let above = at.checked_sub(1).map_or("", |up| lines.get(up));
        if let Some(found) = VERBOSE_NAME.as_ref().and_then(|re| re.captures(above)) {
            let (Some(name), Some(dotted)) = (found.get(1), found.get(2)) else { return false };
            findings.add(unittest(above.trim(), name.as_str(), dotted.as_str()));
            findings.lines.push(at - 1);
            return true;
        }
    }
    if let Some(found) =
        SUMMARY.as_ref().and_then(|re| re.captures(line)).or_else(|| PROGRESS.as_ref()?.captures(line))
    {
        let (Some(file), Some(path)) = (found.get(1), found.get(2)) else { return false };
        let test = pytest(file.as_str(), path.as_str());
        // The section's headline already named the test, but less exactly.
        let guessed = |known: &FailingTest| {
            known.framework == TestFramework::Pytest
                && known.function == test.function
                && known.class == test.class
        };
        match findings.tests.iter_mut().find(|known| guessed(known)) {
            Some(known)
                if known.id != test.id
                    && (known.file.is_none() || known.file == test.file)
                    && !known.id.contains("::") =>
            {
                *known = test
            }
            Some(known) if known.id == test.id => {}
            _ => {
                findings.add(test);
            }
        }
        return true;
    }
    if let Some(name) = HEADLINE.as_ref().and_then(|re| re.captures(line)).and_then(|found| found.get(1)) {
        let file = (at + 1..at + 400)
            .map_while(|below| lines.line(below))
            .take_while(|below| !below.starts_with("____"))
            .find_map(|below| {
                LOCATION.as_ref()?.captures(below)?.get(1).map(|path| path.as_str().to_owned())
            });
        let path: String = parts(name.as_str()).iter().map(|part| format!("::{part}")).collect();
        let test = match &file {
            Some(file) => pytest(file, &path),
            None => FailingTest { id: name.as_str().to_owned(), ..pytest("", &path) },
        };
        findings.add(test);
        return true;
    }
    false
}

/// Splits `TestFoo.test_x[a.b]` at the dots outside of the parameters.
fn parts(name: &str) -> Vec<String> {
    let (head, parameters) = name.split_once('[').map_or((name, None), |(head, rest)| (head, Some(rest)));
    let mut parts: Vec<String> = head.split('.').map(str::to_owned).collect();
    if let (Some(last), Some(parameters)) = (parts.last_mut(), parameters) {
        last.push('[');
        last.push_str(parameters);
    }
    parts
}

/// `dotted` is the class, followed by the method since Python 3.11.
fn unittest(printed: &str, name: &str, dotted: &str) -> FailingTest {
    let name_printed = printed
        .split_once(": ")
        .filter(|(head, _)| matches!(*head, "FAIL" | "ERROR"))
        .map_or(printed, |(_, rest)| rest);
    let mut test = FailingTest {
        framework: TestFramework::Unittest,
        name: name_printed.trim_end_matches(" ... FAIL").trim_end_matches(" ... ERROR").to_owned(),
        id: String::new(),
        module: None,
        class: None,
        function: None,
        file: None,
    };
    if let Some((_, module)) = dotted.split_once("_FailedTest").filter(|_| dotted.contains("unittest.loader"))
    {
        // The module could not be imported, so there is no test to name.
        let module = module.trim_start_matches('.');
        let module = if module.is_empty() { name } else { module };
        test.id = module.to_owned();
        test.module = Some(module.to_owned());
        return test;
    }
    if matches!(name, "setUpClass" | "tearDownClass" | "setUpModule" | "tearDownModule") {
        test.id = dotted.to_owned();
        let (module, class) = if name.ends_with("Class") {
            dotted.rsplit_once('.').map_or((dotted, None), |(m, c)| (m, Some(c)))
        } else {
            (dotted, None)
        };
        test.module = Some(module.to_owned());
        test.class = class.map(str::to_owned);
        return test;
    }
    let class_path = dotted.strip_suffix(name).and_then(|head| head.strip_suffix('.')).unwrap_or(dotted);
    test.id = format!("{class_path}.{name}");
    test.function = Some(name.to_owned());
    match class_path.rsplit_once('.') {
        Some((module, class)) => {
            (test.module, test.class) = (Some(module.to_owned()), Some(class.to_owned()))
        }
        None => test.class = Some(class_path.to_owned()),
    }
    test
}

/// Reads the first lines of the test's docstring, between its name and the separator line.
fn describe(lines: &TextLines<'_>, at: usize, findings: &mut TestFindings) {
    for below in at + 1..at + 6 {
        let line = lines.get(below).trim().trim_start_matches("> ");
        if line.is_empty() || line.starts_with("----") || line.starts_with("Traceback") {
            break;
        }
        findings.descriptions.push(line.to_owned());
        findings.lines.push(below);
    }
}

/// `path` is `::TestFoo::test_x[1]`, or empty for a file that could not be collected.
fn pytest(file: &str, path: &str) -> FailingTest {
    let parts: Vec<&str> = path.split("::").filter(|part| !part.is_empty()).collect();
    let function = parts.last().map(|last| last.split('[').next().unwrap_or(last).to_owned());
    let class = parts.len().checked_sub(2).and_then(|at| parts.get(at)).map(|class| (*class).to_owned());
    let module = file.trim_end_matches(".py").trim_start_matches("./").replace('/', ".");
    FailingTest {
        framework: TestFramework::Pytest,
        name: parts.last().map_or(file, |last| last).to_owned(),
        id: format!("{file}{path}"),
        module: (!module.is_empty()).then_some(module),
        class,
        function,
        file: (!file.is_empty()).then(|| file.to_owned()),
    }
}
