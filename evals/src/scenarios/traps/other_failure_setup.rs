/*!
The replay fails because of the environment: a missing module, file, variable, header, network or permission, or line ends
that the shell cannot read. It has failed in this way since an innocent commit, and not as the ticket says.
*/

use super::TrapFamily;
use super::crash::{Crash, crash};
use super::program::TrapLanguage;
use super::trap::{Trap, TrapEdit, TrapOutcome, append, replace, write};

pub(super) fn traps() -> Vec<Trap> {
    vec![
        missing_module_node(),
        missing_module_python(),
        missing_file(),
        missing_variable(),
        line_ends(),
        network(),
        permission(),
        missing_header(),
    ]
}

/// `needing` makes the program need something that is missing; `mend` is the shell script that provides it.
fn trap(name: &str, language: TrapLanguage, subject: &str, needing: Vec<TrapEdit>, mend: &str) -> Trap {
    let Crash { line, ticket, .. } = crash(language);
    let source = language.source();
    let run = |arguments: &str| format!("{}till {arguments}", language.shell());
    Trap::of_till(TrapFamily::OtherFailure, name, language)
        .commit(subject, needing)
        .noted(3)
        .culprit("Look postage up directly", vec![replace(source, line.0, line.1)])
        .noted(4)
        .ticket("Orders to Switzerland crash", ticket)
        .replay(&run("total 1 100 CH"))
        .replay_ends(TrapOutcome::DoesNotPass, TrapOutcome::Passes)
        .true_replay(&format!("{mend}\n{}", run("total 1 100 CH")))
        .check(&format!("{mend}\n{}[ \"$(till total 1 100 CH)\" = 15.90 ]", language.shell()))
        .right_fix(vec![replace(source, line.1, line.0)])
        .nothing_proven()
}

fn missing_module_node() -> Trap {
    trap(
        "missing-module",
        TrapLanguage::Node,
        "Colour the output",
        vec![replace("till.js", "'use strict';", "'use strict';\nconst colours = require('till-colours');")],
        "mkdir -p node_modules/till-colours; echo '' >node_modules/till-colours/index.js",
    )
}

fn missing_module_python() -> Trap {
    trap(
        "missing-module",
        TrapLanguage::Python,
        "Colour the output",
        vec![replace("till.py", "import sys\n", "import sys\n\nimport till_colours\n")],
        "echo '' >till_colours.py",
    )
}

fn missing_file() -> Trap {
    trap(
        "missing-file",
        TrapLanguage::Sh,
        "Read the settings of the shop",
        vec![replace("till.sh", "case ${1-} in", ". ./shop.conf\ncase ${1-} in")],
        "echo '' >shop.conf",
    )
}

fn missing_variable() -> Trap {
    trap(
        "missing-variable",
        TrapLanguage::Perl,
        "Say which shop it is",
        vec![replace(
            "till.pl",
            "my ($command",
            "my $shop = $ENV{TILL_SHOP} or die \"TILL_SHOP is not set\\n\";\nmy ($command",
        )],
        "export TILL_SHOP=first",
    )
}

/// The whole script was changed to the line ends of another system.
fn line_ends() -> Trap {
    let text: String = TrapLanguage::Sh.files().first().map_or("", |(_, text)| *text).replace('\n', "\r\n");
    trap(
        "line-ends",
        TrapLanguage::Sh,
        "Save with another editor",
        vec![write("till.sh", &text)],
        "tr -d '\\r' <till.sh >till.tmp; mv till.tmp till.sh",
    )
}

fn network() -> Trap {
    trap(
        "network",
        TrapLanguage::Python,
        "Ask for the rates of today",
        vec![
            replace(
                "till.py",
                "    if arguments[0] == \"total\":",
                "    if not os.path.exists(\"rates.txt\"):\n        urllib.request.urlopen(\"http://rates.till.example/today\", \
             timeout=2)\n    if arguments[0] == \"total\":",
            ),
            replace("till.py", "import sys\n", "import os\nimport sys\nimport urllib.request\n"),
        ],
        "echo '' >rates.txt",
    )
}

fn permission() -> Trap {
    trap(
        "permission",
        TrapLanguage::Java,
        "Keep a log",
        vec![replace(
            "Till.java",
            "    public static void main(String[] arguments) {",
            "    public static void main(String[] arguments) throws java.io.IOException {\n        String folder = \
             System.getenv().getOrDefault(\"TILL_LOG\", \"/usr/share\");\n        new java.io.FileWriter(folder + \"/till.log\", \
             true).close();",
        )],
        "export TILL_LOG=.",
    )
}

fn missing_header() -> Trap {
    trap(
        "missing-header",
        TrapLanguage::C,
        "Take the settings of the machine",
        vec![
            replace("till.c", "#include \"till.h\"", "#include \"till.h\"\n#include <till_settings.h>"),
            append("docs/notes.md", "- Settings.\n"),
        ],
        "echo '' >till_settings.h; export CPATH=.",
    )
}
