/*!
What becomes of what Slack told: a mention begins an incident or goes on with its thread's, a button decides. Whoever
reads the channel may report; to judge one has to belong to the workspace, and to stop and to consent one has to be named in
the configuration.
*/

use std::sync::Arc;

use millwright_integrations::slack::api::SlackApi;
use millwright_integrations::slack::wire::{SlackButtonPress, SlackCommand, SlackEvent, SlackMessage};
use millwright_model::{Audience, ConversationId, IncidentId, RemoteFile, VisibleSet, digest};
use millwright_store::{FeedbackAuthor, IngestResult};
use millwright_usecases::{
    AnswerJudgement, ChannelReport, DeliveryKey, JudgementEffect, ThreadMessage, UseCases,
};
use serde_json::json;

use super::{NAME, people};
use crate::app::ServiceState;
use crate::auth::{Principal, TokenRole};
use crate::http::Problem;

/// Longest title made of a message, in characters.
const TITLE: usize = 160;
/// The title of a message that has no line.
const DEFAULT_TITLE: &str = "Report from Slack";
const HELP: &str = "Tell me what goes wrong: what was seen, since when, and any stack trace, log line or failing test. \
    I look into it and answer here; ask me anything about it in the thread.";

pub(super) async fn told(app: &Arc<ServiceState>, told: SlackEvent) -> Result<&'static str, Problem> {
    match told {
        SlackEvent::Said(said) => self::said(app, said).await,
        SlackEvent::Edited(said) => edited(app, said).await,
        SlackEvent::Stopped { channel, thread, user } => {
            let Some(incident) = incident_of(app, &channel, &thread).await? else { return Ok("ignored") };
            stop(app, &user, &incident, &channel, Some(&thread)).await;
            Ok("stopped")
        }
        SlackEvent::Challenge(_) | SlackEvent::Nothing => Ok("ignored"),
    }
}

/// The incident that a thread is about. In a channel that is closed it is one of that channel's: what is said there goes into nothing
/// that others read, however the thread began.
async fn incident_said_in(
    app: &ServiceState,
    said: &SlackMessage,
    thread: &str,
) -> Result<Option<IncidentId>, Problem> {
    let Some(found) = incident_of(app, &said.channel, thread).await? else { return Ok(None) };
    let closed = people::conversation_of(app, &said.channel, said.is_closed).await;
    let is_open = app.own_store.get_incident(&found).await?.conversation.is_none();
    Ok(Some(found).filter(|_| closed.is_none() || !is_open))
}

/// The incident that a thread is about, whoever reads it.
async fn incident_of(app: &ServiceState, channel: &str, thread: &str) -> Result<Option<IncidentId>, Problem> {
    let conversation = people::conversation(channel);
    let store = app.own_store.within_conversation(conversation.as_ref());
    match store.incident_known_by(&key(channel, thread), conversation.as_ref()).await? {
        Some(known) => Ok(Some(known)),
        // Threads under a message of ours that a command brought about.
        None => Ok(store.incident_of_note(NAME, channel, thread).await?),
    }
}

/// What may be done from within a channel: of what was said in others that are closed, nothing.
fn use_cases_in(app: &ServiceState, channel: &str) -> UseCases {
    app.use_cases_on(app.own_store.within_conversation(people::conversation(channel).as_ref()))
}

fn key(channel: &str, thread: &str) -> String {
    format!("{NAME}:{}", digest(&[channel, thread]))
}

async fn said(app: &Arc<ServiceState>, said: SlackMessage) -> Result<&'static str, Problem> {
    if said.text.is_empty() || said.text.eq_ignore_ascii_case("help") {
        whisper(app, &said.channel, Some(&said.thread), &said.user, HELP.to_owned());
        return Ok("ignored");
    }
    let delivery = DeliveryKey::Delivered { system: NAME, id: said.event.clone() };
    if let Some(incident) = incident_said_in(app, &said, &said.thread).await? {
        return go_on(app, &said, &incident, &delivery).await;
    }
    let target = format!("{}/{}", said.channel, said.thread);
    let external_id = format!("{}/{}", said.channel, said.ts);
    let keys = vec![key(&said.channel, &said.thread)];
    let reported = Reported {
        user: &said.user,
        text: &said.text,
        files: said.files.clone(),
        keys,
        external_id,
        target,
        audience: people::audience_of_event(app, said.is_shared),
        conversation: people::conversation_of(app, &said.channel, said.is_closed).await,
        delivery,
    };
    let arrived = report(app, reported).await?;
    match &arrived {
        // Somebody was quicker in this thread, or the same failure is known from elsewhere: this adds to it.
        IngestResult::Joined(incident) => {
            let with = DeliveryKey::SaidWith { system: NAME, id: said.event.clone() };
            go_on(app, &said, incident, &with).await
        }
        IngestResult::Opened(_) => Ok("opened"),
        IngestResult::Again(_) => Ok("again"),
        IngestResult::Resolved(_) | IngestResult::Ignored => Ok("ignored"),
    }
}

/// What begins an incident.
struct Reported<'a> {
    user: &'a str,
    text: &'a str,
    files: Vec<RemoteFile>,
    /// What it is known by.
    keys: Vec<String>,
    external_id: String,
    /// Where it is answered.
    target: String,
    /// Who reads it there.
    audience: Audience,
    /// Where nobody else reads it.
    conversation: Option<ConversationId>,
    /// What this delivery is known by.
    delivery: DeliveryKey,
}

async fn report(app: &ServiceState, reported: Reported<'_>) -> Result<IngestResult, Problem> {
    let Reported { user, text, files, keys, external_id, target, audience, conversation, delivery } =
        reported;
    let report = ChannelReport {
        system: NAME,
        payload: payload(text),
        default_title: DEFAULT_TITLE.to_owned(),
        service: None,
        external_id: Some(external_id),
        delivery,
        correlation: keys,
        is_joined_by_trace: true,
        audience,
        conversation,
        is_resolved: false,
        note: Some(target),
        files,
        by: person(user),
    };
    Ok(app.intake.report_from_channel(report).await?)
}

/// A message as intake reads it.
pub(super) fn payload(text: &str) -> serde_json::Value {
    let title = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or(DEFAULT_TITLE);
    json!({ "title": title.chars().take(TITLE).collect::<String>(), "body": text, "source": NAME })
}

/// A remark while the run goes on, a question once it has ended; either is answered in the thread.
async fn go_on(
    app: &ServiceState,
    said: &SlackMessage,
    incident: &IncidentId,
    delivery: &DeliveryKey,
) -> Result<&'static str, Problem> {
    let thread = format!("{}/{}", said.channel, said.thread);
    let message = ThreadMessage {
        delivery,
        system: NAME,
        incident,
        author: &person(&said.user),
        text: &said.text,
        reply_in: Some(&thread),
    };
    let is_new = use_cases_in(app, &said.channel).say_in_thread(message).await?;
    Ok(if is_new { "said" } else { "again" })
}

/// What began an incident was changed: a run that is still at it should know.
async fn edited(app: &ServiceState, said: SlackMessage) -> Result<&'static str, Problem> {
    let Some(incident) = incident_said_in(app, &said, &said.ts).await? else {
        return Ok("ignored");
    };
    if said.text.is_empty() {
        return Ok("ignored");
    }
    let message = ThreadMessage {
        delivery: &DeliveryKey::Delivered { system: NAME, id: said.event.clone() },
        system: NAME,
        incident: &incident,
        author: &person(&said.user),
        text: &format!("The report was changed, and now says: {}", said.text),
        reply_in: None,
    };
    Ok(match use_cases_in(app, &said.channel).tell_running(message).await? {
        Some(true) => "said",
        Some(false) => "again",
        None => "ignored",
    })
}

/// Takes a slash command; answers what its user is told.
pub(super) async fn command(
    app: &Arc<ServiceState>,
    command: SlackCommand,
) -> Result<(&'static str, String), Problem> {
    if command.text.is_empty() || command.text.eq_ignore_ascii_case("help") {
        return Ok(("ignored", HELP.to_owned()));
    }
    let id = digest(&[&command.trigger]);
    let (audience, conversation) = people::readers_of_channel(app, &command.channel).await;
    let reported = Reported {
        user: &command.user,
        text: &command.text,
        files: Vec::new(),
        keys: Vec::new(),
        external_id: format!("{}/{id}", command.channel),
        target: command.channel.clone(),
        audience,
        conversation,
        delivery: DeliveryKey::Delivered { system: NAME, id: command.trigger.clone() },
    };
    let arrived = report(app, reported).await?;
    Ok(match arrived {
        IngestResult::Joined(id) => {
            ("joined", format!("That is looked into already ({id}); I say what I find in the channel."))
        }
        IngestResult::Again(_) => ("again", "I have that already.".to_owned()),
        arrived => (
            "opened",
            format!(
                "I look into it and say what I find in the channel ({}).",
                arrived.incident().map_or("", IncidentId::as_str)
            ),
        ),
    })
}

/// Does what a button says. Who may not, or comes too late, is told so.
pub(super) async fn pressed(app: &Arc<ServiceState>, pressed: SlackButtonPress) -> Result<(), Problem> {
    let SlackButtonPress { user, channel, thread, action, value } = pressed;
    let thread = thread.as_deref();
    let principal = principal(app, &user, &channel);
    let use_cases = app.use_cases_of(&principal);
    let known =
        |id: &str| id.len() <= 255 && id.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
    let done = match action.as_str() {
        _ if !known(&value) => return Ok(()),
        "confirm" | "reject" => match people::standing(app, &user).await {
            Ok(standing) => {
                let judge = FeedbackAuthor::new(principal.because("in Slack"), standing);
                let Ok(incident) = IncidentId::parse(&value) else { return Ok(()) };
                let confirms = action == "confirm";
                let judged = use_cases.judge(judge, AnswerJudgement::of_best(&incident, confirms)).await;
                // The message shows who confirmed or rejected; what it does not show is told.
                judged.map(|judged| {
                    if judged.effect == JudgementEffect::Remark || (confirms && !judged.is_trusted()) {
                        whisper(app, &channel, thread, &user, judged.detail);
                    }
                })
            }
            Err(why) => {
                whisper(app, &channel, thread, &user, why);
                return Ok(());
            }
        },
        "approve" | "deny" if principal.role >= TokenRole::Responder => {
            let decided = use_cases.decide(&principal, &value, action == "approve", "in Slack");
            decided.await.map(|_| ())
        }
        "stop" => {
            let Ok(incident) = IncidentId::parse(&value) else { return Ok(()) };
            stop(app, &user, &incident, &channel, thread).await;
            return Ok(());
        }
        "approve" | "deny" => {
            whisper(app, &channel, thread, &user, not_allowed());
            return Ok(());
        }
        _ => return Ok(()),
    };
    match done {
        Ok(()) => Ok(()),
        // The store being away is for Slack to try again; what cannot be done is for the person to know.
        Err(error) if !error.is_of_caller() => Err(error.into()),
        Err(error) => {
            whisper(app, &channel, thread, &user, error.to_string());
            Ok(())
        }
    }
}

async fn stop(
    app: &Arc<ServiceState>,
    user: &str,
    incident: &IncidentId,
    channel: &str,
    thread: Option<&str>,
) {
    let principal = principal(app, user, channel);
    if principal.role < TokenRole::Responder {
        return whisper(app, channel, thread, user, not_allowed());
    }
    match app.use_cases_of(&principal).stop(&principal, incident).await {
        Ok(_) => {}
        Err(error) if error.is_of_caller() => whisper(app, channel, thread, user, error.to_string()),
        // Why the service could not is for the log, not for the channel.
        Err(error) => whisper(app, channel, thread, user, Problem::from(error).detail),
    }
}

fn not_allowed() -> String {
    "This is for responders; an administrator names them under [channels.slack] responders.".to_owned()
}

fn person(user: &str) -> String {
    format!("{NAME}:{user}")
}

fn principal(app: &ServiceState, user: &str, channel: &str) -> Principal {
    let named = app.settings.chat.as_ref().is_some_and(|slack| slack.responders.contains(user));
    let role = if named { TokenRole::Responder } else { TokenRole::Support };
    Principal {
        name: person(user),
        role,
        key: person(user),
        // Who is in the workspace belongs to the organisation.
        repositories: VisibleSet::All,
        conversations: VisibleSet::Only(people::conversation(channel).into_iter().collect()),
    }
}

/// Tells one person something, in the background: the acknowledgement does not wait for it.
fn whisper(app: &Arc<ServiceState>, channel: &str, thread: Option<&str>, user: &str, text: String) {
    let (app, channel, user) = (app.clone(), channel.to_owned(), user.to_owned());
    let thread = thread.map(str::to_owned);
    tokio::spawn(async move {
        let Some(slack) = &app.settings.chat else { return };
        let told = async {
            SlackApi::new(slack, app.http()?).whisper(&channel, thread.as_deref(), &user, &text).await
        };
        if let Err(error) = told.await {
            tracing::warn!(%error, "somebody in Slack could not be told why");
        }
    });
}
