/*!
Set-up failures that appear as exceptions, recognised by type and frames.
*/

use millwright_model::{ExceptionInfo, FailingTest, Frame, Language};

use super::ObstacleKind::{
    Import, MissingCommand, MissingTest, MissingVariable, Network, Permission, Resources, RuntimeVersion,
    Syntax,
};
use super::{Obstacle, rules};
use crate::fingerprint::{exception_name, is_test_frame};
use crate::text::clip;
use crate::traces::FoundTrace;

/// An import or syntax error that was raised while modules were loaded.
pub(super) fn of_loading(found: &[FoundTrace], tests: &[FailingTest]) -> Option<Obstacle> {
    found.iter().find_map(|one| {
        let error = one.trace.exceptions.first()?;
        let kind = match (one.trace.language, exception_name(&error.kind).as_str()) {
            (Language::Python, "ImportError" | "ModuleNotFoundError") => Import,
            (Language::Python, "SyntaxError" | "IndentationError" | "TabError") => Syntax,
            (Language::JavaScript, "SyntaxError") if is_loading(error) => Syntax,
            (Language::Jvm, "NoClassDefFoundError" | "ClassNotFoundException" | "ClassFormatError")
                if tests.is_empty() =>
            {
                Import
            }
            (Language::Jvm, "UnsupportedClassVersionError") if tests.is_empty() => RuntimeVersion,
            (Language::Python, "AttributeError") if is_missing_test(&error.message) => MissingTest,
            _ => return None,
        };
        let subject = match kind {
            Syntax => error.message.lines().next().map(str::to_owned),
            _ => subject(error),
        };
        Some(Obstacle::new(kind, &detail(error), subject))
    })
}

/// Node parses a module before any of its code runs; `JSON.parse` raises the same type at run time.
fn is_loading(error: &ExceptionInfo) -> bool {
    const LOADERS: &[&str] = &[
        "wrapSafe",
        "compileSourceTextModule",
        "internalCompileFunction",
        "compileFunction",
        "makeContextifyScript",
    ];
    let loads = |frame: &Frame| {
        let function = frame.function.as_deref().unwrap_or("");
        let path = frame.path.as_deref().unwrap_or("");
        LOADERS.iter().any(|name| function.contains(name)) || path.contains("internal/")
    };
    error.frames.first().is_none_or(loads)
}

/// What ended a run that named no test: its last exception, or the cause of that.
pub(super) fn of_run(found: &[FoundTrace]) -> Option<Obstacle> {
    found.last().and_then(blocked)
}

/// What blocked every failure of a run that named its tests.
pub(super) fn of_tests(found: &[FoundTrace]) -> Option<Obstacle> {
    let first = found.first()?;
    let all = |test: fn(&FoundTrace) -> Option<Obstacle>| {
        found.iter().all(|one| test(one).is_some()).then(|| test(first)).flatten()
    };
    all(missing_in_test_body).or_else(|| all(blocked))
}

/// The test started, but something it needs does not exist yet: an import in its body, raised by the test file
/// itself.
fn missing_in_test_body(one: &FoundTrace) -> Option<Obstacle> {
    let error = one.trace.exceptions.first()?;
    let innermost = error.frames.first()?;
    let imports = matches!(error.kind.as_str(), "ImportError" | "ModuleNotFoundError");
    (imports && is_test_frame(innermost)).then(|| Obstacle::new(Import, &detail(error), subject(error)))
}

/// A program, a host, a variable or a permission that the run lacks.
fn blocked(one: &FoundTrace) -> Option<Obstacle> {
    one.trace.exceptions.iter().find_map(|error| {
        let from = |path: &str, function: &str| {
            error.frames.iter().take(4).any(|frame| {
                frame.path.as_deref().is_some_and(|p| p.ends_with(path))
                    && frame.function.as_deref().is_none_or(|f| f.contains(function))
            })
        };
        let name = exception_name(&error.kind);
        let text = detail(error);
        if one.trace.language == Language::Python {
            if name == "KeyError" && (from("os.py", "__getitem__") || from("<frozen os>", "__getitem__")) {
                return Some(Obstacle::new(MissingVariable, &text, subject(error)));
            }
            if name == "FileNotFoundError" && from("subprocess.py", "_execute_child") {
                return Some(Obstacle::new(MissingCommand, &text, subject(error)));
            }
        }
        let known = rules::of_text(&text)?;
        let counts = match known.kind {
            Network | Permission | Resources => !is_assertion(&name),
            MissingCommand | MissingVariable => !is_assertion(&name) && name != "KeyError",
            _ => false,
        };
        counts.then_some(known)
    })
}

fn is_assertion(name: &str) -> bool {
    name.contains("Assert") || name.contains("Comparison") || name == "Failed" || name.is_empty()
}

/// The message of unittest's loader for a test that does not exist.
fn is_missing_test(message: &str) -> bool {
    message.split_once("has no attribute '").is_some_and(|(_, name)| name.starts_with("test"))
        && (message.starts_with("type object '") || message.starts_with("module '"))
}

/// The name in an exception's message: the last quoted one, or a JVM's class.
fn subject(error: &ExceptionInfo) -> Option<String> {
    let line = error.message.lines().next().unwrap_or("");
    if let Some(known) = rules::of_text(&detail(error)).and_then(|known| known.subject) {
        return Some(known);
    }
    let quoted: Vec<&str> = line.split('\'').collect();
    let first = quoted.get(1).filter(|_| quoted.len() >= 3).map(|name| (*name).to_owned());
    first.or_else(|| {
        let word = line.split_whitespace().next()?;
        (line.split_whitespace().count() == 1).then(|| word.to_owned())
    })
}

fn detail(error: &ExceptionInfo) -> String {
    clip(&format!("{}: {}", error.kind, error.message.lines().next().unwrap_or("")), 300).to_owned()
}
