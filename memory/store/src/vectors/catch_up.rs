/*!
Embeds incidents without a vector: those that came in while the model or the server was down, those from before a
change of the model, and all of them if the engine is new. Also removes forgotten incidents from a server.

This can be stopped at any point. A batch is recorded only after the engine has it, so an interrupted batch is done
again, and repeating it changes nothing.
*/

use super::PendingVector;
use super::{VectorError, VectorIndex, VectorPoint};
use crate::Store;

/// Number of texts that are embedded and stored together.
const BATCH: usize = 64;

/// What was done, and what is left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CatchUpProgress {
    pub embedded: u64,
    pub removed: u64,
    /// Incidents that still have no vector.
    pub left: u64,
}

/// Embeds up to `limit` incidents, newest first.
///
/// # Errors
/// When the model or the engine does not answer; what was embedded before stays.
pub async fn catch_up(store: &Store, limit: usize) -> Result<CatchUpProgress, VectorError> {
    let dense = store.vector_index();
    let mut progress =
        CatchUpProgress { removed: take_out(store, dense).await?, ..CatchUpProgress::default() };
    if !store.is_behind(dense.space()).await? {
        return Ok(progress);
    }
    dense.engine().prepare(dense.embedder().model()).await?;
    while progress.embedded < limit as u64 {
        let room = limit - usize::try_from(progress.embedded).unwrap_or(limit);
        let pending = store.pending_vectors(dense.space(), BATCH.min(room)).await?;
        if pending.is_empty() {
            // Another process may add an incident right now; then the space stays incomplete.
            if store.settle_space(dense.space()).await? {
                dense.engine().activate(dense.embedder().model()).await?;
                store.vector_rows().drop_others(dense.engine().name(), dense.space()).await?;
            }
            return Ok(progress);
        }
        let kept = embed(store, dense, &pending).await?;
        progress.embedded += kept;
        if kept == 0 {
            // All of them changed meanwhile; the next call embeds them.
            break;
        }
    }
    progress.left = store.count_pending_vectors(dense.space()).await?;
    Ok(progress)
}

/// Returns how many were stored.
async fn embed(store: &Store, dense: &VectorIndex, pending: &[PendingVector]) -> Result<u64, VectorError> {
    let texts: Vec<_> = pending.iter().map(|p| p.text.clone()).collect();
    let vectors = dense.embedder().embed(&texts).await?;
    let vectors = dense.embedder().model().check(vectors, pending.len())?;
    if dense.is_embedded() {
        let done: Vec<_> = pending.iter().zip(&vectors).map(|(p, v)| (p, Some(v.as_slice()))).collect();
        return Ok(store.keep_vectors(dense.space(), &done).await?);
    }
    let points: Vec<VectorPoint> = pending
        .iter()
        .zip(vectors)
        .map(|(p, dense)| VectorPoint {
            incident_id: p.incident_id.clone(),
            repository: p.repository.clone(),
            service: p.service.clone(),
            environment: p.environment.clone(),
            dense,
            words: p.words.title.iter().chain(&p.words.body).cloned().collect(),
        })
        .collect();
    dense.engine().upsert(dense.embedder().model(), &points).await?;
    let done: Vec<_> = pending.iter().map(|p| (p, None)).collect();
    Ok(store.keep_vectors(dense.space(), &done).await?)
}

/// An incident that was forgotten here must not stay on a server.
async fn take_out(store: &Store, dense: &VectorIndex) -> Result<u64, VectorError> {
    let mut removed = 0;
    if dense.is_embedded() {
        return Ok(removed);
    }
    loop {
        let ids = store.pending_removals(dense.engine().name()).await?;
        if ids.is_empty() {
            return Ok(removed);
        }
        dense.engine().remove(&ids).await?;
        store.removed_there(dense.engine().name(), &ids).await?;
        removed += ids.len() as u64;
    }
}
