/*!
Jira and Jira Service Management: issues come in, comments are written to issues and to service desk requests.
*/

mod files;
mod format;
mod hook;
mod notes;

use crate::attachments::AttachmentSource;
use crate::configuration::{AccountKey, ApiKeys, ConnectorKeys, SwitchKey};
use crate::integration::{InboundHook, Integration};
use crate::ticket_client::TicketApi;

/// The switch for issues that are requests of a service desk, whose comments can be internal.
const SERVICE_DESK: &str = "service_desk";

const SWITCHES: &[SwitchKey] = &[SwitchKey {
    name: SERVICE_DESK,
    means: "Its issues are requests of a service desk, so notes are internal comments.",
}];

pub(crate) struct JiraIntegration;

impl Integration for JiraIntegration {
    fn name(&self) -> &'static str {
        "jira"
    }

    fn connector(&self) -> Option<ConnectorKeys> {
        let api = ApiKeys { default_base_url: None, account: AccountKey::Required, switches: SWITCHES };
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
