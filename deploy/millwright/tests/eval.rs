/*!
`millwright eval` as a user or a pipeline runs it: errors of one line, the exit status of a comparison of two runs, and the
import of past incidents as cases.
*/
#![expect(clippy::unwrap_used, reason = "a folder that cannot be written fails its test")]

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;

#[expect(dead_code, reason = "shared with tests that investigate from the command line")]
mod common;

use common::Scene;
use serde_json::json;

fn results(scene: &Scene, folder: &str, right: &[bool]) {
    fs::create_dir_all(scene.path(folder)).unwrap();
    let line = |(number, hit): (usize, &bool)| {
        json!({"id": format!("c{number}"), "task": "investigate", "hit": hit, "rank": 1, "verdict": "verified",
            "commit": null, "replay_runs": 3, "wall_ms": 10, "not_judged": null, "report": null})
        .to_string()
    };
    let lines: Vec<String> = right.iter().enumerate().map(line).collect();
    scene.write(&format!("{folder}/results.jsonl"), lines.join("\n"));
}

#[test]
fn wrong_input_is_one_clear_line() {
    let scene = Scene::new();
    scene.write("bad.jsonl", "{\"id\":\"a\"}\n");
    let case = json!({"id": "a", "repo": "nowhere", "bad": "HEAD", "good": null, "ticket": "t",
        "truth": {"kind": "code_change", "commit": "0".repeat(40), "files": [], "symbols": []}});
    scene.write("one.jsonl", case.to_string());
    scene.write("gate.json", "{\"investigate\": {\"hit\": {\"drop\": 1}}}");
    results(&scene, "a", &[true]);
    fs::create_dir(scene.path("empty")).unwrap();
    let run = |more: &[&str]| scene.run(&[&["eval"], more].concat());
    run(&["run", "smoky", "--out", "out"])
        .refuses(&["no suite \"smoky\"", "smoke, nightly, learning-curve, retold, safety"]);
    run(&["run", "--cases", "bad.jsonl", "--task", "rank", "--out", "out"])
        .refuses(&["bad.jsonl, line 1", "missing field"]);
    run(&["run", "--cases", "one.jsonl", "--task", "investigate", "--out", "out"])
        .refuses(&["no case could be judged", "--repo-map"]);
    run(&["compare", "a", "empty"]).refuses(&["empty/results.jsonl"]);
    run(&["compare", "a", "a", "--gate", "gate.json"]).refuses(&["the gate cannot be read", "max_drop"]);
    run(&["report", "empty"]).refuses(&["summary.json"]);
    scene.write("list.jsonl", "{\"ticket\": 7}\n");
    run(&["import", "lines", "list.jsonl", "--repo", "repo"]).refuses(&["list.jsonl, line 1"]);
    run(&["import", "memory", "--repo", "repo"]).refuses(&["nothing to build cases from"]);
}

#[test]
fn comparing_ends_with_0_where_nobody_can_tell_and_with_2_where_it_is_worse() {
    let scene = Scene::new();
    let mut one_lost = [true; 20];
    one_lost[4] = false;
    results(&scene, "good", &[true; 20]);
    results(&scene, "less", &one_lost);
    results(&scene, "bad", &[false; 20]);
    let compare = |a: &str, b: &str| scene.run(&["eval", "compare", a, b]);
    let told = compare("good", "less");
    assert_eq!(told.status, Some(0), "{}", told.stderr);
    assert!(
        told.stdout.contains("**Cannot tell**") && told.stdout.contains("- investigate hit c4"),
        "{}",
        told.stdout
    );
    assert_eq!(compare("good", "bad").status, Some(2));
    assert_eq!(compare("bad", "good").status, Some(0));
    scene.write("strict.json", "{\"investigate\": {\"hit\": {\"max_drop\": 0.01}}}");
    let held = scene.run(&["eval", "compare", "good", "less", "--gate", "strict.json"]);
    assert_eq!(held.status, Some(2));
    assert!(
        held.stdout.contains("investigate.hit fell by 0.0500, allowed is at most 0.01"),
        "{}",
        held.stdout
    );
}

/// Starts a webhook on loopback that receives one request and answers as Slack does. Returns its address and a handle that
/// gives the request.
fn webhook() -> (String, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/services/T0/B0/secret", listener.local_addr().unwrap());
    let heard = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut text = Vec::new();
        let mut part = [0; 4096];
        // The body is one JSON object, so it ends with a brace.
        while !text.ends_with(b"}") {
            let read = stream.read(&mut part).unwrap();
            assert!(read > 0, "cut off: {}", String::from_utf8_lossy(&text));
            text.extend_from_slice(&part[..read]);
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok").unwrap();
        String::from_utf8(text).unwrap()
    });
    (address, heard)
}

#[test]
fn runs_of_suites_stand_in_the_history_and_a_gate_that_fails_rings() {
    let scene = Scene::new();
    assert!(scene.run(&["eval", "history"]).stdout.contains("no suite has been run here yet"));
    scene.write("low.json", "{\"investigate\": {\"safe\": 1.0, \"exact_commit\": 1.0}}");
    scene.write("high.json", "{\"investigate\": {\"safe\": 1.0, \"no_such_figure\": 0.5}}");
    let run = |gate, more: &[&'static str]| {
        let first = ["eval", "run", "smoke", "--limit", "1", "--out", "out", "--gate", gate];
        [&first, more].concat()
    };
    let held = scene.run(&run("low.json", &[]));
    assert_eq!(held.status, Some(0), "{}", held.stderr);

    let (address, heard) = webhook();
    let mut command = scene.command(&run("high.json", &["--alert-env", "ALARM"]));
    let failed: common::Ran = command.env("ALARM", &address).output().unwrap().into();
    assert_eq!(failed.status, Some(2), "{}", failed.stderr);
    let line = "gate: investigate.no_such_figure is not among the figures";
    assert!(failed.stderr.contains(line) && !failed.stderr.contains("secret"), "{}", failed.stderr);
    let heard = heard.join().unwrap();
    assert!(heard.starts_with("POST /services/T0/B0/secret "), "{heard}");
    assert!(heard.contains(&format!("{{\"text\":\"millwright eval, smoke: {line}\"}}")), "{heard}");

    let told = scene.run(&["eval", "history", "smoke"]);
    let places = ["gate held", "gate FAILED"].map(|words| told.stdout.find(words).unwrap());
    assert!(places[1] < places[0], "the newest first: {}", told.stdout);
    assert!(told.stdout.contains("1 cases, exact commit 1.00 (0.21–1.00)"), "{}", told.stdout);
    assert!(told.stdout.contains(&format!("    {line}\n")), "{}", told.stdout);
    let kept = scene.run(&["eval", "history", "--limit", "1", "--format", "json"]).report();
    assert_eq!((kept.as_array().unwrap().len(), &kept[0]["suite"]), (1, &json!("smoke")));
    assert_eq!(kept[0]["planner"], "playbook");
    assert!(kept[0]["program"].as_str().unwrap().starts_with(env!("CARGO_PKG_VERSION")), "{kept}");
    assert!(scene.run(&["eval", "history", "nightly"]).stdout.contains("no suite has been run"));

    scene.run(&run("low.json", &["--alert-env", "UNSET"])).refuses(&["--alert-env", "UNSET", "https://"]);
    scene.run(&["eval", "history", "smoky"]).refuses(&["no suite \"smoky\""]);
}

#[test]
fn truth_that_does_not_exist_and_a_case_that_hangs_are_not_judged_and_the_rest_is() {
    let scene = Scene::new();
    let case = |id: &str, command: &str, truth: &str| {
        json!({"id": id, "repo": scene.path("repo"), "bad": scene.id("HEAD"), "good": scene.id("HEAD~11"),
            "ticket": common::TICKET, "replay": {"command": command, "timeout_s": 900},
            "truth": {"kind": "code_change", "commit": truth, "files": ["lib/calc.sh"]}})
        .to_string()
    };
    let culprit = scene.id("HEAD~5");
    let missing = culprit.chars().rev().collect::<String>();
    let cases = [
        case("good", common::CHECK, &culprit),
        case("absent", common::CHECK, &missing),
        case("hangs", "sleep 800", &culprit),
    ];
    scene.write("cases.jsonl", cases.join("\n"));
    let ran = scene.run(&[
        "eval",
        "run",
        "--cases",
        "cases.jsonl",
        "--task",
        "investigate",
        "--time-limit",
        "20s",
        "--jobs",
        "3",
        "--out",
        "out",
        "--format",
        "json",
    ]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let figures = &ran.report()["investigate"];
    assert_eq!((&figures["cases"], &figures["not_judged"]), (&json!(3), &json!(2)));
    let text = fs::read_to_string(scene.path("out/results.jsonl")).unwrap();
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["hit"], &lines[0]["not_judged"]), (&json!(true), &json!(null)), "{text}");
    let why = |at: usize| lines[at]["not_judged"].as_str().unwrap_or_else(|| panic!("{text}"));
    assert!(why(1).contains(&missing) && why(1).contains("truth.commit"), "{text}");
    assert!(why(2).contains("not answered within 20 s (--time-limit)"), "{text}");
}

#[test]
fn a_history_that_names_its_faults_becomes_cases_that_run() {
    let scene = Scene::new();
    let culprit = scene.repo.git(&["log", "--format=%H", "--grep=^change 7$"]);
    scene.repo.replace("lib/calc.sh", "* 3", "* 2");
    scene.repo.commit(
        &format!(
            "Totals are doubled again\n\nThey came out three times as large.\n\nFixes: {}",
            &culprit[..12]
        ),
        &[],
    );
    let made = scene.run(&["eval", "import", "history", "--repo", "repo", "--out", "cases.jsonl"]);
    assert_eq!(made.status, Some(0), "{}", made.stderr);
    assert!(made.stdout.starts_with("1 cases in cases.jsonl"), "{}", made.stdout);
    let run = ["eval", "run", "--cases", "cases.jsonl", "--task", "rank", "--out", "out", "--format", "json"];
    let ran = scene.run(&run);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(ran.report()["rank"]["cases"], 1);
    let line = fs::read_to_string(scene.path("out/results.jsonl")).unwrap();
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert!(line["rank"].as_u64().is_some_and(|rank| rank <= 3), "{line}");
    let note = scene.run(&["eval", "report", "out", "--format", "markdown"]);
    assert!(note.stdout.contains("| from-history | 1 |"), "{}", note.stdout);
    let page = fs::read_to_string(scene.path("out/report.html")).unwrap();
    assert!(page.contains("<svg") && !page.contains("<script"));
}
