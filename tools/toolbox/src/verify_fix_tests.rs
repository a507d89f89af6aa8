use millwright_model::{FailedFix, FixKind, NewIncident, NewResolution, Proof, Scope, TestsResult};
use millwright_store::{Actor, Store};
use serde_json::json;

use super::FixCheck;
use crate::RunMemory;
use crate::testing::{Bench, empty_ticket};

/// Verifies `patch_1`, a right fix, with `tests` as the project's tests.
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
    // The test that gets worse is in the middle of more output than is kept.
    let long = "noise() { yes 'a line of noise that nobody reads, again and again' | head -n 120000; }\n\
                noise; t=$(sh total.sh); [ \"$t\" = -1 ] && echo 'ok 1 - old total' || echo 'not ok 1 - old total'\n\
                noise; echo 'ok 2 - name'; echo 1..2";
    check(long, TestsResult::Fail, "old total").await;
    // The same number of tests fail as before, but different ones.
    let swapped = "t=$(sh total.sh)\n\
                   [ \"$t\" = 3 ] && echo 'ok 1 - a' || echo 'not ok 1 - a'\n\
                   [ \"$t\" = 3 ] && echo 'not ok 2 - b' || echo 'ok 2 - b'\necho 1..2; exit 1";
    check(swapped, TestsResult::Fail, "b").await;
    let gone = "[ \"$(sh total.sh)\" = 3 ] || echo 'ok 2 - b'\necho 'ok 1 - a'\n\
                [ \"$(sh total.sh)\" = 3 ] && echo 1..1 || echo 1..2";
    check(gone, TestsResult::Fail, "b").await;
}

/// A memory in which `diff` failed for an earlier incident.
async fn memory_of_failed_fix(folder: &str, diff: &str) -> Store {
    let store = Store::open(folder, Scope::installation("test")).await.unwrap();
    let incident = NewIncident {
        repository_name: None,
        repository: None,
        source: None,
        ticket: empty_ticket(),
        mapped: Vec::new(),
    };
    let incident = store.create_incident(&incident).await.unwrap();
    let run = store.create_run(&incident.id).await.unwrap();
    let failed = FailedFix { diff: diff.into(), because: "2 tests newly fail".into() };
    let new = NewResolution {
        repository: Some("shop".parse().unwrap()),
        culprit: Some("1".repeat(40)),
        failed_fixes: vec![failed],
        ..millwright_testkit::tickets::stated("the total is wrong", Proof::CauseConfirmed)
    };
    store.remember(&incident.id, &run.id, Some(&new), &[], Actor { who: "run", why: "" }).await.unwrap();
    store
}

#[tokio::test]
async fn what_failed_before_is_not_verified_without_running_what_showed_it() {
    let diff =
        "--- a/total.sh\n+++ b/total.sh\n@@ -1,3 +1,3 @@\n a=1\n b=2\n-echo $((a - b))\n+echo $((a + b))\n";
    let folder = tempfile::tempdir().unwrap();
    let store = memory_of_failed_fix(folder.path().to_str().unwrap(), diff).await;
    let bench = async |tests: Option<&str>| {
        let (memory, tests) = (store.clone(), tests.map(str::to_owned));
        let bench = Bench::new().with(|bench| {
            bench.tests = tests;
            bench.memory = Some(RunMemory { store: memory, repository: "shop".parse().unwrap() });
        });
        bench.call("reproduce", json!({})).await.unwrap();
        let edits = json!([{"path": "total.sh", "old": "a - b", "new": "a + b"}]);
        bench.call("propose_patch", json!({"edits": edits, "rationale": "It adds up."})).await.unwrap();
        let output = bench.call("verify_fix", json!({"candidate": "patch_1"})).await.unwrap();
        serde_json::from_value::<FixCheck>(output.data).unwrap()
    };
    let unseen = bench(None).await;
    assert!(!unseen.holds() && unseen.detail.contains("2 tests newly fail"), "{}", unseen.detail);
    // Tests that pass with the fix now outweigh the older entry in memory.
    let seen = bench(Some("sh tests/all.sh")).await;
    assert!(seen.holds() && seen.failed_before.is_none(), "{}", seen.detail);
    assert_eq!(seen.fix.proof, Proof::FixVerified);
}
