/*!
Vectors in SQL: the spaces (a model in an engine), the vectors themselves if this database is the engine, and for a
server the marks of what it already holds. A mark is set only after the server has answered, so interrupted work
simply stays pending.
*/

use millwright_model::{IncidentId, ParsedTicket, RepositoryId};

use crate::codec::from_json;
use crate::db::{
    AssertSqlSafe, MAX_BATCH, Pool, WriteTransaction, WriteTurn, marks, query, query_as, query_scalar,
};
use crate::embed::{EmbedText, ModelId};
use crate::tokenize::TicketWords;
use crate::{Store, StoreError};

/// The name of this database as an engine.
pub const EMBEDDED: &str = "embedded";

/// A row of `vector_spaces`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpaceId(pub(crate) i64);

/// An incident that has no vector yet.
#[derive(Debug, Clone)]
pub struct PendingVector {
    /// The text of the column when it was read; it shows whether the incident changed since.
    pub updated_at: String,
    pub incident_id: IncidentId,
    pub repository: Option<RepositoryId>,
    pub service: Option<String>,
    pub environment: Option<String>,
    pub text: EmbedText,
    pub words: TicketWords,
}

/// A stored vector as the in-memory copy reads it.
#[derive(Debug, Clone)]
pub(crate) struct VectorRow {
    pub(crate) seq: i64,
    pub(crate) doc: i64,
    pub(crate) incident_id: IncidentId,
    pub(crate) repository: Option<RepositoryId>,
    pub(crate) service: Option<String>,
    pub(crate) environment: Option<String>,
    pub(crate) vector: Vec<f32>,
}

/// The current state of a space, to see whether a copy in memory is up to date.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct SpaceState {
    pub(crate) last_seq: i64,
    pub(crate) removals: i64,
}

/// Only the vector tables: what the embedded engine needs of a store, without holding the store.
#[derive(Debug, Clone)]
pub(crate) struct VectorRows {
    pub(crate) read: Pool,
    pub(crate) write: Pool,
}

impl VectorRows {
    pub(crate) async fn space(&self, engine: &str, model: &ModelId) -> Result<SpaceId, StoreError> {
        space_of(&self.write, engine, model).await
    }

    pub(crate) async fn state(&self, space: SpaceId) -> Result<SpaceState, StoreError> {
        let (last_seq, removals): (i64, i64) = query_as(
            "SELECT coalesce((SELECT max(seq) FROM incident_vectors WHERE space = $1), 0), \
             coalesce((SELECT removals FROM vector_spaces WHERE id = $1), 0)",
        )
        .bind(space.0)
        .fetch_one(&self.read)
        .await?;
        Ok(SpaceState { last_seq, removals })
    }

    /// Vectors with a larger `seq`, in order.
    pub(crate) async fn after(
        &self,
        space: SpaceId,
        seq: i64,
        limit: i64,
    ) -> Result<Vec<VectorRow>, StoreError> {
        let rows = query(
            "SELECT v.seq, v.doc, v.vector, i.id, i.repository, i.service, i.environment \
             FROM incident_vectors v JOIN incidents i ON i.doc = v.doc \
             WHERE v.space = $1 AND v.seq > $2 AND v.vector IS NOT NULL ORDER BY v.seq LIMIT $3",
        )
        .bind(space.0)
        .bind(seq)
        .bind(limit)
        .fetch_all(&self.read)
        .await?;
        rows.iter()
            .map(|row| {
                let blob = row.bytes("vector")?;
                Ok(VectorRow {
                    seq: row.try_get("seq")?,
                    doc: row.try_get("doc")?,
                    incident_id: row.try_get("id")?,
                    repository: row.try_get("repository")?,
                    service: row.try_get("service")?,
                    environment: row.try_get("environment")?,
                    vector: from_bytes(blob),
                })
            })
            .collect()
    }

    pub(crate) async fn docs(&self, space: SpaceId) -> Result<Vec<i64>, StoreError> {
        let sql = "SELECT doc FROM incident_vectors WHERE space = $1";
        query_scalar(sql).bind(space.0).fetch_all(&self.read).await
    }

    pub(crate) async fn count(&self, space: SpaceId) -> Result<u64, StoreError> {
        let n: i64 = query_scalar("SELECT count(*) FROM incident_vectors WHERE space = $1")
            .bind(space.0)
            .fetch_one(&self.read)
            .await?;
        Ok(n.unsigned_abs())
    }

    /// The vectors of some incidents.
    pub(crate) async fn vectors(
        &self,
        space: SpaceId,
        docs: &[i64],
    ) -> Result<Vec<(IncidentId, Vec<f32>)>, StoreError> {
        let marks = marks(2, docs.len());
        let sql = format!(
            "SELECT i.id, v.vector FROM incident_vectors v JOIN incidents i ON i.doc = v.doc \
             WHERE v.space = $1 AND v.doc IN ({marks}) AND v.vector IS NOT NULL"
        );
        let query = docs.iter().fold(query(AssertSqlSafe(sql)).bind(space.0), |q, doc| q.bind(*doc));
        let rows = query.fetch_all(&self.read).await?;
        rows.iter().map(|row| Ok((row.try_get("id")?, from_bytes(row.bytes("vector")?)))).collect()
    }

    /// Stores vectors of incidents that still exist; others are left out.
    pub(crate) async fn put_all(&self, space: SpaceId, vectors: &[(&str, &[f32])]) -> Result<(), StoreError> {
        let mut tx = self.write.begin(WriteTurn::Index).await?;
        for (incident, vector) in vectors {
            query(
                "INSERT INTO incident_vectors (space, doc, vector) SELECT $1, doc, $3 FROM incidents WHERE id = $2 \
                 ON CONFLICT (space, doc) DO UPDATE SET vector = excluded.vector, seq = excluded.seq",
            )
            .bind(space.0)
            .bind(incident)
            .bind(to_bytes(vector))
            .execute(&mut tx)
            .await?;
        }
        tx.commit().await
    }

    /// Removes the vectors of incidents, for all models.
    pub(crate) async fn remove(&self, engine: &str, incidents: &[IncidentId]) -> Result<(), StoreError> {
        let mut tx = self.write.begin(WriteTurn::Index).await?;
        for incident in incidents {
            query(
                "DELETE FROM incident_vectors WHERE space IN (SELECT id FROM vector_spaces WHERE engine = $1) \
                 AND doc = (SELECT doc FROM incidents WHERE id = $2)",
            )
            .bind(engine)
            .bind(incident)
            .execute(&mut tx)
            .await?;
            query("UPDATE vector_spaces SET behind = 1 WHERE engine = $1")
                .bind(engine)
                .execute(&mut tx)
                .await?;
        }
        tx.commit().await
    }

    /// Deletes the vectors of other models in the same engine, once the new ones are complete.
    pub(crate) async fn drop_others(&self, engine: &str, keep: SpaceId) -> Result<(), StoreError> {
        query("DELETE FROM vector_spaces WHERE engine = $1 AND id <> $2")
            .bind(engine)
            .bind(keep.0)
            .execute(&self.write)
            .await?;
        Ok(())
    }
}

/// The row of a model in an engine; creates it if it is missing.
pub(crate) async fn space_of(pool: &Pool, engine: &str, model: &ModelId) -> Result<SpaceId, StoreError> {
    let find = "SELECT id FROM vector_spaces WHERE engine = $1 AND model = $2 AND dimension = $3";
    let dimension = i64::try_from(model.dimension).unwrap_or(i64::MAX);
    let known: Option<i64> =
        query_scalar(find).bind(engine).bind(&model.name).bind(dimension).fetch_optional(pool).await?;
    if let Some(id) = known {
        return Ok(SpaceId(id));
    }
    query("INSERT INTO vector_spaces (engine, model, dimension) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
        .bind(engine)
        .bind(&model.name)
        .bind(dimension)
        .execute(pool)
        .await?;
    let id = query_scalar(find).bind(engine).bind(&model.name).bind(dimension).fetch_one(pool).await?;
    Ok(SpaceId(id))
}

/// Stores the vector of an incident within the transaction that stores the incident.
pub(crate) async fn put(
    tx: &mut WriteTransaction,
    space: SpaceId,
    doc: i64,
    vector: &[f32],
) -> Result<(), StoreError> {
    query(
        "INSERT INTO incident_vectors (space, doc, vector) VALUES ($1, $2, $3) \
         ON CONFLICT (space, doc) DO UPDATE SET vector = excluded.vector, seq = excluded.seq",
    )
    .bind(space.0)
    .bind(doc)
    .bind(to_bytes(vector))
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Deletes the vectors and marks of an incident whose text has changed, except in `keep`, which already has the new
/// text.
pub(crate) async fn outdate(
    tx: &mut WriteTransaction,
    doc: i64,
    keep: Option<SpaceId>,
) -> Result<(), StoreError> {
    query("DELETE FROM incident_vectors WHERE doc = $1 AND space <> $2")
        .bind(doc)
        .bind(keep.map_or(-1, |space| space.0))
        .execute(&mut *tx)
        .await?;
    Ok(())
}

/// Notes that all spaces except `keep` lack the vector of an incident.
pub(crate) async fn behind(tx: &mut WriteTransaction, keep: Option<SpaceId>) -> Result<(), StoreError> {
    query("UPDATE vector_spaces SET behind = 1 WHERE behind = 0 AND id <> $1")
        .bind(keep.map_or(-1, |space| space.0))
        .execute(&mut *tx)
        .await?;
    Ok(())
}

/// Runs before an incident is deleted: notes which servers hold its vector and must remove it.
pub(crate) async fn note_removal(
    tx: &mut WriteTransaction,
    doc: i64,
    incident: &IncidentId,
) -> Result<(), StoreError> {
    query(
        "INSERT INTO vector_removals (engine, incident_id) SELECT DISTINCT s.engine, $2 FROM incident_vectors v \
         JOIN vector_spaces s ON s.id = v.space WHERE v.doc = $1 AND s.engine <> $3 ON CONFLICT DO NOTHING",
    )
    .bind(doc)
    .bind(incident)
    .bind(EMBEDDED)
    .execute(&mut *tx)
    .await?;
    query("DELETE FROM incident_vectors WHERE doc = $1").bind(doc).execute(&mut *tx).await?;
    Ok(())
}

impl Store {
    pub async fn is_behind(&self, space: SpaceId) -> Result<bool, StoreError> {
        self.require_installation()?;
        let behind: Option<i64> = query_scalar("SELECT behind FROM vector_spaces WHERE id = $1")
            .bind(space.0)
            .fetch_optional(&self.read)
            .await?;
        Ok(behind != Some(0))
    }

    /// Incidents without a vector in `space`, newest first, because those are queried most.
    pub async fn pending_vectors(
        &self,
        space: SpaceId,
        limit: usize,
    ) -> Result<Vec<PendingVector>, StoreError> {
        self.require_everything()?;
        let rows = query(
            "SELECT i.updated_at, i.id, i.repository, i.service, i.environment, i.ticket FROM incidents i \
             WHERE NOT EXISTS (SELECT 1 FROM incident_vectors v WHERE v.space = $1 AND v.doc = i.doc) \
             ORDER BY i.doc DESC LIMIT $2",
        )
        .bind(space.0)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&self.read)
        .await?;
        rows.iter()
            .map(|row| {
                let incident_id: IncidentId = row.try_get("id")?;
                let ticket: String = row.try_get("ticket")?;
                let ticket: ParsedTicket = from_json("incident", &incident_id, &ticket)?;
                Ok(PendingVector {
                    updated_at: row.try_get("updated_at")?,
                    repository: row.try_get("repository")?,
                    service: row.try_get("service")?,
                    environment: row.try_get("environment")?,
                    text: EmbedText::of_ticket(&ticket),
                    words: TicketWords::of_ticket(&ticket),
                    incident_id,
                })
            })
            .collect()
    }

    pub async fn count_pending_vectors(&self, space: SpaceId) -> Result<u64, StoreError> {
        self.require_installation()?;
        let n: i64 = query_scalar(
            "SELECT (SELECT count(*) FROM incidents) - (SELECT count(*) FROM incident_vectors WHERE space = $1)",
        )
        .bind(space.0)
        .fetch_one(&self.read)
        .await?;
        Ok(n.max(0).unsigned_abs())
    }

    /// Stores vectors, or, if the engine is a server, marks that it holds them (`None`). An incident that changed or
    /// was deleted since it was read is left out and stays pending. Returns how many were stored.
    pub async fn keep_vectors(
        &self,
        space: SpaceId,
        done: &[(&PendingVector, Option<&[f32]>)],
    ) -> Result<u64, StoreError> {
        self.require_installation()?;
        let mut tx = self.begin(WriteTurn::Index).await?;
        let mut kept = 0;
        for (pending, vector) in done {
            kept += query(
                "INSERT INTO incident_vectors (space, doc, vector) \
                 SELECT $1, doc, $4 FROM incidents WHERE id = $2 AND updated_at = $3 \
                 ON CONFLICT (space, doc) DO UPDATE SET vector = excluded.vector, seq = excluded.seq",
            )
            .bind(space.0)
            .bind(&pending.incident_id)
            .bind(&pending.updated_at)
            .bind(vector.map(to_bytes))
            .execute(&mut tx)
            .await?
            .rows_affected();
        }
        tx.commit().await?;
        Ok(kept)
    }

    /// Marks the vectors of the space `from` as held by the space `to` of another engine.
    pub async fn adopt_marks(&self, from: SpaceId, to: SpaceId) -> Result<(), StoreError> {
        self.require_installation()?;
        query(
            "INSERT INTO incident_vectors (space, doc) SELECT $2, doc FROM incident_vectors WHERE space = $1 \
             ON CONFLICT DO NOTHING",
        )
        .bind(from.0)
        .bind(to.0)
        .execute(&self.write)
        .await?;
        Ok(())
    }

    /// Notes that nothing is pending, if that is true; returns whether it is.
    pub async fn settle_space(&self, space: SpaceId) -> Result<bool, StoreError> {
        self.require_installation()?;
        let mut tx = self.begin(WriteTurn::Index).await?;
        let done = query(
            "UPDATE vector_spaces SET behind = 0 WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM incidents i \
             WHERE NOT EXISTS (SELECT 1 FROM incident_vectors v WHERE v.space = $1 AND v.doc = i.doc))",
        )
        .bind(space.0)
        .execute(&mut tx)
        .await?;
        tx.commit().await?;
        Ok(done.rows_affected() > 0)
    }

    pub async fn pending_removals(&self, engine: &str) -> Result<Vec<IncidentId>, StoreError> {
        self.require_installation()?;
        let sql = "SELECT incident_id FROM vector_removals WHERE engine = $1 LIMIT 500";
        query_scalar(sql).bind(engine).fetch_all(&self.read).await
    }

    pub async fn removed_there(&self, engine: &str, incidents: &[IncidentId]) -> Result<(), StoreError> {
        self.require_installation()?;
        let mut tx = self.begin(WriteTurn::Index).await?;
        for incident in incidents {
            query("DELETE FROM vector_removals WHERE engine = $1 AND incident_id = $2")
                .bind(engine)
                .bind(incident)
                .execute(&mut tx)
                .await?;
        }
        tx.commit().await
    }

    /// `doc`s of incidents that an engine named by id; forgotten ones are left out.
    pub async fn docs_of(&self, incidents: &[IncidentId]) -> Result<Vec<(IncidentId, i64)>, StoreError> {
        let mut found = Vec::with_capacity(incidents.len());
        for batch in incidents.chunks(MAX_BATCH) {
            let marks = marks(1, batch.len());
            let sql = format!("SELECT id, doc FROM incidents WHERE id IN ({marks})");
            let query = batch.iter().fold(query_as(AssertSqlSafe(sql)), |q, id| q.bind(id));
            let rows: Vec<(IncidentId, i64)> = query.fetch_all(&self.read).await?;
            found.extend(rows);
        }
        Ok(found)
    }
}

fn to_bytes(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|x| x.to_le_bytes()).collect()
}

fn from_bytes(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(|b| b.try_into().map_or(0.0, f32::from_le_bytes)).collect()
}
