/*!
PostgreSQL: one server for many processes. Opening a database on it, bringing it up to date, and saying clearly why that
does not work.

What SQLite gives by having one writer and one file is kept by three means. Write transactions take turns by an advisory
lock, so a number that is counted up, or a row that is looked for before it is written, means the same on both engines.
Every column of text compares by bytes, whatever the server's locale. And the two characters of text that PostgreSQL
cannot hold, or that stand for them, are armoured on their way in and out.
*/

use std::str::FromStr;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, Postgres, Transaction};

use super::{COMMON, Opened, Place, Pool};
use crate::store::StoreError;
use crate::store::error::of_server;

static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

/// The oldest release that PostgreSQL itself still cared for lately; the tests run on whatever is installed.
const OLDEST: i32 = 130_000;
const CONNECTIONS: u32 = 8;
/// How long a server may take to answer when it is opened, and how long a statement waits for another's lock.
const PATIENCE: Duration = Duration::from_secs(10);
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);
/// "Mill" and "mill" in ASCII: the locks of writers and of migrations, within the database.
const WRITING: &str = "SELECT pg_advisory_xact_lock(1298754668)";
const MIGRATING: &str = "SELECT pg_advisory_lock(1835625580)";

/// In microseconds since 1970.
pub(super) const CLOCK: &str = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";

pub(super) fn is_url(location: &str) -> bool {
    location.starts_with("postgres://") || location.starts_with("postgresql://")
}

pub(super) async fn open(url: &str, password: Option<&str>) -> Result<Opened, StoreError> {
    let options = PgConnectOptions::from_str(url).map_err(|e| StoreError::BadUrl {
        // The whole of it may hold a password.
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
    // Once by hand, because a pool waits for a server that is not there as long as for one that is busy.
    let connecting = PgConnection::connect_with(&options);
    let mut first = match tokio::time::timeout(PATIENCE, connecting).await {
        Ok(connected) => connected.map_err(|e| of_server(e, &server))?,
        Err(_) => return Err(StoreError::no_answer(&server, PATIENCE)),
    };
    bring_up_to_date(&mut first, &server).await?;
    let _ = first.close().await;
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(BUSY_TIMEOUT)
        .connect_lazy_with(options);
    Ok(Opened {
        read: Pool::Postgres(pool.clone()),
        write: Pool::Postgres(pool),
        place: Place::Server(server),
    })
}

/// Takes the turn to write. In two steps, because a transaction that failed to begin would be left half open.
pub(super) async fn begin(pool: &PgPool) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    let mut tx = begin_aside(pool).await?;
    sqlx::query(WRITING).execute(&mut *tx).await?;
    Ok(tx)
}

pub(super) async fn begin_aside(pool: &PgPool) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    pool.begin_with("BEGIN ISOLATION LEVEL READ COMMITTED").await
}

/// Takes what was deleted out of the tables. What the server does with the freed bytes, its write-ahead log and its
/// backups is up to whoever runs it.
pub(super) async fn vacuum(pool: &PgPool) -> Result<bool, sqlx::Error> {
    sqlx::raw_sql(
        "VACUUM (SKIP_LOCKED) incidents, incident_words, incident_terms, incident_keys, incident_vectors, runs, \
         run_events, run_files, evidence, incident_evidence, hypotheses, resolutions, reports, audit_notes, problems, \
         ranking_samples, deliveries, incident_messages, notes, approvals",
    )
    .execute(pool)
    .await?;
    Ok(true)
}

/// Where it is, without user and password.
fn shown(options: &PgConnectOptions) -> String {
    let database = options.get_database().unwrap_or(options.get_username());
    match options.get_socket() {
        Some(socket) => format!("{database} at {}", socket.display()),
        None => format!("{database} at {}:{}", options.get_host(), options.get_port()),
    }
}

fn migrations() -> Migrator {
    let all = COMMON.iter().chain(POSTGRES.iter()).cloned().collect();
    let mut migrator = Migrator::with_migrations(all);
    // Ours covers more than the migrations.
    migrator.set_locking(false);
    migrator
}

async fn bring_up_to_date(conn: &mut PgConnection, server: &str) -> Result<(), StoreError> {
    let sql = |e| of_server(e, server);
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
                detail: format!("it holds {tables} tables that are not millwright's"),
                mend: "make it a database of its own: createdb millwright",
            });
        }
    }
    let migrator = migrations();
    let known = migrator.iter().map(|m| m.version).max().unwrap_or(0);
    migrator.run_direct(None, &mut *conn, false).await.map_err(|error| match error {
        MigrateError::VersionMissing(version) if version > known => {
            StoreError::Newer { path: server.to_owned(), version, known }
        }
        MigrateError::Execute(e) | MigrateError::ExecuteMigration(e, _) => match of_server(e, server) {
            StoreError::Sql(e) => StoreError::Migration { path: server.to_owned(), detail: e.to_string() },
            clear => clear,
        },
        other => StoreError::Migration { path: server.to_owned(), detail: other.to_string() },
    })?;
    // The lock goes with the connection.
    sqlx::raw_sql(COMPARE_BY_BYTES).execute(conn).await.map_err(sql)?;
    Ok(())
}

async fn has_our_steps(conn: &mut PgConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL").fetch_one(conn).await
}

/// Ids, times and paths of lists are in order by their bytes, as they are in SQLite; a locale's order is another one.
/// After the migrations, so that what they add later is covered as well.
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

/// Stands for the character after it; a noncharacter, so hardly ever met.
const ARMOUR: char = '\u{10ffff}';

/// PostgreSQL's text holds every character but NUL.
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
