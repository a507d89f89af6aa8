/*!
Regular maintenance of the memory of a service: it fills in vectors that are missing because the model or the vector
server was unavailable, fetches the clones that the service maintains, watches the outcomes of fixes, and forgets unproven
incidents if a retention time is set. Each machine fetches its own clones; for every other task one worker at a time has
the turn.
*/

use std::sync::Arc;
use std::time::Duration;

use millwright_agent::lease_holder::LeaseHolder;
use millwright_store::vectors::catch_up;
use millwright_store::{Actor, StoreError};

use millwright_tools::CancelFlag;

use super::{outcomes, target};
use crate::app::ServiceState;

const VECTORS_EVERY: Duration = Duration::from_secs(60);
const FETCH_EVERY: Duration = Duration::from_secs(300);
const FORGET_EVERY: Duration = Duration::from_secs(3_600);
/// The share of the time between two turns during which nobody else gets a turn: the clocks of workers do not tick together.
const TURN: f64 = 0.9;
/// Vectors made in one batch, so that a change of model does not delay other requests.
const VECTORS_AT_ONCE: usize = 1_024;
/// The actor of the deletion, in the audit log.
const BY: Actor<'static> = Actor { who: "service", why: "retention" };

/// Maintains the memory until the process has to end.
pub(super) async fn run(app: Arc<ServiceState>, holder: &'static LeaseHolder) {
    let every = |time| tokio::time::interval(time);
    let (mut vectors, mut forget, mut fetch) =
        (every(VECTORS_EVERY), every(FORGET_EVERY), every(FETCH_EVERY));
    loop {
        tokio::select! {
            _ = vectors.tick() => match is_our_turn(&app, holder, "vectors", VECTORS_EVERY).await {
                true => complete_vectors(&app).await,
                // The worker that has the turn reports the state.
                false => {
                    app.degraded.set("vectors", Ok(()));
                }
            },
            _ = fetch.tick() => {
                fetch_all(&app).await;
                if is_our_turn(&app, holder, "outcomes", FETCH_EVERY).await {
                    watch_all(&app).await;
                }
            }
            _ = forget.tick() => if is_our_turn(&app, holder, "retention", FORGET_EVERY).await {
                match forget_unproven(&app).await {
                Ok(0) => {}
                Ok(gone) => tracing::info!(gone, "unproven incidents were forgotten"),
                // Incidents that were removed stay removed; the rest is due again in an hour.
                Err(error) => tracing::warn!(%error, "forgetting unproven incidents did not finish"),
            } },
            () = app.ended() => return,
        }
    }
}

/// Whether this worker has the turn for a task now. If the store is unavailable, the worker asks again next time.
async fn is_our_turn(app: &ServiceState, holder: &LeaseHolder, task: &str, every: Duration) -> bool {
    let claimed = app.own_store.claim_turn(task, holder.as_str(), every.mul_f64(TURN)).await;
    claimed.unwrap_or_else(|error| {
        tracing::warn!(%error, task, "a turn could not be claimed");
        false
    })
}

/// Fetches every clone, so that an investigation finds it present and fetches little.
async fn fetch_all(app: &ServiceState) {
    let stop = CancelFlag::default();
    for repository in &app.settings.repositories {
        let fetched = tokio::select! {
            fetched = target::fetch(repository, &stop) => fetched,
            () = app.ended() => return stop.cancel(),
        };
        if let Err(error) = &fetched {
            tracing::warn!(repository = %repository.name, %error, "a repository could not be cloned");
        }
        if repository.remote.is_some() {
            let state = fetched.as_ref().map_err(|_| "it cannot be fetched; the log says why");
            app.degraded.set(&format!("repository {}", repository.name), state.map(|_| ()));
        }
    }
}

/// Checks the outcomes of the fixes of every repository.
async fn watch_all(app: &ServiceState) {
    for repository in &app.settings.repositories {
        match outcomes::watch(app, repository).await {
            Ok(0) => {}
            Ok(changed) => {
                tracing::info!(repository = %repository.name, changed, "outcomes of fixes changed")
            }
            Err(error) => {
                tracing::warn!(repository = %repository.name, %error, "outcomes of fixes could not be checked");
            }
        }
    }
}

async fn complete_vectors(app: &ServiceState) {
    let done = catch_up(&app.own_store, VECTORS_AT_ONCE).await;
    let state = done.as_ref().map_err(|_| "they cannot be completed; the log says why");
    app.degraded.set("vectors", state.map(|_| ()));
    match done {
        Ok(done) if done.embedded + done.removed > 0 => {
            tracing::info!(done.embedded, done.removed, done.left, "vectors caught up");
        }
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "vectors could not be completed; recall continues without them"),
    }
}

/// Forgets incidents that are due; returns how many.
pub(crate) async fn forget_unproven(app: &ServiceState) -> Result<usize, StoreError> {
    let Some(days) = app.settings.limits.unproven_retention_days else { return Ok(0) };
    let span = jiff::SignedDuration::from_hours(24 * i64::from(days));
    // The number of days reaches back before the calendar: nothing is that old.
    let Ok(before) = jiff::Timestamp::now().checked_sub(span) else { return Ok(0) };
    Ok(app.own_store.expire(before.into(), BY).await?.len())
}

#[cfg(test)]
mod tests {
    use millwright_model::NewIncident;

    use super::*;
    use crate::tests::scene_with;

    #[tokio::test]
    async fn only_what_is_old_enough_is_forgotten_and_nothing_without_a_time() {
        let put = async |app: &ServiceState| {
            let ticket = millwright_ingest::parse(b"Invoices are empty since Monday");
            let new =
                NewIncident { repository_name: None, repository: None, source: None, ticket, mapped: vec![] };
            app.own_store.create_incident(&new).await.unwrap().id
        };
        for (days, gone) in [(None, 0), (Some(30), 0), (Some(0), 1), (Some(u32::MAX), 0)] {
            let scene = scene_with(|settings| settings.limits.unproven_retention_days = days).await;
            let id = put(&scene.app).await;
            tokio::time::sleep(Duration::from_millis(5)).await;
            assert_eq!(forget_unproven(&scene.app).await.unwrap(), gone, "{days:?}");
            assert_eq!(scene.app.own_store.get_incident(&id).await.is_err(), gone == 1, "{days:?}");
        }
    }
}
