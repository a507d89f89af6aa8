/*!
Checks one repository: whether it can be read, and whether its recipes run in a clean checkout.
*/

use std::path::Path;

use anyhow::Result;
use millwright_git::{self as git, MirrorRemote, Repo};
use millwright_server::settings::RepositorySettings;
use millwright_tools::setup_check::{SetupCheck, SetupPart, check_checkout};

use super::findings::DoctorFindings;
use crate::commands::recipe_trial::TrialBounds;

/// Checks the repository and notes the findings under the heading `whole`.
pub(super) async fn check_repository(
    findings: &mut DoctorFindings,
    whole: &str,
    repository: RepositorySettings,
    data_dir: &Path,
    bounds: Option<&TrialBounds>,
) -> Result<()> {
    if let Some(remote) = repository.remote.clone() {
        let reached =
            tokio::task::spawn_blocking(move || git::reach(&remote).map(|count| told(&remote, count)));
        let reached = reached.await?;
        let is_there = reached.is_ok();
        findings.note(whole, reached.map_err(|error| error.to_string()));
        if !repository.path.exists() {
            if is_there {
                let detail =
                    "not tried: the service clones it at its first start; run `doctor` again after that";
                findings.doubt(&format!("{whole}: recipes"), detail);
            }
            return Ok(());
        }
    }
    let is_clone_of_ours = repository.remote.is_some();
    if !repository.path.exists() {
        let fix = "clone it there, or correct path in [repositories.NAME]";
        findings.note(whole, Err(format!("{} does not exist; {fix}", repository.path.display())));
        return Ok(());
    }
    let (dir, bounds) = (data_dir.to_owned(), bounds.cloned());
    let looked = tokio::task::spawn_blocking(move || look(&repository, &dir, bounds.as_ref())).await?;
    match looked {
        Ok((opened, checks)) => {
            if !is_clone_of_ours {
                findings.note(whole, Ok(opened));
            }
            findings.extend(whole, checks);
        }
        Err(why) => findings.note(whole, Err(why)),
    }
    Ok(())
}

fn told(remote: &MirrorRemote, branches: usize) -> String {
    let branches = if branches == 1 { "1 branch".to_owned() } else { format!("{branches} branches") };
    format!("{} answers, with {branches}", remote.url)
}

/// Opens the repository, runs its recipes at the deployed branch, and says what its checkouts lack. Blocks.
fn look(
    repository: &RepositorySettings,
    data_dir: &Path,
    bounds: Option<&TrialBounds>,
) -> Result<(String, Vec<SetupCheck>), String> {
    let repo = Repo::open(&repository.path, data_dir).map_err(|error| error.to_string())?;
    let branch = repository.branch.as_deref();
    let wanted = branch.unwrap_or("HEAD");
    let mut checks = Vec::new();
    let revision = match repo.resolve(wanted) {
        Ok(revision) => revision,
        Err(error) => {
            let Some(branch) = branch else { return Err(error.to_string()) };
            let detail =
                format!("{branch} is not a branch of it ({error}); correct branch in [repositories.NAME]");
            checks.push(SetupCheck::broken(SetupPart::Branch, detail));
            repo.resolve("HEAD").map_err(|error| error.to_string())?
        }
    };
    let (recipes, tests) = (&repository.recipes, repository.tests.as_deref());
    let tried = bounds.map(|bounds| bounds.try_recipes(&repo, &revision, recipes, tests));
    let tried = tried.unwrap_or_default();
    checks.extend(tried.checks);
    let contents = check_checkout(&repo, &revision, &repository.recipes, tried.tests_ran);
    checks.extend(contents.map_err(|error| error.to_string())?);
    let short = revision.short();
    Ok((format!("{} at {short}", repo.path().display()), checks))
}
