//! Who may judge in Slack and who reads a channel, by what Slack itself says.

use millwright_model::{Approval, Audience, IncidentId, Proof, Resolution};
use std::time::Duration;

use millwright_store::{Actor, IngestResult, JobKind};
use millwright_usecases::{ChannelReport, DeliveryKey};
use serde_json::{Value, json};

use super::{event, found, incidents, mention, press, press_in, scene_at, send};
use crate::auth::TokenRole;
use crate::tests::Scene;
use millwright_integrations::slack::SlackSettings;

const MINUTE: Duration = Duration::from_secs(60);

/// Each private reply and its recipient, newest last.
pub(super) type Whispers = std::sync::Arc<std::sync::Mutex<Vec<(String, String)>>>;

/// A fake Slack with people and channels.
pub(super) async fn workspace() -> (String, Whispers) {
    let user = |id: &str, team: &str, more: Value| {
        let mut user = json!({ "id": id, "team_id": team, "deleted": false, "is_bot": false, "is_stranger": false,
            "is_restricted": false, "is_ultra_restricted": false });
        user.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        user
    };
    let users = [
        user("U1", "T1", json!({})),
        user("U2", "T1", json!({})),
        user("U3", "T9", json!({})),
        user("U4", "T1", json!({ "is_stranger": true })),
        user("U5", "T1", json!({ "is_restricted": true })),
        user("U6", "T1", json!({ "is_restricted": true, "is_ultra_restricted": true })),
        user("U7", "T1", json!({ "deleted": true })),
        user("U8", "T1", json!({ "is_bot": true })),
        // Slack says less about these users.
        user("U9", "T1", json!({ "is_restricted": null })),
        user("U10", "", json!({})),
    ];
    let whispers = Whispers::default();
    let heard = whispers.clone();
    let answer = move |method: String, body: String| {
        let fields: std::collections::HashMap<String, String> =
            form_urlencoded::parse(body.as_bytes()).into_owned().collect();
        match method.as_str() {
            "auth.test" => json!({ "ok": true, "team_id": "T1", "team": "acme", "user": "millwright" }),
            "users.info" => match users.iter().find(|user| user["id"] == fields["user"].as_str()) {
                Some(user) => json!({ "ok": true, "user": user }),
                None => json!({ "ok": false, "error": "user_not_found" }),
            },
            "conversations.info" => match fields["channel"].as_str() {
                "C1" => {
                    json!({ "ok": true, "channel": { "id": "C1", "is_ext_shared": false, "is_private": false } })
                }
                "C2" => {
                    json!({ "ok": true, "channel": { "id": "C2", "is_ext_shared": true, "is_private": false } })
                }
                "C7" => {
                    json!({ "ok": true, "channel": { "id": "C7", "is_ext_shared": false, "is_private": true } })
                }
                _ => json!({ "ok": false, "error": "missing_scope" }),
            },
            "chat.postEphemeral" => {
                let told: Value = serde_json::from_str(&body).unwrap();
                let text = |key: &str| told[key].as_str().unwrap().to_owned();
                heard.lock().unwrap().push((text("user"), text("text")));
                json!({ "ok": true })
            }
            _ => json!({ "ok": false, "error": "unknown_method" }),
        }
    };
    let handler = move |uri: axum::http::Uri, body: String| async move {
        answer(uri.path().trim_start_matches('/').to_owned(), body).to_string()
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = axum::Router::new().fallback(handler);
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, whispers)
}

/// An incident with an unproven answer, in a workspace.
async fn judged(change: impl FnOnce(&mut SlackSettings)) -> (Scene, IncidentId, Whispers) {
    let (url, whispers) = workspace().await;
    let scene = scene_at(url, change).await;
    event(&scene, "Ev1", mention("1.1", None, "<@U0BOT> totals are wrong")).await;
    let id = incidents(&scene).await.remove(0);
    found(&scene, &id, Proof::None).await;
    (scene, id, whispers)
}

async fn best(scene: &Scene, id: &IncidentId) -> Resolution {
    scene.app.own_store.resolutions(id).await.unwrap().remove(0)
}

/// Waits for the private reply to a user.
async fn told(whispers: &Whispers, user: &str) -> String {
    for _ in 0..200 {
        let found = whispers.lock().unwrap().iter().rev().find(|(who, _)| who == user).cloned();
        if let Some((_, text)) = found {
            return text;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("{user} was told nothing")
}

#[tokio::test]
async fn whoever_is_not_of_the_workspace_judges_nothing() {
    let (scene, id, whispers) = judged(|_| {}).await;
    for (user, why) in [
        ("U3", "another workspace"),
        ("U4", "another workspace"),
        ("U5", "Guests"),
        ("U6", "Guests"),
        ("U7", "active account"),
        ("U8", "active account"),
        ("U9", "Guests"),
        ("U10", "another workspace"),
        ("U99", "cannot check whether"),
    ] {
        for action in ["confirm", "reject"] {
            press(&scene, user, action, id.as_str()).await;
        }
        let text = told(&whispers, user).await;
        assert!(text.contains(why), "{user}: {text}");
        assert_eq!(best(&scene, &id).await.approval, Approval::None, "{user}");
        // A message in words has the same effect.
        let standing =
            crate::worker::standing::standing_of(&scene.app, &format!("slack:{user}")).await.unwrap();
        assert!(standing.is_err_and(|told| told.contains(why)), "{user}");
    }
    // If Slack cannot be asked, nobody counts as a member of the workspace.
    let lost = scene_at("http://127.0.0.1:9".into(), |_| {}).await;
    let standing = crate::worker::standing::standing_of(&lost.app, "slack:U1").await.unwrap();
    assert!(standing.is_err_and(|told| told.contains("cannot check whether")));
}

#[tokio::test]
async fn guests_and_other_workspaces_judge_where_the_configuration_says_so() {
    for (user, change) in [
        (
            "U3",
            (|slack: &mut SlackSettings| slack.judging_teams = ["T9".to_owned()].into())
                as fn(&mut SlackSettings),
        ),
        ("U5", |slack| slack.guests_judge = true),
        ("U0RESP", |_| {}),
    ] {
        let (scene, id, _) = judged(change).await;
        press(&scene, user, "confirm", id.as_str()).await;
        assert_eq!(best(&scene, &id).await.approval, Approval::Confirmed, "{user}");
    }
}

#[tokio::test]
async fn one_member_alone_makes_nothing_known_and_overrules_no_administrator() {
    let (scene, id, whispers) = judged(|_| {}).await;
    press(&scene, "U1", "confirm", id.as_str()).await;
    assert!(!best(&scene, &id).await.is_trusted());
    assert!(told(&whispers, "U1").await.contains("second person"));
    press(&scene, "U2", "confirm", id.as_str()).await;
    assert!(best(&scene, &id).await.is_trusted(), "two persons");
    let known = best(&scene, &id).await;
    let admin = Actor { who: "anna", why: "it is not" };
    scene.app.own_store.set_approval(&known.id, Approval::Rejected, admin).await.unwrap();
    press(&scene, "U2", "confirm", id.as_str()).await;
    assert_eq!(best(&scene, &id).await.approval, Approval::Rejected);
    assert!(told(&whispers, "U2").await.contains("rejected by an administrator"));
}

#[tokio::test]
async fn what_is_said_in_a_shared_channel_is_told_no_more_than_the_public_is() {
    let (url, _) = workspace().await;
    let scene = scene_at(url, |_| {}).await;
    let tell = async |id: &str, ts: &str, shared: Option<bool>| {
        let mut envelope = json!({ "type": "event_callback", "event_id": id,
            "event": mention(ts, None, &format!("<@U0BOT> {ts} fails")) });
        if let Some(shared) = shared {
            envelope["is_ext_shared_channel"] = shared.into();
        }
        assert_eq!(send(&scene, "/hooks/slack/events", &envelope.to_string(), 0).await.status, 200);
    };
    tell("Ev1", "1.1", Some(true)).await;
    tell("Ev2", "2.1", Some(false)).await;
    tell("Ev3", "3.1", None).await;
    for (trigger, channel) in [("t1", "C1"), ("t2", "C2"), ("t3", "C3")] {
        let fields = [("trigger_id", trigger), ("channel_id", channel), ("user_id", "U1"), ("text", channel)];
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        assert_eq!(send(&scene, "/hooks/slack/commands", &body, 0).await.status, 200);
    }
    let mut found = std::collections::BTreeMap::new();
    for id in incidents(&scene).await {
        let incident = scene.app.own_store.get_incident(&id).await.unwrap();
        found.insert(incident.ticket.title, incident.audience);
    }
    use Audience::{Internal, Unknown};
    let expected = [
        ("1.1 fails", Unknown),
        ("2.1 fails", Internal),
        ("3.1 fails", Internal),
        ("C1", Internal),
        ("C2", Unknown),
        ("C3", Unknown),
    ];
    assert_eq!(found, expected.map(|(title, audience)| (title.to_owned(), audience)).into());
}

/// The conversation of the newest incident, and who can see it on the page.
async fn newest(scene: &Scene) -> (IncidentId, Option<String>, [u16; 2]) {
    let id = incidents(scene).await.remove(0);
    let incident = scene.app.own_store.get_incident(&id).await.unwrap();
    let mut seen = [0; 2];
    for (at, role) in [TokenRole::Responder, TokenRole::Admin].into_iter().enumerate() {
        let token = scene.token(role).await;
        seen[at] = scene.ask("GET", &format!("/v1/incidents/{id}"), Some(&token), None).await.status;
    }
    (id, incident.conversation.map(|one| one.to_string()), seen)
}

#[tokio::test]
async fn what_is_said_behind_closed_doors_is_told_to_nobody_else() {
    let (url, whispers) = workspace().await;
    let scene = scene_at(url.clone(), |_| {}).await;
    let trace =
        "Traceback (most recent call last):\n  File \"/srv/shop/cart.py\", line 3, in total\nKeyError: 'x'\n";
    let said = |channel: &str, ts: &str, kind: Option<&str>| {
        let mut event = mention(ts, None, &format!("<@U0BOT> totals are wrong\n{trace}"));
        event["channel"] = channel.into();
        if let Some(kind) = kind {
            event["type"] = "message".into();
            event["channel_type"] = kind.into();
        }
        event
    };
    assert_eq!(event(&scene, "Ev1", said("C1", "1.1", None)).await, "opened");
    let (open, within, seen) = newest(&scene).await;
    assert_eq!((within.as_deref(), seen), (None, [200, 200]));
    // The same failure in a private channel, in a direct message, and in a channel that Slack says nothing about.
    for (at, channel, kind) in [("2.1", "C7", None), ("3.1", "D1", Some("im")), ("4.1", "C9", None)] {
        assert_eq!(event(&scene, at, said(channel, at, kind)).await, "opened", "{channel} joins nothing");
        let (_, within, seen) = newest(&scene).await;
        assert_eq!((within, seen), (Some(format!("slack:{channel}")), [404, 200]));
    }
    // Reported again in an open channel: it joins the open incident.
    assert_eq!(event(&scene, "Ev5", said("C1", "5.1", None)).await, "said");
    assert_eq!(scene.app.own_store.messages(&open, None).await.unwrap().len(), 1);

    let token = scene.token(TokenRole::Responder).await;
    let listed = scene.ask("GET", "/v1/incidents", Some(&token), None).await.json();
    assert_eq!(listed["incidents"].as_array().unwrap().len(), 1);
    let found_there = scene.ask("GET", "/v1/memory/search?q=totals", Some(&token), None).await.json();
    assert_eq!(found_there["items"].as_array().unwrap().len(), 1);

    // It can be judged only in the conversation where it was said.
    let closed = incidents(&scene).await.remove(2);
    found(&scene, &closed, Proof::None).await;
    press_in(&scene, "C1", "U2", "confirm", closed.as_str()).await;
    assert!(told(&whispers, "U2").await.contains("there is no incident"));
    assert_eq!(best(&scene, &closed).await.approval, Approval::None);
    press_in(&scene, "C7", "U2", "confirm", closed.as_str()).await;
    assert_eq!(best(&scene, &closed).await.approval, Approval::Confirmed);

    // A viewer who sees every repository does not see problems with its notes either.
    let holder = "w";
    let jobs = scene.app.own_store.claim_jobs(JobKind::Note, holder, MINUTE, 9, &[]).await.unwrap();
    for job in &jobs {
        scene.app.own_store.return_job(&job.id, holder, MINUTE, Some("C7 is gone")).await.unwrap();
    }
    let troubled = async |role: TokenRole| {
        let token = scene.token(role).await;
        let principal = scene.app.sessions.know(&scene.app.own_store, &token).await.unwrap().unwrap().1;
        scene.app.store_of(&principal).troubled_notes(20).await.unwrap().len()
    };
    assert!(troubled(TokenRole::Viewer).await < troubled(TokenRole::Admin).await);

    // A thread that began in an open channel which is closed now begins a new incident.
    let was_open = scene_at(url.clone(), |slack| slack.closed_channels_are_open = true).await;
    assert_eq!(event(&was_open, "Ev1", said("C7", "1.1", None)).await, "opened");
    let open = incidents(&was_open).await.remove(0);
    let conversation = super::super::people::conversation_of(&scene.app, "C7", None).await;
    assert!(conversation.is_some());
    let mut more = said("C7", "1.2", Some("group"));
    more["thread_ts"] = "1.1".into();
    more["type"] = "app_mention".into();
    assert_eq!(event(&was_open, "Ev2", more).await, "said", "where they are open it goes on");
    assert_eq!(was_open.app.own_store.messages(&open, None).await.unwrap().len(), 1);

    // An investigation elsewhere does not recall it.
    let elsewhere = scene.app.own_store.within_conversation(None);
    assert_eq!(elsewhere.count_incidents().await.unwrap(), 1);
    let open_doors = scene_at(url, |slack| slack.closed_channels_are_open = true).await;
    assert_eq!(event(&open_doors, "Ev1", said("D1", "1.1", Some("im"))).await, "opened");
    assert_eq!(newest(&open_doors).await.2, [200, 200]);
}

/// A thread whose incident everybody sees, in a channel that was closed since, or of which Slack says nothing.
#[tokio::test]
async fn what_is_said_in_a_thread_goes_to_its_open_incident_only_if_the_channel_is_known_to_be_open() {
    let (url, _) = workspace().await;
    let scene = scene_at(url, |_| {}).await;
    let begun = async |channel: &str| {
        let report = ChannelReport {
            system: "slack",
            payload: json!({ "title": format!("Totals are wrong in {channel}"), "body": "", "source": "slack" }),
            default_title: String::new(),
            service: None,
            external_id: None,
            delivery: DeliveryKey::Delivered { system: "slack", id: channel.to_owned() },
            correlation: vec![super::super::handlers::key(channel, "1.1")],
            is_joined_by_trace: false,
            audience: Audience::Internal,
            conversation: None,
            is_resolved: false,
            note: None,
            files: Vec::new(),
            by: "slack:U1".into(),
        };
        match scene.app.intake.report_from_channel(report).await.unwrap() {
            IngestResult::Opened(incident) => incident,
            other => panic!("{other:?}"),
        }
    };
    let later = |channel: &str| {
        let mut event = mention("1.2", Some("1.1"), "<@U0BOT> it got worse");
        event["channel"] = channel.into();
        event
    };
    let messages = async |id: &IncidentId| scene.app.own_store.messages(id, None).await.unwrap().len();

    let open = begun("C1").await;
    assert_eq!(event(&scene, "Ev1", later("C1")).await, "said");
    assert_eq!(messages(&open).await, 1);
    let closed = begun("C7").await;
    assert_eq!(event(&scene, "Ev7", later("C7")).await, "opened");
    assert_eq!(messages(&closed).await, 0);
    // Slack sends it again; nothing was begun that could not be taken back.
    let unknown = begun("C9").await;
    let before = incidents(&scene).await.len();
    let envelope = json!({
        "type": "event_callback", "event_id": "Ev9", "event": later("C9"),
        "authorizations": [{ "team_id": "T1", "user_id": "U0BOT", "is_bot": true }],
    });
    let answer = send(&scene, "/hooks/slack/events", &envelope.to_string(), 0).await;
    assert_eq!((answer.status, incidents(&scene).await.len(), messages(&unknown).await), (503, before, 0));
}
