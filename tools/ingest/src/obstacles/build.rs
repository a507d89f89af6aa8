/*! Compilers, linkers and parsers. */

use super::ObstacleKind::{Build, Syntax};
use super::rules::ObstacleRule;
use super::rules::RuleScope::{Anywhere, Ending};
use super::rules::rule;

pub(super) const RULES: &[ObstacleRule] = &[
    // Messages of a compiler come before those of the build tool.
    rule(
        Build,
        Anywhere,
        r"\.(?:c|cc|cpp|cxx|c\+\+|h|hh|hpp|m|mm|swift|java|scala|kt|zig|hs|d|f90):\d+:(?:\d+:)? (?:fatal )?error: (.+)",
    ),
    rule(Build, Anywhere, r"^\[ERROR\] \S+\.(?:java|kt|scala):\[\d+,\d+\] (?:error: )?(.+)"),
    rule(Build, Anywhere, r"^e: \S+\.kt.*?:? (.+)"),
    rule(Build, Anywhere, r"^error\[E0\d+\]: (.+)"),
    rule(Build, Anywhere, r"^\S+\.[cm]?tsx?(?:\(\d+,\d+\)|:\d+:\d+)(?::| -) error TS\d+: (.+)"),
    rule(Build, Anywhere, r"error (?:CS|FS|BC)\d{4}: (.+?)(?: \[\S+proj\])?$"),
    rule(Build, Anywhere, r"\*\* \((?:CompileError|TokenMissingError)\) (.+)"),
    rule(
        Build,
        Anywhere,
        r"(undefined reference to .+)|(multiple definition of .+)|ld: (symbol\(s\) not found.*)",
    ),
    rule(
        Build,
        Anywhere,
        r"COMPILATION ERROR|Compilation failed|error: could not compile|could not compile `|\[build failed\]|\[setup failed\]",
    ),
    rule(
        Build,
        Anywhere,
        r"error: linking with| compilation terminated\.|Build FAILED\.|error: cannot find symbol|collect2: error|linker command failed",
    ),
    rule(
        Build,
        Anywhere,
        r"Execution failed for task ':(\S*[cC]ompile\S*)'|== Compilation error in file (\S+)",
    ),
    rule(Build, Anywhere, r"^ninja: build stopped|CMake Error at |configure: error: (.+)"),
    rule(Build, Ending, r"^make(?:\[\d+\])?: \*\*\* \[\S*:?\d*:? ?(\S+\.(?:o|a|so|class|lo)\S*)\] Error"),
    // The `# package` line distinguishes Go's compiler from its tests, whose lines have no column.
    rule(
        Build,
        Anywhere,
        r"^(?:vet: )?\.?/?\S+\.go:\d+:\d+: (undefined: \S+|cannot use .+|\S+ undefined \(.+|.*declared (?:and|but) not used.*|.*imported and not used.*|not enough arguments in call.*|too many arguments in call.*|missing return|syntax error: .+|assignment mismatch: .+|invalid operation: .+|undeclared name: .+|.* redeclared in this block|unknown field .+|cannot find .+|.+ does not implement .+|non-name .+|expected .+, found .+)",
    ),
    // Scripts with syntax errors.
    rule(Syntax, Anywhere, r"^(?:\S+: )?(?:line )?\d+: (?:Syntax error|syntax error): (.+)"),
    rule(
        Syntax,
        Anywhere,
        r"(syntax error near unexpected token .+)|(unexpected EOF while looking for matching .+)|(syntax error: unexpected end of file.*)",
    ),
    rule(Syntax, Anywhere, r"(?:PHP )?Parse error: +(?:syntax error, )?(.+) in \S+ on line"),
    rule(Syntax, Anywhere, r"^\S+\.(?:rb|ru|gemspec):\d+: (syntax errors? .+|syntax error, .+)"),
    rule(
        Syntax,
        Anywhere,
        r"^(?:\S+: )?-?\S*:\d+: (syntax errors? found.*)|^(syntax error at \S+ line \d+, .+)|had compilation errors\.$",
    ),
    rule(Syntax, Anywhere, r"(Cannot use import statement outside a module|Unexpected token 'export')"),
    rule(Syntax, Ending, r"^E +SyntaxError: (.+)"),
    rule(Syntax, Ending, r"^(?:E +)?(?:IndentationError|TabError): (.+)"),
];
