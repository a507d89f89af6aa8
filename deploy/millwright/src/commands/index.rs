/*!
`millwright index`: brings the history index of a repository up to date. Investigations do it by themselves;
this is for doing it ahead of time.
*/

use std::process::ExitCode;

use anyhow::Result;
use millwright_tools::git::Repo;
use millwright_tools::history::History;

use crate::cli::{IndexArguments, ListFormat};
use crate::config::Config;
use crate::wiring;

pub(super) async fn run(arguments: IndexArguments) -> Result<ExitCode> {
    let data_dir = wiring::data_dir(&arguments.data, &Config::default())?;
    let path = arguments.repo.clone();
    let begun = std::time::Instant::now();
    let commits = tokio::task::spawn_blocking(move || -> Result<usize> {
        std::fs::create_dir_all(&data_dir)?;
        let repo = Repo::open(&path, &data_dir)?;
        let head = repo.resolve("HEAD")?;
        Ok(History::open(&repo, &head)?.structure.len())
    })
    .await??;
    let ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let text = match arguments.format {
        ListFormat::Json => format!("{}\n", serde_json::json!({"commits": commits, "duration_ms": ms})),
        ListFormat::Text => format!("{commits} commits are indexed ({:.1} s)\n", ms as f64 / 1000.0),
    };
    wiring::emit(&text, None)?;
    Ok(ExitCode::SUCCESS)
}
