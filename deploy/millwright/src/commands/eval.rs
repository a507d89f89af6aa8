/*!
`millwright eval`: judges the agent on cases with known truth, checks the results against a gate, compares and reports
them.
*/

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result};
use millwright_agent::context::ModelMessage;
use millwright_agent::planner::PLAYBOOK;
use millwright_agent::planner::openai::ModelSpeaker;
use millwright_agent::run::{ActionMode, RunBudget};
use millwright_evals::{
    EvalOptions, EvalSummary, EvalTask, MemoryMode, PlannerFactory, ProseJudge, RepoMapping, Suite,
};

use crate::cli::{
    EvalArguments, EvalBaseline, EvalCommand, EvalCompareArguments, EvalMemory, EvalReportArguments,
    EvalReportFormat, EvalRunArguments, EvalTaskOption, ListFormat,
};
use crate::commands::{eval_history, eval_import};
use crate::config::{BUILT_IN, Config};
use crate::{dense, wiring};

const GATE_FAILED: u8 = 2;

pub(super) async fn run(arguments: EvalArguments) -> Result<ExitCode> {
    match arguments.command {
        EvalCommand::Run(arguments) => run_cases(*arguments).await,
        EvalCommand::Compare(arguments) => compare(&arguments),
        EvalCommand::Report(arguments) => report(&arguments),
        EvalCommand::History(arguments) => eval_history::run(arguments).await,
        EvalCommand::Import(arguments) => eval_import::run(arguments).await,
    }
}

async fn run_cases(arguments: EvalRunArguments) -> Result<ExitCode> {
    let suite =
        arguments.suite.as_deref().map(str::parse::<Suite>).transpose().map_err(anyhow::Error::msg)?;
    let gate = match (arguments.gate.as_deref(), suite) {
        (Some(path), _) => Some(gate(path)?),
        (None, Some(suite)) => Some(suite.gate()),
        (None, None) => None,
    };
    let config = wiring::config(arguments.config.as_deref(), None)?;
    let options = options(&arguments, &config)?;
    // Reports a store that cannot be opened before the suite runs, not after it.
    let store = match suite {
        Some(_) => Some(wiring::open_store(&options.data_dir, &config).await?),
        None => None,
    };
    // Reports an unusable webhook now, too.
    let webhook = arguments.alert_env.as_deref().map(webhook).transpose()?;
    let out = options.out.clone();
    let begun = Instant::now();
    let summary = tokio::task::spawn_blocking(move || match suite {
        Some(suite) => millwright_evals::suites::run(suite, &options),
        None => millwright_evals::run(&options),
    })
    .await??;
    let failures = gate.map(|gate| summary.gate(&gate)).unwrap_or_default();
    let text = match arguments.format {
        ListFormat::Json => format!("{:#}\n", serde_json::Value::Object(summary.0.clone())),
        ListFormat::Text => format!(
            "{}\n{}\nresults, summary and report.html are in {}\n",
            figures(&summary),
            millwright_evals::report::note::line(&summary),
            out.display()
        ),
    };
    wiring::emit(&text, None)?;
    let mut alarm: Vec<String> = failures.iter().map(|failure| format!("gate: {failure}")).collect();
    if let (Some(store), Some(suite)) = (store, suite) {
        let run = (arguments.planner.as_str(), begun.elapsed());
        // The results are in the folder, whether or not the history accepts them.
        match eval_history::keep(&store, suite, &summary, &failures, run).await {
            Ok(fell) => {
                alarm.extend(fell.into_iter().map(|line| format!("worse than in the previous run: {line}")));
            }
            Err(error) => eprintln!("millwright: {error:#}"),
        }
        store.close().await;
    }
    alarm.iter().for_each(|line| eprintln!("{line}"));
    if let (Some(webhook), false) = (&webhook, alarm.is_empty()) {
        let what = suite.map_or("your own cases", Suite::as_str);
        let line = format!("millwright eval, {what}: {}", alarm.join("; "));
        if let Err(error) = millwright_server::alert::alert(webhook, &line).await {
            eprintln!("millwright: the webhook could not be called: {error}");
        }
    }
    Ok(if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(GATE_FAILED) })
}

/// The address in an environment variable. It is a secret, so it appears in no argument and no message.
fn webhook(name: &str) -> Result<String> {
    let address = std::env::var(name).ok().map(|address| address.trim().to_owned());
    address.filter(|address| address.starts_with("https://") || address.starts_with("http://")).with_context(
        || {
            format!(
                "--alert-env names {name}, which is not set to an https:// address; set it to the webhook's address"
            )
        },
    )
}

fn compare(arguments: &EvalCompareArguments) -> Result<ExitCode> {
    let gate = arguments.gate.as_deref().map(gate).transpose()?;
    let found = millwright_evals::compare::compare(&arguments.before, &arguments.after, gate.as_ref())?;
    let text = match arguments.format {
        ListFormat::Json => format!("{}\n", serde_json::to_string_pretty(&found)?),
        ListFormat::Text => found.in_markdown(),
    };
    wiring::emit(&text, None)?;
    // A gate defines what is allowed; without a gate, a drop fails if it is unlikely to be chance.
    let fails = match gate {
        Some(_) => !found.failures.is_empty(),
        None => found.fails(),
    };
    Ok(if fails { ExitCode::from(GATE_FAILED) } else { ExitCode::SUCCESS })
}

fn report(arguments: &EvalReportArguments) -> Result<ExitCode> {
    let (summary, results) = millwright_evals::report::read(&arguments.dir)?;
    millwright_evals::report::write(&arguments.dir, &summary, &results)?;
    let text = match arguments.format {
        EvalReportFormat::Text => format!(
            "{}\nreport.html and summary.md are in {}\n",
            millwright_evals::report::note::line(&summary),
            arguments.dir.display()
        ),
        EvalReportFormat::Markdown => millwright_evals::report::note::markdown(&summary, &results),
        EvalReportFormat::Line => format!("{}\n", millwright_evals::report::note::line(&summary)),
    };
    wiring::emit(&text, None)?;
    Ok(ExitCode::SUCCESS)
}

fn gate(path: &std::path::Path) -> Result<serde_json::Value> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("the gate {} cannot be read", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("the gate {} is not JSON", path.display()))
}

fn options(arguments: &EvalRunArguments, config: &Config) -> Result<EvalOptions> {
    let repo_map = arguments.repo_map.iter().map(|(address, path)| RepoMapping {
        address: address.trim_end_matches('/').to_owned(),
        path: path.clone(),
    });
    let investigates = matches!(arguments.task, None | Some(EvalTaskOption::Investigate));
    for (given, option) in
        [(arguments.baseline.is_some(), "--baseline"), (arguments.judge.is_some(), "--judge")]
    {
        anyhow::ensure!(
            investigates || !given,
            "{option} is for whole investigations: --task investigate, or a suite"
        );
    }
    let allow_read = arguments.allow_read.iter().map(std::path::absolute).collect::<std::io::Result<_>>()?;
    Ok(EvalOptions {
        cases: arguments.cases.clone().unwrap_or_default(),
        task: match arguments.task {
            Some(EvalTaskOption::Rank) => EvalTask::Rank,
            // A suite defines itself what it judges.
            Some(EvalTaskOption::Investigate) | None => EvalTask::Investigate,
            Some(EvalTaskOption::LogTemplates) => EvalTask::LogTemplates,
            Some(EvalTaskOption::Lineage) => EvalTask::Lineage,
            Some(EvalTaskOption::Trace) => EvalTask::Trace,
            Some(EvalTaskOption::Retrieval) => EvalTask::Retrieval,
            Some(EvalTaskOption::Redaction) => EvalTask::Redaction,
        },
        repo_map: repo_map.collect(),
        planner: planners(arguments, config)?,
        bare: bare(arguments, config)?,
        judge: judge(arguments, config)?,
        budget: RunBudget {
            minimise_runs: arguments.minimise_runs,
            four_way_inputs: arguments.four_way_inputs,
            ..wiring::budget(config)
        },
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
        data_dir: wiring::data_dir(&arguments.data, config)?,
        jobs: arguments.jobs,
        limit: arguments.limit,
        repeat: usize::from(arguments.repeat),
        time_limit: Some(arguments.time_limit),
        deadline: arguments.deadline,
        graders: Default::default(),
        embedder: embedder(config)?,
    })
}

/// The configured embedding model, to be judged beside the built-in one.
fn embedder(config: &Config) -> Result<Option<std::sync::Arc<dyn millwright_store::embed::Embedder>>> {
    if config.options.embeddings.model == BUILT_IN {
        return Ok(None);
    }
    Ok(Some(dense::embedder(config)?))
}

fn planners(arguments: &EvalRunArguments, config: &Config) -> Result<PlannerFactory> {
    let config = config.clone();
    let name = arguments.planner.clone();
    // Reports wrong options before the first case.
    wiring::planner(Some(&name), &config, wiring::ConsentAvailability::Unattended)?;
    Ok(PlannerFactory::new(move || {
        wiring::planner(Some(&name), &config, wiring::ConsentAvailability::Unattended)
            .map_err(|error| format!("{error:#}"))
    }))
}

/// The model of `--planner` without our planner around it, if requested.
fn bare(arguments: &EvalRunArguments, config: &Config) -> Result<Option<PlannerFactory>> {
    let Some(EvalBaseline::Bare) = arguments.baseline else { return Ok(None) };
    anyhow::ensure!(
        arguments.planner != PLAYBOOK,
        "--baseline bare is the model of --planner alone; name one, as in --planner MODEL"
    );
    let (name, config) = (arguments.planner.clone(), config.clone());
    wiring::bare_planner(&name, &config)?;
    let made = move || wiring::bare_planner(&name, &config).map_err(|error| format!("{error:#}"));
    Ok(Some(PlannerFactory::new(made)))
}

fn judge(arguments: &EvalRunArguments, config: &Config) -> Result<Option<ProseJudge>> {
    let Some(name) = &arguments.judge else { return Ok(None) };
    let speaker = ModelSpeaker::new(wiring::model(name, config)?)?;
    let runtime = tokio::runtime::Handle::current();
    Ok(Some(ProseJudge::new(name.clone(), move |instructions, question| {
        let messages =
            [ModelMessage::System(instructions.to_owned()), ModelMessage::User(question.to_owned())];
        let silent = |_: &str| {};
        let asked = speaker.ask(&messages, &[], ActionMode::Tools, true, &silent);
        runtime.block_on(asked).map(|reply| reply.answer).map_err(|failure| failure.message)
    })))
}

/// The metrics of the whole set, one per line, with their intervals.
fn figures(summary: &EvalSummary) -> String {
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
