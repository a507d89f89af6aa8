/*!
`millwright eval` as a person or a pipeline meets it: what is refused in one line, what comparing two runs ends with, and
how past incidents become cases that run.
*/
#![expect(clippy::unwrap_used, reason = "a folder that cannot be written fails its test")]

use std::fs;

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
        .refuses(&["no suite \"smoky\"", "smoke, nightly, learning-curve, safety"]);
    run(&["run", "--cases", "bad.jsonl", "--task", "rank", "--out", "out"])
        .refuses(&["bad.jsonl, line 1", "missing field"]);
    run(&["run", "--cases", "one.jsonl", "--task", "investigate", "--out", "out"])
        .refuses(&["no case could be judged", "--repo-map"]);
    run(&["compare", "a", "empty"]).refuses(&["empty/results.jsonl"]);
    run(&["compare", "a", "a", "--gate", "gate.json"]).refuses(&["the gate cannot be read", "max_drop"]);
    run(&["report", "empty"]).refuses(&["summary.json"]);
    scene.write("list.jsonl", "{\"ticket\": 7}\n");
    run(&["import", "lines", "list.jsonl", "--repo", "repo"]).refuses(&["list.jsonl, line 1"]);
    run(&["import", "memory", "--repo", "repo"]).refuses(&["nothing to make cases of"]);
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
    assert!(held.stdout.contains("investigate.hit fell by 0.0500, allowed are 0.01"), "{}", held.stdout);
}

#[test]
fn a_history_that_names_its_faults_becomes_cases_that_run() {
    let scene = Scene::new();
    let culprit = scene.git(&scene.path("repo"), &["log", "--format=%H", "--grep=^change 7$"]);
    scene.replace("lib/calc.sh", "* 3", "* 2");
    scene.commit(&format!(
        "Totals are doubled again\n\nThey came out three times as large.\n\nFixes: {}",
        &culprit[..12]
    ));
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
