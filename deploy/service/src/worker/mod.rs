/*!
Takes jobs from the queue and does them. A job is held by a lease that heartbeats renew; whoever loses it stops at
once, because another worker has it by then. When the process ends, runs are parked and their jobs go back.
*/

mod answer;
mod inbox;
mod investigate;
mod outcomes;
mod place;
mod unplaced;
mod upkeep;

use std::collections::HashMap;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use millwright_memory::store::{IncidentState, Job, JobKind, JobState, RunState};
use millwright_tools::tool::CancelFlag;
use tokio::task::JoinSet;

use crate::app::App;
use crate::notes;

/// How often the queue is looked at when nothing says that there is something new.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Notes, and answers, at once.
const NOTES: usize = 4;
const ANSWERS: usize = 2;
/// How long a job that broke down rests.
const BROKEN_RESTS: Duration = Duration::from_secs(60);
/// A job whose worker died so often while it had it is given up: it may be what kills them.
const MOST_LOST: i64 = 5;
/// After so many deaths an investigation is worked on alone, so that the others are not given up for what it does.
const ALONE_AFTER: i64 = 2;
/// How long such a one waits for its worker to be free.
const ALONE_WAITS: Duration = Duration::from_secs(10);

/// The worker of this process, as leases name it.
#[derive(Debug, Clone)]
pub(crate) struct Holder {
    host: String,
    pid: u32,
    /// Tells two lives of one process number apart, as in containers.
    name: String,
}

impl Holder {
    fn new() -> Self {
        let host = millwright_agent::machine::name();
        let pid = std::process::id();
        let life: String = uuid::Uuid::new_v4().simple().to_string().chars().take(8).collect();
        Self { name: format!("{host}/{pid}/{life}"), host, pid }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.name
    }

    /// Whether another holder certainly is dead: a process of this machine that is gone, or an earlier life of this.
    fn knows_dead(&self, other: &str) -> bool {
        let mut parts = other.split('/');
        let (Some(host), Some(pid)) = (parts.next(), parts.next().and_then(|pid| pid.parse::<u32>().ok()))
        else {
            return false;
        };
        if other == self.name || host != self.host || !Path::new("/proc/self").exists() {
            return false;
        }
        pid == self.pid || !Path::new("/proc").join(pid.to_string()).exists()
    }
}

type Done = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Works until the app is told to end, then parks what runs.
pub(crate) async fn run(app: Arc<App>) {
    let holder = Holder::new();
    let stop = CancelFlag::default();
    let upkeep = tokio::spawn(upkeep::run(app.clone()));
    let _upkeep = Ended(upkeep.abort_handle());
    let mut at_work: JoinSet<()> = JoinSet::new();
    let mut busy = [0_usize; 3];
    let mut doing: HashMap<tokio::task::Id, (usize, String)> = HashMap::new();
    let most = [app.settings.limits.investigations, NOTES, ANSWERS];
    let kinds = [JobKind::Investigate, JobKind::Note, JobKind::Answer];
    let mut alone: Option<tokio::task::Id> = None;
    while !app.is_ending() {
        if let Err(error) = free_the_dead(&app, &holder).await {
            tracing::warn!(%error, "the queue could not be looked through");
        }
        for (at, kind) in kinds.into_iter().enumerate() {
            let free = most[at].saturating_sub(busy[at]);
            if free == 0 || (kind == JobKind::Investigate && alone.is_some()) {
                continue;
            }
            match app.store.claim_jobs(kind, holder.as_str(), app.settings.limits.lease, free).await {
                Ok(jobs) => {
                    for job in jobs {
                        let suspect = kind == JobKind::Investigate && job.lost >= ALONE_AFTER;
                        if (suspect && busy[at] > 0) || (kind == JobKind::Investigate && alone.is_some()) {
                            let wait = if suspect { ALONE_WAITS } else { Duration::ZERO };
                            if let Err(error) =
                                app.store.return_job(&job.id, holder.as_str(), wait, None).await
                            {
                                tracing::warn!(job = %job.id, %error, "a job waits for its lease to run out");
                            }
                            continue;
                        }
                        busy[at] += 1;
                        let id = job.id.clone();
                        let task = at_work.spawn(held(app.clone(), holder.clone(), job, stop.child()));
                        doing.insert(task.id(), (at, id));
                        if suspect {
                            alone = Some(task.id());
                        }
                    }
                }
                Err(error) => tracing::warn!(%error, "jobs could not be taken from the queue"),
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
                    tracing::error!(%job, %error, "a job broke down");
                    let why = Some("it broke down; the log says where");
                    let _ = app.store.return_job(&job, holder.as_str(), BROKEN_RESTS, why).await;
                }
            }
            () = app.work.notified() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = app.ended() => {}
        }
    }
    stop.cancel();
    let all = async { while at_work.join_next().await.is_some() {} };
    if tokio::time::timeout(app.settings.limits.grace, all).await.is_err() {
        tracing::warn!("work under way did not end in time; it is taken over from its last stored step");
    }
}

async fn free_the_dead(app: &App, holder: &Holder) -> Result<(), millwright_memory::store::StoreError> {
    for other in app.store.job_holders().await? {
        if holder.knows_dead(&other) {
            let freed = app.store.free_jobs_of(&other).await?;
            tracing::info!(%other, freed, "jobs of a dead worker are taken over");
        }
    }
    Ok(())
}

/// Does a job while its lease is kept.
fn held(app: Arc<App>, holder: Holder, job: Job, stop: CancelFlag) -> Done {
    Box::pin(async move {
        let heartbeat = tokio::spawn(keep(app.clone(), holder.clone(), job.id.clone(), stop.clone()));
        // Ends also when the job breaks down, so that nobody holds on to it.
        let _heartbeat = Ended(heartbeat.abort_handle());
        if job.lost >= MOST_LOST {
            if let Err(error) = give_up(&app, &holder, &job).await {
                tracing::error!(job = %job.id, %error, "that a job is given up could not be stored");
            }
            return;
        }
        match job.kind {
            JobKind::Investigate => investigate::work(&app, &holder, &job, &stop).await,
            JobKind::Note => notes::work(&app, &holder, &job).await,
            JobKind::Answer => answer::work(&app, &holder, &job, &stop).await,
        }
    })
}

/// Ends a job that its workers do not survive; a person has to look.
pub(crate) async fn give_up(
    app: &App,
    holder: &Holder,
    job: &Job,
) -> Result<(), millwright_memory::store::StoreError> {
    let why = format!(
        "the process that worked on it ended {} times before it was done, so it is not tried again; the logs of the \
         workers and of their machine say why (out of memory, killed, crashed). Mend that, then report it anew",
        job.lost
    );
    tracing::error!(incident = %job.incident_id, job = %job.id, %why, "a job is given up");
    let of_incident = (job.kind == JobKind::Investigate).then_some(IncidentState::Failed);
    let settled =
        app.store.settle_job(&job.id, holder.as_str(), JobState::Failed, Some(&why), of_incident).await?;
    if settled
        && job.kind == JobKind::Investigate
        && let Some(run) = app.store.latest_unfinished_run(&job.incident_id).await?
    {
        app.store.set_run_state(&run.id, RunState::Failed).await?;
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

async fn keep(app: Arc<App>, holder: Holder, job: String, stop: CancelFlag) {
    let lease = app.settings.limits.lease;
    loop {
        tokio::time::sleep(lease / 3).await;
        match app.store.keep_job(&job, holder.as_str(), lease).await {
            Ok(true) => {}
            Ok(false) => {
                tracing::warn!(%job, "another worker has this job now");
                return stop.cancel();
            }
            Err(error) => tracing::warn!(%job, %error, "the lease could not be renewed"),
        }
    }
}

/// How long a job that failed rests before it is tried again.
pub(crate) fn rest(failures: i64) -> Duration {
    let exponent = u32::try_from(failures.clamp(0, 8)).unwrap_or(0);
    Duration::from_secs(2_u64.saturating_pow(exponent + 1).min(300))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dead_are_told_from_the_living() {
        let me = Holder::new();
        assert!(!me.knows_dead(me.as_str()));
        assert!(me.knows_dead(&format!("{}/{}/00000000", me.host, me.pid)), "an earlier life");
        assert!(!me.knows_dead(&format!("{}/1/00000000", me.host)), "it lives");
        assert!(me.knows_dead(&format!("{}/4294967295/00000000", me.host)));
        assert!(!me.knows_dead("another/4294967295/00000000"), "only its lease can tell");
        assert!(!me.knows_dead("nonsense"));
    }
}
