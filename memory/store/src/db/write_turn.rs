/*!
What a write transaction locks, on an engine that lets several write at once.

Most writes belong to one incident, and a writer waits only for others that write the same incident. Data that spans
all incidents (their numbers in the index, missing vectors) has a turn of its own, and so have tokens and weights. An
operation that reads many incidents to decide about some (forget, import, a judgement for all reports of a problem)
excludes all others.

There are no deadlocks: every writer takes the lock of the whole first (shared, unless it excludes all others), then
one of a part. Only the holder of the index waits for further incidents, and the holder of an incident waits for
nothing more.
*/

use millwright_model::{IncidentId, RunId};
use sha2::{Digest, Sha256};

/// The turn that a write transaction takes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum WriteTurn<'a> {
    /// Excludes all other writers.
    Whole,
    /// Adds to or removes from the index.
    Index,
    /// The index and one incident, which nobody else changes.
    IndexOf(&'a IncidentId),
    Incident(&'a IncidentId),
    Run(&'a RunId),
    /// Tokens, sessions and the installation's own secrets.
    Tokens,
    Weights,
    /// Rows that nobody else knows yet.
    Aside,
}

/// An advisory lock of PostgreSQL, held until the transaction ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AdvisoryLock {
    Whole,
    /// Shared by all writers of a part.
    Some,
    /// A kind, and an id within the kind.
    Part(i32, i32),
}

impl WriteTurn<'_> {
    /// The lock of an incident.
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

/// Two ids with the same key only wait for each other.
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
