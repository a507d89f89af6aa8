/*!
Feedback on an answer, from any channel: confirmed, rejected, or rejected with the right cause (“it was 1c1ed3b”). The
right cause becomes a resolution of its own that this person confirmed; a machine still has to check it before it is
presented as known.

The author's authority decides the effect. Feedback of a lower authority never overrules feedback of a higher one; it
is kept as a remark. A confirmation alone makes an answer known only if the configuration names its authority, or if
two distinct persons confirm.
*/

use millwright_model::{
    Approval, IncidentId, JudgingAuthority, NewResolution, Proof, RepositoryId, Resolution, ResolutionId,
};

use super::audit::{AuditedChange, record};
use super::codec::{now, word};
use super::db::{AssertSqlSafe, WriteTransaction, WriteTurn, query, query_scalar};
use super::judging::{BY_LINK, FeedbackAuthor, FeedbackResult, PriorFeedback};
use super::queue::wake_notes;
use super::resolutions::{
    ResolutionField, change_in, complete, from_row, insert, load, most_trusted_first, of_incident_tx,
};
use super::{Store, StoreError};

/// The fewest characters of an abbreviated commit id that git prints.
const SHORTEST_ID: usize = 7;
const WHOLE_ID: usize = 40;

impl Store {
    /// Confirms or rejects an answer of an incident: the given resolution, otherwise the most trusted one. The reason
    /// of a rejection may name the right commit; its id may be abbreviated, and is resolved when the resolution is
    /// checked again. If nothing was concluded, only such a reason has an effect.
    ///
    /// Feedback of a higher authority stays in force: the new feedback is then kept in the audit log alone.
    ///
    /// # Errors
    /// When there is nothing to judge, the link was used before, or the store cannot be written.
    pub async fn record_feedback(
        &self,
        incident: &IncidentId,
        resolution: Option<&ResolutionId>,
        approval: Approval,
        judge: FeedbackAuthor<'_>,
    ) -> Result<FeedbackResult, StoreError> {
        self.require_incident(incident).await?;
        let by = judge.by;
        let mut tx = self.begin(WriteTurn::Whole).await?;
        let known = most_trusted_first(of_incident_tx(&mut tx, incident).await?);
        let judged = known.iter().find(|known| resolution.is_none_or(|id| known.id == *id));
        let named = commit_named(by.why).filter(|_| approval == Approval::Rejected);
        if judged.is_none() && named.is_none() {
            return Err(StoreError::NotFound { what: "resolution of incident", id: incident.to_string() });
        }
        if let Some(link) = judge.link {
            spend(&mut tx, link, incident).await?;
        }
        let mut overruled_by = None;
        let resolution = match judged {
            Some(judged) => {
                let (known, stands) = approve(&mut tx, &judged.id, approval, judge, self.visible()).await?;
                overruled_by = stands;
                Some(known)
            }
            None => None,
        };
        let is_taken = resolution.is_some() && overruled_by.is_none();
        if let (Approval::Rejected, Some(rejected), true) = (approval, &resolution, is_taken) {
            reject_elsewhere(&mut tx, rejected, judge, self.visible()).await?;
        }
        let is_judged = |commit: &str| resolution.as_ref().is_some_and(|known| is_same_commit(known, commit));
        let correction = match named.filter(|commit| !is_judged(commit)) {
            None => None,
            Some(commit) => {
                let named_before = known.iter().find(|known| is_same_commit(known, &commit));
                match named_before {
                    Some(known) => {
                        let (known, stands) =
                            approve(&mut tx, &known.id, Approval::Confirmed, judge, self.visible()).await?;
                        overruled_by = overruled_by.or(stands);
                        Some(known).filter(|_| stands.is_none())
                    }
                    None => match against(
                        &mut tx,
                        (incident, Some(&commit)),
                        Approval::Confirmed,
                        judge,
                        self.visible(),
                    )
                    .await?
                    {
                        Some(stands) => {
                            overruled_by = overruled_by.or(Some(stands));
                            remark(&mut tx, incident.as_str(), incident, Approval::Confirmed, judge).await?;
                            None
                        }
                        None => {
                            let repository: Option<RepositoryId> =
                                query_scalar("SELECT repository FROM incidents WHERE id = $1")
                                    .bind(incident)
                                    .fetch_one(&mut tx)
                                    .await?;
                            let instead_of = resolution.as_ref();
                            Some(correct(&mut tx, (incident, repository), instead_of, commit, judge).await?)
                        }
                    },
                }
            }
        };
        tx.commit().await?;
        Ok(FeedbackResult { resolution, is_taken, correction, overruled_by })
    }

    /// Whether this link was already used to judge an answer.
    pub async fn is_link_spent(&self, link: &str) -> Result<bool, StoreError> {
        let found: Option<String> = query_scalar("SELECT id FROM spent_links WHERE id = $1")
            .bind(link)
            .fetch_optional(&self.read)
            .await?;
        Ok(found.is_some())
    }
}

async fn spend(tx: &mut WriteTransaction, link: &str, incident: &IncidentId) -> Result<(), StoreError> {
    let done = query(
        "INSERT INTO spent_links (id, incident_id, spent_at) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING",
    )
    .bind(link)
    .bind(incident)
    .bind(now())
    .execute(&mut *tx)
    .await?;
    match done.rows_affected() {
        0 => Err(StoreError::LinkSpent),
        _ => Ok(()),
    }
}

/// Applies an approval to a resolution, unless feedback of a higher authority stands against it; then returns that
/// feedback.
async fn approve(
    tx: &mut WriteTransaction,
    resolution: &ResolutionId,
    approval: Approval,
    judge: FeedbackAuthor<'_>,
    visible: &str,
) -> Result<(Resolution, Option<PriorFeedback>), StoreError> {
    let FeedbackAuthor { by, standing, .. } = judge;
    let known = load(tx, resolution).await?;
    let about = (&known.incident_id, known.culprit.as_deref());
    let own = word_of(&known).filter(|own| stands_against(*own, approval, standing.authority));
    let stands = match own {
        Some(own) => Some(own),
        None => against(tx, about, approval, judge, visible).await?,
    };
    if stands.is_some() {
        remark(tx, known.id.as_str(), &known.incident_id, approval, judge).await?;
        return Ok((known, stands));
    }
    // The same approval by a lower authority does not lower the recorded one.
    let higher =
        known.approval_authority.filter(|had| known.approval == approval && *had > standing.authority);
    let others = match approval {
        Approval::Confirmed => confirmed_by(tx, resolution).await?,
        Approval::Rejected | Approval::None => Vec::new(),
    };
    let two = others.iter().any(|other| person(other) != person(by.who)) && is_somebody(by.who);
    let suffices = approval == Approval::Confirmed
        && (standing.suffices || two || (known.approval == approval && known.approval_suffices));
    let changed = change_in(tx, resolution, ResolutionField::Approval, by, |known| {
        known.approval = approval;
        known.approval_suffices = suffices;
        if higher.is_none() {
            known.approved_by = Some(by.who.to_owned()).filter(|_| approval != Approval::None);
            known.approval_authority = Some(standing.authority).filter(|_| approval != Approval::None);
        }
    })
    .await?;
    Ok((changed, None))
}

fn word_of(known: &Resolution) -> Option<PriorFeedback> {
    let said = known.approval != Approval::None;
    // Feedback from before authorities were stored counts as the highest.
    said.then(|| PriorFeedback {
        approval: known.approval,
        authority: known.approval_authority.unwrap_or(JudgingAuthority::Admin),
    })
}

fn stands_against(word: PriorFeedback, approval: Approval, authority: JudgingAuthority) -> bool {
    word.approval != approval && word.authority > authority
}

fn is_same_commit(known: &Resolution, commit: &str) -> bool {
    let culprit = known.culprit.as_deref();
    culprit.is_some_and(|culprit| culprit.starts_with(commit) || commit.starts_with(culprit))
}

/// Feedback of a higher authority that contradicts this approval of the same commit, in the same incident or another
/// one of its problem.
async fn against(
    tx: &mut WriteTransaction,
    (incident, commit): (&IncidentId, Option<&str>),
    approval: Approval,
    judge: FeedbackAuthor<'_>,
    visible: &str,
) -> Result<Option<PriorFeedback>, StoreError> {
    let Some(commit) = commit else { return Ok(None) };
    let known = of_problem(tx, incident, visible).await?;
    let mut words: Vec<PriorFeedback> = known
        .iter()
        .filter(|known| is_same_commit(known, commit))
        .filter_map(word_of)
        .filter(|word| stands_against(*word, approval, judge.standing.authority))
        .collect();
    words.sort_by_key(|word| word.authority);
    Ok(words.pop())
}

/// The resolutions of an incident and of the other incidents of its problem that exist for the judge: feedback only
/// reaches incidents that they see.
async fn of_problem(
    tx: &mut WriteTransaction,
    incident: &IncidentId,
    visible: &str,
) -> Result<Vec<Resolution>, StoreError> {
    let sql = format!(
        "SELECT r.* FROM resolutions r JOIN incidents i ON i.id = r.incident_id WHERE (i.id = $1 \
         OR i.problem_id = (SELECT problem_id FROM incidents WHERE id = $1)){visible} ORDER BY r.id"
    );
    let rows = query(AssertSqlSafe(sql)).bind(incident).fetch_all(&mut *tx).await?;
    rows.iter().map(from_row).collect()
}

/// Records feedback that changes nothing.
async fn remark(
    tx: &mut WriteTransaction,
    subject: &str,
    incident: &IncidentId,
    approval: Approval,
    judge: FeedbackAuthor<'_>,
) -> Result<(), StoreError> {
    let after = word(&approval);
    let change = AuditedChange {
        action: "remark",
        subject,
        incident: Some(incident),
        before: None,
        after: Some(&after),
    };
    record(tx, judge.by, change).await
}

/// Persons who have confirmed a resolution since the last contradiction. Persons who used a link do not count,
/// because they may be anybody.
async fn confirmed_by(
    tx: &mut WriteTransaction,
    resolution: &ResolutionId,
) -> Result<Vec<String>, StoreError> {
    let who: Vec<String> = query_scalar(
        "SELECT DISTINCT actor FROM audit WHERE subject = $1 \
         AND (action = 'correct' OR (action = 'approval' AND after_value = 'confirmed')) \
         AND id > coalesce((SELECT max(id) FROM audit WHERE subject = $1 AND action = 'approval' \
         AND after_value <> 'confirmed'), '')",
    )
    .bind(resolution)
    .fetch_all(&mut *tx)
    .await?;
    Ok(who.into_iter().filter(|who| is_somebody(who)).collect())
}

/// The person behind an actor's name: a rotated token keeps its name, so it is the same person.
fn person(who: &str) -> &str {
    who.strip_suffix(')').and_then(|who| who.rsplit_once(" (")).map_or(who, |(name, _)| name)
}

fn is_somebody(who: &str) -> bool {
    !who.ends_with(BY_LINK)
}

/// Rejects the same answer in other reports of the same problem, unless a person of the same or a higher authority
/// confirmed it there.
async fn reject_elsewhere(
    tx: &mut WriteTransaction,
    rejected: &Resolution,
    judge: FeedbackAuthor<'_>,
    visible: &str,
) -> Result<(), StoreError> {
    let Some(culprit) = &rejected.culprit else { return Ok(()) };
    for other in of_problem(tx, &rejected.incident_id, visible).await? {
        let lower = match other.approval {
            Approval::None => true,
            Approval::Confirmed => {
                word_of(&other).is_some_and(|word| word.authority < judge.standing.authority)
            }
            Approval::Rejected => false,
        };
        if other.id != rejected.id && is_same_commit(&other, culprit) && lower {
            approve(tx, &other.id, Approval::Rejected, judge, visible).await?;
        }
    }
    Ok(())
}

/// Adds the authority to a resolution from an older export, derived from who judged it.
pub(super) fn with_authority(known: Resolution) -> Resolution {
    if known.approval == Approval::None || known.approval_authority.is_some() {
        return known;
    }
    let by = known.approved_by.as_deref().unwrap_or_default();
    let authority = match () {
        () if by.ends_with(BY_LINK) => JudgingAuthority::Link,
        () if by.starts_with("slack:") => JudgingAuthority::Support,
        () => JudgingAuthority::Admin,
    };
    Resolution {
        approval_authority: Some(authority),
        approval_suffices: known.approval == Approval::Confirmed && authority > JudgingAuthority::Support,
        ..known
    }
}

/// Stores the cause that a person named; `instead_of` is the resolution that they rejected.
async fn correct(
    tx: &mut WriteTransaction,
    (incident, repository): (&IncidentId, Option<RepositoryId>),
    instead_of: Option<&Resolution>,
    commit: String,
    FeedbackAuthor { by, standing, .. }: FeedbackAuthor<'_>,
) -> Result<Resolution, StoreError> {
    let new = NewResolution {
        repository: instead_of.and_then(|rejected| rejected.repository.clone()).or(repository),
        // The author is in a field of its own, because the statement is also shown to people outside.
        statement: format!("Commit {commit} introduced the failure, according to a person."),
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
        approval_authority: Some(standing.authority),
        approval_suffices: standing.suffices,
        ..complete(incident, &new)
    };
    insert(tx, &correction).await?;
    let change = AuditedChange {
        action: "correct",
        subject: correction.id.as_str(),
        incident: Some(incident),
        before: instead_of.and_then(|rejected| rejected.culprit.as_deref()),
        after: correction.culprit.as_deref(),
    };
    record(tx, by, change).await?;
    wake_notes(tx, incident).await?;
    Ok(correction)
}

/// The commit that a note names as the cause: the note is its id, or has `it was`, `caused by`, `culprit` and the
/// like before it. A plain number is not an id.
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
#[path = "feedback_tests.rs"]
mod tests;
