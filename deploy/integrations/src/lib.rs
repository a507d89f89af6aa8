/*!
Outside systems that report failures, receive notes, and store attachments: one folder each, behind one trait. Only the
folder of a system knows how that system signs, what it sends and accepts, and which configuration it needs; all other
code uses [`INTEGRATIONS`]. To add a system, add a folder and a line there.

Code that several systems share is beside the folders: signatures, the text of notes, bounded requests. This crate knows
neither the server nor the store: it reads payloads and headers, and says what to send.
*/

mod alert_groups;
pub mod attachments;
mod configuration;
mod html;
mod inbound;
mod integration;
pub mod note_text;
pub mod outbound_http;
mod payload_fields;
pub mod signature;
mod standard_webhooks;
pub mod ticket_client;

mod alertmanager;
mod generic;
mod github;
mod gitlab;
mod grafana;
mod jira;
mod linear;
mod pagerduty;
mod sentry;
pub mod slack;
mod zendesk;

pub use configuration::{AccountKey, ApiKeys, ChannelAudience, ConnectorConfig, ConnectorKeys, SwitchKey};
pub use inbound::{InboundEvent, InboundReport};
pub use integration::{InboundHook, Integration};

/// The one chat system, for code that does not need its name.
pub mod chat {
    pub use crate::slack::api::SlackApi as ChatApi;
    pub use crate::slack::blocks::escape;
    pub use crate::slack::{NAME, SlackSettings as ChatSettings};
}

/// Every outside system, in the order of lists for people.
pub const INTEGRATIONS: &[&dyn Integration] = &[
    &generic::GenericIntegration,
    &alertmanager::AlertmanagerIntegration,
    &grafana::GrafanaIntegration,
    &pagerduty::PagerDutyIntegration,
    &sentry::SentryIntegration,
    &github::GitHubIntegration,
    &gitlab::GitLabIntegration,
    &jira::JiraIntegration,
    &linear::LinearIntegration,
    &zendesk::ZendeskIntegration,
    &slack::SlackIntegration,
];

/// The system with this name.
pub fn integration(name: &str) -> Option<&'static dyn Integration> {
    INTEGRATIONS.iter().copied().find(|integration| integration.name() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart_and_fit_into_routes_and_keys_of_the_configuration() {
        let mut names: Vec<&str> = INTEGRATIONS.iter().map(|one| one.name()).collect();
        assert!(names.iter().all(|name| !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase())));
        assert!(names.iter().all(|name| integration(name).is_some_and(|found| found.name() == *name)));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), INTEGRATIONS.len());
        assert!(integration("nobody").is_none());
    }

    /// A system that receives notes needs credentials, and a system that calls in needs a section that names its secret.
    #[test]
    fn every_capability_can_be_set_up() {
        for one in INTEGRATIONS {
            let keys = one.connector();
            assert!(one.hook().is_none() || keys.is_some(), "{}: a hook without a section", one.name());
            let has_api = keys.as_ref().is_some_and(|keys| keys.api.is_some());
            assert_eq!(one.tickets().is_some(), has_api, "{}: an API and its keys go together", one.name());
        }
    }
}
