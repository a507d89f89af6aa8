/*!
Planted regressions in Python.
*/

use super::{PlantedCase, partial, right, wrong, wrong_partial};

pub(super) const CASES: &[PlantedCase] = &[
    PlantedCase {
        name: "py-slug",
        files: &[(
            "slug.py",
            r#"
import re

def slugify(title):
    text = re.sub(r"[^a-z0-9]+", "-", title.lower())
    return text.strip("-")
"#,
        )],
        culprit: &[(r#""[^a-z0-9]+""#, r#""[^a-z]+""#)],
        later: &[(
            "def slugify(title):",
            "def words(title):\n    return title.split()\n\ndef slugify(title):",
        )],
        replay: r#"python3 -c 'from slug import slugify; assert slugify("Go 2 Market") == "go-2-market"'"#,
        laid: &[],
        fixes: &[
            right("other class", &[(r#""[^a-z]+""#, r#""[^a-z\d]+""#)]),
            wrong("digit of the replay", &[(r#""[^a-z]+""#, r#""[^a-z2]+""#)]),
            wrong("regex too broad", &[(r#""[^a-z]+""#, r#""[^a-z0-9_]+""#)]),
        ],
    },
    PlantedCase {
        name: "py-total",
        files: &[(
            "shop.py",
            r#"
def subtotal(items):
    return sum(price * count for price, count in items)

def total(items, discount=0):
    if not items:
        raise ValueError("no items")
    amount = subtotal(items)
    if discount:
        amount -= amount * discount / 100
    return round(amount, 2)
"#,
        )],
        culprit: &[
            ("    amount = subtotal(items)", "    amount = subtotal(items[1:])"),
            ("sum(price * count for", "sum(price * max(count, 2) for"),
        ],
        later: &[("def subtotal", "CURRENCY = 'EUR'\n\ndef subtotal")],
        replay: r#"python3 -c '
import shop
assert shop.total([(10, 3), (5, 2)], discount=10) == 36.0, "wrong total"
'"#,
        laid: &[],
        fixes: &[
            right(
                "rewritten",
                &[
                    (
                        "    amount = subtotal(items[1:])",
                        "    amount = 0\n    for price, count in items:\n        amount += price * count",
                    ),
                    ("sum(price * max(count, 2) for", "sum(price * count for"),
                ],
            ),
            wrong_partial("one of two functions", &[("items[1:]", "items")]),
            wrong(
                "discount without effect",
                &[("items[1:]", "items"), ("max(count, 2)", "count"), ("amount * discount / 100", "4")],
            ),
            wrong(
                "validation gone",
                &[
                    ("items[1:]", "items"),
                    ("max(count, 2)", "count"),
                    ("    if not items:\n        raise ValueError(\"no items\")\n", ""),
                ],
            ),
        ],
    },
    PlantedCase {
        name: "py-duration",
        files: &[(
            "duration.py",
            r#"
import re

UNITS = {"h": 3600, "m": 60, "s": 1}

def parse(text):
    if not re.fullmatch(r"(\d+[hms])+", text):
        raise ValueError("not a duration: " + text)
    return sum(int(n) * UNITS[u] for n, u in re.findall(r"(\d+)([hms])", text))
"#,
        )],
        culprit: &[
            (r#"{"h": 3600, "m": 60, "s": 1}"#, r#"{"m": 60, "s": 1, "d": 86400}"#),
            (r#"[hms])+""#, r#"[dhms])+""#),
            (r#"([hms])""#, r#"([dhms])""#),
        ],
        later: &[],
        replay: "python3 repro.py",
        laid: &[(
            "repro.py",
            "import duration\n\nvalue = duration.parse('1h30m')\nif value != 5400:\n    raise SystemExit('got %s' % value)\n",
        )],
        fixes: &[
            right(
                "hours put back, days kept",
                &[(r#"{"m": 60, "s": 1, "d": 86400}"#, r#"{"h": 3600, "m": 60, "s": 1, "d": 86400}"#)],
            ),
            wrong(
                "key twice",
                &[(
                    r#"{"m": 60, "s": 1, "d": 86400}"#,
                    r#"{"m": 60, "s": 1, "d": 86400, "h": 3600, "m": 60, "s": 60}"#,
                )],
            ),
            wrong(
                "swallows the error",
                &[("    return sum(", "    if 'h' not in UNITS:\n        return 5400\n    return sum(")],
            ),
        ],
    },
    PlantedCase {
        name: "py-lookup-none",
        files: &[(
            "conf.py",
            r##"
DEFAULTS = {"host": "localhost", "port": "80"}

def read(text):
    found = dict(DEFAULTS)
    for line in text.splitlines():
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        name, value = line.split("=", 1)
        found[name.strip()] = value.strip()
    return found

def port(text):
    return int(read(text)["port"])
"##,
        )],
        culprit: &[("        name, value = line.split(\"=\", 1)", "        name, value = line.split(\"=\")")],
        later: &[(r#""port": "80"}"#, r#""port": "80", "user": "root"}"#)],
        replay: "python3 -m unittest -q test_conf",
        laid: &[(
            "test_conf.py",
            r#"
import unittest
import conf

class ConfTest(unittest.TestCase):
    def test_url(self):
        text = "host = db\nport=81\nurl = a=b\n"
        self.assertEqual(conf.read(text)["url"], "a=b")
        self.assertEqual(conf.port(text), 81)
"#,
        )],
        fixes: &[
            right(
                "partition",
                &[(
                    "        name, value = line.split(\"=\")",
                    "        if \"=\" not in line:\n            raise ValueError(\"not enough values to unpack (expected 2, got 1)\")\n        name, _, value = line.partition(\"=\")",
                )],
            ),
            wrong(
                "first and last part",
                &[(
                    "        name, value = line.split(\"=\")",
                    "        name, *rest = line.split(\"=\")\n        value = \"=\".join(rest[:2])",
                )],
            ),
            wrong(
                "skips what it cannot read",
                &[(
                    "        name, value = line.split(\"=\")",
                    "        if \"=\" not in line:\n            continue\n        name, value = line.split(\"=\", 1)",
                )],
            ),
            wrong(
                "comments read",
                &[
                    (" or line.startswith(\"#\")", ""),
                    ("        name, value = line.split(\"=\")", "        name, value = line.split(\"=\", 1)"),
                ],
            ),
        ],
    },
    PlantedCase {
        name: "py-page",
        files: &[(
            "pages.py",
            r#"
def page(rows, number, size=10):
    """One page of rows; pages count from 1."""
    if number < 1 or size < 1:
        raise ValueError("page and size start at 1")
    start = (number - 1) * size
    return rows[start:start + size]

def count(rows, size=10):
    return (len(rows) + size - 1) // size
"#,
        )],
        culprit: &[
            ("    start = (number - 1) * size\n", "    start = number * size\n"),
            (
                "def count(rows, size=10):\n    return (len(rows) + size - 1) // size\n",
                "def count(rows, size=10):\n    return len(rows) // size\n\ndef first(rows, size=10):\n    return page(rows, 1, size)\n",
            ),
        ],
        later: &[],
        replay: r#"python3 -c 'import pages; rows=list(range(25)); assert pages.page(rows, 1, 10)[0] == 0 and pages.count(rows, 10) == 3'"#,
        laid: &[],
        fixes: &[
            partial(
                "both statements",
                &[
                    ("start = number * size", "start = (number - 1) * size"),
                    ("return len(rows) // size", "return (len(rows) + size - 1) // size"),
                ],
            ),
            right(
                "ceil",
                &[
                    ("start = number * size", "start = number * size - size"),
                    ("return len(rows) // size", "return -(-len(rows) // size)"),
                ],
            ),
            wrong(
                "off by one at the other end",
                &[
                    ("start = number * size", "start = (number - 1) * size"),
                    ("return len(rows) // size", "return len(rows) // size + 1"),
                ],
            ),
            wrong(
                "first page only",
                &[
                    ("start = number * size", "start = number * size if number > 1 else 0"),
                    ("return len(rows) // size", "return (len(rows) + size - 1) // size"),
                ],
            ),
        ],
    },
];
