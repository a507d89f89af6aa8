use std::fs;

use super::*;
use crate::testing::new_replayer;
use millwright_testkit::repository::TestRepo;

fn recipe(command: &str) -> ReplayRecipe {
    ReplayRecipe { timeout_s: 5, ..ReplayRecipe::new(command) }
}

/// Fails like an interpreter when `app` contains `broken`.
const APP: &str = "if grep -q broken app; then echo 'ValueError: broken here'; exit 1; fi; \
                   if grep -q other app; then echo 'ImportError: no such module'; exit 1; fi";

#[test]
fn outcomes_follow_the_failure_seen_at_bad() {
    let project = TestRepo::new();
    let good = project.commit("change", &[("app", "fine")]);
    let other = project.commit("change", &[("app", "other")]);
    let bad = project.commit("change", &[("app", "broken")]);
    let replayer = new_replayer(&project, recipe(APP), ReplayLedger::in_memory());
    let reproduction = replayer.reproduce(&bad, false).unwrap();
    assert_eq!((reproduction.passes, reproduction.failures), (0, 1));
    let check = |revision: &CommitId, change: Option<&CheckoutChange>, expected| {
        let replayed = replayer.run(revision, change).unwrap();
        assert_eq!(replayed.outcome(), expected, "{replayed:?}");
        assert_eq!(replayed.run.patched, change.is_some());
    };
    check(&good, None, ReplayOutcome::Passes);
    check(&other, None, ReplayOutcome::OtherFailure);
    check(&bad, None, ReplayOutcome::Reproduces);
    let fix = CheckoutChange::Patch(
        "--- a/app\n+++ b/app\n@@ -1 +1 @@\n-broken\n\\ No newline at end of file\n+mended\n".into(),
    );
    check(&bad, Some(&fix), ReplayOutcome::Passes);
    assert_eq!(replayer.runs().len(), 5);
    assert!(replayer.run(&good, None).unwrap().evidence().locator.0 == "replay:6");
}

#[test]
fn statuses_and_time_outs() {
    let project = TestRepo::new();
    let revision = project.commit("change", &[("a", "a")]);
    let check = |command: &str, is_hang, expected: Option<ReplayOutcome>| {
        let recipe = ReplayRecipe { timeout_s: 1, is_hang, ..ReplayRecipe::new(command) };
        let shown = new_replayer(&project, recipe, ReplayLedger::in_memory()).reproduce(&revision, false);
        match expected {
            Some(expected) => assert_eq!(shown.unwrap().shown.outcome(), expected, "{command}"),
            None => assert!(matches!(shown, Err(ReplayError::BadCannotTest { .. })), "{command}: {shown:?}"),
        }
    };
    check("exit 1", false, Some(ReplayOutcome::Reproduces));
    check("kill -SEGV $$", false, Some(ReplayOutcome::Reproduces));
    check("exit 125", false, None);
    check("no-such-command-anywhere", false, None);
    check("sleep 10", false, None);
    check("sleep 10", true, Some(ReplayOutcome::Reproduces));
    check("exit 1", true, None);
}

/// The operator's time limit wins over a repository's own file and over a remembered recipe.
#[test]
fn limits_are_ceilings_for_recipes() {
    let project = TestRepo::new();
    let revision = project.commit("change", &[("a", "a")]);
    for is_hang in [false, true] {
        let recipe = ReplayRecipe { timeout_s: 86_400, is_hang, ..ReplayRecipe::new("sleep 30") };
        let mut replayer = new_replayer(&project, recipe, ReplayLedger::in_memory());
        replayer.options.limits.wall = std::time::Duration::from_secs(1);
        let command = replayer.command("true", std::path::Path::new("/nonexistent"));
        assert_eq!(command.limits.wall, std::time::Duration::from_secs(1));
        let told = replayer.reproduce(&revision, false).unwrap_err().to_string();
        assert!(told.contains("within 1 s") && told.contains("wall_s in [sandbox]"), "{told}");
        assert!(told.contains("86400 s of its timeout_s"), "{told}");
    }
    let modest = new_replayer(&project, recipe("true"), ReplayLedger::in_memory());
    assert_eq!(modest.command("true", std::path::Path::new("/")).limits.wall.as_secs(), 5);
}

#[test]
fn bad_that_passes_is_said() {
    let project = TestRepo::new();
    let fine = project.commit("change", &[("app", "fine")]);
    let replayer =
        new_replayer(&project, recipe(&format!("{APP}; echo all is well")), ReplayLedger::in_memory());
    let passes = replayer.reproduce(&fine, false).unwrap_err();
    assert!(matches!(passes, ReplayError::BadPasses { attempts: 5, .. }), "{passes:?}");
    assert!(passes.to_string().contains("all is well"), "{passes}");
}

#[test]
fn a_flaky_failure_is_repeated() {
    let project = TestRepo::new();
    let revision = project.commit("change", &[("a", "a")]);
    let counter = tempfile::tempdir().unwrap();
    let count = counter.path().join("count");
    // Fails every third time.
    let command = format!("echo x >> {0}; [ $(( $(wc -l < {0}) % 3 )) != 0 ]", count.display());
    let replayer = new_replayer(&project, recipe(&command), ReplayLedger::in_memory());
    let reproduction = replayer.reproduce(&revision, false).unwrap();
    assert_eq!((reproduction.passes, reproduction.failures), (4, 1));
    assert_eq!(reproduction.flakiness().rate(), 0.8);
    // One pass proves nothing for a flaky failure: the replayer repeats until the failure shows.
    let mut told = 0;
    let (stays_away, last) =
        replayer.stays_away(&revision, None, (reproduction.flakiness(), 0.02), |_| told += 1).unwrap();
    assert!(!stays_away && last.outcome() == ReplayOutcome::Reproduces && told <= 3, "{told} {last:?}");
}

#[test]
fn an_interrupted_investigation_repeats_nothing() {
    let project = TestRepo::new();
    let good = project.commit("change", &[("app", "fine")]);
    let bad = project.commit("change", &[("app", "broken")]);
    let folder = tempfile::tempdir().unwrap();
    let (path, count) = (folder.path().join("ledger"), folder.path().join("count"));
    let command = format!("echo x >> {}; {APP}", count.display());
    let executed = || fs::read_to_string(&count).unwrap_or_default().lines().count();
    let investigate = || {
        let replayer = new_replayer(&project, recipe(&command), ReplayLedger::open(&path).unwrap());
        let shown = replayer.reproduce(&bad, false).unwrap().shown;
        let first = replayer.run(&good, None).unwrap();
        let repeat = replayer.run(&good, None).unwrap();
        assert_eq!((shown.number, first.number, repeat.number), (1, 2, 3));
        assert_eq!(replayer.runs().len(), 3);
        (shown.recalled, first.recalled, repeat.recalled)
    };
    assert_eq!(investigate(), (false, false, false));
    // The last line is cut off, as by a crash while writing.
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 5]).unwrap();
    assert_eq!(investigate(), (true, true, false));
    assert_eq!(investigate(), (true, true, true));
    assert_eq!(executed(), 4);
}

#[test]
fn setup_runs_once_per_content() {
    let project = TestRepo::new();
    let first = project.commit("change", &[("src", "one"), ("tracked", "x"), ("gone", "x")]);
    let second = project.commit("change", &[("src", "two")]);
    let counter = tempfile::tempdir().unwrap();
    let count = counter.path().join("count");
    let setup = format!(
        "echo x >> {}; mkdir -p out/deep; cp src out/deep/built; ln -s built out/deep/link; echo y >> tracked; rm gone; \
         chmod 555 out/deep/built",
        count.display()
    );
    let command = "cat out/deep/link tracked; chmod u+w out/deep/built; echo spoilt > out/deep/built; \
                   [ -e gone ] && exit 3; exit 1";
    let replayer = new_replayer(
        &project,
        ReplayRecipe { setup: vec![setup], ..recipe(command) },
        ReplayLedger::in_memory(),
    );
    let executed = || fs::read_to_string(&count).unwrap_or_default().lines().count();
    let check = |revision: &CommitId, built: &str, runs: usize| {
        let replayed = replayer.run(revision, None).unwrap();
        assert_eq!(
            replayed.tail,
            format!("{built}x\ny\n[exit status 1]").replace("x\n", "x"),
            "{replayed:?}"
        );
        assert_eq!(executed(), runs);
    };
    check(&first, "one", 1);
    check(&second, "two", 2);
    check(&first, "one", 2);
    check(&second, "two", 2);
}

#[test]
fn a_setup_that_fails_cannot_be_tested() {
    let project = TestRepo::new();
    let revision = project.commit("change", &[("a", "a")]);
    let setup = vec!["echo compiling; false".to_owned()];
    let replayer =
        new_replayer(&project, ReplayRecipe { setup, ..recipe("exit 1") }, ReplayLedger::in_memory());
    let replayed = replayer.run(&revision, None).unwrap();
    assert_eq!(replayed.outcome(), ReplayOutcome::CannotTest);
    assert!(replayed.why.unwrap().contains("echo compiling; false"));
    assert!(replayed.tail.contains("compiling"));
}

#[test]
fn a_failure_that_a_tracer_changed_is_seen_as_it_is_without_one() {
    let project = TestRepo::new();
    let older = project.commit("change", &[("app", "broken")]);
    let bad = project.commit("change", &[("app", "broken again")]);
    let command = "if [ -n \"$NODE_V8_COVERAGE\" ]; then echo 'ImportError: no such module'; exit 1; fi; \
                   if grep -q broken app; then echo 'ValueError: broken here'; exit 1; fi";
    let replayer = new_replayer(&project, recipe(command), ReplayLedger::in_memory());
    let seen = replayer.reproduce(&bad, true).unwrap();
    assert!(seen.shown.tail.contains("ValueError") && !seen.shown.run.traced, "{}", seen.shown.tail);
    assert_eq!((seen.passes, seen.failures, seen.trace), (0, 1, None));
    assert_eq!(replayer.run(&older, None).unwrap().outcome(), ReplayOutcome::Reproduces);
    let told: Vec<(bool, ReplayOutcome)> =
        replayer.runs().into_iter().map(|(_, run)| (run.traced, run.outcome)).collect();
    use ReplayOutcome::{OtherFailure, Reproduces};
    assert_eq!(told, [(false, Reproduces), (true, OtherFailure), (false, Reproduces)]);
}
