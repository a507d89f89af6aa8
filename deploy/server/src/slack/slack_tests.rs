//! Slack as a channel, from signature to store; the tests of `serve` cover posting, against a server.

use hmac::{Hmac, KeyInit, Mac};
use millwright_integrations::slack::{SlackSettings, blocks};
use millwright_model::{Approval, IncidentId, NewResolution, Proof};
use millwright_store::{Actor, Incident, IncidentState, MessageKind};
use serde_json::{Value, json};
use sha2::Sha256;

use super::note::ShownIncident;
use crate::tests::{Answered, Scene, scene_with};

const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";

async fn scene() -> Scene {
    // Nothing listens on this port: messages in the background may fail.
    scene_at("http://127.0.0.1:9".into(), |_| {}).await
}

async fn scene_at(base_url: String, change: impl FnOnce(&mut SlackSettings)) -> Scene {
    scene_with(|settings| {
        let mut slack = SlackSettings {
            closed_channels_are_open: false,
            signing_secrets: vec![SECRET.to_owned().into()],
            bot_token: "xoxb-1".to_owned().into(),
            app_token: None,
            base_url,
            responders: ["U0RESP".to_owned()].into(),
            audience: None,
            guests_judge: false,
            judging_teams: Default::default(),
        };
        change(&mut slack);
        settings.chat = Some(slack);
    })
    .await
}

async fn send(scene: &Scene, path: &str, body: &str, age: i64) -> Answered {
    let at = (jiff::Timestamp::now().as_second() - age).to_string();
    let mac =
        Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap().chain_update(format!("v0:{at}:{body}"));
    let signature = format!("v0={}", hex::encode(mac.finalize().into_bytes()));
    let request = axum::http::Request::builder().method("POST").uri(path);
    let request = request.header("x-slack-request-timestamp", &at).header("x-slack-signature", signature);
    scene.send(request.body(axum::body::Body::from(body.to_owned())).unwrap()).await
}

async fn event(scene: &Scene, id: &str, event: Value) -> String {
    let envelope = json!({
        "type": "event_callback", "event_id": id, "event": event,
        "authorizations": [{ "team_id": "T1", "user_id": "U0BOT", "is_bot": true }],
    });
    let answer = send(scene, "/hooks/slack/events", &envelope.to_string(), 0).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["effect"].as_str().unwrap().to_owned()
}

fn mention(ts: &str, thread: Option<&str>, text: &str) -> Value {
    let mut event = json!({ "type": "app_mention", "user": "U1", "channel": "C1", "ts": ts, "text": text });
    if let Some(thread) = thread {
        event["thread_ts"] = thread.into();
    }
    event
}

async fn incidents(scene: &Scene) -> Vec<IncidentId> {
    let all = scene.app.own_store.list_incidents(&Default::default()).await.unwrap();
    all.into_iter().map(|line| line.id).collect()
}

#[tokio::test]
async fn only_slack_is_heard_and_only_now() {
    let scene = scene().await;
    let challenge = json!({ "type": "url_verification", "challenge": "abc" }).to_string();
    let answer = send(&scene, "/hooks/slack/events", &challenge, 0).await;
    assert_eq!((answer.status, &answer.json()["challenge"]), (200, &json!("abc")));
    send(&scene, "/hooks/slack/events", &challenge, 301).await.refuses(401, "five minutes");
    for path in ["/hooks/slack/events", "/hooks/slack/commands", "/hooks/slack/interactions"] {
        let request = || axum::http::Request::builder().method("POST").uri(path);
        let at = jiff::Timestamp::now().as_second().to_string();
        let unsigned = request().body(axum::body::Body::from("{}")).unwrap();
        scene.send(unsigned).await.refuses(401, "x-slack-request-timestamp");
        let forged = request()
            .header("x-slack-request-timestamp", at)
            .header("x-slack-signature", format!("v0={}", "00".repeat(32)));
        scene.send(forged.body(axum::body::Body::from("{}")).unwrap()).await.refuses(401, "does not match");
    }
    send(&scene, "/hooks/slack/events", "{", 0).await.refuses(400, "not valid JSON");
    send(&scene, "/hooks/slack/events", "{}", 0).await.refuses(422, "type");
    send(&scene, "/hooks/slack/commands", "text=x", 0).await.refuses(422, "trigger_id");
    send(&scene, "/hooks/slack/interactions", "x=y", 0).await.refuses(422, "payload");
    assert!(incidents(&scene).await.is_empty());
}

#[tokio::test]
async fn a_thread_is_one_incident_however_often_it_is_delivered() {
    let scene = scene().await;
    let first = mention("100.1", None, "<@U0BOT> totals are wrong since noon");
    assert_eq!(event(&scene, "Ev1", first.clone()).await, "opened");
    assert_eq!(event(&scene, "Ev1", first).await, "again");
    let ids = incidents(&scene).await;
    let [id] = ids.as_slice() else { panic!("{ids:?}") };
    let incident = scene.app.own_store.get_incident(id).await.unwrap();
    assert_eq!(
        (incident.ticket.title.as_str(), incident.source.as_deref()),
        ("totals are wrong since noon", Some("slack"))
    );
    let notes = scene.app.own_store.notes(id).await.unwrap();
    assert_eq!(notes.iter().map(|n| (&*n.system, &*n.target)).collect::<Vec<_>>(), [("slack", "C1/100.1")]);

    // In the thread the incident continues: a remark while the run is in progress, a question after it has ended; each once.
    let more = mention("100.2", Some("100.1"), "<@U0BOT> only for customers with a discount");
    assert_eq!(event(&scene, "Ev2", more.clone()).await, "said");
    assert_eq!(event(&scene, "Ev2", more).await, "again");
    scene.app.own_store.set_incident_state(id, IncidentState::Done).await.unwrap();
    assert_eq!(
        event(&scene, "Ev3", mention("100.3", Some("100.1"), "<@U0BOT> who wrote that?")).await,
        "said"
    );
    let messages = scene.app.own_store.messages(id, None).await.unwrap();
    let said: Vec<_> = messages.iter().map(|m| (m.kind, m.author.as_str(), m.body.as_str())).collect();
    assert_eq!(
        said,
        [
            (MessageKind::Remark, "slack:U1", "only for customers with a discount"),
            (MessageKind::Question, "slack:U1", "who wrote that?"),
        ]
    );
    assert_eq!(scene.app.own_store.notes(id).await.unwrap().len(), 3, "each is replied to");
    assert_eq!(incidents(&scene).await.len(), 1);
    // Another thread is another incident, also in the same channel.
    assert_eq!(event(&scene, "Ev4", mention("200.1", None, "<@U0BOT> logins fail")).await, "opened");
    assert_eq!(incidents(&scene).await.len(), 2);
}

#[tokio::test]
async fn what_is_no_business_of_ours_begins_nothing() {
    let scene = scene().await;
    let message = |more: Value| {
        let mut event = json!({
            "type": "message", "channel_type": "channel", "user": "U1", "channel": "C1", "ts": "1.1", "text": "hi",
        });
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        event
    };
    for (at, other) in [
        message(json!({})),
        message(json!({ "channel_type": "im", "bot_id": "B1" })),
        message(json!({ "channel_type": "im", "user": "U0BOT" })),
        message(json!({ "channel_type": "im", "subtype": "channel_join" })),
        message(json!({ "channel_type": "im", "subtype": "message_deleted", "previous_message": {} })),
        json!({ "type": "reaction_added", "user": "U1" }),
        mention("1.1", None, "<@U0BOT>"),
        mention("1.1", None, "<@U0BOT> help"),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(event(&scene, &format!("Ev{at}"), other.clone()).await, "ignored", "{other}");
    }
    assert!(incidents(&scene).await.is_empty());
    assert_eq!(event(&scene, "Ev90", message(json!({ "channel_type": "im" }))).await, "opened");
    // An edited message reaches the run once; a preview that Slack adds is not an edit.
    let changed = |text: &str, before: &str| {
        json!({ "type": "message", "subtype": "message_changed", "channel": "C1", "channel_type": "im",
            "message": { "user": "U1", "ts": "1.1", "text": text }, "previous_message": { "text": before } })
    };
    assert_eq!(event(&scene, "Ev91", changed("hi", "hi")).await, "ignored");
    assert_eq!(event(&scene, "Ev92", changed("totals are wrong", "hi")).await, "said");
    let id = incidents(&scene).await.remove(0);
    let said = scene.app.own_store.messages(&id, None).await.unwrap();
    assert!(said[0].body.ends_with("now says: totals are wrong"), "{said:?}");
}

#[tokio::test]
async fn a_command_reports_and_is_answered_at_once() {
    let scene = scene().await;
    let body = |trigger: &str, text: &str| {
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("trigger_id", trigger), ("channel_id", "C1"), ("user_id", "U1"), ("text", text)])
            .finish()
    };
    let answer = send(&scene, "/hooks/slack/commands", &body("1.2.a", "totals & <sums> are wrong"), 0).await;
    let ids = incidents(&scene).await;
    assert!(answer.json()["text"].as_str().unwrap().contains(ids[0].as_str()), "{}", answer.text);
    let again = send(&scene, "/hooks/slack/commands", &body("1.2.a", "totals & <sums> are wrong"), 0).await;
    assert!(again.text.contains("already"), "{}", again.text);
    let help = send(&scene, "/hooks/slack/commands", &body("1.2.b", ""), 0).await;
    assert!(help.text.contains("Tell me what goes wrong"), "{}", help.text);
    assert_eq!(incidents(&scene).await.len(), 1);
}

async fn press(scene: &Scene, user: &str, action: &str, value: &str) {
    press_in(scene, "C1", user, action, value).await;
}

async fn press_in(scene: &Scene, channel: &str, user: &str, action: &str, value: &str) {
    let payload = json!({
        "type": "block_actions", "user": { "id": user }, "channel": { "id": channel },
        "container": { "type": "message", "message_ts": "1.2", "channel_id": channel, "thread_ts": "1.1" },
        "actions": [{ "type": "button", "action_id": action, "value": value }],
    });
    let body =
        form_urlencoded::Serializer::new(String::new()).append_pair("payload", &payload.to_string()).finish();
    let answer = send(scene, "/hooks/slack/interactions", &body, 0).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

/// Adds an answer that can be judged.
async fn found(scene: &Scene, id: &IncidentId, proof: Proof) {
    let found = NewResolution {
        repository: Some("root:1".parse().unwrap()),
        failing_revision: "0".repeat(40),
        ..millwright_testkit::tickets::stated("the discount is taken twice", proof)
    };
    let run = Actor { who: "run", why: "" };
    scene.app.own_store.remember(id, &"run_1".parse().unwrap(), Some(&found), &[], run).await.unwrap();
}

#[tokio::test]
async fn buttons_judge_for_the_workspace_and_stop_for_responders_only() {
    let (url, _) = people_tests::workspace().await;
    let scene = scene_at(url, |_| {}).await;
    event(&scene, "Ev1", mention("1.1", None, "<@U0BOT> totals are wrong")).await;
    let id = incidents(&scene).await.remove(0);
    let state = async || scene.app.own_store.get_incident(&id).await.unwrap().state;
    press(&scene, "U1", "stop", id.as_str()).await;
    assert_eq!(state().await, IncidentState::Queued);
    press(&scene, "U1", "confirm", id.as_str()).await; // nothing to confirm yet: a reply, not an error
    press(&scene, "U1", "confirm", "../../etc").await;
    press(&scene, "U1", "dance", id.as_str()).await;
    press(&scene, "U0RESP", "stop", id.as_str()).await;
    assert_eq!(state().await, IncidentState::Cancelled);

    found(&scene, &id, Proof::CauseConfirmed).await;
    press(&scene, "U1", "confirm", id.as_str()).await;
    let best = async || scene.app.own_store.resolutions(&id).await.unwrap().remove(0);
    assert_eq!(
        (best().await.approval, best().await.approved_by.as_deref()),
        (Approval::Confirmed, Some("slack:U1"))
    );
    press(&scene, "U2", "reject", id.as_str()).await;
    assert_eq!(best().await.approval, Approval::Rejected);
}

pub(super) fn check(value: &Value) {
    let blocks = value.as_array().unwrap();
    assert!((1..=50).contains(&blocks.len()));
    let length = |value: &Value| value.as_str().unwrap().chars().count();
    for block in blocks {
        match block["type"].as_str().unwrap() {
            "header" => assert!((1..=150).contains(&length(&block["text"]["text"]))),
            "section" => assert!((1..=3_000).contains(&length(&block["text"]["text"]))),
            "context" => {
                let all = block["elements"].as_array().unwrap();
                assert!(all.len() <= 10 && all.iter().all(|one| length(&one["text"]) <= 3_000));
            }
            "actions" => {
                for button in block["elements"].as_array().unwrap() {
                    assert!(length(&button["text"]["text"]) <= 75);
                    assert!(button.get("value").is_none_or(|value| length(value) <= 2_000));
                    assert!(button.get("url").is_none_or(|url| length(url) <= 3_000));
                }
            }
            other => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn messages_keep_within_limits_and_no_text_can_act() {
    let scene = scene().await;
    let loud = format!("<!channel> & `<@U2>` {}", "&<>".repeat(3_000));
    event(&scene, "Ev1", mention("1.1", None, &format!("<@U0BOT> {loud}"))).await;
    let id = incidents(&scene).await.remove(0);
    let incident: Incident = scene.app.own_store.get_incident(&id).await.unwrap();
    let note = format!("{loud}\n\n").repeat(40);
    let shown = ShownIncident {
        incident: &incident,
        report: None,
        note: &note,
        step: Some(&loud),
        asked: &[],
        resolution: None,
        url: Some("https://mw.example/v1/incidents/x"),
    };
    for state in [IncidentState::Running, IncidentState::AwaitingApproval, IncidentState::Done] {
        let incident = Incident { state, ..incident.clone() };
        let blocks = ShownIncident { incident: &incident, ..shown }.blocks();
        check(&blocks);
        let text = blocks.to_string();
        assert!(!text.contains("<!channel>") && !text.contains("<@U2>"), "{text}");
        let stops = text.contains("\"stop\"");
        assert_eq!(stops, state != IncidentState::Done);
    }
    let reply = blocks::reply(&loud);
    check(&reply);
    assert!(!reply.to_string().contains("&a\"") && !blocks::fallback(&loud).contains('<'));
    assert!(blocks::fallback(&loud).chars().count() < 4_000);
}

#[path = "people_tests.rs"]
mod people_tests;
