/*!
What only the service needs: secrets, the systems that call in, and those that are written to.
*/

use millwright_service::reach::{reach_slack, reach_ticket_system};

use super::super::service_settings;
use super::checkup::Checkup;
use crate::config::Config;

pub(super) async fn check_service(checkup: &mut Checkup, config: &Config) {
    let connectors = &config.options.connectors;
    for (name, variable) in service_settings::hook_secrets(connectors) {
        let set = service_settings::hook(name, variable);
        let told = set.map(|_| format!("calls in at /hooks/{name}, signed with the secret in {variable}"));
        checkup.note(
            &format!("hook {name}"),
            told.map_err(|error| format!("{error:#}; set it, or take [connectors.{name}] out")),
        );
    }
    for (name, system) in service_settings::ticket_systems(connectors) {
        let reached = match service_settings::ticket_system(name, system) {
            Ok(None) => continue,
            Ok(Some(system)) => reach_ticket_system(name, &system).await,
            Err(error) => {
                Err(format!("{error:#}; set it, or take base_url and token_env out of [connectors.{name}]"))
            }
        };
        checkup.note(&format!("tickets of {name}"), reached);
        if config.options.server.public_url.is_none() {
            checkup.doubt(
                &format!("tickets of {name}: links"),
                "server.public_url is not set, so that notes carry no links to incidents; set it to where people reach \
                 this service",
            );
        }
    }
    if let Some(slack) = &config.options.channels.slack {
        let reached = match service_settings::slack(slack) {
            Ok(slack) => reach_slack(&slack).await,
            Err(error) => Err(format!("{error:#}; set it, or take [channels.slack] out")),
        };
        checkup.note("slack", reached);
    }
}
