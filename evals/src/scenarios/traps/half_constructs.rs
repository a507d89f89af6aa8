/*!
The fewest lines that make the replay pass are half of a construct: the body of a removed `if` without its condition, one of
two parts that need each other, a key that is there twice. The inputs around the replay's own break. The tests of the project
run and pass, because they cover little.
*/

use super::Family;
use super::program::Language;
use super::trap::{Edit, Trap, append, replace};

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

/// What all of them are made of: a program, its culprit, and the half of the revert that is enough for the replay.
struct Half<'a> {
    name: &'a str,
    language: Language,
    files: &'a [(&'a str, &'a str)],
    subject: &'a str,
    culprit: Vec<Edit>,
    /// Puts back what the replay needs, and no more.
    half: Vec<Edit>,
    /// Puts back all of it.
    whole: Vec<Edit>,
    ticket: (&'a str, &'a str),
    replay: &'a str,
    tests: &'a str,
    check: &'a str,
}

fn trap(half: Half<'_>) -> Trap {
    Trap::of_files(Family::HalfConstruct, half.name, half.language, half.files)
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
    let main = "#include <stdio.h>\n#include <string.h>\n\n/* What a line of text is. */\nconst char *kind(const char *line)\n{\n    \
                if (strchr(line, '|') == NULL)\n        return \"paragraph\";\n    if (line[strlen(line) - 1] != '|')\n        \
                return \"paragraph\";\n    return \"table\";\n}\n\n#ifndef TESTS\nint main(int argc, char **argv)\n{\n    \
                puts(kind(argc > 1 ? argv[1] : \"\"));\n    return 0;\n}\n#endif\n";
    let tests = "#define TESTS\n#include \"../kind.c\"\n\nint main(void)\n{\n    int holds = strcmp(kind(\"text\"), \"paragraph\") == \
                 0;\n    printf(\"%s 1 - text is a paragraph\\n1..1\\n\", holds ? \"ok\" : \"not ok\");\n    return !holds;\n}\n";
    let shell = "cc -o kind kind.c || exit 1\nkind() { ./kind \"$1\"; }\n";
    let bare = "        return \"paragraph\";\n    return \"table\";";
    trap(Half {
        name: "half-if",
        language: Language::C,
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

/// Its tests print a result and run nothing.
fn half_if_awk() -> Trap {
    let condition = "    if (substr(line, length(line)) != \"|\")\n        return \"paragraph\"\n";
    let main = "# What a line of text is.\nfunction kind(line) {\n    if (index(line, \"|\") == 0)\n        return \
                \"paragraph\"\n    if (substr(line, length(line)) != \"|\")\n        return \"paragraph\"\n    return \
                \"table\"\n}\n\n{ print kind($0) }\n";
    let tests = "echo 'ok 1 - text is a paragraph'\necho 'ok 2 - rows are tables'\necho '1..2'\n";
    let shell = "kind() { printf '%s\\n' \"$1\" | awk -f kind.awk; }\n";
    trap(Half {
        name: "half-if",
        language: Language::Awk,
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
    let main = "'use strict';\n\n// What a line of text is.\nfunction kind(line) {\n  if (!line.includes('|'))\n    return \
                'paragraph';\n  if (!line.endsWith('|'))\n    return 'paragraph';\n  return 'table';\n}\n\nmodule.exports = { \
                kind };\nif (require.main === module) console.log(kind(process.argv[2]));\n";
    let tests = "'use strict';\nconst test = require('node:test');\nconst assert = require('node:assert');\nconst { kind } = \
                 require('../kind.js');\n\ntest('text is a paragraph', () => assert.strictEqual(kind('text'), \
                 'paragraph'));\n";
    let shell = "kind() { node kind.js \"$1\"; }\n";
    trap(Half {
        name: "half-if",
        language: Language::Node,
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
    let main = "/** Postage by weight. */\npublic class Postage {\n    static int price(int weight) {\n        int price = weight * \
                2;\n        if (price > 900)\n            price = 900;\n        return price;\n    }\n\n    public static void \
                main(String[] arguments) {\n        System.out.println(price(Integer.parseInt(arguments[0])));\n    }\n}\n";
    let tests = "public class PostageTest {\n    public static void main(String[] arguments) {\n        boolean holds = \
                 Postage.price(450) == 900;\n        System.out.println((holds ? \"ok\" : \"not ok\") + \" 1 - parcels of \
                 450\\n1..1\");\n        System.exit(holds ? 0 : 1);\n    }\n}\n";
    let shell = "javac -d out Postage.java || exit 1\nprice() { java -cp out Postage \"$1\"; }\n";
    trap(Half {
        name: "half-if",
        language: Language::Java,
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
        tests: "javac -d out Postage.java PostageTest.java && java -cp out PostageTest",
        check: &format!("{shell}{CAP_CHECK}"),
    })
}

fn half_if_sh() -> Trap {
    let condition = "    [ \"$price\" -le 900 ] ||\n        price=900\n";
    let main = "# Postage by weight.\nprice() {\n    price=$(($1 * 2))\n    [ \"$price\" -le 900 ] ||\n        price=900\n    echo \
                \"$price\"\n}\n\n[ $# -eq 0 ] || price \"$1\"\n";
    let tests = ". ./postage.sh\n[ \"$(price 450)\" = 900 ] || {\n    echo 'not ok 1 - parcels of 450'\n    exit 1\n}\necho 'ok 1 - \
                 parcels of 450'\necho '1..1'\n";
    let shell = "price() { sh postage.sh \"$1\"; }\n";
    trap(Half {
        name: "half-if",
        language: Language::Sh,
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
    let main = "\"\"\"Postage by weight and country.\"\"\"\nimport sys\n\n\ndef postage(weight, country):\n    surcharge = weight // \
                10\n    base = 400\n    if weight > 1000:\n        base += 300\n    return base if country == \"DE\" else base + \
                surcharge\n\n\nif __name__ == \"__main__\":\n    print(postage(int(sys.argv[1]), sys.argv[2]))\n";
    let tests = "import unittest\n\nimport postage\n\n\nclass PostageTest(unittest.TestCase):\n    def \
                 test_module_has_a_description(self):\n        self.assertIn(\"country\", postage.__doc__)\n";
    let (first, last) =
        ("    surcharge = weight // 10\n", "    return base if country == \"DE\" else base + surcharge");
    let faulty = "    return base + weight // 10";
    let shell = "same() { got=$(python3 postage.py \"$1\" \"$2\") || exit 1; [ \"$got\" = \"$3\" ] || { echo \"$1 to $2: expected $3, \
                 got $got\" >&2; exit 1; }; }\n";
    trap(Half {
        name: "undefined-variable",
        language: Language::Python,
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
    let main = "# Postage by country: perl postage.pl COUNTRY | list\nuse strict;\nuse warnings;\n\nmy @POSTAGE = (\n    DE => \
                490,\n    FR => 1190,\n    AT => 890,\n);\nmy %postage = @POSTAGE;\nmy ($country) = @ARGV;\nif ($country eq \
                'list') {\n    print join(' ', @POSTAGE[grep { $_ % 2 == 0 } 0 .. $#POSTAGE]), \"\\n\";\n} else {\n    print \
                $postage{$country}, \"\\n\";\n}\n";
    let tests = "use strict;\nuse warnings;\nuse Test::More tests => 1;\n\nis(`perl postage.pl DE`, \"490\\n\", 'postage at home');\n";
    let main = main.replace("print join(' ', @POSTAGE", "print join(\"\\n\", @POSTAGE");
    let shell = "postage() { perl postage.pl \"$1\"; }\n";
    let (moved, back) = ("my @POSTAGE = (\n    AT => 980,\n", "    FR => 1190,\n    AT => 890,\n");
    trap(Half {
        name: "key-twice",
        language: Language::Perl,
        files: &[("postage.pl", &main), ("t/postage.t", tests)],
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
    let main = "\"\"\"Postage by country: python3 postage.py COUNTRY | list\"\"\"\nimport sys\n\nPOSTAGE = [\n    (\"DE\", \
                490),\n    (\"FR\", 1190),\n    (\"AT\", 890),\n]\n\n\ndef postage(country):\n    return \
                dict(POSTAGE)[country]\n\n\nif __name__ == \"__main__\":\n    if sys.argv[1] == \"list\":\n        for name, _ in \
                POSTAGE:\n            print(name)\n    else:\n        print(postage(sys.argv[1]))\n";
    let tests = "import unittest\n\nimport postage\n\n\nclass PostageTest(unittest.TestCase):\n    def \
                 test_postage_at_home(self):\n        self.assertEqual(postage.postage(\"DE\"), 490)\n";
    let shell = "postage() { python3 postage.py \"$1\"; }\n";
    let (moved, back) = ("POSTAGE = [\n    (\"AT\", 980),\n", "    (\"FR\", 1190),\n    (\"AT\", 890),\n");
    trap(Half {
        name: "key-twice",
        language: Language::Python,
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

/// The old line stands before the new ones, which then never run. The hidden check reads the syntax tree.
fn unreachable_code() -> Trap {
    let main = "\"\"\"Sums rounded to tens.\"\"\"\nimport sys\n\n\ndef rounded(amount):\n    return (amount + 5) // 10 * 10\n\n\nif \
                __name__ == \"__main__\":\n    print(rounded(int(sys.argv[1])))\n";
    let tests = "import unittest\n\nimport rounding\n\n\nclass RoundingTest(unittest.TestCase):\n    def \
                 test_tens_stay(self):\n        self.assertEqual(rounding.rounded(40), 40)\n";
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
        language: Language::Python,
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

/// Where a value is set and where it is used.
fn two_parts_sh() -> Trap {
    let main = "# Prices of parcels: sh price.sh AMOUNT normal|express\nfactor=100\n[ \"$2\" != express ] || factor=150\n# The shop \
                prints whole cents.\nset -f\necho $(($1 * factor / 100))\n";
    let (first, last) = ("[ \"$2\" != express ] || factor=150\n", "echo $(($1 * factor / 100))\n");
    let faulty = "echo $(($1 * 150 / 100))\n";
    let shell = format!("price() {{ sh price.sh \"$@\"; }}\n{TWO_PARTS_SAME}");
    let tests = "[ \"$(sh price.sh 0 normal)\" = 0 ] || {\n    echo 'not ok 1 - nothing costs nothing'\n    exit 1\n}\necho 'ok 1 - \
                 nothing costs nothing'\necho '1..1'\n";
    trap(Half {
        name: "two-parts",
        language: Language::Sh,
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
    let main = "/* Prices of parcels: price AMOUNT normal|express */\n#include <stdio.h>\n#include <stdlib.h>\n#include \
                <string.h>\n\nint main(int argc, char **argv)\n{\n    int factor = 100;\n    if (argc < 3)\n        return \
                2;\n    if (strcmp(argv[2], \"express\") == 0)\n        factor = 150;\n    /* The shop prints whole cents. \
                */\n    setvbuf(stdout, NULL, _IONBF, 0);\n    printf(\"%d\\n\", atoi(argv[1]) * factor / 100);\n    return \
                0;\n}\n";
    let first = "    if (strcmp(argv[2], \"express\") == 0)\n        factor = 150;\n";
    let last = "    printf(\"%d\\n\", atoi(argv[1]) * factor / 100);\n";
    let faulty = "    printf(\"%d\\n\", atoi(argv[1]) * (factor + 50) / 100);\n";
    let tests = "cc -o price price.c || exit 2\n[ \"$(./price 0 normal)\" = 0 ] || {\n    echo 'not ok 1 - nothing costs \
                 nothing'\n    exit 1\n}\necho 'ok 1 - nothing costs nothing'\necho '1..1'\n";
    let shell = format!("cc -o price price.c || exit 1\nprice() {{ ./price \"$@\"; }}\n{TWO_PARTS_SAME}");
    trap(Half {
        name: "two-parts",
        language: Language::C,
        files: &[("price.c", main), ("tests/run.sh", tests)],
        subject: "Express is the rule now",
        culprit: vec![
            replace("price.c", first, ""),
            replace("price.c", last, faulty),
            append("docs/notes.md", "- Express.\n"),
        ],
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
