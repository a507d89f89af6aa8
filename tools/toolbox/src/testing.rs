/*!
Shared by tests of tools: a context for a small repository, and a bench with a failure that can be replayed.
*/

use std::sync::Arc;

use millwright_git::Repo;
use millwright_model::{CommitId, ParsedTicket};
use millwright_replay::{ReplayRecipe, TestRecipes};
use millwright_testkit::repository::TestRepo;
pub(crate) use millwright_testkit::tickets::empty_ticket;
use serde_json::{Value, json};

use super::{
    CallGrant, Dispatcher, Policy, RunResources, ToolAnswer, ToolCall, ToolContext, ToolError, ToolOutput,
    investigation_tools,
};

/// `bad` is the head, `good` is not known.
pub(crate) fn context(repo: &TestRepo) -> ToolContext {
    ToolContext::new(
        Arc::new(Repo::open(&repo.work(), &repo.data()).unwrap()),
        Arc::default(),
        repo.head(),
        repo.data(),
        Arc::new(empty_ticket()),
    )
}

/// A shell program whose total goes wrong at `bad`, run in the real sandbox.
pub(crate) struct Bench {
    pub(crate) repo: TestRepo,
    pub(crate) ctx: ToolContext,
    pub(crate) good: CommitId,
    pub(crate) bad: CommitId,
    pub(crate) policy: Policy,
}

const RIGHT: &str = "a=1\nb=2\necho $((a + b))\n";
const WRONG: &str = "a=1\nb=2\necho $((a - b))\n";
/// Checks the program's total, as a replay and as the ticket describe it.
const REPLAY: &str =
    "out=$(sh total.sh); test \"$out\" = 3 || { echo \"ValueError: the total came out wrong\"; exit 1; }";

impl Bench {
    pub(crate) fn new() -> Self {
        let repo = TestRepo::new();
        let good = repo.commit(
            "Add the total",
            &[
                ("total.sh", RIGHT),
                ("name.sh", "echo shop\n"),
                (
                    "tests/all.sh",
                    "sh total.sh >/dev/null\nif sh name.sh | grep -q shop; then echo 'ok 1 - TestName'; else echo 'not ok 1 - TestName'; bad=1; fi\n\
                     echo 1..1\nexit ${bad:-0}\n",
                ),
            ],
        );
        let bad = repo.commit("Change the total", &[("total.sh", WRONG)]);
        let mut ctx = context(&repo);
        ctx.good = Some(good.clone());
        ctx.ticket = Arc::new(ParsedTicket {
            title: "Totals are wrong".into(),
            text: "Totals are wrong\nValueError: the total came out wrong\n".into(),
            ..empty_ticket()
        });
        let bench = Self { repo, ctx, good, bad, policy: Policy::investigate() };
        bench.with(|bench| {
            bench.recipe = Some(ReplayRecipe::new(REPLAY));
            bench.tests = Some("sh tests/all.sh".into());
        })
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut RunResources)) -> Self {
        let mut workbench = RunResources {
            run_dir: self.repo.beside("run"),
            incident: Some("inc_0123456789abcdef".parse().unwrap()),
            recipes: TestRecipes { test_one: Some("sh {test}".into()), ..TestRecipes::default() },
            ..(*self.ctx.workbench).clone()
        };
        change(&mut workbench);
        self.ctx.workbench = Arc::new(workbench);
        self
    }

    pub(crate) async fn answer(&self, name: &str, args: Value, grant: CallGrant) -> ToolAnswer {
        let dispatcher = Dispatcher::new(investigation_tools(), self.policy.clone());
        let call = ToolCall { id: "1".into(), name: name.into(), args };
        dispatcher.call(&self.ctx, &call, &grant).await
    }

    pub(crate) async fn call(&self, name: &str, args: Value) -> Result<ToolOutput, ToolError> {
        match self.answer(name, args, CallGrant::ApprovedBy("ada".into())).await {
            ToolAnswer::Done { result, .. } => result,
            ToolAnswer::NeedsApproval { effect } => panic!("{effect}"),
        }
    }

    /// The text that a model reads.
    pub(crate) async fn read(&self, name: &str, args: Value) -> String {
        let text = match self.call(name, args).await {
            Ok(output) => output.text,
            Err(error) => format!("{}: {}", error.kind, error.feedback),
        };
        text.replace(self.bad.short(), "BAD").replace(self.good.short(), "GOOD")
    }

    /// With the failure reproduced and a right patch as `patch_1`.
    pub(crate) async fn patched() -> Self {
        let bench = Self::new();
        bench.call("reproduce", json!({})).await.unwrap();
        let edits = json!([{"path": "total.sh", "old": "a - b", "new": "a + b"}]);
        let args = json!({"edits": edits, "rationale": "The total adds up, it does not take away."});
        bench.call("propose_patch", args).await.unwrap();
        bench
    }
}
