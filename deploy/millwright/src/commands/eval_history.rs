/*!
`millwright eval history`, and the rows that `eval run SUITE` adds to it: one per run in the configured store, where the
pages of the service read them.
*/

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use millwright_evals::{EvalSummary, Suite, history};
use millwright_model::KeptEvaluation;
use millwright_store::Store;

use super::memory::{clean, show};
use crate::cli::EvalHistoryArguments;
use crate::wiring;

/// The commit of this build, if the build sets it, so that builds can be told apart.
const COMMIT: Option<&str> = option_env!("MILLWRIGHT_COMMIT");

pub(super) async fn run(arguments: EvalHistoryArguments) -> Result<ExitCode> {
    let suite = arguments.suite.as_deref().map(str::parse::<Suite>).transpose();
    let suite = suite.map_err(anyhow::Error::msg)?.map(Suite::as_str);
    let config = wiring::config(arguments.config.as_deref(), None)?;
    let store = wiring::open_store(&wiring::data_dir(&arguments.data, &config)?, &config).await?;
    let kept = store.evaluations(suite, arguments.limit).await?;
    show(arguments.format, &kept, || page(&kept))?;
    store.close().await;
    Ok(ExitCode::SUCCESS)
}

/// Stores a run of a suite; returns the metrics that fell since the previous run, one line each.
pub(super) async fn keep(
    store: &Store,
    suite: Suite,
    summary: &EvalSummary,
    failures: &[String],
    (planner, took): (&str, Duration),
) -> Result<Vec<String>> {
    /// How many earlier runs are searched for one of the same planner.
    const BACK: u32 = 100;
    let program = history::program(env!("CARGO_PKG_VERSION"), COMMIT);
    let now = history::evaluation(suite.as_str(), summary, failures, (&program, planner), took);
    let kept = store.evaluations(Some(suite.as_str()), BACK).await?;
    let fell = history::before(&kept, &now).map(|before| history::fell(before, &now)).unwrap_or_default();
    store.add_evaluation(&now).await.context("the run could not be added to the history of evals")?;
    Ok(fell)
}

fn page(kept: &[KeptEvaluation]) -> String {
    if kept.is_empty() {
        return "no suite has been run here yet; `millwright eval run nightly --out DIR` runs one\n"
            .to_owned();
    }
    let mut out = String::new();
    for one in kept {
        let of = &one.evaluation;
        let day = one.at.as_jiff().strftime("%Y-%m-%d %H:%M");
        let gate = if of.held() { "held" } else { "FAILED" };
        let _ = writeln!(
            out,
            "{day}  {}  {}  {}  gate {gate}",
            clean(&of.suite, 40),
            clean(&of.program, 60),
            clean(&of.planner, 60)
        );
        for (task, figures) in &of.figures {
            let told = history::FOLLOWED
                .iter()
                .filter_map(|(name, words)| Some(format!("{words} {}", figures.get(*name)?)));
            let cases = figures.get("cases").map_or(0.0, |figure| figure.value);
            let told: Vec<String> = std::iter::once(format!("{cases:.0} cases")).chain(told).collect();
            let _ = writeln!(out, "    {}: {}", clean(task, 60), told.join(", "));
        }
        for failure in &of.failures {
            let _ = writeln!(out, "    gate: {}", clean(failure, 200));
        }
    }
    out
}
