/*!
`millwright serve` as its users see it: a real process on a real port, called over HTTP, killed and restarted. The repository
has a planted fault, and every investigation is real.
*/
#![expect(clippy::unwrap_used, reason = "an answer of another shape fails its test")]
#![expect(clippy::disallowed_methods, reason = "the service is told to end as an init system tells it")]

use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

mod audience;
#[path = "../common/mod.rs"]
#[expect(dead_code, reason = "shared with tests that investigate from the command line")]
mod common;
mod hostile;
mod http;
mod kills;
mod notes;
mod operations;
mod postgres;
mod recurrence;
mod slack;
mod stored;
mod threads;
mod tickets;

use common::Scene;
use http::{Answer, ask};
use kills::{KillTestPlan, killed};
use tickets::Tickets;

const SECRET: &str = "a-secret-of-the-hooks";
const PATIENCE: Duration = Duration::from_secs(120);

/// A process of the service: its role, its address and its data folder.
struct Process {
    role: &'static str,
    at: SocketAddr,
    data: String,
    child: Option<Child>,
}

/// A service on a scene. Tests can kill and restart its processes.
struct Serving {
    scene: Scene,
    /// The address of the first process, which gets the requests.
    at: SocketAddr,
    token: String,
    processes: Vec<Process>,
    log: std::path::PathBuf,
}

impl Serving {
    /// Starts one process with all roles, on a file database.
    fn new(more: &str) -> Self {
        Self::of(&["all"], more)
    }

    /// Starts processes with these roles. Several processes share a database but not a data folder, as on separate machines.
    fn of(roles: &[&'static str], more: &str) -> Self {
        let scene = Scene::new();
        let config = format!(
            "[repositories.calc]\npath = \"repo\"\nservices = [\"calc\"]\ntest_one = \"sh check.sh {{test}}\"\n\
             [server]\nrequests_per_minute = 100000\nlease_s = 5\n{more}"
        );
        scene.write("service.toml", config);
        let made = scene.run(&["token", "create", "tests", "--role", "admin", "--config", "service.toml"]);
        assert_eq!(made.status, Some(0), "{}", made.stderr);
        let port = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let process = |(number, role): (usize, &&'static str)| Process {
            role,
            at: port(),
            data: if number == 0 { "data".to_owned() } else { format!("data{number}") },
            child: None,
        };
        let processes: Vec<_> = roles.iter().enumerate().map(process).collect();
        let log = scene.path("serve.log");
        let at = processes[0].at;
        let mut serving = Self { scene, at, token: made.stdout.trim().to_owned(), processes, log };
        for number in 0..roles.len() {
            serving.start(number);
        }
        serving
    }

    /// Starts one process with all roles on the existing data of a scene.
    fn on(scene: Scene, token: &str, data: &str) -> Self {
        let at = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let process = Process { role: "all", at, data: data.to_owned(), child: None };
        let log = scene.path("serve.log");
        let mut serving = Self { scene, at, token: token.to_owned(), processes: vec![process], log };
        serving.start(0);
        serving
    }

    fn start(&mut self, number: usize) {
        let process = &self.processes[number];
        let (address, at) = (process.at.to_string(), process.at);
        let log = std::fs::File::options().create(true).append(true).open(&self.log).unwrap();
        let arguments = ["serve", "--config", "service.toml", "--listen", &address, "--role", process.role];
        let mut command = self.scene.command(&[&arguments[..], &["--data-dir", &process.data]].concat());
        command.env("HOOK_SECRET", SECRET).env("API_TOKEN", "t0ken");
        let child = command.stdout(Stdio::null()).stderr(log).spawn().unwrap();
        self.processes[number].child = Some(child);
        let ready = || ask(at, "GET", "/readyz", &[], "").is_ok_and(|answer| answer.status == 200);
        self.until("the service is ready", ready);
    }

    fn kill(&mut self, number: usize) {
        let mut child = self.processes[number].child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Asks the first process to end, as an init system does. Returns its exit status.
    fn terminate(&mut self) -> Option<i32> {
        let mut child = self.processes[0].child.take().unwrap();
        let pid = child.id().to_string();
        assert!(std::process::Command::new("kill").arg(pid).status().unwrap().success());
        child.wait().unwrap().code()
    }

    fn until(&self, what: &str, mut holds: impl FnMut() -> bool) {
        let begun = Instant::now();
        while !holds() {
            let log = || std::fs::read_to_string(&self.log).unwrap_or_default();
            assert!(begun.elapsed() < PATIENCE, "waited in vain until {what}:\n{}", log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn try_ask(&self, method: &str, path: &str, body: &str) -> std::io::Result<Answer> {
        let bearer = format!("Bearer {}", self.token);
        ask(self.at, method, path, &[("authorization", &bearer), ("content-type", "application/json")], body)
    }

    fn get(&self, path: &str) -> Value {
        let answer = self.try_ask("GET", path, "").unwrap();
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        answer.json()
    }

    fn report(&self, title: &str) -> std::io::Result<String> {
        let answer = self.try_ask("POST", "/v1/incidents", &ticket(title).to_string())?;
        assert_eq!(answer.status, 202, "{}", answer.text);
        Ok(answer.json()["id"].as_str().unwrap().to_owned())
    }

    fn state(&self, id: &str) -> String {
        self.get(&format!("/v1/incidents/{id}"))["state"].as_str().unwrap().to_owned()
    }

    fn until_done(&self, id: &str) -> Value {
        self.until(&format!("{id} is done"), || matches!(&*self.state(id), "done" | "failed" | "cancelled"));
        self.get(&format!("/v1/incidents/{id}"))
    }

    /// Sends a signed delivery of GitHub.
    fn github(&self, number: u32, action: &str) -> std::io::Result<Answer> {
        let body = json!({
            "action": action,
            "issue": { "number": number, "title": "Totals are wrong", "body": TEST_OUTPUT },
            "repository": { "name": "calc", "full_name": "acme/calc" },
        })
        .to_string();
        let mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap().chain_update(&body);
        let signature = format!("sha256={}", hex::encode(mac.finalize().into_bytes()));
        let headers = [("x-hub-signature-256", signature.as_str()), ("x-github-event", "issues")];
        ask(self.at, "POST", "/hooks/github", &headers, &body)
    }

    fn alert(&self, instance: u32, status: &str) -> std::io::Result<Answer> {
        let body = json!({ "version": "4", "status": status, "groupKey": "{}", "alerts": [{
            "status": status,
            "labels": { "alertname": "TotalsWrong", "service": "calc", "instance": format!("pod-{instance}") },
            "annotations": { "summary": "totals are wrong", "description": TEST_OUTPUT },
            "startsAt": format!("2026-11-24T10:00:{instance:02}Z"), "endsAt": "0001-01-01T00:00:00Z",
            "fingerprint": format!("f{instance}"),
        }] });
        let bearer = format!("Bearer {SECRET}");
        ask(self.at, "POST", "/hooks/alertmanager", &[("authorization", &bearer)], &body.to_string())
    }

    /// Reads an incident from the store, with another process.
    fn memory(&self, id: &str) -> Value {
        let shown = self.scene.run(&["memory", "show", id, "--format", "json", "--config", "service.toml"]);
        serde_json::from_str(&shown.stdout).unwrap_or_else(|_| panic!("{}", shown.stderr))
    }

    fn has_one_report(&self, id: &str) {
        let known = self.memory(id);
        let count = |part: &str| known[part].as_array().unwrap().len();
        assert_eq!((count("reports"), count("runs")), (1, 1), "{id}: {known:#}");
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        for mut child in self.processes.iter_mut().filter_map(|process| process.child.take()) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

const TEST_OUTPUT: &str =
    "FAILED tests/test_calc.py::test_total\ncalc_check: total 21 gave 63, not 42 (lib/calc.sh)\n";

fn ticket(title: &str) -> Value {
    json!({ "title": title, "body": TEST_OUTPUT, "service": "calc" })
}

const GITHUB: &str = "[connectors.github]\nsecret_env = \"HOOK_SECRET\"\ntoken_env = \"API_TOKEN\"\n";

#[test]
fn an_incident_is_answered_at_once_and_investigated_behind() {
    let serving = Serving::new("");
    let begun = Instant::now();
    let id = serving.report("Totals are wrong").unwrap();
    assert!(begun.elapsed() < Duration::from_secs(2), "the answer does not wait for the investigation");
    let done = serving.until_done(&id);
    assert_eq!(done["state"], "done", "{done:#}");
    let report = &done["report"];
    assert_eq!(report["verdict"], "verified", "{}", report["summary"]);
    assert_eq!(report["root_cause"]["commit"], serving.scene.id("HEAD~5").as_str());
    serving.has_one_report(&id);

    let path = format!("/v1/incidents/{id}/events");
    let events = serving.try_ask("GET", &path, "").unwrap();
    for kind in ["started", "planned", "tool_finished", "finished", "state"] {
        assert!(events.text.contains(&format!("event: {kind}\n")), "{kind} is not told: {}", events.text);
    }
    let feedback = json!({ "verdict": "confirm", "note": "yes" }).to_string();
    let judged = serving.try_ask("POST", &format!("/v1/incidents/{id}/feedback"), &feedback).unwrap();
    assert_eq!((judged.status, &judged.json()["approval"]), (200, &json!("confirmed")));

    let again = serving.report("Totals are off again").unwrap();
    assert_eq!(serving.until_done(&again)["report"]["verdict"], "known");
    let found = serving.get("/v1/memory/search?q=totals");
    assert_eq!(found["items"].as_array().unwrap().len(), 2, "{found:#}");

    // A question about a finished incident is answered from the evidence.
    let asked = json!({ "text": "why is it that commit?" }).to_string();
    let asked = serving.try_ask("POST", &format!("/v1/incidents/{id}/messages"), &asked).unwrap();
    assert_eq!((asked.status, &asked.json()["kind"]), (202, &json!("question")));
    let messages = || serving.get(&format!("/v1/incidents/{id}"))["messages"].clone();
    serving.until("the question is answered", || messages().as_array().unwrap().len() == 2);
    assert_eq!(messages()[1]["kind"], "answer");
    assert!(!messages()[1]["text"].as_str().unwrap().is_empty());

    // A person's correction goes through the same endpoint and gets an answer.
    let other = &serving.scene.id("HEAD~2")[..9];
    let said = json!({ "text": format!("That was not it, it was {other}") }).to_string();
    serving.try_ask("POST", &format!("/v1/incidents/{id}/messages"), &said).unwrap();
    serving.until("the correction is answered", || messages().as_array().unwrap().len() == 4);
    assert!(messages()[3]["text"].as_str().unwrap().contains(other), "{}", messages()[3]);
    let corrected = serving.report("Totals are off once more").unwrap();
    let corrected = serving.until_done(&corrected);
    assert_eq!(corrected["report"]["verdict"], "confirmed", "{}", corrected["report"]["summary"]);
    assert!(corrected["report"]["root_cause"]["statement"].to_string().contains(other), "{corrected:#}");

    // A report without a service: with only one repository, that one is investigated, and the report says what is wrong.
    let nameless =
        serving.try_ask("POST", "/v1/incidents", r#"{"title":"Something is odd"}"#).unwrap().json();
    let nameless = serving.until_done(nameless["id"].as_str().unwrap());
    assert_eq!(nameless["report"]["verdict"], "inconclusive", "{nameless:#}");
}

#[test]
fn a_large_report_is_investigated_like_any_other() {
    large(&Serving::new(SIGNED_GITHUB));
}

const SIGNED_GITHUB: &str = "[connectors.github]\nsecret_env = \"HOOK_SECRET\"\n";

/// Sends nine megabytes by the API and by a hook. Acknowledged reports are investigated, and their fields are stored.
fn large(serving: &Serving) {
    // Quotes and escapes need more space in JSON.
    let filling = "\"a\" \\ \u{1}b\n".repeat(9_000_000 / 18);
    let body = format!("{TEST_OUTPUT}{filling}{TEST_OUTPUT}");
    let report = json!({ "title": "Totals are wrong", "body": body, "service": "calc", "external_id": "9" });
    let answer = serving.try_ask("POST", "/v1/incidents", &report.to_string()).unwrap();
    assert_eq!(answer.status, 202, "{}", answer.text);
    let by_api = answer.json()["id"].as_str().unwrap().to_owned();
    let issue = json!({
        "action": "opened",
        "issue": { "number": 9, "title": "Totals are off", "body": body },
        "repository": { "name": "calc", "full_name": "acme/calc" },
    });
    let answer = serving.deliver("/hooks/github", issue.to_string().as_bytes(), SECRET, 0);
    assert_eq!(answer.status, 202, "{}", answer.text);
    let by_hook = answer.json()["incident_id"].as_str().unwrap().to_owned();
    for (id, title) in [(by_api, "Totals are wrong"), (by_hook, "Totals are off")] {
        let done = serving.until_done(&id);
        assert_eq!((&done["state"], &done["title"]), (&json!("done"), &json!(title)), "{}", done["error"]);
        assert_eq!(done["service"], "calc");
        serving.has_one_report(&id);
    }
}

#[test]
fn a_shutdown_parks_and_the_next_start_goes_on() {
    let mut serving = Serving::new("");
    serving.scene.repo.replace("check.sh", "r=$(total 21)", "sleep 0.4; r=$(total 21)");
    serving.scene.repo.commit("slower", &[]);
    let id = serving.report("Totals are wrong").unwrap();
    let events = |serving: &Serving| {
        let known = serving.memory(&id);
        known["runs"][0]["next_seq"].as_i64().unwrap_or(0)
    };
    serving.until("the run is under way", || events(&serving) > 6);
    assert_eq!(serving.terminate(), Some(0));
    let parked = serving.memory(&id);
    assert_eq!(parked["runs"][0]["state"], "parked", "{parked:#}");
    serving.start(0);
    assert_eq!(serving.until_done(&id)["report"]["verdict"], "verified");
    serving.has_one_report(&id);
}

#[test]
fn a_run_that_is_stopped_reports_what_it_knows() {
    let serving = Serving::new("");
    serving.scene.repo.replace("check.sh", "r=$(total 21)", "sleep 1; r=$(total 21)");
    serving.scene.repo.commit("slower", &[]);
    let id = serving.report("Totals are wrong").unwrap();
    serving.until("it runs", || serving.state(&id) == "running");
    std::thread::sleep(Duration::from_millis(1_500));
    let stopped = serving.try_ask("POST", &format!("/v1/incidents/{id}/cancel"), "").unwrap();
    assert_eq!((stopped.status, &stopped.json()["state"]), (202, &json!("stopping")));
    let done = serving.until_done(&id);
    assert_eq!(done["state"], "cancelled");
    assert!(done["report"].is_object(), "{done:#}");
    serving.has_one_report(&id);
}

#[test]
fn many_alerts_are_one_investigation_and_one_that_is_over_is_noted() {
    let serving = Serving::new("[connectors.alertmanager]\nsecret_env = \"HOOK_SECRET\"\n");
    let first = serving.alert(0, "firing").unwrap();
    assert_eq!((first.status, &first.json()["effect"]), (202, &json!("opened")), "{}", first.text);
    let id = first.json()["incident_id"].as_str().unwrap().to_owned();
    for instance in 0..10 {
        let next = serving.alert(instance, "firing").unwrap().json();
        let effect = if instance == 0 { "again" } else { "joined" };
        assert_eq!((&next["effect"], &next["incident_id"]), (&json!(effect), &json!(id)), "{instance}");
    }
    assert_eq!(serving.alert(3, "resolved").unwrap().json()["effect"], "resolved");
    let unsigned =
        ask(serving.at, "POST", "/hooks/alertmanager", &[("authorization", "Bearer x")], "{}").unwrap();
    assert_eq!(unsigned.status, 401);
    let odd = ask(serving.at, "POST", "/hooks/sentry", &[], "{}").unwrap();
    assert_eq!(odd.status, 404, "a hook that is not set up");
    let done = serving.until_done(&id);
    assert_eq!(serving.get("/v1/incidents")["incidents"].as_array().unwrap().len(), 1);
    let effects: Vec<&str> =
        done["deliveries"].as_array().unwrap().iter().map(|one| one["effect"].as_str().unwrap()).collect();
    assert_eq!(effects.iter().filter(|effect| **effect == "joined").count(), 9);
    assert_eq!(effects.last(), Some(&"resolved"));
    serving.has_one_report(&id);
}

#[test]
fn a_note_exists_once_though_answers_are_lost_and_says_the_outcome() {
    let tickets = Tickets::start();
    tickets.lose(2);
    tickets.refuse(1);
    let serving = Serving::new(&format!("{GITHUB}base_url = \"{}\"\n", tickets.url()));
    let opened = serving.github(7, "opened").unwrap();
    assert_eq!(opened.status, 202, "{}", opened.text);
    let id = opened.json()["incident_id"].as_str().unwrap().to_owned();
    assert_eq!(serving.github(7, "opened").unwrap().json()["effect"], "again");
    serving.until_done(&id);
    let says = || tickets.of("acme/calc#7").iter().any(|note| note.contains("The cause is proven"));
    serving.until("the note says the outcome", says);
    // The answer to the note may have been lost. The service then searches for the note, finds it and changes it in place.
    let sent = || serving.get(&format!("/v1/incidents/{id}"))["notes"][0]["state"] == "sent";
    serving.until("the outcome of sending is known", sent);
    let notes = tickets.of("acme/calc#7");
    assert_eq!(notes.len(), 1, "{notes:#?}");
    assert!(notes[0].contains(&id), "{}", notes[0]);
    assert!(tickets.updates() >= 1);
}

#[test]
fn whatever_was_accepted_has_one_report_though_the_process_is_killed() {
    killed(&["all"], "", &KillTestPlan { incidents: 9, kills: 3, outages: None });
}

/// Takes many minutes: `cargo test --release -p millwright --test serve -- --ignored --nocapture`.
#[test]
#[ignore = "takes minutes: 200 incidents and 20 kills, started by hand with --ignored"]
fn two_hundred_incidents_and_twenty_kills() {
    killed(&["all"], "", &KillTestPlan { incidents: 200, kills: 20, outages: None });
}
