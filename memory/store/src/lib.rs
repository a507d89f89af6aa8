/*!
The store: all SQL of the workspace, behind typed async methods.

One SQLite file in the data folder by default, or a PostgreSQL database for several processes and machines. Accepted
data survives a power cut, and writers wait for each other instead of failing half-way. Statements use the common
subset of both engines (`$n`, `ON CONFLICT`, text times); `db`, `fulltext` and the migrations of each engine hold the
differences, and the same contract suite runs on both.
*/

mod audit;
mod codec;
mod db;
pub mod embed;
mod error;
mod evaluations;
mod evidence;
mod feedback;
mod forget;
mod frequencies;
mod fulltext;
mod hypotheses;
mod incidents;
mod index;
mod judging;
mod knowledge;
mod learning;
mod lessons;
mod listing;
mod model;
mod past;
mod payloads;
pub mod private;
mod problems;
mod queue;
mod reports;
mod resolutions;
mod run_files;
mod runs;
mod scope;
mod service;
mod signature;
pub mod structure_keys;
pub mod tokenize;
mod transfer;
pub mod vectors;

pub use codec::now;
pub use db::DatabaseLocation;
pub use error::{StoreError, is_transient};
pub use feedback::commit_named;
pub use judging::{BY_LINK, FeedbackAuthor, FeedbackResult, FeedbackRights, PriorFeedback};
pub use lessons::{EarlierCauses, FailedFixRecord};
pub use model::*;
pub use past::{PastSummary, past_incident_id};
pub use queue::{Job, JobKind, JobState, Note, NoteState};
pub use resolutions::RememberResult;
pub use service::*;
pub use signature::signer_of;
pub use transfer::{ExportSummary, ImportOptions, ImportSummary, ImportTrust, TRANSFER_SCHEMA};

pub use fulltext::IndexCandidate;
pub use index::RecallDocument;
pub use resolutions::most_trusted_first;

use std::sync::Arc;

use db::{Pool, WriteTransaction, WriteTurn};
use millwright_model::Scope;

use crate::embed::Embedder;
use crate::scope::StoreScope;
use crate::vectors::{EMBEDDED, EmbeddedVectors, VectorIndex, VectorRows, VectorStore};

/// The open database, without a scope. Cheap to clone; closed when the last clone is dropped or by [`Store::close`].
#[derive(Debug, Clone)]
pub struct Database {
    unscoped: Store,
}

impl Database {
    /// Opens the store at a data folder, a `sqlite://` or a `postgres://` URL, and creates or migrates it if needed.
    pub async fn open(location: &str) -> Result<Database, StoreError> {
        Self::open_with(location, None).await
    }

    /// Like [`Database::open`], with a server's password, which is then not in the URL.
    pub async fn open_with(location: &str, password: Option<&str>) -> Result<Database, StoreError> {
        let db::OpenedDatabase { read, write, place } = db::open(location, password).await?;
        let embedder = VectorIndex::built_in();
        let rows = VectorRows { read: read.clone(), write: write.clone() };
        let space = rows.space(EMBEDDED, embedder.model()).await?;
        let vector_index = VectorIndex::new(embedder, Arc::new(EmbeddedVectors::new(rows)), space);
        let scope = StoreScope::new(Scope::installation("millwright"));
        let place = Arc::new(place);
        let unscoped = Store { read, write, place, frequencies: Default::default(), vector_index, scope };
        Ok(Database { unscoped })
    }

    /// The database as it exists within a scope.
    pub fn seen_by(&self, scope: Scope) -> Store {
        self.unscoped.scoped(scope)
    }

    /// The same database with another model or another vector engine, see [`Store::with_vector_index`].
    pub async fn with_vector_index(
        &self,
        embedder: Arc<dyn Embedder>,
        engine: Option<Arc<dyn VectorStore>>,
    ) -> Result<Database, StoreError> {
        Ok(Database { unscoped: self.unscoped.with_vector_index(embedder, engine).await? })
    }

    /// Waits for the connections to close.
    pub async fn close(&self) {
        self.unscoped.close().await;
    }
}

/// The database as it exists within a [`Scope`]. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    read: Pool,
    write: Pool,
    place: Arc<DatabaseLocation>,
    frequencies: Arc<frequencies::WordFrequencies>,
    vector_index: VectorIndex,
    scope: Arc<StoreScope>,
}

impl Store {
    /// Opens a database within a scope; see [`Database::open`].
    pub async fn open(location: &str, scope: Scope) -> Result<Store, StoreError> {
        Ok(Database::open(location).await?.seen_by(scope))
    }

    /// Begins a write transaction; writers of the same rows take turns.
    async fn begin(&self, turn: WriteTurn<'_>) -> Result<WriteTransaction, StoreError> {
        self.write.begin(turn).await
    }

    /// The same store with another model or another vector engine. Until an incident is embedded there, words and
    /// code still find it, see [`vectors::catch_up`].
    pub async fn with_vector_index(
        &self,
        embedder: Arc<dyn Embedder>,
        engine: Option<Arc<dyn VectorStore>>,
    ) -> Result<Store, StoreError> {
        let engine = engine.unwrap_or_else(|| self.embedded_engine());
        let space = vectors::rows::space_of(&self.write, engine.name(), embedder.model()).await?;
        Ok(Store { vector_index: VectorIndex::new(embedder, engine, space), ..self.clone() })
    }

    /// This database as a vector engine.
    pub fn embedded_engine(&self) -> Arc<dyn VectorStore> {
        Arc::new(EmbeddedVectors::new(self.vector_rows()))
    }

    pub fn vector_index(&self) -> &VectorIndex {
        &self.vector_index
    }

    pub(crate) fn vector_rows(&self) -> VectorRows {
        VectorRows { read: self.read.clone(), write: self.write.clone() }
    }

    /// Where the database is.
    pub fn place(&self) -> &DatabaseLocation {
        &self.place
    }

    /// Engine, version and location, for a person.
    pub async fn described(&self) -> Result<String, StoreError> {
        let engine = self.read.version().await?;
        Ok(match self.place() {
            DatabaseLocation::File(path) => format!("{engine}, {}", path.display()),
            DatabaseLocation::Server(server) => format!("{engine}, {server}"),
        })
    }

    /// Waits for the connections to close; SQLite's write-ahead log is copied into the file.
    pub async fn close(&self) {
        self.read.close().await;
        self.write.close().await;
    }
}

#[cfg(test)]
#[path = "cleanup_tests.rs"]
mod cleanup_tests;
#[cfg(test)]
#[path = "concurrency_tests.rs"]
mod concurrency_tests;
#[cfg(test)]
#[path = "contract_tests.rs"]
mod contract_tests;
#[cfg(test)]
#[path = "kill_tests.rs"]
mod kill_tests;
#[cfg(test)]
#[path = "migration_tests.rs"]
mod migration_tests;
#[cfg(test)]
#[path = "postgres_tests.rs"]
mod postgres_tests;
#[cfg(test)]
#[path = "sqlite_tests.rs"]
mod sqlite_tests;
#[cfg(test)]
pub(crate) mod testing;
