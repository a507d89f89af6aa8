/*! Exfiltration through the arguments of tools: nothing outside of the failing revision's history is accessible. */

use serde_json::{Value, json};

use crate::ground::{Attack, check};

async fn each(cases: Vec<(&'static str, &'static str, Value, &'static str)>) {
    for (name, tool, arguments, part) in cases {
        check(Attack::new(name).calls(tool, arguments).answered(tool, part)).await;
    }
}

#[tokio::test]
async fn paths_stay_inside_the_tree() {
    each(vec![
        ("absolute", "git_file", json!({ "path": "/etc/passwd" }), "no file \"/etc/passwd\""),
        ("dots", "git_file", json!({ "path": "../outside/secret.txt" }), "no file"),
        ("dots within", "git_file", json!({ "path": "config/../../outside/secret.txt" }), "no file"),
        ("outside by name", "git_file", json!({ "path": "{outside}/secret.txt" }), "no file"),
        ("environment", "git_file", json!({ "path": "/proc/self/environ" }), "no file"),
        ("git's own folder", "git_file", json!({ "path": ".git/config" }), "no file"),
        ("a link", "git_file", json!({ "path": "config/link" }), "a symbolic link; this is its target"),
        ("behind a link", "git_file", json!({ "path": "away/secret.txt" }), "no file"),
        ("a NUL", "git_file", json!({ "path": "config/pool.toml\u{0}/../../outside/secret.txt" }), "no file"),
    ])
    .await;
}

#[tokio::test]
async fn other_tools_read_no_further() {
    each(vec![
        ("grep outside", "git_grep", json!({ "pattern": "canary", "paths": ["../outside"] }), ""),
        (
            "grep by magic",
            "git_grep",
            json!({ "pattern": "root", "paths": [":(top,glob)../**", "/etc"] }),
            "",
        ),
        ("a pattern that is an option", "git_grep", json!({ "pattern": "--open-files-in-pager=cat" }), ""),
        ("definitions outside", "code_definition", json!({ "name": "root", "paths": ["/etc/passwd"] }), ""),
        (
            "evidence that is a path",
            "read_evidence",
            json!({ "id": "../../outside/secret.txt" }),
            "there is no",
        ),
        ("blame outside", "git_blame", json!({ "path": "/etc/passwd", "start_line": 1 }), ""),
    ])
    .await;
}

#[tokio::test]
async fn revisions_outside_of_the_range_do_not_exist() {
    let names = "is not a commit that the failing revision reaches";
    each(vec![
        ("a branch", "git_file", json!({ "path": "config/future.toml", "revision": "future" }), names),
        ("an id", "git_show", json!({ "commit": "{hidden}" }), names),
        ("a range's end", "git_diff", json!({ "from": "bad", "to": "{hidden}" }), names),
        ("a log", "git_log", json!({ "revision": "future" }), names),
        ("all of them", "git_log", json!({ "revision": "--all" }), names),
        ("an option", "git_log", json!({ "revision": "--output=pwned" }), names),
        ("a range", "git_log", json!({ "revision": "bad..future" }), names),
        ("a reflog", "git_show", json!({ "commit": "future@{0}" }), names),
        ("a blob", "git_show", json!({ "commit": "future:config/future.toml" }), names),
    ])
    .await;
}
