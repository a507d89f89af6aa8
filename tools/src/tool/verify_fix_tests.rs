use millwright_memory::types::{FixKind, Proof, TestsResult};
use serde_json::json;

use super::FixCheck;
use crate::tool::testing::Bench;

/// What verifying `patch_1`, which is right, says when `tests` are the project's.
async fn check(tests: &str, expected: TestsResult, words: &str) {
    let bench = Bench::new().with(|bench| bench.tests = Some(tests.into()));
    bench.call("reproduce", json!({})).await.unwrap();
    let edits = json!([{"path": "total.sh", "old": "a - b", "new": "a + b"}]);
    bench.call("propose_patch", json!({"edits": edits, "rationale": "It adds up."})).await.unwrap();
    let output = bench.call("verify_fix", json!({"candidate": "patch_1"})).await.unwrap();
    let check: FixCheck = serde_json::from_value(output.data).unwrap();
    let because = check.fix.tests_detail.unwrap_or_default().because;
    assert_eq!((check.fix.kind, check.fix.tests), (FixKind::Patch, expected), "{tests}: {because}");
    assert!(because.contains(words), "{tests}: {because}");
    let proof = if expected == TestsResult::Pass { Proof::FixVerified } else { Proof::CauseConfirmed };
    assert_eq!(check.fix.proof, proof, "{tests}");
}

#[tokio::test]
async fn tests_that_did_not_run_verify_nothing() {
    check("false", TestsResult::NotComparable, "").await;
    check("true", TestsResult::NotComparable, "").await;
    check("no-such-runner --all", TestsResult::CouldNotRun, "not found").await;
    check("echo 1..0", TestsResult::CouldNotRun, "").await;
}

#[tokio::test]
async fn tests_are_compared_by_name_in_the_whole_output() {
    check("sh tests/all.sh", TestsResult::Pass, "").await;
    // The one that gets worse stands in the middle of more output than is kept.
    let long = "noise() { yes 'a line of noise that nobody reads, again and again' | head -n 120000; }\n\
                noise; t=$(sh total.sh); [ \"$t\" = -1 ] && echo 'ok 1 - old total' || echo 'not ok 1 - old total'\n\
                noise; echo 'ok 2 - name'; echo 1..2";
    check(long, TestsResult::Fail, "old total").await;
    // As many fail as before, but not the same.
    let swapped = "t=$(sh total.sh)\n\
                   [ \"$t\" = 3 ] && echo 'ok 1 - a' || echo 'not ok 1 - a'\n\
                   [ \"$t\" = 3 ] && echo 'not ok 2 - b' || echo 'ok 2 - b'\necho 1..2; exit 1";
    check(swapped, TestsResult::Fail, "b").await;
    let gone = "[ \"$(sh total.sh)\" = 3 ] || echo 'ok 2 - b'\necho 'ok 1 - a'\n\
                [ \"$(sh total.sh)\" = 3 ] && echo 1..1 || echo 1..2";
    check(gone, TestsResult::Fail, "b").await;
}
