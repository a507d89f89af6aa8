/*!
How wide the readership of a report is. An incident has one audience: that of the channel that reported it, where its
answer is posted again. Knowledge from other incidents reaches this audience only if everybody in it may read that
knowledge.
*/

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// People of this organisation: a tracker or chat of its own, monitoring, the API, the command line.
    #[default]
    Internal,
    /// Not known: it is shown no more than the public is, and its content is shown to nobody else.
    Unknown,
    /// Everybody, as in an issue of a public repository.
    Public,
}

impl Audience {
    pub const ALL: [Audience; 3] = [Audience::Internal, Audience::Unknown, Audience::Public];

    /// Whether these readers may be told what another incident, whose readers are `other`, is about.
    pub fn may_read(self, other: Audience) -> bool {
        self == Self::Internal || other == Self::Public
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::Unknown => "unknown",
            Self::Public => "public",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_public_is_told_everywhere() {
        use Audience::{Internal, Public, Unknown};
        let read = |reader: Audience| Audience::ALL.map(|other| reader.may_read(other));
        // Internal, unknown, public.
        assert_eq!(read(Internal), [true, true, true]);
        assert_eq!(read(Unknown), [false, false, true]);
        assert_eq!(read(Public), [false, false, true]);
    }
}
