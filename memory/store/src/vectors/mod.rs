/*!
Vectors of incidents behind one trait, with this database as the built-in engine, which searches exactly in memory.
The recall crate implements servers as engines.

An engine only finds; recall judges a hit, and only the store holds knowledge about incidents. So nothing is lost if
an engine is lost or down: recall continues with words and code, and [`catch_up()`] adds what is missing, batch by
batch, each recorded only once the engine has it.
*/

mod catch_up;
mod embedded;
pub(crate) mod rows;
mod scan;

use millwright_model::{IncidentId, RepositoryId};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

pub use catch_up::{CatchUpProgress, catch_up};
pub(crate) use embedded::EmbeddedVectors;
pub use rows::{EMBEDDED, PendingVector, SpaceId};
pub(crate) use rows::{SpaceState, VectorRows};

use crate::StoreError;
use crate::embed::{EmbedError, Embedder, LexicalEmbedder, ModelId};

pub type VectorFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, VectorError>> + Send + 'a>>;

/// An incident as an engine stores it.
#[derive(Debug, Clone, PartialEq)]
pub struct VectorPoint {
    pub incident_id: IncidentId,
    pub repository: Option<RepositoryId>,
    pub service: Option<String>,
    pub environment: Option<String>,
    /// A vector of unit length.
    pub dense: Vec<f32>,
    /// Folded words as `tokenize::split` returns them, for engines that store a sparse vector. The embedded engine,
    /// which has a word index beside it, leaves them out, also from pages.
    pub words: Vec<String>,
}

#[derive(Debug, Clone, Copy, Default)]
pub struct VectorQuery<'a> {
    /// Of unit length and the model's dimension.
    pub dense: &'a [f32],
    /// With words, an engine with sparse vectors fuses both views by reciprocal rank.
    pub words: &'a [String],
    /// Limits the search to its incidents and those without a repository; `None`: all.
    pub repository: Option<&'a RepositoryId>,
    pub limit: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub struct VectorHit {
    pub incident_id: IncidentId,
    /// Cosine, or a fused rank if the query had words; comparable within one result only.
    pub score: f64,
}

/// One page of everything that an engine holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct VectorPage {
    pub points: Vec<VectorPoint>,
    /// Where the next page begins; `None` after the last.
    pub next: Option<String>,
}

/// An engine. Each call names the model, because vectors of two models must never meet.
pub trait VectorStore: Send + Sync + fmt::Debug {
    /// `embedded`, or the server's collection by address; part of the key of stored marks.
    fn name(&self) -> &str;

    /// Creates the space for a model's vectors if there is none yet.
    fn prepare<'a>(&'a self, model: &'a ModelId) -> VectorFuture<'a, ()>;

    /// Adds or replaces points; once this returns, searches find all of them.
    fn upsert<'a>(&'a self, model: &'a ModelId, points: &'a [VectorPoint]) -> VectorFuture<'a, ()>;

    /// Removes incidents, also from the spaces of other models; unknown ones are not an error.
    fn remove<'a>(&'a self, incidents: &'a [IncidentId]) -> VectorFuture<'a, ()>;

    /// The nearest, best first.
    fn search<'a>(&'a self, model: &'a ModelId, query: VectorQuery<'a>) -> VectorFuture<'a, Vec<VectorHit>>;

    fn count<'a>(&'a self, model: &'a ModelId) -> VectorFuture<'a, u64>;

    /// All points, page by page, in an order of the engine's choice.
    fn page<'a>(
        &'a self,
        model: &'a ModelId,
        after: Option<String>,
        limit: usize,
    ) -> VectorFuture<'a, VectorPage>;

    /// Declares the model complete: callers that use the engine's name get it from now on, and other models may be
    /// removed.
    fn activate<'a>(&'a self, model: &'a ModelId) -> VectorFuture<'a, ()>;
}

#[derive(Debug, thiserror::Error)]
pub enum VectorError {
    #[error(transparent)]
    Embed(#[from] EmbedError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(
        "vectors of {found} dimensions in {engine} do not fit the model {model}, which has {wanted}; \
             name the right model, or another vectors.collection: it is filled again from memory"
    )]
    Dimension { engine: String, model: String, found: usize, wanted: usize },
    #[error(
        "the vector server {engine} does not answer ({detail}); check vectors.url and that it runs: \
             recall continues with words and code meanwhile"
    )]
    Unavailable { engine: String, detail: String },
    #[error("the vector server {engine} refused ({detail}); check its version and vectors.api_key_env")]
    Refused { engine: String, detail: String },
    #[error("moving vectors from {from} to {to}: {detail}; the old ones are untouched, repeat the migration")]
    Migration { from: String, to: String, detail: String },
    #[error("vectors.url {url:?} is not understood ({detail}); write \"embedded\" or \"http://qdrant:6334\"")]
    BadUrl { url: String, detail: String },
}

/// The dense side of a store: which model embeds, and which engine searches.
#[derive(Debug, Clone)]
pub struct VectorIndex {
    embedder: Arc<dyn Embedder>,
    engine: Arc<dyn VectorStore>,
    space: SpaceId,
}

impl VectorIndex {
    pub(crate) fn new(embedder: Arc<dyn Embedder>, engine: Arc<dyn VectorStore>, space: SpaceId) -> Self {
        Self { embedder, engine, space }
    }

    pub fn built_in() -> Arc<dyn Embedder> {
        Arc::new(LexicalEmbedder::default())
    }

    pub fn embedder(&self) -> &dyn Embedder {
        self.embedder.as_ref()
    }

    pub fn shared_embedder(&self) -> Arc<dyn Embedder> {
        Arc::clone(&self.embedder)
    }

    pub fn engine(&self) -> &dyn VectorStore {
        self.engine.as_ref()
    }

    pub fn space(&self) -> SpaceId {
        self.space
    }

    pub fn is_embedded(&self) -> bool {
        self.engine.name() == EMBEDDED
    }

    /// The vector to store with the incident, in the incident's transaction.
    pub(crate) fn at_once(&self, ticket: &millwright_model::ParsedTicket) -> Option<Vec<f32>> {
        if !self.is_embedded() {
            return None;
        }
        self.embedder.at_once(&crate::embed::EmbedText::of_ticket(ticket))
    }
}

/// Checks that a vector has its model's dimension before it is sent anywhere.
pub fn check(engine: &str, model: &ModelId, vector: &[f32]) -> Result<(), VectorError> {
    if vector.len() == model.dimension {
        return Ok(());
    }
    Err(VectorError::Dimension {
        engine: engine.to_owned(),
        model: model.name.clone(),
        found: vector.len(),
        wanted: model.dimension,
    })
}
