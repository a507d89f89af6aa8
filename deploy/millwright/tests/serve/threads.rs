//! Conversations in Slack over HTTP and over a socket, from the mention to the proven cause in the thread.

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::http::{Answer, ask};
use super::slack::Slack;
use super::{SECRET, Serving, TEST_OUTPUT};

pub(crate) const SIGNED: &str = "signing_secret_env = \"HOOK_SECRET\"";

fn signed(serving: &Serving, path: &str, body: &str) -> std::io::Result<Answer> {
    let at = jiff::Timestamp::now().as_second().to_string();
    let mac =
        Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap().chain_update(format!("v0:{at}:{body}"));
    let signature = format!("v0={}", hex::encode(mac.finalize().into_bytes()));
    ask(
        serving.at,
        "POST",
        path,
        &[("x-slack-request-timestamp", &at), ("x-slack-signature", &signature)],
        body,
    )
}

/// An envelope around a mention.
pub(crate) fn mention(id: &str, ts: &str, thread: Option<&str>, text: &str) -> Value {
    let mut event = json!({ "type": "app_mention", "user": "U1", "channel": "C1", "ts": ts, "text": text });
    if let Some(thread) = thread {
        event["thread_ts"] = thread.into();
    }
    json!({ "type": "event_callback", "event_id": id, "event": event,
        "authorizations": [{ "user_id": "U0BOT", "is_bot": true }] })
}

impl Serving {
    pub(crate) fn tell_slack(&self, envelope: &Value) -> std::io::Result<Answer> {
        signed(self, "/hooks/slack/events", &envelope.to_string())
    }

    fn only_incident(&self) -> Option<String> {
        let all = self.get("/v1/incidents");
        let all = all["incidents"].as_array().unwrap();
        assert!(all.len() < 2, "{all:#?}");
        all.first().map(|one| one["id"].as_str().unwrap().to_owned())
    }
}

#[test]
fn a_thread_shows_one_message_that_is_edited_and_answers_what_is_asked() {
    let slack = Slack::start();
    // Slack loses the answer to the first post after doing it, and later asks for a wait. Neither causes a second message.
    slack.lose(1);
    let serving = Serving::new(&slack.config(SIGNED));
    // The failure was described in the thread before the mention.
    let thread = slack.write("C1", None, TEST_OUTPUT);
    let ts = slack.write("C1", Some(&thread), "<@U0BOT> can you look into this?");
    let told =
        serving.tell_slack(&mention("Ev1", &ts, Some(&thread), "<@U0BOT> can you look into this?")).unwrap();
    assert_eq!((told.status, &told.json()["effect"]), (200, &json!("opened")), "{}", told.text);
    slack.limit(1);
    let id = serving.only_incident().unwrap();
    let done = serving.until_done(&id);
    assert_eq!(done["report"]["verdict"], "verified", "{done:#}");
    serving.has_one_report(&id);
    let shows =
        |words: &str| slack.ours("C1", &thread).iter().any(|m| m["blocks"].to_string().contains(words));
    serving.until("the thread says the outcome", || shows("The cause is proven"));
    serving.until("it can be confirmed", || shows("\"confirm\""));
    assert_eq!(slack.ours("C1", &thread).len(), 1, "{:#?}", slack.ours("C1", &thread));
    assert!(slack.updates() >= 1);
    let commit = serving.scene.id("HEAD~5");
    assert!(shows(&commit[..10]), "{:#?}", slack.ours("C1", &thread));

    let ts = slack.write("C1", Some(&thread), "<@U0BOT> who changed lib/calc.sh");
    let asked = mention("Ev2", &ts, Some(&thread), "<@U0BOT> who changed lib/calc.sh");
    slack.lose(1);
    for effect in ["said", "again"] {
        assert_eq!(serving.tell_slack(&asked).unwrap().json()["effect"], effect);
    }
    serving.until("the question is answered in the thread", || slack.ours("C1", &thread).len() == 2);
    let answer = slack.ours("C1", &thread)[1]["text"].as_str().unwrap().to_owned();
    assert!(answer.contains("lib/calc.sh"), "{answer}");

    let pressed = json!({ "type": "block_actions", "user": { "id": "U1" }, "channel": { "id": "C1" },
        "container": { "message_ts": "1.1", "channel_id": "C1" },
        "actions": [{ "action_id": "confirm", "value": id }] });
    let body: String =
        format!("payload={pressed}").replace('{', "%7B").replace('}', "%7D").replace('"', "%22");
    assert_eq!(signed(&serving, "/hooks/slack/interactions", &body).unwrap().status, 200);
    serving.until("the message says who confirmed", || shows("Confirmed by slack:U1"));
    assert_eq!(serving.get(&format!("/v1/incidents/{id}"))["state"], "done");
    std::thread::sleep(std::time::Duration::from_millis(1_500));
    assert_eq!(slack.ours("C1", &thread).len(), 2, "nothing is said twice");
}

#[test]
fn a_socket_of_our_own_is_as_good_and_is_opened_again() {
    let slack = Slack::start();
    let (to, from) = slack.socket();
    let serving = Serving::new(&slack.config("app_token_env = \"API_TOKEN\""));
    let ts = slack.write("C1", None, "<@U0BOT> totals are wrong");
    let text = format!("<@U0BOT> totals are wrong\n{TEST_OUTPUT}");
    let envelope = |id: &str| {
        Some(json!({ "type": "events_api", "envelope_id": id, "accepts_response_payload": false,
            "payload": mention("Ev1", &ts, None, &text) }))
    };
    let patience = std::time::Duration::from_secs(60);
    to.send(envelope("e1")).unwrap();
    assert_eq!(from.recv_timeout(patience).unwrap(), json!({ "envelope_id": "e1" }));
    let id = serving.only_incident().expect("what is acknowledged is on the disk");
    // Slack asks for a new connection every few hours, and may deliver again what it considers lost.
    to.send(None).unwrap();
    to.send(envelope("e2")).unwrap();
    assert_eq!(from.recv_timeout(patience).unwrap()["envelope_id"], "e2");
    let command = json!({ "type": "slash_commands", "envelope_id": "e3", "accepts_response_payload": true,
        "payload": { "trigger_id": "t.1", "channel_id": "C1", "user_id": "U1", "text": "help" } });
    to.send(Some(command)).unwrap();
    let answered = from.recv_timeout(patience).unwrap();
    assert!(answered["payload"]["text"].as_str().unwrap().contains("Tell me"), "{answered}");
    assert_eq!(serving.only_incident().as_deref(), Some(&*id));
    assert_eq!(serving.until_done(&id)["report"]["verdict"], "verified");
    let shows =
        || slack.ours("C1", &ts).iter().any(|m| m["blocks"].to_string().contains("The cause is proven"));
    serving.until("the thread says the outcome", shows);
    assert_eq!(slack.ours("C1", &ts).len(), 1);
    // Without a signing secret the HTTP endpoint does not exist.
    assert_eq!(serving.tell_slack(&json!({})).unwrap().status, 404);
}
