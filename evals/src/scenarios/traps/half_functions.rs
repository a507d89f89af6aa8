/*!
The fewest lines that make the replay pass repair one of several things that the culprit broke: one of two functions, an
option's default without the option, an exception that was put back although it had been removed on purpose.
*/

use super::Family;
use super::program::Language;
use super::trap::{Trap, replace, write};

pub(super) fn traps() -> Vec<Trap> {
    vec![
        one_of_two_java(),
        one_of_two_sh(),
        one_of_two_node(),
        option_node(),
        option_perl(),
        exception_put_back(),
    ]
}

const VAT_TICKET: (&str, &str) = (
    "Tax is a cent too low",
    "The tax on 0.50 is 9 since the last release, it should be 10:\n\n    full 50: expected 10, got 9",
);
const VAT_SAME: &str = "same() { got=$(vat \"$1\" \"$2\") || exit 1; [ \"$got\" = \"$3\" ] || { echo \"$1 $2: expected $3, got $got\" >&2; \
                        exit 1; }; }\n";
const VAT_CHECK: &str =
    "same full 50 10; same reduced 50 4; same full 100 19; same reduced 100 7; same reduced 250 18\n";

/// `full` and `reduced` are the lines of the two functions, before and after the culprit.
fn one_of_two(
    language: Language,
    files: &[(&str, &str)],
    shell: &str,
    tests: &str,
    full: (&str, &str),
    reduced: (&str, &str),
) -> Trap {
    let source = files.first().map_or("", |(path, _)| *path);
    let shell = format!("{shell}{VAT_SAME}");
    Trap::of_files(Family::HalfConstruct, "one-of-two-functions", language, files)
        .culprit(
            "Cut the tax to whole cents",
            vec![replace(source, full.0, full.1), replace(source, reduced.0, reduced.1)],
        )
        .noted(3)
        .ticket(VAT_TICKET.0, VAT_TICKET.1)
        .replay(&format!("{shell}same full 50 10"))
        .tests(tests)
        .check(&format!("{shell}{VAT_CHECK}"))
        .right_fix(vec![replace(source, full.1, full.0), replace(source, reduced.1, reduced.0)])
        .wrong_fix(vec![replace(source, full.1, full.0)])
        .revert_passes_check(true)
}

fn one_of_two_java() -> Trap {
    let main = "/** Tax of an amount in cents: java Vat full|reduced AMOUNT */\npublic class Vat {\n    static int full(int amount) \
                {\n        return (amount * 19 + 50) / 100;\n    }\n\n    static int reduced(int amount) {\n        return (amount * \
                7 + 50) / 100;\n    }\n\n    public static void main(String[] arguments) {\n        int amount = \
                Integer.parseInt(arguments[1]);\n        System.out.println(arguments[0].equals(\"full\") ? full(amount) : \
                reduced(amount));\n    }\n}\n";
    let tests = "public class VatTest {\n    public static void main(String[] arguments) {\n        boolean holds = Vat.full(100) == 19 \
                 && Vat.reduced(100) == 7;\n        System.out.println((holds ? \"ok\" : \"not ok\") + \" 1 - tax of \
                 1.00\\n1..1\");\n        System.exit(holds ? 0 : 1);\n    }\n}\n";
    one_of_two(
        Language::Java,
        &[("Vat.java", main), ("VatTest.java", tests)],
        "javac -d out Vat.java || exit 1\nvat() { java -cp out Vat \"$@\"; }\n",
        "javac -d out Vat.java VatTest.java && java -cp out VatTest",
        ("return (amount * 19 + 50) / 100;", "return amount * 19 / 100;"),
        ("return (amount * 7 + 50) / 100;", "return amount * 7 / 100;"),
    )
}

fn one_of_two_sh() -> Trap {
    let main = "# Tax of an amount in cents: sh vat.sh full|reduced AMOUNT\nfull() {\n    echo $((($1 * 19 + 50) / \
                100))\n}\n\nreduced() {\n    echo $((($1 * 7 + 50) / 100))\n}\n\n\"$1\" \"$2\"\n";
    let tests = "[ \"$(sh vat.sh full 100)\" = 19 ] && [ \"$(sh vat.sh reduced 100)\" = 7 ] || {\n    echo 'not ok 1 - tax of \
                 1.00'\n    exit 1\n}\necho 'ok 1 - tax of 1.00'\necho '1..1'\n";
    one_of_two(
        Language::Sh,
        &[("vat.sh", main), ("tests/run.sh", tests)],
        "vat() { sh vat.sh \"$@\"; }\n",
        "sh tests/run.sh",
        ("echo $((($1 * 19 + 50) / 100))", "echo $(($1 * 19 / 100))"),
        ("echo $((($1 * 7 + 50) / 100))", "echo $(($1 * 7 / 100))"),
    )
}

fn one_of_two_node() -> Trap {
    let main = "'use strict';\n// Tax of an amount in cents: node vat.js full|reduced AMOUNT\n\nfunction full(amount) {\n  return \
                Math.round(amount * 0.19);\n}\n\nfunction reduced(amount) {\n  return Math.round(amount * \
                0.07);\n}\n\nmodule.exports = { full, reduced };\nif (require.main === module) \
                console.log(module.exports[process.argv[2]](Number(process.argv[3])));\n";
    let tests = "'use strict';\nconst test = require('node:test');\nconst assert = require('node:assert');\nconst vat = \
                 require('../vat.js');\n\ntest('tax of nothing', () => assert.deepStrictEqual([vat.full(0), vat.reduced(0)], [0, \
                 0]));\n";
    one_of_two(
        Language::Node,
        &[("vat.js", main), ("tests/vat.test.js", tests)],
        "vat() { node vat.js \"$@\"; }\n",
        "node --test tests/",
        ("return Math.round(amount * 0.19);", "return Math.floor(amount * 0.19);"),
        ("return Math.round(amount * 0.07);", "return Math.floor(amount * 0.07);"),
    )
}

const DIGITS_TICKET: (&str, &str) = (
    "Amounts are printed without cents",
    "12.5 is printed as 13 since the last release, it should be 12.50:\n\n    12.5: expected 12.50, got 13",
);
const DIGITS_SAME: &str = "same() { want=$1; shift; got=$(print \"$@\") || exit 1; [ \"$got\" = \"$want\" ] || { echo \"$*: expected \
                           $want, got $got\" >&2; exit 1; }; }\n";
const DIGITS_CHECK: &str = "same 12.50 12.5; same 12.500 12.5 --digits=3; same 12.5 12.5 --digits=1; same 7.0000 7 --digits=4; same 7.00 7\n";

/// Where the option is read and where it is used, before and after the culprit.
fn option_without_effect(
    language: Language,
    files: &[(&str, &str)],
    shell: &str,
    tests: &str,
    read: (&str, &str),
    used: (&str, &str),
) -> Trap {
    let source = files.first().map_or("", |(path, _)| *path);
    let shell = format!("{shell}{DIGITS_SAME}");
    Trap::of_files(Family::HalfConstruct, "option-without-effect", language, files)
        .culprit("Call digits places", vec![replace(source, read.0, read.1), replace(source, used.0, used.1)])
        .noted(3)
        .ticket(DIGITS_TICKET.0, DIGITS_TICKET.1)
        .replay(&format!("{shell}same 12.50 12.5"))
        .tests(tests)
        .check(&format!("{shell}{DIGITS_CHECK}"))
        .right_fix(vec![replace(source, read.1, read.0), replace(source, used.1, used.0)])
        .wrong_fix(vec![replace(source, used.1, used.0)])
        .revert_passes_check(true)
}

fn option_node() -> Trap {
    let main = "'use strict';\n// Prints an amount: node print.js AMOUNT [--digits=N]\n\nfunction options(words) {\n  const out = \
                {};\n  for (const word of words) {\n    if (word.startsWith('--digits=')) out.digits = \
                Number(word.slice(9));\n  }\n  return out;\n}\n\nfunction print(amount, chosen) {\n  return \
                amount.toFixed(chosen.digits ?? 2);\n}\n\nmodule.exports = { options, print };\nif (require.main === module) \
                console.log(print(Number(process.argv[2]), options(process.argv.slice(3))));\n";
    let tests = "'use strict';\nconst test = require('node:test');\nconst assert = require('node:assert');\nconst { options } = \
                 require('../print.js');\n\ntest('no options', () => assert.deepStrictEqual(options([]), {}));\n";
    option_without_effect(
        Language::Node,
        &[("print.js", main), ("tests/print.test.js", tests)],
        "print() { node print.js \"$@\"; }\n",
        "node --test tests/",
        ("out.digits = Number(word.slice(9));", "out.places = Number(word.slice(9));"),
        ("amount.toFixed(chosen.digits ?? 2);", "amount.toFixed(chosen.places);"),
    )
}

fn option_perl() -> Trap {
    let main = "# Prints an amount: perl print.pl AMOUNT [--digits=N]\nuse strict;\nuse warnings;\n\nmy %chosen;\nmy ($amount, @words) = \
                @ARGV;\nfor my $word (@words) {\n    $chosen{digits} = $1 if $word =~ /^--digits=(\\d+)$/;\n}\n# Cents are \
                printed unless something else is asked for.\nmy $digits = $chosen{digits} // 2;\nprintf \"%.${digits}f\\n\", \
                $amount;\n";
    let tests = "use strict;\nuse warnings;\nuse Test::More tests => 1;\n\nlike(`perl print.pl 7`, qr/^7/, 'whole amounts');\n";
    option_without_effect(
        Language::Perl,
        &[("print.pl", main), ("t/print.t", tests)],
        "print() { perl print.pl \"$@\"; }\n",
        "prove -v t",
        ("    $chosen{digits} = $1 if", "    $chosen{places} = $1 if"),
        ("my $digits = $chosen{digits} // 2;", "my $digits = $chosen{places} // 0;"),
    )
    .ticket(
        "Amounts are printed without cents",
        "12.5 is printed as 12 since the last release, it should be 12.50:\n\n    12.5: \
             expected 12.50, got 12",
    )
}

/// The culprit removed an exception on purpose, with a test for it, and broke something else in the same lines.
fn exception_put_back() -> Trap {
    let main = "'use strict';\n// Reads an amount: node amount.js TEXT\n\nfunction amount(text) {\n  if (text === '') throw new \
                RangeError('no amount');\n  return Math.round(Number(text.replace(',', '.')) * 100);\n}\n\nmodule.exports = { \
                amount };\nif (require.main === module) console.log(amount(process.argv[2]));\n";
    let tests = "'use strict';\nconst test = require('node:test');\nconst assert = require('node:assert');\nconst { amount } = \
                 require('../amount.js');\n\ntest('whole amounts', () => assert.strictEqual(amount('12'), 1200));\n";
    let own = "'use strict';\nconst test = require('node:test');\nconst assert = require('node:assert');\nconst { amount } = \
               require('../amount.js');\n\ntest('nothing is zero', () => assert.strictEqual(amount(''), 0));\n";
    let old = "  if (text === '') throw new RangeError('no amount');\n  return Math.round(Number(text.replace(',', '.')) * 100);";
    let new = "  return Math.round(Number(text || 0) * 100);";
    let right = "  return Math.round(Number((text || '0').replace(',', '.')) * 100);";
    let shell = "same() { got=$(node amount.js \"$1\") || exit 1; [ \"$got\" = \"$2\" ] || { echo \"$1: expected $2, got $got\" >&2; exit \
                 1; }; }\n";
    Trap::of_files(
        Family::HalfConstruct,
        "exception-put-back",
        Language::Node,
        &[("amount.js", main), ("tests/amount.test.js", tests)],
    )
    .culprit("Take nothing for zero", vec![replace("amount.js", old, new), write("tests/nothing.test.js", own)])
    .noted(3)
    .ticket(
        "Amounts with a comma are not read",
        "The amount 12,50 is read as NaN since the last release, it should be 1250:\n\n    12,50: expected 1250, got NaN",
    )
    .replay(&format!("{shell}same 12,50 1250"))
    .tests("node --test tests/")
    .true_tests(&format!("{shell}same '' 0"))
    .check(&format!("{shell}same 12,50 1250; same '' 0; same 12 1200; same 0,5 50"))
    .right_fix(vec![replace("amount.js", new, right)])
    .wrong_fix(vec![replace("amount.js", new, old)])
    .revert_passes_check(false)
}
