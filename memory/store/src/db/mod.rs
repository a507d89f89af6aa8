/*!
The database behind the store, for either engine: the pools, transactions, statements and rows that the rest of the
store uses. Only this folder names the two engines; statements elsewhere use the SQL subset that both understand, and
ask [`Pool::dialect`] for the few differences.

Why not a library's own abstraction: sqlx's `Any` copies every value of every row once more and takes its options from
a URL alone, which would cost SQLite the settings that make it durable.
*/

mod arg;
mod migrations;
mod postgres;
mod row;
mod shared_probe;
mod sqlite;
mod translate;
mod write_turn;

pub(crate) use arg::Arg;
pub(crate) use row::{FirstColumn, FromRow, Row, RowReader, TypedRow, WholeRow};
pub(crate) use sqlx::AssertSqlSafe;
pub(crate) use write_turn::WriteTurn;

use millwright_model::{IncidentId, Timestamp};
use std::marker::PhantomData;
use std::path::PathBuf;

use sqlx::postgres::PgConnection;
use sqlx::sqlite::{SqliteConnection, SqlitePool};
use sqlx::{SqlSafeStr, SqlStr, Transaction};

use postgres::ServerPool;

use super::StoreError;
use super::codec::now;

/// Connections to one database, for reading or for writing.
#[derive(Debug, Clone)]
pub(crate) enum Pool {
    Sqlite(SqlitePool),
    Postgres(ServerPool),
}

/// A write transaction; dropping it without a commit rolls it back.
#[derive(Debug)]
pub(crate) enum WriteTransaction {
    /// Each with its pool, which knows the database's name.
    Sqlite(Transaction<'static, sqlx::Sqlite>, SqlitePool),
    Postgres(Transaction<'static, sqlx::Postgres>, ServerPool),
}

/// The SQL dialect beyond the common subset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SqlDialect {
    Sqlite,
    Postgres,
}

impl SqlDialect {
    /// The end of a query that several processes use to choose rows at the same time; SQLite has only one writer
    /// anyway.
    pub(crate) fn for_update_skip_locked(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => "FOR UPDATE SKIP LOCKED",
        }
    }
}

/// The parts of an open database.
pub(crate) struct OpenedDatabase {
    pub(crate) read: Pool,
    pub(crate) write: Pool,
    pub(crate) place: DatabaseLocation,
}

/// The location of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseLocation {
    File(PathBuf),
    /// Host, port and database, without a password.
    Server(String),
}

/// Opens the database at a data folder or a URL, and creates or migrates it if needed.
pub(crate) async fn open(location: &str, password: Option<&str>) -> Result<OpenedDatabase, StoreError> {
    match postgres::is_url(location) {
        true => postgres::open(location, password).await,
        false => sqlite::open(location).await,
    }
}

impl Pool {
    pub(crate) fn dialect(&self) -> SqlDialect {
        match self {
            Self::Sqlite(_) => SqlDialect::Sqlite,
            Self::Postgres(_) => SqlDialect::Postgres,
        }
    }

    /// Begins a write transaction. On both engines, writers of the same rows take turns, so that none fails half-way
    /// because of another, and everything that one reads of them stays true until it ends. SQLite has one writer
    /// anyway.
    pub(crate) async fn begin(&self, turn: WriteTurn<'_>) -> Result<WriteTransaction, StoreError> {
        match self {
            Self::Sqlite(pool) => Ok(WriteTransaction::Sqlite(sqlite::begin(pool).await?, pool.clone())),
            Self::Postgres(server) => {
                Ok(WriteTransaction::Postgres(server.begin(turn).await?, server.clone()))
            }
        }
    }

    /// Begins a write transaction without a turn, on an engine that lets several write: for changes that depend on
    /// the rows of one run alone, which the first statement locks.
    pub(crate) async fn begin_aside(&self) -> Result<WriteTransaction, StoreError> {
        match self {
            Self::Sqlite(pool) => Ok(WriteTransaction::Sqlite(sqlite::begin(pool).await?, pool.clone())),
            Self::Postgres(server) => {
                Ok(WriteTransaction::Postgres(server.begin_aside().await?, server.clone()))
            }
        }
    }

    pub(crate) async fn version(&self) -> Result<String, StoreError> {
        query_scalar(match self.dialect() {
            SqlDialect::Sqlite => "SELECT 'SQLite ' || sqlite_version()",
            SqlDialect::Postgres => {
                "SELECT 'PostgreSQL ' || current_setting('server_version') || CASE WHEN ssl THEN ', TLS ' || version \
                 ELSE ', no TLS' END FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
            }
        })
        .fetch_one(self)
        .await
    }

    /// Makes the engine remove deleted data from its files, if it does not do so by itself; `false` while a reader
    /// still needs the data.
    pub(crate) async fn let_go_of_deleted(&self) -> Result<bool, StoreError> {
        match self {
            Self::Sqlite(pool) => sqlite::fold_in(pool).await,
            Self::Postgres(server) => server.vacuum().await,
        }
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(server) => server.close().await,
        }
    }
}

impl WriteTransaction {
    pub(crate) fn dialect(&self) -> SqlDialect {
        match self {
            Self::Sqlite(..) => SqlDialect::Sqlite,
            Self::Postgres(..) => SqlDialect::Postgres,
        }
    }

    /// Waits until nobody else changes this incident, and locks it until the transaction ends. Only call this with
    /// the turn of the index: its holder is the only one that waits for several incidents.
    pub(crate) async fn lock_incident(&mut self, incident: &IncidentId) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(..) => Ok(()),
            Self::Postgres(tx, server) => server.lock(tx, &[WriteTurn::of_incident(incident)]).await,
        }
    }

    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx, pool) => tx.commit().await.map_err(|error| sqlite::named(&pool, error)),
            Self::Postgres(tx, server) => tx.commit().await.map_err(|error| server.named(error)),
        }
    }

    pub(crate) async fn rollback(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx, pool) => tx.rollback().await.map_err(|error| sqlite::named(&pool, error)),
            Self::Postgres(tx, server) => tx.rollback().await.map_err(|error| server.named(error)),
        }
    }
}

/// The target of a statement.
pub(crate) enum StatementTarget<'a> {
    SqlitePool(&'a SqlitePool),
    Server(&'a ServerPool),
    /// Connections in a transaction, with their pool.
    Sqlite(&'a mut SqliteConnection, &'a SqlitePool),
    Pg(&'a mut PgConnection, &'a ServerPool),
}

impl<'a> From<&'a Pool> for StatementTarget<'a> {
    fn from(pool: &'a Pool) -> Self {
        match pool {
            Pool::Sqlite(pool) => Self::SqlitePool(pool),
            Pool::Postgres(server) => Self::Server(server),
        }
    }
}

impl<'a> From<&'a mut WriteTransaction> for StatementTarget<'a> {
    fn from(tx: &'a mut WriteTransaction) -> Self {
        match tx {
            WriteTransaction::Sqlite(tx, pool) => Self::Sqlite(tx, pool),
            WriteTransaction::Postgres(tx, server) => Self::Pg(tx, server),
        }
    }
}

/// The database server's time: all machines judge leases by this one clock.
pub(crate) async fn clock(on: impl Into<StatementTarget<'_>>) -> Result<Timestamp, StoreError> {
    let on = on.into();
    let here = now();
    match on {
        // SQLite runs on the same machine.
        StatementTarget::SqlitePool(_) | StatementTarget::Sqlite(..) => Ok(here),
        there => {
            let micros: i64 = query_scalar(postgres::CLOCK).fetch_one(there).await?;
            Ok(jiff::Timestamp::from_microsecond(micros).map_or(here, Timestamp::from))
        }
    }
}

/// A statement whose rows are read by name.
pub(crate) fn query(sql: impl SqlSafeStr) -> Query<WholeRow> {
    Query::new(sql)
}

/// A statement whose rows are tuples.
pub(crate) fn query_as<T: FromRow>(sql: impl SqlSafeStr) -> Query<TypedRow<T>> {
    Query::new(sql)
}

/// A statement of one column.
pub(crate) fn query_scalar<T: row::ColumnValue>(sql: impl SqlSafeStr) -> Query<FirstColumn<T>> {
    Query::new(sql)
}

/// The most ids bound to one statement.
pub(crate) const MAX_BATCH: usize = 200;

/// `$first, …`: parameter marks for `count` values.
pub(crate) fn marks(first: usize, count: usize) -> String {
    (first..first + count).map(|i| format!("${i}")).collect::<Vec<_>>().join(", ")
}

/// A statement with its parameters.
pub(crate) struct Query<R> {
    sql: SqlStr,
    args: Vec<Arg>,
    read: PhantomData<fn() -> R>,
}

impl<R: RowReader> Query<R> {
    fn new(sql: impl SqlSafeStr) -> Self {
        Self { sql: sql.into_sql_str(), args: Vec::new(), read: PhantomData }
    }

    /// Binds the value of the next mark.
    pub(crate) fn bind(mut self, value: impl Into<Arg>) -> Self {
        self.args.push(value.into());
        self
    }

    /// Executes the statement and returns how many rows it changed.
    pub(crate) async fn execute(
        self,
        on: impl Into<StatementTarget<'_>>,
    ) -> Result<StatementResult, StoreError> {
        let Self { sql, args, .. } = self;
        let rows = match on.into() {
            StatementTarget::SqlitePool(pool) => {
                let done = sqlx::query_with(sql, arg::sqlite(args)?).execute(pool).await;
                done.map_err(|error| sqlite::named(pool, error))?.rows_affected()
            }
            StatementTarget::Sqlite(conn, pool) => {
                let done = sqlx::query_with(sql, arg::sqlite(args)?).execute(conn).await;
                done.map_err(|error| sqlite::named(pool, error))?.rows_affected()
            }
            StatementTarget::Server(server) => {
                let mut conn = server.acquire().await?;
                let done = sqlx::query_with(sql, arg::postgres(args)?).execute(&mut *conn).await;
                done.map_err(|error| server.named(error))?.rows_affected()
            }
            StatementTarget::Pg(conn, server) => {
                let done = sqlx::query_with(sql, arg::postgres(args)?).execute(conn).await;
                done.map_err(|error| server.named(error))?.rows_affected()
            }
        };
        Ok(StatementResult(rows))
    }

    pub(crate) async fn fetch_all(
        self,
        on: impl Into<StatementTarget<'_>>,
    ) -> Result<Vec<R::Out>, StoreError> {
        let Self { sql, args, .. } = self;
        let read_sqlite = |row| R::read(Row::Sqlite(row));
        let read_pg = |row| R::read(Row::Postgres(row));
        match on.into() {
            StatementTarget::SqlitePool(pool) => {
                let rows = sqlx::query_with(sql, arg::sqlite(args)?).fetch_all(pool).await;
                rows.map_err(|error| sqlite::named(pool, error))?.into_iter().map(read_sqlite).collect()
            }
            StatementTarget::Sqlite(conn, pool) => {
                let rows = sqlx::query_with(sql, arg::sqlite(args)?).fetch_all(conn).await;
                rows.map_err(|error| sqlite::named(pool, error))?.into_iter().map(read_sqlite).collect()
            }
            StatementTarget::Server(server) => {
                let mut conn = server.acquire().await?;
                let rows = sqlx::query_with(sql, arg::postgres(args)?).fetch_all(&mut *conn).await;
                rows.map_err(|error| server.named(error))?.into_iter().map(read_pg).collect()
            }
            StatementTarget::Pg(conn, server) => {
                let rows = sqlx::query_with(sql, arg::postgres(args)?).fetch_all(conn).await;
                rows.map_err(|error| server.named(error))?.into_iter().map(read_pg).collect()
            }
        }
    }

    pub(crate) async fn fetch_optional(
        self,
        on: impl Into<StatementTarget<'_>>,
    ) -> Result<Option<R::Out>, StoreError> {
        let Self { sql, args, .. } = self;
        let row = match on.into() {
            StatementTarget::SqlitePool(pool) => {
                let row = sqlx::query_with(sql, arg::sqlite(args)?).fetch_optional(pool).await;
                row.map_err(|error| sqlite::named(pool, error))?.map(Row::Sqlite)
            }
            StatementTarget::Sqlite(conn, pool) => {
                let row = sqlx::query_with(sql, arg::sqlite(args)?).fetch_optional(conn).await;
                row.map_err(|error| sqlite::named(pool, error))?.map(Row::Sqlite)
            }
            StatementTarget::Server(server) => {
                let mut conn = server.acquire().await?;
                let row = sqlx::query_with(sql, arg::postgres(args)?).fetch_optional(&mut *conn).await;
                row.map_err(|error| server.named(error))?.map(Row::Postgres)
            }
            StatementTarget::Pg(conn, server) => {
                let row = sqlx::query_with(sql, arg::postgres(args)?).fetch_optional(conn).await;
                row.map_err(|error| server.named(error))?.map(Row::Postgres)
            }
        };
        row.map(R::read).transpose()
    }

    pub(crate) async fn fetch_one(self, on: impl Into<StatementTarget<'_>>) -> Result<R::Out, StoreError> {
        self.fetch_optional(on).await?.ok_or(StoreError::Sql(sqlx::Error::RowNotFound))
    }
}

/// The result of a statement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StatementResult(u64);

impl StatementResult {
    pub(crate) fn rows_affected(self) -> u64 {
        self.0
    }
}

/// A statement assembled from parts; values are only ever added as parameters.
pub(crate) struct StatementBuilder {
    sql: String,
    args: Vec<Arg>,
}

impl StatementBuilder {
    pub(crate) fn new(sql: &'static str) -> Self {
        Self { sql: sql.to_owned(), args: Vec::new() }
    }

    pub(crate) fn push(&mut self, sql: &'static str) -> &mut Self {
        self.sql.push_str(sql);
        self
    }

    /// Adds the conditions of a scope, which quote the names in them.
    pub(crate) fn push_narrowing(&mut self, conditions: &str) -> &mut Self {
        self.sql.push_str(conditions);
        self
    }

    pub(crate) fn push_bind(&mut self, value: impl Into<Arg>) -> &mut Self {
        self.args.push(value.into());
        self.sql.push_str(&format!("${}", self.args.len()));
        self
    }

    pub(crate) fn build(self) -> Query<WholeRow> {
        // The text consists only of parts known at compile time, of marks and of quoted conditions.
        Query { sql: AssertSqlSafe(self.sql).into_sql_str(), args: self.args, read: PhantomData }
    }
}

/// A new database as it was before a migration step, with these rows.
#[cfg(test)]
pub(crate) async fn before_step(location: &str, step: i64, rows: &str) {
    let steps = |all: sqlx::migrate::Migrator| {
        let earlier = all.iter().filter(|one| one.version < step).cloned().collect();
        sqlx::migrate::Migrator::with_migrations(earlier)
    };
    let rows = AssertSqlSafe(rows.to_owned());
    if location.starts_with("postgres://") {
        let pool = sqlx::PgPool::connect(location).await.unwrap();
        steps(postgres::migrator()).run(&pool).await.unwrap();
        sqlx::raw_sql(rows).execute(&pool).await.unwrap();
        pool.close().await;
    } else {
        let file = std::path::Path::new(location).join("millwright.db");
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file).create_if_missing(true);
        let pool = SqlitePool::connect_with(options).await.unwrap();
        steps(migrations::of_sqlite()).run(&pool).await.unwrap();
        sqlx::raw_sql(rows).execute(&pool).await.unwrap();
        pool.close().await;
    }
}
