/*!
The small program of most traps: it adds up an order. It exists in seven languages that a build machine has, and behaves the
same in all of them, so that one sentence about it is true for all. Each version has tests that print a result for every
test.
*/

/// A language of the traps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum TrapLanguage {
    Sh,
    Python,
    Node,
    C,
    Java,
    Perl,
    Awk,
}

macro_rules! file {
    ($path:literal) => {
        include_str!(concat!("../projects/till/", $path))
    };
}

type File = (&'static str, &'static str);
/// A text in a file, and its replacement.
type Change = (&'static str, &'static str);

impl TrapLanguage {
    #[cfg(test)]
    pub(super) const ALL: [TrapLanguage; 7] = [
        TrapLanguage::Sh,
        TrapLanguage::Python,
        TrapLanguage::Node,
        TrapLanguage::C,
        TrapLanguage::Java,
        TrapLanguage::Perl,
        TrapLanguage::Awk,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            TrapLanguage::Sh => "sh",
            TrapLanguage::Python => "python",
            TrapLanguage::Node => "node",
            TrapLanguage::C => "c",
            TrapLanguage::Java => "java",
            TrapLanguage::Perl => "perl",
            TrapLanguage::Awk => "awk",
        }
    }

    /// Programs that it needs to run.
    pub(super) fn needs(self) -> &'static [&'static str] {
        match self {
            TrapLanguage::Sh => &[],
            TrapLanguage::Python => &["python3"],
            TrapLanguage::Node => &["node"],
            TrapLanguage::C => &["cc"],
            TrapLanguage::Java => &["java", "javac"],
            TrapLanguage::Perl => &["perl", "prove"],
            TrapLanguage::Awk => &["awk"],
        }
    }

    /// Formats a comment of one line.
    pub(super) fn comment(self, text: &str) -> String {
        match self {
            TrapLanguage::C => format!("/* {text} */\n"),
            TrapLanguage::Node | TrapLanguage::Java => format!("// {text}\n"),
            _ => format!("# {text}\n"),
        }
    }

    /// The whole program and its tests.
    pub(super) fn files(self) -> &'static [File] {
        match self {
            TrapLanguage::Sh => &[("till.sh", file!("sh/till.sh")), ("tests/run.sh", file!("sh/run.sh"))],
            TrapLanguage::Python => &[
                ("till.py", file!("python/till.py")),
                ("tests/__init__.py", ""),
                ("tests/test_till.py", file!("python/test_till.py")),
            ],
            TrapLanguage::Node => {
                &[("till.js", file!("node/till.js")), ("tests/till.test.js", file!("node/till.test.js"))]
            }
            TrapLanguage::C => &[
                ("till.h", file!("c/till.h")),
                ("till.c", file!("c/till.c")),
                ("main.c", file!("c/main.c")),
                ("tests/tests.c", file!("c/tests.c")),
            ],
            TrapLanguage::Java => {
                &[("Till.java", file!("java/Till.java")), ("TillTest.java", file!("java/TillTest.java"))]
            }
            TrapLanguage::Perl => &[
                ("lib/Till.pm", file!("perl/Till.pm")),
                ("till.pl", file!("perl/till.pl")),
                ("t/till.t", file!("perl/till.t")),
            ],
            TrapLanguage::Awk => {
                &[("till.awk", file!("awk/till.awk")), ("tests/run.sh", file!("awk/run.sh"))]
            }
        }
    }

    /// The file that holds the functions.
    pub(super) fn source(self) -> &'static str {
        match self {
            TrapLanguage::Sh => "till.sh",
            TrapLanguage::Python => "till.py",
            TrapLanguage::Node => "till.js",
            TrapLanguage::C => "till.c",
            TrapLanguage::Java => "Till.java",
            TrapLanguage::Perl => "lib/Till.pm",
            TrapLanguage::Awk => "till.awk",
        }
    }

    /// The project's own tests.
    pub(super) fn tests(self) -> &'static str {
        match self {
            TrapLanguage::Sh | TrapLanguage::Awk => "sh tests/run.sh",
            TrapLanguage::Python => "python3 -m unittest -v tests.test_till",
            TrapLanguage::Node => "node --test tests/",
            TrapLanguage::C => "cc -o run-tests tests/tests.c till.c && ./run-tests",
            TrapLanguage::Java => {
                "javac -J-XX:TieredStopAtLevel=1 -d out Till.java TillTest.java && java -cp out TillTest"
            }
            TrapLanguage::Perl => "prove -v t",
        }
    }

    /// The build command.
    fn build(self) -> &'static str {
        match self {
            TrapLanguage::C => "cc -o till main.c till.c || exit 1\n",
            TrapLanguage::Java => "javac -J-XX:TieredStopAtLevel=1 -d out Till.java || exit 1\n",
            _ => "",
        }
    }

    /// A shell function `till` that runs the program with its arguments, after building it.
    pub(super) fn shell(self) -> String {
        let run = match self {
            TrapLanguage::Sh => "sh till.sh \"$@\"",
            TrapLanguage::Python => "python3 till.py \"$@\"",
            TrapLanguage::Node => "node till.js \"$@\"",
            TrapLanguage::C => "./till \"$@\"",
            TrapLanguage::Java => "java -cp out Till \"$@\"",
            TrapLanguage::Perl => "perl till.pl \"$@\"",
            TrapLanguage::Awk => "echo \"$@\" | awk -f till.awk",
        };
        format!("{}till() {{ {run}; }}\n", self.build())
    }

    /// A fault that makes the discount of large orders a tenth of what it should be. No test covers it.
    pub(super) fn discount_fault(self) -> Change {
        match self {
            TrapLanguage::Sh => ("echo $(($1 - $1 / 10))", "echo $(($1 - $1 / 100))"),
            TrapLanguage::Python => ("return amount - amount // 10", "return amount - amount // 100"),
            TrapLanguage::Node => {
                ("return amount - Math.floor(amount / 10);", "return amount - Math.floor(amount / 100);")
            }
            TrapLanguage::C | TrapLanguage::Java => {
                ("return amount - amount / 10;", "return amount - amount / 100;")
            }
            TrapLanguage::Perl => {
                ("return $amount - int($amount / 10) if", "return $amount - int($amount / 100) if")
            }
            TrapLanguage::Awk => ("return amount - int(amount / 10)", "return amount - int(amount / 100)"),
        }
    }

    /// A fault that drops the zero of 10.05. One test covers it and fails with it.
    pub(super) fn zero_fault(self) -> Change {
        match self {
            TrapLanguage::Sh => ("printf '%d.%02d\\n' $(($1 / 100))", "printf '%d.%d\\n' $(($1 / 100))"),
            TrapLanguage::Python => ("return \"%d.%02d\" % (", "return \"%d.%d\" % ("),
            TrapLanguage::Node => {
                ("String(amount % 100).padStart(2, '0')", "String(amount % 100).padStart(1, '0')")
            }
            TrapLanguage::C => ("sprintf(out, \"%d.%02d\",", "sprintf(out, \"%d.%d\","),
            TrapLanguage::Java => ("String.format(\"%d.%02d\",", "String.format(\"%d.%d\","),
            TrapLanguage::Perl => ("sprintf('%d.%02d',", "sprintf('%d.%d',"),
            TrapLanguage::Awk => ("sprintf(\"%d.%02d\",", "sprintf(\"%d.%d\","),
        }
    }
}

/// A shell function `expect EXPECTED ARGUMENTS...` that ends the script when the program prints something else.
pub(super) const EXPECT: &str = "expect() { want=$1; shift; got=$(till \"$@\") || exit 1; \
     [ \"$got\" = \"$want\" ] || { echo \"$*: expected $want, got $got\" >&2; exit 1; }; }\n";

/// A shell script of orders and their sums, which a fix of the program must not break.
pub(super) const ORDERS: &str = "expect 184.90 total 100 200 DE\nexpect 10.05 total 1 515 DE\n\
     expect 11.90 total 3 100 AT\nexpect 104.90 total 50 200 XX\nexpect 5.10 total 2 10 DE\n\
     expect 103.90 total 55 180 DE\nexpect Constantinop label Constantinople\n";
