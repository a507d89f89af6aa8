use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use millwright_testkit::repository::TestRepo;
use schemars::JsonSchema;
use serde_json::json;

use super::*;
use crate::testing::context;
use crate::{Tool, ToolErrorKind};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {
    /// What to do: `answer`, `panic`, `panic_blocking`, `sleep`, `flood`.
    what: String,
    /// Answer so many times.
    #[serde(default)]
    times: Option<u32>,
}

struct Reader;

impl Tool for Reader {
    type Args = Args;
    const NAME: &'static str = "reader";
    const EFFECT: Effect = Effect::ReadRepository;
    const TIMEOUT: Duration = Duration::from_millis(300);

    fn description(&self) -> String {
        "Reads.".into()
    }

    async fn run(&self, ctx: &ToolContext, args: Args) -> Result<ToolOutput, ToolError> {
        match args.what.as_str() {
            "answer" => Ok(ToolOutput::new("yes ".repeat(args.times.unwrap_or(1) as usize), json!(1))),
            "panic" => panic!("at the disco"),
            "panic_blocking" => ctx.blocking(|_| panic!("in the dark")).await,
            "sleep" => {
                tokio::time::sleep(Duration::from_secs(3600)).await;
                Ok(ToolOutput::default())
            }
            "flood" => Ok(ToolOutput::new("water\n".repeat(100_000), json!(null))),
            other => Err(ToolError::invalid(format!("what is {other}?"))),
        }
    }
}

struct Writer(Arc<AtomicBool>);

impl Tool for Writer {
    type Args = Args;
    const NAME: &'static str = "writer";
    const EFFECT: Effect = Effect::WriteExternal;

    fn description(&self) -> String {
        "Writes.".into()
    }

    async fn run(&self, _: &ToolContext, _: Args) -> Result<ToolOutput, ToolError> {
        self.0.store(true, Ordering::Relaxed);
        Ok(ToolOutput::new("written", json!(null)))
    }
}

fn dispatcher(policy: Policy) -> (Dispatcher, Arc<AtomicBool>) {
    let written = Arc::new(AtomicBool::new(false));
    (Dispatcher::new(ToolRegistry::new().with(Writer(written.clone())).with(Reader), policy), written)
}

fn call(name: &str, args: Value) -> ToolCall {
    ToolCall { id: "1".into(), name: name.into(), args }
}

async fn answer(ctx: &ToolContext, name: &str, args: Value) -> Result<ToolOutput, ToolError> {
    let (dispatcher, _) = dispatcher(Policy::read_only());
    match dispatcher.call(ctx, &call(name, args), &CallGrant::NotAsked).await {
        ToolAnswer::Done { result, .. } => result,
        ToolAnswer::NeedsApproval { effect } => panic!("{effect} should not have needed approval"),
    }
}

#[tokio::test]
async fn answers_and_every_way_to_fail() {
    let repo = TestRepo::new();
    repo.commit("a", &[("a.txt", "a\n")]);
    let ctx = context(&repo);
    assert_eq!(answer(&ctx, "reader", json!({"what": "answer", "times": 2})).await.unwrap().text, "yes yes ");

    let error = answer(&ctx, "reader", json!({"what": "answer", "times": "many"})).await.unwrap_err();
    assert_eq!(error.kind, ToolErrorKind::InvalidArguments);
    insta::assert_snapshot!(error.feedback, @r#"reader: invalid type: string "many", expected u32. Expected {"what": string (required), "times": integer}"#);
    let error = answer(&ctx, "reader", json!(null)).await.unwrap_err();
    insta::assert_snapshot!(error.feedback, @r#"reader: missing field `what`. Expected {"what": string (required), "times": integer}"#);
    let error = answer(&ctx, "nobody", json!({})).await.unwrap_err();
    insta::assert_snapshot!(error.feedback, @r#"there is no tool "nobody"; there are reader, writer"#);

    for what in ["panic", "panic_blocking"] {
        let error = answer(&ctx, "reader", json!({"what": what})).await.unwrap_err();
        assert_eq!(error.kind, ToolErrorKind::Failed);
        assert!(error.detail.contains("panic"), "{error}");
        assert!(!error.feedback.contains("disco"), "{error:?}");
    }
    let error = answer(&ctx, "reader", json!({"what": "sleep"})).await.unwrap_err();
    assert_eq!(error.kind, ToolErrorKind::Timeout);

    let error = answer(&ctx, "writer", json!({"what": "x"})).await.unwrap_err();
    insta::assert_snapshot!(error, @"denied: writer has the effect write_external, which the policy of this run denies; allowed effects: read_repository, read_files, read_memory");

    let flood = answer(&ctx, "reader", json!({"what": "flood"})).await.unwrap();
    assert!(flood.text.chars().count() <= crate::MAX_TEXT_CHARS);
}

#[tokio::test]
async fn cancelling_the_run_stops_a_call() {
    let repo = TestRepo::new();
    repo.commit("a", &[("a.txt", "a\n")]);
    let ctx = context(&repo);
    ctx.cancel.cancel();
    let error = answer(&ctx, "reader", json!({"what": "sleep"})).await.unwrap_err();
    assert_eq!(error.feedback, "the run was cancelled");
}

#[tokio::test]
async fn a_person_is_asked_before_anything_happens() {
    let repo = TestRepo::new();
    repo.commit("a", &[("a.txt", "a\n")]);
    let ctx = context(&repo);
    let (dispatcher, written) = dispatcher(Policy::investigate());
    let call = call("writer", json!({"what": "x"}));
    assert_eq!(dispatcher.check(&call), Ok(Decision::NeedsApproval));
    let answer = dispatcher.call(&ctx, &call, &CallGrant::NotAsked).await;
    assert_eq!(answer, ToolAnswer::NeedsApproval { effect: Effect::WriteExternal });
    assert!(!written.load(Ordering::Relaxed));
    let answer = dispatcher.call(&ctx, &call, &CallGrant::ApprovedBy("ada".into())).await;
    assert!(matches!(answer, ToolAnswer::Done { result: Ok(_), .. }), "{answer:?}");
    assert!(written.load(Ordering::Relaxed));
}

#[test]
fn specs_are_ordered_and_say_what_a_model_needs() {
    let (dispatcher, _) = dispatcher(Policy::read_only());
    let specs = dispatcher.registry().specs();
    insta::assert_json_snapshot!(specs.first(), @r#"
    {
      "name": "reader",
      "description": "Reads.",
      "schema": {
        "type": "object",
        "additionalProperties": false,
        "properties": {
          "what": {
            "type": "string",
            "description": "What to do: `answer`, `panic`, `panic_blocking`, `sleep`, `flood`."
          },
          "times": {
            "type": [
              "integer",
              "null"
            ],
            "format": "uint32",
            "minimum": 0,
            "description": "Answer so many times.",
            "default": null
          }
        },
        "required": [
          "what"
        ]
      },
      "effect": "read_repository"
    }
    "#);
    assert_eq!(specs.iter().map(|spec| spec.name.as_str()).collect::<Vec<_>>(), ["reader", "writer"]);
}
