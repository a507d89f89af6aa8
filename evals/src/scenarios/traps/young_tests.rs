/*!
The replay runs a test that is younger than the fault, or that no commit holds at all. The commit that adds the test is the
first at which the replay fails, and it only shows the fault.
*/

use super::Family;
use super::program::{EXPECT, Language};
use super::trap::{Outcome, Trap, write};

const SH: &str = ". ./till.sh\ngot=$(discounted 20000)\n[ \"$got\" = 18000 ] || {\n    echo \"discount of 20000: expected 18000, got \
                  $got\" >&2\n    exit 1\n}\n";
const PYTHON: &str = "import unittest\n\nimport till\n\n\nclass DiscountTest(unittest.TestCase):\n    def \
                      test_large_orders(self):\n        self.assertEqual(till.discounted(20000), 18000)\n";
const NODE: &str = "'use strict';\nconst test = require('node:test');\nconst assert = require('node:assert');\nconst till = \
                    require('../till.js');\n\ntest('large orders', () => assert.strictEqual(till.discounted(20000), \
                    18000));\n";
const PERL: &str = "use strict;\nuse warnings;\nuse lib 'lib';\nuse Test::More tests => 1;\nuse \
                    Till;\n\nis(Till::discounted(20000), 18000, 'large orders');\n";
const C: &str = "#include <stdio.h>\n#include \"../till.h\"\n\nint main(void)\n{\n    if (discounted(20000) == 18000)\n        \
                 return 0;\n    printf(\"discount of 20000: expected 18000, got %d\\n\", discounted(20000));\n    return \
                 1;\n}\n";

pub(super) fn traps() -> Vec<Trap> {
    let discount_c = "cc -o discount tests/discount.c till.c && ./discount";
    vec![
        on_top(Language::Sh, "tests/discount.sh", SH, "sh tests/discount.sh", 0),
        on_top(
            Language::Python,
            "tests/test_discount.py",
            PYTHON,
            "python3 -m unittest tests.test_discount",
            0,
        ),
        on_top(Language::Node, "tests/discount.test.js", NODE, "node --test tests/discount.test.js", 3),
        on_top(Language::C, "tests/discount.c", C, discount_c, 2),
        uncommitted(Language::Sh, "tests/discount.sh", SH, "sh tests/discount.sh"),
        uncommitted(Language::Perl, "t/discount.t", PERL, "prove t/discount.t"),
    ]
}

fn faulty(name: &str, language: Language, replay: &str, got: &str) -> Trap {
    Trap::of_till(Family::YoungTest, name, language)
        .with_discount_fault()
        .ticket("Large orders cost too much", got)
        .replay(replay)
        .replay_ends(Outcome::DoesNotPass, Outcome::DoesNotPass)
        .true_replay(&format!("{}{EXPECT}expect 184.90 total 100 200 DE", language.shell()))
        .true_tests(language.tests())
        .revert_passes_check(true)
}

const TOLD: &str = "The discount of an order of 200.00 is 2.00 since the last release. It was 20.00, so 180.00 should be left \
                    and 198.00 are: 18000 expected, 19800 shown. There is a test for it now.";

/// Committed after the fault, with `later` commits on top of it.
fn on_top(language: Language, path: &str, text: &str, replay: &str, later: usize) -> Trap {
    faulty("on-top", language, replay, TOLD)
        .commit("Test the discount of large orders", vec![write(path, text)])
        .noted(later)
}

/// In the working tree alone.
fn uncommitted(language: Language, path: &str, text: &str, replay: &str) -> Trap {
    faulty("uncommitted", language, replay, TOLD).uncommitted(path, text)
}
