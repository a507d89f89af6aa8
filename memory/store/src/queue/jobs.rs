/*!
The queue. A worker claims a job with a lease and extends the lease by heartbeats; when both stop, the next worker to
look takes the job over. Only the holder can change a job, so a worker that was presumed dead and comes back changes
nothing.
*/

use millwright_model::{IncidentId, JobId, Timestamp};
use std::time::Duration;

use super::super::codec::{from_json, from_word, json, new_id, now, word};
use super::super::db::{
    AssertSqlSafe, Row, WriteTransaction, WriteTurn, clock, marks, query, query_as, query_scalar,
};
use super::super::{IncidentState, Store, StoreError};
use super::{Job, JobKind, JobState, notes};

/// The progress of the runs of a job's incident, in events.
const REACHED: &str = "(CASE WHEN kind = 'investigate' THEN (SELECT CAST(coalesce(sum(r.next_seq), 0) AS BIGINT) FROM runs AS r \
                       WHERE r.incident_id = jobs.incident_id) ELSE 0 END)";
/// Counts a worker that died with a running job. The count starts again if the run made progress since the last
/// death, because then the run's earlier position is not the cause.
fn lose() -> String {
    format!(
        "lost = CASE WHEN state <> 'running' THEN lost WHEN {REACHED} > lost_at THEN 1 ELSE lost + 1 END, \
         lost_at = CASE WHEN state <> 'running' THEN lost_at ELSE {REACHED} END"
    )
}

/// Longest stored error of a job, in characters.
const MAX_ERROR_CHARS: usize = 2_000;

impl Store {
    /// Claims the oldest due jobs of a kind for `holder`, including those of dead holders. Jobs in `at_work`, which
    /// `holder` still works on, are excluded even if their lease ran out while the database was down.
    pub async fn claim_jobs(
        &self,
        kind: JobKind,
        holder: &str,
        lease: Duration,
        most: usize,
        at_work: &[JobId],
    ) -> Result<Vec<Job>, StoreError> {
        self.require_installation()?;
        let at = clock(&self.write).await?;
        // Materialised, because the planner may run a subquery several times, and lock other jobs each time.
        let others = match at_work.len() {
            0 => String::new(),
            number => format!("AND id NOT IN ({}) ", marks(6, number)),
        };
        let lose = lose();
        let sql = format!(
            "WITH due AS MATERIALIZED (SELECT id FROM jobs WHERE kind = $4 AND \
             ((state = 'queued' AND due_at <= $3) OR (state = 'running' AND lease_until < $3)) {others}\
             ORDER BY due_at, id LIMIT $5 {}) \
             UPDATE jobs SET state = 'running', holder = $1, lease_until = $2, attempts = attempts + 1, woken = 0, \
             {lose}, updated_at = $3 \
             WHERE id IN (SELECT id FROM due) RETURNING *",
            self.write.dialect().for_update_skip_locked()
        );
        let claim = query(AssertSqlSafe(sql))
            .bind(holder)
            .bind(at.later_by(lease))
            .bind(at)
            .bind(word(&kind))
            .bind(i64::try_from(most).unwrap_or(i64::MAX));
        let claim = at_work.iter().fold(claim, |claim, id| claim.bind(id));
        let rows = claim.fetch_all(&self.write).await?;
        rows.iter().map(from_row).collect()
    }

    /// Extends the lease of a job; `false` if another holder has it by now.
    pub async fn keep_job(&self, id: &JobId, holder: &str, lease: Duration) -> Result<bool, StoreError> {
        self.require_installation()?;
        let at = clock(&self.write).await?;
        let done = query(
            "UPDATE jobs SET lease_until = $3, updated_at = $4 WHERE id = $1 AND holder = $2 AND state = 'running'",
        )
        .bind(id)
        .bind(holder)
        .bind(at.later_by(lease))
        .bind(now())
        .execute(&self.write)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Holders of running jobs and of turns: this shows which of them are dead without waiting for their leases.
    pub async fn job_holders(&self) -> Result<Vec<String>, StoreError> {
        self.require_installation()?;
        query_scalar(
            "SELECT holder FROM jobs WHERE state = 'running' AND holder IS NOT NULL \
             UNION SELECT holder FROM periodic_leases",
        )
        .fetch_all(&self.read)
        .await
    }

    /// Puts the jobs of a dead holder back into the queue.
    pub async fn free_jobs_of(&self, holder: &str) -> Result<u64, StoreError> {
        self.require_installation()?;
        let sql = format!(
            "UPDATE jobs SET state = 'queued', holder = NULL, lease_until = NULL, {} \
             WHERE holder = $1 AND state = 'running'",
            lose()
        );
        let done = query(AssertSqlSafe(sql)).bind(holder).execute(&self.write).await?;
        Ok(done.rows_affected())
    }

    /// Stores what was decided about a job.
    pub async fn plan_job(&self, id: &JobId, plan: &serde_json::Value) -> Result<(), StoreError> {
        self.require_installation()?;
        query("UPDATE jobs SET plan = $2, updated_at = $3 WHERE id = $1")
            .bind(id)
            .bind(json(plan)?)
            .bind(now())
            .execute(&self.write)
            .await?;
        Ok(())
    }

    /// Ends a job; `false` if the job is not the holder's. If a state of its incident is given, the same transaction
    /// sets it. A finished job that was woken meanwhile is queued instead.
    pub async fn settle_job(
        &self,
        id: &JobId,
        holder: &str,
        state: JobState,
        error: Option<&str>,
        incident: Option<IncidentState>,
    ) -> Result<bool, StoreError> {
        self.require_installation()?;
        let Some(subject) = self.incident_of_job(id).await? else { return Ok(false) };
        let mut tx = self.begin(WriteTurn::Incident(&subject)).await?;
        let row: Option<(IncidentId,)> = query_as(
            "UPDATE jobs SET state = CASE WHEN woken = 1 AND $3 = 'done' THEN 'queued' ELSE $3 END, error = $4, \
             failures = CASE WHEN $3 = 'done' THEN 0 ELSE failures END, lost = CASE WHEN $3 = 'done' THEN 0 ELSE lost END, \
             holder = NULL, lease_until = NULL, updated_at = $5 WHERE id = $1 AND holder = $2 RETURNING incident_id",
        )
        .bind(id)
        .bind(holder)
        .bind(word(&state))
        .bind(error.map(shortened))
        .bind(now())
        .fetch_optional(&mut tx)
        .await?;
        if let (Some((subject,)), Some(state)) = (&row, incident) {
            set_state(&mut tx, subject, state).await?;
        }
        tx.commit().await?;
        Ok(row.is_some())
    }

    /// Puts a job back, due after `wait`; counts a failure if there was one.
    pub async fn return_job(
        &self,
        id: &JobId,
        holder: &str,
        wait: Duration,
        failure: Option<&str>,
    ) -> Result<bool, StoreError> {
        self.require_installation()?;
        let at = clock(&self.write).await?;
        let done = query(
            "UPDATE jobs SET state = 'queued', holder = NULL, lease_until = NULL, due_at = $3, updated_at = $4, \
             failures = failures + $5, error = coalesce($6, error) WHERE id = $1 AND holder = $2",
        )
        .bind(id)
        .bind(holder)
        .bind(at.later_by(wait))
        .bind(now())
        .bind(i64::from(failure.is_some()))
        .bind(failure.map(shortened))
        .execute(&self.write)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Puts an investigation's job back without a failure (its process ends, the store was down), and its incident
    /// into the queue, both or neither; `false` if another worker already has the job. The job keeps its place before
    /// later ones. With `lived_through`, the worker survived working on the run: deaths are counted from here.
    pub async fn park_job(&self, id: &JobId, holder: &str, lived_through: bool) -> Result<bool, StoreError> {
        self.require_installation()?;
        let Some(subject) = self.incident_of_job(id).await? else { return Ok(false) };
        let mut tx = self.begin(WriteTurn::Incident(&subject)).await?;
        let row: Option<(IncidentId,)> = query_as(
            "UPDATE jobs SET state = 'queued', holder = NULL, lease_until = NULL, updated_at = $3, \
             lost = CASE WHEN $4 = 1 THEN 0 ELSE lost END WHERE id = $1 AND holder = $2 RETURNING incident_id",
        )
        .bind(id)
        .bind(holder)
        .bind(now())
        .bind(i64::from(lived_through))
        .fetch_optional(&mut tx)
        .await?;
        if let Some((incident,)) = &row {
            set_state(&mut tx, incident, IncidentState::Queued).await?;
        }
        tx.commit().await?;
        Ok(row.is_some())
    }

    /// Makes a waiting or ended job due; a running one is not changed and the result is `false`.
    pub async fn wake_job(&self, kind: JobKind, subject: &str) -> Result<bool, StoreError> {
        let Some(job) = self.get_job(kind, subject).await? else { return Ok(false) };
        let mut tx = self.begin(WriteTurn::Incident(&job.incident_id)).await?;
        let woken = wake(&mut tx, kind, subject).await?;
        tx.commit().await?;
        Ok(woken)
    }

    /// Cancels a job that nobody works on, and its incident; `false` if somebody does, or it has ended.
    pub async fn cancel_idle_job(&self, incident: &IncidentId) -> Result<bool, StoreError> {
        self.require_incident(incident).await?;
        let mut tx = self.begin(WriteTurn::Incident(incident)).await?;
        let done = query(
            "UPDATE jobs SET state = 'cancelled', updated_at = $2 WHERE kind = 'investigate' AND subject = $1 \
             AND state = 'queued' AND NOT EXISTS (SELECT 1 FROM runs WHERE incident_id = $1)",
        )
        .bind(incident)
        .bind(now())
        .execute(&mut tx)
        .await?;
        let cancelled = done.rows_affected() > 0;
        if cancelled {
            set_state(&mut tx, incident, IncidentState::Cancelled).await?;
        }
        tx.commit().await?;
        Ok(cancelled)
    }

    pub async fn get_job(&self, kind: JobKind, subject: &str) -> Result<Option<Job>, StoreError> {
        let visible = self.visible_by("j.incident_id");
        query(AssertSqlSafe(format!("SELECT * FROM jobs j WHERE j.kind = $1 AND j.subject = $2{visible}")))
            .bind(word(&kind))
            .bind(subject)
            .fetch_optional(&self.read)
            .await?
            .map(|row| from_row(&row))
            .transpose()
    }

    async fn incident_of_job(&self, id: &JobId) -> Result<Option<IncidentId>, StoreError> {
        query_scalar("SELECT incident_id FROM jobs WHERE id = $1").bind(id).fetch_optional(&self.write).await
    }

    /// How many jobs are in each state.
    pub async fn count_jobs(&self) -> Result<Vec<(JobKind, JobState, i64)>, StoreError> {
        self.require_installation()?;
        let rows: Vec<(String, String, i64)> =
            query_as("SELECT kind, state, count(*) FROM jobs GROUP BY kind, state")
                .fetch_all(&self.read)
                .await?;
        rows.into_iter()
            .map(|(kind, state, count)| {
                Ok((from_word("job", "", &kind)?, from_word("job", "", &state)?, count))
            })
            .collect()
    }

    /// How long the oldest due job of each kind has waited for a worker; kinds without waiting jobs are left out.
    pub async fn queue_ages(&self) -> Result<Vec<(JobKind, Duration)>, StoreError> {
        self.require_installation()?;
        let at = clock(&self.read).await?;
        let rows: Vec<(String, Timestamp)> = query_as(
            "SELECT kind, min(due_at) FROM jobs WHERE state = 'queued' AND due_at <= $1 GROUP BY kind ORDER BY kind",
        )
        .bind(at)
        .fetch_all(&self.read)
        .await?;
        rows.into_iter()
            .map(|(kind, due)| {
                let waited = Duration::try_from(at.since(due)).unwrap_or_default();
                Ok((from_word("job", "", &kind)?, waited))
            })
            .collect()
    }
}

pub(crate) async fn insert(
    tx: &mut WriteTransaction,
    kind: JobKind,
    subject: &str,
    incident: &IncidentId,
) -> Result<(), StoreError> {
    let due = clock(&mut *tx).await?;
    query(
        "INSERT INTO jobs (id, kind, subject, incident_id, state, created_at, updated_at, due_at) \
         VALUES ($1, $2, $3, $4, 'queued', $5, $5, $6) ON CONFLICT (kind, subject) DO NOTHING",
    )
    .bind(new_id::<JobId>())
    .bind(word(&kind))
    .bind(subject)
    .bind(incident)
    .bind(now())
    .bind(due)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

pub(crate) async fn wake(
    tx: &mut WriteTransaction,
    kind: JobKind,
    subject: &str,
) -> Result<bool, StoreError> {
    let due = clock(&mut *tx).await?;
    let done = query(
        "UPDATE jobs SET state = 'queued', due_at = $3, updated_at = $4, failures = 0, lost = 0 \
         WHERE kind = $1 AND subject = $2 AND state <> 'running'",
    )
    .bind(word(&kind))
    .bind(subject)
    .bind(due)
    .bind(now())
    .execute(&mut *tx)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Makes an ended or waiting job due. A running job becomes due again when its worker is done. A queued job keeps its time, including a
/// wait after a failure or at the other system's request.
pub(crate) async fn wake_idle(
    tx: &mut WriteTransaction,
    kind: JobKind,
    subject: &str,
) -> Result<(), StoreError> {
    let due = clock(&mut *tx).await?;
    query(
        "UPDATE jobs SET state = 'queued', due_at = $3, updated_at = $4, failures = 0, lost = 0 \
         WHERE kind = $1 AND subject = $2 AND state NOT IN ('running', 'queued')",
    )
    .bind(word(&kind))
    .bind(subject)
    .bind(due)
    .bind(now())
    .execute(&mut *tx)
    .await?;
    query("UPDATE jobs SET woken = 1 WHERE kind = $1 AND subject = $2 AND state = 'running'")
        .bind(word(&kind))
        .bind(subject)
        .execute(tx)
        .await?;
    Ok(())
}

/// Sets an incident's state and makes the notes that report it due, both or neither, because the caller may die
/// before it could wake a job. Returns the number of changed incidents.
pub(crate) async fn set_state(
    tx: &mut WriteTransaction,
    incident: &IncidentId,
    state: IncidentState,
) -> Result<u64, StoreError> {
    let done = query("UPDATE incidents SET state = $2, updated_at = $3 WHERE id = $1")
        .bind(incident)
        .bind(word(&state))
        .bind(now())
        .execute(&mut *tx)
        .await?;
    notes::wake(tx, incident).await?;
    Ok(done.rows_affected())
}

fn shortened(error: &str) -> String {
    error.chars().take(MAX_ERROR_CHARS).collect()
}

fn from_row(row: &Row) -> Result<Job, StoreError> {
    let id: JobId = row.try_get("id")?;
    let (kind, state): (String, String) = (row.try_get("kind")?, row.try_get("state")?);
    let plan: Option<String> = row.try_get("plan")?;
    Ok(Job {
        kind: from_word("job", &id, &kind)?,
        state: from_word("job", &id, &state)?,
        subject: row.try_get("subject")?,
        incident_id: row.try_get("incident_id")?,
        due_at: row.try_get("due_at")?,
        attempts: row.try_get("attempts")?,
        failures: row.try_get("failures")?,
        lost: row.try_get("lost")?,
        holder: row.try_get("holder")?,
        lease_until: row.try_get("lease_until")?,
        error: row.try_get("error")?,
        reopened_at: row.try_get("reopened_at")?,
        plan: plan.map(|plan| from_json("job", &id, &plan)).transpose()?,
        id,
    })
}
