/*!
The store: all SQL of the workspace, behind typed async methods.

One SQLite file in the data folder by default. Writes go through one connection in `BEGIN IMMEDIATE`
transactions with `synchronous=FULL`, so that what was accepted survives a power cut and two processes on one
folder wait for each other instead of failing half-way; reads have connections of their own. Statements are
written in the common subset of SQLite and PostgreSQL (`$n`, `ON CONFLICT`, text times), apart from the word
index in `index.rs` and `migrations/sqlite`, so that a second engine can pass the same contract suite.
*/

mod audit;
mod codec;
mod error;
mod evidence;
mod forget;
mod frequencies;
mod incidents;
mod index;
mod learning;
mod listing;
mod model;
mod open;
mod problems;
mod reports;
mod resolutions;
mod runs;
mod transfer;

pub use error::StoreError;
pub use learning::SettledSample;
pub use model::*;
pub use resolutions::Remembered;
pub use transfer::{ExportSummary, ImportOptions, ImportSummary, ImportTrust, TRANSFER_SCHEMA};

pub(crate) use index::Document;
pub(crate) use resolutions::most_trusted_first;

use sqlx::sqlite::SqlitePool;
use sqlx::{Sqlite, Transaction};

/// Handle to the one database; cheap to clone, closed when the last clone is dropped or by [`Store::close`].
#[derive(Debug, Clone)]
pub struct Store {
    read: SqlitePool,
    write: SqlitePool,
    path: std::path::PathBuf,
    frequencies: std::sync::Arc<frequencies::Frequencies>,
}

impl Store {
    /// A write transaction: takes the write lock at once, so that it never fails for having read first.
    async fn begin(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        match self.write.begin_with("BEGIN IMMEDIATE").await {
            // SQLite rolls back by itself when the disk is full, which sqlx does not notice: the connection
            // would refuse every further transaction.
            Err(sqlx::Error::InvalidSavePointStatement) => {
                self.write.acquire().await?.close().await?;
                Ok(self.write.begin_with("BEGIN IMMEDIATE").await?)
            }
            other => Ok(other?),
        }
    }

    /// The database file.
    pub fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// Waits for the connections to close; the write-ahead log is folded into the file.
    pub async fn close(&self) {
        self.read.close().await;
        self.write.close().await;
    }
}

#[cfg(test)]
#[path = "contract_tests.rs"]
mod contract_tests;
#[cfg(test)]
#[path = "kill_tests.rs"]
mod kill_tests;
#[cfg(test)]
#[path = "sqlite_tests.rs"]
mod sqlite_tests;
#[cfg(test)]
pub(crate) mod testing;
