/*!
Which revision of a service ran where and since when, as reported by deployments.
*/

use millwright_model::{Deployment, DeploymentId, Timestamp};

use super::super::codec::new_id;
use super::super::db::{query, query_as};
use super::super::{Store, StoreError};

impl Store {
    /// Records a deployment; idempotent.
    pub async fn deployed(&self, deployment: &Deployment, by: &str) -> Result<(), StoreError> {
        self.require_installation()?;
        query(
            "INSERT INTO deployments (id, service, environment, revision, at, reported_by) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        )
        .bind(new_id::<DeploymentId>())
        .bind(&deployment.service)
        .bind(&deployment.environment)
        .bind(&deployment.revision)
        .bind(deployment.at)
        .bind(by)
        .execute(&self.write)
        .await?;
        Ok(())
    }

    /// The deployments of a service that were active at a time, newest first, at most `most`; in any environment if
    /// none is given.
    pub async fn deployments_at(
        &self,
        service: &str,
        environment: Option<&str>,
        at: Timestamp,
        most: u32,
    ) -> Result<Vec<Deployment>, StoreError> {
        self.require_installation()?;
        let rows: Vec<(String, String, String, Timestamp)> = query_as(
            "SELECT service, environment, revision, at FROM deployments WHERE lower(service) = lower($1) \
             AND ($2 IS NULL OR lower(environment) = lower($2)) AND at <= $3 ORDER BY at DESC, id DESC LIMIT $4",
        )
        .bind(service)
        .bind(environment)
        .bind(at)
        .bind(i64::from(most))
        .fetch_all(&self.read)
        .await?;
        Ok(rows
            .into_iter()
            .map(|(service, environment, revision, at)| Deployment { service, environment, revision, at })
            .collect())
    }
}
