/*!
The database behind the store, whichever engine it is: pools, transactions, statements and rows that the rest of the
store uses alike. The two engines are named here and in this folder only; a statement elsewhere is in the subset that
both understand, and asks [`Pool::dialect`] for the few words in which they differ.

Why not a library's own abstraction: sqlx's `Any` copies every value of every row once more and takes its options from
a URL alone, which would cost SQLite the settings that make it durable.
*/

mod arg;
mod postgres;
mod row;
mod sqlite;

pub(crate) use arg::Arg;
pub(crate) use row::{As, First, FromRow, Read, Row, Whole};
pub(crate) use sqlx::AssertSqlSafe;

use std::marker::PhantomData;
use std::path::PathBuf;

use sqlx::postgres::{PgConnection, PgPool};
use sqlx::sqlite::{SqliteConnection, SqlitePool};
use sqlx::{SqlSafeStr, SqlStr, Transaction};

use super::StoreError;

/// What both engines hold alike; each has a folder of its own for the rest.
static COMMON: sqlx::migrate::Migrator = sqlx::migrate!("migrations/common");

/// Connections to one database, for reading or for writing.
#[derive(Debug, Clone)]
pub(crate) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// A write transaction; what is not committed is rolled back when it is dropped.
#[derive(Debug)]
pub(crate) enum Tx {
    Sqlite(Transaction<'static, sqlx::Sqlite>),
    Postgres(Transaction<'static, sqlx::Postgres>),
}

/// Which SQL is understood beyond what both do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// Ends a selection of rows that several processes choose from at once; SQLite's writers are alone anyway.
    pub(crate) fn for_update_skip_locked(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => "FOR UPDATE SKIP LOCKED",
        }
    }
}

/// What an opened database consists of.
pub(crate) struct Opened {
    pub(crate) read: Pool,
    pub(crate) write: Pool,
    pub(crate) place: Place,
}

/// Where the database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    File(PathBuf),
    /// Host, port and database; never a password.
    Server(String),
}

/// Opens, and creates or brings up to date where needed, the database at a data folder or a url.
pub(crate) async fn open(location: &str, password: Option<&str>) -> Result<Opened, StoreError> {
    match postgres::is_url(location) {
        true => postgres::open(location, password).await,
        false => sqlite::open(location).await,
    }
}

impl Pool {
    pub(crate) fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// A write transaction. Writers take turns on both engines, so that none fails half-way for what another did, and
    /// what one reads in it stays true until it ends.
    pub(crate) async fn begin(&self) -> Result<Tx, StoreError> {
        match self {
            Self::Sqlite(pool) => Ok(Tx::Sqlite(sqlite::begin(pool).await?)),
            Self::Postgres(pool) => Ok(Tx::Postgres(postgres::begin(pool).await?)),
        }
    }

    /// A write transaction that waits for no turn where the engine lets several write: for what depends on the rows of
    /// one run alone, which the first statement locks.
    pub(crate) async fn begin_aside(&self) -> Result<Tx, StoreError> {
        match self {
            Self::Sqlite(pool) => Ok(Tx::Sqlite(sqlite::begin(pool).await?)),
            Self::Postgres(pool) => Ok(Tx::Postgres(postgres::begin_aside(pool).await?)),
        }
    }

    pub(crate) async fn version(&self) -> Result<String, StoreError> {
        query_scalar(match self.dialect() {
            Dialect::Sqlite => "SELECT 'SQLite ' || sqlite_version()",
            Dialect::Postgres => {
                "SELECT 'PostgreSQL ' || current_setting('server_version') || CASE WHEN ssl THEN ', TLS ' || version \
                 ELSE ', no TLS' END FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
            }
        })
        .fetch_one(self)
        .await
    }

    /// Has the engine drop what was deleted from its files, where it does not do so by itself; `false` while a reader
    /// still needs it.
    pub(crate) async fn let_go_of_deleted(&self) -> Result<bool, StoreError> {
        match self {
            Self::Sqlite(pool) => Ok(sqlite::fold_in(pool).await?),
            Self::Postgres(pool) => Ok(postgres::vacuum(pool).await?),
        }
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

impl Tx {
    pub(crate) fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx) => Ok(tx.commit().await?),
            Self::Postgres(tx) => Ok(tx.commit().await?),
        }
    }

    pub(crate) async fn rollback(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx) => Ok(tx.rollback().await?),
            Self::Postgres(tx) => Ok(tx.rollback().await?),
        }
    }
}

/// What a statement is sent to.
pub(crate) enum On<'a> {
    SqlitePool(&'a SqlitePool),
    PgPool(&'a PgPool),
    Sqlite(&'a mut SqliteConnection),
    Pg(&'a mut PgConnection),
}

impl<'a> From<&'a Pool> for On<'a> {
    fn from(pool: &'a Pool) -> Self {
        match pool {
            Pool::Sqlite(pool) => Self::SqlitePool(pool),
            Pool::Postgres(pool) => Self::PgPool(pool),
        }
    }
}

impl<'a> From<&'a mut Tx> for On<'a> {
    fn from(tx: &'a mut Tx) -> Self {
        match tx {
            Tx::Sqlite(tx) => Self::Sqlite(tx),
            Tx::Postgres(tx) => Self::Pg(tx),
        }
    }
}

/// What time it is where the database is: between machines, leases are judged by one clock.
pub(crate) async fn clock(on: impl Into<On<'_>>) -> Result<jiff::Timestamp, StoreError> {
    let on = on.into();
    let here = jiff::Timestamp::now();
    match on {
        // The same machine.
        On::SqlitePool(_) | On::Sqlite(_) => Ok(here),
        there => {
            let micros: i64 = query_scalar(postgres::CLOCK).fetch_one(there).await?;
            Ok(jiff::Timestamp::from_microsecond(micros).unwrap_or(here))
        }
    }
}

/// A statement whose rows are read by name.
pub(crate) fn query(sql: impl SqlSafeStr) -> Query<Whole> {
    Query::new(sql)
}

/// A statement whose rows are tuples.
pub(crate) fn query_as<T: FromRow>(sql: impl SqlSafeStr) -> Query<As<T>> {
    Query::new(sql)
}

/// A statement of one column.
pub(crate) fn query_scalar<T: row::Column>(sql: impl SqlSafeStr) -> Query<First<T>> {
    Query::new(sql)
}

/// `$first, …`: marks for so many values.
pub(crate) fn marks(first: usize, count: usize) -> String {
    (first..first + count).map(|i| format!("${i}")).collect::<Vec<_>>().join(", ")
}

/// A statement with its values.
pub(crate) struct Query<R> {
    sql: SqlStr,
    args: Vec<Arg>,
    read: PhantomData<fn() -> R>,
}

impl<R: Read> Query<R> {
    fn new(sql: impl SqlSafeStr) -> Self {
        Self { sql: sql.into_sql_str(), args: Vec::new(), read: PhantomData }
    }

    /// The value of the next mark.
    pub(crate) fn bind(mut self, value: impl Into<Arg>) -> Self {
        self.args.push(value.into());
        self
    }

    /// How many rows it changed.
    pub(crate) async fn execute(self, on: impl Into<On<'_>>) -> Result<Done, StoreError> {
        let Self { sql, args, .. } = self;
        let rows = match on.into() {
            On::SqlitePool(pool) => {
                sqlx::query_with(sql, arg::sqlite(args)?).execute(pool).await?.rows_affected()
            }
            On::Sqlite(conn) => {
                sqlx::query_with(sql, arg::sqlite(args)?).execute(conn).await?.rows_affected()
            }
            On::PgPool(pool) => {
                sqlx::query_with(sql, arg::postgres(args)?).execute(pool).await?.rows_affected()
            }
            On::Pg(conn) => sqlx::query_with(sql, arg::postgres(args)?).execute(conn).await?.rows_affected(),
        };
        Ok(Done(rows))
    }

    pub(crate) async fn fetch_all(self, on: impl Into<On<'_>>) -> Result<Vec<R::Out>, StoreError> {
        let Self { sql, args, .. } = self;
        let read_sqlite = |row| R::read(Row::Sqlite(row));
        let read_pg = |row| R::read(Row::Postgres(row));
        match on.into() {
            On::SqlitePool(pool) => {
                let rows = sqlx::query_with(sql, arg::sqlite(args)?).fetch_all(pool).await?;
                rows.into_iter().map(read_sqlite).collect()
            }
            On::Sqlite(conn) => {
                let rows = sqlx::query_with(sql, arg::sqlite(args)?).fetch_all(conn).await?;
                rows.into_iter().map(read_sqlite).collect()
            }
            On::PgPool(pool) => {
                let rows = sqlx::query_with(sql, arg::postgres(args)?).fetch_all(pool).await?;
                rows.into_iter().map(read_pg).collect()
            }
            On::Pg(conn) => {
                let rows = sqlx::query_with(sql, arg::postgres(args)?).fetch_all(conn).await?;
                rows.into_iter().map(read_pg).collect()
            }
        }
    }

    pub(crate) async fn fetch_optional(self, on: impl Into<On<'_>>) -> Result<Option<R::Out>, StoreError> {
        let Self { sql, args, .. } = self;
        let row = match on.into() {
            On::SqlitePool(pool) => {
                sqlx::query_with(sql, arg::sqlite(args)?).fetch_optional(pool).await?.map(Row::Sqlite)
            }
            On::Sqlite(conn) => {
                sqlx::query_with(sql, arg::sqlite(args)?).fetch_optional(conn).await?.map(Row::Sqlite)
            }
            On::PgPool(pool) => {
                sqlx::query_with(sql, arg::postgres(args)?).fetch_optional(pool).await?.map(Row::Postgres)
            }
            On::Pg(conn) => {
                sqlx::query_with(sql, arg::postgres(args)?).fetch_optional(conn).await?.map(Row::Postgres)
            }
        };
        row.map(R::read).transpose()
    }

    pub(crate) async fn fetch_one(self, on: impl Into<On<'_>>) -> Result<R::Out, StoreError> {
        self.fetch_optional(on).await?.ok_or_else(|| sqlx::Error::RowNotFound.into())
    }
}

/// What a statement did.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Done(u64);

impl Done {
    pub(crate) fn rows_affected(self) -> u64 {
        self.0
    }
}

/// A statement put together from parts; values only ever go in as marks.
pub(crate) struct Builder {
    sql: String,
    args: Vec<Arg>,
}

impl Builder {
    pub(crate) fn new(sql: &'static str) -> Self {
        Self { sql: sql.to_owned(), args: Vec::new() }
    }

    pub(crate) fn push(&mut self, sql: &'static str) -> &mut Self {
        self.sql.push_str(sql);
        self
    }

    pub(crate) fn push_bind(&mut self, value: impl Into<Arg>) -> &mut Self {
        self.args.push(value.into());
        self.sql.push_str(&format!("${}", self.args.len()));
        self
    }

    pub(crate) fn build(self) -> Query<Whole> {
        // Only parts known at compile time and marks went in.
        Query { sql: AssertSqlSafe(self.sql).into_sql_str(), args: self.args, read: PhantomData }
    }
}
