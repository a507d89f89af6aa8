//! What an operator can see of the service: its log, its metrics and its health.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::http::ask;
use super::tickets::Tickets;
use super::{GITHUB, SECRET, Serving, TEST_OUTPUT};

/// Words that occur only in the tickets of these tests.
const SAID: [&str; 4] = ["Marmalade", "quince", "AKIAIOSFODNN7EXAMPLE", "persimmon"];

/// The lines of the log as JSON objects, grouped by event.
fn log(serving: &Serving) -> BTreeMap<String, Vec<Value>> {
    let text = std::fs::read_to_string(&serving.log).unwrap();
    assert!(!text.contains('\u{1b}'), "codes of terminals stand in a file:\n{text}");
    for said in SAID {
        assert!(!text.contains(said), "{said} was said in a ticket, and stands in the log:\n{text}");
    }
    assert!(!text.contains(SECRET) && !text.contains("t0ken"), "{text}");
    let mut lines: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        for key in ["timestamp", "level", "message", "target"] {
            assert!(line[key].is_string(), "{key} is not there: {line}");
        }
        lines.entry(line["event"].as_str().unwrap_or_default().to_owned()).or_default().push(line);
    }
    lines
}

#[test]
fn the_log_is_json_and_tells_each_thing_once_by_ids() {
    let tickets = Tickets::start();
    tickets.refuse(1);
    let mut serving = Serving::new(&format!("{GITHUB}base_url = \"{}\"\n", tickets.url()));
    let report = json!({ "title": "Marmalade totals are wrong", "service": "calc", "source": "persimmon",
        "body": format!("the quince broke, key AKIAIOSFODNN7EXAMPLE\n{TEST_OUTPUT}"),
        "attachments": [{ "name": "persimmon.log", "text": "quince" }] });
    let id = serving.try_ask("POST", "/v1/incidents", &report.to_string()).unwrap().json()["id"].clone();
    let id = id.as_str().unwrap().to_owned();
    serving.until_done(&id);
    let question = json!({ "text": "why the quince?" }).to_string();
    serving.try_ask("POST", &format!("/v1/incidents/{id}/messages"), &question).unwrap();
    let messages = || serving.get(&format!("/v1/incidents/{id}"))["messages"].as_array().unwrap().len();
    serving.until("the question is answered", || messages() == 2);

    let opened = serving.github(7, "opened").unwrap().json();
    let noted = opened["incident_id"].as_str().unwrap().to_owned();
    serving.until_done(&noted);
    let note = || serving.get(&format!("/v1/incidents/{noted}"))["notes"][0]["state"] == "sent";
    serving.until("the note is written", || note() && tickets.of("acme/calc#7").len() == 1);
    let again = serving.github(7, "opened").unwrap().json();
    assert_eq!(again["effect"], "again");

    for path in ["/healthz", "/readyz", "/metrics"] {
        assert!((0..3).all(|_| serving.try_ask("GET", path, "").unwrap().status == 200));
    }
    assert_eq!(ask(serving.at, "GET", "/v1/incidents", &[], "").unwrap().status, 401);
    assert_eq!(ask(serving.at, "GET", "/quince", &[], "").unwrap().status, 404);
    assert_eq!(serving.terminate(), Some(0));

    let log = log(&serving);
    let count = |event: &str| log.get(event).map_or(0, Vec::len);
    let counts = [
        "report.received",
        "run.started",
        "run.ended",
        "answer.given",
        "note.failed",
        "request.refused",
        "request",
    ]
    .map(count);
    assert_eq!(counts, [3, 2, 2, 1, 1, 1, 0], "{log:#?}");
    let created = log["note.written"].iter().filter(|line| line["outcome"] == "created").count();
    assert_eq!(created, 1, "{log:#?}");
    let of = |event: &str, incident: &str| {
        log[event]
            .iter()
            .find(|line| line["incident"] == incident)
            .unwrap_or_else(|| panic!("{event}: {log:#?}"))
    };
    let received = of("report.received", &id);
    let by_token = |line: &Value| line["caller"].as_str().unwrap().starts_with("tests (");
    assert!(by_token(received) && received["outcome"] == "opened", "{received}");
    assert_eq!(received["spans"][0]["peer"], "127.0.0.1", "{received}");
    assert!(received["spans"][0]["request_id"].is_string() && received["duration_ms"].is_u64(), "{received}");
    let delivered = of("report.received", &noted);
    assert!(delivered["delivery"].as_str().unwrap().starts_with("github:"), "{delivered}");
    let (started, ended) = (of("run.started", &id), of("run.ended", &id));
    assert!(started["run"].as_str().unwrap().starts_with("run_"), "{started}");
    assert_eq!((&started["run"], &started["job"]), (&ended["run"], &ended["job"]));
    assert_eq!(ended["verdict"], "verified", "{ended}");
    assert!(ended["replays"].as_u64().unwrap() > 2 && ended["duration_ms"].as_u64().unwrap() > 0, "{ended}");
    assert_eq!(log["request.refused"][0]["caller"], "127.0.0.1");
    assert_eq!(log["note.failed"][0]["level"], "WARN");
    assert!(by_token(of("answer.given", &id)));
}

#[test]
fn a_log_is_text_where_that_is_asked_for_and_never_with_codes_in_a_file() {
    let mut serving = Serving::new("[telemetry]\nlog_format = \"text\"\n");
    serving.until_done(&serving.report("Totals are wrong").unwrap());
    assert_eq!(serving.terminate(), Some(0));
    let text = std::fs::read_to_string(&serving.log).unwrap();
    assert!(text.contains("millwright: listening on http://127.0.0.1:"), "{text}");
    assert!(text.contains("run ended") && !text.contains('\u{1b}'), "{text}");
    let refused = serving.scene.run(&["serve", "--config", "service.toml", "--log-format", "xml"]);
    assert_eq!(refused.status, Some(1));
    assert!(refused.stderr.contains("text, json"), "{}", refused.stderr);
}

#[test]
fn figures_are_told_without_a_token_where_the_operator_says_and_nowhere_else() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let serving = Serving::new(&format!("[telemetry]\nmetrics_listen = \"{free}\"\n"));
    serving.until_done(&serving.report("Totals are wrong").unwrap());
    let scraped = ask(free, "GET", "/metrics", &[], "").unwrap();
    assert_eq!((scraped.status, &*scraped.media), (200, "text/plain; version=0.0.4; charset=utf-8"));
    let figure = |series: &str| {
        let line =
            scraped.text.lines().find(|line| line.rsplit_once(' ').is_some_and(|(name, _)| name == series));
        let line = line.unwrap_or_else(|| panic!("{series} is not told:\n{}", scraped.text));
        line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap()
    };
    assert_eq!(figure("millwright_reports_total{verdict=\"verified\"}"), 1.0);
    assert_eq!(figure("millwright_reports_total{verdict=\"known\"}"), 0.0);
    assert_eq!(figure("millwright_investigation_duration_seconds_count"), 1.0);
    assert_eq!(figure("millwright_deliveries_total{outcome=\"opened\",system=\"api\"}"), 1.0);
    assert!(figure("millwright_replays_total{outcome=\"reproduces\"}") >= 2.0);
    assert!(figure("millwright_step_duration_seconds_count{step=\"bisect\"}") >= 1.0, "{}", scraped.text);
    assert!(figure("process_resident_memory_bytes") > 1e6);
    assert_eq!(figure("millwright_store_up"), 1.0);
    // The metrics address serves nothing else, and the main address still requires a token.
    assert_eq!(ask(free, "GET", "/v1/incidents", &[], "").unwrap().status, 404);
    assert_eq!(ask(serving.at, "GET", "/metrics", &[], "").unwrap().status, 401);
    assert_eq!(serving.try_ask("GET", "/metrics", "").unwrap().status, 200);
    let taken = serving.scene.run(&["serve", "--config", "service.toml", "--listen", "127.0.0.1:0"]);
    taken.refuses(&["telemetry.metrics_listen", &free.to_string()]);
}

#[test]
fn what_does_not_work_is_named_while_the_rest_is_ready() {
    let serving = Serving::new("[repositories.gone]\npath = \"nowhere\"\nservices = [\"gone\"]\n");
    let ready = ask(serving.at, "GET", "/readyz", &[], "").unwrap();
    assert_eq!((ready.status, &*ready.media), (200, "application/json"), "{}", ready.text);
    let why = "its path does not exist";
    let told = json!({ "ready": true, "degraded": [{ "part": "repository gone", "why": why }] });
    assert_eq!(ready.json(), told);
    let doctor = serving.scene.run(&["doctor", "--config", "service.toml", "--no-replay"]);
    let line = doctor.stdout.lines().find(|line| line.contains("repository gone")).unwrap();
    assert!(line.starts_with("MEND") && line.contains("nowhere"), "{line}");
}

#[test]
fn an_id_may_be_shortened_wherever_one_is_taken() {
    let serving = Serving::new("");
    let id = serving.report("Totals are wrong").unwrap();
    let by_front =
        |length: usize| serving.try_ask("GET", &format!("/v1/incidents/{}", &id[..length]), "").unwrap();
    assert_eq!(by_front(16).json()["id"], id.as_str());
    by_front(4).json();
    serving.until_done(&id);
    let other = serving.report("Totals are off").unwrap();
    by_front(4).refuses(409, &format!("{id}, {other}"));
    let feedback = json!({ "verdict": "confirm" }).to_string();
    let judged =
        serving.try_ask("POST", &format!("/v1/incidents/{}/feedback", &id[..29]), &feedback).unwrap();
    assert_eq!(judged.status, 200, "{}", judged.text);
    serving.try_ask("GET", "/v1/incidents/inc_zzzz", "").unwrap().refuses(404, "inc_zzzz");

    let run = |arguments: &[&str]| serving.scene.run(&[arguments, &["--config", "service.toml"]].concat());
    let mut tokens = Vec::new();
    for name in ["a", "b"] {
        let made = run(&["token", "create", name, "--role", "viewer", "--format", "json"]).report();
        tokens.push(made["id"].as_str().unwrap().to_owned());
    }
    let rotated = run(&["token", "rotate", &tokens[0][..8], "--format", "json"]);
    assert_eq!(rotated.status, Some(0), "{}", rotated.stderr);
    let revoked = run(&["token", "revoke", &tokens[1][..8]]);
    assert_eq!(revoked.stdout, format!("{} is revoked\n", tokens[1]), "{}", revoked.stderr);
}
