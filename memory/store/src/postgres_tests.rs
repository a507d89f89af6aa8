//! Runs the suites of every engine on PostgreSQL, and tests what is specific to PostgreSQL.

use std::time::Duration;

use millwright_model::{
    EvidenceDraft, EvidenceSource, IncidentId, IncomingReport, Locator, NewIncident, Proof,
};

use super::db::{AssertSqlSafe, query};
use super::testing::{self, ANNA, incident, prose, resolution};
use super::*;
use millwright_testkit::postgres::PostgresServer;
use millwright_testkit::postgres::faulty_proxy::FaultyProxy;

/// All suites whose stores come from `testing::temporary`.
const SUITES: [&str; 12] = [
    "contract_tests::",
    "concurrency_tests::",
    "scope::tests",
    "queue::periodic",
    "service::tests",
    "cleanup_tests::",
    "kill_tests::",
    "learning::",
    "feedback::",
    "migration_tests::",
    "service::audience_tests",
    "evaluations::",
];

#[test]
fn the_suites_of_every_engine_hold_on_postgres() {
    millwright_testkit::postgres::hold_on_a_server(&SUITES);
}

/// A server and the URL of a new database on it.
fn database(name: &str) -> Option<(PostgresServer, String)> {
    let server = PostgresServer::find()?;
    let url = server.database(&format!("{name}_{}", std::process::id()));
    Some((server, url))
}

#[tokio::test]
async fn what_cannot_be_opened_is_said_without_the_password() {
    let Some((server, url)) = database("doors") else { return };
    let nobody = "postgres://anna:hunter2@127.0.0.1:9/x";
    let nowhere = format!("{}/nowhere?password=hunter2", server.url());
    let strange = "postgres://anna:hunter2@127.0.0.1:99999/x";
    let untrusted = format!("{url}?sslmode=require");
    for (bad, said) in [
        (nobody, "check that PostgreSQL runs there"),
        (&nowhere, "createdb millwright"),
        (strange, "is not understood"),
        (&untrusted, "sslmode"),
    ] {
        let error = testing::open(bad).await.unwrap_err();
        assert!(error.to_string().contains(said) && !error.to_string().contains("hunter2"), "{error}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
    server.psql(url.rsplit('/').next().unwrap(), "CREATE TABLE songs (title TEXT)");
    let foreign = testing::open(&url).await.unwrap_err().to_string();
    assert!(foreign.contains("1 tables that are not millwright's"), "{foreign}");
}

#[tokio::test]
async fn a_database_from_the_future_is_refused() {
    let Some((server, url)) = database("future") else { return };
    testing::open(&url).await.unwrap().close().await;
    server.psql(
        url.rsplit('/').next().unwrap(),
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (9999, 'x', TRUE, '', 0)",
    );
    let error = testing::open(&url).await.unwrap_err();
    assert!(matches!(&error, StoreError::Newer { version: 9999, .. }), "{error:?}");
}

#[tokio::test]
async fn text_compares_by_bytes_and_what_is_final_stays() {
    let Some((server, url)) = database("bytes") else { return };
    let store = testing::open(&url).await.unwrap();
    let name = url.rsplit('/').next().unwrap();
    let by_locale = server.psql(
        name,
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' \
         AND data_type = 'text' AND table_name NOT IN ('incident_vocabulary') \
         AND collation_name IS DISTINCT FROM 'C'",
    );
    assert_eq!(by_locale, "");
    let made = store.create_incident(&incident(prose("a", ""))).await.unwrap();
    let run = store.create_run(&made.id).await.unwrap();
    store.append_events(&run.id, &[NewEvent::fact("noted", 1.into())]).await.unwrap();
    store.remember(&made.id, &run.id, Some(&resolution("c", Proof::None)), &[], ANNA).await.unwrap();
    for sql in ["UPDATE run_events SET kind = 'x'", "UPDATE audit SET actor = 'x'", "DELETE FROM audit"] {
        let error = query(AssertSqlSafe(sql.to_owned())).execute(&store.write).await.unwrap_err();
        assert!(format!("{error}").contains("append-only"), "{sql}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_open_a_new_database_at_once_write_and_claim_each_job_once() {
    let Some((_server, url)) = database("many") else { return };
    let arrival = |title: String, correlation: Option<&str>| IncomingReport {
        conversation: None,
        incident: incident(prose(&title, "it fails")),
        delivery: None,
        content: None,
        correlation: correlation.map(str::to_owned).into_iter().collect(),
        resolved: false,
        audience: Default::default(),
        note: None,
        files: Vec::new(),
        by: "hook".into(),
    };
    let hour = Duration::from_secs(3_600);
    let tasks: Vec<_> = (0..5)
        .map(|n| {
            let url = url.clone();
            tokio::task::spawn(async move {
                let store = testing::open(&url).await.unwrap();
                for i in 0..10 {
                    let own = arrival(format!("w{n} t{i}"), None);
                    store.ingest(&[own, arrival(format!("the same {i}"), Some("one"))], hour).await.unwrap();
                }
                store
            })
        })
        .collect();
    let mut stores = Vec::new();
    for task in tasks {
        stores.push(task.await.unwrap());
    }
    assert_eq!(
        stores[0].count_incidents().await.unwrap(),
        51,
        "one failure is one incident, whoever hears of it"
    );
    let claims: Vec<_> = (0..stores.len())
        .zip(stores)
        .map(|(n, store)| {
            tokio::task::spawn(async move {
                let mut mine = Vec::new();
                loop {
                    let holder = format!("w{n}");
                    let jobs = store.claim_jobs(JobKind::Investigate, &holder, hour, 2, &[]).await.unwrap();
                    if jobs.is_empty() {
                        return mine;
                    }
                    mine.extend(jobs.into_iter().map(|job| job.id));
                }
            })
        })
        .collect();
    let mut all = Vec::new();
    for claim in claims {
        all.extend(claim.await.unwrap());
    }
    assert_eq!(all.len(), 51);
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 51, "each is held by one");
}

/// Locks held for the duration of the test: a writer of one incident does not block writers of another.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_of_different_things_do_not_wait_for_each_other() {
    let Some((_server, url)) = database("turns") else { return };
    let store = testing::open(&url).await.unwrap();
    let one = store.create_incident(&incident(prose("one", ""))).await.unwrap().id;
    let other = store.create_incident(&incident(prose("other", ""))).await.unwrap().id;
    let waits = async |id: &IncidentId| {
        let said = store.put_message(id, "anna", MessageKind::Remark, "x");
        tokio::time::timeout(Duration::from_secs(2), said).await.is_err()
    };
    let held = store.begin(WriteTurn::Incident(&one)).await.unwrap();
    assert!(!waits(&other).await && waits(&one).await);
    assert!(store.create_incident(&incident(prose("a third", ""))).await.is_ok());
    assert!(store.server_secret("a", "b").await.is_ok());
    drop(held);
    assert!(!waits(&one).await);
    let held = store.begin(WriteTurn::Index).await.unwrap();
    assert!(!waits(&one).await, "what is entered into the index holds up no messages");
    drop(held);
    let held = store.begin(WriteTurn::Whole).await.unwrap();
    assert!(waits(&one).await && waits(&other).await, "whoever reads many to decide is alone");
    drop(held);
}

#[tokio::test]
async fn a_lost_connection_is_said_and_the_next_one_works() {
    let Some((server, url)) = database("lost") else { return };
    let store = testing::open(&url).await.unwrap();
    let made = store.create_incident(&incident(prose("a", ""))).await.unwrap();
    let mut tx = store.begin(WriteTurn::Whole).await.unwrap();
    server.psql(
        "postgres",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'millwright'",
    );
    let error = query("SELECT 1").execute(&mut tx).await.unwrap_err();
    assert!(error.is_transient(), "{error:?}");
    drop(tx);
    assert_eq!(store.get_incident(&made.id).await.unwrap(), made);
    store.create_incident(&incident(prose("b", ""))).await.unwrap();
}

/// The unavailable server is named before a caller gives up waiting, whether the server refuses or the network drops
/// everything.
#[tokio::test]
async fn a_server_that_is_away_is_named_soon_and_used_again_when_it_is_back() {
    let Some((_server, url)) = database("away") else { return };
    let link = FaultyProxy::to(&url);
    let with_password = link.url().replacen('@', ":hunter2@", 1);
    let store = testing::open(&with_password).await.unwrap();
    let made = store.create_incident(&incident(prose("a", ""))).await.unwrap();
    for hangs in [false, true] {
        if hangs {
            link.hang()
        } else {
            link.cut()
        }
        let begun = std::time::Instant::now();
        let read = store.get_incident(&made.id).await.unwrap_err();
        let between = begun.elapsed();
        let write = store.create_incident(&incident(prose("b", ""))).await.unwrap_err();
        for (error, time) in [(read, between), (write, begun.elapsed() - between)] {
            assert!(time < Duration::from_secs(4), "it took {time:?}: {error}");
            assert!(error.is_transient() && is_transient(&error), "{error:?}");
            let said = error.to_string();
            assert!(said.contains(&format!("at {}", link.address())) && !said.contains("hunter2"), "{said}");
            assert!(!said.contains("another process"), "{said}");
        }
        link.mend();
        assert_eq!(store.get_incident(&made.id).await.unwrap(), made, "hangs: {hangs}");
    }
}

/// Connections that others use are not mistaken for a server that is down.
#[tokio::test]
async fn a_server_whose_connections_are_all_used_is_not_away() {
    let Some((_server, url)) = database("used") else { return };
    let store = testing::open(&url).await.unwrap();
    let made = store.create_incident(&incident(prose("a", ""))).await.unwrap();
    let mut used = Vec::new();
    for _ in 0..8 {
        used.push(store.write.begin_aside().await.unwrap());
    }
    let waits = tokio::spawn(async move { store.get_incident(&made.id).await });
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(!waits.is_finished());
    drop(used);
    waits.await.unwrap().unwrap();
}

async fn exported(store: &Store) -> Vec<String> {
    let mut bytes = Vec::new();
    store.export(&mut bytes).await.unwrap();
    let text = String::from_utf8(bytes).unwrap();
    // Each store signs with a key of its own.
    let own =
        |line: &&str| !line.contains("\"action\":\"import\"") && !line.contains("millwright.signature/");
    text.lines().filter(own).map(str::to_owned).collect()
}

/// Transfers everything from one engine to the other and back; both find the same incidents for the same words, in
/// the same order.
#[tokio::test]
async fn memory_moves_between_the_engines_and_is_found_alike() {
    let Some((_server, url)) = database("moved") else { return };
    let dir = tempfile::TempDir::new().unwrap();
    let other = tempfile::TempDir::new().unwrap();
    let file = testing::open(dir.path().to_str().unwrap()).await.unwrap();
    let things = ["login", "upload", "search", "report", "mail", "export", "avatar", "invoice"];
    for n in 0..120_usize {
        let (a, b) = (things[n % 8], things[(n / 8) % 8]);
        let body = format!("Since the deploy {a} and {b} hang. {}", "the queue is full ".repeat(n % 7));
        let new = NewIncident {
            repository: ["one", "two"].get(n % 3).map(|name| name.parse().unwrap()),
            ..incident(prose(&format!("The {a} page\0 fails after {b}"), &body))
        };
        let made = file.create_incident(&new).await.unwrap();
        let run = file.create_run(&made.id).await.unwrap();
        file.append_events(&run.id, &[NewEvent::fact("noted", "nul \0 and \u{10ffff}".into())])
            .await
            .unwrap();
        let text = format!("evidence {n} \0 \u{10ffff}0");
        let draft =
            EvidenceDraft { source: EvidenceSource::Logs, locator: Locator(format!("file:{n}")), text };
        file.put_evidence(&made.id, &draft).await.unwrap();
        if n % 5 == 0 {
            let new = resolution(&format!("{n:040}"), Proof::FixVerified);
            file.remember(&made.id, &run.id, Some(&new), &[], ANNA).await.unwrap();
        }
    }
    let before = exported(&file).await;
    let server = testing::open(&url).await.unwrap();
    let moved =
        server.import(&mut before.join("\n").as_bytes(), ImportOptions::default(), ANNA).await.unwrap();
    assert_eq!((moved.new_incidents, moved.new_resolutions), (120, 24));
    assert_eq!(exported(&server).await, before);
    let back = testing::open(other.path().to_str().unwrap()).await.unwrap();
    back.import(&mut exported(&server).await.join("\n").as_bytes(), ImportOptions::default(), ANNA)
        .await
        .unwrap();
    assert_eq!(exported(&back).await, before);

    for words in
        ["invoice", "login mail", "queue full deploy", "page fails", "avatar export report hang", "nothing"]
    {
        let words = crate::tokenize::split(words);
        for repository in [None, Some("one"), Some("two"), Some("unknown")] {
            let repository = repository.map(|name| name.parse().unwrap());
            let repository = repository.as_ref();
            for limit in [5, 500] {
                let in_file = file.find_words(&words, repository, limit).await.unwrap();
                let there = server.find_words(&words, repository, limit).await.unwrap();
                let close = in_file.iter().zip(&there).all(|(a, b)| (a.score - b.score).abs() < 1e-6);
                assert!(
                    close && in_file.len() == there.len(),
                    "{words:?} {repository:?}: {in_file:?} {there:?}"
                );
                // Incidents with equal scores may come in any order.
                let docs = |found: &[fulltext::IndexCandidate]| {
                    let mut docs: Vec<_> = found.iter().map(|c| ((c.score * 1e6) as i64, c.doc)).collect();
                    docs.sort_unstable();
                    docs
                };
                assert!(limit < 500 || docs(&in_file) == docs(&there), "{words:?} {repository:?}");
            }
        }
    }
}
