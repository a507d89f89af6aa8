//! The contract of every engine. It always runs on the embedded engine and on Qdrant's client against a local server
//! that speaks its protocol (`qdrant_tests.rs`), and on a real server if `MILLWRIGHT_TEST_QDRANT_URL` names one.

use std::sync::Arc;

use millwright_model::{IncidentId, NewIncident, Scope};
use millwright_store::Store;
use millwright_store::embed::{
    EmbedError, EmbedText, Embedder, Embedding, LexicalEmbedder, ModelId, normalise,
};
use millwright_store::vectors::{
    CatchUpProgress, VectorError, VectorFuture, VectorHit, VectorPage, VectorPoint, VectorQuery, VectorStore,
    catch_up,
};

use super::migrate::copy;
use crate::testing::{incident, prose, repository, temporary};

fn model() -> ModelId {
    ModelId { name: "contract".into(), dimension: 4 }
}

fn unit(x: f32, y: f32, z: f32) -> Vec<f32> {
    let mut vector = vec![x, y, z, 0.0];
    normalise(&mut vector);
    vector
}

/// Incidents of the store as points: the embedded engine keeps only vectors of incidents that exist.
async fn points(store: &Store) -> Vec<VectorPoint> {
    let other = || "other".parse().unwrap();
    let repositories = [Some(repository()), Some(repository()), Some(other()), None];
    let vectors = [unit(1.0, 0.0, 0.0), unit(1.0, 0.2, 0.0), unit(1.0, 0.1, 0.0), unit(0.0, 1.0, 0.0)];
    let words = ["alpha beta", "beta gamma", "delta", "epsilon"];
    let mut points = Vec::new();
    for ((repository, dense), words) in repositories.into_iter().zip(vectors).zip(words) {
        let new = NewIncident { repository, ..incident(prose(words, "")) };
        let made = store.create_incident(&new).await.unwrap();
        points.push(VectorPoint {
            incident_id: made.id,
            repository: made.repository,
            service: Some("shop".into()),
            environment: None,
            dense,
            words: words.split(' ').map(str::to_owned).collect(),
        });
    }
    points
}

async fn nearest(engine: &dyn VectorStore, query: VectorQuery<'_>) -> Vec<IncidentId> {
    engine.search(&model(), query).await.unwrap().into_iter().map(|hit| hit.incident_id).collect()
}

pub(super) async fn obeys(store: &Store, engine: &dyn VectorStore) {
    let model = model();
    engine.prepare(&model).await.unwrap();
    engine.prepare(&model).await.unwrap();
    assert_eq!(engine.count(&model).await.unwrap(), 0);
    let east = unit(1.0, 0.0, 0.0);
    let all = VectorQuery { dense: &east, limit: 10, ..VectorQuery::default() };
    assert!(nearest(engine, all).await.is_empty());

    let points = points(store).await;
    let id = |at: usize| points[at].incident_id.clone();
    engine.upsert(&model, &points).await.unwrap();
    engine.upsert(&model, &points).await.unwrap();
    assert_eq!(engine.count(&model).await.unwrap(), 4);

    // Nearest first, with cosines; bounded; a search within a repository includes incidents without one.
    let hits = engine.search(&model, all).await.unwrap();
    assert_eq!(hits.iter().take(3).map(|h| h.incident_id.clone()).collect::<Vec<_>>(), [id(0), id(2), id(1)]);
    assert!((hits[0].score - 1.0).abs() < 1e-3 && (hits[1].score - 0.995).abs() < 1e-2, "{hits:?}");
    assert_eq!(nearest(engine, VectorQuery { limit: 1, ..all }).await, [id(0)]);
    let north = unit(0.3, 1.0, 0.0);
    let own = VectorQuery { dense: &north, repository: Some(&repository()), limit: 10, words: &[] };
    assert_eq!(nearest(engine, own).await, [id(3), id(1), id(0)]);

    // Replacing a point moves it.
    let moved = VectorPoint { dense: unit(0.0, 0.0, 1.0), ..points[0].clone() };
    engine.upsert(&model, std::slice::from_ref(&moved)).await.unwrap();
    let up = unit(0.0, 0.0, 1.0);
    assert_eq!(nearest(engine, VectorQuery { dense: &up, limit: 1, ..all }).await, [id(0)]);
    assert_eq!(nearest(engine, VectorQuery { limit: 1, ..all }).await, [id(2)]);
    assert_eq!(engine.count(&model).await.unwrap(), 4);

    // The pages hold every point once, as it was stored.
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = engine.page(&model, after, 3).await.unwrap();
        assert!(page.points.len() <= 3);
        seen.extend(page.points);
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    seen.sort_by(|a, b| a.incident_id.cmp(&b.incident_id));
    assert_eq!(seen.len(), 4);
    let back = seen.iter().find(|p| p.incident_id == id(1)).unwrap();
    assert_eq!(back.repository, points[1].repository);
    assert!(back.dense.iter().zip(&points[1].dense).all(|(a, b)| (a - b).abs() < 1e-5));

    // A wrong dimension is refused in writes and in searches, and changes nothing.
    let short = VectorPoint { dense: vec![1.0], ..points[0].clone() };
    let refused = engine.upsert(&model, &[short]).await.unwrap_err();
    assert!(matches!(refused, VectorError::Dimension { found: 1, wanted: 4, .. }), "{refused:?}");
    let refused = engine.search(&model, VectorQuery { dense: &[1.0, 0.0], ..all }).await.unwrap_err();
    assert!(matches!(refused, VectorError::Dimension { found: 2, .. }), "{refused:?}");

    // Another model has a separate space; removal empties all spaces.
    let other = ModelId { name: "contract/2".into(), dimension: 3 };
    engine.prepare(&other).await.unwrap();
    let elsewhere = VectorPoint { dense: vec![0.6, 0.8, 0.0], ..points[1].clone() };
    engine.upsert(&other, &[elsewhere]).await.unwrap();
    assert_eq!((engine.count(&other).await.unwrap(), engine.count(&model).await.unwrap()), (1, 4));
    engine.remove(&[id(1), "inc_unknown".parse().unwrap()]).await.unwrap();
    assert_eq!((engine.count(&other).await.unwrap(), engine.count(&model).await.unwrap()), (0, 3));
    assert!(!nearest(engine, all).await.contains(&id(1)));

    // Activating the second twice keeps it.
    engine.activate(&model).await.unwrap();
    engine.activate(&model).await.unwrap();
    assert_eq!(engine.count(&model).await.unwrap(), 3);
}

#[tokio::test]
async fn the_embedded_engine_obeys() {
    let (store, _dir) = temporary().await;
    obeys(&store, store.embedded_engine().as_ref()).await;
}

#[tokio::test]
async fn the_embedded_engine_follows_other_processes_and_forgetting() {
    let (a, home) = temporary().await;
    let b = Store::open(&home.location(), Scope::installation("test")).await.unwrap();
    let asked = LexicalEmbedder::default().at_once(&EmbedText::new("umlauts are read twice", "")).unwrap();
    let find = async |store: &Store| {
        let query = VectorQuery { dense: &asked, limit: 10, ..VectorQuery::default() };
        let dense = store.vector_index();
        let hits = dense.engine().search(dense.embedder().model(), query).await.unwrap();
        hits.into_iter().map(|hit| hit.incident_id).collect::<Vec<_>>()
    };
    assert!(find(&b).await.is_empty());
    let first = a.create_incident(&incident(prose("umlauts are read twice", ""))).await.unwrap().id;
    let second = b.create_incident(&incident(prose("umlauts read twice again", ""))).await.unwrap().id;
    assert_eq!(find(&a).await, [first.clone(), second.clone()]);
    assert_eq!(find(&b).await, [first.clone(), second.clone()]);
    a.update_ticket(&first, None, &prose("umlauts again and twice over", ""), &[]).await.unwrap();
    assert_eq!(find(&b).await.len(), 2);
    b.forget(&second, crate::testing::ANNA).await.unwrap();
    assert_eq!(find(&a).await, std::slice::from_ref(&first));
    assert_eq!(find(&b).await, [first]);
    let gone: Vec<u8> = LexicalEmbedder::default()
        .at_once(&EmbedText::new("umlauts read twice again", ""))
        .unwrap()
        .iter()
        .flat_map(|x| x.to_le_bytes())
        .collect();
    assert!(!home.bytes().windows(256).any(|bytes| bytes == &gone[..256]), "the vector is still in the file");
}

/// A model that counts letters, and can be switched off.
#[derive(Debug)]
struct Letters {
    model: ModelId,
    answers: std::sync::atomic::AtomicBool,
}

impl Letters {
    fn new(name: &str, dimension: usize) -> Arc<Self> {
        Arc::new(Self { model: ModelId { name: name.into(), dimension }, answers: true.into() })
    }
}

impl Embedder for Letters {
    fn model(&self) -> &ModelId {
        &self.model
    }

    fn embed<'a>(&'a self, texts: &'a [EmbedText]) -> Embedding<'a> {
        Box::pin(async move {
            if !self.answers.load(std::sync::atomic::Ordering::Relaxed) {
                let model = self.model.name.clone();
                return Err(EmbedError::Unavailable { model, detail: "switched off".into() });
            }
            let vector = |text: &EmbedText| {
                let mut vector = vec![0.0; self.model.dimension];
                for byte in text.title.bytes().filter(u8::is_ascii_lowercase) {
                    vector[usize::from(byte) % self.model.dimension] += 1.0;
                }
                vector
            };
            Ok(texts.iter().map(vector).collect())
        })
    }
}

#[tokio::test]
async fn another_model_embeds_anew_in_steps_and_the_old_vectors_go() {
    let (store, _dir) = temporary().await;
    for n in 0..150 {
        store.create_incident(&incident(prose(&format!("ticket about thing {n}"), ""))).await.unwrap();
    }
    let old = store.vector_index().embedder().model().clone();
    let engine = store.embedded_engine();
    let count = async |model: &ModelId| engine.count(model).await;
    assert_eq!(count(&old).await.unwrap(), 150);

    let letters = Letters::new("letters", 8);
    let anew = store.with_vector_index(letters.clone(), None).await.unwrap();
    let first = catch_up(&anew, 100).await.unwrap();
    assert_eq!((first.embedded, first.left), (100, 50));
    assert_eq!(count(&old).await.unwrap(), 150, "the old ones stay until the new ones are complete");
    // Interrupted and continued, with the model away in between.
    letters.answers.store(false, std::sync::atomic::Ordering::Relaxed);
    let error = catch_up(&anew, 1_000).await.unwrap_err().to_string();
    assert!(error.contains("switched off") && error.contains("words and code"), "{error}");
    letters.answers.store(true, std::sync::atomic::Ordering::Relaxed);
    let rest = catch_up(&anew, 1_000).await.unwrap();
    assert_eq!((rest.embedded, rest.left), (50, 0));
    assert_eq!(count(letters.model()).await.unwrap(), 150);
    assert_eq!(catch_up(&anew, 1_000).await.unwrap(), CatchUpProgress::default());
    assert_eq!(count(&old).await.unwrap(), 0);

    // An incident that comes in later has no vector at first, and catch-up adds it.
    anew.create_incident(&incident(prose("one more", ""))).await.unwrap();
    assert_eq!(catch_up(&anew, 1_000).await.unwrap().embedded, 1);
}

/// The embedded engine of another folder, under another name.
#[derive(Debug)]
struct Renamed(Arc<dyn VectorStore>);

impl VectorStore for Renamed {
    fn name(&self) -> &str {
        "renamed"
    }
    fn prepare<'a>(&'a self, model: &'a ModelId) -> VectorFuture<'a, ()> {
        self.0.prepare(model)
    }
    fn upsert<'a>(&'a self, model: &'a ModelId, points: &'a [VectorPoint]) -> VectorFuture<'a, ()> {
        self.0.upsert(model, points)
    }
    fn remove<'a>(&'a self, incidents: &'a [IncidentId]) -> VectorFuture<'a, ()> {
        self.0.remove(incidents)
    }
    fn search<'a>(&'a self, model: &'a ModelId, query: VectorQuery<'a>) -> VectorFuture<'a, Vec<VectorHit>> {
        self.0.search(model, query)
    }
    fn count<'a>(&'a self, model: &'a ModelId) -> VectorFuture<'a, u64> {
        self.0.count(model)
    }
    fn page<'a>(
        &'a self,
        model: &'a ModelId,
        after: Option<String>,
        limit: usize,
    ) -> VectorFuture<'a, VectorPage> {
        self.0.page(model, after, limit)
    }
    fn activate<'a>(&'a self, model: &'a ModelId) -> VectorFuture<'a, ()> {
        self.0.activate(model)
    }
}

#[tokio::test]
async fn vectors_move_between_engines_and_are_checked() {
    let (store, _dir) = temporary().await;
    let (there, _other) = temporary().await;
    let from = store.embedded_engine();
    let model = model();
    from.prepare(&model).await.unwrap();
    let points = points(&store).await;
    from.upsert(&model, &points).await.unwrap();
    // The other folder knows no incident, so it stores no vector.
    let lost = copy(&model, from.as_ref(), &Renamed(there.embedded_engine()), None).await.unwrap_err();
    assert!(lost.to_string().contains("4 were sent, 0 are there"), "{lost}");
    let file = std::env::temp_dir().join(format!("millwright-{}.jsonl", std::process::id()));
    store.export(&mut std::fs::File::create(&file).unwrap()).await.unwrap();
    let mut input = std::io::BufReader::new(std::fs::File::open(&file).unwrap());
    there.import(&mut input, Default::default(), crate::testing::ANNA).await.unwrap();
    std::fs::remove_file(&file).unwrap();
    let to = Renamed(there.embedded_engine());
    let moved = copy(&model, from.as_ref(), &to, None).await.unwrap();
    assert_eq!((moved.points, moved.samples), (4, 1));
    assert_eq!(copy(&model, from.as_ref(), &to, None).await.unwrap().points, 4);
}
