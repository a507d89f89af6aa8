/*!
Planted regressions in JavaScript.
*/

use super::{PlantedCase, partial, right, wrong};

pub(super) const CASES: &[PlantedCase] = &[
    PlantedCase {
        name: "js-query",
        files: &[(
            "query.js",
            r#"
exports.parse = function (text) {
  const found = {};
  for (const pair of text.replace(/^\?/, "").split("&")) {
    if (!pair) continue;
    const at = pair.indexOf("=");
    const name = decodeURIComponent(at < 0 ? pair : pair.slice(0, at));
    const value = at < 0 ? "" : decodeURIComponent(pair.slice(at + 1).replace(/\+/g, " "));
    if (name in found) found[name] = [].concat(found[name], value);
    else found[name] = value;
  }
  return found;
};
"#,
        )],
        culprit: &[(
            "    if (name in found) found[name] = [].concat(found[name], value);\n    else found[name] = value;",
            "    found[name] = value;",
        )],
        later: &[("exports.parse", "exports.version = '2';\nexports.parse")],
        replay: r#"node -e '
const q = require("./query"); const assert = require("assert");
assert.deepStrictEqual(q.parse("?a=1&a=2&b=x+y"), {a: ["1", "2"], b: "x y"});'"#,
        laid: &[],
        fixes: &[
            right(
                "hasOwnProperty",
                &[(
                    "    found[name] = value;",
                    "    found[name] = name in found ? [].concat(found[name], value) : value;",
                )],
            ),
            wrong(
                "always two",
                &[(
                    "    found[name] = value;",
                    "    found[name] = name in found ? [found[name], value] : value;",
                )],
            ),
            wrong(
                "only the name a",
                &[(
                    "    found[name] = value;",
                    "    found[name] = name === 'a' && found.a ? [].concat(found.a, value) : value;",
                )],
            ),
            wrong(
                "plus stays",
                &[
                    (r#".replace(/\+/g, " ")"#, r#".replace("+", " ")"#),
                    (
                        "    found[name] = value;",
                        "    found[name] = name in found ? [].concat(found[name], value) : value;",
                    ),
                ],
            ),
        ],
    },
    PlantedCase {
        name: "js-glob",
        files: &[(
            "glob.js",
            r#"
const escape = (text) => text.replace(/[.+^${}()|[\]\\]/g, "\\$&");
exports.isMatch = (text, pattern) => {
  if (typeof pattern !== "string" || pattern === "") throw new TypeError("expected a pattern");
  const source = escape(pattern).replace(/\*\*/g, "\0").replace(/\*/g, "[^/]*").replace(/\0/g, ".*").replace(/\?/g, "[^/]");
  return new RegExp("^" + source + "$").test(text);
};
"#,
        )],
        culprit: &[(
            r#".replace(/\*\*/g, "\0").replace(/\*/g, "[^/]*").replace(/\0/g, ".*")"#,
            r#".replace(/\*/g, "[^/]*")"#,
        )],
        later: &[("const escape", "// Patterns.\nconst escape")],
        replay: r#"node -e 'const g=require("./glob"); if(!g.isMatch("a/b/c/d.js","a/**/*.js")){ throw new Error("expected a match") }'"#,
        laid: &[],
        fixes: &[
            right(
                "one pass",
                &[(
                    r#".replace(/\*/g, "[^/]*")"#,
                    r#".replace(/\*\*?/g, (m) => m.length > 1 ? ".*" : "[^/]*")"#,
                )],
            ),
            wrong("star crosses folders", &[(r#".replace(/\*/g, "[^/]*")"#, r#".replace(/\*+/g, ".*")"#)]),
            wrong(
                "anchors gone",
                &[
                    (
                        r#".replace(/\*/g, "[^/]*")"#,
                        r#".replace(/\*\*/g, "\0").replace(/\*/g, "[^/]*").replace(/\0/g, ".*")"#,
                    ),
                    (r#" + "$")"#, ")"),
                ],
            ),
            wrong(
                "validation gone",
                &[
                    (
                        r#".replace(/\*/g, "[^/]*")"#,
                        r#".replace(/\*\*/g, "\0").replace(/\*/g, "[^/]*").replace(/\0/g, ".*")"#,
                    ),
                    (r#" || pattern === """#, ""),
                ],
            ),
        ],
    },
    PlantedCase {
        name: "js-format",
        files: &[(
            "format.js",
            r#"
exports.money = (cents, options = {}) => {
  if (!Number.isInteger(cents)) throw new RangeError("cents must be whole");
  const sign = cents < 0 ? "-" : "";
  const amount = Math.abs(cents);
  const text = Math.floor(amount / 100) + "." + String(amount % 100).padStart(2, "0");
  return sign + (options.symbol || "") + text;
};
"#,
        )],
        culprit: &[
            (r#"String(amount % 100).padStart(2, "0")"#, "(amount % 100)"),
            (
                "  return sign + (options.symbol || \"\") + text;",
                "  if (options.suffix) return sign + text + \" \" + options.suffix;\n  return sign + (options.symbol || \"\") + text;",
            ),
        ],
        later: &[("exports.money", "exports.zero = '0.00';\nexports.money")],
        replay: "node test/money.js",
        laid: &[(
            "test/money.js",
            r#"
const assert = require("assert");
const { money } = require("../format");
assert.strictEqual(money(1205, { symbol: "$" }), "$12.05");
assert.strictEqual(money(1299, { suffix: "" }), "12.99");
"#,
        )],
        fixes: &[
            partial("padding put back", &[("(amount % 100)", r#"String(amount % 100).padStart(2, "0")"#)]),
            right(
                "fixed digits",
                &[("Math.floor(amount / 100) + \".\" + (amount % 100)", "(amount / 100).toFixed(2)")],
            ),
            wrong(
                "always a zero",
                &[("(amount % 100)", "(amount % 100 < 20 ? \"0\" : \"\") + (amount % 100)")],
            ),
            wrong(
                "sign lost",
                &[
                    ("(amount % 100)", r#"String(amount % 100).padStart(2, "0")"#),
                    ("return sign + (options.symbol", "return (options.symbol"),
                ],
            ),
            wrong(
                "symbol without effect",
                &[
                    ("(amount % 100)", r#"String(amount % 100).padStart(2, "0")"#),
                    ("(options.symbol || \"\")", "\"$\".slice(0, options.suffix === undefined)"),
                ],
            ),
        ],
    },
    PlantedCase {
        name: "js-merge-null",
        files: &[(
            "merge.js",
            r#"
module.exports = function merge(a, b) {
  if (a === null || b === null || typeof a !== "object" || typeof b !== "object") return b === undefined ? a : b;
  const out = Array.isArray(a) ? a.slice() : Object.assign({}, a);
  for (const key of Object.keys(b)) out[key] = merge(a[key], b[key]);
  return out;
};
"#,
        )],
        culprit: &[("a === null || b === null || ", "")],
        later: &[],
        replay: r#"node -e 'const merge=require("./merge"); merge({a: 1, b: null}, {b: {c: 2}, d: [1, 2]})'"#,
        laid: &[],
        fixes: &[
            right("truthiness", &[("typeof a !== \"object\" ||", "!a || !b || typeof a !== \"object\" ||")]),
            wrong("swallows it", &[("  const out", "  if (!a || !b) return {};\n  const out")]),
            wrong("keeps the old one", &[("  const out", "  if (!a || !b) return a;\n  const out")]),
        ],
    },
];
