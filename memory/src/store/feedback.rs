/*!
What a person says of an answer, whichever channel it came by: confirmed, rejected, or rejected with the right cause
(“it was 1c1ed3b”). The right cause becomes a resolution of its own that this person confirmed; a machine still has to
re-check it before it is presented as known.
*/

use super::audit::{Change, record};
use super::db::{Tx, query_scalar};
use super::resolutions::{ResolutionField, change_in, complete, insert};
use super::service::wake_notes;
use super::{Actor, NewResolution, Store, StoreError};
use crate::types::{Approval, Proof, Resolution};

/// Characters of an abbreviated commit id that git prints at least.
const SHORTEST_ID: usize = 7;
const WHOLE_ID: usize = 40;

/// What a person's feedback changed.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedbackResult {
    /// What was confirmed or rejected; `None` where nothing had been concluded and the cause is new.
    pub resolution: Option<Resolution>,
    /// The cause that the person named instead.
    pub correction: Option<Resolution>,
}

impl FeedbackResult {
    /// The commit that was named instead.
    pub fn corrected_to(&self) -> Option<&str> {
        self.correction.as_ref().and_then(|correction| correction.culprit.as_deref())
    }
}

impl Store {
    /// Confirms or rejects an answer of an incident: the resolution named, else the most trusted one. The reason of a
    /// rejection may name the commit that it was instead; its id may be abbreviated, and is looked up when the resolution is
    /// re-checked. Where nothing was concluded, only such a reason says anything.
    ///
    /// # Errors
    /// When there is nothing to judge, or the store cannot be written.
    pub async fn record_feedback(
        &self,
        incident: &str,
        resolution: Option<&str>,
        approval: Approval,
        by: Actor<'_>,
    ) -> Result<FeedbackResult, StoreError> {
        let known = self.resolutions(incident).await?;
        let judged = known.iter().find(|known| resolution.is_none_or(|id| known.id == id));
        let named = commit_named(by.why).filter(|_| approval == Approval::Rejected);
        if judged.is_none() && named.is_none() {
            return Err(StoreError::NotFound { what: "resolution of incident", id: incident.to_owned() });
        }
        let mut tx = self.begin().await?;
        let resolution = match judged {
            Some(judged) => Some(approve(&mut tx, &judged.id, approval, by).await?),
            None => None,
        };
        if let (Approval::Rejected, Some(rejected)) = (approval, &resolution) {
            reject_elsewhere(&mut tx, rejected, by).await?;
        }
        let is_judged = |commit: &str| {
            let culprit = resolution.as_ref().and_then(|known| known.culprit.as_deref());
            culprit.is_some_and(|culprit| culprit.starts_with(commit))
        };
        let correction = match named.filter(|commit| !is_judged(commit)) {
            None => None,
            Some(commit) => {
                let named_before = known.iter().find(|known| {
                    known.culprit.as_deref().is_some_and(|culprit| culprit.starts_with(&commit))
                });
                Some(match named_before {
                    Some(known) => approve(&mut tx, &known.id, Approval::Confirmed, by).await?,
                    None => {
                        let repository = self.get_incident(incident).await?.repository.unwrap_or_default();
                        correct(&mut tx, (incident, repository), resolution.as_ref(), commit, by).await?
                    }
                })
            }
        };
        tx.commit().await?;
        Ok(FeedbackResult { resolution, correction })
    }
}

async fn approve(
    tx: &mut Tx,
    resolution: &str,
    approval: Approval,
    by: Actor<'_>,
) -> Result<Resolution, StoreError> {
    change_in(tx, resolution, ResolutionField::Approval, by, |known| {
        known.approval = approval;
        known.approved_by = Some(by.who.to_owned()).filter(|_| approval != Approval::None);
    })
    .await
}

/// The same answer of other reports of the same problem is rejected with it, unless a person confirmed it there.
async fn reject_elsewhere(tx: &mut Tx, rejected: &Resolution, by: Actor<'_>) -> Result<(), StoreError> {
    let Some(culprit) = &rejected.culprit else { return Ok(()) };
    let others: Vec<String> = query_scalar(
        "SELECT r.id FROM resolutions r JOIN incidents i ON i.id = r.incident_id WHERE r.culprit = $1 AND r.id <> $2 \
         AND r.approval = 'none' AND (i.id = $3 OR i.problem_id = (SELECT problem_id FROM incidents WHERE id = $3)) \
         ORDER BY r.id",
    )
    .bind(culprit)
    .bind(&rejected.id)
    .bind(&rejected.incident_id)
    .fetch_all(&mut *tx)
    .await?;
    for other in others {
        approve(tx, &other, Approval::Rejected, by).await?;
    }
    Ok(())
}

/// Keeps the cause that a person named; `instead_of` is what they rejected.
async fn correct(
    tx: &mut Tx,
    (incident, repository): (&str, String),
    instead_of: Option<&Resolution>,
    commit: String,
    by: Actor<'_>,
) -> Result<Resolution, StoreError> {
    let new = NewResolution {
        repository: instead_of.map_or(repository, |rejected| rejected.repository.clone()),
        statement: format!("Commit {commit} brought the failure in, as {} said.", by.who),
        culprit: Some(commit),
        units: Vec::new(),
        failing_revision: instead_of.map(|rejected| rejected.failing_revision.clone()).unwrap_or_default(),
        fix_diff: String::new(),
        fix_kind: None,
        fix_checks: None,
        failed_fixes: Vec::new(),
        replay: instead_of.and_then(|rejected| rejected.replay.clone()),
        proof: Proof::None,
    };
    let correction = Resolution {
        approval: Approval::Confirmed,
        approved_by: Some(by.who.to_owned()),
        ..complete(incident, &new)
    };
    insert(tx, &correction).await?;
    let change = Change {
        action: "correct",
        subject: &correction.id,
        incident: Some(incident),
        before: instead_of.and_then(|rejected| rejected.culprit.as_deref()),
        after: correction.culprit.as_deref(),
    };
    record(tx, by, change).await?;
    wake_notes(tx, incident).await?;
    Ok(correction)
}

/// The commit that a note names as the cause: the note is its id, or says `it was`, `caused by`, `culprit` and the like
/// before it. A number alone is no id.
pub fn commit_named(note: &str) -> Option<String> {
    const LEADS: [&str; 10] =
        ["was", "is", "by", "in", "culprit", "cause", "commit", "really", "actually", "from"];
    let words: Vec<&str> = note
        .split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-'))
        .filter(|word| !word.is_empty())
        .collect();
    let is_id = |word: &str| {
        (SHORTEST_ID..=WHOLE_ID).contains(&word.len())
            && word.bytes().all(|byte| byte.is_ascii_hexdigit())
            && word.bytes().any(|byte| byte.is_ascii_digit())
            && (word.len() == WHOLE_ID || word.bytes().any(|byte| byte.is_ascii_alphabetic()))
    };
    let is_negated = |at: usize| {
        let before = words.get(at.saturating_sub(3)..at).unwrap_or_default();
        before.iter().any(|word| matches!(word.to_lowercase().as_str(), "not" | "isn" | "wasn" | "never"))
    };
    let leads = |at: usize| {
        let before = at.checked_sub(1).and_then(|before| words.get(before));
        before.is_some_and(|word| LEADS.contains(&word.to_lowercase().as_str()))
    };
    let found = words
        .iter()
        .enumerate()
        .find(|(at, word)| is_id(word) && !is_negated(*at) && (words.len() == 1 || leads(*at)));
    found.map(|(_, word)| word.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ANNA, incident, prose, resolution, temporary};
    use super::*;

    #[test]
    fn a_note_may_name_the_commit() {
        let check = |note: &str, expected: Option<&str>| {
            assert_eq!(commit_named(note).as_deref(), expected, "{note}");
        };
        check("it was 1c1ed3b", Some("1c1ed3b"));
        check("No. It was commit 1C1ED3B, see #12", Some("1c1ed3b"));
        check("1c1ed3b", Some("1c1ed3b"));
        check("caused by 1c1ed3b4f00ba41c1ed3b4f00ba41c1ed3b4f00ba", None);
        check(&format!("the culprit is {}", "1".repeat(40)), Some(&"1".repeat(40)));
        check("it was not 1c1ed3b", None);
        check("not this", None);
        check("it was order 1234567", None);
        check("it was defaced", None);
        check("seen with build 1c1ed3b as well, no idea", None);
        check("", None);
    }

    #[tokio::test]
    async fn a_correction_stands_beside_what_it_corrects() {
        let (store, _dir) = temporary().await;
        let incident = store.create_incident(&incident(prose("totals are wrong", ""))).await.unwrap();
        let run = store.create_run(&incident.id).await.unwrap();
        let new = resolution("aaaa111", Proof::CauseConfirmed);
        let kept = store.remember(&incident.id, &run.id, Some(&new), &[], ANNA).await.unwrap();
        let kept = kept.resolution.unwrap();
        let by = Actor { who: "anna", why: "it was 1c1ed3b" };
        let judged = store.record_feedback(&incident.id, None, Approval::Rejected, by).await.unwrap();
        let correction = judged.correction.unwrap();
        assert_eq!(judged.resolution.unwrap().approval, Approval::Rejected);
        assert_eq!(correction.culprit.as_deref(), Some("1c1ed3b"));
        assert_eq!((correction.approval, correction.proof), (Approval::Confirmed, Proof::None));
        assert_eq!(correction.replay, kept.replay);
        // Said again, it is one correction.
        store.record_feedback(&incident.id, Some(&kept.id), Approval::Rejected, by).await.unwrap();
        let all = store.resolutions(&incident.id).await.unwrap();
        assert_eq!(all.iter().map(|known| &known.id).collect::<Vec<_>>(), [&correction.id, &kept.id]);
        let said: Vec<String> =
            store.audit(Some(&incident.id)).await.unwrap().into_iter().map(|e| e.action).collect();
        assert!(said.contains(&"correct".to_owned()), "{said:?}");
    }
    #[tokio::test]
    async fn a_rejection_reaches_the_other_reports_of_the_problem() {
        let (store, _dir) = temporary().await;
        let mut kept = Vec::new();
        for _ in 0..4 {
            let incident = store.create_incident(&incident(prose("totals are wrong", ""))).await.unwrap();
            let run = store.create_run(&incident.id).await.unwrap();
            let new = resolution("aaaa111", Proof::CauseConfirmed);
            let done = store.remember(&incident.id, &run.id, Some(&new), &[], ANNA).await.unwrap();
            kept.push(done.resolution.unwrap());
        }
        for again in &kept[1..3] {
            store.link_recurrence(&again.incident_id, &kept[0].incident_id, ANNA).await.unwrap();
        }
        store.record_feedback(&kept[2].incident_id, None, Approval::Confirmed, ANNA).await.unwrap();
        store.record_feedback(&kept[0].incident_id, None, Approval::Rejected, ANNA).await.unwrap();
        let mut standing = Vec::new();
        for one in &kept {
            standing.push(store.get_resolution(&one.id).await.unwrap().approval);
        }
        let expected = [Approval::Rejected, Approval::Rejected, Approval::Confirmed, Approval::None];
        assert_eq!(standing, expected, "what a person confirmed, and another problem, stay");
    }

    #[tokio::test]
    async fn where_nothing_was_concluded_the_cause_can_be_told() {
        let (store, _dir) = temporary().await;
        let incident = store.create_incident(&incident(prose("totals are wrong", ""))).await.unwrap();
        let say = async |why| {
            store.record_feedback(&incident.id, None, Approval::Rejected, Actor { who: "anna", why }).await
        };
        assert!(matches!(say("no").await, Err(StoreError::NotFound { .. })));
        let told = say("it was 1c1ed3b").await.unwrap();
        assert_eq!((told.resolution.as_ref(), told.corrected_to()), (None, Some("1c1ed3b")));
        assert!(store.resolutions(&incident.id).await.unwrap().iter().all(Resolution::is_trusted));
    }
}
