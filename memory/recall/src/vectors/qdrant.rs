/*!
The Qdrant engine: the only file that uses the server's client.

Each model has a collection of its own (`NAME-<hash of model and dimension>`) with a named dense vector and a named
sparse vector, for which the server computes the IDF. So a new model is filled beside the old one, which still answers
those that ask for it. Once the new one is complete, the alias `NAME` is moved and collections older than its
predecessor are removed. A hash of the incident's id identifies a point: writing one twice changes nothing.
*/

use millwright_model::{IncidentId, RepositoryId};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use qdrant_client::Payload;
use qdrant_client::QdrantError;
use qdrant_client::qdrant::vectors_config::Config;
use qdrant_client::qdrant::{
    Condition, CountPointsBuilder, CreateAliasBuilder, CreateCollectionBuilder,
    CreateFieldIndexCollectionBuilder, DeletePointsBuilder, Distance, FieldType, Filter, Fusion, Modifier,
    NamedVectors, PointId, PointStruct, PointsIdsList, PrefetchQueryBuilder, Query, QueryPointsBuilder,
    ScrollPointsBuilder, SparseVectorParamsBuilder, SparseVectorsConfigBuilder, UpsertPointsBuilder, Value,
    Vector, VectorInput, VectorParamsBuilder, VectorsConfigBuilder, point_id, vector_output,
};
use sha2::{Digest, Sha256};

use millwright_store::embed::ModelId;
use millwright_store::vectors::{
    VectorError, VectorFuture, VectorHit, VectorPage, VectorPoint, VectorQuery, VectorStore, check,
};

const DENSE: &str = "dense";
const WORDS: &str = "words";
/// Fields that a search filters by or that a person looks for.
const INDEXED: [&str; 4] = ["incident_id", "repository", "service", "environment"];
/// Candidates of each view that the server fuses, as a multiple of the limit of the query.
const PREFETCH: u64 = 2;
/// The start of the client's message when nobody answers at the address.
const NO_CONNECTION: &str = "Failed to connect";

/// Address and credentials of the server.
#[derive(Clone)]
pub struct QdrantOptions {
    /// The gRPC address: `http://qdrant:6334`, or `https://…` for TLS with the system's certificates.
    pub url: String,
    pub collection: String,
    pub api_key: Option<String>,
    pub timeout: Duration,
}

impl std::fmt::Debug for QdrantOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let key = self.api_key.as_ref().map(|_| "…");
        f.debug_struct("QdrantOptions")
            .field("url", &self.url)
            .field("collection", &self.collection)
            .field("api_key", &key)
            .finish_non_exhaustive()
    }
}

pub struct Qdrant {
    client: qdrant_client::Qdrant,
    collection: String,
    name: String,
}

impl std::fmt::Debug for Qdrant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Qdrant").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Qdrant {
    /// Connects at first use, so that a server that is down does not stop the start.
    ///
    /// # Errors
    /// When the address or the name of the collection is not valid.
    pub fn new(options: &QdrantOptions) -> Result<Self, VectorError> {
        let url = options.url.trim_end_matches('/');
        let bad = |detail: String| VectorError::BadUrl { url: options.url.clone(), detail };
        if !url.starts_with("http://") && !url.starts_with("https://") {
            return Err(bad("it must begin with http:// or https://".into()));
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if options.collection.is_empty() || !options.collection.chars().all(plain) {
            return Err(bad(format!(
                "vectors.collection {:?} may contain only letters, digits, _ and -",
                options.collection
            )));
        }
        let client = qdrant_client::Qdrant::from_url(url)
            .api_key(options.api_key.clone())
            .timeout(options.timeout)
            .connect_timeout(options.timeout.min(Duration::from_secs(5)))
            // The check prints to standard output, which is reserved for answers.
            .skip_compatibility_check()
            .build()
            .map_err(|error| bad(error.to_string()))?;
        Ok(Self {
            client,
            name: format!("{url}/{}", options.collection),
            collection: options.collection.clone(),
        })
    }

    /// The collection of a model.
    fn of(&self, model: &ModelId) -> String {
        let digest = Sha256::digest(format!("{}\n{}", model.name, model.dimension));
        format!("{}-{}", self.collection, hex::encode(digest.get(..4).unwrap_or_default()))
    }

    async fn collections(&self) -> Result<Vec<String>, VectorError> {
        let found = self.client.list_collections().await.map_err(|e| self.failed(&e))?;
        let prefix = format!("{}-", self.collection);
        let ours = |name: &String| {
            name.strip_prefix(&prefix)
                .is_some_and(|rest| rest.len() == 8 && rest.bytes().all(|b| b.is_ascii_hexdigit()))
        };
        Ok(found.collections.into_iter().map(|c| c.name).filter(ours).collect())
    }

    async fn make_room(&self, model: &ModelId) -> Result<(), VectorError> {
        let name = self.of(model);
        if self.client.collection_exists(&name).await.map_err(|e| self.failed(&e))? {
            return self.check_dimension(&name, model).await;
        }
        let mut vectors = VectorsConfigBuilder::default();
        vectors.add_named_vector_params(
            DENSE,
            VectorParamsBuilder::new(model.dimension as u64, Distance::Cosine),
        );
        let mut sparse = SparseVectorsConfigBuilder::default();
        sparse.add_named_vector_params(
            WORDS,
            SparseVectorParamsBuilder::default().modifier(i32::from(Modifier::Idf)),
        );
        let create =
            CreateCollectionBuilder::new(&name).vectors_config(vectors).sparse_vectors_config(sparse);
        if let Err(error) = self.client.create_collection(create).await {
            // Another worker may have created it first.
            if !self.client.collection_exists(&name).await.map_err(|e| self.failed(&e))? {
                return Err(self.failed(&error));
            }
        }
        for field in INDEXED {
            let index = CreateFieldIndexCollectionBuilder::new(&name, field, FieldType::Keyword).wait(true);
            self.client.create_field_index(index).await.map_err(|e| self.failed(&e))?;
        }
        Ok(())
    }

    async fn check_dimension(&self, name: &str, model: &ModelId) -> Result<(), VectorError> {
        let info = self.client.collection_info(name).await.map_err(|e| self.failed(&e))?;
        let params = info.result.and_then(|r| r.config).and_then(|c| c.params).and_then(|p| p.vectors_config);
        let size = match params.and_then(|p| p.config) {
            Some(Config::ParamsMap(map)) => map.map.get(DENSE).map(|p| p.size),
            Some(Config::Params(params)) => Some(params.size),
            None => None,
        };
        let found = usize::try_from(size.unwrap_or(0)).unwrap_or(usize::MAX);
        if found == model.dimension {
            return Ok(());
        }
        Err(VectorError::Dimension {
            engine: format!("{} (collection {name})", self.name),
            model: model.name.clone(),
            found,
            wanted: model.dimension,
        })
    }

    fn failed(&self, error: &QdrantError) -> VectorError {
        let engine = self.name.clone();
        match error {
            QdrantError::ResponseError { status } => {
                let detail: String =
                    format!("{}: {}", status.code(), status.message()).chars().take(300).collect();
                // Cancelled, unknown (the transport's), deadline exceeded, unavailable. The client reports a
                // connection that cannot be made as an internal error.
                match status.code() as i32 {
                    1 | 2 | 4 | 14 => VectorError::Unavailable { engine, detail },
                    13 if status.message().starts_with(NO_CONNECTION) => {
                        VectorError::Unavailable { engine, detail }
                    }
                    _ => VectorError::Refused { engine, detail },
                }
            }
            other => {
                let detail = other.to_string().chars().take(300).collect();
                VectorError::Unavailable { engine, detail }
            }
        }
    }
}

impl VectorStore for Qdrant {
    fn name(&self) -> &str {
        &self.name
    }

    fn prepare<'a>(&'a self, model: &'a ModelId) -> VectorFuture<'a, ()> {
        Box::pin(self.make_room(model))
    }

    fn upsert<'a>(&'a self, model: &'a ModelId, points: &'a [VectorPoint]) -> VectorFuture<'a, ()> {
        Box::pin(async move {
            for point in points {
                check(&self.name, model, &point.dense)?;
            }
            if points.is_empty() {
                return Ok(());
            }
            let points: Vec<PointStruct> = points.iter().map(encode).collect();
            let upsert = UpsertPointsBuilder::new(self.of(model), points).wait(true);
            self.client.upsert_points(upsert).await.map_err(|e| self.failed(&e))?;
            Ok(())
        })
    }

    fn remove<'a>(&'a self, incidents: &'a [IncidentId]) -> VectorFuture<'a, ()> {
        Box::pin(async move {
            for name in self.collections().await? {
                let ids = incidents.iter().map(point_id).collect();
                let delete = DeletePointsBuilder::new(name).points(PointsIdsList { ids }).wait(true);
                self.client.delete_points(delete).await.map_err(|e| self.failed(&e))?;
            }
            Ok(())
        })
    }

    fn search<'a>(&'a self, model: &'a ModelId, query: VectorQuery<'a>) -> VectorFuture<'a, Vec<VectorHit>> {
        Box::pin(async move {
            check(&self.name, model, query.dense)?;
            let filter = query.repository.map(|repository| {
                Filter::should([
                    Condition::matches("repository", repository.to_string()),
                    Condition::is_empty("repository"),
                ])
            });
            let (indices, values) = sparse(query.words);
            let ask = QueryPointsBuilder::new(self.of(model)).limit(query.limit as u64).with_payload(true);
            let ask = if indices.is_empty() {
                let ask =
                    ask.query(Query::new_nearest(VectorInput::new_dense(query.dense.to_vec()))).using(DENSE);
                filter.into_iter().fold(ask, QueryPointsBuilder::filter)
            } else {
                let each = PREFETCH * query.limit as u64;
                let dense = PrefetchQueryBuilder::default()
                    .query(Query::new_nearest(VectorInput::new_dense(query.dense.to_vec())))
                    .using(DENSE)
                    .limit(each);
                let words = PrefetchQueryBuilder::default()
                    .query(Query::new_nearest(VectorInput::new_sparse(indices, values)))
                    .using(WORDS)
                    .limit(each);
                let within = |part: PrefetchQueryBuilder| match &filter {
                    Some(filter) => part.filter(filter.clone()),
                    None => part,
                };
                ask.add_prefetch(within(dense))
                    .add_prefetch(within(words))
                    .query(Query::new_fusion(Fusion::Rrf))
            };
            let found = self.client.query(ask).await.map_err(|e| self.failed(&e))?;
            let hit = |point: qdrant_client::qdrant::ScoredPoint| {
                Some(VectorHit { incident_id: incident_of(&point.payload)?, score: f64::from(point.score) })
            };
            Ok(found.result.into_iter().filter_map(hit).collect())
        })
    }

    fn count<'a>(&'a self, model: &'a ModelId) -> VectorFuture<'a, u64> {
        Box::pin(async move {
            let count = CountPointsBuilder::new(self.of(model)).exact(true);
            let found = self.client.count(count).await.map_err(|e| self.failed(&e))?;
            Ok(found.result.map_or(0, |r| r.count))
        })
    }

    fn page<'a>(
        &'a self,
        model: &'a ModelId,
        after: Option<String>,
        limit: usize,
    ) -> VectorFuture<'a, VectorPage> {
        Box::pin(async move {
            let scroll = ScrollPointsBuilder::new(self.of(model))
                .limit(u32::try_from(limit).unwrap_or(u32::MAX))
                .with_payload(true)
                .with_vectors(true);
            let scroll = after.into_iter().fold(scroll, |s, id| s.offset(PointId::from(id)));
            let found = self.client.scroll(scroll).await.map_err(|e| self.failed(&e))?;
            let points = found.result.into_iter().filter_map(|point| {
                let dense = match point.vectors?.get_vector_by_name(DENSE)? {
                    vector_output::Vector::Dense(dense) => dense.data,
                    _ => return None,
                };
                Some(VectorPoint {
                    incident_id: incident_of(&point.payload)?,
                    // A repository that cannot be read is not "any": the point is left out, as one without its incident.
                    repository: match text(&point.payload, "repository") {
                        Some(id) => Some(RepositoryId::parse(&id).ok()?),
                        None => None,
                    },
                    service: text(&point.payload, "service"),
                    environment: text(&point.payload, "environment"),
                    dense,
                    words: Vec::new(),
                })
            });
            let next = found.next_page_offset.and_then(|id| match id.point_id_options? {
                point_id::PointIdOptions::Uuid(id) => Some(id),
                point_id::PointIdOptions::Num(_) => None,
            });
            Ok(VectorPage { points: points.collect(), next })
        })
    }

    fn activate<'a>(&'a self, model: &'a ModelId) -> VectorFuture<'a, ()> {
        Box::pin(async move {
            let name = self.of(model);
            let aliases = self.client.list_aliases().await.map_err(|e| self.failed(&e))?.aliases;
            let before =
                aliases.into_iter().find(|a| a.alias_name == self.collection).map(|a| a.collection_name);
            if before.as_deref() == Some(&name) {
                return Ok(());
            }
            let alias = CreateAliasBuilder::new(&name, &self.collection);
            self.client.create_alias(alias).await.map_err(|e| self.failed(&e))?;
            // The predecessor stays: workers that were not restarted still ask for its model.
            for old in self.collections().await? {
                if old != name && Some(&old) != before.as_ref() {
                    self.client.delete_collection(&old).await.map_err(|e| self.failed(&e))?;
                }
            }
            Ok(())
        })
    }
}

/// The incident that a point belongs to; `None` for points that another program put into the collection.
fn incident_of(payload: &HashMap<String, Value>) -> Option<IncidentId> {
    IncidentId::parse(&text(payload, "incident_id")?).ok()
}

fn point_id(incident: &IncidentId) -> PointId {
    let digest = Sha256::digest(incident.as_str());
    let mut bytes = [0u8; 16];
    bytes.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    PointId::from(uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string())
}

fn encode(point: &VectorPoint) -> PointStruct {
    let mut payload: HashMap<String, Value> = HashMap::new();
    payload.insert("incident_id".into(), point.incident_id.as_str().into());
    let repository = point.repository.as_ref().map(RepositoryId::as_str);
    let (service, environment) = (point.service.as_deref(), point.environment.as_deref());
    for (key, value) in [("repository", repository), ("service", service), ("environment", environment)] {
        if let Some(value) = value {
            payload.insert(key.into(), value.into());
        }
    }
    let mut vectors = NamedVectors::default().add_vector(DENSE, Vector::new_dense(point.dense.clone()));
    let (indices, values) = sparse(&point.words);
    if !indices.is_empty() {
        vectors = vectors.add_vector(WORDS, Vector::new_sparse(indices, values));
    }
    PointStruct::new(point_id(&point.incident_id), vectors, Payload::from(payload))
}

/// Words as a sparse vector: a hash of each as its index, the logarithm of its count as its value.
fn sparse(words: &[String]) -> (Vec<u32>, Vec<f32>) {
    let mut counts: BTreeMap<u32, f32> = BTreeMap::new();
    for word in words {
        // FNV-1a: part of the stored format.
        let hash = word.bytes().fold(0x811c_9dc5u32, |h, b| (h ^ u32::from(b)).wrapping_mul(0x0100_0193));
        *counts.entry(hash).or_default() += 1.0;
    }
    counts.into_iter().map(|(index, count)| (index, 1.0 + count.ln())).unzip()
}

fn text(payload: &HashMap<String, Value>, key: &str) -> Option<String> {
    payload.get(key)?.as_str().cloned()
}

#[cfg(test)]
#[path = "qdrant_tests.rs"]
mod tests;
