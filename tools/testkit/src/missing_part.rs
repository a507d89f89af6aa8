/*!
Parts of the machine that a test needs and may not find: a database server, a browser. A test that is skipped says
which part is missing and why, on stderr, where CI counts it, because a silently skipped test looks like a passed one.

`MILLWRIGHT_TEST_REQUIRE=postgres,browser` names parts without which a test fails; `all` means every part.
*/

use std::io::Write;

const REQUIRE: &str = "MILLWRIGHT_TEST_REQUIRE";

/// A test that is skipped for lack of a part calls this.
///
/// # Panics
/// When the part is required.
pub fn report_missing(part: &str, why: &str) {
    let required = std::env::var(REQUIRE).unwrap_or_default();
    assert!(!is_required(&required, part), "{REQUIRE} requires {part}, which is missing: {why}");
    // Not a print macro: the test harness discards their output for a test that passes.
    let _ = writeln!(std::io::stderr(), "not tried here: {part}: {why}");
}

fn is_required(required: &str, part: &str) -> bool {
    required.split(',').map(str::trim).any(|one| one == part || one == "all")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_required_by_its_name_or_with_all_others() {
        for (required, expected) in [
            ("", false),
            ("postgres", true),
            ("browser, postgres", true),
            ("all", true),
            ("postgres2,browser", false),
        ] {
            assert_eq!(is_required(required, "postgres"), expected, "{required:?}");
        }
    }
}
