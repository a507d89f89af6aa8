/*! `millwright eval import`: past incidents as cases. */

use std::process::ExitCode;

use anyhow::Result;
use millwright_evals::import;
use millwright_git::Repo;

use crate::cli::{EvalImportArguments, EvalImportFrom};
use crate::wiring;

/// Most reasons shown; more would hide the number of cases.
const SHOWN: usize = 20;

pub(super) async fn run(arguments: EvalImportArguments) -> Result<ExitCode> {
    let config = wiring::config(arguments.config.as_deref(), None)?;
    let data_dir = wiring::data_dir(&arguments.data, &config)?;
    let imported = match &arguments.from {
        EvalImportFrom::Memory { repo } => {
            let repo = Repo::open(repo, &data_dir)?;
            let store = wiring::open_store(&data_dir, &config).await?;
            import::memory::import(&repo, &store).await?
        }
        EvalImportFrom::Lines { file, repo } => {
            let (file, repo) = (file.clone(), Repo::open(repo, &data_dir)?);
            tokio::task::spawn_blocking(move || import::lines::import(&repo, &file)).await??
        }
        EvalImportFrom::History { repo, limit } => {
            let (repo, limit) = (Repo::open(repo, &data_dir)?, *limit);
            tokio::task::spawn_blocking(move || import::history::import(&repo, limit)).await??
        }
    };
    for why in imported.left_out.iter().take(SHOWN) {
        eprintln!("left out: {why}");
    }
    if imported.left_out.len() > SHOWN {
        eprintln!("left out: {} more", imported.left_out.len() - SHOWN);
    }
    imported.write(&arguments.out)?;
    let text = format!(
        "{} cases in {}; run them with: millwright eval run --cases {} --task rank --out OUT\n",
        imported.cases.len(),
        arguments.out.display(),
        arguments.out.display()
    );
    wiring::emit(&text, None)?;
    Ok(ExitCode::SUCCESS)
}
