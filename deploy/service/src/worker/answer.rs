/*!
Answers a question about an incident that has ended, by the same conversation as in a terminal. Investigations and
writing are not begun from here: they have routes of their own.
*/

use std::sync::Arc;

use millwright_agent::conversation::{Conversation, Ears, Setting, command};
use millwright_memory::store::{Job, Message, StoreError};
use millwright_tools::tool::CancelFlag;

use super::place::{self, Place};
use super::{Holder, investigate, rest};
use crate::app::{App, Teller};

pub(super) async fn work(app: &Arc<App>, holder: &Holder, job: &Job, stop: &CancelFlag) {
    let answered = tokio::select! {
        answered = answer(app, job) => answered,
        () = stop.cancelled() => {
            let _ = app.store.return_job(&job.id, holder.as_str(), std::time::Duration::ZERO, None).await;
            return;
        }
    };
    let stored = match answered {
        Ok((question, text)) => {
            app.store.answer_question(&job.id, holder.as_str(), &question, &text).await.map(|_| ())
        }
        Err(error) => {
            let text = error.to_string();
            app.store.return_job(&job.id, holder.as_str(), rest(job.failures), Some(&text)).await.map(|_| ())
        }
    };
    if let Err(error) = stored {
        tracing::error!(%error, "an answer could not be stored");
    }
    app.stored(&job.incident_id);
}

async fn answer(app: &Arc<App>, job: &Job) -> Result<(Message, String), StoreError> {
    let question = app.store.get_message(&job.subject).await?;
    let incident = app.store.get_incident(&job.incident_id).await?;
    let repository = match place::repository(&app.settings.repositories, &incident) {
        Ok(repository) => repository,
        Err(nowhere) => {
            return Ok((question, format!("{}: {}.", nowhere.because, nowhere.missing)));
        }
    };
    if command(&question.body).is_some() {
        return Ok((question, "Commands of the terminal are not taken here; ask in words.".to_owned()));
    }
    let looked = place::revision(&app.store, repository, &incident, &app.settings.data_dir).await;
    let place: Place = match looked {
        Ok(place) => place,
        Err(error) => return Ok((question, format!("The code cannot be looked at: {error}"))),
    };
    let mut options = investigate::options(app, repository, &place, incident.clone());
    options.incident = None;
    let speaker = match (app.settings.speaker)() {
        Ok(speaker) => speaker,
        Err(why) => {
            tracing::warn!(%why, "the model cannot be asked; rules answer");
            None
        }
    };
    let setting = Setting {
        options,
        incident: Some(incident.id.clone()),
        store: app.store.clone(),
        redactor: app.settings.redactor.clone(),
        planner: Box::new(millwright_agent::planner::playbook::Playbook),
        speaker,
        by: question.author.clone(),
        width: 100,
        color: false,
    };
    let teller = Arc::new(Teller::new(app.clone(), &incident.id));
    let (runtime, asked) = (tokio::runtime::Handle::current(), question.body.clone());
    // A conversation stays on the thread that began it.
    let talk = move || {
        runtime.block_on(async move {
            match Conversation::begin(setting).await {
                Ok(begun) => {
                    let ears = Ears { sinks: vec![teller.clone()], progress: teller };
                    begun.reading_only().hear(&asked, &ears).await.text
                }
                Err(error) => format!("The question could not be looked into: {error}"),
            }
        })
    };
    let text = tokio::task::spawn_blocking(talk)
        .await
        .unwrap_or_else(|_| "The answer broke down; ask in other words.".to_owned());
    Ok((question, app.settings.redactor.for_run().redact(&text).text))
}
