/*!
What a delivery means, whichever system it came from.
*/

use millwright_model::{Audience, Deployment};
use serde_json::Value;

/// What a delivery means.
#[derive(Debug, Clone, PartialEq)]
pub enum InboundEvent {
    Report(Box<InboundReport>),
    Deployed(Deployment),
    /// Nothing for us: other kinds of events, tests of the connection, our own notes.
    Nothing,
}

/// A failure that is reported, or said to be over.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct InboundReport {
    /// The delivery's own id, where the signature covers one. Ids in headers that no signature covers prove nothing.
    pub delivery: Option<String>,
    /// What it is known by in its system.
    pub keys: Vec<String>,
    pub resolved: bool,
    /// As intake reads it.
    pub payload: Value,
    pub service: Option<String>,
    pub external_id: Option<String>,
    /// The ticket's name, as its system's API takes it.
    pub ticket: Option<String>,
    /// Who reads the ticket, where the delivery tells.
    pub audience: Option<Audience>,
    /// Stack traces tell failures apart better than alerts' rules do; alerts are known by their keys only.
    pub by_trace: bool,
}

impl From<InboundReport> for InboundEvent {
    fn from(report: InboundReport) -> Self {
        Self::Report(Box::new(report))
    }
}
