/*!
What the next report of the same failure learns from an earlier incident: the proven cause, the cause that a person rejected
or corrected, and the fix that is known to be wrong. The next report uses other words and another replay command.
*/
#![expect(clippy::unwrap_used, reason = "an answer of another shape fails its test")]

use serde_json::Value;

mod common;

use common::{CHECK, Scene, TICKET};

/// The failure as told by a person who knows nothing of the first report.
const RETOLD: &str =
    "Reports of the office are off by far\n\nSince Monday nothing adds up: a fiver comes out as 15.\n";
/// The replay command of that person.
const OTHER_COMMAND: &str = ". ./lib/calc.sh; test \"$(total 5)\" -eq 10";

fn replays(report: &Value) -> usize {
    report["replay"]["runs"].as_array().unwrap().len()
}

#[test]
fn told_otherwise_with_another_command_it_is_known_after_few_replays() {
    let scene = Scene::new();
    let first = scene.investigate(&["--good", "HEAD~11", "--replay", CHECK]).report();
    assert_eq!(first["verdict"], "verified");
    scene.write("ticket.txt", RETOLD);
    let again = scene.investigate(&["--good", "HEAD~11", "--replay", OTHER_COMMAND]).report();
    assert_eq!(again["verdict"], "known", "{}", again["summary"]);
    assert_eq!(again["root_cause"]["commit"], first["root_cause"]["commit"]);
    assert_eq!(again["fix"]["replay"], "pass");
    assert!(again["replay"]["bisect"].is_null());
    assert!(replays(&again) <= 4, "{}", again["replay"]);
    let earlier = first["incident_id"].as_str().unwrap();
    assert!(again["summary"].as_str().unwrap().contains(earlier), "{}", again["summary"]);
    let shown = scene.run(&["memory", "show", earlier, "--format", "json"]);
    let entry: Value = serde_json::from_str(&shown.stdout).unwrap();
    let problem = entry["incident"]["problem_id"].as_str().unwrap().to_owned();
    let other = scene.run(&["memory", "show", again["incident_id"].as_str().unwrap(), "--format", "json"]);
    assert!(other.stdout.contains(&problem), "the two are one problem: {}", other.stdout);
}

/// It is not enough that the earlier fix helps: the failure must also exist at the earlier culprit.
#[test]
fn a_failure_that_a_later_commit_made_is_not_the_earlier_one() {
    let scene = Scene::new();
    let first = scene.investigate(&["--good", "HEAD~11", "--replay", CHECK]).report();
    assert_eq!(first["verdict"], "verified");
    // The new code builds on the earlier fault, so reverting that fault would fix this failure too.
    scene.repo.replace("lib/calc.sh", "total() {", "fee() {\n  echo $(( $(total 1) / 3 ))\n}\ntotal() {");
    scene.repo.commit("charge a fee", &[]);
    scene.write("ticket.txt", "Fees\n\nThere is a fee of 1 since today; there was none.\n");
    let fee = ". ./lib/calc.sh; if command -v fee >/dev/null; then test \"$(fee)\" -eq 0; fi";
    let report = scene.investigate(&["--good", "HEAD~12", "--replay", fee]).report();
    assert_ne!(report["verdict"], "known", "{}", report["summary"]);
    assert_eq!(report["root_cause"]["commit"], scene.id("HEAD").as_str());
}

/// A cause that a person rejected is not presented again, in whatever words the same failure is reported.
#[test]
fn a_rejection_holds() {
    let scene = Scene::new();
    let first = scene.investigate(&["--good", "HEAD~11", "--replay", CHECK]).report();
    assert_eq!(first["verdict"], "verified");
    let id = first["incident_id"].as_str().unwrap();
    let said = scene.run(&["memory", "reject", id, "--note", "the rounding is wanted"]);
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    for (ticket, command) in
        [(TICKET, CHECK), (RETOLD, CHECK), (RETOLD, OTHER_COMMAND), (TICKET, OTHER_COMMAND)]
    {
        scene.write("ticket.txt", ticket);
        let again = scene.investigate(&["--good", "HEAD~11", "--replay", command]).report();
        assert_eq!(again["verdict"], "confirmed", "{again:#}");
        assert_eq!(again["fix"], Value::Null);
        let statement = again["root_cause"]["statement"].as_str().unwrap();
        assert!(statement.contains("“the rounding is wanted”") && statement.contains(id), "{statement}");
        assert!(again["hypotheses"].to_string().contains("the rounding is wanted"));
    }
    // Without a replay the rejected commit is the last suspect, whatever the ticket says.
    for ticket in [TICKET, RETOLD] {
        scene.write("ticket.txt", ticket);
        let guess = scene.investigate(&["--good", "HEAD~11", "--no-replay"]);
        assert_eq!(guess.status, Some(2), "{}", guess.stderr);
        let guess = guess.report();
        assert_ne!(guess["root_cause"]["commit"], first["root_cause"]["commit"]);
        let last = guess["suspects"].as_array().unwrap().last().unwrap();
        assert_eq!(last["commit"], first["root_cause"]["commit"]);
        assert!(last["reasons"][0]["detail"].as_str().unwrap().contains("the rounding is wanted"), "{last}");
    }
}

/// “It was X” is accepted as the cause and re-checked, as every statement of a person is.
#[test]
fn a_correction_holds_as_far_as_it_can_be_checked() {
    let scene = Scene::new();
    let first = scene.investigate(&["--good", "HEAD~11", "--replay", CHECK]).report();
    let id = first["incident_id"].as_str().unwrap();
    let other = scene.id("HEAD~2");
    let note = format!("it was {}", &other[..8]);
    let said = scene.run(&["memory", "reject", id, "--note", &note]);
    assert!(said.stdout.contains(&other[..8]), "{}{}", said.stdout, said.stderr);
    // Without a replay, the correction holds because the lines of that commit are still there.
    let told = scene.investigate(&["--good", "HEAD~11", "--no-replay"]).report();
    assert_eq!(told["verdict"], "known", "{told:#}");
    assert_eq!(told["root_cause"]["commit"], other.as_str());
    // The replay passes at that commit, so the correction was wrong. The person's rejection still holds.
    let replayed = scene.investigate(&["--good", "HEAD~11", "--replay", CHECK]).report();
    assert_eq!(replayed["verdict"], "confirmed", "{}", replayed["summary"]);
    assert_eq!(replayed["root_cause"]["commit"], first["root_cause"]["commit"]);
    assert!(replayed["root_cause"]["statement"].as_str().unwrap().contains(&note));
}

/// A fix that failed the project's tests is not called right by a later run that skips the tests.
#[test]
fn a_failed_fix_is_kept_as_failed() {
    let scene = Scene::new();
    let relies = ". ./lib/calc.sh\n[ \"$(total 4)\" = 12 ] && echo 'ok 1 - thrice' || echo 'not ok 1 - thrice'\necho 1..1\n";
    std::fs::write(scene.path("repo").join("tests.sh"), relies).unwrap();
    scene.repo.commit("rely on it", &[]);
    let first =
        scene.investigate(&["--good", "HEAD~12", "--replay", CHECK, "--tests", "sh tests.sh"]).report();
    assert_eq!(first["verdict"], "confirmed", "{}", first["summary"]);
    assert!(!first["tried"].as_array().unwrap().is_empty());
    scene.write("ticket.txt", RETOLD);
    let again = scene.investigate(&["--good", "HEAD~12", "--replay", OTHER_COMMAND]).report();
    assert_eq!(again["verdict"], "known", "{}", again["summary"]);
    assert_eq!(again["fix"], Value::Null, "the only fix that is known is known to be wrong");
    let entry = scene.run(&["memory", "show", first["incident_id"].as_str().unwrap(), "--format", "json"]);
    assert!(entry.stdout.contains("failed_fixes"), "{}", entry.stdout);
}

/// An incident without a conclusion has nothing to reject, but a person can still name the cause.
#[test]
fn where_nothing_was_concluded_the_cause_can_be_told() {
    let scene = Scene::new();
    scene.write("ticket.txt", "It does not work any more.\n");
    let silent = scene.investigate(&["--no-replay"]).report();
    assert_eq!(silent["verdict"], "inconclusive", "{}", silent["summary"]);
    let id = silent["incident_id"].as_str().unwrap();
    scene.run(&["memory", "reject", id]).refuses(&["no resolution", "it was COMMIT"]);
    let note = format!("it was {}, password=hunter2hunter2", &scene.id("HEAD~2")[..9]);
    let told = scene.run(&["memory", "reject", id, "--note", &note]);
    assert_eq!(told.status, Some(0), "{}", told.stderr);
    let entry = scene.run(&["memory", "show", id]).stdout;
    assert!(entry.contains("it was ") && !entry.contains("hunter2"), "{entry}");
    let again = scene.investigate(&["--no-replay"]).report();
    assert_eq!(again["verdict"], "known", "{}", again["summary"]);
    assert_eq!(again["root_cause"]["commit"], scene.id("HEAD~2").as_str());
}
