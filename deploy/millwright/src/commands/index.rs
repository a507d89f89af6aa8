/*!
`millwright index`: brings the history index of a repository up to date. Investigations do it by themselves;
this is for doing it ahead of time.
*/

use std::process::ExitCode;

use anyhow::Result;
use millwright_tools::git::Repo;
use millwright_tools::history;

use crate::wiring;
use crate::cli::{IndexArguments, ListFormat};

pub(super) async fn run(arguments: IndexArguments) -> Result<ExitCode> {
    let data_dir = wiring::data_dir(&arguments.data, &wiring::config(None, None)?)?;
    let path = arguments.repo.clone();
    let begun = std::time::Instant::now();
    let (known, added) = tokio::task::spawn_blocking(move || -> Result<(usize, usize)> {
        std::fs::create_dir_all(&data_dir)?;
        let repo = Repo::open(&path, &data_dir)?;
        let head = repo.resolve("HEAD")?;
        let update = history::update(&repo, &head)?;
        Ok((update.commits, update.added))
    })
    .await??;
    let ms = begun.elapsed().as_millis();
    let text = match arguments.format {
        ListFormat::Json => format!("{}\n", serde_json::json!({"commits": known, "added": added, "duration_ms": ms})),
        ListFormat::Text => format!("{known} commits indexed, {added} of them new ({:.1} s)\n", ms as f64 / 1000.0),
    };
    wiring::emit(&text, None)?;
    Ok(ExitCode::SUCCESS)
}
