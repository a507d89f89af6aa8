/*!
What exists for whoever asks. A [`Store`] is a database seen by somebody: there is no call without a [`Scope`]. Each call says
whose it is in one of three ways: it narrows what it selects to the incidents that exist (`visible`, and `told` where what it
answers goes on to others), it asks whether its one incident exists (`require_incident`, `require`), or it is of the
installation as a whole (`require_installation`, `require_everything`). A test reads the sources for that.
*/

use std::collections::BTreeSet;
use std::sync::Arc;

use millwright_model::{Audience, ConversationId, IncidentId, RepositoryName, Resolution, Scope, VisibleSet};

use crate::db::{AssertSqlSafe, query_scalar};
use crate::{Store, StoreError};

/// A scope with the conditions that it means in SQL.
#[derive(Debug)]
pub(crate) struct StoreScope {
    scope: Scope,
    /// Of incidents `i` that exist: empty, or begins with ` AND `.
    visible: String,
    /// Of those whose content may be told on.
    told: String,
}

impl StoreScope {
    pub(crate) fn new(scope: Scope) -> Arc<Self> {
        let mut visible = String::new();
        if let VisibleSet::Only(repositories) = &scope.repositories {
            let names = listed(repositories.iter().map(RepositoryName::as_str));
            visible.push_str(&format!(" AND i.repository_name IN ({names})"));
        }
        if let VisibleSet::Only(conversations) = &scope.conversations {
            let names = listed(conversations.iter().map(ConversationId::as_str));
            visible.push_str(&format!(" AND (i.conversation IS NULL OR i.conversation IN ({names}))"));
        }
        let mut told = visible.clone();
        if scope.readers != Audience::Internal {
            told.push_str(" AND i.audience = 'public'");
        }
        if !scope.withheld.is_empty() {
            // What belongs to no repository yet may turn out to be of one of these.
            let names = listed(scope.withheld.iter().map(RepositoryName::as_str));
            told.push_str(&format!(
                " AND coalesce(i.repository_name, '') NOT IN ({names}) \
                 AND (i.repository IS NOT NULL OR i.repository_name IS NOT NULL)"
            ));
        }
        Arc::new(Self { scope, visible, told })
    }
}

/// Texts as a list in SQL. They are the names of a scope, which are few and of bounded length; bound as parameters they would
/// shift the numbers of every statement they are added to.
fn listed<'t>(texts: impl Iterator<Item = &'t str>) -> String {
    let quoted: Vec<String> = texts.map(|text| format!("'{}'", text.replace('\'', "''"))).collect();
    // Nothing is in a list without members, which neither engine allows to be empty.
    if quoted.is_empty() { "NULL".to_owned() } else { quoted.join(", ") }
}

/// A row that belongs to an incident.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ScopedRow {
    Run,
    Report,
    Resolution,
    Message,
    Note,
    Approval,
}

impl ScopedRow {
    /// Its table, and what it is called in errors.
    fn table(self) -> (&'static str, &'static str) {
        match self {
            Self::Run => ("runs", "run"),
            Self::Report => ("reports", "report"),
            Self::Resolution => ("resolutions", "resolution"),
            Self::Message => ("incident_messages", "message"),
            Self::Note => ("notes", "note"),
            Self::Approval => ("approvals", "approval"),
        }
    }
}

impl Store {
    /// Who asks here, and what exists for them.
    pub fn scope(&self) -> &Scope {
        &self.scope.scope
    }

    /// The same, seen by somebody for whom less exists.
    pub(crate) fn scoped(&self, scope: Scope) -> Store {
        Store { scope: StoreScope::new(scope), ..self.clone() }
    }

    /// The same store for somebody whose answers these readers see: of other incidents it gives only what they may be
    /// told, and no names of those who judged.
    pub fn read_for(&self, readers: Audience) -> Store {
        self.scoped(self.scope().clone().read_by(readers))
    }

    /// The same for what is said in this closed conversation, or in none: what was said in others is not known here.
    pub fn within_conversation(&self, conversation: Option<&ConversationId>) -> Store {
        let conversations = match &self.scope().conversations {
            VisibleSet::All => VisibleSet::Only(conversation.cloned().into_iter().collect()),
            VisibleSet::Only(known) => VisibleSet::Only(
                conversation.filter(|one| known.contains(one)).cloned().into_iter().collect(),
            ),
        };
        self.scoped(Scope { conversations, ..self.scope().clone() })
    }

    /// The same for what is told of one repository: of the incidents of others nothing is told on, whoever has a clone of the same.
    pub fn withholding(&self, others: BTreeSet<RepositoryName>) -> Store {
        self.scoped(Scope { withheld: others, ..self.scope().clone() })
    }

    /// Narrows a selection of incidents, `i`, to those that exist.
    pub(crate) fn visible(&self) -> &str {
        &self.scope.visible
    }

    /// The same to those that may be told on.
    pub(crate) fn told(&self) -> &str {
        &self.scope.told
    }

    /// Narrows a selection of rows whose incident stands in `column` to those whose incident exists.
    pub(crate) fn visible_by(&self, column: &str) -> String {
        match self.visible() {
            "" => String::new(),
            visible => format!(" AND EXISTS (SELECT 1 FROM incidents i WHERE i.id = {column}{visible})"),
        }
    }

    /// Leaves out what the readers may not be told of somebody inside.
    pub(crate) fn without_names(&self, mut known: Vec<Resolution>) -> Vec<Resolution> {
        if self.scope().readers != Audience::Internal {
            for resolution in &mut known {
                resolution.approved_by = None;
            }
        }
        known
    }

    /// That this call, which is of the installation and of no incident, is for whoever asks.
    pub(crate) fn require_installation(&self) -> Result<(), StoreError> {
        if self.scope().sees_installation() { Ok(()) } else { Err(StoreError::OutsideScope) }
    }

    /// That this call, which reads incidents whosever they are, is for whoever asks.
    pub(crate) fn require_everything(&self) -> Result<(), StoreError> {
        if self.scope().sees_everything() { Ok(()) } else { Err(StoreError::OutsideScope) }
    }

    /// That this incident exists. For whom nothing is hidden, nothing is asked.
    pub(crate) async fn require_incident(&self, id: &IncidentId) -> Result<(), StoreError> {
        if self.visible().is_empty() {
            return Ok(());
        }
        let sql = format!("SELECT i.doc FROM incidents i WHERE i.id = $1{}", self.visible());
        let found: Option<i64> = query_scalar(AssertSqlSafe(sql)).bind(id).fetch_optional(&self.read).await?;
        found.map(|_| ()).ok_or_else(|| StoreError::NotFound { what: "incident", id: id.to_string() })
    }

    /// That the incident exists to which this row belongs.
    pub(crate) async fn require(&self, row: ScopedRow, id: &str) -> Result<(), StoreError> {
        if self.visible().is_empty() {
            return Ok(());
        }
        let (table, what) = row.table();
        let sql = format!(
            "SELECT i.doc FROM {table} x JOIN incidents i ON i.id = x.incident_id WHERE x.id = $1{}",
            self.visible()
        );
        let found: Option<i64> = query_scalar(AssertSqlSafe(sql)).bind(id).fetch_optional(&self.read).await?;
        let missing = || StoreError::NotFound { what, id: id.chars().take(80).collect() };
        found.map(|_| ()).ok_or_else(missing)
    }
}

#[cfg(test)]
#[path = "scope_tests.rs"]
mod tests;
