//! Imports cases from a repository with known faults and from a memory with one incident.

use millwright_model::Scope;
use std::path::Path;

use super::*;
use crate::options::tests::options;
use crate::options::{EvalOptions, EvalTask, MemoryMode, RepoMapping};
use crate::scenarios;

/// A repository with a fault at a known commit, and a fix as the newest commit.
fn mended(folder: &Path, message: &str) -> (Repo, EvalCase, String) {
    let (case, path, text) = scenarios::specimen(folder).unwrap();
    let repo = Repo::open(&folder.join("specimen"), &folder.join("data")).unwrap();
    let culprit = case.truth.commit.clone().unwrap();
    let content = Some(("100644".to_owned(), text.into_bytes()));
    let edit = millwright_git::checkout::FileEdit { path, content };
    let tree = millwright_git::checkout::edit_tree(&repo, &case.bad, &[edit]).unwrap();
    let message = message.replace("CULPRIT", &culprit[..12]);
    // The repository's own folder is our bare one, so objects are written here.
    let own = folder.join("specimen/.git");
    let git = || millwright_sandbox::trusted::git(&own);
    let pack = repo.borrowed();
    let alternates = folder.join("data");
    assert!(alternates.exists() && pack.exists());
    let fix = repo.git().args(["commit-tree", &tree, "-p", &case.bad, "-m", &message]).output().unwrap();
    let fix = String::from_utf8(fix).unwrap().trim().to_owned();
    // A bundle copies the objects from the borrowing directory to the repository.
    let bundle = folder.join("fix.bundle");
    let at = bundle.to_string_lossy().into_owned();
    repo.git().args(["update-ref", "refs/heads/fix", &fix]).output().unwrap();
    repo.git().args(["bundle", "create", &at, "refs/heads/fix"]).output().unwrap();
    git().args(["bundle", "unbundle", &at]).output().unwrap();
    git().args(["update-ref", "refs/heads/main", &fix]).output().unwrap();
    (repo, case, fix)
}

#[test]
fn messages_that_name_their_culprit_become_cases_without_the_answer() {
    let folder = tempfile::tempdir().unwrap();
    let message =
        "Read one digit behind the point again\n\nTotals were too small for some.\n\nRegression in CULPRIT.";
    let (repo, known, fix) = mended(folder.path(), message);
    let found = history::import(&repo, 10).unwrap();
    assert_eq!(found.cases.len(), 1, "{:?}", found.left_out);
    let case = &found.cases[0];
    assert_eq!((&case.truth.commit, &case.bad), (&known.truth.commit, &known.bad));
    assert!(case.id.ends_with(&fix[..10]) && case.ticket.contains("Totals were too small"));
    assert!(!case.ticket.contains(&known.truth.commit.unwrap()[..7]), "{}", case.ticket);
    assert!(case.truth.files.iter().any(|file| file == "lib/money.sh"), "{:?}", case.truth.files);
    let out = folder.path().join("cases.jsonl");
    found.write(&out).unwrap();
    assert_eq!(crate::cases::read(&out, None).unwrap(), found.cases);
}

#[test]
fn a_list_of_tickets_finds_culprits_by_blame_and_says_what_is_wrong_with_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let (repo, known, fix) = mended(folder.path(), "Mend it");
    let list = folder.path().join("list.jsonl");
    let line = |fix: &str| serde_json::json!({"ticket": "The total is too small", "fix": fix}).to_string();
    std::fs::write(&list, [line(&fix), line("0123456789")].join("\n")).unwrap();
    let found = lines::import(&repo, &list).unwrap();
    assert_eq!(found.cases.len(), 1, "{:?}", found.left_out);
    assert_eq!(found.cases[0].truth.commit, known.truth.commit);
    assert_eq!(found.cases[0].tags, ["culprit-by-blame"]);
    assert!(found.left_out[0].contains("line 2") && found.left_out[0].contains("0123456789"));

    std::fs::write(&list, format!("{}\n{{\"ticket\": 7}}\n", line(&fix))).unwrap();
    let error = lines::import(&repo, &list).unwrap_err().to_string();
    assert!(error.contains("line 2: ") && error.contains("it should be"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_memory_proved_becomes_a_case_that_is_answered_again() {
    let folder = tempfile::tempdir().unwrap();
    let (known, _, _) = scenarios::specimen(folder.path()).unwrap();
    let memory = folder.path().join("memory");
    std::fs::create_dir(&memory).unwrap();
    let store =
        millwright_store::Store::open(&memory.to_string_lossy(), Scope::installation("test")).await.unwrap();
    let mapping = RepoMapping { address: scenarios::ADDRESS.into(), path: folder.path().to_owned() };
    let options = EvalOptions {
        repo_map: vec![mapping],
        data_dir: folder.path().join("data"),
        memory: MemoryMode::Off,
        ..options(EvalTask::Investigate, Path::new(""), Path::new(""))
    };
    let repo = Repo::open(&folder.path().join("specimen"), &options.data_dir).unwrap();
    assert!(memory::import(&repo, &store).await.unwrap().cases.is_empty());
    crate::tasks::investigate::prove_into(&known, &options, &store).await.unwrap();
    let found = memory::import(&repo, &store).await.unwrap();
    assert_eq!(found.cases.len(), 1, "{:?}", found.left_out);
    let case = &found.cases[0];
    assert_eq!((&case.truth.commit, &case.bad), (&known.truth.commit, &known.bad));
    assert_eq!(
        case.replay.as_ref().map(|replay| &replay.command),
        known.replay.as_ref().map(|replay| &replay.command)
    );
    assert_eq!(case.tags, ["proven", "from-memory"]);
}
