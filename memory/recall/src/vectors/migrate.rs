/*!
Moves vectors from one engine to another without asking the model again, and checks the result: the same number of
vectors, and a sample of them unchanged.
*/

use millwright_model::IncidentId;
use std::collections::HashMap;
use std::sync::Arc;

use millwright_store::Store;

use millwright_store::embed::ModelId;
use millwright_store::vectors::{VectorError, VectorPoint, VectorQuery, VectorStore, catch_up};

const PAGE: usize = 256;
/// Number of vectors that are looked up in the new engine by searching for themselves.
const SAMPLES: usize = 20;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct MigrationResult {
    pub points: u64,
    /// Vectors whose own nearest neighbour was checked to be themselves.
    pub samples: u64,
}

/// Moves the vectors of a store to another engine: fills in what is missing, copies and checks, then notes what the
/// new engine holds, so that nothing is embedded again.
///
/// # Errors
/// When the model or an engine does not answer, or the copy differs from the source.
pub async fn migrate(store: &Store, to: Arc<dyn VectorStore>) -> Result<MigrationResult, VectorError> {
    catch_up(store, usize::MAX).await?;
    let dense = store.vector_index();
    let model = dense.embedder().model();
    let moved = copy(model, dense.engine(), to.as_ref(), Some(store)).await?;
    let there = store.with_vector_index(dense.shared_embedder(), Some(Arc::clone(&to))).await?;
    if !there.vector_index().is_embedded() {
        store.adopt_marks(dense.space(), there.vector_index().space()).await?;
    }
    // Adds what came in meanwhile; completes the new engine and moves its alias.
    catch_up(&there, usize::MAX).await?;
    Ok(moved)
}

/// Copies all vectors of a model, with their words if `words` knows them. Repeating it changes nothing; the source is
/// not changed.
pub(crate) async fn copy(
    model: &ModelId,
    from: &dyn VectorStore,
    to: &dyn VectorStore,
    words: Option<&Store>,
) -> Result<MigrationResult, VectorError> {
    let wrong = |detail: String| VectorError::Migration {
        from: from.name().to_owned(),
        to: to.name().to_owned(),
        detail,
    };
    if from.name() == to.name() {
        return Err(wrong("they are the same".into()));
    }
    to.prepare(model).await?;
    let (mut after, mut moved) = (None, MigrationResult::default());
    let mut samples: Vec<VectorPoint> = Vec::new();
    loop {
        let mut page = from.page(model, after, PAGE).await?;
        if let Some(store) = words {
            add_words(store, &mut page.points).await?;
        }
        to.upsert(model, &page.points).await?;
        moved.points += page.points.len() as u64;
        // The first point of each page, thinned out: this spreads the samples over the whole without knowing its
        // size.
        samples.extend(page.points.into_iter().find(|p| p.dense.iter().any(|x| *x != 0.0)));
        if samples.len() > SAMPLES {
            let mut keep = false;
            samples.retain(|_| {
                keep = !keep;
                keep
            });
        }
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    let arrived = to.count(model).await?;
    if arrived < moved.points {
        return Err(wrong(format!("{} were sent, {arrived} are there", moved.points)));
    }
    for sample in &samples {
        let query = VectorQuery { dense: &sample.dense, words: &[], repository: None, limit: 10 };
        let hits = to.search(model, query).await?;
        let found = hits.iter().find(|hit| hit.incident_id == sample.incident_id);
        let best = hits.first().map_or(0.0, |hit| hit.score);
        // Incidents with equal texts share a vector, so the search may return any ten of them.
        if found.map_or(best < 0.999, |hit| hit.score < 0.99) {
            return Err(wrong(format!("{} is not its own nearest neighbour there", sample.incident_id)));
        }
        moved.samples += 1;
    }
    Ok(moved)
}

async fn add_words(store: &Store, points: &mut [VectorPoint]) -> Result<(), VectorError> {
    let ids: Vec<IncidentId> = points.iter().map(|p| p.incident_id.clone()).collect();
    let docs: Vec<i64> = store.docs_of(&ids).await?.into_iter().map(|(_, doc)| doc).collect();
    let known = store.documents(&docs).await?;
    let mut words: HashMap<IncidentId, Vec<String>> = known
        .into_values()
        .map(|d| (d.incident_id, d.words.title.into_iter().chain(d.words.body).collect()))
        .collect();
    for point in points {
        point.words = words.remove(&point.incident_id).unwrap_or_default();
    }
    Ok(())
}
