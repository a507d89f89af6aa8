/*!
Failures of models and their servers. In each case the run ends with an honest report: it has the playbook's results
and says why the model did not finish.
*/

mod scene;

use std::time::{Duration, Instant};

use millwright_agent::inbox::{InboxMessage, LocalInbox};
use millwright_agent::investigation::InvestigationRequest;
use millwright_agent::planner::openai::ModelSettings;
use millwright_agent::run::{FailureKind, ModelFailure, RunBudget, RunEvent};
use millwright_model::Verdict;
use millwright_testkit::model_server::{ModelReply, ModelRequest, ProtocolRules, ScriptedModelServer};
use serde_json::json;

use scene::{Ran, Scene};

/// Runs a model from a script and checks the protocol; the report must be complete and say why the model did not
/// finish.
async fn fails(
    script: impl FnMut(&ModelRequest) -> ModelReply + Send + 'static,
    because: &str,
) -> (Ran, ScriptedModelServer) {
    fails_with(|settings| settings, script, because).await
}

async fn fails_with(
    change: impl Fn(ModelSettings) -> ModelSettings,
    script: impl FnMut(&ModelRequest) -> ModelReply + Send + 'static,
    because: &str,
) -> (Ran, ScriptedModelServer) {
    let scene = Scene::new();
    let server =
        ScriptedModelServer::start(ProtocolRules { new_prefixes: true, ..ProtocolRules::default() }, script)
            .await;
    let ran = scene.investigate_with(change(Scene::settings(&server)), scene.options(), None).await;
    server.check();
    let report = ran.report();
    let fell_back = report.usage.fell_back.as_deref().unwrap_or_default();
    assert!(fell_back.contains(because), "{fell_back:?} does not say {because:?}");
    assert!(report.summary.contains("The playbook finished the run"), "{}", report.summary);
    assert!(report.suspects.len() >= 10, "the playbook's ranking is missing");
    assert_eq!(report.usage.planner, "scripted");
    assert!(report.escalate.is_some());
    (ran, server)
}

fn failures(ran: &Ran) -> Vec<&ModelFailure> {
    let failed = ran.events.iter().filter_map(|event| match event {
        RunEvent::ModelFailed { failure } => Some(failure),
        _ => None,
    });
    failed.collect()
}

#[tokio::test]
async fn too_many_requests_are_retried_after_the_time_the_server_names() {
    let scene = Scene::new();
    let begun = Instant::now();
    let script = |seen: &ModelRequest| match (seen.number, seen.is_review()) {
        (1, _) => ModelReply::Status {
            status: 429,
            headers: vec![("retry-after", "1".into())],
            body: json!({ "error": { "message": "slow down", "type": "requests" } }).to_string(),
        },
        (_, true) => ModelReply::review("stands", 1.0),
        _ => ModelReply::call(
            "conclude",
            json!({ "outcome": "nothing_found", "statement": "Nothing.", "confidence": 0.2, "evidence": [] }),
        ),
    };
    let server = ScriptedModelServer::start(ProtocolRules::default(), script).await;
    let ran = scene.investigate(&server).await;
    server.check();
    assert!(begun.elapsed() >= Duration::from_secs(1));
    assert_eq!(ran.report().usage.fell_back, None);
    let requests = server.requests();
    assert_eq!(requests[0].raw, requests[1].raw);

    let (ran, server) = fails(|_| ModelReply::status(429, "slow down"), "429: slow down").await;
    assert_eq!(failures(&ran)[0].kind, FailureKind::RateLimited);
    assert_eq!(server.requests().len(), 4, "the client's own three retries, and no others");
}

#[tokio::test]
async fn a_broken_server_is_left_after_its_retries() {
    let (ran, server) = fails(|_| ModelReply::status(503, "overloaded"), "503").await;
    assert_eq!(failures(&ran).len(), 1);
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn a_wrong_key_is_told_at_once() {
    let (ran, server) =
        fails(|_| ModelReply::status(401, "Incorrect API key provided"), "401: Incorrect API key").await;
    assert_eq!(failures(&ran)[0].kind, FailureKind::Refused);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told() {
    let unreachable = |mut settings: ModelSettings| {
        // The discard port: no server listens there.
        settings.connection.base_url = "http://127.0.0.1:9/v1".into();
        settings
    };
    fails_with(unreachable, |_| ModelReply::Empty, "cannot be reached").await;
}

#[tokio::test]
async fn broken_answers_are_tried_again_a_few_times() {
    let check = async |reply: ModelReply, kind: FailureKind| {
        let (ran, server) = fails(move |_| reply.clone(), "no answers arrived").await;
        assert!(failures(&ran).iter().all(|failure| failure.kind == kind), "{:?}", failures(&ran));
        assert_eq!(server.requests().len(), 3);
    };
    check(ModelReply::Cut("I would first look at".into()), FailureKind::Cut).await;
    check(ModelReply::HangUp, FailureKind::Cut).await;
    check(ModelReply::StreamError("the engine died".into()), FailureKind::Cut).await;
    check(ModelReply::Garbage, FailureKind::Garbled).await;
    check(ModelReply::Empty, FailureKind::Empty).await;
}

#[tokio::test]
async fn a_slow_stream_is_ended() {
    let hasty = |mut settings: ModelSettings| {
        settings.connection.timeout = Duration::from_millis(300);
        settings
    };
    let slow =
        |_: &ModelRequest| ModelReply::Slow("one two three four five six".into(), Duration::from_millis(120));
    let (ran, _) = fails_with(hasty, slow, "no answers arrived").await;
    assert!(failures(&ran).iter().all(|failure| failure.kind == FailureKind::TimedOut));
}

#[tokio::test]
async fn malformed_calls_are_repaired_once_and_then_counted() {
    let broken =
        |_: &ModelRequest| ModelReply::RawCall { name: "git_log".into(), arguments: "{\"limit\": ".into() };
    let (_, server) = fails(broken, "could not be used").await;
    let second = &server.requests()[1];
    assert!(second.last().contains("Expected {"), "{}", second.last());
    assert_eq!(server.requests().len(), 4, "one repair, three failed steps");

    let garbage = |_: &ModelRequest| {
        ModelReply::Text("{\"thought\": \"hm\", \"action\": {\"tool\": \"git_log\", ".into())
    };
    let (_, server) = fails(garbage, "could not be used").await;
    assert!(server.requests()[1].last().contains("not valid JSON"), "{}", server.requests()[1].last());
}

#[tokio::test]
async fn a_tool_that_does_not_exist_is_answered_with_those_that_do() {
    let wrong = |_: &ModelRequest| ModelReply::call("run_shell", json!({ "command": "rm -rf /" }));
    let (ran, server) = fails(wrong, "could not be used").await;
    assert!(server.requests()[1].last().contains("there is no tool"), "{}", server.requests()[1].last());
    assert!(ran.report().usage.input_tokens > 0);
}

#[tokio::test]
async fn an_endless_loop_is_told_then_loses_its_tools_then_ends() {
    let looping = |_: &ModelRequest| ModelReply::call("git_file", json!({ "path": "config/pool.toml" }));
    let (_, server) = fails(looping, "repeated the same calls").await;
    let requests = server.requests();
    let choices: Vec<&str> =
        requests.iter().map(|seen| seen.body["tool_choice"].as_str().unwrap_or("named")).collect();
    assert_eq!(choices, ["auto", "auto", "auto", "auto", "none"]);
    assert!(requests[3].last().contains("same call several times"));
    assert!(requests[4].text().contains("Tools are withdrawn"));
    assert_eq!(
        requests[4].body["tools"], requests[0].body["tools"],
        "withdrawn by choice, not by dropping them"
    );
    assert_eq!(server.prefixes(), 1);

    let pair = |seen: &ModelRequest| match seen.step() % 2 {
        0 => ModelReply::call("git_file", json!({ "path": "config/pool.toml" })),
        _ => ModelReply::call("git_log", json!({})),
    };
    let (_, server) = fails(pair, "repeated the same calls").await;
    assert!(server.requests()[4].last().contains("back and forth"), "{}", server.requests()[4].last());

    let wrong = |seen: &ModelRequest| {
        ModelReply::call("git_file", json!({ "path": format!("nowhere/{}", seen.step()) }))
    };
    let (_, server) = fails(wrong, "repeated the same calls").await;
    assert!(server.requests()[3].last().contains("all failed"));
}

#[tokio::test]
async fn a_narrator_is_asked_for_calls() {
    let narrator =
        |_: &ModelRequest| ModelReply::Text("I think it is the database, let me look into that.".into());
    let (_, server) = fails(narrator, "").await;
    assert!(server.requests()[1].last().contains("That was no action"), "{}", server.requests()[1].last());
}

#[tokio::test]
async fn a_model_with_its_tools_withdrawn_can_still_conclude() {
    let scene = Scene::new();
    let script = |seen: &ModelRequest| {
        match seen.body["tool_choice"].as_str() {
        Some("none") => ModelReply::Text(
            "Here it is: {\"outcome\": \"nothing_found\", \"statement\": \"I went in circles.\", \"confidence\": 0.1, \
             \"evidence\": []}"
                .into(),
        ),
        _ => ModelReply::call("git_file", json!({ "path": "config/pool.toml" })),
    }
    };
    let server = ScriptedModelServer::start(ProtocolRules::default(), script).await;
    let ran = scene.investigate(&server).await;
    server.check();
    assert_eq!(ran.report().usage.fell_back, None);
    assert_eq!(ran.report().verdict, Verdict::Inconclusive);
}

#[tokio::test]
async fn the_last_step_forces_the_finding() {
    let scene = Scene::new();
    let script = |seen: &ModelRequest| match seen.body["tool_choice"]["function"]["name"].as_str() {
        Some("conclude") => ModelReply::call(
            "conclude",
            json!({ "outcome": "nothing_found", "statement": "Out of steps.", "confidence": 0.1, "evidence": [] }),
        ),
        _ => ModelReply::call("git_log", json!({ "limit": seen.step() + 1 })),
    };
    let server = ScriptedModelServer::start(ProtocolRules::default(), script).await;
    let options = InvestigationRequest {
        budget: RunBudget { steps: Some(3), ..RunBudget::default() },
        ..scene.options()
    };
    let ran = scene.investigate_with(Scene::settings(&server), options, None).await;
    server.check();
    assert_eq!(server.requests().len(), 3);
    assert!(server.requests()[2].last().contains("your last step"));
    assert_eq!(ran.report().usage.fell_back, None);

    let stubborn = |seen: &ModelRequest| ModelReply::call("git_log", json!({ "limit": seen.step() + 1 }));
    let few = |mut settings: ModelSettings| {
        settings.steps = 3;
        settings
    };
    let (_, server) = fails_with(few, stubborn, "the budget of 3 steps is used up").await;
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn a_conversation_that_is_too_long_is_compacted_and_keeps_its_board() {
    let scene = Scene::new();
    let mut refused = false;
    let script = move |seen: &ModelRequest| {
        if seen.is_review() {
            return ModelReply::review("stands", 1.0);
        }
        match seen.step() {
            0 if !seen.text().contains("grew too long") => ModelReply::call(
                "board",
                json!({ "hypotheses": [{ "statement": "The pool is small", "status": "open", "evidence": ["E1"] }] }),
            ),
            step if step < 6 && !refused => {
                if step == 5 {
                    refused = true;
                    return ModelReply::status(400, "This model's maximum context length is 4096 tokens");
                }
                ModelReply::call("git_file", json!({ "path": "shop/checkout.py", "limit": step + 1 }))
            }
            _ => ModelReply::call(
                "conclude",
                json!({ "outcome": "nothing_found", "statement": "No.", "confidence": 0.1,
                        "evidence": [{ "id": "E1", "quotes": [] }] }),
            ),
        }
    };
    let server =
        ScriptedModelServer::start(ProtocolRules { new_prefixes: true, ..ProtocolRules::default() }, script)
            .await;
    let ran = scene.investigate(&server).await;
    server.check();
    assert_eq!(ran.report().usage.fell_back, None, "{}", ran.report().summary);
    let compactions: Vec<_> = ran.events.iter().filter(|event| event.kind() == "compacted").collect();
    assert_eq!(compactions.len(), 1);
    assert_eq!(server.prefixes(), 2);
    let last = server.requests().into_iter().rev().find(|seen| !seen.is_review()).unwrap();
    assert!(last.text().contains("earlier steps were taken out"));
    assert!(last.text().contains("H1 (open) The pool is small [E1]"), "{}", last.text());

    let always = |seen: &ModelRequest| match seen.step() {
        0 => ModelReply::status(400, "context_length_exceeded"),
        _ => ModelReply::Empty,
    };
    fails(always, "no longer fits").await;
}

#[tokio::test]
async fn a_server_without_native_calls_is_asked_for_constrained_actions() {
    let scene = Scene::new();
    let script = |seen: &ModelRequest| match (seen.is_review(), seen.body["tools"].is_null()) {
        (true, _) => ModelReply::review("stands", 1.0),
        (_, false) => ModelReply::status(400, "tools are not supported by this model"),
        _ => ModelReply::act(
            "conclude",
            json!({ "outcome": "nothing_found", "statement": "No.", "confidence": 0.1, "evidence": [] }),
        ),
    };
    let server =
        ScriptedModelServer::start(ProtocolRules { new_prefixes: true, ..ProtocolRules::default() }, script)
            .await;
    let ran = scene.investigate(&server).await;
    server.check();
    assert_eq!(ran.report().usage.fell_back, None);

    let neither = |seen: &ModelRequest| match seen.body["tools"].is_null() {
        false => ModelReply::status(400, "tools are not supported by this model"),
        true => ModelReply::status(400, "response_format is not supported"),
    };
    fails(neither, "response_format is not supported").await;
}

#[tokio::test]
async fn a_deadline_ends_a_waiting_question() {
    let scene = Scene::new();
    let slow = |_: &ModelRequest| ModelReply::Slow("one two three four".into(), Duration::from_secs(5));
    let server = ScriptedModelServer::start(ProtocolRules::default(), slow).await;
    let options = InvestigationRequest {
        budget: RunBudget { deadline_ms: Some(3_000), ..RunBudget::default() },
        ..scene.options()
    };
    let begun = Instant::now();
    let ran = scene.investigate_with(Scene::settings(&server), options, None).await;
    assert!(begun.elapsed() < Duration::from_secs(15));
    assert!(ran.report().summary.contains("deadline"), "{}", ran.report().summary);
}

#[tokio::test]
async fn a_person_can_steer_and_stop() {
    let scene = Scene::new();
    let inbox = std::sync::Arc::new(LocalInbox::default());
    let desk = inbox.clone();
    let script = move |seen: &ModelRequest| {
        match seen.step() {
            1 => desk.put(InboxMessage::Remark {
                text: "Look at the pool, ann@example.com says.".into(),
                by: "Ann".into(),
            }),
            2 => desk.put(InboxMessage::Stop),
            _ => {}
        }
        ModelReply::call("git_log", json!({ "limit": seen.step() + 1 }))
    };
    let rules = ProtocolRules { secrets: vec!["ann@example.com".into()], ..ProtocolRules::default() };
    let server = ScriptedModelServer::start(rules, script).await;
    let ran = scene.investigate_with(Scene::settings(&server), scene.options(), Some(inbox.as_ref())).await;
    server.check();
    let requests = server.requests();
    assert_eq!(requests.len(), 3);
    assert!(requests[2].last().contains("Look at the pool"), "{}", requests[2].last());
    assert!(requests[2].last().contains("(Ann)"));
    assert!(ran.report().summary.contains("stopped before its end"), "{}", ran.report().summary);
}

#[tokio::test]
async fn a_finding_that_the_second_reader_refutes_is_not_probable() {
    let scene = Scene::new();
    let script = |seen: &ModelRequest| {
        if seen.is_review() {
            return ModelReply::Text(
                json!({ "judgement": "refuted", "confidence": 0.9,
                        "objections": [{ "statement": "The quote says nothing of a cause.",
                                         "evidence": [{ "id": "E1", "quotes": ["PoolError"] }] }] })
                .to_string(),
            );
        }
        ModelReply::call(
            "conclude",
            json!({ "outcome": "cause", "statement": "The network is slow.", "kind": "infrastructure",
                    "confidence": 0.9, "evidence": [{ "id": "E1", "quotes": ["orders fail"] }] }),
        )
    };
    let server = ScriptedModelServer::start(ProtocolRules::default(), script).await;
    let ran = scene.investigate(&server).await;
    server.check();
    let report = ran.report();
    assert_eq!(report.verdict, Verdict::Inconclusive);
    assert!(report.root_cause.as_ref().unwrap().confidence <= 0.4);
    assert!(
        report.hypotheses[0].statement.starts_with("Second reading: The quote says"),
        "{:?}",
        report.hypotheses
    );
}
