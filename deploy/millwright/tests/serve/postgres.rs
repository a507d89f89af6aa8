/*!
The service on PostgreSQL: one process answers requests and three work, each with its own data folder. Without PostgreSQL on
the machine, the tests report that; see `millwright_testkit::missing_part`.
*/

use std::time::{Duration, Instant};

use super::Serving;
use super::http::ask;
use super::kills::{KillTestPlan, killed};
use millwright_testkit::postgres::PostgresServer;
use millwright_testkit::postgres::faulty_proxy::FaultyProxy;

const THREE_WORKERS: &[&str] = &["api", "worker", "worker", "worker"];

/// A PostgreSQL server, and the configuration that names a new database on it.
fn database(name: &str) -> Option<(PostgresServer, String)> {
    let server = PostgresServer::find()?;
    let url = server.database(&format!("{name}_{}", std::process::id()));
    Some((server, format!("[store]\nurl = \"{url}\"\n")))
}

#[test]
fn whatever_was_accepted_has_one_report_though_workers_are_killed() {
    let Some((_server, store)) = database("killed") else { return };
    killed(THREE_WORKERS, &store, &KillTestPlan { incidents: 9, kills: 4, outages: None });
}

/// Takes most of an hour: `cargo test --release -p millwright --test serve -- --ignored --nocapture`.
#[test]
#[ignore = "takes most of an hour: 300 incidents, 20 kills and 5 outages, started by hand with --ignored"]
fn three_hundred_incidents_two_workers_twenty_kills_and_five_outages() {
    let Some((_server, store)) = database("killed_often") else { return };
    let link = FaultyProxy::to(store.split('"').nth(1).unwrap());
    let store = format!("[store]\nurl = \"{}\"\n", link.url());
    // Outages of twenty seconds to five minutes.
    let outages: &[u64] = &[20, 45, 90, 150, 300];
    let plan = KillTestPlan { incidents: 300, kills: 20, outages: Some((&link, outages)) };
    killed(&["api", "worker", "worker"], &store, &plan);
}

#[test]
fn a_run_goes_on_in_another_data_folder_as_if_nothing_had_happened() {
    let Some((server, store)) = database("moved") else { return };
    let mut serving = Serving::of(&["api", "worker"], &store);
    serving.scene.repo.replace("check.sh", "r=$(total 21)", "sleep 0.5; r=$(total 21)");
    serving.scene.repo.commit("slower", &[]);
    let id = serving.report("Totals are wrong").unwrap();
    let name = store.rsplit('/').next().unwrap().trim().trim_end_matches('"').to_owned();
    let count = |what: &str| server.psql(&name, &format!("SELECT count(*) FROM {what}"));
    // After the failure is reproduced, the rest of the run depends on stored files.
    serving.until("the run has made files", || count("run_files WHERE name = 'reproduction.json'") == "1");
    serving.kill(1);
    std::fs::rename(serving.scene.path("data1"), serving.scene.path("lost")).unwrap();
    serving.start(1);
    let done = serving.until_done(&id);
    assert_eq!(done["report"]["verdict"], "verified", "{done:#}");
    assert_eq!(done["report"]["root_cause"]["commit"], serving.scene.id("HEAD~6").as_str());
    serving.has_one_report(&id);
    assert_eq!(count("run_files"), "0", "what is finished needs no files");
}

#[test]
fn a_database_that_goes_away_is_named_and_three_times_cost_no_incident_its_report() {
    let Some((server, store)) = database("blips") else { return };
    let url = store.split('"').nth(1).unwrap();
    let name = url.rsplit('/').next().unwrap();
    let link = FaultyProxy::to(url);
    let serving = Serving::of(&["api", "worker"], &format!("[store]\nurl = \"{}\"\n", link.url()));
    serving.scene.repo.replace("check.sh", "r=$(total 21)", "sleep 0.4; r=$(total 21)");
    serving.scene.repo.commit("slower", &[]);
    let id = serving.report("Totals are wrong").unwrap();
    let events = || server.psql(name, "SELECT count(*) FROM run_events").parse::<u32>().unwrap();
    for blip in 1..=3 {
        let before = events();
        serving.until("the run goes on", || events() > before + 1);
        link.cut();
        let begun = Instant::now();
        let place = link.address().to_string();
        let answer = serving.try_ask("GET", "/v1/incidents", "").unwrap();
        answer.refuses(503, "the store does not answer");
        let readiness = ask(serving.at, "GET", "/readyz", &[], "").unwrap();
        assert!(readiness.status == 503 && readiness.text.contains("\"store\""), "{}", readiness.text);
        assert!(
            ![answer.text, readiness.text].concat().contains(&place),
            "where it is stands in the log alone"
        );
        assert!(begun.elapsed() < Duration::from_secs(8), "{:?} for two answers", begun.elapsed());
        std::thread::sleep(Duration::from_secs(3));
        assert!(server.psql(name, "SELECT state FROM incidents") != "failed", "after {blip}");
        link.mend();
    }
    let done = serving.until_done(&id);
    assert_eq!(
        (&done["state"], &done["report"]["verdict"]),
        (&"done".into(), &"verified".into()),
        "{done:#}"
    );
    serving.has_one_report(&id);
    assert_eq!(server.psql(name, "SELECT failures, lost FROM jobs WHERE kind = 'investigate'"), "0|0");
    let log = std::fs::read_to_string(&serving.log).unwrap();
    assert!(
        log.contains(&format!("{name} at {}", link.address())) && !log.contains("another process"),
        "{log}"
    );
}

#[test]
fn a_large_report_is_investigated_like_any_other() {
    let Some((_server, store)) = database("large") else { return };
    super::large(&Serving::new(&format!("{}{store}", super::SIGNED_GITHUB)));
}

#[test]
fn a_server_that_is_away_is_said_at_start_and_by_doctor() {
    let scene = super::common::Scene::new();
    scene.write(
        "service.toml",
        "[store]\nurl = \"postgres://anna@127.0.0.1:9/x\"\npassword_env = \"SECRET\"\n",
    );
    let refused = scene.run(&["serve", "--config", "service.toml"]);
    refused.refuses(&["password_env", "SECRET"]);
    let run = |arguments: &[&str]| -> super::common::Ran {
        scene.command(arguments).env("SECRET", "hunter2").output().unwrap().into()
    };
    let refused = run(&["serve", "--config", "service.toml"]);
    refused.refuses(&["x at 127.0.0.1:9", "check that PostgreSQL runs there"]);
    assert!(!refused.stderr.contains("hunter2"));
    let doctor = run(&["doctor", "--config", "service.toml"]);
    let line = doctor.stdout.lines().find(|line| line.contains("database")).unwrap();
    assert!(line.starts_with("MEND") && line.contains("check that PostgreSQL runs there"), "{line}");
    assert_eq!(doctor.status, Some(1));
}
