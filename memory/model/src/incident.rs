/*!
Incidents before they are kept: as one comes in, and as another system closed it long ago.
*/

use crate::Timestamp;

use crate::{MappedFrame, ParsedTicket, RepositoryId, RepositoryName};

/// An incident as intake hands it over. The ticket must be redacted already: it is kept as it is.
#[derive(Debug, Clone)]
pub struct NewIncident {
    /// `None` while it is not known.
    pub repository: Option<RepositoryId>,
    /// What the configuration calls that repository.
    pub repository_name: Option<RepositoryName>,
    /// Which channel it came in by: `cli`, `api`, the name of an outside system …
    pub source: Option<String>,
    pub ticket: ParsedTicket,
    /// Mapped frames beyond those inside the ticket's own traces (from logs, from the failing run).
    pub mapped: Vec<MappedFrame>,
}

/// An incident that was closed elsewhere. All texts must be redacted already.
#[derive(Debug, Clone)]
pub struct PastIncident {
    /// What tells it from all others: the system it comes from and its id there, or its text.
    pub key: String,
    pub at: Option<Timestamp>,
    pub incident: NewIncident,
    pub resolution: Option<PastResolution>,
}

/// What was written down as the cause.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PastResolution {
    pub statement: String,
    pub culprit: Option<String>,
    pub units: Vec<String>,
    /// Who said that it is right.
    pub confirmed_by: Option<String>,
}
