/*!
The vocabulary and style of each history.
*/

/// One repository: its services, its words, its language and the style of its subjects.
pub(super) struct HistoryProfile {
    pub(super) name: &'static str,
    pub(super) root: &'static str,
    pub(super) extension: &'static str,
    pub(super) services: &'static [&'static str],
    pub(super) nouns: &'static [&'static str],
    /// Generates a function that processes a noun.
    pub(super) function: fn(verb: &str, noun: &str, other: &str) -> String,
    /// Generates a commit subject from service, verb, noun, the rest, and a running number.
    pub(super) subject: fn(&str, &str, &str, &str, usize) -> String,
}

pub(super) const VERBS: &[&str] = &[
    "add", "round", "sort", "merge", "split", "cache", "retry", "limit", "export", "import", "validate",
    "print", "parse", "rename", "move", "store", "filter", "group", "count", "check", "update", "remove",
    "show", "hide", "delete", "send", "queue", "batch", "encode", "refresh",
];

pub(super) const QUALIFIERS: &[&str] = &[
    "before",
    "for each",
    "when there is no",
    "by",
    "together with",
    "without",
    "instead of",
    "as well as",
    "after the",
    "once per",
    "across",
    "behind the",
    "in the list of",
    "with its",
    "only for",
];

fn python(verb: &str, noun: &str, other: &str) -> String {
    format!(
        "\n\ndef {verb}_{noun}({other}):\n    if {other} is None:\n        raise ValueError(\"no {noun} to {verb}\")\n    return {noun}_rows({other})\n"
    )
}

fn go(verb: &str, noun: &str, other: &str) -> String {
    format!(
        "\nfunc {verb}{noun}(ctx Context, {other} string) error {{\n\tif {other} == \"\" {{\n\t\treturn fmt.Errorf(\"{verb} {noun}: empty\")\n\t}}\n\treturn store.{verb}(ctx, {other})\n}}\n"
    )
}

fn java(verb: &str, noun: &str, other: &str) -> String {
    format!(
        "\n    public List<String> {verb}_{noun}(Request {other}) {{\n        log.info(\"{verb} {noun}\");\n        return repository.{noun}({other}.id());\n    }}\n"
    )
}

fn script(verb: &str, noun: &str, other: &str) -> String {
    format!(
        "\nexport function {verb}_{noun}({other}) {{\n  const {noun} = {other}.{noun} ?? [];\n  return {noun}.map((entry) => entry.{verb}());\n}}\n"
    )
}

fn shell(verb: &str, noun: &str, other: &str) -> String {
    format!(
        "\n{verb}_{noun}() {{\n    [ -n \"${other}\" ] || fail \"no {noun}\"\n    {noun}_file=\"$state/{noun}\"\n}}\n"
    )
}

fn plain(_: &str, verb: &str, noun: &str, rest: &str, _: usize) -> String {
    let mut chars = verb.chars();
    let first = chars.next().map(|c| c.to_uppercase().collect::<String>()).unwrap_or_default();
    format!("{first}{} the {noun} {rest}", chars.as_str())
}

fn prefixed(service: &str, verb: &str, noun: &str, rest: &str, _: usize) -> String {
    format!("{service}: {verb} {noun} {rest}")
}

fn conventional(service: &str, verb: &str, noun: &str, rest: &str, number: usize) -> String {
    let kind = ["feat", "fix", "refactor", "chore"].get(number % 4).copied().unwrap_or("fix");
    format!("{kind}({service}): {verb} {noun} {rest}")
}

fn numbered(_: &str, verb: &str, noun: &str, rest: &str, number: usize) -> String {
    format!("[OPS-{}] {verb} {noun} {rest}", 400 + number)
}

pub(super) const PROFILES: &[HistoryProfile] = &[
    HistoryProfile {
        name: "shop",
        root: "services",
        extension: "py",
        services: &["billing", "checkout", "catalog", "shipping", "accounts"],
        nouns: &[
            "invoice", "order", "customer", "price", "voucher", "parcel", "address", "payment", "discount",
            "basket",
        ],
        function: python,
        subject: prefixed,
    },
    HistoryProfile {
        name: "gateway",
        root: "internal",
        extension: "go",
        services: &["proxy", "auth", "ratelimit", "metrics", "config"],
        nouns: &[
            "route",
            "token",
            "session",
            "upstream",
            "header",
            "certificate",
            "quota",
            "listener",
            "cookie",
            "timeout",
        ],
        function: go,
        subject: prefixed,
    },
    HistoryProfile {
        name: "ledger",
        root: "src/main/java/ledger",
        extension: "java",
        services: &["booking", "report", "tax", "bank", "audit"],
        nouns: &[
            "account",
            "entry",
            "balance",
            "statement",
            "currency",
            "period",
            "transfer",
            "receipt",
            "budget",
            "rate",
        ],
        function: java,
        subject: plain,
    },
    HistoryProfile {
        name: "portal",
        root: "packages",
        extension: "ts",
        services: &["web", "editor", "search", "profile", "notifications"],
        nouns: &[
            "page", "menu", "message", "picture", "comment", "password", "language", "calendar", "team",
            "document",
        ],
        function: script,
        subject: conventional,
    },
    HistoryProfile {
        name: "fleet",
        root: "modules",
        extension: "sh",
        services: &["backup", "deploy", "monitor", "network", "disk"],
        nouns: &["host", "volume", "snapshot", "job", "alert", "node", "package", "log", "key", "schedule"],
        function: shell,
        subject: numbered,
    },
    HistoryProfile {
        name: "clinic",
        root: "app",
        extension: "py",
        services: &["records", "appointments", "pharmacy", "laboratory", "insurance"],
        nouns: &[
            "patient",
            "visit",
            "letter",
            "sample",
            "prescription",
            "doctor",
            "room",
            "result",
            "form",
            "reminder",
        ],
        function: python,
        subject: plain,
    },
    HistoryProfile {
        name: "telemetry",
        root: "pkg",
        extension: "go",
        services: &["collector", "storage", "query", "dashboard", "alerting"],
        nouns: &[
            "metric",
            "series",
            "sample",
            "label",
            "panel",
            "rule",
            "silence",
            "heartbeat",
            "target",
            "histogram",
        ],
        function: go,
        subject: conventional,
    },
    HistoryProfile {
        name: "school",
        root: "lib",
        extension: "js",
        services: &["courses", "grades", "library", "canteen", "transport"],
        nouns: &[
            "lesson",
            "teacher",
            "student",
            "book",
            "meal",
            "ticket",
            "exam",
            "holiday",
            "parent",
            "subscription",
        ],
        function: script,
        subject: numbered,
    },
];
