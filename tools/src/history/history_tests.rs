use super::testing::{Change, TestRepo};
use super::*;
use Change::{Bytes, Delete, Executable, Rename, Submodule, Write};

/// Everything the index says of `good..bad`, in a form that does not depend on how it was built.
fn describe(history: &History, bad: &str, good: Option<&str>) -> Vec<String> {
    let structure = &history.structure;
    let position = |id: &str| structure.position(&parse_id(id).unwrap()).unwrap();
    let range = structure.range(position(bad), good.map(position));
    let mut lines: Vec<String> = Vec::new();
    for position in range {
        let commit = structure.commit(position);
        let parents: Vec<String> = commit.parents.iter().map(|p| structure.commit(*p).hex()).collect();
        let files: Vec<String> = commit
            .files
            .iter()
            .map(|(status, path)| format!("{}{}", *status as char, structure.path(*path)))
            .collect();
        let text = history.text.get(structure, position).unwrap();
        let text = text.map(|text| (text.files, text.fields));
        lines.push(format!("{} {parents:?} {} {files:?} {text:?}", commit.hex(), commit.subject));
    }
    lines.sort();
    lines
}

fn indexed(repo: &Repo, bad: &str) -> History {
    let mut history = History::open(repo, bad).unwrap();
    let bad = history.structure.position(&parse_id(bad).unwrap()).unwrap();
    let range = history.structure.range(bad, None);
    history.text.ensure(repo, &history.structure, &range).unwrap();
    history
}

/// A repository with a side branch that is merged, a second root, and all kinds of changes.
fn odd_repository() -> (TestRepo, Vec<String>) {
    let mut repo = TestRepo::new();
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
    let history = indexed(&repo.open("data"), bad);
    assert_eq!(describe(&history, bad, None).len(), 10);
    let text = |mark: usize| {
        let position = history.structure.position(&parse_id(&ids[mark - 1]).unwrap()).unwrap();
        history.text.get(&history.structure, position).unwrap().unwrap()
    };
    let evil = text(4);
    assert_eq!(evil.field(Field::SourceAdded).count(hash_token("evil")), 1, "{evil:?}");
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
    let grown = repo.open("grown");
    for bad in [&ids[1], &ids[2], &ids[6], &ids[9]] {
        indexed(&grown, bad);
    }
    let fresh = indexed(&repo.open("fresh"), &ids[9]);
    for bad in [&ids[9], &ids[3], &ids[2]] {
        assert_eq!(describe(&indexed(&grown, &ids[9]), bad, None), describe(&fresh, bad, None));
    }
}

#[test]
fn patches_read_ahead_are_those_of_the_range() {
    let (repo, ids) = odd_repository();
    let (bad, good) = (&ids[9], Some(ids[1].as_str()));
    let opened = repo.open("ahead");
    let (ahead, read) = History::open_range(&opened, bad, good).unwrap();
    let described = describe(&ahead, bad, good);
    assert_eq!(read, described.len());
    assert_eq!(described, describe(&indexed(&repo.open("fresh"), bad), bad, good));
    let (again, read) = History::open_range(&opened, bad, good).unwrap();
    assert_eq!((read, described), (0, describe(&again, bad, good)));
}

#[test]
fn only_what_bad_reaches_is_a_candidate() {
    let mut repo = TestRepo::new();
    repo.commit("Base", &[Write("a.py", "1\n")]);
    repo.commit("Bad", &[Write("a.py", "2\n")]);
    repo.commit("The future", &[Write("a.py", "3\n")]);
    repo.commit_on("side", &[1], "Elsewhere", &[Write("b.py", "1\n")]);
    let ids = repo.import();
    let opened = repo.open("data");
    indexed(&opened, &ids[2]);
    indexed(&opened, &ids[3]);
    let history = History::open(&opened, &ids[1]).unwrap();
    let subjects = |good: Option<&str>| -> Vec<String> {
        let position = |id: &str| history.structure.position(&parse_id(id).unwrap()).unwrap();
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
    let opened = repo.open("data");
    let whole = describe(&indexed(&opened, &ids[9]), &ids[9], None);
    let folder = opened.data().join("history");
    let files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    let data: Vec<_> = files.iter().filter(|path| path.metadata().unwrap().len() > 0).collect();
    assert!(data.len() >= 3, "{files:?}");
    for path in data {
        for part in 0..4 {
            // Read anew: what was cut off has been written again, in whatever order.
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
    let opened = repo.open("data");
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
    let opened = repo.open("data");
    assert!(opened.is_shallow());
    assert_eq!(describe(&indexed(&opened, &ids[9]), &ids[9], None).len(), 4);
    std::fs::remove_file(&shallow).unwrap();
    std::fs::remove_file(opened.borrowed().join("shallow")).unwrap();
    assert_eq!(describe(&indexed(&repo.open("data"), &ids[9]), &ids[9], None).len(), 10);
}

#[test]
fn an_unknown_revision_is_said_so() {
    let (repo, _) = odd_repository();
    let error = History::open(&repo.open("data"), &"ab".repeat(20)).unwrap_err();
    assert!(matches!(error, HistoryError::Git(_) | HistoryError::UnknownCommit(_)), "{error}");
}
