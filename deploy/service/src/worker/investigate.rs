/*!
One investigation as a job: where it happened is decided once, then the run is driven to its report, parked, or left
to wait for consent. Whatever the process was when it died, the next attempt goes on from what is stored.
*/

use std::sync::Arc;

use millwright_agent::driver::DriveError;
use millwright_agent::investigation::{
    InvestigateError, Means, Options, ReplayChoice, calls_awaiting_consent, investigate,
};
use millwright_agent::sink::Sink;
use millwright_memory::store::{Incident, IncidentState, Job, JobState, StoreError};
use millwright_tools::tool::CancelFlag;

use super::inbox::StoredInbox;
use super::place::{self, Nowhere, Place, PlaceError};
use super::{Holder, rest, unplaced};
use crate::app::{App, Teller};
use crate::files;
use crate::settings::Repository;
use crate::slack;

/// A job that failed so often is given up.
const MOST_FAILURES: i64 = 3;

#[derive(Debug, thiserror::Error)]
enum WorkError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Place(#[from] PlaceError),
    #[error(transparent)]
    Investigate(#[from] InvestigateError),
    #[error(transparent)]
    Thread(#[from] slack::ThreadError),
    #[error(transparent)]
    Files(#[from] files::FileError),
    #[error("the planner cannot be had: {0}")]
    Planner(String),
}

/// How an attempt ended.
enum Ended {
    Reported,
    AwaitsConsent,
    /// The process ends, or another worker has the job.
    Parked,
}

pub(super) async fn work(app: &Arc<App>, holder: &Holder, job: &Job, stop: &CancelFlag) {
    let incident = &job.incident_id;
    let settled = match attempt(app, holder, job, stop).await {
        Ok(Ended::Reported) => reported(app, holder, job).await,
        Ok(Ended::AwaitsConsent) => Ok(()),
        Ok(Ended::Parked) => parked(app, holder, job).await,
        Err(error) => failed(app, holder, job, &error).await,
    };
    if let Err(error) = settled {
        // The lease runs out, and the job is done again from what is stored.
        tracing::error!(%incident, %error, "how a job ended could not be stored");
    }
    app.stored(incident);
    app.work.notify_one();
}

async fn parked(app: &App, holder: &Holder, job: &Job) -> Result<(), StoreError> {
    let returned = app.store.return_job(&job.id, holder.as_str(), std::time::Duration::ZERO, None).await?;
    // Not where another worker has it already.
    if returned {
        app.store.set_incident_state(&job.incident_id, IncidentState::Queued).await?;
    }
    Ok(())
}

async fn reported(app: &App, holder: &Holder, job: &Job) -> Result<(), StoreError> {
    let incident = &job.incident_id;
    let (state, of_job) = match app.store.is_stopped(incident).await? {
        true => (IncidentState::Cancelled, JobState::Cancelled),
        false => (IncidentState::Done, JobState::Done),
    };
    app.store.settle_job(&job.id, holder.as_str(), of_job, None, Some(state)).await.map(|_| ())
}

async fn failed(app: &App, holder: &Holder, job: &Job, error: &WorkError) -> Result<(), StoreError> {
    let incident = &job.incident_id;
    let text = app.settings.redactor.for_run().redact(&error.to_string()).text;
    tracing::error!(%incident, error = %text, "an investigation failed");
    // A database that is away is no fault of the incident's.
    if matches!(error, WorkError::Store(error) if error.is_passing()) {
        return app.store.return_job(&job.id, holder.as_str(), rest(0), None).await.map(|_| ());
    }
    if job.failures + 1 < MOST_FAILURES {
        let again = rest(job.failures);
        return app.store.return_job(&job.id, holder.as_str(), again, Some(&text)).await.map(|_| ());
    }
    let failed = Some(IncidentState::Failed);
    app.store.settle_job(&job.id, holder.as_str(), JobState::Failed, Some(&text), failed).await.map(|_| ())
}

async fn attempt(app: &Arc<App>, holder: &Holder, job: &Job, stop: &CancelFlag) -> Result<Ended, WorkError> {
    let store = &app.store;
    let mut incident = store.get_incident(&job.incident_id).await?;
    let unfinished = store.latest_unfinished_run(&incident.id).await?.is_some();
    // What was reported before it was opened again was not it.
    let since = job.reopened_at.as_deref().unwrap_or_default();
    let reported = store.list_reports(&incident.id).await?;
    if !unfinished && reported.iter().any(|report| report.created_at.as_str() > since) {
        // It died between its report and the end of the job.
        return Ok(Ended::Reported);
    }
    store.set_incident_state(&incident.id, IncidentState::Running).await?;
    app.stored(&incident.id);
    // What joined it later may have brought files.
    if job.plan.is_none() || job.reopened_at.is_some() {
        match completed(app, &incident).await {
            Ok(whole) => incident = whole,
            // After two more tries the report has to do without.
            Err(error) if job.failures + 1 < MOST_FAILURES => return Err(error),
            Err(error) => {
                tracing::warn!(incident = %incident.id, %error, "it is investigated without");
                incident = store.get_incident(&job.incident_id).await?;
            }
        }
    }
    let place = match decided(app, job, &incident, stop).await? {
        Ok(place) => place,
        Err(nowhere) => {
            store.save_report(&unplaced::report(&incident, &nowhere)).await?;
            return Ok(Ended::Reported);
        }
    };
    let repositories = &app.settings.repositories;
    let Some(repository) = repositories.iter().find(|one| one.name == place.repository) else {
        let nowhere = Nowhere {
            because: format!("the repository {} is not configured any more", place.repository),
            missing: format!("bring [repositories.{}] back", place.repository),
        };
        store.save_report(&unplaced::report(&incident, &nowhere)).await?;
        return Ok(Ended::Reported);
    };
    drive(app, holder, job, stop, options(app, repository, &place, incident)).await
}

/// The incident with what an acknowledgement could not wait for: its thread, and its files.
async fn completed(app: &App, incident: &Incident) -> Result<Incident, WorkError> {
    slack::complete(app, incident).await?;
    let incident = app.store.get_incident(&incident.id).await?;
    files::complete(app, &incident).await?;
    Ok(app.store.get_incident(&incident.id).await?)
}

/// Where it happened, decided by the first attempt.
async fn decided(
    app: &App,
    job: &Job,
    incident: &Incident,
    stop: &CancelFlag,
) -> Result<Result<Place, Nowhere>, WorkError> {
    if let Some(place) = job.plan.clone().and_then(|plan| serde_json::from_value::<Place>(plan).ok()) {
        return Ok(Ok(place));
    }
    let repository = match place::repository(&app.settings.repositories, incident) {
        Ok(repository) => repository,
        Err(nowhere) => return Ok(Err(nowhere)),
    };
    place::fetch(repository, stop).await?;
    let place = place::revision(&app.store, repository, incident, &app.settings.data_dir).await?;
    if let Ok(plan) = serde_json::to_value(&place) {
        app.store.plan_job(&job.id, &plan).await?;
    }
    Ok(Ok(place))
}

pub(super) fn options(app: &App, repository: &Repository, place: &Place, incident: Incident) -> Options {
    let mut recipes = repository.recipes.clone();
    recipes.overlay.extend(incident.ticket.context.overlay.clone());
    Options {
        source: incident.source.clone().unwrap_or_else(|| "api".to_owned()),
        notes: Vec::new(),
        incident: Some(Box::new(incident)),
        ticket: Vec::new(),
        ticket_name: None,
        repo: repository.path.clone(),
        at: place.revision.clone(),
        good: place.good.clone(),
        logs: Vec::new(),
        replay: ReplayChoice::Derive,
        recipes,
        remotes: repository.remotes.clone(),
        tests: repository.tests.clone(),
        use_memory: true,
        jobs: 1,
        budget: app.settings.budget,
        data_dir: app.settings.data_dir.clone(),
        sandbox: app.settings.sandbox.clone(),
    }
}

async fn drive(
    app: &Arc<App>,
    holder: &Holder,
    job: &Job,
    stop: &CancelFlag,
    options: Options,
) -> Result<Ended, WorkError> {
    let incident = &job.incident_id;
    let inbox = StoredInbox::open(app, incident).await?;
    let teller = Arc::new(Teller::new(app.clone(), incident));
    let sinks: Vec<Arc<dyn Sink>> = vec![teller.clone()];
    loop {
        let mut planner = (app.settings.planner)().map_err(WorkError::Planner)?;
        let step = stop.child();
        let was_stopped = inbox.is_stopped();
        inbox.watch(step.clone());
        let means = Means {
            store: Some(&app.store),
            planner: planner.as_mut(),
            sinks: &sinks,
            progress: teller.clone(),
            cancel: step,
            redactor: app.settings.redactor.clone(),
            inbox: Some(inbox.as_ref()),
        };
        match investigate(&options, means).await {
            Ok(_) => return Ok(Ended::Reported),
            Err(InvestigateError::Drive(DriveError::AwaitingApproval(_))) => {
                return ask_consent(app, holder, job).await;
            }
            Err(error) if error.is_interruption() && stop.is_cancelled() => return Ok(Ended::Parked),
            // Somebody said stop, which ended the step; driven once more, the run reports what it knows.
            Err(error) if error.is_interruption() && inbox.is_stopped() && !was_stopped => {}
            Err(error) if error.is_interruption() => return Ok(Ended::Parked),
            Err(error) => return Err(error.into()),
        }
    }
}

async fn ask_consent(app: &App, holder: &Holder, job: &Job) -> Result<Ended, WorkError> {
    let incident = &job.incident_id;
    let Some(run) = app.store.latest_unfinished_run(incident).await? else { return Ok(Ended::Parked) };
    let calls = calls_awaiting_consent(&app.store, &run.id).await?;
    let calls: Vec<_> = calls.into_iter().map(|call| (call.id, call.name, call.args)).collect();
    app.store.ask_consent(job, holder.as_str(), &run.id, &calls).await?;
    Ok(Ended::AwaitsConsent)
}
