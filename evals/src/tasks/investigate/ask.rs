/*! Runs the agent on a case: its input, its memory and its time limit. */

use std::path::PathBuf;
use std::sync::Arc;

use millwright_agent::investigation::{
    InvestigationDependencies, InvestigationRequest as InvestigateOptions, ReplayChoice, investigate,
};
use millwright_model::{Report, Scope};
use millwright_redaction::Redactor;
use millwright_replay::ReplayOptions;
use millwright_store::Store;
use millwright_tools::{CancelFlag, NoProgress};

use super::remembered;
use crate::cases::{CaseReplay, EvalCase, RememberedCase};
use crate::grader_sandbox::{missing, recipe};
use crate::memory_condition::MemoryCondition;
use crate::options::{EvalOptions, MemoryMode};

/// The parts of a case that the agent gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CaseInput {
    Everything,
    /// Ticket, repository, `bad` and `good`.
    TicketOnly,
}

/// The input of one run of the agent.
struct Question<'a> {
    ticket: &'a str,
    bad: &'a str,
    good: Option<&'a str>,
    replay: Option<&'a CaseReplay>,
    tests: Option<&'a str>,
    logs: Vec<PathBuf>,
}

/// # Errors
/// When the case could not be run or was not answered; the text says why.
pub(crate) fn report_on(
    case: &EvalCase,
    given: CaseInput,
    options: &EvalOptions,
    shared: Option<&MemoryCondition>,
) -> Result<Report, String> {
    if given == CaseInput::Everything {
        let scratch = std::env::temp_dir();
        let lacking = missing(&case.needs, options.execution(), &scratch)?;
        if !lacking.is_empty() {
            return Err(format!(
                "replays do not find {} in the sandbox; install it, or declare it with --env and --allow-read",
                lacking.join(", ")
            ));
        }
    }
    truth_exists(case, options)?;
    // Connections of a shared memory return to their pool on the runtime that opened them, so use its runtime.
    let own;
    let runtime = match shared {
        Some(arm) => arm.runtime(),
        None => {
            own = crate::memory_condition::runtime()?;
            &own
        }
    };
    runtime.block_on(async {
        let memory = match options.memory {
            MemoryMode::Fresh => Some(tempfile::tempdir()),
            _ if !case.remembered.is_empty() => Some(tempfile::tempdir()),
            _ => None,
        };
        let memory = memory.transpose().map_err(|error| error.to_string())?;
        let store = match &memory {
            None => shared.map(|arm| arm.store().clone()),
            Some(folder) => {
                let opened =
                    Store::open(&folder.path().to_string_lossy(), Scope::installation("evals")).await;
                Some(opened.map_err(|error| error.to_string())?)
            }
        };
        let cancel = CancelFlag::default();
        let answered = async {
            if let Some(store) = &store {
                remember(case, options, store, &cancel).await?;
            }
            let folder = options.cases.parent().map(PathBuf::from).unwrap_or_default();
            let everything = given == CaseInput::Everything;
            let logs = case.attachments.logs.iter().filter(|_| everything).map(|log| folder.join(log));
            let question = Question {
                ticket: &case.ticket,
                bad: &case.bad,
                good: case.good.as_deref(),
                replay: case.replay.as_ref().filter(|_| everything),
                tests: case.tests.as_deref().filter(|_| everything),
                logs: logs.collect(),
            };
            ask(case, &question, options, store.as_ref(), &cancel).await
        };
        match options.time_limit {
            None => answered.await,
            Some(limit) => match tokio::time::timeout(limit, answered).await {
                Ok(answered) => answered,
                Err(_) => {
                    cancel.cancel();
                    Err(format!("it was not answered within {} s (--time-limit)", limit.as_secs()))
                }
            },
        }
    })
}

/// Checks that the repository has the truth's commit. Otherwise the case cannot be judged.
fn truth_exists(case: &EvalCase, options: &EvalOptions) -> Result<(), String> {
    let Some(truth) = &case.truth.commit else { return Ok(()) };
    let resolved = crate::repositories::Repositories::default().resolve(case, options)?;
    let known = resolved.repo.resolve(truth).map_err(|_| {
        format!("the truth names commit {truth}, which the repository does not have; correct `truth.commit`")
    })?;
    match resolved.repo.is_ancestor(&known, &resolved.bad) {
        Ok(true) => Ok(()),
        Ok(false) => Err(format!("the truth's commit {truth} is not in the history of the failing revision")),
        Err(error) => Err(error.to_string()),
    }
}

async fn remember(
    case: &EvalCase,
    options: &EvalOptions,
    store: &Store,
    cancel: &CancelFlag,
) -> Result<(), String> {
    for known in &case.remembered {
        match known {
            RememberedCase::Investigated { ticket, bad, good, replay, tests } => {
                let question = Question {
                    ticket,
                    bad,
                    good: good.as_deref(),
                    replay: replay.as_ref(),
                    tests: tests.as_deref(),
                    logs: Vec::new(),
                };
                let asked = ask(case, &question, options, Some(store), cancel).await;
                asked.map_err(|why| format!("the earlier incident could not be investigated: {why}"))?;
            }
            RememberedCase::Told { .. } => remembered::tell(known, case, options, store).await?,
        }
    }
    Ok(())
}

async fn ask(
    case: &EvalCase,
    question: &Question<'_>,
    options: &EvalOptions,
    store: Option<&Store>,
    cancel: &CancelFlag,
) -> Result<Report, String> {
    let asked = InvestigateOptions {
        repository_name: None,
        incident: None,
        ticket: question.ticket.as_bytes().to_vec(),
        ticket_name: None,
        repo: options.repository(&case.repo),
        bad: question.bad.to_owned(),
        good: question.good.map(str::to_owned),
        logs: question.logs.clone(),
        replay: match question.replay {
            Some(replay) => ReplayChoice::Given(Box::new(recipe(replay, options.execution()))),
            None => ReplayChoice::Off,
        },
        recipes: Default::default(),
        remotes: Default::default(),
        tests: question.tests.map(str::to_owned),
        use_memory: store.is_some(),
        jobs: 1,
        budget: options.budget,
        data_dir: options.data_dir.clone(),
        sandbox: match question.replay {
            Some(replay) => ReplayOptions::with_time_for(&recipe(replay, options.execution())),
            None => ReplayOptions::default(),
        },
        source: "eval".into(),
        notes: Vec::new(),
    };
    let mut planner = options.planner.make()?;
    let means = InvestigationDependencies {
        store,
        planner: planner.as_mut(),
        sinks: &[],
        progress: Arc::new(NoProgress),
        cancel: cancel.clone(),
        redactor: Arc::new(Redactor::default()),
        inbox: None,
    };
    investigate(&asked, means).await.map(|done| done.report).map_err(|error| error.to_string())
}

/// Investigates a case and stores it as its own incident.
#[cfg(test)]
pub(crate) async fn prove_into(
    case: &EvalCase,
    options: &EvalOptions,
    store: &Store,
) -> Result<Report, String> {
    let question = Question {
        ticket: &case.ticket,
        bad: &case.bad,
        good: case.good.as_deref(),
        replay: case.replay.as_ref(),
        tests: case.tests.as_deref(),
        logs: Vec::new(),
    };
    ask(case, &question, options, Some(store), &CancelFlag::default()).await
}
