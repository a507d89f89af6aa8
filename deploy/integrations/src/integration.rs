/*!
What an outside system is to the rest: a name, and the parts that it has. Each part is a trait of its own, so that a system that
only reports says nothing of tickets.
*/

use http::HeaderMap;
use millwright_model::Audience;
use schemars::Schema;
use serde_json::Value;

use crate::attachments::AttachmentSource;
use crate::configuration::ConnectorKeys;
use crate::inbound::InboundEvent;
use crate::signature::{PendingSignature, SignatureCheck, SignatureError};
use crate::ticket_client::TicketApi;

/// An outside system.
pub trait Integration: Send + Sync {
    /// In routes, configuration, sources of incidents, notes and metrics; never changed once it is stored.
    fn name(&self) -> &'static str;

    /// What `[connectors.NAME]` may hold; `None` where the system is set up elsewhere.
    fn connector(&self) -> Option<ConnectorKeys>;

    /// Who reads its tickets, where neither the configuration nor a delivery tells. Of most systems notes are seen by staff
    /// alone, or it is the organisation's own.
    fn usual_audience(&self) -> Audience {
        Audience::Internal
    }

    /// How it calls in at `/hooks/NAME`.
    fn hook(&self) -> Option<&dyn InboundHook> {
        None
    }

    /// How notes are written to its tickets.
    fn tickets(&self) -> Option<&dyn TicketApi> {
        None
    }

    /// Which files its deliveries name, and where these may be fetched.
    fn attachments(&self) -> Option<&dyn AttachmentSource> {
        None
    }
}

/// How a system calls in.
pub trait InboundHook: Send + Sync {
    /// What comes in, in a few words for the description of the route.
    fn summary(&self) -> &'static str;

    /// What every delivery must have. Systems send much more, which is read where it is there; what is missing here is refused
    /// before anything else is looked at.
    fn payload_schema(&self) -> Schema;

    /// What the headers tell of who sends this, and what the body has to prove while it arrives.
    ///
    /// # Errors
    /// When the headers alone show that it is not this system, or not now.
    fn verify(&self, delivery: &PendingSignature<'_>) -> Result<SignatureCheck, SignatureError>;

    /// Reads a delivery that was proven.
    ///
    /// # Errors
    /// What it lacks, in words for whoever set up the other side.
    fn receive(&self, headers: &HeaderMap, body: &Value) -> Result<InboundEvent, String>;
}
