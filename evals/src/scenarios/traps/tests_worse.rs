/*!
The culprit adds a feature and a fault in one line, and a later commit adds the feature's tests. The revert repairs the
failure and breaks the feature, so a test fails that passed before. The output hides this: twenty megabytes of trace around
the line, the same number of failures as before, or only an exit status.
*/

use super::TrapFamily;
use super::grouping::grouped;
use super::program::TrapLanguage;
use super::trap::{Trap, write};

pub(super) fn traps() -> Vec<Trap> {
    vec![
        long_output(),
        replaced("replaced", TrapLanguage::Sh, "sh tests/run.sh | grep -v '^#'; sh tests/run.sh >/dev/null"),
        replaced(
            "replaced",
            TrapLanguage::Node,
            "node --test --test-reporter=tap tests/ >out.txt; grep '^# [pf]a' out.txt; grep -q '^# fail 0' out.txt",
        ),
        ending_alike(),
        replaced("numbers-only", TrapLanguage::Perl, "prove -Q t 2>/dev/null"),
        replaced(
            "status-only",
            TrapLanguage::Java,
            "(javac -J-XX:TieredStopAtLevel=1 -d out Till.java TillTest.java && java -cp out TillTest) >out.txt 2>&1 || { echo 'There are failures.'; exit 1; }",
        ),
    ]
}

/// The revert removes one failure and causes another.
fn replaced(name: &str, language: TrapLanguage, tests: &str) -> Trap {
    grouped(TrapFamily::TestsWorse, name, language).tests(tests)
}

/// Ten megabytes of trace before and after the results, and an old failure at the end.
fn long_output() -> Trap {
    let runner = program!("long_output/run_tests.py");
    grouped(TrapFamily::TestsWorse, "long-output", TrapLanguage::Python)
        .commit("Trace the tests", vec![write("run_tests.py", runner)])
        .noted(1)
        .tests("python3 run_tests.py")
}

/// Thousands of results follow the relevant one, and the last line stays the same.
fn ending_alike() -> Trap {
    let more = program!("ending_alike/rows.c");
    grouped(TrapFamily::TestsWorse, "ending-alike", TrapLanguage::C)
        .commit("Test every row", vec![write("tests/rows.c", more)])
        .noted(1)
        .tests("cc -o run-tests tests/tests.c till.c && cc -o rows tests/rows.c || exit 2\n./run-tests | grep -v '^1'; ./rows")
}
