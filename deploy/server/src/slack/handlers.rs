/*!
Handles what Slack delivers: a mention begins an incident or continues the one of its thread, a button decides. Anyone who
reads the channel may report. Only members of the workspace may judge, and only people named in the configuration may stop
a run or consent to a call.
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

/// Longest title made from a message, in characters.
const TITLE: usize = 160;
/// The title for a message without text.
const DEFAULT_TITLE: &str = "Report from Slack";
const HELP: &str = "Tell me what goes wrong: what was seen, since when, and any stack trace, log line or failing test. \
    I investigate it and answer here; ask me anything about it in the thread.";

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

/// The incident that a thread is about. In a closed channel it must be an incident of that channel: what is said there must
/// not go into anything that others read, no matter how the thread began.
async fn incident_said_in(
    app: &ServiceState,
    said: &SlackMessage,
    thread: &str,
) -> Result<Option<IncidentId>, Problem> {
    let Some(found) = incident_of(app, &said.channel, thread).await? else { return Ok(None) };
    if app.own_store.get_incident(&found).await?.conversation.is_some() {
        return Ok(Some(found));
    }
    match people::is_closed_to_others(app, &said.channel, said.is_closed).await {
        Some(false) => Ok(Some(found)),
        Some(true) => Ok(None),
        // Neither guess can be taken back: the message would be seen by others, or the thread go on as another incident.
        None => Err(Problem::busy("Slack does not say who reads this channel; try again")),
    }
}

/// The incident that a thread is about, regardless of who reads it.
async fn incident_of(app: &ServiceState, channel: &str, thread: &str) -> Result<Option<IncidentId>, Problem> {
    let conversation = people::conversation(channel);
    let store = app.own_store.within_conversation(conversation.as_ref());
    match store.incident_known_by(&key(channel, thread), conversation.as_ref()).await? {
        Some(known) => Ok(Some(known)),
        // Threads under a message that we posted for a slash command.
        None => Ok(store.incident_of_note(NAME, channel, thread).await?),
    }
}

/// The use cases for a channel: they exclude what was said in other closed channels.
fn use_cases_in(app: &ServiceState, channel: &str) -> UseCases {
    app.use_cases_on(app.own_store.within_conversation(people::conversation(channel).as_ref()))
}

pub(super) fn key(channel: &str, thread: &str) -> String {
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
        // Another message in this thread was first, or the same failure is already known: this message is added to that
        // incident.
        IngestResult::Joined(incident) => {
            let with = DeliveryKey::SaidWith { system: NAME, id: said.event.clone() };
            go_on(app, &said, incident, &with).await
        }
        IngestResult::Opened(_) => Ok("opened"),
        IngestResult::Again(_) => Ok("again"),
        IngestResult::Resolved(_) | IngestResult::Ignored => Ok("ignored"),
    }
}

/// A report that begins an incident.
struct Reported<'a> {
    user: &'a str,
    text: &'a str,
    files: Vec<RemoteFile>,
    /// The keys that identify the incident.
    keys: Vec<String>,
    external_id: String,
    /// The channel or thread for the answer.
    target: String,
    /// Who reads that channel.
    audience: Audience,
    /// The closed conversation, where only its members read it.
    conversation: Option<ConversationId>,
    /// Identifies this delivery.
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

/// A message in the form that intake reads.
pub(super) fn payload(text: &str) -> serde_json::Value {
    let title = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or(DEFAULT_TITLE);
    json!({ "title": title.chars().take(TITLE).collect::<String>(), "body": text, "source": NAME })
}

/// Adds a message to an incident: a remark while the run is in progress, a question after it has ended. The thread gets the
/// answer to either.
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

/// Someone edited the message that began an incident: a run that is still in progress gets the new text.
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

/// Takes a slash command; returns the reply for its user.
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
        IngestResult::Joined(id) => (
            "joined",
            format!("That is already being investigated ({id}); I will post what I find in the channel."),
        ),
        IngestResult::Again(_) => ("again", "I have already received that.".to_owned()),
        arrived => (
            "opened",
            format!(
                "I am investigating it and will post what I find in the channel ({}).",
                arrived.incident().map_or("", IncidentId::as_str)
            ),
        ),
    })
}

/// Carries out a button press. A person who may not do that, or is too late, gets a reply that says so.
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
                // The message itself shows who confirmed or rejected; the reply tells what it does not show.
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
        // If the store is unavailable, Slack should try again; if the action is impossible, the person should know.
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
        // The reason for a failure of the service belongs in the log, not in the channel.
        Err(error) => whisper(app, channel, thread, user, Problem::from(error).detail),
    }
}

fn not_allowed() -> String {
    "Only responders may do this; an administrator names them under [channels.slack] responders.".to_owned()
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
        // Everyone in the workspace belongs to the organisation.
        repositories: VisibleSet::All,
        conversations: VisibleSet::Only(people::conversation(channel).into_iter().collect()),
    }
}

/// Sends a message that one person sees, in the background: the acknowledgement does not wait for it.
fn whisper(app: &Arc<ServiceState>, channel: &str, thread: Option<&str>, user: &str, text: String) {
    let (app, channel, user) = (app.clone(), channel.to_owned(), user.to_owned());
    let thread = thread.map(str::to_owned);
    tokio::spawn(async move {
        let Some(slack) = &app.settings.chat else { return };
        let told = async {
            SlackApi::new(slack, app.http()?).whisper(&channel, thread.as_deref(), &user, &text).await
        };
        if let Err(error) = told.await {
            tracing::warn!(%error, "a reply to somebody in Slack could not be sent");
        }
    });
}
