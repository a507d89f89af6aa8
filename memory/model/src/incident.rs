/*!
Incidents before they are stored: new ones, and ones that another system closed in the past.
*/

use crate::Timestamp;

use crate::{MappedFrame, ParsedTicket, RepositoryId, RepositoryName};

/// An incident as intake passes it on. The ticket must already be redacted: the store keeps it unchanged.
#[derive(Debug, Clone)]
pub struct NewIncident {
    /// `None` while the repository is not known.
    pub repository: Option<RepositoryId>,
    /// The name of that repository in the configuration.
    pub repository_name: Option<RepositoryName>,
    /// The channel that the incident came in by: `cli`, `api`, the name of an external system …
    pub source: Option<String>,
    pub ticket: ParsedTicket,
    /// Mapped frames that are not in the ticket's own traces (from logs, from the failing run).
    pub mapped: Vec<MappedFrame>,
}

/// An incident that was closed elsewhere. All texts must already be redacted.
#[derive(Debug, Clone)]
pub struct PastIncident {
    /// Identifies the incident: the system it comes from and its id there, or its text.
    pub key: String,
    pub at: Option<Timestamp>,
    pub incident: NewIncident,
    pub resolution: Option<PastResolution>,
}

/// The cause that was recorded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PastResolution {
    pub statement: String,
    pub culprit: Option<String>,
    pub units: Vec<String>,
    /// Who confirmed the cause.
    pub confirmed_by: Option<String>,
}
