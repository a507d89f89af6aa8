/*!
Answers a question about an ended incident, with the same conversation as in a terminal. It does not start investigations
or write fixes: those have routes of their own.
*/

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use millwright_agent::conversation::{
    Conversation, ConversationContext, ConversationListener, FeedbackError, command,
};
use millwright_agent::investigation::InvestigateError;
use millwright_agent::lease_holder::LeaseHolder;
use millwright_store::{IncidentMessage, Job, StoreError, is_transient};
use millwright_tools::CancelFlag;

use super::investigate;
use super::progress::ProgressPublisher;
use super::standing::AuthorsFeedback;
use super::target::{self, InvestigationTarget, TargetError};
use crate::app::{ServiceState, millis};
use crate::jobs::{persist, retry_backoff};

/// No variant is transparent about the store's errors: each stays in the chain, where `is_transient` looks for it.
#[derive(Debug, thiserror::Error)]
enum AnswerError {
    #[error("{0}")]
    Store(#[from] StoreError),
    #[error(transparent)]
    Place(#[from] TargetError),
    #[error(transparent)]
    Conversation(#[from] InvestigateError),
    #[error("feedback could not be recorded: {0}")]
    Feedback(#[source] FeedbackError),
}

/// An error becomes the answer, unless the store is unavailable: then the question waits for the store.
fn told<E: Error + Into<AnswerError> + 'static>(what: &str, error: E) -> Result<String, AnswerError> {
    if is_transient(&error) { Err(error.into()) } else { Ok(format!("{what}: {error}")) }
}

pub(super) async fn work(app: &Arc<ServiceState>, holder: &LeaseHolder, job: &Job, stop: &CancelFlag) {
    let begun = Instant::now();
    let answered = tokio::select! {
        answered = answer(app, job) => answered,
        () = stop.cancelled() => {
            persist(&job.id, stop, || app.own_store.return_job(&job.id, holder.as_str(), Duration::ZERO, None)).await;
            return;
        }
    };
    match answered {
        Ok((question, text)) => {
            let answer = || app.own_store.answer_question(&job.id, holder.as_str(), &question, &text);
            if persist(&job.id, stop, answer).await == Some(true) {
                tracing::info!(event = "answer.given", incident = %job.incident_id, job = %job.id, question = %question.id,
                    caller = %question.author, duration_ms = millis(begun), "answer given");
            }
        }
        Err(error) => {
            let text = error.to_string();
            let transient = is_transient(&error);
            tracing::warn!(event = "answer.failed", incident = %job.incident_id, job = %job.id,
                failures = job.failures + i64::from(!transient), error = %text, "a question could not be answered");
            // An unavailable store does not count as a failure of the question.
            let failure = (!transient).then_some(text.as_str());
            let again =
                || app.own_store.return_job(&job.id, holder.as_str(), retry_backoff(job.failures), failure);
            persist(&job.id, stop, again).await;
        }
    }
    app.stored(&job.incident_id);
}

async fn answer(app: &Arc<ServiceState>, job: &Job) -> Result<(IncidentMessage, String), AnswerError> {
    let question = app.own_store.get_message(&job.question()?).await?;
    let incident = app.own_store.get_incident(&job.incident_id).await?;
    let repository = match target::repository(&app.settings, &incident) {
        Ok(repository) => repository,
        Err(nowhere) => {
            return Ok((question, format!("{}: {}.", nowhere.because, nowhere.missing)));
        }
    };
    if command(&question.body).is_some() {
        return Ok((question, "Terminal commands are not available here; ask in plain words.".to_owned()));
    }
    let looked = target::revision(&app.own_store, repository, &incident, &app.settings.data_dir).await;
    let place: InvestigationTarget = match looked {
        Ok(place) => place,
        Err(error) => return Ok((question, told("The code cannot be read", error)?)),
    };
    let mut options = investigate::options(app, repository, &place, incident.clone());
    options.incident = None;
    let speaker = match (app.settings.speaker)() {
        Ok(speaker) => speaker,
        Err(why) => {
            tracing::warn!(%why, "the model is not available; the rules answer");
            None
        }
    };
    // The answer is shown where the incident is, so it uses the same scope.
    let store = app
        .own_store
        .read_for(incident.audience)
        .within_conversation(incident.conversation.as_ref())
        .withholding(app.settings.others_than(Some(&repository.name)));
    let feedback = AuthorsFeedback {
        app: app.clone(),
        use_cases: app.use_cases_on(store.clone()),
        author: question.author.clone(),
    };
    let setting = ConversationContext {
        options,
        incident: Some(incident.id.clone().into()),
        store,
        redactor: app.settings.redactor.clone(),
        planner: Box::new(millwright_agent::planner::playbook::Playbook),
        speaker,
        feedback: Arc::new(feedback),
        by: question.author.clone(),
        width: 100,
        color: false,
    };
    let teller = Arc::new(ProgressPublisher::new(app.clone(), &incident.id));
    let (runtime, asked) = (tokio::runtime::Handle::current(), question.body.clone());
    // A conversation must stay on the thread that began it.
    let talk = move || {
        runtime.block_on(async move {
            match Conversation::begin(setting).await {
                Ok(begun) => {
                    let ears = ConversationListener { sinks: vec![teller.clone()], progress: teller };
                    let answer = begun.reading_only().hear(&asked, &ears).await;
                    match answer.failed.map(AnswerError::Feedback) {
                        Some(error) if is_transient(&error) => Err(error),
                        Some(error) => {
                            tracing::warn!(error = %error, "what a person said of an answer could not be recorded");
                            Ok(answer.text)
                        }
                        None => Ok(answer.text),
                    }
                }
                Err(error) => told("The question could not be answered", error),
            }
        })
    };
    let text = tokio::task::spawn_blocking(talk)
        .await
        .unwrap_or_else(|_| Ok("Answering failed with an internal error; ask in other words.".to_owned()))?;
    Ok((question, app.settings.redactor.for_run().redact(&text).text))
}

#[cfg(test)]
mod tests {
    use millwright_usecases::UseCaseError;

    use super::*;

    #[test]
    fn a_question_waits_for_a_store_that_is_away_and_is_told_of_every_other_error() {
        let away = || StoreError::Away { server: "db".into(), detail: "refused".into() };
        let broken = || StoreError::Unreadable { what: "run", id: "run_1".into(), detail: "x".into() };
        let waits = [
            told("x", TargetError::from(away())).unwrap_err(),
            told("x", InvestigateError::from(away())).unwrap_err(),
            AnswerError::from(away()),
            AnswerError::Feedback(Box::new(UseCaseError::from(away()))),
        ];
        for error in waits {
            assert!(is_transient(&error), "{error:?}");
        }
        for answer in [told("x", TargetError::from(broken())), told("x", InvestigateError::from(broken()))] {
            assert!(answer.unwrap().starts_with("x: run run_1 cannot be read"));
        }
        assert!(told("x", InvestigateError::EmptyTicket).unwrap().starts_with("x: the ticket is empty"));
    }
}
