/*!
Evidence by the hash of its text, so that a quote can be checked against exactly what was seen. A text that many
incidents cite is stored once. The caller redacts: the store keeps the text unchanged.
*/

use millwright_model::{Evidence, EvidenceDraft, IncidentId, Timestamp};

use super::codec::{from_word, now, word};
use super::db::{AssertSqlSafe, WriteTransaction, WriteTurn, query, query_as, query_scalar};
use super::{Store, StoreError, StoredEvidence};

/// The tool that produces larger evidence cuts it, because it can say what it left out.
pub(crate) const MAX_EVIDENCE_BYTES: usize = 8 * 1024 * 1024;

impl Store {
    /// Stores a (redacted) text for an incident; returns its hex SHA-256. Repeating it changes nothing.
    pub async fn put_evidence(
        &self,
        incident: &IncidentId,
        draft: &EvidenceDraft,
    ) -> Result<String, StoreError> {
        self.require_incident(incident).await?;
        check_size(&draft.text)?;
        let mut tx = self.begin(WriteTurn::Incident(incident)).await?;
        super::incidents::must_exist(&mut tx, incident).await?;
        let stored = StoredEvidence {
            sha256: Evidence::hash(&draft.text),
            source: draft.source,
            locator: draft.locator.0.clone(),
            created_at: now(),
        };
        insert(&mut tx, incident, &stored, &draft.text).await?;
        tx.commit().await?;
        Ok(stored.sha256)
    }

    /// The text with that hash; `None` if it was never stored, or was forgotten.
    pub async fn get_evidence(&self, sha256: &str) -> Result<Option<String>, StoreError> {
        let owned = match self.visible() {
            "" => String::new(),
            visible => format!(
                " AND EXISTS (SELECT 1 FROM incident_evidence e JOIN incidents i ON i.id = e.incident_id \
                 WHERE e.sha256 = $1{visible})"
            ),
        };
        let sql = format!("SELECT text FROM evidence WHERE sha256 = $1{owned}");
        let text: Option<String> =
            query_scalar(AssertSqlSafe(sql)).bind(sha256).fetch_optional(&self.read).await?;
        match text {
            Some(text) if Evidence::hash(&text) != sha256 => Err(StoreError::Unreadable {
                what: "evidence",
                id: sha256.to_owned(),
                detail: "its text no longer matches that hash".into(),
            }),
            other => Ok(other),
        }
    }

    /// The evidence that an incident's claims may cite, oldest first.
    pub async fn list_evidence(&self, incident: &IncidentId) -> Result<Vec<StoredEvidence>, StoreError> {
        self.require_incident(incident).await?;
        let rows: Vec<(String, String, String, Timestamp)> = query_as(
            "SELECT sha256, source, locator, created_at FROM incident_evidence WHERE incident_id = $1 \
             ORDER BY created_at, sha256",
        )
        .bind(incident)
        .fetch_all(&self.read)
        .await?;
        rows.into_iter()
            .map(|(sha256, source, locator, created_at)| {
                Ok(StoredEvidence {
                    source: from_word("evidence", &sha256, &source)?,
                    sha256,
                    locator,
                    created_at,
                })
            })
            .collect()
    }
}

pub(crate) fn check_size(text: &str) -> Result<(), StoreError> {
    match text.len() {
        found if found > MAX_EVIDENCE_BYTES => {
            Err(StoreError::TooLarge { what: "evidence", found, limit: MAX_EVIDENCE_BYTES })
        }
        _ => Ok(()),
    }
}

/// Returns whether the evidence was new for the incident.
pub(crate) async fn insert(
    tx: &mut WriteTransaction,
    incident: &IncidentId,
    stored: &StoredEvidence,
    text: &str,
) -> Result<bool, StoreError> {
    query(
        "INSERT INTO evidence (sha256, created_at, text) VALUES ($1, $2, $3) ON CONFLICT (sha256) DO NOTHING",
    )
    .bind(&stored.sha256)
    .bind(stored.created_at)
    .bind(text)
    .execute(&mut *tx)
    .await?;
    let done = query(
        "INSERT INTO incident_evidence (incident_id, sha256, source, locator, created_at) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
    )
    .bind(incident)
    .bind(&stored.sha256)
    .bind(word(&stored.source))
    .bind(&stored.locator)
    .bind(stored.created_at)
    .execute(&mut *tx)
    .await?;
    Ok(done.rows_affected() > 0)
}
