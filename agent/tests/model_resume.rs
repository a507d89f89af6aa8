/*!
A run that is killed at any of its events continues as if nothing had happened: the same report, no effect made twice,
and every question to the model with the same bytes. Both sides of each boundary are tested: killed right after an
event was stored, and right before.
*/
#![expect(clippy::unwrap_used, reason = "an answer of another shape fails its test")]

mod scene;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use millwright_agent::citations::{LocatorOpener, LocatorTarget};
use millwright_agent::context::EvidenceCache;
use millwright_agent::driver::{DriveError, Driver};
use millwright_agent::inbox::{InboxMessage, LocalInbox, RunInbox};
use millwright_agent::investigation::tools;
use millwright_agent::journal::{InMemoryJournal, Journal, JournalError, JournalFuture};
use millwright_agent::planner::openai::OpenAi;
use millwright_agent::run::{ReplayPlan, Run, RunBudget, RunEvent, RunRequest};
use millwright_git::Repo;
use millwright_model::{EvidenceDraft, Report, Verdict};
use millwright_redaction::Redactor;
use millwright_testkit::model_server::{ModelReply, ModelRequest, ProtocolRules, ScriptedModelServer};
use millwright_tools::{
    Decision, Dispatcher, Effect, Policy, RunResources, Tool, ToolContext, ToolError, ToolOutput,
    ToolRegistry,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use scene::Scene;

/// Keeps events, and breaks down at one of them.
struct Dying {
    kept: Arc<InMemoryJournal>,
    appended: AtomicUsize,
    dies_at: usize,
    /// Whether the event it dies at was stored before.
    stores: bool,
}

impl Journal for Dying {
    fn append<'a>(&'a self, event: &'a RunEvent) -> JournalFuture<'a, ()> {
        let number = self.appended.fetch_add(1, Ordering::SeqCst) + 1;
        let dies = number == self.dies_at;
        Box::pin(async move {
            if !dies || self.stores {
                // Serialise the event, because a restart reads the stored form.
                let stored = serde_json::to_string(event).unwrap();
                self.kept.append(&serde_json::from_str(&stored).unwrap()).await?;
            }
            if dies { Err(JournalError::Unreadable("killed".into())) } else { Ok(()) }
        })
    }

    fn keep_evidence<'a>(&'a self, draft: &'a EvidenceDraft) -> JournalFuture<'a, String> {
        self.kept.keep_evidence(draft)
    }

    fn evidence_text<'a>(&'a self, sha256: &'a str) -> JournalFuture<'a, Option<String>> {
        self.kept.evidence_text(sha256)
    }
}

/// Does something that must not happen twice.
struct Notify(Arc<AtomicUsize>);

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NotifyArgs {
    /// What to say.
    text: String,
}

impl Tool for Notify {
    type Args = NotifyArgs;
    const NAME: &'static str = "notify";
    const EFFECT: Effect = Effect::WriteExternal;

    fn description(&self) -> String {
        "Tells the people on call.".into()
    }

    async fn run(&self, _: &ToolContext, args: NotifyArgs) -> Result<ToolOutput, ToolError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(ToolOutput::new(format!("told: {}", args.text), json!(null)))
    }
}

struct Anything;

impl LocatorOpener for Anything {
    fn open(&self, _: &LocatorTarget) -> Result<(), String> {
        Ok(())
    }
}

/// Reads, tells somebody (with consent), reads on, is told it quoted wrongly, concludes.
fn script(culprit: String) -> impl FnMut(&ModelRequest) -> ModelReply + Send {
    move |seen| {
        if seen.is_review() {
            return ModelReply::review("weakened", 0.8);
        }
        let conclude = |quote: &str, seen: &ModelRequest| {
            ModelReply::call(
                "conclude",
                json!({
                    "outcome": "cause", "statement": "The pool has one connection.", "kind": "configuration",
                    "commit": culprit, "confidence": 0.9,
                    "evidence": [{ "id": seen.evidence(":config/pool.toml"), "quotes": [quote] }],
                }),
            )
        };
        match seen.step() {
            0 => ModelReply::Calls {
                text: "Both at once.".into(),
                calls: vec![
                    ("git_file".into(), json!({ "path": "config/pool.toml" })),
                    ("git_log".into(), json!({ "limit": 3 })),
                    ("notify".into(), json!({ "text": "looking at the pool" })),
                ],
            },
            1 => ModelReply::RawCall { name: "git_show".into(), arguments: "{\"commit\":".into() },
            2 => conclude("size = 7", seen),
            _ => conclude("size = 1", seen),
        }
    }
}

struct World<'a> {
    scene: &'a Scene,
    server: &'a ScriptedModelServer,
    notified: Arc<AtomicUsize>,
}

impl World<'_> {
    fn request(&self) -> RunRequest {
        let mut ticket = millwright_ingest::parse(scene::TICKET.as_bytes());
        ticket.fingerprint = millwright_ingest::fingerprint(&ticket);
        RunRequest {
            run_id: "run_1".parse().unwrap(),
            incident_id: "inc_1".parse().unwrap(),
            ticket,
            repo: self.scene.path("repo"),
            repository: "scene".parse().unwrap(),
            bad: self.scene.id("HEAD"),
            good: Some(self.scene.id("HEAD~11")),
            logs: Vec::new(),
            replay: ReplayPlan::None("there is none".into()),
            tests: None,
            planner: "scripted".into(),
            unattended: false,
            runs_nothing: false,
            budget: RunBudget::default(),
            use_memory: false,
            jobs: 1,
        }
    }

    /// Drives a run from what the journal holds; a process of its own in everything but name.
    async fn drive(&self, journal: Arc<Dying>, inbox: &dyn RunInbox) -> Result<(Report, Run), DriveError> {
        let events = journal.kept.events();
        let run = Run::from_events(&events);
        let request = run.request().cloned().unwrap_or_else(|| self.request());
        let repo = Arc::new(Repo::open(&self.scene.path("repo"), &self.scene.path("data")).unwrap());
        let shelf = Arc::new(EvidenceCache::new(journal.clone()));
        let registry: ToolRegistry = tools(&shelf).with(Notify(self.notified.clone()));
        let specs = registry.specs();
        let policy = Policy::investigate().with(Effect::WriteExternal, Decision::NeedsApproval);
        let dispatcher = Dispatcher::new(registry, policy);
        let context = ToolContext {
            good: request.good.clone(),
            workbench: Arc::new(RunResources {
                run_dir: self.scene.path("run"),
                jobs: 1,
                ..RunResources::default()
            }),
            ..ToolContext::new(
                repo,
                Arc::default(),
                request.bad.clone(),
                self.scene.path("data"),
                Arc::new(request.ticket.clone()),
            )
        };
        let driver = Driver {
            dispatcher: &dispatcher,
            journal: journal.as_ref(),
            sinks: &[],
            context,
            inbox,
            shelf: &shelf,
            opener: &Anything,
            redactor: &Redactor::default(),
        };
        let run = match run.request() {
            Some(_) => run,
            None => {
                let first = RunEvent::Started {
                    request: Box::new(request),
                    at: "2026-01-05T10:00:00Z".parse().unwrap(),
                };
                driver.record_start(&first).await?;
                Run::from_events([&first])
            }
        };
        let mut planner = OpenAi::new(Scene::settings(self.server), specs).unwrap();
        driver.drive(run, &mut planner).await
    }

    /// Drives to the end, giving consent when asked and starting anew when killed.
    async fn finish(&self, dies_at: usize, stores: bool) -> (Report, Vec<RunEvent>) {
        let mut journal =
            Arc::new(Dying { kept: Arc::default(), appended: AtomicUsize::new(0), dies_at, stores });
        let inbox = LocalInbox::default();
        for _ in 0..6 {
            match self.drive(journal.clone(), &inbox).await {
                Ok((report, _)) => return (report, journal.kept.events()),
                Err(DriveError::AwaitingApproval(calls)) => {
                    assert_eq!(calls, ["notify (c5)"]);
                    // Put the decision in the inbox before the run resumes, as a service would.
                    inbox.put(InboxMessage::Decision { call: "c5".into(), approved: true, by: "Ann".into() });
                }
                Err(DriveError::Journal(_)) => {
                    // The next process finds the stored events, and its journal does not fail.
                    let kept = journal.kept.clone();
                    journal = Arc::new(Dying {
                        kept,
                        appended: AtomicUsize::new(0),
                        dies_at: usize::MAX,
                        stores: true,
                    });
                }
                Err(other) => panic!("{other}"),
            }
        }
        panic!("killed at {dies_at}, the run does not end");
    }
}

/// What must be the same however often a run was killed.
fn essence(report: &Report) -> Report {
    let mut report = report.clone();
    report.usage.wall_ms = 0;
    // A call whose outcome was lost gives a different answer, and so a different cost.
    (report.usage.input_tokens, report.usage.cached_tokens, report.usage.cost_usd) = (0, 0, 0.0);
    report
}

#[tokio::test]
async fn a_run_killed_at_any_event_ends_with_the_same_report_and_repeats_no_effect() {
    let scene = Scene::new();
    let server = ScriptedModelServer::start(
        ProtocolRules { new_prefixes: true, ..ProtocolRules::default() },
        script(scene.culprit().to_string()),
    )
    .await;
    let hashes: Mutex<BTreeSet<String>> = Mutex::default();
    let world = World { scene: &scene, server: &server, notified: Arc::default() };
    let (whole, events) = world.finish(usize::MAX, true).await;
    assert_eq!(whole.verdict, Verdict::Probable, "{}", whole.summary);
    assert_eq!(world.notified.load(Ordering::SeqCst), 1);
    let kinds: BTreeSet<&str> = events.iter().map(RunEvent::kind).collect();
    for kind in
        ["model_asked", "model_answered", "approval_decided", "tool_started", "tool_finished", "finished"]
    {
        assert!(kinds.contains(kind), "{kind} is not tried");
    }
    for dies_at in 1..=events.len() {
        for stores in [true, false] {
            let world = World { scene: &scene, server: &server, notified: Arc::default() };
            let (report, events) = world.finish(dies_at, stores).await;
            let at = format!("killed at event {dies_at}, stored: {stores}");
            assert_eq!(essence(&report), essence(&whole), "{at}");
            // A call that was started may have had its effect, so it is not made a second time.
            assert!(world.notified.load(Ordering::SeqCst) <= 1, "{at}: the effect was repeated");
            let asked = events.iter().filter_map(|event| match event {
                RunEvent::ModelAsked { ask } => Some(ask.request_sha256.clone()),
                _ => None,
            });
            hashes.lock().unwrap().extend(asked);
        }
    }
    server.check();
    let hashes = hashes.into_inner().unwrap();
    for seen in server.requests() {
        let sha256 = millwright_model::Evidence::hash(&seen.raw);
        assert!(hashes.contains(&sha256), "request {} was not sent as it was stored", seen.number);
    }
}
