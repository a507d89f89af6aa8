/*!
The rights with which the author of a question may judge the answer, for every channel.
*/

use std::sync::Arc;

use millwright_agent::conversation::{FeedbackFuture, FeedbackTaker};
use millwright_model::{Approval, IncidentId};
use millwright_store::{Actor, FeedbackAuthor, FeedbackRights, StoreError};
use millwright_usecases::UseCases;

use crate::app::ServiceState;
use crate::auth::{Principal, TokenRole, is_valid};
use crate::chat;

/// Takes feedback from the author of a question, by the rights that they have when it is answered.
pub(super) struct AuthorsFeedback {
    pub(super) app: Arc<ServiceState>,
    pub(super) use_cases: UseCases,
    pub(super) author: String,
}

impl FeedbackTaker for AuthorsFeedback {
    fn take<'a>(&'a self, incident: &'a IncidentId, said: Approval, note: &'a str) -> FeedbackFuture<'a> {
        Box::pin(async move {
            let rights = match standing_of(&self.app, &self.author).await? {
                Ok(rights) => rights,
                Err(why) => return Ok(why),
            };
            let judge = FeedbackAuthor::new(Actor { who: &self.author, why: note }, rights);
            Ok(self.use_cases.judge_in_words(judge, incident, said).await?)
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
        return Ok(standing.ok_or_else(|| "Your token no longer allows you to judge answers.".to_owned()));
    }
    match chat::user_of(author) {
        Some(user) => Ok(chat::standing(app, user).await),
        None => Ok(Err("Millwright does not know who you are, so your judgement of the answer is not \
                        accepted."
            .to_owned())),
    }
}
