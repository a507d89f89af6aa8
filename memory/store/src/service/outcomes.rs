/*!
Outcomes of fixes: which are still expected on the deployed branch, which were seen there, and where the failure came
back.
*/

use millwright_model::{Approval, IncidentId, Outcome, Proof, RepositoryId, Resolution, Timestamp};

use super::super::codec::word;
use super::super::db::{query, query_as};
use super::super::resolutions::from_row;
use super::super::{Store, StoreError};

/// Most fixes that are checked in one pass.
const MOST: i64 = 500;

/// A later incident of a fixed problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recurrence {
    pub incident_id: IncidentId,
    /// The decisions about its job, including the revision that failed.
    pub plan: Option<serde_json::Value>,
}

impl Store {
    /// Trusted resolutions of a repository that have a fix and this outcome, oldest first.
    pub async fn fixes_with(
        &self,
        repository: &RepositoryId,
        outcome: Outcome,
    ) -> Result<Vec<Resolution>, StoreError> {
        self.require_everything()?;
        let rows = query(
            "SELECT * FROM resolutions WHERE repository = $1 AND outcome = $2 AND fix_diff <> '' \
             AND approval <> $3 AND (proof = $4 OR approval = $5) ORDER BY id LIMIT $6",
        )
        .bind(repository)
        .bind(word(&outcome))
        .bind(word(&Approval::Rejected))
        .bind(word(&Proof::FixVerified))
        .bind(word(&Approval::Confirmed))
        .bind(MOST)
        .fetch_all(&self.read)
        .await?;
        rows.iter().map(from_row).collect()
    }

    /// Incidents of the same problem that were reported after `since`, oldest first.
    pub async fn recurrences_since(
        &self,
        resolution: &Resolution,
        since: Timestamp,
    ) -> Result<Vec<Recurrence>, StoreError> {
        self.require_everything()?;
        let rows: Vec<(IncidentId, Option<String>)> = query_as(
            "SELECT i.id, j.plan FROM incidents o JOIN incidents i ON i.problem_id = o.problem_id \
             LEFT JOIN jobs j ON j.kind = 'investigate' AND j.subject = i.id \
             WHERE o.id = $1 AND i.id <> o.id AND i.created_at > $2 ORDER BY i.id LIMIT 100",
        )
        .bind(&resolution.incident_id)
        .bind(since)
        .fetch_all(&self.read)
        .await?;
        Ok(rows
            .into_iter()
            .map(|(incident_id, plan)| Recurrence {
                incident_id,
                plan: plan.and_then(|plan| serde_json::from_str(&plan).ok()),
            })
            .collect())
    }
}
