/*!
GitLab: issues and deployments come in, internal notes are written to issues, files are uploads of the issue's own project.
*/

mod files;
mod format;
mod hook;
mod notes;

use millwright_model::Audience;

use crate::attachments::AttachmentSource;
use crate::configuration::{AccountKey, ApiKeys, ConnectorKeys};
use crate::integration::{InboundHook, Integration};
use crate::ticket_client::TicketApi;

pub(crate) struct GitLabIntegration;

impl Integration for GitLabIntegration {
    fn name(&self) -> &'static str {
        "gitlab"
    }

    fn connector(&self) -> Option<ConnectorKeys> {
        let api = ApiKeys {
            default_base_url: Some("https://gitlab.com"),
            account: AccountKey::Absent,
            switches: &[],
        };
        Some(ConnectorKeys { api: Some(api) })
    }

    /// Everyone reads the issues of a public project.
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

#[cfg(test)]
#[path = "gitlab_tests.rs"]
mod tests;
