/*!
Investigations with the built command: the demo, memory, interruption, and what leaves the process. Each test checks what a
user or a script sees: exit status, standard output and the report.
*/
#![expect(clippy::unwrap_used, reason = "an answer of another shape fails its test")]

use std::io::Read as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

mod common;
#[path = "investigate/history.rs"]
mod history;
#[path = "investigate/terminal.rs"]
mod terminal;

use common::{CHECK, Scene};

#[test]
fn the_demo_is_verified_and_then_known() {
    let scene = Scene::new();
    let first = scene.run(&["demo", "--format", "json"]);
    assert_eq!(first.status, Some(0), "{}", first.stderr);
    let report = first.report();
    every_part_is_there(&report);
    assert_eq!(report["verdict"], "verified");
    assert!(report["suspects"].as_array().unwrap().len() >= 20);
    assert!(!report["root_cause"]["locations"].as_array().unwrap().is_empty());
    assert!(!report["root_cause"]["evidence"].as_array().unwrap().is_empty());
    assert_eq!((&report["fix"]["replay"], &report["fix"]["tests"]), (&"pass".into(), &"pass".into()));
    let culprit = report["root_cause"]["commit"].as_str().unwrap();

    let second = scene.run(&["demo", "--format", "json"]);
    assert_eq!(second.status, Some(0), "{}", second.stderr);
    let again = second.report();
    every_part_is_there(&again);
    assert_eq!(again["verdict"], "known");
    assert_eq!(again["root_cause"]["commit"], culprit);
    assert!(again["replay"]["bisect"].is_null());
    assert!(again["replay"]["runs"].as_array().unwrap().len() <= 2, "{}", again["replay"]);
    assert!(again["suspects"].as_array().unwrap().len() >= 20);
    assert_eq!(again["similar"][0]["incident_id"], report["incident_id"]);
    assert_eq!(again["similar"][0]["recheck"], "pass");

    // A known incident keeps its original proof, however often it occurs again.
    let third = scene.run(&["demo", "--format", "json"]).report();
    assert_eq!(third["verdict"], "known");
    assert_eq!(third["root_cause"]["statement"], again["root_cause"]["statement"]);
    assert_eq!(third["fix"]["proven_then"], again["fix"]["proven_then"]);
}

/// Checks the shape of a report: absent parts are null or empty, never omitted.
fn every_part_is_there(report: &Value) {
    let parts = [
        "schema",
        "id",
        "incident_id",
        "verdict",
        "summary",
        "root_cause",
        "hypotheses",
        "suspects",
        "fix",
        "tried",
        "replay",
        "similar",
        "struck",
        "impact",
        "evidence",
        "usage",
        "escalate",
    ];
    let object = report.as_object().unwrap();
    let found: Vec<&str> = object.keys().map(String::as_str).collect();
    for part in parts {
        assert!(object.contains_key(part), "{part} is left out of {found:?}");
    }
    assert_eq!(found.len(), parts.len(), "{found:?}");
    assert_eq!(report["schema"], "millwright.report/1");
    let evidence = report["evidence"].as_array().unwrap();
    let known = |id: &Value| evidence.iter().any(|one| one["id"] == *id);
    let hypotheses = report["hypotheses"].as_array().unwrap();
    for claim in hypotheses.iter().chain([&report["root_cause"]]).filter(|claim| !claim.is_null()) {
        for id in claim["evidence"].as_array().unwrap() {
            assert!(known(id), "{claim} cites {id}, which is not in the evidence");
        }
    }
}

#[test]
fn the_same_failure_in_other_words_and_places_is_known_and_a_look_alike_is_not() {
    let scene = Scene::new();
    let ask = |more: &[&str]| scene.investigate(&[&["--replay", CHECK], more].concat()).report();
    let first = ask(&["--good", "HEAD~11"]);
    assert_eq!(first["verdict"], "verified");

    scene.repo.replace("lib/calc.sh", "total() {", "# Sums.\n# Doubles.\ntotal() {");
    scene.repo.commit("comment", &[]);
    scene.write(
        "ticket.txt",
        "A customer from Bergen says that the sum on the receipt is off since Monday.\n",
    );
    let again = ask(&["--good", "HEAD~12"]);
    assert_eq!(again["verdict"], "known", "{}", again["summary"]);
    assert_eq!(again["root_cause"]["commit"], first["root_cause"]["commit"]);
    assert!(again["replay"]["bisect"].is_null());

    // The old fault is fixed, and the same message now has another cause.
    scene.repo.replace("lib/calc.sh", "* 3", "* 2");
    scene.repo.commit("mend", &[]);
    scene.repo.replace("check.sh", "r=$(total 21)", "r=$(( $(total 21) + 21 ))");
    scene.repo.commit("add a fee", &[]);
    let alike = ask(&["--good", "HEAD~1"]);
    // The fault is in the replay's own script, so no nearby input can test the program separately from the script.
    assert_eq!(alike["verdict"], "confirmed", "{}", alike["summary"]);
    assert_eq!(alike["root_cause"]["commit"], scene.id("HEAD").as_str());
    assert!(alike["summary"].as_str().unwrap().contains("investigated again"), "{}", alike["summary"]);
}

#[test]
fn an_interrupted_investigation_goes_on() {
    let signals: &[(&str, Option<i32>)] = &[("KILL", None), ("INT", Some(130))];
    for (signal, status) in signals {
        let scene = Scene::new();
        let slow = format!("sleep 0.5; {CHECK}");
        let arguments = [
            "investigate",
            "ticket.txt",
            "--repo",
            "repo",
            "--good",
            "HEAD~11",
            "--replay",
            &slow,
            "--format",
            "json",
        ];
        let mut started =
            scene.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        wait_for_replays(&scene, 2);
        kill(signal, started.id());
        assert_eq!(started.wait().unwrap().code(), *status);
        let mut said = String::new();
        started.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(said, "");
        let before = replays(&scene);
        let run = run_folder(&scene);

        let resumed = scene.run(&arguments);
        assert_eq!(resumed.status, Some(0), "{}", resumed.stderr);
        let going_on = format!("resuming {}", run.file_name().unwrap().to_str().unwrap());
        assert!(resumed.stderr.contains(&going_on), "{}", resumed.stderr);
        let report = resumed.report();
        assert_eq!(report["verdict"], "verified");
        assert_eq!(report["root_cause"]["commit"], scene.id("HEAD~5").as_str());
        assert_eq!(Some(report["id"].as_str().unwrap()), run.file_name().and_then(|name| name.to_str()));
        // The resumed run keeps the replays of the interrupted one and does not repeat them.
        assert!(report["replay"]["runs"].as_array().unwrap().len() >= before);
    }
}

/// At faulty revisions the sum is wrong in seven of eight runs, by a random byte of the system. The test investigates until
/// one faulty revision passed in a run, which happens soon.
#[test]
fn a_flaky_failure_proves_the_right_commit_and_says_how_often_it_showed() {
    let flaky = "n=$(od -An -N1 -tu1 /dev/urandom); [ $(( n % 8 )) = 0 ] || sh check.sh";
    let scene = Scene::new();
    let (culprit, parent) = (scene.id("HEAD~5"), scene.id("HEAD~6"));
    let faulty: Vec<String> = (0..=5).map(|back| scene.id(&format!("HEAD~{back}"))).collect();
    for _ in 0..24 {
        let report = scene.investigate(&["--no-memory", "--good", "HEAD~11", "--replay", flaky]).report();
        every_part_is_there(&report);
        let verdict = report["verdict"].as_str().unwrap();
        if !["verified", "confirmed"].contains(&verdict) {
            continue; // this report claims no proof
        }
        assert_eq!(report["root_cause"]["commit"], culprit.as_str(), "{report:#}");
        let runs = report["replay"]["runs"].as_array().unwrap();
        let seen = |commit: &str, outcome: &str| {
            let plain = runs.iter().filter(|run| run["patched"] == false);
            plain.filter(|run| run["commit"] == commit && run["outcome"] == outcome).count()
        };
        assert!(seen(&culprit, "reproduces") > 0 && seen(&parent, "passes") > 0, "{report:#}");
        let rate = report["replay"]["flaky_rate"].as_f64().unwrap();
        if rate > 0.0 {
            let lucky: usize = faulty.iter().map(|commit| seen(commit, "passes")).sum();
            assert!(lucky > 0 && seen(&parent, "passes") > 1, "{report:#}");
            assert!(
                report["summary"].as_str().unwrap().contains("It is flaky: the failure showed in"),
                "{report:#}"
            );
            return;
        }
    }
    panic!("no faulty revision ever passed");
}

fn run_folder(scene: &Scene) -> std::path::PathBuf {
    let mut runs = std::fs::read_dir(scene.path("data/runs")).unwrap();
    runs.next().unwrap().unwrap().path()
}

fn replays(scene: &Scene) -> usize {
    let folders = std::fs::read_dir(scene.path("data/runs")).into_iter().flatten().flatten();
    let logs = folders.filter_map(|folder| std::fs::read_to_string(folder.path().join("replays.jsonl")).ok());
    logs.map(|log| log.lines().count()).sum()
}

/// Waits until `wanted` replays are recorded, at most two minutes.
fn wait_for_replays(scene: &Scene, wanted: usize) {
    let begun = Instant::now();
    while replays(scene) < wanted {
        assert!(begun.elapsed() < Duration::from_secs(120), "no replays were recorded");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[expect(clippy::disallowed_methods, reason = "the signal is sent as a user sends it")]
fn kill(signal: &str, pid: u32) {
    let sent =
        std::process::Command::new("sh").args(["-c", &format!("kill -{signal} {pid}")]).status().unwrap();
    assert!(sent.success());
}

#[test]
fn two_investigations_share_a_data_folder() {
    let scene = Scene::new();
    scene.write("second.txt", "The other desk sees wrong totals too: calc_check: total 21 gave 63\n");
    let start = |ticket| {
        let arguments = [
            "investigate",
            ticket,
            "--repo",
            "repo",
            "--good",
            "HEAD~11",
            "--replay",
            CHECK,
            "--format",
            "json",
        ];
        scene.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let both = [start("ticket.txt"), start("second.txt")];
    for started in both {
        let ran = common::Ran::from(started.wait_with_output().unwrap());
        assert_eq!(ran.status, Some(0), "{}", ran.stderr);
        assert_eq!(ran.report()["root_cause"]["commit"], scene.id("HEAD~5").as_str());
    }
}

#[test]
fn exit_status_and_output_follow_the_options() {
    let scene = Scene::new();
    let unproven = scene.investigate(&["--no-memory", "--no-replay", "--min-verdict", "confirmed"]);
    assert_eq!(unproven.status, Some(2));
    assert!(unproven.report()["replay"].is_null());
    assert!(!scene.path("data/millwright.db").exists(), "--no-memory keeps nothing");

    let proven = ["--no-memory", "--replay", CHECK, "--min-verdict", "confirmed"];
    for (format, begins) in
        [("json", "{"), ("markdown", "#"), ("html", "<!DOCTYPE html>"), ("text", "VERIFIED")]
    {
        let arguments = [
            &["investigate", "ticket.txt", "--repo", "repo", "--out", "report", "--format", format][..],
            &proven,
        ]
        .concat();
        let ran = scene.run(&arguments);
        assert_eq!((ran.status, ran.stdout.as_str()), (Some(0), ""), "{}", ran.stderr);
        let written = std::fs::read_to_string(scene.path("report")).unwrap();
        assert!(written.starts_with(begins), "{format}: {}", written.lines().next().unwrap_or(""));
    }
}

/// The cost of minimising a fix can be limited, and the culprit is still proven. The whole revert of the culprit does not
/// apply here, because a later change rewrote the other file that the culprit touched.
#[test]
fn minimising_can_be_bounded() {
    let whole = Scene::new().investigate(&["--no-memory", "--replay", CHECK, "--minimise-runs", "0"]);
    assert_eq!(whole.status, Some(0), "{}", whole.stderr);
    let report = whole.report();
    assert_eq!((&report["verdict"], &report["fix"]), (&"confirmed".into(), &Value::Null));
    let default = Scene::new().investigate(&["--no-memory", "--replay", CHECK]).report();
    assert_eq!(default["verdict"], "verified");
    let changed = |report: &Value| {
        let runs = report["replay"]["runs"].as_array().unwrap();
        runs.iter().filter(|run| run["patched"] == true).count()
    };
    assert!(changed(&report) < changed(&default), "{} {}", changed(&report), changed(&default));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let scene = Scene::new();
    let arguments =
        ["investigate", "ticket.txt", "--repo", "repo", "--no-memory", "--no-replay", "--format", "json"];
    let mut started =
        scene.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(started.stdout.take());
    let ran = common::Ran::from(started.wait_with_output().unwrap());
    assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
    // The status is the same as with a reader that stays: nothing was proven.
    assert_eq!(ran.status, Some(2), "{}", ran.stderr);
}

#[test]
fn memory_is_listed_judged_moved_and_forgotten() {
    let scene = Scene::new();
    let id = scene.investigate(&["--good", "HEAD~11", "--replay", CHECK]).report()["incident_id"]
        .as_str()
        .unwrap()
        .to_owned();
    // Arguments, and words that standard output must contain.
    let steps: &[(&[&str], &str)] = &[
        (&["memory", "list"], "fix verified"),
        (&["memory", "show", &id], "Totals are wrong"),
        (&["memory", "search", "wrong totals"], &id),
        (&["memory", "confirm", &id, "--note", "seen it"], "confirmed by"),
        (&["memory", "weights", "list"], "the weights that ship"),
        (&["memory", "weights", "show"], "the weights that ship"),
        // The run's ranking was stored and its culprit is known. That is one lesson, which is too few.
        (&["memory", "weights", "learn"], "1 ranked incidents with a proven or confirmed culprit, of 1"),
        (&["memory", "weights", "rollback", "0"], "the weights that ship are in force"),
        (&["memory", "export", "--out", "kept.jsonl"], "1 incidents exported"),
        (&["memory", "reject", &id], "not trusted"),
        (&["memory", "forget", &id], "is forgotten"),
        (&["memory", "list"], "Nothing is remembered"),
        (&["memory", "import", "kept.jsonl"], "1 left out because they were forgotten here"),
        // An export from another installation proves nothing.
        (&["memory", "import", "kept.jsonl", "--data-dir", "strange"], "1 incidents imported"),
        (&["memory", "list", "--data-dir", "strange"], "not trusted: not proven"),
    ];
    let check = |arguments: &[&str], words: &str| {
        let ran = scene.run(arguments);
        assert_eq!(ran.status, Some(0), "{arguments:?}: {}", ran.stderr);
        assert!(ran.stdout.contains(words), "{arguments:?}: {words:?} is not in {}", ran.stdout);
    };
    steps.iter().for_each(|(arguments, words)| check(arguments, words));
    // An import that declares another system as its source proves nothing either, whatever the file claims.
    let as_tickets = ["memory", "import", "kept.jsonl", "--source", "jira", "--data-dir", "jira"];
    assert!(scene.run(&as_tickets).stdout.contains("0 incidents imported"));
    let text = std::fs::read_to_string(scene.path("kept.jsonl")).unwrap();
    let signature: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    let key = signature["key"].as_str().unwrap();
    check(&["memory", "import", "kept.jsonl", "--trust", key, "--data-dir", "other"], "1 incidents imported");
    check(&["memory", "list", "--data-dir", "other"], "fix verified");
    check(&["memory", "weights", "learn", "--data-dir", "other"], "1 ranked incidents");
    scene.run(&["memory", "show", "inc_nothing"]).refuses(&["inc_nothing"]);
    scene.run(&["memory", "weights", "rollback", "7"]).refuses(&[
        "version of the weights",
        "7",
        "memory weights list",
    ]);
    scene.run(&["token", "revoke", "nothere"]).refuses(&["nothere", "token list"]);
    scene.run(&["memory", "show", "nothere"]).refuses(&["nothere", "memory list"]);
}
