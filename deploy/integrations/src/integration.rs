/*!
The interface of an outside system: a name, and the capabilities that it has. Each capability is a trait of its own, so
that a system that only reports does not have to implement tickets.
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
    /// The name in routes, configuration, sources of incidents, notes and metrics. It must not change, because it is stored.
    fn name(&self) -> &'static str;

    /// The keys of `[connectors.NAME]`; `None` if the system is configured elsewhere.
    fn connector(&self) -> Option<ConnectorKeys>;

    /// Who reads its tickets, if neither the configuration nor a delivery says so. In most systems only staff see notes, or
    /// the system belongs to the organisation.
    fn usual_audience(&self) -> Audience {
        Audience::Internal
    }

    /// The hook at `/hooks/NAME` by which it calls in.
    fn hook(&self) -> Option<&dyn InboundHook> {
        None
    }

    /// The API by which notes are written to its tickets.
    fn tickets(&self) -> Option<&dyn TicketApi> {
        None
    }

    /// The attachments that its deliveries name, and where they may be fetched.
    fn attachments(&self) -> Option<&dyn AttachmentSource> {
        None
    }
}

/// The hook by which a system calls in.
pub trait InboundHook: Send + Sync {
    /// What the hook receives, in a few words, for the description of the route.
    fn summary(&self) -> &'static str;

    /// The schema that every delivery must match. Systems send many more fields, which are read if they are present; a
    /// delivery that lacks a field of the schema is refused before anything else is checked.
    fn payload_schema(&self) -> Schema;

    /// Checks the headers, and returns the check that the body has to pass while it arrives.
    ///
    /// # Errors
    /// When the headers alone show that the delivery is not from this system, or not recent.
    fn verify(&self, delivery: &PendingSignature<'_>) -> Result<SignatureCheck, SignatureError>;

    /// Reads a delivery whose signature is valid.
    ///
    /// # Errors
    /// What the delivery lacks, in words for the person who configured the other system.
    fn receive(&self, headers: &HeaderMap, body: &Value) -> Result<InboundEvent, String>;
}
