/*!
The rights with which the author of a question may judge the answer, for every channel.
*/

use millwright_agent::conversation::{FeedbackFuture, FeedbackTaker};
use millwright_model::{Approval, IncidentId};
use millwright_store::{Actor, FeedbackAuthor, FeedbackRights, Store, StoreError};
use millwright_usecases::{AnswerJudgement, UseCases};

use crate::app::ServiceState;
use crate::auth::{Principal, TokenRole, is_valid};
use crate::chat;

/// Records what the author of a question says about the answer, with the rights that the author has when the question is
/// answered.
pub(super) struct AuthorsFeedback {
    use_cases: UseCases,
    author: String,
    standing: Result<FeedbackRights, String>,
}

impl AuthorsFeedback {
    pub(super) async fn of(app: &ServiceState, store: &Store, author: &str) -> Result<Self, StoreError> {
        Ok(Self {
            use_cases: app.use_cases_on(store.clone()),
            author: author.to_owned(),
            standing: standing_of(app, author).await?,
        })
    }
}

impl FeedbackTaker for AuthorsFeedback {
    fn take<'a>(&'a self, incident: &'a IncidentId, said: Approval, note: &'a str) -> FeedbackFuture<'a> {
        Box::pin(async move {
            let judge = FeedbackAuthor::new(Actor { who: &self.author, why: note }, self.standing.clone()?);
            let judgement = AnswerJudgement::of_best(incident, said == Approval::Confirmed);
            self.use_cases.judge_in_words(judge, judgement).await
        })
    }
}

/// The rights of the author of a message, or why there are none: by the time the message is answered, the author may have
/// lost them.
pub(crate) async fn standing_of(
    app: &ServiceState,
    author: &str,
) -> Result<Result<FeedbackRights, String>, StoreError> {
    if app.settings.anonymous && author == Principal::anonymous().name {
        return Ok(Ok(Principal::anonymous().standing(app.settings.confirming_role)));
    }
    // The id of a token follows its name, and the name may contain anything.
    let id = author.strip_suffix(')').and_then(|author| author.rsplit_once(" (")).map(|(_, id)| id);
    if let Some(id) = id {
        let token = app.own_store.find_token(id).await?.map(|(token, _)| token);
        let token =
            token.filter(|token| is_valid(token) && author == format!("{} ({})", token.name, token.id));
        let role = token
            .and_then(|token| token.role.parse::<TokenRole>().ok())
            .filter(|role| *role > TokenRole::Viewer);
        let standing = role.map(|role| role.standing(app.settings.confirming_role));
        return Ok(standing.ok_or_else(|| "Your token does not let you judge answers any more.".to_owned()));
    }
    match chat::user_of(author) {
        Some(user) => Ok(chat::standing(app, user).await),
        None => Ok(Err("Who you are is not known, so your word on the answer is not taken.".to_owned())),
    }
}
