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
mod past;
mod problems;
mod reports;
mod resolutions;
mod runs;
mod service;
mod transfer;
mod vectors;

pub use error::StoreError;
pub use learning::SettledSample;
pub use model::*;
pub use past::{PastIncident, PastResolution, PastSummary};
pub use resolutions::Remembered;
pub use service::*;
pub use transfer::{ExportSummary, ImportOptions, ImportSummary, ImportTrust, TRANSFER_SCHEMA};

pub(crate) use index::Document;
pub(crate) use resolutions::most_trusted_first;
pub(crate) use vectors::{EMBEDDED, Pending, SpaceId, SpaceState, VectorRows};

use std::sync::Arc;

use sqlx::sqlite::SqlitePool;
use sqlx::{Sqlite, Transaction};

use crate::embed::Embedder;
use crate::vectors::{Dense, Embedded, VectorStore};

/// Handle to the one database; cheap to clone, closed when the last clone is dropped or by [`Store::close`].
#[derive(Debug, Clone)]
pub struct Store {
    read: SqlitePool,
    write: SqlitePool,
    path: std::path::PathBuf,
    frequencies: std::sync::Arc<frequencies::Frequencies>,
    dense: Dense,
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

    /// The same store with another model or another engine for vectors. What is not embedded there yet is found by
    /// words and code meanwhile, see [`crate::vectors::catch_up`].
    pub async fn with_dense(
        &self,
        embedder: Arc<dyn Embedder>,
        engine: Option<Arc<dyn VectorStore>>,
    ) -> Result<Store, StoreError> {
        let engine = engine.unwrap_or_else(|| self.embedded_engine());
        let space = vectors::space_of(&self.write, engine.name(), embedder.model()).await?;
        Ok(Store { dense: Dense::new(embedder, engine, space), ..self.clone() })
    }

    /// This database as an engine.
    pub fn embedded_engine(&self) -> Arc<dyn VectorStore> {
        Arc::new(Embedded::new(self.vector_rows()))
    }

    pub fn dense(&self) -> &Dense {
        &self.dense
    }

    pub(crate) fn vector_rows(&self) -> VectorRows {
        VectorRows { read: self.read.clone(), write: self.write.clone() }
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
#[path = "cleanup_tests.rs"]
mod cleanup_tests;
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
