/*!
What a write transaction keeps others from, where an engine lets several write at once.

Most of what is written belongs to one incident, and whoever writes it waits for those alone who write the same one. What counts
through all incidents (their numbers in the index, vectors that are missing) has a turn of its own, and so have tokens and weights.
What reads many incidents to decide about some (to forget, to import, a word that counts for all reports of a problem) is alone.

No two wait for each other: everybody takes the lock of the whole first (shared, but for those who are alone), then one of a part;
only who holds the index waits for further incidents, and whoever holds an incident waits for nothing more.
*/

use millwright_model::{IncidentId, RunId};
use sha2::{Digest, Sha256};

/// Whose turn a write transaction takes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum WriteTurn<'a> {
    /// Nobody else writes.
    Whole,
    /// What is entered into the index or taken out of it.
    Index,
    /// The same of one incident, which nobody else changes.
    IndexOf(&'a IncidentId),
    Incident(&'a IncidentId),
    Run(&'a RunId),
    /// Tokens, sessions and the installation's own secrets.
    Tokens,
    Weights,
    /// Rows that nobody else knows yet.
    Aside,
}

/// A lock of PostgreSQL's that means nothing to it, held until the transaction ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AdvisoryLock {
    Whole,
    /// Shared by all who write a part.
    Some,
    /// A kind, and which one of it.
    Part(i32, i32),
}

impl WriteTurn<'_> {
    /// What keeps others from an incident.
    pub(super) fn of_incident(id: &IncidentId) -> AdvisoryLock {
        AdvisoryLock::Part(4, key(id.as_str()))
    }

    /// The locks of a turn in the order in which they are taken.
    pub(super) fn locks(&self) -> Vec<AdvisoryLock> {
        use AdvisoryLock::{Part, Some, Whole};
        const INDEX: AdvisoryLock = Part(1, 0);
        let incident = Self::of_incident;
        match self {
            Self::Whole => vec![Whole],
            Self::Index => vec![Some, INDEX],
            Self::IndexOf(id) => vec![Some, INDEX, incident(id)],
            Self::Incident(id) => vec![Some, incident(id)],
            Self::Run(id) => vec![Some, Part(5, key(id.as_str()))],
            Self::Tokens => vec![Some, Part(2, 0)],
            Self::Weights => vec![Some, Part(3, 0)],
            Self::Aside => vec![Some],
        }
    }
}

/// Two ids with one key only wait for each other.
fn key(id: &str) -> i32 {
    let [a, b, c, d, ..] = <[u8; 32]>::from(Sha256::digest(id.as_bytes()));
    i32::from_be_bytes([a, b, c, d])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_is_first_and_parts_are_apart() {
        let (one, other): (IncidentId, IncidentId) = ("inc_1".parse().unwrap(), "inc_2".parse().unwrap());
        let run: RunId = "run_1".parse().unwrap();
        let turns = [
            WriteTurn::Index,
            WriteTurn::IndexOf(&one),
            WriteTurn::Incident(&one),
            WriteTurn::Run(&run),
            WriteTurn::Tokens,
            WriteTurn::Weights,
            WriteTurn::Aside,
        ];
        for turn in turns {
            assert_eq!(turn.locks()[0], AdvisoryLock::Some, "{turn:?} waits for whoever is alone");
        }
        assert_eq!(WriteTurn::Whole.locks(), [AdvisoryLock::Whole]);
        assert_ne!(WriteTurn::Incident(&one).locks(), WriteTurn::Incident(&other).locks());
        assert_eq!(WriteTurn::IndexOf(&one).locks()[2], WriteTurn::Incident(&one).locks()[1]);
    }
}
