/*!
Checks the invariants of ARCHITECTURE.md that the sources can show: which crate may depend on which, and where a name may
occur.
*/
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "architecture/module_graph.rs"]
mod module_graph;
#[path = "architecture/rust_tokens.rs"]
mod rust_tokens;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use module_graph::{CrateSources, find_cycles};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The folder of each crate and the workspace crates that the crate may depend on, lowest layer first.
const MAY_DEPEND_ON: &[(&str, &[&str])] = &[
    ("prompts", &[]),
    ("memory/model", &[]),
    ("memory/redaction", &["model"]),
    ("memory/store", &["model", "redaction"]),
    ("memory/recall", &["model", "store"]),
    ("tools/sandbox", &["model"]),
    ("tools/git", &["model", "redaction", "sandbox"]),
    ("tools/code", &["git", "model", "redaction", "sandbox"]),
    ("tools/ingest", &["model", "redaction"]),
    ("tools/replay", &["git", "ingest", "model", "sandbox"]),
    ("tools/culprit", &["code", "git", "ingest", "model", "redaction", "replay", "sandbox"]),
    (
        "tools/toolbox",
        &["code", "culprit", "git", "ingest", "model", "recall", "redaction", "replay", "sandbox", "store"],
    ),
    ("tools/testkit", &["model"]),
    (
        "agent",
        &[
            "code",
            "culprit",
            "git",
            "ingest",
            "model",
            "prompts",
            "recall",
            "redaction",
            "replay",
            "sandbox",
            "store",
            "tools",
        ],
    ),
    (
        "evals",
        &[
            "agent",
            "code",
            "culprit",
            "git",
            "ingest",
            "model",
            "prompts",
            "recall",
            "redaction",
            "replay",
            "sandbox",
            "store",
            "tools",
        ],
    ),
    ("deploy/usecases", &["code", "git", "ingest", "model", "redaction", "store"]),
    ("deploy/integrations", &["model"]),
    (
        "deploy/server",
        &[
            "agent",
            "code",
            "culprit",
            "git",
            "ingest",
            "integrations",
            "model",
            "recall",
            "redaction",
            "replay",
            "store",
            "tools",
            "usecases",
        ],
    ),
    (
        "deploy/millwright",
        &[
            "agent",
            "code",
            "culprit",
            "evals",
            "git",
            "ingest",
            "integrations",
            "model",
            "recall",
            "redaction",
            "replay",
            "sandbox",
            "server",
            "store",
            "tools",
            "usecases",
        ],
    ),
];

/// The crate that only development dependencies may name.
const TESTKIT: &str = "testkit";

#[test]
fn dependencies_run_one_way() {
    for (folder, allowed) in MAY_DEPEND_ON {
        let manifest = fs::read_to_string(root().join(folder).join("Cargo.toml")).unwrap();
        let manifest: toml::Table = manifest.parse().unwrap();
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let Some(dependencies) = manifest.get(section).and_then(toml::Value::as_table) else { continue };
            for name in dependencies.keys().filter_map(|name| name.strip_prefix("millwright-")) {
                let is_known = allowed.contains(&name) || (name == TESTKIT && section == "dev-dependencies");
                assert!(is_known, "{folder} must not depend on {name} ({section})");
            }
        }
    }
}

#[test]
fn every_member_of_the_workspace_is_judged() {
    let manifest: toml::Table = fs::read_to_string(root().join("Cargo.toml")).unwrap().parse().unwrap();
    let members = manifest["workspace"]["members"].as_array().unwrap();
    let judged: Vec<&str> = MAY_DEPEND_ON.iter().map(|(folder, _)| *folder).collect();
    let members: Vec<&str> = members.iter().filter_map(toml::Value::as_str).collect();
    assert_eq!(members, judged);
}

/// Text that may occur only in files with one of these path parts. The check includes comments and tests, because a name in
/// a comment is knowledge too. A comment elsewhere must describe the thing without its name.
const CONFINED: &[(&str, &[&str])] = &[
    ("git2::", &["tools/git/src/"]),
    ("sqlx::", &["memory/store/src/db/", "memory/store/src/error.rs", "memory/store/src/sqlite_tests.rs"]),
    (
        "Command::new(",
        &[
            "tools/sandbox/src/",
            "tools/testkit/src/",
            "/tests/",
            "_tests.rs",
            "/testing.rs",
            "/benches/",
            "/examples/",
        ],
    ),
    // Only this module reads unified diffs.
    ("strip_prefix(\"@@", &["tools/git/src/unified_diff/"]),
    ("strip_prefix(\"--- ", &["tools/git/src/unified_diff/"]),
    ("strip_prefix(\"+++ ", &["tools/git/src/unified_diff/"]),
    ("landlock::", &["tools/sandbox/src/"]),
    ("seccompiler::", &["tools/sandbox/src/"]),
    ("tree_sitter", &["tools/code/src/"]),
    ("axum::", &["deploy/server/"]),
    ("hyper::", &["deploy/server/src/serve.rs"]),
    // All routes are in one table, so that every route has an access rule.
    (".route(", &["deploy/server/src/router/routes.rs"]),
    (
        "hmac::",
        &[
            "deploy/integrations/src/signature.rs",
            "deploy/integrations/src/signature_testing.rs",
            "deploy/server/src/signing_key.rs",
            "/tests/",
            "_tests.rs",
            "/benches/",
        ],
    ),
    ("tokio_tungstenite", &["deploy/server/src/slack/socket.rs", "/tests/"]),
    ("async_openai::", &["agent/src/planner/openai/client.rs", "memory/recall/src/embed/openai.rs"]),
    ("minijinja", &["prompts/src/"]),
    ("prometheus::", &["deploy/server/src/metrics.rs"]),
    ("pulldown_cmark::", &["deploy/server/src/page/docs/", "tools/testkit/src/", "_tests.rs", "/tests/"]),
    ("plotters::", &["evals/src/report/plots.rs", "deploy/server/src/page/charts.rs"]),
    ("chacha20poly1305", &["memory/redaction/src/"]),
    // Only one value is unmasked: the address of the person to ask, on the terminal of the person who investigates.
    (".unmask(", &["memory/redaction/src/", "agent/src/masking.rs"]),
    // Every channel goes through the use cases, which check these calls first and turn store errors into messages.
    (".deployed(", &["memory/store/src/", "deploy/usecases/src/record_deployment.rs"]),
    ("store.forget(", &["memory/", "deploy/usecases/src/forget.rs", "_tests.rs"]),
    ("DeliveryKey::Ticket", &["deploy/usecases/src/"]),
    ("StoreError::Ambiguous", &["memory/store/src/", "deploy/usecases/src/error.rs"]),
    ("StoreError::OtherContent", &["memory/store/src/", "deploy/usecases/src/error.rs"]),
    ("qdrant_client", &["memory/recall/src/vectors/qdrant.rs", "memory/recall/src/vectors/qdrant_tests.rs"]),
];

#[test]
fn names_stay_where_they_belong() {
    let mut strays: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for path in sources() {
        let relative = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
        if relative == "deploy/millwright/tests/architecture.rs" {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for (word, homes) in CONFINED {
            if text.contains(word) && !homes.iter().any(|home| relative.contains(home)) {
                strays.entry(word).or_default().push(relative.clone());
            }
        }
    }
    assert!(strays.is_empty(), "these names stand outside of their homes: {strays:#?}");
}

/// Paths outside a system's own folder where its name may occur, each with the reason.
const SYSTEMS_NAMED: &[(&str, &str)] = &[
    ("deploy/server/src/slack/", "the driver of the one chat system, which moves incidents"),
    ("deploy/server/src/lib.rs", "the driver's module is declared"),
    ("deploy/server/src/page/docs/mod.rs", "the guide has a page of that name"),
    ("memory/store/src/feedback.rs", "who judged, in exports from before rights were kept"),
    (
        "memory/model/src/ticket.rs",
        "formats of tickets that are recognised by themselves; their names are stored",
    ),
];

/// The first name of an outside system that occurs in a text as a separate word or as a part of an identifier.
fn named_system(text: &str) -> Option<&'static str> {
    let names = millwright_integrations::INTEGRATIONS.iter().map(|system| system.name());
    // `generic` is not an outside system: any system can use it.
    let mut names = names.filter(|name| *name != "generic");
    let lower = text.to_ascii_lowercase();
    names.find(|name| {
        lower.match_indices(name).any(|(at, _)| {
            let (before, found) = text.split_at(at);
            let after = found[name.len()..].chars().next();
            let begins_a_word = found.starts_with(|c: char| c.is_ascii_uppercase());
            let begins = before.chars().next_back().is_none_or(|c| !c.is_ascii_alphanumeric())
                || (begins_a_word && before.ends_with(|c: char| c.is_ascii_lowercase()));
            begins && after.is_none_or(|c| !c.is_ascii_lowercase())
        })
    })
}

/// A file's text without its test module.
fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text)
}

#[test]
fn an_outside_system_is_named_in_its_folder_and_in_the_configuration_only() {
    let mut strays = Vec::new();
    let mut excused = std::collections::BTreeSet::new();
    for path in sources().into_iter().filter(|path| !is_test(path)) {
        let relative = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
        let judged = ["deploy/server/src/", "deploy/usecases/src/", "memory/store/src/", "memory/model/src/"];
        if !judged.iter().any(|home| relative.starts_with(home)) {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let Some(name) = named_system(without_tests(&text)) else { continue };
        match SYSTEMS_NAMED.iter().find(|(home, _)| relative.starts_with(home)) {
            Some((home, _)) => drop(excused.insert(*home)),
            None => strays.push(format!("{relative}: {name}")),
        }
    }
    assert!(strays.is_empty(), "these are the integrations' to know: {strays:#?}");
    let unneeded: Vec<_> = SYSTEMS_NAMED.iter().filter(|(home, _)| !excused.contains(home)).collect();
    assert!(unneeded.is_empty(), "these exceptions are needed no more: {unneeded:?}");
}

/// The check above fails when a forbidden name is planted.
#[test]
fn a_planted_name_of_a_system_is_found() {
    for planted in [
        "match name { \"jira\" => 1 }",
        "/// As GitHub has it.",
        "let slack_team = 1;",
        "use x::SlackSettings;",
        "fn of_zendesk()",
        "struct OldSentry;",
    ] {
        assert!(named_system(planted).is_some(), "{planted}");
    }
    for plain in ["it grows linearly", "githubbers", "a generic way", "misentry"] {
        assert_eq!(named_system(plain), None, "{plain}");
    }
    assert_eq!(without_tests("a\n#[cfg(test)]\nmod tests {\n jira"), "a\n");
}

/// The folder of an integration may name its own system. The code that integrations share names none.
#[test]
fn what_integrations_share_names_no_system() {
    let home = root().join("deploy/integrations/src");
    let shared = sources().into_iter().filter(|path| path.parent() == Some(&*home) && !is_test(path));
    let shared: Vec<_> = shared.filter(|path| !path.ends_with("lib.rs")).collect();
    assert!(shared.len() > 8, "{shared:?}");
    for path in shared {
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(named_system(without_tests(&text)), None, "{}", path.display());
    }
}

#[test]
fn source_files_stay_readable() {
    let long: Vec<String> = sources()
        .into_iter()
        .filter(|path| !is_test(path))
        .filter_map(|path| {
            let lines = fs::read_to_string(&path).unwrap().lines().count();
            (lines > 650).then(|| format!("{}: {lines} lines", path.display()))
        })
        .collect();
    assert!(long.is_empty(), "split these: {long:#?}");
}

#[test]
fn every_module_says_why_it_exists() {
    let silent: Vec<String> = sources()
        .into_iter()
        .filter(|path| !is_test(path))
        .filter(|path| {
            let text = fs::read_to_string(path).unwrap();
            !text.starts_with("/*!") && !text.starts_with("//!")
        })
        .map(|path| path.display().to_string())
        .collect();
    assert!(silent.is_empty(), "no module header: {silent:#?}");
}

#[test]
fn no_modules_of_a_crate_use_each_other_in_a_circle() {
    let mut found = Vec::new();
    for (folder, _) in MAY_DEPEND_ON {
        let cycles = find_cycles(&crate_sources(folder));
        found.extend(cycles.iter().map(|cycle| format!("{folder}: {cycle}")));
    }
    assert!(found.is_empty(), "move what they share to where it belongs:\n{}", found.join("\n"));
}

fn crate_sources(folder: &str) -> CrateSources {
    let base = root().join(folder).join("src");
    let files = sources().into_iter().filter(|path| path.starts_with(&base) && !is_test(path));
    files
        .map(|path| {
            let name = path.strip_prefix(&base).unwrap().to_string_lossy().into_owned();
            (name, fs::read_to_string(&path).unwrap())
        })
        .collect()
}

#[test]
fn a_circle_of_modules_is_found_by_what_makes_it() {
    let tree = |files: &[(&str, &str)]| -> CrateSources {
        files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    };
    let root = "mod a;\nmod b;\nmod c;\npub use b::{Deep, Thing as Other};\npub use c::*;\n";
    let check = |a: &str, b: &str, c: &str, wanted: &[&str]| {
        let files = [("lib.rs", root), ("a.rs", a), ("b/mod.rs", b), ("c.rs", c)];
        let found = find_cycles(&tree(&files));
        let lines: Vec<&str> = found.iter().flat_map(|cycle| cycle.lines()).collect();
        assert_eq!(lines, wanted, "{a} {b} {c}");
    };
    let both = r#"{"a", "b"} use each other"#;
    // Uses in one direction are not a cycle, and uses in the crate root do not count.
    check("use crate::b::x;\n", "", "", &[]);
    check(
        "use crate::b::x;\n",
        "\nfn f() { super::a::y(); }\n",
        "",
        &[both, "  a -> b: src/a.rs:1", "  b -> a: src/b/mod.rs:2"],
    );
    // A use by a re-export, in a group, under another name, and by a glob of the module.
    let back = "  b -> a: src/b/mod.rs:1";
    check("use crate::{c, Deep};", "use crate::a;", "", &[both, "  a -> b: src/a.rs:1", back]);
    check("type T = crate::Other;", "use crate::a;", "", &[both, "  a -> b: src/a.rs:1", back]);
    check(
        "use crate::Whole;",
        "",
        "pub struct Whole;\nuse super::a;",
        &[r#"{"a", "c"} use each other"#, "  a -> c: src/a.rs:1", "  c -> a: src/c.rs:2"],
    );
    // A cycle through a third module.
    check(
        "use crate::b;",
        "use crate::c;",
        "use crate::a;",
        &[
            r#"{"a", "b", "c"} use each other"#,
            "  a -> b: src/a.rs:1",
            "  b -> c: src/b/mod.rs:1",
            "  c -> a: src/c.rs:1",
        ],
    );
    // Comments, strings and tests are not uses.
    check(
        "// crate::b\n/* crate::b /* */ crate::b */\nconst A: &str = \"crate::b\"; const B: &str = r#\"\"crate::b\"#;\n\
         fn f<'a>(_: &'a char) -> char { '\"' }\n\
         #[cfg(test)]\nuse crate::b::{x, y};\n#[cfg(test)]\nmod tests { use crate::b; fn f() { { crate::b::g() } } }\n",
        "use crate::a;",
        "",
        &[],
    );
    check("#[cfg(not(test))]\nuse crate::b;", "use crate::a;", "", &[both, "  a -> b: src/a.rs:2", back]);

    // A file of a submodule counts for its top-level module, wherever the file is. Test files do not count.
    let deep = [
        ("main.rs", "mod a;\nmod b;"),
        ("a/mod.rs", "mod inner;\n#[cfg(test)]\nmod testing;\n#[path = \"elsewhere.rs\"]\nmod named;"),
        ("a/inner.rs", "use super::super::b::x;"),
        ("a/testing.rs", "use crate::b;"),
        ("a/elsewhere.rs", "fn f() { use super::inner; }"),
        ("b.rs", "mod below { use super::super::a; use super::c; }"),
    ];
    let found = find_cycles(&tree(&deep));
    assert_eq!(found, [format!("{both}\n  a -> b: src/a/inner.rs:1\n  b -> a: src/b.rs:1")]);
}

fn is_test(path: &Path) -> bool {
    let text = path.to_string_lossy();
    text.ends_with("_tests.rs") || text.contains("/tests/")
}

fn sources() -> Vec<PathBuf> {
    fn walk(folder: &Path, out: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                let name = entry.file_name();
                if name != "target" && !name.to_string_lossy().starts_with('.') {
                    walk(&path, out);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                out.push(path);
            }
        }
    }
    let mut out = Vec::new();
    walk(&root(), &mut out);
    assert!(out.len() > 20, "no sources found below {}", root().display());
    out
}

/// The look-up table of ARCHITECTURE.md: each row names a file and a text that the file must contain.
#[test]
fn what_a_newcomer_looks_for_is_where_the_page_says() {
    let page = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let (_, table) = page.split_once("## Where is it?").unwrap();
    let (table, _) = table.split_once("\n## ").unwrap();
    let mut rows = 0;
    for row in table.lines().filter(|line| line.contains("| `")) {
        let cells: Vec<&str> = row.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        let [_, question, file, wanted, _] = cells[..] else { panic!("{row}") };
        let text = fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(text.contains(wanted), "{question} {file} holds no {wanted:?}");
        rows += 1;
    }
    assert!(rows >= 8, "{rows} look-ups");
}
