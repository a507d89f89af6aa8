//! A failure that recurs although its fix was merged: the incident is reopened and investigated at the revision of the
//! recurrence.

use std::time::Duration;

use serde_json::json;

use super::Serving;

#[test]
fn an_alert_that_comes_back_in_a_revision_with_the_fix_opens_its_incident_again() {
    let mut serving = Serving::new("[connectors.alertmanager]\nsecret_env = \"HOOK_SECRET\"\n");
    let opened = serving.alert(0, "firing").unwrap().json();
    let id = opened["incident_id"].as_str().unwrap().to_owned();
    let first = serving.until_done(&id)["report"].clone();
    assert_eq!(first["verdict"], "verified", "{}", first["summary"]);
    assert_eq!(first["root_cause"]["commit"], serving.scene.id("HEAD~5").as_str());

    // The fix is merged. Then another commit makes the same totals wrong in another way.
    serving.scene.repo.replace("lib/calc.sh", "* 3", "* 2");
    serving.scene.repo.replace("check.sh", ". ./lib/calc.sh", ". ./lib/calc.sh\n. ./lib/note1.sh");
    serving.scene.repo.commit("take the fix in", &[]);
    std::fs::write(serving.scene.path("repo/lib/note1.sh"), "# rounded\ntotal() {\n  echo 63\n}\n").unwrap();
    serving.scene.repo.commit("round the totals", &[]);

    let again = serving.alert(1, "firing").unwrap().json();
    assert_eq!((&again["effect"], &again["incident_id"]), (&json!("joined"), &json!(id)));
    assert_eq!(serving.state(&id), "done", "an acknowledgement does not wait for it");
    // The service checks its fixes when a process starts and every few minutes.
    serving.kill(0);
    serving.start(0);
    let said = || {
        let messages = serving.get(&format!("/v1/incidents/{id}"))["messages"].clone();
        messages
            .as_array()
            .unwrap()
            .iter()
            .any(|one| one["text"].as_str().unwrap().starts_with("the answer was wrong"))
    };
    serving.until("it is said that it was not it", said);
    let second = || serving.get(&format!("/v1/incidents/{id}"))["report"]["id"] != first["id"];
    serving.until("there is another answer", second);
    let done = serving.until_done(&id);
    assert_eq!(done["report"]["verdict"], "verified", "{}", done["report"]["summary"]);
    assert_eq!(done["report"]["root_cause"]["commit"], serving.scene.id("HEAD").as_str());
    assert_eq!(serving.get("/v1/incidents")["incidents"].as_array().unwrap().len(), 1);
    let known = serving.memory(&id);
    let outcomes: Vec<_> =
        known["resolutions"].as_array().unwrap().iter().map(|one| one["outcome"].clone()).collect();
    assert_eq!(outcomes, ["unknown", "recurred"], "the answer that holds comes first");
    std::thread::sleep(Duration::from_millis(1_500));
    assert_eq!(serving.state(&id), "done", "once");
}
