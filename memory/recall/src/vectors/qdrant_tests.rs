//! A fake Qdrant server, built from the protocol's generated traits, that keeps points in memory and answers the
//! calls that this client makes. It refuses every other call, so a new call cannot go untested.

use std::sync::{Arc, Mutex};

use millwright_store::embed::ModelId;
use millwright_store::vectors::{VectorIndex, catch_up};
use qdrant_client::qdrant::alias_operations::Action;
use qdrant_client::qdrant::collections_server::{Collections, CollectionsServer};
use qdrant_client::qdrant::condition::ConditionOneOf;
use qdrant_client::qdrant::r#match::MatchValue;
use qdrant_client::qdrant::points_selector::PointsSelectorOneOf;
use qdrant_client::qdrant::points_server::{Points, PointsServer};
use qdrant_client::qdrant::vectors::VectorsOptions;
use qdrant_client::qdrant::{self as wire, query, vector, vector_input, vectors_output};
use tonic::{Request, Response, Status, async_trait};

use super::*;
use crate::testing::{ANNA, incident, prose, temporary};
use crate::vectors::migrate;

#[derive(Debug, Default)]
struct Held {
    collections: BTreeMap<String, Collection>,
    aliases: BTreeMap<String, String>,
    /// Names of the calls, in order.
    calls: Vec<&'static str>,
    keys: Vec<String>,
}

#[derive(Debug, Default)]
struct Collection {
    size: u64,
    modifier: Option<i32>,
    indexed: Vec<String>,
    points: BTreeMap<String, wire::PointStruct>,
}

#[derive(Debug, Clone, Default)]
struct Fake(Arc<Mutex<Held>>);

impl Fake {
    fn note<T>(&self, call: &'static str, request: &Request<T>) -> std::sync::MutexGuard<'_, Held> {
        let mut held = self.0.lock().unwrap();
        held.calls.push(call);
        let key = request.metadata().get("api-key").and_then(|k| k.to_str().ok()).unwrap_or("").to_owned();
        held.keys.push(key);
        held
    }
}

fn id_of(id: &PointId) -> String {
    match id.point_id_options.clone().unwrap() {
        point_id::PointIdOptions::Uuid(id) => id,
        point_id::PointIdOptions::Num(n) => panic!("a numbered point {n}"),
    }
}

fn named(point: &wire::PointStruct, name: &str) -> Option<vector::Vector> {
    match point.vectors.clone()?.vectors_options? {
        VectorsOptions::Vectors(named) => named.vectors.get(name)?.vector.clone(),
        VectorsOptions::Vector(_) => panic!("an unnamed vector"),
    }
}

fn fits(point: &wire::PointStruct, filter: Option<&Filter>) -> bool {
    let Some(filter) = filter else { return true };
    assert!(filter.must.is_empty() && filter.must_not.is_empty() && !filter.should.is_empty());
    filter.should.iter().any(|condition| match condition.condition_one_of.as_ref().unwrap() {
        ConditionOneOf::Field(field) => match field.r#match.as_ref().unwrap().match_value.as_ref().unwrap() {
            MatchValue::Keyword(word) => {
                point.payload.get(&field.key).and_then(|v| v.as_str()).is_some_and(|v| v == word)
            }
            other => panic!("{other:?}"),
        },
        ConditionOneOf::IsEmpty(empty) => !point.payload.contains_key(&empty.key),
        other => panic!("{other:?}"),
    })
}

/// Scores of one view, best first: cosine, or the dot product with the server's IDF.
fn ranked(
    collection: &Collection,
    query: Option<&Query>,
    using: &str,
    filter: Option<&Filter>,
    limit: u64,
) -> Vec<(String, f32)> {
    let Some(query::Variant::Nearest(input)) = query.and_then(|q| q.variant.clone()) else {
        panic!("{query:?}")
    };
    let sparse_of = |point: &wire::PointStruct| match named(point, using) {
        Some(vector::Vector::Sparse(sparse)) => sparse.indices.into_iter().zip(sparse.values).collect(),
        _ => HashMap::<u32, f32>::new(),
    };
    let total = collection.points.len() as f32;
    let score = |point: &wire::PointStruct| match input.variant.as_ref().unwrap() {
        vector_input::Variant::Dense(asked) => match named(point, using) {
            Some(vector::Vector::Dense(own)) => asked.data.iter().zip(own.data).map(|(a, b)| a * b).sum(),
            other => panic!("{other:?}"),
        },
        vector_input::Variant::Sparse(asked) => {
            assert_eq!(collection.modifier, Some(i32::from(Modifier::Idf)));
            let own = sparse_of(point);
            let weighed = asked.indices.iter().zip(&asked.values).map(|(index, value)| {
                let df =
                    collection.points.values().filter(|p| sparse_of(p).contains_key(index)).count() as f32;
                let idf = ((total - df + 0.5) / (df + 0.5) + 1.0).ln();
                value * own.get(index).copied().unwrap_or(0.0) * idf
            });
            weighed.sum()
        }
        other => panic!("{other:?}"),
    };
    let mut found: Vec<(String, f32)> = collection
        .points
        .iter()
        .filter(|(_, point)| fits(point, filter))
        .map(|(id, point)| (id.clone(), score(point)))
        .filter(|(_, score)| using == DENSE || *score > 0.0)
        .collect();
    found.sort_by(|a, b| b.1.total_cmp(&a.1));
    found.truncate(limit as usize);
    found
}

fn done() -> Result<Response<wire::PointsOperationResponse>, Status> {
    Ok(Response::new(wire::PointsOperationResponse {
        result: Some(wire::UpdateResult { status: 2, ..Default::default() }),
        ..Default::default()
    }))
}

fn yes() -> Result<Response<wire::CollectionOperationResponse>, Status> {
    Ok(Response::new(wire::CollectionOperationResponse { result: true, time: 0.0 }))
}

macro_rules! refuse {
    ($($name:ident($request:ident) -> $response:ident;)*) => {
        $(fn $name<'life0, 'async_trait>(
            &'life0 self,
            _: Request<wire::$request>,
        ) -> std::pin::Pin<Box<dyn std::future::Future<Output = Result<Response<wire::$response>, Status>> + Send + 'async_trait>>
        where
            'life0: 'async_trait,
            Self: 'async_trait,
        {
            Box::pin(async { Err(Status::unimplemented(stringify!($name))) })
        })*
    };
}

#[async_trait]
impl Collections for Fake {
    async fn get(
        &self,
        request: Request<wire::GetCollectionInfoRequest>,
    ) -> Result<Response<wire::GetCollectionInfoResponse>, Status> {
        let held = self.note("get", &request);
        let name = &request.get_ref().collection_name;
        let collection = held.collections.get(name).ok_or(Status::not_found("no such collection"))?;
        let mut vectors = VectorsConfigBuilder::default();
        vectors.add_named_vector_params(DENSE, VectorParamsBuilder::new(collection.size, Distance::Cosine));
        let params = wire::CollectionParams { vectors_config: Some(vectors.into()), ..Default::default() };
        let config = wire::CollectionConfig { params: Some(params), ..Default::default() };
        let info = wire::CollectionInfo { config: Some(config), ..Default::default() };
        Ok(Response::new(wire::GetCollectionInfoResponse { result: Some(info), time: 0.0 }))
    }

    async fn list(
        &self,
        request: Request<wire::ListCollectionsRequest>,
    ) -> Result<Response<wire::ListCollectionsResponse>, Status> {
        let held = self.note("list", &request);
        let collections =
            held.collections.keys().map(|name| wire::CollectionDescription { name: name.clone() }).collect();
        Ok(Response::new(wire::ListCollectionsResponse { collections, time: 0.0 }))
    }

    async fn create(
        &self,
        request: Request<wire::CreateCollection>,
    ) -> Result<Response<wire::CollectionOperationResponse>, Status> {
        let mut held = self.note("create", &request);
        let asked = request.into_inner();
        let Some(Config::ParamsMap(vectors)) = asked.vectors_config.unwrap().config else {
            panic!("unnamed")
        };
        let dense = &vectors.map[DENSE];
        assert_eq!(dense.distance, i32::from(Distance::Cosine));
        let modifier = asked.sparse_vectors_config.unwrap().map[WORDS].modifier;
        let collection = Collection { size: dense.size, modifier, ..Default::default() };
        held.collections.insert(asked.collection_name, collection);
        yes()
    }

    async fn delete(
        &self,
        request: Request<wire::DeleteCollection>,
    ) -> Result<Response<wire::CollectionOperationResponse>, Status> {
        let mut held = self.note("delete", &request);
        held.collections.remove(&request.get_ref().collection_name);
        yes()
    }

    async fn update_aliases(
        &self,
        request: Request<wire::ChangeAliases>,
    ) -> Result<Response<wire::CollectionOperationResponse>, Status> {
        let mut held = self.note("update_aliases", &request);
        for operation in request.into_inner().actions {
            let Some(Action::CreateAlias(alias)) = operation.action else { panic!("no creation") };
            assert!(held.collections.contains_key(&alias.collection_name));
            held.aliases.insert(alias.alias_name, alias.collection_name);
        }
        yes()
    }

    async fn list_aliases(
        &self,
        request: Request<wire::ListAliasesRequest>,
    ) -> Result<Response<wire::ListAliasesResponse>, Status> {
        let held = self.note("list_aliases", &request);
        let alias = |(alias, name): (&String, &String)| wire::AliasDescription {
            alias_name: alias.clone(),
            collection_name: name.clone(),
        };
        Ok(Response::new(wire::ListAliasesResponse {
            aliases: held.aliases.iter().map(alias).collect(),
            time: 0.0,
        }))
    }

    async fn collection_exists(
        &self,
        request: Request<wire::CollectionExistsRequest>,
    ) -> Result<Response<wire::CollectionExistsResponse>, Status> {
        let held = self.note("collection_exists", &request);
        let exists = held.collections.contains_key(&request.get_ref().collection_name);
        let result = Some(wire::CollectionExists { exists });
        Ok(Response::new(wire::CollectionExistsResponse { result, time: 0.0 }))
    }

    refuse! {
        update(UpdateCollection) -> CollectionOperationResponse;
        list_collection_aliases(ListCollectionAliasesRequest) -> ListAliasesResponse;
        collection_cluster_info(CollectionClusterInfoRequest) -> CollectionClusterInfoResponse;
        update_collection_cluster_setup(UpdateCollectionClusterSetupRequest) -> UpdateCollectionClusterSetupResponse;
        create_shard_key(CreateShardKeyRequest) -> CreateShardKeyResponse;
        delete_shard_key(DeleteShardKeyRequest) -> DeleteShardKeyResponse;
        list_shard_keys(ListShardKeysRequest) -> ListShardKeysResponse;
    }
}

#[async_trait]
impl Points for Fake {
    async fn upsert(
        &self,
        request: Request<wire::UpsertPoints>,
    ) -> Result<Response<wire::PointsOperationResponse>, Status> {
        let mut held = self.note("upsert", &request);
        let asked = request.into_inner();
        assert_eq!(asked.wait, Some(true));
        let collection = held
            .collections
            .get_mut(&asked.collection_name)
            .ok_or(Status::not_found("no such collection"))?;
        for point in asked.points {
            let Some(vector::Vector::Dense(dense)) = named(&point, DENSE) else { panic!("no dense vector") };
            assert_eq!(dense.data.len() as u64, collection.size);
            collection.points.insert(id_of(point.id.as_ref().unwrap()), point);
        }
        done()
    }

    async fn delete(
        &self,
        request: Request<wire::DeletePoints>,
    ) -> Result<Response<wire::PointsOperationResponse>, Status> {
        let mut held = self.note("delete_points", &request);
        let asked = request.into_inner();
        assert_eq!(asked.wait, Some(true));
        let Some(PointsSelectorOneOf::Points(list)) = asked.points.unwrap().points_selector_one_of else {
            panic!("no list")
        };
        let collection = held.collections.get_mut(&asked.collection_name).unwrap();
        for id in &list.ids {
            collection.points.remove(&id_of(id));
        }
        done()
    }

    async fn create_field_index(
        &self,
        request: Request<wire::CreateFieldIndexCollection>,
    ) -> Result<Response<wire::PointsOperationResponse>, Status> {
        let mut held = self.note("create_field_index", &request);
        let asked = request.into_inner();
        assert_eq!(asked.field_type, Some(i32::from(FieldType::Keyword)));
        held.collections.get_mut(&asked.collection_name).unwrap().indexed.push(asked.field_name);
        done()
    }

    async fn query(
        &self,
        request: Request<wire::QueryPoints>,
    ) -> Result<Response<wire::QueryResponse>, Status> {
        let held = self.note("query", &request);
        let asked = request.into_inner();
        let collection =
            held.collections.get(&asked.collection_name).ok_or(Status::not_found("no such collection"))?;
        let limit = asked.limit.unwrap();
        let found = if asked.prefetch.is_empty() {
            let using = asked.using.as_deref().unwrap();
            ranked(collection, asked.query.as_ref(), using, asked.filter.as_ref(), limit)
        } else {
            let variant = asked.query.unwrap().variant.unwrap();
            assert_eq!(variant, query::Variant::Fusion(i32::from(Fusion::Rrf)));
            let mut fused: HashMap<String, f32> = HashMap::new();
            for part in asked.prefetch {
                let using = part.using.as_deref().unwrap();
                let (query, filter) = (part.query.as_ref(), part.filter.as_ref());
                let ranking = ranked(collection, query, using, filter, part.limit.unwrap());
                for (rank, (id, _)) in ranking.into_iter().enumerate() {
                    *fused.entry(id).or_default() += 1.0 / (2.0 + rank as f32);
                }
            }
            let mut fused: Vec<(String, f32)> = fused.into_iter().collect();
            fused.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            fused.truncate(limit as usize);
            fused
        };
        let point = |(id, score): (String, f32)| wire::ScoredPoint {
            payload: collection.points[&id].payload.clone(),
            id: Some(PointId::from(id)),
            score,
            ..Default::default()
        };
        let result = found.into_iter().map(point).collect();
        Ok(Response::new(wire::QueryResponse { result, ..Default::default() }))
    }

    async fn count(
        &self,
        request: Request<wire::CountPoints>,
    ) -> Result<Response<wire::CountResponse>, Status> {
        let held = self.note("count", &request);
        assert_eq!(request.get_ref().exact, Some(true));
        let name = &request.get_ref().collection_name;
        let collection = held.collections.get(name).ok_or(Status::not_found("no such collection"))?;
        let result = Some(wire::CountResult { count: collection.points.len() as u64 });
        Ok(Response::new(wire::CountResponse { result, ..Default::default() }))
    }

    async fn scroll(
        &self,
        request: Request<wire::ScrollPoints>,
    ) -> Result<Response<wire::ScrollResponse>, Status> {
        let held = self.note("scroll", &request);
        let asked = request.into_inner();
        let collection = &held.collections[&asked.collection_name];
        let from = asked.offset.as_ref().map(id_of).unwrap_or_default();
        let mut rest = collection.points.range(from..);
        let retrieved = |(id, point): (&String, &wire::PointStruct)| {
            let Some(vector::Vector::Dense(dense)) = named(point, DENSE) else { panic!("no dense vector") };
            let vector = wire::VectorOutput {
                vector: Some(vector_output::Vector::Dense(dense)),
                ..Default::default()
            };
            let vectors = wire::NamedVectorsOutput { vectors: HashMap::from([(DENSE.to_owned(), vector)]) };
            wire::RetrievedPoint {
                id: Some(PointId::from(id.clone())),
                payload: point.payload.clone(),
                vectors: Some(wire::VectorsOutput {
                    vectors_options: Some(vectors_output::VectorsOptions::Vectors(vectors)),
                }),
                ..Default::default()
            }
        };
        let result = rest.by_ref().take(asked.limit.unwrap() as usize).map(retrieved).collect();
        let next_page_offset = rest.next().map(|(id, _)| PointId::from(id.clone()));
        Ok(Response::new(wire::ScrollResponse { result, next_page_offset, ..Default::default() }))
    }

    refuse! {
        get(GetPoints) -> GetResponse;
        update_vectors(UpdatePointVectors) -> PointsOperationResponse;
        delete_vectors(DeletePointVectors) -> PointsOperationResponse;
        set_payload(SetPayloadPoints) -> PointsOperationResponse;
        overwrite_payload(SetPayloadPoints) -> PointsOperationResponse;
        delete_payload(DeletePayloadPoints) -> PointsOperationResponse;
        clear_payload(ClearPayloadPoints) -> PointsOperationResponse;
        delete_field_index(DeleteFieldIndexCollection) -> PointsOperationResponse;
        create_vector_name(CreateVectorNameRequest) -> PointsOperationResponse;
        delete_vector_name(DeleteVectorNameRequest) -> PointsOperationResponse;
        search(SearchPoints) -> SearchResponse;
        search_batch(SearchBatchPoints) -> SearchBatchResponse;
        search_groups(SearchPointGroups) -> SearchGroupsResponse;
        recommend(RecommendPoints) -> RecommendResponse;
        recommend_batch(RecommendBatchPoints) -> RecommendBatchResponse;
        recommend_groups(RecommendPointGroups) -> RecommendGroupsResponse;
        discover(DiscoverPoints) -> DiscoverResponse;
        discover_batch(DiscoverBatchPoints) -> DiscoverBatchResponse;
        update_batch(UpdateBatchPoints) -> UpdateBatchResponse;
        query_batch(QueryBatchPoints) -> QueryBatchResponse;
        query_groups(QueryPointGroups) -> QueryGroupsResponse;
        facet(FacetCounts) -> FacetResponse;
        search_matrix_pairs(SearchMatrixPoints) -> SearchMatrixPairsResponse;
        search_matrix_offsets(SearchMatrixPoints) -> SearchMatrixOffsetsResponse;
    }
}

/// A server that ends with this guard. It has a runtime of its own: separate tasks serve the connections, and would
/// otherwise outlive the listener and continue to answer.
struct Running {
    fake: Fake,
    address: std::net::SocketAddr,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.runtime.take().unwrap().shutdown_background();
        while std::net::TcpStream::connect(self.address).is_ok() {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

async fn serve(fake: Fake, address: Option<std::net::SocketAddr>) -> Running {
    let address =
        address.unwrap_or_else(|| std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap());
    let server = tonic::transport::Server::builder()
        .add_service(CollectionsServer::new(fake.clone()))
        .add_service(PointsServer::new(fake.clone()))
        .serve(address);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.spawn(async move { server.await.unwrap() });
    for _ in 0..200 {
        if tokio::net::TcpStream::connect(address).await.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Running { fake, address, runtime: Some(runtime) }
}

fn engine(address: &str, collection: &str) -> Qdrant {
    Qdrant::new(&QdrantOptions {
        url: address.to_owned(),
        collection: collection.to_owned(),
        api_key: Some("secret-key".into()),
        timeout: Duration::from_secs(10),
    })
    .unwrap()
}

#[tokio::test]
async fn the_client_obeys_over_the_wire() {
    let server = serve(Fake::default(), None).await;
    let (store, _dir) = temporary().await;
    let engine = engine(&format!("http://{}", server.address), "incidents");
    super::super::contract_tests::obeys(&store, &engine).await;
    let held = server.fake.0.lock().unwrap();
    let mut calls = held.calls.clone();
    calls.sort_unstable();
    calls.dedup();
    let expected = [
        "collection_exists",
        "count",
        "create",
        "create_field_index",
        "delete_points",
        "get",
        "list",
        "list_aliases",
        "query",
        "scroll",
        "update_aliases",
        "upsert",
        "delete",
    ];
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(calls, expected);
    assert!(held.keys.iter().all(|key| key == "secret-key"));
    assert_eq!(held.collections.len(), 1, "what is older than the predecessor is gone");
    let only = held.collections.values().next().unwrap();
    assert_eq!(only.indexed, INDEXED);
    assert_eq!(held.aliases.get("incidents"), held.collections.keys().next());
}

#[tokio::test]
async fn a_real_server_obeys() {
    let Ok(url) = std::env::var("MILLWRIGHT_TEST_QDRANT_URL") else {
        millwright_testkit::missing_part::report_missing(
            "qdrant",
            "MILLWRIGHT_TEST_QDRANT_URL names no server",
        );
        return;
    };
    let (store, _dir) = temporary().await;
    let collection = format!("millwright-test-{}", std::process::id());
    let key = std::env::var("MILLWRIGHT_TEST_QDRANT_KEY").ok();
    let timeout = Duration::from_secs(30);
    let engine = Qdrant::new(&QdrantOptions { url, collection, api_key: key, timeout }).unwrap();
    super::super::contract_tests::obeys(&store, &engine).await;
    for name in engine.collections().await.unwrap() {
        engine.client.delete_collection(name).await.unwrap();
    }
}

#[tokio::test]
async fn words_and_meaning_are_fused_by_the_server() {
    let server = serve(Fake::default(), None).await;
    let engine = engine(&format!("http://{}", server.address), "fused");
    let model = ModelId { name: "m".into(), dimension: 2 };
    engine.prepare(&model).await.unwrap();
    let point = |id: &str, dense: [f32; 2], words: &str| VectorPoint {
        incident_id: id.parse().unwrap(),
        dense: dense.to_vec(),
        words: words.split(' ').map(str::to_owned).collect(),
        repository: None,
        service: None,
        environment: None,
    };
    let points = [
        point("inc_a", [1.0, 0.0], "x"),
        point("inc_b", [0.9, 0.436], "rare common"),
        point("inc_c", [0.0, 1.0], "common"),
    ];
    engine.upsert(&model, &points).await.unwrap();
    let words = ["rare".to_owned(), "common".to_owned()];
    // By vectors alone a, b, c; by words alone b, c.
    let query = VectorQuery { dense: &[1.0, 0.0], words: &words, repository: None, limit: 3 };
    let found = engine.search(&model, query).await.unwrap();
    assert_eq!(found.iter().map(|h| h.incident_id.as_str()).collect::<Vec<_>>(), ["inc_b", "inc_c", "inc_a"]);
    let by_meaning = engine.search(&model, VectorQuery { words: &[], ..query }).await.unwrap();
    assert_eq!(
        by_meaning.iter().map(|h| h.incident_id.as_str()).collect::<Vec<_>>(),
        ["inc_a", "inc_b", "inc_c"]
    );
}

#[tokio::test]
async fn a_server_that_is_down_is_caught_up_with_later() {
    let fake = Fake::default();
    let server = serve(fake.clone(), None).await;
    let address = server.address;
    drop(server);
    let (store, _dir) = temporary().await;
    let engine = Arc::new(engine(&format!("http://{address}"), "late"));
    let store = store.with_vector_index(VectorIndex::built_in(), Some(engine.clone())).await.unwrap();
    let ticket = prose("Umlauts are read twice", "The barcode scanner reads every umlaut twice.");
    let kept = store.create_incident(&incident(ticket.clone())).await.unwrap().id;
    let gone = store.create_incident(&incident(prose("Something else", "entirely"))).await.unwrap().id;

    let error = catch_up(&store, 100).await.unwrap_err();
    assert!(matches!(error, VectorError::Unavailable { .. }), "{error:?}");
    assert!(error.to_string().contains("words and code"), "{error}");
    let answer = crate::recall_with(&store, &crate::RecallQuery::new(&ticket)).await.unwrap();
    assert_eq!(answer.found[0].incident.id, kept, "words still find it");
    assert!(answer.degraded.unwrap().contains("does not answer"));

    let server = serve(fake, Some(address)).await;
    let progress = catch_up(&store, 100).await.unwrap();
    assert_eq!((progress.embedded, progress.left), (2, 0));
    let answer = crate::recall_with(&store, &crate::RecallQuery::new(&ticket)).await.unwrap();
    assert_eq!((answer.found[0].incident.id.as_str(), answer.degraded), (kept.as_str(), None));
    let model = store.vector_index().embedder().model().clone();
    assert_eq!(engine.count(&model).await.unwrap(), 2);

    // An incident that is forgotten while the server is away is removed from it as soon as it is back.
    let fake = server.fake.clone();
    drop(server);
    store.forget(&gone, ANNA).await.unwrap();
    assert!(catch_up(&store, 100).await.is_err());
    let _server = serve(fake, Some(address)).await;
    assert_eq!(catch_up(&store, 100).await.unwrap().removed, 1);
    assert_eq!(engine.count(&model).await.unwrap(), 1);
}

#[tokio::test]
async fn vectors_move_to_the_server_and_a_new_model_takes_over_by_alias() {
    let server = serve(Fake::default(), None).await;
    let (store, _dir) = temporary().await;
    for n in 0..30 {
        store.create_incident(&incident(prose(&format!("ticket about thing {n}"), ""))).await.unwrap();
    }
    let engine = Arc::new(engine(&format!("http://{}", server.address), "moved"));
    let dense = store.vector_index();
    let model = dense.embedder().model();
    let moved = migrate(&store, engine.clone()).await.unwrap();
    assert_eq!((moved.points, moved.samples), (30, 1));
    let there = store.with_vector_index(VectorIndex::built_in(), Some(engine.clone())).await.unwrap();
    assert_eq!(catch_up(&there, 100).await.unwrap().embedded, 0, "nothing is embedded again");
    let held_words = {
        let held = server.fake.0.lock().unwrap();
        held.collections[&engine.of(model)].points.values().all(|p| named(p, WORDS).is_some())
    };
    assert!(held_words, "the words went along");
    let back = migrate(&there, store.embedded_engine()).await.unwrap();
    assert_eq!(back.points, 30);
    for name in ["second", "third"] {
        let next = ModelId { name: name.into(), dimension: 2 };
        engine.prepare(&next).await.unwrap();
        engine.activate(&next).await.unwrap();
    }
    let held = server.fake.0.lock().unwrap();
    assert_eq!(held.collections.len(), 2, "the predecessor still answers, older ones are gone");
    assert!(!held.collections.contains_key(&engine.of(model)));
}

#[test]
fn what_cannot_be_an_address_is_refused() {
    let options = |url: &str, collection: &str| QdrantOptions {
        url: url.into(),
        collection: collection.into(),
        api_key: Some("secret".into()),
        timeout: Duration::from_secs(1),
    };
    for (url, collection, why) in [
        ("qdrant:6334", "c", "must begin with http"),
        ("http://q:6334", "a b", "letters"),
        ("http://q:6334", "", "letters"),
    ] {
        let error = Qdrant::new(&options(url, collection)).unwrap_err().to_string();
        assert!(error.contains(why) && error.contains("vectors."), "{error}");
    }
    assert!(!format!("{:?}", options("http://q:6334", "c")).contains("secret"));
}
