/*!
Translates the engines' errors into errors of the store. Only this module does so, with one function for each engine,
so that an error is the same wherever it occurs, and always names its database.
*/

use std::io::ErrorKind;
use std::path::PathBuf;

use crate::StoreError;

/// SQLite's primary result codes, <https://www.sqlite.org/rescode.html>; extended ones carry them in the low byte.
pub(super) fn of_sqlite(error: sqlx::Error, path: &str) -> StoreError {
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
        sqlx::Error::PoolClosed => StoreError::Lost { detail: error.to_string() },
        sqlx::Error::Io(io) => of_io(io, path),
        _ => StoreError::Sql(error),
    }
}

/// PostgreSQL's codes, <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
pub(super) fn of_postgres(error: sqlx::Error, server: &str) -> StoreError {
    let server = server.to_owned();
    let db = match &error {
        sqlx::Error::Database(db) => db,
        // Only a server uses a protocol, and a server that goes down during a message violates it.
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) | sqlx::Error::PoolClosed => {
            return StoreError::Away { server, detail: error.to_string() };
        }
        sqlx::Error::PoolTimedOut => return StoreError::Busy,
        _ => return StoreError::Sql(error),
    };
    let detail = db.message().to_owned();
    let mend = match db.code().as_deref().unwrap_or_default() {
        "28P01" | "28000" => {
            "check user and password; the password can be set in the environment, as PGPASSWORD"
        }
        "3D000" => "create the database first: createdb millwright",
        "42501" => "give this user the right to create tables: it should own the database",
        "25006" => "it is read-only; name the primary server instead of a standby",
        "53300" => "raise max_connections there, or run fewer processes: each takes up to 8",
        "53100" => return StoreError::DiskFull { path: format!("the database server {server}") },
        // Lock not available in time, deadlock, serialisation failure, statement or idle timeout.
        "55P03" | "40P01" | "40001" | "57014" | "25P03" => return StoreError::Busy,
        // Shutting down, crashed, starting up, connection failures.
        "57P01" | "57P02" | "57P03" | "08000" | "08001" | "08003" | "08004" | "08006" => {
            return StoreError::Away { server, detail };
        }
        "XX001" | "XX002" => return StoreError::Corrupt { path: server, detail },
        _ => return StoreError::Sql(error),
    };
    StoreError::Server { server, detail, mend }
}

pub(super) fn of_io(error: &std::io::Error, path: impl Into<String>) -> StoreError {
    let (path, detail) = (path.into(), error.to_string());
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => StoreError::DiskFull { path },
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => StoreError::ReadOnly { path, detail },
        _ => StoreError::CannotOpen { path, detail },
    }
}

/// SQLite reports a short write as a plain IO error; a test write shows whether the disk is full.
fn disk_is_full(path: &str) -> bool {
    let probe = PathBuf::from(format!("{path}.probe"));
    let full = std::fs::write(&probe, [0u8; 4096])
        .is_err_and(|e| matches!(e.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded));
    let _ = std::fs::remove_file(&probe);
    full
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A broken connection and a closed pool are transient errors, and each names its database if it has a name.
    #[test]
    fn what_passes_is_told_from_what_does_not() {
        let io = || sqlx::Error::Io(ErrorKind::ConnectionReset.into());
        for error in [io(), sqlx::Error::PoolClosed, sqlx::Error::Protocol("broken".into())] {
            let error = of_postgres(error, "shop at db:5432");
            assert!(error.is_transient() && error.to_string().contains("shop at db:5432"), "{error}");
        }
        assert!(of_sqlite(sqlx::Error::PoolClosed, "a.db").is_transient());
        let io = of_sqlite(io(), "/data/a.db");
        assert!(!io.is_transient() && io.to_string().contains("/data/a.db"), "{io}");
        for permanent in
            [of_postgres(sqlx::Error::RowNotFound, "x"), of_sqlite(sqlx::Error::RowNotFound, "x")]
        {
            assert!(!permanent.is_transient(), "{permanent}");
        }
    }
}
