use std::path::PathBuf;

use super::*;
use millwright_testkit::repository::{TestRepo, snapshot};

fn two_commits() -> (TestRepo, CommitId, CommitId) {
    let repo = TestRepo::new();
    let first = repo.commit("first", &[("a.txt", "1\n")]);
    let second = repo.commit("second", &[("a.txt", "2\n")]);
    (repo, first, second)
}

fn error_of(path: &Path, data: &Path) -> String {
    let error = Repo::open(path, data).err().unwrap_or_else(|| panic!("{path:?} should not open"));
    error.to_string().replace(&*path.to_string_lossy(), "PATH")
}

#[test]
fn resolves_what_people_write() {
    let (repo, first, second) = two_commits();
    repo.git(&["tag", "--annotate", "v1", "--message", "v1", &first]);
    repo.git(&["tag", "light", &first]);
    repo.git(&["branch", "feature/x", &first]);
    repo.git(&["update-ref", "refs/remotes/origin/main", &second]);
    repo.git(&["symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main"]);
    let check_all = |opened: &Repo| {
        for (revision, expected) in [
            ("HEAD", &second),
            ("@", &second),
            ("HEAD~1", &first),
            ("@^", &first),
            ("main", &second),
            ("main^{commit}", &second),
            ("refs/heads/main", &second),
            ("heads/main", &second),
            ("feature/x", &first),
            ("v1", &first),
            ("v1^0", &first),
            ("light", &first),
            ("origin", &second),
            ("origin/main~1", &first),
            (&first, &first),
            (&first[..7], &first),
        ] {
            assert_eq!(opened.resolve(revision).as_ref().ok(), Some(expected), "{revision}");
        }
        let wrong = [
            "",
            "nothing",
            "main~9",
            "main:a.txt",
            ":/first",
            "HEAD@{1}",
            "../HEAD",
            "a..b",
            "--all",
            "~1",
            "v1^{tree}",
            "refs/heads/../heads/main",
            "config",
            "zz\0",
        ];
        for revision in wrong {
            let error = opened.resolve(revision);
            assert!(matches!(error, Err(RepoError::UnknownRevision { .. })), "{revision:?}: {error:?}");
        }
    };
    check_all(&Repo::open(&repo.work(), &repo.data()).unwrap());
    repo.git(&["pack-refs", "--all"]);
    repo.git(&["gc", "--quiet"]);
    check_all(&Repo::open(&repo.work(), &repo.data()).unwrap());

    let opened = Repo::open(&repo.work(), &repo.data()).unwrap();
    assert!(opened.require_ancestor(&first, &second).is_ok());
    assert!(matches!(opened.require_ancestor(&second, &first), Err(RepoError::NotAnAncestor { .. })));
    assert!(opened.require_ancestor(&first, &first).is_err());
}

#[test]
fn opens_bare_worktree_submodule_and_borrowing_clones() {
    let (repo, first, second) = two_commits();
    let work = repo.work().to_string_lossy().into_owned();
    let check = |path: PathBuf, head: &str| {
        let opened = Repo::open(&path, &repo.data()).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        assert_eq!(opened.resolve("HEAD").unwrap(), head, "{path:?}");
        assert_eq!(crate::files_at(&opened, head).unwrap(), ["a.txt"], "{path:?}");
        assert!(!opened.git().args(["log", "-p", head]).output().unwrap().is_empty(), "{path:?}");
        opened
    };
    check(repo.work(), &second);
    check(repo.git_dir(), &second);
    std::fs::create_dir(repo.work().join("deep")).unwrap();
    let opened = check(repo.work().join("deep"), &second);
    assert!(!opened.is_shallow());

    let beside = |name: &str| repo.beside(name);
    let spelled = |name: &str| repo.beside(name).to_string_lossy().into_owned();
    check(repo.clone(&["--bare", &work], "bare.git"), &second);
    repo.git(&["worktree", "add", "--quiet", "--detach", &spelled("linked"), &first]);
    check(beside("linked"), &first);
    repo.clone(&["--shared", &work], "shared");
    repo.clone(&["--shared", &spelled("shared")], "shared2");
    // A chain of alternates. The second one is relative, which git itself only follows at the first level.
    let alternates = beside("shared").join(".git/objects/info/alternates");
    std::fs::write(alternates, "# comment\n\n../../../repo/.git/objects\n/nowhere/objects\n").unwrap();
    check(beside("shared2"), &second);

    // A submodule's checkout: a `.git` file that points into the superproject.
    let modules = repo.beside("super/.git/modules");
    std::fs::create_dir_all(&modules).unwrap();
    repo.clone(&["--bare", &work], "super/.git/modules/lib");
    std::fs::create_dir_all(beside("super/lib")).unwrap();
    std::fs::write(beside("super/lib/.git"), "gitdir: ../.git/modules/lib\n").unwrap();
    check(beside("super/lib"), &second);
}

#[test]
fn what_cannot_be_read_is_one_clear_error() {
    let (repo, first, _) = two_commits();
    let data = repo.data();
    std::fs::create_dir_all(repo.beside("plain")).unwrap();
    insta::assert_snapshot!(error_of(&repo.beside("plain"), &data), @"PATH is not a git repository; give the folder of a clone with --repo");
    insta::assert_snapshot!(error_of(&repo.beside("absent"), &data), @"PATH is not a git repository; give the folder of a clone with --repo");
    std::fs::create_dir_all(repo.beside("loop")).unwrap();
    std::fs::write(repo.beside("loop/.git"), "gitdir: /nowhere\n").unwrap();
    insta::assert_snapshot!(error_of(&repo.beside("loop"), &data), @"PATH is not a git repository; give the folder of a clone with --repo");

    let empty = TestRepo::new();
    insta::assert_snapshot!(error_of(&empty.work(), &data), @"PATH has no commits yet; there is no history to investigate");
    assert!(
        error_of(&repo.work(), &repo.git_dir().join("millwright")).contains("is inside the git directory")
    );

    let sha256 = repo.beside("sha256");
    std::fs::create_dir(&sha256).unwrap();
    let init = trusted::git(&sha256.join(".git")).args(["init", "--quiet", "--object-format=sha256"]);
    init.work_tree(&sha256).output().unwrap();
    insta::assert_snapshot!(error_of(&sha256, &data), @"PATH uses the sha256 object format; only sha1 repositories can be read so far");

    let url = format!("file://{}", repo.work().display());
    repo.clone(&["--depth=1", &url], "shallow");
    let shallow = Repo::open(&repo.beside("shallow"), &data).unwrap();
    assert!(shallow.is_shallow());
    assert_eq!(
        shallow.git().args(["rev-list", "--count", &shallow.resolve("HEAD").unwrap()]).output().unwrap(),
        b"1\n"
    );
    for revision in ["HEAD~1", &first] {
        let error = shallow.resolve(revision).unwrap_err().to_string();
        assert!(error.contains("git fetch --unshallow"), "{error}");
    }

    repo.git(&["config", "uploadpack.allowFilter", "true"]);
    repo.clone(&["--bare", "--filter=blob:none", &url], "partial");
    assert!(Repo::open(&repo.beside("partial"), &data).unwrap().lacks_contents());
    repo.clone(&["--bare", "--filter=tree:0", &url], "treeless");
    insta::assert_snapshot!(error_of(&repo.beside("treeless"), &data), @"PATH is a partial clone without the folders of its commits (they are only at its remote); run `git -C PATH fetch --refetch --filter=blob:none` first, or `--no-filter` to have the contents of files, too; Millwright never fetches by itself here");
    repo.clone(&["--bare", &url], "complete");
    assert!(!Repo::open(&repo.beside("complete"), &data).unwrap().lacks_contents());

    // HEAD names a branch that does not exist, while others do: a mirror whose default branch was renamed.
    repo.git(&["symbolic-ref", "HEAD", "refs/heads/gone"]);
    let error = Repo::open(&repo.work(), &repo.data()).unwrap().resolve("HEAD").unwrap_err().to_string();
    assert!(error.contains("HEAD points at refs/heads/gone, which has no commits"), "{error}");
    repo.git(&["symbolic-ref", "HEAD", "refs/heads/main"]);

    // Damage: the objects are deleted, the references remain.
    let objects = repo.git_dir().join("objects");
    std::fs::rename(&objects, repo.beside("objects")).unwrap();
    std::fs::create_dir(&objects).unwrap();
    let error = Repo::open(&repo.work(), &repo.data()).unwrap().resolve("main").unwrap_err().to_string();
    assert!(error.contains("is missing from") && error.contains("git fsck"), "{error}");
}

/// Every setting of a repository that makes git run or read something.
#[test]
fn hostile_configuration_is_never_read_and_nothing_changes() {
    let (repo, first, second) = two_commits();
    let trap = repo.beside("trap");
    let script = repo.beside("evil.sh");
    std::fs::write(&script, format!("#!/bin/sh\ntouch {}\ncat\n", trap.display())).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&script, mode).unwrap();
    let evil = script.display();
    let fifo = repo.beside("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    std::fs::write(
        repo.git_dir().join("config"),
        format!(
            "[include]\n\tpath = {fifo}\n[core]\n\trepositoryformatversion = 0\n\tbare = false\n\
             \tfsmonitor = {evil}\n\thooksPath = {hooks}\n\tpager = {evil}\n\tsshCommand = {evil}\n\
             \talternateRefsCommand = {evil}\n\tgitProxy = {evil}\n\tworktree = /etc\n\tattributesFile = {fifo}\n\
             [diff \"evil\"]\n\ttextconv = {evil}\n\tcommand = {evil}\n\
             [diff]\n\texternal = {evil}\n[filter \"evil\"]\n\tsmudge = {evil}\n\tclean = {evil}\n\tprocess = {evil}\n\
             [gpg]\n\tprogram = {evil}\n[log]\n\tshowSignature = true\n[alias]\n\tlog = !{evil}\n\tgrep = !{evil}\n\
             [extensions]\n\tworktreeConfig = true\n[blame]\n\tignoreRevsFile = {fifo}\n[safe]\n\tdirectory = nothing\n",
            fifo = fifo.display(),
            hooks = repo.beside("").display(),
        ),
    )
    .unwrap();
    std::fs::create_dir_all(repo.git_dir().join("info")).unwrap();
    std::fs::write(repo.git_dir().join("info/attributes"), "* diff=evil filter=evil\n").unwrap();
    std::fs::create_dir_all(repo.git_dir().join("refs/replace")).unwrap();
    std::fs::write(repo.git_dir().join("refs/replace").join(second.as_str()), first.as_str()).unwrap();
    std::fs::create_dir_all(repo.git_dir().join("hooks")).unwrap();
    std::fs::copy(&script, repo.git_dir().join("hooks/post-checkout")).unwrap();
    std::fs::write(repo.work().join(".gitattributes"), "* diff=evil filter=evil\n").unwrap();
    if nix::unistd::getuid().is_root() {
        // A repository of another owner: git would report dubious ownership.
        for file in snapshot(&repo.work()).keys() {
            std::os::unix::fs::lchown(file, Some(12345), Some(12345)).unwrap();
        }
        std::os::unix::fs::chown(repo.work(), Some(12345), Some(12345)).unwrap();
    } else {
        println!("not root: the part about another user's repository is skipped");
    }

    let before = snapshot(&repo.work());
    let opened = Repo::open(&repo.work(), &repo.data()).unwrap();
    let cancel = millwright_sandbox::CancelFlag::default();
    let bad = opened.resolve("main").unwrap();
    assert_eq!(bad, second, "replacements are not followed");
    let shown = crate::show(&opened, &bad, &[], 1 << 20, &cancel).unwrap();
    assert!(shown.diff.patch.contains("-1\n+2\n"));
    crate::diff(&opened, &first, &bad, &[], 1 << 20, &cancel).unwrap();
    let query = crate::BlameQuery { bad: bad.clone(), good: None, path: "a.txt".into(), start: 1, end: 1 };
    assert_eq!(crate::blame(&opened, &query, &cancel).unwrap()[0].commit, second);
    let query = crate::GrepQuery {
        revision: bad.to_string(),
        pattern: "2".into(),
        kind: crate::PatternKind::Fixed,
        ignore_case: false,
        paths: Vec::new(),
        skip: 0,
        limit: 5,
    };
    assert_eq!(crate::grep(&opened, &query, &cancel).unwrap().total, 1);
    assert_eq!(crate::range_graph(&opened, Some(&first), &bad).unwrap().len(), 1);
    crate::who_to_ask(&opened, &bad, &["a.txt".into()], &cancel).unwrap();
    opened.identity().unwrap();
    assert!(!trap.exists(), "something of the repository's was run");
    assert_eq!(snapshot(&repo.work()), before);
}

#[test]
fn many_may_open_one_repository_at_once() {
    let repo = TestRepo::new();
    let head = repo.commit("one", &[("a", "1")]);
    let (work, data) = (repo.work(), repo.data());
    let together = std::sync::Barrier::new(8);
    std::thread::scope(|scope| {
        let open = || {
            for round in 0..20 {
                // Every thread of a round prepares the same new folder at the same moment.
                together.wait();
                let opened = Repo::open(&work, &data.join(round.to_string())).unwrap();
                assert_eq!(opened.resolve("HEAD").unwrap(), head);
            }
        };
        for _ in 0..8 {
            scope.spawn(open);
        }
    });
}
