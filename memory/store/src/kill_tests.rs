//! A process that is killed while it writes loses nothing that it had acknowledged, and leaves nothing half-written.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Stdio};

use millwright_model::{IncidentId, Proof};

use super::testing::{self, ANNA, incident, prose, resolution, temporary};
use super::*;

const LOCATION: &str = "MILLWRIGHT_TEST_KILL_LOCATION";
const BATCH: usize = 3;

/// The process to be killed: it only works when `accepted_writes_survive_kill_9` starts it.
#[tokio::test]
async fn victim() {
    let Ok(location) = std::env::var(LOCATION) else { return };
    let store = testing::open(&location).await.unwrap();
    let mut out = std::io::stdout();
    for n in 0.. {
        let made =
            store.create_incident(&incident(prose(&format!("ticket {n}"), "killed words"))).await.unwrap();
        let run = store.create_run(&made.id).await.unwrap();
        writeln!(out, "\nincident {} {}", made.id, run.id).unwrap();
        for _ in 0..4 {
            let event = NewEvent::fact("noted", serde_json::json!({ "text": "x".repeat(500) }));
            let first = store.append_events(&run.id, &vec![event; BATCH]).await.unwrap();
            writeln!(out, "events {} {}", run.id, first + BATCH as i64 - 1).unwrap();
        }
        let new = resolution("c", Proof::Reproduced);
        store.remember(&made.id, &run.id, Some(&new), &[], ANNA).await.unwrap();
        writeln!(out, "remembered {} -", made.id).unwrap();
    }
}

fn start(location: &str) -> Child {
    #[expect(clippy::disallowed_methods, reason = "the test kills a copy of itself")]
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "kill_tests::victim", "--nocapture"])
        .env(LOCATION, location)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[tokio::test]
async fn accepted_writes_survive_kill_9() {
    let (_, home) = temporary().await;
    let mut told: Vec<String> = Vec::new();
    for lines in [3, 8, 21, 34, 47] {
        // Two at once, so that one is killed while the other waits for the lock or holds it.
        let mut victims = [start(&home.location()), start(&home.location())];
        for victim in &mut victims {
            let stdout = victim.stdout.take().unwrap();
            let is_ours =
                |l: &String| ["incident ", "events ", "remembered "].iter().any(|p| l.starts_with(p));
            let mut reader = BufReader::new(stdout).lines().map_while(Result::ok).filter(is_ours);
            told.extend(reader.by_ref().take(lines));
            victim.kill().unwrap();
            told.extend(reader);
        }
        for mut victim in victims {
            victim.wait().unwrap();
        }
    }
    assert!(told.len() >= 200, "{}", told.len());

    let store = testing::open(&home.location()).await.unwrap();
    for line in &told {
        let words: Vec<&str> = line.split(' ').collect();
        let (id, rest) = (words[1], words[2]);
        let incident = || IncidentId::parse(id).unwrap();
        match words[0] {
            "incident" => {
                assert_eq!(store.get_incident(&incident()).await.unwrap().id, id);
                assert_eq!(store.get_run(&rest.parse().unwrap()).await.unwrap().incident_id, id);
            }
            "events" => {
                assert!(
                    store.events(&id.parse().unwrap(), 1).await.unwrap().len() as i64
                        >= rest.parse().unwrap(),
                    "{line}"
                )
            }
            _ => assert_eq!(store.resolutions(&incident()).await.unwrap().len(), 1, "{line}"),
        }
    }
    let all = store.count_incidents().await.unwrap();
    for run in store.unfinished_runs().await.unwrap() {
        let events = store.events(&run.id, 1).await.unwrap();
        assert!(events.len().is_multiple_of(BATCH), "a batch is whole or absent");
        assert!(events.iter().map(|e| e.seq).eq(1..run.next_seq));
    }
    let indexed = store.search_memory("killed", 1_000).await.unwrap();
    assert_eq!(indexed.len() as i64, all.min(1_000), "what is kept is found");
}
