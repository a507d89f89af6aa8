/*! The environment of a run: network, permissions, variables, versions, line ends, resources. */

use super::ObstacleKind::{
    LineEndings, MissingVariable, Network, Permission, Resources, RuntimeVersion, TimeOut,
};
use super::rules::ObstacleRule;
use super::rules::RuleScope::{Anywhere, Ending, Overriding};
use super::rules::rule;

pub(super) const RULES: &[ObstacleRule] = &[
    // The reader treats a carriage return as a line end, so the text after it begins a new line.
    rule(LineEndings, Overriding, r"bad interpreter: .*\^M|\^M: bad interpreter"),
    rule(LineEndings, Overriding, r"(\S+?)(?:: line \d+)?: \$'\\r': command not found|\$'[^']*\\r'"),
    rule(
        LineEndings,
        Overriding,
        r"'[^']*\\r': No such file|^: (?:command )?not found$|^: No such file or directory$",
    ),
    rule(
        LineEndings,
        Overriding,
        r"^: invalid option(?: name)?$|Illegal option -\\?r?$|^: bad substitution$|^: numeric argument required$",
    ),
    rule(LineEndings, Overriding, r#"Can't exec ".*\\r"|ruby\\r|python3?\\r'"#),
    // Versions.
    rule(
        RuntimeVersion,
        Overriding,
        r"UnsupportedClassVersionError: (\S+) has been compiled|class file has wrong version ([\d.]+)",
    ),
    rule(
        RuntimeVersion,
        Overriding,
        r"(?:invalid (?:source|target) release|release version):? ([\d.]+)(?: not supported)?|Source option ([\d.]+) is no longer supported",
    ),
    rule(RuntimeVersion, Overriding, r#"engine "(\w+)" is incompatible|(?:ERR!|error) code EBADENGINE"#),
    rule(RuntimeVersion, Overriding, r#"(?:ERR!|error) (?:notsup )?Required: \{"(\w+)":"#),
    rule(
        RuntimeVersion,
        Overriding,
        r"ERR_PNPM_UNSUPPORTED_ENGINE|digital envelope routines::unsupported|ERR_REQUIRE_ESM|ERR_UNKNOWN_FILE_EXTENSION",
    ),
    rule(RuntimeVersion, Ending, r"[Rr]equires (Node(?:\.js|JS)? ?(?:version )?(?:>=? ?)?v?\d[\d.]*)"),
    rule(
        RuntimeVersion,
        Ending,
        r"requires (go >= ?[\d.]+)|module requires (Go [\d.]+)|invalid go version '([^']+)'",
    ),
    rule(
        RuntimeVersion,
        Overriding,
        r"go\.mod:\d+: unknown (?:directive|block type): (\S+)|(toolchain not available)",
    ),
    rule(
        RuntimeVersion,
        Ending,
        r"(?:requires|is not supported by) (rustc [\d.]+)|feature `(edition\d+)` is required|error\[(E0554)\]",
    ),
    rule(RuntimeVersion, Overriding, r"rustc [\d.]+ is not supported by the following packages?"),
    rule(
        RuntimeVersion,
        Ending,
        r"[Rr]equires(?: a different)? (Python:? '?(?:[<>=!~]=? ?)?\d[\w.,<>=!~*]*)",
    ),
    rule(RuntimeVersion, Overriding, r"requires a different (Python): [\d.]+ not in"),
    rule(
        RuntimeVersion,
        Overriding,
        r"No module named '?(imp|distutils(?:\.\w+)?|asyncore|asynchat|smtpd|telnetlib|cgi|nntplib|pipes)'?$",
    ),
    rule(
        RuntimeVersion,
        Overriding,
        r"cannot import name '(?:Mapping|MutableMapping|Iterable|Callable|Sequence|Hashable)' from '(collections)'",
    ),
    rule(
        RuntimeVersion,
        Overriding,
        r"Your (Ruby) version is ([\d.]+), but your Gemfile|requires (Ruby version [\d.<>=~ ]+)",
    ),
    rule(RuntimeVersion, Overriding, r#"Composer dependencies require a (PHP version "[^"]+")"#),
    rule(RuntimeVersion, Ending, r"requires (php [\^~>=\d.]+)"),
    rule(RuntimeVersion, Overriding, r"(Perl v?[\d.]+) required--this is only"),
    rule(
        RuntimeVersion,
        Overriding,
        r"You must install or update (\.NET)|NETSDK1045|required (?:library|framework) could not be found",
    ),
    rule(RuntimeVersion, Overriding, r"version [`']((?:GLIBC|GLIBCXX|CXXABI)_[\d.]+)' not found"),
    rule(RuntimeVersion, Ending, r"CMake ([\d.]+) or higher is required"),
    rule(
        RuntimeVersion,
        Ending,
        r"You're trying to run .* on Elixir v?([\d.]+)|(Elixir) v?[\d.]+ but it has declared in its mix\.exs",
    ),
    // Network: a replay has no network, so any host it cannot reach counts.
    rule(Network, Ending, r"[Cc]ould not resolve host(?:name)?:? '?([^\s;,']+)"),
    rule(Network, Ending, r"getaddrinfo (?:ENOTFOUND|EAI_AGAIN) (\S+)|(?:ENOTFOUND|EAI_AGAIN) (\S+)"),
    rule(Network, Ending, r"ECONNREFUSED:? ?(\S*)"),
    rule(Network, Ending, r"(?:ENETUNREACH|EHOSTUNREACH|EADDRNOTAVAIL|ENOTFOUND|EAI_AGAIN|EAI_FAIL) ?(\S*)"),
    rule(Network, Ending, r"[Tt]emporary failure (?:in name resolution|resolving '([^']+)')"),
    rule(
        Network,
        Ending,
        r"Name or service not known|nodename nor servname|No address associated with hostname|Name does not resolve",
    ),
    rule(Network, Ending, r#"[Cc]onnection to server (?:at|on socket) "([^"]+)""#),
    rule(Network, Ending, r#"could not translate host name "([^"]+)"|could not connect to server"#),
    rule(
        Network,
        Ending,
        r"Can't connect to (?:local )?(?:MySQL )?server (?:on|through socket) '([^']+)'|SQLSTATE\[HY000\] \[200[23]\]|SQLSTATE\[08006\]",
    ),
    rule(Network, Ending, r"Error (?:\d+ )?connecting to ([\w.-]+:\d+)|Could not connect to Redis at (\S+):"),
    rule(
        Network,
        Ending,
        r"ServerSelectionTimeoutError|MongoNetworkError|MongoServerSelectionError|MongooseServerSelectionError|CannotConnectError",
    ),
    rule(
        Network,
        Ending,
        r"dial (?:tcp|udp|unix) ([^\s]+?): (?:connect|lookup|i/o)|lookup (\S+)(?: on \S+)?: (?:no such host|dial|Temporary)",
    ),
    rule(
        Network,
        Ending,
        r"(?:UnknownHostException|NoRouteToHostException|HttpHostConnectException):? ?(\S*)|java\.net\.ConnectException",
    ),
    rule(Network, Ending, r"Connection to (\S+?:\d+) refused"),
    rule(Network, Ending, r"php_network_getaddresses: (?:getaddrinfo (?:for (\S+) )?failed)?"),
    rule(
        Network,
        Ending,
        r"Failed to open TCP connection to (\S+)|[Uu]nable to connect to (?:the )?(?:remote )?(?:server |host |database )?'?([\w.-]+:\d+)",
    ),
    rule(
        Network,
        Ending,
        r"HTTPS?ConnectionPool\(host='([^']+)'|Failed to establish a new connection|urlopen error \[Errno",
    ),
    rule(
        Network,
        Ending,
        r"unable to access 'https?://([^/']+)|Could not read from remote repository|ssh: connect to host (\S+)",
    ),
    rule(Network, Ending, r"[Nn]etwork is unreachable|[Nn]o route to host|network access is disabled"),
    rule(Network, Ending, r"Connection refused|connection refused|tcp connect error"),
    rule(Network, Ending, r"(?:connect to|connecting to) (?:\S+ )?([\w.-]+:\d+)(?: failed|: )"),
    rule(Network, Ending, r"npm (?:ERR!|error) network|request to https?://([^/\s]+)\S* failed, reason"),
    rule(
        Network,
        Ending,
        r"[Ff]ailed to connect to (?:host )?'?([\w.-]+)|[Cc]ould not connect to (?:host |database )?'?([\w.-]+:\d+)",
    ),
    rule(Network, Ending, r"Address family not supported by protocol|Cannot assign requested address"),
    // Permissions.
    rule(Permission, Ending, r"Read-only file system:? ?'?([^']*)"),
    rule(Permission, Ending, r"(?:EACCES|EPERM|EROFS)(?::|\b).*?(?:'([^']+)'|(/\S+))"),
    rule(Permission, Ending, r"(?:EACCES|EPERM|EROFS)\b"),
    rule(Permission, Ending, r"Permission(?:Error|Denied)?:? .*?Permission denied: '([^']+)'"),
    rule(
        Permission,
        Ending,
        r"^(?:\S*/)?(?:ba|da|z|k|a)?sh: (?:line )?(?:\d+: )?(?:cannot (?:create|open) )?([^:]+): Permission denied",
    ),
    rule(
        Permission,
        Ending,
        r"^\S+: (?:line )?\d+: (?:cannot (?:create|open) )?([^:]+): (?:Permission denied|Operation not permitted)",
    ),
    rule(
        Permission,
        Ending,
        r"^[\w./-]+(?:\[\d+\])?: .*?[`']([^']+)'.*: (?:Permission denied|Operation not permitted)$",
    ),
    rule(
        Permission,
        Ending,
        r"^[\w./-]+(?:\[\d+\])?: ([^:]+): (?:Permission denied|Operation not permitted)$",
    ),
    rule(Permission, Ending, r"(?:^|[:\s\]])(/\S+?)(?: \(Permission denied\)|: [Pp]ermission denied)"),
    rule(Permission, Ending, r"AccessDeniedException: (\S+)|Access to the path '([^']+)' is denied"),
    rule(
        Permission,
        Ending,
        r"Errno::E(?:ACCES|PERM|ROFS)|PermissionError|kind: PermissionDenied|UnauthorizedAccessException",
    ),
    rule(Permission, Ending, r"\((/[^)]+)\): [Ff]ailed to open (?:stream|dir): Permission denied"),
    rule(Permission, Ending, r"(?:: |\()(?:Permission denied|Operation not permitted)(?:\W| at | in |$)"),
    // Variables of the environment.
    rule(
        MissingVariable,
        Anywhere,
        r"(?:^|: )([A-Za-z_]\w*): (?:unbound variable|parameter not set|parameter null or not set|parameter not set or null)",
    ),
    rule(MissingVariable, Ending, r"^\S+: (?:line )?\d+: ([A-Z][A-Z0-9_]{2,}): \S"),
    rule(
        MissingVariable,
        Ending,
        r#"[Mm]issing (?:the )?(?:required |mandatory )?env(?:ironment)?(?: |-)?var(?:iable)?(?:s|\(s\))?:? ?[`'"]?([A-Z][A-Z0-9_]+)"#,
    ),
    rule(
        MissingVariable,
        Ending,
        r#"[Mm]issing (?:the )?(?:required |mandatory )?env(?:ironment)?:? [`'"]?([A-Z][A-Z0-9_]+)"#,
    ),
    rule(
        MissingVariable,
        Ending,
        r#"[Ee]nv(?:ironment)?(?: |-)?var(?:iable)?s?:? [`'"$]?([A-Z][A-Z0-9_]+)[`'"]?,? (?:is |was |are |has |must |needs |to be |could )?(?:not |been )?(?:be )?(?:set|found|defined|missing|required|provided|present|exist|specified|empty|unset)"#,
    ),
    rule(
        MissingVariable,
        Ending,
        r#"[`'"$]?\b([A-Z][A-Z0-9]*_[A-Z0-9_]+|DSN|PATH|HOME|TOKEN)\b[`'"]? (?:env(?:ironment)? ?var(?:iable)? )?(?:is|was|must be|must|needs to be|has to be|has) (?:not |be |been )?(?:set|required|provided|missing|unset|specified)"#,
    ),
    rule(
        MissingVariable,
        Ending,
        r#"(?:[Ss]et|[Dd]efine|[Pp]rovide|[Ee]xport) (?:the )?[`'"$]?([A-Z][A-Z0-9_]+)[`'"]? env(?:ironment)?(?: |-)?var"#,
    ),
    rule(
        MissingVariable,
        Ending,
        r"UndefinedValueError: (\w+) not found|(\w+) not found\. Declare it as envvar",
    ),
    rule(MissingVariable, Ending, r#"key not found: "([A-Z][A-Z0-9_]+)""#),
    rule(
        MissingVariable,
        Ending,
        r#"env-var: "(\w+)" is a required variable|"?\b([A-Z][A-Z0-9_]+)"? is not defined in (?:the )?(?:process\.)?env"#,
    ),
    rule(MissingVariable, Ending, r#"Could not resolve placeholder '([^']+)' in value"#),
    rule(
        MissingVariable,
        Ending,
        r#"environment variable [`"'](\w+)[`"'] not (?:defined|found|set)|environment variable not found(?:: "(\w+)")?|called `Result::unwrap\(\)` on an `Err` value: (NotPresent)"#,
    ),
    rule(
        MissingVariable,
        Ending,
        r#"[Ee]nvironment variable not found: "(\w+)"|required key (\w+) missing value"#,
    ),
    rule(
        MissingVariable,
        Ending,
        r#"required environment variable[: ]+"?(\w+)"? is not set|env: (?:environment variable|required) "?(\w+)"?"#,
    ),
    rule(
        MissingVariable,
        Ending,
        r#"environment variable (\w+) is (?:missing|not set)|could not fetch environment variable "(\w+)""#,
    ),
    rule(
        MissingVariable,
        Ending,
        r"environment variables failed assertions: (\w+)|define the environment variable (\w+)",
    ),
    rule(
        MissingVariable,
        Ending,
        r"The (JAVA_HOME|GOPATH|ANDROID_HOME) (?:environment )?variable is not|(JAVA_HOME) is (?:not set|set to an invalid)",
    ),
    rule(MissingVariable, Ending, r"dotenv.*(?:not found|could not)|(?:open|ENOENT.*) '?\S*(\.env)'?(?::|$)"),
    rule(
        MissingVariable,
        Ending,
        r"ArgumentError: Missing `(secret_key_base)`|The (SECRET_KEY) setting must not be empty",
    ),
    // Resources of the machine.
    rule(Resources, Anywhere, r"No space left on device|Disk quota exceeded|ENOSPC"),
    rule(
        Resources,
        Anywhere,
        r"Cannot allocate memory|fork: retry: |virtual memory exhausted|ENOMEM|[Uu]nable to create (?:new )?native thread",
    ),
    rule(
        Resources,
        Ending,
        r"OutOfMemoryError|heap out of memory|Fatal process OOM|reserve virtual memory|runtime: out of memory|cannot allocate \d+-byte block|^Out of memory|memory allocation of \d+ bytes failed",
    ),
    rule(
        Resources,
        Ending,
        r"Allowed memory size of \d+ bytes exhausted|^(?:\S+: )?(?:line \d+: +\d+ )?Killed\b|signal: killed|ELIFECYCLE.*SIGKILL",
    ),
    rule(
        Resources,
        Ending,
        r"Resource temporarily unavailable|[Tt]oo many open files|EMFILE|File size limit exceeded|write error: File too large|Errno 27|EFBIG|pthread_create (?:failed|has failed)",
    ),
    rule(TimeOut, Ending, r"^timeout: sending signal|^(?:\S+: )?(?:line \d+: +\d+ )?Terminated +timeout"),
];
