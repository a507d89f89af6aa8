/*!
What arrives by a door, taken in whole: the delivery, the incident, its job, the note that is wanted and the audit
entry stand in one transaction, so that an acknowledged arrival is never half known. Many arrivals can share one
transaction, because each transaction waits for the disk.
*/

use std::time::Duration;

use super::super::audit::{Change, record};
use super::super::codec::{from_word, new_id, now, word};
use super::super::db::{Builder, Tx, query, query_as, query_scalar};
use super::super::{Actor, IncidentState, Store, StoreError, incidents};
use super::{Arrival, Arrived, Delivery, IncidentFilter, IncidentLine, JobKind, files, jobs, notes};
use crate::recall::Keys;
use crate::types::Verdict;

const DEFAULT_PAGE: u32 = 50;
const MAX_PAGE: u32 = 500;

impl Store {
    /// Takes arrivals in, all or none. An arrival joins an incident of its correlation that is still open or came
    /// in within `window`.
    pub async fn arrive(&self, arrivals: &[Arrival], window: Duration) -> Result<Vec<Arrived>, StoreError> {
        let since = jiff::SignedDuration::try_from(window)
            .ok()
            .and_then(|window| jiff::Timestamp::now().checked_sub(window).ok())
            .unwrap_or(jiff::Timestamp::MIN);
        let since = format!("{since:.6}");
        let mut tx = self.begin().await?;
        let mut arrived = Vec::with_capacity(arrivals.len());
        for arrival in arrivals {
            arrived.push(self.admit(&mut tx, arrival, &since).await?);
        }
        tx.commit().await?;
        Ok(arrived)
    }

    async fn admit(&self, tx: &mut Tx, arrival: &Arrival, since: &str) -> Result<Arrived, StoreError> {
        let source = arrival.incident.source.as_deref().unwrap_or("api");
        let delivery = arrival.delivery.clone().unwrap_or_else(|| new_id("del"));
        let inserted = query(
            "INSERT INTO deliveries (id, source, received_at, effect, title) VALUES ($1, $2, $3, 'ignored', $4) \
             ON CONFLICT (id) DO NOTHING",
        )
        .bind(&delivery)
        .bind(source)
        .bind(now())
        .bind(&arrival.incident.ticket.title)
        .execute(&mut *tx)
        .await?;
        if inserted.rows_affected() == 0 {
            let known: Option<String> = query_scalar("SELECT incident_id FROM deliveries WHERE id = $1")
                .bind(&delivery)
                .fetch_one(&mut *tx)
                .await?;
            return Ok(Arrived::Again(known));
        }
        let mut known = None;
        for key in &arrival.correlation {
            known = correlated(tx, key, since, arrival.resolved).await?;
            if known.is_some() {
                break;
            }
        }
        let arrived = match (known, arrival.resolved) {
            (Some(id), true) => Arrived::Resolved(id),
            (None, true) => Arrived::Ignored,
            (Some(id), false) => Arrived::Joined(id),
            (None, false) => Arrived::Opened(self.open_incident(tx, arrival).await?),
        };
        if let (Some(incident), false) = (arrived.incident(), arrival.resolved) {
            // Whatever it is known by from now on leads here.
            for key in &arrival.correlation {
                correlate(tx, key, incident).await?;
            }
        }
        let effect = match &arrived {
            Arrived::Opened(_) => "opened",
            Arrived::Joined(_) => "joined",
            Arrived::Resolved(_) => "resolved",
            Arrived::Again(_) | Arrived::Ignored => "ignored",
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
            notes::want(tx, incident, system, target).await?;
        }
        if let (Some(incident), false) = (arrived.incident(), arrival.resolved) {
            files::want(tx, incident, source, &arrival.files).await?;
        }
        Ok(arrived)
    }

    async fn open_incident(&self, tx: &mut Tx, arrival: &Arrival) -> Result<String, StoreError> {
        let new = &arrival.incident;
        let incident = incidents::complete(new);
        let id = incident.id.clone();
        incidents::insert(tx, &incident, &Keys::of(&new.ticket, &new.mapped), &self.dense).await?;
        jobs::insert(tx, JobKind::Investigate, &id, &id).await?;
        let source = incident.source.as_deref();
        let change =
            Change { action: "report", subject: &id, incident: Some(&id), before: None, after: source };
        record(tx, Actor { who: &arrival.by, why: "" }, change).await?;
        Ok(id)
    }

    /// How an incident was reported, oldest first.
    pub async fn deliveries(&self, incident: &str) -> Result<Vec<Delivery>, StoreError> {
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
        let mut sql = Builder::new(
            "SELECT i.id, i.title, i.state, i.source, i.external_id, i.service, i.environment, i.release_name, \
             i.created_at, i.updated_at, (SELECT r.verdict FROM reports r WHERE r.incident_id = i.id \
             ORDER BY r.created_at DESC, r.id DESC LIMIT 1) AS verdict FROM incidents i WHERE 1 = 1",
        );
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
                let id: String = row.try_get("id")?;
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
        let rows: Vec<(String, i64)> =
            query_as("SELECT state, count(*) FROM incidents GROUP BY state").fetch_all(&self.read).await?;
        rows.into_iter().map(|(state, count)| Ok((from_word("incident", "", &state)?, count))).collect()
    }

    /// Who did what outside of a change of memory, for good.
    pub async fn put_on_record(
        &self,
        by: Actor<'_>,
        action: &str,
        subject: &str,
        incident: Option<&str>,
        after: Option<&str>,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        record(&mut tx, by, Change { action, subject, incident, before: None, after }).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// The incident that an arrival with this key joins. One that is over is annotated however old the incident is.
async fn correlated(
    tx: &mut Tx,
    key: &str,
    since: &str,
    resolved: bool,
) -> Result<Option<String>, StoreError> {
    let found: Option<(String, String, String)> = query_as(
        "SELECT i.id, i.state, i.created_at FROM correlations c JOIN incidents i ON i.id = c.incident_id \
         WHERE c.key = $1",
    )
    .bind(key)
    .fetch_optional(&mut *tx)
    .await?;
    let Some((id, state, created_at)) = found else { return Ok(None) };
    let state: IncidentState = from_word("incident", &id, &state)?;
    let open =
        matches!(state, IncidentState::Queued | IncidentState::Running | IncidentState::AwaitingApproval);
    // What failed to be investigated is tried anew.
    let recent = created_at.as_str() > since && state == IncidentState::Done;
    if !(open || recent || resolved) {
        return Ok(None);
    }
    Ok(Some(id))
}

async fn correlate(tx: &mut Tx, key: &str, incident: &str) -> Result<(), StoreError> {
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
