/*!
Shared by the tests of the model planner: a small repository whose seventh commit shrinks a connection pool, a ticket
about it, and an investigation of it by a model at a scripted server.
*/
#![expect(clippy::unwrap_used, reason = "a scene that cannot be set up fails its test")]
#![allow(dead_code, clippy::allow_attributes, reason = "each test file uses its own part of this module")]

use millwright_model::{CommitId, Scope};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use millwright_agent::context::ContextBudget;
use millwright_agent::inbox::RunInbox;
use millwright_agent::investigation::{
    InvestigationDependencies, InvestigationRequest, InvestigationResult, ReplayChoice, investigate,
    tool_specs,
};
use millwright_agent::planner::openai::{
    AllowedActionModes, ModelConnection, ModelPrices, ModelSettings, OpenAi,
};
use millwright_agent::run::{RunBudget, RunEvent};
use millwright_agent::sink::EventSink;
use millwright_redaction::Redactor;
use millwright_replay::ReplayOptions;
use millwright_store::Store;
use millwright_testkit::model_server::{ModelReply, ModelRequest, ScriptedModelServer};
use millwright_testkit::repository::TestRepo;
use millwright_tools::{CancelFlag, NoProgress};
use serde_json::Value;

pub(crate) const TICKET: &str = "Checkout fails at noon\n\nSince Tuesday orders fail when many customers order at once:\n\
                          PoolError: timed out waiting for a connection (pool size 1)\n";

pub(crate) struct Scene {
    repo: TestRepo,
}

impl Scene {
    /// A repository without a commit.
    pub(crate) fn empty() -> Self {
        Self { repo: TestRepo::new() }
    }

    pub(crate) fn new() -> Self {
        let scene = Self::empty();
        scene.write("config/pool.toml", "[pool]\nsize = 20\ntimeout_s = 5\n");
        scene.write(
            "shop/checkout.py",
            "def checkout(order, pool):\n    with pool.connection() as c:\n        c.save(order)\n",
        );
        for n in 1..=12 {
            if n == 7 {
                scene.write("config/pool.toml", "[pool]\nsize = 1\ntimeout_s = 5\n");
            }
            scene.write(&format!("shop/note{}.py", n % 3), &format!("NOTE = {n}\n"));
            scene.commit(&if n == 7 {
                "Tidy up the pool settings".to_owned()
            } else {
                format!("Change {n}")
            });
        }
        scene
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.repo.beside(name)
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        self.repo.write(&[(file, text)]);
    }

    pub(crate) fn commit(&self, subject: &str) {
        self.repo.commit(subject, &[]);
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        self.repo.git(arguments)
    }

    /// The full id of a revision.
    pub(crate) fn id(&self, revision: &str) -> CommitId {
        self.repo.id(revision)
    }

    /// The commit that shrank the pool.
    pub(crate) fn culprit(&self) -> CommitId {
        self.id("HEAD~5")
    }

    pub(crate) fn settings(server: &ScriptedModelServer) -> ModelSettings {
        ModelSettings {
            connection: ModelConnection {
                base_url: server.base_url(),
                model: "scripted".into(),
                api_key: Some("test-key".to_owned().into()),
                ca_file: None,
                proxy: None,
                timeout: Duration::from_secs(20),
                temperature: None,
            },
            modes: AllowedActionModes::Auto,
            room: ContextBudget { context_tokens: 64_000, max_output_tokens: 1_000 },
            prices: ModelPrices { input: 1.0, cached_input: 0.1, output: 4.0 },
            steps: 10,
        }
    }

    pub(crate) fn options(&self) -> InvestigationRequest {
        InvestigationRequest {
            repository_name: None,
            incident: None,
            ticket: TICKET.as_bytes().to_vec(),
            ticket_name: None,
            repo: self.repo.work(),
            bad: "HEAD".into(),
            good: Some("HEAD~11".into()),
            logs: Vec::new(),
            replay: ReplayChoice::Off,
            recipes: Default::default(),
            remotes: Default::default(),
            tests: None,
            use_memory: true,
            jobs: 1,
            budget: RunBudget::default(),
            data_dir: self.path("data"),
            sandbox: ReplayOptions::default(),
            source: "test".into(),
            notes: Vec::new(),
        }
    }

    /// Investigates with a model at `server`.
    pub(crate) async fn investigate(&self, server: &ScriptedModelServer) -> Ran {
        self.investigate_with(Self::settings(server), self.options(), None).await
    }

    pub(crate) async fn investigate_with(
        &self,
        settings: ModelSettings,
        options: InvestigationRequest,
        inbox: Option<&dyn RunInbox>,
    ) -> Ran {
        let mut planner = OpenAi::new(settings, tool_specs(false)).unwrap();
        let recorder = Arc::new(RunEventRecorder::default());
        let sinks: Vec<Arc<dyn EventSink>> = vec![recorder.clone()];
        let means = InvestigationDependencies {
            store: None,
            planner: &mut planner,
            sinks: &sinks,
            progress: Arc::new(NoProgress),
            cancel: CancelFlag::default(),
            redactor: Arc::new(Redactor::default()),
            inbox,
        };
        let investigated = investigate(&options, means).await.unwrap();
        Ran { investigated, events: recorder.events() }
    }

    pub(crate) async fn store(&self) -> Store {
        fs::create_dir_all(self.path("data")).unwrap();
        Store::open(&self.path("data").to_string_lossy(), Scope::installation("test")).await.unwrap()
    }
}

/// Replaces placeholders in a reply: the given names, and `{E:part of a locator}` with the id of the matching
/// evidence.
pub(crate) fn filled(
    reply: &ModelReply,
    names: &BTreeMap<String, String>,
    seen: &ModelRequest,
) -> ModelReply {
    let fill = |arguments: &Value| -> Value {
        let mut text = arguments.to_string();
        for (name, value) in names {
            text = text.replace(name, value);
        }
        while let Some((before, rest)) = text.split_once("{E:") {
            let (locator, after) = rest.split_once('}').unwrap();
            text = format!("{before}{}{after}", seen.evidence(locator));
        }
        serde_json::from_str(&text).unwrap()
    };
    match reply {
        ModelReply::Calls { text, calls } => ModelReply::Calls {
            text: text.clone(),
            calls: calls.iter().map(|(tool, arguments)| (tool.clone(), fill(arguments))).collect(),
        },
        other => other.clone(),
    }
}

pub(crate) struct Ran {
    pub(crate) investigated: InvestigationResult,
    pub(crate) events: Vec<RunEvent>,
}

impl Ran {
    pub(crate) fn report(&self) -> &millwright_model::Report {
        &self.investigated.report
    }
}

#[derive(Debug, Default)]
pub(crate) struct RunEventRecorder(Mutex<Vec<RunEvent>>);

impl RunEventRecorder {
    pub(crate) fn events(&self) -> Vec<RunEvent> {
        self.0.lock().unwrap().clone()
    }
}

impl EventSink for RunEventRecorder {
    fn event(&self, event: &RunEvent) {
        self.0.lock().unwrap().push(event.clone());
    }
}
