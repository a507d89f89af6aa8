/*!
The meaning of a delivery, independent of the system that sent it.
*/

use millwright_model::{Audience, Deployment};
use serde_json::Value;

/// The meaning of a delivery.
#[derive(Debug, Clone, PartialEq)]
pub enum InboundEvent {
    Report(Box<InboundReport>),
    Deployed(Deployment),
    /// A delivery that is ignored: other kinds of events, tests of the connection, our own notes.
    Nothing,
}

/// A report of a failure, or that it is over.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct InboundReport {
    /// The id of the delivery, if the signature covers it. Ids in headers that no signature covers prove nothing.
    pub delivery: Option<String>,
    /// The keys of the failure in its system.
    pub keys: Vec<String>,
    pub resolved: bool,
    /// The payload in the form that intake reads.
    pub payload: Value,
    pub service: Option<String>,
    pub external_id: Option<String>,
    /// The ticket's name in the API of its system.
    pub ticket: Option<String>,
    /// Who reads the ticket, if the delivery says so.
    pub audience: Option<Audience>,
    /// Whether stack traces identify the failure: they distinguish failures better than the rules of alerts do. Alerts are
    /// identified by their keys only.
    pub by_trace: bool,
}

impl From<InboundReport> for InboundEvent {
    fn from(report: InboundReport) -> Self {
        Self::Report(Box::new(report))
    }
}
