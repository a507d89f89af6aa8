/*!
The audit log: who changed what memory holds to be true, when and why. An entry is written in the same transaction as
its change, so that neither exists without the other. The database itself refuses to change or drop an entry.
*/

use millwright_model::{AuditId, IncidentId, Timestamp};

use super::codec::{new_id, now};
use super::db::{AssertSqlSafe, WriteTransaction, query, query_as};
use super::{Actor, AuditEntry, Store, StoreError};

const MAX_NOTE_BYTES: usize = 4_000;

pub(crate) struct AuditedChange<'a> {
    pub(crate) action: &'a str,
    pub(crate) subject: &'a str,
    pub(crate) incident: Option<&'a IncidentId>,
    pub(crate) before: Option<&'a str>,
    pub(crate) after: Option<&'a str>,
}

type Row = (
    AuditId,
    Timestamp,
    String,
    String,
    String,
    Option<IncidentId>,
    Option<String>,
    Option<String>,
    Option<String>,
);

impl Store {
    /// The audit entries of an incident, or all of them; oldest first.
    pub async fn audit(&self, incident: Option<&IncidentId>) -> Result<Vec<AuditEntry>, StoreError> {
        let mut all = self.audit_page(incident, None, usize::MAX).await?;
        all.reverse();
        Ok(all)
    }

    /// A page of the log, newest first: of one incident or of all, after the last entry of the previous page.
    pub async fn audit_page(
        &self,
        incident: Option<&IncidentId>,
        before: Option<&AuditId>,
        most: usize,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        match incident {
            Some(incident) => self.require_incident(incident).await?,
            None => self.require_everything()?,
        }
        // A condition is only added if it narrows, so that the planner can use its index.
        let (mut narrowed, mut bound) = (Vec::new(), 1);
        for (condition, is_given) in
            [("a.incident_id = $", incident.is_some()), ("a.id < $", before.is_some())]
        {
            if is_given {
                bound += 1;
                narrowed.push(format!("{condition}{bound}"));
            }
        }
        let narrowed =
            if narrowed.is_empty() { String::new() } else { format!("WHERE {} ", narrowed.join(" AND ")) };
        let sql = format!(
            "SELECT a.id, a.at, a.actor, a.action, a.subject, a.incident_id, a.before_value, a.after_value, n.note \
             FROM audit a LEFT JOIN audit_notes n ON n.audit_id = a.id {narrowed}ORDER BY a.id DESC LIMIT $1"
        );
        let select = query_as(AssertSqlSafe(sql)).bind(i64::try_from(most).unwrap_or(i64::MAX));
        let select = incident.into_iter().fold(select, |select, id| select.bind(id));
        let select = before.into_iter().fold(select, |select, id| select.bind(id));
        let rows: Vec<Row> = select.fetch_all(&self.read).await?;
        Ok(rows.into_iter().map(entry).collect())
    }
}

fn entry((id, at, actor, action, subject, incident_id, before, after, note): Row) -> AuditEntry {
    AuditEntry { id, at, actor, action, subject, incident_id, before, after, note }
}

pub(crate) async fn record(
    tx: &mut WriteTransaction,
    actor: Actor<'_>,
    change: AuditedChange<'_>,
) -> Result<(), StoreError> {
    let entry = AuditEntry {
        id: new_id(),
        at: now(),
        actor: actor.who.to_owned(),
        action: change.action.to_owned(),
        subject: change.subject.to_owned(),
        incident_id: change.incident.cloned(),
        before: change.before.map(str::to_owned),
        after: change.after.map(str::to_owned),
        note: Some(actor.why.chars().take(MAX_NOTE_BYTES).collect::<String>()).filter(|n| !n.is_empty()),
    };
    insert(tx, &entry).await.map(|_| ())
}

/// Returns whether the entry was new.
pub(crate) async fn insert(tx: &mut WriteTransaction, entry: &AuditEntry) -> Result<bool, StoreError> {
    let done = query(
        "INSERT INTO audit (id, at, actor, action, subject, incident_id, before_value, after_value) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING",
    )
    .bind(&entry.id)
    .bind(entry.at)
    .bind(&entry.actor)
    .bind(&entry.action)
    .bind(&entry.subject)
    .bind(&entry.incident_id)
    .bind(&entry.before)
    .bind(&entry.after)
    .execute(&mut *tx)
    .await?;
    let new = done.rows_affected() > 0;
    if let Some(note) = entry.note.as_deref().filter(|_| new) {
        query("INSERT INTO audit_notes (audit_id, note) VALUES ($1, $2)")
            .bind(&entry.id)
            .bind(note)
            .execute(&mut *tx)
            .await?;
    }
    Ok(new)
}
