use CommittedChange::{Bytes, Delete, Executable, Rename, Submodule, Write};
use millwright_redaction::{CustomPattern, RedactionConfig};

use super::*;
use millwright_testkit::imported::{CommittedChange, ImportedRepo};
use millwright_testkit::repository::TestRepo;

/// Everything the index says about `good..bad`, in a form that does not depend on how the index was built.
fn describe(history: &HistoryIndex, bad: &CommitId, good: Option<&CommitId>) -> Vec<String> {
    let structure = &history.structure;
    let position = |id: &CommitId| structure.position(id).unwrap();
    let range = structure.range(position(bad), good.map(position));
    let mut lines: Vec<String> = Vec::new();
    for position in range {
        let commit = structure.commit(position);
        let parents: Vec<CommitId> = commit.parents.iter().map(|p| structure.commit(*p).id()).collect();
        let files: Vec<String> = commit
            .files
            .iter()
            .map(|(status, path)| format!("{}{}", *status as char, structure.path(*path)))
            .collect();
        let text = history.text.get(structure, position).unwrap();
        let text = text.map(|text| (text.files, text.fields));
        lines.push(format!("{} {parents:?} {} {files:?} {text:?}", commit.id(), commit.subject));
    }
    lines.sort();
    lines
}

fn indexed(repo: &Repo, bad: &CommitId) -> HistoryIndex {
    indexed_by(repo, &RedactionConfig::default(), bad)
}

fn indexed_by(repo: &Repo, rules: &RedactionConfig, bad: &CommitId) -> HistoryIndex {
    let mut history = HistoryIndex::open(repo, rules, bad).unwrap();
    let bad = history.structure.position(bad).unwrap();
    let range = history.structure.range(bad, None);
    history.text.ensure(repo, &history.structure, &range).unwrap();
    history
}

/// A repository with a side branch that is merged, a second root, and all kinds of changes.
fn odd_repository() -> (ImportedRepo, Vec<CommitId>) {
    let mut repo = ImportedRepo::new();
    repo.commit("Start", &[Write("src/a.py", "def f():\n    return 1\n"), Write("docs/x.rst", "Words\n")]);
    repo.commit("Change f", &[Write("src/a.py", "def f():\n    return 2\n")]);
    repo.commit_on("side", &[1], "On the side", &[Write("src/side.py", "x = 1\n")]);
    repo.commit_on(
        "main",
        &[2, 3],
        "Merge with an edit of its own",
        &[Write("src/side.py", "x = 1\n"), Write("src/a.py", "def f():\n    return evil\n")],
    );
    repo.commit_on("other-root", &[], "Another root", &[Write("lib/b.py", "def g():\n    pass\n")]);
    repo.commit_on("main", &[4, 5], "Join histories", &[Write("lib/b.py", "def g():\n    pass\n")]);
    repo.commit("Move", &[Rename("src/a.py", "src/moved.py")]);
    repo.commit(
        "Oddities\n\nSee 1234567abc.",
        &[
            Write("src/with space and \"quotes\".py", "y = 1\n"),
            Bytes(b"src/latin\xe9\n.py", b"z = '\xff\xfe'\n"),
            Bytes(b"logo.png", b"\x89PNG\0\0\0\x01"),
            Submodule("vendored"),
        ],
    );
    repo.commit("Mode", &[Executable("docs/x.rst", "Words\n")]);
    repo.commit("Delete", &[Delete("lib/b.py")]);
    let ids = repo.import();
    (repo, ids)
}

#[test]
fn reads_odd_repositories() {
    let (repo, ids) = odd_repository();
    let bad = &ids[9];
    let history = indexed(&Repo::open(&repo.path(), &repo.data("data")).unwrap(), bad);
    assert_eq!(describe(&history, bad, None).len(), 10);
    let text = |mark: usize| {
        let position = history.structure.position(&ids[mark - 1]).unwrap();
        history.text.get(&history.structure, position).unwrap().unwrap()
    };
    let evil = text(4);
    assert_eq!(evil.field(PatchField::SourceAdded).count(hash_token("evil")), 1, "{evil:?}");
    let moved = text(7);
    assert_eq!(moved.files[0].old_path.as_deref(), Some("src/a.py"));
    let odd = text(8);
    let mut paths: Vec<&str> = odd.files.iter().map(|file| file.path.as_str()).collect();
    paths.sort_unstable();
    let expected = ["logo.png", "src/latin\u{fffd}\n.py", "src/with space and \"quotes\".py", "vendored"];
    assert_eq!(paths, expected);
    assert_eq!(odd.mentions, ["1234567abc"]);
    assert!(text(9).files[0].hunks.is_empty());
    assert!(text(10).files[0].is_deleted);
}

#[test]
fn an_updated_index_equals_a_fresh_one() {
    let (repo, ids) = odd_repository();
    let grown = Repo::open(&repo.path(), &repo.data("grown")).unwrap();
    for bad in [&ids[1], &ids[2], &ids[6], &ids[9]] {
        indexed(&grown, bad);
    }
    let fresh = indexed(&Repo::open(&repo.path(), &repo.data("fresh")).unwrap(), &ids[9]);
    for bad in [&ids[9], &ids[3], &ids[2]] {
        assert_eq!(describe(&indexed(&grown, &ids[9]), bad, None), describe(&fresh, bad, None));
    }
}

#[test]
fn patches_read_ahead_are_those_of_the_range() {
    let (repo, ids) = odd_repository();
    let (bad, good) = (&ids[9], Some(&ids[1]));
    let opened = Repo::open(&repo.path(), &repo.data("ahead")).unwrap();
    let (ahead, read) = HistoryIndex::open_range(&opened, &RedactionConfig::default(), bad, good).unwrap();
    let described = describe(&ahead, bad, good);
    assert_eq!(read, described.len());
    assert_eq!(
        described,
        describe(&indexed(&Repo::open(&repo.path(), &repo.data("fresh")).unwrap(), bad), bad, good)
    );
    let (again, read) = HistoryIndex::open_range(&opened, &RedactionConfig::default(), bad, good).unwrap();
    assert_eq!((read, described), (0, describe(&again, bad, good)));
}

#[test]
fn only_what_bad_reaches_is_a_candidate() {
    let mut repo = ImportedRepo::new();
    repo.commit("Base", &[Write("a.py", "1\n")]);
    repo.commit("Bad", &[Write("a.py", "2\n")]);
    repo.commit("The future", &[Write("a.py", "3\n")]);
    repo.commit_on("side", &[1], "Elsewhere", &[Write("b.py", "1\n")]);
    let ids = repo.import();
    let opened = Repo::open(&repo.path(), &repo.data("data")).unwrap();
    indexed(&opened, &ids[2]);
    indexed(&opened, &ids[3]);
    let history = HistoryIndex::open(&opened, &RedactionConfig::default(), &ids[1]).unwrap();
    let subjects = |good: Option<&CommitId>| -> Vec<String> {
        let position = |id: &CommitId| history.structure.position(id).unwrap();
        let range = history.structure.range(position(&ids[1]), good.map(position));
        range.iter().map(|at| history.structure.commit(*at).subject.clone()).collect()
    };
    assert_eq!(history.structure.len(), 4);
    assert_eq!(subjects(None), ["Bad", "Base"]);
    assert_eq!(subjects(Some(&ids[0])), ["Bad"]);
}

#[test]
fn a_run_killed_in_the_middle_costs_its_own_work_only() {
    let (repo, ids) = odd_repository();
    let opened = Repo::open(&repo.path(), &repo.data("data")).unwrap();
    let whole = describe(&indexed(&opened, &ids[9]), &ids[9], None);
    let folder = opened.data().join("history");
    let files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    let data: Vec<_> = files.iter().filter(|path| path.metadata().unwrap().len() > 0).collect();
    assert!(data.len() >= 3, "{files:?}");
    for path in data {
        for part in 0..4 {
            // Read the file again: the index has rewritten the part that was cut off, in any order.
            let bytes = std::fs::read(path).unwrap();
            let keep = [0, 5, bytes.len() / 2, bytes.len() - 1][part];
            std::fs::write(path, &bytes[..keep]).unwrap();
            assert_eq!(describe(&indexed(&opened, &ids[9]), &ids[9], None), whole, "{path:?} cut at {keep}");
        }
        let mut damaged = std::fs::read(path).unwrap();
        let middle = damaged.len() / 2;
        damaged[middle] ^= 0x55;
        std::fs::write(path, damaged).unwrap();
        let after = describe(&indexed(&opened, &ids[9]), &ids[9], None);
        assert_eq!(after.len(), whole.len(), "{path:?} damaged");
        // Start the next file from a sound index.
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(describe(&indexed(&opened, &ids[9]), &ids[9], None), whole);
    }
}

#[test]
fn two_runs_at_once_share_one_index() {
    let (repo, ids) = odd_repository();
    let opened = Repo::open(&repo.path(), &repo.data("data")).unwrap();
    let seen: Vec<Vec<String>> = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..6)
            .map(|n| {
                let (opened, ids) = (&opened, &ids);
                scope.spawn(move || {
                    let bad = if n % 2 == 0 { &ids[9] } else { &ids[6] };
                    describe(&indexed(opened, bad), &ids[6], None)
                })
            })
            .collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]));
    let history = indexed(&opened, &ids[9]);
    assert_eq!(history.structure.len(), 10);
}

#[test]
fn a_shallow_clone_has_an_index_of_its_own() {
    let (repo, ids) = odd_repository();
    let shallow = repo.path().join("shallow");
    std::fs::write(&shallow, format!("{}\n", ids[6])).unwrap();
    let opened = Repo::open(&repo.path(), &repo.data("data")).unwrap();
    assert!(opened.is_shallow());
    assert_eq!(describe(&indexed(&opened, &ids[9]), &ids[9], None).len(), 4);
    std::fs::remove_file(&shallow).unwrap();
    std::fs::remove_file(opened.borrowed().join("shallow")).unwrap();
    assert_eq!(
        describe(&indexed(&Repo::open(&repo.path(), &repo.data("data")).unwrap(), &ids[9]), &ids[9], None)
            .len(),
        10
    );
}

/// In a partial clone the index has the messages and paths of commits whose contents are missing, and the patches of
/// the others.
#[test]
fn a_partial_clone_is_indexed_without_what_is_missing() {
    let repo = TestRepo::new();
    repo.git(&["config", "uploadpack.allowFilter", "true"]);
    repo.commit("first", &[("src/a.py", "x = 1\n")]);
    let changed = repo.commit("Change the total", &[("src/a.py", "x = 2\n")]);
    repo.git(&["rm", "-q", "src/a.py"]);
    let last = repo.commit("last", &[("src/b.py", "y = 1\n")]);
    let url = format!("file://{}", repo.work().display());
    let partial = repo.clone(&["--filter=blob:none", &url], "partial");
    let opened = Repo::open(&partial, &repo.data()).unwrap();
    let history = indexed(&opened, &last);
    let text = |commit: &CommitId| {
        let position = history.structure.position(commit).unwrap();
        history.text.get(&history.structure, position).unwrap().unwrap()
    };
    let lacking = text(&changed);
    assert!(lacking.truncated && lacking.files[0].hunks.is_empty());
    assert_eq!(lacking.files[0].path, "src/a.py");
    assert_eq!(lacking.field(PatchField::Subject).count(hash_token("total")), 1);
    assert_eq!(text(&last).files.len(), 2);
}

#[test]
fn an_unknown_revision_is_said_so() {
    let (repo, _) = odd_repository();
    let error = HistoryIndex::open(
        &Repo::open(&repo.path(), &repo.data("data")).unwrap(),
        &RedactionConfig::default(),
        &CommitId::parse(&"ab".repeat(20)).unwrap(),
    )
    .unwrap_err();
    assert!(matches!(error, HistoryError::Git(_) | HistoryError::UnknownCommit(_)), "{error}");
}

fn kept_bytes(folder: &std::path::Path) -> Vec<u8> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.flat_map(|path| std::fs::read(path).unwrap()).collect()
}

fn keeps(folder: &std::path::Path, text: &str) -> bool {
    memchr::memmem::find(&kept_bytes(folder), text.as_bytes()).is_some()
}

fn rules_for(pattern: &str) -> RedactionConfig {
    let custom = CustomPattern { name: "CUSTOMER".into(), pattern: pattern.into() };
    RedactionConfig { patterns: vec![custom], ..RedactionConfig::default() }
}

#[test]
fn the_rules_of_the_configuration_mask_the_index_and_a_change_of_them_begins_it_again() {
    let mut repo = ImportedRepo::new();
    repo.commit(
        "Start for customer-4711",
        &[Write("a.py", "def f(who=\"customer-4711\"):\n    x = 1\n    y = 1\n")],
    );
    repo.commit("Go on", &[Write("a.py", "def f(who=\"customer-4711\"):\n    x = 1\n    y = 2\n")]);
    let ids = repo.import();
    let plain = Repo::open(&repo.path(), &repo.data("data")).unwrap();
    indexed(&plain, &ids[1]);
    let folder = folder(&plain, &RedactionConfig::default()).unwrap();
    assert!(keeps(&folder, "customer-4711"));
    let history = indexed_by(&plain, &rules_for("customer-[0-9]+"), &ids[1]);
    assert!(!keeps(&folder, "customer-4711"));
    assert!(keeps(&folder, "[CUSTOMER]"));
    assert_eq!(history.structure.len(), 2);
}

#[test]
fn who_opened_the_index_by_other_rules_writes_nothing_to_it() {
    let mut repo = ImportedRepo::new();
    repo.commit("Start", &[Write("a.py", "x = 1\n")]);
    let ids = repo.import();
    let plain = Repo::open(&repo.path(), &repo.data("data")).unwrap();
    let mut early = HistoryIndex::open(&plain, &RedactionConfig::default(), &ids[0]).unwrap();
    HistoryIndex::open(&plain, &rules_for("customer-[0-9]+"), &ids[0]).unwrap();
    let late = early.text.ensure(&plain, &early.structure, &[0]);
    assert!(matches!(late, Err(HistoryError::RulesChanged { .. })), "{late:?}");
}

/// The default rules must not replace rules that do not compile.
#[test]
fn rules_that_are_no_regular_expressions_are_an_error() {
    let mut repo = ImportedRepo::new();
    repo.commit("Start for customer-4711", &[Write("a.py", "x = 1\n")]);
    let ids = repo.import();
    let opened = Repo::open(&repo.path(), &repo.data("data")).unwrap();
    let rules = rules_for("customer-[0-9");
    let error = HistoryIndex::open(&opened, &rules, &ids[0]).unwrap_err();
    assert!(matches!(error, HistoryError::Redaction(_)), "{error}");
    // Nothing is written before the rules are compiled.
    assert!(!keeps(&folder(&opened, &rules_for("customer-[0-9]+")).unwrap(), "customer-4711"));
}

#[test]
fn a_value_that_is_cut_is_not_kept() {
    let mut repo = ImportedRepo::new();
    let key = "AKIAIOSFODNN7EXAMPLE";
    let source = |value: u8| {
        let head = format!("def f({}, key=\"{key}\"):\n", "a".repeat(52));
        format!("{head}{}    return {value}\n", "    x = 1\n".repeat(10))
    };
    repo.commit(&format!("{} {key}", "x".repeat(290)), &[Write("src/a.py", &source(1))]);
    repo.commit("Change it", &[Write("src/a.py", &source(2))]);
    let ids = repo.import();
    let opened = Repo::open(&repo.path(), &repo.data("data")).unwrap();
    let history = indexed(&opened, &ids[1]);
    let folder = folder(&opened, &RedactionConfig::default()).unwrap();
    assert!(!keeps(&folder, "AKIA"), "neither of the subject nor of the function's line");
    assert!(keeps(&folder, &format!("def f({}, key=", "a".repeat(52))), "the rest of the line is kept");
    let subject = &history.structure.commit(0).subject;
    assert!(subject.starts_with("xxx") && subject.contains(" [AWS"), "{subject}");
}

/// Neither a new index nor one of an earlier version contains a secret from a message or from a source line.
#[test]
fn secrets_of_messages_are_not_kept() {
    let mut repo = ImportedRepo::new();
    let key = "AKIAIOSFODNN7EXAMPLE";
    let token = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567";
    repo.commit("Start", &[Write("src/a.py", "def f():\n    return 1\n")]);
    repo.commit(
        &format!("Use {key} of ops@example.org\n\npassword: {token}\n"),
        &[Write("src/a.py", "def f():\n    return 2\n")],
    );
    let source = |value: u8| {
        let filler = "    x = 1\n".repeat(10);
        format!("def f(key=\"{key}\"):\n{filler}    return {value}\n")
    };
    repo.commit("Add a default", &[Write("src/a.py", &source(1))]);
    repo.commit("Change it", &[Write("src/a.py", &source(2))]);
    let ids = repo.import();
    let (opened, bad) = (Repo::open(&repo.path(), &repo.data("data")).unwrap(), ids[3].clone());
    let folder = folder(&opened, &RedactionConfig::default()).unwrap();
    for (name, old) in [("text-2", key.as_bytes()), ("text-2-index", b"x"), ("structure", b"MWSTRU01AKIA")] {
        std::fs::write(folder.join(name), old).unwrap();
    }
    let history = indexed(&opened, &bad);
    let kept = kept_bytes(&folder);
    for secret in ["AKIA", token, "ops@example"] {
        assert!(memchr::memmem::find(&kept, secret.as_bytes()).is_none(), "{secret}");
    }
    assert!(memchr::memmem::find(&kept, b"def f(key=").is_some(), "the line itself is kept");
    let subjects: Vec<String> =
        (0..history.structure.len() as u32).map(|at| history.structure.commit(at).subject.clone()).collect();
    assert!(subjects.iter().any(|subject| subject.starts_with("Use [AWS_")), "{subjects:?}");
    assert!(subjects.contains(&"Add a default".to_owned()), "{subjects:?}");
}
