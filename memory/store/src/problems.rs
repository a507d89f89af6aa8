/*!
Problems: groups of incidents that are recurrences of one failure. A link is made by a person, or when a check showed
that it is the same failure again; never by similarity alone.
*/

use millwright_model::{IncidentId, ProblemId, RepositoryId, Timestamp};

use super::audit::{AuditedChange, record};
use super::codec::{new_id, now};
use super::db::{AssertSqlSafe, WriteTransaction, WriteTurn, query, query_as, query_scalar};
use super::{Actor, Store, StoreError, StoredProblem};

impl Store {
    /// Records that `incident` is a recurrence of `earlier`; returns the problem that both belong to now. Two
    /// problems are merged.
    pub async fn link_recurrence(
        &self,
        incident: &IncidentId,
        earlier: &IncidentId,
        by: Actor<'_>,
    ) -> Result<StoredProblem, StoreError> {
        self.require_incident(incident).await?;
        self.require_incident(earlier).await?;
        let mut tx = self.begin(WriteTurn::Whole).await?;
        let of_earlier = problem_of(&mut tx, earlier).await?;
        let of_incident = problem_of(&mut tx, incident).await?;
        let problem = match of_earlier.clone().or_else(|| of_incident.clone()) {
            Some(id) => id,
            None => {
                let id: ProblemId = new_id();
                query(
                    "INSERT INTO problems (id, created_at, repository, title) \
                     SELECT $1, $2, repository, title FROM incidents WHERE id = $3",
                )
                .bind(&id)
                .bind(now())
                .bind(earlier)
                .execute(&mut tx)
                .await?;
                id
            }
        };
        if let Some(other) = of_incident.as_ref().filter(|other| **other != problem) {
            query("UPDATE incidents SET problem_id = $1 WHERE problem_id = $2")
                .bind(&problem)
                .bind(other)
                .execute(&mut tx)
                .await?;
            query("DELETE FROM problems WHERE id = $1").bind(other).execute(&mut tx).await?;
        }
        query("UPDATE incidents SET problem_id = $1 WHERE id IN ($2, $3)")
            .bind(&problem)
            .bind(incident)
            .bind(earlier)
            .execute(&mut tx)
            .await?;
        if of_incident.as_ref() != Some(&problem) {
            let change = AuditedChange {
                action: "link",
                subject: incident.as_str(),
                incident: Some(incident),
                before: of_incident.as_ref().map(ProblemId::as_str),
                after: Some(problem.as_str()),
            };
            record(&mut tx, by, change).await?;
        }
        tx.commit().await?;
        self.get_problem(&problem)
            .await?
            .ok_or_else(|| StoreError::NotFound { what: "problem", id: problem.to_string() })
    }

    pub async fn get_problem(&self, id: &ProblemId) -> Result<Option<StoredProblem>, StoreError> {
        // A problem's title comes from one of its incidents, which may not exist for the caller.
        let sql = format!(
            "SELECT p.id, p.created_at, CASE WHEN $2 THEN p.repository ELSE (SELECT i.repository FROM incidents i \
             WHERE i.problem_id = p.id{0} ORDER BY i.id LIMIT 1) END, CASE WHEN $2 THEN p.title ELSE coalesce((SELECT i.title FROM \
             incidents i WHERE i.problem_id = p.id{0} ORDER BY i.id LIMIT 1), '') END FROM problems p \
             WHERE p.id = $1 AND ($2 OR EXISTS (SELECT 1 FROM incidents i WHERE i.problem_id = p.id{0}))",
            self.visible()
        );
        let row: Option<(ProblemId, Timestamp, Option<RepositoryId>, String)> = query_as(AssertSqlSafe(sql))
            .bind(id)
            .bind(self.visible().is_empty())
            .fetch_optional(&self.read)
            .await?;
        Ok(row.map(|(id, created_at, repository, title)| StoredProblem { id, created_at, repository, title }))
    }

    /// Ids of the incidents of a problem, oldest first.
    pub async fn incidents_of_problem(&self, problem: &ProblemId) -> Result<Vec<IncidentId>, StoreError> {
        let sql =
            format!("SELECT i.id FROM incidents i WHERE i.problem_id = $1{} ORDER BY i.id", self.visible());
        query_scalar(AssertSqlSafe(sql)).bind(problem).fetch_all(&self.read).await
    }
}

async fn problem_of(
    tx: &mut WriteTransaction,
    incident: &IncidentId,
) -> Result<Option<ProblemId>, StoreError> {
    let row: Option<Option<ProblemId>> = query_scalar("SELECT problem_id FROM incidents WHERE id = $1")
        .bind(incident)
        .fetch_optional(&mut *tx)
        .await?;
    row.ok_or_else(|| StoreError::NotFound { what: "incident", id: incident.to_string() })
}

/// Returns whether the problem was new.
pub(crate) async fn insert(tx: &mut WriteTransaction, problem: &StoredProblem) -> Result<bool, StoreError> {
    let done = query(
        "INSERT INTO problems (id, created_at, repository, title) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING",
    )
    .bind(&problem.id)
    .bind(problem.created_at)
    .bind(&problem.repository)
    .bind(&problem.title)
    .execute(&mut *tx)
    .await?;
    Ok(done.rows_affected() > 0)
}
