/*!
The service on PostgreSQL: one process answers, three work, each with a data folder of its own. Without PostgreSQL on the
machine these tests say so and pass.
*/

use super::server::Server;
use super::{Serving, killed};

const THREE_WORKERS: &[&str] = &["api", "worker", "worker", "worker"];

/// A server, and the part of the configuration that names a new database on it.
fn database(name: &str) -> Option<(Server, String)> {
    let server = Server::find()?;
    let url = server.database(&format!("{name}_{}", std::process::id()));
    Some((server, format!("[store]\nurl = \"{url}\"\n")))
}

#[test]
fn whatever_was_accepted_has_one_report_though_workers_are_killed() {
    let Some((_server, store)) = database("killed") else { return };
    killed(THREE_WORKERS, &store, 9, 4);
}

/// Takes many minutes: `cargo test --release -p millwright --test serve -- --ignored --nocapture`.
#[test]
#[ignore = "takes minutes: 200 incidents and 20 kills, started by hand with --ignored"]
fn two_hundred_incidents_three_workers_and_twenty_kills() {
    let Some((_server, store)) = database("killed_often") else { return };
    killed(THREE_WORKERS, &store, 200, 20);
}

#[test]
fn a_run_goes_on_in_another_data_folder_as_if_nothing_had_happened() {
    let Some((server, store)) = database("moved") else { return };
    let mut serving = Serving::of(&["api", "worker"], &store);
    serving.scene.replace("check.sh", "r=$(total 21)", "sleep 0.5; r=$(total 21)");
    serving.scene.commit("slower");
    let id = serving.report("Totals are wrong").unwrap();
    let name = store.rsplit('/').next().unwrap().trim().trim_end_matches('"').to_owned();
    let count = |what: &str| server.psql(&name, &format!("SELECT count(*) FROM {what}"));
    // Once it is reproduced, the rest of the run builds on files.
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
