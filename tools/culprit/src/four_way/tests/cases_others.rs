/*!
Planted regressions in PHP, Java and Go.
*/

use super::{PlantedCase, right, wrong};

pub(super) const CASES: &[PlantedCase] = &[
    PlantedCase {
        name: "php-initials",
        files: &[(
            "names.php",
            r#"<?php
function initials($name, $dots = true) {
    if (trim($name) === '') throw new InvalidArgumentException('no name');
    $out = '';
    foreach (preg_split('/[\s-]+/', trim($name)) as $part) {
        $out .= strtoupper(substr($part, 0, 1)) . ($dots ? '.' : '');
    }
    return $out;
}
"#,
        )],
        culprit: &[("'/[\\s-]+/'", "'/ /'")],
        later: &[("<?php\n", "<?php\n// Names.\n")],
        replay: r#"php -r 'require "names.php"; if (initials("ada king-noel") !== "A.K.N.") { exit(1); }'"#,
        laid: &[],
        fixes: &[
            right("listed", &[("'/ /'", "'/[ \\t\\r\\n\\f\\v-]+/'")]),
            wrong("one blank at a time", &[("'/ /'", "'/[\\s-]/'")]),
            wrong("dots without effect", &[("'/ /'", "'/[\\s-]+/'"), ("($dots ? '.' : '')", "'.'")]),
        ],
    },
    PlantedCase {
        name: "java-roman",
        files: &[(
            "Roman.java",
            r#"
public class Roman {
    static String of(int n) {
        if (n < 1 || n > 3999) throw new IllegalArgumentException("out of range: " + n);
        int[] values = {1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1};
        String[] names = {"M", "CM", "D", "CD", "C", "XC", "L", "XL", "X", "IX", "V", "IV", "I"};
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < values.length; i++)
            while (n >= values[i]) { out.append(names[i]); n -= values[i]; }
        return out.toString();
    }
    public static void main(String[] args) {
        System.out.println(of(Integer.parseInt(args[0])));
    }
}
"#,
        )],
        culprit: &[("while (n >= values[i])", "if (n >= values[i])")],
        later: &[],
        replay: "test \"$(java Roman.java 8)\" = VIII",
        laid: &[],
        fixes: &[
            right(
                "repeat",
                &[(
                    "if (n >= values[i]) { out.append(names[i]); n -= values[i]; }",
                    "{ out.append(names[i].repeat(n / values[i])); n %= values[i]; }",
                )],
            ),
            wrong(
                "three at most for one",
                &[(
                    "if (n >= values[i]) {",
                    "for (int k = 0; k < (values[i] == 1 ? 3 : 1) && n >= values[i]; k++) {",
                )],
            ),
        ],
    },
];
