/*!
The smallest change that makes the replay pass is half of a construct: the body of a removed `if` without its condition, one
of two parts that need each other, a key that then occurs twice. Inputs near the replay's own input break. The project's
tests run and pass, because they cover little.
*/

use super::TrapFamily;
use super::program::TrapLanguage;
use super::trap::{Trap, TrapEdit, replace};

pub(super) fn traps() -> Vec<Trap> {
    vec![
        half_if_c(),
        half_if_awk(),
        half_if_java(),
        half_if_node(),
        half_if_sh(),
        undefined_variable(),
        key_twice_perl(),
        key_twice_python(),
        unreachable_code(),
        two_parts_sh(),
        two_parts_c(),
    ]
}

/// The parts of each such trap: a program, its culprit, and the half of the revert that is enough for the replay.
struct Half<'a> {
    name: &'a str,
    language: TrapLanguage,
    files: &'a [(&'a str, &'a str)],
    subject: &'a str,
    culprit: Vec<TrapEdit>,
    /// Restores only what the replay needs.
    half: Vec<TrapEdit>,
    /// Restores everything.
    whole: Vec<TrapEdit>,
    ticket: (&'a str, &'a str),
    replay: &'a str,
    tests: &'a str,
    check: &'a str,
}

fn trap(half: Half<'_>) -> Trap {
    Trap::of_files(TrapFamily::HalfConstruct, half.name, half.language, half.files)
        .culprit(half.subject, half.culprit)
        .noted(3)
        .ticket(half.ticket.0, half.ticket.1)
        .replay(half.replay)
        .tests(half.tests)
        .check(half.check)
        .right_fix(half.whole)
        .wrong_fix(half.half)
        .revert_passes_check(true)
}

const KIND_TICKET: (&str, &str) = (
    "Text with a bar is taken for a table",
    "The line `a|b` is shown as a table since the last release. It is a paragraph, because a row of a table ends in a \
     bar:\n\n    a|b: expected paragraph, got table",
);

const KIND_CHECK: &str = "same() { got=$(kind \"$1\") || exit 1; [ \"$got\" = \"$2\" ] || { echo \"$1: expected $2, got $got\" >&2; \
                          exit 1; }; }\nsame 'a|b' paragraph; same '|a|b|' table; same 'x' paragraph; same '|' table; same 'a|b|c' \
                          paragraph; same '|1|2|3|' table\n";

const KIND_REPLAY: &str = "got=$(kind 'a|b') || exit 1; [ \"$got\" = paragraph ] || { echo \"a|b: expected paragraph, got $got\" >&2; \
                           exit 1; }\n";

fn half_if_c() -> Trap {
    let condition = "    if (line[strlen(line) - 1] != '|')\n        return \"paragraph\";\n";
    let main = program!("half_if_c/kind.c");
    let tests = program!("half_if_c/tests.c");
    let shell = "cc -o kind kind.c || exit 1\nkind() { ./kind \"$1\"; }\n";
    let bare = "        return \"paragraph\";\n    return \"table\";";
    trap(Half {
        name: "half-if",
        language: TrapLanguage::C,
        files: &[("kind.c", main), ("tests/tests.c", tests)],
        subject: "Rows need no bar at their end",
        culprit: vec![replace("kind.c", condition, "")],
        half: vec![replace("kind.c", "    return \"table\";", bare)],
        whole: vec![replace("kind.c", "    return \"table\";", &format!("{condition}    return \"table\";"))],
        ticket: KIND_TICKET,
        replay: &format!("{shell}{KIND_REPLAY}"),
        tests: "cc -o run-tests tests/tests.c && ./run-tests",
        check: &format!("{shell}{KIND_CHECK}"),
    })
}

/// The tests print a result and run nothing.
fn half_if_awk() -> Trap {
    let condition = "    if (substr(line, length(line)) != \"|\")\n        return \"paragraph\"\n";
    let main = program!("half_if_awk/kind.awk");
    let tests = program!("half_if_awk/run.sh");
    let shell = "kind() { printf '%s\\n' \"$1\" | awk -f kind.awk; }\n";
    trap(Half {
        name: "half-if",
        language: TrapLanguage::Awk,
        files: &[("kind.awk", main), ("tests/run.sh", tests)],
        subject: "Rows need no bar at their end",
        culprit: vec![replace("kind.awk", condition, "")],
        half: vec![replace(
            "kind.awk",
            "    return \"table\"",
            "        return \"paragraph\"\n    return \"table\"",
        )],
        whole: vec![replace("kind.awk", "    return \"table\"", &format!("{condition}    return \"table\""))],
        ticket: KIND_TICKET,
        replay: &format!("{shell}{KIND_REPLAY}"),
        tests: "sh tests/run.sh",
        check: &format!("{shell}{KIND_CHECK}"),
    })
}

fn half_if_node() -> Trap {
    let condition = "  if (!line.endsWith('|'))\n    return 'paragraph';\n";
    let main = program!("half_if_node/kind.js");
    let tests = program!("half_if_node/kind.test.js");
    let shell = "kind() { node kind.js \"$1\"; }\n";
    trap(Half {
        name: "half-if",
        language: TrapLanguage::Node,
        files: &[("kind.js", main), ("tests/kind.test.js", tests)],
        subject: "Rows need no bar at their end",
        culprit: vec![replace("kind.js", condition, "")],
        half: vec![replace("kind.js", "  return 'table';", "    return 'paragraph';\n  return 'table';")],
        whole: vec![replace("kind.js", "  return 'table';", &format!("{condition}  return 'table';"))],
        ticket: KIND_TICKET,
        replay: &format!("{shell}{KIND_REPLAY}"),
        tests: "node --test tests/",
        check: &format!("{shell}{KIND_CHECK}"),
    })
}

const CAP_TICKET: (&str, &str) = (
    "Heavy parcels cost too much",
    "A parcel of 700 costs 1400 since the last release. Postage is never more than 900:\n\n    700: expected 900, got 1400",
);
const CAP_REPLAY: &str = "got=$(price 700) || exit 1; [ \"$got\" = 900 ] || { echo \"700: expected 900, got $got\" >&2; exit 1; }\n";
const CAP_CHECK: &str = "same() { got=$(price \"$1\") || exit 1; [ \"$got\" = \"$2\" ] || { echo \"$1: expected $2, got $got\" >&2; \
                         exit 1; }; }\nsame 700 900; same 100 200; same 450 900; same 451 900; same 0 0; same 1000 900\n";

fn half_if_java() -> Trap {
    let condition = "        if (price > 900)\n            price = 900;\n";
    let main = program!("half_if_java/Postage.java");
    let tests = program!("half_if_java/PostageTest.java");
    let shell = "javac -J-XX:TieredStopAtLevel=1 -d out Postage.java || exit 1\nprice() { java -cp out Postage \"$1\"; }\n";
    trap(Half {
        name: "half-if",
        language: TrapLanguage::Java,
        files: &[("Postage.java", main), ("PostageTest.java", tests)],
        subject: "Postage is what the weight says",
        culprit: vec![replace("Postage.java", condition, "")],
        half: vec![replace(
            "Postage.java",
            "        return price;",
            "            price = 900;\n        return price;",
        )],
        whole: vec![replace(
            "Postage.java",
            "        return price;",
            &format!("{condition}        return price;"),
        )],
        ticket: CAP_TICKET,
        replay: &format!("{shell}{CAP_REPLAY}"),
        tests: "javac -J-XX:TieredStopAtLevel=1 -d out Postage.java PostageTest.java && java -cp out PostageTest",
        check: &format!("{shell}{CAP_CHECK}"),
    })
}

fn half_if_sh() -> Trap {
    let condition = "    [ \"$price\" -le 900 ] ||\n        price=900\n";
    let main = program!("half_if_sh/postage.sh");
    let tests = program!("half_if_sh/run.sh");
    let shell = "price() { sh postage.sh \"$1\"; }\n";
    trap(Half {
        name: "half-if",
        language: TrapLanguage::Sh,
        files: &[("postage.sh", main), ("tests/run.sh", tests)],
        subject: "Postage is what the weight says",
        culprit: vec![replace("postage.sh", condition, "")],
        half: vec![replace("postage.sh", "    echo \"$price\"", "        price=900\n    echo \"$price\"")],
        whole: vec![replace("postage.sh", "    echo \"$price\"", &format!("{condition}    echo \"$price\""))],
        ticket: CAP_TICKET,
        replay: &format!("{shell}{CAP_REPLAY}"),
        tests: "sh tests/run.sh",
        check: &format!("{shell}{CAP_CHECK}"),
    })
}

fn undefined_variable() -> Trap {
    let main = program!("undefined_variable/postage.py");
    let tests = program!("undefined_variable/test_postage.py");
    let (first, last) =
        ("    surcharge = weight // 10\n", "    return base if country == \"DE\" else base + surcharge");
    let faulty = "    return base + weight // 10";
    let shell = "same() { got=$(python3 postage.py \"$1\" \"$2\") || exit 1; [ \"$got\" = \"$3\" ] || { echo \"$1 to $2: expected $3, \
                 got $got\" >&2; exit 1; }; }\n";
    trap(Half {
        name: "undefined-variable",
        language: TrapLanguage::Python,
        files: &[("postage.py", main), ("tests/__init__.py", ""), ("tests/test_postage.py", tests)],
        subject: "Charge for weight in one place",
        culprit: vec![replace("postage.py", first, ""), replace("postage.py", last, faulty)],
        half: vec![replace("postage.py", faulty, last)],
        whole: vec![
            replace("postage.py", faulty, last),
            replace("postage.py", "    base = 400\n", &format!("{first}    base = 400\n")),
        ],
        ticket: (
            "Letters within Germany got dearer",
            "Postage of 500 within Germany is 450 since the last release, it should be 400:\n\n    500 to DE: expected 400, got 450",
        ),
        replay: &format!("{shell}same 500 DE 400"),
        tests: "python3 -m unittest -v tests.test_postage",
        check: &format!(
            "{shell}same 500 DE 400; same 500 AT 450; same 2000 DE 700; same 2000 AT 900; same 0 FR 400"
        ),
    })
}

const COUNTRIES_TICKET: (&str, &str) = (
    "Postage to Austria is wrong",
    "Postage to Austria is 980 since the last release, it should be 890:\n\n    AT: expected 890, got 980",
);
const COUNTRIES_CHECK: &str = "same() { got=$(postage \"$1\") || exit 1; [ \"$got\" = \"$2\" ] || { echo \"$1: expected $2, got $got\" \
                               >&2; exit 1; }; }\nsame AT 890; same DE 490; same FR 1190\n[ \"$(postage list | grep -c AT)\" = 1 ] || \
                               { echo 'list: AT is not listed once' >&2; exit 1; }\n";
const COUNTRIES_REPLAY: &str = "got=$(postage AT) || exit 1; [ \"$got\" = 890 ] || { echo \"AT: expected 890, got $got\" >&2; exit 1; }\n";

fn key_twice_perl() -> Trap {
    let main = program!("key_twice_perl/postage.pl");
    let tests = program!("key_twice_perl/postage.t");
    let shell = "postage() { perl postage.pl \"$1\"; }\n";
    let (moved, back) = ("my @POSTAGE = (\n    AT => 980,\n", "    FR => 1190,\n    AT => 890,\n");
    trap(Half {
        name: "key-twice",
        language: TrapLanguage::Perl,
        files: &[("postage.pl", main), ("t/postage.t", tests)],
        subject: "Sort countries by their names",
        culprit: vec![
            replace("postage.pl", back, "    FR => 1190,\n"),
            replace("postage.pl", "my @POSTAGE = (\n", moved),
        ],
        half: vec![replace("postage.pl", "    FR => 1190,\n", back)],
        whole: vec![
            replace("postage.pl", "    FR => 1190,\n", back),
            replace("postage.pl", moved, "my @POSTAGE = (\n"),
        ],
        ticket: COUNTRIES_TICKET,
        replay: &format!("{shell}{COUNTRIES_REPLAY}"),
        tests: "prove -v t",
        check: &format!("{shell}{COUNTRIES_CHECK}"),
    })
}

fn key_twice_python() -> Trap {
    let main = program!("key_twice_python/postage.py");
    let tests = program!("key_twice_python/test_postage.py");
    let shell = "postage() { python3 postage.py \"$1\"; }\n";
    let (moved, back) = ("POSTAGE = [\n    (\"AT\", 980),\n", "    (\"FR\", 1190),\n    (\"AT\", 890),\n");
    trap(Half {
        name: "key-twice",
        language: TrapLanguage::Python,
        files: &[("postage.py", main), ("tests/__init__.py", ""), ("tests/test_postage.py", tests)],
        subject: "Sort countries by their names",
        culprit: vec![
            replace("postage.py", back, "    (\"FR\", 1190),\n"),
            replace("postage.py", "POSTAGE = [\n", moved),
        ],
        half: vec![replace("postage.py", "    (\"FR\", 1190),\n", back)],
        whole: vec![
            replace("postage.py", "    (\"FR\", 1190),\n", back),
            replace("postage.py", moved, "POSTAGE = [\n"),
        ],
        ticket: COUNTRIES_TICKET,
        replay: &format!("{shell}{COUNTRIES_REPLAY}"),
        tests: "python3 -m unittest -v tests.test_postage",
        check: &format!("{shell}{COUNTRIES_CHECK}"),
    })
}

/// The old line is before the new lines, which then never run. The hidden check reads the syntax tree.
fn unreachable_code() -> Trap {
    let main = program!("unreachable_code/rounding.py");
    let tests = program!("unreachable_code/test_rounding.py");
    let old = "    return (amount + 5) // 10 * 10\n";
    let new = "    rest = amount % 10\n    if rest > 5:\n        return amount - rest + 10\n    return amount - rest\n";
    let half = "    return (amount + 5) // 10 * 10\n    if rest > 5:\n        return amount - rest + 10\n    return amount - rest\n";
    let shell = "same() { got=$(python3 rounding.py \"$1\") || exit 1; [ \"$got\" = \"$2\" ] || { echo \"$1: expected $2, got $got\" \
                 >&2; exit 1; }; }\n";
    let reachable = "same 45 50; same 44 40; same 46 50; same 40 40\npython3 - <<'END'\nimport ast\nfor node in \
                     ast.walk(ast.parse(open('rounding.py').read())):\n    for statement in getattr(node, 'body', [])[:-1] if \
                     isinstance(node, ast.FunctionDef) else []:\n        assert not isinstance(statement, ast.Return), \
                     'unreachable code after line %d' % statement.lineno\nEND\n";
    trap(Half {
        name: "unreachable-code",
        language: TrapLanguage::Python,
        files: &[("rounding.py", main), ("tests/__init__.py", ""), ("tests/test_rounding.py", tests)],
        subject: "Say how sums are rounded",
        culprit: vec![replace("rounding.py", old, new)],
        half: vec![replace("rounding.py", new, half)],
        whole: vec![replace("rounding.py", new, old)],
        ticket: (
            "Sums are rounded down in the middle",
            "45 is rounded to 40 since the last release, it should be 50:\n\n    45: expected 50, got 40",
        ),
        replay: &format!("{shell}same 45 50"),
        tests: "python3 -m unittest -v tests.test_rounding",
        check: &format!("{shell}{reachable}"),
    })
}

const TWO_PARTS_TICKET: (&str, &str) = (
    "Normal parcels cost as much as express ones",
    "A normal parcel of 200 costs 300 since the last release, it should be 200:\n\n    200 normal: expected 200, got 300",
);
const TWO_PARTS_SAME: &str = "same() { got=$(price \"$1\" \"$2\") || exit 1; [ \"$got\" = \"$3\" ] || { echo \"$1 $2: expected $3, got \
                              $got\" >&2; exit 1; }; }\n";
const TWO_PARTS_CHECK: &str = "same 200 normal 200; same 200 express 300; same 50 normal 50; same 50 express 75; same 1000 express 1500\n";

/// The two parts are the place that sets a value and the place that uses it.
fn two_parts_sh() -> Trap {
    let main = program!("two_parts_sh/price.sh");
    let (first, last) = ("[ \"$2\" != express ] || factor=150\n", "echo $(($1 * factor / 100))\n");
    let faulty = "echo $(($1 * 150 / 100))\n";
    let shell = format!("price() {{ sh price.sh \"$@\"; }}\n{TWO_PARTS_SAME}");
    let tests = program!("two_parts_sh/run.sh");
    trap(Half {
        name: "two-parts",
        language: TrapLanguage::Sh,
        files: &[("price.sh", main), ("tests/run.sh", tests)],
        subject: "Express is the rule now",
        culprit: vec![replace("price.sh", first, ""), replace("price.sh", last, faulty)],
        half: vec![replace("price.sh", faulty, last)],
        whole: vec![
            replace("price.sh", faulty, last),
            replace("price.sh", "factor=100\n", &format!("factor=100\n{first}")),
        ],
        ticket: TWO_PARTS_TICKET,
        replay: &format!("{shell}same 200 normal 200"),
        tests: "sh tests/run.sh",
        check: &format!("{shell}{TWO_PARTS_CHECK}"),
    })
}

fn two_parts_c() -> Trap {
    let main = program!("two_parts_c/price.c");
    let first = "    if (strcmp(argv[2], \"express\") == 0)\n        factor = 150;\n";
    let last = "    printf(\"%d\\n\", atoi(argv[1]) * factor / 100);\n";
    let faulty = "    printf(\"%d\\n\", atoi(argv[1]) * (factor + 50) / 100);\n";
    let tests = program!("two_parts_c/run.sh");
    let shell = format!("cc -o price price.c || exit 1\nprice() {{ ./price \"$@\"; }}\n{TWO_PARTS_SAME}");
    trap(Half {
        name: "two-parts",
        language: TrapLanguage::C,
        files: &[("price.c", main), ("tests/run.sh", tests)],
        subject: "Express is the rule now",
        culprit: vec![replace("price.c", first, ""), replace("price.c", last, faulty)],
        half: vec![replace("price.c", faulty, last)],
        whole: vec![
            replace("price.c", faulty, last),
            replace("price.c", "        return 2;\n", &format!("        return 2;\n{first}")),
        ],
        ticket: TWO_PARTS_TICKET,
        replay: &format!("{shell}same 200 normal 200"),
        tests: "sh tests/run.sh",
        check: &format!("{shell}{TWO_PARTS_CHECK}"),
    })
}
