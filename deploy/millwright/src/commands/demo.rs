/*!
`millwright demo`: an investigation of a repository that the command builds itself, so that anyone can see what Millwright
does within a minute of cloning. The second run answers the same failure from memory.
*/

use std::process::ExitCode;

use anyhow::{Context, Result};
use millwright_agent::investigation::{InvestigationRequest, ReplayChoice};
use millwright_agent::planner::playbook::Playbook;
use millwright_agent::run::RunBudget;
use millwright_model::Verdict;
use millwright_replay::{ReplayOptions, TestRecipes};

use super::investigate::{ReportOutput, investigate_and_print};
use crate::cli::{DemoArguments, OutputFormat};
use crate::config::Config;
use crate::wiring;

pub(super) async fn run(arguments: DemoArguments) -> Result<ExitCode> {
    let data_dir = wiring::data_dir(&arguments.data, &Config::default())?.join("demo");
    let at = data_dir.join("repository");
    let is_first = !at.exists();
    let demo = tokio::task::spawn_blocking(move || crate::demo::build(&at))
        .await?
        .context("the demo repository could not be built")?;
    if arguments.format == OutputFormat::Text && arguments.out.is_none() {
        eprintln!("A small repository with a real history is at {}", demo.path.display());
        eprintln!("and this ticket came in:\n");
        for line in demo.ticket.lines() {
            eprintln!("    {line}");
        }
        eprintln!();
    }
    let options = InvestigationRequest {
        repository_name: None,
        incident: None,
        ticket: demo.ticket.clone().into_bytes(),
        ticket_name: None,
        repo: demo.path.clone(),
        bad: demo.bad.clone(),
        good: Some(demo.good.clone()),
        logs: Vec::new(),
        replay: ReplayChoice::Given(Box::new(TestRecipes::default().recipe(demo.replay.clone()))),
        recipes: TestRecipes::default(),
        remotes: Default::default(),
        tests: Some(demo.tests.clone()),
        use_memory: true,
        jobs: 1,
        budget: RunBudget::default(),
        data_dir: data_dir.clone(),
        sandbox: ReplayOptions::default(),
        source: "demo".into(),
        notes: Vec::new(),
    };
    let output = ReportOutput {
        data_dir: Some(&data_dir),
        format: arguments.format,
        out: arguments.out.as_deref(),
        require: Verdict::Verified,
        write_fix: None,
    };
    let code = investigate_and_print(options, &Config::default(), Box::new(Playbook), true, output).await?;
    if is_first && arguments.format == OutputFormat::Text && arguments.out.is_none() {
        eprintln!("\nRun it again: the same failure is then answered from memory.");
    }
    Ok(code)
}
