/*!
Takes jobs from the queue and does them. A worker holds a job by a lease that heartbeats renew; a worker that loses the
lease stops at once, because another worker has the job by then. When the process ends, runs are parked and their jobs go
back to the queue.
*/

mod answer;
mod inbox;
mod investigate;
mod outcomes;
mod progress;
mod run_record;
pub(crate) mod standing;
mod target;
mod unplaced;
mod upkeep;

use millwright_model::JobId;
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use millwright_agent::lease_holder::LeaseHolder;
use millwright_store::{IncidentState, Job, JobKind, JobState, RunState};
use millwright_tools::CancelFlag;
use tokio::task::JoinSet;

use crate::app::ServiceState;
use crate::jobs::persist;
use crate::notes;

/// How often the queue is polled when no signal comes.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Most notes, and most answers, in progress at once.
const NOTES: usize = 4;
const ANSWERS: usize = 2;
/// How long a job that panicked waits before its next attempt.
const BROKEN_RESTS: Duration = Duration::from_secs(60);
/// A job whose worker died this often while it held the job is given up: the job may be the cause.
const MOST_LOST: i64 = 5;
/// After this many deaths an investigation runs alone, so that others are not given up for what it does.
const ALONE_AFTER: i64 = 2;
/// How long such an investigation waits for its worker to be free.
const ALONE_WAITS: Duration = Duration::from_secs(10);

type Done = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Works until the app has to end, then parks what runs.
pub(crate) async fn run(app: Arc<ServiceState>) {
    let holder = LeaseHolder::of_this_process();
    let stop = CancelFlag::default();
    // Frees the tasks that a killed process held; otherwise they would wait until they are due again.
    let _ = free_the_dead(&app, holder).await;
    let upkeep = tokio::spawn(upkeep::run(app.clone(), holder));
    let _upkeep = Ended(upkeep.abort_handle());
    let mut at_work: JoinSet<()> = JoinSet::new();
    let mut busy = [0_usize; 3];
    let mut doing: HashMap<tokio::task::Id, (usize, JobId)> = HashMap::new();
    let most = [app.settings.limits.investigations, NOTES, ANSWERS];
    let kinds = [JobKind::Investigate, JobKind::Note, JobKind::Answer];
    let mut alone: Option<tokio::task::Id> = None;
    while !app.is_ending() {
        if let Err(error) = free_the_dead(&app, holder).await {
            tracing::warn!(%error, "the queue could not be checked");
        }
        for (at, kind) in kinds.into_iter().enumerate() {
            let free = most[at].saturating_sub(busy[at]);
            if free == 0 || (kind == JobKind::Investigate && alone.is_some()) {
                continue;
            }
            let lease = app.settings.limits.lease;
            let at_hand: Vec<JobId> = doing.values().map(|(_, id)| id.clone()).collect();
            match app.own_store.claim_jobs(kind, holder.as_str(), lease, free, &at_hand).await {
                Ok(jobs) => {
                    for job in jobs {
                        let suspect = kind == JobKind::Investigate && job.lost >= ALONE_AFTER;
                        if (suspect && busy[at] > 0) || (kind == JobKind::Investigate && alone.is_some()) {
                            let wait = if suspect { ALONE_WAITS } else { Duration::ZERO };
                            if let Err(error) =
                                app.own_store.return_job(&job.id, holder.as_str(), wait, None).await
                            {
                                tracing::warn!(job = %job.id, %error, "a job waits for its lease to run out");
                            }
                            continue;
                        }
                        busy[at] += 1;
                        let id = job.id.clone();
                        let task = at_work.spawn(held(app.clone(), holder, job, stop.child()));
                        doing.insert(task.id(), (at, id));
                        if suspect {
                            alone = Some(task.id());
                        }
                    }
                }
                Err(error) => tracing::warn!(%error, "jobs could not be claimed from the queue"),
            }
        }
        tokio::select! {
            Some(ended) = at_work.join_next_with_id(), if !at_work.is_empty() => {
                let task = ended.as_ref().map_or_else(|error| error.id(), |(task, _)| *task);
                if alone == Some(task) {
                    alone = None;
                }
                let Some((at, job)) = doing.remove(&task) else { continue };
                if let Some(busy) = busy.get_mut(at) {
                    *busy = busy.saturating_sub(1);
                }
                if let Err(error) = ended {
                    // The message of a panic may quote the text that was being read.
                    tracing::error!(event = "job.panicked", %job, panicked = error.is_panic(), "a job panicked");
                    // The job stays ours until it is returned, which waits for an unavailable store.
                    let id = job.clone();
                    let task = at_work.spawn(broken(app.clone(), holder, job, stop.child()));
                    doing.insert(task.id(), (at, id));
                    if let Some(busy) = busy.get_mut(at) {
                        *busy += 1;
                    }
                }
            }
            () = app.work.notified() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = app.ended() => {}
        }
    }
    if let Err(error) = app.own_store.free_turns_of(holder.as_str()).await {
        tracing::debug!(%error, "the turns of this worker could not be released; they expire");
    }
    stop.cancel();
    let all = async { while at_work.join_next().await.is_some() {} };
    if tokio::time::timeout(app.settings.limits.grace, all).await.is_err() {
        tracing::warn!(
            "running jobs did not end in time; another worker continues from their last stored step"
        );
    }
}

async fn free_the_dead(app: &ServiceState, holder: &LeaseHolder) -> Result<(), millwright_store::StoreError> {
    for other in app.own_store.job_holders().await? {
        if holder.knows_dead(&other) {
            app.own_store.free_turns_of(&other).await?;
            let freed = app.own_store.free_jobs_of(&other).await?;
            tracing::info!(%other, freed, "jobs of a dead worker are taken over");
        }
    }
    Ok(())
}

/// Does a job while its lease is kept.
fn held(app: Arc<ServiceState>, holder: &'static LeaseHolder, job: Job, stop: CancelFlag) -> Done {
    Box::pin(async move {
        let heartbeat = tokio::spawn(keep(app.clone(), holder, job.id.clone(), stop.clone()));
        // Also ends when the job panics, so that nobody keeps the lease.
        let _heartbeat = Ended(heartbeat.abort_handle());
        if job.lost >= MOST_LOST {
            tracing::error!(event = "job.given_up", incident = %job.incident_id, job = %job.id, lost = job.lost, "a job is given up");
            persist(&job.id, &stop, || give_up(&app, holder, &job)).await;
            return;
        }
        match job.kind {
            JobKind::Investigate => investigate::work(&app, holder, &job, &stop).await,
            JobKind::Note => notes::work(&app, holder, &job, &stop).await,
            JobKind::Answer => answer::work(&app, holder, &job, &stop).await,
        }
    })
}

/// Returns a job whose task panicked.
async fn broken(app: Arc<ServiceState>, holder: &'static LeaseHolder, job: JobId, stop: CancelFlag) {
    let why = Some("the job panicked; see the log");
    persist(&job, &stop, || app.own_store.return_job(&job, holder.as_str(), BROKEN_RESTS, why)).await;
}

/// Ends a job whose workers keep dying; a person has to look.
pub(crate) async fn give_up(
    app: &ServiceState,
    holder: &LeaseHolder,
    job: &Job,
) -> Result<(), millwright_store::StoreError> {
    let why = format!(
        "the process that worked on it ended {} times at the same point, so it is not tried again; the logs of the \
         workers and of their machine say why (out of memory, killed, crashed). Fix that, then report it again",
        job.lost
    );
    let of_incident = (job.kind == JobKind::Investigate).then_some(IncidentState::Failed);
    let settled =
        app.own_store.settle_job(&job.id, holder.as_str(), JobState::Failed, Some(&why), of_incident).await?;
    if settled
        && job.kind == JobKind::Investigate
        && let Some(run) = app.own_store.latest_unfinished_run(&job.incident_id).await?
    {
        app.own_store.set_run_state(&run.id, RunState::Failed).await?;
    }
    app.stored(&job.incident_id);
    Ok(())
}

/// Aborts a task when dropped.
struct Ended(tokio::task::AbortHandle);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn keep(app: Arc<ServiceState>, holder: &'static LeaseHolder, job: JobId, stop: CancelFlag) {
    let lease = app.settings.limits.lease;
    let mut wait = lease / 3;
    loop {
        tokio::time::sleep(wait).await;
        wait = lease / 3;
        match app.own_store.keep_job(&job, holder.as_str(), lease).await {
            Ok(true) => {}
            Ok(false) => {
                tracing::warn!(%job, "another worker has this job now");
                return stop.cancel();
            }
            Err(error) => {
                tracing::warn!(%job, %error, "the lease could not be renewed");
                // Renews as soon as the store is back, so that nobody takes the job from a worker that is alive.
                wait = wait.min(LOOK_EVERY);
            }
        }
    }
}
