/*!
Who asks, and what exists for them. An installation is one organisation, whose teams see the incidents of their own
repositories. What was said to the bot in a closed conversation belongs to its readers alone. Anything outside a scope
does not exist for the one that asks: it is not listed, not counted, not found and not refused.
*/

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::Audience;

/// Longest name, in characters.
const MAX_NAME_CHARS: usize = 100;

/// Text that names no repository or no conversation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not a name of {of}: give 1 to {MAX_NAME_CHARS} characters without spaces around and control characters"
)]
pub struct InvalidName {
    /// What was to be named, with its article: `a repository`.
    pub of: &'static str,
    /// The beginning of what was given.
    pub text: String,
}

/// `Name, "a thing"`: a text of bounded length.
macro_rules! names {
    ($($(#[$doc:meta])* $name:ident($of:literal);)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// # Errors
            /// When it is empty, too long, or holds what no name does.
            pub fn parse(text: &str) -> Result<Self, InvalidName> {
                let fits = (1..=MAX_NAME_CHARS).contains(&text.chars().count());
                if fits && text.trim() == text && !text.contains(char::is_control) {
                    return Ok(Self(text.into()));
                }
                Err(InvalidName { of: $of, text: text.chars().take(80).collect() })
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;
            fn from_str(text: &str) -> Result<Self, InvalidName> {
                Self::parse(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;
            fn try_from(text: String) -> Result<Self, InvalidName> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0.as_ref().to_owned()
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "minLength": 1, "maxLength": MAX_NAME_CHARS })
            }
        }
    )*};
}

names! {
    /// What the configuration calls a repository: `[repositories.NAME]`. Its identity, which clones share, is another thing.
    RepositoryName("a repository");
    /// A conversation that only some people read, with its system before it: `chat:C0123`.
    ConversationId("a conversation");
}

/// What of a kind exists for somebody. Written as a list, or as null where everything does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Option<BTreeSet<T>>", into = "Option<BTreeSet<T>>")]
#[serde(bound(serialize = "T: Serialize + Clone", deserialize = "T: Deserialize<'de>"))]
pub enum VisibleSet<T: Ord> {
    All,
    Only(BTreeSet<T>),
}

impl<T: Ord> From<Option<BTreeSet<T>>> for VisibleSet<T> {
    fn from(some: Option<BTreeSet<T>>) -> Self {
        some.map_or(Self::All, Self::Only)
    }
}

impl<T: Ord> From<VisibleSet<T>> for Option<BTreeSet<T>> {
    fn from(visible: VisibleSet<T>) -> Self {
        match visible {
            VisibleSet::All => None,
            VisibleSet::Only(some) => Some(some),
        }
    }
}

impl<T: Ord> VisibleSet<T> {
    pub fn includes(&self, one: &T) -> bool {
        match self {
            Self::All => true,
            Self::Only(some) => some.contains(one),
        }
    }

    pub fn is_all(&self) -> bool {
        matches!(self, Self::All)
    }

    /// These, or all where none is named.
    pub fn only_or_all(some: BTreeSet<T>) -> Self {
        if some.is_empty() { Self::All } else { Self::Only(some) }
    }
}

/// The names of what exists; nothing where all does.
impl<T: Ord + fmt::Display> fmt::Display for VisibleSet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Only(some) = self else { return Ok(()) };
        for (at, one) in some.iter().enumerate() {
            write!(f, "{}{one}", if at > 0 { ", " } else { "" })?;
        }
        Ok(())
    }
}

/// Who asks, and what exists for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// As it stands in the audit log.
    pub actor: String,
    /// Incidents that belong to no repository are seen by those who see all.
    pub repositories: VisibleSet<RepositoryName>,
    /// What was said in no closed conversation is seen by everybody.
    pub conversations: VisibleSet<ConversationId>,
    /// Who reads what is told of other incidents.
    pub readers: Audience,
    /// Repositories of whose incidents nothing is told on, where what is told is told of another one.
    pub withheld: BTreeSet<RepositoryName>,
}

impl Scope {
    /// Everything: of whoever operates the installation, and of its own work.
    pub fn installation(actor: impl Into<String>) -> Self {
        Self {
            actor: actor.into(),
            repositories: VisibleSet::All,
            conversations: VisibleSet::All,
            readers: Audience::Internal,
            withheld: BTreeSet::new(),
        }
    }

    /// The same for these readers.
    pub fn read_by(self, readers: Audience) -> Self {
        Self { readers, ..self }
    }

    /// Whether nothing is hidden.
    pub fn sees_everything(&self) -> bool {
        self.repositories.is_all() && self.conversations.is_all()
    }

    /// Whether what is of no incident in particular exists: figures, tokens, the queue.
    pub fn sees_installation(&self) -> bool {
        self.repositories.is_all()
    }

    /// Whether an incident of this repository, reported in this closed conversation, exists.
    pub fn sees(&self, repository: Option<&RepositoryName>, conversation: Option<&ConversationId>) -> bool {
        let in_repository = match repository {
            Some(repository) => self.repositories.includes(repository),
            None => self.repositories.is_all(),
        };
        in_repository && conversation.is_none_or(|conversation| self.conversations.includes(conversation))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository(name: &str) -> RepositoryName {
        name.parse().unwrap()
    }

    #[test]
    fn what_belongs_to_nobody_is_seen_by_those_who_see_all() {
        let all = Scope::installation("anna");
        let shop = Scope {
            repositories: VisibleSet::Only([repository("shop")].into()),
            conversations: VisibleSet::Only(BTreeSet::new()),
            ..all.clone()
        };
        let closed: ConversationId = "slack:C1".parse().unwrap();
        assert!(all.sees(None, Some(&closed)) && all.sees_everything());
        assert!(shop.sees(Some(&repository("shop")), None) && !shop.sees_everything());
        assert!(!shop.sees(Some(&repository("billing")), None));
        assert!(!shop.sees(None, None));
        assert!(!shop.sees(Some(&repository("shop")), Some(&closed)));
        let member = Scope { conversations: VisibleSet::Only([closed.clone()].into()), ..shop };
        assert!(member.sees(Some(&repository("shop")), Some(&closed)));
    }

    #[test]
    fn a_name_is_a_bounded_text() {
        assert_eq!(repository("a b/c'd").as_str(), "a b/c'd");
        for wrong in ["", " a", "a\n", "a\0b", &"x".repeat(101)] {
            assert!(RepositoryName::parse(wrong).is_err(), "{wrong:?}");
        }
        assert!(serde_json::from_str::<RepositoryName>("\"\"").is_err());
    }
}
