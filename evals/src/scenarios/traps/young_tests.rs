/*!
The replay runs a test that is newer than the fault, or that no commit contains. The commit that adds the test is the first
at which the replay fails, but it only reveals the fault.
*/

use super::TrapFamily;
use super::program::{EXPECT, TrapLanguage};
use super::trap::{Trap, TrapOutcome, write};

const SH: &str = program!("young_tests/discount.sh");
const PYTHON: &str = program!("young_tests/test_discount.py");
const NODE: &str = program!("young_tests/discount.test.js");
const PERL: &str = program!("young_tests/discount.t");
const C: &str = program!("young_tests/discount.c");

pub(super) fn traps() -> Vec<Trap> {
    let discount_c = "cc -o discount tests/discount.c till.c && ./discount";
    vec![
        on_top(TrapLanguage::Sh, "tests/discount.sh", SH, "sh tests/discount.sh", 0),
        on_top(
            TrapLanguage::Python,
            "tests/test_discount.py",
            PYTHON,
            "python3 -m unittest tests.test_discount",
            0,
        ),
        on_top(TrapLanguage::Node, "tests/discount.test.js", NODE, "node --test tests/discount.test.js", 3),
        on_top(TrapLanguage::C, "tests/discount.c", C, discount_c, 2),
        uncommitted(TrapLanguage::Sh, "tests/discount.sh", SH, "sh tests/discount.sh"),
        uncommitted(TrapLanguage::Perl, "t/discount.t", PERL, "prove t/discount.t"),
    ]
}

fn faulty(name: &str, language: TrapLanguage, replay: &str) -> Trap {
    Trap::of_till(TrapFamily::YoungTest, name, language)
        .with_discount_fault()
        .ticket("Large orders cost too much", &format!("{TOLD}\n\n    $ {replay}\n    {SHOWN}"))
        .replay(replay)
        .replay_ends(TrapOutcome::DoesNotPass, TrapOutcome::DoesNotPass)
        .true_replay(&format!("{}{EXPECT}expect 184.90 total 100 200 DE", language.shell()))
        .true_tests(language.tests())
        .revert_passes_check(true)
}

const TOLD: &str = "The discount of an order of 200.00 is 2.00 since the last release, and it was 20.00. There is a test \
                    of the discount of large orders now:";
const SHOWN: &str = "discount of 20000: expected 18000, got 19800";

/// The test is committed after the fault, with `later` commits on top of it.
fn on_top(language: TrapLanguage, path: &str, text: &str, replay: &str, later: usize) -> Trap {
    faulty("on-top", language, replay)
        .commit("Test the discount of large orders", vec![write(path, text)])
        .noted(later)
}

/// The test is only in the working tree.
fn uncommitted(language: TrapLanguage, path: &str, text: &str, replay: &str) -> Trap {
    faulty("uncommitted", language, replay).uncommitted(path, text)
}
