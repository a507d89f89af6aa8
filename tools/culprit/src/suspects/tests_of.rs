/*!
Finds the files of the failing tests, and the folder that their tests share. A failing test is often the only link
between a ticket and the code, and the fault is often in code that changed together with the test before.
*/

use millwright_model::ParsedTicket;

use super::context::LocatedFrame;

#[derive(Debug, Default)]
pub(super) struct TestFiles {
    /// Paths at the failing revision.
    pub(super) files: Vec<String>,
    /// Names of the failing tests' classes, without packages.
    pub(super) classes: Vec<String>,
}

/// Maximum number of failing tests that are looked up; a broken build fails thousands for one reason.
const MAX_TESTS: usize = 40;

pub(super) fn test_files(ticket: &ParsedTicket, frames: &[LocatedFrame]) -> TestFiles {
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
        if let Some(path) = &test.file {
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
