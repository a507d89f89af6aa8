/*!
The smallest change that makes the replay pass repairs one of several things that the culprit broke: one of two functions, or
the default of an option but not the option. Or it restores an exception that was removed on purpose.
*/

use super::TrapFamily;
use super::program::TrapLanguage;
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
    language: TrapLanguage,
    files: &[(&str, &str)],
    shell: &str,
    tests: &str,
    full: (&str, &str),
    reduced: (&str, &str),
) -> Trap {
    let source = files.first().map_or("", |(path, _)| *path);
    let shell = format!("{shell}{VAT_SAME}");
    Trap::of_files(TrapFamily::HalfConstruct, "one-of-two-functions", language, files)
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
    let main = program!("one_of_two_java/Vat.java");
    let tests = program!("one_of_two_java/VatTest.java");
    one_of_two(
        TrapLanguage::Java,
        &[("Vat.java", main), ("VatTest.java", tests)],
        "javac -J-XX:TieredStopAtLevel=1 -d out Vat.java || exit 1\nvat() { java -cp out Vat \"$@\"; }\n",
        "javac -J-XX:TieredStopAtLevel=1 -d out Vat.java VatTest.java && java -cp out VatTest",
        ("return (amount * 19 + 50) / 100;", "return amount * 19 / 100;"),
        ("return (amount * 7 + 50) / 100;", "return amount * 7 / 100;"),
    )
}

fn one_of_two_sh() -> Trap {
    let main = program!("one_of_two_sh/vat.sh");
    let tests = program!("one_of_two_sh/run.sh");
    one_of_two(
        TrapLanguage::Sh,
        &[("vat.sh", main), ("tests/run.sh", tests)],
        "vat() { sh vat.sh \"$@\"; }\n",
        "sh tests/run.sh",
        ("echo $((($1 * 19 + 50) / 100))", "echo $(($1 * 19 / 100))"),
        ("echo $((($1 * 7 + 50) / 100))", "echo $(($1 * 7 / 100))"),
    )
}

fn one_of_two_node() -> Trap {
    let main = program!("one_of_two_node/vat.js");
    let tests = program!("one_of_two_node/vat.test.js");
    one_of_two(
        TrapLanguage::Node,
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

/// The places that read and use the option, before and after the culprit.
fn option_without_effect(
    language: TrapLanguage,
    files: &[(&str, &str)],
    shell: &str,
    tests: &str,
    read: (&str, &str),
    used: (&str, &str),
) -> Trap {
    let source = files.first().map_or("", |(path, _)| *path);
    let shell = format!("{shell}{DIGITS_SAME}");
    Trap::of_files(TrapFamily::HalfConstruct, "option-without-effect", language, files)
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
    let main = program!("option_node/print.js");
    let tests = program!("option_node/print.test.js");
    option_without_effect(
        TrapLanguage::Node,
        &[("print.js", main), ("tests/print.test.js", tests)],
        "print() { node print.js \"$@\"; }\n",
        "node --test tests/",
        ("out.digits = Number(word.slice(9));", "out.places = Number(word.slice(9));"),
        ("amount.toFixed(chosen.digits ?? 2);", "amount.toFixed(chosen.places);"),
    )
}

fn option_perl() -> Trap {
    let main = program!("option_perl/print.pl");
    let tests = program!("option_perl/print.t");
    option_without_effect(
        TrapLanguage::Perl,
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
    let main = program!("exception_put_back/amount.js");
    let tests = program!("exception_put_back/amount.test.js");
    let own = program!("exception_put_back/nothing.test.js");
    let old = "  if (text === '') throw new RangeError('no amount');\n  return Math.round(Number(text.replace(',', '.')) * 100);";
    let new = "  return Math.round(Number(text || 0) * 100);";
    let right = "  return Math.round(Number((text || '0').replace(',', '.')) * 100);";
    let shell = "same() { got=$(node amount.js \"$1\") || exit 1; [ \"$got\" = \"$2\" ] || { echo \"$1: expected $2, got $got\" >&2; exit \
                 1; }; }\n";
    Trap::of_files(
        TrapFamily::HalfConstruct,
        "exception-put-back",
        TrapLanguage::Node,
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
