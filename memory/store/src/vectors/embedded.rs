/*!
The embedded engine: vectors are in the same SQLite file as everything else, so that one backup holds all. A copy of
them, one byte per dimension, is kept in memory and searched exactly.

The copy follows the file: before each search, two numbers tell what was added and whether anything was removed, by
this process or another one.
*/

use millwright_model::{IncidentId, RepositoryId};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tokio::sync::Mutex;

use super::scan::VectorScan;
use super::{EMBEDDED, SpaceId, SpaceState, VectorRows};
use super::{VectorError, VectorFuture, VectorHit, VectorPage, VectorPoint, VectorQuery, VectorStore};
use crate::db::MAX_BATCH;
use crate::embed::ModelId;
use crate::structure_keys::{KeyKind, key_hash};

/// Rows that are read at once to update the copy.
const READ_ROWS: i64 = 5_000;
/// Extra candidates that are scored again from their floats, because rounding may have ranked them too low.
const RESCORED: usize = 32;

#[derive(Debug)]
pub(crate) struct EmbeddedVectors {
    rows: VectorRows,
    spaces: Mutex<HashMap<ModelId, Arc<Mutex<Mirror>>>>,
}

#[derive(Debug)]
struct Mirror {
    space: SpaceId,
    seen: SpaceState,
    scan: VectorScan,
}

impl EmbeddedVectors {
    pub(crate) fn new(rows: VectorRows) -> Self {
        Self { rows, spaces: Mutex::default() }
    }

    /// The space of a model with its updated copy.
    async fn copy(&self, model: &ModelId) -> Result<Arc<Mutex<Mirror>>, VectorError> {
        let copy = {
            let mut spaces = self.spaces.lock().await;
            match spaces.get(model) {
                Some(copy) => Arc::clone(copy),
                None => {
                    let space = self.rows.space(EMBEDDED, model).await?;
                    let copy =
                        Mirror { space, seen: SpaceState::default(), scan: VectorScan::new(model.dimension) };
                    let copy = Arc::new(Mutex::new(copy));
                    spaces.insert(model.clone(), Arc::clone(&copy));
                    copy
                }
            }
        };
        self.follow(&mut *copy.lock().await).await?;
        Ok(copy)
    }

    async fn follow(&self, copy: &mut Mirror) -> Result<(), VectorError> {
        let now = self.rows.state(copy.space).await?;
        if now == copy.seen {
            return Ok(());
        }
        if now.removals != copy.seen.removals && copy.scan.len() > 0 {
            let live: HashSet<i64> = self.rows.docs(copy.space).await?.into_iter().collect();
            copy.scan.retain(|doc| live.contains(&doc));
        }
        copy.seen.removals = now.removals;
        while copy.seen.last_seq < now.last_seq {
            let rows = self.rows.after(copy.space, copy.seen.last_seq, READ_ROWS).await?;
            let Some(last) = rows.last() else { break };
            copy.seen.last_seq = last.seq;
            for row in &rows {
                copy.scan.put(row.doc, row.repository.as_ref().map(scope), &row.vector);
            }
        }
        // The newest row may have been removed again before it was read.
        copy.seen.last_seq = now.last_seq;
        Ok(())
    }

    async fn nearest(&self, model: &ModelId, query: VectorQuery<'_>) -> Result<Vec<VectorHit>, VectorError> {
        super::check(EMBEDDED, model, query.dense)?;
        let copy = self.copy(model).await?;
        let wanted = query.limit.saturating_add(RESCORED);
        let (space, rough) = {
            let copy = copy.lock().await;
            (copy.space, copy.scan.nearest(query.dense, query.repository.map(scope), wanted))
        };
        let docs: Vec<i64> = rough.iter().map(|(doc, _)| *doc).collect();
        let mut found = Vec::with_capacity(docs.len());
        for batch in docs.chunks(MAX_BATCH) {
            for (incident_id, vector) in self.rows.vectors(space, batch).await? {
                let score = cosine(query.dense, &vector);
                found.push(VectorHit { incident_id, score });
            }
        }
        found.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| b.incident_id.cmp(&a.incident_id)));
        found.truncate(query.limit);
        Ok(found)
    }
}

impl VectorStore for EmbeddedVectors {
    fn name(&self) -> &str {
        EMBEDDED
    }

    fn prepare<'a>(&'a self, model: &'a ModelId) -> VectorFuture<'a, ()> {
        Box::pin(async move {
            self.rows.space(EMBEDDED, model).await?;
            Ok(())
        })
    }

    fn upsert<'a>(&'a self, model: &'a ModelId, points: &'a [VectorPoint]) -> VectorFuture<'a, ()> {
        Box::pin(async move {
            let space = self.rows.space(EMBEDDED, model).await?;
            for point in points {
                super::check(EMBEDDED, model, &point.dense)?;
            }
            let vectors: Vec<(&str, &[f32])> =
                points.iter().map(|p| (p.incident_id.as_str(), p.dense.as_slice())).collect();
            Ok(self.rows.put_all(space, &vectors).await?)
        })
    }

    fn remove<'a>(&'a self, incidents: &'a [IncidentId]) -> VectorFuture<'a, ()> {
        Box::pin(async move { Ok(self.rows.remove(EMBEDDED, incidents).await?) })
    }

    fn search<'a>(&'a self, model: &'a ModelId, query: VectorQuery<'a>) -> VectorFuture<'a, Vec<VectorHit>> {
        Box::pin(self.nearest(model, query))
    }

    fn count<'a>(&'a self, model: &'a ModelId) -> VectorFuture<'a, u64> {
        Box::pin(async move {
            let space = self.rows.space(EMBEDDED, model).await?;
            Ok(self.rows.count(space).await?)
        })
    }

    fn page<'a>(
        &'a self,
        model: &'a ModelId,
        after: Option<String>,
        limit: usize,
    ) -> VectorFuture<'a, VectorPage> {
        Box::pin(async move {
            let space = self.rows.space(EMBEDDED, model).await?;
            let seq = after.and_then(|a| a.parse().ok()).unwrap_or(0);
            let rows = self.rows.after(space, seq, i64::try_from(limit).unwrap_or(i64::MAX)).await?;
            let next = rows.last().filter(|_| rows.len() >= limit).map(|row| row.seq.to_string());
            let points = rows
                .into_iter()
                .map(|row| VectorPoint {
                    incident_id: row.incident_id,
                    repository: row.repository,
                    service: row.service,
                    environment: row.environment,
                    dense: row.vector,
                    words: Vec::new(),
                })
                .collect();
            Ok(VectorPage { points, next })
        })
    }

    fn activate<'a>(&'a self, model: &'a ModelId) -> VectorFuture<'a, ()> {
        Box::pin(async move {
            let space = self.rows.space(EMBEDDED, model).await?;
            self.rows.drop_others(EMBEDDED, space).await?;
            self.spaces.lock().await.retain(|known, _| known == model);
            Ok(())
        })
    }
}

fn scope(repository: &RepositoryId) -> i64 {
    key_hash(KeyKind::Repository, repository.as_str())
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{incident, prose, temporary};

    #[tokio::test]
    async fn rounding_decides_nothing() {
        const NEAR: usize = 300;
        let (store, _dir) = temporary().await;
        let engine = store.embedded_engine();
        let model = ModelId { name: "close".into(), dimension: 24 };
        let made = store.create_incidents(&vec![incident(prose("alike", "")); NEAR]).await.unwrap();
        let mut chance = fastrand::Rng::with_seed(7);
        let mut vector = |near: Option<&[f32]>, by: f32| -> Vec<f32> {
            let mut vector: Vec<f32> = (0..24)
                .map(|i| {
                    near.and_then(|n| n.get(i)).copied().unwrap_or(0.0) + by * (2.0 * chance.f32() - 1.0)
                })
                .collect();
            crate::embed::normalise(&mut vector);
            vector
        };
        // Vectors so close that bytes cannot separate all of them.
        let query = vector(None, 1.0);
        let points: Vec<VectorPoint> = made
            .iter()
            .map(|made| VectorPoint {
                incident_id: made.id.clone(),
                repository: made.repository.clone(),
                service: None,
                environment: None,
                dense: vector(Some(&query), 0.1),
                words: vec![],
            })
            .collect();
        engine.upsert(&model, &points).await.unwrap();
        let mut exact: Vec<(f64, &str)> =
            points.iter().map(|p| (cosine(&query, &p.dense), p.incident_id.as_str())).collect();
        exact.sort_by(|a, b| b.0.total_cmp(&a.0));
        let asked = VectorQuery { dense: &query, limit: 100, ..VectorQuery::default() };
        let found = engine.search(&model, asked).await.unwrap();
        let mut scores = found.iter().map(|hit| hit.score);
        assert!(scores.all(|score| exact.iter().any(|(cosine, _)| (cosine - score).abs() < 1e-9)));
        let ids: Vec<&str> = found.iter().map(|hit| hit.incident_id.as_str()).collect();
        let ten: Vec<&str> = exact.iter().take(10).map(|(_, id)| *id).collect();
        assert_eq!(ids[..10], ten[..]);
        assert!(found.windows(2).all(|pair| pair[0].score >= pair[1].score));
    }
}
