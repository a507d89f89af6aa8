/*!
Questions about the code of a configured repository, for the API and for the pages. They read the clone and index what is new
in it, so only a few are answered at once, and never on a thread that serves requests.
*/

use crate::app::ServiceState;
use crate::auth::Principal;
use crate::http::Problem;
use crate::settings::RepositorySettings;
use millwright_code::units::HistoryView;
use millwright_git::Repo;
use millwright_model::RepositoryName;
use millwright_usecases::{HistoryQuestion, code_history};

/// A history that is asked for; `at` is the deployed branch when it is absent.
#[derive(Debug, Clone)]
pub(crate) struct AskedHistory {
    pub(crate) of: String,
    pub(crate) at: Option<String>,
    pub(crate) offset: u32,
    pub(crate) limit: u32,
}

/// The repository of this name that the caller may see, or the only one when no name is given.
pub(crate) fn repository_of<'a>(
    app: &'a ServiceState,
    principal: &'a Principal,
    name: Option<&str>,
) -> Result<&'a RepositorySettings, Problem> {
    let mut visible = app.settings.repositories_of(principal);
    match name {
        Some(name) => visible
            .find(|repository| repository.name.as_str() == name)
            .ok_or_else(|| Problem::not_found(format!("there is no repository {name:?} for you to see"))),
        None => match (visible.next(), visible.next()) {
            (Some(only), None) => Ok(only),
            (None, _) => Err(Problem::not_found("no repository is configured for you to see")),
            (Some(one), Some(other)) => {
                Err(Problem::unprocessable(format!("say which repository: {}, {} …", one.name, other.name)))
            }
        },
    }
}

/// Answers for a caller.
pub(crate) async fn history(
    app: &ServiceState,
    repository: &RepositorySettings,
    asked: AskedHistory,
) -> Result<(RepositoryName, HistoryView), Problem> {
    let name = repository.name.clone();
    let Some(permit) = app.code_questions.permit() else {
        return Err(Problem::busy("other questions about code are being answered; ask again in a moment"));
    };
    let (path, data_dir) = (repository.path.clone(), app.settings.data_dir.clone());
    let (redactor, branch) = (app.settings.redactor.clone(), repository.branch.clone());
    let shown = name.clone();
    let answer = move || {
        // The thread goes on when the caller is gone, so it holds the permit.
        let _permit = permit;
        let repo = Repo::open(&path, &data_dir).map_err(|error| {
            tracing::warn!(event = "code.unread", repository = %shown, %error, "a clone cannot be read");
            Problem::busy(format!(
                "the clone of {shown} cannot be read here yet; `millwright doctor` says why"
            ))
        })?;
        let AskedHistory { of, at, offset, limit } = asked;
        let at = at.or(branch).unwrap_or_else(|| "HEAD".to_owned());
        let question = HistoryQuestion { of: &of, at: &at, offset, limit };
        code_history(&repo, &redactor, question).map_err(Problem::from)
    };
    let ended = tokio::task::spawn_blocking(answer).await;
    let view = ended.map_err(|_| Problem::busy("the question was not answered; ask again in a moment"))??;
    Ok((name, view))
}
