/*!
`millwright index`: updates the history index of a repository ahead of time, and with `--units` the index of code units.
Investigations and questions update them by themselves as well.
*/

use std::process::ExitCode;

use anyhow::Result;
use millwright_code::units::UnitIndex;
use millwright_git::Repo;
use millwright_git::history::HistoryIndex;

use super::deployment::{self, DeployedRevision};
use super::memory;
use crate::cli::{IndexArguments, ListFormat};
use crate::wiring;

pub(super) async fn run(arguments: IndexArguments) -> Result<ExitCode> {
    let config = wiring::config(None, Some(&arguments.repo))?;
    let data_dir = wiring::data_dir(&arguments.data, &config)?;
    let at = deployment::moment(arguments.at.as_deref())?;
    let named = deployment::services(&arguments.deployed)?;
    let (path, folder) = (arguments.repo.clone(), data_dir.clone());
    let units = arguments.units;
    let begun = std::time::Instant::now();
    let redactor = wiring::redactor(&config)?;
    let work = move || -> Result<(usize, Vec<DeployedRevision>)> {
        let repo = Repo::open(&path, &folder)?;
        let deployed = deployment::resolved(&repo, named)?;
        let head = repo.resolve("HEAD")?;
        let structure = HistoryIndex::open(&repo, redactor.config(), &head)?.structure;
        if units {
            UnitIndex::open(&repo)?.ensure(&repo, &structure.ids())?;
        }
        Ok((structure.len(), deployed))
    };
    let (commits, deployed) = tokio::task::spawn_blocking(work).await??;
    if !deployed.is_empty() {
        let store = wiring::open_store(&data_dir, &config).await?;
        let use_cases = memory::use_cases(&store, &config)?;
        deployment::record(&use_cases, &deployed, &arguments.environment, at).await?;
        store.close().await;
    }
    let ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let text = match arguments.format {
        ListFormat::Json => {
            let noted = deployment::as_json(&deployed);
            format!("{}\n", serde_json::json!({"commits": commits, "duration_ms": ms, "deployed": noted}))
        }
        ListFormat::Text => {
            let mut text = format!("{commits} commits are indexed ({:.1} s)\n", ms as f64 / 1000.0);
            text.push_str(&deployment::as_text(&deployed, &arguments.environment, at));
            text
        }
    };
    wiring::emit(&text, None)?;
    Ok(ExitCode::SUCCESS)
}
