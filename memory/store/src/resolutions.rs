/*!
Resolutions: what was concluded, how well it is proven, what a person said about it and what happened afterwards.

A run can write only the proof it earned; approval and outcome have calls of their own, each with an actor and a
reason. Contradicting resolutions of one incident are all stored.
*/

use millwright_model::{
    Approval, Evidence, FailedFix, Hypothesis, IncidentId, JudgingAuthority, NewResolution, Outcome,
    RepositoryId, Resolution, ResolutionId, RunId,
};

use super::audit::{AuditedChange, record};
use super::codec::{from_json, from_word, json, new_id, now, word};
use super::db::{AssertSqlSafe, Row, WriteTransaction, WriteTurn, query, query_scalar};
use super::queue::wake_notes;
use super::{Actor, Store, StoreError, StoredHypothesis, hypotheses, index};
use crate::scope::ScopedRow;

/// What `remember` did.
#[derive(Debug, Clone, PartialEq)]
pub struct RememberResult {
    pub resolution: Option<Resolution>,
    /// The incident already had this culprit and fix: the stored proof was raised if the new one is better.
    pub merged: bool,
}

impl Store {
    /// Stores what a run concluded: its resolution, if it came to one, and its hypotheses, including refuted ones.
    /// The same culprit and fix for the same incident are one resolution, whose proof can only rise here.
    pub async fn remember(
        &self,
        incident: &IncidentId,
        run: &RunId,
        resolution: Option<&NewResolution>,
        hypotheses: &[Hypothesis],
        by: Actor<'_>,
    ) -> Result<RememberResult, StoreError> {
        self.require_incident(incident).await?;
        let mut tx = self.begin(WriteTurn::Incident(incident)).await?;
        let doc = index::doc_of(&mut tx, incident).await?;
        for hypothesis in hypotheses {
            let stored = StoredHypothesis {
                run_id: run.to_owned(),
                created_at: now(),
                hypothesis: hypothesis.clone(),
            };
            hypotheses::insert(&mut tx, incident, &stored).await?;
        }
        let Some(new) = resolution else {
            tx.commit().await?;
            return Ok(RememberResult { resolution: None, merged: false });
        };
        let known = of_incident_tx(&mut tx, incident).await?;
        let same = known.into_iter().find(|k| {
            k.culprit == new.culprit
                && k.fix_diff == new.fix_diff
                && (k.culprit.is_some() || k.statement == new.statement)
        });
        let merged = same.is_some();
        let resolution = match same {
            Some(mut known) => {
                if new.proof > known.proof {
                    let before = word(&known.proof);
                    known.proof = new.proof;
                    known.replay = new.replay.clone().or(known.replay);
                    set_column(&mut tx, &known, ResolutionField::Proof).await?;
                    let after = word(&known.proof);
                    let change = change("proof", &known, Some(&before), Some(&after));
                    record(&mut tx, by, change).await?;
                }
                add_failed_fixes(&mut tx, &mut known, &new.failed_fixes).await?;
                known
            }
            None => {
                let resolution = complete(incident, new);
                insert(&mut tx, &resolution).await?;
                let proof = word(&resolution.proof);
                record(&mut tx, by, change("remember", &resolution, None, Some(&proof))).await?;
                resolution
            }
        };
        index::enter_units(&mut tx, doc, &resolution.units).await?;
        tx.commit().await?;
        Ok(RememberResult { resolution: Some(resolution), merged })
    }

    pub async fn get_resolution(&self, id: &ResolutionId) -> Result<Resolution, StoreError> {
        let sql = format!(
            "SELECT r.* FROM resolutions r JOIN incidents i ON i.id = r.incident_id WHERE r.id = $1{}",
            self.told()
        );
        query(AssertSqlSafe(sql))
            .bind(id)
            .fetch_optional(&self.read)
            .await?
            .map(|row| from_row(&row))
            .unwrap_or_else(|| Err(StoreError::NotFound { what: "resolution", id: id.to_string() }))
    }

    /// Resolutions of an incident, most trusted first.
    pub async fn resolutions(&self, incident: &IncidentId) -> Result<Vec<Resolution>, StoreError> {
        self.require_incident(incident).await?;
        let rows = query("SELECT * FROM resolutions WHERE incident_id = $1 ORDER BY id")
            .bind(incident)
            .fetch_all(&self.read)
            .await?;
        Ok(most_trusted_first(rows.iter().map(from_row).collect::<Result<_, _>>()?))
    }

    /// Sets the approval of a resolution for the owner of this store; `Approval::None` takes an earlier one back.
    /// Others judge by [`Store::record_feedback`].
    pub async fn set_approval(
        &self,
        resolution: &ResolutionId,
        approval: Approval,
        by: Actor<'_>,
    ) -> Result<Resolution, StoreError> {
        self.require(ScopedRow::Resolution, resolution.as_str()).await?;
        self.change(resolution, ResolutionField::Approval, by, |r| {
            r.approval = approval;
            r.approved_by = Some(by.who.to_owned()).filter(|_| approval != Approval::None);
            r.approval_authority = Some(JudgingAuthority::Admin).filter(|_| approval != Approval::None);
            r.approval_suffices = approval == Approval::Confirmed;
        })
        .await
    }

    /// Sets the outcome, as seen on the watched branch or by a recurrence of the signature.
    pub async fn set_outcome(
        &self,
        resolution: &ResolutionId,
        outcome: Outcome,
        by: Actor<'_>,
    ) -> Result<Resolution, StoreError> {
        self.require(ScopedRow::Resolution, resolution.as_str()).await?;
        self.change(resolution, ResolutionField::Outcome, by, |r| r.outcome = outcome).await
    }

    /// Rewords the statement; proof, approval and outcome stay. The reason of the audit entry keeps the old
    /// statement, so that it is deleted with the incident; the entry itself keeps only hashes of both.
    pub async fn set_statement(
        &self,
        resolution: &ResolutionId,
        statement: &str,
        by: Actor<'_>,
    ) -> Result<Resolution, StoreError> {
        self.require(ScopedRow::Resolution, resolution.as_str()).await?;
        let of = self.incident_of_resolution(resolution).await?;
        let mut tx = self.begin(WriteTurn::Incident(&of)).await?;
        let mut known = load(&mut tx, resolution).await?;
        if known.statement == statement {
            return Ok(known);
        }
        query("UPDATE resolutions SET statement = $2, updated_at = $3 WHERE id = $1")
            .bind(&known.id)
            .bind(statement)
            .bind(now())
            .execute(&mut tx)
            .await?;
        let told_apart = |text: &str| format!("sha256:{}", Evidence::hash(text));
        let (before, after) = (told_apart(&known.statement), told_apart(statement));
        let why = format!(
            "{}{}previous text: {}",
            by.why,
            if by.why.is_empty() { "" } else { "; " },
            known.statement
        );
        let by = Actor { who: by.who, why: &why };
        record(&mut tx, by, change("statement", &known, Some(&before), Some(&after))).await?;
        tx.commit().await?;
        known.statement = statement.to_owned();
        Ok(known)
    }

    async fn incident_of_resolution(&self, id: &ResolutionId) -> Result<IncidentId, StoreError> {
        let found: Option<IncidentId> = query_scalar("SELECT incident_id FROM resolutions WHERE id = $1")
            .bind(id)
            .fetch_optional(&self.write)
            .await?;
        found.ok_or_else(|| StoreError::NotFound { what: "resolution", id: id.to_string() })
    }

    async fn change(
        &self,
        id: &ResolutionId,
        field: ResolutionField,
        by: Actor<'_>,
        edit: impl FnOnce(&mut Resolution),
    ) -> Result<Resolution, StoreError> {
        let of = self.incident_of_resolution(id).await?;
        let mut tx = self.begin(WriteTurn::Incident(&of)).await?;
        let resolution = change_in(&mut tx, id, field, by, edit).await?;
        tx.commit().await?;
        Ok(resolution)
    }
}

/// Changes one field and records the change; makes the notes that report it due.
pub(super) async fn change_in(
    tx: &mut WriteTransaction,
    id: &ResolutionId,
    field: ResolutionField,
    by: Actor<'_>,
    edit: impl FnOnce(&mut Resolution),
) -> Result<Resolution, StoreError> {
    let mut resolution = load(tx, id).await?;
    let before = field.value(&resolution);
    edit(&mut resolution);
    let after = field.value(&resolution);
    set_column(tx, &resolution, field).await?;
    record(tx, by, change(field.name(), &resolution, Some(&before), Some(&after))).await?;
    wake_notes(tx, &resolution.incident_id).await?;
    Ok(resolution)
}

/// [`Store::set_outcome`] within a transaction of the caller.
pub(super) async fn set_outcome(
    tx: &mut WriteTransaction,
    resolution: &ResolutionId,
    outcome: Outcome,
    by: Actor<'_>,
) -> Result<Resolution, StoreError> {
    change_in(tx, resolution, ResolutionField::Outcome, by, |r| r.outcome = outcome).await
}

pub(super) async fn load(tx: &mut WriteTransaction, id: &ResolutionId) -> Result<Resolution, StoreError> {
    let row = query("SELECT * FROM resolutions WHERE id = $1").bind(id).fetch_optional(tx).await?;
    let row = row.ok_or_else(|| StoreError::NotFound { what: "resolution", id: id.to_string() })?;
    from_row(&row)
}

#[derive(Debug, Clone, Copy)]
pub(super) enum ResolutionField {
    Proof,
    Approval,
    Outcome,
}

impl ResolutionField {
    fn name(self) -> &'static str {
        match self {
            ResolutionField::Proof => "proof",
            ResolutionField::Approval => "approval",
            ResolutionField::Outcome => "outcome",
        }
    }
    fn value(self, r: &Resolution) -> String {
        match self {
            ResolutionField::Proof => word(&r.proof),
            ResolutionField::Approval => word(&r.approval),
            ResolutionField::Outcome => word(&r.outcome),
        }
    }
}

/// Order: confirmed before proven, proven before claimed, newer before older.
pub fn most_trusted_first(mut resolutions: Vec<Resolution>) -> Vec<Resolution> {
    resolutions.sort_by(|a, b| {
        let key = |r: &Resolution| (r.is_trusted(), r.is_confirmed(), r.proof);
        key(b).cmp(&key(a)).then_with(|| b.id.cmp(&a.id))
    });
    resolutions
}

pub(super) fn complete(incident: &IncidentId, new: &NewResolution) -> Resolution {
    Resolution {
        id: new_id(),
        incident_id: incident.clone(),
        repository: new.repository.clone(),
        statement: new.statement.clone(),
        culprit: new.culprit.clone(),
        units: new.units.clone(),
        failing_revision: new.failing_revision.clone(),
        fix_diff: new.fix_diff.clone(),
        fix_kind: new.fix_kind,
        fix_checks: new.fix_checks.clone(),
        failed_fixes: new.failed_fixes.clone(),
        replay: new.replay.clone(),
        proof: new.proof,
        approval: Approval::None,
        approved_by: None,
        approval_authority: None,
        approval_suffices: false,
        outcome: Outcome::Unknown,
        created_at: now(),
    }
}

fn change<'a>(
    action: &'a str,
    r: &'a Resolution,
    before: Option<&'a str>,
    after: Option<&'a str>,
) -> AuditedChange<'a> {
    AuditedChange { action, subject: r.id.as_str(), incident: Some(&r.incident_id), before, after }
}

pub(super) async fn of_incident_tx(
    tx: &mut WriteTransaction,
    incident: &IncidentId,
) -> Result<Vec<Resolution>, StoreError> {
    let rows =
        query("SELECT * FROM resolutions WHERE incident_id = $1").bind(incident).fetch_all(&mut *tx).await?;
    rows.iter().map(from_row).collect()
}

/// Adds the guilty units of all resolutions of an incident, after its index was rebuilt.
pub(crate) async fn index_units(
    tx: &mut WriteTransaction,
    incident: &IncidentId,
    doc: i64,
) -> Result<(), StoreError> {
    for resolution in of_incident_tx(tx, incident).await? {
        index::enter_units(tx, doc, &resolution.units).await?;
    }
    Ok(())
}

/// Adds the failed fixes that are not stored yet.
async fn add_failed_fixes(
    tx: &mut WriteTransaction,
    known: &mut Resolution,
    failed: &[FailedFix],
) -> Result<(), StoreError> {
    let count = known.failed_fixes.len();
    for fix in failed {
        if !known.failed_fixes.iter().any(|other| other.diff == fix.diff) {
            known.failed_fixes.push(fix.clone());
        }
    }
    if known.failed_fixes.len() > count {
        query("UPDATE resolutions SET failed_fixes = $2, updated_at = $3 WHERE id = $1")
            .bind(&known.id)
            .bind(failed_fixes_column(&known.failed_fixes)?)
            .bind(now())
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

/// Removes a resolution without proof that nobody judged.
pub(crate) async fn remove_unproven(tx: &mut WriteTransaction, id: &ResolutionId) -> Result<(), StoreError> {
    query("DELETE FROM resolutions WHERE id = $1 AND proof = 'none' AND approval = 'none'")
        .bind(id)
        .execute(&mut *tx)
        .await?;
    Ok(())
}

/// Returns whether the resolution was new.
pub(crate) async fn insert(tx: &mut WriteTransaction, r: &Resolution) -> Result<bool, StoreError> {
    let done = query(
        "INSERT INTO resolutions (id, incident_id, created_at, updated_at, repository, statement, culprit, \
         failing_revision, units, fix_diff, fix_kind, replay, proof, approval, approved_by, outcome, fix_checks, \
         failed_fixes, approval_authority, approval_suffices) VALUES ($1, $2, $3, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, \
         $13, $14, $15, $16, $17, $18, $19) ON CONFLICT (id) DO NOTHING",
    )
    .bind(&r.id)
    .bind(&r.incident_id)
    .bind(r.created_at)
    .bind(r.repository.as_ref().map_or("", RepositoryId::as_str))
    .bind(&r.statement)
    .bind(&r.culprit)
    .bind(&r.failing_revision)
    .bind(json(&r.units)?)
    .bind(&r.fix_diff)
    .bind(r.fix_kind.as_ref().map(word))
    .bind(r.replay.as_ref().map(json).transpose()?)
    .bind(word(&r.proof))
    .bind(word(&r.approval))
    .bind(&r.approved_by)
    .bind(word(&r.outcome))
    .bind(r.fix_checks.as_ref().map(json).transpose()?)
    .bind(failed_fixes_column(&r.failed_fixes)?)
    .bind(r.approval_authority.as_ref().map(word))
    .bind(i64::from(r.approval_suffices))
    .execute(&mut *tx)
    .await?;
    Ok(done.rows_affected() > 0)
}

fn failed_fixes_column(failed: &[FailedFix]) -> Result<Option<String>, StoreError> {
    (!failed.is_empty()).then(|| json(&failed)).transpose()
}

async fn set_column(
    tx: &mut WriteTransaction,
    r: &Resolution,
    field: ResolutionField,
) -> Result<(), StoreError> {
    let query = match field {
        ResolutionField::Proof => {
            query("UPDATE resolutions SET proof = $2, replay = $3, updated_at = $4 WHERE id = $1")
                .bind(&r.id)
                .bind(word(&r.proof))
                .bind(r.replay.as_ref().map(json).transpose()?)
                .bind(now())
        }
        ResolutionField::Approval => {
            query(
                "UPDATE resolutions SET approval = $2, approved_by = $3, updated_at = $4, approval_authority = $5, \
                 approval_suffices = $6 WHERE id = $1",
            )
            .bind(&r.id)
            .bind(word(&r.approval))
            .bind(r.approved_by.clone())
            .bind(now())
            .bind(r.approval_authority.as_ref().map(word))
            .bind(i64::from(r.approval_suffices))
        }
        ResolutionField::Outcome => {
            query("UPDATE resolutions SET outcome = $2, updated_at = $4 WHERE id = $1")
                .bind(&r.id)
                .bind(word(&r.outcome))
                .bind(None::<String>)
                .bind(now())
        }
    };
    query.execute(&mut *tx).await?;
    Ok(())
}

pub(crate) fn from_row(row: &Row) -> Result<Resolution, StoreError> {
    const WHAT: &str = "resolution";
    let id: ResolutionId = row.try_get("id")?;
    let text = |column: &str| row.try_get::<String>(column);
    let optional = |column: &str| row.try_get::<Option<String>>(column);
    Ok(Resolution {
        incident_id: row.try_get("incident_id")?,
        // The column is never null: it is blank if no repository is known.
        repository: match text("repository")?.as_str() {
            "" => None,
            _ => Some(row.try_get("repository")?),
        },
        statement: text("statement")?,
        culprit: optional("culprit")?,
        units: from_json(WHAT, &id, &text("units")?)?,
        failing_revision: text("failing_revision")?,
        fix_diff: text("fix_diff")?,
        fix_kind: optional("fix_kind")?.map(|k| from_word(WHAT, &id, &k)).transpose()?,
        fix_checks: optional("fix_checks")?.map(|checks| from_json(WHAT, &id, &checks)).transpose()?,
        failed_fixes: match optional("failed_fixes")? {
            Some(failed) => from_json(WHAT, &id, &failed)?,
            None => Vec::new(),
        },
        replay: optional("replay")?.map(|r| from_json(WHAT, &id, &r)).transpose()?,
        proof: from_word(WHAT, &id, &text("proof")?)?,
        approval: from_word(WHAT, &id, &text("approval")?)?,
        approved_by: optional("approved_by")?,
        approval_authority: optional("approval_authority")?.map(|a| from_word(WHAT, &id, &a)).transpose()?,
        approval_suffices: row.try_get::<i64>("approval_suffices")? != 0,
        outcome: from_word(WHAT, &id, &text("outcome")?)?,
        created_at: row.try_get("created_at")?,
        id,
    })
}
