/*!
Linear: issues come in, comments are written to them by GraphQL, attachments are in a storage that requires the token.
*/

mod files;
mod hook;
mod notes;

use crate::attachments::AttachmentSource;
use crate::configuration::{AccountKey, ApiKeys, ConnectorKeys};
use crate::integration::{InboundHook, Integration};
use crate::ticket_client::TicketApi;

pub(crate) struct LinearIntegration;

impl Integration for LinearIntegration {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn connector(&self) -> Option<ConnectorKeys> {
        let api = ApiKeys {
            default_base_url: Some("https://api.linear.app"),
            account: AccountKey::Absent,
            switches: &[],
        };
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

/// Whether a text has the form of all ids there: a UUID.
fn is_id(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
#[path = "linear_tests.rs"]
mod tests;
