/*!
What a test needs of the machine and may not find: a database server, a browser. A test that goes without it says which part is
missing and why, where it is counted, because a test that passes in silence looks like one that held.

`MILLWRIGHT_TEST_REQUIRE=postgres,browser` names parts without which a test fails; `all` means every part.
*/

use std::io::Write;

const REQUIRE: &str = "MILLWRIGHT_TEST_REQUIRE";

/// To be called by a test that goes without a part.
///
/// # Panics
/// When the part is required.
pub(crate) fn report_missing(part: &str, why: &str) {
    let required = std::env::var(REQUIRE).unwrap_or_default();
    assert!(!is_required(&required, part), "{REQUIRE} requires {part}, which is missing: {why}");
    // Not by a macro: what those print of a test that passes is thrown away.
    let _ = writeln!(std::io::stderr(), "not tried here: {part}: {why}");
}

fn is_required(required: &str, part: &str) -> bool {
    required.split(',').map(str::trim).any(|one| one == part || one == "all")
}

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
