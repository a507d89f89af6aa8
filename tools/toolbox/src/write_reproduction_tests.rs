use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::testing::{Bench, empty_ticket};

const TEST: &str = "out=$(sh total.sh)\nif [ \"$out\" != 3 ]; then echo 'ValueError: the total came out wrong'; exit 1; fi\n";

fn bench() -> Bench {
    Bench::new().with(|bench| bench.recipe = None)
}

fn args(content: &str) -> Value {
    json!({"path": "tests/test_total.sh", "content": content, "test": "tests/test_total.sh"})
}

#[tokio::test]
async fn an_accepted_test_is_the_replay_of_everything_after() {
    let bench = bench();
    let output = bench.call("write_reproduction", args(TEST)).await.unwrap();
    assert!(
        output.text.starts_with("Accepted: tests/test_total.sh fails at the failing revision: ValueError"),
        "{}",
        output.text
    );
    assert!(output.text.contains("It passes at the good revision."), "{}", output.text);
    let written =
        output.evidence.iter().find(|evidence| evidence.locator.0 == "file:tests/test_total.sh#L1-L2");
    assert_eq!(written.unwrap().text, TEST);
    let found: WrittenReproduction = serde_json::from_value(output.data).unwrap();
    assert_eq!(found.recipe.command, "sh 'tests/test_total.sh'");
    bench.call("reproduce", json!({})).await.unwrap();
    let bisected = bench.call("bisect", json!({})).await.unwrap();
    assert_eq!(bisected.data["culprit"], json!(bench.bad), "{}", bisected.text);
    assert_eq!(bisected.data["proven"], json!(true), "{}", bisected.text);
    bench.call("propose_fix", json!({"commit": "bad"})).await.unwrap();
    let verified = bench.read("verify_fix", json!({"candidate": "revert"})).await;
    assert!(verified.starts_with("revert: verified."), "{verified}");
    // The test exists in the recipe only: no revision and no work tree contains it.
    assert!(!bench.repo.work().join("tests/test_total.sh").exists());
}

#[tokio::test]
async fn a_test_that_does_not_show_the_incident_is_refused() {
    let bench = bench();
    let check = |content: &'static str, part: &'static str| {
        let bench = &bench;
        async move {
            let output = bench.call("write_reproduction", args(content)).await.unwrap();
            assert!(
                output.text.starts_with("Not accepted: ") && output.text.contains(part),
                "{}",
                output.text
            );
            assert!(bench.ctx.workbench.recipe().is_none(), "{content}");
        }
    };
    check("exit 0\n", "it passes at the failing revision").await;
    check("echo 'KeyError: no such till'; exit 1\n", "not the way the ticket describes").await;
    check(
        "echo 'ValueError: the total came out wrong'; exit 1\n",
        "it fails at the good revision in the same way",
    )
    .await;
    check("exit 127\n", "it cannot be run at the failing revision").await;
    let over = bench.read("write_reproduction", args(TEST)).await;
    assert!(over.contains("the 4 reproduction tests this run may try are used up"), "{over}");
}

#[tokio::test]
async fn only_test_files_can_be_written() {
    let bench = bench();
    let check = |path: &'static str, part: &'static str| {
        let bench = &bench;
        async move {
            let mut args = args(TEST);
            args["path"] = json!(path);
            let told = bench.read("write_reproduction", args).await;
            assert!(told.contains(part), "{path}: {told}");
        }
    };
    check("total.sh", "does not have the name of a test").await;
    check("../tests/x.sh", "is not a path for a test").await;
    check("tests/.git/x.sh", "is not a path for a test").await;
    check("/tests/x.sh", "is not a path for a test").await;
    check("total.sh/tests/x.sh", "is not a folder in the repository").await;
    assert!(bench.read("write_reproduction", args(" ")).await.contains("the whole test file"));
    let given = Bench::new();
    assert!(given.read("write_reproduction", args(TEST)).await.contains("has a replay already"));
    let bare = Bench::new().with(|bench| {
        bench.recipe = None;
        bench.recipes.test_one = None;
    });
    assert!(bare.read("write_reproduction", args(TEST)).await.contains("`test_one = \"… {test}\"`"));
}

#[test]
fn the_tickets_error_is_what_counts() {
    use millwright_sandbox::ExitStatus;
    let ticket = |text: &str| Arc::new(ParsedTicket { text: text.into(), ..empty_ticket() });
    let seen = |output: &str| millwright_replay::signature(output, ExitStatus::Code(1));
    let trace = "Traceback (most recent call last):\n  File \"/app/shop/cart.py\", line 9, in total\n    return self.rate\nAttributeError: 'Cart' object has no attribute 'rate'\n";
    let pytest = "Traceback (most recent call last):\n  File \"/w/tests/test_new.py\", line 4, in test_new\n    Cart().total()\n  File \"/w/shop/cart.py\", line 9, in total\n    return self.rate\nAttributeError: 'Cart' object has no attribute 'rate'\nFAILED tests/test_new.py::test_new - AttributeError\n";
    assert!(fits(&ticket(trace), &seen(pytest)).is_ok(), "{:?}", fits(&ticket(trace), &seen(pytest)));
    let other = pytest.replace(
        "AttributeError: 'Cart' object has no attribute 'rate'",
        "ZeroDivisionError: division by zero",
    );
    assert!(fits(&ticket(trace), &seen(&other)).is_err());
    let import = "Traceback (most recent call last):\n  File \"/w/tests/test_new.py\", line 1, in <module>\n    import nothing\nModuleNotFoundError: No module named 'nothing'\n";
    assert!(fits(&ticket("It is all wrong."), &seen(import)).is_err());
    let prose = "Totals are wrong since Tuesday, customers complain about it.";
    assert!(fits(&ticket(prose), &seen("AssertionError: 2 != 3\n")).unwrap().contains("names no error"));
}
