/*!
Keeps the invariants of ARCHITECTURE.md that can be read off the sources: who may depend on whom, and which
names may stand where.
*/
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Crate folder, and the crates of the workspace it may depend on.
const MAY_DEPEND_ON: &[(&str, &[&str])] = &[
    ("prompts", &[]),
    ("memory", &[]),
    ("tools", &["millwright-memory"]),
    ("agent", &["millwright-memory", "millwright-prompts", "millwright-tools"]),
    ("evals", &["millwright-agent", "millwright-memory", "millwright-prompts", "millwright-tools"]),
    ("deploy/service", &["millwright-agent", "millwright-evals", "millwright-memory", "millwright-tools"]),
    (
        "deploy/millwright",
        &[
            "millwright-agent",
            "millwright-evals",
            "millwright-memory",
            "millwright-service",
            "millwright-tools",
        ],
    ),
];

#[test]
fn dependencies_run_one_way() {
    for (folder, allowed) in MAY_DEPEND_ON {
        let manifest = fs::read_to_string(root().join(folder).join("Cargo.toml")).unwrap();
        let manifest: toml::Table = manifest.parse().unwrap();
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let Some(dependencies) = manifest.get(section).and_then(toml::Value::as_table) else { continue };
            for name in dependencies.keys().filter(|name| name.starts_with("millwright")) {
                assert!(allowed.contains(&name.as_str()), "{folder} must not depend on {name} ({section})");
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

/// Words that may stand only below certain paths. Comments and tests count as well: a name in a comment is
/// knowledge, too; what is needed in a comment is said in words.
const CONFINED: &[(&str, &[&str])] = &[
    ("git2::", &["tools/src/git/"]),
    ("sqlx::", &["memory/src/store/db/", "memory/src/store/error.rs", "memory/src/store/sqlite_tests.rs"]),
    ("Command::new(", &["tools/src/process/", "/tests/", "_tests.rs", "/benches/", "/examples/"]),
    ("landlock::", &["tools/src/process/"]),
    ("seccompiler::", &["tools/src/process/"]),
    ("tree_sitter", &["tools/src/code/"]),
    ("axum::", &["deploy/service/"]),
    ("hyper::", &["deploy/service/src/http/"]),
    // The one table of routes, so that none exists without a rule.
    (".route(", &["deploy/service/src/http/routes.rs"]),
    (
        "hmac::",
        &[
            "deploy/service/src/hooks/signature.rs",
            "deploy/service/src/seal.rs",
            "/tests/",
            "_tests.rs",
            "/benches/",
        ],
    ),
    ("tokio_tungstenite", &["deploy/service/src/slack/socket.rs", "/tests/"]),
    ("async_openai", &["agent/src/planner/openai/client.rs", "memory/src/embed/openai.rs"]),
    ("minijinja", &["prompts/src/"]),
    ("plotters::", &["evals/src/report/plots.rs", "deploy/service/src/page/charts.rs"]),
    ("chacha20poly1305", &["memory/src/redaction/"]),
    // Put back for one thing: the address of whom to ask, in the terminal of who investigates.
    (".unmask(", &["memory/src/redaction/", "agent/src/masking.rs"]),
    ("qdrant_client", &["memory/src/vectors/qdrant.rs", "memory/src/vectors/qdrant_tests.rs"]),
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
