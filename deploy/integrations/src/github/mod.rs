/*!
GitHub: issues and deployments come in, comments are written to issues, the text of issues names their attachments.
*/

mod files;
mod hook;
mod notes;

use millwright_model::Audience;

use crate::attachments::AttachmentSource;
use crate::configuration::{AccountKey, ApiKeys, ConnectorKeys};
use crate::integration::{InboundHook, Integration};
use crate::ticket_client::TicketApi;

pub(crate) struct GitHubIntegration;

impl Integration for GitHubIntegration {
    fn name(&self) -> &'static str {
        "github"
    }

    fn connector(&self) -> Option<ConnectorKeys> {
        let api = ApiKeys { default_base_url: None, account: AccountKey::Optional, switches: &[] };
        Some(ConnectorKeys { api: Some(api) })
    }

    /// Everyone reads the issues of a public repository.
    fn usual_audience(&self) -> Audience {
        Audience::Unknown
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
