/*!
One investigation as a job: the first attempt decides where the incident happened; then the run continues to its report,
is parked, or waits for consent. If a process dies at any point, the next attempt continues from what is stored.
*/

use millwright_usecases::UnplacedReason;
use std::sync::Arc;

use millwright_agent::driver::DriveError;
use millwright_agent::investigation::{
    InvestigateError, InvestigationDependencies, InvestigationRequest, ReplayChoice, calls_awaiting_consent,
    investigate,
};
use millwright_agent::lease_holder::LeaseHolder;
use millwright_agent::sink::EventSink;
use millwright_model::{Audience, Timestamp};
use millwright_store::{Incident, IncidentState, Job, JobState, StoreError, is_transient};
use millwright_tools::CancelFlag;

use super::inbox::StoredInbox;
use super::progress::ProgressPublisher;
use super::run_record::RunRecord;
use super::target::{self, InvestigationTarget, TargetError};
use super::unplaced;
use crate::app::ServiceState;
use crate::chat;
use crate::files;
use crate::jobs::{persist, retry_backoff};
use crate::settings::RepositorySettings;

/// Failures after which a job is given up.
const MOST_FAILURES: i64 = 3;

/// No variant is transparent about the store's errors: each stays in the chain, where `is_transient` looks for it.
#[derive(Debug, thiserror::Error)]
enum WorkError {
    #[error("{0}")]
    Store(#[from] StoreError),
    #[error(transparent)]
    Place(#[from] TargetError),
    #[error(transparent)]
    Investigate(#[from] InvestigateError),
    #[error(transparent)]
    Thread(#[from] chat::ThreadError),
    #[error(transparent)]
    Files(#[from] files::FileError),
    #[error("the planner is not available: {0}")]
    Planner(String),
}

/// How an attempt ended.
enum Ended {
    Reported,
    AwaitsConsent,
    /// The process is ending, or another worker has the job.
    Parked,
}

pub(super) async fn work(app: &Arc<ServiceState>, holder: &LeaseHolder, job: &Job, stop: &CancelFlag) {
    let incident = &job.incident_id;
    match attempt(app, holder, job, stop).await {
        Ok(Ended::Reported) => persist(&job.id, stop, || reported(app, holder, job)).await,
        Ok(Ended::AwaitsConsent) => Some(()),
        Ok(Ended::Parked) => {
            // Not if another worker has the job already.
            if persist(&job.id, stop, || app.own_store.park_job(&job.id, holder.as_str(), true)).await
                == Some(true)
            {
                tracing::info!(event = "run.parked", %incident, job = %job.id, "run parked");
            }
            Some(())
        }
        Err(error) => failed(app, holder, job, stop, &error).await,
    };
    app.stored(incident);
    app.work.notify_one();
}

async fn reported(app: &ServiceState, holder: &LeaseHolder, job: &Job) -> Result<(), StoreError> {
    let incident = &job.incident_id;
    let (state, of_job) = match app.own_store.is_stopped(incident).await? {
        true => (IncidentState::Cancelled, JobState::Cancelled),
        false => (IncidentState::Done, JobState::Done),
    };
    app.own_store.settle_job(&job.id, holder.as_str(), of_job, None, Some(state)).await.map(|_| ())
}

async fn failed(
    app: &ServiceState,
    holder: &LeaseHolder,
    job: &Job,
    stop: &CancelFlag,
    error: &WorkError,
) -> Option<()> {
    let (id, incident) = (&job.id, &job.incident_id);
    let text = app.settings.redactor.for_run().redact(&error.to_string()).text;
    // An unavailable database does not count as a failure of the incident.
    if is_transient(error) {
        tracing::warn!(%incident, job = %id, error = %text, "an investigation waits for the store");
        let was_at_its_run = matches!(error, WorkError::Investigate(_));
        let park = || app.own_store.park_job(id, holder.as_str(), was_at_its_run);
        return persist(id, stop, park).await.map(|_| ());
    }
    let run = app.own_store.latest_unfinished_run(incident).await.ok().flatten().map(|run| run.id);
    tracing::error!(event = "run.failed", %incident, run = run.as_ref().map(tracing::field::display), job = %id, failures = job.failures + 1, error = %text,
        "an investigation failed");
    app.metrics.investigation_failed();
    if job.failures + 1 < MOST_FAILURES {
        let again = retry_backoff(job.failures);
        return persist(id, stop, || app.own_store.return_job(id, holder.as_str(), again, Some(&text)))
            .await
            .map(|_| ());
    }
    let failed = Some(IncidentState::Failed);
    let settle = || app.own_store.settle_job(id, holder.as_str(), JobState::Failed, Some(&text), failed);
    persist(id, stop, settle).await.map(|_| ())
}

async fn attempt(
    app: &Arc<ServiceState>,
    holder: &LeaseHolder,
    job: &Job,
    stop: &CancelFlag,
) -> Result<Ended, WorkError> {
    let store = &app.own_store;
    let mut incident = store.get_incident(&job.incident_id).await?;
    let unfinished = store.latest_unfinished_run(&incident.id).await?.is_some();
    // The report from before the incident was reopened was wrong.
    let since = job.reopened_at.unwrap_or(Timestamp::UNIX_EPOCH);
    let reported = store.list_reports(&incident.id).await?;
    if !unfinished && reported.iter().any(|report| report.created_at > since) {
        // A worker died between the report and the end of the job.
        return Ok(Ended::Reported);
    }
    store.set_incident_state(&incident.id, IncidentState::Running).await?;
    app.stored(&incident.id);
    // Reports that joined later may have brought attachments.
    if job.plan.is_none() || job.reopened_at.is_some() {
        match completed(app, &incident).await {
            Ok(whole) => incident = whole,
            // After two more attempts the report has to do without.
            Err(error) if job.failures + 1 < MOST_FAILURES || is_transient(&error) => return Err(error),
            Err(error) => {
                tracing::warn!(incident = %incident.id, %error, "it is investigated without its thread or files");
                incident = store.get_incident(&job.incident_id).await?;
            }
        }
    }
    let place = match decided(app, job, &incident, stop).await? {
        Ok(place) => place,
        Err(nowhere) => {
            return not_looked_into(app, job, &incident, &nowhere).await;
        }
    };
    let repositories = &app.settings.repositories;
    let Some(repository) = repositories.iter().find(|one| one.name == place.repository) else {
        let nowhere = UnplacedReason {
            because: format!("the repository {} is no longer configured", place.repository),
            missing: format!("add [repositories.{}] again", place.repository),
        };
        return not_looked_into(app, job, &incident, &nowhere).await;
    };
    drive(app, holder, job, stop, options(app, repository, &place, incident)).await
}

async fn not_looked_into(
    app: &ServiceState,
    job: &Job,
    incident: &Incident,
    nowhere: &UnplacedReason,
) -> Result<Ended, WorkError> {
    let report = unplaced::report(incident, nowhere);
    app.own_store.save_report(&report).await?;
    app.metrics.report(report.verdict);
    tracing::info!(event = "run.not_possible", incident = %incident.id, job = %job.id, verdict = report.verdict.as_str(),
        "no run, because no repository is known");
    Ok(Ended::Reported)
}

/// The incident with the parts that an acknowledgement could not wait for: its thread and its attachments.
async fn completed(app: &ServiceState, incident: &Incident) -> Result<Incident, WorkError> {
    chat::complete(app, incident).await?;
    let incident = app.own_store.get_incident(&incident.id).await?;
    files::complete(app, &incident).await?;
    Ok(app.own_store.get_incident(&incident.id).await?)
}

/// The target of the investigation, decided by the first attempt.
async fn decided(
    app: &ServiceState,
    job: &Job,
    incident: &Incident,
    stop: &CancelFlag,
) -> Result<Result<InvestigationTarget, UnplacedReason>, WorkError> {
    if let Some(place) =
        job.plan.clone().and_then(|plan| serde_json::from_value::<InvestigationTarget>(plan).ok())
    {
        return Ok(Ok(place));
    }
    let repository = match target::repository(&app.settings, incident) {
        Ok(repository) => repository,
        Err(nowhere) => return Ok(Err(nowhere)),
    };
    if incident.repository_name.as_ref() != Some(&repository.name) {
        app.own_store.place_incident(&incident.id, &repository.name).await?;
    }
    target::fetch(repository, stop).await?;
    let place = target::revision(&app.own_store, repository, incident, &app.settings.data_dir).await?;
    if let Ok(plan) = serde_json::to_value(&place) {
        app.own_store.plan_job(&job.id, &plan).await?;
    }
    Ok(Ok(place))
}

pub(super) fn options(
    app: &ServiceState,
    repository: &RepositorySettings,
    place: &InvestigationTarget,
    incident: Incident,
) -> InvestigationRequest {
    let mut recipes = repository.recipes.clone();
    recipes.overlay.extend(incident.ticket.context.overlay.clone());
    InvestigationRequest {
        source: incident.source.clone().unwrap_or_else(|| "api".to_owned()),
        notes: Vec::new(),
        incident: Some(Box::new(incident)),
        ticket: Vec::new(),
        ticket_name: None,
        repo: repository.path.clone(),
        repository_name: Some(repository.name.clone()),
        bad: place.revision.to_string(),
        good: place.good.clone().map(String::from),
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
    app: &Arc<ServiceState>,
    holder: &LeaseHolder,
    job: &Job,
    stop: &CancelFlag,
    options: InvestigationRequest,
) -> Result<Ended, WorkError> {
    let incident = &job.incident_id;
    let inbox = StoredInbox::open(app, incident).await?;
    let teller = Arc::new(ProgressPublisher::new(app.clone(), incident));
    let record = Arc::new(RunRecord::new(app.clone(), job));
    let sinks: Vec<Arc<dyn EventSink>> = vec![teller.clone(), record];
    // The readers of the incident see what the run finds.
    let readers = options.incident.as_ref().map_or(Audience::Unknown, |incident| incident.audience);
    let conversation = options.incident.as_ref().and_then(|incident| incident.conversation.clone());
    let store = app.own_store.read_for(readers).within_conversation(conversation.as_ref());
    let store = store.withholding(app.settings.others_than(options.repository_name.as_ref()));
    loop {
        let mut planner = (app.settings.planner)().map_err(WorkError::Planner)?;
        let step = stop.child();
        let was_stopped = inbox.is_stopped();
        inbox.watch(step.clone());
        let means = InvestigationDependencies {
            store: Some(&store),
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
            // Someone said stop, which ended the step; driven once more, the run reports what it knows.
            Err(error) if error.is_interruption() && inbox.is_stopped() && !was_stopped => {}
            Err(error) if error.is_interruption() => return Ok(Ended::Parked),
            Err(error) => return Err(error.into()),
        }
    }
}

async fn ask_consent(app: &ServiceState, holder: &LeaseHolder, job: &Job) -> Result<Ended, WorkError> {
    let incident = &job.incident_id;
    let Some(run) = app.own_store.latest_unfinished_run(incident).await? else { return Ok(Ended::Parked) };
    let calls = calls_awaiting_consent(&app.own_store, &run.id).await?;
    let calls: Vec<_> = calls.into_iter().map(|call| (call.id, call.name, call.args)).collect();
    app.own_store.ask_consent(job, holder.as_str(), &run.id, &calls).await?;
    tracing::info!(event = "run.waits", %incident, run = %run.id, job = %job.id, calls = calls.len(),
        "run waits for consent");
    Ok(Ended::AwaitsConsent)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// At any depth: the journal, the target, the thread and the attachments use the same store.
    #[test]
    fn a_store_that_is_away_is_found_in_every_error() {
        let away = || StoreError::Away { server: "db".into(), detail: "refused".into() };
        let broken = || StoreError::Unreadable { what: "run", id: "run_1".into(), detail: "x".into() };
        let all = |store: &dyn Fn() -> StoreError| -> Vec<WorkError> {
            let journal = || DriveError::from(millwright_agent::journal::JournalError::from(store()));
            vec![
                store().into(),
                TargetError::from(store()).into(),
                InvestigateError::from(store()).into(),
                InvestigateError::from(journal()).into(),
                chat::ThreadError::from(store()).into(),
                files::FileError::from(store()).into(),
            ]
        };
        for error in all(&away) {
            assert!(is_transient(&error), "{error:?}");
            assert!(error.to_string().contains("db does not answer (refused)"), "{error}");
        }
        for error in all(&broken) {
            assert!(!is_transient(&error), "{error:?}");
        }
        assert!(!is_transient(&WorkError::Planner("no model".into())));
    }
}
