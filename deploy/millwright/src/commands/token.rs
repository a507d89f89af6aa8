/*!
`millwright token`: manages who may call the service, and with which rights.
*/

use std::process::ExitCode;

use anyhow::Result;
use millwright_model::VisibleSet;
use millwright_server::auth::{NewToken, TokenRequest, create_token, rotate_token};
use millwright_store::{AccessToken, Actor};

use super::memory::show;
use crate::cli::{TokenArguments, TokenCommand};
use crate::wiring;

pub(super) async fn run(arguments: TokenArguments) -> Result<ExitCode> {
    let config = wiring::config(arguments.config.as_deref(), None)?;
    let store = wiring::open_store(&wiring::data_dir(&arguments.data, &config)?, &config).await?;
    let who = wiring::person();
    let by = Actor { who: &who, why: "" };
    let format = arguments.format;
    let made = |new: &NewToken| {
        let shown = serde_json::json!({ "id": new.token.id, "token": new.text, "role": new.token.role,
            "repositories": new.token.repositories, "expires_at": new.token.expires_at });
        show(format, &shown, || format!("{}\n", new.text))
    };
    match arguments.command {
        TokenCommand::Create { name, role, repositories, expires } => {
            anyhow::ensure!(!name.trim().is_empty(), "a token needs a name: whose it is, or what it is for");
            for unknown in
                repositories.iter().filter(|name| !config.options.repositories.contains_key(name.as_str()))
            {
                eprintln!(
                    "millwright: [repositories.{unknown}] is not in this configuration; check the name"
                );
            }
            let repositories = VisibleSet::only_or_all(repositories.into_iter().collect());
            let request = TokenRequest { name: &name, role, repositories, valid_for: expires };
            made(&create_token(&store, request, by).await?)?;
        }
        TokenCommand::Rotate { id, overlap } => {
            let id = store.resolve_token_id(&id).await?;
            made(&rotate_token(&store, &id, overlap, by).await?)?;
        }
        TokenCommand::Revoke { id } => {
            let id = store.resolve_token_id(&id).await?;
            store.end_token(&id, None, by).await?;
            show(format, &serde_json::json!({ "revoked": id }), || format!("{id} is revoked\n"))?;
        }
        TokenCommand::List => {
            let tokens = store.list_tokens().await?;
            show(format, &tokens, || tokens.iter().map(line).collect())?;
        }
    }
    store.close().await;
    Ok(ExitCode::SUCCESS)
}

fn line(token: &AccessToken) -> String {
    let until = match (&token.revoked_at, &token.expires_at) {
        (Some(at), _) => format!("revoked {at}"),
        (None, Some(at)) => format!("until {at}"),
        (None, None) => "until revoked".to_owned(),
    };
    let used = token.last_used_at.map_or_else(|| "never".to_owned(), |at| at.to_string());
    let bound = match &token.repositories {
        VisibleSet::All => String::new(),
        some => format!(", bound to {some}"),
    };
    format!("{}  {:<10} {:<24} {until}, last used {used}{bound}\n", token.id, token.role, token.name)
}
