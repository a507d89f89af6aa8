/*!
Reopens an incident because the failure is back in a revision that has its fix. The refuted answer, the message that
explains it, the job and the state change in one transaction. So nobody sees a reopened incident without a reason, and
no incident stays closed because a process died in between.
*/

use millwright_model::{IncidentId, Outcome, ResolutionId, Timestamp};

use super::super::audit::{AuditedChange, record};
use super::super::codec::{json, now, word};
use super::super::db::{WriteTransaction, WriteTurn, query, query_as};
use super::super::resolutions::set_outcome;
use super::super::{Actor, IncidentState, Store, StoreError};
use super::{MessageKind, messages};
use crate::queue::{JobKind, jobs};

/// Most arrivals that are read for one incident.
const MOST: i64 = 200;

impl Store {
    /// Opens a finished incident again, with this plan for the investigation; `false` if it is not finished, or a
    /// worker has it. A message gives the reason to the run. `fix_refuted` is the resolution whose fix failed; it is
    /// marked even if the incident is not opened.
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

    /// The times at which further deliveries reported an incident after `since`, oldest first.
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
