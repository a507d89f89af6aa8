/*!
PostgreSQL: one server for many processes. Opens a database on it, migrates it, and reports clearly why that does not
work.

Three means replace what SQLite guarantees by one writer and one file. Write transactions that touch the same rows
take turns by advisory locks (`write_turn`), so a counter, or a row that is looked up before it is written, means the
same on both engines. Every text column compares by bytes, whatever the server's locale. And the two characters of
text that PostgreSQL cannot hold, or that stand for them, are escaped on write and unescaped on read.
*/

use std::pin::Pin;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, Postgres, SqlSafeStr, Transaction};

use super::shared_probe::SharedProbe;
use super::translate::of_postgres;
use super::write_turn::{AdvisoryLock, WriteTurn};
use super::{DatabaseLocation, OpenedDatabase, Pool, migrations};
use crate::StoreError;

/// The oldest release that the PostgreSQL project supported recently; the tests run on the installed release.
const OLDEST: i32 = 130_000;
const CONNECTIONS: u32 = 8;
/// The longest time for a server to answer when it is opened, and for a statement to wait for another's lock.
const PATIENCE: Duration = Duration::from_secs(10);
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);
/// If no connection is available within this time, either others use them all or the server is down: a probe finds
/// out which.
const DOUBT_AFTER: Duration = Duration::from_millis(400);
/// The longest time for that probe; a request that needs the database is answered within two seconds.
const PROBE: Duration = Duration::from_millis(1_200);
const PROBE_EVERY: Duration = Duration::from_secs(2);
/// "Mill" and "mill" in ASCII: the advisory locks of writers and of migrations, within the database.
const WRITING: i64 = 1_298_754_668;
const MIGRATING: &str = "SELECT pg_advisory_lock(1835625580)";

/// The server's time in microseconds since 1970.
pub(super) const CLOCK: &str = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";

pub(super) fn is_url(location: &str) -> bool {
    location.starts_with("postgres://") || location.starts_with("postgresql://")
}

pub(super) async fn open(url: &str, password: Option<&str>) -> Result<OpenedDatabase, StoreError> {
    let options = PgConnectOptions::from_str(url).map_err(|e| StoreError::BadUrl {
        // The full URL may contain a password.
        url: format!("{}://…", url.split("://").next().unwrap_or_default()),
        detail: e.to_string(),
    })?;
    let options = match password {
        Some(password) => options.password(password),
        None => options,
    };
    let options = options
        .application_name("millwright")
        .options([("lock_timeout", "30s"), ("idle_in_transaction_session_timeout", "60s")])
        .disable_statement_logging();
    let server = shown(&options);
    // Connects once without the pool, because a pool waits for a missing server as long as for a busy one.
    let connecting = PgConnection::connect_with(&options);
    let mut first = match tokio::time::timeout(PATIENCE, connecting).await {
        // At the first connection, a TLS error means a wrong setting, not a server that went down in between.
        Ok(Err(error @ sqlx::Error::Tls(_))) => {
            return Err(StoreError::Server {
                server,
                detail: error.to_string(),
                mend: "check the certificate and sslmode, sslrootcert in store.url; sslmode=disable turns TLS off",
            });
        }
        Ok(connected) => connected.map_err(|e| of_postgres(e, &server))?,
        Err(_) => return Err(StoreError::no_answer(&server, PATIENCE)),
    };
    bring_up_to_date(&mut first, &server).await?;
    let _ = first.close().await;
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(BUSY_TIMEOUT)
        .connect_lazy_with(options);
    let connected = ServerPool { pool, name: server.as_str().into(), probe: Arc::default() };
    Ok(OpenedDatabase {
        read: Pool::Postgres(connected.clone()),
        write: Pool::Postgres(connected),
        place: DatabaseLocation::Server(server),
    })
}

/// Connections to one database on a server, for reading and writing.
#[derive(Debug, Clone)]
pub(crate) struct ServerPool {
    pool: PgPool,
    /// Host, port and database, without a password.
    name: Arc<str>,
    /// Shared by all statements that wait for a connection.
    probe: Arc<SharedProbe<String>>,
}

impl ServerPool {
    /// Takes the turn to write. In two steps, because a transaction that failed to begin would be left half open.
    pub(super) async fn begin(
        &self,
        turn: WriteTurn<'_>,
    ) -> Result<Transaction<'static, Postgres>, StoreError> {
        let mut tx = self.begin_aside().await?;
        self.lock(&mut tx, &turn.locks()).await?;
        Ok(tx)
    }

    /// Waits for the locks of a turn; they last until the transaction ends.
    pub(super) async fn lock(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        locks: &[AdvisoryLock],
    ) -> Result<(), StoreError> {
        for lock in locks {
            let statement = match lock {
                AdvisoryLock::Whole => sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(WRITING),
                AdvisoryLock::Some => sqlx::query("SELECT pg_advisory_xact_lock_shared($1)").bind(WRITING),
                AdvisoryLock::Part(kind, key) => {
                    sqlx::query("SELECT pg_advisory_xact_lock($1, $2)").bind(kind).bind(key)
                }
            };
            statement.execute(&mut **tx).await.map_err(|error| self.named(error))?;
        }
        Ok(())
    }

    pub(super) async fn begin_aside(&self) -> Result<Transaction<'static, Postgres>, StoreError> {
        const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";
        let conn = self.acquire().await?;
        Transaction::begin(conn, Some(BEGIN.into_sql_str())).await.map_err(|error| self.named(error))
    }

    /// Acquires a connection. A pool waits for a server that is down as long as for connections that others use, so
    /// after a moment a probe asks the server itself. Boxed, because every statement holds one of these futures, and
    /// the future that makes a connection is large.
    pub(super) fn acquire(
        &self,
    ) -> Pin<Box<dyn Future<Output = Result<PoolConnection<Postgres>, StoreError>> + Send + '_>> {
        Box::pin(async move {
            let mut acquiring = Box::pin(self.pool.acquire());
            let mut patience = DOUBT_AFTER;
            loop {
                match tokio::time::timeout(patience, &mut acquiring).await {
                    Ok(Ok(conn)) => return Ok(conn),
                    Ok(Err(sqlx::Error::PoolTimedOut)) => {
                        let seconds = BUSY_TIMEOUT.as_secs();
                        return Err(self.away(format!("no connection became free within {seconds} s")));
                    }
                    Ok(Err(error)) => return Err(self.named(error)),
                    Err(_) => self.ask_whether_it_is_there().await?,
                }
                patience = PROBE_EVERY;
            }
        })
    }

    /// Probes whether the server accepts connections at all, once for all waiting callers. A server that refuses is
    /// up.
    async fn ask_whether_it_is_there(&self) -> Result<(), StoreError> {
        let server = self.clone();
        let probed = self.probe.run(move || async move {
            let options = server.pool.connect_options();
            match tokio::time::timeout(PROBE, PgConnection::connect_with(&options)).await {
                Ok(Ok(conn)) => {
                    let _ = conn.close_hard().await;
                    None
                }
                Ok(Err(error)) => match server.named(error) {
                    StoreError::Away { detail, .. } => Some(detail),
                    _ => None,
                },
                Err(_) => Some(format!("there was no answer within {} ms", PROBE.as_millis())),
            }
        });
        match probed.await {
            Some(detail) => Err(self.away(detail)),
            None => Ok(()),
        }
    }

    fn away(&self, detail: String) -> StoreError {
        StoreError::Away { server: self.name.to_string(), detail }
    }

    /// Converts an error and adds the name of this database.
    pub(super) fn named(&self, error: sqlx::Error) -> StoreError {
        of_postgres(error, &self.name)
    }

    /// Removes deleted data from the tables. The operator of the server is responsible for its freed disk space,
    /// write-ahead log and backups.
    pub(super) async fn vacuum(&self) -> Result<bool, StoreError> {
        let mut conn = self.acquire().await?;
        // Every table in the schema: forgetting deletes from more tables than a list here would remember.
        let tables: Vec<String> = sqlx::query_scalar(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = current_schema()",
        )
        .fetch_all(&mut *conn)
        .await
        .map_err(|error| self.named(error))?;
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!("VACUUM (SKIP_LOCKED) {}", tables.join(", "))))
            .execute(&mut *conn)
            .await
            .map_err(|error| self.named(error))?;
        Ok(true)
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }
}

/// Location without user and password.
fn shown(options: &PgConnectOptions) -> String {
    let database = options.get_database().unwrap_or(options.get_username());
    match options.get_socket() {
        Some(socket) => format!("{database} at {}", socket.display()),
        None => format!("{database} at {}:{}", options.get_host(), options.get_port()),
    }
}

pub(super) fn migrator() -> Migrator {
    let mut migrator = migrations::of_postgres();
    // The lock taken here covers more than the migrations.
    migrator.set_locking(false);
    migrator
}

async fn bring_up_to_date(conn: &mut PgConnection, server: &str) -> Result<(), StoreError> {
    let sql = |e| of_postgres(e, server);
    let version: i32 = sqlx::query_scalar("SELECT current_setting('server_version_num')::int")
        .fetch_one(&mut *conn)
        .await
        .map_err(sql)?;
    let encoding: String =
        sqlx::query_scalar("SHOW server_encoding").fetch_one(&mut *conn).await.map_err(sql)?;
    if version < OLDEST || encoding != "UTF8" {
        return Err(StoreError::Server {
            server: server.to_owned(),
            detail: format!("PostgreSQL {}, encoding {encoding}", version / 10_000),
            mend: "PostgreSQL 13 or newer and a database with the encoding UTF8 are needed",
        });
    }
    sqlx::query(MIGRATING).execute(&mut *conn).await.map_err(sql)?;
    if !has_our_steps(conn).await.map_err(sql)? {
        let tables: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM information_schema.tables WHERE table_schema = current_schema()",
        )
        .fetch_one(&mut *conn)
        .await
        .map_err(sql)?;
        if tables > 0 {
            return Err(StoreError::Server {
                server: server.to_owned(),
                detail: format!("it contains {tables} tables that are not millwright's"),
                mend: "create a separate database: createdb millwright",
            });
        }
    }
    let migrator = migrator();
    let known = migrator.iter().map(|m| m.version).max().unwrap_or(0);
    migrator.run_direct(None, &mut *conn, false).await.map_err(|error| match error {
        MigrateError::VersionMissing(version) if version > known => {
            StoreError::Newer { path: server.to_owned(), version, known }
        }
        MigrateError::Execute(e) | MigrateError::ExecuteMigration(e, _) => match of_postgres(e, server) {
            StoreError::Sql(e) => StoreError::Migration { path: server.to_owned(), detail: e.to_string() },
            clear => clear,
        },
        other => StoreError::Migration { path: server.to_owned(), detail: other.to_string() },
    })?;
    // Closing the connection releases the lock.
    sqlx::raw_sql(COMPARE_BY_BYTES).execute(conn).await.map_err(sql)?;
    Ok(())
}

async fn has_our_steps(conn: &mut PgConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL").fetch_one(conn).await
}

/// Ids, times and paths sort by their bytes, as in SQLite; a locale sorts differently. Runs after the migrations, so
/// that columns they add are covered as well.
const COMPARE_BY_BYTES: &str = r#"
DO $$
DECLARE found record;
BEGIN
    FOR found IN
        SELECT c.table_name, c.column_name FROM information_schema.columns c
        JOIN information_schema.tables t ON t.table_schema = c.table_schema AND t.table_name = c.table_name
        WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE' AND c.data_type = 'text'
        AND c.collation_name IS DISTINCT FROM 'C'
    LOOP
        EXECUTE format('ALTER TABLE %I ALTER COLUMN %I TYPE text COLLATE "C"', found.table_name, found.column_name);
    END LOOP;
END $$;
"#;

/// The escape character; a noncharacter, so it hardly ever occurs.
const ARMOUR: char = '\u{10ffff}';

/// Escapes text for PostgreSQL, which stores every character except NUL.
pub(super) fn armoured(text: String) -> String {
    if !text.contains(['\0', ARMOUR]) {
        return text;
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\0' => safe.extend([ARMOUR, '0']),
            ARMOUR => safe.extend([ARMOUR, '1']),
            other => safe.push(other),
        }
    }
    safe
}

pub(super) fn unarmoured(text: String) -> String {
    if !text.contains(ARMOUR) {
        return text;
    }
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            ARMOUR => plain.push(if chars.next() == Some('0') { '\0' } else { ARMOUR }),
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_postgres_cannot_hold_comes_back_as_it_went_in() {
        for text in ["", "plain", "a\0b", "\0\0", "\u{10ffff}", "\u{10ffff}0\0\u{10ffff}1", "ü\0"] {
            let safe = armoured(text.to_owned());
            assert!(!safe.contains('\0'));
            assert_eq!(unarmoured(safe), text);
        }
    }
}
