/*!
Which files hold the failing tests, and which folder their tests share. A failing test is often the only link
between a ticket and the code, and what changed together with it before is where its fault lies.
*/

use millwright_memory::types::{FailingTest, ParsedTicket};

use super::context::LocatedFrame;
use super::tree::Tree;

#[derive(Debug, Default)]
pub(super) struct TestFiles {
    /// Paths at the failing revision.
    pub(super) files: Vec<String>,
    /// Names of the failing tests' classes, without packages.
    pub(super) classes: Vec<String>,
}

/// Failing tests that are looked up; a broken build fails thousands for one reason.
const MAX_TESTS: usize = 40;

pub(super) fn test_files(ticket: &ParsedTicket, frames: &[LocatedFrame<'_>], tree: &Tree) -> TestFiles {
    let mut found = TestFiles::default();
    let mut add = |path: &str| {
        if !found.files.iter().any(|known| known == path) {
            found.files.push(path.to_owned());
        }
    };
    for frame in frames.iter().filter(|frame| frame.is_test) {
        add(&frame.path);
    }
    for test in ticket.failing_tests.iter().take(MAX_TESTS) {
        if let Some(path) = file_of(test, tree) {
            add(path);
        }
    }
    for test in ticket.failing_tests.iter().take(MAX_TESTS) {
        let class = test.class.as_deref().map(|class| class.rsplit(['.', '$']).next().unwrap_or(class));
        if let Some(class) = class
            && !found.classes.iter().any(|known| known == class)
        {
            found.classes.push(class.to_owned());
        }
    }
    found
}

/// The file of a test: as given, or by its module (`a.b.tests`) or class (`org.acme.FooTest`).
fn file_of<'t>(test: &FailingTest, tree: &'t Tree) -> Option<&'t str> {
    if let Some(found) = test.file.as_deref().and_then(|file| tree.by_suffix(file)) {
        return Some(found);
    }
    let dotted = |name: &str, extension: &str| format!("{}.{extension}", name.replace(['.'], "/"));
    if let Some(module) = &test.module
        && let Some(found) = tree
            .by_suffix(&dotted(module, "py"))
            .or_else(|| tree.by_suffix(&format!("{}/__init__.py", module.replace('.', "/"))))
    {
        return Some(found);
    }
    let class = test.class.as_deref()?;
    let class = class.split('$').next().unwrap_or(class);
    let qualified = match &test.module {
        Some(module) if !class.contains('.') => format!("{module}.{class}"),
        _ => class.to_owned(),
    };
    ["java", "kt", "scala", "groovy"]
        .iter()
        .find_map(|extension| tree.by_suffix(&dotted(&qualified, extension)))
}
