/*!
`millwright deployment add`: records what was deployed where, for people who deploy with a script. Deployment systems
report over a hook instead.
*/

use std::process::ExitCode;

use anyhow::{Context, Result};
use millwright_git::Repo;
use millwright_model::{Deployment, Timestamp};
use millwright_usecases::UseCases;

use super::memory::use_cases;
use crate::cli::{DeploymentAddArguments, DeploymentArguments, DeploymentCommand, ListFormat};
use crate::wiring;

pub(super) async fn run(arguments: DeploymentArguments) -> Result<ExitCode> {
    match arguments.command {
        DeploymentCommand::Add(arguments) => add(arguments).await,
    }
}

async fn add(arguments: DeploymentAddArguments) -> Result<ExitCode> {
    let config = wiring::config(None, Some(&arguments.repo))?;
    let data_dir = wiring::data_dir(&arguments.data, &config)?;
    let at = moment(arguments.at.as_deref())?;
    let (path, folder) = (arguments.repo.clone(), data_dir.clone());
    let named = services(&arguments.deployed)?;
    let resolve = move || -> Result<_> {
        std::fs::create_dir_all(&folder)?;
        resolved(&Repo::open(&path, &folder)?, named)
    };
    let deployed = tokio::task::spawn_blocking(resolve).await??;
    let store = wiring::open_store(&data_dir, &config).await?;
    record(&use_cases(&store, &config)?, &deployed, &arguments.environment, at).await?;
    store.close().await;
    let text = match arguments.format {
        ListFormat::Json => format!("{}\n", serde_json::json!({ "deployed": as_json(&deployed) })),
        ListFormat::Text => as_text(&deployed, &arguments.environment, at),
    };
    wiring::emit(&text, None)?;
    Ok(ExitCode::SUCCESS)
}

/// The name of a service and the revision that was deployed.
pub(super) type DeployedRevision = (String, String);

/// The time of the deployment; now if no time is given.
pub(super) fn moment(given: Option<&str>) -> Result<Timestamp> {
    let at = given.map(Timestamp::parse).transpose();
    let at = at.context("--at must be a time as in 2026-11-24T10:00:00Z")?;
    Ok(at.unwrap_or_else(millwright_store::now))
}

/// Parses `SERVICE=REV`.
pub(super) fn services(deployed: &[String]) -> Result<Vec<DeployedRevision>> {
    let apart = |deployed: &String| {
        let pair = deployed
            .split_once('=')
            .filter(|(service, revision)| !service.is_empty() && !revision.is_empty());
        pair.map(|(service, revision)| (service.to_owned(), revision.to_owned()))
            .with_context(|| format!("{deployed:?} must be SERVICE=REV, as in checkout=v2.3.0"))
    };
    deployed.iter().map(apart).collect()
}

/// Replaces each revision by the full id of its commit.
pub(super) fn resolved(repo: &Repo, named: Vec<DeployedRevision>) -> Result<Vec<DeployedRevision>> {
    let commit = |(service, revision): DeployedRevision| Ok((service, repo.resolve(&revision)?.to_string()));
    named.into_iter().map(commit).collect()
}

pub(super) async fn record(
    use_cases: &UseCases,
    deployed: &[DeployedRevision],
    environment: &str,
    at: Timestamp,
) -> Result<()> {
    for (service, revision) in deployed {
        let deployment = Deployment {
            service: service.clone(),
            environment: environment.to_owned(),
            revision: revision.clone(),
            at,
        };
        use_cases.record_deployment(&wiring::person(), &deployment).await?;
    }
    Ok(())
}

pub(super) fn as_json(deployed: &[DeployedRevision]) -> serde_json::Value {
    let one = |(service, revision): &DeployedRevision| serde_json::json!({ "service": service, "revision": revision });
    deployed.iter().map(one).collect()
}

pub(super) fn as_text(deployed: &[DeployedRevision], environment: &str, at: Timestamp) -> String {
    let one = |(service, revision): &DeployedRevision| {
        format!(
            "{service} runs {} in {environment} since {}\n",
            revision.get(..12).unwrap_or(revision),
            at.as_jiff()
        )
    };
    deployed.iter().map(one).collect()
}
