/*!
Questions about the code of a configured repository, for the API and for the pages. They read the clone and index what is new
in it, so only a few are answered at once, and never on a thread that serves requests.
*/

use crate::app::ServiceState;
use crate::auth::Principal;
use crate::http::Problem;
use crate::settings::RepositorySettings;
use millwright_git::{Repo, RepoError};
use millwright_model::RepositoryName;
use millwright_usecases::{CodeHistory, HistoryRequest, UseCaseError, code_history};

/// The repository of this name that the caller may see, or the only one when no name is given.
pub(crate) fn repository_of<'a>(
    app: &'a ServiceState,
    principal: &'a Principal,
    name: Option<&str>,
) -> Result<&'a RepositorySettings, Problem> {
    let mut visible = app.settings.repositories_of(principal);
    match name {
        Some(name) => visible.find(|repository| repository.name.as_str() == name).ok_or_else(|| {
            let name: String = name.chars().take(200).collect();
            Problem::not_found(format!("there is no repository {name:?} that you can see"))
        }),
        None => match (visible.next(), visible.next()) {
            (Some(only), None) => Ok(only),
            (None, _) => Err(Problem::not_found("no repository is configured that you can see")),
            (Some(one), Some(other)) => {
                Err(Problem::unprocessable(format!("say which repository: {}, {} …", one.name, other.name)))
            }
        },
    }
}

/// Answers for a caller; `at` is the deployed branch when it is absent.
pub(crate) async fn history(
    app: &ServiceState,
    repository: &RepositorySettings,
    of: String,
    at: Option<String>,
    offset: u32,
    limit: u32,
) -> Result<CodeHistory, Problem> {
    let at = at.or_else(|| repository.branch.clone()).unwrap_or_else(|| "HEAD".to_owned());
    let request = HistoryRequest::new(of, at, offset, limit)
        .map_err(|error| Problem::bad_request(error.to_string()))?;
    let Some(permit) = app.code_questions.permit().await else {
        return Err(Problem::busy("other questions about code are being answered; ask again in a moment"));
    };
    let (path, data_dir) = (repository.path.clone(), app.settings.data_dir.clone());
    let (redactor, name) = (app.settings.redactor.clone(), repository.name.clone());
    let answer = move || {
        // The thread goes on when the caller is gone, so it holds the permit.
        let _permit = permit;
        let repo = Repo::open(&path, &data_dir).map_err(|error| not_opened(&name, &error))?;
        code_history(&repo, &redactor, &request).map_err(Problem::from)
    };
    let ended = tokio::task::spawn_blocking(answer).await;
    ended.unwrap_or_else(|error| Err(UseCaseError::Failed { why: error.to_string() }.into()))
}

/// A clone that is not there yet can come; everything else is for the operator to fix.
fn not_opened(repository: &RepositoryName, error: &RepoError) -> Problem {
    match error {
        RepoError::NotARepository { .. } | RepoError::Empty { .. } => {
            tracing::warn!(event = "code.unread", %repository, %error, "a clone cannot be read");
            Problem::busy(format!(
                "the clone of {repository} cannot be read here yet; `millwright doctor` says why"
            ))
        }
        _ => UseCaseError::Failed { why: error.to_string() }.into(),
    }
}
