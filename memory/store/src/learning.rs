/*!
What ranking learns from and what it has learned: samples of rankings, joined with the culprits that are trusted now,
and the versions of learned weights. Which version is active is stored separately and changed by audited calls only;
the versions themselves never change.
*/

use millwright_model::{
    IncidentId, LearnedWeights, Precedent, RankingSample, RepositoryId, Resolution, SettledSample,
    WeightVersion,
};

use super::audit::{AuditedChange, record};
use super::codec::{from_json, json, now};
use super::db::{Row, WriteTransaction, WriteTurn, query, query_scalar};
use super::resolutions::{from_row as resolution_from_row, most_trusted_first};
use super::{Actor, Store, StoreError};

/// Most precedents and samples that are read, newest first; older ones say little about today's code.
const MOST: i64 = 2_000;

impl Store {
    /// Stores the sample of an incident's ranking; a later ranking of the same incident replaces it.
    pub async fn save_sample(&self, incident: &IncidentId, sample: &RankingSample) -> Result<(), StoreError> {
        self.require_incident(incident).await?;
        let mut tx = self.begin(WriteTurn::Incident(incident)).await?;
        query("DELETE FROM ranking_samples WHERE incident_id = $1").bind(incident).execute(&mut tx).await?;
        insert_sample(&mut tx, incident, sample).await?;
        tx.commit().await
    }

    pub async fn sample(&self, incident: &IncidentId) -> Result<Option<RankingSample>, StoreError> {
        self.require_incident(incident).await?;
        let body: Option<String> = query_scalar("SELECT body FROM ranking_samples WHERE incident_id = $1")
            .bind(incident)
            .fetch_optional(&self.read)
            .await?;
        body.map(|body| from_json("ranking sample", incident, &body)).transpose()
    }

    /// Samples of incidents whose culprit is trusted now, oldest first.
    pub async fn settled_samples(&self) -> Result<Vec<SettledSample>, StoreError> {
        self.require_everything()?;
        let rows = query(
            "SELECT s.incident_id AS sampled, s.body AS body, r.* FROM ranking_samples s \
             JOIN resolutions r ON r.incident_id = s.incident_id WHERE r.culprit IS NOT NULL \
             AND s.incident_id IN (SELECT incident_id FROM ranking_samples ORDER BY created_at DESC LIMIT $1) \
             ORDER BY s.created_at, s.incident_id",
        )
        .bind(MOST)
        .fetch_all(&self.read)
        .await?;
        let mut found: Vec<SettledSample> = Vec::new();
        let incident = |row: &Row| row.try_get::<String>("sampled").unwrap_or_default();
        for of_incident in rows.chunk_by(|a, b| incident(a) == incident(b)) {
            let Some(best) = best_trusted(of_incident)? else { continue };
            let (Some(first), Some(culprit)) = (of_incident.first(), best.culprit) else { continue };
            let incident_id = best.incident_id;
            let sample = from_json("ranking sample", &incident_id, &first.try_get::<String>("body")?)?;
            found.push(SettledSample { incident_id, culprit, sample });
        }
        Ok(found)
    }

    /// The causes in trusted resolutions of a repository, oldest first; `except` is the current incident.
    pub async fn precedents(
        &self,
        repository: &RepositoryId,
        except: Option<&IncidentId>,
    ) -> Result<Vec<Precedent>, StoreError> {
        let best = self.earlier_causes(repository, except).await?.trusted;
        let precedent = |resolution: Resolution| Precedent {
            incident_id: resolution.incident_id,
            culprit: resolution.culprit,
            units: resolution.units,
            failing_revision: resolution.failing_revision,
        };
        Ok(best.into_iter().map(precedent).collect())
    }

    /// Stores a learned set of weights, and activates it if it was adopted.
    pub async fn add_weights(
        &self,
        learned: &LearnedWeights,
        adopted: bool,
        by: Actor<'_>,
    ) -> Result<WeightVersion, StoreError> {
        self.require_installation()?;
        let mut tx = self.begin(WriteTurn::Weights).await?;
        let last: Option<i64> =
            query_scalar("SELECT max(version) FROM weight_versions").fetch_one(&mut tx).await?;
        let version = last.unwrap_or(0) + 1;
        let created_at = now();
        query(
            "INSERT INTO weight_versions (version, created_at, adopted, active, body) VALUES ($1, $2, $3, FALSE, $4)",
        )
        .bind(version)
        .bind(created_at)
        .bind(adopted)
        .bind(json(learned)?)
        .execute(&mut tx)
        .await?;
        let after = if adopted { "adopted" } else { "rejected" };
        let subject = version_name(version);
        let change = AuditedChange {
            action: "learn",
            subject: &subject,
            incident: None,
            before: None,
            after: Some(after),
        };
        record(&mut tx, by, change).await?;
        if adopted {
            put_in_force(&mut tx, version, by).await?;
        }
        tx.commit().await?;
        Ok(WeightVersion { version, created_at, adopted, active: adopted, learned: learned.clone() })
    }

    /// Newest first.
    pub async fn weight_versions(&self) -> Result<Vec<WeightVersion>, StoreError> {
        self.require_installation()?;
        let rows = query("SELECT * FROM weight_versions ORDER BY version DESC LIMIT $1")
            .bind(MOST)
            .fetch_all(&self.read)
            .await?;
        rows.iter().map(version_from_row).collect()
    }

    pub async fn weight_version(&self, version: i64) -> Result<WeightVersion, StoreError> {
        self.require_installation()?;
        query("SELECT * FROM weight_versions WHERE version = $1")
            .bind(version)
            .fetch_optional(&self.read)
            .await?
            .map(|row| version_from_row(&row))
            .unwrap_or_else(|| Err(no_version(version)))
    }

    /// The active weights; `None` stands for the default weights.
    pub async fn active_weights(&self) -> Result<Option<WeightVersion>, StoreError> {
        self.require_installation()?;
        query("SELECT * FROM weight_versions WHERE active LIMIT 1")
            .fetch_optional(&self.read)
            .await?
            .map(|row| version_from_row(&row))
            .transpose()
    }

    /// Activates an older or newer version; 0 stands for the default weights.
    pub async fn use_weights(&self, version: i64, by: Actor<'_>) -> Result<(), StoreError> {
        self.require_installation()?;
        let mut tx = self.begin(WriteTurn::Weights).await?;
        let known: i64 = query_scalar("SELECT count(*) FROM weight_versions WHERE version = $1")
            .bind(version)
            .fetch_one(&mut tx)
            .await?;
        if version != 0 && known == 0 {
            return Err(no_version(version));
        }
        put_in_force(&mut tx, version, by).await?;
        tx.commit().await
    }
}

fn no_version(version: i64) -> StoreError {
    StoreError::NotFound { what: "version of the weights", id: version.to_string() }
}

fn version_name(version: i64) -> String {
    format!("weights:{version}")
}

async fn put_in_force(tx: &mut WriteTransaction, version: i64, by: Actor<'_>) -> Result<(), StoreError> {
    let before: Option<i64> = query_scalar("SELECT version FROM weight_versions WHERE active LIMIT 1")
        .fetch_optional(&mut *tx)
        .await?;
    query("UPDATE weight_versions SET active = (version = $1)").bind(version).execute(&mut *tx).await?;
    let (before, after) = (version_name(before.unwrap_or(0)), version_name(version));
    let change = AuditedChange {
        action: "weights",
        subject: &after,
        incident: None,
        before: Some(&before),
        after: Some(&after),
    };
    record(tx, by, change).await
}

/// Stores a sample if there is none yet.
pub(crate) async fn insert_sample(
    tx: &mut WriteTransaction,
    incident: &IncidentId,
    sample: &RankingSample,
) -> Result<(), StoreError> {
    query(
        "INSERT INTO ranking_samples (incident_id, created_at, body) VALUES ($1, $2, $3) \
         ON CONFLICT (incident_id) DO NOTHING",
    )
    .bind(incident)
    .bind(now())
    .bind(json(sample)?)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

fn best_trusted(rows: &[Row]) -> Result<Option<Resolution>, StoreError> {
    let mut resolutions = rows.iter().map(resolution_from_row).collect::<Result<Vec<_>, _>>()?;
    resolutions.retain(Resolution::is_trusted);
    Ok(most_trusted_first(resolutions).into_iter().next())
}

fn version_from_row(row: &Row) -> Result<WeightVersion, StoreError> {
    let version: i64 = row.try_get("version")?;
    Ok(WeightVersion {
        created_at: row.try_get("created_at")?,
        adopted: row.try_get("adopted")?,
        active: row.try_get("active")?,
        learned: from_json("weights", &version.to_string(), &row.try_get::<String>("body")?)?,
        version,
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ANNA, incident, prose, repository, resolution, temporary};
    use super::*;
    use millwright_model::NewIncident;
    use millwright_model::{Approval, Proof, SampledCandidate};

    fn sample(commit: &str) -> RankingSample {
        RankingSample {
            signals: vec!["literal".into()],
            candidates: vec![SampledCandidate {
                commit: commit.repeat(10).parse().unwrap(),
                values: vec![0.5],
            }],
            total: 7,
        }
    }

    async fn settled(store: &Store, culprit: &str, proof: Proof) -> (IncidentId, Resolution) {
        let new: NewIncident = incident(prose("totals are wrong", ""));
        let incident = store.create_incident(&new).await.unwrap();
        store.save_sample(&incident.id, &sample(culprit)).await.unwrap();
        let run = store.create_run(&incident.id).await.unwrap();
        let kept = store
            .remember(&incident.id, &run.id, Some(&resolution(culprit, proof)), &[], ANNA)
            .await
            .unwrap();
        (incident.id, kept.resolution.unwrap())
    }

    #[tokio::test]
    async fn only_what_is_trusted_now_is_learned_from() {
        let (store, _dir) = temporary().await;
        let (proven, resolution) = settled(&store, "aaaa", Proof::CauseConfirmed).await;
        let (claimed, claim) = settled(&store, "bbbb", Proof::None).await;
        let culprits = async || -> Vec<String> {
            store.settled_samples().await.unwrap().into_iter().map(|settled| settled.culprit).collect()
        };
        assert_eq!(culprits().await, ["aaaa"]);
        assert_eq!(store.precedents(&repository(), None).await.unwrap().len(), 1);
        assert!(store.precedents(&repository(), Some(&proven)).await.unwrap().is_empty());
        store.set_approval(&claim.id, Approval::Confirmed, ANNA).await.unwrap();
        assert_eq!(culprits().await, ["aaaa", "bbbb"]);
        store.set_approval(&resolution.id, Approval::Rejected, ANNA).await.unwrap();
        assert_eq!(culprits().await, ["bbbb"]);
        assert_eq!(store.sample(&claimed).await.unwrap(), Some(sample("bbbb")));
        store.forget(&claimed, ANNA).await.unwrap();
        assert_eq!(store.sample(&claimed).await.unwrap(), None);
    }

    #[tokio::test]
    async fn versions_are_kept_and_can_be_gone_back_to() {
        let (store, _dir) = temporary().await;
        assert_eq!(store.active_weights().await.unwrap(), None);
        let learned = |weight: f64| LearnedWeights {
            weights: [("literal".to_owned(), weight)].into(),
            verdict: "better".into(),
            ..LearnedWeights::default()
        };
        let first = store.add_weights(&learned(1.0), true, ANNA).await.unwrap();
        let second = store.add_weights(&learned(9.0), false, ANNA).await.unwrap();
        assert_eq!((first.version, second.version), (1, 2));
        assert_eq!(store.active_weights().await.unwrap(), Some(first.clone()));
        let third = store.add_weights(&learned(2.0), true, ANNA).await.unwrap();
        assert_eq!(store.active_weights().await.unwrap(), Some(third));
        store.use_weights(1, ANNA).await.unwrap();
        assert_eq!(store.active_weights().await.unwrap(), Some(first));
        store.use_weights(0, ANNA).await.unwrap();
        assert_eq!(store.active_weights().await.unwrap(), None);
        let all = store.weight_versions().await.unwrap();
        assert_eq!(
            all.iter().map(|v| (v.version, v.adopted)).collect::<Vec<_>>(),
            [(3, true), (2, false), (1, true)]
        );
        assert!(store.use_weights(12, ANNA).await.unwrap_err().to_string().contains("12"));
        let said: Vec<String> = store.audit(None).await.unwrap().into_iter().map(|e| e.action).collect();
        assert_eq!(said.iter().filter(|action| *action == "weights").count(), 4);
    }
}
