/*!
Conversations with the built command. It reads lines from a pipe, and answers by rules or with a scripted model.
*/
#![expect(clippy::unwrap_used, reason = "an answer of another shape fails its test")]

use millwright_testkit::model_server::{ModelReply, ProtocolRules, ScriptedModelServer, offered};
use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::json;

mod common;

use common::{CHECK, Ran, Scene};

/// Runs the command, writes all lines to its input and closes the input.
fn talk(mut command: Command, input: &[u8]) -> Ran {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap().into()
}

fn chat(scene: &Scene, more: &[&str], input: &str) -> Ran {
    let arguments = [&["chat", "--repo", "repo", "--good", "HEAD~11"], more].concat();
    let ran = talk(scene.command(&arguments), input.as_bytes());
    assert_eq!(ran.status, Some(0), "{}{}", ran.stdout, ran.stderr);
    ran
}

/// The output that follows a line.
fn answer<'a>(ran: &'a Ran, line: &str) -> &'a str {
    let (_, after) =
        ran.stdout.split_once(&format!("> {line}\n")).unwrap_or_else(|| panic!("{line}: {}", ran.stdout));
    after.split("\n> ").next().unwrap()
}

#[test]
fn rules_answer_each_kind_of_question() {
    let scene = Scene::new();
    scene.write(
        "app.log",
        "2026-01-05T09:00:00Z INFO started\n2026-01-05T09:30:00Z INFO started\n\
         2026-01-05T10:00:00Z ERROR cannot total 21\n2026-01-05T10:01:00Z ERROR cannot total 22\n",
    );
    let culprit = scene.id("HEAD~5");
    let lines = [
        "who changed lib/calc.sh?",
        "who changed lib/calc.sh:2",
        "who changed this?",
        "who owns calc.sh",
        "what is new in the logs?",
        "search the logs for cannot total",
        "have we seen this before?",
        &format!("show {}", &culprit[..10]),
        "show lib/calc.sh:1-2",
        "where is total defined?",
        "search for total 21",
        "the history of total",
        "what is the meaning of life?",
        "/evidence E1",
        "/evidence E99",
        "/suspects",
        "/report",
        "/approve",
        "/stop",
        "/resume",
        "/steer look elsewhere",
        "/nonsense",
        "/help",
    ];
    let ran = chat(&scene, &["ticket.txt", "--logs", "app.log", "--no-replay"], &lines.join("\n"));
    let says = |line: &str, words: &[&str]| {
        let answer = answer(&ran, line);
        for word in words {
            assert!(answer.contains(word), "{line}: {word:?} is not said:\n{answer}");
        }
    };
    says(lines[0], &["change 7", "Ada", &culprit[..10]]);
    says(lines[1], &["* 3", "change 7", "Evidence: E", "git:"]);
    says(lines[2], &["lib/calc.sh", "change 7"]);
    says(lines[3], &["Ada"]);
    says(lines[4], &["cannot total"]);
    says(lines[5], &["cannot total 21"]);
    says(lines[6], &["no similar incident is remembered"]);
    says(lines[7], &["change 7", "lib/calc.sh"]);
    says(lines[8], &["total() {", "* 3"]);
    says(lines[9], &["total", "lib/calc.sh"]);
    says(lines[10], &["check.sh"]);
    says(
        lines[11],
        &[
            "lib/calc.sh::total (lines 1 to 3)",
            "2 commits changed it",
            "+  echo $(( $1 * 3 ))",
            "Evidence: E",
        ],
    );
    says(lines[12], &["rules have no answer", "who changed", "have we seen", "investigate"]);
    says(lines[13], &["E1 git:"]);
    says(lines[14], &["There is no evidence E99", "E1 to E"]);
    says(lines[15], &[&culprit[..10]]);
    says(lines[16], &["no report yet"]);
    says(lines[17], &["Nothing waits"]);
    says(lines[18], &["nothing to stop"]);
    says(lines[19], &["was stopped"]);
    says(lines[20], &["nothing to steer"]);
    says(lines[21], &["no command /nonsense", "/evidence"]);
    says(lines[22], &["/approve", "what is new in the logs"]);
    assert_eq!(ran.stderr, "");
}

#[test]
fn an_investigation_keeps_its_evidence_for_what_follows() {
    let scene = Scene::new();
    let culprit = scene.id("HEAD~5");
    let input = "show lib/calc.sh:1-2\n/evidence E1\ninvestigate this\nwho changed this?\n/evidence E1\n/evidence\n/suspects\n\
                 write the fix to branch:mend/total\n/deny\nwrite the fix to branch:mend/total\n/approve\n\
                 write the fix to fix.patch\n/approve\nhave we seen total 21 gave 63, not 42?\n/report\n/quit\nnever read\n";
    let ran = chat(&scene, &["ticket.txt", "--replay", CHECK], input);
    let told = answer(&ran, "investigate this");
    assert!(
        told.contains("VERIFIED") && told.contains(&culprit[..10]) && told.contains("… replay 1 fails"),
        "{told}"
    );
    let follow_up = answer(&ran, "who changed this?");
    assert!(follow_up.contains("change 7"), "{follow_up}");
    let first = |from: &str| {
        let (_, after) = from.split_once("> /evidence E1\n").unwrap();
        after.split("\n> ").next().unwrap().to_owned()
    };
    let (_, later) = ran.stdout.split_once("> who changed this?").unwrap();
    assert_eq!(first(&ran.stdout), first(later), "E1 stays E1");
    assert!(first(later).contains("total() {"));
    let list = answer(&ran, "/evidence");
    assert!(list.contains("replay:1") && list.contains("E2 "), "{list}");
    // Every piece of evidence that the report cites is listed under its new number.
    let cited: Vec<&str> =
        told.split("[E").skip(1).filter_map(|rest| rest.split_once(']')).map(|cited| cited.0).collect();
    assert!(!cited.is_empty(), "{told}");
    for number in cited.iter().flat_map(|cited| cited.split(", E")) {
        assert!(list.lines().any(|line| line.starts_with(&format!("E{number} "))), "E{number}: {list}");
    }
    assert!(answer(&ran, "/suspects").contains(&culprit[..10]));
    assert!(ran.stdout.contains("Nothing was written."));
    let message = scene.repo.git(&["log", "-1", "--format=%B", "mend/total"]);
    assert!(message.starts_with("Fix: Totals are wrong") && message.contains("Incident: inc_"), "{message}");
    assert!(scene.repo.git(&["show", "mend/total:lib/calc.sh"]).contains("* 2"));
    assert_eq!(scene.repo.git(&["status", "--porcelain"]), "");
    assert!(std::fs::read_to_string(scene.path("fix.patch")).unwrap().contains("* 2"));
    assert!(!ran.stdout.contains("never read"));

    // A second conversation can start from the incident.
    let incident = message.lines().find_map(|line| line.strip_prefix("Incident: ")).unwrap();
    let again = chat(&scene, &[incident], "/report\nwho changed this?\n");
    assert!(answer(&again, "/report").contains("VERIFIED"), "{}", again.stdout);
    assert!(answer(&again, "who changed this?").contains("change 7"));
    let gone = scene.run(&["chat", "inc_0000nothere", "--repo", "repo", "--good", "HEAD~11"]);
    gone.refuses(&["inc_0000nothere"]);
    scene.run(&["chat", "-", "--repo", "repo"]).refuses(&["standard input"]);
}

#[test]
fn a_stopped_investigation_goes_on() {
    let scene = Scene::new();
    let slow = format!("sleep 1; {CHECK}");
    let ran = chat(
        &scene,
        &["ticket.txt", "--replay", &slow],
        "investigate this\n/steer look at the totals\n/stop\n/resume\n/report\n",
    );
    let stopped = answer(&ran, "investigate this");
    assert!(stopped.contains("Stopped.") && !stopped.contains("VERIFIED"), "{stopped}");
    let resumed = answer(&ran, "/resume");
    assert!(
        resumed.contains("resuming run_")
            && resumed.contains("noted: look at the totals")
            && resumed.contains("VERIFIED"),
        "{resumed}"
    );
}

#[test]
fn hostile_input_does_no_harm() {
    let scene = Scene::new();
    let mut input = Vec::new();
    input.extend_from_slice("x".repeat(300_000).as_bytes());
    input.extend_from_slice(
        b"\n\xff\xfe\x80 who changed \xc3\x28\nwho changed \x1b]0;owned\x07\x1b[31mlib/calc.sh\n",
    );
    input.extend_from_slice(b"show ../../etc/passwd\nshow /etc/passwd\nsearch for \x1b[2J\n/evidence \x1b[2J\n/\x1b[31mred\n\n   \n");
    input.extend_from_slice("who changed \u{202e}hs.clac\n".as_bytes());
    input.extend_from_slice(b"investigate: \x00\x01\x02\n");
    input.extend_from_slice(b"/evidence");
    let ran = talk(scene.command(&["chat", "--repo", "repo", "--good", "HEAD~11", "--no-replay"]), &input);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let raw: Vec<char> =
        ran.stdout.chars().filter(|c| c.is_control() && *c != '\n' || *c == '\u{202e}').collect();
    assert!(raw.is_empty(), "{raw:?}");
    assert!(!ran.stdout.contains("root:"), "{}", ran.stdout);
    assert!(ran.stdout.contains("Only the first 8000 characters"));
    assert!(ran.stdout.len() < 60_000, "{}", ran.stdout.len());
    assert_eq!(ran.stderr, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_answers_from_tools_and_is_held_to_them() {
    let scene = Scene::new();
    let server = ScriptedModelServer::start(ProtocolRules::default(), move |seen| match seen.step() {
        0 => ModelReply::call("git_file", json!({ "path": "lib/calc.sh" })),
        1 => ModelReply::Text(format!(
            "The factor is `$1 * 3` [{}]. Everybody knows that it was Bob who did this.",
            seen.evidence("lib/calc.sh")
        )),
        2 => ModelReply::call("write_fix", json!({ "candidate": "revert", "as": "branch" })),
        3 => ModelReply::Text(format!(
            "I cannot write anything here. {}",
            if seen.last().contains("failed") { "Denied." } else { "Done." }
        )),
        _ => ModelReply::status(503, "down for the day"),
    })
    .await;
    let arguments = ["chat", "ticket.txt", "--repo", "repo", "--good", "HEAD~11", "--planner", "scripted"];
    let mut command = scene.command(&arguments);
    command.env("OPENAI_BASE_URL", server.base_url());
    let input = "what does total do?\n/evidence E1\nplease push it all\nwho changed lib/calc.sh?\n";
    let ran = tokio::task::block_in_place(|| talk(command, input.as_bytes()));
    server.check();
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let first = answer(&ran, "what does total do?");
    assert!(first.contains("The factor is `$1 * 3` [E1]."), "{first}");
    assert_eq!(first.matches("The factor is").count(), 1, "{first}");
    assert!(first.contains("Not supported by the evidence:\n  - Everybody knows"), "{first}");
    assert!(answer(&ran, "/evidence E1").contains("* 3"));
    assert!(answer(&ran, "please push it all").contains("Denied."), "{}", ran.stdout);
    let down = answer(&ran, "who changed lib/calc.sh?");
    assert!(
        down.contains("down for the day")
            && down.contains("The answer of the rules:")
            && down.contains("change 7"),
        "{down}"
    );
    let offered = offered(&server.requests()[0]);
    assert!(offered.contains("git_blame") && !offered.contains("bisect") && !offered.contains("write_fix"));
}

#[test]
fn a_verified_fix_is_written_on_request_only() {
    let scene = Scene::new();
    let heads = || scene.repo.git(&["for-each-ref", "--format=%(refname)"]);
    let before = heads();
    let ran = scene.investigate(&["--good", "HEAD~11", "--replay", CHECK, "--write-fix", "fix.patch"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let incident = ran.report()["incident_id"].as_str().unwrap().to_owned();
    assert!(ran.stderr.contains("the fix is written to fix.patch"), "{}", ran.stderr);
    let patch = std::fs::read_to_string(scene.path("fix.patch")).unwrap();
    assert!(
        patch.contains(&format!("Incident: {incident}")) && patch.contains("+  echo $(( $1 * 2 ))"),
        "{patch}"
    );
    assert_eq!(heads(), before);
    scene.repo.git(&["apply", "--check", &scene.path("fix.patch").to_string_lossy()]);

    // In the second run the incident is known, and its fix is still verified.
    let ran = scene.investigate(&["--good", "HEAD~11", "--replay", CHECK, "--write-fix", "branch:mend/it"]);
    assert_eq!((ran.status, &ran.report()["verdict"]), (Some(0), &"known".into()), "{}", ran.stderr);
    assert!(scene.repo.git(&["show", "mend/it:lib/calc.sh"]).contains("* 2"));
    assert_eq!(scene.repo.git(&["rev-parse", "mend/it~1"]), scene.id("HEAD"));

    scene
        .investigate(&["--replay", CHECK, "--write-fix", "fix.patch"])
        .refuses(&["fix.patch exists already"]);
    let ran = scene.investigate(&["--good", "HEAD~11", "--no-memory", "--write-fix", "other.patch"]);
    assert_eq!(ran.status, Some(2), "{}", ran.stderr);
    assert!(ran.stderr.contains("no fix was written"), "{}", ran.stderr);
    assert!(!scene.path("other.patch").exists());
    for bad in ["branch:", "branch:a b", "branch:../x"] {
        let ran = scene.investigate(&["--write-fix", bad]);
        assert_eq!(ran.status, Some(1), "{bad} is no destination: {}", ran.stderr);
        assert!(ran.stderr.contains("--write-fix"), "{}", ran.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_writes_asks_for_consent_first() {
    let scene = Scene::new();
    let culprit = scene.id("HEAD~5");
    let bare = scene.path("shared.git");
    scene.repo.git(&["clone", "-q", "--bare", ".", &bare.to_string_lossy()]);
    scene.write(
        "m.toml",
        format!(
            "[repositories.shop]\npath = \"repo\"\n[repositories.shop.remotes]\nshared = \"file://{}\"\n",
            bare.display()
        ),
    );
    let subject = scene.repo.git(&["log", "-1", "--format=%s", &culprit]);
    let server = ScriptedModelServer::start(ProtocolRules::default(), move |seen| match (seen.is_review(), seen.step()) {
        (true, _) => ModelReply::review("stands", 0.9),
        (_, 0) => ModelReply::call(
            "propose_patch",
            json!({ "edits": [{ "path": "lib/calc.sh", "old": "* 3", "new": "* 2" }], "rationale": "It doubles." }),
        ),
        (_, 1) => ModelReply::call("verify_fix", json!({ "candidate": "patch_1" })),
        (_, 2) => ModelReply::call("write_fix", json!({ "candidate": "patch_1", "as": "branch", "name": "mend/it" })),
        (_, 3) => ModelReply::call("push_fix", json!({ "branch": "mend/it", "remote": "shared" })),
        (_, 4) => ModelReply::call("push_fix", json!({ "branch": "mend/it", "remote": "elsewhere" })),
        (_, 5) => ModelReply::call("git_show", json!({ "commit": culprit })),
        _ => ModelReply::call(
            "conclude",
            json!({
                "outcome": "cause", "statement": "That commit broke the totals.", "kind": "code_change",
                "commit": culprit, "confidence": 0.8,
                "evidence": [{ "id": seen.evidence(&format!("git:{culprit}")), "quotes": [subject] }],
            }),
        ),
    })
    .await;
    let arguments = [
        "chat",
        "ticket.txt",
        "--repo",
        "repo",
        "--good",
        "HEAD~11",
        "--tests",
        "sh tests.sh",
        "--planner",
        "scripted",
        "--config",
        "m.toml",
        "--replay",
        CHECK,
    ];
    let mut command = scene.command(&arguments);
    command.env("OPENAI_BASE_URL", server.base_url());
    let input = "investigate this\n/approve c99\n/approve\n/approve\n/deny\n/report\n";
    let ran = tokio::task::block_in_place(|| talk(command, input.as_bytes()));
    server.check();
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let asked = answer(&ran, "investigate this");
    assert!(
        asked.contains("waits for your consent") && asked.contains("write_fix") && asked.contains("mend/it"),
        "{asked}"
    );
    assert!(answer(&ran, "/approve c99").contains("Which call?"), "{}", ran.stdout);
    let written = answer(&ran, "/approve");
    assert!(
        written.contains("approved") && written.contains("push_fix") && written.contains("shared"),
        "{written}"
    );
    assert!(scene.repo.git(&["show", "mend/it:lib/calc.sh"]).contains("* 2"));
    assert_eq!(
        scene.repo.git_in(&bare, &["rev-parse", "mend/it"]),
        scene.repo.git(&["rev-parse", "mend/it"])
    );
    let denied = answer(&ran, "/deny");
    assert!(denied.contains("denied") && denied.contains("VERIFIED"), "{denied}");
}

#[test]
fn what_a_person_says_of_the_answer_is_kept() {
    let scene = Scene::new();
    let nothing = chat(&scene, &["ticket.txt"], "that was not it");
    assert!(answer(&nothing, "that was not it").contains("no answer yet"), "{}", nothing.stdout);
    let first = scene.investigate(&["--good", "HEAD~11", "--replay", CHECK]).report();
    let id = first["incident_id"].as_str().unwrap();
    let line = format!("No, it was {}.", &scene.id("HEAD~2")[..8]);
    let told = chat(&scene, &[id], &line);
    assert!(answer(&told, &line).contains("Marked as wrong"), "{}", told.stdout);
    let shown = scene.run(&["memory", "show", id]).stdout;
    assert!(shown.contains("rejected") && shown.contains(&scene.id("HEAD~2")[..8]), "{shown}");
    let again = chat(&scene, &[id], "that was it");
    assert!(answer(&again, "that was it").contains("Confirmed"), "{}", again.stdout);
}
