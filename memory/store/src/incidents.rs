/*!
Incidents: the parsed ticket, its origin and its state. The same transaction that creates an incident also adds it to
the recall index, so that every stored incident can be found.
*/

use std::collections::HashMap;

use millwright_model::{
    Audience, Evidence, IncidentId, MappedFrame, NewIncident, ParsedTicket, RepositoryId, RepositoryName,
    Timestamp,
};

use super::codec::{from_json, from_word, json, new_id, now, word};
use super::db::{AssertSqlSafe, MAX_BATCH, Row, WriteTransaction, WriteTurn, marks, query, query_scalar};
use super::queue::set_state;
use super::{Incident, IncidentState, Store, StoreError, index, vectors};
use crate::structure_keys::StructureKeys;
use crate::vectors::VectorIndex;

/// The columns of an incident, from `incidents i`.
const COLUMNS: &str = "i.id, i.created_at, i.updated_at, i.state, i.repository, i.repository_name, i.conversation, \
    i.problem_id, i.source, i.external_id, i.service, i.environment, i.release_name, i.audience, i.ticket";

const MAX_TICKET_BYTES: usize = 16 * 1024 * 1024;

impl Store {
    pub async fn create_incident(&self, new: &NewIncident) -> Result<Incident, StoreError> {
        self.require_installation()?;
        let incident = complete(new);
        let mut tx = self.begin(WriteTurn::Index).await?;
        insert(&mut tx, &incident, &StructureKeys::of(&new.ticket, &new.mapped), &self.vector_index).await?;
        tx.commit().await?;
        Ok(incident)
    }

    /// Creates all or none, in one transaction; for bulk imports and backfills.
    pub async fn create_incidents(&self, new: &[NewIncident]) -> Result<Vec<Incident>, StoreError> {
        self.require_installation()?;
        let incidents: Vec<Incident> = new.iter().map(complete).collect();
        let mut tx = self.begin(WriteTurn::Index).await?;
        for (incident, new) in incidents.iter().zip(new) {
            insert(&mut tx, incident, &StructureKeys::of(&new.ticket, &new.mapped), &self.vector_index)
                .await?;
        }
        tx.commit().await?;
        Ok(incidents)
    }

    pub async fn get_incident(&self, id: &IncidentId) -> Result<Incident, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM incidents i WHERE i.id = $1{}", self.visible());
        query(AssertSqlSafe(sql))
            .bind(id)
            .fetch_optional(&self.read)
            .await?
            .map(|row| from_row(&row))
            .unwrap_or_else(|| Err(StoreError::NotFound { what: "incident", id: id.to_string() }))
    }

    /// Several incidents at once; forgotten ones are left out.
    pub async fn get_incidents(
        &self,
        ids: &[IncidentId],
    ) -> Result<HashMap<IncidentId, Incident>, StoreError> {
        let mut found = HashMap::with_capacity(ids.len());
        for batch in ids.chunks(MAX_BATCH) {
            let marks = marks(1, batch.len());
            let sql = format!("SELECT {COLUMNS} FROM incidents i WHERE i.id IN ({marks}){}", self.visible());
            let select = batch.iter().fold(query(AssertSqlSafe(sql)), |q, id| q.bind(id));
            for row in select.fetch_all(&self.read).await? {
                let incident = from_row(&row)?;
                found.insert(incident.id.clone(), incident);
            }
        }
        Ok(found)
    }

    /// The state alone, for frequent polling.
    pub async fn incident_state(&self, id: &IncidentId) -> Result<IncidentState, StoreError> {
        let sql = format!("SELECT i.state FROM incidents i WHERE i.id = $1{}", self.visible());
        let state: Option<String> =
            query_scalar(AssertSqlSafe(sql)).bind(id).fetch_optional(&self.read).await?;
        let state = state.ok_or_else(|| StoreError::NotFound { what: "incident", id: id.to_string() })?;
        from_word("incident", id, &state)
    }

    pub async fn set_incident_state(&self, id: &IncidentId, state: IncidentState) -> Result<(), StoreError> {
        self.require_incident(id).await?;
        let mut tx = self.begin(WriteTurn::Incident(id)).await?;
        let changed = set_state(&mut tx, id, state).await?;
        tx.commit().await?;
        found(changed, id)
    }

    /// Records which of the configured repositories holds the code that failed, once it is known.
    pub async fn place_incident(
        &self,
        id: &IncidentId,
        repository: &RepositoryName,
    ) -> Result<(), StoreError> {
        self.require_incident(id).await?;
        let done = query("UPDATE incidents SET repository_name = $2 WHERE id = $1")
            .bind(id)
            .bind(repository)
            .execute(&self.write)
            .await?;
        found(done.rows_affected(), id)
    }

    /// Replaces the ticket once more is known about it (mapped frames, the repository) and indexes it again.
    pub async fn update_ticket(
        &self,
        id: &IncidentId,
        repository: Option<&RepositoryId>,
        ticket: &ParsedTicket,
        mapped: &[MappedFrame],
    ) -> Result<(), StoreError> {
        self.require_incident(id).await?;
        let (text, fingerprint) = (ticket_json(ticket)?, fingerprint(ticket));
        let mut tx = self.begin(WriteTurn::IndexOf(id)).await?;
        let done = query(
            "UPDATE incidents SET ticket = $2, title = $3, fingerprint = $4, ticket_sha256 = $5, updated_at = $6, \
             repository = coalesce($7, repository), service = $8, environment = $9, release_name = $10, \
             seen_at = coalesce($11, created_at) WHERE id = $1",
        )
        .bind(id)
        .bind(&text)
        .bind(&ticket.title)
        .bind(fingerprint)
        .bind(Evidence::hash(&ticket.text))
        .bind(now())
        .bind(repository)
        .bind(&ticket.context.service)
        .bind(&ticket.context.environment)
        .bind(&ticket.context.release)
        .bind(seen_at(ticket))
        .execute(&mut tx)
        .await?;
        found(done.rows_affected(), id)?;
        let doc = index::doc_of(&mut tx, id).await?;
        index::remove(&mut tx, doc).await?;
        let stands: Option<RepositoryId> = query_scalar("SELECT repository FROM incidents WHERE id = $1")
            .bind(id)
            .fetch_one(&mut tx)
            .await?;
        let keys = StructureKeys::of(ticket, mapped);
        let embedded = index::enter(&mut tx, doc, stands.as_ref(), ticket, &keys, &self.vector_index).await?;
        vectors::rows::outdate(&mut tx, doc, embedded).await?;
        super::resolutions::index_units(&mut tx, id, doc).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Incidents with exactly this ticket text, newest first: an interrupted `investigate` continues with one of them
    /// when it is started again.
    pub async fn incidents_with_ticket(
        &self,
        ticket_text: &str,
        repository: Option<&RepositoryId>,
    ) -> Result<Vec<Incident>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM incidents i WHERE i.ticket_sha256 = $1 AND ($2 IS NULL OR i.repository = $2){} \
             ORDER BY i.id DESC LIMIT 100",
            self.visible()
        );
        let rows = query(AssertSqlSafe(sql))
            .bind(Evidence::hash(ticket_text))
            .bind(repository)
            .fetch_all(&self.read)
            .await?;
        rows.iter().map(from_row).collect()
    }

    /// The full id for an id that was shortened at its start or end; the id of a resolution yields its incident.
    ///
    /// # Errors
    /// [`StoreError::Ambiguous`] with the candidates when several match.
    pub async fn resolve_incident_id(&self, short: &str) -> Result<IncidentId, StoreError> {
        let id = short.trim();
        let clean: String = id.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(64).collect();
        if clean.len() != id.len() || clean.len() < 4 {
            return Err(StoreError::NotFound { what: "incident", id: short.chars().take(80).collect() });
        }
        // `_` is also LIKE's wildcard. This only widens the match to ids that differ in that character, and no such
        // id exists.
        let visible = self.visible();
        let found: Vec<IncidentId> = query_scalar(AssertSqlSafe(format!(
            "SELECT i.id FROM incidents i WHERE i.id = $1{visible} \
             UNION SELECT r.incident_id FROM resolutions r WHERE (r.id LIKE $1 || '%' OR r.id LIKE '%' || $1){} \
             UNION SELECT i.id FROM incidents i WHERE (i.id LIKE $1 || '%' OR i.id LIKE '%' || $1){visible} LIMIT 5",
            self.visible_by("r.incident_id")
        )))
        .bind(&clean)
        .fetch_all(&self.read)
        .await?;
        match found.as_slice() {
            [] => Err(StoreError::NotFound { what: "incident", id: clean }),
            [one] => Ok(one.clone()),
            several if let Some(whole) = several.iter().find(|id| **id == *clean) => Ok(whole.clone()),
            several => Err(StoreError::Ambiguous { id: clean, candidates: joined(several) }),
        }
    }
}

pub(crate) fn complete(new: &NewIncident) -> Incident {
    let at = now();
    let context = &new.ticket.context;
    Incident {
        id: new_id(),
        created_at: at,
        updated_at: at,
        state: IncidentState::Queued,
        repository: new.repository.clone(),
        repository_name: new.repository_name.clone(),
        conversation: None,
        problem_id: None,
        source: new.source.clone(),
        external_id: context.external_id.clone(),
        service: context.service.clone(),
        environment: context.environment.clone(),
        release: context.release.clone(),
        audience: Audience::Internal,
        ticket: new.ticket.clone(),
    }
}

/// Inserts an incident and its index entries; the caller ensures that the id is free.
pub(crate) async fn insert(
    tx: &mut WriteTransaction,
    incident: &Incident,
    keys: &StructureKeys,
    vector_index: &VectorIndex,
) -> Result<(), StoreError> {
    let ticket = ticket_json(&incident.ticket)?;
    let doc: i64 =
        query_scalar("SELECT coalesce(max(doc), 0) + 1 FROM incidents").fetch_one(&mut *tx).await?;
    query(
        "INSERT INTO incidents (id, doc, created_at, updated_at, state, repository, problem_id, source, external_id, \
         service, environment, release_name, title, fingerprint, ticket_sha256, ticket, seen_at, audience, \
         repository_name, conversation) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)",
    )
    .bind(&incident.id)
    .bind(doc)
    .bind(incident.created_at)
    .bind(incident.updated_at)
    .bind(word(&incident.state))
    .bind(&incident.repository)
    .bind(&incident.problem_id)
    .bind(&incident.source)
    .bind(&incident.external_id)
    .bind(&incident.service)
    .bind(&incident.environment)
    .bind(&incident.release)
    .bind(&incident.ticket.title)
    .bind(fingerprint(&incident.ticket))
    .bind(Evidence::hash(&incident.ticket.text))
    .bind(ticket)
    .bind(seen_at(&incident.ticket).unwrap_or(incident.created_at))
    .bind(incident.audience.as_str())
    .bind(&incident.repository_name)
    .bind(&incident.conversation)
    .execute(&mut *tx)
    .await?;
    index::enter(tx, doc, incident.repository.as_ref(), &incident.ticket, keys, vector_index)
        .await
        .map(|_| ())
}

pub(crate) async fn must_exist(tx: &mut WriteTransaction, id: &IncidentId) -> Result<(), StoreError> {
    index::doc_of(tx, id).await.map(|_| ())
}

pub(crate) fn from_row(row: &Row) -> Result<Incident, StoreError> {
    let id: IncidentId = row.try_get("id")?;
    let state: String = row.try_get("state")?;
    let (ticket, audience): (String, String) = (row.try_get("ticket")?, row.try_get("audience")?);
    Ok(Incident {
        state: from_word("incident", &id, &state)?,
        ticket: from_json("incident", &id, &ticket)?,
        created_at: row.try_get("created_at")?,
        updated_at: row.try_get("updated_at")?,
        repository: row.try_get("repository")?,
        repository_name: row.try_get("repository_name")?,
        conversation: row.try_get("conversation")?,
        problem_id: row.try_get("problem_id")?,
        source: row.try_get("source")?,
        external_id: row.try_get("external_id")?,
        service: row.try_get("service")?,
        environment: row.try_get("environment")?,
        release: row.try_get("release_name")?,
        audience: from_word("incident", &id, &audience)?,
        id,
    })
}

fn fingerprint(ticket: &ParsedTicket) -> Option<&str> {
    Some(ticket.fingerprint.value.as_str()).filter(|f| !f.is_empty())
}

/// When the failure was last seen, if the ticket says so.
fn seen_at(ticket: &ParsedTicket) -> Option<Timestamp> {
    ticket.context.last_seen.or(ticket.context.first_seen)
}

fn ticket_json(ticket: &ParsedTicket) -> Result<String, StoreError> {
    let text = json(ticket)?;
    match text.len() {
        found if found > MAX_TICKET_BYTES => {
            Err(StoreError::TooLarge { what: "the ticket", found, limit: MAX_TICKET_BYTES })
        }
        _ => Ok(text),
    }
}

fn found(rows: u64, id: &IncidentId) -> Result<(), StoreError> {
    if rows == 0 { Err(StoreError::NotFound { what: "incident", id: id.to_string() }) } else { Ok(()) }
}

fn joined(ids: &[IncidentId]) -> String {
    ids.iter().map(IncidentId::as_str).collect::<Vec<_>>().join(", ")
}
