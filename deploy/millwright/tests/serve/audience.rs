//! Reports for different audiences, from the hook to the note: what only people inside may know is not shown outside.

use serde_json::{Value, json};

use super::http::Answer;
use super::tickets::Tickets;
use super::{SECRET, Serving, TEST_OUTPUT};

const TRACE: &str = "Traceback (most recent call last):\n  File \"app/cart.py\", line 7, in total\n    return add(x)\n  \
    File \"app/money.py\", line 3, in add\n    raise KeyError(k)\nKeyError: 'currency'\n";

fn config(jira: &Tickets, github: &Tickets) -> String {
    format!(
        "public_url = \"https://mill.example\"\n\
         [connectors.jira]\nsecret_env = \"HOOK_SECRET\"\nbase_url = \"{}\"\nemail = \"mill@example.org\"\n\
         token_env = \"API_TOKEN\"\n\
         [connectors.github]\nsecret_env = \"HOOK_SECRET\"\nbase_url = \"{}\"\ntoken_env = \"API_TOKEN\"\n",
        jira.url(),
        github.url()
    )
}

fn jira(serving: &Serving, key: &str, title: &str, text: &str) -> Answer {
    let description = json!({ "type": "doc", "content": [
        { "type": "codeBlock", "content": [{ "type": "text", "text": text }] } ] });
    let issue = json!({ "key": key, "fields": {
        "summary": title, "components": [{ "name": "calc" }], "description": description } });
    let body = json!({ "webhookEvent": "jira:issue_created", "issue": issue }).to_string();
    serving.deliver("/hooks/jira", body.as_bytes(), SECRET, 0)
}

fn github(serving: &Serving, number: u32, private: bool, text: &str) -> Answer {
    let body = json!({
        "action": "opened",
        "issue": { "number": number, "title": "Sums are odd", "body": text },
        "repository": { "name": "calc", "full_name": "acme/calc", "private": private },
    });
    serving.deliver("/hooks/github", body.to_string().as_bytes(), SECRET, 0)
}

fn opened(answer: &Answer) -> String {
    let told = answer.json();
    assert_eq!(told["effect"], "opened", "{}", answer.text);
    told["incident_id"].as_str().unwrap().to_owned()
}

#[test]
fn a_public_issue_is_told_nothing_that_is_known_inside() {
    let (inside, outside) = (Tickets::start(), Tickets::start());
    let serving = Serving::new(&config(&inside, &outside));
    let secret = "Payroll of the Zebra account is wrong";
    let known = opened(&jira(&serving, "PAY-7", secret, TEST_OUTPUT));
    assert_eq!(serving.until_done(&known)["report"]["verdict"], "verified");
    let says = |tickets: &Tickets, ticket: &str, words: &str| {
        tickets.of(ticket).iter().any(|note| note.contains(words))
    };
    serving.until("Jira is told", || says(&inside, "PAY-7", "The cause is proven"));
    assert!(says(&inside, "PAY-7", "https://mill.example/links/c."), "people inside judge by a link");
    let feedback = json!({ "verdict": "confirm", "note": "the Zebra team says so" }).to_string();
    let judged = serving.try_ask("POST", &format!("/v1/incidents/{known}/feedback"), &feedback).unwrap();
    assert_eq!(judged.status, 200, "{}", judged.text);

    // An outsider reports the same failure. The service investigates as if it knew nothing.
    let public = opened(&github(&serving, 1, false, TEST_OUTPUT));
    let answered = serving.until_done(&public);
    assert_eq!(
        (&answered["audience"], &answered["report"]["verdict"]),
        (&json!("public"), &json!("verified"))
    );
    serving.until("GitHub is told", || says(&outside, "acme/calc#1", "The cause is proven"));
    let told = format!("{:?} {}", outside.of("acme/calc#1"), answered["report"]);
    for inside in [known.as_str(), "Zebra", "PAY-7", "/links/"] {
        assert!(!told.contains(inside), "{inside:?} is told outside: {told}");
    }
    // In a private repository the failure is known, and people inside may also read public incidents.
    let private = opened(&github(&serving, 2, true, TEST_OUTPUT));
    let answered = serving.until_done(&private);
    assert_eq!(
        (&answered["audience"], &answered["report"]["verdict"]),
        (&json!("internal"), &json!("known"))
    );
}

#[test]
fn reports_of_one_trace_are_one_incident_only_where_the_same_people_read_them() {
    let (inside, outside) = (Tickets::start(), Tickets::start());
    let serving = Serving::new(&config(&inside, &outside));
    let first = opened(&jira(&serving, "PAY-1", "Carts of the Zebra account fail", TRACE));
    let public = opened(&github(&serving, 1, false, TRACE));
    let joins = |answer: Answer, incident: &str| {
        let told = answer.json();
        assert_eq!(
            (&told["effect"], &told["incident_id"]),
            (&json!("joined"), &json!(incident)),
            "{}",
            answer.text
        );
    };
    joins(github(&serving, 2, false, TRACE), &public);
    joins(jira(&serving, "PAY-2", "Carts fail again", TRACE), &first);
    joins(github(&serving, 3, true, TRACE), &first);
    let related = |id: &str| serving.until_done(id)["related"].clone();
    assert_eq!((related(&first), related(&public)), (json!([public]), json!([first])));
    let told =
        |tickets: &Tickets, ticket: &str, id: &str| tickets.of(ticket).iter().any(|note| note.contains(id));
    for (ticket, incident) in [("acme/calc#1", &public), ("acme/calc#2", &public), ("acme/calc#3", &first)] {
        serving.until(&format!("{ticket} is told"), || told(&outside, ticket, incident));
    }
    let public_notes = format!("{:?} {:?}", outside.of("acme/calc#1"), outside.of("acme/calc#2"));
    assert!(!public_notes.contains("Zebra") && !public_notes.contains(&first), "{public_notes}");
    let titles: Vec<Value> = serving.get(&format!("/v1/incidents/{public}"))["deliveries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| d["title"].clone())
        .collect();
    assert!(titles.iter().all(|title| title == "Sums are odd"), "{titles:?}");
}
