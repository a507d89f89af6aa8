/*!
What is known about a resolution, in three independent fields: how well a machine proved it, what a person said about
it, and what happened afterwards.
*/

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Ordered: a later one implies the earlier ones.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    #[default]
    None,
    /// The failure was seen in a replay at the failing revision.
    Reproduced,
    /// The replay fails at the culprit and passes at its parent; both were run.
    CauseConfirmed,
    /// The replay passes with the fix, and further evidence shows that the behaviour is correct again.
    FixVerified,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Approval {
    #[default]
    None,
    Confirmed,
    Rejected,
}

/// The authority with which a person judges an answer. Ordered: a judgement is overruled only by one with the same
/// or a higher authority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum JudgingAuthority {
    /// Anyone who reads the ticket; the name is what they typed.
    Link,
    Support,
    Responder,
    /// Also anyone who uses the command line on the store.
    Admin,
}

impl JudgingAuthority {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Support => "support",
            Self::Responder => "responder",
            Self::Admin => "admin",
        }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    #[default]
    Unknown,
    /// The fix was seen on the watched branch and the failure did not come back.
    Shipped,
    Recurred,
}
