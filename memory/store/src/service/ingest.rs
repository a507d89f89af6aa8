/*!
Ingests what arrives by a channel as a whole: the delivery, the incident, its job, the requested note and the audit
entry are in one transaction, so that an acknowledged arrival is never half stored. Many arrivals can share one
transaction, because each transaction waits for the disk.

An arrival joins only an incident of its own audience. Otherwise the readers of one channel would see what was said in
another one, in the answer or in its input. Such incidents are stored as related.
*/

use std::time::Duration;

use millwright_model::{DeliveryId, IncidentId, Timestamp, Verdict};

use super::super::audit::{AuditedChange, record};
use super::super::codec::{from_word, new_id, now, word};
use super::super::db::{AssertSqlSafe, StatementBuilder, WriteTransaction, WriteTurn, query, query_as};
use super::super::{Actor, Incident, IncidentState, Store, StoreError, incidents};
use super::{Delivery, IncidentFilter, IncidentLine, IncomingReport, IngestResult, files, related};
use crate::queue::{JobKind, jobs, notes};
use crate::structure_keys::StructureKeys;

const DEFAULT_PAGE: u32 = 50;
const MAX_PAGE: u32 = 500;

impl Store {
    /// Ingests arrivals, all or none. An arrival joins an incident with a common correlation key that is still open
    /// or came in within `window`.
    pub async fn ingest(
        &self,
        arrivals: &[IncomingReport],
        window: Duration,
    ) -> Result<Vec<IngestResult>, StoreError> {
        self.require_installation()?;
        let since = now().earlier_by(window);
        let mut tx = self.begin(WriteTurn::Index).await?;
        let mut arrived = Vec::with_capacity(arrivals.len());
        for arrival in arrivals {
            arrived.push(self.admit(&mut tx, arrival, since).await?);
        }
        tx.commit().await?;
        Ok(arrived)
    }

    async fn admit(
        &self,
        tx: &mut WriteTransaction,
        arrival: &IncomingReport,
        since: Timestamp,
    ) -> Result<IngestResult, StoreError> {
        let source = arrival.incident.source.as_deref().unwrap_or("api");
        let delivery = arrival.delivery.clone().unwrap_or_else(|| new_id::<DeliveryId>().into());
        let inserted = query(
            "INSERT INTO deliveries (id, source, received_at, effect, title, content) \
             VALUES ($1, $2, $3, 'ignored', $4, $5) ON CONFLICT (id) DO NOTHING",
        )
        .bind(&delivery)
        .bind(source)
        .bind(now())
        .bind(&arrival.incident.ticket.title)
        .bind(&arrival.content)
        .execute(&mut *tx)
        .await?;
        if inserted.rows_affected() == 0 {
            let (known, content): (Option<IncidentId>, Option<String>) =
                query_as("SELECT incident_id, content FROM deliveries WHERE id = $1")
                    .bind(&delivery)
                    .fetch_one(&mut *tx)
                    .await?;
            // A delivery from before hashes were stored is assumed to have the same content.
            if arrival.content.is_some() && content.is_some() && content != arrival.content {
                return Err(StoreError::OtherContent { incident: known });
            }
            return Ok(IngestResult::Again(known));
        }
        let mut known = None;
        for key in related::keys_to_join(arrival) {
            known = correlated(tx, &key, since, arrival.resolved).await?;
            if let Some(found) = &known {
                // Whether it may still be joined is checked again once nobody else can change it.
                tx.lock_incident(found).await?;
                known = correlated(tx, &key, since, arrival.resolved).await?;
            }
            if known.is_some() {
                break;
            }
        }
        let arrived = match (known, arrival.resolved) {
            (Some(id), true) => IngestResult::Resolved(id),
            (None, true) => IngestResult::Ignored,
            (Some(id), false) => IngestResult::Joined(id),
            (None, false) => IngestResult::Opened(self.open_incident(tx, arrival).await?),
        };
        if let (Some(incident), false) = (arrived.incident(), arrival.resolved) {
            related::relate(tx, arrival, incident, since).await?;
            // From now on all its keys lead to this incident.
            for key in &arrival.correlation {
                correlate(
                    tx,
                    &related::scoped(key, arrival.audience, arrival.conversation.as_ref()),
                    incident,
                )
                .await?;
            }
        }
        let effect = match &arrived {
            IngestResult::Opened(_) => "opened",
            IngestResult::Joined(_) => "joined",
            IngestResult::Resolved(_) => "resolved",
            IngestResult::Again(_) | IngestResult::Ignored => "ignored",
        };
        query("UPDATE deliveries SET effect = $2, incident_id = $3 WHERE id = $1")
            .bind(&delivery)
            .bind(effect)
            .bind(arrived.incident())
            .execute(&mut *tx)
            .await?;
        if let (Some((system, target)), Some(incident), false) =
            (&arrival.note, arrived.incident(), arrival.resolved)
        {
            notes::want(tx, incident, (system, target), arrival.audience).await?;
        }
        if let (Some(incident), false) = (arrived.incident(), arrival.resolved) {
            files::want(tx, incident, source, &arrival.files).await?;
        }
        Ok(arrived)
    }

    async fn open_incident(
        &self,
        tx: &mut WriteTransaction,
        arrival: &IncomingReport,
    ) -> Result<IncidentId, StoreError> {
        let new = &arrival.incident;
        let incident = Incident {
            audience: arrival.audience,
            conversation: arrival.conversation.clone(),
            ..incidents::complete(new)
        };
        let id = incident.id.clone();
        incidents::insert(tx, &incident, &StructureKeys::of(&new.ticket, &new.mapped), &self.vector_index)
            .await?;
        jobs::insert(tx, JobKind::Investigate, id.as_str(), &id).await?;
        let source = incident.source.as_deref();
        let change = AuditedChange {
            action: "report",
            subject: id.as_str(),
            incident: Some(&id),
            before: None,
            after: source,
        };
        record(tx, Actor { who: &arrival.by, why: "" }, change).await?;
        Ok(id)
    }

    /// The deliveries of an incident, oldest first.
    pub async fn deliveries(&self, incident: &IncidentId) -> Result<Vec<Delivery>, StoreError> {
        self.require_incident(incident).await?;
        let rows = query(
            "SELECT id, source, received_at, effect, title FROM deliveries WHERE incident_id = $1 \
             ORDER BY received_at, id LIMIT 200",
        )
        .bind(incident)
        .fetch_all(&self.read)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(Delivery {
                    id: row.try_get("id")?,
                    source: row.try_get("source")?,
                    received_at: row.try_get("received_at")?,
                    effect: row.try_get("effect")?,
                    title: row.try_get("title")?,
                })
            })
            .collect()
    }

    /// A page of incidents, newest first.
    pub async fn list_incidents(&self, filter: &IncidentFilter) -> Result<Vec<IncidentLine>, StoreError> {
        let mut sql = StatementBuilder::new(
            "SELECT i.id, i.title, i.state, i.source, i.external_id, i.service, i.environment, i.release_name, \
             i.created_at, i.updated_at, (SELECT r.verdict FROM reports r WHERE r.incident_id = i.id \
             ORDER BY r.created_at DESC, r.id DESC LIMIT 1) AS verdict FROM incidents i WHERE 1 = 1",
        );
        sql.push_narrowing(self.visible());
        let equal = [
            ("i.state", filter.state.as_ref().map(word)),
            ("i.service", filter.service.clone()),
            ("i.environment", filter.environment.clone()),
            ("i.source", filter.source.clone()),
            ("i.external_id", filter.external_id.clone()),
        ];
        for (column, value) in equal {
            if let Some(value) = value {
                sql.push(" AND ").push(column).push(" = ").push_bind(value);
            }
        }
        if let Some(title) = &filter.title {
            let escaped = title.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_").to_lowercase();
            sql.push(" AND lower(i.title) LIKE ").push_bind(format!("%{escaped}%")).push(" ESCAPE '\\'");
        }
        if let Some(after) = &filter.after {
            sql.push(" AND i.id < ").push_bind(after.clone());
        }
        let limit = if filter.limit == 0 { DEFAULT_PAGE } else { filter.limit.min(MAX_PAGE) };
        sql.push(" ORDER BY i.id DESC LIMIT ").push_bind(i64::from(limit));
        let rows = sql.build().fetch_all(&self.read).await?;
        rows.iter()
            .map(|row| {
                let id: IncidentId = row.try_get("id")?;
                let state: String = row.try_get("state")?;
                let verdict: Option<String> = row.try_get("verdict")?;
                let verdict = verdict.map(|verdict| from_word::<Verdict>("report", &id, &verdict));
                Ok(IncidentLine {
                    title: row.try_get("title")?,
                    state: from_word("incident", &id, &state)?,
                    source: row.try_get("source")?,
                    external_id: row.try_get("external_id")?,
                    service: row.try_get("service")?,
                    environment: row.try_get("environment")?,
                    release: row.try_get("release_name")?,
                    created_at: row.try_get("created_at")?,
                    updated_at: row.try_get("updated_at")?,
                    verdict: verdict.transpose()?,
                    id,
                })
            })
            .collect()
    }

    /// How many incidents are in each state.
    pub async fn count_states(&self) -> Result<Vec<(IncidentState, i64)>, StoreError> {
        let sql = format!(
            "SELECT i.state, count(*) FROM incidents i WHERE 1 = 1{} GROUP BY i.state",
            self.visible()
        );
        let rows: Vec<(String, i64)> = query_as(AssertSqlSafe(sql)).fetch_all(&self.read).await?;
        rows.into_iter().map(|(state, count)| Ok((from_word("incident", "", &state)?, count))).collect()
    }

    /// Appends an audit entry for an action that does not change memory; it is never removed.
    pub async fn append_audit(
        &self,
        by: Actor<'_>,
        action: &str,
        subject: &str,
        incident: Option<&IncidentId>,
        after: Option<&str>,
    ) -> Result<(), StoreError> {
        match incident {
            Some(incident) => self.require_incident(incident).await?,
            None => self.require_installation()?,
        }
        let turn = match incident {
            Some(incident) => WriteTurn::Incident(incident),
            None => WriteTurn::Aside,
        };
        let mut tx = self.begin(turn).await?;
        record(&mut tx, by, AuditedChange { action, subject, incident, before: None, after }).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// The incident that an arrival with this key joins. A resolved arrival annotates an incident of any age.
async fn correlated(
    tx: &mut WriteTransaction,
    key: &str,
    since: Timestamp,
    resolved: bool,
) -> Result<Option<IncidentId>, StoreError> {
    let found: Option<(IncidentId, String, Timestamp)> = query_as(
        "SELECT i.id, i.state, i.created_at FROM correlations c JOIN incidents i ON i.id = c.incident_id \
         WHERE c.key = $1",
    )
    .bind(key)
    .fetch_optional(&mut *tx)
    .await?;
    let Some((id, state, created_at)) = found else { return Ok(None) };
    let state: IncidentState = from_word("incident", &id, &state)?;
    Ok((resolved || may_be_joined(state, created_at, since)).then_some(id))
}

/// Whether a new report joins an incident: while it is open, and for a while after it was answered.
pub(super) fn may_be_joined(state: IncidentState, created_at: Timestamp, since: Timestamp) -> bool {
    match state {
        IncidentState::Queued | IncidentState::Running | IncidentState::AwaitingApproval => true,
        IncidentState::Done => created_at > since,
        // A failed or cancelled investigation is started again by a new incident.
        IncidentState::Failed | IncidentState::Cancelled => false,
    }
}

async fn correlate(tx: &mut WriteTransaction, key: &str, incident: &IncidentId) -> Result<(), StoreError> {
    query(
        "INSERT INTO correlations (key, incident_id, last_at, arrivals) VALUES ($1, $2, $3, 1) \
         ON CONFLICT (key) DO UPDATE SET incident_id = excluded.incident_id, last_at = excluded.last_at, \
         arrivals = CASE correlations.incident_id WHEN excluded.incident_id THEN correlations.arrivals + 1 ELSE 1 END",
    )
    .bind(key)
    .bind(incident)
    .bind(now())
    .execute(&mut *tx)
    .await?;
    Ok(())
}
