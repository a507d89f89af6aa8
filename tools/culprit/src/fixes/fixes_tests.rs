use millwright_model::CommitId;
use millwright_testkit::repository::TestRepo;

use super::*;
use crate::minimise::hunks_of;

const BEFORE: &str = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\n";
const CULPRIT: &str = "one\nTWO\nthree\nfour\nfive\nsix\nseven\nEIGHT\nnine\n";

/// A repository whose culprit changes lines 2 and 8 of `a.txt`, followed by the commits in `later`.
fn history(later: &str) -> (TestRepo, CommitId, CommitId) {
    let repo = TestRepo::new();
    let commit = |text: &str, message: &str| {
        std::fs::write(repo.work().join("a.txt"), text).unwrap();
        repo.git(&["add", "-A"]);
        repo.git(&["commit", "-q", "--allow-empty", "-m", message]);
        repo.head()
    };
    commit(BEFORE, "before");
    let culprit = commit(CULPRIT, "culprit");
    let bad = commit(later, "later");
    (repo, culprit, bad)
}

fn check(later: &str, guilty: &[usize], expected: &str) {
    let (repo, culprit, bad) = history(later);
    let repo = Repo::open(&repo.work(), &repo.data()).unwrap();
    let hunks = hunks_of(&repo, &culprit).unwrap();
    let guilty: Vec<CulpritHunk> = guilty.iter().map(|at| hunks[*at].clone()).collect();
    let proposal = propose(&repo, &culprit, &guilty, &bad).unwrap();
    let mut told: Vec<String> = proposal
        .candidates
        .iter()
        .map(|candidate| {
            let lines: Vec<&str> = candidate
                .diff
                .lines()
                .filter(|line| {
                    line.starts_with(['+', '-']) && !line.starts_with("+++") && !line.starts_with("---")
                })
                .collect();
            format!("{} {}", candidate.id, lines.join(" "))
        })
        .collect();
    told.extend(proposal.not_applicable);
    assert_eq!(told.join("\n"), expected);
}

#[test]
fn the_smaller_candidate_comes_first() {
    check(CULPRIT, &[1], "partial_revert -EIGHT +eight\nrevert -TWO +two -EIGHT +eight");
}

#[test]
fn a_partial_revert_that_equals_the_whole_is_offered_once() {
    check(CULPRIT, &[0, 1], "partial_revert -TWO +two -EIGHT +eight");
}

#[test]
fn later_changes_elsewhere_are_kept() {
    let later = format!("zero\n{CULPRIT}");
    check(&later, &[0], "partial_revert -TWO +two\nrevert -TWO +two -EIGHT +eight");
}

#[test]
fn a_conflict_is_named_and_the_rest_still_offered() {
    let later = CULPRIT.replace("TWO", "TWO, and more");
    check(
        &later,
        &[1],
        "partial_revert -EIGHT +eight\nthe whole commit cannot be reverted cleanly: a.txt changed since\n\
         the guilty lines cannot be reverted cleanly: a.txt changed there since",
    );
}

#[test]
fn the_whole_hunk_is_offered_beside_its_guilty_lines() {
    let repo = TestRepo::new();
    repo.commit("before", &[("a.sh", "f() {\n    R=1\n}\n")]);
    let after = "f() {\n    R=2\n}\n\ng() {\n    R=3\n}\n";
    let culprit = repo.commit("culprit", &[("a.sh", after)]);
    let bad = repo.commit("later", &[("b.sh", "g\n")]);
    let repo = Repo::open(&repo.work(), &repo.data()).unwrap();
    // The closing brace ends both functions, so git reports the change and the new function as one hunk or as two.
    let [whole] = &hunks_of(&repo, &culprit).unwrap()[..] else {
        panic!("two hunks: the case tells nothing")
    };
    let pieces = crate::minimise::split(whole);
    let proposal = propose(&repo, &culprit, &pieces[..1], &bad).unwrap();
    let told: Vec<(&str, usize)> =
        proposal.candidates.iter().map(|candidate| (candidate.id.as_str(), candidate.lines)).collect();
    assert_eq!(told, [("partial_revert", 2), ("revert", whole.new_lines as usize + 1)]);
    assert!(proposal.candidates[0].diff.contains("\n-    R=2\n+    R=1\n }\n"), "{proposal:?}");
}

#[test]
fn what_was_renamed_since_is_taken_back_under_its_new_name() {
    let repo = TestRepo::new();
    repo.commit("before", &[("old.txt", BEFORE), ("new.txt", "kept\n")]);
    let culprit = repo.commit("culprit", &[("old.txt", CULPRIT), ("added.txt", BEFORE)]);
    repo.git(&["mv", "old.txt", "lib.txt"]);
    repo.git(&["mv", "added.txt", "moved.txt"]);
    repo.commit("moved", &[("lib.txt", &format!("zero\n{CULPRIT}"))]);
    repo.git(&["mv", "lib.txt", "core.txt"]);
    let bad = repo.commit("moved again", &[]);
    let conflicting = repo.commit("changed", &[("core.txt", &CULPRIT.replace("TWO", "TWO, and more"))]);
    let repo = Repo::open(&repo.work(), &repo.data()).unwrap();
    let hunks = hunks_of(&repo, &culprit).unwrap();
    let guilty: Vec<CulpritHunk> = hunks.into_iter().filter(|hunk| hunk.path == "old.txt").take(1).collect();
    let proposal = propose(&repo, &culprit, &guilty, &bad).unwrap();
    let ids: Vec<&str> = proposal.candidates.iter().map(|candidate| candidate.id.as_str()).collect();
    assert_eq!(ids, ["partial_revert", "partial_revert_files", "revert"], "{proposal:?}");
    let [partial, _, whole] = &proposal.candidates[..] else { panic!("{proposal:?}") };
    assert!(partial.diff.contains("--- a/core.txt\n+++ b/core.txt\n"), "{}", partial.diff);
    assert!(partial.diff.contains("\n-TWO\n+two\n") && !partial.diff.contains("eight"), "{}", partial.diff);
    assert!(whole.diff.contains("\n-EIGHT\n+eight\n"), "{}", whole.diff);
    assert!(whole.diff.contains("--- a/moved.txt\n+++ /dev/null"), "{}", whole.diff);
    let refused = propose(&repo, &culprit, &guilty, &conflicting).unwrap();
    assert_eq!(
        refused.not_applicable[0],
        "the guilty lines cannot be reverted cleanly: core.txt (old.txt then) changed there since"
    );
}

#[test]
fn a_known_fix_applies_or_says_why_not() {
    let (test, _, bad) = history(CULPRIT);
    let repo = Repo::open(&test.work(), &test.data()).unwrap();
    let diff = "--- a/a.txt\n+++ b/a.txt\n@@ -1,3 +1,3 @@\n one\n-TWO\n+two\n three\n";
    assert_eq!(known(&repo, diff, &bad).unwrap().unwrap().lines, 2);
    let stale = diff.replace("TWO", "DEUX");
    let why = known(&repo, &stale, &bad).unwrap().unwrap_err();
    assert!(why.starts_with("the known fix no longer applies here"), "{why}");
    let hostile = diff.replace("a.txt", "../outside.txt");
    assert!(known(&repo, &hostile, &bad).unwrap().is_err());
}

#[test]
fn a_later_revision_has_a_fix_or_has_not() {
    let repo = TestRepo::new();
    let text =
        |middle: &str, end: &str| format!("one\ntwo\n{middle}\nfour\nfive\nsix\nseven\neight\n{end}\n");
    repo.commit("first", &[("a.txt", &text("three", "nine"))]);
    let bad = repo.commit("bad", &[("a.txt", &text("wrong", "nine"))]);
    let elsewhere = repo.commit("elsewhere", &[("a.txt", &text("wrong", "ten")), ("b.txt", "x\n")]);
    let fixed = repo.commit("fixed", &[("a.txt", &text("three", "ten"))]);
    let moved = repo.commit("moved", &[("a.txt", &format!("zero\n{}", text("three", "ten")))]);
    let back = repo.commit("taken back", &[("a.txt", &text("wrong", "ten"))]);
    let repo = Repo::open(&repo.work(), &repo.data()).unwrap();
    let diff = "diff --git a/a.txt b/a.txt\n--- a/a.txt\n+++ b/a.txt\n@@ -1,5 +1,5 @@\n one\n two\n-wrong\n+three\n four\n five\n";
    for (revision, has) in
        [(&bad, false), (&elsewhere, false), (&fixed, true), (&moved, true), (&back, false)]
    {
        assert_eq!(contains(&repo, diff, &bad, revision).unwrap(), has, "{revision}");
    }
    assert!(
        !contains(&repo, "diff --git a/c b/c\n--- a/c\n+++ b/c\n@@ -1 +1 @@\n-x\n+y\n", &bad, &fixed)
            .unwrap()
    );
}

/// Ids and diffs of the candidates in order, for a culprit of one file.
fn candidates_of(path: &str, before: &str, after: &str, guilty: &[usize]) -> Vec<(String, String)> {
    let repo = TestRepo::new();
    repo.commit("before", &[(path, before)]);
    let culprit = repo.commit("culprit", &[(path, after)]);
    let bad = repo.commit("later", &[("other.txt", "later\n")]);
    let repo = Repo::open(&repo.work(), &repo.data()).unwrap();
    let hunks = hunks_of(&repo, &culprit).unwrap();
    let guilty: Vec<CulpritHunk> = guilty.iter().map(|at| hunks[*at].clone()).collect();
    let proposal = propose(&repo, &culprit, &guilty, &bad).unwrap();
    proposal.candidates.into_iter().map(|candidate| (candidate.id, candidate.diff)).collect()
}

#[test]
fn a_renamed_key_is_renamed_back_in_both_places() {
    let old = "my %chosen;\n$chosen{digits} = $1 if shift =~ /(\\d+)/;\n# Cents.\nmy $n = $chosen{digits} // 2;\nprint $n;\n";
    let new = old
        .replace("$chosen{digits} =", "$chosen{places} =")
        .replace("$chosen{digits} // 2", "$chosen{places} // 0");
    let found = candidates_of("print.pl", old, &new, &[1]);
    assert!(
        found.iter().all(|(_, diff)| diff.matches("-").count() > 2 && diff.contains("+$chosen{digits}")),
        "{found:#?}"
    );
}

#[test]
fn what_is_done_alike_elsewhere_is_taken_back_first() {
    let old = "function full(a) {\n  return Math.round(a * 0.19);\n}\n\nfunction reduced(a) {\n  return Math.round(a * 0.07);\n}\n";
    let new = old.replace("round", "floor");
    let found = candidates_of("vat.js", old, &new, &[0]);
    let ids: Vec<&str> = found.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, ["partial_revert", "partial_revert_alone"]);
    assert!(found[0].1.contains("+  return Math.round(a * 0.07);"));
    assert!(!found[1].1.contains("+  return Math.round(a * 0.07);"));
}

#[test]
fn lines_that_look_like_headers_count_as_changed() {
    let diff = "--- a/x.c\n+++ b/x.c\n@@ -1,2 +1,2 @@\n--- i;\n+++ i;\n y\n";
    assert_eq!(changed_lines(diff), 2);
}
