use millwright_git::Repo;
use millwright_redaction::RedactionConfig;
use millwright_testkit::repository::TestRepo;

use super::super::question::{HistoryTarget, ask_history};
use super::*;

fn view(repo: &TestRepo, of: &str, offset: usize, limit: usize) -> CodeHistory {
    let opened = Repo::open(&repo.work(), &repo.data()).unwrap();
    let head = opened.resolve("HEAD").unwrap();
    let target = HistoryTarget::parse(of).unwrap();
    let part = offset..offset + limit;
    let answer = ask_history(&opened, &RedactionConfig::default(), &head, &target, part).unwrap();
    CodeHistory::new(answer, |text| text.replace("hunter2", "[masked]"))
}

const FIRST: &str =
    "def total(cart):\n    key = 'hunter2'\n    amount = sum(cart)\n    return amount * key\n";

fn shop() -> TestRepo {
    let repo = TestRepo::new();
    repo.commit("Add totals", &[("a.py", FIRST)]);
    repo.commit("Count hunter2", &[("a.py", &FIRST.replace("* key", "* 2"))]);
    repo.git(&["mv", "a.py", "b.py"]);
    repo.commit("Move and rename", &[("b.py", &FIRST.replace("* key", "* 2").replace("total", "sum_up"))]);
    repo
}

#[test]
fn a_history_reads_as_people_would_tell_it() {
    let repo = shop();
    let view = view(&repo, "b.py::sum_up", 0, 10);
    let told: Vec<String> = view.commits.iter().map(HistoryCommit::what_in_words).collect();
    assert_eq!(told, ["moved and renamed from a.py::total", "changed the body", "introduced"]);
    assert!(view.headline().starts_with("b.py::sum_up (lines 1 to 4), at "), "{}", view.headline());
    assert!(view.headline().ends_with(": 3 commits changed it"), "{}", view.headline());
    let text = view.text(true);
    assert!(text.contains("  -    return amount * key\n  +    return amount * 2\n"), "{text}");
    assert!(text.contains("Count [masked]") && text.contains("+    key = '[masked]'"), "{text}");
    assert!(!text.contains("hunter2") && !text.contains("are shown"), "{text}");
    let value = serde_json::to_value(&view).unwrap();
    assert_eq!(value["commits"][0]["before"]["unit"], "total");
    assert_eq!(value["commits"][1]["before"], serde_json::Value::Null);
    assert_eq!(value["commits"][2]["what"][0], "introduced");
    assert_eq!(value["end"], "introduced");
}

/// The number of a name that is defined again is no part of it.
#[test]
fn a_definition_that_became_the_second_one_is_not_renamed() {
    let unit = |key: &str| FollowedUnit { path: "a.py".into(), unit: key.into() };
    assert_eq!(
        [unit("A.f#2").name(), unit("A.f(int)#2").name(), unit("A.#secret").name()],
        ["A.f", "A.f", "A.#secret"]
    );
}

#[test]
fn a_part_of_a_history_says_so() {
    let repo = shop();
    let view = view(&repo, "b.py", 1, 1);
    assert_eq!((view.total, view.commits.len()), (3, 1));
    assert_eq!(view.commits[0].what_in_words(), "changed");
    let text = view.text(false);
    assert!(text.ends_with("\n1 of 3 commits are shown.\n"), "{text}");
    assert!(!text.contains("@@"), "{text}");
}

/// A secret that a limit cuts in two is not recognised any more.
#[test]
fn a_patch_is_shortened_by_whole_lines() {
    let repo = TestRepo::new();
    let text = format!("def f():\n    a = 1\n    b = '{}hunter2'\n", "x".repeat(MAX_PATCH));
    repo.commit("Add", &[("a.py", &text)]);
    let patch = &view(&repo, "a.py::f", 0, 1).commits[0].patch;
    assert!(patch.ends_with("+def f():\n+    a = 1\n… shortened\n"), "{patch}");
}

#[test]
fn what_a_shallow_clone_lacks_is_said() {
    let repo = shop();
    let clone = tempfile::tempdir().unwrap();
    let from = format!("file://{}", repo.work().display());
    repo.git(&["clone", "-q", "--depth", "1", &from, &clone.path().join("c").display().to_string()]);
    let opened = Repo::open(&clone.path().join("c"), &clone.path().join("data")).unwrap();
    let head = opened.resolve("HEAD").unwrap();
    let target = HistoryTarget::parse("b.py::sum_up").unwrap();
    let answer = ask_history(&opened, &RedactionConfig::default(), &head, &target, 0..10).unwrap();
    let view = CodeHistory::new(answer, str::to_owned);
    assert!(view.text(false).contains("`git fetch --unshallow` brings the rest"), "{}", view.text(false));
}
