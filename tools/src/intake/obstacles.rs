/*!
Signs that a run never reached the code it was to test: a module that cannot be imported, a build that breaks, a
command that does not exist, a machine out of space. They are told by the words tools use for them.
*/

use std::fmt;

use millwright_memory::types::{FailingTest, Language};

use super::text::{Lines, clip};
use super::traces::Found;

/// Lines of output looked at from the end and from the start.
const WINDOW: usize = 2000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum ObstacleKind {
    /// The test's module, or one it needs, does not import.
    Import,
    Syntax,
    /// The build broke before anything ran.
    Build,
    /// A command, interpreter or file is missing.
    MissingCommand,
    /// The test, its fixture or its class is not there.
    MissingTest,
    /// Memory, disk, permissions, network of the machine.
    Environment,
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Obstacle {
    pub kind: ObstacleKind,
    /// The line that says so.
    pub detail: String,
}

impl Obstacle {
    pub(crate) fn is_same(&self, other: &Obstacle) -> bool {
        self.kind == other.kind && super::template(&self.detail) == super::template(&other.detail)
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            ObstacleKind::Import => "an import fails",
            ObstacleKind::Syntax => "a syntax error",
            ObstacleKind::Build => "the build fails",
            ObstacleKind::MissingCommand => "a command or file is missing",
            ObstacleKind::MissingTest => "the test or its fixture is missing",
            ObstacleKind::Environment => "the machine is in the way",
        };
        write!(f, "{what} ({})", self.detail)
    }
}

/// Words by which tools say that they did not get to run the test.
const PHRASES: &[(&str, ObstacleKind)] = &[
    ("unittest.loader._FailedTest", ObstacleKind::Import),
    ("ERROR collecting ", ObstacleKind::Import),
    ("ImportError while loading conftest", ObstacleKind::Import),
    ("ImportError while importing test module", ObstacleKind::Import),
    ("Test suite failed to run", ObstacleKind::Import),
    ("ERR_MODULE_NOT_FOUND", ObstacleKind::Import),
    ("Error: Cannot find module", ObstacleKind::Import),
    ("' not found\nrerun with", ObstacleKind::MissingTest),
    ("NO TESTS RAN", ObstacleKind::MissingTest),
    ("no tests ran", ObstacleKind::MissingTest),
    ("Ran 0 tests", ObstacleKind::MissingTest),
    ("No tests found", ObstacleKind::MissingTest),
    ("No tests were executed", ObstacleKind::MissingTest),
    ("No tests matching pattern", ObstacleKind::MissingTest),
    ("ERROR: not found: ", ObstacleKind::MissingTest),
    ("error: no test target named", ObstacleKind::MissingTest),
    ("error: no tests to run", ObstacleKind::MissingTest),
    ("testing: warning: no tests to run", ObstacleKind::MissingTest),
    ("COMPILATION ERROR", ObstacleKind::Build),
    ("Compilation failed", ObstacleKind::Build),
    ("error: could not compile", ObstacleKind::Build),
    ("could not compile `", ObstacleKind::Build),
    ("[build failed]", ObstacleKind::Build),
    ("[setup failed]", ObstacleKind::Build),
    ("no required module provides package", ObstacleKind::Build),
    ("Could not resolve dependencies", ObstacleKind::Build),
    ("error: linking with", ObstacleKind::Build),
    ("undefined reference to", ObstacleKind::Build),
    (" compilation terminated.", ObstacleKind::Build),
    ("*** No rule to make target", ObstacleKind::Build),
    ("Build FAILED.", ObstacleKind::Build),
    (": command not found", ObstacleKind::MissingCommand),
    ("can't open file '", ObstacleKind::MissingCommand),
    ("cannot execute binary file", ObstacleKind::MissingCommand),
    ("npm ERR! missing script", ObstacleKind::MissingCommand),
    ("Missing script: ", ObstacleKind::MissingCommand),
    ("No space left on device", ObstacleKind::Environment),
    ("Cannot allocate memory", ObstacleKind::Environment),
    ("Read-only file system", ObstacleKind::Environment),
    ("fork: retry: ", ObstacleKind::Environment),
    ("Disk quota exceeded", ObstacleKind::Environment),
    ("Temporary failure in name resolution", ObstacleKind::Environment),
];

pub(crate) fn find_obstacle(lines: &Lines<'_>, found: &[Found], tests: &[FailingTest]) -> Option<Obstacle> {
    if tests.iter().all(|test| test.function.is_none()) {
        return by_exception(found, tests).or_else(|| by_words(lines));
    }
    // A test was named, so its module loaded; what its output quotes of other runs is no sign of an obstacle.
    let all_blocked = found.iter().all(|one| missing_in_test_body(one).is_some());
    found.first().filter(|_| all_blocked).and_then(missing_in_test_body).or_else(|| missing_fixture(lines))
}

fn missing_fixture(lines: &Lines<'_>) -> Option<Obstacle> {
    let line =
        (0..lines.len().min(WINDOW)).map(|at| lines.get(at)).find(|line| names_missing_fixture(line))?;
    Some(Obstacle {
        kind: ObstacleKind::MissingTest,
        detail: clip(line.trim_start_matches("E ").trim(), 300).to_owned(),
    })
}

fn names_missing_fixture(line: &str) -> bool {
    let text = line.trim_start_matches("E ").trim();
    text.starts_with("fixture '") && text.ends_with("not found")
}

/// An import or syntax error raised while modules were loaded.
fn by_exception(found: &[Found], tests: &[FailingTest]) -> Option<Obstacle> {
    found.iter().find_map(|one| {
        let error = one.trace.exceptions.first()?;
        let kind = match (one.trace.language, super::fingerprint::exception_name(&error.kind).as_str()) {
            (Language::Python, "ImportError" | "ModuleNotFoundError") => ObstacleKind::Import,
            (Language::Python, "SyntaxError" | "IndentationError" | "TabError") => ObstacleKind::Syntax,
            (Language::JavaScript, "SyntaxError") => ObstacleKind::Syntax,
            (
                Language::Jvm,
                "NoClassDefFoundError"
                | "ClassNotFoundException"
                | "ClassFormatError"
                | "UnsupportedClassVersionError",
            ) if tests.is_empty() => ObstacleKind::Import,
            (Language::Python, "AttributeError") if is_missing_test(&error.message) => {
                ObstacleKind::MissingTest
            }
            _ => return None,
        };
        Some(Obstacle { kind, detail: detail(&error.kind, &error.message) })
    })
}

/// The test began, but what it needs is not there yet: an import in its body, raised by the test file itself.
fn missing_in_test_body(one: &Found) -> Option<Obstacle> {
    let error = one.trace.exceptions.first()?;
    let innermost = error.frames.first()?;
    let imports = matches!(error.kind.as_str(), "ImportError" | "ModuleNotFoundError");
    (imports && super::fingerprint::is_test_frame(innermost))
        .then(|| Obstacle { kind: ObstacleKind::Import, detail: detail(&error.kind, &error.message) })
}

/// What unittest's loader says of a test that is not there.
fn is_missing_test(message: &str) -> bool {
    message.split_once("has no attribute '").is_some_and(|(_, name)| name.starts_with("test"))
        && (message.starts_with("type object '") || message.starts_with("module '"))
}

fn detail(kind: &str, message: &str) -> String {
    clip(&format!("{kind}: {}", message.lines().next().unwrap_or("")), 300).to_owned()
}

fn by_words(lines: &Lines<'_>) -> Option<Obstacle> {
    let tail = lines.len().saturating_sub(WINDOW);
    let window = (0..lines.len().min(WINDOW)).chain(tail.max(WINDOW)..lines.len());
    for at in window {
        let line = lines.get(at);
        if let Some((_, kind)) = PHRASES.iter().find(|(phrase, _)| line.contains(phrase)) {
            return Some(Obstacle { kind: *kind, detail: clip(line.trim(), 300).to_owned() });
        }
        if let Some(kind) = by_shape(line) {
            return Some(Obstacle { kind, detail: clip(line.trim(), 300).to_owned() });
        }
    }
    None
}

/// `sh: 1: foo: not found`, `fixture 'x' not found`, `error[E0425]: …`.
fn by_shape(line: &str) -> Option<ObstacleKind> {
    if names_missing_fixture(line) {
        return Some(ObstacleKind::MissingTest);
    }
    let text = line.trim();
    let shell = ["sh: ", "/bin/sh: ", "bash: ", "/bin/bash: ", "env: ", "dash: ", "timeout: "]
        .iter()
        .any(|name| text.starts_with(name));
    if shell
        && (text.ends_with("not found")
            || text.ends_with("No such file or directory")
            || text.ends_with("Permission denied"))
    {
        return Some(ObstacleKind::MissingCommand);
    }
    if text.starts_with("error[E0")
        || text.contains(": fatal error: ") && text.contains("No such file")
        || text.contains("error: cannot find symbol")
    {
        return Some(ObstacleKind::Build);
    }
    let python = text.contains("/python") || text.starts_with("python");
    (python && text.contains(": No module named ")).then_some(ObstacleKind::Import)
}
