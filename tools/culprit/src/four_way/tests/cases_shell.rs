/*!
Planted regressions in shell scripts and awk.
*/

use super::{PlantedCase, partial, right, wrong, wrong_partial};

pub(super) const CASES: &[PlantedCase] = &[
    PlantedCase {
        name: "sh-total",
        files: &[(
            "total.sh",
            r#"
# total COUNT [PRICE]: what COUNT pieces cost; ten or more are a tenth cheaper.
count=$1
price=${2:-100}
case $count in
  ''|*[!0-9]*) echo "not a count: $count" >&2; exit 2 ;;
esac
sum=$((count * price))
if [ "$count" -ge 10 ]; then
  sum=$((sum * 9 / 10))
fi
echo "$sum"
"#,
        )],
        culprit: &[("-ge 10", "-ge 3")],
        later: &[("# total", "# Prices are in cents.\n# total")],
        replay: r#"test "$(sh total.sh 3)" = 300 || { echo "wrong total"; exit 1; }"#,
        laid: &[],
        fixes: &[
            right("greater than nine", &[("-ge 3", "-gt 9")]),
            wrong("discount disabled", &[("\"$count\" -ge 3", "\"$count\" -lt 0")]),
            wrong("off by one", &[("-ge 3", "-ge 11")]),
            wrong("just above the replay", &[("-ge 3", "-ge 4")]),
            wrong("validation gone", &[("-ge 3", "-ge 10"), ("''|*[!0-9]*)", "x)")]),
        ],
    },
    PlantedCase {
        name: "sh-greet",
        files: &[(
            "bin/greet",
            r#"#!/bin/sh
loud=
while [ $# -gt 0 ]; do
  case $1 in
    --loud) loud=1; shift ;;
    --) shift; break ;;
    -*) echo "unknown option $1" >&2; exit 64 ;;
    *) break ;;
  esac
done
name=${*:-world}
text="Hello, $name!"
if [ -n "$loud" ]; then
  text=$(printf '%s' "$text" | tr '[:lower:]' '[:upper:]')
fi
printf '%s\n' "$text"
"#,
        )],
        culprit: &[("name=${*:-world}", "name=${1:-world}")],
        later: &[],
        replay: "sh bin/greet --loud Ada Lovelace | grep -q 'HELLO, ADA LOVELACE!'",
        laid: &[],
        fixes: &[
            right("all arguments, quoted", &[("name=${1:-world}", "name=\"$*\"\nname=${name:-world}")]),
            wrong(
                "two arguments",
                &[("name=${1:-world}", "name=${1:-world}${2:+ $2}\n[ $# -gt 1 ] || name=world")],
            ),
            wrong(
                "option without effect",
                &[("name=${1:-world}", "name=${*:-world}"), ("loud=\n", "loud=1\n")],
            ),
            wrong("default lost", &[("name=${1:-world}", "name=$*")]),
        ],
    },
    PlantedCase {
        name: "sh-csv-awk",
        files: &[(
            "sum.sh",
            r#"
# Sums the second column of standard input by the first one.
awk -F, '
  /^#/ { next }
  NF < 2 { print "line " NR ": no value" > "/dev/stderr"; failed = 1; next }
  { sum[$1] += $2; if (!($1 in order)) { order[$1] = ++n; names[n] = $1 } }
  END { for (i = 1; i <= n; i++) print names[i] "=" sum[names[i]]; exit failed }
'
"#,
        )],
        culprit: &[("sum[$1] += $2;", "sum[$1] = $2;")],
        later: &[("# Sums the", "# Adds up. Sums the")],
        replay: "printf 'a,1\\nb,2\\na,3\\n' | sh sum.sh > out.txt; grep -qx 'a=4' out.txt",
        laid: &[],
        fixes: &[
            right("written out", &[("sum[$1] = $2;", "sum[$1] = sum[$1] + $2;")]),
            wrong("counts twice only", &[("sum[$1] = $2;", "sum[$1] = prev[$1] + $2; prev[$1] = $2;")]),
            wrong("other field separator", &[("sum[$1] = $2;", "sum[$1] += $2;"), ("-F,", "-F'[, ]'")]),
            wrong_partial(
                "comments counted",
                &[("sum[$1] = $2;", "sum[$1] += $2;"), ("  /^#/ { next }\n", "")],
            ),
        ],
    },
    PlantedCase {
        name: "sh-version",
        files: &[(
            "newer.sh",
            r#"
# newer A B: whether version A is newer than B.
norm() { printf '%s\n' "$1" | tr '.' ' ' ; }
set -- $(norm "$1") / $(norm "$2")
left= right= side=l
for part in "$@"; do
  if [ "$part" = / ]; then side=r; continue; fi
  padded=$(printf '%05d' "$part" 2>/dev/null) || { echo "bad version" >&2; exit 2; }
  if [ $side = l ]; then left=$left$padded; else right=$right$padded; fi
done
if [ "$left" \> "$right" ]; then echo yes; else echo no; fi
"#,
        )],
        culprit: &[
            ("'%05d'", "'%d'"),
            (
                "echo yes; else echo no;",
                "echo yes; elif [ \"$left\" = \"$right\" ]; then echo same; else echo no;",
            ),
        ],
        later: &[],
        replay: "out=$(sh newer.sh 1.10.0 1.9.2); [ \"$out\" = yes ] || { echo \"got $out\"; exit 1; }",
        laid: &[],
        fixes: &[
            partial("padding put back", &[("'%d'", "'%05d'")]),
            right("wider padding", &[("'%d'", "'%07d'")]),
            wrong(
                "bad versions pass",
                &[("'%d'", "'%05d'"), ("{ echo \"bad version\" >&2; exit 2; }", "padded=00000")],
            ),
        ],
    },
];
