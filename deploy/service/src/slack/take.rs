/*!
What becomes of what Slack told: a mention begins an incident or goes on with its thread's, a button decides. Whoever
is in the workspace may report and judge; to stop and to consent one has to be named in the configuration.
*/

use std::sync::Arc;

use millwright_memory::store::{
    Arrival, Arrived, IncidentState, MessageKind, NewIncident, RemoteFile, SaidThere,
};
use serde_json::json;

use super::wire::{Command, Pressed, Said, Told};
use super::{NAME, api::Api};
use crate::api::incidents::digest;
use crate::api::{approvals, messages};
use crate::app::App;
use crate::auth::{Principal, Role};
use crate::http::Problem;
use crate::intake;

/// Longest title made of a message, in characters.
const TITLE: usize = 160;
/// Longest text of a message to a run or a question, in characters.
const MESSAGE: usize = 8_000;
const HELP: &str = "Tell me what goes wrong: what was seen, since when, and any stack trace, log line or failing test. \
    I look into it and answer here; ask me anything about it in the thread.";

pub(super) async fn told(app: &Arc<App>, told: Told) -> Result<&'static str, Problem> {
    match told {
        Told::Said(said) => self::said(app, said).await,
        Told::Edited(said) => edited(app, said).await,
        Told::Stopped { channel, thread, user } => {
            let Some(incident) = incident_of(app, &channel, &thread).await? else { return Ok("ignored") };
            stop(app, &user, incident, &channel, Some(&thread)).await;
            Ok("stopped")
        }
        Told::Challenge(_) | Told::Nothing => Ok("ignored"),
    }
}

/// The incident that a thread is about.
async fn incident_of(app: &App, channel: &str, thread: &str) -> Result<Option<String>, Problem> {
    match app.store.incident_known_by(&key(channel, thread)).await? {
        Some(known) => Ok(Some(known)),
        // Threads under a message of ours that a command brought about.
        None => Ok(app.store.incident_of_note(NAME, channel, thread).await?),
    }
}

fn key(channel: &str, thread: &str) -> String {
    format!("{NAME}:{}", digest(&[channel, thread]))
}

async fn said(app: &Arc<App>, said: Said) -> Result<&'static str, Problem> {
    if said.text.is_empty() || said.text.eq_ignore_ascii_case("help") {
        whisper(app, &said.channel, Some(&said.thread), &said.user, HELP.to_owned());
        return Ok("ignored");
    }
    let delivery = format!("{NAME}:{}", digest(&[&said.event]));
    if let Some(incident) = incident_of(app, &said.channel, &said.thread).await? {
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
        delivery: delivery.clone(),
    };
    let arrived = report(app, reported).await?;
    match &arrived {
        // Somebody was quicker in this thread, or the same failure is known from elsewhere: this adds to it.
        Arrived::Joined(incident) => go_on(app, &said, incident, &format!("{delivery}:said")).await,
        Arrived::Opened(_) => Ok("opened"),
        Arrived::Again(_) => Ok("again"),
        Arrived::Resolved(_) | Arrived::Ignored => Ok("ignored"),
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
    /// What this delivery is known by.
    delivery: String,
}

async fn report(app: &App, reported: Reported<'_>) -> Result<Arrived, Problem> {
    let Reported { user, text, files, mut keys, external_id, target, delivery } = reported;
    let mut ticket = intake::read(&app.settings.redactor, payload(text)).await;
    ticket.context.external_id = Some(external_id);
    if !ticket.fingerprint.symbols.is_empty() {
        keys.push(format!("trace:{}", ticket.fingerprint.value));
    }
    let arrived = app
        .intake
        .arrive(Arrival {
            incident: NewIncident {
                repository: None,
                source: Some(NAME.to_owned()),
                ticket,
                mapped: Vec::new(),
            },
            delivery: Some(delivery),
            correlation: keys,
            resolved: false,
            note: Some((NAME.to_owned(), target)),
            files,
            by: person(user),
        })
        .await?;
    if let Some(incident) = arrived.incident() {
        app.stored(incident);
        app.work.notify_one();
    }
    Ok(arrived)
}

/// A message as intake reads it.
pub(super) fn payload(text: &str) -> serde_json::Value {
    let title = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("Report from Slack");
    json!({ "title": title.chars().take(TITLE).collect::<String>(), "body": text, "source": NAME })
}

/// A remark while the run goes on, a question once it has ended; either is answered in the thread.
async fn go_on(app: &App, said: &Said, incident: &str, delivery: &str) -> Result<&'static str, Problem> {
    let text: String = said.text.chars().take(MESSAGE).collect();
    let text = app.settings.redactor.for_run().redact(&text).text;
    let thread = format!("{}/{}", said.channel, said.thread);
    let kept = app
        .store
        .say_once(SaidThere {
            delivery,
            source: NAME,
            incident,
            author: &person(&said.user),
            kind: kind_now(app, incident).await?,
            text: &text,
            reply: Some((NAME, &thread)),
        })
        .await?;
    app.stored(incident);
    app.work.notify_one();
    Ok(if kept.is_some() { "said" } else { "again" })
}

async fn kind_now(app: &App, incident: &str) -> Result<MessageKind, Problem> {
    Ok(match app.store.get_incident(incident).await?.state {
        IncidentState::Queued | IncidentState::Running | IncidentState::AwaitingApproval => {
            MessageKind::Remark
        }
        IncidentState::Done | IncidentState::Failed | IncidentState::Cancelled => MessageKind::Question,
    })
}

/// What began an incident was changed: a run that is still at it should know.
async fn edited(app: &App, said: Said) -> Result<&'static str, Problem> {
    let Some(incident) = app.store.incident_known_by(&key(&said.channel, &said.ts)).await? else {
        return Ok("ignored");
    };
    if said.text.is_empty() || kind_now(app, &incident).await? != MessageKind::Remark {
        return Ok("ignored");
    }
    let text: String =
        format!("The report was changed, and now says: {}", said.text).chars().take(MESSAGE).collect();
    let text = app.settings.redactor.for_run().redact(&text).text;
    let kept = app
        .store
        .say_once(SaidThere {
            delivery: &format!("{NAME}:{}", digest(&[&said.event])),
            source: NAME,
            incident: &incident,
            author: &person(&said.user),
            kind: MessageKind::Remark,
            text: &text,
            reply: None,
        })
        .await?;
    app.stored(&incident);
    Ok(if kept.is_some() { "said" } else { "again" })
}

/// Takes a slash command; answers what its user is told.
pub(super) async fn command(app: &Arc<App>, command: Command) -> Result<(&'static str, String), Problem> {
    if command.text.is_empty() || command.text.eq_ignore_ascii_case("help") {
        return Ok(("ignored", HELP.to_owned()));
    }
    let id = digest(&[&command.trigger]);
    let reported = Reported {
        user: &command.user,
        text: &command.text,
        files: Vec::new(),
        keys: Vec::new(),
        external_id: format!("{}/{id}", command.channel),
        target: command.channel.clone(),
        delivery: format!("{NAME}:{id}"),
    };
    let arrived = report(app, reported).await?;
    Ok(match arrived {
        Arrived::Joined(id) => {
            ("joined", format!("That is looked into already ({id}); I say what I find in the channel."))
        }
        Arrived::Again(_) => ("again", "I have that already.".to_owned()),
        arrived => (
            "opened",
            format!(
                "I look into it and say what I find in the channel ({}).",
                arrived.incident().unwrap_or_default()
            ),
        ),
    })
}

/// Does what a button says. Who may not, or comes too late, is told so.
pub(super) async fn pressed(app: &Arc<App>, pressed: Pressed) -> Result<(), Problem> {
    let Pressed { user, channel, thread, action, value } = pressed;
    let thread = thread.as_deref();
    let principal = principal(app, &user);
    let known =
        |id: &str| id.len() <= 255 && id.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
    let done = match action.as_str() {
        _ if !known(&value) => return Ok(()),
        "confirm" | "reject" => {
            let judged =
                messages::judge_by(app, &principal.name, value, None, action == "confirm", "in Slack");
            judged.await.map(|_| ())
        }
        "approve" | "deny" if principal.role >= Role::Responder => {
            let decided = approvals::decide_by(app, &principal, &value, action == "approve", "in Slack");
            decided.await.map(|_| ())
        }
        "stop" => {
            stop(app, &user, value, &channel, thread).await;
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
        Err(problem) if problem.status().is_server_error() => Err(problem),
        Err(problem) => {
            whisper(app, &channel, thread, &user, problem.detail);
            Ok(())
        }
    }
}

async fn stop(app: &Arc<App>, user: &str, incident: String, channel: &str, thread: Option<&str>) {
    let principal = principal(app, user);
    if principal.role < Role::Responder {
        return whisper(app, channel, thread, user, not_allowed());
    }
    if let Err(problem) = messages::stop_by(app, &principal, incident).await {
        whisper(app, channel, thread, user, problem.detail);
    }
}

fn not_allowed() -> String {
    "This is for responders; an administrator names them under [channels.slack] responders.".to_owned()
}

fn person(user: &str) -> String {
    format!("{NAME}:{user}")
}

fn principal(app: &App, user: &str) -> Principal {
    let named = app.settings.slack.as_ref().is_some_and(|slack| slack.responders.contains(user));
    let role = if named { Role::Responder } else { Role::Support };
    Principal { name: person(user), role, key: person(user) }
}

/// Tells one person something, in the background: the acknowledgement does not wait for it.
fn whisper(app: &Arc<App>, channel: &str, thread: Option<&str>, user: &str, text: String) {
    let (app, channel, user) = (app.clone(), channel.to_owned(), user.to_owned());
    let thread = thread.map(str::to_owned);
    tokio::spawn(async move {
        let Some(slack) = &app.settings.slack else { return };
        let told =
            async { Api::new(slack, app.http()?).whisper(&channel, thread.as_deref(), &user, &text).await };
        if let Err(error) = told.await {
            tracing::warn!(%error, "somebody in Slack could not be told why");
        }
    });
}
