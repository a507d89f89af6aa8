/*!
Lessons from the earlier incidents of a repository for a new one: trusted causes, causes that a person rejected, and
fixes that are known to be wrong.
*/

use std::collections::HashMap;

use millwright_model::{
    Approval, Audience, FailedFix, IncidentId, RepositoryId, Resolution, ResolutionId, Timestamp,
};

use super::db::{AssertSqlSafe, MAX_BATCH, marks, query, query_as};
use super::resolutions::{from_row, most_trusted_first};
use super::{Store, StoreError};

/// Most resolutions that are read, newest first; older ones say little about today's code.
const MOST: i64 = 2_000;

/// A fix that failed, and the incident it was tried for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedFixRecord {
    pub incident_id: IncidentId,
    /// When the fix was first tried.
    pub created_at: Timestamp,
    pub fix: FailedFix,
}

/// The causes of earlier incidents of a repository.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EarlierCauses {
    /// The most trusted resolution of every incident that has a trusted one, oldest first.
    pub trusted: Vec<Resolution>,
    /// Resolutions with a culprit that a person rejected, newest first. A culprit that is trusted in another incident
    /// does not count as rejected.
    pub rejected: Vec<Resolution>,
}

impl Store {
    /// The causes of the incidents of a repository; `except` is the current incident.
    pub async fn earlier_causes(
        &self,
        repository: &RepositoryId,
        except: Option<&IncidentId>,
    ) -> Result<EarlierCauses, StoreError> {
        let sql = format!(
            "SELECT r.* FROM resolutions r JOIN incidents i ON i.id = r.incident_id \
             WHERE r.repository = $1 AND r.incident_id <> $2{} ORDER BY r.id DESC LIMIT $3",
            self.told()
        );
        let rows = query(AssertSqlSafe(sql))
            .bind(repository)
            .bind(except.map_or("", IncidentId::as_str))
            .bind(MOST)
            .fetch_all(&self.read)
            .await?;
        let all = self.without_names(rows.iter().map(from_row).collect::<Result<_, _>>()?);
        let (trusted, mut rejected): (Vec<Resolution>, Vec<Resolution>) =
            all.into_iter().partition(Resolution::is_trusted);
        rejected.retain(|known| {
            known.approval == Approval::Rejected
                && known.culprit.is_some()
                && !trusted
                    .iter()
                    .any(|other| other.culprit == known.culprit && other.incident_id != known.incident_id)
        });
        // Contradicting resolutions of one incident are all stored; only the best of them counts as knowledge.
        let mut best: Vec<Resolution> = Vec::new();
        for resolution in most_trusted_first(trusted) {
            if !best.iter().any(|known| known.incident_id == resolution.incident_id) {
                best.push(resolution);
            }
        }
        best.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(EarlierCauses { trusted: best, rejected })
    }

    /// The notes of persons who rejected resolutions, by resolution id; the latest of several.
    pub async fn rejection_notes(
        &self,
        resolutions: &[&ResolutionId],
    ) -> Result<HashMap<ResolutionId, String>, StoreError> {
        let mut notes = HashMap::new();
        // Judges are inside the organisation, and so are their notes.
        if self.scope().readers != Audience::Internal {
            return Ok(notes);
        }
        for batch in resolutions.chunks(MAX_BATCH) {
            let marks = marks(1, batch.len());
            let sql = format!(
                "SELECT a.subject, n.note FROM audit a LEFT JOIN audit_notes n ON n.audit_id = a.id \
                 WHERE a.action = 'approval' AND a.after_value = 'rejected' AND a.subject IN ({marks}){} ORDER BY a.id",
                self.visible_by("a.incident_id")
            );
            let select = batch.iter().fold(query_as(AssertSqlSafe(sql)), |q, id| q.bind(*id));
            let rows: Vec<(ResolutionId, Option<String>)> = select.fetch_all(&self.read).await?;
            notes.extend(rows.into_iter().map(|(id, note)| (id, note.unwrap_or_default())));
        }
        Ok(notes)
    }

    /// Fixes that are known to be wrong for a repository, newest first.
    pub async fn failed_fixes(&self, repository: &RepositoryId) -> Result<Vec<FailedFixRecord>, StoreError> {
        let sql = format!(
            "SELECT r.* FROM resolutions r JOIN incidents i ON i.id = r.incident_id \
             WHERE r.repository = $1 AND r.failed_fixes IS NOT NULL{} ORDER BY r.id DESC LIMIT $2",
            self.told()
        );
        let rows = query(AssertSqlSafe(sql)).bind(repository).bind(MOST).fetch_all(&self.read).await?;
        let mut out = Vec::new();
        for row in &rows {
            let known = from_row(row)?;
            out.extend(known.failed_fixes.into_iter().map(|fix| FailedFixRecord {
                incident_id: known.incident_id.clone(),
                created_at: known.created_at,
                fix,
            }));
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ANNA, incident, prose, repository, resolution, temporary};
    use super::*;
    use millwright_model::{NewResolution, Proof};

    async fn keep(store: &Store, new: &NewResolution) -> Resolution {
        let incident = store.create_incident(&incident(prose("totals are wrong", ""))).await.unwrap();
        let run = store.create_run(&incident.id).await.unwrap();
        let kept = store.remember(&incident.id, &run.id, Some(new), &[], ANNA).await.unwrap();
        kept.resolution.unwrap()
    }

    #[tokio::test]
    async fn a_rejected_cause_is_listed_unless_another_incident_proves_it() {
        let (store, _dir) = temporary().await;
        let proven = resolution("aaaa", Proof::CauseConfirmed);
        let first = keep(&store, &proven).await;
        store.set_approval(&first.id, Approval::Rejected, ANNA).await.unwrap();
        let rejected = store.earlier_causes(&repository(), None).await.unwrap().rejected;
        assert_eq!(rejected.len(), 1);
        assert!(
            store.earlier_causes(&repository(), Some(&first.incident_id)).await.unwrap().rejected.is_empty()
        );
        keep(&store, &proven).await;
        assert!(store.earlier_causes(&repository(), None).await.unwrap().rejected.is_empty());
    }

    #[tokio::test]
    async fn failed_fixes_add_up_and_are_forgotten_with_their_incident() {
        let (store, _dir) = temporary().await;
        let failed = |diff: &str| FailedFix { diff: diff.into(), because: "tests fail".into() };
        let new =
            NewResolution { failed_fixes: vec![failed("one")], ..resolution("aaaa", Proof::CauseConfirmed) };
        let kept = keep(&store, &new).await;
        let again = NewResolution { failed_fixes: vec![failed("one"), failed("two")], ..new };
        let run = store.create_run(&kept.incident_id).await.unwrap();
        let merged = store.remember(&kept.incident_id, &run.id, Some(&again), &[], ANNA).await.unwrap();
        assert!(merged.merged);
        let known = store.failed_fixes(&repository()).await.unwrap();
        let diffs: Vec<&str> = known.iter().map(|known| known.fix.diff.as_str()).collect();
        assert_eq!(diffs, ["one", "two"]);
        assert_eq!(store.get_resolution(&kept.id).await.unwrap().failed_fixes.len(), 2);
        store.forget(&kept.incident_id, ANNA).await.unwrap();
        assert!(store.failed_fixes(&repository()).await.unwrap().is_empty());
    }
}
