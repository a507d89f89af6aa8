/*!
Attachments of a ticket in another system. The arrival stores which attachments exist; fetching stores the result, so
that nothing is fetched twice and a skipped attachment has its reason.
*/

use millwright_model::{FileId, IncidentId, RemoteFile};

use super::super::codec::new_id;
use super::super::db::{WriteTransaction, query, query_as};
use super::super::{Store, StoreError};

/// Most files stored for one incident.
const MOST: i64 = 20;

/// A file that is wanted for an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedFile {
    pub id: FileId,
    pub system: String,
    pub file: RemoteFile,
}

impl Store {
    /// Files that are still to be fetched, in the order in which the ticket named them.
    pub async fn wanted_files(&self, incident: &IncidentId) -> Result<Vec<WantedFile>, StoreError> {
        self.require_incident(incident).await?;
        let rows: Vec<(FileId, String, String, String, String)> = query_as(
            "SELECT id, system, url, name, media_type FROM incident_files WHERE incident_id = $1 \
             AND state = 'wanted' ORDER BY id LIMIT $2",
        )
        .bind(incident)
        .bind(MOST)
        .fetch_all(&self.read)
        .await?;
        let wanted = |(id, system, url, name, media_type)| WantedFile {
            id,
            system,
            file: RemoteFile { url, name, media_type },
        };
        Ok(rows.into_iter().map(wanted).collect())
    }

    /// Stores the result for a file: fetched, or skipped for a reason.
    pub async fn settle_file(&self, id: &FileId, left_because: Option<&str>) -> Result<(), StoreError> {
        self.require_installation()?;
        query("UPDATE incident_files SET state = $2, because = $3 WHERE id = $1")
            .bind(id)
            .bind(if left_because.is_some() { "left" } else { "taken" })
            .bind(left_because)
            .execute(&self.write)
            .await?;
        Ok(())
    }
}

/// Requests files; idempotent.
pub(super) async fn want(
    tx: &mut WriteTransaction,
    incident: &IncidentId,
    system: &str,
    files: &[RemoteFile],
) -> Result<(), StoreError> {
    for file in files.iter().take(MOST as usize) {
        query(
            "INSERT INTO incident_files (id, incident_id, system, url, name, media_type, state) \
             VALUES ($1, $2, $3, $4, $5, $6, 'wanted') ON CONFLICT DO NOTHING",
        )
        .bind(new_id::<FileId>())
        .bind(incident)
        .bind(system)
        .bind(&file.url)
        .bind(&file.name)
        .bind(&file.media_type)
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}
