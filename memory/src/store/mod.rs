/*!
The store: all SQL of the workspace, behind typed async methods.

One SQLite file in the data folder by default, or a PostgreSQL database for several processes and machines. What was
accepted survives a power cut, and writers wait for each other instead of failing half-way. Statements are written in
the common subset of both (`$n`, `ON CONFLICT`, text times); what differs lies in `db`, in `words` and in the
migrations of each, and the same contract suite runs on both.
*/

mod audit;
mod codec;
mod db;
mod error;
mod evaluations;
mod evidence;
mod feedback;
mod forget;
mod frequencies;
mod incidents;
mod index;
mod learning;
mod lessons;
mod listing;
mod model;
mod past;
mod problems;
mod reports;
mod resolutions;
mod run_files;
mod runs;
mod service;
mod signature;
mod transfer;
mod vectors;
mod words;

pub use db::Place;
pub use error::StoreError;
pub use feedback::{FeedbackResult, commit_named};
pub use learning::SettledSample;
pub use lessons::{EarlierCauses, FailedFixRecord};
pub use model::*;
pub use past::{PastIncident, PastResolution, PastSummary};
pub use resolutions::Remembered;
pub use service::*;
pub use signature::{Signer, signer_of};
pub use transfer::{ExportSummary, ImportOptions, ImportSummary, ImportTrust, TRANSFER_SCHEMA};

pub(crate) use index::Document;
pub(crate) use resolutions::most_trusted_first;
pub(crate) use vectors::{EMBEDDED, Pending, SpaceId, SpaceState, VectorRows};

use std::sync::Arc;

use db::{Pool, Tx};

use crate::embed::Embedder;
use crate::vectors::{Dense, Embedded, VectorStore};

/// Handle to the one database; cheap to clone, closed when the last clone is dropped or by [`Store::close`].
#[derive(Debug, Clone)]
pub struct Store {
    read: Pool,
    write: Pool,
    place: Place,
    frequencies: std::sync::Arc<frequencies::Frequencies>,
    dense: Dense,
}

impl Store {
    /// Opens, and creates or brings up to date where needed, the store at a data folder, a `sqlite://` or a
    /// `postgres://` url.
    pub async fn open(location: &str) -> Result<Store, StoreError> {
        Self::open_with(location, None).await
    }

    /// The same with a server's password, which then stands in no url.
    pub async fn open_with(location: &str, password: Option<&str>) -> Result<Store, StoreError> {
        let db::Opened { read, write, place } = db::open(location, password).await?;
        let embedder = Dense::built_in();
        let rows = VectorRows { read: read.clone(), write: write.clone() };
        let space = rows.space(EMBEDDED, embedder.model()).await?;
        let dense = Dense::new(embedder, Arc::new(Embedded::new(rows)), space);
        Ok(Store { read, write, place, frequencies: Default::default(), dense })
    }

    /// A write transaction; writers take turns.
    async fn begin(&self) -> Result<Tx, StoreError> {
        self.write.begin().await
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

    /// Where the database is.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Engine, version and place, for a person.
    pub async fn described(&self) -> Result<String, StoreError> {
        let engine = self.read.version().await?;
        Ok(match &self.place {
            Place::File(path) => format!("{engine}, {}", path.display()),
            Place::Server(server) => format!("{engine}, {server}"),
        })
    }

    /// Waits for the connections to close; SQLite's write-ahead log is folded into the file.
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
#[path = "postgres_tests.rs"]
mod postgres_tests;
#[cfg(test)]
#[path = "sqlite_tests.rs"]
mod sqlite_tests;
#[cfg(test)]
#[path = "../../tests/postgres/mod.rs"]
mod test_server;
#[cfg(test)]
pub(crate) mod testing;
