/*!
The outcome of a fix. A fix has shipped when the deployed branch has contained it for a while and the failure has not
returned. A fix is refuted when the same failure then returns in a revision that contains it: its incident is reopened, to
be investigated at that revision. Both outcomes come from the repository and from reports, never from what a person says.
*/

use std::time::Duration;

use millwright_culprit::fixes::{self, FixError};
use millwright_git::{LogQuery, Repo, RepoError, log};
use millwright_model::{CommitId, Outcome, RepositoryId, Resolution, Timestamp};
use millwright_store::{Actor, StoreError};
use millwright_tools::CancelFlag;

use super::target::{self, InvestigationTarget};
use crate::app::ServiceState;
use crate::settings::RepositorySettings;

/// Commits searched for the one that brought a fix.
const MOST_COMMITS: usize = 200;
/// Deliveries of one incident that are checked, the latest ones.
const MOST_JOINED: usize = 20;

#[derive(Debug, thiserror::Error)]
pub(super) enum WatchError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Repo(#[from] RepoError),
    #[error("checking the branch failed with an internal error")]
    Broken,
}

/// Checks the fixes of a repository once; returns how many outcomes changed.
pub(super) async fn watch(app: &ServiceState, repository: &RepositorySettings) -> Result<usize, WatchError> {
    let (path, data_dir) = (repository.path.clone(), app.settings.data_dir.clone());
    let open = move || -> Result<(Repo, RepositoryId), RepoError> {
        let repo = Repo::open(&path, &data_dir)?;
        let identity = repo.identity()?;
        Ok((repo, identity))
    };
    let (repo, identity) = tokio::task::spawn_blocking(open).await.map_err(|_| WatchError::Broken)??;
    let mut changed = 0;
    let mut waiting = Vec::new();
    for outcome in [Outcome::Unknown, Outcome::Shipped] {
        for fix in app.own_store.fixes_with(&identity, outcome).await? {
            if let Some((why, place)) = fix_refuted(app, &repo, repository, &fix).await? {
                open_again(app, &repo, &fix, place, &why).await?;
                changed += 1;
            } else if outcome == Outcome::Unknown {
                waiting.push(fix);
            }
        }
    }
    if waiting.is_empty() {
        return Ok(changed);
    }
    let Some((aged, since)) = settled(&repo, repository, app.settings.limits.stay_away).await? else {
        return Ok(changed);
    };
    for fix in waiting {
        let stayed_away = app.own_store.recurrences_since(&fix, since).await?.is_empty()
            && app.own_store.joined_after(&fix.incident_id, since).await?.is_empty();
        if stayed_away && has(&repo, &fix, &aged).await? {
            let why = format!(
                "the deployed branch has the fix at {}, and the failure did not come back",
                aged.short()
            );
            app.own_store.set_outcome(&fix.id, Outcome::Shipped, Actor { who: "service", why: &why }).await?;
            changed += 1;
        }
    }
    Ok(changed)
}

/// Marks a fix as refuted, reopens its incident at the revision where the failure returned, and records why.
async fn open_again(
    app: &ServiceState,
    repo: &Repo,
    fix: &Resolution,
    place: InvestigationTarget,
    why: &str,
) -> Result<(), WatchError> {
    // Before the fix the revision failed as well, by the old fault: the new fault came after.
    let good = first_with(repo, fix, &place.revision).await.unwrap_or_else(|error| {
        tracing::debug!(resolution = %fix.id, %error, "the first revision with the fix could not be found");
        None
    });
    let plan = serde_json::to_value(InvestigationTarget { good, ..place }).map_err(|_| WatchError::Broken)?;
    let by = Actor { who: "millwright", why };
    if app.own_store.reopen(&fix.incident_id, Some(&fix.id), &plan, by).await? {
        app.work.notify_one();
    }
    app.stored(&fix.incident_id);
    Ok(())
}

/// The first commit on the path to `revision` that contains the fix, unless that is `revision` itself.
async fn first_with(
    repo: &Repo,
    fix: &Resolution,
    revision: &CommitId,
) -> Result<Option<CommitId>, WatchError> {
    let query = LogQuery {
        tip: revision.to_string(),
        exclude: Some(fix.failing_revision.clone()),
        limit: MOST_COMMITS,
        ..LogQuery::default()
    };
    let clone = repo.clone();
    let list = move || log(&clone, &query, &CancelFlag::default());
    let page = tokio::task::spawn_blocking(list).await.map_err(|_| WatchError::Broken)??;
    // A longer path is truncated, so its beginning is unknown.
    if page.more {
        return Ok(None);
    }
    for commit in page.items.iter().rev() {
        if has(repo, fix, &commit.id).await? {
            return Ok(Some(commit.id.clone()).filter(|id| id != revision));
        }
    }
    Ok(None)
}

/// Why a fix was wrong, and where that was seen: the same failure is back in a revision that contains the fix, as a new
/// incident or as another delivery of the same one. A failure in a revision without the fix says nothing about it.
async fn fix_refuted(
    app: &ServiceState,
    repo: &Repo,
    repository: &RepositorySettings,
    fix: &Resolution,
) -> Result<Option<(String, InvestigationTarget)>, WatchError> {
    for again in app.own_store.recurrences_since(fix, fix.created_at).await? {
        let place = again.plan.and_then(|plan| serde_json::from_value::<InvestigationTarget>(plan).ok());
        let Some(place) = place.filter(|place| place.repository == repository.name) else { continue };
        if has(repo, fix, &place.revision).await? {
            let at = place.revision.short();
            // The reason goes into the run of the reopened incident, which may have other readers.
            let here = app.own_store.get_incident(&fix.incident_id).await?;
            let there = app.own_store.get_incident(&again.incident_id).await?;
            let again =
                if here.may_be_told_of(&there) { again.incident_id.as_str() } else { "another incident" };
            let why =
                format!("the answer was wrong: the failure is back as {again} at {at}, which has the fix");
            return Ok(Some((why, place)));
        }
    }
    let joined = app.own_store.joined_after(&fix.incident_id, fix.created_at).await?;
    if joined.is_empty() {
        return Ok(None);
    }
    let incident = app.own_store.get_incident(&fix.incident_id).await?;
    // The last delivery is the most likely to come from a revision with the fix; many deliveries would each only say the
    // same.
    for at in joined.iter().rev().take(MOST_JOINED) {
        let place = target::at_time(&app.own_store, repository, &incident, *at, &app.settings.data_dir).await;
        let Some(place) = place.map_err(|_| WatchError::Broken)? else { continue };
        if has(repo, fix, &place.revision).await? {
            let why = format!(
                "the answer was wrong: the failure was reported again at {at}, when {} ran, which has the fix",
                place.revision.short()
            );
            return Ok(Some((why, place)));
        }
    }
    Ok(None)
}

/// The newest commit that the deployed branch has contained for a while, and its time.
async fn settled(
    repo: &Repo,
    repository: &RepositorySettings,
    stay_away: Duration,
) -> Result<Option<(CommitId, Timestamp)>, WatchError> {
    let (repo, branch) = (repo.clone(), repository.branch.clone().unwrap_or_else(|| "HEAD".to_owned()));
    let work = move || -> Result<Option<(CommitId, Timestamp)>, RepoError> {
        let wait = jiff::SignedDuration::try_from(stay_away).unwrap_or(jiff::SignedDuration::MAX);
        let Ok(until) = jiff::Timestamp::now().checked_sub(wait) else { return Ok(None) };
        let newest = target::newest_until(&repo, &branch, until)?;
        Ok(newest.map(|commit| {
            let at = jiff::Timestamp::from_second(commit.commit_time).unwrap_or(until);
            (commit.id, Timestamp::from(at))
        }))
    };
    Ok(tokio::task::spawn_blocking(work).await.map_err(|_| WatchError::Broken)??)
}

/// Whether a revision contains a fix; `false` if that cannot be decided there.
async fn has(repo: &Repo, fix: &Resolution, revision: &CommitId) -> Result<bool, WatchError> {
    let Ok(bad) = CommitId::parse(&fix.failing_revision) else { return Ok(false) };
    let (repo, diff, revision) = (repo.clone(), fix.fix_diff.clone(), revision.clone());
    let work = move || -> Result<bool, FixError> {
        let later = repo.is_ancestor(&bad, &revision)? && bad != revision;
        Ok(later && fixes::contains(&repo, &diff, &bad, &revision)?)
    };
    let found = tokio::task::spawn_blocking(work).await.map_err(|_| WatchError::Broken)?;
    Ok(found.unwrap_or_else(|error| {
        tracing::debug!(resolution = %fix.id, %error, "whether the fix was shipped could not be found out");
        false
    }))
}

#[cfg(test)]
#[path = "outcomes_tests.rs"]
mod tests;
