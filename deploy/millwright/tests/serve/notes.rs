//! Notes in GitLab, Jira, Linear and Zendesk, from the ticket to its last note. The tests that kill processes cover notes in
//! GitHub.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::http::ask;
use super::tickets::Tickets;
use super::{SECRET, Serving, TEST_OUTPUT};

fn config(name: &str, tickets: &Tickets) -> String {
    format!(
        "[connectors.{name}]\nsecret_env = \"HOOK_SECRET\"\nbase_url = \"{}\"\nemail = \"mill@example.org\"\n\
         token_env = \"API_TOKEN\"\n",
        tickets.url()
    )
}

/// Reports a ticket, whose system is slow and loses one answer, and waits until the outcome of the note is known.
fn reported(serving: &Serving, path: &str, body: &Value) -> String {
    let body = body.to_string();
    let opened = serving.deliver(path, body.as_bytes(), SECRET, 0);
    assert_eq!(opened.status, 202, "{}", opened.text);
    let id = opened.json()["incident_id"].as_str().unwrap().to_owned();
    assert_eq!(serving.until_done(&id)["report"]["verdict"], "verified");
    let sent = || serving.get(&format!("/v1/incidents/{id}"))["notes"][0]["state"] == "sent";
    serving.until("the outcome of sending is known", sent);
    id
}

#[test]
fn a_note_in_jira_is_changed_in_place_though_time_is_asked_for_and_an_answer_is_lost() {
    let tickets = Tickets::start();
    tickets.limit(1);
    tickets.lose(1);
    let serving = Serving::new(&config("jira", &tickets));
    let issue = json!({ "key": "SHOP-7", "fields": {
        "summary": "Totals are wrong", "components": [{ "name": "calc" }],
        "description": { "type": "doc", "content": [{ "type": "codeBlock", "content": [{ "type": "text", "text": TEST_OUTPUT }] }] },
    } });
    let id = reported(
        &serving,
        "/hooks/jira",
        &json!({ "webhookEvent": "jira:issue_created", "timestamp": 1, "issue": issue }),
    );
    assert_eq!(serving.get(&format!("/v1/incidents/{id}"))["service"], "calc");
    let says = |words: &str| tickets.of("SHOP-7").iter().any(|note| note.contains(words));
    serving.until("the note says the outcome", || says("The cause is proven"));
    let notes = tickets.of("SHOP-7");
    assert_eq!(notes.len(), 1, "{notes:#?}");
    assert!(!says("is investigating this") && says(&id), "{notes:#?}");
    assert!(tickets.updates() >= 1 && tickets.limits_left() == 0);
    let key = STANDARD.encode("mill@example.org:t0ken");
    assert_eq!(tickets.keys(), [format!("Basic {key}")]);

    // A person's action on the ticket adds no note. The incident records that the issue is closed.
    let closed = json!({ "webhookEvent": "jira:issue_updated", "timestamp": 2, "issue": {
        "key": "SHOP-7", "fields": { "summary": "Totals are wrong", "status": { "statusCategory": { "key": "done" } } } } });
    let closed = serving.deliver("/hooks/jira", closed.to_string().as_bytes(), SECRET, 0).json();
    assert_eq!((&closed["effect"], &closed["incident_id"]), (&json!("resolved"), &json!(id)));
    assert_eq!(tickets.of("SHOP-7").len(), 1);
}

#[test]
fn a_note_in_zendesk_is_the_last_word_and_internal_and_one_though_an_answer_is_lost() {
    let tickets = Tickets::start();
    tickets.limit(1);
    tickets.lose(1);
    let serving = Serving::new(&config("zendesk", &tickets));
    let event = json!({ "id": "z1", "type": "zen:event-type:ticket.created",
        "detail": { "id": "7", "subject": "Totals are wrong", "description": TEST_OUTPUT } });
    let id = reported(&serving, "/hooks/zendesk", &event);
    let notes = tickets.of("7");
    assert_eq!(notes.len(), 1, "{notes:#?}");
    assert!(notes[0].contains("The cause is proven") && notes[0].contains(&id), "{}", notes[0]);
    assert!(tickets.limits_left() == 0);
    let key = STANDARD.encode("mill@example.org/token:t0ken");
    assert_eq!(tickets.keys(), [format!("Basic {key}")]);
    // Comments in this system cannot be edited, so a person's judgement adds no comment.
    let feedback = json!({ "verdict": "confirm" }).to_string();
    let judged = serving.try_ask("POST", &format!("/v1/incidents/{id}/feedback"), &feedback).unwrap();
    assert_eq!(judged.status, 200, "{}", judged.text);
    std::thread::sleep(std::time::Duration::from_millis(1_500));
    assert_eq!(tickets.of("7").len(), 1);
}

#[test]
fn a_note_in_gitlab_is_internal_and_changed_in_place_and_an_upload_is_read() {
    let tickets = Tickets::start();
    let upload = "/uploads/66dbcd21ec5d24ed6ea225176098d52b/app.log";
    tickets.keep(&format!("/api/v4/projects/24{upload}"), "200 OK", TEST_OUTPUT);
    tickets.limit(1);
    tickets.lose(1);
    let connector = "[connectors.gitlab]\nsecret_env = \"HOOK_SECRET\"\ntoken_env = \"API_TOKEN\"\n";
    let serving = Serving::new(&format!("{connector}base_url = \"{}\"\n", tickets.url()));
    let issue = |action: &str| {
        json!({
            "object_kind": "issue", "event_type": "issue",
            "project": { "id": 24, "name": "Calc", "path_with_namespace": "acme/calc", "visibility_level": 20 },
            "object_attributes": { "iid": 7, "title": "Totals are wrong", "action": action, "confidential": false,
                "description": format!("see [app.log]({upload}) and [x](/uploads/../../user)") },
        })
    };
    // Only the upload contains the failure, and it is enough to prove the cause.
    let id = reported(&serving, "/hooks/gitlab", &issue("open"));
    let incident = serving.get(&format!("/v1/incidents/{id}"));
    assert_eq!((&incident["service"], &incident["external_id"]), (&json!("calc"), &json!("acme/calc#7")));
    assert_eq!(incident["audience"], "public");
    let says = |words: &str| tickets.of("24#7").iter().any(|note| note.contains(words));
    serving.until("the note says the outcome", || says("The cause is proven"));
    let notes = tickets.of("24#7");
    assert!(notes.len() == 1 && notes[0].contains(&id), "{notes:#?}");
    assert!(tickets.updates() >= 1 && tickets.limits_left() == 0);
    assert_eq!(tickets.keys(), ["t0ken"], "in the header of its own");
    assert_eq!(tickets.fetched(), [format!("/api/v4/projects/24{upload}")]);

    let closed = serving.deliver("/hooks/gitlab", issue("close").to_string().as_bytes(), SECRET, 0).json();
    assert_eq!((&closed["effect"], &closed["incident_id"]), (&json!("resolved"), &json!(id)));
}

#[test]
fn a_note_in_linear_is_changed_in_place_though_answers_are_lost_and_only_what_is_new_is_heard() {
    const ISSUE: &str = "2174add1-f7c8-44e3-bbf3-2d60b5ea8bc9";
    let tickets = Tickets::start();
    tickets.limit(1);
    tickets.lose(1);
    let connector = "[connectors.linear]\nsecret_env = \"HOOK_SECRET\"\ntoken_env = \"API_TOKEN\"\n";
    let serving = Serving::new(&format!("{connector}base_url = \"{}\"\n", tickets.url()));
    let sent = |action: &str, state: &str, from: Value, skew_seconds: i64| {
        json!({
            "action": action, "type": "Issue", "updatedFrom": from, "url": "https://linear.app/acme/issue/ENG-7",
            "webhookTimestamp": jiff::Timestamp::now().as_millisecond() + skew_seconds * 1_000,
            "data": { "id": ISSUE, "identifier": "ENG-7", "title": "Totals are wrong", "description": TEST_OUTPUT,
                "state": { "type": state }, "project": { "name": "calc" } },
        })
    };
    let send =
        |body: &Value, secret: &str| serving.deliver("/hooks/linear", body.to_string().as_bytes(), secret, 0);
    // The body contains the time. A delivery without a valid signature is refused.
    let new = sent("create", "triage", Value::Null, 0);
    send(&new, "another-secret").refuses(401, "signature does not match");
    ask(serving.at, "POST", "/hooks/linear", &[], &new.to_string())
        .unwrap()
        .refuses(401, "linear-signature is missing");
    for skew in [-70, 70, -86_400] {
        send(&sent("create", "triage", Value::Null, skew), SECRET).refuses(401, "one minute");
    }
    for timeless in ["{}", "null", "{\"title\":", "{\"webhookTimestamp\":null}"] {
        serving.deliver("/hooks/linear", timeless.as_bytes(), SECRET, 0).refuses(401, "webhookTimestamp");
    }
    assert_eq!(serving.get("/v1/incidents")["incidents"], json!([]), "nothing of that left a trace");

    let id = reported(&serving, "/hooks/linear", &new);
    assert_eq!(send(&new, SECRET).json()["effect"], "again");
    let incident = serving.get(&format!("/v1/incidents/{id}"));
    assert_eq!((&incident["service"], &incident["external_id"]), (&json!("calc"), &json!("ENG-7")));
    let says = |words: &str| tickets.of(ISSUE).iter().any(|note| note.contains(words));
    serving.until("the note says the outcome", || says("The cause is proven"));
    let notes = tickets.of(ISSUE);
    assert!(notes.len() == 1 && notes[0].contains(&id), "{notes:#?}");
    assert!(tickets.updates() >= 1 && tickets.limits_left() == 0);
    assert_eq!(tickets.keys(), ["Bearer t0ken"]);

    let renamed = send(&sent("update", "completed", json!({ "title": "Totals" }), 0), SECRET).json();
    assert_eq!(renamed["effect"], "ignored", "the state did not change");
    let closed = send(&sent("update", "completed", json!({ "stateId": "s1" }), 0), SECRET).json();
    assert_eq!((&closed["effect"], &closed["incident_id"]), (&json!("resolved"), &json!(id)));
}

#[test]
fn files_of_a_ticket_become_part_of_it_and_come_from_its_own_system_alone() {
    let (tickets, stranger) = (Tickets::start(), Tickets::start());
    stranger.keep("/secret.log", "200 OK", "what another system holds");
    let content = |id: u32| format!("/rest/api/3/attachment/content/{id}?redirect=false");
    let log = format!("ERROR password=hunter2hunter2\n{TEST_OUTPUT}");
    tickets.keep(&content(1), "200 OK", &log);
    tickets.keep(&content(2), &format!("302 Found\r\nlocation: {}/secret.log", stranger.url()), "");
    tickets.keep(
        &content(3),
        "200 OK",
        &format!("the head of a long file\n{}the tail of it", "x\n".repeat(1 << 20)),
    );
    tickets.keep(&content(4), "200 OK", "PNG\0\0\0");
    tickets.keep(&content(5), "404 Not Found", "");
    tickets.keep(&content(6), "200 OK", "a picture");
    // The ticket system first asks for a pause, so the service requests the file again.
    tickets.limit(1);
    let serving = Serving::new(&config("jira", &tickets));
    let file =
        |url: String, name: &str, media: &str| json!({ "content": url, "filename": name, "mimeType": media });
    let own = |id: u32| format!("{}/rest/api/3/attachment/content/{id}", tickets.url());
    let issue = json!({ "key": "SHOP-8", "fields": { "summary": "Totals are wrong", "attachment": [
        file(own(1), "app.log", "text/plain"),
        file(format!("{}/secret.log", stranger.url()), "elsewhere.log", "text/plain"),
        file(own(2), "moved.log", "text/plain"),
        file(own(3), "long.log", "text/plain"),
        file(own(4), "binary.log", "text/plain"),
        file(own(5), "gone.log", "text/plain"),
        file(own(6), "screen.png", "image/png"),
        file("file:///etc/passwd".into(), "passwd", "text/plain"),
    ] } });
    let id =
        reported(&serving, "/hooks/jira", &json!({ "webhookEvent": "jira:issue_created", "issue": issue }));
    // Only the log contains the failure, and it was enough to prove the cause.
    let text = serving.get(&format!("/v1/incidents/{id}"))["text"].as_str().unwrap().to_owned();
    assert!(text.contains("Attachment app.log") && text.contains("total 21 gave 63"), "{text:.2000}");
    assert!(text.contains("the head of a long file") && !text.contains("the tail of it"), "cut");
    for left in ["hunter2", "another system", "PNG", "a picture", "root:"] {
        assert!(!text.contains(left), "{left} is in the ticket");
    }
    assert_eq!(stranger.fetched(), Vec::<String>::new(), "another host was asked");
    assert_eq!(stranger.keys(), Vec::<String>::new(), "another host was told our credentials");
    let mut fetched = tickets.fetched();
    fetched.sort();
    assert_eq!(fetched, [1, 2, 3, 4, 5].map(content), "each once, and no picture");
}

#[test]
fn a_file_in_a_slack_message_becomes_part_of_the_report() {
    let (slack, stranger) = (super::slack::Slack::start(), Tickets::start());
    stranger.keep("/secret.log", "200 OK", "what another system holds");
    slack.keep("/files-pri/T1-F1/app.log", TEST_OUTPUT);
    let serving = Serving::new(&slack.config(super::threads::SIGNED));
    let ts = slack.write("C1", None, "<@U0BOT> totals are wrong");
    let mut told = super::threads::mention("Ev1", &ts, None, "<@U0BOT> totals are wrong, see the log");
    told["event"]["files"] = json!([
        { "id": "F1", "name": "app.log", "mimetype": "text/plain", "url_private": format!("{}/files-pri/T1-F1/app.log", slack.url()) },
        { "id": "F2", "name": "b.log", "mimetype": "text/plain", "url_private": format!("{}/secret.log", stranger.url()) },
    ]);
    let opened = serving.tell_slack(&told).unwrap();
    assert_eq!(opened.json()["effect"], "opened", "{}", opened.text);
    let id = serving.get("/v1/incidents")["incidents"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(serving.until_done(&id)["report"]["verdict"], "verified");
    assert!(slack.was_asked_with("Bearer t0ken") && stranger.keys().is_empty());
}
