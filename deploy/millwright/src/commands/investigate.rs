/*!
`millwright investigate`: one investigation. The command line and the configuration become the request of the
investigation; the report becomes output and an exit status.
*/

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use millwright_agent::hand_over::{FixDestination, HandOverError, hand_over, is_free};
use millwright_agent::investigation::{
    InvestigationDependencies, InvestigationRequest, InvestigationResult, ReplayChoice, investigate,
};
use millwright_agent::planner::Planner;
use millwright_agent::report;
use millwright_agent::run::RunBudget;
use millwright_agent::sink::EventSink;
use millwright_model::terminal_code::readable;
use millwright_model::{Report, RepositoryName, Verdict};
use millwright_tools::CancelFlag;

use crate::cli::{InvestigateArguments, OutputFormat, WhatArguments};
use crate::config::{self, Config};
use crate::progress::TerminalProgress;
use crate::{dense, wiring};

/// The conventional status of a process ended by an interrupt.
const INTERRUPTED: u8 = 130;
const BELOW_REQUIRED: u8 = 2;

pub(super) async fn run(arguments: InvestigateArguments) -> Result<ExitCode> {
    let what = &arguments.what;
    let config = wiring::config(what.config.as_deref(), Some(&what.repo))?;
    let planner = wiring::planner(what.planner.as_deref(), &config, wiring::ConsentAvailability::Unattended)?;
    if let Some(out) = &arguments.out {
        wiring::require_writable(out)?;
    }
    if let Some(to) = &arguments.write_fix {
        is_free(to)?;
        if let FixDestination::File(path) = to {
            wiring::require_writable(path)?;
        }
    }
    let ticket = TicketInput {
        text: wiring::read_input(&arguments.ticket)?,
        name: Some(arguments.ticket.clone()).filter(|name| name != "-"),
    };
    let options = options(what, ticket, !arguments.no_memory, &config)?;
    let data_dir = what.data.data_dir.as_deref().map(std::path::absolute).transpose()?;
    let output = ReportOutput {
        data_dir: data_dir.as_deref(),
        format: arguments.format,
        out: arguments.out.as_deref(),
        require: arguments.min_verdict,
        write_fix: arguments.write_fix.as_ref(),
    };
    investigate_and_print(options, &config, planner, !arguments.no_memory, output).await
}

/// How the report of an investigation is delivered.
pub(super) struct ReportOutput<'a> {
    pub(super) format: OutputFormat,
    pub(super) out: Option<&'a Path>,
    pub(super) require: Verdict,
    /// The data folder, if it is not the default one.
    pub(super) data_dir: Option<&'a Path>,
    /// Where the user wants the fix.
    pub(super) write_fix: Option<&'a FixDestination>,
}

pub(super) async fn investigate_and_print(
    options: InvestigationRequest,
    config: &Config,
    mut planner: Box<dyn Planner>,
    keep: bool,
    output: ReportOutput<'_>,
) -> Result<ExitCode> {
    wiring::make_private(&options.data_dir)?;
    // Without memory nothing is stored: neither knowledge nor a journal from which a run could resume.
    let store = match keep {
        true => Some(dense::attach(wiring::open_store(&options.data_dir, config).await?, config).await?),
        false => None,
    };
    store.iter().for_each(dense::fill_in_background);
    let progress = TerminalProgress::start();
    let sinks: Vec<Arc<dyn EventSink>> = vec![progress.clone()];
    let cancel = CancelFlag::default();
    let stop = cancel.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            stop.cancel();
        }
        // A second interrupt ends the process at once.
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(i32::from(INTERRUPTED));
        }
    });
    let means = InvestigationDependencies {
        store: store.as_ref(),
        planner: planner.as_mut(),
        sinks: &sinks,
        progress,
        cancel,
        redactor: Arc::new(wiring::redactor(config)?),
        inbox: None,
    };
    let mut investigated = match investigate(&options, means).await {
        Ok(investigated) => investigated,
        Err(error) if error.is_interruption() => {
            match keep {
                true => eprintln!("\nmillwright: {error}"),
                false => eprintln!(
                    "\nmillwright: interrupted; the run cannot be resumed, because nothing was \
                     stored (--no-memory)"
                ),
            }
            return Ok(ExitCode::from(INTERRUPTED));
        }
        Err(error) => return Err(error.into()),
    };
    if let Some(store) = store {
        store.close().await;
    }
    let written = match output.write_fix {
        Some(to) => Some(written(&options, &mut investigated, to).await),
        None => None,
    };
    let env = match &options.replay {
        ReplayChoice::Given(recipe) => &recipe.env,
        _ => &options.recipes.env,
    };
    let text = render(&investigated, &output, env)?;
    wiring::emit_page(&text, output.out)?;
    match written {
        Some(Ok(text)) => eprintln!("millwright: {}", readable(&text)),
        Some(Err(error @ HandOverError::NotVerified(_))) => {
            eprintln!("millwright: {error}");
            return Ok(ExitCode::from(BELOW_REQUIRED));
        }
        Some(Err(error)) => return Err(error.into()),
        None => {}
    }
    Ok(match investigated.report.verdict.meets(output.require) {
        true => ExitCode::SUCCESS,
        false => {
            eprintln!("millwright: {}", readable(&shortfall(&investigated.report, output.require)));
            ExitCode::from(BELOW_REQUIRED)
        }
    })
}

/// Writes the fix to the requested place; the report then names the file.
async fn written(
    options: &InvestigationRequest,
    investigated: &mut InvestigationResult,
    to: &FixDestination,
) -> Result<String, HandOverError> {
    let InvestigationResult { failing, ticket, report, .. } = &*investigated;
    let text = hand_over(&options.repo, &options.data_dir, failing, &ticket.title, report, to).await?;
    if let FixDestination::File(path) = to {
        investigated.context.fix_file = Some(path.display().to_string());
    }
    Ok(text)
}

/// Why the exit status is not 0, in one line.
fn shortfall(report: &Report, required: Verdict) -> String {
    let why = report.escalate.as_ref().and_then(|escalate| escalate.missing.first());
    let why = why.map(|missing| format!("; missing: {missing}")).unwrap_or_default();
    let why: String = why.chars().map(|c| if c.is_control() { ' ' } else { c }).take(600).collect();
    format!("the verdict is {}, below --min-verdict {}{why}", report.verdict.as_str(), required.as_str())
}

/// A command that the user who gave this environment can run. Stored or shared reports do not contain the environment.
fn with_environment(command: &str, env: &BTreeMap<String, String>) -> String {
    let is_name = |name: &str| {
        name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && !name.starts_with(|first: char| first.is_ascii_digit())
    };
    let named = env.iter().filter(|(name, _)| is_name(name));
    let exports = named.map(|(name, value)| format!("export {name}={}\n", report::shell_word(value)));
    exports.chain([command.to_owned()]).collect()
}

fn render(
    investigated: &InvestigationResult,
    output: &ReportOutput<'_>,
    env: &BTreeMap<String, String>,
) -> Result<String> {
    use std::io::IsTerminal;
    let to_terminal = output.out.is_none() && std::io::stdout().is_terminal();
    // The user who runs this can read the repository and gave the environment. Other formats are meant to be shared.
    let is_own = output.format == OutputFormat::Text;
    let runnable = |command: &Option<String>| match command {
        Some(command) if is_own => Some(with_environment(command, env)),
        other => other.clone(),
    };
    let context = report::RenderContext {
        replay_command: runnable(&investigated.context.replay_command),
        tests_command: runnable(&investigated.context.tests_command),
        data_dir: output.data_dir.map(|dir| dir.display().to_string()),
        width: terminal_width(to_terminal),
        color: to_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        contact: investigated.contact.clone().filter(|_| is_own),
        ..investigated.context.clone()
    };
    let format = match output.format {
        OutputFormat::Text => report::ReportFormat::Text,
        OutputFormat::Json => report::ReportFormat::Json,
        OutputFormat::Markdown => report::ReportFormat::Markdown,
        OutputFormat::Html => report::ReportFormat::Html,
    };
    Ok(report::render(&investigated.report, &context, format))
}

pub(super) fn terminal_width(to_terminal: bool) -> usize {
    let asked = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    match asked {
        Some(columns) if to_terminal => columns,
        _ => 100,
    }
}

/// A ticket in the form in which it was read.
#[derive(Default)]
pub(super) struct TicketInput {
    pub(super) text: Vec<u8>,
    pub(super) name: Option<String>,
}

pub(super) fn options(
    arguments: &WhatArguments,
    ticket: TicketInput,
    use_memory: bool,
    config: &Config,
) -> Result<InvestigationRequest> {
    let nothing = config::RepositorySection::default();
    let (repository_name, repository) = match config.repository(&arguments.repo) {
        Some((name, repository)) => (Some(RepositoryName::parse(name)?), repository),
        None => (None, &nothing),
    };
    let mut recipes = wiring::recipes(repository, config);
    recipes.env.extend(arguments.env.iter().cloned());
    for path in &arguments.allow_read {
        let path = std::path::absolute(path)?;
        anyhow::ensure!(path.exists(), "--allow-read {}: there is no such file or folder", path.display());
        recipes.allow_read.push(path);
    }
    recipes.overlay.extend(overlay(arguments)?);
    recipes.accept_failure = arguments.accept_failure;
    let command = match (&arguments.replay, &arguments.replay_file) {
        (Some(command), _) => Some(command.clone()),
        (None, Some(file)) => Some(
            std::fs::read_to_string(file)
                .with_context(|| format!("the replay file {} cannot be read", file.display()))?,
        ),
        (None, None) => None,
    };
    anyhow::ensure!(
        command.as_ref().is_none_or(|command| !command.trim().is_empty()),
        "the replay is empty; give a command that fails because of what the ticket reports, or --no-replay"
    );
    let replay = match command {
        _ if arguments.no_replay => ReplayChoice::Off,
        Some(command) => ReplayChoice::Given(Box::new(recipes.recipe(command))),
        None => ReplayChoice::Derive,
    };
    Ok(InvestigationRequest {
        incident: None,
        ticket: ticket.text,
        ticket_name: ticket.name,
        repo: arguments.repo.clone(),
        repository_name,
        bad: arguments.bad.clone(),
        good: arguments.good.clone(),
        logs: arguments.logs.clone(),
        replay,
        recipes,
        remotes: repository.remotes.clone(),
        tests: arguments.tests.clone().or_else(|| repository.test.clone()),
        use_memory,
        jobs: arguments.jobs,
        budget: budget(arguments, config)?,
        data_dir: wiring::data_dir(&arguments.data, config)?,
        sandbox: wiring::sandbox(config),
        source: "cli".into(),
        notes: config.origin.found.iter().map(|path| taken_from(path)).collect(),
    })
}

/// A hint that names a file which another person may have written.
fn taken_from(path: &Path) -> String {
    format!("the test commands of this repository come from {}", path.display())
}

/// The overlay files of the command line, for every checkout. Paths are relative to the working directory, or else to the
/// repository.
fn overlay(arguments: &WhatArguments) -> Result<Vec<String>> {
    let mut out = Vec::new();
    for given in &arguments.overlay {
        let source = given.rsplit_once('=').map_or(given.as_str(), |(source, _)| source);
        let here = std::path::absolute(source)?;
        out.push(match here.exists() {
            true => given.replacen(source, &here.to_string_lossy(), 1),
            false => given.clone(),
        });
    }
    Ok(out)
}

/// The command line takes precedence over the configuration.
fn budget(arguments: &WhatArguments, config: &Config) -> Result<RunBudget> {
    let mut budget = wiring::budget(config);
    budget.tokens = arguments.budget_tokens.or(budget.tokens);
    budget.usd = arguments.budget_usd.or(budget.usd);
    budget.minimise_runs = arguments.minimise_runs;
    budget.four_way_inputs = arguments.four_way_inputs;
    let deadline = arguments.deadline.map(|deadline| u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX));
    budget.deadline_ms = deadline.or(budget.deadline_ms);
    if let Some(usd) = arguments.budget_usd {
        let prices = &config.options.model.prices;
        anyhow::ensure!(
            usd.is_finite() && usd >= 0.0,
            "--budget-usd must be an amount of US dollars, at least 0"
        );
        anyhow::ensure!(
            prices.input > 0.0 || prices.output > 0.0,
            "--budget-usd needs the model's prices: set input and output (US dollars per million tokens) in \
             [model.prices]"
        );
    }
    Ok(budget)
}
