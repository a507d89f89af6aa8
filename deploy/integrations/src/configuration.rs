/*!
The keys of `[connectors.NAME]` in the configuration. They are the same for all systems, so anyone who knows one section
knows all; each system declares in its folder which keys it takes and which must be set together. The check, the JSON
Schema and the environment variables are derived from that, so no key is accepted and then ignored.
*/

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Who reads what a channel reports and what is written back to it: only people of your organisation,
/// or everybody. Everybody sees nothing from internal reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChannelAudience {
    Internal,
    Public,
}

/// A section `[connectors.NAME]`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConnectorConfig {
    /// Names the variable that holds what the system signs with.
    pub secret_env: Option<String>,
    /// Where its API is.
    pub base_url: Option<String>,
    /// The account of the token.
    pub email: Option<String>,
    /// Names the variable that holds the API token.
    pub token_env: Option<String>,
    pub audience: Option<ChannelAudience>,
    /// What one system alone knows: on or off.
    #[serde(flatten)]
    pub switches: BTreeMap<String, bool>,
}

/// Which keys a system takes.
#[derive(Debug, Clone, Copy)]
pub struct ConnectorKeys {
    /// `None`: it calls in, and is never called.
    pub api: Option<ApiKeys>,
}

/// Which keys of the API a system takes.
#[derive(Debug, Clone, Copy)]
pub struct ApiKeys {
    /// Where its API is, where the configuration does not say; without one it has to.
    pub default_base_url: Option<&'static str>,
    pub account: AccountKey,
    pub switches: &'static [SwitchKey],
}

/// Whether a token has an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountKey {
    Required,
    Optional,
    Absent,
}

/// A key that is on or off.
#[derive(Debug, Clone, Copy)]
pub struct SwitchKey {
    pub name: &'static str,
    /// What it means, for the schema.
    pub means: &'static str,
}

impl ConnectorKeys {
    /// Of a system that only calls in.
    pub(crate) const HOOK_ALONE: Self = Self { api: None };

    /// Where the API is of a system that is written to: as configured, else where it is by default.
    pub fn base_url<'c>(&self, config: &'c ConnectorConfig) -> Option<&'c str> {
        let api = self.api?;
        config.base_url.as_deref().or(api.default_base_url.filter(|_| config.token_env.is_some()))
    }

    /// Checks what types alone cannot say.
    ///
    /// # Errors
    /// What is wrong, with the key's whole name and what to write.
    pub fn check(&self, name: &str, config: &ConnectorConfig) -> Result<(), String> {
        let key = |key: &str| format!("connectors.{name}.{key}");
        let Some(api) = self.api else {
            let others =
                [("base_url", &config.base_url), ("email", &config.email), ("token_env", &config.token_env)];
            if let Some((odd, _)) = others.iter().find(|(_, value)| value.is_some()) {
                return Err(format!("{} is only for systems that receive notes; remove it", key(odd)));
            }
            if let Some(odd) = config.switches.keys().next() {
                return Err(format!("{} is not a key of this system; remove it", key(odd)));
            }
            return match &config.secret_env {
                Some(_) => Ok(()),
                None => {
                    Err(format!("connectors.{name} needs secret_env, the variable that holds its secret"))
                }
            };
        };
        let known = |switch: &&String| !api.switches.iter().any(|known| known.name == **switch);
        if let Some(odd) = config.switches.keys().find(known) {
            return Err(format!("{} is not a key of this system; remove it", key(odd)));
        }
        if config.email.is_some() && api.account == AccountKey::Absent {
            return Err(format!("{} is not a key of this system: its token needs no account", key("email")));
        }
        let base_url = self.base_url(config);
        match (base_url, &config.token_env) {
            (Some(url), Some(_)) if !is_url(url) => {
                return Err(format!("{} must begin with https:// (or http://)", key("base_url")));
            }
            (Some(_), None) => return Err(format!("{} needs {}", key("base_url"), key("token_env"))),
            (None, Some(_)) => return Err(format!("{} needs {}", key("token_env"), key("base_url"))),
            _ => {}
        }
        if base_url.is_some() && config.email.is_none() && api.account == AccountKey::Required {
            return Err(format!("{} must name the account of the token", key("email")));
        }
        if config.secret_env.is_none() && base_url.is_none() {
            let for_notes = if api.default_base_url.is_some() { "token_env" } else { "base_url" };
            return Err(format!("connectors.{name} needs secret_env for its hook, or {for_notes} for notes"));
        }
        Ok(())
    }

    /// The schema of the section.
    pub fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        let text = |description: &str| json!({ "description": description, "type": ["string", "null"], "default": null });
        let mut keys = Map::new();
        keys.insert(
            "secret_env".to_owned(),
            text("The variable that holds the secret it signs with; several, separated by spaces, while you replace one."),
        );
        let audience = generator.subschema_for::<ChannelAudience>();
        keys.insert(
            "audience".to_owned(),
            json!({
                "description": "Who reads what it reports, and the notes in its tickets.",
                "anyOf": [audience, { "type": "null" }], "default": null,
            }),
        );
        if let Some(api) = self.api {
            let base_url = match api.default_base_url {
                Some(url) => {
                    format!("Where its API is; {url} by default. Without token_env no notes are written.")
                }
                None => "Where its API is; without it no notes are written.".to_owned(),
            };
            keys.insert("base_url".to_owned(), text(&base_url));
            if api.account != AccountKey::Absent {
                keys.insert("email".to_owned(), text("The account of the token."));
            }
            keys.insert("token_env".to_owned(), text("The variable that holds the API token."));
            for switch in api.switches {
                let described = json!({ "description": switch.means, "type": "boolean", "default": false });
                keys.insert(switch.name.to_owned(), described);
            }
        }
        json_schema!({ "type": "object", "properties": Value::Object(keys), "additionalProperties": false })
    }
}

/// Whether an address can be one of an API.
pub(crate) fn is_url(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: Value) -> ConnectorConfig {
        serde_json::from_value(text).unwrap()
    }

    fn keys(default_base_url: Option<&'static str>, account: AccountKey) -> ConnectorKeys {
        let switches = &[SwitchKey { name: "loud", means: "Says more." }];
        ConnectorKeys { api: Some(ApiKeys { default_base_url, account, switches }) }
    }

    #[test]
    fn a_section_holds_what_its_system_takes_and_what_goes_together() {
        let (hook, plain) = (ConnectorKeys::HOOK_ALONE, keys(None, AccountKey::Required));
        let known = keys(Some("https://api.example"), AccountKey::Absent);
        for (keys, section, refused) in [
            (&hook, json!({ "secret_env": "S" }), None),
            (&hook, json!({}), Some("connectors.x needs secret_env")),
            (
                &hook,
                json!({ "secret_env": "S", "token_env": "T" }),
                Some("connectors.x.token_env is only for systems"),
            ),
            (&hook, json!({ "secret_env": "S", "loud": true }), Some("connectors.x.loud is not a key")),
            (&plain, json!({ "secret_env": "S" }), None),
            (&plain, json!({ "base_url": "https://a", "token_env": "T", "email": "e", "loud": true }), None),
            (
                &plain,
                json!({ "base_url": "ftp://a", "token_env": "T", "email": "e" }),
                Some("must begin with https://"),
            ),
            (
                &plain,
                json!({ "base_url": "https://a" }),
                Some("connectors.x.base_url needs connectors.x.token_env"),
            ),
            (&plain, json!({ "token_env": "T" }), Some("connectors.x.token_env needs connectors.x.base_url")),
            (&plain, json!({ "base_url": "https://a", "token_env": "T" }), Some("must name the account")),
            (&plain, json!({ "secret_env": "S", "quiet": true }), Some("connectors.x.quiet is not a key")),
            (&plain, json!({}), Some("or base_url for notes")),
            (&known, json!({ "token_env": "T" }), None),
            (&known, json!({ "secret_env": "S" }), None),
            (&known, json!({ "token_env": "T", "email": "e" }), Some("needs no account")),
            (&known, json!({}), Some("or token_env for notes")),
        ] {
            let checked = keys.check("x", &config(section.clone()));
            match (checked, refused) {
                (Ok(()), None) => {}
                (Err(why), Some(words)) => assert!(why.contains(words), "{section}: {why}"),
                (checked, _) => panic!("{section}: {checked:?}"),
            }
        }
        let token = config(json!({ "token_env": "T" }));
        assert_eq!((known.base_url(&token), plain.base_url(&token)), (Some("https://api.example"), None));
        let own = config(json!({ "token_env": "T", "base_url": "https://own" }));
        assert_eq!(known.base_url(&own), Some("https://own"));
        assert_eq!(known.base_url(&config(json!({ "secret_env": "S" }))), None, "nothing to write with");
    }
}
