/*!
Where an incident happened: which of the configured repositories contains the failing code, and which revision ran. The
ticket only names things; they are resolved by the configuration, by recorded deployments, and by the repository itself.
*/

use millwright_model::{CommitId, RepositoryName, Timestamp};
use std::path::Path;
use std::time::Duration;

use millwright_git::{self as git, CommitSummary, LogQuery, MirrorError, Repo, RepoError, log};
use millwright_store::{Incident, Store, StoreError};
use millwright_tools::CancelFlag;
use millwright_usecases::UnplacedReason;
use serde::{Deserialize, Serialize};

use crate::settings::{RepositorySettings, ServiceSettings};

/// The decision, stored with the job so that every attempt investigates the same revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct InvestigationTarget {
    pub(super) repository: RepositoryName,
    pub(super) revision: CommitId,
    /// Why this revision was chosen, in words.
    pub(super) because: String,
    /// If the failure returned: an earlier revision that contains the fix; the new fault is more recent than that revision.
    #[serde(default)]
    pub(super) good: Option<CommitId>,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum TargetError {
    #[error("{0}")]
    Store(#[from] StoreError),
    #[error(transparent)]
    Repo(#[from] RepoError),
    #[error(transparent)]
    Mirror(#[from] MirrorError),
    #[error("finding the revision failed with an internal error")]
    Broken,
}

/// A clone that was fetched this recently is not fetched again.
const FRESH: Duration = Duration::from_secs(30);

/// Fetches our clone of a repository, if the service maintains it. An existing clone is still used when its origin cannot be
/// reached.
pub(super) async fn fetch(repository: &RepositorySettings, stop: &CancelFlag) -> Result<(), TargetError> {
    let Some(remote) = repository.remote.clone() else { return Ok(()) };
    let (path, stop) = (repository.path.clone(), stop.clone());
    let there = path.join("HEAD").exists();
    let brought = tokio::task::spawn_blocking(move || git::fetch_mirror(&remote, &path, FRESH, &stop)).await;
    match brought.map_err(|_| TargetError::Broken)? {
        Err(error) if there => {
            tracing::warn!(repository = %repository.name, %error, "fetching failed; the existing clone is used");
            Ok(())
        }
        other => Ok(other?),
    }
}

/// The repository whose code failed: the one that intake chose, or the one that the facts known by now lead to.
pub(super) fn repository<'a>(
    settings: &'a ServiceSettings,
    incident: &Incident,
) -> Result<&'a RepositorySettings, UnplacedReason> {
    let locations = settings.locations();
    let name = match &incident.repository_name {
        // The owner of an incident does not change.
        Some(name) => name,
        None => locations.place(incident.service.as_deref(), &incident.ticket)?,
    };
    settings.repository(name).ok_or_else(|| UnplacedReason {
        because: format!("the repository {name} is not configured"),
        missing: format!("add [repositories.{name}]"),
    })
}

/// The revision that failed: of the release, or of the deployment at that time, or of the deployed branch.
pub(super) async fn revision(
    store: &Store,
    repository: &RepositorySettings,
    incident: &Incident,
    data_dir: &Path,
) -> Result<InvestigationTarget, TargetError> {
    let mut tries: Vec<(String, String)> = Vec::new();
    if let Some(release) = &incident.release {
        for name in names_of(release) {
            tries.push((name, format!("the ticket names the release {release}")));
        }
    }
    let context = &incident.ticket.context;
    let at = context.first_seen.or(context.last_seen).unwrap_or(incident.created_at);
    tries.extend(deployed(store, repository, incident, at).await?);
    let branch = repository.branch.clone().unwrap_or_else(|| "HEAD".to_owned());
    let (name, path, data_dir) = (repository.name.clone(), repository.path.clone(), data_dir.to_owned());
    let look = move || {
        let repo = Repo::open(&path, &data_dir)?;
        let (revision, because) = match first_known(&repo, tries) {
            Some(known) => known,
            None => {
                (repo.resolve(&branch)?, format!("no release or deployment is known, so {branch} is used"))
            }
        };
        Ok(InvestigationTarget { repository: name, revision, because, good: None })
    };
    tokio::task::spawn_blocking(look).await.map_err(|_| TargetError::Broken)?
}

/// What ran at a time: the revision that was deployed then, or the newest commit that the deployed branch had. `None` if the
/// branch is younger than that.
pub(super) async fn at_time(
    store: &Store,
    repository: &RepositorySettings,
    incident: &Incident,
    at: Timestamp,
    data_dir: &Path,
) -> Result<Option<InvestigationTarget>, TargetError> {
    let tries = deployed(store, repository, incident, at).await?;
    let branch = repository.branch.clone().unwrap_or_else(|| "HEAD".to_owned());
    let (name, path, data_dir, until) =
        (repository.name.clone(), repository.path.clone(), data_dir.to_owned(), at);
    let look = move || -> Result<Option<InvestigationTarget>, RepoError> {
        let repo = Repo::open(&path, &data_dir)?;
        if let Some((revision, because)) = first_known(&repo, tries) {
            return Ok(Some(InvestigationTarget { repository: name, revision, because, good: None }));
        }
        let because = format!("{branch} was at this commit at {until}");
        let newest = newest_until(&repo, &branch, until.as_jiff())?;
        Ok(newest.map(|commit| InvestigationTarget {
            repository: name,
            revision: commit.id,
            because,
            good: None,
        }))
    };
    Ok(tokio::task::spawn_blocking(look).await.map_err(|_| TargetError::Broken)??)
}

/// What was deployed at a time, of the incident's service or of one that the repository contains: names, each with the
/// reason.
async fn deployed(
    store: &Store,
    repository: &RepositorySettings,
    incident: &Incident,
    at: Timestamp,
) -> Result<Vec<(String, String)>, StoreError> {
    for service in incident
        .service
        .iter()
        .chain(&repository.services)
        .map(String::as_str)
        .chain([repository.name.as_str()])
    {
        let ran = store.deployments_at(service, incident.environment.as_deref(), at, 1).await?;
        if let Some(deployment) = ran.first() {
            let because = format!(
                "{} of {} was deployed to {} at {}",
                deployment.revision, deployment.service, deployment.environment, deployment.at
            );
            let names = names_of(&deployment.revision).into_iter();
            return Ok(names.map(|name| (name, because.clone())).collect());
        }
    }
    Ok(Vec::new())
}

/// The first name that resolves to a commit here, with that commit and the reason.
fn first_known(repo: &Repo, tries: Vec<(String, String)>) -> Option<(CommitId, String)> {
    tries.into_iter().find_map(|(name, because)| Some((repo.resolve(&name).ok()?, because)))
}

/// The newest commit that a branch had at a time; `None` if the branch is younger.
pub(super) fn newest_until(
    repo: &Repo,
    branch: &str,
    until: jiff::Timestamp,
) -> Result<Option<CommitSummary>, RepoError> {
    let query = LogQuery {
        tip: repo.resolve(branch)?.to_string(),
        until: Some(format!("{until:.0}")),
        limit: 1,
        ..LogQuery::default()
    };
    Ok(log(repo, &query, &CancelFlag::default())?.items.into_iter().next())
}

/// Possible names of a release in a repository: `shop@1.2.3`, `1.2.3`, `v1.2.3`, a commit. Never a revision expression.
fn names_of(release: &str) -> Vec<String> {
    let plain = |name: &&str| {
        (1..=100).contains(&name.len())
            && !name.starts_with('-')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-/+".contains(c))
    };
    let release = release.trim();
    let tail = release.rsplit('@').next().unwrap_or(release);
    let mut names: Vec<String> = Vec::new();
    for name in [release, tail].iter().filter(|name| plain(name)) {
        for spelled in [(*name).to_owned(), format!("v{name}"), format!("release-{name}")] {
            if !names.contains(&spelled) {
                names.push(spelled);
            }
        }
    }
    // `1.2.3+abcdef0` and `1.2.3-5-gabcdef0` end in the commit.
    if let Some(end) = tail.rsplit(['+', '-']).next().map(|end| end.trim_start_matches('g'))
        && end.len() >= 7
        && end.chars().all(|c| c.is_ascii_hexdigit())
    {
        names.push(end.to_owned());
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_has_several_spellings_and_no_expressions() {
        assert!(names_of("shop@1.2.3").contains(&"v1.2.3".into()));
        assert!(names_of("1.2.3+0a1b2c3d").contains(&"0a1b2c3d".into()));
        assert!(names_of("v1.2-5-g0a1b2c3d").contains(&"0a1b2c3d".into()));
        for hostile in ["HEAD~3", "--upload-pack=x", "a b", "x:y", "", "@{1}"] {
            assert!(names_of(hostile).iter().all(|name| !name.contains(['~', ' ', ':', '{'])), "{hostile}");
        }
        assert!(names_of("--upload-pack").is_empty());
    }
}
