/*!
One investigation, from a channel's request to the stored report. Every channel (command line, evals, later HTTP and
chat) uses this module, so that all of them start the same run on the same core.
*/

mod preparation;
mod request;
mod write_back;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use millwright_model::{CommitId, IncidentId, NewIncident, ParsedTicket, Report, RunId};
use millwright_redaction::Redactor;
use millwright_replay as replay;
use millwright_store::{IncidentState, RunState, Store};
use millwright_tools::{
    CancelFlag, Decision, Dispatcher, Policy, ProgressSink, RunMemory, RunResources, ToolCall, ToolContext,
    ToolRegistry, ToolSpec,
};

use tracing::Instrument;

use crate::context::EvidenceCache;
use crate::driver::{DriveError, Driver};
use crate::facts::RunFacts;
use crate::inbox::{LocalInbox, RunInbox};
use crate::journal::{InMemoryJournal, Journal, JournalError, StoreJournal};
use crate::lease_holder::LeaseHolder;
use crate::masking::{self, MaskedProgress};
use crate::opener::GitOpener;
use crate::planner::Planner;
use crate::planner::openai::tools::with_model_tools;
use crate::report::RenderContext;
use crate::report_context::{illustrate, ranking_of};
use crate::run::{ReplayPlan, Run, RunEvent, RunRequest, RunStep};
use crate::sink::EventSink;
use crate::telemetry;

pub(crate) use preparation::prepare;
pub use preparation::read_ticket;
pub use request::{InvestigateError, InvestigationRequest, ReplayChoice};

/// The dependencies of an investigation.
pub struct InvestigationDependencies<'a> {
    /// `None` leaves no trace: the run neither recalls nor remembers and cannot be resumed.
    pub store: Option<&'a Store>,
    pub planner: &'a mut dyn Planner,
    pub sinks: &'a [Arc<dyn EventSink>],
    pub progress: Arc<dyn ProgressSink>,
    pub cancel: CancelFlag,
    pub redactor: Arc<Redactor>,
    /// Messages from persons to the run; `None` for unattended runs.
    pub inbox: Option<&'a dyn RunInbox>,
}

/// A report and what the renderers need beside it.
#[derive(Debug, Clone)]
pub struct InvestigationResult {
    pub report: Report,
    pub ticket: ParsedTicket,
    /// The context that pages show beside the report.
    pub context: RenderContext,
    /// An earlier start began the run, and this one continued it.
    pub resumed: bool,
    /// The failing revision, resolved.
    pub failing: CommitId,
    /// The person to ask, with the address that the report masks.
    pub contact: Option<String>,
}

/// Investigates. After an interruption, the same request continues where it stopped.
pub async fn investigate(
    options: &InvestigationRequest,
    means: InvestigationDependencies<'_>,
) -> Result<InvestigationResult, InvestigateError> {
    // Placeholders are numbered within a run, and their map ends with it.
    let means = InvestigationDependencies { redactor: Arc::new(means.redactor.for_run()), ..means };
    let prepared = prepare(options, means.store.is_some(), means.redactor.clone()).await?;
    let repo = Arc::new(prepared.repo);
    let request = RunRequest { unattended: means.inbox.is_none(), ..prepared.request };
    let request = RunRequest { planner: means.planner.name().to_owned(), ..request };
    let opened = open_run(options, means.store, request).await?;
    let request = opened
        .run
        .request()
        .cloned()
        .ok_or_else(|| JournalError::Unreadable("the run has no start".into()))?;

    let run_dir = options.data_dir.join("runs").join(request.run_id.as_str());
    std::fs::create_dir_all(&run_dir)
        .map_err(|source| InvestigateError::DataDir { path: run_dir.clone(), source })?;
    means
        .redactor
        .keep_in(&run_dir)
        .map_err(|source| InvestigateError::DataDir { path: run_dir.clone(), source })?;
    let recipe = match &request.replay {
        ReplayPlan::Recipe(recipe) => Some((**recipe).clone()),
        ReplayPlan::None(_) => None,
    };
    // With replays switched off, no code of the repository runs, including its tests.
    let recipes = match &options.replay {
        ReplayChoice::Given(_) | ReplayChoice::Derive => options.recipes.clone(),
        ReplayChoice::Off => replay::TestRecipes::default(),
    };
    let ticket = Arc::new(request.ticket.clone());
    let context = ToolContext {
        good: request.good.clone(),
        logs: request.logs.clone(),
        cancel: means.cancel.clone(),
        deadline: options.budget.deadline_ms.map(|left| Instant::now() + Duration::from_millis(left)),
        progress: Arc::new(MaskedProgress {
            redactor: means.redactor.clone(),
            inner: means.progress.clone(),
        }),
        workbench: Arc::new(RunResources {
            run_dir: run_dir.clone(),
            recipe,
            recipes,
            remotes: options.remotes.clone(),
            runs_nothing: request.runs_nothing,
            tests: request.tests.clone(),
            four_way_inputs: request.budget.four_way_inputs,
            jobs: request.jobs,
            sandbox: options.sandbox.clone(),
            incident: Some(request.incident_id.clone()),
            memory: means
                .store
                .filter(|_| request.use_memory)
                .map(|store| RunMemory { store: store.clone(), repository: request.repository.clone() }),
            ..RunResources::default()
        }),
        ..ToolContext::new(
            repo.clone(),
            Arc::new(means.redactor.config().clone()),
            request.bad.clone(),
            options.data_dir.clone(),
            ticket,
        )
    };
    let shelf = Arc::new(EvidenceCache::new(opened.journal.clone()));
    let attended = Policy::investigate();
    let policy = if means.inbox.is_some() { attended } else { attended.unattended() };
    let dispatcher = Dispatcher::new(tools(&shelf), policy);
    let nobody = LocalInbox::default();
    let opener = GitOpener::new(repo.clone());
    let driver = Driver {
        dispatcher: &dispatcher,
        journal: opened.journal.as_ref(),
        sinks: means.sinks,
        context,
        inbox: means.inbox.unwrap_or(&nobody),
        shelf: &shelf,
        opener: &opener,
        redactor: &means.redactor,
    };
    match &opened.first {
        Some(first) => driver.record_start(first).await?,
        None => means.sinks.iter().for_each(|sink| sink.resumed(&opened.run)),
    }
    let heartbeat = Heartbeat::start(means.store, &request.run_id);
    let span = telemetry::invoke_agent(request.run_id.as_str(), means.planner.name());
    let driven = driver.drive(opened.run, means.planner).instrument(span.clone()).await;
    telemetry::ended(&span, driven.as_ref().map(|(report, _)| report.verdict).map_err(DriveError::kind));
    drop(heartbeat);
    let (report, run) = match driven {
        Ok(driven) => driven,
        Err(error) => {
            if let Some(store) = means.store.filter(|_| error.goes_on()) {
                store.set_run_state(&request.run_id, RunState::Parked).await?;
                store.release_run(&request.run_id, holder()).await?;
            }
            return Err(error.into());
        }
    };
    if let Some(store) = means.store {
        if let Some(sample) = millwright_tools::suspects::sample_of(&run_dir) {
            store.save_sample(&request.incident_id, &sample).await?;
        }
        write_back::remember(store, &request, &run, &report, &means.redactor).await?;
        // For an accepted incident, the caller that accepted it also closes it.
        if options.incident.is_none() {
            store.set_incident_state(&request.incident_id, IncidentState::Done).await?;
        }
    }
    let context = {
        let (repo, request, report, run_dir) =
            (repo.clone(), request.clone(), report.clone(), run_dir.clone());
        let facts = RunFacts::of(&run);
        let quotes = run.finding().map(crate::reporting::quotes).unwrap_or_default();
        let gather = move || illustrate(&repo, &request, &facts, &report, &ranking_of(&run_dir), quotes);
        masking::beside(&means.redactor, tokio::task::spawn_blocking(gather).await.unwrap_or_default())
    };
    if let (Some(store), Ok(view)) = (means.store, serde_json::to_value(&context)) {
        store.save_view(&report, &view).await?;
    }
    // Artifacts of a finished run are in the report and the store; the folder only served a resume.
    let _ = std::fs::remove_dir_all(&run_dir);
    if let Some(file) = &prepared.ticket_file {
        let _ = std::fs::remove_file(file);
    }
    let contact = masking::contact(&means.redactor, &report);
    Ok(InvestigationResult {
        contact,
        report,
        ticket: request.ticket,
        context,
        resumed: opened.resumed,
        failing: request.bad.clone(),
    })
}

/// All tools of an investigation.
pub fn tools(shelf: &Arc<EvidenceCache>) -> ToolRegistry {
    with_model_tools(millwright_tools::investigation_tools(), shelf)
}

/// The tools that a planner sees. In unattended runs, tools that need consent are left out.
pub fn tool_specs(attended: bool) -> Vec<ToolSpec> {
    let policy = if attended { Policy::investigate() } else { Policy::investigate().unattended() };
    let mut specs = tools(&Arc::new(EvidenceCache::new(Arc::new(InMemoryJournal::default())))).specs();
    specs.retain(|spec| policy.decide(spec.effect) != Decision::Denied);
    specs
}

/// The calls of a parked run that wait for consent, as they were stored.
pub async fn calls_awaiting_consent(store: &Store, run: &RunId) -> Result<Vec<ToolCall>, InvestigateError> {
    let stored = store.events(run, 1).await?;
    let events: Vec<RunEvent> =
        stored.into_iter().filter_map(|stored| serde_json::from_value(stored.event.payload).ok()).collect();
    let registry = tools(&Arc::new(EvidenceCache::new(Arc::new(InMemoryJournal::default()))));
    let policy = Policy::investigate();
    let decide = |call: &ToolCall| {
        registry.get(&call.name).map_or(Decision::Allowed, |tool| policy.decide(tool.effect()))
    };
    match Run::from_events(&events).next_step(decide) {
        RunStep::AwaitApproval(calls) => Ok(calls),
        _ => Ok(Vec::new()),
    }
}

struct OpenedRun {
    run: Run,
    journal: Arc<dyn Journal>,
    /// The start of a new run, not stored yet.
    first: Option<RunEvent>,
    resumed: bool,
}

/// Finds the unfinished run of the same request, or begins a new one.
async fn open_run(
    options: &InvestigationRequest,
    store: Option<&Store>,
    mut request: RunRequest,
) -> Result<OpenedRun, InvestigateError> {
    let Some(store) = store else {
        let (first, run) = begin(request);
        return Ok(OpenedRun {
            run,
            journal: Arc::new(InMemoryJournal::default()),
            first: Some(first),
            resumed: false,
        });
    };
    let runs = options.data_dir.join("runs");
    if let Some(accepted) = &options.incident {
        return open_run_of(&accepted.id, store, &runs, request).await;
    }
    for incident in store.incidents_with_ticket(&request.ticket.text, Some(&request.repository)).await? {
        let Some(unfinished) = store.latest_unfinished_run(&incident.id).await? else { continue };
        if let Some(dead) =
            unfinished.holder.as_deref().filter(|holder| LeaseHolder::of_this_process().knows_dead(holder))
        {
            store.release_run(&unfinished.id, dead).await?;
        }
        if !store.claim_run(&unfinished.id, holder(), LEASE).await? {
            continue; // another process works on it right now
        }
        let journal = StoreJournal::open(store, &incident.id, &unfinished.id, &runs).await?;
        let run = Run::from_events(&journal.events().await?);
        request.run_id.clone_from(&unfinished.id);
        request.incident_id.clone_from(&incident.id);
        if run.request().is_some_and(|before| same_question(before, &request)) {
            store.set_run_state(&unfinished.id, RunState::Running).await?;
            return Ok(OpenedRun { run, journal: Arc::new(journal), first: None, resumed: true });
        }
        store.release_run(&unfinished.id, holder()).await?;
    }
    let new = NewIncident {
        repository_name: options.repository_name.clone(),
        repository: Some(request.repository.clone()),
        source: Some(options.source.clone()),
        ticket: request.ticket.clone(),
        mapped: Vec::new(),
    };
    let incident = store.create_incident(&new).await?;
    store.set_incident_state(&incident.id, IncidentState::Running).await?;
    let stored = store.create_run(&incident.id).await?;
    store.claim_run(&stored.id, holder(), LEASE).await?;
    request.run_id.clone_from(&stored.id);
    request.incident_id.clone_from(&incident.id);
    let journal = StoreJournal::open(store, &incident.id, &stored.id, &runs).await?;
    let (first, run) = begin(request);
    Ok(OpenedRun { run, journal: Arc::new(journal), first: Some(first), resumed: false })
}

/// The run of an incident that was accepted before: its unfinished run with the original request, else a new one. The
/// caller holds the incident's job, so no other process drives it.
async fn open_run_of(
    incident: &IncidentId,
    store: &Store,
    runs: &Path,
    mut request: RunRequest,
) -> Result<OpenedRun, InvestigateError> {
    let unfinished = store.latest_unfinished_run(incident).await?;
    let stored = match unfinished {
        Some(run) => {
            if let Some(before) = run.holder.as_deref() {
                store.release_run(&run.id, before).await?;
            }
            run
        }
        None => store.create_run(incident).await?,
    };
    store.claim_run(&stored.id, holder(), LEASE).await?;
    let journal = StoreJournal::open(store, incident, &stored.id, runs).await?;
    let run = Run::from_events(&journal.events().await?);
    store.set_run_state(&stored.id, RunState::Running).await?;
    if run.request().is_some() {
        return Ok(OpenedRun { run, journal: Arc::new(journal), first: None, resumed: true });
    }
    store.update_ticket(incident, Some(&request.repository), &request.ticket, &[]).await?;
    request.run_id.clone_from(&stored.id);
    request.incident_id = incident.to_owned();
    let (first, run) = begin(request);
    Ok(OpenedRun { run, journal: Arc::new(journal), first: Some(first), resumed: false })
}

/// Duration of a run's lease, which the driving process renews. After a process dies without releasing the lease, the
/// run is free after this time.
const LEASE: Duration = Duration::from_secs(30);

/// The lease holder for runs of this process.
fn holder() -> &'static str {
    LeaseHolder::of_this_process().as_str()
}

/// Renews the lease until dropped.
struct Heartbeat(Option<tokio::task::JoinHandle<()>>);

impl Heartbeat {
    fn start(store: Option<&Store>, run: &RunId) -> Self {
        let Some(store) = store.cloned() else { return Self(None) };
        let run = run.clone();
        Self(Some(tokio::spawn(async move {
            loop {
                tokio::time::sleep(LEASE / 3).await;
                if let Err(error) = store.claim_run(&run, holder(), LEASE).await {
                    tracing::warn!(run.id = %run, %error, "the lease could not be renewed");
                }
            }
        })))
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }
}

fn begin(request: RunRequest) -> (RunEvent, Run) {
    let at = millwright_store::now();
    let first = RunEvent::Started { request: Box::new(request), at };
    let run = Run::from_events([&first]);
    (first, run)
}

fn same_question(a: &RunRequest, b: &RunRequest) -> bool {
    let mut a = a.clone();
    a.budget = b.budget;
    a.jobs = b.jobs;
    a.unattended = b.unattended;
    a == *b
}
