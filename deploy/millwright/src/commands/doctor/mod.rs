/*!
`millwright doctor`: checks everything that an investigation or the service needs, and says how to fix what does not work.
*/

mod findings;
mod host;
mod model;
mod repository;
mod service;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use millwright_agent::planner::PLAYBOOK;
use millwright_server::settings::RepositorySettings;

use self::findings::DoctorFindings;
use self::repository::check_repository;
use super::recipe_trial::TrialBounds;
use super::service_settings;
use crate::cli::{DoctorArguments, ListFormat};
use crate::config::{Config, ConfigOrigin};
use crate::wiring;

pub(super) async fn run(arguments: DoctorArguments) -> Result<ExitCode> {
    let config = wiring::config(arguments.config.as_deref(), arguments.repo.as_deref());
    let described = described(&config);
    let config = config.unwrap_or_else(|_| Config::default());
    let mut findings = DoctorFindings::new(wiring::redactor(&config)?);
    findings.note("configuration", described);
    host::check_git(&mut findings).await?;
    let data_dir = wiring::data_dir(&arguments.data, &config);
    match &data_dir {
        Err(error) => findings.note("data folder", Err(format!("{error:#}"))),
        Ok(dir) => host::check_data(&mut findings, dir, &config).await,
    }
    host::check_sandbox(&mut findings).await?;
    let named = arguments.planner.as_deref().or(config.options.model.name.as_deref());
    match named.filter(|name| *name != PLAYBOOK) {
        None => findings
            .note("model", Ok("none; the playbook needs none ([model] name, or --planner MODEL)".into())),
        Some(name) => model::check_model(&mut findings, name, &config).await,
    }
    if let Ok(dir) = &data_dir {
        check_repositories(&mut findings, &arguments, &config, dir).await?;
    }
    service::check_service(&mut findings, &config).await;
    let text = match arguments.format {
        ListFormat::Json => findings.as_json(),
        ListFormat::Text => findings.as_text(),
    };
    wiring::emit(&text, None)?;
    Ok(if findings.is_healthy() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Checks the named repository, or those of the configuration.
async fn check_repositories(
    findings: &mut DoctorFindings,
    arguments: &DoctorArguments,
    config: &Config,
    data_dir: &Path,
) -> Result<()> {
    let bounds = TrialBounds::of(&arguments.trial, config);
    let with_options = |repository: RepositorySettings| -> Result<RepositorySettings> {
        let mut recipes = repository.recipes;
        recipes.env.extend(arguments.env.iter().cloned());
        for path in &arguments.allow_read {
            recipes.allow_read.push(std::path::absolute(path)?);
        }
        Ok(RepositorySettings { recipes, ..repository })
    };
    if let Some(path) = &arguments.repo {
        let repository = with_options(service_settings::repository_at(path, config)?)?;
        doubt_timeout(findings, "repository", &repository, config);
        return check_repository(findings, "repository", repository, data_dir, bounds.as_ref()).await;
    }
    for (name, entry) in &config.options.repositories {
        let whole = format!("repository {name}");
        match service_settings::repository(name, entry, config, data_dir) {
            Ok(repository) => {
                doubt_timeout(findings, &whole, &repository, config);
                check_repository(findings, &whole, with_options(repository)?, data_dir, bounds.as_ref())
                    .await?;
            }
            Err(error) => findings.note(&whole, Err(format!("{error:#}"))),
        }
    }
    Ok(())
}

/// Notes a time limit that a repository's entry asks for and does not get.
fn doubt_timeout(
    findings: &mut DoctorFindings,
    whole: &str,
    repository: &RepositorySettings,
    config: &Config,
) {
    let most = config.options.sandbox.wall_s;
    if let Some(asked) = repository.recipes.timeout_s.filter(|asked| *asked > most) {
        let detail = format!(
            "{asked} s are lowered to {most} s, the most that wall_s in [sandbox] gives; lower it, or raise wall_s \
             in your own configuration file"
        );
        findings.doubt(&format!("{whole}: timeout_s"), detail);
    }
}

fn described(config: &Result<Config>) -> Result<String, String> {
    match config {
        Ok(config) => {
            let ConfigOrigin { own, found } = &config.origin;
            let found = found.as_ref().map(|found| format!("{} (for this repository only)", found.display()));
            let files: Vec<String> = own.iter().map(|own| own.display().to_string()).chain(found).collect();
            Ok(match files.is_empty() {
                true => "no millwright.toml; defaults are used (`millwright init` writes one)".to_owned(),
                false => files.join(", "),
            })
        }
        Err(error) => Err(format!("{error:#}")),
    }
}
