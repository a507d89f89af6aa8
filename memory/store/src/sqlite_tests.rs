//! What is specific to SQLite: the file, its errors, its migrations, two connections to it, and leftover bytes in it.

use std::path::Path;

use millwright_model::{EvidenceDraft, EvidenceSource, Hypothesis, HypothesisStatus, Locator, Proof, RunId};

use super::db::{AssertSqlSafe, query, query_scalar};
use super::testing::{self, ANNA, incident, prose, repository, resolution, temporary, traced};
use super::*;

async fn open(dir: &Path) -> Result<Store, StoreError> {
    testing::open(dir.to_str().unwrap()).await
}

#[tokio::test]
async fn settings_are_the_durable_ones() {
    let (store, _dir) = temporary().await;
    for (pragma, expected) in
        [("journal_mode", "wal"), ("synchronous", "2"), ("foreign_keys", "1"), ("secure_delete", "1")]
    {
        for pool in [&store.read, &store.write] {
            let sql = format!("SELECT CAST({pragma} AS TEXT) FROM pragma_{pragma}");
            let value: String = query_scalar(AssertSqlSafe(sql)).fetch_one(pool).await.unwrap();
            assert_eq!(value, expected, "{pragma}");
        }
    }
}

#[tokio::test]
async fn what_may_only_be_appended_cannot_be_changed() {
    let (store, _dir) = temporary().await;
    let incident = store.create_incident(&incident(prose("a", ""))).await.unwrap();
    let run = store.create_run(&incident.id).await.unwrap();
    store.append_events(&run.id, &[NewEvent::fact("noted", 1.into())]).await.unwrap();
    store.remember(&incident.id, &run.id, Some(&resolution("c", Proof::None)), &[], ANNA).await.unwrap();
    for sql in ["UPDATE run_events SET kind = 'x'", "UPDATE audit SET actor = 'x'", "DELETE FROM audit"] {
        let error = query(sql).execute(&store.write).await.unwrap_err().to_string();
        assert!(error.contains("append-only"), "{sql}: {error}");
    }
}

#[tokio::test]
async fn a_database_from_the_future_is_refused() {
    let (store, dir) = temporary().await;
    query("INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9999, 'x', TRUE, x'00', 0)")
        .execute(&store.write)
        .await
        .unwrap();
    store.close().await;
    match open(dir.path()).await {
        Err(e @ StoreError::Newer { version: 9999, .. }) => {
            assert!(e.to_string().contains("update this millwright"))
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn files_that_are_not_ours_are_left_alone() {
    let dir = tempfile::TempDir::new().unwrap();
    let file = dir.path().join("millwright.db");
    std::fs::write(&file, "x".repeat(10_000)).unwrap();
    assert!(matches!(open(dir.path()).await, Err(StoreError::Corrupt { .. })));
    assert_eq!(std::fs::read(&file).unwrap(), "x".repeat(10_000).as_bytes());
    std::fs::remove_file(&file).unwrap();

    let foreign = sqlx::sqlite::SqliteConnectOptions::new().filename(&file).create_if_missing(true);
    let pool = sqlx::SqlitePool::connect_with(foreign).await.unwrap();
    sqlx::query("CREATE TABLE songs (title TEXT)").execute(&pool).await.unwrap();
    pool.close().await;
    assert!(matches!(open(dir.path()).await, Err(StoreError::NotOurs { .. })));
}

#[tokio::test]
async fn a_damaged_page_is_said_to_be_one() {
    let (store, dir) = temporary().await;
    for n in 0..200 {
        store.create_incident(&incident(prose(&format!("ticket {n}"), &"words ".repeat(50)))).await.unwrap();
    }
    store.close().await;
    let file = dir.path().join("millwright.db");
    let mut bytes = std::fs::read(&file).unwrap();
    let half = bytes.len() / 2;
    bytes[4096..half].fill(0x5a);
    std::fs::write(&file, bytes).unwrap();
    let error = match open(dir.path()).await {
        Err(error) => error,
        Ok(store) => store.list_memory(&MemoryFilter::default()).await.unwrap_err(),
    };
    assert!(matches!(&error, StoreError::Corrupt { .. }), "{error:?}");
    assert!(error.to_string().contains("move it"), "{error}");
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_named() {
    let dir = tempfile::TempDir::new().unwrap();
    std::fs::write(dir.path().join("file"), "").unwrap();
    match open(&dir.path().join("file")).await {
        Err(StoreError::CannotOpen { path, .. }) => assert!(path.ends_with("file"), "{path}"),
        other => panic!("{other:?}"),
    }
    let locked = dir.path().join("locked");
    std::fs::create_dir(&locked).unwrap();
    let mut permissions = std::fs::metadata(&locked).unwrap().permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(&locked, permissions).unwrap();
    if std::fs::write(locked.join("probe"), "").is_ok() {
        millwright_testkit::missing_part::report_missing("ordinary-user", "this user may write everywhere");
        return;
    }
    assert!(matches!(open(&locked).await, Err(StoreError::ReadOnly { .. })));
}

#[tokio::test]
async fn a_full_disk_is_said_to_be_one_and_leaves_nothing_half_written() {
    let (store, _dir) = temporary().await;
    let pages: i64 = query_scalar("PRAGMA page_count").fetch_one(&store.write).await.unwrap();
    query(AssertSqlSafe(format!("PRAGMA max_page_count = {}", pages + 20)))
        .execute(&store.write)
        .await
        .unwrap();
    let mut accepted = 0;
    let error = loop {
        match store.create_incident(&incident(prose("a", &"many words ".repeat(500)))).await {
            Ok(_) => accepted += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, StoreError::DiskFull { .. }), "{error:?}");
    assert_eq!(store.count_incidents().await.unwrap(), accepted);
    query("PRAGMA max_page_count = 100000").execute(&store.write).await.unwrap();
    store.create_incident(&incident(prose("a", "goes on"))).await.unwrap();
    assert_eq!(store.search_memory("many words", 100).await.unwrap().len() as i64, accepted);
}

#[tokio::test]
async fn urls_are_understood_or_refused() {
    let dir = tempfile::TempDir::new().unwrap();
    let url = format!("sqlite://{}/deep/er/own.db", dir.path().display());
    let store = testing::open(&url).await.unwrap();
    let DatabaseLocation::File(path) = store.place() else { panic!("{:?}", store.place()) };
    assert!(path.ends_with("deep/er/own.db") && path.exists());
    for bad in ["", "sqlite://", "sqlite://:memory:", "mysql://localhost/x", "redis://x"] {
        assert!(matches!(testing::open(bad).await, Err(StoreError::BadUrl { .. })), "{bad}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_open_a_new_folder_at_once_and_write() {
    let dir = tempfile::TempDir::new().unwrap();
    let path = dir.path().to_path_buf();
    let tasks: Vec<_> = (0..6)
        .map(|n| {
            let path = path.clone();
            tokio::task::spawn(async move {
                let store = open(&path).await.unwrap();
                for i in 0..20 {
                    let made =
                        store.create_incident(&incident(prose(&format!("w{n} t{i}"), "x"))).await.unwrap();
                    let run = store.create_run(&made.id).await.unwrap();
                    store.append_events(&run.id, &[NewEvent::fact("noted", i.into())]).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let store = open(&path).await.unwrap();
    assert_eq!(store.count_incidents().await.unwrap(), 120);
    assert_eq!(store.unfinished_runs().await.unwrap().len(), 120);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_connections_append_to_one_run_without_gaps() {
    let (a, dir) = temporary().await;
    let b = open(dir.path()).await.unwrap();
    let made = a.create_incident(&incident(prose("t", ""))).await.unwrap();
    let run = a.create_run(&made.id).await.unwrap().id;
    let write = |store: Store, run: RunId| async move {
        for n in 0..50 {
            store.append_events(&run, &vec![NewEvent::fact("noted", n.into()); 2]).await.unwrap();
        }
    };
    tokio::join!(write(a.clone(), run.clone()), write(b, run.clone()));
    let seqs: Vec<i64> = a.events(&run, 1).await.unwrap().iter().map(|e| e.seq).collect();
    assert!(seqs.iter().copied().eq(1..=200));
}

/// All bytes of the folder, including every journal and log.
fn bytes_in(dir: &Path) -> Vec<u8> {
    std::fs::read_dir(dir).unwrap().flat_map(|f| std::fs::read(f.unwrap().path()).unwrap()).collect()
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|w| w.eq_ignore_ascii_case(text.as_bytes()))
}

#[tokio::test]
async fn what_is_forgotten_is_in_no_file() {
    let (store, dir) = temporary().await;
    for n in 0..60 {
        store.create_incident(&incident(prose(&format!("other {n}"), "quite ordinary words"))).await.unwrap();
    }
    let secret = "zyxwvsecretword";
    let ticket = traced(
        &format!("{secret} title"),
        "ValueError",
        &format!("{secret} <*> broken"),
        &["zyxwvsecretword/money.py::zyxwvsecretword_add"],
    );
    let id = store.create_incident(&incident(ticket)).await.unwrap().id;
    let run = store.create_run(&id).await.unwrap();
    for _ in 0..20 {
        store.append_events(&run.id, &[NewEvent::fact("noted", secret.repeat(400).into())]).await.unwrap();
    }
    let text = format!("{secret} {}", "log line\n".repeat(2_000));
    let draft =
        EvidenceDraft { source: EvidenceSource::Logs, locator: Locator(format!("file:{secret}")), text };
    store.put_evidence(&id, &draft).await.unwrap();
    let tried = Hypothesis {
        id: "H1".into(),
        statement: secret.into(),
        status: HypothesisStatus::Refuted,
        evidence: vec![],
    };
    let mut new = resolution("c", Proof::None);
    new.statement = secret.into();
    new.units = vec![format!("{secret}.py::f")];
    store.remember(&id, &run.id, Some(&new), &[tried], Actor { who: "anna", why: secret }).await.unwrap();
    let other = store.list_memory(&MemoryFilter::default()).await.unwrap()[1].incident_id.clone();
    store.link_recurrence(&other, &id, ANNA).await.unwrap();
    assert!(holds(&bytes_in(dir.path()), secret));

    let second = open(dir.path()).await.unwrap();
    second.search_memory(secret, 5).await.unwrap();
    store.forget(&id, Actor { who: "anna", why: "contains zyxwvsecretword" }).await.unwrap();
    assert!(!holds(&bytes_in(dir.path()), "zyxwvsecret"), "still in a file");
    assert!(store.search_memory(secret, 5).await.unwrap().is_empty());
    assert!(matches!(store.get_incident(&id).await, Err(StoreError::NotFound { .. })));
    assert!(store.events(&run.id, 1).await.unwrap().is_empty());
    let audit = store.audit(Some(&id)).await.unwrap();
    assert_eq!(audit.last().map(|e| (e.action.as_str(), e.actor.as_str())), Some(("forget", "anna")));
    assert!(audit.iter().all(|e| e.note.is_none()));
    let sound: String = query_scalar("PRAGMA integrity_check").fetch_one(&store.read).await.unwrap();
    assert_eq!(sound, "ok");
    query("INSERT INTO incident_fts (incident_fts, rank) VALUES ('integrity-check', 1)")
        .execute(&store.write)
        .await
        .unwrap();
}

/// `fixtures/v1.sql` is the first release's database with its rows; never regenerate it.
#[tokio::test]
async fn a_database_of_the_first_release_is_brought_up_to_date() {
    let dir = tempfile::TempDir::new().unwrap();
    let file = dir.path().join("millwright.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&file).create_if_missing(true);
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    sqlx::raw_sql(include_str!("fixtures/v1.sql")).execute(&pool).await.unwrap();
    pool.close().await;

    let store = open(dir.path()).await.unwrap();
    let items = store.list_memory(&MemoryFilter::default()).await.unwrap();
    assert_eq!(items.len(), 2);
    assert_eq!(store.search_memory("currency", 5).await.unwrap().len(), 1);
    let proven = items.iter().find(|i| !i.resolutions.is_empty()).unwrap();
    assert!(proven.resolutions[0].is_trusted());
    assert_eq!(proven.repository, Some(repository()));
    let run = store.latest_unfinished_run(&proven.incident_id).await.unwrap().unwrap();
    assert_eq!(store.append_events(&run.id, &[NewEvent::fact("noted", 1.into())]).await.unwrap(), 3);
}
