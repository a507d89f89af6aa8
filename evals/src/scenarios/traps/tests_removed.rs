/*!
The culprit adds a feature, its tests and a fault. The whole revert makes the replay pass, and removes the tests that would
fail. All remaining tests pass.
*/

use super::TrapFamily;
use super::grouping::grouped_with_own_test;
use super::program::TrapLanguage;
use super::trap::Trap;

pub(super) fn traps() -> Vec<Trap> {
    let all_files = "status=0\nfor file in tests/run.sh tests/t_*.sh; do\n    [ -f \"$file\" ] || continue\n    sh \"$file\" || \
                     status=1\ndone\nexit $status";
    vec![
        one(TrapLanguage::Sh, all_files),
        one(TrapLanguage::Python, "python3 -m unittest discover -v -s tests -t ."),
        one(TrapLanguage::Node, "node --test tests/"),
        one(TrapLanguage::Perl, "prove -v t"),
    ]
}

fn one(language: TrapLanguage, tests: &str) -> Trap {
    grouped_with_own_test(TrapFamily::TestsRemoved, "feature", language).tests(tests)
}
