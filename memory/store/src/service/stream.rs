/*!
The events of an incident's runs as one stream that any number of readers can read from any position.
*/

use millwright_model::{IncidentId, RunId, Timestamp};
use std::fmt;
use std::str::FromStr;

use super::super::db::query;
use super::super::{Store, StoreError, payloads};

/// The run id of the position before all runs.
const NO_RUN: &str = "run_";

/// A position in the stream: after this event of this run. Runs sort by their ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StreamPosition {
    /// `None`: before all runs.
    pub run: Option<RunId>,
    pub seq: i64,
}

impl fmt::Display for StreamPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.run.as_ref().map_or(NO_RUN, RunId::as_str), self.seq)
    }
}

impl FromStr for StreamPosition {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "an event's id looks like run_….7";
        let (run, seq) = text.rsplit_once('.').ok_or(wrong)?;
        let seq = seq.parse().map_err(|_| wrong)?;
        match run {
            NO_RUN => Ok(Self { run: None, seq }),
            run => Ok(Self { run: Some(RunId::parse(run).map_err(|_| wrong)?), seq }),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct StreamEvent {
    pub position: StreamPosition,
    pub at: Timestamp,
    pub kind: String,
    pub payload: serde_json::Value,
}

impl Store {
    /// The next events of an incident after a position, oldest first, at most `most`.
    pub async fn stream(
        &self,
        incident: &IncidentId,
        after: &StreamPosition,
        most: u32,
    ) -> Result<Vec<StreamEvent>, StoreError> {
        self.require_incident(incident).await?;
        let rows = query(
            "SELECT e.run_id, e.seq, e.at, e.kind, e.payload FROM run_events e JOIN runs r ON r.id = e.run_id \
             WHERE r.incident_id = $1 AND (e.run_id > $2 OR (e.run_id = $2 AND e.seq > $3)) \
             ORDER BY e.run_id, e.seq LIMIT $4",
        )
        .bind(incident)
        .bind(after.run.as_ref().map_or("", RunId::as_str))
        .bind(after.seq)
        .bind(i64::from(most))
        .fetch_all(&self.read)
        .await?;
        let mut events = Vec::with_capacity(rows.len());
        for row in &rows {
            let run: RunId = row.try_get("run_id")?;
            let (seq, payload): (i64, String) = (row.try_get("seq")?, row.try_get("payload")?);
            events.push(StreamEvent {
                at: row.try_get("at")?,
                kind: row.try_get("kind")?,
                payload: payloads::whole(&self.read, &run, seq, &payload).await?,
                position: StreamPosition { seq, run: Some(run) },
            });
        }
        Ok(events)
    }
}
