/*!
An incident that is taken up again, because the failure is back in a revision that has its fix. The answer that was not
it, the message that says so, the job and the state change together: nobody sees an incident that is open again without a
reason, and none stays closed because whoever judged its answer died then.
*/

use millwright_model::{IncidentId, Outcome, ResolutionId, Timestamp};

use super::super::audit::{AuditedChange, record};
use super::super::codec::{json, now, word};
use super::super::db::{WriteTransaction, WriteTurn, query, query_as};
use super::super::resolutions::set_outcome;
use super::super::{Actor, IncidentState, Store, StoreError};
use super::{MessageKind, messages};
use crate::queue::{JobKind, jobs};

/// Arrivals looked at for one incident.
const MOST: i64 = 200;

impl Store {
    /// Opens an incident again that is done, to be investigated by this plan; `false` when it is not done, or a worker has
    /// it. Why stands in a message, which the run takes in. `fix_refuted` is the resolution that turned out so; it is marked,
    /// whether or not the incident is opened.
    pub async fn reopen(
        &self,
        incident: &IncidentId,
        fix_refuted: Option<&ResolutionId>,
        plan: &serde_json::Value,
        by: Actor<'_>,
    ) -> Result<bool, StoreError> {
        self.require_incident(incident).await?;
        let mut tx = self.begin(WriteTurn::Incident(incident)).await?;
        if let Some(resolution) = fix_refuted {
            set_outcome(&mut tx, resolution, Outcome::Recurred, by).await?;
        }
        let opened = open(&mut tx, incident, plan, by).await?;
        tx.commit().await?;
        Ok(opened)
    }

    /// When an incident was reported again by another delivery, after a time, oldest first.
    pub async fn joined_after(
        &self,
        incident: &IncidentId,
        since: Timestamp,
    ) -> Result<Vec<Timestamp>, StoreError> {
        self.require_incident(incident).await?;
        let rows: Vec<(Timestamp,)> = query_as(
            "SELECT received_at FROM deliveries WHERE incident_id = $1 AND effect = 'joined' AND received_at > $2 \
             ORDER BY received_at LIMIT $3",
        )
        .bind(incident)
        .bind(since)
        .bind(MOST)
        .fetch_all(&self.read)
        .await?;
        Ok(rows.into_iter().map(|(at,)| at).collect())
    }
}

async fn open(
    tx: &mut WriteTransaction,
    incident: &IncidentId,
    plan: &serde_json::Value,
    by: Actor<'_>,
) -> Result<bool, StoreError> {
    let state: Option<(String,)> =
        query_as("SELECT state FROM incidents WHERE id = $1").bind(incident).fetch_optional(&mut *tx).await?;
    if state.is_none_or(|(state,)| state != word(&IncidentState::Done)) {
        return Ok(false);
    }
    jobs::insert(tx, JobKind::Investigate, incident.as_str(), incident).await?;
    if !jobs::wake(tx, JobKind::Investigate, incident.as_str()).await? {
        return Ok(false);
    }
    query("UPDATE jobs SET plan = $2, error = NULL, reopened_at = $3 WHERE kind = $4 AND subject = $1")
        .bind(incident)
        .bind(json(plan)?)
        .bind(now())
        .bind(word(&JobKind::Investigate))
        .execute(&mut *tx)
        .await?;
    jobs::set_state(tx, incident, IncidentState::Queued).await?;
    messages::insert(tx, incident, by.who, MessageKind::Remark, by.why).await?;
    let change = AuditedChange {
        action: "reopen",
        subject: incident.as_str(),
        incident: Some(incident),
        before: Some("done"),
        after: Some("queued"),
    };
    record(tx, by, change).await?;
    Ok(true)
}
