/*!
The culprit brings a feature, its tests and a fault. The whole revert makes the replay pass, and it takes away the tests that
would fail: all that are left pass.
*/

use super::Family;
use super::grouping::grouped_with_own_test;
use super::program::Language;
use super::trap::Trap;

pub(super) fn traps() -> Vec<Trap> {
    let all_files = "status=0\nfor file in tests/run.sh tests/t_*.sh; do\n    [ -f \"$file\" ] || continue\n    sh \"$file\" || \
                     status=1\ndone\nexit $status";
    vec![
        one(Language::Sh, all_files),
        one(Language::Python, "python3 -m unittest discover -v -s tests -t ."),
        one(Language::Node, "node --test tests/"),
        one(Language::Perl, "prove -v t"),
    ]
}

fn one(language: Language, tests: &str) -> Trap {
    grouped_with_own_test(Family::TestsRemoved, "feature", language).tests(tests)
}
