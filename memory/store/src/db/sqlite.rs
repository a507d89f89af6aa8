/*!
SQLite: one file. Opens it, migrates it, and reports clearly why that does not work.

Writes use one connection with `synchronous=FULL`, reads have connections of their own. A lock file protects the
migrations, because SQLite's have no lock of their own and two processes may open a new folder at the same moment.
*/

use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::migrate::MigrateError;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Sqlite, Transaction};

use super::translate::{of_io, of_sqlite};
use super::{DatabaseLocation, OpenedDatabase, Pool, migrations};
use crate::StoreError;
use crate::private::{make_private_folder, tighten};

const FILE_NAME: &str = "millwright.db";
/// "Mill" in ASCII, in the file's header: distinguishes our database from others.
const APPLICATION_ID: i64 = 0x4d69_6c6c;
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);
const READERS: u32 = 4;
const ROW_BUFFER: usize = 1_000;

/// Opens the database at a data folder or a `sqlite://` URL, and creates it if it is missing.
pub(super) async fn open(location: &str) -> Result<OpenedDatabase, StoreError> {
    let path = database_path(location)?;
    let shown = path.display().to_string();
    let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
    if !folder.as_os_str().is_empty() {
        make_private_folder(&folder).map_err(|e| of_io(&e, folder.display().to_string()))?;
    }
    keep_private(&path).map_err(|e| of_io(&e, shown.clone()))?;
    let _lock = lock_folder(&path).await?;
    let options = SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        // The connection's own thread produces the rows, and a full buffer costs two thread switches.
        .row_buffer_size(ROW_BUFFER)
        .pragma("secure_delete", "ON")
        .pragma("temp_store", "MEMORY")
        .pragma("cache_size", "-16000")
        .pragma("mmap_size", "268435456")
        .pragma("journal_size_limit", "67108864");
    let pool = |most: u32| {
        SqlitePoolOptions::new().max_connections(most).min_connections(0).acquire_timeout(BUSY_TIMEOUT)
    };
    // Keys are hashes and spread over the tables, so bulk writes are only fast if the tables are in memory.
    let writing = options.clone().pragma("cache_size", "-64000");
    let write = pool(1).connect_with(writing).await.map_err(|e| of_sqlite(e, &shown))?;
    if let Err(error) = bring_up_to_date(&write, &shown).await {
        write.close().await;
        return Err(error);
    }
    let read = pool(READERS).connect_lazy_with(options);
    Ok(OpenedDatabase {
        read: Pool::Sqlite(read),
        write: Pool::Sqlite(write),
        place: DatabaseLocation::File(path),
    })
}

/// Restricts the file to its owner: it contains, among other things, the keys that sign links. Others lose access
/// that they had before. SQLite gives its other files the same permissions.
fn keep_private(database: &Path) -> std::io::Result<()> {
    match std::fs::File::options().write(true).create_new(true).mode(0o600).open(database) {
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    for suffix in ["", "-wal", "-shm"] {
        let mut file = database.as_os_str().to_owned();
        file.push(suffix);
        match tighten(file.as_ref()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Takes the write lock at the start, so that a transaction never fails because it read first.
pub(super) async fn begin(pool: &SqlitePool) -> Result<Transaction<'static, Sqlite>, StoreError> {
    let begun = match pool.begin_with("BEGIN IMMEDIATE").await {
        // SQLite rolls back by itself when the disk is full, which sqlx does not notice: the connection would refuse
        // every later transaction.
        Err(sqlx::Error::InvalidSavePointStatement) => {
            let stuck = pool.acquire().await.map_err(|error| named(pool, error))?;
            stuck.close().await.map_err(|error| named(pool, error))?;
            pool.begin_with("BEGIN IMMEDIATE").await
        }
        other => other,
    };
    begun.map_err(|error| named(pool, error))
}

/// Converts an error and adds the path of this pool's database.
pub(super) fn named(pool: &SqlitePool, error: sqlx::Error) -> StoreError {
    of_sqlite(error, &pool.connect_options().get_filename().display().to_string())
}

/// Copies the write-ahead log into the file and empties it; `false` while a reader still needs old pages.
pub(super) async fn fold_in(pool: &SqlitePool) -> Result<bool, StoreError> {
    let folded = sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(pool).await;
    let (busy, _, _): (i64, i64, i64) = folded.map_err(|error| named(pool, error))?;
    Ok(busy == 0)
}

fn database_path(location: &str) -> Result<PathBuf, StoreError> {
    let bad = |detail: &str| StoreError::BadUrl { url: location.to_owned(), detail: detail.to_owned() };
    if location.is_empty() {
        return Err(bad("it is empty"));
    }
    if let Some(path) = location.strip_prefix("sqlite://") {
        return match path {
            "" | ":memory:" => Err(bad("a file is needed, memory must outlive the process")),
            path => Ok(PathBuf::from(path)),
        };
    }
    match location.split_once("://") {
        Some((scheme, _)) => Err(bad(&format!("no engine for {scheme}://"))),
        None => Ok(Path::new(location).join(FILE_NAME)),
    }
}

async fn lock_folder(database: &Path) -> Result<std::fs::File, StoreError> {
    let path = database.with_extension("lock");
    let shown = database.display().to_string();
    let locked = tokio::task::spawn_blocking(move || {
        let file = std::fs::File::options().create(true).append(true).open(&path)?;
        file.lock()?;
        Ok::<_, std::io::Error>(file)
    });
    match locked.await {
        Ok(result) => result.map_err(|e| of_io(&e, shown)),
        Err(e) => Err(StoreError::CannotOpen { path: shown, detail: e.to_string() }),
    }
}

async fn bring_up_to_date(pool: &SqlitePool, path: &str) -> Result<(), StoreError> {
    let sql = |e| of_sqlite(e, path);
    let id: i64 = sqlx::query_scalar("PRAGMA application_id").fetch_one(pool).await.map_err(sql)?;
    let tables: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sqlite_master").fetch_one(pool).await.map_err(sql)?;
    if id != APPLICATION_ID && (id != 0 || tables > 0) && !has_our_steps(pool).await.map_err(sql)? {
        let detail = format!("application id {id:#x}, {tables} tables and indexes");
        return Err(StoreError::NotOurs { path: path.to_owned(), detail });
    }
    let migrator = migrations::of_sqlite();
    let known = migrator.iter().map(|m| m.version).max().unwrap_or(0);
    migrator.run(pool).await.map_err(|error| match error {
        MigrateError::VersionMissing(version) if version > known => {
            StoreError::Newer { path: path.to_owned(), version, known }
        }
        MigrateError::Execute(e) | MigrateError::ExecuteMigration(e, _) => match of_sqlite(e, path) {
            StoreError::Sql(e) => StoreError::Migration { path: path.to_owned(), detail: e.to_string() },
            clear => clear,
        },
        other => StoreError::Migration { path: path.to_owned(), detail: other.to_string() },
    })?;
    if id != APPLICATION_ID {
        sqlx::query("PRAGMA application_id = 1298754668").execute(pool).await.map_err(sql)?;
    }
    Ok(())
}

/// Whether the file has our table of migrations, as one does whose first opening was interrupted before the application
/// id was written.
async fn has_our_steps(pool: &SqlitePool) -> Result<bool, sqlx::Error> {
    let n: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_master WHERE name = '_sqlx_migrations'")
        .fetch_one(pool)
        .await?;
    Ok(n > 0)
}
