/*!
A report on its way from a channel to the store: its content, and the keys that identify it when it is delivered
again.
*/

use crate::{Audience, ConversationId, NewIncident, RemoteFile};

/// A message from a channel that may become an incident.
#[derive(Debug, Clone)]
pub struct IncomingReport {
    pub incident: NewIncident,
    /// Its id in the system it came from, prefixed with that system. A second report with the same id changes
    /// nothing.
    pub delivery: Option<String>,
    /// A hash of the content, for systems where the id alone does not prove that the content is the same.
    pub content: Option<String>,
    /// Keys that make two reports of one audience one incident: one common key is enough. A report without keys joins
    /// nothing. Keys that begin with [`SHARED_KEY`] may occur in reports of other systems; the others are names in
    /// the system of origin.
    pub correlation: Vec<String>,
    /// Who reads what is posted in the channel of origin.
    pub audience: Audience,
    /// The closed conversation that the report comes from; only its members may read the report.
    pub conversation: Option<ConversationId>,
    /// The other system says that the problem is over: the report annotates an incident but never opens one.
    pub resolved: bool,
    /// Where a note about the outcome is wanted: the system, and that system's name of the ticket.
    pub note: Option<(String, String)>,
    /// The ticket's attachments in its system.
    pub files: Vec<RemoteFile>,
    /// Who delivered it, for the audit log.
    pub by: String,
}

/// The prefix of keys that describe the failure itself.
pub const SHARED_KEY: &str = "trace:";
