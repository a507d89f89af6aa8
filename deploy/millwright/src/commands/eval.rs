/*!
`millwright eval run`: judges the agent on cases with known truth, writes the results and holds them to a gate.
*/

use std::process::ExitCode;

use anyhow::{Context, Result};
use millwright_agent::run::Budget;
use millwright_evals::{MemoryMode, Options, Planners, RepoMapping, Summary, Task};

use crate::cli::{EvalArguments, EvalCommand, EvalMemory, EvalRunArguments, EvalTask, ListFormat};
use crate::config::{BUILT_IN, Config};
use crate::{dense, wiring};

const GATE_FAILED: u8 = 2;

pub(super) async fn run(arguments: EvalArguments) -> Result<ExitCode> {
    let EvalCommand::Run(arguments) = arguments.command;
    let gate = arguments.gate.as_deref().map(gate).transpose()?;
    let options = options(&arguments)?;
    let out = options.out.clone();
    let summary = tokio::task::spawn_blocking(move || millwright_evals::run(&options)).await??;
    let text = match arguments.format {
        ListFormat::Json => format!("{:#}\n", serde_json::Value::Object(summary.0.clone())),
        ListFormat::Text => {
            format!("{}\nresults, summary and report.html are in {}\n", figures(&summary), out.display())
        }
    };
    wiring::emit(&text, None)?;
    let failures = gate.map(|gate| summary.gate(&gate)).unwrap_or_default();
    for failure in &failures {
        eprintln!("gate: {failure}");
    }
    Ok(if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(GATE_FAILED) })
}

fn gate(path: &std::path::Path) -> Result<serde_json::Value> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("the gate {} cannot be read", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("the gate {} is no JSON", path.display()))
}

fn options(arguments: &EvalRunArguments) -> Result<Options> {
    let repo_map = arguments.repo_map.iter().map(|(address, path)| RepoMapping {
        address: address.trim_end_matches('/').to_owned(),
        path: path.clone(),
    });
    let allow_read = arguments.allow_read.iter().map(std::path::absolute).collect::<std::io::Result<_>>()?;
    let config = wiring::config(arguments.config.as_deref(), None)?;
    Ok(Options {
        cases: arguments.cases.clone(),
        task: match arguments.task {
            EvalTask::Rank => Task::Rank,
            EvalTask::Investigate => Task::Investigate,
            EvalTask::LogTemplates => Task::LogTemplates,
            EvalTask::Retrieval => Task::Retrieval,
        },
        repo_map: repo_map.collect(),
        planner: planners(arguments)?,
        budget: Budget { minimise_runs: arguments.minimise_runs, ..wiring::budget(&config) },
        memory: match arguments.memory {
            EvalMemory::Off => MemoryMode::Off,
            EvalMemory::Fresh => MemoryMode::Fresh,
            EvalMemory::Sequential => MemoryMode::Sequential,
            EvalMemory::Poisoned => MemoryMode::Poisoned,
            EvalMemory::Stale => MemoryMode::Stale,
        },
        gate: arguments.gate.clone(),
        env: arguments.env.iter().cloned().collect(),
        allow_read,
        out: arguments.out.clone(),
        data_dir: wiring::data_dir(&arguments.data, &Config::default())?,
        jobs: arguments.jobs,
        limit: arguments.limit,
        embedder: embedder(&config)?,
    })
}

/// The configured model, to be judged beside the built-in one.
fn embedder(config: &Config) -> Result<Option<std::sync::Arc<dyn millwright_memory::embed::Embedder>>> {
    if config.options.embeddings.model == BUILT_IN {
        return Ok(None);
    }
    Ok(Some(dense::embedder(config)?))
}

fn planners(arguments: &EvalRunArguments) -> Result<Planners> {
    let config = wiring::config(arguments.config.as_deref(), None)?;
    let name = arguments.planner.clone();
    // Wrong options are told before the first case.
    wiring::planner(Some(&name), &config, wiring::Attendance::Unattended)?;
    Ok(Planners::new(move || {
        wiring::planner(Some(&name), &config, wiring::Attendance::Unattended)
            .map_err(|error| format!("{error:#}"))
    }))
}

/// The figures of the whole set, one a line, with their intervals.
fn figures(summary: &Summary) -> String {
    let mut lines = Vec::new();
    for (task, figures) in &summary.0 {
        lines.push(task.clone());
        let Some(figures) = figures.as_object() else { continue };
        for (name, figure) in figures {
            match (figure.get("value"), figure.get("low"), figure.get("high")) {
                (Some(value), Some(low), Some(high)) => {
                    let number = |value: &serde_json::Value| value.as_f64().unwrap_or(0.0);
                    lines.push(format!(
                        "  {name:<22} {:>8.3}  ({:.3} to {:.3})",
                        number(value),
                        number(low),
                        number(high)
                    ));
                }
                _ if figure.is_number() => lines.push(format!("  {name:<22} {figure:>8}")),
                _ => {}
            }
        }
    }
    lines.join("\n")
}
