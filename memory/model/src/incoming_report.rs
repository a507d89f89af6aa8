/*!
A report on its way from a channel to the store: what it says, and what it is known by when it comes again.
*/

use crate::{Audience, ConversationId, NewIncident, RemoteFile};

/// Something that came in by a channel and may become an incident.
#[derive(Debug, Clone)]
pub struct IncomingReport {
    pub incident: NewIncident,
    /// Its own id in the system it came from, with the system before it: a second one with it changes nothing.
    pub delivery: Option<String>,
    /// A hash of what it says, where its id alone does not prove that it is the same.
    pub content: Option<String>,
    /// What makes two arrivals of one audience one incident: any of these in common. None joins nothing. What begins with
    /// [`SHARED_KEY`] other systems' reports may have as well, the others are names in the system it came from.
    pub correlation: Vec<String>,
    /// Who reads what is told where it came from.
    pub audience: Audience,
    /// The closed conversation in which it was said, whose members alone may read it.
    pub conversation: Option<ConversationId>,
    /// The other side says that it is over: annotates, never opens.
    pub resolved: bool,
    /// Where a note about the outcome is wanted: system and its own name of the ticket.
    pub note: Option<(String, String)>,
    /// Files that hang on it in its system.
    pub files: Vec<RemoteFile>,
    /// Who brought it, for the audit.
    pub by: String,
}

/// Begins keys of the failure itself.
pub const SHARED_KEY: &str = "trace:";
