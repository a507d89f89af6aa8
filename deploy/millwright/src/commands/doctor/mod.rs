/*!
`millwright doctor`: tries everything an investigation or the service needs, and says how to mend what does not work.
*/

mod checkup;
mod machine;
mod model;
mod repository;
mod service;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use millwright_agent::planner::PLAYBOOK;
use millwright_service::settings::Repository;

use self::checkup::Checkup;
use self::repository::{TrialTerms, check_repository};
use super::service_settings;
use crate::cli::{DoctorArguments, ListFormat};
use crate::config::{Config, Origin};
use crate::wiring;

pub(super) async fn run(arguments: DoctorArguments) -> Result<ExitCode> {
    let config = wiring::config(arguments.config.as_deref(), arguments.repo.as_deref());
    let described = described(&config);
    let config = config.unwrap_or_else(|_| Config::default());
    let mut checkup = Checkup::new(wiring::redactor(&config)?);
    checkup.note("configuration", described);
    machine::check_git(&mut checkup).await?;
    let data_dir = wiring::data_dir(&arguments.data, &config);
    match &data_dir {
        Err(error) => checkup.note("data folder", Err(format!("{error:#}"))),
        Ok(dir) => machine::check_data(&mut checkup, dir, &config).await,
    }
    machine::check_sandbox(&mut checkup).await?;
    let named = arguments.planner.as_deref().or(config.options.model.name.as_deref());
    match named.filter(|name| *name != PLAYBOOK) {
        None => checkup
            .note("model", Ok("none; the playbook needs none ([model] name, or --planner MODEL)".into())),
        Some(name) => model::check_model(&mut checkup, name, &config).await,
    }
    if let Ok(dir) = &data_dir {
        check_repositories(&mut checkup, &arguments, &config, dir).await?;
    }
    service::check_service(&mut checkup, &config).await;
    let text = match arguments.format {
        ListFormat::Json => checkup.as_json(),
        ListFormat::Text => checkup.as_text(),
    };
    wiring::emit(&text, None)?;
    Ok(if checkup.is_healthy() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// The one that was named, else those of the configuration.
async fn check_repositories(
    checkup: &mut Checkup,
    arguments: &DoctorArguments,
    config: &Config,
    data_dir: &Path,
) -> Result<()> {
    let terms = TrialTerms {
        patience: (!arguments.no_replay).then_some(arguments.deadline),
        sandbox: wiring::sandbox(config),
    };
    let with_options = |repository: Repository| -> Result<Repository> {
        let mut recipes = repository.recipes;
        recipes.env.extend(arguments.env.iter().cloned());
        for path in &arguments.allow_read {
            recipes.allow_read.push(std::path::absolute(path)?);
        }
        Ok(Repository { recipes, ..repository })
    };
    if let Some(path) = &arguments.repo {
        let repository = with_options(service_settings::repository_at(path, config))?;
        return check_repository(checkup, "repository", repository, data_dir, &terms).await;
    }
    for (name, entry) in &config.options.repositories {
        let whole = format!("repository {name}");
        match service_settings::repository(name, entry, config, data_dir) {
            Ok(repository) => {
                check_repository(checkup, &whole, with_options(repository)?, data_dir, &terms).await?;
            }
            Err(error) => checkup.note(&whole, Err(format!("{error:#}"))),
        }
    }
    Ok(())
}

fn described(config: &Result<Config>) -> Result<String, String> {
    match config {
        Ok(config) => {
            let Origin { own, found } = &config.origin;
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
