use super::*;
use crate::{BlameQuery, GrepQuery, PatternKind, blame, diff, grep, show};
use millwright_testkit::repository::TestRepo;

fn subjects(page: &LogPage<CommitSummary>) -> Vec<&str> {
    page.items.iter().map(|commit| commit.subject.as_str()).collect()
}

#[test]
fn filters_and_pages() {
    let repo = TestRepo::new();
    let first = repo.commit_as("Bea", "add parser", &[("src/parse.py", "a\n")]);
    repo.commit_as("Cyd", "docs: parser", &[("docs/x.md", "b\n")]);
    repo.commit_as("Bea", "fix -- weird\n\nbody mentions LEXER", &[("src/parse.py", "c\n"), ("-x", "d\n")]);
    let tip = repo.commit_as("Cyd", "rename [x*]", &[("src/lib/[x*].py", "e\n")]);
    let repo = Repo::open(&repo.work(), &repo.data()).unwrap();
    let check = |change: &dyn Fn(&mut LogQuery), expected: &[&str], more: bool| {
        let mut query = LogQuery { tip: tip.to_string(), ..LogQuery::default() };
        change(&mut query);
        let page = log(&repo, &query, &CancelFlag::default()).unwrap();
        assert_eq!((subjects(&page).as_slice(), page.more), (expected, more), "{query:?}");
    };
    let all = ["rename [x*]", "fix -- weird", "docs: parser", "add parser"];
    check(&|_| {}, &all, false);
    check(&|q| q.exclude = Some(first.to_string()), &all[..3], false);
    check(&|q| q.paths = vec!["src".into()], &[all[0], all[1], all[3]], false);
    check(&|q| q.paths = vec!["./src/parse.py".into()], &[all[1], all[3]], false);
    check(&|q| q.paths = vec!["*.md".into()], &[all[2]], false);
    check(&|q| q.paths = vec!["-x".into()], &[all[1]], false);
    check(&|q| q.paths = vec![":(exclude)src".into()], &[], false);
    check(&|q| q.author = Some("bea".into()), &[all[1], all[3]], false);
    check(&|q| q.grep = Some("lexer".into()), &[all[1]], false);
    check(&|q| q.grep = Some("[x*]".into()), &[all[0]], false);
    check(&|q| q.limit = 2, &all[..2], true);
    check(&|q| (q.skip, q.limit) = (2, 2), &all[2..], false);
    check(&|q| q.since = Some("2040-01-01".into()), &[], false);

    let cancelled = CancelFlag::default();
    cancelled.cancel();
    let query = LogQuery { tip: tip.to_string(), ..LogQuery::default() };
    assert!(matches!(log(&repo, &query, &cancelled), Err(RepoError::Cancelled)));
}

#[test]
fn pickaxe_names_commits_and_files() {
    let repo = TestRepo::new();
    repo.commit("start", &[("a.py", "x = 1\n"), ("b.py", "y = 1\n")]);
    let added = repo.commit("add call", &[("a.py", "x = 1\nfetch(x)\n"), ("b.py", "fetch(y)\n")]);
    let moved = repo.commit("touch line", &[("a.py", "x = 1\nfetch(x + 1)\n")]);
    let removed = repo.commit("drop call", &[("b.py", "y = 2\n")]);
    let tip = repo.head();
    let repo = Repo::open(&repo.work(), &repo.data()).unwrap();
    let check = |text: &str, mode: PickaxeMode, paths: &[&str], expected: &[(&str, &[&str])]| {
        let paths = paths.iter().map(|path| (*path).to_owned()).collect();
        let query = LogQuery { tip: tip.to_string(), paths, limit: 10, ..LogQuery::default() };
        let page = pickaxe(&repo, &query, text, mode, &CancelFlag::default()).unwrap();
        let found: Vec<(&str, Vec<&str>)> = page
            .items
            .iter()
            .map(|hit| (hit.commit.id.as_str(), hit.files.iter().map(String::as_str).collect()))
            .collect();
        let expected: Vec<_> = expected.iter().map(|(id, files)| (*id, files.to_vec())).collect();
        assert_eq!(found, expected, "{text} {mode:?}");
    };
    check("fetch(", PickaxeMode::Occurrences, &[], &[(&removed, &["b.py"]), (&added, &["a.py", "b.py"])]);
    check("fetch(", PickaxeMode::Occurrences, &["a.py"], &[(&added, &["a.py"])]);
    check("fetch\\(.*1", PickaxeMode::ChangedLines, &[], &[(&moved, &["a.py"])]);
    check("nowhere", PickaxeMode::Occurrences, &[], &[]);
    assert!(matches!(
        pickaxe(&repo, &LogQuery::default(), "", PickaxeMode::Occurrences, &CancelFlag::default()),
        Err(RepoError::Malformed { .. })
    ));
}

#[test]
fn the_graph_of_a_range_keeps_children_before_parents() {
    let repo = TestRepo::new();
    let good = repo.commit("good", &[("a", "1")]);
    let one = repo.commit("one", &[("a", "2")]);
    repo.git(&["checkout", "--quiet", "-b", "side", &good]);
    let side = repo.commit("side", &[("b", "1")]);
    repo.git(&["checkout", "--quiet", "main"]);
    repo.git(&["merge", "--quiet", "--no-ff", "--message", "merge side", "side"]);
    let merge = repo.head();
    let repo = Repo::open(&repo.work(), &repo.data()).unwrap();
    let nodes = range_graph(&repo, Some(&good), &merge).unwrap();
    assert_eq!(nodes.len(), 3);
    assert_eq!((nodes[0].id.as_str(), nodes[0].subject.as_str()), (merge.as_str(), "merge side"));
    assert_eq!(nodes[0].parents, [one.clone(), side.clone()]);
    let place = |id: &str| nodes.iter().position(|node| node.id == id);
    assert!(place(&one).is_some() && place(&side).is_some() && place(&good).is_none());
    assert_eq!(range_graph(&repo, None, &merge).unwrap().len(), 4);

    let detail = show(&repo, &merge, &[], 1 << 20, &CancelFlag::default()).unwrap();
    let files: Vec<_> = detail.diff.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(files, ["b"], "a merge is shown against its first parent");
}

#[test]
fn shows_patches_renames_binaries_and_invalid_text() {
    let repo = TestRepo::new();
    let body: String = (0..30).map(|n| format!("line {n}\n")).collect();
    let root = repo.commit("root", &[("old.txt", &body), ("wide name ü.txt", "a\n")]);
    repo.git(&["mv", "old.txt", "new.txt"]);
    std::fs::write(repo.work().join("blob.bin"), [0_u8, 1, 2, 255]).unwrap();
    std::fs::write(repo.work().join("latin.txt"), b"caf\xe9\n").unwrap();
    let second = repo.commit("second\n\nbody line", &[("wide name ü.txt", "b\n")]);
    let repo = Repo::open(&repo.work(), &repo.data()).unwrap();
    let cancel = CancelFlag::default();

    let detail = show(&repo, &second, &[], 1 << 20, &cancel).unwrap();
    assert_eq!(detail.message, "second\n\nbody line");
    let files: Vec<_> = detail
        .diff
        .files
        .iter()
        .map(|f| format!("{} {:?} {:?} {:?}", f.path, f.old_path, f.added, f.removed))
        .collect();
    insta::assert_snapshot!(files.join("\n"), @r#"
    blob.bin None None None
    latin.txt None Some(1) Some(0)
    new.txt Some("old.txt") Some(0) Some(0)
    wide name ü.txt None Some(1) Some(1)
    "#);
    assert!(detail.diff.patch.contains("caf\u{fffd}"));
    assert!(!detail.diff.truncated);

    let detail = show(&repo, &root, &["wide name ü.txt".into()], 1 << 20, &cancel).unwrap();
    assert!(detail.diff.patch.contains("+a\n") && !detail.diff.patch.contains("line 3"), "{detail:?}");
    let cut = show(&repo, &root, &[], 200, &cancel).unwrap();
    assert!(cut.diff.truncated && cut.diff.patch.len() <= 200 && cut.diff.patch.ends_with('\n'));
    assert_eq!(cut.diff.files.len(), 2);

    let back = diff(&repo, &second, &root, &["*.txt".into()], 1 << 20, &cancel).unwrap();
    assert!(back.patch.contains("-b\n+a\n"), "{}", back.patch);
    assert!(matches!(
        show(&repo, &CommitId::parse(&"1".repeat(40)).unwrap(), &[], 100, &cancel),
        Err(RepoError::Git(_) | RepoError::UnknownRevision { .. })
    ));
}

#[test]
fn blames_inside_a_range() {
    let repo = TestRepo::new();
    let first = repo.commit_as("Bea", "first", &[("a.py", "one\ntwo\nthree\nfour\n")]);
    let second = repo.commit_as("Cyd", "second", &[("a.py", "one\nTWO\n  three\nfour\n")]);
    repo.git(&["mv", "a.py", "b.py"]);
    let tip = repo.commit("third", &[]);
    let repo = Repo::open(&repo.work(), &repo.data()).unwrap();
    let cancel = CancelFlag::default();
    let ask = |good: Option<&CommitId>, path: &str, start, end| {
        let good = good.cloned();
        let query = BlameQuery { bad: tip.clone(), good, path: path.into(), start, end };
        blame(&repo, &query, &cancel)
    };
    let short = |spans: Vec<crate::BlameSpan>| -> Vec<(CommitId, bool, u32, u32)> {
        spans.into_iter().map(|span| (span.commit, span.boundary, span.start, span.end)).collect()
    };
    let all = ask(None, "b.py", 1, 99).unwrap();
    assert_eq!((all[1].author.as_str(), all[1].original_path.as_str()), ("Cyd", "a.py"));
    assert_eq!(all[1].lines, ["TWO"]);
    assert_eq!(
        short(all),
        [(first.clone(), true, 1, 1), (second.clone(), false, 2, 2), (first.clone(), true, 3, 4)],
        "indentation is no change; a root commit is a boundary"
    );
    assert_eq!(
        short(ask(Some(&second), "b.py", 1, 2).unwrap()).iter().map(|span| span.1).collect::<Vec<_>>(),
        [true],
        "nothing happened after `good`"
    );
    assert_eq!(short(ask(Some(&first), "b.py", 2, 2).unwrap()), [(second, false, 2, 2)]);
    assert!(matches!(ask(None, "b.py", 5, 9), Err(RepoError::LineRange { lines: 4, .. })));
    assert!(matches!(ask(None, "b.py", 0, 1), Err(RepoError::LineRange { .. })));
    assert!(matches!(ask(None, "a.py", 1, 1), Err(RepoError::NoSuchPath { .. })));
}

#[test]
fn greps_a_revision() {
    let repo = TestRepo::new();
    repo.commit("old", &[("src/a.py", "alpha(1)\nBeta\nalphabet\n"), ("b.txt", "alpha\n")]);
    let old = repo.head();
    std::fs::write(repo.work().join("x.bin"), b"\0alpha\n").unwrap();
    repo.commit("new", &[("src/a.py", "nothing\n")]);
    let repo = Repo::open(&repo.work(), &repo.data()).unwrap();
    let ask = |pattern: &str, kind, ignore_case, paths: &[&str], skip, limit| {
        let paths = paths.iter().map(|path| (*path).to_owned()).collect();
        let query = GrepQuery {
            revision: old.to_string(),
            pattern: pattern.into(),
            kind,
            ignore_case,
            paths,
            skip,
            limit,
        };
        grep(&repo, &query, &CancelFlag::default())
    };
    let check = |pattern: &str, kind, ignore_case, paths: &[&str], expected: &[(&str, u32)]| {
        let result = ask(pattern, kind, ignore_case, paths, 0, 10).unwrap();
        let hits: Vec<_> = result.hits.iter().map(|hit| (hit.path.as_str(), hit.line)).collect();
        assert_eq!(hits, expected, "{pattern}");
    };
    check("alpha", PatternKind::Fixed, false, &[], &[("b.txt", 1), ("src/a.py", 1), ("src/a.py", 3)]);
    check("alpha", PatternKind::Word, false, &["*.py"], &[("src/a.py", 1)]);
    check("beta", PatternKind::Fixed, true, &["src"], &[("src/a.py", 2)]);
    check("^alpha\\(", PatternKind::Regex, false, &[], &[("src/a.py", 1)]);
    check("-e", PatternKind::Fixed, false, &[], &[]);
    check("gamma", PatternKind::Fixed, false, &[], &[]);
    let page = ask("alpha", PatternKind::Fixed, false, &[], 1, 1).unwrap();
    assert_eq!(
        (page.total, page.hits[0].path.as_str(), page.hits[0].text.as_str()),
        (3, "src/a.py", "alpha(1)")
    );
    assert!(matches!(ask("a(", PatternKind::Regex, false, &[], 0, 1), Err(RepoError::Malformed { .. })));
    assert!(matches!(ask("", PatternKind::Fixed, false, &[], 0, 1), Err(RepoError::Malformed { .. })));
}
