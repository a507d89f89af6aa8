use millwright_git::history::HistoryIndex;
use millwright_redaction::RedactionConfig;
use millwright_testkit::repository::TestRepo;

use super::super::question::{HistoryTarget, ask_history};
use super::*;

/// The subjects of the commits in the history of a unit at `HEAD`, newest first, and how it begins.
fn history(repo: &TestRepo, path: &str, unit: &str) -> (Vec<String>, HistoryEnd) {
    history_in(&repo.work(), &repo.data(), path, unit)
}

fn history_in(
    work: &std::path::Path,
    data: &std::path::Path,
    path: &str,
    unit: &str,
) -> (Vec<String>, HistoryEnd) {
    let opened = Repo::open(work, data).unwrap();
    let head = opened.resolve("HEAD").unwrap();
    let history = HistoryIndex::open(&opened, &RedactionConfig::default(), &head).unwrap();
    let mut index = UnitIndex::open(&opened).unwrap();
    let as_of = history.structure.position(&head).unwrap();
    let unit = FollowedUnit { path: path.into(), unit: unit.into() };
    let found =
        unit_history(&opened, &history.structure, &mut index, as_of, &unit, FollowScope::Unit).unwrap();
    (found.steps.into_iter().map(|step| step.subject).collect(), found.end)
}

fn function(name: &str, value: u32) -> String {
    format!(
        "def {name}(cart, rate):\n    amount = sum(item.price for item in cart.items)\n    \
         return round(amount * (1 + rate), {value})\n"
    )
}

#[test]
fn a_unit_is_followed_through_renames_and_moves() {
    let repo = TestRepo::new();
    repo.commit("born", &[("a.py", &function("total", 1))]);
    repo.commit("elsewhere", &[("a.py", &format!("import os\n\n{}", function("total", 1)))]);
    repo.commit("changed", &[("a.py", &format!("import os\n\n{}", function("total", 2)))]);
    repo.commit("renamed", &[("a.py", &format!("import os\n\n{}", function("gross", 2)))]);
    repo.git(&["mv", "a.py", "b.py"]);
    repo.commit("file moved", &[]);
    repo.commit("moved", &[("b.py", "import os\n"), ("c.py", &function("gross", 2))]);
    repo.commit("changed again", &[("c.py", &function("gross", 3))]);
    let (steps, end) = history(&repo, "c.py", "gross");
    assert_eq!(steps, ["changed again", "moved", "file moved", "renamed", "changed", "born"]);
    assert_eq!(end, HistoryEnd::Introduced);
    assert_eq!(history(&repo, "b.py", "").0, ["file moved", "elsewhere", "born"]);
    assert_eq!(history(&repo, "c.py", "unknown").0, Vec::<String>::new());
}

/// The change of one branch counts although the other branch moved the file meanwhile.
#[test]
fn a_parallel_branch_changes_the_unit_under_its_old_name() {
    let repo = TestRepo::new();
    let two = |value| format!("{}\n\n{}", function("total", value), function("other", 9));
    repo.commit("born", &[("a.py", &two(1))]);
    repo.git(&["checkout", "-q", "-b", "side"]);
    repo.commit("changed on the side", &[("a.py", &two(2))]);
    repo.git(&["checkout", "-q", "main"]);
    repo.git(&["mv", "a.py", "b.py"]);
    repo.commit("moved", &[]);
    repo.git(&["merge", "-q", "--no-edit", "-m", "merge", "side"]);
    repo.commit("changed", &[("b.py", &two(3))]);
    let (mut steps, _) = history(&repo, "b.py", "total");
    steps.sort();
    assert_eq!(steps, ["born", "changed", "changed on the side", "moved"]);
}

#[test]
fn a_branch_whose_change_was_dropped_is_no_part_of_the_history() {
    let repo = TestRepo::new();
    let file = |value, other| format!("{}\n\n{}", function("total", value), function("other", other));
    repo.commit("born", &[("a.py", &file(1, 1))]);
    repo.git(&["checkout", "-q", "-b", "side"]);
    repo.commit("dropped", &[("a.py", &file(2, 1))]);
    repo.git(&["checkout", "-q", "main"]);
    repo.commit("kept", &[("a.py", &file(3, 2))]);
    repo.git(&["merge", "-q", "-s", "ours", "-m", "merge", "side"]);
    assert_eq!(history(&repo, "a.py", "total").0, ["kept", "born"]);
}

#[test]
fn a_merge_that_changes_the_unit_itself_is_a_step() {
    let repo = TestRepo::new();
    repo.commit("born", &[("a.py", &function("total", 1))]);
    repo.git(&["checkout", "-q", "-b", "side"]);
    repo.commit("side", &[("a.py", &function("total", 2))]);
    repo.git(&["checkout", "-q", "main"]);
    repo.commit("main", &[("a.py", &function("total", 3))]);
    repo.git(&["merge", "-q", "-s", "ours", "--no-commit", "side"]);
    std::fs::write(repo.work().join("a.py"), function("total", 4)).unwrap();
    repo.commit("merge", &[]);
    let (mut steps, _) = history(&repo, "a.py", "total");
    steps.sort();
    assert_eq!(steps, ["born", "main", "merge", "side"]);
    // Its hunks are those against the parent that it went on from.
    let opened = Repo::open(&repo.work(), &repo.data()).unwrap();
    let (head, target) = (opened.resolve("HEAD").unwrap(), HistoryTarget::parse("a.py:3").unwrap());
    let answer = ask_history(&opened, &RedactionConfig::default(), &head, &target, 0..1).unwrap();
    let patch = &answer.steps[0].patch;
    assert_eq!(answer.steps[0].step.subject, "merge");
    assert!(patch.contains("rate), 3)\n+    return round(amount * (1 + rate), 4)"), "{patch}");
}

#[test]
fn what_one_parent_lacks_and_the_other_has_otherwise_is_a_change_of_the_merge() {
    let repo = TestRepo::new();
    let file = |value| format!("{}\n\n{}", function("total", 1), function("other", value));
    repo.commit("born", &[("a.py", &function("total", 1))]);
    repo.git(&["checkout", "-q", "-b", "side"]);
    repo.commit("side", &[("a.py", &file(1))]);
    for (branch, other) in [("main", "side"), ("side", "main")] {
        repo.git(&["checkout", "-q", branch]);
        repo.git(&["checkout", "-q", "-b", &format!("merge-{branch}")]);
        repo.commit("here", &[("b.py", branch)]);
        repo.git(&["merge", "-q", "--no-ff", "--no-commit", other]);
        std::fs::write(repo.work().join("a.py"), file(2)).unwrap();
        repo.commit("merge", &[]);
        assert_eq!(history(&repo, "a.py", "other").0, ["merge", "side"], "{branch}");
    }
}

#[test]
fn a_shallow_clone_says_that_its_history_ends() {
    let repo = TestRepo::new();
    repo.commit("born", &[("a.py", &function("total", 1))]);
    for value in 2..6 {
        repo.commit(&format!("change {value}"), &[("a.py", &function("total", value))]);
    }
    let url = format!("file://{}", repo.work().display());
    let shallow = repo.clone(&["--depth=2", &url], "shallow");
    let (steps, end) = history_in(&shallow, &repo.data(), "a.py", "total");
    assert_eq!(steps, ["change 5"]);
    assert_eq!(end, HistoryEnd::Shallow);
}

/// In a partial clone the contents of old versions are missing. They are said, and nothing is fetched.
#[test]
fn a_partial_clone_says_what_it_could_not_read() {
    let repo = TestRepo::new();
    repo.git(&["config", "uploadpack.allowFilter", "true"]);
    repo.commit("born", &[("a.py", &function("total", 1))]);
    repo.commit("changed", &[("a.py", &function("total", 2))]);
    repo.commit("moved", &[("a.py", ""), ("b.py", &function("total", 2))]);
    let url = format!("file://{}", repo.work().display());
    let partial = repo.clone(&["--filter=blob:none", &url], "partial");
    let opened = Repo::open(&partial, &repo.data()).unwrap();
    assert!(opened.lacks_contents());
    let head = opened.resolve("HEAD").unwrap();
    let structure = HistoryIndex::open(&opened, &RedactionConfig::default(), &head).unwrap().structure;
    let mut index = UnitIndex::open(&opened).unwrap();
    let unit = FollowedUnit { path: "b.py".into(), unit: "total".into() };
    let as_of = structure.position(&head).unwrap();
    let found = unit_history(&opened, &structure, &mut index, as_of, &unit, FollowScope::Unit).unwrap();
    // The newest contents came with the checkout.
    assert_eq!(found.steps.len(), 1, "{found:?}");
    assert_eq!((found.unread.len(), found.end), (2, HistoryEnd::Unread), "{found:?}");
}
