/*!
The events of an incident's runs as one stream that can be read on from any place, by any number of readers.
*/

use std::fmt;
use std::str::FromStr;

use super::super::codec::from_json;
use super::super::db::query;
use super::super::{Store, StoreError};

/// A place in the stream: after this event of this run. Runs sort by their ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Position {
    pub run: String,
    pub seq: i64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.run, self.seq)
    }
}

impl FromStr for Position {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "an event's id looks like run_….7";
        let (run, seq) = text.rsplit_once('.').ok_or(wrong)?;
        let clean = run.len() <= 64 && run.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        match seq.parse() {
            Ok(seq) if clean && run.starts_with("run_") => Ok(Self { run: run.to_owned(), seq }),
            _ => Err(wrong),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct StreamEvent {
    pub position: Position,
    pub at: String,
    pub kind: String,
    pub payload: serde_json::Value,
}

impl Store {
    /// The next events of an incident after a place, oldest first, at most `most`.
    pub async fn stream(
        &self,
        incident: &str,
        after: &Position,
        most: u32,
    ) -> Result<Vec<StreamEvent>, StoreError> {
        let rows = query(
            "SELECT e.run_id, e.seq, e.at, e.kind, e.payload FROM run_events e JOIN runs r ON r.id = e.run_id \
             WHERE r.incident_id = $1 AND (e.run_id > $2 OR (e.run_id = $2 AND e.seq > $3)) \
             ORDER BY e.run_id, e.seq LIMIT $4",
        )
        .bind(incident)
        .bind(&after.run)
        .bind(after.seq)
        .bind(i64::from(most))
        .fetch_all(&self.read)
        .await?;
        rows.iter()
            .map(|row| {
                let run: String = row.try_get("run_id")?;
                let payload: String = row.try_get("payload")?;
                Ok(StreamEvent {
                    at: row.try_get("at")?,
                    kind: row.try_get("kind")?,
                    payload: from_json("event", &run, &payload)?,
                    position: Position { seq: row.try_get("seq")?, run },
                })
            })
            .collect()
    }
}
