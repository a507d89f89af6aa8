use serde_json::json;

use crate::testing::Bench;
use crate::{ToolErrorKind, verify_fix::FixCheck};

#[tokio::test]
async fn a_patch_is_taken_down_verified_and_replayed() {
    let bench = Bench::patched().await;
    let wrong =
        json!({"rationale": "a guess", "edits": [{"path": "total.sh", "old": "a - b", "new": "a * b"}]});
    let text = bench.read("propose_patch", wrong.clone()).await;
    assert!(
        text.starts_with("patch_2 (2 lines changed; 2 more patches may be tried). Not verified yet"),
        "{text}"
    );
    // The same call after an interruption gives the same candidate and costs no attempt.
    assert!(bench.read("propose_patch", wrong).await.starts_with("This is already candidate patch_2"));

    let output = bench.call("verify_fix", json!({"candidate": "patch_2"})).await.unwrap();
    assert!(output.text.contains("does not hold. Replay with it: fail"), "{}", output.text);
    assert!(
        output.text.contains("ValueError: the total came out wrong"),
        "the failing output is fed back: {}",
        output.text
    );
    let check: FixCheck = serde_json::from_value(output.data).unwrap();
    assert!(check.output_end.contains("[exit status 1]"), "{}", check.output_end);

    let held = bench.read("verify_fix", json!({"candidate": "patch_1"})).await;
    assert!(held.starts_with("patch_1: verified. Replay with it: pass; project's tests: pass."), "{held}");

    let replay = |args| bench.read("replay", args);
    assert!(replay(json!({})).await.contains("at BAD: reproduces the failure"));
    assert!(replay(json!({"revision": "good"})).await.contains("at GOOD: passes: the failure does not show"));
    let with = bench.call("replay", json!({"candidate": "patch_1"})).await.unwrap();
    assert!(with.text.contains("with patch_1: passes"), "{}", with.text);
    assert_eq!(with.evidence[0].locator.0, format!("replay:{}", with.data["number"]));
    assert!(replay(json!({"candidate": "patch_9"})).await.contains("there are: patch_1, patch_2"));
}

#[tokio::test]
async fn attempts_are_limited_and_bad_calls_told_how() {
    let bench = Bench::new().with(|bench| bench.attempts.patches = 1);
    let read = |args| bench.read("propose_patch", args);
    assert!(read(json!({"rationale": "x"})).await.contains("both are missing"));
    assert!(read(json!({"rationale": " ", "diff": "x"})).await.contains("say in `rationale`"));
    assert!(read(json!({"rationale": "x", "diff": "x"})).await.contains("no file is named"));
    let edit =
        |new: &str| json!({"rationale": "x", "edits": [{"path": "total.sh", "old": "a - b", "new": new}]});
    assert!(read(edit("a + b")).await.contains("0 more patches may be tried"));
    let over = bench.call("propose_patch", edit("b - a")).await.unwrap_err();
    assert_eq!(over.kind, ToolErrorKind::Denied);
    assert!(over.feedback.contains("the 1 patches this run may try are used up"), "{}", over.feedback);
    // `propose_fix` drafts beside them.
    bench.call("propose_fix", json!({"commit": "bad"})).await.unwrap();
    assert!(bench.read("verify_fix", json!({"candidate": "x"})).await.contains("patch_1, revert"));
}

#[tokio::test]
async fn tests_are_run_by_the_configured_commands_only() {
    let bench = Bench::patched().await;
    let read = |args| bench.read("run_tests", args);
    assert_eq!(read(json!({})).await, "the project's tests at BAD: pass.");
    let one = bench.call("run_tests", json!({"test": "total.sh", "candidate": "patch_1"})).await.unwrap();
    assert!(one.text.contains("with patch_1: pass"), "{}", one.text);
    assert!(one.evidence[0].text.contains("\n3\n"), "the patch is applied: {}", one.evidence[0].text);
    for hostile in ["x'; touch y; '", "$(id)`id`", "--help", "a\nb"] {
        let refused = bench.call("run_tests", json!({"test": hostile})).await.unwrap_err();
        assert_eq!(refused.kind, ToolErrorKind::InvalidArguments, "{hostile}");
    }
    let breaks = json!({"rationale": "x", "edits": [{"path": "name.sh", "old": "shop", "new": "stop"}]});
    bench.call("propose_patch", breaks).await.unwrap();
    let failing = bench.call("run_tests", json!({"candidate": "patch_2"})).await.unwrap();
    assert!(failing.text.contains("with patch_2: 1 fail:\nTestName"), "{}", failing.text);
    assert_eq!(failing.data["failing"], json!(["TestName"]));
    let bare = Bench::new().with(|bench| {
        bench.tests = None;
        bench.recipes.test_one = None;
    });
    assert!(
        bare.read("run_tests", json!({}))
            .await
            .starts_with("unavailable: no command that runs the project's tests")
    );
    assert!(bare.read("run_tests", json!({"test": "x"})).await.contains("`test_one = \"… {test}\"`"));
    assert!(bare.read("replay", json!({})).await.contains("call `reproduce` first"));
}
