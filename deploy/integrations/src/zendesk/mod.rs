/*!
Zendesk: tickets come in, internal comments are written to them. A comment there cannot be changed.
*/

mod files;
mod hook;
mod notes;

use crate::attachments::AttachmentSource;
use crate::configuration::{AccountKey, ApiKeys, ConnectorKeys};
use crate::integration::{InboundHook, Integration};
use crate::ticket_client::TicketApi;

pub(crate) struct ZendeskIntegration;

impl Integration for ZendeskIntegration {
    fn name(&self) -> &'static str {
        "zendesk"
    }

    fn connector(&self) -> Option<ConnectorKeys> {
        let api = ApiKeys { default_base_url: None, account: AccountKey::Required, switches: &[] };
        Some(ConnectorKeys { api: Some(api) })
    }

    fn hook(&self) -> Option<&dyn InboundHook> {
        Some(self)
    }

    fn tickets(&self) -> Option<&dyn TicketApi> {
        Some(self)
    }

    fn attachments(&self) -> Option<&dyn AttachmentSource> {
        Some(self)
    }
}
