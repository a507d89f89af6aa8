use std::path::Path;

use millwright_testkit::repository::TestRepo;

use super::*;
use crate::options::{EvalTask, RepoMapping};

/// A repository of three commits, in which `total` was written, changed and renamed to `sum_up`, and their ids.
fn shop() -> (TestRepo, Vec<String>) {
    let repo = TestRepo::new();
    let text = |name: &str, rate: &str| {
        format!(
            "def other():\n    return 1\n\n\ndef {name}(cart):\n    amount = sum(cart)\n    return amount * {rate}\n"
        )
    };
    let versions = [text("total", "1"), text("total", "2"), text("sum_up", "2")];
    let commits =
        versions.iter().map(|text| repo.commit("change", &[("shop.py", text)]).to_string()).collect();
    (repo, commits)
}

fn run_on(repo: &TestRepo, folder: &Path, cases: &Path) -> (EvalSummary, Vec<CaseResult>) {
    let address = "https://example.org/acme/shop";
    let mut options = EvalOptions::new(EvalTask::Lineage, cases, folder);
    options.repo_map = vec![RepoMapping { address: address.into(), path: repo.work() }];
    options.data_dir = repo.data();
    run(&options).unwrap()
}

#[test]
fn named_commits_are_held_against_the_expected_ones() {
    let folder = tempfile::tempdir().unwrap();
    let (repo, commits) = shop();
    let case = |id: &str, of: &str, commits: &[String]| {
        let repository =
            format!("https://example.org/acme/{}.git", if id == "elsewhere" { "x" } else { "shop" });
        json!({"id": id, "repository": repository, "at": "HEAD", "of": of, "commits": commits}).to_string()
    };
    let lines = [
        case("right", "shop.py::sum_up", &commits),
        case("one too many is expected", "shop.py:1-2", &[commits[0].clone(), commits[2].clone()]),
        case("gone", "shop.py::total", &commits[..2]),
        case("elsewhere", "shop.py::total", &commits),
    ];
    let file = folder.path().join("cases.jsonl");
    std::fs::write(&file, lines.join("\n")).unwrap();
    let (summary, results) = run_on(&repo, folder.path(), &file);
    assert_eq!(results.iter().map(|result| result.hit).collect::<Vec<_>>(), [true, false, false, false]);
    assert!(results[3].not_judged.as_ref().is_some_and(|why| why.contains("not a git repository")));
    let figures = &summary.0["lineage"];
    assert_eq!((&figures["cases"], &figures["not_judged"]), (&json!(3), &json!(1)));
    // Four commits named, all of them expected, of seven: a question without an answer has named none.
    assert_eq!(figures["lineage"], json!({"precision": 1.0, "recall": 4.0 / 7.0, "f1": 8.0 / 11.0}));
    // By name alone, `sum_up` begins where it was renamed.
    assert_eq!(
        figures["baselines"]["exact_name_and_path"],
        json!({"precision": 1.0, "recall": 0.4, "f1": 4.0 / 7.0})
    );
    assert_eq!(figures["baselines"]["git_log_l"]["recall"], 0.8, "{figures}");
}

#[test]
fn the_oracle_is_read_and_documentation_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let (repo, commits) = shop();
    let change = |commit: &str, kind: &str| json!({"commitId": commit, "changeType": kind});
    let history = json!({
        "repositoryWebURL": "https://example.org/acme/shop.git", "startCommitId": commits[2], "filePath": "shop.py",
        "functionStartLine": 5,
        "expectedChanges": [
            change(&commits[2], "rename"), change(&commits[1], "documentation change"), change(&commits[0], "introduced"),
        ],
    });
    let oracle = folder.path().join("method");
    std::fs::create_dir(&oracle).unwrap();
    std::fs::write(oracle.join("shop-sum_up.json"), history.to_string()).unwrap();
    let (summary, _) = run_on(&repo, folder.path(), &oracle);
    let figures = &summary.0["lineage"];
    assert_eq!(figures["lineage"]["f1"], 1.0);
    assert_eq!(figures["without_documentation"], json!({"precision": 1.0, "recall": 1.0, "f1": 1.0}));

    std::fs::write(oracle.join("broken.json"), "{}").unwrap();
    let options = EvalOptions::new(EvalTask::Lineage, &oracle, folder.path());
    let error = run(&options).unwrap_err().to_string();
    assert!(error.contains("broken.json") && error.contains("repositoryWebURL"), "{error}");
    let none = folder.path().join("none.jsonl");
    std::fs::write(&none, "").unwrap();
    let error = run(&EvalOptions::new(EvalTask::Lineage, &none, folder.path())).unwrap_err().to_string();
    assert!(error.contains("has no histories"), "{error}");
}
