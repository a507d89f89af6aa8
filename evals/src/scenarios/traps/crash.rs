/*! A fault that crashes the program for orders to some countries, in languages that print the error. */

use super::program::TrapLanguage;

pub(super) struct Crash {
    /// A line before and after the culprit.
    pub(super) line: (&'static str, &'static str),
    /// The output that the ticket quotes.
    pub(super) ticket: &'static str,
}

pub(super) fn crash(language: TrapLanguage) -> Crash {
    match language {
        TrapLanguage::Python => Crash {
            line: (".get(country, 1490)", "[country]"),
            ticket: "Every order to Switzerland ends like this:\n\n    Traceback (most recent call last):\n      File \
                     \"/srv/till/till.py\", line 41, in <module>\n        main(sys.argv[1:])\n      File \"/srv/till/till.py\", line 34, \
                     in main\n        print(money(amount + postage(arguments[3])))\n      File \"/srv/till/till.py\", line 17, in \
                     postage\n        return {\"DE\": 490, \"AT\": 890}[country]\n    KeyError: 'CH'",
        },
        TrapLanguage::Node => Crash {
            line: ("[country] || 1490;", "[country].valueOf();"),
            ticket: "Every order to Switzerland ends like this:\n\n    TypeError: Cannot read properties of undefined (reading \
                     'valueOf')\n        at postage (/srv/till/till.js:16:39)\n        at main (/srv/till/till.js:30:32)",
        },
        TrapLanguage::Perl => Crash {
            line: (
                "    return $POSTAGE{$country} || 1490;",
                "    return $POSTAGE{$country} || die \"no postage to $country\\n\";",
            ),
            ticket: "Every order to Switzerland ends like this:\n\n    no postage to CH",
        },
        TrapLanguage::Java => Crash {
            line: (
                "                return 1490;",
                "                throw new IllegalArgumentException(\"no postage to \" + country);",
            ),
            ticket: "Every order to Switzerland ends like this:\n\n    Exception in thread \"main\" \
                     java.lang.IllegalArgumentException: no postage to CH\n    \tat Till.postage(Till.java:21)\n    \tat \
                     Till.main(Till.java:36)",
        },
        TrapLanguage::C => Crash {
            line: (
                "    return 1490;",
                "    fprintf(stderr, \"no postage to %s\\n\", country);\n    __builtin_abort();",
            ),
            ticket: "Every order to Switzerland ends like this:\n\n    no postage to CH\n    Aborted (core dumped)",
        },
        TrapLanguage::Sh | TrapLanguage::Awk => Crash {
            line: ("        *) echo 1490 ;;", "        *) echo \"no postage to $1\" >&2; exit 3 ;;"),
            ticket: "Every order to Switzerland ends like this:\n\n    no postage to CH",
        },
    }
}
