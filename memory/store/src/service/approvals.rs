/*!
Calls of parked runs that wait for a person's consent. A decision is made once. In the same transaction it is stored
for the run and the run's job becomes due again.
*/

use millwright_model::{IncidentId, MessageId, RunId, Timestamp};
use serde::{Deserialize, Serialize};

use super::super::audit::{AuditedChange, record};
use super::super::codec::{from_json, json, new_id, now};
use super::super::db::{AssertSqlSafe, Row, WriteTurn, query, query_scalar};
use super::super::{Actor, IncidentState, Store, StoreError};
use crate::queue::{Job, JobKind, jobs, notes};
use crate::scope::ScopedRow;

/// A call that waits, or has waited.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ApprovalRequest {
    pub id: String,
    pub incident_id: IncidentId,
    pub run_id: RunId,
    pub call_id: String,
    pub tool: String,
    pub arguments: serde_json::Value,
    pub asked_at: Timestamp,
    pub decided_at: Option<Timestamp>,
    /// `approve` or `deny`.
    pub decision: Option<String>,
    pub decided_by: Option<String>,
}

impl Store {
    /// Asks for consent to calls `(call, tool, arguments)` of a parked run and makes its job wait for it, both or
    /// neither: otherwise a decision in between would wake nobody. `false` if another worker has the job by now.
    pub async fn ask_consent(
        &self,
        job: &Job,
        holder: &str,
        run: &RunId,
        calls: &[(String, String, serde_json::Value)],
    ) -> Result<bool, StoreError> {
        self.require_installation()?;
        let incident = &job.incident_id;
        let mut tx = self.begin(WriteTurn::Incident(incident)).await?;
        let done = query(
            "UPDATE jobs SET state = 'waiting', holder = NULL, lease_until = NULL, updated_at = $3 \
             WHERE id = $1 AND holder = $2",
        )
        .bind(&job.id)
        .bind(holder)
        .bind(now())
        .execute(&mut tx)
        .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        jobs::set_state(&mut tx, incident, IncidentState::AwaitingApproval).await?;
        for (call, tool, arguments) in calls {
            query(
                "INSERT INTO approvals (id, incident_id, run_id, call_id, tool, arguments, asked_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING",
            )
            .bind(format!("{run}.{call}"))
            .bind(incident)
            .bind(run)
            .bind(call)
            .bind(tool)
            .bind(json(arguments)?)
            .bind(now())
            .execute(&mut tx)
            .await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    /// Undecided approvals, oldest first; of one incident, or of all.
    pub async fn open_approvals(
        &self,
        incident: Option<&IncidentId>,
    ) -> Result<Vec<ApprovalRequest>, StoreError> {
        let sql = format!(
            "SELECT * FROM approvals a WHERE a.decided_at IS NULL AND ($1 IS NULL OR a.incident_id = $1){} \
             ORDER BY a.asked_at, a.id LIMIT 500",
            self.visible_by("a.incident_id")
        );
        let rows = query(AssertSqlSafe(sql)).bind(incident).fetch_all(&self.read).await?;
        rows.iter().map(from_row).collect()
    }

    /// The full id of an approval that begins with these characters; an id without a match is returned unchanged.
    ///
    /// # Errors
    /// [`StoreError::Ambiguous`] with the candidates when several match.
    pub async fn resolve_approval_id(&self, short: &str) -> Result<String, StoreError> {
        let found: Vec<String> = query_scalar(AssertSqlSafe(format!(
            "SELECT a.id FROM approvals a WHERE substr(a.id, 1, length($1)) = $1{} ORDER BY a.id LIMIT 5",
            self.visible_by("a.incident_id")
        )))
        .bind(short)
        .fetch_all(&self.read)
        .await?;
        match found.as_slice() {
            _ if found.iter().any(|id| id == short) => Ok(short.to_owned()),
            [] => Ok(short.to_owned()),
            [one] => Ok(one.clone()),
            several => Err(StoreError::Ambiguous { id: short.to_owned(), candidates: several.join(", ") }),
        }
    }

    /// Decides; `None` if it was decided before. The decision is audited, and the run continues with it.
    pub async fn decide(
        &self,
        id: &str,
        approve: bool,
        by: Actor<'_>,
    ) -> Result<Option<ApprovalRequest>, StoreError> {
        self.require(ScopedRow::Approval, id).await?;
        let decision = if approve { "approve" } else { "deny" };
        let of: Option<IncidentId> = query_scalar("SELECT incident_id FROM approvals WHERE id = $1")
            .bind(id)
            .fetch_optional(&self.write)
            .await?;
        let missing = || StoreError::NotFound { what: "approval", id: id.chars().take(80).collect() };
        let of = of.ok_or_else(missing)?;
        let mut tx = self.begin(WriteTurn::Incident(&of)).await?;
        let row = query(
            "UPDATE approvals SET decided_at = $2, decision = $3, decided_by = $4 WHERE id = $1 \
             AND decided_at IS NULL RETURNING *",
        )
        .bind(id)
        .bind(now())
        .bind(decision)
        .bind(by.who)
        .fetch_optional(&mut tx)
        .await?;
        let Some(row) = row else {
            let known: i64 = query_scalar("SELECT count(*) FROM approvals WHERE id = $1")
                .bind(id)
                .fetch_one(&mut tx)
                .await?;
            return match known {
                0 => Err(StoreError::NotFound { what: "approval", id: id.chars().take(80).collect() }),
                _ => Ok(None),
            };
        };
        let decided = from_row(&row)?;
        let body = serde_json::json!({ "call": decided.call_id, "approved": approve });
        query(
            "INSERT INTO incident_messages (id, incident_id, at, author, kind, body) \
             VALUES ($1, $2, $3, $4, 'decision', $5)",
        )
        .bind(new_id::<MessageId>())
        .bind(&decided.incident_id)
        .bind(now())
        .bind(by.who)
        .bind(json(&body)?)
        .execute(&mut tx)
        .await?;
        if jobs::wake(&mut tx, JobKind::Investigate, decided.incident_id.as_str()).await? {
            jobs::set_state(&mut tx, &decided.incident_id, IncidentState::Queued).await?;
        } else {
            notes::wake(&mut tx, &decided.incident_id).await?;
        }
        let incident = Some(&decided.incident_id);
        let change = AuditedChange {
            action: "consent",
            subject: &decided.id,
            incident,
            before: None,
            after: Some(decision),
        };
        record(&mut tx, by, change).await?;
        tx.commit().await?;
        Ok(Some(decided))
    }
}

fn from_row(row: &Row) -> Result<ApprovalRequest, StoreError> {
    let id: String = row.try_get("id")?;
    let arguments: String = row.try_get("arguments")?;
    Ok(ApprovalRequest {
        incident_id: row.try_get("incident_id")?,
        run_id: row.try_get("run_id")?,
        call_id: row.try_get("call_id")?,
        tool: row.try_get("tool")?,
        arguments: from_json("approval", &id, &arguments)?,
        asked_at: row.try_get("asked_at")?,
        decided_at: row.try_get("decided_at")?,
        decision: row.try_get("decision")?,
        decided_by: row.try_get("decided_by")?,
        id,
    })
}
