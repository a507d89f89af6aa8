/*! `millwright history`: the commits that changed a code unit, a range of lines or a file. */

use std::process::ExitCode;

use anyhow::Result;
use millwright_git::Repo;
use millwright_usecases::{HistoryRequest, code_history};

use crate::cli::{HistoryArguments, ListFormat};
use crate::wiring;

pub(super) async fn run(arguments: HistoryArguments) -> Result<ExitCode> {
    let config = wiring::config(arguments.config.as_deref(), Some(&arguments.repo))?;
    let data_dir = wiring::data_dir(&arguments.data, &config)?;
    let redactor = wiring::redactor(&config)?;
    let (format, patches) = (arguments.format, !arguments.no_patch);
    let ask = move || -> Result<_> {
        let repo = Repo::open(&arguments.repo, &data_dir)?;
        let HistoryArguments { of, at, offset, limit, .. } = arguments;
        Ok(code_history(&repo, &redactor, &HistoryRequest::new(of, at, offset, limit)?)?)
    };
    let view = tokio::task::spawn_blocking(ask).await??;
    let text = match format {
        ListFormat::Json => format!("{}\n", serde_json::to_string_pretty(&view)?),
        ListFormat::Text => view.text(patches),
    };
    wiring::emit(&text, None)?;
    Ok(ExitCode::SUCCESS)
}
