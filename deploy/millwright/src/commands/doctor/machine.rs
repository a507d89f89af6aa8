/*!
This machine: git, the data folder and what is in it, the sandbox.
*/

use std::path::Path;

use anyhow::Result;
use millwright_memory::embed::EmbedText;
use millwright_memory::store::Store;
use millwright_memory::types::SandboxLevel;
use millwright_tools::process;

use super::checkup::Checkup;
use crate::config::Config;
use crate::{dense, wiring};

pub(super) async fn check_git(checkup: &mut Checkup) -> Result<()> {
    let git = tokio::task::spawn_blocking(process::trusted::version).await?;
    checkup.note("git", git.map_err(|error| error.to_string()));
    Ok(())
}

pub(super) async fn check_data(checkup: &mut Checkup, dir: &Path, config: &Config) {
    let store = match wiring::open_store(dir, config).await {
        Ok(store) => store,
        Err(error) => {
            let name = if config.options.store.url.is_some() { "database" } else { "data folder" };
            return checkup.note(name, Err(format!("{error:#}")));
        }
    };
    let count = store.count_incidents().await;
    // A database elsewhere does not show that checkouts and indexes can be written.
    let writable = tempfile::tempfile_in(dir).map(|_| dir.display().to_string());
    checkup.note(
        "data folder",
        writable.map_err(|error| {
            format!("{} cannot be written: {error}; give another one with --data-dir", dir.display())
        }),
    );
    checkup.note("database", store.described().await.map_err(|error| error.to_string()));
    checkup.note(
        "memory",
        count.map(|count| format!("{count} incidents remembered")).map_err(|error| error.to_string()),
    );
    for (name, result) in vectors(&store, config).await {
        checkup.note(name, result);
    }
    store.close().await;
}

/// Whether the model of `[embeddings]` gives vectors, and whether the engine of `[vectors]` answers.
async fn vectors(store: &Store, config: &Config) -> Vec<(&'static str, Result<String, String>)> {
    let store = match dense::attach(store.clone(), config).await {
        Ok(store) => store,
        Err(error) => return vec![("embeddings", Err(format!("{error:#}")))],
    };
    let (model, engine) = (store.dense().embedder().model(), store.dense().engine());
    let sample = [EmbedText::new("The total of an invoice is wrong", "")];
    let embedded = store.dense().embedder().embed(&sample).await.and_then(|v| model.check(v, 1));
    let prepared = match engine.prepare(model).await {
        Ok(()) => engine.count(model).await,
        Err(error) => Err(error),
    };
    vec![
        ("embeddings", embedded.map(|_| model.to_string()).map_err(|error| error.to_string())),
        (
            "vectors",
            prepared
                .map(|count| format!("{}, {count} incidents embedded", engine.name()))
                .map_err(|error| error.to_string()),
        ),
    ]
}

pub(super) async fn check_sandbox(checkup: &mut Checkup) -> Result<()> {
    let probe = tokio::task::spawn_blocking(process::probe).await?;
    checkup.note(
        "sandbox",
        match probe.level {
            Some(SandboxLevel::Full) => Ok("full: namespaces, Landlock and seccomp".into()),
            Some(SandboxLevel::Reduced) => Ok("reduced: Landlock and seccomp, without namespaces".into()),
            Some(SandboxLevel::None) | None => {
                Err("replays are refused here; see the parts below, or allow a weaker one by sandbox.allow_weaker".into())
            }
        },
    );
    for part in probe.mechanisms {
        let result = if part.works { Ok(part.detail) } else { Err(part.detail) };
        checkup.note(&format!("sandbox: {}", part.name), result);
    }
    Ok(())
}
