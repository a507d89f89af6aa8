/*!
`millwright index`: brings the history index of a repository up to date, which investigations do by themselves, ahead of
time; and notes what was deployed, for whoever deploys from a script.
*/

use std::process::ExitCode;

use anyhow::{Context, Result};
use millwright_memory::store::Deployment;
use millwright_tools::git::Repo;
use millwright_tools::history::History;

use super::memory::person;
use crate::cli::{IndexArguments, ListFormat};
use crate::config::Config;
use crate::wiring;

pub(super) async fn run(arguments: IndexArguments) -> Result<ExitCode> {
    let data_dir = wiring::data_dir(&arguments.data, &Config::default())?;
    let at = arguments.at.as_deref().map(str::parse::<jiff::Timestamp>).transpose();
    let at = at.context("--at must be a time as in 2026-11-24T10:00:00Z")?;
    let at = at.unwrap_or_else(jiff::Timestamp::now);
    let mut named = Vec::new();
    for deployed in &arguments.deployed {
        let pair = deployed
            .split_once('=')
            .filter(|(service, revision)| !service.is_empty() && !revision.is_empty());
        named.push(pair.with_context(|| {
            format!("--deployed {deployed:?} must be SERVICE=REV, as in checkout=v2.3.0")
        })?);
    }
    let named: Vec<(String, String)> =
        named.into_iter().map(|(service, revision)| (service.to_owned(), revision.to_owned())).collect();
    let (path, folder) = (arguments.repo.clone(), data_dir.clone());
    let begun = std::time::Instant::now();
    let work = move || -> Result<(usize, Vec<(String, String)>)> {
        std::fs::create_dir_all(&folder)?;
        let repo = Repo::open(&path, &folder)?;
        let mut deployed = Vec::new();
        for (service, revision) in named {
            deployed.push((service, repo.resolve(&revision)?));
        }
        let head = repo.resolve("HEAD")?;
        Ok((History::open(&repo, &head)?.structure.len(), deployed))
    };
    let (commits, deployed) = tokio::task::spawn_blocking(work).await??;
    if !deployed.is_empty() {
        let store = wiring::open_store(&data_dir).await?;
        for (service, revision) in &deployed {
            let environment = arguments.environment.clone();
            let deployment = Deployment {
                service: service.clone(),
                environment,
                revision: revision.clone(),
                at: at.to_string(),
            };
            store.deployed(&deployment, &person()).await?;
        }
        store.close().await;
    }
    let ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let text = match arguments.format {
        ListFormat::Json => {
            let noted: Vec<_> = deployed
                .iter()
                .map(|(service, revision)| serde_json::json!({"service": service, "revision": revision}))
                .collect();
            format!("{}\n", serde_json::json!({"commits": commits, "duration_ms": ms, "deployed": noted}))
        }
        ListFormat::Text => {
            let mut text = format!("{commits} commits are indexed ({:.1} s)\n", ms as f64 / 1000.0);
            for (service, revision) in &deployed {
                let environment = &arguments.environment;
                text.push_str(&format!("{service} runs {} in {environment} since {at}\n", &revision[..12]));
            }
            text
        }
    };
    wiring::emit(&text, None)?;
    Ok(ExitCode::SUCCESS)
}
