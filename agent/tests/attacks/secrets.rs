/*!
Secrets in all kinds of places: none of them may reach a request, an event or a page. The server asserts the first,
the check of every attack asserts the rest.
*/

use millwright_testkit::model_server::ModelReply;
use std::fs;

use serde_json::json;

use crate::ground::{Attack, check};

/// The key is assembled here, so that no scanner reports this file as a leak.
fn aws() -> String {
    ["AKIA", "QYLPMN5HFIQR7XYA"].concat()
}

fn github() -> String {
    ["ghp", "_16C7e42F292c6912E7710c838347Ae178B4a"].concat()
}

const PASSWORD: &str = "Tr0ub4dor-and-3";
const MAIL: &str = "ada.lovelace@corp.example.com";
const CARD: &str = "4111 1111 1111 1111";

#[tokio::test]
async fn in_tickets_logs_and_code() {
    let attack = Attack::new("a ticket")
        .told(&format!("login with password={PASSWORD}, mail {MAIL}, card {CARD}, key {}", aws()))
        .calls("ticket", json!({}))
        .calls("read_evidence", json!({ "id": "E1" }));
    check(attack.never_sends(PASSWORD).never_sends(MAIL).never_sends(CARD).never_sends(aws())).await;

    let attack = Attack::new("a log")
        .options(|scene, options| {
            let log = scene.path("app.log");
            let line = format!(
                "2026-01-05T10:00:00Z ERROR shop auth failed user={MAIL} Authorization: Bearer {} \
                 url=postgres://app:{PASSWORD}@db/shop\n",
                github()
            );
            fs::write(&log, line.repeat(5)).unwrap();
            options.logs = vec![log];
        })
        .calls("log_search", json!({ "text": "auth failed" }))
        .calls("log_search", json!({ "regex": "ghp_\\w+" }))
        .calls("log_templates", json!({}));
    check(attack.never_sends(PASSWORD).never_sends(MAIL).never_sends(github())).await;

    let settings = format!("AWS_ACCESS_KEY_ID={}\nDB_PASSWORD={PASSWORD}\nSIZE=1\n", aws());
    let attack = Attack::new("a file")
        .file("config/prod.env", settings)
        .calls("git_file", json!({ "path": "config/prod.env" }))
        .calls("git_grep", json!({ "pattern": "AKIA" }))
        .calls("git_show", json!({ "commit": "bad" }))
        .calls("git_blame", json!({ "path": "config/prod.env", "start_line": 1, "end_line": 3 }))
        .calls("git_pickaxe", json!({ "text": "DB_PASSWORD" }));
    check(attack.never_sends(PASSWORD).never_sends(aws())).await;
}

#[tokio::test]
async fn in_commits_and_names() {
    let attack = Attack::new("a commit message")
        .plant(|scene| {
            scene.write("shop/note1.py", "NOTE = 99\n");
            scene.commit(&format!(
                "Rotate {} away\n\nThe old password is {PASSWORD}: password={PASSWORD}",
                aws()
            ));
        })
        .calls("git_log", json!({}))
        .calls("git_show", json!({ "commit": "bad" }));
    check(attack.never_sends(aws())).await;

    // The scene's commits have this author address.
    let attack = Attack::new("an author")
        .calls("git_log", json!({}))
        .calls("git_blame", json!({ "path": "config/pool.toml", "start_line": 1 }))
        .calls("owners", json!({ "paths": ["config/pool.toml"] }));
    check(attack.never_sends("ann@example.org")).await;

    let attack = Attack::new("a file name")
        .plant(|scene| {
            scene.write(&format!("shop/{}.txt", github()), "x = 1\n");
            scene.commit("Add a file");
        })
        .calls("git_show", json!({ "commit": "bad" }))
        .calls("git_file", json!({ "path": "shop" }))
        .calls("git_file", json!({ "path": format!("shop/{}.txt", github()) }))
        .calls("git_grep", json!({ "pattern": "x = 1" }));
    check(attack.never_sends(github())).await;
}

#[tokio::test]
async fn in_parts() {
    let line = "kQ3vR9xTz1LmW8bYpH5nD2sGfJ7cA4uE6iOoKqXeVtZrBwNyMhLgPdSaFjUlCkI0";
    let other = "Zt8LmQw2RxVn5KbYc7HdPs1GjFa4UeTo9IiXkEqMvCrBzNyWhOgJlDpSuAf3T6x0";
    let begin = ["-----BEGIN ", "PRIVATE KEY-----"].concat();
    let key = format!("# deploy\n{begin}\n{line}\n{other}\n{}\n", begin.replace("BEGIN", "END"));
    let attack = Attack::new("a page out of a key")
        .file("config/deploy.pem", key)
        .calls("git_file", json!({ "path": "config/deploy.pem" }))
        .calls("git_file", json!({ "path": "config/deploy.pem", "offset": 3, "limit": 1 }))
        .calls("git_file", json!({ "path": "config/deploy.pem", "offset": 4, "limit": 1 }))
        .calls("git_grep", json!({ "pattern": &line[..6] }))
        .calls("git_show", json!({ "commit": "bad" }));
    check(attack.never_sends(line).never_sends(other)).await;

    // Lines are cut at a thousand characters: the cut must not leave half a key.
    let long = format!("{} key={} end\n", "x ".repeat(490), aws());
    let attack = Attack::new("a cut through a key")
        .file("config/long.txt", long)
        .calls("git_file", json!({ "path": "config/long.txt" }));
    check(attack.never_sends(&aws()[..8])).await;
}

#[tokio::test]
async fn in_what_a_model_writes() {
    let escaped = aws().replacen('A', "\\u0041", 1);
    let attack = Attack::new("escapes")
        .says(ModelReply::RawCall { name: "git_grep".into(), arguments: format!("{{\"pattern\": \"{escaped}\"}}") })
        .calls("board", json!({ "hypotheses": [{ "statement": format!("The key {} leaked", aws()), "status": "open" }] }))
        .calls("propose_patch", json!({ "rationale": format!("Put {} in", github()),
            "edits": [{ "path": "config/pool.toml", "old": "size = 1", "new": format!("size = 2 # {}", github()) }] }));
    check(attack.never_sends(aws()).never_sends(github())).await;
}
