/*! Replays a dialogue on its own repository and checks the report. */

use std::collections::BTreeMap;
use std::fs;

use millwright_agent::investigation::{InvestigationRequest, ReplayChoice};
use millwright_model::{CauseKind, CommitId, HypothesisStatus, Report, Verdict};
use millwright_testkit::model_server::{ModelReply, ModelRequest, ProtocolRules, ScriptedModelServer};
use serde_json::{Value, json};

use crate::scene::{Ran, Scene, filled};

/// An incident: `{c:N}` in a dialogue is the id of the Nth commit, `{E:part}` the evidence whose locator has `part`.
pub(crate) struct Incident {
    pub(crate) ticket: &'static str,
    /// Subject and files of each commit, oldest first; the last is the failing revision.
    pub(crate) commits: Vec<(&'static str, Vec<(&'static str, String)>)>,
    pub(crate) logs: Option<&'static str>,
    /// Calls of each step.
    pub(crate) dialogue: Vec<Vec<(&'static str, Value)>>,
    pub(crate) review: ModelReply,
    /// The recipe that runs a single test at the failing revision, if the model may write a test.
    pub(crate) test_one: Option<&'static str>,
}

/// The expected content of the report.
pub(crate) struct Expected {
    pub(crate) verdict: Verdict,
    pub(crate) kind: Option<CauseKind>,
    /// Position of the culprit, from 1.
    pub(crate) commit: Option<usize>,
    /// Words in the root cause, or in the summary if there is none.
    pub(crate) says: &'static str,
    pub(crate) refuted: Vec<&'static str>,
    pub(crate) missing: Option<&'static str>,
}

pub(crate) fn cites(evidence: &[(&str, &str)]) -> Value {
    evidence.iter().map(|(id, quote)| json!({ "id": id, "quotes": [quote] })).collect()
}

/// A commit that changes nothing relevant.
pub(crate) fn noise(number: usize) -> (&'static str, Vec<(&'static str, String)>) {
    ("Update the notes", vec![("NOTES.md", format!("note {number}\n"))])
}

/// A dialogue that was replayed.
pub(crate) struct Played {
    ran: Ran,
    /// Ids of the commits, oldest first.
    pub(crate) commits: Vec<CommitId>,
    server: ScriptedModelServer,
}

impl Played {
    pub(crate) fn report(&self) -> &Report {
        self.ran.report()
    }
}

/// Replays the dialogue as written and compares the report with the expectation.
pub(crate) async fn check(incident: &Incident, expected: &Expected) -> Played {
    let played = run(incident).await;
    let report = played.report();
    assert_eq!(report.verdict, expected.verdict, "{}\n{:#?}", report.summary, report.struck);
    assert!(report.struck.is_empty(), "{:#?}", report.struck);
    assert_eq!(report.usage.fell_back, None, "{}", report.summary);
    assert_eq!(played.server.prefixes(), 1, "the conversation began anew");
    let cause = report.root_cause.as_ref();
    assert_eq!(cause.map(|cause| cause.kind), expected.kind);
    let commit = expected.commit.map(|number| played.commits[number - 1].clone());
    assert_eq!(cause.and_then(|cause| cause.commit.clone()), commit);
    let said = cause.map_or(&report.summary, |cause| &cause.statement);
    assert!(said.contains(expected.says), "{said:?} does not say {:?}", expected.says);
    for words in &expected.refuted {
        let mut refuted = report.hypotheses.iter().filter(|idea| idea.status == HypothesisStatus::Refuted);
        assert!(
            refuted.any(|idea| idea.statement.contains(words)),
            "{words:?} is not refuted: {:#?}",
            report.hypotheses
        );
    }
    if let Some(missing) = expected.missing {
        let told = report.escalate.as_ref().map(|escalate| escalate.missing.join("\n")).unwrap_or_default();
        assert!(told.contains(missing), "{told:?} does not miss {missing:?}");
    }
    grounded(report);
    played
}

/// Replays the dialogue as written.
pub(crate) async fn run(incident: &Incident) -> Played {
    replay(incident, &incident.dialogue).await
}

/// Replays the dialogue with every quote of its conclusion forged: the report must not believe any of them.
pub(crate) async fn check_forged(incident: &Incident, expected: &Expected) {
    let mut dialogue = incident.dialogue.clone();
    let last = dialogue.last_mut().unwrap();
    for (_, arguments) in last.iter_mut().filter(|(tool, _)| *tool == "conclude") {
        for cite in arguments["evidence"].as_array_mut().unwrap() {
            cite["quotes"] = json!(["words that stand nowhere"]);
        }
    }
    let again = dialogue.last().unwrap().clone();
    dialogue.push(again);
    let played = replay(incident, &dialogue).await;
    let report = played.report();
    assert!(!report.struck.is_empty(), "a forged quote was not struck: {}", report.summary);
    let named = report.root_cause.as_ref().map(|cause| cause.statement.clone()).unwrap_or_default();
    assert!(!named.contains(expected.says), "{named:?} was believed");
    assert_ne!(report.verdict, Verdict::NotAnIncident);
}

/// Checks the dialogue as written and forged; for incidents in which no run could prove the model's claims.
pub(crate) async fn both(incident: Incident, expected: Expected) -> Played {
    check_forged(&incident, &expected).await;
    check(&incident, &expected).await
}

async fn replay(incident: &Incident, dialogue: &[Vec<(&'static str, Value)>]) -> Played {
    let scene = Scene::empty();
    let mut commits = Vec::new();
    for (subject, files) in &incident.commits {
        files.iter().for_each(|(path, text)| scene.write(path, text));
        scene.commit(subject);
        commits.push(scene.id("HEAD"));
    }
    let names: BTreeMap<String, String> =
        commits.iter().zip(1..).map(|(id, number)| (format!("{{c:{number}}}"), id.to_string())).collect();
    let steps: Vec<ModelReply> = dialogue
        .iter()
        .map(|calls| ModelReply::Calls {
            text: String::new(),
            calls: calls.iter().map(|(tool, arguments)| ((*tool).to_owned(), arguments.clone())).collect(),
        })
        .collect();
    let review = incident.review.clone();
    let script = move |seen: &ModelRequest| match steps.get(seen.step()) {
        _ if seen.is_review() => review.clone(),
        Some(reply) => filled(reply, &names, seen),
        None => panic!("the dialogue is over, but the model is asked again:\n{}", seen.last()),
    };
    let server = ScriptedModelServer::start(
        ProtocolRules { budget: Some(400_000), ..ProtocolRules::default() },
        script,
    )
    .await;
    let mut options = InvestigationRequest {
        ticket: incident.ticket.as_bytes().to_vec(),
        good: commits.first().map(ToString::to_string),
        ..scene.options()
    };
    if let Some(logs) = incident.logs {
        fs::write(scene.path("app.log"), logs).unwrap();
        options.logs = vec![scene.path("app.log")];
    }
    if let Some(test_one) = incident.test_one {
        options.recipes = millwright_replay::TestRecipes {
            test_one: Some(test_one.to_owned()),
            ..millwright_replay::TestRecipes::default()
        };
        options.replay = ReplayChoice::Derive;
        options.tests = Some("sh tests/own.sh".to_owned());
    }
    let ran = scene.investigate_with(Scene::settings(&server), options, None).await;
    server.check();
    Played { ran, commits, server }
}

/// Checks that every claim of the report cites existing evidence.
fn grounded(report: &Report) {
    let known: Vec<_> = report.evidence.iter().map(|evidence| &evidence.id).collect();
    if let Some(cause) = &report.root_cause {
        assert!(!cause.evidence.is_empty());
        assert!(cause.evidence.iter().all(|id| known.contains(&id)));
    }
    for idea in report.hypotheses.iter().filter(|idea| idea.status != HypothesisStatus::Open) {
        assert!(!idea.evidence.is_empty() && idea.evidence.iter().all(|id| known.contains(&id)), "{idea:?}");
    }
}
