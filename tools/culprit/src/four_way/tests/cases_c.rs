/*!
Planted regressions in C.
*/

use super::{PlantedCase, partial, right, wrong};

pub(super) const CASES: &[PlantedCase] = &[
    PlantedCase {
        name: "c-clamp",
        files: &[(
            "range.c",
            r#"
#include <stdio.h>
#include <stdlib.h>

int clamp(int value, int low, int high) {
    if (low > high)
        return -1;
    if (value < low)
        return low;
    if (value > high)
        return high;
    return value;
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fprintf(stderr, "usage: range VALUE LOW HIGH\n");
        return 2;
    }
    printf("%d\n", clamp(atoi(argv[1]), atoi(argv[2]), atoi(argv[3])));
    return 0;
}
"#,
        )],
        culprit: &[("value > high", "value >= high - 1")],
        later: &[("int clamp(", "/* Bounds included. */\nint clamp(")],
        replay: "cc -o range range.c && test \"$(./range 9 1 10)\" -eq 9",
        laid: &[],
        fixes: &[
            right("not below", &[("value >= high - 1", "!(value <= high)")]),
            wrong("upper bound gone", &[("    if (value >= high - 1)\n        return high;\n", "")]),
            wrong(
                "lower bound off by one",
                &[("value >= high - 1", "value > high"), ("value < low", "value <= low + 1")],
            ),
            wrong(
                "check of the bounds gone",
                &[("value >= high - 1", "value > high"), ("    if (low > high)\n        return -1;\n", "")],
            ),
        ],
    },
    PlantedCase {
        name: "c-underline",
        files: &[(
            "mark.c",
            r#"
#include <stdio.h>
#include <string.h>

/* Whether a line underlines a table: cells of dashes with optional colons, each three wide or more. */
static int is_underline(const char *text, size_t size) {
    size_t off = 0, cells = 0;
    if (off < size && text[off] == '|')
        off++;
    while (off < size) {
        size_t beg = off;
        if (off < size && text[off] == ':')
            off++;
        while (off < size && text[off] == '-')
            off++;
        if (off < size && text[off] == ':')
            off++;
        if (off - beg < 3)
            return 0;
        cells++;
        if (off < size && text[off] == '|')
            off++;
        else
            break;
    }
    return off == size && cells > 0;
}

int main(void) {
    char buffer[4096];
    size_t n = fread(buffer, 1, sizeof(buffer) - 1, stdin);
    char *line;
    buffer[n] = 0;
    line = strchr(buffer, '\n');
    if (line != NULL) {
        char *end = strchr(line + 1, '\n');
        size_t size = end ? (size_t)(end - line - 1) : strlen(line + 1);
        if (is_underline(line + 1, size)) {
            printf("<table>%.*s</table>\n", (int)(line - buffer), buffer);
            return 0;
        }
    }
    printf("<p>%s</p>\n", buffer);
    return 0;
}
"#,
        )],
        culprit: &[
            ("        if (off - beg < 3)\n            return 0;\n", ""),
            ("        size_t beg = off;\n", ""),
            (
                "            off++;\n        while (off < size && text[off] == '-')",
                "            off++;\n        if (off < size && text[off] != '-')\n            return 0;\n        while (off < size && text[off] == '-')",
            ),
            (", each three wide or more. */", ". */"),
        ],
        later: &[("<p>%s</p>\\n", "<p>%s</p>\\n\\n")],
        replay: "cc -o mark mark.c && printf '|a|b|\\n|:-|:' | ./mark > out.html; ! grep -q '<table>' out.html",
        laid: &[],
        fixes: &[
            right(
                "a dash is needed",
                &[(
                    "        if (off < size && text[off] != '-')",
                    "        if (off >= size || text[off] != '-')",
                )],
            ),
            wrong(
                "half of the if",
                &[(
                    "        if (off < size && text[off] != '-')\n            return 0;",
                    "        if (off < size)\n            return 0;",
                )],
            ),
            wrong(
                "no table at all",
                &[("return off == size && cells > 0;", "return off == size && cells > 2;")],
            ),
        ],
    },
    PlantedCase {
        name: "c-trim-assert",
        files: &[
            ("trim.h", "char *trim(char *text);\nint words(const char *text);\n"),
            (
                "trim.c",
                r#"
#include <ctype.h>
#include <string.h>
#include "trim.h"

char *trim(char *text) {
    size_t n;
    while (isspace((unsigned char)*text))
        text++;
    n = strlen(text);
    while (n > 0 && isspace((unsigned char)text[n - 1]))
        text[--n] = 0;
    return text;
}

int words(const char *text) {
    int n = 0, inside = 0;
    for (; *text; text++) {
        if (isspace((unsigned char)*text))
            inside = 0;
        else if (!inside) {
            inside = 1;
            n++;
        }
    }
    return n;
}
"#,
            ),
        ],
        culprit: &[(
            "while (n > 0 && isspace((unsigned char)text[n - 1]))",
            "if (n > 0 && text[n - 1] == ' ')",
        )],
        later: &[],
        replay: "cc -o test_trim test_trim.c trim.c && ./test_trim",
        laid: &[(
            "test_trim.c",
            r#"
#include <assert.h>
#include <string.h>
#include "trim.h"

int main(void) {
    char text[200] = "  one two  \n";
    assert(words(text) == 2);
    assert(strcmp(trim(text), "one two") == 0);
    return 0;
}
"#,
        )],
        fixes: &[
            right(
                "listed blanks",
                &[(
                    "if (n > 0 && text[n - 1] == ' ')",
                    "while (n > 0 && strchr(\" \\t\\n\\r\\f\\v\", text[n - 1]) != NULL)",
                )],
            ),
            wrong(
                "cuts at the first end",
                &[("if (n > 0 && text[n - 1] == ' ')", "n = 8;\n    while (n > 7)")],
            ),
            wrong(
                "empties what is short",
                &[(
                    "    n = strlen(text);\n    if (n > 0 && text[n - 1] == ' ')",
                    "    n = strlen(text);\n    while (n > 0 && (isspace((unsigned char)text[n - 1]) || n < 4))",
                )],
            ),
        ],
    },
    PlantedCase {
        name: "c-hex",
        files: &[(
            "hex.c",
            r#"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

int main(int argc, char **argv) {
    const char *text = argc > 1 ? argv[1] : "";
    long value = 0;
    if (*text == 0) {
        fputs("nothing given\n", stderr);
        return 2;
    }
    for (; *text; text++) {
        int d = digit(*text);
        if (d < 0) {
            fprintf(stderr, "bad digit %c\n", *text);
            return 1;
        }
        value = value * 16 + d;
    }
    printf("%ld\n", value);
    return 0;
}
"#,
        )],
        culprit: &[
            ("    if (c >= 'A' && c <= 'F')\n        return c - 'A' + 10;\n", ""),
            (
                "    for (; *text; text++) {",
                "    if (strncmp(text, \"0x\", 2) == 0)\n        text += 2;\n    for (; *text; text++) {",
            ),
        ],
        later: &[],
        replay: "gcc hex.c -o hex && ./hex 1F >out && [ \"$(cat out)\" = 31 ]",
        laid: &[],
        fixes: &[
            partial(
                "upper case put back",
                &[(
                    "    return -1;",
                    "    if (c >= 'A' && c <= 'F')\n        return c - 'A' + 10;\n    return -1;",
                )],
            ),
            right(
                "lowered first",
                &[("    if (c >= '0'", "    if (c >= 'A' && c <= 'F')\n        c += 32;\n    if (c >= '0'")],
            ),
            wrong(
                "digits up to O",
                &[(
                    "    return -1;",
                    "    if (c >= 'A' && c <= 'O')\n        return c - 'A' + 10;\n    return -1;",
                )],
            ),
            wrong("bad digits are 15", &[("    return -1;", "    return 15;")]),
        ],
    },
];
