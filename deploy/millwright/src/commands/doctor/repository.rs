/*!
One repository: whether it can be read, and whether its recipes run in a clean checkout.
*/

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use millwright_service::settings::Repository;
use millwright_tools::git::{self, Remote, Repo};
use millwright_tools::process::CancelFlag;
use millwright_tools::replay::ReplayOptions;
use millwright_tools::setup_check::{RecipeTrial, RecipesTried, SetupCheck, check_checkout};

use super::checkup::Checkup;

/// Whether and how long recipes are run.
#[derive(Debug, Clone)]
pub(super) struct TrialTerms {
    /// Longest time for one command; `None` runs none.
    pub(super) patience: Option<Duration>,
    pub(super) sandbox: ReplayOptions,
}

/// Looks at the repository under the heading `whole`.
pub(super) async fn check_repository(
    checkup: &mut Checkup,
    whole: &str,
    repository: Repository,
    data_dir: &Path,
    terms: &TrialTerms,
) -> Result<()> {
    if let Some(remote) = repository.remote.clone() {
        let reached =
            tokio::task::spawn_blocking(move || git::reach(&remote).map(|count| told(&remote, count)));
        let reached = reached.await?;
        let is_there = reached.is_ok();
        checkup.note(whole, reached.map_err(|error| error.to_string()));
        if !repository.path.exists() {
            if is_there {
                let detail =
                    "not tried: the service clones it with its first start; run `doctor` again after that";
                checkup.doubt(&format!("{whole}: recipes"), detail);
            }
            return Ok(());
        }
    }
    let is_clone_of_ours = repository.remote.is_some();
    let (dir, terms) = (data_dir.to_owned(), terms.clone());
    let looked = tokio::task::spawn_blocking(move || look(&repository, &dir, &terms)).await?;
    match looked {
        Ok((opened, checks)) => {
            if !is_clone_of_ours {
                checkup.note(whole, Ok(opened));
            }
            checkup.extend(whole, checks);
        }
        Err(why) => checkup.note(whole, Err(why)),
    }
    Ok(())
}

fn told(remote: &Remote, branches: usize) -> String {
    let branches = if branches == 1 { "1 branch".to_owned() } else { format!("{branches} branches") };
    format!("{} answers, with {branches}", remote.url)
}

/// Opens it, tries its recipes at the deployed branch, and says what its checkouts lack. Blocks.
fn look(
    repository: &Repository,
    data_dir: &Path,
    terms: &TrialTerms,
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
                format!("{branch} is no branch of it ({error}); correct branch in [repositories.NAME]");
            checks.push(SetupCheck::broken("branch", detail));
            repo.resolve("HEAD").map_err(|error| error.to_string())?
        }
    };
    let tried = match terms.patience {
        None => RecipesTried::default(),
        Some(patience) => {
            let trial = RecipeTrial {
                repo: &repo,
                revision: &revision,
                recipes: &repository.recipes,
                tests: repository.tests.as_deref(),
                sandbox: terms.sandbox.clone(),
                patience,
                cancel: CancelFlag::default(),
            };
            trial.run(&|command| {
                eprintln!("millwright: trying `{command}`, for {} s at most", patience.as_secs());
            })
        }
    };
    checks.extend(tried.checks);
    let contents = check_checkout(&repo, &revision, &repository.recipes, tried.tests_ran);
    checks.extend(contents.map_err(|error| error.to_string())?);
    let short = revision.get(..10).unwrap_or(&revision);
    Ok((format!("{} at {short}", repo.path().display()), checks))
}
