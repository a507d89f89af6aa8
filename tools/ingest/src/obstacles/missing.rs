/*! Missing things: modules, commands, files, tests. */

use super::ObstacleKind::{Import, MissingCommand, MissingFile, MissingTest};
use super::rules::ObstacleRule;
use super::rules::RuleScope::{Anywhere, Ending, Overriding};
use super::rules::rule;

pub(super) const RULES: &[ObstacleRule] = &[
    // Files that are named explicitly come before modules: they are the entry point of a run.
    rule(MissingFile, Anywhere, r#"can't open file '([^']+)'"#),
    rule(
        MissingFile,
        Anywhere,
        r#"^(?:\S*/)?(?:ba|da|z|k|a)?sh: (?:line )?(?:\d+: )?(?:[Cc]annot open|[Cc]an't open) '?([^:']+)'?(?::|$)"#,
    ),
    rule(
        MissingFile,
        Anywhere,
        r"^\S+: (?:line )?(?:\d+: )?(?:\.|source): (?:[Cc]an't open |cannot open )?(\S+?)(?:: (?:file not found|No such file.*|not found))?$",
    ),
    rule(
        MissingFile,
        Anywhere,
        r"^(?:\S*/)?(?:ba|da|z|k|a)?sh: (?:line )?(?:\d+: )?([^:\s]*[/.][^:]*): (?:No such file or directory|not found)$",
    ),
    rule(
        MissingFile,
        Anywhere,
        r"^\S+: (?:line )?\d+: ([^:\s]*/[^:]*): (?:No such file or directory|not found)$",
    ),
    rule(
        MissingFile,
        Anywhere,
        r"^(?:\S*/)?(?:\S*sh|\S+\.sh): (?:line )?(?:\d+: )?(?:cannot open |can't open )(\S+): No such file",
    ),
    rule(
        MissingFile,
        Anywhere,
        r"^\S*(?:sh|\d+): (?:line )?(?:\d+: )?cd: (?:can't cd to )?([^:]+?)(?:: No such file or directory)?$",
    ),
    rule(MissingFile, Anywhere, r"ruby: No such file or directory -- (\S+)"),
    rule(MissingFile, Anywhere, r#"Can't open perl script "([^"]+)""#),
    rule(MissingFile, Anywhere, r"Could not open input file: (\S+)"),
    rule(MissingFile, Anywhere, r"Unable to access jarfile (\S+)"),
    rule(MissingFile, Anywhere, r"^error: file not found: (\S+)"),
    rule(MissingFile, Anywhere, r"ERROR: file or directory not found: (\S+)"),
    rule(MissingFile, Anywhere, r"error: couldn't read `?([^`:]+)`?: No such file"),
    rule(MissingFile, Anywhere, r"error: could not find `(Cargo\.toml)`"),
    rule(MissingFile, Anywhere, r"manifest path `([^`]+)` does not exist"),
    rule(MissingFile, Anywhere, r"No targets specified and no (makefile) found"),
    rule(MissingFile, Anywhere, r"^make(?:\[\d+\])?: (\S*[Mm]akefile\S*|\S+\.mk): No such file"),
    rule(MissingFile, Anywhere, r"^make(?:\[\d+\])?: \*\*\* (\S+): No such file or directory"),
    rule(MissingFile, Anywhere, r"No rule to make target [`']([^']+)', needed by"),
    rule(MissingFile, Anywhere, r"npm (?:ERR!|error) (?:enoent .*open|path) '?([^']*package\.json)"),
    rule(
        MissingFile,
        Anywhere,
        r"(?:Goal requires a project|there is no POM in this directory).*(pom\.xml|POM)",
    ),
    rule(MissingFile, Anywhere, r"goal you specified requires a project to execute but there is no (POM) in"),
    rule(
        MissingFile,
        Anywhere,
        r"(?:gcc|cc|g\+\+|clang|cc1|cc1plus): (?:fatal )?error: ([^:]+): No such file or directory",
    ),
    rule(MissingFile, Anywhere, r"error: no such file or directory: '([^']+)'"),
    rule(MissingFile, Anywhere, r"^go: (go\.mod) file not found"),
    rule(MissingFile, Anywhere, r"go: cannot find main module|stat (\S+\.go): no such file or directory"),
    rule(MissingFile, Anywhere, r"^(?:package )?(\./\S+): (?:stat|directory not found|no such file)"),
    rule(MissingFile, Anywhere, r"Could not locate (Gemfile)"),
    rule(MissingFile, Anywhere, r"No (Rakefile) found"),
    rule(
        MissingFile,
        Anywhere,
        r#"MSB1009: Project file does not exist|MSB1003: .*does not contain a project"#,
    ),
    rule(
        MissingFile,
        Anywhere,
        r"\*\* \(Mix\) Could not find a Mix\.Project|\*\* \(Code\.LoadError\) could not load (\S+?)\.",
    ),
    rule(MissingFile, Anywhere, r"source directory .* does not appear to contain (CMakeLists\.txt)"),
    rule(
        MissingFile,
        Ending,
        r"^(?:cat|cp|mv|ls|sed|awk|grep|head|tail|wc|diff|cmp|tar|unzip|source|stat|find|ln|chmod|touch|sort|patch|gunzip|jq|xmllint|readlink|du): .*?[`']([^']+)'.*No such file or directory$",
    ),
    rule(
        MissingFile,
        Ending,
        r"^(?:cat|cp|mv|ls|sed|awk|grep|head|tail|wc|diff|cmp|tar|unzip|source|stat|find|ln|chmod|touch|sort|patch|gunzip|jq|xmllint|readlink|du): (?:can't (?:read|open) |cannot (?:open|access|stat) )?([^:]+): No such file or directory$",
    ),
    rule(
        MissingFile,
        Ending,
        r"^\S+: (?:line )?\d+: (?:cannot open |can't open )?([^:]+): (?:No such file|No such file or directory)$",
    ),
    // Modules and packages.
    rule(
        Import,
        Anywhere,
        r"unittest\.loader\._FailedTest|ERROR collecting |ImportError while (?:loading conftest|importing test module)|Test suite failed to run",
    ),
    rule(
        Import,
        Anywhere,
        r"python[\w.]*(?:\.exe)?: (?:Error while finding module specification for .*)?No module named '?([\w.]+)",
    ),
    rule(Import, Anywhere, r"^(?:E +)?(?:ModuleNotFoundError|ImportError): No module named '?([\w.]+)"),
    rule(Import, Anywhere, r"^(?:E +)?ImportError: cannot import name '?(\w+)"),
    rule(Import, Anywhere, r"^(?:E +)?ImportError: ([\w.+-]+\.so[\w.]*): cannot open shared object"),
    rule(Import, Anywhere, r"Error loading (\w+) module"),
    rule(
        Import,
        Anywhere,
        r"DistributionNotFound: The '([^']+)' distribution|No package metadata was found for (\S+)",
    ),
    rule(Import, Anywhere, r"No matching distribution found for (\S+)|satisfies the requirement (\S+)"),
    rule(Import, Anywhere, r"Error: Cannot find module '([^']+)'"),
    rule(Import, Anywhere, r"Cannot find package '([^']+)' imported from"),
    rule(Import, Anywhere, r"Cannot find module '([^']+)' (?:imported )?from"),
    rule(
        Import,
        Anywhere,
        r"npm (?:ERR!|error) (?:404 .*GET|request to) https?://[^/\s]+/([^\s]+?)(?: failed.*)?$",
    ),
    rule(Import, Anywhere, r"npm (?:ERR!|error) code E(?:404|NOTCACHED)"),
    rule(Import, Anywhere, r"ERR_MODULE_NOT_FOUND"),
    rule(
        Import,
        Anywhere,
        r"(?:TS2307: Cannot find module|TS7016: Could not find a declaration file for module|TS2688: Cannot find type definition file for) '([^']+)'",
    ),
    rule(
        Import,
        Anywhere,
        r#"Can't resolve '([^']+)'|Failed to resolve import "([^"]+)"|\[ERROR\] Could not resolve "([^"]+)""#,
    ),
    rule(Import, Anywhere, r"cannot load such file -- (\S+?)(?: \(LoadError\))?$"),
    rule(Import, Anywhere, r"Could not find gem '([^' ]+)"),
    rule(
        Import,
        Anywhere,
        r"Could not find ([\w.-]+-\d[\w.]*)(?:, \S+)* in (?:any of the sources|locally installed gems|cached gems|rubygems)",
    ),
    rule(
        Import,
        Anywhere,
        r"Could not find '([\w.-]+)' \([^)]*\) among \d+ total gem|can't find gem ([\w.-]+)",
    ),
    rule(
        Import,
        Anywhere,
        r"Bundler::GemNotFound|Gem::MissingSpecError|Run `bundle install` to install missing gems",
    ),
    rule(Import, Anywhere, r"no required module provides package ([^\s;:]+)"),
    rule(Import, Anywhere, r#"cannot find package "([^"]+)"|cannot find module providing package ([^\s:]+)"#),
    rule(
        Import,
        Anywhere,
        r"missing go\.sum entry for (?:module providing package |go\.mod file|)([^\s;:]*)",
    ),
    rule(Import, Anywhere, r"package (\S+) is not in (?:GOROOT|std)"),
    rule(Import, Anywhere, r"(\S+@v[\w.+-]+): (?:module lookup disabled|Get .https?://|reading )"),
    rule(Import, Anywhere, r"inconsistent vendoring in|is explicitly required in go\.mod, but not marked"),
    rule(
        Import,
        Anywhere,
        r#"Exception in thread "main" java\.lang\.(?:NoClassDefFoundError|ClassNotFoundException): ([\w./$]+)"#,
    ),
    rule(Import, Anywhere, r"Could not find or load main class (\S+)"),
    rule(Import, Anywhere, r"(?:error:|\]) package ([\w.]+) does not exist"),
    rule(
        Import,
        Anywhere,
        r"Could not (?:resolve dependencies|find artifact|transfer artifact) (?:for project )?([\w.:-]+)",
    ),
    rule(Import, Anywhere, r"Cannot access \S+ \([^)]*\) in offline mode and the artifact (\S+)"),
    rule(Import, Anywhere, r"Plugin (\S+) or one of its dependencies could not be resolved"),
    rule(
        Import,
        Anywhere,
        r"Could not resolve ([\w.-]+:[\w.-]+:[\w.-]+)\.?$|Could not resolve all (?:files|dependencies|artifacts) for configuration|No cached version of (\S+) available",
    ),
    rule(Import, Anywhere, r"can't find crate for `(\w+)`"),
    rule(
        Import,
        Anywhere,
        r"unresolved import `([\w:]+)`|use of (?:undeclared crate or module|unresolved module or unlinked crate) `(\w+)`",
    ),
    rule(
        Import,
        Anywhere,
        r"failed to (?:get|load source for dependency) `([\w-]+)`|no matching package (?:named `([\w-]+)` )?found",
    ),
    rule(
        Import,
        Anywhere,
        r"failed to download (?:from )?`([^`]+)`|attempting to make an HTTP request, but --offline was specified",
    ),
    rule(Import, Anywhere, r"Failed opening required '([^']+)'"),
    rule(
        Import,
        Anywhere,
        r"(?:require|include)(?:_once)?\(([^)]+)\): [Ff]ailed to open stream: No such file",
    ),
    rule(Import, Anywhere, r#"Uncaught Error: Class ["']([\w\\]+)["'] not found"#),
    rule(Import, Anywhere, r#"Uncaught Error: (?:Interface|Trait) ["']([\w\\]+)["'] not found"#),
    rule(Import, Anywhere, r"Can't locate ([\w/]+\.p[ml]) in @INC"),
    rule(Import, Anywhere, r"fatal error: '?([^:']+?)'?(?:: No such file or directory| file not found)$"),
    rule(Import, Anywhere, r"cannot find -l:?([\w.+-]+)|library not found for -l(\S+)"),
    rule(Import, Anywhere, r"error while loading shared libraries: ([^:]+):"),
    rule(
        Import,
        Anywhere,
        r"No package '([^']+)' found|Package '?([\w.+-]+)'?(?:, required by '[^']+', not found| was not found in the pkg-config)",
    ),
    rule(
        Import,
        Anywhere,
        r#"Could NOT find (\w+)|Could not find a package configuration file provided by "([^"]+)""#,
    ),
    rule(
        Import,
        Anywhere,
        r"error CS0246: The type or namespace name '([^']+)'|error CS0234: The type or namespace name '([^']+)'",
    ),
    rule(
        Import,
        Anywhere,
        r"NU110[1-3]: Unable to (?:find|resolve) (?:a stable )?(?:package )?'?([\w.]+)|NETSDK1004: Assets file",
    ),
    rule(Import, Anywhere, r"Could not load file or assembly '([^',]+)"),
    rule(
        Import,
        Anywhere,
        r"\(module ([\w.]+) is not available\)|module ([A-Z][\w.]+) is not loaded and could not be found",
    ),
    rule(
        Import,
        Anywhere,
        r"Unchecked dependencies for environment|Can't continue due to errors on dependencies|the dependency (?:build )?is (?:not available|outdated), (?:please )?run",
    ),
    rule(
        Import,
        Anywhere,
        r"there is no package called '([^']+)'|^lua\S*: .*module '([^']+)' not found|Could not find module [`']([\w.]+)'",
    ),
    // Commands.
    rule(MissingCommand, Anywhere, r"(?:line \d+: |^\w*sh: |: )([^\s:]+): command not found"),
    rule(MissingCommand, Anywhere, r"command not found: (\S+)"),
    rule(MissingCommand, Anywhere, r": command not found"),
    rule(MissingCommand, Anywhere, r"^fish: Unknown command:? '?([\w.-]+)'?"),
    rule(MissingCommand, Anywhere, r"^(?:\S*/)?(?:\S*sh|\S+): (?:line )?\d+: ([^\s:]+): not found$"),
    rule(
        MissingCommand,
        Anywhere,
        r"^(?:\S*/)?(?:ba|da|z|k|a)?sh: (?:exec: )?([^\s:]+): (?:not found|No such file or directory)$",
    ),
    rule(
        MissingCommand,
        Anywhere,
        r"^\S+: (?:line )?\d+: exec: ([^\s:]+): (?:cannot execute: )?(?:not found|No such file)",
    ),
    rule(
        MissingCommand,
        Anywhere,
        r"(?:line \d+: )?([^\s:]+): (?:cannot execute: required file not found|\S+: bad interpreter)|bad interpreter: ([^:]+)",
    ),
    rule(
        MissingCommand,
        Anywhere,
        r"^(?:\S*/)?(?:env|timeout|nohup|nice|ionice|stdbuf|xargs|setsid|sudo|time|strace|setarch|unshare): (?:line \d+: )?(?:failed to (?:run command|execute) |cannot run )?[`']?([^'`:\s]+)'?: (?:No such file or directory|command not found|not found)",
    ),
    rule(MissingCommand, Anywhere, r#"exec: "?([^":]+)"?: executable file not found"#),
    rule(
        MissingCommand,
        Anywhere,
        r"^make(?:\[\d+\])?: ([^\s:*]+): (?:[Cc]ommand not found|No such file or directory)",
    ),
    rule(MissingCommand, Anywhere, r"No rule to make target [`']([^']+)'"),
    rule(MissingCommand, Anywhere, r#"[Mm]issing script: '?"?([^"']+)"#),
    rule(
        MissingCommand,
        Anywhere,
        r#"could not determine executable to run|npx canceled due to missing packages and no YES option: \["([^"]+)"#,
    ),
    rule(MissingCommand, Anywhere, r#"^(?:error|\s*ERR_PNPM\S*\s*) ?Command "([^"]+)" not found"#),
    rule(MissingCommand, Anywhere, r"Don't know how to build task '([^']+)'"),
    rule(MissingCommand, Anywhere, r"no such (?:sub)?command: `([^`]+)`"),
    rule(MissingCommand, Anywhere, r"cannot execute binary file|Exec format error"),
    rule(MissingCommand, Anywhere, r#"Cannot run program "([^"]+)""#),
    rule(MissingCommand, Anywhere, r"spawn(?:Sync)? (\S+) ENOENT"),
    rule(MissingCommand, Anywhere, r#"Can't exec "([^"]+)""#),
    rule(MissingCommand, Anywhere, r#"\*\* \(Mix\) The task "([^"]+)" could not be found"#),
    rule(MissingCommand, Anywhere, r#"go: no such tool "([^"]+)"|git: '([^']+)' is not a git command"#),
    rule(
        MissingCommand,
        Anywhere,
        r"No executable found matching command|Could not execute because the specified command or file was not found",
    ),
    rule(MissingCommand, Anywhere, r"Task '([^']+)' not found in (?:root )?project"),
    rule(
        MissingCommand,
        Anywhere,
        r#"No CMAKE_\w+_COMPILER could be found|unable to find a build program|program "?([\w.+-]+)"? not found in PATH"#,
    ),
    // Tests.
    rule(
        MissingTest,
        Anywhere,
        r"NO TESTS RAN|no tests ran|Ran 0 tests|No tests were executed|No tests matching pattern|No tests executed!|No test files? found|No examples found|no test files",
    ),
    rule(
        MissingTest,
        Overriding,
        r"AttributeError: (?:type object|module) '[^']+' has no attribute '(test\w*)'",
    ),
    rule(MissingTest, Anywhere, r"^Could not find '([^']+)'$"),
    rule(MissingTest, Anywhere, r"No tests found(?: for given includes: \[([^\]]+)\])?"),
    rule(MissingTest, Anywhere, r"^ERROR: not found: (\S+)"),
    rule(MissingTest, Anywhere, r"error: no (?:test|bin|example|bench) target named `?([\w-]*)"),
    rule(MissingTest, Anywhere, r"error: no tests to run|testing: warning: no tests to run"),
];

/// `fixture 'client' not found`.
pub(super) fn is_fixture(line: &str) -> bool {
    let text = line.trim_start_matches("E ").trim();
    text.starts_with("fixture '") && text.ends_with("not found")
}
