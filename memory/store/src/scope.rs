/*!
What exists for the caller. A [`Store`] is a database within a [`Scope`], and there is no call without one. Each call
applies the scope in one of three ways. It narrows its selection to the incidents that exist (`visible`, or `told` if
its result is passed on to others); it checks that its one incident exists (`require_incident`, `require`); or it
concerns the whole installation (`require_installation`, `require_everything`). A test reads the sources to check
this.
*/

use std::collections::BTreeSet;
use std::sync::Arc;

use millwright_model::{Audience, ConversationId, IncidentId, RepositoryName, Resolution, Scope, VisibleSet};

use crate::db::{AssertSqlSafe, query_scalar};
use crate::{Store, StoreError};

/// A scope with its conditions in SQL.
#[derive(Debug)]
pub(crate) struct StoreScope {
    scope: Scope,
    /// Condition for incidents `i` that exist: empty, or begins with ` AND `.
    visible: String,
    /// Condition for incidents whose content may be passed on.
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
            // An incident without a repository may turn out to belong to one of these.
            let names = listed(scope.withheld.iter().map(RepositoryName::as_str));
            told.push_str(&format!(
                " AND coalesce(i.repository_name, '') NOT IN ({names}) \
                 AND (i.repository IS NOT NULL OR i.repository_name IS NOT NULL)"
            ));
        }
        Arc::new(Self { scope, visible, told })
    }
}

/// Texts as a list in SQL. They are the names of a scope, which are few and of bounded length; as bound parameters
/// they would shift the numbers of every statement that they are added to.
fn listed<'t>(texts: impl Iterator<Item = &'t str>) -> String {
    let quoted: Vec<String> = texts.map(|text| format!("'{}'", text.replace('\'', "''"))).collect();
    // NULL matches nothing, and neither engine allows an empty list.
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
    /// Its table, and its name in errors.
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

    /// The same store with a narrower scope.
    pub(crate) fn scoped(&self, scope: Scope) -> Store {
        Store { scope: StoreScope::new(scope), ..self.clone() }
    }

    /// The same store for answers that these readers see: of other incidents it returns only what they may read,
    /// without the names of judges.
    pub fn read_for(&self, readers: Audience) -> Store {
        self.scoped(self.scope().clone().read_by(readers))
    }

    /// The same store for what is said in this closed conversation, or in none: what was said in other conversations
    /// does not exist here.
    pub fn within_conversation(&self, conversation: Option<&ConversationId>) -> Store {
        let conversations = match &self.scope().conversations {
            VisibleSet::All => VisibleSet::Only(conversation.cloned().into_iter().collect()),
            VisibleSet::Only(known) => VisibleSet::Only(
                conversation.filter(|one| known.contains(one)).cloned().into_iter().collect(),
            ),
        };
        self.scoped(Scope { conversations, ..self.scope().clone() })
    }

    /// The same store for answers about one repository: nothing about incidents of the other repositories is passed
    /// on, even if one is a clone of the same repository.
    pub fn withholding(&self, others: BTreeSet<RepositoryName>) -> Store {
        self.scoped(Scope { withheld: others, ..self.scope().clone() })
    }

    /// Condition that narrows incidents `i` to those that exist.
    pub(crate) fn visible(&self) -> &str {
        &self.scope.visible
    }

    /// Condition that narrows incidents `i` to those that may be passed on.
    pub(crate) fn told(&self) -> &str {
        &self.scope.told
    }

    /// Condition that narrows rows, whose incident is in `column`, to those whose incident exists.
    pub(crate) fn visible_by(&self, column: &str) -> String {
        match self.visible() {
            "" => String::new(),
            visible => format!(" AND EXISTS (SELECT 1 FROM incidents i WHERE i.id = {column}{visible})"),
        }
    }

    /// Removes the names of judges if the readers are not internal.
    pub(crate) fn without_names(&self, mut known: Vec<Resolution>) -> Vec<Resolution> {
        if self.scope().readers != Audience::Internal {
            for resolution in &mut known {
                resolution.approved_by = None;
            }
        }
        known
    }

    /// Checks that the scope allows calls that concern the installation and no incident.
    pub(crate) fn require_installation(&self) -> Result<(), StoreError> {
        if self.scope().sees_installation() { Ok(()) } else { Err(StoreError::OutsideScope) }
    }

    /// Checks that the scope allows calls that read all incidents.
    pub(crate) fn require_everything(&self) -> Result<(), StoreError> {
        if self.scope().sees_everything() { Ok(()) } else { Err(StoreError::OutsideScope) }
    }

    /// Checks that this incident exists; without restrictions in the scope there is no query.
    pub(crate) async fn require_incident(&self, id: &IncidentId) -> Result<(), StoreError> {
        if self.visible().is_empty() {
            return Ok(());
        }
        let sql = format!("SELECT i.doc FROM incidents i WHERE i.id = $1{}", self.visible());
        let found: Option<i64> = query_scalar(AssertSqlSafe(sql)).bind(id).fetch_optional(&self.read).await?;
        found.map(|_| ()).ok_or_else(|| StoreError::NotFound { what: "incident", id: id.to_string() })
    }

    /// Checks that the incident of this row exists.
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
