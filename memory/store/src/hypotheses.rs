/*!
Hypotheses of runs. Refuted ones are stored as such, so that the next incident does not try them first again.
*/

use millwright_model::{Hypothesis, HypothesisStatus, IncidentId};

use super::codec::{from_json, from_word, json, word};
use super::db::{Row, WriteTransaction, query};
use super::{Store, StoreError, StoredHypothesis};

impl Store {
    pub async fn hypotheses(&self, incident: &IncidentId) -> Result<Vec<StoredHypothesis>, StoreError> {
        self.require_incident(incident).await?;
        let rows = query(
            "SELECT run_id, id, created_at, status, statement, evidence FROM hypotheses WHERE incident_id = $1 \
             ORDER BY created_at, run_id, id",
        )
        .bind(incident)
        .fetch_all(&self.read)
        .await?;
        rows.iter().map(from_row).collect()
    }
}

/// Returns whether the hypothesis was new.
pub(crate) async fn insert(
    tx: &mut WriteTransaction,
    incident: &IncidentId,
    stored: &StoredHypothesis,
) -> Result<bool, StoreError> {
    let h = &stored.hypothesis;
    let done = query(
        "INSERT INTO hypotheses (incident_id, id, run_id, created_at, status, statement, evidence) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
    )
    .bind(incident)
    .bind(&h.id)
    .bind(&stored.run_id)
    .bind(stored.created_at)
    .bind(word(&h.status))
    .bind(&h.statement)
    .bind(json(&h.evidence)?)
    .execute(&mut *tx)
    .await?;
    Ok(done.rows_affected() > 0)
}

pub(crate) fn from_row(row: &Row) -> Result<StoredHypothesis, StoreError> {
    const WHAT: &str = "hypothesis";
    let id: String = row.try_get("id")?;
    let status: String = row.try_get("status")?;
    let status: HypothesisStatus = from_word(WHAT, &id, &status)?;
    let evidence: String = row.try_get("evidence")?;
    Ok(StoredHypothesis {
        run_id: row.try_get("run_id")?,
        created_at: row.try_get("created_at")?,
        hypothesis: Hypothesis {
            statement: row.try_get("statement")?,
            evidence: from_json(WHAT, &id, &evidence)?,
            status,
            id,
        },
    })
}
