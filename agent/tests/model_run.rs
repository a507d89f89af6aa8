/*!
Whole runs with a model at the scripted server: it plans, tools answer, its finding is checked against the evidence,
and the report states its evidence and its cost.
*/

mod scene;

use millwright_agent::planner::openai::AllowedActionModes;
use millwright_agent::run::{ActionMode, RunBudget, RunEvent};
use millwright_model::{CauseKind, HypothesisStatus, Verdict};
use millwright_testkit::model_server::{ModelReply, ModelRequest, ProtocolRules, ScriptedModelServer};
use serde_json::{Value, json};

use scene::Scene;

/// A sound investigation: reads in parallel, keeps a board, concludes.
fn sound(culprit: String) -> impl FnMut(&ModelRequest) -> ModelReply + Send {
    move |seen| {
        if seen.is_review() {
            return ModelReply::review("weakened", 0.7);
        }
        match seen.step() {
            0 => ModelReply::Calls {
                text: "Reading the change and the file.".into(),
                calls: vec![
                    ("git_show".into(), json!({ "commit": culprit })),
                    ("git_file".into(), json!({ "path": "config/pool.toml" })),
                ],
            },
            1 => ModelReply::call(
                "board",
                json!({ "hypotheses": [
                    { "statement": "The pool is too small", "status": "supported",
                      "evidence": [seen.evidence(":config/pool.toml")] },
                    { "statement": "The database is slow", "status": "open" },
                ] }),
            ),
            _ => ModelReply::call("conclude", conclusion(seen, &culprit)),
        }
    }
}

fn conclusion(seen: &ModelRequest, culprit: &str) -> Value {
    json!({
        "outcome": "cause",
        "statement": "The connection pool was cut to one connection, so concurrent orders wait and time out.",
        "kind": "configuration",
        "commit": &culprit[..12],
        "locations": [{ "path": "config/pool.toml", "start_line": 2, "end_line": 2 }],
        "confidence": 0.95,
        "evidence": [{ "id": seen.evidence(":config/pool.toml"), "quotes": ["size = 1"] }],
        "hypotheses": [{ "statement": "The checkout code changed", "status": "refuted",
                         "evidence": [{ "id": seen.evidence(":config/pool.toml"), "quotes": ["timeout_s = 5"] }] }],
        "missing": ["a replay with two customers at once"],
    })
}

#[tokio::test]
async fn a_model_finds_a_cause_in_the_configuration_and_is_held_to_the_evidence() {
    let scene = Scene::new();
    let rules = ProtocolRules { budget: Some(400_000), ..ProtocolRules::default() };
    let server = ScriptedModelServer::start(rules, sound(scene.culprit().to_string())).await;
    let ran = scene.investigate(&server).await;
    server.check();
    let report = ran.report();
    assert_eq!(report.verdict, Verdict::Probable, "{}", report.summary);
    let cause = report.root_cause.as_ref().unwrap();
    assert_eq!(cause.kind, CauseKind::Configuration);
    assert_eq!(cause.commit.as_deref(), Some(scene.culprit().as_str()));
    assert_eq!(cause.locations[0].path, "config/pool.toml");
    assert!((cause.confidence - 0.7).abs() < 1e-9, "the second reader lowered it: {}", cause.confidence);
    assert!(report.summary.contains("from 90 % to 70 %"), "{}", report.summary);
    assert!(report.struck.is_empty(), "{:?}", report.struck);
    let refuted = report.hypotheses.iter().filter(|h| h.status == HypothesisStatus::Refuted);
    assert!(refuted.clone().any(|h| h.statement == "The checkout code changed"));
    assert!(report.hypotheses.iter().any(|h| h.statement == "The database is slow"));
    assert_eq!(report.escalate.as_ref().unwrap().missing[0], "a replay with two customers at once");

    let usage = &report.usage;
    assert_eq!((usage.planner.as_str(), usage.fell_back.as_deref()), ("scripted", None));
    assert!(usage.input_tokens > usage.cached_tokens && usage.cached_tokens > 0 && usage.output_tokens > 0);
    let fresh = (usage.input_tokens - usage.cached_tokens) as f64;
    let cost = (fresh + 0.1 * usage.cached_tokens as f64 + 4.0 * usage.output_tokens as f64) / 1e6;
    assert!((usage.cost_usd - cost).abs() < 1e-9, "{} is not {cost}", usage.cost_usd);
    for id in ["system", "brief", "tool_result", "review"] {
        assert_eq!(usage.prompts[id].len(), 64, "{id}");
    }
    assert_eq!(server.prefixes(), 1);
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn reads_of_one_answer_are_made_at_once_and_told_in_order() {
    let scene = Scene::new();
    let server =
        ScriptedModelServer::start(ProtocolRules::default(), sound(scene.culprit().to_string())).await;
    let ran = scene.investigate(&server).await;
    let kinds: Vec<&str> = ran
        .events
        .iter()
        .skip_while(|event| !matches!(event, RunEvent::ModelAnswered { .. }))
        .map(RunEvent::kind)
        .take(7)
        .collect();
    let expected = [
        "model_answered",
        "planned",
        "tool_started",
        "tool_started",
        "tool_finished",
        "tool_finished",
        "model_asked",
    ];
    assert_eq!(kinds, expected);
    let second = &server.requests()[1];
    let results: Vec<&str> = second
        .messages()
        .iter()
        .filter(|message| message["role"] == "tool")
        .map(|message| message["content"].as_str().unwrap().split(' ').next().unwrap())
        .collect();
    assert_eq!(results, ["git_show", "git_file"]);
}

#[tokio::test]
async fn a_small_model_that_writes_its_calls_as_text_goes_on_by_constrained_actions() {
    let scene = Scene::new();
    let culprit = scene.culprit();
    let script = move |seen: &ModelRequest| {
        let constrained = seen.body["response_format"]["type"] == "json_schema";
        match (seen.is_review(), seen.step()) {
            (true, _) => ModelReply::review("stands", 1.0),
            (_, 0) => ModelReply::Text(
                "{\"name\": \"git_file\", \"arguments\": {\"path\": \"config/pool.toml\"}}".into(),
            ),
            (_, 1) if constrained => ModelReply::act("git_show", json!({ "commit": culprit, "paths": null })),
            _ if constrained => ModelReply::act("conclude", conclusion(seen, &culprit)),
            _ => ModelReply::Text("no schema was sent".into()),
        }
    };
    let server =
        ScriptedModelServer::start(ProtocolRules { new_prefixes: true, ..ProtocolRules::default() }, script)
            .await;
    let ran = scene.investigate(&server).await;
    server.check();
    assert_eq!(ran.report().verdict, Verdict::Probable, "{:#?}", ran.report());
    let confidence = ran.report().root_cause.as_ref().unwrap().confidence;
    assert!((confidence - 0.9).abs() < 1e-9, "a second reader cannot raise it: {confidence}");
    assert_eq!(server.prefixes(), 2, "one for each mode");
}

#[tokio::test]
async fn the_mode_can_be_set() {
    let scene = Scene::new();
    let culprit = scene.culprit();
    let script = move |seen: &ModelRequest| match (seen.is_review(), seen.step()) {
        (true, _) => ModelReply::review("stands", 1.0),
        (_, 0) => ModelReply::act("git_file", json!({ "path": "config/pool.toml" })),
        _ => ModelReply::act("conclude", conclusion(seen, &culprit)),
    };
    let server = ScriptedModelServer::start(ProtocolRules::default(), script).await;
    let mut settings = Scene::settings(&server);
    settings.modes = AllowedActionModes::Only(ActionMode::Constrained);
    let ran = scene.investigate_with(settings, scene.options(), None).await;
    server.check();
    assert_eq!(ran.report().verdict, Verdict::Probable);
    assert!(server.requests().iter().all(|seen| seen.body["tools"].is_null()));
    assert_eq!(server.prefixes(), 1);
}

#[tokio::test]
async fn forged_quotes_are_told_once_and_then_struck() {
    let scene = Scene::new();
    let culprit = scene.culprit();
    let script = move |seen: &ModelRequest| {
        if seen.is_review() {
            return ModelReply::review("stands", 1.0);
        }
        match seen.step() {
            0 => ModelReply::call("git_file", json!({ "path": "config/pool.toml" })),
            _ => {
                let mut forged = conclusion(seen, &culprit);
                forged["evidence"][0]["quotes"] = json!(["size = 0"]);
                ModelReply::call("conclude", forged)
            }
        }
    };
    let server = ScriptedModelServer::start(ProtocolRules::default(), script).await;
    let ran = scene.investigate(&server).await;
    server.check();
    let report = ran.report();
    let requests = server.requests();
    assert!(
        requests[2].last().contains("its quote \"size = 0\" does not occur in"),
        "{}",
        requests[2].last()
    );
    let struck = &report.struck[0];
    assert!(struck.claim.starts_with("The connection pool was cut"), "{struck:?}");
    assert!(struck.because.contains("size = 0"), "{struck:?}");
    let named = report.root_cause.as_ref().map(|cause| cause.statement.as_str()).unwrap_or_default();
    assert!(!named.contains("The connection pool was cut"), "{named}");
}

#[tokio::test]
async fn negative_answers_are_answers() {
    let scene = Scene::new();
    for (outcome, verdict) in
        [("not_an_incident", Verdict::NotAnIncident), ("nothing_found", Verdict::Inconclusive)]
    {
        let script = move |seen: &ModelRequest| {
            if seen.is_review() {
                return ModelReply::review("stands", 0.9);
            }
            ModelReply::call(
                "conclude",
                json!({
                    "outcome": outcome, "statement": "The ticket describes a load test.", "confidence": 0.8,
                    "evidence": [{ "id": "E1", "quotes": ["when many customers order at once"] }],
                    "missing": ["the time of the load test"],
                }),
            )
        };
        let server = ScriptedModelServer::start(ProtocolRules::default(), script).await;
        let ran = scene.investigate(&server).await;
        server.check();
        let report = ran.report();
        assert_eq!(report.verdict, verdict, "{}", report.summary);
        assert!(report.root_cause.is_none());
        if verdict == Verdict::Inconclusive {
            assert_eq!(report.escalate.as_ref().unwrap().missing[0], "the time of the load test");
        }
    }
}

#[tokio::test]
async fn a_token_budget_is_never_exceeded_and_the_report_says_so() {
    let scene = Scene::new();
    let budget = 16_000;
    let rules = ProtocolRules { budget: Some(budget), ..ProtocolRules::default() };
    let mut line = 0;
    let script = move |_: &ModelRequest| {
        line += 1;
        ModelReply::call("git_log", json!({ "limit": line }))
    };
    let server = ScriptedModelServer::start(rules, script).await;
    let options = millwright_agent::investigation::InvestigationRequest {
        budget: RunBudget { tokens: Some(budget), ..RunBudget::default() },
        ..scene.options()
    };
    let ran = scene.investigate_with(Scene::settings(&server), options, None).await;
    server.check();
    assert!(!server.requests().is_empty());
    let usage = &ran.report().usage;
    assert!(usage.input_tokens + usage.output_tokens <= budget);
    assert_eq!(usage.fell_back.as_deref(), Some("the budget of 16000 tokens is used up"));
    assert!(ran.report().summary.contains("The playbook finished the run"), "{}", ran.report().summary);
}
