/*!
Vectors of incidents behind one trait, with the engine that is this database: searched exactly in memory. Servers are
engines of the crate that recalls.

An engine only finds; what a hit is worth is judged in recall, and what is known of an incident lies in the store
alone. So an engine may be lost or be down without anything being lost: recall then goes on by words and code, and
[`catch_up()`] fills in what is missing, batch by batch, each kept only once the engine has it.
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

/// An incident as an engine holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct VectorPoint {
    pub incident_id: IncidentId,
    pub repository: Option<RepositoryId>,
    pub service: Option<String>,
    pub environment: Option<String>,
    /// Of unit length.
    pub dense: Vec<f32>,
    /// Folded words as `tokenize::split` gives them, for engines that keep a sparse vector. An engine beside a word
    /// index of its own leaves them out, and pages without them.
    pub words: Vec<String>,
}

#[derive(Debug, Clone, Copy, Default)]
pub struct VectorQuery<'a> {
    /// Of unit length and the model's dimension.
    pub dense: &'a [f32],
    /// With words, an engine with sparse vectors fuses both views by reciprocal rank.
    pub words: &'a [String],
    /// Its incidents and those of no repository; `None`: all.
    pub repository: Option<&'a RepositoryId>,
    pub limit: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub struct VectorHit {
    pub incident_id: IncidentId,
    /// Cosine, or a fused rank where the query had words; comparable within one answer only.
    pub score: f64,
}

/// One stretch of everything an engine holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct VectorPage {
    pub points: Vec<VectorPoint>,
    /// Where the next page begins; `None` after the last.
    pub next: Option<String>,
}

/// An engine. Each call names the model, because vectors of two models must never meet.
pub trait VectorStore: Send + Sync + fmt::Debug {
    /// `embedded`, or the server's collection by address; part of how marks are kept.
    fn name(&self) -> &str;

    /// Makes room for a model's vectors where there is none yet.
    fn prepare<'a>(&'a self, model: &'a ModelId) -> VectorFuture<'a, ()>;

    /// Adds or replaces; all of them are found once this has answered.
    fn upsert<'a>(&'a self, model: &'a ModelId, points: &'a [VectorPoint]) -> VectorFuture<'a, ()>;

    /// Removes incidents, those of other models as well; unknown ones are no error.
    fn remove<'a>(&'a self, incidents: &'a [IncidentId]) -> VectorFuture<'a, ()>;

    /// The nearest, best first.
    fn search<'a>(&'a self, model: &'a ModelId, query: VectorQuery<'a>) -> VectorFuture<'a, Vec<VectorHit>>;

    fn count<'a>(&'a self, model: &'a ModelId) -> VectorFuture<'a, u64>;

    /// Everything, page by page, in an order of the engine's own.
    fn page<'a>(
        &'a self,
        model: &'a ModelId,
        after: Option<String>,
        limit: usize,
    ) -> VectorFuture<'a, VectorPage>;

    /// The model is complete: who asks by the engine's name gets it from now on, and others may go.
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
             recall goes on by words and code meanwhile"
    )]
    Unavailable { engine: String, detail: String },
    #[error("the vector server {engine} refused ({detail}); check its version and vectors.api_key_env")]
    Refused { engine: String, detail: String },
    #[error("moving vectors from {from} to {to}: {detail}; the old ones are untouched, repeat the migration")]
    Migration { from: String, to: String, detail: String },
    #[error("vectors.url {url:?} is not understood ({detail}); write \"embedded\" or \"http://qdrant:6334\"")]
    BadUrl { url: String, detail: String },
}

/// The dense side of a store: which model embeds, which engine finds.
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

    /// The vector to be stored with the incident, in its own transaction.
    pub(crate) fn at_once(&self, ticket: &millwright_model::ParsedTicket) -> Option<Vec<f32>> {
        if !self.is_embedded() {
            return None;
        }
        self.embedder.at_once(&crate::embed::EmbedText::of_ticket(ticket))
    }
}

/// A vector must have its model's dimension before it goes anywhere.
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
