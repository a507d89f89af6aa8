/*!
A test of the project fails by chance. This must not count against a right fix. It also must not hide that another test fails
with a wrong fix, or that the flaky test now always fails.
*/

use super::TrapFamily;
use super::grouping::{grouped, grouped_with_own_test};
use super::program::TrapLanguage;
use super::trap::{Trap, replace, write};

pub(super) fn traps() -> Vec<Trap> {
    vec![right_fix_python(), right_fix_perl(), hides_a_failure(), fails_always()]
}

fn right_fix_python() -> Trap {
    let flaky = "import os\nimport unittest\n\n\nclass PrinterTest(unittest.TestCase):\n    def \
                 test_printer_answers(self):\n        self.assertLess(os.urandom(1)[0], 128)\n";
    Trap::of_till(TrapFamily::FlakyTests, "right-fix", TrapLanguage::Python)
        .commit("Test the printer", vec![write("tests/test_printer.py", flaky)])
        .with_discount_fault()
        .tests("python3 -m unittest discover -v -s tests -t .")
        .true_tests(TrapLanguage::Python.tests())
        .revert_passes_check(true)
}

fn right_fix_perl() -> Trap {
    let flaky = "use strict;\nuse warnings;\nuse Test::More tests => 1;\n\nok(rand() < 0.5, 'the printer answers');\n";
    Trap::of_till(TrapFamily::FlakyTests, "right-fix", TrapLanguage::Perl)
        .commit("Test the printer", vec![write("t/printer.t", flaky)])
        .with_discount_fault()
        .true_tests("prove -v t/till.t")
        .revert_passes_check(true)
}

/// One test fails by chance, and the revert breaks another test.
fn hides_a_failure() -> Trap {
    let flaky =
        "check \"the printer answers\" \"$(($(od -An -N1 -tu1 /dev/urandom) % 2))\" 0\necho \"1..$count\"";
    grouped(TrapFamily::FlakyTests, "hides-a-failure", TrapLanguage::Sh)
        .commit("Test the printer", vec![replace("tests/run.sh", "echo \"1..$count\"", flaky)])
        .noted(1)
        .true_tests("sh tests/run.sh >out.txt; grep -q '^ok .* thousands are grouped' out.txt")
}

/// One test fails in one of three runs by chance, and in all runs with the revert.
fn fails_always() -> Trap {
    grouped_with_own_test(TrapFamily::FlakyTests, "fails-always", TrapLanguage::Node)
        .commit(
            "Test the grouping over the network",
            vec![replace(
                "tests/grouping.test.js",
                "() => assert.strictEqual(till.money(180490), '1,804.90')",
                "() => {\n  assert.ok(Math.random() < 0.67, 'no answer');\n  assert.strictEqual(till.money(180490), \
                 '1,804.90');\n}",
            )],
        )
        .noted(1)
        .tests("node --test tests/")
}
