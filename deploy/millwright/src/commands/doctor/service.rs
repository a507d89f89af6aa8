/*!
Checks what only the service needs: secrets, the systems that call hooks, and those that receive notes.
*/

use millwright_server::reach::{reach_chat, reach_ticket_system};

use super::findings::DoctorFindings;
use crate::commands::service_settings;
use crate::config::Config;

pub(super) async fn check_service(findings: &mut DoctorFindings, config: &Config) {
    let connectors = &config.options.connectors;
    for entry in service_settings::hook_entries(connectors) {
        let (name, variable) = (entry.name, entry.secret_env);
        let set = service_settings::hook(entry);
        let told =
            set.map(|_| format!("receives reports at /hooks/{name}, signed with the secret in {variable}"));
        findings.note(
            &format!("hook {name}"),
            told.map_err(|error| format!("{error:#}; set it, or remove [connectors.{name}]")),
        );
    }
    let mut writes = false;
    for entry in service_settings::ticket_entries(connectors) {
        let name = entry.name;
        let reached = match service_settings::ticket_connection(entry) {
            Ok(None) => continue,
            Ok(Some(connection)) => reach_ticket_system(name, &connection).await,
            Err(error) => {
                Err(format!("{error:#}; set it, or remove base_url and token_env from [connectors.{name}]"))
            }
        };
        findings.note(&format!("tickets of {name}"), reached);
        writes = true;
    }
    if let Some(slack) = &config.options.channels.slack {
        let reached = match service_settings::slack(slack) {
            Ok(slack) => reach_chat(&slack).await,
            Err(error) => Err(format!("{error:#}; set it, or remove [channels.slack]")),
        };
        findings.note("slack", reached);
        writes = true;
    }
    if writes && config.options.server.public_url.is_none() {
        findings.doubt(
            "server: public_url",
            "it is not set, so notes contain no links to incidents; set it to the address at which people \
             reach this service",
        );
    }
}
