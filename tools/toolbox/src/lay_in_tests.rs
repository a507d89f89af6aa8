use std::sync::Arc;

use millwright_git::Repo;
use millwright_model::{CommitId, ParsedTicket};
use millwright_replay::ReplayRecipe;
use millwright_testkit::repository::TestRepo;
use serde_json::json;

use super::super::bisect::BisectResult;
use super::super::find_fix::FixingCommit;
use super::super::reproduce::ReproduceResult;
use crate::testing::{Bench, empty_ticket};

const RIGHT: &str = "total() {\n  echo $(( $1 * 100 ))\n}\n";
const WRONG: &str = "total() {\n  echo $(( $1 * 10 ))\n}\n";
const TEST: &str =
    ". ./lib.sh\n[ \"$(total 4)\" = 400 ] || { echo \"total wrong: $(total 4)\" >&2; exit 1; }\n";

/// A history whose culprit is the third commit, and a bench that replays `command` at the last one.
fn bench(command: &str, last: &[(&str, &str)]) -> (Bench, CommitId) {
    let mut bench = Bench::new();
    let repo = TestRepo::new();
    let good = repo.commit("First", &[("lib.sh", RIGHT), ("check.sh", "exit 0\n")]);
    repo.commit("Notes", &[("notes.md", "1\n")]);
    let culprit = repo.commit("Count in tens", &[("lib.sh", WRONG)]);
    repo.commit("More notes", &[("notes.md", "2\n")]);
    let bad = repo.commit("Last", last);
    bench.ctx.repo = Arc::new(Repo::open(&repo.work(), &repo.data()).unwrap());
    (bench.ctx.good, bench.ctx.bad) = (Some(good), bad);
    bench.ctx.ticket = Arc::new(ParsedTicket {
        title: "Totals are ten times too small".into(),
        text: "Totals are ten times too small: total wrong: 40".into(),
        ..empty_ticket()
    });
    bench.repo = repo;
    let bench = bench.with(|bench| bench.recipe = Some(ReplayRecipe::new(command)));
    (bench, culprit)
}

async fn bisection(bench: &Bench) -> BisectResult {
    bench.call("suspects", json!({})).await.unwrap();
    serde_json::from_value(bench.call("bisect", json!({})).await.unwrap().data).unwrap()
}

#[tokio::test]
async fn a_test_that_came_later_is_laid_over_every_checkout() {
    let (bench, culprit) = bench("sh new.sh", &[("new.sh", TEST)]);
    let seen: ReproduceResult =
        serde_json::from_value(bench.call("reproduce", json!({})).await.unwrap().data).unwrap();
    assert_eq!(seen.laid_in, ["new.sh"]);
    let found = bisection(&bench).await;
    assert_eq!((found.culprit, found.proven), (Some(culprit), true), "{:?}", found.problem);
}

#[tokio::test]
async fn a_commit_that_only_adds_a_test_is_not_the_culprit() {
    // The command names no file of the commit, so the bisect finds it first.
    let (bench, culprit) =
        bench("for t in tests/*.sh; do sh $t || exit 1; done", &[("tests/total.sh", TEST)]);
    bench.call("reproduce", json!({})).await.unwrap();
    let found = bisection(&bench).await;
    assert_eq!(found.culprit, Some(culprit), "{:?}", found.problem);
    assert_eq!(found.laid_in, ["tests/total.sh"]);
}

#[tokio::test]
async fn a_program_that_came_with_its_fault_is_not_laid_in() {
    let tool = "echo total wrong: 40 >&2; exit 1\n";
    let (bench, _) = bench("sh tool.sh", &[("tool.sh", tool)]);
    let seen: ReproduceResult =
        serde_json::from_value(bench.call("reproduce", json!({})).await.unwrap().data).unwrap();
    assert_eq!(seen.laid_in, Vec::<String>::new());
}

#[tokio::test]
async fn where_it_is_fixed_already_the_fixing_commit_is_found() {
    let (bench, _) = bench(
        ". ./lib.sh; [ \"$(total 4)\" = 400 ] || { echo \"total wrong: $(total 4)\" >&2; exit 1; }",
        &[("lib.sh", RIGHT)],
    );
    let output = bench.call("find_fix", json!({})).await.unwrap();
    let found: FixingCommit = serde_json::from_value(output.data).unwrap();
    assert_eq!(found.commit.as_ref(), Some(&bench.ctx.bad), "{:?}", found.problem);
    assert!(found.failing.is_some());
}

#[tokio::test]
async fn another_failure_than_the_tickets_proves_nothing() {
    let (mut bench, _) = bench(". ./lib.sh; echo \"total wrong: $(total 4)\" >&2; exit 1", &[("x", "x\n")]);
    let told = "Invoices crash with: TypeError: Cannot read properties of null (reading 'length')";
    bench.ctx.ticket = Arc::new(millwright_ingest::parse(told.as_bytes()));
    let output = bench.call("reproduce", json!({})).await.unwrap();
    assert!(output.text.contains("in another way than the ticket says"), "{}", output.text);
    assert!(bench.call("bisect", json!({})).await.is_err());
    let accepting = |bench: &mut crate::RunResources| {
        let recipe = bench.recipe.take().unwrap();
        bench.recipe = Some(ReplayRecipe { accept_failure: true, ..recipe });
    };
    let bench = bench.with(accepting);
    let output = bench.call("reproduce", json!({})).await.unwrap();
    assert!(output.text.contains("The failure shows"), "{}", output.text);
}

#[tokio::test]
async fn a_replay_that_cannot_run_says_what_to_do() {
    let (bench, _) = bench("sh chek.sh", &[("x", "x\n")]);
    let output = bench.call("reproduce", json!({})).await.unwrap();
    let seen: ReproduceResult = serde_json::from_value(output.data).unwrap();
    assert!(seen.remedy.is_some_and(|remedy| remedy.contains("chek.sh")), "{}", output.text);
}

#[tokio::test]
async fn what_fails_alike_at_good_refutes_nobody() {
    let (bench, _) = bench("echo total wrong: 40 >&2; exit 1", &[("x", "x\n")]);
    bench.call("reproduce", json!({})).await.unwrap();
    let found = bisection(&bench).await;
    assert!(found.innocent.is_empty() && found.culprit.is_none(), "{found:?}");
    assert!(found.problem.unwrap().contains("cannot be run here"));
}

#[tokio::test]
async fn nothing_runs_where_replays_are_switched_off() {
    let (bench, _) = bench("sh new.sh", &[("new.sh", TEST)]);
    let bench = bench.with(|bench| bench.runs_nothing = true);
    for (tool, args) in [("reproduce", json!({})), ("run_tests", json!({})), ("find_fix", json!({}))] {
        assert!(bench.call(tool, args).await.is_err(), "{tool}");
    }
}
