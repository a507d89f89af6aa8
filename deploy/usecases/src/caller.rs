/*!
The caller of a use case and what they may do. Roles are ordered, and each includes the ones before it.
*/

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use millwright_model::{ConversationId, JudgingAuthority, RepositoryName, Scope, VisibleSet};
use millwright_store::{Actor, FeedbackRights};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenRole {
    /// Reads.
    Viewer,
    /// Reports incidents, sends messages to them, confirms and rejects answers; a judgement of a higher role takes
    /// precedence.
    Support,
    /// Stops runs, approves or denies calls, records deployments.
    Responder,
    /// Reads the audit log, creates and revokes tokens, removes incidents.
    Admin,
}

impl TokenRole {
    pub const ALL: [TokenRole; 4] =
        [TokenRole::Viewer, TokenRole::Support, TokenRole::Responder, TokenRole::Admin];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Support => "support",
            Self::Responder => "responder",
            Self::Admin => "admin",
        }
    }

    /// What of closed conversations exists for this role outside of them: administrators answer for all that is kept.
    pub fn conversations(self) -> VisibleSet<ConversationId> {
        match self {
            Self::Admin => VisibleSet::All,
            Self::Viewer | Self::Support | Self::Responder => VisibleSet::Only(BTreeSet::new()),
        }
    }

    /// What the word of this role on an answer counts, where this is the least role whose confirmation suffices. Routes see
    /// to it that viewers judge nothing.
    pub fn standing(self, confirming: TokenRole) -> FeedbackRights {
        let authority = match self {
            Self::Viewer | Self::Support => JudgingAuthority::Support,
            Self::Responder => JudgingAuthority::Responder,
            Self::Admin => JudgingAuthority::Admin,
        };
        FeedbackRights { authority, suffices: self >= confirming }
    }
}

impl fmt::Display for TokenRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for TokenRole {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| format!("{text:?} is not a role; give viewer, support, responder or admin"))
    }
}

/// Who asks.
#[derive(Debug, Clone)]
pub struct Principal {
    /// As it stands in the audit log.
    pub name: String,
    pub role: TokenRole,
    /// What limits are counted by.
    pub key: String,
    /// The repositories whose incidents exist for them.
    pub repositories: VisibleSet<RepositoryName>,
    /// The closed conversations that they take part in.
    pub conversations: VisibleSet<ConversationId>,
}

impl Principal {
    /// Whoever reaches the loopback address, where that is enough.
    pub fn anonymous() -> Self {
        let name = "anonymous@localhost".to_owned();
        Self {
            key: name.clone(),
            name,
            role: TokenRole::Admin,
            repositories: VisibleSet::All,
            conversations: VisibleSet::All,
        }
    }

    /// What this one's word on an answer counts, where this is the least role whose confirmation suffices.
    pub fn standing(&self, confirming: TokenRole) -> FeedbackRights {
        self.role.standing(confirming)
    }

    /// What exists for them.
    pub fn scope(&self) -> Scope {
        Scope {
            repositories: self.repositories.clone(),
            conversations: self.conversations.clone(),
            ..Scope::installation(self.name.clone())
        }
    }

    pub fn because<'a>(&'a self, why: &'a str) -> Actor<'a> {
        Actor { who: &self.name, why }
    }
}
