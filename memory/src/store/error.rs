/*!
What can go wrong with the store, said once and for a person: each variant tells what happened and how to mend it.

The engine's codes are translated here and nowhere else, so that the rest of the workspace never looks at
a database error to guess what to do.
*/

use std::path::PathBuf;
use std::time::Duration;

use sqlx::error::DatabaseError;
use sqlx::postgres::PgDatabaseError;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(
        "the database {path} is damaged ({detail}); move it and its -wal and -shm files away and start again, \
         then bring back a backup, or an export by `millwright memory import`"
    )]
    Corrupt { path: String, detail: String },
    #[error(
        "cannot write in {path} ({detail}); give this user write permission, or choose another folder with --data-dir"
    )]
    ReadOnly { path: String, detail: String },
    #[error("no space left for {path}; free some disk space and repeat: nothing was half-written")]
    DiskFull { path: String },
    #[error(
        "cannot open {path} ({detail}); check that the folder exists and may be read, or choose another with --data-dir"
    )]
    CannotOpen { path: String, detail: String },
    #[error(
        "{path} was written by a newer millwright (its schema has step {version}, this one knows {known}); \
         update this millwright, or use another --data-dir"
    )]
    Newer { path: String, version: i64, known: i64 },
    #[error("{path} is a SQLite database, but not millwright's ({detail}); choose another --data-dir")]
    NotOurs { path: String, detail: String },
    #[error(
        "cannot bring {path} up to date ({detail}); restore a backup, or use the millwright that wrote it"
    )]
    Migration { path: String, detail: String },
    #[error(
        "the store url {url:?} is not understood ({detail}); use a folder, sqlite:///path/to/millwright.db or \
         postgres://user@host:5432/database"
    )]
    BadUrl { url: String, detail: String },
    #[error("the PostgreSQL database {server} cannot be used ({detail}); {mend}")]
    Server { server: String, detail: String, mend: &'static str },
    #[error("the connection to the database was lost ({detail}); nothing was half-written: repeat")]
    Lost { detail: String },
    #[error("another process holds the database for too long; repeat, or look for a stuck millwright")]
    Busy,
    #[error("there is no {what} {id}; `millwright memory list` shows what there is")]
    NotFound { what: &'static str, id: String },
    #[error("{id} is short for several: {candidates}; give more of it")]
    Ambiguous { id: String, candidates: String },
    #[error("run {run} went on elsewhere (next event is {found}, not {expected}); read its events again")]
    Conflict { run: String, expected: i64, found: i64 },
    #[error("{what} has {found} bytes, at most {limit} are kept; shorten it")]
    TooLarge { what: &'static str, found: usize, limit: usize },
    #[error(
        "{what} {id} cannot be read ({detail}); it was written by another version, or the database is damaged"
    )]
    Unreadable { what: &'static str, id: String, detail: String },
    #[error("line {line} of the import: {detail}; lines before it are imported, mend it and repeat")]
    BadImport { line: u64, detail: String },
    #[error("reading or writing the file: {0}; check the path and the space left")]
    Io(#[from] std::io::Error),
    #[error("the database refused: {0}; this is a fault of millwright, please report it")]
    Sql(#[source] sqlx::Error),
}

impl StoreError {
    /// Whether the same may well succeed a little later, without anybody mending anything.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Busy | Self::Lost { .. })
    }

    pub(crate) fn no_answer(server: &str, patience: Duration) -> Self {
        Self::Server {
            server: server.to_owned(),
            detail: format!("it did not answer within {} s", patience.as_secs()),
            mend: CHECK_SERVER,
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let of_postgres = |db: &dyn DatabaseError| db.try_downcast_ref::<PgDatabaseError>().is_some();
        match &error {
            sqlx::Error::Database(db) if of_postgres(db.as_ref()) => of_server(error, "in use"),
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolClosed => {
                Self::Lost { detail: error.to_string() }
            }
            _ => classify(error, "millwright.db"),
        }
    }
}

/// SQLite's primary result codes, <https://www.sqlite.org/rescode.html>; extended ones carry them in the low byte.
pub(crate) fn classify(error: sqlx::Error, path: &str) -> StoreError {
    let path = path.to_owned();
    match &error {
        sqlx::Error::Database(db) => {
            let detail = db.message().to_owned();
            let code = db.code().and_then(|c| c.parse::<i64>().ok()).unwrap_or(0);
            match code & 0xff {
                5 | 6 => StoreError::Busy,
                8 | 3 => StoreError::ReadOnly { path, detail },
                11 | 26 => StoreError::Corrupt { path, detail },
                13 => StoreError::DiskFull { path },
                14 => StoreError::CannotOpen { path, detail },
                10 if disk_is_full(&path) => StoreError::DiskFull { path },
                10 => StoreError::CannotOpen { path, detail },
                _ => StoreError::Sql(error),
            }
        }
        sqlx::Error::PoolTimedOut => StoreError::Busy,
        sqlx::Error::Io(io) => classify_io(io, path),
        _ => StoreError::Sql(error),
    }
}

const CHECK_SERVER: &str = "check that PostgreSQL runs there and that store.url names it";

/// PostgreSQL's codes, <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
pub(crate) fn of_server(error: sqlx::Error, server: &str) -> StoreError {
    let told = |detail: String, mend| StoreError::Server { server: server.to_owned(), detail, mend };
    let sqlx::Error::Database(db) = &error else {
        return match &error {
            sqlx::Error::Io(_) | sqlx::Error::Protocol(_) => told(error.to_string(), CHECK_SERVER),
            sqlx::Error::Tls(_) => told(
                error.to_string(),
                "check the certificate and sslmode, sslrootcert in store.url; sslmode=disable does without TLS",
            ),
            sqlx::Error::PoolTimedOut => StoreError::Busy,
            _ => StoreError::Sql(error),
        };
    };
    let detail = db.message().to_owned();
    match db.code().as_deref().unwrap_or_default() {
        "28P01" | "28000" => {
            told(detail, "check user and password; the password may come by the environment, as PGPASSWORD")
        }
        "3D000" => told(detail, "create the database first: createdb millwright"),
        "42501" => told(detail, "give this user the right to create tables: it should own the database"),
        "25006" => told(detail, "it takes no writes; name the primary server instead of a standby"),
        "53300" => told(detail, "raise max_connections there, or run fewer processes: each takes up to 8"),
        "53100" => StoreError::DiskFull { path: format!("the database server {server}") },
        // Lock not available in time, deadlock, serialisation failure, statement or idle time-out.
        "55P03" | "40P01" | "40001" | "57014" | "25P03" => StoreError::Busy,
        // Going down, crashed, starting up, connection failures.
        "57P01" | "57P02" | "57P03" | "08000" | "08003" | "08006" => StoreError::Lost { detail },
        "XX001" | "XX002" => StoreError::Corrupt { path: server.to_owned(), detail },
        _ => StoreError::Sql(error),
    }
}

pub(crate) fn classify_io(error: &std::io::Error, path: impl Into<String>) -> StoreError {
    use std::io::ErrorKind;
    let (path, detail) = (path.into(), error.to_string());
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => StoreError::DiskFull { path },
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => StoreError::ReadOnly { path, detail },
        _ => StoreError::CannotOpen { path, detail },
    }
}

/// SQLite reports a short write as a plain IO error; a probe tells whether the disk was the reason.
fn disk_is_full(path: &str) -> bool {
    let probe = PathBuf::from(format!("{path}.probe"));
    let full = std::fs::write(&probe, [0u8; 4096]).is_err_and(|e| {
        matches!(e.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)
    });
    let _ = std::fs::remove_file(&probe);
    full
}
